// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
#include "lob/itch/moldudp64.h"

#include <algorithm>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "lob/itch/itch_generator.h"

namespace wirebook {
namespace {

struct Heard {
  std::vector<std::pair<uint64_t, std::string>> messages;
  std::vector<std::pair<uint64_t, uint64_t>> gaps;
  int sessions = 0;

  void on_message(std::span<const std::byte> bytes, uint64_t sequence) {
    messages.emplace_back(
        sequence,
        std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
  }
  void on_gap(uint64_t first, uint64_t count) {
    gaps.emplace_back(first, count);
  }
  void on_session() { ++sessions; }
};

auto as_bytes(std::string_view text) { return std::as_bytes(std::span(text)); }

std::string packet(uint64_t first, const std::vector<std::string>& messages) {
  return mold_packet("day1", first, messages);
}

TEST(MoldUdp64Test, SimplestUse) {
  MoldUdp64 line;
  Heard heard;
  line.on_packet(as_bytes(packet(1, {"a", "bc"})), heard);
  line.on_packet(as_bytes(packet(3, {""})), heard);
  line.finish(heard);
  ASSERT_EQ(heard.messages.size(), 3U);
  EXPECT_EQ(heard.messages[1].first, 2U);
  EXPECT_EQ(heard.messages[1].second, "bc");
  EXPECT_TRUE(heard.gaps.empty());
  EXPECT_EQ(line.next_sequence(), 4U);
}

TEST(MoldUdp64Test, EachMessageOnceAndInSequence) {
  MoldUdp64 line;
  Heard heard;
  line.on_packet(as_bytes(packet(3, {"c", "d"})), heard);  // waits
  EXPECT_TRUE(heard.messages.empty());
  line.on_packet(as_bytes(packet(1, {"a", "b", "c"})), heard);
  line.on_packet(as_bytes(packet(2, {"b"})), heard);
  line.on_packet(as_bytes(packet(4, {"d", "e"})), heard);  // half is new
  line.finish(heard);
  ASSERT_EQ(heard.messages.size(), 5U);
  for (uint64_t i = 0; i < 5; ++i) {
    EXPECT_EQ(heard.messages[i].first, i + 1);
    EXPECT_EQ(heard.messages[i].second,
              std::string(1, static_cast<char>('a' + i)));
  }
  EXPECT_EQ(line.stats().duplicates, 3U);
  EXPECT_EQ(line.stats().held, 1U);
  EXPECT_TRUE(heard.gaps.empty());
}

// In a market that falls quiet heartbeats are all that tells of a loss.
TEST(MoldUdp64Test, AGapThatOnlyHeartbeatsShowIsTold) {
  MoldUdp64 line;
  Heard heard;
  line.on_packet(as_bytes(packet(1, {"a"})), heard);
  for (int i = 0; i < 2; ++i) line.on_packet(as_bytes(packet(3, {})), heard);
  EXPECT_TRUE(heard.gaps.empty()) << "the other line may bring it";
  line.on_packet(as_bytes(packet(3, {})), heard);
  ASSERT_EQ(heard.gaps.size(), 1U);
  EXPECT_EQ(heard.gaps[0], (std::pair<uint64_t, uint64_t>(2, 1)));
  for (int i = 0; i < 9; ++i) line.on_packet(as_bytes(packet(3, {})), heard);
  EXPECT_EQ(heard.gaps.size(), 1U);
  line.on_packet(as_bytes(packet(3, {"c"})), heard);
  EXPECT_EQ(heard.messages.back().second, "c");
}

TEST(MoldUdp64Test, TheSamePacketAgainAndAgainIsNotWaitedForEither) {
  MoldUdp64 line({.max_held = 4});
  Heard heard;
  line.on_packet(as_bytes(packet(1, {"a"})), heard);
  for (int i = 0; i < 4; ++i) line.on_packet(as_bytes(packet(3, {"c"})), heard);
  EXPECT_TRUE(heard.gaps.empty());
  line.on_packet(as_bytes(packet(3, {"c"})), heard);
  EXPECT_EQ(heard.gaps.size(), 1U);
  EXPECT_EQ(heard.messages.back().second, "c");
}

TEST(MoldUdp64Test, AGapIsToldOnceNothingCanBeWaitedFor) {
  MoldUdp64 line({.max_held = 2});
  Heard heard;
  line.on_packet(as_bytes(packet(1, {"a"})), heard);
  line.on_packet(as_bytes(packet(5, {"e"})), heard);
  line.on_packet(as_bytes(packet(6, {"f"})), heard);
  EXPECT_EQ(heard.messages.size(), 1U);
  line.on_packet(as_bytes(packet(7, {"g"})), heard);
  EXPECT_EQ(heard.gaps, (std::vector<std::pair<uint64_t, uint64_t>>{{2, 3}}));
  EXPECT_EQ(heard.messages.size(), 4U);
  EXPECT_EQ(line.stats().gaps, 1U);
  EXPECT_EQ(line.stats().missed, 3U);
  line.on_packet(as_bytes(packet(2, {"b"})), heard);  // too late
  EXPECT_EQ(line.stats().duplicates, 1U);
}

TEST(MoldUdp64Test, HeartbeatsAndTheEndTellWhatIsMissing) {
  MoldUdp64 line;
  Heard heard;
  line.on_packet(as_bytes(packet(1, {"a"})), heard);
  line.on_packet(as_bytes(packet(2, {})), heard);
  EXPECT_EQ(line.stats().heartbeats, 1U);
  std::string end = packet(4, {});
  end[18] = end[19] = '\xFF';
  line.on_packet(as_bytes(end), heard);
  EXPECT_TRUE(line.stats().ended);
  line.finish(heard);
  EXPECT_EQ(heard.gaps, (std::vector<std::pair<uint64_t, uint64_t>>{{2, 2}}));
}

TEST(MoldUdp64Test, AnotherSessionStartsAnew) {
  MoldUdp64 line;
  Heard heard;
  line.on_packet(as_bytes(packet(1, {"a", "b"})), heard);
  line.on_packet(as_bytes(packet(5, {"e"})), heard);
  line.on_packet(as_bytes(mold_packet("day2", 1, {"A"})), heard);
  EXPECT_EQ(heard.sessions, 1);
  EXPECT_EQ(heard.gaps.size(), 1U);
  EXPECT_EQ(heard.messages.back(),
            std::make_pair(uint64_t{1}, std::string("A")));
  EXPECT_EQ(line.stats().sessions, 2U);
}

TEST(MoldUdp64Test, FirstZeroTakesTheStreamAsItComes) {
  MoldUdp64 line({.first = 0});
  Heard heard;
  line.on_packet(as_bytes(packet(900, {"x"})), heard);
  line.finish(heard);
  EXPECT_TRUE(heard.gaps.empty());
  EXPECT_EQ(heard.messages.size(), 1U);
}

TEST(MoldUdp64Test, WhatIsNoPacketIsCountedAndNotRead) {
  MoldUdp64 line;
  Heard heard;
  const std::string good = packet(1, {"abc"});
  for (size_t size = 0; size < good.size(); ++size) {
    line.on_packet(as_bytes(good).first(size), heard);
  }
  EXPECT_EQ(line.stats().malformed, good.size());
  line.on_packet(as_bytes(good + "x"), heard);
  line.on_packet(as_bytes(packet(0, {"abc"})), heard);
  line.on_packet(as_bytes(packet(UINT64_MAX, {"abc"})), heard);
  EXPECT_EQ(line.stats().malformed, good.size() + 3);
  EXPECT_TRUE(heard.messages.empty());
}

// Two lines that each lose, repeat and reorder packets: what either has comes
// once, in order; what neither has is a gap.
TEST(MoldUdp64Test, RandomLinesEqualTheModel) {
  const uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  for (int round = 0; round < 50; ++round) {
    std::vector<std::pair<uint64_t, std::string>> arrivals;  // by time
    std::vector<bool> had(501);
    for (int one = 0; one < 2; ++one) {
      for (uint64_t first = 1; first <= 500;) {
        const uint64_t count = std::min<uint64_t>(random() % 6, 501 - first);
        if (random() % 10 != 0) {
          std::vector<std::string> messages;
          for (uint64_t i = 0; i < count; ++i) {
            messages.push_back(std::to_string(first + i));
            had[first + i] = true;
          }
          arrivals.emplace_back(first * 10 + random() % 100,
                                packet(first, messages));
        }
        first += count;
      }
    }
    arrivals.emplace_back(100'000, packet(501, {}));
    std::stable_sort(
        arrivals.begin(), arrivals.end(),
        [](const auto& a, const auto& b) { return a.first < b.first; });
    MoldUdp64 line({.max_held = 200, .max_heartbeats = 200});
    Heard heard;
    for (const auto& arrival : arrivals) {
      line.on_packet(as_bytes(arrival.second), heard);
    }
    line.finish(heard);
    size_t at = 0;
    uint64_t missing = 0;
    for (uint64_t sequence = 1; sequence <= 500; ++sequence) {
      if (!had[sequence]) {
        ++missing;
        continue;
      }
      ASSERT_LT(at, heard.messages.size());
      ASSERT_EQ(heard.messages[at].first, sequence);
      ASSERT_EQ(heard.messages[at].second, std::to_string(sequence));
      ++at;
    }
    ASSERT_EQ(at, heard.messages.size());
    ASSERT_EQ(line.stats().missed, missing);
  }
}

}  // namespace
}  // namespace wirebook
