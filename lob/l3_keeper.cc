// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "lob/l3_keeper.h"

#include <algorithm>
#include <numeric>

#include "lob/order_checksum.h"
#include "lob/venue.h"

namespace wirebook {
namespace {

BookReason reason_of(L3Result result) noexcept {
  switch (result) {
    case L3Result::kOk:
      return BookReason::kNone;
    case L3Result::kDuplicateId:
    case L3Result::kUnknownId:
      return BookReason::kSequenceGap;
    case L3Result::kBadQuantity:
      return BookReason::kMalformedMessage;
    case L3Result::kOverflow:
      return BookReason::kNumberOverflow;
    case L3Result::kFull:
      return BookReason::kInternalDrop;
  }
  return BookReason::kMalformedMessage;
}

// The parts of one message; f says whether to go on.
template <class F>
bool for_each_event(const ParsedMessage& first, F&& f) {
  for (const ParsedMessage* part = &first;; part = part->next) {
    for (const OrderEvent& event : part->order_events()) {
      if (!f(event)) return false;
    }
    if (part->last_part) return true;
  }
}

}  // namespace

L3Keeper::L3Keeper(const Instrument& instrument, const OrderFeed& feed,
                   TradingObjectPools& pools, const L3KeeperOptions& options,
                   L3KeeperObserver* observer)
    : instrument_(instrument),
      feed_(feed),
      observer_(observer),
      book_(pools, options.book),
      names_(feed.wide_ids ? options.book.orders : 0),
      sync_(feed.rule),
      buffered_messages_(options.buffered_messages),
      buffered_orders_(options.buffered_orders),
      patience_ticks_(options.patience_ticks),
      depth_(static_cast<size_t>(std::max(
          instrument.depth > 0 ? instrument.depth : options.depth, 0))) {
  if (feed.rule != OrderRule::kStream) {
    kept_.reserve(buffered_messages_);
    kept_orders_.reserve(buffered_orders_);
  }
  view_.assurance = feed.assurance;
  view_.instrument = instrument.index;
  published_.store(view_);
}

// ---- Messages ---------------------------------------------------------------

void L3Keeper::on_message(const ParsedMessage& first) noexcept {
  if (!first.http_body) {
    on_connection_alive(first.receive_ticks);
  } else {
    now_ticks_ = first.receive_ticks;
    if (view_.state == BookState::kStale) {
      asked_ = false;
      return;
    }
  }
  if (closing_) [[unlikely]] {
    if (first.kind == ParsedMessageKind::kDelta) updates_dropped_.add(1);
    return;
  }
  switch (first.kind) {
    case ParsedMessageKind::kDelta:
      on_update(first);
      break;
    case ParsedMessageKind::kSnapshot:
      on_snapshot(first);
      break;
    case ParsedMessageKind::kRefused:
    case ParsedMessageKind::kMalformed:
      on_refused(first);
      break;
    case ParsedMessageKind::kSubscribed:
    case ParsedMessageKind::kUnsubscribed:
      on_subscribed(first);
      break;
    default:
      on_notice(first);
      break;
  }
}

OrderSync::Mark L3Keeper::mark_of(const ParsedMessageHeader& header) noexcept {
  return {.place = header.first_update_id,
          .chained = header.has_previous_update_id,
          .previous = header.previous_update_id,
          .last = header.last_update_id};
}

void L3Keeper::on_update(const ParsedMessage& first) noexcept {
  using Action = OrderSync::Action;
  if (sync_.phase() != OrderSync::Phase::kUnsynced && !scales_match(first)) {
    fail(BookState::kGapped, BookReason::kScaleChanged);
    publish();
  }
  const bool was_live = sync_.live();
  const Action action = sync_.on_update(mark_of(first));
  switch (action) {
    case Action::kDrop:
      updates_dropped_.add(1);
      if (view_.state == BookState::kEmpty) {
        enter(BookState::kSyncing, BookReason::kAwaitingSnapshot);
        publish();
      }
      return;
    case Action::kBufferRestart:
      gaps_.add(1);
      forget_kept();
      [[fallthrough]];
    case Action::kBuffer:
      keep(first);
      if (view_.state == BookState::kEmpty) {
        enter(BookState::kSyncing, BookReason::kAwaitingSnapshot);
      }
      if (!asked_) request();
      if (state_changed_) publish();
      return;
    case Action::kIgnore:
      updates_dropped_.add(1);
      if (sync_.live() && !was_live) settle(first);
      return;
    case Action::kGap: {
      // fail() makes the machine forget what it knows since this message.
      const OrderSync machine = sync_;
      fail(BookState::kGapped, BookReason::kSequenceGap);
      sync_ = machine;
      keep(first);
      publish();
      return;
    }
    case Action::kApplyLoosely:
    case Action::kApply:
      break;
  }
  size_t orders = 0;
  BookReason fault = BookReason::kNone;
  for_each_event(first, [&](const OrderEvent& event) {
    ++orders;
    fault = apply(event, action == Action::kApplyLoosely);
    return fault == BookReason::kNone;
  });
  if (fault != BookReason::kNone) {
    updates_dropped_.add(1);
    fail(BookState::kGapped, fault);
    publish();
    return;
  }
  updates_applied_.add(1);
  orders_applied_.add(orders);
  settle(first);
}

void L3Keeper::keep(const ParsedMessage& first) noexcept {
  size_t orders = 0;
  for_each_event(first, [&orders](const OrderEvent&) { return ++orders != 0; });
  if (kept_.size() == buffered_messages_ ||
      kept_orders_.size() + orders > buffered_orders_) {
    forget_kept();
    sync_.restart();
    if (orders > buffered_orders_ || buffered_messages_ == 0) {
      updates_dropped_.add(1);
      return;
    }
    sync_.on_update(mark_of(first));
  }
  kept_.push_back({first.header(), orders});
  for_each_event(first, [this](const OrderEvent& event) {
    kept_orders_.push_back(event);
    return true;
  });
}

void L3Keeper::forget_kept() noexcept {
  updates_dropped_.add(kept_.size());
  kept_.clear();
  kept_orders_.clear();
}

void L3Keeper::on_snapshot(const ParsedMessage& first) noexcept {
  asked_ = false;
  if (feed_.rule == OrderRule::kStream) {
    if (first.http_body) return;
    restart();
    if (!load(first)) return;
    sync_.on_stream_snapshot();
    settle(first);
    return;
  }
  switch (sync_.on_snapshot(first.last_update_id)) {
    case OrderSync::SnapshotAction::kIgnore:
      return;
    case OrderSync::SnapshotAction::kRefetch:
      enter(
          view_.state == BookState::kEmpty ? BookState::kSyncing : view_.state,
          BookReason::kSnapshotTooOld);
      request();
      publish();
      return;
    case OrderSync::SnapshotAction::kApply:
      break;
  }
  if (!load(first)) return;
  enter(BookState::kSyncing, BookReason::kAwaitingFirstUpdate);
  settle(first);
  offer_kept();
}

// False where it contradicts itself: it is no snapshot, and another is asked
// for.
bool L3Keeper::load(const ParsedMessage& first) noexcept {
  int64_t tick = 0;
  for_each_event(first, [&tick](const OrderEvent& event) {
    tick = std::gcd(tick, event.price);
    return true;
  });
  book_.reset(std::max<int64_t>(tick, 1));
  names_.clear();
  crossed_for_ = 0;
  view_.price_scale = first.price_scale;
  view_.quantity_scale = first.quantity_scale;
  if (had_snapshot_) resyncs_.add(1);
  had_snapshot_ = true;
  BookReason fault = BookReason::kNone;
  for_each_event(first, [&](const OrderEvent& event) {
    fault = add(event);
    return fault == BookReason::kNone;
  });
  if (fault == BookReason::kNone) return true;
  fail(BookState::kGapped, fault);
  publish();
  return false;
}

void L3Keeper::offer_kept() noexcept {
  using Action = OrderSync::Action;
  size_t begin = 0;
  for (size_t i = 0; i < kept_.size(); ++i) {
    const Kept& kept = kept_[i];
    const size_t end = begin + kept.orders;
    const bool was_live = sync_.live();
    const Action action = sync_.on_update(mark_of(kept.header));
    const bool applies =
        action == Action::kApply || action == Action::kApplyLoosely;
    BookReason fault = action == Action::kGap ? BookReason::kSequenceGap
                       : applies && !scales_match(kept.header)
                           ? BookReason::kScaleChanged
                           : BookReason::kNone;
    for (size_t k = begin; applies && k < end && fault == BookReason::kNone;
         ++k) {
      fault = apply(kept_orders_[k], action == Action::kApplyLoosely);
    }
    if (fault != BookReason::kNone) {
      fail(BookState::kGapped, fault);
      publish();
      return;
    }
    if (applies) {
      updates_applied_.add(1);
      orders_applied_.add(kept.orders);
    } else {
      updates_dropped_.add(1);
    }
    begin = end;
    // A copy: settle() may forget all that is kept.
    const ParsedMessageHeader header = kept.header;
    if (applies || (sync_.live() && !was_live)) settle(header);
    if (sync_.phase() == OrderSync::Phase::kUnsynced) return;
  }
  kept_.clear();
  kept_orders_.clear();
}

// ---- Orders -----------------------------------------------------------------

std::optional<uint64_t> L3Keeper::book_id(OrderId id) const noexcept {
  if (!feed_.wide_ids) {
    return id.high == 0 ? std::optional(id.low) : std::nullopt;
  }
  const uint64_t number = names_.find(id);
  return number == OrderIdTable::kNone ? std::nullopt : std::optional(number);
}

BookReason L3Keeper::add(const OrderEvent& event) noexcept {
  uint64_t id = event.id.low;
  if (feed_.wide_ids) {
    if (names_.find(event.id) != OrderIdTable::kNone) {
      return reason_of(L3Result::kDuplicateId);
    }
    id = names_.add(event.id);
  }
  const L3Result result =
      book_.add(id, event.side, event.price, event.quantity, event.time_ns);
  if (result != L3Result::kOk && feed_.wide_ids) names_.remove(id);
  return reason_of(result);
}

void L3Keeper::cancel(uint64_t id) noexcept {
  book_.cancel(id);
  if (feed_.wide_ids) names_.remove(id);
}

BookReason L3Keeper::change(uint64_t id, const OrderNode& order,
                            const OrderEvent& event) noexcept {
  if (event.quantity == 0) {
    cancel(id);
    return BookReason::kNone;
  }
  const bool moves =
      event.price != order.level->total.price ||
      (feed_.more_loses_place && event.quantity > order.quantity);
  return reason_of(
      moves ? book_.replace(id, id, event.price, event.quantity, event.time_ns)
            : book_.resize(id, event.quantity));
}

// kNone, or what it contradicts. Loosely: the book may be ahead of the message.
BookReason L3Keeper::apply(const OrderEvent& event, bool loosely) noexcept {
  const std::optional<uint64_t> id = book_id(event.id);
  const OrderNode* const order = id ? book_.find(*id) : nullptr;
  if (order == nullptr) {
    const bool adds =
        event.action == OrderAction::kAdd || event.action == OrderAction::kPut;
    if (adds) return add(event);
    return loosely || event.may_be_unknown ? BookReason::kNone
                                           : BookReason::kSequenceGap;
  }
  if (order->level->side != event.side &&
      event.action != OrderAction::kRemove) {
    return BookReason::kMalformedMessage;
  }
  switch (event.action) {
    case OrderAction::kAdd:
      return loosely ? change(*id, *order, event) : BookReason::kSequenceGap;
    case OrderAction::kChange:
    case OrderAction::kPut:
      return change(*id, *order, event);
    case OrderAction::kReduce: {
      const bool all = event.quantity == order->quantity;
      const BookReason fault = reason_of(book_.execute(*id, event.quantity));
      if (all && feed_.wide_ids) names_.remove(*id);
      return fault;
    }
    case OrderAction::kRemove:
      cancel(*id);
      return BookReason::kNone;
  }
  return BookReason::kMalformedMessage;
}

void L3Keeper::truncate(Side side) noexcept {
  if (depth_ == 0 || book_.levels(side) <= depth_) [[likely]] {
    return;
  }
  truncated_.clear();
  size_t levels = 0;
  book_.for_each_level(side, [&](const LevelQueue& level) {
    if (++levels <= depth_) return;
    for (const OrderNode* order = level.first(); order != nullptr;
         order = level.after(*order)) {
      truncated_.push_back(order->id);
    }
  });
  for (const uint64_t id : truncated_) cancel(id);
}

// After the orders of a message are in the book: verifies, publishes, tells.
void L3Keeper::settle(const ParsedMessageHeader& message) noexcept {
  if (feed_.truncates) {
    truncate(Side::kBid);
    truncate(Side::kAsk);
  }
  view_.bid_count =
      static_cast<uint8_t>(book_.top(Side::kBid, std::span(view_.bids)));
  view_.ask_count =
      static_cast<uint8_t>(book_.top(Side::kAsk, std::span(view_.asks)));
  view_.has_update_id = message.has_last_update_id;
  view_.update_id = message.last_update_id;
  view_.exchange_time_ns = message.exchange_time_ns;
  if (feed_.rule == OrderRule::kTime &&
      message.kind == ParsedMessageKind::kDelta) {
    view_.assurance =
        message.has_previous_update_id ? feed_.assurance : Assurance::kPromised;
  }
  const bool sound = touch_is_sound();
  if (feed_.rule == OrderRule::kStream) {
    const bool agrees = sum_agrees(message);
    sync_.on_sum(agrees);
    if (!agrees) {
      fail(BookState::kChecksumFailed, message.has_checksum
                                           ? BookReason::kChecksumMismatch
                                           : BookReason::kMissingChecksum);
      publish();
      return;
    }
  }
  if (sync_.live()) {
    if (sound) {
      enter(BookState::kLive, BookReason::kNone);
    } else if (crossed_for_ > feed_.crossed_messages) {
      fail(BookState::kCrossed, BookReason::kCrossedAfterUpdate);
    } else {
      enter(BookState::kCrossed, BookReason::kCrossedAfterUpdate);
    }
  }
  publish();
  if (observer_ != nullptr) observer_->on_applied(*this, message);
}

bool L3Keeper::touch_is_sound() noexcept {
  if (!book_.crossed()) [[likely]] {
    crossed_for_ = 0;
    return true;
  }
  if (crossed_for_++ == 0) crossed_.add(1);
  return false;
}

// True as well where there is no sum and none is due.
bool L3Keeper::sum_agrees(const ParsedMessageHeader& message) noexcept {
  uint32_t sum = 0;
  switch (feed_.checksum) {
    case OrderChecksum::kNone:
      return true;
    case OrderChecksum::kKraken:
      sum = kraken_order_checksum(book_);
      break;
    case OrderChecksum::kBitfinex:
      if (!message.has_checksum) return true;
      sum = bitfinex_order_checksum(book_, view_.quantity_scale);
      break;
  }
  const bool agrees = message.has_checksum && sum == message.checksum;
  (agrees ? checksums_ok_ : checksums_bad_).add(1);
  return agrees;
}

bool L3Keeper::scales_match(const ParsedMessageHeader& message) const noexcept {
  return message.price_scale == view_.price_scale &&
         message.quantity_scale == view_.quantity_scale;
}

// ---- What is not depth ------------------------------------------------------

void L3Keeper::on_refused(const ParsedMessage& message) noexcept {
  if (sync_.phase() != OrderSync::Phase::kUnsynced) return;
  if (message.http_body) {
    // The answer to our request for a snapshot: ask again.
    enter(view_.state == BookState::kEmpty ? BookState::kSyncing : view_.state,
          message.kind == ParsedMessageKind::kMalformed
              ? message.reason
              : BookReason::kVenueRefused);
    request();
  } else if (kept_.empty()) {
    enter(BookState::kHalted, BookReason::kVenueRefused);
    request(BookRequestKind::kResubscribe);
  }
  publish();
}

void L3Keeper::on_subscribed(const ParsedMessage& message) noexcept {
  const bool ends = message.kind == ParsedMessageKind::kUnsubscribed;
  if (feed_.rule != OrderRule::kStream) {
    if (ends) {
      restart();
      enter(BookState::kSyncing, BookReason::kAwaitingSnapshot);
      publish();
    } else {
      on_notice(message);
    }
    return;
  }
  // Its snapshot overtook it.
  if (!ends && sync_.live() &&
      (!feed_.truncates || message.depth == 0 || message.depth == depth_)) {
    return;
  }
  if (!ends && message.depth != 0) depth_ = message.depth;
  asked_ticks_ = now_ticks_;
  restart();
  enter(BookState::kSyncing, BookReason::kAwaitingSnapshot);
  publish();
}

void L3Keeper::on_notice(const ParsedMessage& message) noexcept {
  const bool halts = message.kind == ParsedMessageKind::kShutdown ||
                     (message.kind == ParsedMessageKind::kStatus &&
                      message.reason == BookReason::kVenueStatus);
  if (halts) {
    venue_halted_ = true;
    restart();
    enter(BookState::kHalted, BookReason::kVenueStatus);
    if (message.kind == ParsedMessageKind::kShutdown) {
      closing_ = true;
      request(BookRequestKind::kReconnect);
    }
    publish();
    return;
  }
  if (message.kind == ParsedMessageKind::kStatus) venue_halted_ = false;
  const bool resumes = message.kind == ParsedMessageKind::kStatus &&
                       view_.state == BookState::kHalted &&
                       view_.reason == BookReason::kVenueStatus;
  const bool begins = message.kind == ParsedMessageKind::kSubscribed &&
                      sync_.phase() == OrderSync::Phase::kUnsynced;
  if (resumes || begins) {
    enter(BookState::kSyncing, BookReason::kAwaitingSnapshot);
    // A snapshot that is told by time is asked for behind the first message.
    if (!asked_ && feed_.rule != OrderRule::kTime) request();
    publish();
  }
}

// ---- Faults and the connection ----------------------------------------------

void L3Keeper::on_fault(BookReason reason, uint64_t ticks) noexcept {
  now_ticks_ = ticks;
  if (closing_) return;
  fail(BookState::kGapped, reason);
  publish();
}

void L3Keeper::on_connection_up(uint64_t ticks) noexcept {
  now_ticks_ = ticks;
  closing_ = venue_halted_ = false;
  withdraw_reconnect();
  restart();
  asked_ = false;
  asked_ticks_ = ticks;
  enter(BookState::kSyncing, BookReason::kAwaitingSnapshot);
  publish();
}

void L3Keeper::on_connection_lost(uint64_t ticks) noexcept {
  now_ticks_ = ticks;
  withdraw_reconnect();
  restart();
  asked_ = false;
  enter(
      view_.state == BookState::kEmpty ? BookState::kEmpty : BookState::kGapped,
      BookReason::kConnectionLost);
  publish();
}

void L3Keeper::on_connection_stale(uint64_t ticks) noexcept {
  if (view_.state == BookState::kStale || view_.state == BookState::kEmpty) {
    return;
  }
  now_ticks_ = ticks;
  before_stale_ = view_.state;
  reason_before_stale_ = view_.reason;
  enter(BookState::kStale, BookReason::kStaleHeartbeat);
  publish();
}

void L3Keeper::on_connection_alive(uint64_t ticks) noexcept {
  now_ticks_ = ticks;
  if (view_.state != BookState::kStale) [[likely]] {
    return;
  }
  enter(before_stale_, reason_before_stale_);
  publish();
}

void L3Keeper::on_time(uint64_t ticks) noexcept {
  if (sync_.phase() != OrderSync::Phase::kUnsynced) [[likely]] {
    return;
  }
  const bool waits = (view_.state == BookState::kSyncing ||
                      view_.state == BookState::kGapped ||
                      view_.state == BookState::kChecksumFailed ||
                      view_.state == BookState::kCrossed) &&
                     view_.reason != BookReason::kConnectionLost && !closing_;
  // One that is told by time serves only behind the first message.
  if (!waits || (feed_.rule == OrderRule::kTime && kept_.empty()) ||
      ticks < asked_ticks_ || ticks - asked_ticks_ <= patience_ticks_) {
    return;
  }
  now_ticks_ = ticks;
  request();
}

void L3Keeper::restart() noexcept {
  sync_.restart();
  forget_kept();
  crossed_for_ = 0;
}

void L3Keeper::fail(BookState state, BookReason reason) noexcept {
  restart();
  if (state == BookState::kGapped) gaps_.add(1);
  enter(state, reason);
  request();
}

void L3Keeper::enter(BookState state, BookReason reason) noexcept {
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

void L3Keeper::request() noexcept {
  asked_ = true;
  asked_ticks_ = now_ticks_;
  request(feed_.rule != OrderRule::kStream ? BookRequestKind::kFetchSnapshot
          : venue_traits(instrument_.venue).resync_reconnects
              ? BookRequestKind::kReconnect
              : BookRequestKind::kResubscribe);
}

void L3Keeper::request(BookRequestKind kind) noexcept {
  // Pairs with the acquire in take_request: the order only keeps it from
  // appearing before the fault's own stores.
  request_.store(static_cast<uint8_t>(static_cast<uint8_t>(kind) + 1),
                 std::memory_order_release);
}

// The connection is new already. Others may take it at this very moment.
void L3Keeper::withdraw_reconnect() noexcept {
  auto kind = static_cast<uint8_t>(
      static_cast<uint8_t>(BookRequestKind::kReconnect) + 1);
  // Relaxed: nothing travels beside the number.
  request_.compare_exchange_strong(kind, 0, std::memory_order_relaxed);
}

std::optional<BookRequestKind> L3Keeper::take_request() noexcept {
  // Relaxed: the exchange below is the one that counts.
  if (request_.load(std::memory_order_relaxed) == 0) return std::nullopt;
  // Pairs with the release in request().
  const uint8_t kind = request_.exchange(0, std::memory_order_acquire);
  if (kind == 0) return std::nullopt;
  return static_cast<BookRequestKind>(kind - 1);
}

// ---- Publication ------------------------------------------------------------

void L3Keeper::publish() noexcept {
  view_.receive_ticks = now_ticks_;
  published_.store(view_);
  answer_watches();
  if (!state_changed_) return;
  state_changed_ = false;
  if (observer_ != nullptr) observer_->on_state_changed(*this);
}

void L3Keeper::answer_watches() noexcept {
  // Acquire: pairs with the release in watch(); the wanted id is there.
  const uint32_t watches = watches_.load(std::memory_order_acquire);
  if (watches == 0) [[likely]] {
    return;
  }
  for (size_t slot = 0; slot < kWatches; ++slot) {
    Wanted wanted;
    if ((watches >> slot & 1) == 0 ||
        wanted_[slot].load(wanted) != SeqlockRead::kOk) {
      continue;
    }
    WatchedOrder answer{
        .id = wanted.id, .state = view_.state, .receive_ticks = now_ticks_};
    const std::optional<uint64_t> id = book_id(wanted.id);
    if (const OrderNode* const order = id ? book_.find(*id) : nullptr) {
      const QueuePosition position = *book_.queue_position(*id);
      answer.rests = true;
      answer.side = order->level->side;
      answer.price = order->level->total.price;
      answer.quantity = order->quantity;
      answer.orders_ahead = position.orders_ahead;
      answer.quantity_ahead = position.quantity_ahead;
    }
    answers_[slot].store({answer, wanted.turn});
  }
}

void L3Keeper::watch(size_t slot, OrderId id) noexcept {
  Wanted wanted;
  static_cast<void>(wanted_[slot].load(wanted));  // Its only writer is here.
  wanted_[slot].store({id, wanted.turn + 1});
  // Release: pairs with the acquire in answer_watches().
  watches_.fetch_or(1u << slot, std::memory_order_release);
}

void L3Keeper::unwatch(size_t slot) noexcept {
  // Relaxed: the bit is all there is.
  watches_.fetch_and(~(1u << slot), std::memory_order_relaxed);
}

std::optional<WatchedOrder> L3Keeper::watched(size_t slot) const noexcept {
  Wanted wanted;
  Answer answer;
  if (wanted_[slot].load(wanted) != SeqlockRead::kOk ||
      answers_[slot].load(answer) != SeqlockRead::kOk || wanted.turn == 0 ||
      answer.turn != wanted.turn) {
    return std::nullopt;
  }
  return answer.order;
}

BookView L3Keeper::view() const noexcept {
  BookView view;
  // Busy only while the writer never rests: try until it does.
  while (published_.load(view) != SeqlockRead::kOk) {
  }
  return view;
}

BookStatistics L3Keeper::statistics() const noexcept {
  return {.updates_applied = updates_applied_.get(),
          .updates_dropped = updates_dropped_.get(),
          .levels_applied = orders_applied_.get(),
          .gaps = gaps_.get(),
          .resyncs = resyncs_.get(),
          .checksums_ok = checksums_ok_.get(),
          .checksums_bad = checksums_bad_.get(),
          .crossed = crossed_.get()};
}

}  // namespace wirebook
