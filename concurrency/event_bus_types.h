// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// What users of event_bus.h name beside the bus itself: options, outcomes and
// health figures. Include event_bus.h.

#ifndef WIREBOOK_CONCURRENCY_EVENT_BUS_TYPES_H_
#define WIREBOOK_CONCURRENCY_EVENT_BUS_TYPES_H_

#if __cplusplus < 202002L
#error "wirebook needs C++20: compile with -std=c++20"
#endif

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace wirebook {

// How many threads publish. One is faster: it claims without a locked
// instruction.
enum class BusProducers : uint8_t { kOne, kMany };

// What happens to a consumer that is a whole ring behind.
enum class WhenSlow : uint8_t {
  kGate,    // producers wait for it
  kDrop,    // it loses the oldest events, and is told how many
  kDetach,  // it gets nothing any more, and is told so
};

enum class BusWait : uint8_t {
  kReady,
  kTimedOut,
  kFinished,  // shut down, and all that this consumer was to get it has
  kDetached,  // a WhenSlow::kDetach consumer was too slow
};

enum class BusShutdown : uint8_t {
  kDrained,  // every consumer had every event
  kStopped,  // the deadline came first: what was left is destroyed unread
};

struct EventBusOptions {
  size_t capacity = 1024;    // events; a power of two, 1 to 2^32
  size_t max_consumers = 8;  // attached at one time, 1 to 64
};

// Names one attachment, also after it ended.
struct ConsumerId {
  uint32_t slot = 0;
  uint64_t attachment = 0;

  friend bool operator==(const ConsumerId&, const ConsumerId&) = default;
};

struct ConsumerOptions {
  std::string name = {};  // for health()
  // Gating consumers that get each event first: this one gets it when all of
  // them have consumed it, and all whom they follow. One that leaves is waited
  // for no more. Empty: straight from the producers.
  std::vector<ConsumerId> after = {};
};

struct ConsumerHealth {
  ConsumerId id;
  std::string name;
  WhenSlow when_slow = WhenSlow::kGate;
  bool detached = false;  // too slow; its handle is still there
  uint64_t position = 0;  // of its next event; where it was when detached
  uint64_t lag = 0;       // events published that it has not consumed
  uint64_t dropped = 0;   // events taken from it because it was slow
};

struct BusHealth {
  uint64_t published = 0;  // events, since the bus was made
  bool closed = false;
  std::vector<ConsumerHealth> consumers;
};

// Consecutive free slots of a bus, to construct events in.
template <typename T>
struct [[nodiscard]] EventClaim {
  std::span<T> slots;  // raw memory: std::construct_at unless T is trivial
  uint64_t first = 0;  // the number of the first event

  bool empty() const noexcept { return slots.empty(); }
  size_t size() const noexcept { return slots.size(); }
  T* begin() const noexcept { return slots.data(); }
  T* end() const noexcept { return slots.data() + slots.size(); }
};

// What a lossy consumer's receive() brought.
struct Received {
  size_t count = 0;      // events copied
  uint64_t dropped = 0;  // lost before the first of them
};

}  // namespace wirebook

#endif  // WIREBOOK_CONCURRENCY_EVENT_BUS_TYPES_H_
