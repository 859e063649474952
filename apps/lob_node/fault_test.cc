// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// Each fault of exchange_sim --fault, at every venue, over real sockets: the
// node's sessions see it by what lob/venues/FAULTS.md says, ask for what they
// need, are Live again, and end with the exchange's own books, level by level.

#include "tools/exchange_sim/fault.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "apps/lob_node/config.h"
#include "apps/lob_node/testing/simulated_exchange.h"
#include "apps/lob_node/venue_session.h"
#include "gtest/gtest.h"
#include "lob/book_dump.h"
#include "lob/testing/fault_table.h"
#include "lob/testing/plain_json.h"
#include "net/raw_message_pool.h"
#include "net/uring_loop.h"
#include "tools/exchange_sim/compare.h"

namespace wirebook {
namespace {

using Clock = std::chrono::steady_clock;

double milliseconds(Clock::duration time) {
  return std::chrono::duration<double, std::milli>(time).count();
}

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
    {VenueId::kKucoin, nullptr, "BTC-USDT", 0},  // says it with its token
};

// A lost message leaves no trace at these venues: the book stays Live, may be
// wrong from then on, and its assurance says as much.
bool shows_nothing(VenueId venue, Fault fault) {
  return detector_of(venue, fault) == Detector::kNothing &&
         detector_of(venue, Fault::kGap) == Detector::kNothing;
}

// Messages from one fault to the next, about.
constexpr std::uint64_t kFaultEvery = 12;
// A fault comes after one and a half as many at the latest, and mute-symbol
// takes ten more: two of them are over by then.
constexpr std::uint64_t kEnoughUpdates = 2 * (kFaultEvery * 3 / 2 + 10) + 10;

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

sim::ServerOptions exchange_with(const FaultCase& fault) {
  sim::ServerOptions options;
  sim::ExchangeOptions& exchange = options.gateway.exchange;
  exchange.rate = 400;
  exchange.batch_ms = 10;
  exchange.levels = 60;
  exchange.binance_symbols = {"BTCUSDT"};
  exchange.kraken_symbols = {"BTC/USD"};
  for (const VenueUnderTest& venue : kVenuesUnderTest) {
    if (venue.id == VenueId::kBinanceSpot || venue.id == VenueId::kKraken) {
      continue;
    }
    exchange.symbols[std::string(venue_name(venue.id))] = {venue.symbol};
  }
  options.gateway.fault = {.kind = *sim::find_fault(fault.name),
                           .seed = exchange.seed,
                           .count = fault.count,
                           .every = kFaultEvery};
  // Where it is not silence that must be seen, a slow machine is none.
  options.ping_seconds = fault.fault == Fault::kMuteSocket ? 0.2 : 5;
  return options;
}

std::string url_of(const VenueUnderTest& venue,
                   const SimulatedExchange& exchange) {
  if (venue.path != nullptr) {
    return "ws://127.0.0.1:" + std::to_string(exchange.port()) + venue.path;
  }
  const auto json = read_plain_json(exchange.post("/api/v1/bullet-public"));
  if (!json) std::abort();
  const PlainJson& data = (*json)["data"];
  return data["instanceServers"][0]["endpoint"].text +
         "?token=" + data["token"].text;
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
    config.url = url_of(venue, exchange);
    if (venue_traits(venue.id).sync == SyncClass::kRestSnapshot) {
      config.rest_url = "http://127.0.0.1:" + std::to_string(exchange.port());
    }
    config.symbols = {venue.symbol};
    config.depth = venue.depth;
    config.best_bid_offer = false;
    config.stale_after_ms = fault.fault == Fault::kMuteSocket ? 800 : 60'000;
    auto session = VenueSession::create(config, NodeConfig(), connection, loop,
                                        pool, nullptr, this);
    if (!session.ok()) std::abort();
    session_ = *std::move(session);
  }

