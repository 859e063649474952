// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
#include "lob/itch/itch_feed.h"

#include <zlib.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "gtest/gtest.h"
#include "lob/itch/itch_generator.h"

namespace wirebook {
namespace {

// Small ones, where many are made.
constexpr ItchBooksOptions kSmall = {
    .book = {.orders = 16, .window_ticks = 0, .overflow_levels = 1}};

auto as_bytes(std::string_view text) { return std::as_bytes(std::span(text)); }

// Every stock's book, order by order.
void expect_equal(const ItchBooks& books, const ItchDay& day, uint16_t stocks) {
  for (uint16_t locate = 1; locate <= stocks; ++locate) {
    const ItchBookView view = books.view(locate);
    for (const Side side : {Side::kBid, Side::kAsk}) {
      const auto found = day.resting.find({locate, side});
      std::vector<std::pair<int64_t, const ItchDay::Order*>> expected;
      if (found != day.resting.end()) {
        for (const auto& [price, queue] : found->second) {
          for (const auto& order : queue) expected.emplace_back(price, &order);
        }
      }
      if (side == Side::kBid) {
        std::stable_sort(
            expected.begin(), expected.end(),
            [](const auto& a, const auto& b) { return a.first > b.first; });
      }
      size_t at = 0;
      if (view.book != nullptr) {
        view.book->for_each_order(side, [&](const OrderNode& order) {
          ASSERT_LT(at, expected.size());
          ASSERT_EQ(order.id, expected[at].second->id);
          ASSERT_EQ(order.quantity, expected[at].second->shares);
          ASSERT_EQ(order.level->total.price, expected[at].first);
          ++at;
        });
      }
      ASSERT_EQ(at, expected.size()) << locate;
    }
  }
}

size_t live(const ItchBooks& books, uint16_t stocks) {
  size_t count = 0;
  for (uint16_t locate = 1; locate <= stocks; ++locate) {
    count += books.view(locate).state == BookState::kLive;
  }
  return count;
}

TEST(ItchFeedTest, SimplestUse) {
  const ItchDay day = make_itch_day(1, 3, 1'000);
  TradingObjectPools pools;
  ItchBooks books(pools);
  const ItchFileReport report =
      read_itch_messages(as_bytes(itch_binary_file(day.messages)), books);
  EXPECT_TRUE(report.damage.ok()) << report.damage;
  EXPECT_EQ(report.messages, day.messages.size());
  EXPECT_EQ(report.malformed, 0U);
  EXPECT_EQ(live(books, 3), 3U);
  EXPECT_EQ(books.view(2).assurance, Assurance::kPromised);
  EXPECT_EQ(books.find("S2"), 2);
  expect_equal(books, day, 3);
}

TEST(ItchFeedTest, GeneratedDaysEqualTheModelByFileAndByPackets) {
  const uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  const ItchDay day = make_itch_day(seed, 20, 30'000);
  TradingObjectPools pools;
  {
    ItchBooks books(pools);
    read_itch_messages(as_bytes(itch_binary_file(day.messages)), books);
    expect_equal(books, day, 20);
    EXPECT_EQ(live(books, 20), 20U);
    EXPECT_EQ(books.stats().refused, 0U);
  }
  const std::vector<std::string> packets = itch_packets(day.messages, seed);
  ItchBooks books(pools);
  const auto report = read_itch_pcap(as_bytes(itch_pcap(packets)), books);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_TRUE(report->damage.ok());
  EXPECT_EQ(report->line.gaps, 0U);
  EXPECT_EQ(report->line.messages, day.messages.size());
  EXPECT_EQ(report->pcap.datagrams, packets.size());
  EXPECT_EQ(live(books, 20), 20U);
  EXPECT_EQ(books.view(1).assurance, Assurance::kSequenced);
  expect_equal(books, day, 20);
}

TEST(ItchFeedTest, ALostPacketIsAGapUnlessTheOtherLineHasIt) {
  const ItchDay day = make_itch_day(3, 4, 3'000);
  const std::vector<std::string> a = itch_packets(day.messages, 3);
  const std::vector<std::string> b = itch_packets(day.messages, 4);
  TradingObjectPools pools;
  std::mt19937_64 random(5);
  std::vector<std::string> one_line;
  std::vector<std::string> both_lines;
  for (size_t i = 0; i < std::max(a.size(), b.size()); ++i) {
    if (i < a.size() && i % 7 != 3) {
      one_line.push_back(a[i]);
      both_lines.push_back(a[i]);
    }
    if (i < b.size()) both_lines.push_back(b[i]);
  }
  {
    ItchBooks books(pools);
    const auto report = read_itch_pcap(as_bytes(itch_pcap(both_lines)), books);
    EXPECT_EQ(report->line.gaps, 0U);
    EXPECT_GT(report->line.duplicates, 0U);
    EXPECT_EQ(live(books, 4), 4U);
    expect_equal(books, day, 4);
  }
  ItchBooks books(pools);
  const auto report = read_itch_pcap(as_bytes(itch_pcap(one_line)), books);
  EXPECT_GT(report->line.gaps, 0U);
  EXPECT_EQ(report->line.messages + report->line.missed, day.messages.size());
  EXPECT_EQ(live(books, 4), 0U);
  EXPECT_EQ(books.view(1).state, BookState::kGapped);
  EXPECT_EQ(books.view(1).reason, BookReason::kSequenceGap);
}

TEST(ItchFeedTest, AnUnreadableLastPacketIsALossThatNothingElseTells) {
  const ItchDay day = make_itch_day(3, 4, 300);
  const std::vector<std::string> packets = itch_packets(day.messages, 3);
  const auto live_after = [](std::vector<std::string> captured) {
    TradingObjectPools pools;
    ItchBooks books(pools, kSmall);
    const auto report = read_itch_pcap(as_bytes(itch_pcap(captured)), books);
    EXPECT_TRUE(report.ok()) << report.status();
    return live(books, 4);
  };
  EXPECT_EQ(live_after(packets), 4U);
  std::vector<std::string> spoiled = packets;
  spoiled.back().pop_back();
  EXPECT_EQ(live_after(spoiled), 0U);
  spoiled.push_back(packets.back());  // the other line's
  EXPECT_EQ(live_after(spoiled), 4U);
}

TEST(ItchFeedTest, OnlyThePortThatIsListenedTo) {
  const ItchDay day = make_itch_day(3, 1, 100);
  const std::string pcap = itch_pcap(itch_packets(day.messages, 3));
  TradingObjectPools pools;
  ItchBooks books(pools);
  EXPECT_EQ(read_itch_pcap(as_bytes(pcap), books, 1)->messages, 0U);
  EXPECT_EQ(books.view(1).state, BookState::kEmpty);
  EXPECT_EQ(read_itch_pcap(as_bytes(pcap), books, 26'400)->messages,
            day.messages.size());
  EXPECT_EQ(live(books, 1), 1U);
}

TEST(ItchFeedTest, MalformedMessagesFailClosedUnknownTypesDoNot) {
  const ItchDay day = make_itch_day(3, 2, 500);
  std::string file = itch_binary_file(day.messages);
  TradingObjectPools pools;
  {
    ItchBooks books(pools);
    file += std::string_view("\0\3Zab", 5);
    const ItchFileReport report = read_itch_messages(as_bytes(file), books);
    EXPECT_EQ(report.unknown_types, 1U);
    EXPECT_EQ(live(books, 2), 2U);
    expect_equal(books, day, 2);
  }
  ItchBooks books(pools);
  file += std::string_view("\0\2Da", 4);
  const ItchFileReport report = read_itch_messages(as_bytes(file), books);
  EXPECT_EQ(report.malformed, 1U);
  EXPECT_TRUE(report.damage.ok());
  EXPECT_EQ(live(books, 2), 0U);
  EXPECT_EQ(books.view(1).reason, BookReason::kMalformedMessage);
}

TEST(ItchFeedTest, AFileThatIsCutIsDamageAndNotLive) {
  const ItchDay day = make_itch_day(3, 2, 300);
  const std::string file = itch_binary_file(day.messages);
  const std::string pcap = itch_pcap(itch_packets(day.messages, 3));
  TradingObjectPools pools({.orders = 64, .trades = 64});
  std::mt19937_64 random(9);
  for (int i = 0; i < 60; ++i) {
    const auto cut = file.size() - 1 - random() % 2'000;
    ItchBooks books(pools, kSmall);
    const ItchFileReport report =
        read_itch_messages(as_bytes(file).first(cut), books);
    const bool at_border = report.damage.ok();
    ASSERT_EQ(live(books, 2), at_border ? 2U : 0U) << cut;
    ItchBooks others(pools, kSmall);
    const auto of_pcap =
        read_itch_pcap(as_bytes(pcap).first(pcap.size() - 1 - i), others);
    ASSERT_FALSE(of_pcap->damage.ok());
    ASSERT_EQ(live(others, 2), 0U);
  }
}

// A compressed one that was cut where its text is whole.
TEST(ItchFeedTest, ADamagedFileIsDamageAndNotLive) {
  const ItchDay day = make_itch_day(3, 2, 300);
  const std::string path = testing::TempDir() + "/day.itch.gz";
  const std::string bytes = itch_binary_file(day.messages);
  const gzFile file = gzopen(path.c_str(), "wb");
  ASSERT_NE(file, nullptr);
  ASSERT_EQ(gzwrite(file, bytes.data(), static_cast<unsigned>(bytes.size())),
            static_cast<int>(bytes.size()));
  gzclose(file);
  TradingObjectPools pools;
  for (const bool cut : {false, true}) {
    if (cut) {
      std::filesystem::resize_file(path, std::filesystem::file_size(path) - 4);
    }
    ItchBooks books(pools, kSmall);
    const auto report = read_itch_file(path, books);
    ASSERT_TRUE(report.ok()) << report.status();
    EXPECT_EQ(report->messages, day.messages.size());
    EXPECT_EQ(report->damage.ok(), !cut);
    EXPECT_EQ(live(books, 2), cut ? 0U : 2U);
  }
}

TEST(ItchFeedTest, FilesAreToldByTheirContent) {
  const ItchDay day = make_itch_day(6, 2, 500);
  const std::string folder = testing::TempDir();
  TradingObjectPools pools;
  const auto write = [&](const char* name, const std::string& content) {
    const std::string path = folder + "/" + name;
    std::ofstream(path, std::ios::binary) << content;
    return path;
  };
  const std::string plain = write("day.itch", itch_binary_file(day.messages));
  const std::string pcap =
      write("day.pcap", itch_pcap(itch_packets(day.messages, 6)));
  for (const std::string& path : {plain, pcap}) {
    ItchBooks books(pools);
    const auto report = read_itch_file(path, books);
    ASSERT_TRUE(report.ok()) << report.status();
    EXPECT_EQ(report->messages, day.messages.size());
    EXPECT_EQ(live(books, 2), 2U);
    expect_equal(books, day, 2);
  }
  ItchBooks books(pools);
  EXPECT_FALSE(read_itch_file(folder + "/none", books).ok());
  EXPECT_FALSE(read_itch_file(write("ng", std::string("\x0A\x0D\x0D\x0A", 4) +
                                              std::string(40, 'x')),
                              books)
                   .ok());
}

// Whatever is done to the bytes: no crash, and levels are the sums of their
// orders.
TEST(ItchFeedTest, MutationsNeverCrash) {
  const uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  const ItchDay day = make_itch_day(8, 3, 400);
  const std::string file = itch_binary_file(day.messages);
  const std::string pcap = itch_pcap(itch_packets(day.messages, 8));
  TradingObjectPools pools({.orders = 64, .trades = 64});
  for (int i = 0; i < 300; ++i) {
    std::string mutant = i % 2 == 0 ? file : pcap;
    for (uint64_t changes = 1 + random() % 8; changes != 0; --changes) {
      const size_t at = random() % mutant.size();
      switch (random() % 5) {
        case 0:
          mutant[at] = static_cast<char>(random());
          break;
        case 1:
          mutant[at] ^= static_cast<char>(1 << random() % 8);
          break;
        case 2:
          mutant.erase(at, random() % 40);
          break;
        case 3:
          mutant.insert(
              at, mutant.substr(random() % mutant.size(), random() % 100));
          break;
        default:
          mutant.resize(at + 1);
          break;
      }
    }
    ItchBooks books(pools, kSmall);
    if (i % 2 == 0) {
      read_itch_messages(as_bytes(mutant), books);
    } else {
      (void)read_itch_pcap(as_bytes(mutant), books);
    }
    books.for_each([&](uint16_t locate) {
      const L3Book* book = books.view(locate).book;
      if (book == nullptr) return;
      size_t orders = 0;
      for (const Side side : {Side::kBid, Side::kAsk}) {
        book->for_each_level(side, [&](const LevelQueue& level) {
          int64_t sum = 0;
          for (const OrderNode* order = level.first(); order != nullptr;
               order = level.after(*order)) {
            sum += order->quantity;
            ++orders;
          }
          ASSERT_EQ(sum, level.total.quantity);
        });
      }
      ASSERT_EQ(orders, book->orders());
    });
  }
  EXPECT_EQ(pools.order_nodes().stats().in_use, 0U);
}

}  // namespace
}  // namespace wirebook
