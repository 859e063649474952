// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// Books' updates out of a recording, for tests and benchmarks: read by a naive
// scan for text that shares nothing with the parsers under test.
//
// Prices and quantities are the texts' digits without the point: every number
// of one recording has the same decimals, so those are mantissas.
//
//   std::string path =
//   recorded_data_path("kraken_v2_btcusd_depth25.jsonl.zst"); if (path.empty())
//   GTEST_SKIP() << kNoRecordedData; std::vector<RecordedUpdate> updates =
//   read_recorded_updates(path);
#ifndef WIREBOOK_LOB_RECORDED_LEVELS_H_
#define WIREBOOK_LOB_RECORDED_LEVELS_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lob/price_level.h"

namespace wirebook {

inline constexpr char kNoRecordedData[] =
    "WIREBOOK_DATA is not set: no recorded feed to replay";

// The file in the folder that the environment's WIREBOOK_DATA names; empty if
// it is not set.
std::string recorded_data_path(const std::string& file);

struct RecordedLevel {
  Side side;
  PriceLevel level;
};

struct RecordedUpdate {
  enum class Kind : uint8_t { kSnapshot, kDelta, kBestBidOffer };
  Kind kind;
  uint64_t first_id = 0;  // Binance: U; a snapshot's lastUpdateId is last_id
  uint64_t last_id = 0;   // Binance: u
  uint32_t checksum = 0;  // Kraken
  std::vector<RecordedLevel> levels;
};

// Binance spot's depth, its snapshot and bookTicker, and Kraken v2's book;
// other messages are left out. Ends the process if the file cannot be read.
std::vector<RecordedUpdate> read_recorded_updates(const std::string& path);

// The updates as a synchronised book would apply them: Binance's snapshot
// first, without deltas that it contains.
std::vector<RecordedUpdate> read_synchronised_updates(const std::string& path);

}  // namespace wirebook

#endif  // WIREBOOK_LOB_RECORDED_LEVELS_H_
