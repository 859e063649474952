// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// OrderSync: when may a message about single orders be applied to a book of
// orders. Marks in, actions out: no orders, no sockets, no clock.
//
// Use it for order-by-order channels (order_feed.h), all of them; for levels
// there are rest_snapshot_sync, chained_id_sync and checksum_sync. What differs
// is that a message that was applied twice is not harmless here: an order
// that is added twice, or reduced twice, makes another book.
//
// Rules, by venue:
//   kSequence  messages and the REST snapshot share one number without holes.
//              What the snapshot has is ignored, the next one joins it.
//   kTime      the REST snapshot and each message have a time, too coarse to
//              tell whether the snapshot has the message; a message may also
//              name the one before it; where none does, times that go back
//              are a gap, and the next snapshot must be later than all that
//              was heard, less what heard_times.h takes for wrong. Messages
//              about the snapshot's time are applied loosely: they say what an
//              order is, not what changes, so all of a stretch that ends behind
//              the snapshot give the right book whichever of them it had. The
//              first one that is later completes the book, or where it is later
//              by more than a minute, and so may be wrong, the second in a row.
//   kStream    the snapshot comes in the stream; the caller says whether what
//              it was told to apply agrees with the venue's sum.
//
// Guarantee: live() only while nothing was missed that marks can show. After
// kGap the message counts as the first of a new stretch. Thread rules: one
// thread. Cost: a few compares.
//
//   switch (sync.on_update({.place = 7, .chained = true, .previous = 6,
//                           .last = 7})) {
//     case OrderSync::Action::kApply: apply(message); break;
//     ...
//   }

#ifndef WIREBOOK_LOB_ORDER_SYNC_H_
#define WIREBOOK_LOB_ORDER_SYNC_H_

#include <algorithm>
#include <cstdint>

#include "lob/heard_times.h"

namespace wirebook {

enum class OrderRule : uint8_t { kSequence, kTime, kStream };

class OrderSync {
 public:
  // Where a message stands; kStream reads none of it.
  struct Mark {
    uint64_t place = 0;    // on the snapshot's scale: a number, or microseconds
    bool chained = false;  // `previous` and `last` are said
    uint64_t previous = 0;
    uint64_t last = 0;
  };

  enum class Phase : uint8_t { kUnsynced, kSnapshot, kLive };

  enum class Action : uint8_t {
    kDrop,           // there is nothing to stand on; no snapshot will need it
    kBuffer,         // keep it behind those kept before
    kBufferRestart,  // a hole among the kept ones: forget them, keep this one
    kIgnore,         // the book has it already
    kApplyLoosely,   // the book may have it already
    kApply,
    kGap,  // something is missing: keep this one, get a snapshot
  };

  enum class SnapshotAction : uint8_t {
    kApply,    // reset the book to it, then offer the kept messages again
    kRefetch,  // older than the first kept message: get a newer one
    kIgnore,   // the book is live, or newer; or, kTime, nothing was heard yet,
               // and what came before the first message cannot be told
  };

  // Messages up to this long before the snapshot, in microseconds, are not
  // ignored: the venue's stamps may be that much out of order.
  static constexpr uint64_t kLooseMicros = 1'000'000;
  // A stamp says no more than the millisecond: only a snapshot that is later by
  // one has all that happened before the first message.
  static constexpr uint64_t kStampMicros = 1'000;

  explicit OrderSync(OrderRule rule) noexcept : rule_(rule) {}

  Phase phase() const noexcept { return phase_; }
  bool live() const noexcept { return phase_ == Phase::kLive; }

  Action on_update(const Mark& mark) noexcept {
    if (rule_ == OrderRule::kStream) {
      return phase_ == Phase::kUnsynced ? Action::kDrop : Action::kApply;
    }
    if (heard_ && mark.chained && chained_ && mark.last == last_) {
      return Action::kIgnore;  // The same one again.
    }
    const bool wrong = rule_ == OrderRule::kTime && times_.hear(mark.place);
    const bool follows =
        !heard_ || (mark.chained == chained_ &&
                    (chained_ ? mark.previous == last_ : mark.place >= place_));
    if (phase_ == Phase::kUnsynced) {
      // None of those kept before a wrong time was found out is of use.
      const bool restart = heard_ && (!follows || wrong);
      if (!heard_ || restart) first_place_ = begin_of(mark);
      hear(mark);
      return restart ? Action::kBufferRestart : Action::kBuffer;
    }
    if (!follows || !reaches(mark)) {
      first_place_ = begin_of(mark);
      restart();
      hear(mark);
      return Action::kGap;
    }
    hear(mark);
    return rule_ == OrderRule::kSequence ? in_sequence(mark) : in_time(mark);
  }

