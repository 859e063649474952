// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// DiffBuffer: the diffs of one book that wait for its snapshot, oldest first,
// in memory of a fixed size.
//
// Use it beside RestSnapshotSync. When there is no room, the oldest diffs go: a
// snapshot that is new enough does not need them, an older one is refetched.
//
// Guarantee: no allocation after construction. Thread rules: one thread.
// Cost: one copy of the levels in, one pass over them out.
//
//   DiffBuffer kept(4096, 65536);
//   kept.push(message);
//   while (!kept.empty()) {
//     apply(kept.front().last_update_id);
//     kept.visit_front([](Side side, const PriceLevel& level) { ... });
//     kept.pop_front();
//   }

#ifndef WIREBOOK_LOB_DIFF_BUFFER_H_
#define WIREBOOK_LOB_DIFF_BUFFER_H_

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "lob/parsed_message.h"
#include "lob/price_level.h"

namespace wirebook {

class DiffBuffer {
 public:
  // Both are rounded up to powers of two; `diffs` 0 makes one that keeps
  // nothing.
  DiffBuffer(size_t diffs, size_t levels)
      : diffs_(diffs == 0 ? 0 : std::bit_ceil(diffs)),
        levels_(diffs == 0 ? 0 : std::bit_ceil(levels)) {}

  bool empty() const noexcept { return head_ == tail_; }
  size_t size() const noexcept { return tail_ - head_; }

  // Keeps a whole message, all its parts; returns how many diffs were given up
  // for it, itself among them if it alone is too long.
  size_t push(const ParsedMessage& first) noexcept {
    size_t bids = 0;
    size_t asks = 0;
    for (const ParsedMessage* part = &first;; part = part->next) {
      bids += part->bid_count;
      asks += part->ask_count;
      if (part->last_part) break;
    }
    if (bids + asks > levels_.size() || diffs_.empty()) {
      const size_t given_up = size() + 1;
      clear();
      return given_up;
    }
    size_t given_up = 0;
    while (size() == diffs_.size() ||
           level_tail_ - level_head_ + bids + asks > levels_.size()) {
      pop_front();
      ++given_up;
    }
    Diff& diff = diffs_[tail_++ & (diffs_.size() - 1)];
    diff.header = first.header();
    diff.bids = bids;
    diff.asks = asks;
    for (const Side side : {Side::kBid, Side::kAsk}) {
      for (const ParsedMessage* part = &first;; part = part->next) {
        for (const PriceLevel& level :
             side == Side::kBid ? part->bids() : part->asks()) {
          levels_[level_tail_++ & (levels_.size() - 1)] = level;
        }
        if (part->last_part) break;
      }
    }
    return given_up;
  }

  // The oldest diff's header: its ids and times. Requires !empty().
  const ParsedMessageHeader& front() const noexcept { return oldest().header; }

  // Calls f(side, level) for each level of the oldest diff; returns how many.
  template <class F>
  size_t visit_front(F&& f) const {
    const Diff& diff = oldest();
    const size_t count = diff.bids + diff.asks;
    for (size_t i = 0; i < count; ++i) {
      f(i < diff.bids ? Side::kBid : Side::kAsk,
        levels_[(level_head_ + i) & (levels_.size() - 1)]);
    }
    return count;
  }

  void pop_front() noexcept {
    level_head_ += oldest().bids + oldest().asks;
    ++head_;
  }

  void clear() noexcept {
    head_ = tail_;
    level_head_ = level_tail_;
  }

 private:
  struct Diff {
    ParsedMessageHeader header;
    size_t bids = 0;
    size_t asks = 0;
  };

  const Diff& oldest() const noexcept {
    return diffs_[head_ & (diffs_.size() - 1)];
  }

  std::vector<Diff> diffs_;
  std::vector<PriceLevel> levels_;
  size_t head_ = 0;
  size_t tail_ = 0;
  size_t level_head_ = 0;
  size_t level_tail_ = 0;
};

}  // namespace wirebook

#endif  // WIREBOOK_LOB_DIFF_BUFFER_H_
