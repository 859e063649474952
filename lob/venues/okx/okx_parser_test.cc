// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "lob/venues/okx/okx_parser.h"

#include <string>

#include "gtest/gtest.h"
#include "lob/testing/parser_harness.h"

namespace wirebook {
namespace {

using Kind = ParsedMessageKind;

std::string book(const std::string& action, const std::string& tail,
                 const std::string& bids = R"(["8476.98","415","0","13"])") {
  return R"({"arg":{"channel":"books","instId":"BTC-USDT"},"action":")" +
         action + R"(","data":[{"asks":[["8477","7","0","2"]],"bids":[)" +
         bids + R"(],"ts":"1597026383085")" + tail + "}]}";
}

TEST(OkxParser, ASnapshotAndAnUpdate) {
  ParserUnderTest under_test(VenueId::kOkx, true);
  const ParsedMessage& snapshot = under_test.parse(book(
      "snapshot", R"(,"checksum":-855196043,"prevSeqId":-1,"seqId":123456)"));
  EXPECT_EQ(snapshot.kind, Kind::kSnapshot);
  EXPECT_EQ(snapshot.last_update_id, 123456u);
  EXPECT_FALSE(snapshot.has_previous_update_id);
  EXPECT_TRUE(snapshot.has_checksum);
  EXPECT_EQ(snapshot.checksum, static_cast<uint32_t>(-855196043));
  EXPECT_EQ(snapshot.exchange_time_ns, 1597026383085000000);
  ASSERT_EQ(snapshot.bids().size(), 1u);
  EXPECT_EQ(snapshot.bids()[0], (PriceLevel{847698000000, 41500000000}));
  EXPECT_EQ(snapshot.asks()[0], (PriceLevel{847700000000, 700000000}));

  const ParsedMessage& update = under_test.parse(
      book("update", R"(,"checksum":0,"prevSeqId":123456,"seqId":123460)"));
  EXPECT_EQ(update.kind, Kind::kDelta);
  EXPECT_EQ(update.previous_update_id, 123456u);
  EXPECT_EQ(update.last_update_id, 123460u);
  EXPECT_FALSE(update.has_checksum) << "0 is no sum";
}

TEST(OkxParser, WithoutIdsTheSumCounts) {
  ParserUnderTest under_test(VenueId::kOkx, true);
  const ParsedMessage& update =
      under_test.parse(book("update", R"(,"checksum":7)"));
  EXPECT_EQ(update.kind, Kind::kDelta);
  EXPECT_FALSE(update.has_last_update_id);
  EXPECT_TRUE(update.has_checksum);
}

TEST(OkxParser, TradesAndTheTouch) {
  ParserUnderTest under_test(VenueId::kOkx, true);
  under_test.parse(book("snapshot", R"(,"prevSeqId":-1,"seqId":1)"));
  const ParsedMessage& trade = under_test.parse(
      R"({"arg":{"channel":"trades","instId":"BTC-USDT"},"data":[{"instId":)"
      R"("BTC-USDT","tradeId":"130639474","px":"42219.9","sz":"0.12060306",)"
      R"("side":"buy","ts":"1630048897897","count":"3"}]})");
  EXPECT_EQ(trade.kind, Kind::kTrade);
  EXPECT_EQ(trade.last_update_id, 130639474u);
  EXPECT_EQ(trade.bids()[0], (PriceLevel{4221990000000, 12060306}));
  const ParsedMessage& touch = under_test.parse(
      R"({"arg":{"channel":"bbo-tbt","instId":"BTC-USDT"},"data":[{"asks":)"
      R"([["111.06","55154","0","2"]],"bids":[["111.05","57745","0","2"]],)"
      R"("ts":"1670324386802","seqId":363996337}]})");
  EXPECT_EQ(touch.kind, Kind::kBestBidOffer);
  EXPECT_EQ(touch.bids()[0].price, 11105000000);
}

TEST(OkxParser, Events) {
  ParserUnderTest under_test(VenueId::kOkx, true);
  EXPECT_EQ(under_test.parse("pong").kind, Kind::kHeartbeat);
  EXPECT_EQ(under_test
                .parse(R"({"event":"subscribe","arg":{"channel":"books",)"
                       R"("instId":"BTC-USDT"},"connId":"a4d3ae55"})")
                .kind,
            Kind::kSubscribed);
  EXPECT_EQ(under_test
                .parse(R"({"event":"unsubscribe","arg":{"channel":"books",)"
                       R"("instId":"BTC-USDT"}})")
                .kind,
            Kind::kUnsubscribed);
  EXPECT_EQ(under_test
                .parse(R"({"event":"subscribe","arg":{"channel":"trades",)"
                       R"("instId":"BTC-USDT"}})")
                .kind,
            Kind::kIgnored);
  const ParsedMessage& refused = under_test.parse(
      R"({"event":"error","code":"60012","msg":"Invalid request","connId":"a"})");
  EXPECT_EQ(refused.kind, Kind::kRefused);
  EXPECT_EQ(refused.instrument, kNoInstrument);
  EXPECT_EQ(under_test.parse(R"({"arg":{"channel":"tickers"},"data":[]})").kind,
            Kind::kIgnored);
}

TEST(OkxParser, WhatTheProtocolDoesNotAllowIsMalformed) {
  const std::string ids = R"(,"prevSeqId":1,"seqId":2)";
  for (const std::string& text : {
           book("update", ""),
           book("update", R"(,"checksum":0)"),
           book("update", R"(,"seqId":2)"),
           book("update", R"(,"prevSeqId":-1,"seqId":2)"),
           book("update", R"(,"prevSeqId":1,"seqId":-2)"),
           book("update", R"(,"prevSeqId":1,"seqId":2.5)"),
           book("update", R"(,"checksum":4294967296)" + ids),
           book("other", ids),
           book("update", ids, R"(["1"])"),
           book("update", ids, R"(["0","1"])"),
           book("update", ids) + "x",
           std::string(R"({"arg":{"channel":"books"},"action":"update",)"
                       R"("data":[]})"),
           std::string(R"({"arg":{"channel":"books","instId":"A"},)"
                       R"("action":"update","data":[]})"),
           std::string(R"({"arg":{"channel":"books","instId":"A"}})"),
           std::string(R"({"event":"subscribe","arg":{"channel":"books"}})"),
           std::string("ping"),
           std::string("[]"),
       }) {
    ParserUnderTest under_test(VenueId::kOkx, true);
    EXPECT_EQ(under_test.parse(text).kind, Kind::kMalformed) << text;
  }
}

}  // namespace
}  // namespace wirebook
