// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// Each fault of exchange_sim --fault, at every venue, over real sockets: the
// node's sessions see it by what lob/venues/FAULTS.md says, ask for what they
// need, are Live again, and end with the exchange's own books, level by level.

#include <spdlog/spdlog.h>

#include <cstdint>
#include <memory>
#include <string>

#include "apps/lob_node/config.h"
#include "apps/lob_node/testing/fault_scenario.h"
#include "apps/lob_node/testing/simulated_exchange.h"
#include "apps/lob_node/venue_session.h"
#include "gtest/gtest.h"
#include "lob/book_dump.h"
#include "lob/testing/fault_table.h"
#include "net/raw_message_pool.h"
#include "net/uring_loop.h"
#include "tools/exchange_sim/compare.h"

namespace wirebook {
namespace {

struct VenueUnderTest {
  VenueId id;
  const char* path;  // of its WebSocket
  const char* symbol;
  int depth;  // subscribed; 0: the venue's usual
};

constexpr VenueUnderTest kVenuesUnderTest[] = {
    {VenueId::kBinanceSpot, "/stream", "BTCUSDT", 0},
    {VenueId::kBinanceUsdm, "/public/stream", "BTCUSDT", 0},
    {VenueId::kBinanceCoinm, "/dstream/stream", "BTCUSD_PERP", 0},
    {VenueId::kKraken, "/v2", "BTC/USD", 10},
    {VenueId::kBybit, "/v5/public/linear", "BTCUSDT", 200},
    {VenueId::kOkx, "/ws/v5/public", "BTC-USDT", 0},
    {VenueId::kDeribit, "/ws/api/v2", "BTC-PERPETUAL", 0},
    {VenueId::kCoinbaseAdvanced, "/", "BTC-USD", 0},
    {VenueId::kCoinbaseExchange, "/coinbase-exchange", "BTC-USD", 0},
    {VenueId::kBitfinex, "/ws/2", "tBTCUSD", 250},
    {VenueId::kBitstamp, "/bitstamp", "btcusd", 0},
    {VenueId::kGemini, "/v2/marketdata", "BTCUSD", 0},
    {VenueId::kGate, "/ws/v4/", "BTC_USDT", 0},
    {VenueId::kGateFutures, "/v4/ws/usdt", "BTC_USDT", 0},
    {VenueId::kKucoin, nullptr, "BTC-USDT", 0},  // is asked for it
};

// A lost message leaves no trace at these venues: the book stays Live, may be
// wrong from then on, and its assurance says as much.
bool shows_nothing(VenueId venue, Fault fault) {
  return detector_of(venue, fault) == Detector::kNothing &&
         detector_of(venue, Fault::kGap) == Detector::kNothing;
}

sim::ServerOptions exchange_with(const FaultCase& fault) {
  sim::ServerOptions options = faulty_exchange(fault);
  sim::ExchangeOptions& exchange = options.gateway.exchange;
  exchange.binance_symbols = {"BTCUSDT"};
  exchange.kraken_symbols = {"BTC/USD"};
  for (const VenueUnderTest& venue : kVenuesUnderTest) {
    if (venue.id == VenueId::kBinanceSpot || venue.id == VenueId::kKraken) {
      continue;
    }
    exchange.symbols[std::string(venue_name(venue.id))] = {venue.symbol};
  }
  return options;
}

// One venue's session, and what became of its book.
class Observed final : public BookPipelineListener {
 public:
  Observed(const VenueUnderTest& venue, const FaultCase& fault,
           const SimulatedExchange& exchange, std::uint16_t connection,
           UringLoop* loop, RawMessagePool* pool)
      : venue_(venue) {
    VenueConfig config;
    config.id = venue.id;
    config.name = std::string(venue_name(venue.id));
    if (venue.path != nullptr) {
      config.url =
          "ws://127.0.0.1:" + std::to_string(exchange.port()) + venue.path;
    }
    if (venue_traits(venue.id).sync == SyncClass::kRestSnapshot) {
      config.rest_url = "http://127.0.0.1:" + std::to_string(exchange.port());
    }
    config.symbols = {venue.symbol};
    config.depth = venue.depth;
    config.best_bid_offer = false;
    config.stale_after_ms = stale_after_ms(fault);
    auto session = VenueSession::create(config, NodeConfig(), connection, loop,
                                        pool, nullptr, this);
    if (!session.ok()) std::abort();
    session_ = *std::move(session);
  }

