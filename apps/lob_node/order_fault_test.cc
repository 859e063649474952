// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// Books of orders, over real sockets: each fault of exchange_sim --fault, at
// every venue that tells single orders. The node's sessions see it, ask for
// what they need, are Live again, and end with the exchange's own orders, each
// in its place.

#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "apps/lob_node/config.h"
#include "apps/lob_node/testing/simulated_exchange.h"
#include "apps/lob_node/venue_session.h"
#include "gtest/gtest.h"
#include "lob/fixed_point.h"
#include "lob/l3_feed.h"
#include "lob/order_event.h"
#include "lob/order_feed.h"
#include "lob/testing/fault_table.h"
#include "lob/testing/plain_json.h"
#include "net/raw_message_pool.h"
#include "net/uring_loop.h"
#include "tools/exchange_sim/book.h"
#include "tools/exchange_sim/fault.h"

namespace wirebook {
namespace {

using Clock = std::chrono::steady_clock;

struct VenueUnderTest {
  VenueId id;
  const char* path;  // of its WebSocket
  const char* symbol;
  const char* truth;  // the symbol in a URL
  int depth = 0;      // subscribed; 0: all
  // How it writes an order's id.
  bool (*read_id)(std::string_view, OrderId*) noexcept;
  bool known_clients = false;  // wants credentials
};

bool read_number(std::string_view text, OrderId* out) noexcept {
  *out = {};
  for (const char c : text) {
    if (c < '0' || c > '9') return false;
    out->low = out->low * 10 + static_cast<std::uint64_t>(c - '0');
  }
  return !text.empty();
}

constexpr VenueUnderTest kVenuesUnderTest[] = {
    {VenueId::kBitstamp, "/bitstamp", "btcusd", "btcusd", 0, read_number},
    {VenueId::kCoinbaseExchange, "/coinbase-exchange", "BTC-USD", "BTC-USD", 0,
     parse_uuid, true},
    {VenueId::kKraken, "/v2", "BTC/USD", "BTC%2FUSD", 10, parse_order_name,
     true},
    {VenueId::kBitfinex, "/ws/2", "tBTCUSD", "tBTCUSD", 250, read_number},
};

struct FaultCase {
  const char* name;  // as on exchange_sim's command line
  Fault fault;
  std::uint64_t count = 2;
};

constexpr FaultCase kFaultCases[] = {
    {"gap", Fault::kGap},
    {"duplicate", Fault::kDuplicate},
    {"reorder", Fault::kReorder},
    {"stale-snapshot", Fault::kStaleSnapshot, 1},
    {"checksum", Fault::kWrongSum},
    {"crossed", Fault::kCrossed},
    {"mute-symbol", Fault::kMuteSymbol},
    {"mute-socket", Fault::kMuteSocket, 1},
    {"restart-sequence", Fault::kRestartSequence},
    {"drop-connection", Fault::kDropConnection, 1},
    {"slow-drip", Fault::kSlowDrip},
    {"garbage", Fault::kGarbage},
};

// What tells of a fault: as lob/venues/FAULTS.md, for the channels of orders.
// Every one of them proves that nothing is missing.
Detector detector(VenueId venue, Fault fault) {
  const OrderFeed& feed = *find_order_feed(venue);
  const bool counted =
      venue == VenueId::kBitfinex;  // its connection's messages
  const bool ids = feed.rule != OrderRule::kStream || counted;
  const Detector proof = ids ? Detector::kIds : Detector::kSum;
  switch (fault) {
    case Fault::kDuplicate:
      if (counted) return Detector::kIds;
      // A sum does not tell a change that comes twice; a book tells an order
      // that does.
      return ids ? Detector::kHarmless : Detector::kNothing;
    case Fault::kStaleSnapshot:
      return counted ? Detector::kAbsent : proof;
    case Fault::kWrongSum:
      return feed.checksum == OrderChecksum::kNone ? Detector::kAbsent
                                                   : Detector::kSum;
    case Fault::kCrossed:
      // A sum in the same message comes before.
      return ids ? Detector::kTouch : Detector::kSum;
    case Fault::kRestartSequence:
      return ids ? Detector::kIds : Detector::kAbsent;
    case Fault::kGarbage:
      return Detector::kParser;
    case Fault::kMuteSocket:
      return Detector::kSilence;
    case Fault::kDropConnection:
      return Detector::kConnection;
    case Fault::kSlowDrip:
      return Detector::kHarmless;
    default:
      return proof;
  }
}

// Messages from one fault to the next, about; those after which two faults are
// over: fault_test.cc.
constexpr std::uint64_t kFaultEvery = 12;
constexpr std::uint64_t kEnoughUpdates = 2 * (kFaultEvery * 3 / 2 + 10) + 10;

sim::ServerOptions exchange_with(const FaultCase& fault) {
  sim::ServerOptions options;
  sim::ExchangeOptions& exchange = options.gateway.exchange;
  exchange.rate = 400;
  exchange.batch_ms = 10;
  exchange.levels = 60;
  for (const VenueUnderTest& venue : kVenuesUnderTest) {
    (venue.id == VenueId::kKraken
         ? exchange.kraken_symbols
         : exchange.symbols[std::string(venue_name(venue.id))]) = {
        venue.symbol};
  }
  options.gateway.fault = {.kind = *sim::find_fault(fault.name),
                           .seed = exchange.seed,
                           .count = fault.count,
                           .every = kFaultEvery};
  // Where it is not silence that must be seen, a slow machine is none.
  options.ping_seconds = fault.fault == Fault::kMuteSocket ? 0.2 : 5;
  return options;
}

// One venue's session, and what became of its book.
class Observed final : public L3FeedListener {
 public:
  Observed(const VenueUnderTest& venue, const FaultCase& fault,
           const SimulatedExchange& exchange, std::uint16_t connection,
           UringLoop* loop, RawMessagePool* pool)
      : venue_(venue) {
    const std::string address = "127.0.0.1:" + std::to_string(exchange.port());
    VenueConfig config;
    config.id = venue.id;
    config.orders = true;
    config.name = std::string(venue_name(venue.id));
    config.url = "ws://" + address + venue.path;
    if (find_order_feed(venue.id)->rule != OrderRule::kStream) {
      config.rest_url = "http://" + address;
    }
    if (venue.known_clients) {
      config.credentials = testing::TempDir() + "/credentials.toml";
      std::ofstream(config.credentials)
          << "token = \"any\"\nkey = \"any\"\nsecret = \"YW55\"\n";
    }
    config.symbols = {venue.symbol};
    config.depth = venue.depth;
    config.best_bid_offer = false;
    config.stale_after_ms = fault.fault == Fault::kMuteSocket ? 800 : 60'000;
    auto session = VenueSession::create(config, NodeConfig(), connection, loop,
                                        pool, nullptr, nullptr, this);
    if (!session.ok()) std::abort();
    session_ = *std::move(session);
  }

