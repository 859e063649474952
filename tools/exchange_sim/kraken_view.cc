// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
#include "tools/exchange_sim/kraken_view.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>

namespace wirebook::sim {
namespace {

// "0.00000000" with as many places as `quantity` has.
std::string zero_like(const std::string& quantity) {
  const std::size_t point = quantity.find('.');
  if (point == std::string::npos) return "0";
  return "0." + std::string(quantity.size() - point - 1, '0');
}

void difference(const Levels& had, const Levels& full, std::size_t depth,
                std::vector<Level>& out) {
  for (const auto& [price, level] : had) {
    if (!full.contains(price)) {
      out.push_back(Level{level.price, zero_like(level.quantity)});
    }
  }
  std::size_t left = depth;
  for (const auto& [price, level] : full) {
    if (left-- == 0) break;
    const auto before = had.find(price);
    if (before == had.end() || before->second != level) out.push_back(level);
  }
}

}  // namespace

bool is_kraken_depth(std::size_t depth) {
  constexpr std::size_t kDepths[] = {10, 25, 100, 500, 1000};
  return std::find(std::begin(kDepths), std::end(kDepths), depth) !=
         std::end(kDepths);
}

KrakenView::KrakenView(const Book& book, std::size_t depth) : depth_(depth) {
  for (const Side side : {Side::kBid, Side::kAsk}) {
    std::size_t left = depth_;
    for (const auto& [price, level] : book.levels(side)) {
      if (left-- == 0) break;
      view_.set(side, level.price, level.quantity);
    }
  }
}

bool KrakenView::in_sight(const Change& change) const {
  const Levels& levels = view_.levels(change.side);
  if (levels.size() < depth_) return true;
  return !levels.key_comp()(std::prev(levels.end())->first,
                            *parse_decimal(change.price));
}

bool KrakenView::update(const Book& book, const std::vector<Change>& changes,
                        Update& update) {
  update.bids.clear();
  update.asks.clear();
  const auto seen = [this](const Change& change) { return in_sight(change); };
  if (std::none_of(changes.begin(), changes.end(), seen)) return false;
  difference(view_.levels(Side::kBid), book.levels(Side::kBid), depth_,
             update.bids);
  difference(view_.levels(Side::kAsk), book.levels(Side::kAsk), depth_,
             update.asks);
  for (const Level& level : update.bids) {
    view_.set(Side::kBid, level.price, level.quantity);
  }
  for (const Level& level : update.asks) {
    view_.set(Side::kAsk, level.price, level.quantity);
  }
  view_.truncate(depth_);
  return !update.bids.empty() || !update.asks.empty();
}

}  // namespace wirebook::sim
