// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
#include "tools/exchange_sim/generator.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace wirebook::sim {
namespace {

// FNV-1a: two symbols of one seed must not move together.
std::uint64_t hash_of(std::string_view text) {
  std::uint64_t hash = 14695981039346656037u;
  for (const char c : text) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211u;
  }
  return hash;
}

}  // namespace

Instrument binance_instrument(const std::string& symbol) {
  Instrument result{.symbol = symbol,
                    .price_places = 8,
                    .tick = 1'000'000,
                    .quantity_places = 8,
                    .step = 1'000,
                    .start_ticks = 6'183'763,
                    .typical_steps = 20'000};
  if (symbol == "ETHUSDT") {
    result.step = 10'000;
    result.start_ticks = 268'423;
    result.typical_steps = 50'000;
  } else if (symbol != "BTCUSDT") {
    result.tick = 10'000;
    result.step = 1'000'000;
    result.start_ticks =
        static_cast<std::int64_t>(100'000 + hash_of(symbol) % 900'000);
    result.typical_steps = 5'000;
  }
  return result;
}

Instrument kraken_instrument(const std::string& symbol) {
  Instrument result{.symbol = symbol,
                    .price_places = 1,
                    .tick = 1,
                    .quantity_places = 8,
                    .step = 1,
                    .start_ticks = 633'881,
                    .typical_steps = 20'000'000};
  if (symbol == "ETH/USD") {
    result.price_places = 2;
    result.start_ticks = 268'423;
    result.typical_steps = 300'000'000;
  } else if (symbol != "BTC/USD") {
    result.price_places = 4;
    result.start_ticks =
        static_cast<std::int64_t>(100'000 + hash_of(symbol) % 900'000);
    result.typical_steps = 5'000'000'000;
  }
  return result;
}

Generator::Generator(Instrument instrument, std::uint64_t seed,
                     std::size_t levels)
    : instrument_(std::move(instrument)),
      levels_(std::clamp<std::size_t>(levels, 20, 4500)),
      tick_value_(instrument_.tick *
                  power_of_ten(kDecimalPlaces - instrument_.price_places)),
      step_value_(instrument_.step *
                  power_of_ten(kDecimalPlaces - instrument_.quantity_places)),
      random_(seed ^ hash_of(instrument_.symbol)) {
  // Ids as large as the venue's own, so that 32 bits do not hold them.
  last_id_ = 50'000'000'000u + below(1'000'000'000u);
  last_trade_id_ = 3'700'000'000u + below(1'000'000u);
  Event initial;
  for (const Side side : {Side::kBid, Side::kAsk}) {
    const std::int64_t away = side == Side::kBid ? -1 : 1;
    put(initial, side, instrument_.start_ticks + (away > 0 ? 1 : 0),
        some_steps());
    while (book_.levels(side).size() < levels_ * 9 / 10) {
      add_level(initial, side);
    }
    while (book_.levels(side).size() < levels_) far_level(initial, side);
  }
}

std::uint64_t Generator::below(std::uint64_t bound) {
  return random_() % bound;
}

std::int64_t Generator::between(std::int64_t low, std::int64_t high) {
  return low + static_cast<std::int64_t>(
                   below(static_cast<std::uint64_t>(high - low + 1)));
}

// Small values often, large ones seldom: a uniform value under a bound that
// is itself drawn over several powers of two.
std::int64_t Generator::near_offset(std::int64_t mean) {
  const std::int64_t bound =
      std::max<std::int64_t>(1, mean * 4 >> static_cast<int>(below(6)));
  return between(0, bound);
}

std::int64_t Generator::some_steps() {
  // Round lots are as common on the wire as odd ones.
  const std::int64_t steps = 1 + near_offset(instrument_.typical_steps);
  return below(4) == 0 ? std::max<std::int64_t>(1, steps / 1000 * 1000) : steps;
}

std::int64_t Generator::ticks(Decimal price) const {
  return static_cast<std::int64_t>(price / tick_value_);
}

std::int64_t Generator::best_ticks(Side side) const {
  return ticks(book_.levels(side).begin()->first);
}

std::int64_t Generator::level_steps(const Level& level) const {
  return static_cast<std::int64_t>(*parse_decimal(level.quantity) /
                                   step_value_);
}

Levels::const_iterator Generator::level_near(Side side,
                                             std::int64_t mean_rank) {
  const Levels& levels = book_.levels(side);
  const std::int64_t last = static_cast<std::int64_t>(levels.size()) - 1;
  return std::next(levels.begin(), std::min(near_offset(mean_rank), last));
}

void Generator::put(Event& event, Side side, std::int64_t ticks,
                    std::int64_t steps) {
  Change change{
      side, format_decimal(ticks * instrument_.tick, instrument_.price_places),
      format_decimal(steps * instrument_.step, instrument_.quantity_places)};
  book_.set(side, change.price, change.quantity);
  event.changes.push_back(std::move(change));
}