  VenueSession& session() { return *session_; }
  const VenueUnderTest& venue() const { return venue_; }
  const L3Keeper& keeper() const { return session_->orders().book(0); }
  bool is_live() const { return keeper().state() == BookState::kLive; }

  // The first order in which the book is not the exchange's.
  std::string difference(const SimulatedExchange& exchange) const {
    std::string target = std::string("/truth/") + venue_.truth +
                         "?book=l3&venue=" + std::string(venue_name(venue_.id));
    if (venue_.id == VenueId::kKraken) {
      target += "&depth=" + std::to_string(venue_.depth);
    }
    const auto truth = read_plain_json(exchange.get(target));
    if (!truth) return "no truth";
    for (const Side side : {Side::kBid, Side::kAsk}) {
      const PlainJson& rows = (*truth)[side == Side::kBid ? "bids" : "asks"];
      std::size_t place = 0;
      std::string found;
      keeper().book().for_each_order(side, [&](const OrderNode& order) {
        const std::size_t at = place++;
        if (!found.empty()) return;
        if (at >= rows.items.size() || !is_same(order, rows[at])) {
          found = (side == Side::kBid ? "bid " : "ask ") + std::to_string(at);
        }
      });
      if (found.empty() && place != rows.items.size()) {
        found = std::to_string(rows.items.size() - place) + " missing";
      }
      if (!found.empty()) return found;
    }
    return "";
  }

  // Since it was Live first: how often it left that for this reason.
  int departures(BookState state, BookReason reason) const {
    const auto found = departures_.find({state, reason});
    return found == departures_.end() ? 0 : found->second;
  }
  int departures() const {
    int sum = 0;
    for (const auto& [why, n] : departures_) sum += n;
    return sum;
  }
  bool saw(BookReason reason) const { return seen_.contains(reason); }
  std::string story() const {
    std::string out;
    for (const auto& [why, n] : departures_) {
      out += " " + std::string(book_state_name(why.first)) + "{" +
             std::string(book_reason_name(why.second)) + "} " +
             std::to_string(n);
    }
    return out.empty() ? " always Live" : out;
  }

 private:
  bool is_same(const OrderNode& order, const PlainJson& row) const {
    const BookView view = keeper().view();
    OrderId id;
    const auto equals = [](std::int64_t value, int scale,
                           const std::string& text) {
      return sim::parse_decimal(decimal_string(value, scale)) ==
             sim::parse_decimal(text);
    };
    return venue_.read_id(row[2].text, &id) &&
           id == keeper().venue_id(order.id) &&
           equals(order.level->total.price, view.price_scale, row[0].text) &&
           equals(order.quantity, view.quantity_scale, row[1].text);
  }

  void on_state_changed(const L3Keeper& keeper) override {
    ++seen_[keeper.reason()];
    if (keeper.state() == BookState::kLive) {
      was_live_ = true;
      away_ = false;
      return;
    }
    if (!was_live_ || away_) return;
    away_ = true;
    ++departures_[{keeper.state(), keeper.reason()}];
  }

