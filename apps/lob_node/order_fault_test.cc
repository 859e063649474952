// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// Books of orders, over real sockets: each fault of exchange_sim --fault, at
// every venue that tells single orders. The node's sessions see it, ask for
// what they need, are Live again, and end with the exchange's own orders, each
// in its place.

#include <spdlog/spdlog.h>

#include <cstdint>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "apps/lob_node/config.h"
#include "apps/lob_node/testing/fault_scenario.h"
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

namespace wirebook {
namespace {

// The simulated Kraken's.
constexpr char kSimulatedSecret[] =
    "kQH5HW/8p1uGOVjbgWA7FunAmGO8lsSUXNsu3eow76sz84Q18fWxnyRzBHCd3pd5nE9qa99HAZ"
    "tuZuj6F1huXg==";

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

sim::ServerOptions exchange_with(const FaultCase& fault) {
  sim::ServerOptions options = faulty_exchange(fault);
  sim::ExchangeOptions& exchange = options.gateway.exchange;
  for (const VenueUnderTest& venue : kVenuesUnderTest) {
    (venue.id == VenueId::kKraken
         ? exchange.kraken_symbols
         : exchange.symbols[std::string(venue_name(venue.id))]) = {
        venue.symbol};
  }
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
      config.credentials =
          testing::TempDir() + "/" + config.name + "_credentials.toml";
      std::ofstream(config.credentials)
          << "key = \"exchange_sim\"\npassphrase = \"any\"\nsecret = \""
          << kSimulatedSecret << "\"\n";
      config.rest_url = "http://" + address;
    }
    config.symbols = {venue.symbol};
    config.depth = venue.depth;
    config.best_bid_offer = false;
    config.stale_after_ms = stale_after_ms(fault);
    auto session = VenueSession::create(config, NodeConfig(), connection, loop,
                                        pool, nullptr, nullptr, this);
    if (!session.ok()) std::abort();
    session_ = *std::move(session);
  }

  VenueSession& session() { return *session_; }
  const VenueUnderTest& venue() const { return venue_; }
  const L3Keeper& keeper() const { return session_->orders().book(0); }
  const Departures& departures() const { return departures_; }

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
    departures_.on_state(keeper.state(), keeper.reason());
  }

  const VenueUnderTest venue_;
  std::unique_ptr<VenueSession> session_;
  Departures departures_;
};

// Why what tells of the fault has not been seen, or empty.
std::string missing(const Observed& book, const FaultCase& fault_case) {
  const Fault fault = fault_case.fault;
  const OrderFeed& feed = *find_order_feed(book.venue().id);
  const BookStatistics counts = book.keeper().statistics();
  // A taker's order that is told before those that it meets crosses the book
  // for a moment, without a fault.
  const bool crosses = feed.crossed_messages > 0;
  switch (order_detector_of(book.venue().id, fault)) {
    case Detector::kIds:
      if (fault == Fault::kStaleSnapshot) {
        return book.departures().saw(BookReason::kSnapshotTooOld) ||
                       counts.gaps > 0
                   ? ""
                   : "never too old";
      }
      // A hole among messages that wait for the first snapshot is one, too.
      return counts.gaps > 0 ? "" : "no gap";
    case Detector::kSum:
      // What contradicts the book tells before its sum does.
      return counts.checksums_bad + counts.gaps > 0 ? "" : "no bad sum";
    case Detector::kParser:
      return counts.gaps > 0 &&
                     book.departures().saw(BookReason::kMalformedMessage)
                 ? ""
                 : "nothing malformed";
    case Detector::kTouch:
      return counts.resyncs > 0 &&
                     book.departures().saw(BookReason::kCrossedAfterUpdate)
                 ? ""
                 : "not crossed and fetched again";
    case Detector::kSilence:
      return book.departures().saw(BookReason::kStaleHeartbeat) ? ""
                                                                : "never Stale";
    case Detector::kConnection:
      return book.departures().saw(BookReason::kConnectionLost) ? ""
                                                                : "never lost";
    case Detector::kNothing:
      return "";
    case Detector::kHarmless:
    case Detector::kAbsent:
      return book.departures().count() ==
                     (crosses ? book.departures().count(
                                    BookState::kCrossed,
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
                         fault_case_name);

TEST_P(OrdersUnderFault, AreSeenComeBackAndEndAsTheExchangesOwn) {
  const FaultCase& fault = GetParam();
  SimulatedExchange exchange(exchange_with(fault));
  run_under_fault(
      fault, exchange, kVenuesUnderTest,
      [&](const VenueUnderTest& venue, std::uint16_t connection,
          UringLoop* loop, RawMessagePool* pool) {
        return std::make_unique<Observed>(venue, fault, exchange, connection,
                                          loop, pool);
      },
      missing, [](const Observed&) { return true; });
}

}  // namespace
}  // namespace wirebook
