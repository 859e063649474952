// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "lob/venues/kraken/kraken_parser.h"

#include <string>

#include "gtest/gtest.h"
#include "lob/testing/parser_harness.h"

namespace wirebook {
namespace {

using Kind = ParsedMessageKind;

class KrakenParserTest : public testing::TestWithParam<bool> {
 protected:
  ParserUnderTest under_{VenueId::kKraken, GetParam()};
};

INSTANTIATE_TEST_SUITE_P(Paths, KrakenParserTest, testing::Bool(),
                         [](const auto& param) {
                           return param.param ? "Literal" : "Simdjson";
                         });

constexpr char kSnapshot[] =
    R"({"channel":"book","type":"snapshot","data":[{"symbol":"BTC/USD","bids":[{"price":63388.7,"qty":0.25761908},{"price":63388,"qty":1e-08}],"asks":[{"price":63389.0,"qty":1.00000000}],"checksum":3726153463,"timestamp":"2026-08-02T03:35:51.660084Z"}]})";
constexpr char kUpdate[] =
    R"({"channel":"book","type":"update","data":[{"symbol":"BTC/USD","bids":[{"price":63381.0,"qty":0.00000000}],"asks":[{"price":63395.2,"qty":0.05500000}],"checksum":261162761,"timestamp":"2026-08-02T03:35:51.661460Z"}]})";

TEST_P(KrakenParserTest, ASnapshotsTextDecidesTheScales) {
  const ParsedMessage& snapshot = under_.parse(kSnapshot);
  EXPECT_EQ(snapshot.kind, Kind::kSnapshot);
  EXPECT_EQ(snapshot.price_scale, 1);
  EXPECT_EQ(snapshot.quantity_scale, 8);
  ASSERT_EQ(snapshot.bids().size(), 2u);
  EXPECT_EQ(snapshot.bids()[0], (PriceLevel{633887, 25761908}));
  EXPECT_EQ(snapshot.bids()[1], (PriceLevel{633880, 1}));
  EXPECT_EQ(snapshot.checksum, 3726153463u);
  EXPECT_EQ(snapshot.exchange_time_ns, 1785641751660084000);
  const ParsedMessage& update = under_.parse(kUpdate);
  EXPECT_EQ(update.kind, Kind::kDelta);
  EXPECT_EQ(update.price_scale, 1);
  EXPECT_EQ(update.bids()[0], (PriceLevel{633810, 0}));
  EXPECT_EQ(update.asks()[0], (PriceLevel{633952, 5500000}));
}

TEST_P(KrakenParserTest, MoreDecimalsThanTheSnapshotHadAreAChangeOfScale) {
  under_.parse(kSnapshot);
  std::string text = kUpdate;
  text.replace(text.find("63381.0"), 7, "63381.05");
  EXPECT_EQ(under_.parse(text).kind, Kind::kMalformed);
  EXPECT_EQ(under_.parse(text).reason, BookReason::kScaleChanged);
  EXPECT_EQ(under_.parse(text).instrument, 0u);
}

TEST_P(KrakenParserTest, DataIsAListOfBooksAndAllOrNothing) {
  under_.parse(kSnapshot);
  const std::string two =
      R"({"channel":"book","type":"update","data":[{"symbol":"BTC/USD","bids":[],"asks":[{"price":63395.2,"qty":0.05500000}],"checksum":1,"timestamp":"2026-08-02T03:35:51.661460Z"},{"symbol":"ETH/USD","bids":[{"price":1.0,"qty":2.0}],"asks":[],"checksum":2,"timestamp":"2026-08-02T03:35:51.661460Z"}]})";
  under_.parse(two);
  ASSERT_EQ(under_.sink.messages.size(), 2u);
  EXPECT_EQ(under_.sink.messages[0]->instrument, 0u);
  EXPECT_EQ(under_.sink.messages[1]->instrument, 1u);
  EXPECT_TRUE(under_.sink.messages[0]->last_part);
  std::string broken = two;
  broken.replace(broken.find("2.0}"), 3, "x.0");
  under_.parse(broken);
  ASSERT_EQ(under_.sink.messages.size(), 1u);
  EXPECT_EQ(under_.sink.messages[0]->kind, Kind::kMalformed);
  EXPECT_EQ(under_.sink.messages[0]->instrument, kNoInstrument);
}

TEST_P(KrakenParserTest, ReadsAcks) {
  const ParsedMessage& yes = under_.parse(
      R"({"method":"subscribe","result":{"channel":"book","depth":25,"snapshot":true,"symbol":"BTC/USD"},"success":true,"time_in":"a","time_out":"b"})");
  EXPECT_EQ(yes.kind, Kind::kSubscribed);
  EXPECT_EQ(yes.depth, 25u);
  EXPECT_EQ(yes.instrument, 0u);
  EXPECT_EQ(
      under_
          .parse(
              R"({"method":"unsubscribe","result":{"channel":"book","depth":25,"symbol":"BTC/USD"},"success":true})")
          .kind,
      Kind::kUnsubscribed);
  const ParsedMessage& no = under_.parse(
      R"({"error":"Depth not supported","method":"subscribe","success":false,"symbol":"BTC/USD"})");
  EXPECT_EQ(no.kind, Kind::kRefused);
  EXPECT_EQ(no.reason, BookReason::kVenueRefused);
  EXPECT_EQ(no.instrument, 0u);
  EXPECT_EQ(
      under_
          .parse(
              R"({"error":"Depth not supported","method":"subscribe","success":false})")
          .instrument,
      kNoInstrument);
  EXPECT_EQ(
      under_
          .parse(
              R"({"method":"subscribe","result":{"channel":"ticker","symbol":"BTC/USD"},"success":true})")
          .kind,
      Kind::kIgnored);
}

TEST_P(KrakenParserTest, ReadsHeartbeatPongAndStatus) {
  EXPECT_EQ(under_.parse(R"({"channel":"heartbeat"})").kind, Kind::kHeartbeat);
  EXPECT_EQ(under_.parse(R"({"method":"pong","req_id":1})").kind,
            Kind::kHeartbeat);
  EXPECT_EQ(
      under_
          .parse(
              R"({"channel":"status","type":"update","data":[{"system":"online"}]})")
          .reason,
      BookReason::kNone);
  const ParsedMessage& halt = under_.parse(
      R"({"channel":"status","type":"update","data":[{"system":"maintenance"}]})");
  EXPECT_EQ(halt.kind, Kind::kStatus);
  EXPECT_EQ(halt.reason, BookReason::kVenueStatus);
  EXPECT_EQ(
      under_.parse(R"({"channel":"instrument","type":"update","data":{}})")
          .kind,
      Kind::kIgnored);
}

// The documents' own examples, of a book's symbol.
TEST_P(KrakenParserTest, TickersAndTrades) {
  under_.parse(kSnapshot);
  const std::string ticker =
      R"({"channel":"ticker","type":"update","data":[{"symbol":"BTC/USD",)"
      R"("bid":0.10025,"bid_qty":740.0,"ask":0.10036,"ask_qty":1361.44813783,)"
      R"("last":0.10035,"volume":997038.98383185,"vwap":0.10148,"low":0.09979,)"
      R"("high":0.10285,"change":-0.00017,"change_pct":-0.17}]})";
  const ParsedMessage& touch = under_.parse(ticker);
  EXPECT_EQ(touch.kind, Kind::kBestBidOffer);
  EXPECT_EQ(touch.instrument, 0u);
  EXPECT_EQ(touch.bids()[0], (PriceLevel{10025000, 74000000000}));
  EXPECT_EQ(touch.asks()[0], (PriceLevel{10036000, 136144813783}));
  const std::string trades =
      R"({"channel":"trade","type":"update","data":[{"symbol":"BTC/USD",)"
      R"("side":"sell","price":0.5117,"qty":40.0,"ord_type":"market",)"
      R"("trade_id":4665906,"timestamp":"2023-09-25T07:49:37.708706Z"}]})";
  const ParsedMessage& trade = under_.parse(trades);
  EXPECT_EQ(trade.kind, Kind::kTrade);
  EXPECT_EQ(trade.aggressor, Side::kAsk);
  EXPECT_EQ(trade.levels[0], (PriceLevel{51170000, 4000000000}));
  EXPECT_EQ(trade.last_update_id, 4665906u);
  EXPECT_EQ(trade.exchange_time_ns, 1695628177708706000);
  // A fault beside the book is not the book's.
  for (std::string text : {ticker, trades}) {
    const size_t at = text.find("\"symbol\"");
    text.replace(at, 8, "\"xymbol\"");
    const ParsedMessage& parsed = under_.parse(text);
    EXPECT_EQ(parsed.kind, Kind::kMalformed) << text;
    EXPECT_FALSE(parsed.concerns_book);
  }
}

TEST_P(KrakenParserTest, RefusesWhatIsNotAMessage) {
  under_.parse(kSnapshot);
  const std::string good = kUpdate;
  const auto with = [&good](std::string_view from, std::string_view to) {
    std::string text = good;
    const size_t at = text.find(from);
    if (at == std::string::npos) std::abort();
    return text.replace(at, from.size(), to);
  };
  for (const std::string& text : {
           std::string(),
           std::string("pong"),
           good.substr(0, 100),
           good + "{}",
           with("63381.0", "-63381.0"),
           with("63381.0", "NaN"),
           with("63381.0", "null"),
           with("63381.0", "\"63381.0\""),
           with("63381.0", "0.0"),
           with("63381.0", "1e999"),
           with("63381.0", "99999999999999999999"),
           with("\"price\":63381.0,", ""),
           with("\"price\":63381.0", "\"price\":63381.0,\"price\":63381.0"),
           with("261162761", "4294967296"),
           with("261162761", "-1"),
           with("\"checksum\":261162761,", ""),
           with("\"asks\":", "\"tasks\":"),
           with("2026-08-02T", "2026-13-02T"),
           with("update", "upsert"),
           with("\"symbol\":\"BTC/USD\",", ""),
           with("BTC/USD", "BTC/\xff\xfe"),
           with("\"type\":", "\"type\":\"x\",\"type\":"),
           // A book and an answer in one.
           with("\"type\":", "\"error\":\"x\",\"type\":"),
           with("\"type\":", "\"method\":\"pong\",\"type\":"),
       }) {
    EXPECT_EQ(under_.parse(text).kind, Kind::kMalformed) << text.substr(0, 300);
    EXPECT_EQ(under_.sink.out(), 0u);
  }
}

}  // namespace
}  // namespace wirebook
