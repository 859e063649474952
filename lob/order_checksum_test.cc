// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "lob/order_checksum.h"

#include <zlib.h>

#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

namespace wirebook {
namespace {

uint32_t sum_of(const std::string& text) {
  return static_cast<uint32_t>(
      ::crc32(0, reinterpret_cast<const Bytef*>(text.data()),
              static_cast<uInt>(text.size())));
}

struct OrderChecksum : testing::Test {
  void add(Side side, int64_t price, int64_t quantity) {
    ASSERT_EQ(book.add(next_id++, side, price, quantity), L3Result::kOk);
  }
  TradingObjectPools pools;
  L3Book book{pools};
  uint64_t next_id = 1;
};

// The example of docs.kraken.com, "Spot Websockets (v2) Level3 Checksum".
TEST_F(OrderChecksum, KrakensOwnExample) {
  for (const auto& [price, quantity] :
       std::vector<std::pair<int, int>>{{449395, 452308393},
                                        {449395, 111261},
                                        {449395, 100000},
                                        {449395, 1000000},
                                        {449500, 10334926},
                                        {449530, 64537},
                                        {449550, 250000},
                                        {449596, 35630000},
                                        {449596, 35630000},
                                        {449601, 338072},
                                        {449602, 88967575},
                                        {449670, 314392283},
                                        {449785, 6778960},
                                        {449792, 35630000}}) {
    add(Side::kAsk, price, quantity);
  }
  for (const auto& [price, quantity] : std::vector<std::pair<int, int>>{
           {449394, 88968699}, {449394, 45210000},  {449394, 10000000},
           {449394, 14296323}, {449394, 25000000},  {449394, 10292988},
           {449394, 33880000}, {449394, 128140860}, {449371, 3346877},
           {449347, 35630000}, {449302, 22734299},  {449302, 1000000},
           {449302, 5550000},  {449302, 70000000},  {449302, 15000000},
           {449280, 105240},   {449196, 33870000},  {449195, 7610000},
           {449120, 35630000}, {449097, 6690000},   {449019, 88982}}) {
    add(Side::kBid, price, quantity);
  }
  EXPECT_EQ(kraken_order_checksum(book), 1063832831u);
  // The eleventh level does not count; the order within a level does.
  add(Side::kAsk, 449800, 5);
  add(Side::kBid, 449018, 5);
  EXPECT_EQ(kraken_order_checksum(book), 1063832831u);
  const OrderNode* const first = book.level(Side::kAsk, 449596)->first();
  ASSERT_EQ(book.replace(first->id, 1000, 449596, first->quantity),
            L3Result::kOk);
  EXPECT_EQ(kraken_order_checksum(book), 1063832831u) << "they are alike";
  const OrderNode* const best = book.level(Side::kAsk, 449395)->first();
  ASSERT_EQ(book.replace(best->id, 1001, 449395, best->quantity),
            L3Result::kOk);
  EXPECT_NE(kraken_order_checksum(book), 1063832831u);
}

TEST_F(OrderChecksum, OfAnEmptyBook) {
  EXPECT_EQ(kraken_order_checksum(book), 0u);
  EXPECT_EQ(bitfinex_order_checksum(book, 8), 0u);
}

TEST_F(OrderChecksum, BitfinexTakesIdsAndSignedAmounts) {
  ASSERT_EQ(book.add(34753002978, Side::kBid, 72947, 154340371), L3Result::kOk);
  ASSERT_EQ(book.add(34753002970, Side::kBid, 72947, 100), L3Result::kOk);
  ASSERT_EQ(book.add(34753002999, Side::kAsk, 72950, 50000000), L3Result::kOk);
  EXPECT_EQ(bitfinex_order_checksum(book, 8),
            sum_of("34753002970:0.000001:34753002999:-0.5:"
                   "34753002978:1.54340371"));
  ASSERT_EQ(book.add(1, Side::kAsk, 72949, 10), L3Result::kOk);
  EXPECT_EQ(bitfinex_order_checksum(book, 8),
            sum_of("34753002970:0.000001:1:-1e-7:"
                   "34753002978:1.54340371:34753002999:-0.5"));
}

TEST_F(OrderChecksum, BitfinexAgreesWithSortingAll) {
  constexpr uint64_t kSeed = 11;
  std::mt19937_64 random(kSeed);
  std::map<uint64_t, std::pair<Side, std::pair<int64_t, int64_t>>> orders;
  for (int i = 0; i < 3000; ++i) {
    const uint64_t id = 1 + random() % 200;
    if (orders.count(id) != 0) {
      ASSERT_EQ(book.cancel(id), L3Result::kOk);
      orders.erase(id);
    } else {
      const Side side = random() % 2 == 0 ? Side::kBid : Side::kAsk;
      const auto price = static_cast<int64_t>((side == Side::kBid ? 100 : 200) +
                                              random() % 12);
      const auto quantity = static_cast<int64_t>(1 + random() % 9);
      ASSERT_EQ(book.add(id, side, price, quantity), L3Result::kOk);
      orders[id] = {side, {price, quantity}};
    }
    std::vector<std::string> texts[2];
    for (const size_t side : {0u, 1u}) {
      std::vector<std::pair<int64_t, uint64_t>> sorted;
      for (const auto& [key, order] : orders) {
        if (order.first != (side == 0 ? Side::kBid : Side::kAsk)) continue;
        const int64_t price = order.second.first;
        sorted.emplace_back(side == 0 ? -price : price, key);
      }
      std::sort(sorted.begin(), sorted.end());
      for (const auto& [price, key] : sorted) {
        texts[side].push_back(std::to_string(key) + (side == 0 ? ":" : ":-") +
                              std::to_string(orders[key].second.second));
      }
    }
    std::string text;
    for (size_t k = 0; k < 25; ++k) {
      for (const auto& side : texts) {
        if (k < side.size()) text += (text.empty() ? "" : ":") + side[k];
      }
    }
    ASSERT_EQ(bitfinex_order_checksum(book, 0), sum_of(text))
        << "seed " << kSeed << " step " << i << " " << text;
  }
}

}  // namespace
}  // namespace wirebook
