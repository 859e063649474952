// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "lob/book_keeper.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "lob/interleaved_checksum.h"

namespace wirebook {
namespace {

static_assert(kBookViewDepth >= KrakenChecksum::kLevels);

Assurance assurance_of(const VenueTraits& venue) noexcept {
  if (venue.sync == SyncClass::kChecksum) {
    return venue.checksum == ChecksumKind::kNone ? Assurance::kPromised
                                                 : Assurance::kChecksummed;
  }
  return venue.sync == SyncClass::kRestSnapshot &&
                 venue.diffs == DiffRule::kTime
             ? Assurance::kPromised
             : Assurance::kSequenced;
}

// The parts of one message, `first` to the one that says last_part.
template <class F>
const ParsedMessage& for_each_part(const ParsedMessage& first, F&& f) {
  const ParsedMessage* part = &first;
  f(*part);
  while (!part->last_part) {
    part = part->next;
    f(*part);
  }
  return *part;
}

size_t depth_of(const Instrument& instrument,
                const BookKeeperOptions& options) {
  const int depth = instrument.depth > 0 ? instrument.depth : options.depth;
  return static_cast<size_t>(std::max(depth, 0));
}

L2BookOptions book_options(const Instrument& instrument,
                           const BookKeeperOptions& options) {
  L2BookOptions book = options.book;
  // A book that its venue cuts to a depth is small: no window of ticks.
  if (venue_traits(instrument.venue).truncates) {
    book.window_ticks = 0;
    book.max_depth = depth_of(instrument, options);
  }
  return book;
}

}  // namespace

BookKeeper::BookKeeper(const Instrument& instrument,
                       const BookKeeperOptions& options,
                       BookKeeperObserver* observer)
    : instrument_(instrument),
      traits_(venue_traits(instrument.venue)),
      observer_(observer),
      book_(book_options(instrument, options)),
      rest_(traits_.diffs),
      kept_(
          traits_.sync == SyncClass::kRestSnapshot ? options.buffered_diffs : 0,
          options.buffered_levels) {
  if (traits_.truncates) checksum_.set_depth(depth_of(instrument, options));
  view_.assurance = assurance_of(traits_);
  view_.instrument = instrument.index;
  published_.store(view_);
}

// ---- Messages ---------------------------------------------------------------

void BookKeeper::on_message(const ParsedMessage& first) noexcept {
  if (!first.http_body) {
    on_connection_alive(first.receive_ticks);
  } else {
    now_ticks_ = first.receive_ticks;
    if (view_.state == BookState::kStale) {
      // Not the stream's word: it stays mute. Its next diff asks again.
      asked_ = false;
      return;
    }
  }
  if (closing_) [[unlikely]] {
    if (first.kind == ParsedMessageKind::kDelta) updates_dropped_.add(1);
    return;
  }
  if (traits_.sync == SyncClass::kRestSnapshot) {
    on_rest_message(first);
  } else {
    on_stream_message(first);
  }
}

void BookKeeper::on_rest_message(const ParsedMessage& first) noexcept {
  switch (first.kind) {
    case ParsedMessageKind::kDelta:
      on_rest_diff(first);
      break;
    case ParsedMessageKind::kSnapshot:
      on_rest_snapshot(first);
      break;
    case ParsedMessageKind::kRefused:
    case ParsedMessageKind::kMalformed:
      if (refilling_ && first.instrument == instrument_.index) request();
      if (rest_.phase() != RestSnapshotSync::Phase::kUnsynced) break;
      if (first.instrument == instrument_.index) {
        // The answer to our request for a snapshot: ask again.
        enter(view_.state == BookState::kEmpty ? BookState::kSyncing
                                               : view_.state,
              first.kind == ParsedMessageKind::kMalformed
                  ? first.reason
                  : BookReason::kVenueRefused);
        request();
      } else if (kept_.empty()) {
        // A subscription of this connection, and we hear nothing.
        enter(BookState::kHalted, BookReason::kVenueRefused);
        request(BookRequestKind::kResubscribe);
      }
      publish();
      break;
    default:
      on_notice(first);
      break;
  }
}

void BookKeeper::on_rest_diff(const ParsedMessage& first) noexcept {
  using Action = RestSnapshotSync::DiffAction;
  using Phase = RestSnapshotSync::Phase;
  if (rest_.phase() != Phase::kUnsynced && !scales_match(first)) {
    fail(BookState::kGapped, BookReason::kScaleChanged);
    publish();
  }
  const Phase before = rest_.phase();
  switch (rest_.on_diff(first.first_update_id, first.last_update_id,
                        first.previous_update_id)) {
    case Action::kBufferRestart:
      gaps_.add(1);
      updates_dropped_.add(kept_.size());
      kept_.clear();
      [[fallthrough]];
    case Action::kBuffer:
      keep(first);
      if (view_.state == BookState::kEmpty) {
        enter(BookState::kSyncing, BookReason::kAwaitingSnapshot);
      }
      if (!asked_) request();
      if (state_changed_) publish();
      break;
    case Action::kIgnore:
      updates_dropped_.add(1);
      if (before != rest_.phase()) {
        enter(BookState::kLive, BookReason::kNone);
        publish();
      }
      break;
    case Action::kGap: {
      // fail() makes the machine forget what it knows since this diff.
      const RestSnapshotSync machine = rest_;
      fail(BookState::kGapped, BookReason::kSequenceGap);
      rest_ = machine;
      keep(first);
      publish();
      break;
    }
    case Action::kJoin:
      enter(BookState::kLive, BookReason::kNone);
      [[fallthrough]];
    case Action::kApply:
      // It brings an older snapshot forward.
      if (refilling_) [[unlikely]]
        kept_.push(first);
      apply_delta(first);
      break;
  }
}

void BookKeeper::keep(const ParsedMessage& first) noexcept {
  const size_t given_up = kept_.push(first);
  if (given_up == 0) return;
  updates_dropped_.add(given_up);
  if (kept_.empty()) {
    rest_.restart();
  } else {
    rest_.on_buffer_trimmed(kept_.front().first_update_id,
                            kept_.front().previous_update_id);
  }
}

void BookKeeper::on_rest_snapshot(const ParsedMessage& first) noexcept {
  asked_ = false;
  // One of the stream has a first id as its diffs have, and replaces all.
  if (first.has_first_update_id) restart();
  if (refilling_) {
    refill(first);
    return;
  }
  switch (rest_.on_snapshot(first.last_update_id)) {
    case RestSnapshotSync::SnapshotAction::kIgnore:
      return;
    case RestSnapshotSync::SnapshotAction::kRefetch:
      enter(
          view_.state == BookState::kEmpty ? BookState::kSyncing : view_.state,
          BookReason::kSnapshotTooOld);
      request();
      publish();
      return;
    case RestSnapshotSync::SnapshotAction::kApply:
      break;
  }
  load_snapshot(first);
  enter(BookState::kSyncing, BookReason::kAwaitingFirstUpdate);
  applied(for_each_part(first, [](const ParsedMessage&) {}), false);
  offer_kept();
}

// A snapshot for a book whose diffs go on: its touch is near the horizon, or
// beyond it. One that is older than the book is brought forward by the diffs
// that were kept since it was asked for.
void BookKeeper::refill(const ParsedMessage& first) noexcept {
  const uint64_t id = first.last_update_id;
  const bool newer = id >= rest_.last_update_id();
  if (!newer && (kept_.empty() || !kept_continue(id))) {
    request();
    return;
  }
  if (!scales_match(first)) {
    fail(BookState::kGapped, BookReason::kScaleChanged);
    publish();
    return;
  }
  refilling_ = false;
  load_snapshot(first);
  ParsedMessageHeader stands =
      for_each_part(first, [](const ParsedMessage&) {}).header();
  if (newer) {
    kept_.clear();
    rest_.restart();
    rest_.on_snapshot(id);
  } else {
    stands.last_update_id = rest_.last_update_id();
    stands.exchange_time_ns = view_.exchange_time_ns;
    top_changed_[0] = top_changed_[1] = true;
    for (; !kept_.empty(); kept_.pop_front()) {
      if (kept_.front().last_update_id <= id) continue;
      kept_.visit_front([this](Side side, const PriceLevel& level) {
        book_.apply(side, level.price, level.quantity);
      });
    }
  }
  tell_without_levels(stands);
}

// Whether the oldest kept diff leaves no hole behind a snapshot.
bool BookKeeper::kept_continue(uint64_t id) const noexcept {
  const ParsedMessageHeader& oldest = kept_.front();
  return traits_.diffs == DiffRule::kPreviousId
             ? oldest.previous_update_id <= id
             : oldest.first_update_id <= id + 1;
}

// applied() of a message whose levels are no longer there.
void BookKeeper::tell_without_levels(
    const ParsedMessageHeader& header) noexcept {
  kept_message_.header() = header;
  kept_message_.first_part = kept_message_.last_part = true;
  kept_message_.bid_count = kept_message_.ask_count = 0;
  kept_message_.raw = nullptr;
  kept_message_.next = nullptr;
  applied(kept_message_, true);
}

void BookKeeper::offer_kept() noexcept {
  using Action = RestSnapshotSync::DiffAction;
  while (!kept_.empty()) {
    const ParsedMessageHeader& diff = kept_.front();
    if (!scales_match(diff)) {
      fail(BookState::kGapped, BookReason::kScaleChanged);
      publish();
      return;
    }
    // Ignored, joined or applied: see RestSnapshotSync::on_snapshot.
    const Action action = rest_.on_diff(
        diff.first_update_id, diff.last_update_id, diff.previous_update_id);
    if (action == Action::kIgnore) {
      updates_dropped_.add(1);
      kept_.pop_front();
      if (rest_.phase() == RestSnapshotSync::Phase::kLive &&
          view_.state != BookState::kLive) {
        enter(BookState::kLive, BookReason::kNone);
        publish();
      }
      continue;
    }
    if (action == Action::kJoin) enter(BookState::kLive, BookReason::kNone);
    top_changed_[0] = top_changed_[1] = true;
    const size_t levels =
        kept_.visit_front([this](Side side, const PriceLevel& level) {
          book_.apply(side, level.price, level.quantity);
        });
    updates_applied_.add(1);
    levels_applied_.add(levels);
    const ParsedMessageHeader header = diff;
    kept_.pop_front();
    tell_without_levels(header);
    // If that failed, what is still kept was forgotten with the rest.
  }
}

// Snapshots in the stream: chained ids, a sequence that the pipeline watches,
// a checksum, or a promise.
void BookKeeper::on_stream_message(const ParsedMessage& first) noexcept {
  switch (first.kind) {
    case ParsedMessageKind::kDelta:
      if (!may_apply(first)) break;
      if (!scales_match(first)) {
        fail(BookState::kGapped, BookReason::kScaleChanged);
        publish();
        break;
      }
      apply_delta(first);
      break;
    case ParsedMessageKind::kSnapshot: {
      asked_ = false;
      load_snapshot(first);
      if (first.has_last_update_id) chain_.on_snapshot(first.last_update_id);
      checksum_.on_snapshot(
          std::max(book_.levels(Side::kBid), book_.levels(Side::kAsk)));
      applied(for_each_part(first, [](const ParsedMessage&) {}), false);
      break;
    }
    case ParsedMessageKind::kSubscribed:
      // Its snapshot overtook it, and is verified.
      if (checksum_.live() && (!traits_.truncates || first.depth == 0 ||
                               first.depth == checksum_.depth())) {
        break;
      }
      [[fallthrough]];
    case ParsedMessageKind::kUnsubscribed:
      checksum_.on_subscribed(traits_.truncates ? first.depth : 0);
      enter(BookState::kSyncing, BookReason::kAwaitingSnapshot);
      publish();
      break;
    case ParsedMessageKind::kRefused:
      // A refused second subscription does not harm the first.
      if (checksum_.live()) break;
      checksum_.restart();
      enter(BookState::kHalted, BookReason::kVenueRefused);
      // There is no subscription that a second one could meet.
      request(BookRequestKind::kResubscribe);
      publish();
      break;
    default:
      on_notice(first);
      break;
  }
}

bool BookKeeper::may_apply(const ParsedMessage& first) noexcept {
  if (checksum_.on_delta() == ChecksumSync::Action::kDrop) {
    updates_dropped_.add(1);
    if (view_.state == BookState::kEmpty) {
      enter(BookState::kSyncing, BookReason::kAwaitingSnapshot);
      publish();
    }
    return false;
  }
  // A message of such a venue without ids stands on its checksum alone.
  if (traits_.sync != SyncClass::kChainedIds || !first.has_last_update_id) {
    return true;
  }
  switch (chain_.on_delta(first.previous_update_id, first.last_update_id)) {
    case ChainedIdSync::Action::kApply:
      return true;
    case ChainedIdSync::Action::kIgnore:
      updates_dropped_.add(1);
      return false;
    case ChainedIdSync::Action::kDrop:  // ids come where there were none
    case ChainedIdSync::Action::kGap:
      updates_dropped_.add(1);
      fail(BookState::kGapped, BookReason::kSequenceGap);
      publish();
      return false;
  }
  return false;
}

// What concerns every synchronisation alike.
void BookKeeper::on_notice(const ParsedMessage& message) noexcept {
  const bool halts = message.kind == ParsedMessageKind::kShutdown ||
                     (message.kind == ParsedMessageKind::kStatus &&
                      message.reason == BookReason::kVenueStatus);
  if (halts) {
    restart();
    venue_halted_ = true;
    enter(BookState::kHalted, BookReason::kVenueStatus);
    if (message.kind == ParsedMessageKind::kShutdown) {
      closing_ = true;
      request(BookRequestKind::kReconnect);
    }
    publish();
    return;
  }
  if (message.kind == ParsedMessageKind::kStatus) venue_halted_ = false;
  if (message.kind == ParsedMessageKind::kStatus &&
      view_.state == BookState::kHalted &&
      view_.reason == BookReason::kVenueStatus) {
    enter(BookState::kSyncing, BookReason::kAwaitingSnapshot);
    request();
    publish();
    return;
  }
  if (message.kind == ParsedMessageKind::kSubscribed &&
      view_.state == BookState::kEmpty) {
    enter(BookState::kSyncing, BookReason::kAwaitingSnapshot);
    request();
    publish();
  }
}

// ---- The book ---------------------------------------------------------------

void BookKeeper::load_snapshot(const ParsedMessage& first) noexcept {
  // The venue's own is in units of the scales that it was told with.
  int64_t tick =
      first.price_scale == instrument_.price_scale ? instrument_.tick : 0;
  for_each_part(first, [&tick](const ParsedMessage& part) {
    for (const auto levels : {part.bids(), part.asks()}) {
      if (!levels.empty()) tick = std::gcd(tick, infer_tick(levels));
    }
  });
  book_.reset(first.price_scale, first.quantity_scale,
              std::max<int64_t>(tick, 1));
  dropped_before_ = book_.dropped_levels();
  top_changed_[0] = top_changed_[1] = true;
  horizon_[0] = horizon_[1] = std::nullopt;
  for_each_part(first, [this](const ParsedMessage& part) {
    book_.apply(Side::kBid, part.bids());
    book_.apply(Side::kAsk, part.asks());
    if (traits_.whole_snapshots) return;
    for (const PriceLevel& level : part.bids()) {
      horizon_[0] = std::min(horizon_[0].value_or(level.price), level.price);
    }
    for (const PriceLevel& level : part.asks()) {
      horizon_[1] = std::max(horizon_[1].value_or(level.price), level.price);
    }
  });
  for (const Side side : {Side::kBid, Side::kAsk}) {
    // With three quarters of what is known behind it, the touch is near.
    if (const auto horizon = known_horizon(side)) {
      near_[static_cast<size_t>(side)] =
          *horizon + (book_.best(side).price - *horizon) / 4;
    }
  }
  if (had_snapshot_) resyncs_.add(1);
  had_snapshot_ = true;
  view_.price_scale = first.price_scale;
  view_.quantity_scale = first.quantity_scale;
}

void BookKeeper::apply_delta(const ParsedMessage& first) noexcept {
  size_t levels = 0;
  const ParsedMessage& last =
      for_each_part(first, [&](const ParsedMessage& part) {
        for (const Side side : {Side::kBid, Side::kAsk}) {
          const auto changes = side == Side::kBid ? part.bids() : part.asks();
          book_.apply(side, changes);
          top_changed_[static_cast<size_t>(side)] |= reaches_top(side, changes);
        }
        levels += part.level_count();
      });
  updates_applied_.add(1);
  levels_applied_.add(levels);
  applied(last, false);
}

// False only where none of `changes` is among the best levels as view_ has
// them: most of a small message's are not, and reading those levels again, and
// their checksum, is most of its work.
bool BookKeeper::reaches_top(
    Side side, std::span<const PriceLevel> changes) const noexcept {
  constexpr size_t kFew = 16;  // of more some always are
  const size_t count = top_count_[static_cast<size_t>(side)];
  if (changes.size() > kFew || count < kBookViewDepth) {
    return !changes.empty();
  }
  const PriceLevel* const top = side == Side::kBid ? view_.bids : view_.asks;
  const int64_t worst = top[count - 1].price;
  bool reaches = false;
  for (const PriceLevel& change : changes) {
    reaches |=
        side == Side::kBid ? change.price >= worst : change.price <= worst;
  }
  return reaches;
}

// The book's best levels into view_, all that there are; false if they are the
// same as before.
bool BookKeeper::read_top() noexcept {
  const bool changed = top_changed_[0] || top_changed_[1];
  if (std::exchange(top_changed_[0], false)) {
    top_count_[0] =
        static_cast<uint8_t>(book_.top(Side::kBid, std::span(view_.bids)));
  }
  if (std::exchange(top_changed_[1], false)) {
    top_count_[1] =
        static_cast<uint8_t>(book_.top(Side::kAsk, std::span(view_.asks)));
  }
  view_.bid_count = top_count_[0];
  view_.ask_count = top_count_[1];
  return changed;
}

// After the levels of a message are in the book: verifies, publishes, tells.
void BookKeeper::applied(const ParsedMessage& message, bool kept) noexcept {
  if (traits_.truncates && checksum_.depth() != 0) {
    book_.truncate(checksum_.depth());
  }
  const bool top_changed = read_top();
  if (traits_.sync != SyncClass::kRestSnapshot) {
    const Sum sum = sum_of(message, top_changed);
    if (sum == Sum::kAgrees) checksums_ok_.add(1);
    const bool good = sum == Sum::kAgrees || sum == Sum::kNone;
    if (!good) checksums_bad_.add(1);
    if (checksum_.on_sum(good)) {
      if (view_.state != BookState::kLive) {
        enter(BookState::kLive, BookReason::kNone);
      }
    } else {
      fail(BookState::kChecksumFailed, sum == Sum::kMissing
                                           ? BookReason::kMissingChecksum
                                           : BookReason::kChecksumMismatch);
    }
  }
  view_.has_update_id = message.has_last_update_id;
  view_.update_id = message.last_update_id;
  view_.exchange_time_ns = message.exchange_time_ns;
  if (view_.bid_count != 0 && view_.ask_count != 0 &&
      view_.bids[0].price >= view_.asks[0].price) [[unlikely]] {
    crossed_.add(1);
    fail(BookState::kCrossed, BookReason::kCrossedAfterUpdate);
  } else if (book_.dropped_levels() != dropped_before_) [[unlikely]] {
    fail(BookState::kGapped, BookReason::kInternalDrop);
  } else if (!touch_is_known()) [[unlikely]] {
    // Nothing was missed: what is known goes on, and may yet suffice again.
    enter(BookState::kGapped, BookReason::kBeyondSnapshot);
    ask_for_refill();
  } else {
    if (beyond_snapshot()) [[unlikely]] {
      enter(BookState::kLive, BookReason::kNone);
    }
    if (touch_is_near_horizon()) [[unlikely]] {
      ask_for_refill();
    }
  }
  view_.bid_count = static_cast<uint8_t>(
      known(Side::kBid, std::span(view_.bids).first(view_.bid_count)));
  view_.ask_count = static_cast<uint8_t>(
      known(Side::kAsk, std::span(view_.asks).first(view_.ask_count)));
  view_.receive_ticks = now_ticks_;
  published_.store(view_);
  if (observer_ != nullptr) observer_->on_applied(*this, message, kept);
  if (state_changed_) [[unlikely]] {
    announce();
  }
}

// What the venue's checksum says of the book as it is now.
BookKeeper::Sum BookKeeper::sum_of(const ParsedMessage& message,
                                   bool top_changed) noexcept {
  uint32_t sum = 0;
  switch (traits_.checksum) {
    case ChecksumKind::kNone:
      return Sum::kNone;
    case ChecksumKind::kKraken:
      if (!message.has_checksum) return Sum::kMissing;
      sum = top_changed
                ? sum_.update(std::span(view_.asks).first(view_.ask_count),
                              std::span(view_.bids).first(view_.bid_count))
                : sum_.last();
      break;
    case ChecksumKind::kInterleaved:
    case ChecksumKind::kBitfinex: {
      const bool bitfinex = traits_.checksum == ChecksumKind::kBitfinex;
      if (!message.has_checksum) {
        return bitfinex || message.has_last_update_id ? Sum::kNone
                                                      : Sum::kMissing;
      }
      PriceLevel bids[kInterleavedLevels];
      PriceLevel asks[kInterleavedLevels];
      const size_t bid_count = book_.top(Side::kBid, bids);
      const size_t ask_count = book_.top(Side::kAsk, asks);
      sum = interleaved_checksum(
          {bids, bid_count}, {asks, ask_count}, book_.price_scale(),
          book_.quantity_scale(),
          bitfinex ? AmountStyle::kJavaScript : AmountStyle::kPlain);
      break;
    }
  }
  return sum == message.checksum ? Sum::kAgrees : Sum::kDisagrees;
}

// Whether each side's best price lies where all levels are known; where not,
// levels that nobody spoke of may be better. A true best ask tells that there
// is no bid from it upward, and later ones are announced: it widens what is
// known of the bids, and likewise the other way round.
bool BookKeeper::touch_is_known() noexcept {
  auto& [bid, ask] = horizon_;
  const bool bids_known =
      !bid || (view_.bid_count != 0 && view_.bids[0].price >= *bid);
  const bool asks_known =
      !ask || (view_.ask_count != 0 && view_.asks[0].price <= *ask);
  if (bid && asks_known && view_.ask_count != 0) {
    bid = std::min(*bid, view_.asks[0].price);
  }
  if (ask && bids_known && view_.bid_count != 0) {
    ask = std::max(*ask, view_.bids[0].price);
  }
  return bids_known && asks_known;
}

// Beyond what is known as of the last snapshot: the next would come too late.
bool BookKeeper::touch_is_near_horizon() const noexcept {
  return rest_.phase() == RestSnapshotSync::Phase::kLive &&
         ((horizon_[0] && view_.bids[0].price < near_[0]) ||
          (horizon_[1] && view_.asks[0].price > near_[1]));
}

void BookKeeper::ask_for_refill() noexcept {
  if (asked_) return;
  refilling_ = true;
  request();
}

bool BookKeeper::beyond_snapshot() const noexcept {
  return view_.state == BookState::kGapped &&
         view_.reason == BookReason::kBeyondSnapshot;
}

bool BookKeeper::scales_match(
    const ParsedMessageHeader& message) const noexcept {
  return message.price_scale == book_.price_scale() &&
         message.quantity_scale == book_.quantity_scale();
}

std::optional<int64_t> BookKeeper::known_horizon(Side side) const noexcept {
  return horizon_[static_cast<size_t>(side)];
}

size_t BookKeeper::within_horizon(
    Side side, std::span<const PriceLevel> levels) const noexcept {
  const int64_t horizon = *horizon_[static_cast<size_t>(side)];
  size_t count = levels.size();
  while (count != 0 &&
         (side == Side::kBid ? levels[count - 1].price < horizon
                             : levels[count - 1].price > horizon)) {
    --count;
  }
  return count;
}

// ---- Faults and the connection ----------------------------------------------

void BookKeeper::on_fault(BookReason reason, uint64_t ticks) noexcept {
  now_ticks_ = ticks;
  if (closing_) return;
  fail(BookState::kGapped, reason);
  publish();
}

void BookKeeper::on_connection_up(uint64_t ticks) noexcept {
  now_ticks_ = ticks;
  closing_ = venue_halted_ = false;
  withdraw_reconnect();
  // A snapshot may have overtaken the connection it is meant for.
  if (view_.state == BookState::kSyncing) return;
  restart();
  asked_ = false;
  enter(BookState::kSyncing, BookReason::kAwaitingSnapshot);
  publish();
}

void BookKeeper::on_connection_lost(uint64_t ticks) noexcept {
  now_ticks_ = ticks;
  withdraw_reconnect();
  restart();
  asked_ = false;
  // A connection that was never up had nothing to lose.
  enter(
      view_.state == BookState::kEmpty ? BookState::kEmpty : BookState::kGapped,
      BookReason::kConnectionLost);
  publish();
}

void BookKeeper::on_connection_stale(uint64_t ticks) noexcept {
  if (view_.state == BookState::kStale || view_.state == BookState::kEmpty) {
    return;
  }
  now_ticks_ = ticks;
  before_stale_ = view_.state;
  reason_before_stale_ = view_.reason;
  enter(BookState::kStale, BookReason::kStaleHeartbeat);
  publish();
}

void BookKeeper::on_connection_alive(uint64_t ticks) noexcept {
  now_ticks_ = ticks;
  if (view_.state != BookState::kStale) [[likely]] {
    return;
  }
  // What the venue sent meanwhile comes now, in order: nothing was missed that
  // ids or sums would not show.
  enter(before_stale_, reason_before_stale_);
  publish();
}

void BookKeeper::restart() noexcept {
  rest_.restart();
  chain_.restart();
  checksum_.restart();
  // What was kept for a refill was applied, too.
  if (!refilling_) updates_dropped_.add(kept_.size());
  refilling_ = false;
  kept_.clear();
}

void BookKeeper::fail(BookState state, BookReason reason) noexcept {
  restart();
  if (state == BookState::kGapped) gaps_.add(1);
  enter(state, reason);
  request();
}

void BookKeeper::enter(BookState state, BookReason reason) noexcept {
  if (state == BookState::kLive && venue_halted_) [[unlikely]] {
    state = BookState::kHalted;
    reason = BookReason::kVenueStatus;
  }
  if (view_.state == state && view_.reason == reason) return;
  if (view_.state != state) view_.since_ticks = now_ticks_;
  view_.state = state;
  view_.reason = reason;
  state_changed_ = true;
}

void BookKeeper::request() noexcept {
  asked_ = true;
  request(traits_.sync == SyncClass::kRestSnapshot
              ? BookRequestKind::kFetchSnapshot
          : traits_.resync_reconnects ? BookRequestKind::kReconnect
                                      : BookRequestKind::kResubscribe);
}

void BookKeeper::request(BookRequestKind kind) noexcept {
  // Pairs with the acquire in take_request: nothing travels beside it, the
  // order only keeps it from appearing before the fault's own stores.
  request_.store(static_cast<uint8_t>(static_cast<uint8_t>(kind) + 1),
                 std::memory_order_release);
  if (observer_ != nullptr) observer_->on_request(*this);
}

// The connection is new already. Others may take it at this very moment.
void BookKeeper::withdraw_reconnect() noexcept {
  auto kind = static_cast<uint8_t>(
      static_cast<uint8_t>(BookRequestKind::kReconnect) + 1);
  // Relaxed: nothing travels beside the number.
  request_.compare_exchange_strong(kind, 0, std::memory_order_relaxed);
}

std::optional<BookRequestKind> BookKeeper::take_request() noexcept {
  // Relaxed: the exchange below is the one that counts.
  if (request_.load(std::memory_order_relaxed) == 0) return std::nullopt;
  // Pairs with the release in request().
  const uint8_t kind = request_.exchange(0, std::memory_order_acquire);
  if (kind == 0) return std::nullopt;
  return static_cast<BookRequestKind>(kind - 1);
}

// ---- Publication ------------------------------------------------------------

void BookKeeper::publish() noexcept {
  view_.receive_ticks = now_ticks_;
  published_.store(view_);
  if (state_changed_) announce();
}

void BookKeeper::announce() noexcept {
  state_changed_ = false;
  if (observer_ != nullptr) observer_->on_state_changed(*this);
}

BookView BookKeeper::view() const noexcept {
  BookView view;
  // Busy only while the writer never rests: try until it does.
  while (published_.load(view) != SeqlockRead::kOk) {
  }
  return view;
}

BookStatistics BookKeeper::statistics() const noexcept {
  return {.updates_applied = updates_applied_.get(),
          .updates_dropped = updates_dropped_.get(),
          .levels_applied = levels_applied_.get(),
          .gaps = gaps_.get(),
          .resyncs = resyncs_.get(),
          .checksums_ok = checksums_ok_.get(),
          .checksums_bad = checksums_bad_.get(),
          .crossed = crossed_.get()};
}

}  // namespace wirebook