  // A REST snapshot of everything up to `place`. After kApply the caller offers
  // each kept message to on_update, oldest first; none of them is a gap.
  SnapshotAction on_snapshot(uint64_t place) noexcept {
    if (phase_ == Phase::kLive ||
        (phase_ == Phase::kSnapshot && place < snapshot_)) {
      return SnapshotAction::kIgnore;
    }
    const bool sequence = rule_ == OrderRule::kSequence;
    if (phase_ == Phase::kUnsynced && !heard_ && !sequence) {
      return SnapshotAction::kIgnore;
    }
    if (phase_ == Phase::kUnsynced && heard_ &&
        (sequence ? place < first_place_ && first_place_ - place > 1
                  : place < later(first_place_, kStampMicros))) {
      return SnapshotAction::kRefetch;
    }
    // One that comes again must not forget what was applied behind the first.
    if (phase_ == Phase::kSnapshot && heard_) return SnapshotAction::kIgnore;
    phase_ = Phase::kSnapshot;
    snapshot_ = place;
    applied_ = beyond_ = false;
    heard_ = false;
    return SnapshotAction::kApply;
  }

  // kStream: the snapshot came, and is applied.
  void on_stream_snapshot() noexcept { phase_ = Phase::kSnapshot; }

  // kStream: after an applied message, does the venue's sum agree, or had it
  // none and needs none? False takes a new snapshot.
  void on_sum(bool agrees) noexcept {
    phase_ = agrees ? Phase::kLive : Phase::kUnsynced;
  }

  // Forgets everything but how far times have come: the connection was lost, or
  // a message was.
  void restart() noexcept {
    phase_ = Phase::kUnsynced;
    heard_ = false;
  }

 private:
  void hear(const Mark& mark) noexcept {
    heard_ = true;
    chained_ = mark.chained;
    last_ = mark.last;
    place_ = mark.place;
  }

  // What a snapshot must reach for a stretch that begins with this message.
  // Where times alone go back, nothing tells what of the stretch before is
  // missing in this one: it must have all of that, and so surely that none of
  // that is applied once more.
  uint64_t begin_of(const Mark& mark) const noexcept {
    if (rule_ != OrderRule::kTime || mark.chained ||
        (!heard_ && mark.place >= times_.reach())) {
      return mark.place;
    }
    return later(times_.reach(), kLooseMicros);
  }

  static uint64_t later(uint64_t micros, uint64_t by) noexcept {
    return micros + std::min(by, UINT64_MAX - micros);
  }

  // Nothing is missing between the snapshot and the first message behind it.
  bool reaches(const Mark& mark) const noexcept {
    return rule_ != OrderRule::kSequence || heard_ || mark.place <= snapshot_ ||
           mark.place - snapshot_ == 1;
  }

  Action in_sequence(const Mark& mark) noexcept {
    if (phase_ == Phase::kSnapshot && mark.place >= snapshot_) {
      phase_ = Phase::kLive;
    }
    return mark.place <= snapshot_ ? Action::kIgnore : Action::kApply;
  }

  Action in_time(const Mark& mark) noexcept {
    const bool beyond = mark.place > snapshot_;
    if (phase_ == Phase::kSnapshot) {
      // From the first one on that is applied, all of the stretch are.
      if (!applied_ && later(mark.place, kLooseMicros) <= snapshot_) {
        return Action::kIgnore;
      }
      applied_ = true;
      if (beyond && (beyond_ || !HeardTimes::is_far(snapshot_, mark.place))) {
        phase_ = Phase::kLive;
      }
      beyond_ = beyond;
    }
    return live() && beyond ? Action::kApply : Action::kApplyLoosely;
  }

  OrderRule rule_;
  Phase phase_ = Phase::kUnsynced;
  bool heard_ = false;  // a message, since the restart or the snapshot
  bool chained_ = false;
  uint64_t last_ = 0;         // of the one that was heard last
  uint64_t place_ = 0;        // likewise
  uint64_t first_place_ = 0;  // of the oldest one kept
  uint64_t snapshot_ = 0;
  // kTime
  bool applied_ = false;  // a message behind the snapshot
  bool beyond_ = false;   // the last one was later than the snapshot
  HeardTimes times_;
};

}  // namespace wirebook

#endif  // WIREBOOK_LOB_ORDER_SYNC_H_
