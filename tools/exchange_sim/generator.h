// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// An endless, seeded flow of book events for one instrument.
//
// The same seed and instrument give the same events and ids on every machine:
// no clock, and no standard-library distribution, is consulted. The flow has
// what real feeds have: thousands of levels, far-out prices, a touch that
// moves, deletes of levels that are not there, sweeps of several levels. The
// book is never crossed and neither side ever empties. One thread.
//
//   Generator generator(binance_instrument("BTCUSDT"), /*seed=*/1, 3000);
//   const Event event = generator.next();
//   // generator.book() is the book after the event.
#ifndef WIREBOOK_TOOLS_EXCHANGE_SIM_GENERATOR_H_
#define WIREBOOK_TOOLS_EXCHANGE_SIM_GENERATOR_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "tools/exchange_sim/book.h"

namespace wirebook::sim {

struct Instrument {
  std::string symbol;
  int price_places = 8;             // digits after the point on the wire
  std::int64_t tick = 1;            // smallest price step, in wire units
  int quantity_places = 8;          // digits after the point on the wire
  std::int64_t step = 1;            // smallest quantity step, in wire units
  std::int64_t start_ticks = 0;     // where the middle starts, in ticks
  std::int64_t typical_steps = 10;  // a usual quantity, in steps
};

// The well-known symbols have the venue's own tick and step; any other gets
// a plausible one.
Instrument binance_instrument(const std::string& symbol);
Instrument kraken_instrument(const std::string& symbol);

struct Change {
  Side side = Side::kBid;
  std::string price;
  std::string quantity;  // absolute; zero removes
  bool operator==(const Change&) const = default;
};

struct Trade {
  std::uint64_t id = 0;
  std::string price;
  std::string quantity;
  bool buyer_is_maker = false;
  bool operator==(const Trade&) const = default;
};

struct Event {
  // Contiguous: first_id is the previous event's last_id + 1.
  std::uint64_t first_id = 0;
  std::uint64_t last_id = 0;
  std::vector<Change> changes;
  std::optional<Trade> trade;
  bool operator==(const Event&) const = default;
};

class Generator {
 public:
  // The most levels a side ever has: what Binance's REST snapshot can carry,
  // so that a client can know the whole book.
  static constexpr std::size_t kMaxLevels = 5000;

  // `levels` a side, about; 20 <= levels <= 4500.
  Generator(Instrument instrument, std::uint64_t seed, std::size_t levels);

  // The next event, already applied to book().
  Event next();

  // The next event's ids are small.
  void restart_ids() { last_id_ = 1'000; }

  const Instrument& instrument() const { return instrument_; }
  const Book& book() const { return book_; }
  std::uint64_t last_id() const { return last_id_; }

 private:
  std::uint64_t below(std::uint64_t bound);
  std::int64_t between(std::int64_t low, std::int64_t high);
  std::int64_t near_offset(std::int64_t mean);
  std::int64_t some_steps();
  Side some_side() { return below(2) == 0 ? Side::kBid : Side::kAsk; }

  std::int64_t ticks(Decimal price) const;
  std::int64_t best_ticks(Side side) const;
  std::int64_t level_steps(const Level& level) const;
  Levels::const_iterator level_near(Side side, std::int64_t mean_rank);

  void put(Event& event, Side side, std::int64_t ticks, std::int64_t steps);
  void add_level(Event& event, Side side);
  void modify_level(Event& event, Side side);
  void remove_level(Event& event, Side side);
  void trade_at_touch(Event& event, Side side);
  void sweep(Event& event, Side side);
  void far_level(Event& event, Side side);
  void remove_absent(Event& event, Side side);
  void requote(Event& event, Side side);
  void balance(Event& event, Side side);

  Instrument instrument_;
  std::size_t levels_;
  Decimal tick_value_;
  Decimal step_value_;
  std::mt19937_64 random_;
  Book book_;
  std::uint64_t last_id_ = 0;
  std::uint64_t last_trade_id_ = 0;
};

}  // namespace wirebook::sim

#endif  // WIREBOOK_TOOLS_EXCHANGE_SIM_GENERATOR_H_