void Generator::add_level(Event& event, Side side) {
  const bool bid = side == Side::kBid;
  const std::int64_t best = best_ticks(side);
  const Levels& other = book_.levels(bid ? Side::kAsk : Side::kBid);
  const std::int64_t room =
      other.empty() ? 0 : std::abs(ticks(other.begin()->first) - best) - 1;
  std::int64_t price = 0;
  if (room > 0 && below(3) == 0) {
    const std::int64_t step = between(1, std::min<std::int64_t>(room, 8));
    price = bid ? best + step : best - step;
  } else {
    const auto mean = static_cast<std::int64_t>(levels_) * 2;
    const std::int64_t offset = near_offset(mean);
    price = bid ? std::max<std::int64_t>(1, best - offset) : best + offset;
  }
  put(event, side, price, some_steps());
}

void Generator::modify_level(Event& event, Side side) {
  put(event, side, ticks(level_near(side, 15)->first), some_steps());
}

void Generator::remove_level(Event& event, Side side) {
  put(event, side, ticks(level_near(side, 60)->first), 0);
}

// `side` is the side that is hit.
void Generator::trade_at_touch(Event& event, Side side) {
  const auto best = book_.levels(side).begin();
  const std::int64_t available = level_steps(best->second);
  const std::int64_t taken = below(3) == 0 ? available : between(1, available);
  event.trade = Trade{
      ++last_trade_id_, best->second.price,
      format_decimal(taken * instrument_.step, instrument_.quantity_places),
      side == Side::kBid};
  put(event, side, ticks(best->first), available - taken);
}

// An aggressive limit order from the other side takes up to four levels of
// `side` and rests at the last price it took.
void Generator::sweep(Event& event, Side side) {
  const std::int64_t count = between(1, 4);
  std::int64_t price = best_ticks(side);
  for (std::int64_t i = 0; i < count; ++i) {
    const auto best = book_.levels(side).begin();
    price = ticks(best->first);
    event.trade = Trade{++last_trade_id_, best->second.price,
                        best->second.quantity, side == Side::kBid};
    put(event, side, price, 0);
  }
  put(event, side == Side::kBid ? Side::kAsk : Side::kBid, price, some_steps());
}

void Generator::far_level(Event& event, Side side) {
  const std::int64_t best = best_ticks(side);
  const std::int64_t price = side == Side::kBid
                                 ? between(best / 50 + 1, best * 9 / 10)
                                 : between(best * 11 / 10, best * 5);
  put(event, side, price, some_steps());
}

void Generator::remove_absent(Event& event, Side side) {
  const std::int64_t best = best_ticks(side);
  const std::int64_t offset = 1 + near_offset(2'000);
  std::int64_t price = side == Side::kBid
                           ? std::max<std::int64_t>(1, best - offset)
                           : best + offset;
  while (book_.levels(side).contains(price * tick_value_)) {
    price += side == Side::kBid ? -1 : 1;
    if (price < 1) return;
  }
  put(event, side, price, 0);
}

// A market maker moves some of its quotes by a few ticks.
void Generator::requote(Event& event, Side side) {
  const std::int64_t count = between(2, 6);
  for (std::int64_t i = 0; i < count; ++i) {
    remove_level(event, side);
    add_level(event, side);
  }
}

// Keeps a side near its number of levels: trims the far end, which only a
// few events touch, and fills up near the touch.
void Generator::balance(Event& event, Side side) {
  const Levels& levels = book_.levels(side);
  if (levels.size() > levels_ + levels_ / 10) {
    const auto rank = static_cast<std::int64_t>(below(levels.size() / 4)) + 1;
    put(event, side, ticks(std::prev(levels.end(), rank)->first), 0);
  } else if (levels.size() < levels_ - levels_ / 10) {
    add_level(event, side);
  }
}

Event Generator::next() {
  Event event;
  const Side side = some_side();
  // Far from where it began, the price is pulled back: a book of a week has
  // the same shape as one of a minute.
  Side hit = side;
  const std::int64_t drift = best_ticks(Side::kBid) - instrument_.start_ticks;
  if (std::abs(drift) > instrument_.start_ticks / 20) {
    hit = drift > 0 ? Side::kBid : Side::kAsk;
  }
  const std::uint64_t roll = below(100);
  if (roll < 38) {
    modify_level(event, side);
  } else if (roll < 58) {
    add_level(event, side);
  } else if (roll < 74) {
    remove_level(event, side);
  } else if (roll < 86) {
    trade_at_touch(event, hit);
  } else if (roll < 90) {
    sweep(event, hit);
  } else if (roll < 94) {
    far_level(event, side);
  } else if (roll < 98) {
    remove_absent(event, side);
  } else {
    requote(event, side);
  }
  balance(event, Side::kBid);
  balance(event, Side::kAsk);
  event.first_id = last_id_ + 1;
  // Some ids change nothing that the feed shows, as on the venue.
  last_id_ += std::max<std::size_t>(1, event.changes.size()) + below(2);
  event.last_id = last_id_;
  return event;
}

}  // namespace wirebook::sim