  VenueSession& session() { return *session_; }
  const BookKeeper& keeper() const { return session_->pipeline().book(0); }
  const VenueUnderTest& venue() const { return venue_; }
  const Departures& departures() const { return departures_; }

  // The first level in which the book is not the exchange's.
  std::string difference(const SimulatedExchange& exchange) const {
    std::string csv(kBookDumpHeader);
    append_book_dump(keeper().book(), venue_.symbol, "", "", &csv);
    std::string symbol = venue_.symbol;
    if (const auto slash = symbol.find('/'); slash != std::string::npos) {
      symbol.replace(slash, 1, "%2F");
    }
    const auto dump = sim::parse_dump(csv);
    const auto truth = sim::parse_truth(exchange.get(
        "/truth/" + symbol + "?venue=" + std::string(venue_name(venue_.id))));
    if (!dump.ok()) return dump.status().ToString();
    if (!truth.ok()) return truth.status().ToString();
    return sim::first_difference(
        dump->begin()->second, *truth,
        venue_.id == VenueId::kKraken ? static_cast<size_t>(venue_.depth) : 0);
  }

 private:
  void on_state_changed(const BookKeeper& keeper) override {
    departures_.on_state(keeper.state(), keeper.reason());
  }

  const VenueUnderTest venue_;
  std::unique_ptr<VenueSession> session_;
  Departures departures_;
};

class NodeUnderFault : public testing::TestWithParam<FaultCase> {
 protected:
  void SetUp() override { spdlog::set_level(spdlog::level::off); }
};

INSTANTIATE_TEST_SUITE_P(, NodeUnderFault, testing::ValuesIn(kFaultCases),
                         fault_case_name);

// What the table's word means in a book's states: why what it says has not been
// seen, or empty.
std::string missing(const Observed& book, const FaultCase& fault) {
  const VenueId id = book.venue().id;
  const auto wants = [&](BookState state, BookReason reason) {
    if (book.departures().count(state, reason) > 0) return std::string();
    return "never " + std::string(book_state_name(state)) + " by " +
           std::string(book_reason_name(reason));
  };
  const Detector detector = detector_of(id, fault.fault);
  switch (detector) {
    case Detector::kIds:
      if (fault.fault == Fault::kStaleSnapshot &&
          venue_traits(id).sync == SyncClass::kRestSnapshot) {
        return book.departures().saw(BookReason::kSnapshotTooOld)
                   ? ""
                   : "never too old";
      }
      // Between two messages that change places it may be crossed.
      if (venue_traits(id).diffs == DiffRule::kTime &&
          wants(BookState::kCrossed, BookReason::kCrossedAfterUpdate).empty()) {
        return "";
      }
      return wants(BookState::kGapped, BookReason::kSequenceGap);
    case Detector::kSum:
      // What crosses the book besides is called by that.
      return book.keeper().statistics().checksums_bad > 0 &&
                     book.departures().count() > 0
                 ? ""
                 : "no bad sum";
    case Detector::kParser:
      return wants(BookState::kGapped, BookReason::kMalformedMessage);
    case Detector::kTouch:
      return wants(BookState::kCrossed, BookReason::kCrossedAfterUpdate);
    case Detector::kSilence:
      return wants(BookState::kStale, BookReason::kStaleHeartbeat);
    case Detector::kConnection:
      return wants(BookState::kGapped, BookReason::kConnectionLost);
    case Detector::kNothing:
      if (shows_nothing(id, fault.fault)) {
        // But for a level that stayed and then crosses what comes.
        const int crossed = book.departures().count(
            BookState::kCrossed, BookReason::kCrossedAfterUpdate);
        return book.departures().count() == crossed &&
                       book.keeper().view().assurance == Assurance::kPromised
                   ? ""
                   : "more than a promise";
      }
      [[fallthrough]];
    case Detector::kHarmless:
    case Detector::kAbsent:
      return book.departures().count() == 0 ? "" : "no reason to leave Live";
  }
  return "";
}

TEST_P(NodeUnderFault, SeesItComesBackAndEndsWithTheExchangesBooks) {
  const FaultCase& fault = GetParam();
  SimulatedExchange exchange(exchange_with(fault));
  run_under_fault(
      fault, exchange, kVenuesUnderTest,
      [&](const VenueUnderTest& venue, std::uint16_t connection,
          UringLoop* loop, RawMessagePool* pool) {
        return std::make_unique<Observed>(venue, fault, exchange, connection,
                                          loop, pool);
      },
      missing,
      [&](const Observed& book) {
        return !shows_nothing(book.venue().id, fault.fault);
      });
}

}  // namespace
}  // namespace wirebook
