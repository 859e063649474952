// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// HeardTimes: how far a stream has come whose messages bear times and nothing
// else, where times go back and where one of them is wrong.
//
// Use it where a snapshot must reach all that was heard and forgotten, because
// nothing tells what is missing (rest_snapshot_sync.h, order_sync.h). Where
// messages have ids, these tell.
//
// The limit: a delay is at most a minute. Where sixteen messages in a row are
// further behind than that, what they are behind was wrong, and the stream has
// come as far as all others. Sixteen that are a minute late, in a row, would be
// taken for that. Thread rules: one thread. Cost: a few compares.
//
//   HeardTimes times;
//   times.hear(1'000);
//   times.hear(900);   // late
//   times.reach();     // 1'000

#ifndef WIREBOOK_LOB_HEARD_TIMES_H_
#define WIREBOOK_LOB_HEARD_TIMES_H_

#include <algorithm>
#include <cstdint>

namespace wirebook {

class HeardTimes {
 public:
  static constexpr uint64_t kDelayMicros = 60'000'000;
  static constexpr int kWrong = 16;

  // The latest time heard that was not wrong, in microseconds.
  uint64_t reach() const noexcept { return reach_; }

  // True where this one shows that the reach was wrong.
  bool hear(uint64_t micros) noexcept {
    if (is_far(micros, reach_)) {
      others_ = std::max(others_, micros);
      if (++behind_ < kWrong) return false;
      reach_ = others_;
      others_ = 0;
      behind_ = 0;
      alone_ = false;
      return true;
    }
    behind_ = 0;
    const bool jump = reach_ != 0 && is_far(reach_, micros);
    // Of several that jump ahead each may be wrong.
    if (jump && !alone_) others_ = reach_;
    alone_ = jump;
    reach_ = std::max(reach_, micros);
    return false;
  }

  static constexpr bool is_far(uint64_t from, uint64_t to) noexcept {
    return to > from && to - from > kDelayMicros;
  }

 private:
  uint64_t reach_ = 0;
  uint64_t others_ = 0;  // the latest that is far behind
  int behind_ = 0;       // so many in a row
  bool alone_ = false;   // none is near the reach but itself
};

}  // namespace wirebook

#endif  // WIREBOOK_LOB_HEARD_TIMES_H_
