// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// Fills, as an order gateway hears them, handed from its thread to a risk
// thread: a pooled object for each, and only pointers in the ring.

#ifndef CONSUMER_FILL_TAPE_H_
#define CONSUMER_FILL_TAPE_H_

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "concurrency/spsc_ring.h"
#include "lob/fixed_point.h"
#include "memory/object_pool.h"

namespace consumer {

struct Fill {
  int64_t price_cents;
  int64_t quantity;
};

class FillTape {
 public:
  explicit FillTape(std::size_t capacity)
      : pool_({.initial_capacity = capacity}), ring_(capacity) {}

  ~FillTape() {
    take_all([](const Fill&) {});
  }

  FillTape(const FillTape&) = delete;
  FillTape& operator=(const FillTape&) = delete;

  // The gateway's thread. False where the price is no number of whole cents,
  // or the risk thread is `capacity` fills behind.
  bool add(std::string_view price, int64_t quantity) {
    int64_t cents;
    if (wirebook::parse_decimal(price, 2, &cents) !=
        wirebook::DecimalError::kOk) {
      return false;
    }
    wirebook::Pooled<Fill> fill = pool_.make(Fill{cents, quantity});
    if (!ring_.try_push(fill.get())) return false;
    static_cast<void>(fill.release());  // The ring has it now.
    return true;
  }

  // The risk thread: calls `risk` with each fill that has come.
  template <typename Risk>
  std::size_t take_all(Risk&& risk) {
    std::size_t taken = 0;
    while (Fill** slot = ring_.front()) {
      wirebook::Pooled<Fill> fill = pool_.adopt(*slot);
      ring_.pop();
      risk(*fill);
      ++taken;
    }
    return taken;
  }

 private:
  wirebook::ObjectPool<Fill> pool_;
  wirebook::SpscRing<Fill*> ring_;
};

}  // namespace consumer

#endif  // CONSUMER_FILL_TAPE_H_
