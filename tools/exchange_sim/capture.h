// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// Reads a recorded feed into memory, frame by frame, verbatim.
//
// Two formats, each plain, gzip or zstd, told apart by their first bytes:
// hftbacktest's lines (`<ns> <json>`, the REST snapshot in line) and
// cryptofeed's JSON lines (`t` is header, http, connect, send or recv).
#ifndef WIREBOOK_TOOLS_EXCHANGE_SIM_CAPTURE_H_
#define WIREBOOK_TOOLS_EXCHANGE_SIM_CAPTURE_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace wirebook::sim {

struct CaptureRecord {
  std::int64_t time_ns = 0;
  bool is_snapshot = false;  // a REST depth body; otherwise a frame
  std::string symbol;        // of a snapshot
  std::string data;          // verbatim
};

struct Capture {
  std::string path;
  std::string venue;  // "binance-spot", "binance-usdm" or "kraken"
  // Frames of all connections and depth snapshots, by time.
  std::vector<CaptureRecord> records;
  // Symbol -> its object in a recorded exchangeInfo.
  std::map<std::string, std::string> symbol_infos;
};

// `venue` is for captures without a header and must agree with one that is
// there; empty asks for the header's, or binance-spot.
absl::StatusOr<Capture> read_capture(const std::string& path,
                                     const std::string& venue);

}  // namespace wirebook::sim

#endif  // WIREBOOK_TOOLS_EXCHANGE_SIM_CAPTURE_H_
