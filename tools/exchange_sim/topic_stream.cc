// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
#include "tools/exchange_sim/topic_stream.h"

#include <algorithm>
#include <utility>

namespace wirebook::sim {
namespace {

// "0.00000000" with as many places as `quantity` has.
std::string zero_like(const std::string& quantity) {
  const std::size_t point = quantity.find('.');
  if (point == std::string::npos) return "0";
  return "0." + std::string(quantity.size() - point - 1, '0');
}

bool is_zero(const std::string& quantity) {
  return quantity.find_first_not_of("0.") == std::string::npos;
}

void copy_top(const Book& from, std::size_t depth, Book& to) {
  for (const Side side : {Side::kBid, Side::kAsk}) {
    std::size_t left = depth;
    for (const auto& [price, level] : from.levels(side)) {
      if (depth != 0 && left-- == 0) break;
      to.set(side, level.price, level.quantity);
    }
  }
}

std::vector<SentLevel> all_of(const Levels& levels, std::size_t limit) {
  std::vector<SentLevel> out;
  for (const auto& [price, level] : levels) {
    if (limit-- == 0) break;
    out.push_back({.level = level});
  }
  return out;
}

}  // namespace

TopicStream::TopicStream(const VenueAdapter& adapter, std::string symbol,
                         std::size_t depth, const Book& market,
                         std::uint64_t market_id)
    : adapter_(adapter),
      symbol_(std::move(symbol)),
      depth_(depth),
      id_(adapter.ids_count_updates() ? 1'000'000 : market_id),
      previous_(id_) {
  copy_top(market, depth, book_);
}

std::string TopicStream::snapshot(std::int64_t time_ms) const {
  return adapter_.snapshot({.symbol = symbol_,
                            .depth = depth_,
                            .first_id = id_,
                            .last_id = id_,
                            .previous_id = 0,
                            .time_ms = time_ms,
                            .bids = all_of(book_.levels(Side::kBid), SIZE_MAX),
                            .asks = all_of(book_.levels(Side::kAsk), SIZE_MAX),
                            .book = &book_});
}

std::string TopicStream::rest_snapshot(const Book& market,
                                       std::uint64_t market_id,
                                       std::int64_t time_ms,
                                       std::size_t limit) const {
  return adapter_.rest_body({.symbol = symbol_,
                             .depth = depth_,
                             .first_id = market_id - offset_,
                             .last_id = market_id - offset_,
                             .previous_id = 0,
                             .time_ms = time_ms,
                             .bids = all_of(market.levels(Side::kBid), limit),
                             .asks = all_of(market.levels(Side::kAsk), limit),
                             .book = &market});
}

void TopicStream::restart_ids() {
  if (adapter_.ids_are_times()) return;
  constexpr std::uint64_t kFirst = 1;
  offset_ += id_ - kFirst;
  id_ = kFirst;
  if (!adapter_.links_across_restart()) previous_ = kFirst;
}

// The whole book is sent: the changes themselves, the last one a price.
void TopicStream::add_changes(const std::vector<Change>& changes, Side side,
                              std::vector<SentLevel>& out) const {
  Levels last(BestFirst{.bids = side == Side::kBid});
  for (const Change& change : changes) {
    if (change.side != side) continue;
    last[*parse_decimal(change.price)] = {change.price, change.quantity};
  }
  const Levels& had = book_.levels(side);
  for (const auto& [price, level] : last) {
    const bool removes = is_zero(level.quantity);
    const bool present = had.contains(price);
    // Where snapshots come by REST, removals of what is not there do, too.
    if (removes && !present && !adapter_.rest_snapshots()) continue;
    out.push_back({.level = level, .removes = removes, .had = present});
  }
}

// Only the best levels are: what came into sight, changed, or left.
void TopicStream::add_difference(const Book& market, Side side,
                                 std::vector<SentLevel>& out) const {
  const Levels& had = book_.levels(side);
  const Levels& all = market.levels(side);
  Levels now(BestFirst{.bids = side == Side::kBid});
  for (const auto& [price, level] : all) {
    if (now.size() == depth_) break;
    now.emplace_hint(now.end(), price, level);
  }
  for (const auto& [price, level] : had) {
    if (now.contains(price)) continue;
    if (adapter_.client_truncates() && all.contains(price)) continue;
    out.push_back({.level = {level.price, zero_like(level.quantity)},
                   .removes = true,
                   .had = true});
  }
  for (const auto& [price, level] : now) {
    const auto before = had.find(price);
    if (before != had.end() && before->second == level) continue;
    out.push_back({.level = level, .had = before != had.end()});
  }
}

std::vector<std::string> TopicStream::update(const Book& market,
                                             const std::vector<Change>& changes,
                                             std::uint64_t market_id,
                                             std::int64_t time_ms) {
  BookMessage message{
      .symbol = symbol_,
      .depth = depth_,
      .first_id = id_ + 1,
      .last_id = adapter_.ids_count_updates() ? id_ + 1 : market_id - offset_,
      .previous_id = previous_,
      .time_ms = time_ms,
      .bids = {},
      .asks = {},
      .book = &book_};
  for (const Side side : {Side::kBid, Side::kAsk}) {
    std::vector<SentLevel>& out =
        side == Side::kBid ? message.bids : message.asks;
    if (depth_ == 0) {
      add_changes(changes, side, out);
    } else {
      add_difference(market, side, out);
    }
  }
  if (message.bids.empty() && message.asks.empty()) return {};
  id_ = previous_ = message.last_id;
  for (const SentLevel& sent : message.bids) {
    book_.set(Side::kBid, sent.level.price, sent.level.quantity);
  }
  for (const SentLevel& sent : message.asks) {
    book_.set(Side::kAsk, sent.level.price, sent.level.quantity);
  }
  if (depth_ != 0) book_.truncate(depth_);
  return adapter_.update(message);
}

}  // namespace wirebook::sim
