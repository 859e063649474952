// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// The `full` channel, by the documents' own messages.

#include <string>

#include "gtest/gtest.h"
#include "lob/testing/parser_harness.h"

namespace wirebook {
namespace {

using Kind = ParsedMessageKind;

constexpr char kTime[] = R"("time":"2014-11-07T08:19:27.028459Z",)";
constexpr OrderId kOrder{0xd50ec98477a8460a, 0xb95866f114b0de9b};

std::string message(const std::string& type, const std::string& rest,
                    const std::string& sequence = "10") {
  return R"({"type":")" + type + R"(",)" + kTime +
         R"("product_id":"BTC-USD","sequence":)" + sequence + "," + rest + "}";
}

std::string with_id(const std::string& rest) {
  return R"("order_id":"d50ec984-77a8-460a-b958-66f114b0de9b",)" + rest;
}

struct CoinbaseFull : testing::Test {
  // The only order of the last message.
  OrderEvent event(const std::string& text) {
    const ParsedMessage& message = parser.parse(text);
    EXPECT_EQ(message.kind, Kind::kDelta) << text;
    EXPECT_EQ(message.order_count, 1u) << text;
    EXPECT_TRUE(message.has_previous_update_id);
    EXPECT_EQ(message.previous_update_id + 1, message.last_update_id);
    EXPECT_EQ(message.exchange_time_ns, 1415348367028459000) << text;
    return message.orders[0];
  }
  ParserUnderTest parser{VenueId::kCoinbaseExchange, true, true, true};
};

TEST_F(CoinbaseFull, AnOrderOpens) {
  const OrderEvent open = event(
      message("open", with_id(R"("price":"200.2","remaining_size":"1.00",)"
                              R"("side":"sell")")));
  EXPECT_EQ(open.action, OrderAction::kAdd);
  EXPECT_EQ(open.id, kOrder);
  EXPECT_EQ(open.side, Side::kAsk);
  EXPECT_EQ(open.price, 20020000000);
  EXPECT_EQ(open.quantity, 100000000);
  EXPECT_FALSE(open.may_be_unknown);
}

TEST_F(CoinbaseFull, AnOrderIsDoneOrChanges) {
  const OrderEvent done = event(message(
      "done", with_id(R"("price":"200.2","reason":"filled","side":"sell",)"
                      R"("remaining_size":"0")")));
  EXPECT_EQ(done.action, OrderAction::kRemove);
  EXPECT_TRUE(done.may_be_unknown) << "it may never have been open";
  const OrderEvent less = event(message(
      "change", with_id(R"("reason":"STP","side":"sell",)"
                        R"("old_size":"12.234412","new_size":"5.23512",)"
                        R"("price":"400.23")")));
  EXPECT_EQ(less.action, OrderAction::kChange);
  EXPECT_TRUE(less.may_be_unknown);
  EXPECT_EQ(less.price, 40023000000);
  EXPECT_EQ(less.quantity, 523512000);
  const OrderEvent moved = event(message(
      "change",
      with_id(R"("reason":"modify_order","side":"buy","old_size":"1",)"
              R"("new_size":"2","old_price":"400","new_price":"401.5")")));
  EXPECT_EQ(moved.price, 40150000000);
  EXPECT_EQ(moved.quantity, 200000000);
  EXPECT_EQ(moved.side, Side::kBid);
}

TEST_F(CoinbaseFull, AMatchIsATradeAndTakesFromTheMaker) {
  const OrderEvent match = event(message(
      "match", R"("trade_id":10,)"
               R"("maker_order_id":"ac928c66-ca53-498f-9c13-a110027a60e8",)"
               R"("taker_order_id":"132fb6ae-456b-4654-b4e0-d681ac05cea1",)"
               R"("size":"5.23512","price":"400.23","side":"sell")"));
  EXPECT_EQ(match.action, OrderAction::kReduce);
  EXPECT_EQ(match.id, (OrderId{0xac928c66ca53498f, 0x9c13a110027a60e8}));
  EXPECT_EQ(match.quantity, 523512000);
  EXPECT_EQ(match.side, Side::kAsk);
  ASSERT_EQ(parser.sink.messages.size(), 2u);
  const ParsedMessage& trade = *parser.sink.messages[1];
  EXPECT_EQ(trade.kind, Kind::kTrade);
  EXPECT_EQ(trade.aggressor, Side::kBid);
  EXPECT_EQ(trade.last_update_id, 10u);
  EXPECT_EQ(trade.bids()[0], (PriceLevel{40023000000, 523512000}));
}

TEST_F(CoinbaseFull, WhatLeavesTheBookAsItIsStillCounts) {
  for (const std::string& text : {
           message("received", with_id(R"("size":"1.34","price":"502.1",)"
                                       R"("side":"buy","order_type":"limit")")),
           message("received", with_id(R"("funds":"3000.234","side":"buy",)"
                                       R"("order_type":"market")")),
           message("change", with_id(R"("reason":"STP","side":"buy",)"
                                     R"("price":null,"new_funds":"1",)"
                                     R"("old_funds":"2")")),
       }) {
    const ParsedMessage& counted = parser.parse(text);
    EXPECT_EQ(counted.kind, Kind::kDelta) << text;
    EXPECT_EQ(counted.order_count, 0u);
    EXPECT_EQ(counted.last_update_id, 10u);
  }
}

TEST_F(CoinbaseFull, TheLevelThreeAnswerIsASnapshot) {
  parser.parse(message("received", with_id(R"("side":"buy")")));
  const ParsedMessage& book = parser.parse(
      R"({"sequence":3,"bids":[["295.96","4.39088265",)"
      R"("da863862-25f4-4868-ac41-005d11ab0a5f"]],"asks":[["295.97","25.2",)"
      R"("d50ec984-77a8-460a-b958-66f114b0de9b"],["295.97","1",)"
      R"("d50ec984-77a8-460a-b958-66f114b0de9c"]],"auction_mode":false})",
      RawMessageKind::kHttpBody);
  EXPECT_EQ(book.kind, Kind::kSnapshot);
  EXPECT_EQ(book.instrument, 0u);
  EXPECT_EQ(book.last_update_id, 3u);
  ASSERT_EQ(book.order_count, 3u);
  EXPECT_EQ(book.orders[0].side, Side::kBid);
  EXPECT_EQ(book.orders[0].price, 29596000000);
  EXPECT_EQ(book.orders[1].id, kOrder);
  EXPECT_EQ(book.orders[2].side, Side::kAsk);
}

TEST_F(CoinbaseFull, ABodyThatIsNoSnapshot) {
  parser.parse(message("received", with_id(R"("side":"buy")")));
  for (
      const char* text : {
          R"({"message":"NotFound"})",
          R"({"sequence":3,"bids":[]})",
          R"({"sequence":0,"bids":[],"asks":[]})",
          R"({"sequence":3,"bids":[["1","1",3]],"asks":[]})",
          R"({"sequence":3,"bids":[["1","1"]],"asks":[]})",
          R"({"sequence":3,"bids":[["1","1","x"]],"asks":[]})",
          R"({"sequence":3,"bids":[["1","0","d50ec984-77a8-460a-b958-66f114b0de9c"]],"asks":[]})",
      }) {
    const ParsedMessage& body = parser.parse(text, RawMessageKind::kHttpBody);
    EXPECT_EQ(body.kind, Kind::kMalformed) << text;
    EXPECT_EQ(body.instrument, 0u) << "whom it was for is known: " << text;
  }
}

TEST_F(CoinbaseFull, WhatIsNotAboutOrders) {
  EXPECT_EQ(parser
                .parse(R"({"type":"l2update","product_id":"BTC-USD",)"
                       R"("changes":[]})")
                .kind,
            Kind::kIgnored);
  EXPECT_EQ(parser
                .parse(R"({"type":"activate","product_id":"BTC-USD",)"
                       R"("timestamp":"1483736448.299000","side":"buy",)"
                       R"("stop_price":"80","size":"2","funds":"50"})")
                .kind,
            Kind::kIgnored);
  EXPECT_EQ(parser
                .parse(R"({"type":"heartbeat","sequence":90,)"
                       R"("product_id":"BTC-USD"})")
                .kind,
            Kind::kHeartbeat);
  EXPECT_EQ(parser.parse(R"({"type":"error","message":"x"})").kind,
            Kind::kRefused);
  ParserUnderTest levels(VenueId::kCoinbaseExchange, true);
  EXPECT_EQ(levels.parse(message("open", with_id(R"("side":"buy")"))).kind,
            Kind::kIgnored)
      << "without `orders` it is another channel's";
}

TEST_F(CoinbaseFull, WhatTheProtocolDoesNotAllowIsMalformed) {
  const std::string rest =
      with_id(R"("price":"2","remaining_size":"1","side":"buy")");
  for (const std::string& text : {
           message("open", rest, "0"),
           message("open", rest, "-1"),
           message("open", rest, "9223372036854775808"),
           message("open", with_id(R"("price":"2","side":"buy")")),
           message("open", with_id(R"("remaining_size":"1","side":"buy")")),
           message("open", with_id(R"("price":"2","remaining_size":"0",)"
                                   R"("side":"buy")")),
           message("open", with_id(R"("price":"2","remaining_size":"0.-10000",)"
                                   R"("side":"buy")")),
           message("open", with_id(R"("price":"2","remaining_size":"1")")),
           message("open", R"("order_id":"5","side":"buy")"),
           message("match", rest),
           message("open", rest) + "{}",
           std::string(R"({"type":"open","sequence":5})"),
           std::string(R"({"type":"open","type":"open"})"),
           std::string("{"),
       }) {
    const ParsedMessage& bad = parser.parse(text);
    EXPECT_EQ(bad.kind, Kind::kMalformed) << text;
    EXPECT_TRUE(bad.concerns_book) << text;
  }
}

}  // namespace
}  // namespace wirebook
