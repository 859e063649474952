// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// What `--fault` does to a venue's depth messages, and when: seeded, a bounded
// number of times for each subscription, in the flow's own count.
//
//   FaultClock clock(options, topic);
//   if (clock.due()) ... this message is the one ...
#ifndef WIREBOOK_TOOLS_EXCHANGE_SIM_FAULT_H_
#define WIREBOOK_TOOLS_EXCHANGE_SIM_FAULT_H_

#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace wirebook::sim {

enum class FaultKind {
  kNone,
  kGap,              // a message is lost
  kDuplicate,        // it comes twice
  kReorder,          // it comes after the next one
  kStaleSnapshot,    // a snapshot is older than the updates behind it
  kChecksum,         // its sum is another
  kCrossed,          // it brings a bid above the best ask
  kMuteSymbol,       // it is lost, and so are those behind it for a while
  kMuteSocket,       // its connection says nothing from it on
  kRestartSequence,  // ids begin anew behind it
  kDropConnection,   // its connection ends instead, without a close frame
  kSlowDrip,         // it comes in small pieces with pauses
  kGarbage,          // something that is no JSON comes in its place
};

// As on the command line.
std::optional<FaultKind> find_fault(std::string_view name);
std::vector<std::string> fault_names();

struct FaultOptions {
  FaultKind kind = FaultKind::kNone;
  std::uint64_t seed = 1;
  std::uint64_t count = 2;   // for each subscription's topic
  std::uint64_t every = 20;  // messages from one to the next, about
};

class FaultClock {
 public:
  FaultClock(const FaultOptions& options, std::string_view topic);

  // Once a message: whether it is to have the fault.
  bool due();
  // A number below `bound`, of the same seed.
  std::uint64_t below(std::uint64_t bound) { return random_() % bound; }

 private:
  void wind();

  const std::uint64_t every_;
  std::uint64_t left_;
  std::uint64_t countdown_ = 0;
  std::mt19937_64 random_;
};

// What comes in the message's place: no JSON in any case.
std::string garbage_for(const std::string& message, FaultClock& clock);

}  // namespace wirebook::sim

#endif  // WIREBOOK_TOOLS_EXCHANGE_SIM_FAULT_H_
