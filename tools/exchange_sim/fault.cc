// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
#include "tools/exchange_sim/fault.h"

#include <algorithm>
#include <utility>

namespace wirebook::sim {
namespace {

constexpr std::pair<std::string_view, FaultKind> kFaults[] = {
    {"none", FaultKind::kNone},
    {"gap", FaultKind::kGap},
    {"duplicate", FaultKind::kDuplicate},
    {"reorder", FaultKind::kReorder},
    {"stale-snapshot", FaultKind::kStaleSnapshot},
    {"checksum", FaultKind::kChecksum},
    {"crossed", FaultKind::kCrossed},
    {"mute-symbol", FaultKind::kMuteSymbol},
    {"mute-socket", FaultKind::kMuteSocket},
    {"restart-sequence", FaultKind::kRestartSequence},
    {"drop-connection", FaultKind::kDropConnection},
    {"slow-drip", FaultKind::kSlowDrip},
    {"garbage", FaultKind::kGarbage},
};

// FNV-1a.
std::uint64_t hash_of(std::string_view text) {
  std::uint64_t hash = 14695981039346656037u;
  for (const char c : text) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211u;
  }
  return hash;
}

}  // namespace

std::optional<FaultKind> find_fault(std::string_view name) {
  for (const auto& [text, kind] : kFaults) {
    if (text == name) return kind;
  }
  return std::nullopt;
}

std::vector<std::string> fault_names() {
  std::vector<std::string> out;
  for (const auto& [text, kind] : kFaults) out.emplace_back(text);
  return out;
}

FaultClock::FaultClock(const FaultOptions& options, std::string_view topic)
    : every_(std::max<std::uint64_t>(1, options.every)),
      left_(options.kind == FaultKind::kNone ? 0 : options.count),
      random_(options.seed ^ hash_of(topic)) {
  wind();
}

void FaultClock::wind() { countdown_ = every_ / 2 + below(every_) + 1; }

bool FaultClock::due() {
  if (left_ == 0 || --countdown_ != 0) return false;
  --left_;
  wind();
  return true;
}

std::string garbage_for(const std::string& message, FaultClock& clock) {
  switch (clock.below(3)) {
    case 0:  // ends early
      return message.substr(0, message.size() / 2);
    case 1:  // of the right size, and nothing right in it
      return std::string(message.size(), '#');
    default: {  // a bracket that closes nothing
      std::string out = message;
      out[out.rfind(']')] = '}';
      return out;
    }
  }
}

}  // namespace wirebook::sim
