// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// RestSnapshotSync: when may a diff be applied to a book whose snapshot comes
// by REST. Ids in, actions out: no levels, no sockets, no clock.
//
// Use it for venues of SyncClass::kRestSnapshot; ChecksumSync where there are
// no ids. The caller keeps the diffs that it is told to buffer.
//
// Guarantee: kApply and kJoin are returned only for an update that continues
// what was applied before without a hole. Thread rules: one thread.
// Cost: a few compares per message.
//
//   RestSnapshotSync sync(DiffRule::kFirstId);
//   switch (sync.on_diff(first_id, last_id)) {
//     case RestSnapshotSync::DiffAction::kApply: apply(diff); break;
//     case RestSnapshotSync::DiffAction::kBuffer: keep(diff); break;
//     ...
//   }
//
// Where the rule is DiffRule::kTime, ids are times and nothing shows a hole; a
// diff of the time of the one before it is another one. A snapshot is joined
// only by a stream that was heard before it was taken. Where times went back it
// must reach all that was heard and forgotten, on whatever connection; what of
// that was wrong, heard_times.h tells, which also says what that cannot tell.
//
// Rules: "How to manage a local order book correctly", Binance spot API
// documentation, web-socket-streams.md, and its counterpart for USD-M futures.

#ifndef WIREBOOK_LOB_REST_SNAPSHOT_SYNC_H_
#define WIREBOOK_LOB_REST_SNAPSHOT_SYNC_H_

#include <algorithm>
#include <cstdint>

#include "lob/heard_times.h"
#include "lob/venue.h"

namespace wirebook {

class RestSnapshotSync {
 public:
  enum class Phase : uint8_t {
    kUnsynced,  // no snapshot; diffs are buffered
    kSnapshot,  // a snapshot is applied, no diff has joined it yet
    kLive,      // joined: the book is complete
  };

  enum class DiffAction : uint8_t {
    kBuffer,         // keep it behind those kept before
    kBufferRestart,  // a hole or a step back among the kept ones: forget them,
                     // keep this one
    kIgnore,         // the book has it already
    kApply,          // the next one, or one that overlaps the last
    kJoin,           // as kApply, and the book is complete from here on
    kGap,            // something is missing, or ids went back: keep this one,
                     // get a snapshot
  };

  enum class SnapshotAction : uint8_t {
    kApply,    // reset the book to it, then offer the kept diffs again
    kRefetch,  // older than the first kept diff: get a newer one
    kIgnore,   // the book is live and not older: nothing was asked for
  };

  explicit RestSnapshotSync(DiffRule rule) noexcept : rule_(rule) {}

  Phase phase() const noexcept { return phase_; }

  // The last update id that the book contains; meaningful after a snapshot.
  uint64_t last_update_id() const noexcept { return last_update_id_; }

  // A diff that covers the ids `first` to `last`; requires first <= last.
  // `previous` counts with DiffRule::kPreviousId alone, which asks nothing of
  // `first`.
  DiffAction on_diff(uint64_t first, uint64_t last,
                     uint64_t previous = 0) noexcept {
    if (rule_ == DiffRule::kTime && times_.hear(last)) {
      first_buffered_ = times_.reach();
    }
    if (phase_ == Phase::kUnsynced) {
      const bool hole =
          has_buffered_ && (!continues(first, previous, last_buffered_) ||
                            last < last_buffered_);
      if (!has_buffered_ || hole) begin_buffer(first, previous);
      buffer(last);
      return hole ? DiffAction::kBufferRestart : DiffAction::kBuffer;
    }
    if (last == last_update_id_ &&
        (rule_ != DiffRule::kTime || phase_ == Phase::kSnapshot)) {
      // A diff that ends where the snapshot was taken joins it; in a live book
      // it is the last one again.
      phase_ = Phase::kLive;
      return DiffAction::kIgnore;
    }
    if (phase_ == Phase::kSnapshot && last < last_update_id_ &&
        !begins_anew(last)) {
      heard_before_ = true;
      last_buffered_ = last;
      return DiffAction::kIgnore;
    }
    // Ids that go back: one of them was wrong, and which of them cannot be
    // told; or the venue counts from anew.
    if (last < last_update_id_ ||
        !(phase_ == Phase::kSnapshot
              ? joins(first, previous)
              : continues(first, previous, last_update_id_))) {
      restart();
      begin_buffer(first, previous);
      buffer(last);
      return DiffAction::kGap;
    }
    last_update_id_ = last;
    if (phase_ == Phase::kLive) return DiffAction::kApply;
    phase_ = Phase::kLive;
    return DiffAction::kJoin;
  }