  const VenueUnderTest venue_;
  std::unique_ptr<VenueSession> session_;
  bool was_live_ = false;
  bool away_ = false;
  std::map<std::pair<BookState, BookReason>, int> departures_;
  std::map<BookReason, int> seen_;
};

// Why what tells of the fault has not been seen, or empty.
std::string missing(const Observed& book, Fault fault) {
  const OrderFeed& feed = *find_order_feed(book.venue().id);
  const BookStatistics counts = book.keeper().statistics();
  // A taker's order that is told before those that it meets crosses the book
  // for a moment, without a fault.
  const bool crosses = feed.crossed_messages > 0;
  switch (detector(book.venue().id, fault)) {
    case Detector::kIds:
      if (fault == Fault::kStaleSnapshot) {
        return book.saw(BookReason::kSnapshotTooOld) || counts.gaps > 0
                   ? ""
                   : "never too old";
      }
      // A hole among messages that wait for the first snapshot is one, too.
      return counts.gaps > 0 ? "" : "no gap";
    case Detector::kSum:
      // What contradicts the book tells before its sum does.
      return counts.checksums_bad + counts.gaps > 0 ? "" : "no bad sum";
    case Detector::kParser:
      return counts.gaps > 0 && book.saw(BookReason::kMalformedMessage)
                 ? ""
                 : "nothing malformed";
    case Detector::kTouch:
      return counts.resyncs > 0 && book.saw(BookReason::kCrossedAfterUpdate)
                 ? ""
                 : "not crossed and fetched again";
    case Detector::kSilence:
      return book.saw(BookReason::kStaleHeartbeat) ? "" : "never Stale";
    case Detector::kConnection:
      return book.saw(BookReason::kConnectionLost) ? "" : "never lost";
    case Detector::kNothing:
      return "";
    case Detector::kHarmless:
    case Detector::kAbsent:
      return book.departures() ==
                     (crosses ? book.departures(BookState::kCrossed,
                                                BookReason::kCrossedAfterUpdate)
                              : 0)
                 ? ""
                 : "no reason to leave Live";
  }
  return "";
}

class OrdersUnderFault : public testing::TestWithParam<FaultCase> {
 protected:
  void SetUp() override { spdlog::set_level(spdlog::level::off); }
};

INSTANTIATE_TEST_SUITE_P(, OrdersUnderFault, testing::ValuesIn(kFaultCases),
                         [](const auto& each) {
                           std::string name = each.param.name;
                           std::erase(name, '-');
                           return name;
                         });

TEST_P(OrdersUnderFault, AreSeenComeBackAndEndAsTheExchangesOwn) {
  const FaultCase& fault = GetParam();
  SimulatedExchange exchange(exchange_with(fault));
  auto pool = RawMessagePool::create({.descriptors = 4096});
  ASSERT_TRUE(pool.ok()) << pool.status();
  auto loop = UringLoop::create({.wait = WaitMode::kSleep}, pool->get());
  ASSERT_TRUE(loop.ok()) << loop.status();
  std::vector<std::unique_ptr<Observed>> books;
  for (const VenueUnderTest& venue : kVenuesUnderTest) {
    books.push_back(std::make_unique<Observed>(
        venue, fault, exchange, static_cast<std::uint16_t>(books.size()),
        loop->get(), pool->get()));
    books.back()->session().start();
  }
  const auto turn = [&] {
    (*loop)->run_once(5'000'000);
    for (const auto& book : books) book->session().poll();
  };

  // The flow goes on until every book has had its faults and is back.
  const auto begin = Clock::now();
  const auto patient = [&] {
    return Clock::now() - begin < std::chrono::seconds(50);
  };
  const auto all_over = [&] {
    return std::all_of(books.begin(), books.end(), [&](const auto& book) {
      return book->is_live() &&
             book->keeper().statistics().updates_applied > kEnoughUpdates &&
             missing(*book, fault.fault).empty();
    });
  };
  while (!all_over() && patient()) turn();
  exchange.finish();
  while (!exchange.quiesced() && patient()) turn();
  EXPECT_TRUE(exchange.quiesced());
  // What was sent last is on its way.
  std::string difference;
  const auto all_equal = [&] {
    for (const auto& book : books) {
      difference = std::string(venue_name(book->venue().id)) + ": ";
      if (!book->is_live()) {
        difference += "not Live," + book->story();
        return false;
      }
      const std::string found = book->difference(exchange);
      difference += found;
      if (!found.empty()) return false;
    }
    return true;
  };
  while (!all_equal() && patient()) turn();
  EXPECT_TRUE(all_equal()) << difference;

  for (const auto& book : books) {
    EXPECT_EQ(missing(*book, fault.fault), "")
        << venue_name(book->venue().id) << book->story();
    std::printf("  %-18s%s\n",
                std::string(venue_name(book->venue().id)).c_str(),
                book->story().c_str());
  }
  for (const auto& book : books) book->session().stop();
  while (std::any_of(books.begin(), books.end(), [](const auto& book) {
    return !book->session().stopped();
  })) {
    turn();
  }
  for (const auto& book : books) book->session().disconnect();
}

}  // namespace
}  // namespace wirebook
