// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

// When a connection's requests to its venue may go out: snapshots and
// resubscriptions cost weight there, and a book that fails again and again must
// not use up what the others need.
//
// A request for an instrument goes out at once; each further one within a
// minute of the last waits twice as long as the one before, from a quarter of a
// second up to half a minute. All of a connection's together keep to a budget:
// `burst` at once, then one per `refill_ns`; and none goes out while the venue
// has asked for a pause, which at Binance comes before a ban.
//
//   RequestQueue queue({.burst = 8, .refill_ns = 3'000'000'000});
//   queue.add(request, now_ns);
//   while (auto due = queue.take(now_ns)) serve(*due);
//
// One thread; reads no clock.

#ifndef WIREBOOK_APPS_LOB_NODE_REQUEST_QUEUE_H_
#define WIREBOOK_APPS_LOB_NODE_REQUEST_QUEUE_H_

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>

#include "lob/book_pipeline.h"

namespace wirebook {

struct RequestBudget {
  int burst = 8;
  std::uint64_t refill_ns = 3'000'000'000;
};

class RequestQueue {
 public:
  static constexpr std::uint64_t kFirstDelayNs = 250'000'000;
  static constexpr std::uint64_t kLongestDelayNs = 30'000'000'000;
  static constexpr std::uint64_t kForgetNs = 60'000'000'000;

  explicit RequestQueue(const RequestBudget& budget)
      : budget_(budget), tokens_(budget.burst) {}

  // One request an instrument waits: the same again changes nothing, another
  // kind takes its place.
  // `venue_delay_ns` is what the venue asked to wait (Retry-After).
  void add(const BookRequest& request, std::uint64_t now_ns,
           std::uint64_t venue_delay_ns = 0) {
    // The venue speaks of the whole connection, not of one book.
    closed_until_ns_ = std::max(closed_until_ns_, now_ns + venue_delay_ns);
    Entry& entry = entries_[request.instrument];
    if (entry.attempts > 0 && now_ns - entry.last_ns > kForgetNs) {
      entry.attempts = 0;
    }
    if (entry.waiting && entry.request.kind == request.kind) return;
    entry.request = request;
    entry.waiting = true;
    entry.not_before_ns =
        entry.attempts == 0 ? now_ns : entry.last_ns + delay_ns(entry.attempts);
  }

  // The next request that may go out now.
  std::optional<BookRequest> take(std::uint64_t now_ns) {
    refill(now_ns);
    if (tokens_ == 0 || now_ns < closed_until_ns_) return std::nullopt;
    // The one that is due longest: one that fails again and again comes after
    // those that wait meanwhile.
    Entry* due = nullptr;
    for (auto& [instrument, entry] : entries_) {
      if (!entry.waiting || entry.not_before_ns > now_ns) continue;
      if (due == nullptr || entry.not_before_ns < due->not_before_ns) {
        due = &entry;
      }
    }
    if (due == nullptr) return std::nullopt;
    due->waiting = false;
    due->last_ns = now_ns;
    ++due->attempts;
    --tokens_;
    return due->request;
  }

  // Forgets what waits: the connection is gone.
  void clear_waiting() {
    for (auto& [instrument, entry] : entries_) entry.waiting = false;
  }

 private:
  struct Entry {
    BookRequest request{};
    bool waiting = false;
    int attempts = 0;
    std::uint64_t last_ns = 0;
    std::uint64_t not_before_ns = 0;
  };

  static std::uint64_t delay_ns(int attempts) {
    return std::min(kLongestDelayNs,
                    kFirstDelayNs << std::min(attempts - 1, 10));
  }

  void refill(std::uint64_t now_ns) {
    if (tokens_ == budget_.burst) {
      refilled_ns_ = now_ns;
      return;
    }
    const std::uint64_t earned = (now_ns - refilled_ns_) / budget_.refill_ns;
    refilled_ns_ += earned * budget_.refill_ns;
    tokens_ = static_cast<int>(
        std::min<std::uint64_t>(static_cast<std::uint64_t>(budget_.burst),
                                static_cast<std::uint64_t>(tokens_) + earned));
  }

  const RequestBudget budget_;
  int tokens_;
  std::uint64_t refilled_ns_ = 0;
  std::uint64_t closed_until_ns_ = 0;
  std::map<std::uint32_t, Entry> entries_;  // by instrument
};

}  // namespace wirebook

#endif  // WIREBOOK_APPS_LOB_NODE_REQUEST_QUEUE_H_
