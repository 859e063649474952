// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// Who is attached to an event_bus.h and after whom; off the hot path, all of it
// under one mutex. Internal: include event_bus.h.

#ifndef WIREBOOK_CONCURRENCY_EVENT_BUS_REGISTRY_H_
#define WIREBOOK_CONCURRENCY_EVENT_BUS_REGISTRY_H_

#if __cplusplus < 202002L
#error "wirebook needs C++20: compile with -std=c++20"
#endif

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "concurrency/atom_traits.h"
#include "concurrency/event_bus_consumers.h"
#include "concurrency/event_bus_types.h"

namespace wirebook::internal {

// What is wrong with them; nullptr if nothing is.
inline const char* wrong_bus_options(const EventBusOptions& options) noexcept {
  if (!std::has_single_bit(options.capacity) || options.capacity > size_t{1}
                                                                       << 32) {
    return "capacity must be a power of two up to 2^32";
  }
  if (options.max_consumers == 0 || options.max_consumers > 64) {
    return "max_consumers must be 1 to 64";
  }
  return nullptr;
}

struct BusAttachment {
  ConsumerId id;
  uint64_t after = 0;  // a bit for each slot that comes first
  uint64_t start = 0;  // its first event
};

template <template <typename> class Atom>
class BusRegistry {
 public:
  using Mutex = typename AtomTraits<Atom>::Mutex;

  explicit BusRegistry(size_t slots) : entries_(slots) {}

  // Held by the caller of everything below.
  Mutex& mutex() noexcept { return mutex_; }

  // Consumers whose handles are still there.
  size_t attached() const noexcept {
    size_t count = 0;
    for (const Entry& entry : entries_) count += entry.attached ? 1 : 0;
    return count;
  }

  absl::StatusOr<BusAttachment> add(WhenSlow when_slow,
                                    const ConsumerOptions& options) {
    BusAttachment made;
    for (const ConsumerId& id : options.after) {
      if (const absl::Status status = check_leader(id); !status.ok()) {
        return status;
      }
      // And whom that one follows: it may leave first.
      made.after |= uint64_t{1} << id.slot | entries_[id.slot].after;
    }
    // A slot whose followers are still there is not used again: they would
    // follow a stranger.
    size_t i = 0;
    while (i != entries_.size() &&
           (entries_[i].attached || entries_[i].followers != 0)) {
      ++i;
    }
    if (i == entries_.size()) {
      return absl::ResourceExhaustedError(
          "EventBus: all " + std::to_string(i) +
          " consumer slots are in use: raise EventBusOptions::max_consumers");
    }
    made.id = {.slot = static_cast<uint32_t>(i), .attachment = ++attachments_};
    entries_[i] = {.name = options.name,
                   .attachment = attachments_,
                   .after = made.after,
                   .when_slow = when_slow,
                   .attached = true};
    count_followers(made.after, 1);
    return made;
  }

  void remove(const ConsumerId& id) noexcept {
    Entry& entry = entries_[id.slot];
    count_followers(entry.after, -1);
    entry.attached = false;
  }

  // All but the lag.
  std::vector<ConsumerHealth> health(
      const BusConsumerTable<Atom>& table) const {
    std::vector<ConsumerHealth> all;
    for (size_t i = 0; i != entries_.size(); ++i) {
      const Entry& entry = entries_[i];
      if (!entry.attached) continue;
      const uint64_t position = table.position(i);
      const bool lost = position == BusWord::kNowhere;
      const bool drops = entry.when_slow == WhenSlow::kDrop;
      // Relaxed: a statistic. One that was detached had lost nothing before.
      const uint64_t received_to =
          table.slot(i).received_to.load(std::memory_order_relaxed);
      all.push_back(
          {.id = {static_cast<uint32_t>(i), entry.attachment},
           .name = entry.name,
           .when_slow = entry.when_slow,
           .detached = lost,
           .position = lost ? received_to : position,
           .dropped = drops ? position - std::min(position, received_to) : 0});
    }
    return all;
  }

 private:
  struct Entry {
    std::string name = {};
    uint64_t attachment = 0;
    uint64_t after = 0;
    WhenSlow when_slow = WhenSlow::kGate;
    bool attached = false;
    int followers = 0;
  };

  absl::Status check_leader(const ConsumerId& id) const {
    if (id.slot >= entries_.size() || !entries_[id.slot].attached ||
        entries_[id.slot].attachment != id.attachment) {
      return absl::InvalidArgumentError(
          "EventBus: ConsumerOptions::after names a consumer that is not "
          "attached to this bus: attach the first ones first");
    }
    if (entries_[id.slot].when_slow != WhenSlow::kGate) {
      return absl::InvalidArgumentError(
          "EventBus: ConsumerOptions::after names the lossy consumer '" +
          entries_[id.slot].name +
          "', which may never have had an event: only a gating one can go "
          "first");
    }
    return absl::OkStatus();
  }

  void count_followers(uint64_t mask, int by) noexcept {
    for (; mask != 0; mask &= mask - 1) {
      entries_[static_cast<size_t>(std::countr_zero(mask))].followers += by;
    }
  }

  Mutex mutex_;
  std::vector<Entry> entries_;
  uint64_t attachments_ = 0;
};

}  // namespace wirebook::internal

#endif  // WIREBOOK_CONCURRENCY_EVENT_BUS_REGISTRY_H_
