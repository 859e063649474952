// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// Secret: a password as an option, whose every copy is wiped when it goes.
//
// For set-up. It prints nowhere: there is no conversion to a string, only
// view(), which is to be used and not kept.
//
//   ProxyOptions proxy{.url = "socks5://10.0.0.1:1080", .user = "me",
//                      .password = Secret(read_file("/run/secrets/proxy"))};

#ifndef WIREBOOK_NET_SECRET_H_
#define WIREBOOK_NET_SECRET_H_

#include <openssl/crypto.h>

#include <cstddef>
#include <cstring>
#include <memory>
#include <string_view>
#include <utility>

namespace wirebook {

class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string_view text) : size_(text.size()) {
    if (size_ == 0) return;
    bytes_ = std::make_unique<char[]>(size_);
    std::memcpy(bytes_.get(), text.data(), size_);
  }
  Secret(const Secret& other) : Secret(other.view()) {}
  Secret(Secret&& other) noexcept { swap(other); }
  Secret& operator=(Secret other) noexcept {
    swap(other);
    return *this;
  }
  ~Secret() {
    if (size_ != 0) OPENSSL_cleanse(bytes_.get(), size_);
  }

  std::string_view view() const noexcept { return {bytes_.get(), size_}; }
  bool empty() const noexcept { return size_ == 0; }

 private:
  void swap(Secret& other) noexcept {
    std::swap(bytes_, other.bytes_);
    std::swap(size_, other.size_);
  }

  std::unique_ptr<char[]> bytes_;  // never moved by growing, as a string's
  size_t size_ = 0;
};

}  // namespace wirebook

#endif  // WIREBOOK_NET_SECRET_H_
