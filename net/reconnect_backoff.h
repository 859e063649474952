// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// ReconnectBackoff: how long to wait before the next attempt to connect.
//
// Exponential with jitter, so that a thousand clients of a server that fell
// over do not come back in step ("equal jitter": between `1 - jitter` and all
// of the exponential delay). A connection that stood for `stable_ns` counts as
// recovery: the next loss begins at `initial_ns` again.
//
// Pure data: time and randomness come in as arguments. One thread.
//
//   ReconnectBackoff backoff({});
//   backoff.connected(loop.now_ns());                  // in on_open
//   uint64_t delay = backoff.lost(loop.now_ns(), random.next32());  // on_close
//   loop.start_timer(&reconnect, delay);

#ifndef WIREBOOK_NET_RECONNECT_BACKOFF_H_
#define WIREBOOK_NET_RECONNECT_BACKOFF_H_

#include <algorithm>
#include <cstdint>

namespace wirebook {

struct ReconnectBackoffOptions {
  uint64_t initial_ns = 250'000'000;    // at least 1
  uint64_t max_ns = 30'000'000'000;     // initial_ns to 2^62
  double multiplier = 2.0;              // at least 1
  double jitter = 0.5;                  // 0 to 1: the part that is random
  uint64_t stable_ns = 60'000'000'000;  // a connection this old resets it
};

class ReconnectBackoff {
 public:
  explicit ReconnectBackoff(const ReconnectBackoffOptions& options)
      : options_(options), delay_ns_(options.initial_ns) {}

  // The connection stands.
  void connected(uint64_t now_ns) noexcept {
    connected_ = true;
    connected_at_ns_ = now_ns;
  }

  // The connection, or the attempt at one, has ended: ns to wait before the
  // next. `random` is 32 uniform bits.
  uint64_t lost(uint64_t now_ns, uint32_t random) noexcept {
    if (connected_ && now_ns - connected_at_ns_ >= options_.stable_ns) reset();
    connected_ = false;
    ++attempts_;
    const double full = static_cast<double>(delay_ns_);
    const double uniform = static_cast<double>(random) / 4294967296.0;
    const double wait = full * (1.0 - options_.jitter * uniform);
    delay_ns_ = static_cast<uint64_t>(std::min(
        full * options_.multiplier, static_cast<double>(options_.max_ns)));
    return static_cast<uint64_t>(wait);
  }

  void reset() noexcept {
    delay_ns_ = options_.initial_ns;
    attempts_ = 0;
  }

  // Losses since the last recovery.
  uint64_t attempts() const noexcept { return attempts_; }

 private:
  ReconnectBackoffOptions options_;
  uint64_t delay_ns_;
  uint64_t attempts_ = 0;
  bool connected_ = false;
  uint64_t connected_at_ns_ = 0;
};

}  // namespace wirebook

#endif  // WIREBOOK_NET_RECONNECT_BACKOFF_H_
