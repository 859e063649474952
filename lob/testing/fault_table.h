// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// What can go wrong between a venue and a book, and what of the venue's
// protocol tells: the claim that tests hold the code to. lob/venues/FAULTS.md
// is this table in print.
//
// A venue's column follows from its row in kVenues, that of its channel of
// single orders from its row in kOrderFeeds; its ids' names and what it has of
// its own stand in kFaultNotes and kOrderFaultNotes.
//
//   if (detector_of(VenueId::kBybit, Fault::kGap) == Detector::kIds) ...

#ifndef WIREBOOK_LOB_TESTING_FAULT_TABLE_H_
#define WIREBOOK_LOB_TESTING_FAULT_TABLE_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "lob/order_feed.h"
#include "lob/venue.h"

namespace wirebook {

enum class Fault : uint8_t {
  kGap,
  kDuplicate,
  kReplay,
  kReorder,
  kTruncate,
  kGarbage,
  kWrongNumber,
  kWrongId,
  kWrongSum,
  kStaleSnapshot,
  kCrossed,
  kMuteSymbol,
  kMuteSocket,
  kRestartSequence,
  kDropConnection,
  kSlowDrip,
};

inline constexpr size_t kFaults = 16;

enum class Detector : uint8_t {
  kIds,         // the ids of the messages, at the next one at the latest
  kSum,         // the venue's checksum, as deep as it reaches
  kParser,      // it is no message of the venue
  kTouch,       // best bid at or above best ask
  kSilence,     // nothing heard for longer than stale_after_ms
  kConnection,  // the connection's end
  kHarmless,    // nothing to detect: the book is right all the same
  kNothing,     // a Live book may be wrong
  kAbsent,      // the venue has nothing of the kind
};

constexpr std::string_view fault_name(Fault fault) {
  constexpr std::array<std::string_view, kFaults> kNames = {
      "gap",         "duplicate",        "replay",          "reorder",
      "truncate",    "garbage",          "wrong number",    "wrong id",
      "checksum",    "stale-snapshot",   "crossed",         "mute-symbol",
      "mute-socket", "restart-sequence", "drop-connection", "slow-drip"};
  return kNames[static_cast<size_t>(fault)];
}

constexpr std::string_view fault_meaning(Fault fault) {
  constexpr std::array<std::string_view, kFaults> kMeanings = {
      "a depth message is lost",
      "a message comes twice in a row",
      "a message from before comes again",
      "two messages of a book change places",
      "a message ends early",
      "what comes in a message's place is no JSON",
      "a digit of a price or quantity is another",
      "a digit of an id is another",
      "a digit of a checksum is another",
      "a snapshot is older than the stream that follows it",
      "a level comes that crosses the book",
      "one symbol's messages are lost for a time, the connection lives",
      "the connection says nothing more, not even a ping",
      "ids begin anew",
      "the connection ends without a word",
      "a message comes in small pieces with pauses",
  };
  return kMeanings[static_cast<size_t>(fault)];
}

constexpr std::string_view detector_name(Detector detector) {
  constexpr std::array<std::string_view, 9> kNames = {
      "ids",        "sum",      "parser",  "touch", "silence",
      "connection", "harmless", "nothing", "-"};
  return kNames[static_cast<size_t>(detector)];
}

// OKX had sums instead of ids until 2022; everyone else has one way.
enum class Era : uint8_t { kNow, kSums };

constexpr Detector detector_of(VenueId venue, Fault fault,
                               Era era = Era::kNow) {
  const VenueTraits& traits = venue_traits(venue);
  const bool rest = traits.sync == SyncClass::kRestSnapshot;
  const bool sums =
      traits.checksum == ChecksumKind::kKraken ||
      (traits.checksum == ChecksumKind::kInterleaved && era == Era::kSums);
  const bool ids = !sums && (traits.sync == SyncClass::kChainedIds ||
                             traits.sync == SyncClass::kConnectionWide ||
                             (rest && traits.diffs != DiffRule::kTime));
  // Beside ids: a loss shows at once, a wrong number as deep as the sum
  // reaches.
  const bool summed = sums || traits.checksum == ChecksumKind::kBitfinex;
  // Diffs that bear times: what goes back shows, what is missing does not.
  const bool times = rest && traits.diffs == DiffRule::kTime;
  const Detector proof = ids    ? Detector::kIds
                         : sums ? Detector::kSum
                                : Detector::kNothing;
  switch (fault) {
    case Fault::kReplay:
    case Fault::kReorder:
      return times ? Detector::kIds : proof;
    case Fault::kGap:
    case Fault::kMuteSymbol:
      return proof;
    case Fault::kDuplicate:
      // A chain sees the same id again, a sum agrees again; a count has moved.
      if (traits.sync == SyncClass::kConnectionWide) return proof;
      return Detector::kHarmless;
    case Fault::kTruncate:
    case Fault::kGarbage:
      return Detector::kParser;
    case Fault::kWrongNumber:
      return summed ? Detector::kSum : Detector::kNothing;
    case Fault::kWrongId:
      if (!ids) return times ? Detector::kNothing : Detector::kAbsent;
      // A diff whose last id is too high joins a snapshot that is newer than
      // its levels: wrong until the next diff.
      return rest ? Detector::kNothing : Detector::kIds;
    case Fault::kWrongSum:
      return summed ? Detector::kSum : Detector::kAbsent;
    case Fault::kStaleSnapshot:
      // A connection's count says nothing of what is in a snapshot.
      if (traits.sync == SyncClass::kConnectionWide) return Detector::kNothing;
      return times ? Detector::kIds : proof;
    case Fault::kCrossed:
      return Detector::kTouch;
    case Fault::kMuteSocket:
      return Detector::kSilence;
    case Fault::kRestartSequence:
      if (!ids) return Detector::kAbsent;
      // They say so by a snapshot, and by a link across it.
      if (venue == VenueId::kBybit || venue == VenueId::kOkx) {
        return Detector::kHarmless;
      }
      return Detector::kIds;
    case Fault::kDropConnection:
      return Detector::kConnection;
    case Fault::kSlowDrip:
      return Detector::kHarmless;
  }
  return Detector::kNothing;
}

// Of its channel of single orders: requires that it has one. As far as its
// messages say it: FAULTS.md's notes have what Bitstamp's may not.
constexpr Detector order_detector_of(VenueId venue, Fault fault) {
  const OrderFeed& feed = *find_order_feed(venue);
  // The connection's messages are.
  const bool counted = venue_traits(venue).sync == SyncClass::kConnectionWide;
  const bool ids = feed.rule != OrderRule::kStream || counted;
  const bool summed = feed.checksum != OrderChecksum::kNone;
  const Detector proof = ids ? Detector::kIds : Detector::kSum;
  switch (fault) {
    case Fault::kGap:
    case Fault::kReplay:
    case Fault::kReorder:
    case Fault::kMuteSymbol:
      return proof;
    case Fault::kDuplicate:
      if (counted) return Detector::kIds;
      // A sum does not tell a change that comes twice; a book tells an order
      // that does.
      return ids ? Detector::kHarmless : Detector::kNothing;
    case Fault::kTruncate:
    case Fault::kGarbage:
      return Detector::kParser;
    case Fault::kWrongNumber:
      // Bitfinex's sum has no prices.
      return feed.checksum == OrderChecksum::kKraken ? Detector::kSum
                                                     : Detector::kNothing;
    case Fault::kWrongSum:
      return summed ? Detector::kSum : Detector::kAbsent;
    case Fault::kStaleSnapshot:
      return counted ? Detector::kAbsent : proof;
    case Fault::kCrossed:
      // A sum in the same message comes before.
      return ids ? Detector::kTouch : Detector::kSum;
    case Fault::kMuteSocket:
      return Detector::kSilence;
    case Fault::kWrongId:
    case Fault::kRestartSequence:
      return ids ? Detector::kIds : Detector::kAbsent;
    case Fault::kDropConnection:
      return Detector::kConnection;
    case Fault::kSlowDrip:
      return Detector::kHarmless;
  }
  return Detector::kNothing;
}

struct FaultNote {
  VenueId venue;
  std::string_view ids;   // what tells, by the venue's own names
  std::string_view note;  // what the table's word leaves out
};

inline constexpr std::array<FaultNote, 15> kFaultNotes = {{
    {VenueId::kBinanceSpot, "`U` is at most the last `u` + 1",
     "a diff that overlaps the last one is applied: quantities are absolute"},
    {VenueId::kBinanceUsdm, "`pu` is the last `u`", "ids leave holes"},
    {VenueId::kKraken, "`checksum`, in every message",
     "ten levels a side: below them nothing tells, until they rise"},
    {VenueId::kBybit, "`u` is the last `u` + 1",
     "ids that begin anew do so at 1, which is a snapshot"},
    {VenueId::kOkx, "`prevSeqId` is the last `seqId`",
     "until 2022 a `checksum` of 25 levels a side, and no ids; ids that go "
     "back still name the one before"},
    {VenueId::kDeribit, "`prev_change_id` is the last `change_id`",
     "a level without a known action is malformed"},
    {VenueId::kCoinbaseAdvanced, "`sequence_num` is the last + 1",
     "counts every message of the connection: a fault in one book takes all "
     "of them out of Live; a snapshot has no age"},
    {VenueId::kCoinbaseExchange, "none",
     "the venue promises that level2 is delivered whole"},
    {VenueId::kBitfinex, "the number behind the payload is the last + 1",
     "counts every array of the connection, as Coinbase Advanced's does; `cs`, "
     "25 levels a side, comes in a message of its own, after what it sums"},
    {VenueId::kBitstamp, "`microtimestamp` does not go back",
     "a loss leaves no trace; two messages that change places show with the "
     "second; a snapshot is joined only by a stream that was heard before it, "
     "and reaches all that was heard and forgotten; sixteen diffs in a row "
     "that "
     "are more than a minute behind a time show that it was wrong"},
    {VenueId::kGemini, "none", "a snapshot is known by its history alone"},
    {VenueId::kGate, "`U` is at most the last `u` + 1", "as Binance spot"},
    {VenueId::kGateFutures, "`U` is at most the last `u` + 1",
     "as Binance spot"},
    {VenueId::kKucoin, "`sequenceStart` is at most the last `sequenceEnd` + 1",
     "as Binance spot"},
    {VenueId::kBinanceCoinm, "`pu` is the last `u`", "ids leave holes"},
}};

inline constexpr std::array<FaultNote, kOrderFeeds.size()> kOrderFaultNotes = {{
    {VenueId::kCoinbaseExchange, "`sequence` is the last + 1",
     "shared with the REST snapshot"},
    {VenueId::kBitstamp, "a message names the one before it",
     "where it does not, a loss leaves no trace, and a message out of order "
     "shows by its time; a time far ahead is found out as in the diffs"},
    {VenueId::kKraken, "`checksum`, in every message",
     "ten levels a side; a change that comes twice in a row leaves the same "
     "sum, an order that does contradicts the book"},
    {VenueId::kBitfinex, "the number behind the payload is the last + 1",
     "counts every array of the connection; `cs`, in a message of its own, "
     "sums ids and quantities of 25 orders a side, no prices"},
}};

// FAULTS.md, whole.
std::string fault_table_markdown();

}  // namespace wirebook

#endif  // WIREBOOK_LOB_TESTING_FAULT_TABLE_H_
