// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
#include "lob/kraken_checksum.h"

#include <zlib.h>

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "lob/fixed_point.h"
#include "lob/recorded_levels.h"

namespace wirebook {
namespace {

// The venue's rule, word for word.
uint32_t by_the_rule(const L2Book& book) {
  std::string all;
  const auto append = [&](int64_t mantissa, int scale) {
    std::string text = decimal_string(mantissa, scale);
    std::erase(text, '.');
    all += text.substr(text.find_first_not_of('0'));
  };
  for (const Side side : {Side::kAsk, Side::kBid}) {
    PriceLevel levels[10];
    const size_t count = book.top(side, levels);
    for (size_t i = 0; i < count; ++i) {
      append(levels[i].price, book.price_scale());
      append(levels[i].quantity, book.quantity_scale());
    }
  }
  return static_cast<uint32_t>(
      ::crc32(0, reinterpret_cast<const Bytef*>(all.data()),
              static_cast<uInt>(all.size())));
}

// docs.kraken.com, "Calculate book checksum (v2)", its example.
TEST(KrakenChecksumTest, TheDocumentationsExample) {
  L2BookOptions options;
  options.max_depth = 10;
  L2Book book(options);
  book.reset(1, 8, 1);
  const PriceLevel asks[] = {{452852, 100000},    {452864, 154571953},
                             {452866, 154571109}, {452896, 154560911},
                             {452902, 15890660},  {452918, 154553491},
                             {452947, 4454749},   {452961, 35380000},
                             {452975, 9945542},   {452995, 18772827}};
  const PriceLevel bids[] = {{452835, 10000000},  {452834, 154582015},
                             {452821, 10000000},  {452810, 10000000},
                             {452803, 154592586}, {452790, 7990000},
                             {452776, 3310103},   {452775, 30000000},
                             {452773, 154602737}, {452766, 15445238}};
  book.apply(Side::kAsk, asks);
  book.apply(Side::kBid, bids);
  EXPECT_EQ(kraken_checksum(book), 3310070434U);
  KrakenChecksum checksum;
  EXPECT_EQ(checksum.update(book), 3310070434U);
  EXPECT_EQ(checksum.update(book), 3310070434U);
}

TEST(KrakenChecksumTest, EmptyBook) {
  L2Book book(L2BookOptions{});
  book.reset(1, 8, 1);
  KrakenChecksum checksum;
  EXPECT_EQ(kraken_checksum(book), 0U);
  EXPECT_EQ(checksum.update(book), 0U);
  book.apply(Side::kAsk, 452852, 100000);
  EXPECT_EQ(checksum.update(book), by_the_rule(book));
  book.reset(1, 8, 1);
  EXPECT_EQ(checksum.update(book), 0U);
}

TEST(KrakenChecksumTest, KeptDigitsEqualTheRuleUnderRandomUpdates) {
  const uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  L2BookOptions options;
  options.max_depth = 25;
  L2Book small(options);
  L2Book large(L2BookOptions{});
  KrakenChecksum checksum;
  for (int round = 0; round < 40; ++round) {
    small.reset(1, 8, 1);
    large.reset(1, 8, 1);
    // From a price of one digit to one of nineteen.
    const int64_t middle = kPowersOfTen[random() % 19];
    for (int i = 0; i < 1500; ++i) {
      const Side side = random() % 2 == 0 ? Side::kBid : Side::kAsk;
      const auto away = static_cast<int64_t>(random() % 20);
      const int64_t price = side == Side::kAsk
                                ? middle + away
                                : std::max<int64_t>(middle - away, 1);
      const int64_t quantity =
          random() % 3 == 0
              ? 0
              : 1 + static_cast<int64_t>(random() >> (1 + random() % 62));
      for (L2Book* book : {&small, &large}) {
        book->apply(side, price, quantity < 0 ? INT64_MAX : quantity);
        book->truncate(25);
      }
      const uint32_t expected = by_the_rule(small);
      // One object may look at two books in turn.
      ASSERT_EQ(checksum.update(i % 7 == 0 ? large : small), expected);
      ASSERT_EQ(kraken_checksum(large), expected);
    }
  }
}

void replay(const std::string& file, size_t depth, size_t expected_checksums) {
  const std::string path = recorded_data_path(file);
  if (path.empty()) GTEST_SKIP() << kNoRecordedData;
  for (const size_t max_depth : {depth, size_t{0}}) {
    L2BookOptions options;
    options.max_depth = max_depth;
    L2Book book(options);
    KrakenChecksum checksum;
    size_t right = 0;
    for (const RecordedUpdate& update : read_recorded_updates(path)) {
      if (update.kind == RecordedUpdate::Kind::kSnapshot) book.reset(1, 8, 1);
      for (const RecordedLevel& level : update.levels) {
        book.apply(level.side, level.level.price, level.level.quantity);
      }
      book.truncate(depth);
      const uint32_t sum = checksum.update(book);
      EXPECT_EQ(sum, kraken_checksum(book));
      right += sum == update.checksum;
    }
    EXPECT_EQ(right, expected_checksums);
  }
}

TEST(KrakenChecksumTest, RecordedFeedOfDepth25) {
  replay("kraken_v2_btcusd_depth25.jsonl.zst", 25, 2052);
}

TEST(KrakenChecksumTest, RecordedFeedOfDepth10WithResubscriptions) {
  replay("kraken_v2_btcusd_depth10_resubscribes.jsonl.zst", 10, 301);
}

}  // namespace
}  // namespace wirebook
