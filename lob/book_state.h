// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// What a book says about itself: may it be trusted, why not, and how much is
// known about it. Every read of a book carries these three.
//
// A book is served as kLive only while nothing that its venue's protocol makes
// detectable speaks against it; every other state fails closed.
//
// Thread rules: plain values. Cost: none.
//
//   if (view.state != BookState::kLive) {
//     log(book_state_name(view.state), book_reason_name(view.reason));
//   }

#ifndef WIREBOOK_LOB_BOOK_STATE_H_
#define WIREBOOK_LOB_BOOK_STATE_H_

#include <cstdint>
#include <string_view>

namespace wirebook {

enum class BookState : uint8_t {
  kEmpty,           // nothing was heard yet
  kSyncing,         // the stream is open, the book is not complete
  kLive,            // complete and verified as far as the venue allows
  kStale,           // the connection is silent beyond its deadline
  kGapped,          // something was missed; a resync is under way
  kChecksumFailed,  // the venue's checksum disagrees; resubscribing
  kCrossed,         // best bid >= best ask after a complete message
  kHalted,          // the venue says that the market or the feed stopped
};

enum class BookReason : uint8_t {
  kNone,
  kAwaitingSnapshot,
  kAwaitingFirstUpdate,  // a snapshot is held; no update joins it yet
  kSnapshotTooOld,       // older than the first update that was kept
  kSequenceGap,
  kChecksumMismatch,
  kMissingChecksum,
  kMalformedMessage,
  kInternalDrop,  // a full queue or an empty pool of our own
  kConnectionLost,
  kVenueRefused,
  kVenueStatus,
  kScaleChanged,
  kNumberOverflow,
  kCrossedAfterUpdate,
  kStaleHeartbeat,
  kBeyondSnapshot,  // the touch is where the snapshot did not reach
};

// What stands behind a Live book.
enum class Assurance : uint8_t {
  kSequenced,    // ids prove that no update is missing
  kChecksummed,  // the top of the book was checked against the venue's sum
  kAudited,      // compared with an independent snapshot
  kPromised,     // the venue promises delivery; nothing can be checked
};

constexpr std::string_view book_state_name(BookState state) {
  constexpr std::string_view kNames[] = {"Empty",   "Syncing", "Live",
                                         "Stale",   "Gapped",  "ChecksumFailed",
                                         "Crossed", "Halted"};
  return kNames[static_cast<uint8_t>(state)];
}

constexpr std::string_view book_reason_name(BookReason reason) {
  constexpr std::string_view kNames[] = {
      "none",
      "awaiting_snapshot",
      "awaiting_first_update",
      "snapshot_too_old",
      "sequence_gap",
      "checksum_mismatch",
      "missing_checksum",
      "malformed_message",
      "internal_drop",
      "connection_lost",
      "venue_refused",
      "venue_status",
      "scale_changed",
      "number_overflow",
      "crossed_after_update",
      "stale_heartbeat",
      "beyond_snapshot",
  };
  return kNames[static_cast<uint8_t>(reason)];
}

constexpr std::string_view assurance_name(Assurance assurance) {
  constexpr std::string_view kNames[] = {"sequenced", "checksummed", "audited",
                                         "promised"};
  return kNames[static_cast<uint8_t>(assurance)];
}

}  // namespace wirebook

#endif  // WIREBOOK_LOB_BOOK_STATE_H_
