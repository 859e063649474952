// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// WaitMode: what a thread does while nothing happens.
//
// kSpin costs a whole core and gives the lowest latency; kSleep costs nothing
// while idle and a wake-up (5 us and more) per burst; kAdaptive spins for a
// while after the last event, then sleeps.
//
//   auto mode = wirebook::parse_wait_mode("spin");   // from a configuration

#ifndef WIREBOOK_NET_WAIT_MODE_H_
#define WIREBOOK_NET_WAIT_MODE_H_

#include <cstdint>
#include <optional>
#include <string_view>

namespace wirebook {

enum class WaitMode : uint8_t { kSpin, kAdaptive, kSleep };

constexpr std::string_view wait_mode_name(WaitMode mode) {
  switch (mode) {
    case WaitMode::kSpin:
      return "spin";
    case WaitMode::kAdaptive:
      return "adaptive";
    case WaitMode::kSleep:
      return "sleep";
  }
  return "?";
}

// Nothing if `text` is none of "spin", "adaptive", "sleep".
constexpr std::optional<WaitMode> parse_wait_mode(std::string_view text) {
  for (const WaitMode mode :
       {WaitMode::kSpin, WaitMode::kAdaptive, WaitMode::kSleep}) {
    if (text == wait_mode_name(mode)) return mode;
  }
  return std::nullopt;
}

}  // namespace wirebook

#endif  // WIREBOOK_NET_WAIT_MODE_H_
