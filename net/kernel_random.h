// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// KernelRandom: unpredictable bytes from the kernel's generator, fetched in
// batches.
//
// For masks and keys, which a server must not be able to predict; a seeded
// generator serves simulations better. One thread. One getrandom() per 256
// bytes; it cannot fail once the system has booted, and if it does the process
// ends.
//
//   wirebook::KernelRandom random;
//   uint32_t mask = random.next32();

#ifndef WIREBOOK_NET_KERNEL_RANDOM_H_
#define WIREBOOK_NET_KERNEL_RANDOM_H_

#include <sys/random.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace wirebook {

class KernelRandom {
 public:
  // At most 256 bytes.
  void fill(void* data, size_t size) noexcept {
    if (sizeof(buffer_) - used_ < size) refill();
    std::memcpy(data, buffer_ + used_, size);
    // What was handed out is not kept.
    std::memset(buffer_ + used_, 0, size);
    used_ += size;
  }

  uint32_t next32() noexcept {
    uint32_t value;
    fill(&value, sizeof(value));
    return value;
  }

 private:
  void refill() noexcept {
    // 256 bytes and less come whole (getrandom(2)).
    while (getrandom(buffer_, sizeof(buffer_), 0) !=
           static_cast<ssize_t>(sizeof(buffer_))) {
      if (errno == EINTR) continue;
      std::fprintf(stderr, "wirebook::KernelRandom %p: getrandom: %s\n",
                   static_cast<void*>(this), std::strerror(errno));
      std::abort();
    }
    used_ = 0;
  }

  unsigned char buffer_[256] = {};
  size_t used_ = sizeof(buffer_);
};

}  // namespace wirebook

#endif  // WIREBOOK_NET_KERNEL_RANDOM_H_