  // A snapshot that contains every update up to `last_update_id`. After kApply
  // the caller offers each kept diff to on_diff, oldest first. They continue
  // each other and the snapshot, so none of them is a gap.
  SnapshotAction on_snapshot(uint64_t last_update_id) noexcept {
    if (phase_ == Phase::kLive) return SnapshotAction::kIgnore;
    if (phase_ == Phase::kSnapshot && last_update_id < last_update_id_) {
      return SnapshotAction::kIgnore;
    }
    if (has_buffered_ && last_update_id < first_buffered_) {
      return SnapshotAction::kRefetch;
    }
    if (phase_ == Phase::kUnsynced) heard_before_ = false;
    phase_ = Phase::kSnapshot;
    last_update_id_ = last_update_id;
    has_buffered_ = false;
    return SnapshotAction::kApply;
  }

  // The oldest kept diff was given up, because the caller's buffer is bounded;
  // these are the ids of the oldest one left.
  void on_buffer_trimmed(uint64_t first, uint64_t previous = 0) noexcept {
    const uint64_t begin = begin_of(first, previous);
    first_buffered_ =
        rule_ == DiffRule::kTime ? std::max(first_buffered_, begin) : begin;
  }

  // Forgets everything but how far times have come: the connection was lost, or
  // a message was.
  void restart() noexcept {
    phase_ = Phase::kUnsynced;
    has_buffered_ = false;
  }

 private:
  // Nothing is missing between the update `last` and this diff.
  bool continues(uint64_t first, uint64_t previous,
                 uint64_t last) const noexcept {
    if (rule_ == DiffRule::kTime) return true;
    if (rule_ == DiffRule::kPreviousId) return previous == last;
    return first <= last || first - last == 1;
  }

  // Nor between the snapshot, which is older than the diff's end, and it. Times
  // do not tell; that the stream was there before the snapshot was taken does.
  bool joins(uint64_t first, uint64_t previous) const noexcept {
    if (rule_ == DiffRule::kTime) return heard_before_;
    return rule_ == DiffRule::kPreviousId
               ? previous <= last_update_id_
               : continues(first, previous, last_update_id_);
  }

  // What a snapshot must reach for this diff to join it.
  uint64_t begin_of(uint64_t first, uint64_t previous) const noexcept {
    if (rule_ == DiffRule::kPreviousId) return previous;
    return rule_ == DiffRule::kFirstId && first != 0 ? first - 1 : first;
  }

  // A diff that the snapshot has, but not one before it: the snapshot is of
  // another count, and none will join it.
  bool begins_anew(uint64_t last) const noexcept {
    return rule_ != DiffRule::kTime && heard_before_ && last < last_buffered_;
  }

  // Behind a time that went back nothing tells what is missing: a snapshot must
  // reach what was heard before it, too.
  void begin_buffer(uint64_t first, uint64_t previous) noexcept {
    first_buffered_ =
        rule_ == DiffRule::kTime ? times_.reach() : begin_of(first, previous);
  }

  void buffer(uint64_t last) noexcept {
    last_buffered_ = last;
    has_buffered_ = true;
  }

  DiffRule rule_;
  Phase phase_ = Phase::kUnsynced;
  bool heard_before_ = false;  // a diff of before the snapshot
  bool has_buffered_ = false;
  HeardTimes times_;  // kTime
  uint64_t first_buffered_ = 0;
  uint64_t last_buffered_ = 0;  // or of the last one that a snapshot has
  uint64_t last_update_id_ = 0;
};

}  // namespace wirebook

#endif  // WIREBOOK_LOB_REST_SNAPSHOT_SYNC_H_
