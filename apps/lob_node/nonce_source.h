// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

// NonceSource: numbers for signed requests, each above the one before, whatever
// the clock does: a venue refuses a nonce that is not.
//
// Thread rules: any; wait-free but for contention. Requests of several threads
// may still arrive in another order.
//
//   NonceSource nonces;
//   std::uint64_t nonce = nonces.next(unix_milliseconds);

#ifndef WIREBOOK_APPS_LOB_NODE_NONCE_SOURCE_H_
#define WIREBOOK_APPS_LOB_NODE_NONCE_SOURCE_H_

#include <algorithm>
#include <atomic>
#include <cstdint>

namespace wirebook {

class NonceSource {
 public:
  // `now` where that is more than the last one plus 1.
  std::uint64_t next(std::uint64_t now) noexcept {
    // relaxed: the number is all that it is about.
    std::uint64_t last = last_.load(std::memory_order_relaxed);
    std::uint64_t out = std::max(last + 1, now);
    while (!last_.compare_exchange_weak(last, out, std::memory_order_relaxed)) {
      out = std::max(last + 1, now);
    }
    return out;
  }

 private:
  std::atomic<std::uint64_t> last_{0};
};

}  // namespace wirebook

#endif  // WIREBOOK_APPS_LOB_NODE_NONCE_SOURCE_H_
