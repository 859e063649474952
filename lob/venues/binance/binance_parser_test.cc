// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "lob/venues/binance/binance_parser.h"

#include <string>

#include "gtest/gtest.h"
#include "lob/testing/parser_harness.h"

namespace wirebook {
namespace {

using Kind = ParsedMessageKind;

class BinanceParserTest : public testing::TestWithParam<bool> {
 protected:
  ParserUnderTest under_{VenueId::kBinanceSpot, GetParam()};
};

INSTANTIATE_TEST_SUITE_P(Paths, BinanceParserTest, testing::Bool(),
                         [](const auto& param) {
                           return param.param ? "Literal" : "Simdjson";
                         });

constexpr char kDiff[] =
    R"({"e":"depthUpdate","E":1723161255308,"s":"BTCUSDT","U":203,"u":207,"b":[["55653.87000000","0.00000000"]],"a":[["61838.04000000","0.32332000"],["61844.3","12"]]})";

TEST_P(BinanceParserTest, ReadsADepthUpdate) {
  under_.parse(kDiff);
  const ParsedMessage& message = under_.parse(kDiff);
  EXPECT_EQ(message.kind, Kind::kDelta);
  EXPECT_EQ(message.first_update_id, 203u);
  EXPECT_EQ(message.last_update_id, 207u);
  EXPECT_EQ(message.exchange_time_ns, 1723161255308000000);
  EXPECT_EQ(message.price_scale, 8);
  ASSERT_EQ(message.bids().size(), 1u);
  EXPECT_EQ(message.bids()[0], (PriceLevel{5565387000000, 0}));
  ASSERT_EQ(message.asks().size(), 2u);
  EXPECT_EQ(message.asks()[1], (PriceLevel{6184430000000, 1200000000}));
  EXPECT_EQ(under_.table[message.instrument].symbol, "BTCUSDT");
  EXPECT_EQ(under_.table[message.instrument].market, "spot");
}

TEST_P(BinanceParserTest, ReadsTheCombinedStreamsWrapper) {
  const std::string wrapped =
      R"({"stream":"btcusdt@depth@100ms","data":)" + std::string(kDiff) + "}";
  under_.parse(kDiff);
  const std::string plain = as_text(under_.sink);
  under_.parse(wrapped);
  EXPECT_EQ(as_text(under_.sink), plain);
}

TEST_P(BinanceParserTest, FieldOrderIsFree) {
  under_.parse(kDiff);
  const std::string usual = as_text(under_.sink);
  under_.parse(
      R"({"data":{"a":[["61838.04000000","0.32332000"],["61844.3","12"]],"u":207,"b":[["55653.87000000","0.00000000"]],"new":[{"x":1}],"U":203,"s":"BTCUSDT","E":1723161255308,"e":"depthUpdate"},"stream":"btcusdt@depth@100ms"})");
  EXPECT_EQ(as_text(under_.sink), usual);
}

TEST_P(BinanceParserTest, StampsAreMillisecondsOrMicroseconds) {
  under_.parse(kDiff);
  std::string text = kDiff;
  text.replace(text.find("1723161255308"), 13, "1723161255308123");
  EXPECT_EQ(under_.parse(text).exchange_time_ns, 1723161255308123000);
  text.replace(text.find("1723161255308123"), 16, "16339985236703");
  EXPECT_EQ(under_.parse(text).exchange_time_ns, 0);
}

TEST_P(BinanceParserTest, AMessageOfManyLevelsComesInParts) {
  std::string text =
      R"({"e":"depthUpdate","E":1,"s":"BTCUSDT","U":1,"u":2,"b":[)";
  for (int i = 1; i <= 700; ++i) {
    text += (i == 1 ? "[\"" : ",[\"") + std::to_string(i) + ".0\",\"1.5\"]";
  }
  text += R"(],"a":[["2.0","3.0"]]})";
  under_.parse(text);
  under_.parse(text);
  ASSERT_EQ(under_.sink.messages.size(), 2u);
  const ParsedMessage& first = *under_.sink.messages[0];
  const ParsedMessage& second = *under_.sink.messages[1];
  EXPECT_TRUE(first.first_part && !first.last_part);
  EXPECT_TRUE(!second.first_part && second.last_part);
  EXPECT_EQ(first.bids().size(), ParsedMessage::kMaxLevels);
  EXPECT_EQ(second.bids().size(), 700 - ParsedMessage::kMaxLevels);
  EXPECT_EQ(second.bids().back().price, 70000000000);
  EXPECT_EQ(second.asks().size(), 1u);
  EXPECT_EQ(second.last_update_id, 2u);
  EXPECT_TRUE(under_.sink.tail_was_last);
}

TEST_P(BinanceParserTest, ASnapshotBelongsToItsTagOrTheOnlyInstrument) {
  constexpr char kBody[] =
      R"({"lastUpdateId":218,"bids":[["61837.63000000","3.7"]],"asks":[]})";
  const auto in_line = [&] {
    return under_.parse(kBody, RawMessageKind::kHttpBody, kNoInstrument).kind;
  };
  EXPECT_EQ(in_line(), Kind::kIgnored);
  under_.parse(kDiff);
  EXPECT_EQ(in_line(), Kind::kSnapshot);
  EXPECT_EQ(under_.parse(kBody).kind, Kind::kIgnored)
      << "in the stream: a partial depth stream's";
  std::string other = kDiff;
  other.replace(other.find("BTCUSDT"), 7, "ETHUSDT");
  under_.parse(other);
  EXPECT_EQ(in_line(), Kind::kIgnored);
  const ParsedMessage& tagged =
      under_.parse(kBody, RawMessageKind::kHttpBody, 1);
  EXPECT_EQ(tagged.kind, Kind::kSnapshot);
  EXPECT_EQ(tagged.instrument, 1u);
  EXPECT_TRUE(tagged.http_body);
  EXPECT_EQ(tagged.last_update_id, 218u);
}

TEST_P(BinanceParserTest, ReadsTickerTradeAndControl) {
  under_.parse(kDiff);
  const ParsedMessage& ticker = under_.parse(
      R"({"u":9,"s":"BTCUSDT","b":"61837.63","B":"3.7","a":"61837.64","A":"1.5"})");
  EXPECT_EQ(ticker.kind, Kind::kBestBidOffer);
  EXPECT_EQ(ticker.bids()[0].price, 6183763000000);
  EXPECT_EQ(ticker.asks()[0].quantity, 150000000);
  const ParsedMessage& trade = under_.parse(
      R"({"e":"trade","E":5,"s":"BTCUSDT","t":77,"p":"61837.63","q":"0.02","T":4,"m":true,"M":true})");
  EXPECT_EQ(trade.kind, Kind::kTrade);
  EXPECT_EQ(trade.aggressor, Side::kAsk);
  EXPECT_EQ(trade.last_update_id, 77u);
  EXPECT_EQ(under_.parse(R"({"result":null,"id":1})").kind, Kind::kSubscribed);
  EXPECT_EQ(under_.parse(R"({"error":{"code":2,"msg":"no"},"id":1})").kind,
            Kind::kRefused);
  EXPECT_EQ(under_
                .parse(R"({"code":-1121,"msg":"Invalid symbol."})",
                       RawMessageKind::kHttpBody, 0)
                .kind,
            Kind::kRefused);
  EXPECT_EQ(under_.parse(R"({"e":"serverShutdown","E":5})").kind,
            Kind::kShutdown);
  EXPECT_EQ(
      under_.parse(R"({"e":"kline","E":5,"s":"BTCUSDT","k":{"t":1}})").kind,
      Kind::kIgnored);
}

TEST_P(BinanceParserTest, RefusesWhatIsNotAMessage) {
  under_.parse(kDiff);
  const std::string good = kDiff;
  const auto with = [&good](std::string_view from, std::string_view to) {
    std::string text = good;
    const size_t at = text.find(from);
    if (at == std::string::npos) std::abort();
    return text.replace(at, from.size(), to);
  };
  const std::string deep = std::string(5000, '[') + std::string(5000, ']');
  for (const std::string& text : {
           std::string(),
           std::string("not json"),
           std::string("[]"),
           std::string("{\"e\":"),
           good + good,
           good + " x",
           with("\"0.00000000\"", "\"-1.0\""),
           with("\"0.00000000\"", "\"NaN\""),
           with("\"0.00000000\"", "null"),
           with("\"0.00000000\"", "0.0"),
           with("\"0.00000000\"", "\"1e400\""),
           with("\"0.00000000\"", "\"\""),
           with("\"55653.87000000\"", "\"0\""),
           with(",\"0.00000000\"", ""),
           with("203", "208"),
           with("203", "-203"),
           with("203", "2e2"),
           with("203", "99999999999999999999"),
           with("207", "9223372036854775808"),
           with("\"U\":203", "\"V\":203"),
           with("\"U\":203", "\"u\":203"),
           with("\"s\":\"BTCUSDT\",", ""),
           with("\"b\":", "\"b\":[],\"b\":"),
           with("\"b\":[[", "\"b\":" + deep + ",\"c\":[["),
           with("BTCUSDT", "BTC\xff\xfe"),
           // Duplicate keys.
           with("\"E\":1723161255308", "\"E\":1,\"E\":1723161255308"),
       }) {
    EXPECT_EQ(under_.parse(text).kind, Kind::kMalformed) << text.substr(0, 300);
    EXPECT_TRUE(under_.sink.messages.front()->concerns_book);
    EXPECT_EQ(under_.sink.out(), 0u);
  }
}

TEST_P(BinanceParserTest, NumbersThatDoNotFitSaySo) {
  under_.parse(kDiff);
  std::string text = kDiff;
  text.replace(text.find("0.32332000"), 10, "0.323320001");
  EXPECT_EQ(under_.parse(text).kind, Kind::kMalformed);
  EXPECT_EQ(under_.parse(text).reason, BookReason::kScaleChanged);
  EXPECT_EQ(under_.parse(text).instrument, 0u);
}

TEST_P(BinanceParserTest, ABadTradeIsNoFaultOfTheBook) {
  under_.parse(kDiff);
  const ParsedMessage& trade = under_.parse(
      R"({"e":"trade","E":5,"s":"BTCUSDT","t":77,"p":"x","q":"0.02","T":4,"m":true,"M":true})");
  EXPECT_EQ(trade.kind, Kind::kMalformed);
  EXPECT_FALSE(trade.concerns_book);
}

TEST_P(BinanceParserTest, ASideThatIsNoListOfLevelsIsMalformed) {
  under_.parse(kDiff);
  for (const char* sides :
       {R"("b":"1","a":[])", R"("b":[],"a":"1")", R"("a":[],"b":"1")",
        R"("b":{},"a":[])", R"("b":[],"a":7)", R"("b":[])",
        R"("b":[["1"]],"a":[])"}) {
    const ParsedMessage& message =
        under_.parse(R"({"e":"depthUpdate","E":5,"s":"BTCUSDT","U":1,"u":2,)" +
                     std::string(sides) + "}");
    EXPECT_EQ(message.kind, Kind::kMalformed) << sides;
    EXPECT_NE(message.instrument, kNoInstrument) << sides;
  }
}

TEST_P(BinanceParserTest, AnUnannouncedSymbolIsCountedWhereDiscoveryIsOff) {
  ParserUnderTest strict(VenueId::kBinanceSpot, GetParam(), /*discover=*/false);
  EXPECT_EQ(strict.parse(kDiff).kind, Kind::kIgnored);
  EXPECT_EQ(strict.parser->unknown_instruments(), 1u);
  ASSERT_TRUE(strict.table.find_or_add({.symbol = "BTCUSDT"}).ok());
  EXPECT_EQ(strict.parse(kDiff).kind, Kind::kDelta);
}

TEST_P(BinanceParserTest, SaysSoWhenNoMessageIsFree) {
  under_.parse(kDiff);
  CollectingSink none(0);
  Frame frame(kDiff);
  EXPECT_FALSE(under_.parser->parse(frame.raw(), 1, none));
  EXPECT_EQ(none.emitted, 0);
}

std::string futures_update(const std::string& ids) {
  return R"({"e":"depthUpdate","E":1723161256299,"T":1723161256298,)"
         R"("s":"BTCUSDT",)" +
         ids + R"(,"b":[["58710.20","0.014"]],"a":[]})";
}

TEST(BinanceParser, FuturesNameTheUpdateBefore) {
  for (const bool literal : {false, true}) {
    ParserUnderTest under_test(VenueId::kBinanceUsdm, literal);
    const ParsedMessage& update =
        under_test.parse(futures_update(R"("U":120,"u":150,"pu":100)"));
    EXPECT_EQ(update.kind, ParsedMessageKind::kDelta);
    EXPECT_TRUE(update.has_previous_update_id);
    EXPECT_EQ(update.previous_update_id, 100u);
    EXPECT_EQ(update.first_update_id, 120u);
    EXPECT_EQ(update.last_update_id, 150u);
    EXPECT_EQ(update.exchange_time_ns, 1723161256298000000);
    EXPECT_EQ(update.send_time_ns, 1723161256299000000);
    EXPECT_EQ(update.bids()[0], (PriceLevel{5871020000000, 1400000}));
    EXPECT_EQ(under_test.parse(futures_update(R"("U":120,"u":150)")).kind,
              ParsedMessageKind::kMalformed)
        << "without it a gap would not show";
    const ParsedMessage& ticker = under_test.parse(
        R"({"e":"bookTicker","u":7,"s":"BTCUSDT","b":"1","B":"2","a":"3",)"
        R"("A":"4","T":1,"E":2})");
    EXPECT_EQ(ticker.kind, ParsedMessageKind::kBestBidOffer);
    EXPECT_EQ(ticker.last_update_id, 7u);
  }
}

// The example of "Diff. Book Depth Streams" of COIN-M's documentation.
TEST(BinanceParser, CoinMarginedFuturesNameTheirPair) {
  const std::string update =
      R"({"e":"depthUpdate","E":1591270260907,"T":1591270260891,)"
      R"("s":"BTCUSD_200626","ps":"BTCUSD","U":17285681,"u":17285702,)"
      R"("pu":17285675,"b":[["9517.6","10"]],"a":[["9518.5","45"]]})";
  for (const bool literal : {false, true}) {
    ParserUnderTest under_test(VenueId::kBinanceCoinm, literal);
    under_test.parse(update);
    const ParsedMessage& delta = under_test.parse(update);
    EXPECT_EQ(delta.kind, ParsedMessageKind::kDelta);
    EXPECT_EQ(under_test.table[0].symbol, "BTCUSD_200626");
    EXPECT_EQ(under_test.table[0].market, "inverse");
    EXPECT_EQ(delta.previous_update_id, 17285675u);
    EXPECT_EQ(delta.last_update_id, 17285702u);
    EXPECT_EQ(delta.exchange_time_ns, 1591270260891000000);
    EXPECT_EQ(delta.bids()[0], (PriceLevel{951760000000, 1000000000}));
    const ParsedMessage& snapshot = under_test.parse(
        R"({"lastUpdateId":16769853,"symbol":"BTCUSD_PERP","pair":"BTCUSD",)"
        R"("E":1591250106370,"T":1591250106368,"bids":[["9638.0","431"]],)"
        R"("asks":[["9638.2","12"]]})",
        RawMessageKind::kHttpBody);
    EXPECT_EQ(snapshot.kind, ParsedMessageKind::kSnapshot);
    EXPECT_EQ(snapshot.last_update_id, 16769853u);
  }
}

}  // namespace
}  // namespace wirebook
