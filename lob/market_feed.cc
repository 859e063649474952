// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "lob/market_feed.h"

#include <memory_resource>
#include <optional>
#include <span>
#include <utility>

#include "memory/fail_fast.h"

namespace wirebook {
namespace {

void copy_top(const Book& book, Side side, size_t depth,
              std::pmr::vector<PriceLevel>* out) noexcept {
  out->resize(depth);  // within what the pool's objects reserve
  out->resize(book.top(side, *out));
}

// Beyond so many an event of a full bus allocates.
constexpr size_t kBooksOwed = 1024;

}  // namespace

MarketFeed::MarketFeed(const TscClock& clock, const MarketFeedOptions& options)
    : clock_(clock), options_(options) {
  owed_.reserve(kBooksOwed);
  if (options.books != nullptr && options.pool.acquire == nullptr) {
    fail_fast("MarketFeed", this,
              "has a BookUpdateBus without a pool:", options.books);
  }
}

MarketFeedStatistics MarketFeed::statistics() const noexcept {
  return {.book_events = book_events_.get(),
          .trades = trades_.get(),
          .books_dropped = books_dropped_.get(),
          .trades_dropped = trades_dropped_.get()};
}

EventTimes MarketFeed::times_of(const ParsedMessage& message) const noexcept {
  return {.exchange_ns = message.exchange_time_ns,
          .send_ns = message.send_time_ns,
          .kernel_receive_ns = message.kernel_receive_ns,
          .receive_ns = clock_.wall_ns(message.receive_ticks),
          .applied_ns = clock_.wall_ns(TscClock::ticks())};
}

void MarketFeed::on_depth_applied(const BookKeeper& keeper,
                                  const ParsedMessage& message) {
  book_events_.add(1);
  const EventTimes times = times_of(message);
  const Book book(keeper, book_events_.get(), times);
  if (options_.listener != nullptr) {
    options_.listener->on_book(book, keeper.state());
  }
  publish_book(keeper, book);
}

EventTimes MarketFeed::times_of(const BookKeeper& keeper) const noexcept {
  const BookView& now = keeper.current();
  return {.exchange_ns = now.exchange_time_ns,
          .receive_ns = clock_.wall_ns(now.receive_ticks),
          .applied_ns = clock_.wall_ns(TscClock::ticks())};
}

void MarketFeed::on_state_changed(const BookKeeper& keeper) {
  book_events_.add(1);
  const EventTimes times = times_of(keeper);
  const Book book(keeper, book_events_.get(), times);
  if (options_.listener != nullptr) {
    options_.listener->on_state(book, keeper.state());
  }
  publish_book(keeper, book);
}

void MarketFeed::on_other(const ParsedMessage& message) {
  if (!owed_.empty()) [[unlikely]]
    settle();
  if (message.kind != ParsedMessageKind::kTrade) return;
  trades_.add(1);
  const PriceLevel& level = message.levels[0];
  const TradeEvent trade = {.sequence = trades_.get(),
                            .trade_id = message.last_update_id,
                            .price = level.price,
                            .quantity = level.quantity,
                            .times = times_of(message),
                            .instrument = message.instrument,
                            .venue = options_.venue,
                            .aggressor = message.aggressor,
                            .price_scale = message.price_scale,
                            .quantity_scale = message.quantity_scale,
                            .has_trade_id = message.has_last_update_id};
  if (options_.listener != nullptr) options_.listener->on_trade(trade);
  if (options_.trades != nullptr && !options_.trades->try_publish(trade)) {
    trades_dropped_.add(1);
  }
}

void MarketFeed::publish_book(const BookKeeper& keeper,
                              const Book& book) noexcept {
  if (options_.books == nullptr) return;
  const bool told = try_publish(book);
  if (told && owed_.empty()) [[likely]] {
    return;
  }
  std::erase(owed_, &keeper);
  if (told) {
    settle();
  } else {
    books_dropped_.add(1);
    owed_.push_back(&keeper);
  }
}

// As those books are now.
void MarketFeed::settle() noexcept {
  while (!owed_.empty()) {
    const BookKeeper& keeper = *owed_.back();
    const EventTimes times = times_of(keeper);
    if (!try_publish(Book(keeper, book_events_.get() + 1, times))) return;
    book_events_.add(1);
    owed_.pop_back();
  }
}

bool MarketFeed::try_publish(const Book& book) noexcept {
  std::optional<BookUpdateHandle> update =
      options_.pool.acquire(options_.pool.pool);
  if (!update) return false;
  BookUpdate& out = **update;
  out.sequence = book.sequence();
  out.update_id = book.update_id();
  out.has_update_id = book.has_update_id();
  out.times = book.times();
  out.instrument = book.instrument().index;
  out.venue = book.instrument().venue;
  out.state = book.state();
  out.reason = book.reason();
  out.assurance = book.assurance();
  const L2Book& levels = book.levels();
  out.price_scale = static_cast<int8_t>(levels.price_scale());
  out.quantity_scale = static_cast<int8_t>(levels.quantity_scale());
  if (out.state == BookState::kLive) {
    copy_top(book, Side::kBid, options_.depth, &out.bids);
    copy_top(book, Side::kAsk, options_.depth, &out.asks);
  }
  return options_.books->try_publish(*std::move(update));
}

}  // namespace wirebook
