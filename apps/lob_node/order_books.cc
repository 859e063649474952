// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "apps/lob_node/order_books.h"

#include <utility>

#include "concurrency/tsc_clock.h"
#include "memory/allocation_counter.h"

namespace wirebook {

absl::StatusOr<std::unique_ptr<OrderBooks>> OrderBooks::create(
    VenueId venue, std::size_t max_books, RawMessagePool* pool,
    L3FeedListener* listener) {
  std::unique_ptr<OrderBooks> made(new OrderBooks(pool, listener));
  L3FeedListener* const measured = made.get();
  auto feed = L3Feed::create({.venue = venue, .max_books = max_books},
                             made->pools_, measured);
  if (!feed.ok()) return feed.status();
  made->feed_ = *std::move(feed);
  return made;
}

absl::StatusOr<std::uint32_t> OrderBooks::expect_instrument(
    Instrument instrument) {
  auto index = feed_->expect_instrument(std::move(instrument));
  if (index.ok()) orders_applied_.resize(feed_->books());
  return index;
}

void OrderBooks::on_message(RawMessage* message) noexcept {
  in_hand_ = message;
  began_ticks_ = TscClock::ticks();
  allocations_mark_ = thread_allocations();
  measures_ = message->kind != RawMessageKind::kHttpBody;
  was_live_ = false;
  feed_->on_message(*message);
  if (was_live_) hot_allocations_.add(thread_allocations() - allocations_mark_);
  pool_->release(message);
}

void OrderBooks::on_connection_up(std::uint16_t connection) noexcept {
  feed_->on_connection_up(connection, TscClock::ticks());
}

void OrderBooks::on_connection_lost(std::uint16_t connection) noexcept {
  feed_->on_connection_lost(connection, TscClock::ticks());
}

void OrderBooks::on_connection_stale(std::uint16_t connection) noexcept {
  feed_->on_connection_stale(connection, TscClock::ticks());
}

void OrderBooks::on_time() noexcept { feed_->on_time(TscClock::ticks()); }

std::optional<BookRequest> OrderBooks::next_request() noexcept {
  return feed_->next_request();
}

const L3Keeper& OrderBooks::book(std::size_t index) const noexcept {
  return std::as_const(*feed_).keeper(static_cast<std::uint32_t>(index));
}

PipelineStatistics OrderBooks::statistics() const noexcept {
  const L3FeedStatistics feed = feed_->statistics();
  PipelineStatistics out;
  out.frames = feed.frames;
  out.malformed = feed.malformed;
  out.parsed_pool_drops = feed.drops;
  out.unknown_instrument = feed.unknown_instrument;
  out.hot_path_heap_allocations = hot_allocations_.get();
  out.measured_levels = measured_orders_.get();
  return out;
}

template <class F>
void OrderBooks::tell(F&& f) {
  if (listener_ == nullptr) return;
  const std::uint64_t before = thread_allocations();
  f(*listener_);
  allocations_mark_ += thread_allocations() - before;
}

void OrderBooks::on_orders_applied(const L3Keeper& keeper,
                                   const ParsedMessageHeader& message) {
  const std::uint64_t applied = keeper.statistics().levels_applied;
  const std::uint64_t before =
      std::exchange(orders_applied_[keeper.instrument().index], applied);
  if (measures_ && message.kind == ParsedMessageKind::kDelta &&
      keeper.state() == BookState::kLive) {
    was_live_ = true;
    frame_to_book_.record(TscClock::ticks() - began_ticks_);
    measured_orders_.add(applied - before);
  }
  tell([&](L3FeedListener& listener) {
    listener.on_orders_applied(keeper, message);
  });
}

void OrderBooks::on_state_changed(const L3Keeper& keeper) {
  tell([&](L3FeedListener& listener) { listener.on_state_changed(keeper); });
}

void OrderBooks::on_other(const ParsedMessage& message) {
  tell([&](L3FeedListener& listener) { listener.on_other(message); });
}

std::unique_ptr<L2Book> levels_of(const L3Keeper& keeper) {
  const BookView view = keeper.view();
  auto levels = std::make_unique<L2Book>(L2BookOptions{.window_ticks = 0});
  levels->reset(view.price_scale, view.quantity_scale, 1);
  for (const Side side : {Side::kBid, Side::kAsk}) {
    keeper.book().for_each_level(side, [&](const LevelQueue& level) {
      levels->apply(side, level.total.price, level.total.quantity);
    });
  }
  return levels;
}

}  // namespace wirebook