  VenueSession& session() { return *session_; }
  const BookKeeper& keeper() const { return session_->pipeline().book(0); }
  bool is_live() const { return keeper().state() == BookState::kLive; }
  bool was_live() const { return first_live_ != Clock::time_point(); }

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
  // Reasons that it had at any time.
  bool saw(BookReason reason) const { return seen_.contains(reason); }
  double longest_ms() const { return longest_ms_; }
  std::string story() const {
    std::string out;
    for (const auto& [why, n] : departures_) {
      out += " " + std::string(book_state_name(why.first)) + "{" +
             std::string(book_reason_name(why.second)) + "} " +
             std::to_string(n);
    }
    return out.empty() ? " always Live" : out;
  }
  const VenueUnderTest& venue() const { return venue_; }

 private:
  void on_state_changed(const BookKeeper& keeper) override {
    ++seen_[keeper.reason()];
    const auto now = Clock::now();
    if (keeper.state() == BookState::kLive) {
      if (!was_live()) {
        first_live_ = now;
      } else if (away_) {
        longest_ms_ = std::max(longest_ms_, milliseconds(now - left_));
      }
      away_ = false;
      return;
    }
    if (!was_live() || away_) return;
    away_ = true;
    left_ = now;
    ++departures_[{keeper.state(), keeper.reason()}];
  }

  const VenueUnderTest venue_;
  std::unique_ptr<VenueSession> session_;
  Clock::time_point first_live_;
  Clock::time_point left_;
  bool away_ = false;
  double longest_ms_ = 0;
  std::map<std::pair<BookState, BookReason>, int> departures_;
  std::map<BookReason, int> seen_;
};

class NodeUnderFault : public testing::TestWithParam<FaultCase> {
 protected:
  void SetUp() override { spdlog::set_level(spdlog::level::off); }
};

INSTANTIATE_TEST_SUITE_P(, NodeUnderFault, testing::ValuesIn(kFaultCases),
                         [](const auto& each) {
                           std::string name = each.param.name;
                           std::erase(name, '-');
                           return name;
                         });

// What the table's word means in a book's states: why what it says has not been
// seen, or empty.
std::string missing(const Observed& book, const FaultCase& fault) {
  const VenueId id = book.venue().id;
  const auto wants = [&](BookState state, BookReason reason) {
    if (book.departures(state, reason) > 0) return std::string();
    return "never " + std::string(book_state_name(state)) + " by " +
           std::string(book_reason_name(reason));
  };
  const Detector detector = detector_of(id, fault.fault);
  switch (detector) {
    case Detector::kIds:
      if (fault.fault == Fault::kStaleSnapshot &&
          venue_traits(id).sync == SyncClass::kRestSnapshot) {
        return book.saw(BookReason::kSnapshotTooOld) ? "" : "never too old";
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
                     book.departures() > 0
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
        const int crossed = book.departures(BookState::kCrossed,
                                            BookReason::kCrossedAfterUpdate);
        return book.departures() == crossed &&
                       book.keeper().view().assurance == Assurance::kPromised
                   ? ""
                   : "more than a promise";
      }
      [[fallthrough]];
    case Detector::kHarmless:
    case Detector::kAbsent:
      return book.departures() == 0 ? "" : "no reason to leave Live";
  }
  return "";
}

TEST_P(NodeUnderFault, SeesItComesBackAndEndsWithTheExchangesBooks) {
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
             missing(*book, fault).empty();
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
      if (shows_nothing(book->venue().id, fault.fault)) continue;
      const std::string found = book->difference(exchange);
      difference += found;
      if (!found.empty()) return false;
    }
    return true;
  };
  while (!all_equal() && patient()) turn();
  EXPECT_TRUE(all_equal()) << difference;

  for (const auto& book : books) {
    EXPECT_EQ(missing(*book, fault), "")
        << venue_name(book->venue().id) << book->story();
    std::printf("  %-18s%s; away from Live for at most %.0f ms\n",
                std::string(venue_name(book->venue().id)).c_str(),
                book->story().c_str(), book->longest_ms());
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
