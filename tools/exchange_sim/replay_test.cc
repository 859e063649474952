// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
#include "tools/exchange_sim/replay.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

namespace wirebook::sim {
namespace {

std::string write_file(const std::string& name, const std::string& text) {
  const std::string path = testing::TempDir() + name;
  std::ofstream(path, std::ios::binary) << text;
  return path;
}

std::string diff(int first, int last, const std::string& bids) {
  return R"({"stream":"btcusdt@depth@100ms","data":{"e":"depthUpdate","E":1,)"
         R"("s":"BTCUSDT","U":)" +
         std::to_string(first) + R"(,"u":)" + std::to_string(last) +
         R"(,"b":[)" + bids + R"(],"a":[]}})";
}

std::string spot_lines() {
  return "1000 " + diff(1, 5, R"(["9.0","4.0"])") + "\n1001 " +
         diff(6, 9, R"(["9.0","5.0"],["8.0","1.0"])") +
         "\n1002 {\"lastUpdateId\":7,\"bids\":[[\"9.0\",\"5.0\"]],"
         "\"asks\":[[\"10.0\",\"1.0\"]]}\n1003 " +
         diff(10, 12, R"(["9.0","0.0"])") + "\n";
}

TEST(Replay, PausesAtTheSnapshotUntilItIsFetched) {
  const auto capture = read_capture(write_file("spot.lines", spot_lines()), "");
  ASSERT_TRUE(capture.ok()) << capture.status();
  EXPECT_EQ(capture->venue, "binance-spot");
  Replay replay(*capture, 0);
  EXPECT_FALSE(replay.ready(0));  // nobody has subscribed
  replay.subscribed({"BTCUSDT"});
  ASSERT_TRUE(replay.ready(0));
  EXPECT_EQ(replay.take(), diff(1, 5, R"(["9.0","4.0"])"));
  ASSERT_TRUE(replay.ready(0));
  replay.take();
  EXPECT_FALSE(replay.ready(0));
  EXPECT_EQ(replay.fetch_snapshot("ETHUSDT"), nullptr);
  EXPECT_FALSE(replay.ready(0));
  ASSERT_NE(replay.fetch_snapshot("BTCUSDT"), nullptr);
  ASSERT_TRUE(replay.ready(0));
  replay.take();
  EXPECT_TRUE(replay.finished());
  const ReplayedBook* book = replay.find("BTCUSDT");
  ASSERT_NE(book, nullptr);
  EXPECT_EQ(book->last_update_id, 12u);
  ASSERT_EQ(book->book.levels(Side::kBid).size(), 1u);
  EXPECT_EQ(book->book.levels(Side::kBid).begin()->second.price, "8.0");
  EXPECT_EQ(replay.counters().gaps, 0u);
  EXPECT_EQ(replay.counters().unreadable, 0u);
}

TEST(Replay, AnEarlyFetchLeavesNoPause) {
  const auto capture =
      read_capture(write_file("early.lines", spot_lines()), "");
  ASSERT_TRUE(capture.ok());
  Replay replay(*capture, 0);
  ASSERT_NE(replay.fetch_snapshot("BTCUSDT"), nullptr);
  replay.subscribed({});
  while (replay.ready(0)) replay.take();
  EXPECT_TRUE(replay.finished());
  EXPECT_EQ(replay.find("BTCUSDT")->book.levels(Side::kBid).size(), 1u);
}

TEST(Replay, KeepsTheRecordedPace) {
  const auto capture = read_capture(
      write_file("pace.lines",
                 "1000 " + diff(1, 1, "") + "\n5000 " + diff(2, 2, "") + "\n"),
      "");
  ASSERT_TRUE(capture.ok());
  Replay replay(*capture, 2);
  replay.subscribed({});
  ASSERT_TRUE(replay.ready(100));
  replay.take();
  EXPECT_FALSE(replay.ready(2099));
  EXPECT_EQ(replay.due_ns(), 2100);
  EXPECT_TRUE(replay.ready(2100));
}

TEST(Replay, RestartBeginsAnew) {
  const auto capture =
      read_capture(write_file("restart.lines", spot_lines()), "");
  ASSERT_TRUE(capture.ok());
  Replay replay(*capture, 0);
  replay.subscribed({});
  const std::string first = replay.take();
  replay.restart();
  EXPECT_FALSE(replay.ready(0));
  replay.subscribed({});
  EXPECT_EQ(replay.take(), first);
}

TEST(Capture, SaysWhereAFileIsBad) {
  EXPECT_FALSE(read_capture("/nonexistent", "").ok());
  EXPECT_FALSE(read_capture(write_file("empty", ""), "").ok());
  EXPECT_FALSE(read_capture(write_file("cut", "1 {\"a\":1"), "").ok());
  EXPECT_FALSE(read_capture(write_file("cut2", "1 {\"a\":1\n"), "").ok());
  const auto bad = read_capture(write_file("bad", "1 {}\nx {}\n"), "");
  ASSERT_FALSE(bad.ok());
  EXPECT_NE(bad.status().message().find(":2"), std::string::npos)
      << bad.status();
  EXPECT_FALSE(read_capture(write_file("okx",
                                       "{\"t\":\"header\",\"exchange\":"
                                       "\"OKX\"}\n"),
                            "")
                   .ok());
  EXPECT_FALSE(
      read_capture(
          write_file("agree", "{\"t\":\"header\",\"exchange\":\"KRAKEN\"}\n"),
          "binance-spot")
          .ok());
}

TEST(Capture, ReadsGzip) {
  const std::string path = testing::TempDir() + "packed.gz";
  const gzFile file = gzopen(path.c_str(), "wb");
  const std::string text = spot_lines();
  gzwrite(file, text.data(), static_cast<unsigned>(text.size()));
  gzclose(file);
  const auto capture = read_capture(path, "");
  ASSERT_TRUE(capture.ok()) << capture.status();
  EXPECT_EQ(capture->records.size(), 4u);
}

struct Recorded {
  const char* file;
  const char* venue;
  std::uint64_t frames;
  std::uint64_t checksums;
};

// The numbers are those that an independent program found in the files.
TEST(Capture, RecordedFeedsRebuildExactly) {
  const char* folder = std::getenv("WIREBOOK_DATA");
  if (folder == nullptr) GTEST_SKIP() << "WIREBOOK_DATA is not set";
  for (const Recorded& recorded :
       {Recorded{"kraken_v2_btcusd_depth25.jsonl.zst", "kraken", 2104, 2052},
        Recorded{"kraken_v2_btcusd_depth10_resubscribes.jsonl.zst", "kraken",
                 377, 301},
        Recorded{"binance_spot_startup.jsonl.zst", "binance-spot", 265, 0},
        Recorded{"binance_spot_btcusdt_20240808.lines.gz", "", 41248, 0}}) {
    SCOPED_TRACE(recorded.file);
    const auto capture =
        read_capture(std::string(folder) + "/" + recorded.file, recorded.venue);
    ASSERT_TRUE(capture.ok()) << capture.status();
    Replay replay(*capture, 0);
    replay.subscribed({});
    while (!replay.finished()) {
      if (replay.ready(0)) {
        replay.take();
        continue;
      }
      for (const std::string& symbol : replay.symbols()) {
        replay.fetch_snapshot(symbol);
      }
    }
    EXPECT_EQ(replay.counters().frames, recorded.frames);
    EXPECT_EQ(replay.counters().checksums_ok, recorded.checksums);
    EXPECT_EQ(replay.counters().checksums_bad, 0u);
    EXPECT_EQ(replay.counters().gaps, 0u);
    EXPECT_EQ(replay.counters().unreadable, 0u);
    for (const std::string& symbol : replay.symbols()) {
      EXPECT_FALSE(replay.find(symbol)->book.crossed()) << symbol;
    }
  }
}

}  // namespace
}  // namespace wirebook::sim
