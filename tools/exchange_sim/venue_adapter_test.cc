// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// What the venues answer to requests that are not quite right. That their books
// are is for //apps/lob_node:fault_test.
#include "tools/exchange_sim/venue_adapter.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "tools/exchange_sim/wire_format.h"

namespace wirebook::sim {
namespace {

Answer answer_of(const VenueAdapter& adapter, const std::string& text) {
  return adapter.answer(
      text, [](const std::string& symbol) { return symbol == "KNOWN"; },
      1'767'225'600'000);
}

struct Case {
  const VenueAdapter& (*adapter)();
  const char* refusal;  // what such an answer has in it
  const char* good;     // a subscription to KNOWN
  const char* unknown;  // one to another symbol
  const char* wrong;    // of something that is not there
};

constexpr Case kCases[] = {
    {coinbase_exchange_adapter, R"("type":"error")",
     R"({"type":"subscribe","product_ids":["KNOWN"],"channels":["level2"]})",
     R"({"type":"subscribe","product_ids":["X"],"channels":["level2"]})",
     R"({"type":"order","product_ids":["KNOWN"],"channels":["level2"]})"},
    {coinbase_exchange_adapter, R"("type":"error")",
     R"({"type":"subscribe","product_ids":["KNOWN"],"channels":["full"],"key":"k","passphrase":"p","signature":"s"})",
     R"({"type":"subscribe","product_ids":["X"],"channels":["full"],"key":"k","passphrase":"p","signature":"s"})",
     R"({"type":"subscribe","product_ids":["KNOWN"],"channels":["full"],"key":"k","signature":"s"})"},
    {bitfinex_adapter, R"("event":"error")",
     R"({"event":"subscribe","channel":"book","symbol":"KNOWN","prec":"R0"})",
     R"({"event":"subscribe","channel":"book","symbol":"X","prec":"R0"})",
     R"({"event":"subscribe","channel":"book","symbol":"KNOWN","prec":"R1"})"},
    {bitfinex_adapter, R"("event":"error")",
     R"({"event":"subscribe","channel":"book","symbol":"KNOWN","len":"25"})",
     R"({"event":"subscribe","channel":"book","symbol":"X","len":"25"})",
     R"({"event":"subscribe","channel":"book","symbol":"KNOWN","len":"x"})"},
    {bitstamp_adapter, R"("event":"bts:error")",
     R"({"event":"bts:subscribe","data":{"channel":"diff_order_book_KNOWN"}})",
     R"({"event":"bts:subscribe","data":{"channel":"diff_order_book_X"}})",
     R"({"event":"bts:subscribe","data":{"channel":"weather_KNOWN"}})"},
    {bitstamp_adapter, R"("event":"bts:error")",
     R"({"event":"bts:subscribe","data":{"channel":"live_orders_KNOWN"}})",
     R"({"event":"bts:subscribe","data":{"channel":"live_orders_X"}})",
     R"({"event":"bts:subscribe","data":{"channel":"live_KNOWN"}})"},
    {gemini_adapter, R"("result":"error")",
     R"({"type":"subscribe","subscriptions":[{"name":"l2","symbols":["KNOWN"]}]})",
     R"({"type":"subscribe","subscriptions":[{"name":"l2","symbols":["X"]}]})",
     R"({"type":"subscribe","subscriptions":[{"name":"l9","symbols":["KNOWN"]}]})"},
    {gate_adapter, R"("error":{)",
     R"({"channel":"spot.order_book_update","event":"subscribe","payload":["KNOWN"]})",
     R"({"channel":"spot.order_book_update","event":"subscribe","payload":["X"]})",
     R"({"channel":"futures.order_book_update","event":"subscribe","payload":["KNOWN"]})"},
    {gate_futures_adapter, R"("error":{)",
     R"({"channel":"futures.order_book_update","event":"subscribe","payload":["KNOWN"]})",
     R"({"channel":"futures.order_book_update","event":"subscribe","payload":["X"]})",
     R"({"channel":"spot.order_book_update","event":"subscribe","payload":["KNOWN"]})"},
    {kucoin_adapter, R"("type":"error")",
     R"({"id":1,"type":"subscribe","topic":"/market/level2:KNOWN,KNOWN"})",
     R"({"id":1,"type":"subscribe","topic":"/market/level2:KNOWN,X"})",
     R"({"id":1,"type":"subscribe","topic":"/market/weather:KNOWN"})"},
};

TEST(VenueAdapter, SubscribesWhatIsThereAndRefusesTheRest) {
  for (const Case& each : kCases) {
    const VenueAdapter& adapter = each.adapter();
    SCOPED_TRACE(adapter.venue());
    EXPECT_EQ(find_adapter(adapter.venue()), &adapter);
    const Answer good = answer_of(adapter, each.good);
    ASSERT_FALSE(good.subscribe.empty());
    EXPECT_EQ(good.subscribe[0].symbol, "KNOWN");
    for (const std::string& reply : good.replies) {
      EXPECT_EQ(reply.find(each.refusal), std::string::npos) << reply;
    }
    for (const char* text : {each.unknown, each.wrong, "{}", "no JSON"}) {
      const Answer bad = answer_of(adapter, text);
      EXPECT_TRUE(bad.subscribe.empty()) << text;
      ASSERT_EQ(bad.replies.size(), 1u) << text;
      EXPECT_NE(bad.replies[0].find(each.refusal), std::string::npos)
          << bad.replies[0];
    }
  }
}

// The worked example of docs.kraken.com/api/docs/guides/spot-rest-auth.
TEST(VenueAdapter, KrakenSignsAsTheVenueDoes) {
  const std::string secret =
      "kQH5HW/8p1uGOVjbgWA7FunAmGO8lsSUXNsu3eow76sz84Q18fWxnyRzBHCd3pd5nE9qa99"
      "HAZtuZuj6F1huXg==";
  const std::string content =
      "nonce=1616492376594&ordertype=limit&pair=XBTUSD&price=37500&type=buy"
      "&volume=1.25";
  EXPECT_EQ(
      kraken_api_sign(secret, "/0/private/AddOrder", "1616492376594", content),
      "4/dpxb3iT4tp/ZCVEwSnEsLxx0bqyhLpdfOpc6fn7OR8+UClSV5n9E6aSS8MPtnRfp32bAb"
      "0nmbRn6H8ndwLUQ==");
  EXPECT_EQ(kraken_api_sign("no%base64", "/", "1", ""), "");
}

TEST(VenueAdapter, KrakenGivesTokensToWhomItKnows) {
  const VenueAdapter& kraken = kraken_adapter();
  std::uint64_t last_nonce = 0;
  Post post{.path = std::string(kraken.token_path()),
            .content = "nonce=1",
            .api_key = "nobody"};
  EXPECT_EQ(kraken.token_refusal(post, last_nonce),
            R"({"error":["EAPI:Invalid key"]})");
  post.api_key = "exchange_sim";
  EXPECT_EQ(kraken.token_refusal(post, last_nonce),
            R"({"error":["EAPI:Invalid signature"]})");
  // By another implementation (Python's hmac), of nonce=1.
  post.api_sign =
      "0QIJ7C8MJL6k8qNCn9cRxJtKPMPzKQxmyHAUK+IaEHoV2Ftg2dT6J64DNjwyMVMkQtFZ+4"
      "MTYmVdsjqMFxKXrg==";
  EXPECT_EQ(kraken.token_refusal(post, last_nonce), "");
  EXPECT_EQ(last_nonce, 1u);
  EXPECT_EQ(kraken.token_refusal(post, last_nonce),
            R"({"error":["EAPI:Invalid nonce"]})")
      << "it must grow";
  post.content = "nonce=2";
  EXPECT_EQ(kraken.token_refusal(post, last_nonce),
            R"({"error":["EAPI:Invalid signature"]})");
  post.content = "";
  EXPECT_EQ(kraken.token_refusal(post, last_nonce),
            R"({"error":["EAPI:Invalid nonce"]})");
}

TEST(VenueAdapter, AnswersPings) {
  const auto first = [](const VenueAdapter& adapter, const char* text) {
    return answer_of(adapter, text).replies.at(0);
  };
  EXPECT_EQ(first(bitfinex_adapter(), R"({"event":"ping"})"),
            R"({"event":"pong","ts":1767225600000})");
  EXPECT_EQ(first(kucoin_adapter(), R"({"id":7,"type":"ping"})"),
            R"({"id":"7","type":"pong"})");
  EXPECT_NE(first(gate_adapter(), R"({"channel":"spot.ping"})").find("pong"),
            std::string::npos);
  EXPECT_NE(first(bitstamp_adapter(), R"({"event":"bts:heartbeat"})")
                .find("bts:heartbeat"),
            std::string::npos);
}

TEST(VenueAdapter, BitfinexPrintsAndCountsAsTheVenueDoes) {
  const VenueAdapter& bitfinex = bitfinex_adapter();
  Book book;
  book.set(Side::kBid, "61837", "0.00000120");
  book.set(Side::kAsk, "61840", "0.00000012");
  BookMessage message{
      .symbol = "tBTCUSD",
      .bids = {{.level = {"61837", "0.00000120"}},
               {.level = {"61836", "0.00000000"}, .removes = true}},
      .asks = {{.level = {"61840", "0.00000012"}}},
      .book = &book};
  const std::vector<std::string> texts = bitfinex.update(message);
  ASSERT_EQ(texts.size(), 4u);
  EXPECT_NE(texts[0].find(",[61836,0,1]]"), std::string::npos) << texts[0];
  EXPECT_NE(texts[1].find(",[61837,1,0.0000012]]"), std::string::npos);
  EXPECT_NE(texts[2].find(",[61840,1,-1.2e-7]]"), std::string::npos);
  std::uint64_t number = 6;
  const std::string counted = bitfinex.numbered(texts[0], number);
  EXPECT_TRUE(counted.ends_with(",[61836,0,1],7]")) << counted;
  EXPECT_EQ(bitfinex.numbered(R"({"event":"info"})", number),
            R"({"event":"info"})");
  EXPECT_EQ(number, 7u);
  EXPECT_TRUE(
      bitfinex.with_bid(counted, {"61841", "2"}).ends_with(",[61841,1,2],7]"));
  EXPECT_FALSE(bitfinex.with_wrong_sum(texts[0]));
  EXPECT_TRUE(bitfinex.with_wrong_sum(texts[3]));
}

}  // namespace
}  // namespace wirebook::sim
