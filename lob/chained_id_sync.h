// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// ChainedIdSync: when may a delta be applied to a book whose snapshot comes in
// the stream and whose deltas each name the one before. Ids in, actions out.
//
// Use it for venues of SyncClass::kChainedIds; a venue whose ids count by one
// passes id - 1 as the previous one. RestSnapshotSync where the snapshot comes
// by another way, ChecksumSync where there are no ids.
//
// Guarantee: kApply is returned only for a delta that names what was applied
// last. Ids need not grow: OKX counts from anew after maintenance.
// Thread rules: one thread. Cost: a few compares per message.
//
//   sync.on_snapshot(id);
//   switch (sync.on_delta(previous_id, id)) {
//     case ChainedIdSync::Action::kApply: apply(delta); break;
//     case ChainedIdSync::Action::kGap: resubscribe(); break;
//     ...
//   }

#ifndef WIREBOOK_LOB_CHAINED_ID_SYNC_H_
#define WIREBOOK_LOB_CHAINED_ID_SYNC_H_

#include <cstdint>

namespace wirebook {

class ChainedIdSync {
 public:
  enum class Action : uint8_t {
    kDrop,    // a delta without a snapshot to stand on
    kIgnore,  // the last one again, or one that only says that nothing changed
    kApply,
    kGap,  // something is missing: get a snapshot
  };

  bool live() const noexcept { return live_; }

  // The last id that the book contains; meaningful while live.
  uint64_t last_update_id() const noexcept { return last_update_id_; }

  // Replaces everything.
  void on_snapshot(uint64_t id) noexcept {
    live_ = true;
    last_update_id_ = id;
  }

  Action on_delta(uint64_t previous, uint64_t id) noexcept {
    if (!live_) return Action::kDrop;
    if (id == last_update_id_) return Action::kIgnore;
    if (previous != last_update_id_) {
      live_ = false;
      return Action::kGap;
    }
    last_update_id_ = id;
    return Action::kApply;
  }

  // Forgets the snapshot: the connection was lost, or a message was.
  void restart() noexcept { live_ = false; }

 private:
  bool live_ = false;
  uint64_t last_update_id_ = 0;
};

}  // namespace wirebook

#endif  // WIREBOOK_LOB_CHAINED_ID_SYNC_H_
