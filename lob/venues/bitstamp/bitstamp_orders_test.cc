// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// live_orders: messages in the documents' form.

#include <string>

#include "gtest/gtest.h"
#include "lob/testing/parser_harness.h"

namespace wirebook {
namespace {

using Kind = ParsedMessageKind;

std::string order(const std::string& event, const std::string& ids,
                  const std::string& amount = "0.18816587",
                  const std::string& price = "79728.11",
                  const std::string& type = "1") {
  return R"({"data":{"id":2046839978831872,"id_str":"2046839978831872",)"
         R"("order_type":)" +
         type +
         R"(,"order_subtype":5,"datetime":"1788551766",)"
         R"("microtimestamp":"1788551766364000","amount":0.18816587,)"
         R"("amount_str":")" +
         amount +
         R"(","amount_traded":"0","amount_at_create":"0.18816587",)"
         R"("price":79728.11,"price_str":")" +
         price +
         R"(","is_liquidation":false},"channel":"live_orders_btcusd",)" +
         R"("event":")" + event + '"' + ids + "}";
}

std::string ids(const std::string& id, const std::string& before) {
  return R"(,"event_id":"00065aad-a8b2-4f60-0000-000)" + id +
         R"(00000020","pre_event_id":"00065aad-a8b2-4f60-0000-000)" + before +
         R"(00000020","order_source":"orderbook")";
}

struct BitstampOrders : testing::Test {
  ParserUnderTest parser{VenueId::kBitstamp, true, true, true};
};

TEST_F(BitstampOrders, CreatedChangedDeleted) {
  const ParsedMessage& created = parser.parse(order("order_created", ""));
  EXPECT_EQ(created.kind, Kind::kDelta);
  EXPECT_EQ(parser.table[0].symbol, "btcusd");
  EXPECT_EQ(created.first_update_id, 1788551766364000u);
  EXPECT_EQ(created.exchange_time_ns, 1788551766364000000);
  EXPECT_FALSE(created.has_previous_update_id);
  ASSERT_EQ(created.order_count, 1u);
  EXPECT_EQ(created.orders[0].action, OrderAction::kAdd);
  EXPECT_EQ(created.orders[0].id, (OrderId{0, 2046839978831872}));
  EXPECT_EQ(created.orders[0].side, Side::kAsk);
  EXPECT_EQ(created.orders[0].price, 7972811000000);
  EXPECT_EQ(created.orders[0].quantity, 18816587);
  EXPECT_EQ(parser.parse(order("order_changed", "")).orders[0].action,
            OrderAction::kChange);
  EXPECT_EQ(parser.parse(order("order_deleted", "", "0")).orders[0].action,
            OrderAction::kRemove);
  EXPECT_EQ(
      parser.parse(order("order_created", "", "1", "2", "0")).orders[0].side,
      Side::kBid);
}

TEST_F(BitstampOrders, EventsAreNumberedByTheirChain) {
  const auto number = [this](const std::string& id, const std::string& before) {
    const ParsedMessage& one =
        parser.parse(order("order_changed", ids(id, before)));
    EXPECT_TRUE(one.has_previous_update_id);
    EXPECT_EQ(one.previous_update_id + 1, one.last_update_id);
    return one.last_update_id;
  };
  const uint64_t first = number("2", "1");
  EXPECT_EQ(number("3", "2"), first + 1);
  EXPECT_EQ(number("3", "2"), first + 1) << "the same again";
  EXPECT_EQ(number("5", "4"), first + 3) << "a hole";
  EXPECT_EQ(number("6", "5"), first + 4);
  EXPECT_EQ(number("5", "4"), first + 6) << "back";
}

TEST_F(BitstampOrders, OrdersThatNeverRest) {
  for (const std::string& text : {order("order_created", "", "1", "0"),
                                  order("order_deleted", "", "1", "0"),
                                  order("order_created", "", "0")}) {
    const ParsedMessage& one = parser.parse(text);
    EXPECT_EQ(one.kind, Kind::kDelta) << text;
    EXPECT_EQ(one.order_count, 0u) << text;
  }
}

TEST_F(BitstampOrders, TheAnswerWithIdsIsASnapshot) {
  parser.parse(order("order_created", ""));
  const ParsedMessage& book = parser.parse(
      R"({"timestamp": "1788551766", "microtimestamp": "1788551766754717",)"
      R"("bids": [["79715.38", "0.06272315", "2046839968690178"],)"
      R"(["79715.38", "0.39542753", "2046839975448576"]],)"
      R"("asks": [["79728.11", "0.18816587", "2046839978831872"]]})",
      RawMessageKind::kHttpBody);
  EXPECT_EQ(book.kind, Kind::kSnapshot);
  EXPECT_EQ(book.last_update_id, 1788551766754717u);
  ASSERT_EQ(book.order_count, 3u);
  EXPECT_EQ(book.orders[1].id.low, 2046839975448576u);
  EXPECT_EQ(book.orders[2].side, Side::kAsk);
  const ParsedMessage& levels = parser.parse(
      R"({"microtimestamp":"1788551766754717","bids":[["1","1"]],"asks":[]})",
      RawMessageKind::kHttpBody);
  EXPECT_EQ(levels.kind, Kind::kMalformed) << "levels, not orders";
}

TEST_F(BitstampOrders, WhatIsNotAboutOrders) {
  const ParsedMessage& subscribed =
      parser.parse(R"({"event":"bts:subscription_succeeded",)"
                   R"("channel":"live_orders_btcusd","data":{}})");
  EXPECT_EQ(subscribed.kind, Kind::kSubscribed);
  EXPECT_EQ(subscribed.instrument, 0u);
  EXPECT_EQ(parser
                .parse(R"({"event":"bts:subscription_succeeded",)"
                       R"("channel":"diff_order_book_btcusd","data":{}})")
                .kind,
            Kind::kIgnored);
  EXPECT_EQ(parser
                .parse(R"({"event":"data","channel":"diff_order_book_btcusd",)"
                       R"("data":{}})")
                .kind,
            Kind::kIgnored);
  EXPECT_EQ(parser.parse(order("order_thought_of", "")).kind, Kind::kIgnored);
  ParserUnderTest levels(VenueId::kBitstamp, true);
  EXPECT_EQ(levels.parse(order("order_created", "")).kind, Kind::kIgnored);
}

TEST_F(BitstampOrders, WhatTheProtocolDoesNotAllowIsMalformed) {
  for (const std::string& text : {
           order("order_created", "", "1", "2", "2"),
           order("order_created", "", "-1"),
           order("order_created", "", "1", "x"),
           order("order_created", R"(,"event_id":"x")"),
           order("order_created",
                 R"(,"event_id":"00065aad-a8b2-4f60-0000-000000000020")"),
           std::string(R"({"event":"order_created",)"
                       R"("channel":"live_orders_btcusd","data":{}})"),
           std::string(R"({"event":"order_created",)"
                       R"("channel":"live_orders_btcusd","data":[]})"),
           std::string(R"({"event":"order_created",)"
                       R"("channel":"live_orders_btcusd"})"),
       }) {
    const ParsedMessage& bad = parser.parse(text);
    EXPECT_EQ(bad.kind, Kind::kMalformed) << text;
    EXPECT_TRUE(bad.concerns_book) << text;
  }
}

}  // namespace
}  // namespace wirebook
