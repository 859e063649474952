// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// ChecksumSync: when may a delta be applied to a book whose snapshot comes in
// the stream and whose only proof is a checksum. Events in, actions out.
//
// Use it for venues of SyncClass::kChecksum; RestSnapshotSync where updates
// have ids. The caller computes the book's own sum when told to.
//
// Guarantee: live() only between a message whose sum agreed and the first
// one whose sum does not, or that has none. Thread rules: one thread.
// Cost: a few compares per message.
//
//   if (sync.on_delta() == ChecksumSync::Action::kApply) {
//     apply(delta);
//     truncate(sync.depth());
//     if (!sync.on_sum(delta.checksum == checksum_of(book))) resubscribe();
//   }

#ifndef WIREBOOK_LOB_CHECKSUM_SYNC_H_
#define WIREBOOK_LOB_CHECKSUM_SYNC_H_

#include <cstddef>
#include <cstdint>

namespace wirebook {

class ChecksumSync {
 public:
  enum class Action : uint8_t {
    kDrop,   // a delta without a snapshot to stand on
    kApply,  // apply it all, truncate to depth(), then report by on_sum
  };

  bool live() const noexcept { return phase_ == Phase::kLive; }
  bool has_snapshot() const noexcept { return phase_ != Phase::kUnsynced; }

  // Levels a side that the venue keeps for us; 0 while unknown: no truncation.
  size_t depth() const noexcept { return depth_; }

  // What the options say, until the venue says it.
  void set_depth(size_t depth) noexcept { depth_ = depth; }

  // The venue accepted a subscription: what is held belongs to an older one.
  void on_subscribed(size_t depth) noexcept {
    if (depth != 0) depth_ = depth;
    phase_ = Phase::kUnsynced;
  }

  // A snapshot replaces everything. It has `levels` on its longer side, which
  // is the depth where nobody said one.
  Action on_snapshot(size_t levels) noexcept {
    phase_ = Phase::kSnapshot;
    if (depth_ == 0) depth_ = levels;
    return Action::kApply;
  }

  Action on_delta() noexcept {
    return phase_ == Phase::kUnsynced ? Action::kDrop : Action::kApply;
  }

  // After an applied message: did the sums agree? False asks for a new
  // subscription; until its snapshot nothing more is applied.
  bool on_sum(bool agrees) noexcept {
    phase_ = agrees ? Phase::kLive : Phase::kUnsynced;
    return agrees;
  }

  // Forgets the snapshot: the connection was lost, or a message was.
  void restart() noexcept { phase_ = Phase::kUnsynced; }

 private:
  enum class Phase : uint8_t { kUnsynced, kSnapshot, kLive };

  Phase phase_ = Phase::kUnsynced;
  size_t depth_ = 0;
};

}  // namespace wirebook

#endif  // WIREBOOK_LOB_CHECKSUM_SYNC_H_
