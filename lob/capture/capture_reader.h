// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

// Reads a recording of a venue's feed: what was received, byte for byte, when
// and on which connection.
//
// Two formats that the field uses, told apart by their content; each plain,
// gzip or zstd:
//   `.lines`  hftbacktest's recorder: "<receive time, ns> <JSON>" a line; a
//             REST depth snapshot stands in line, unwrapped.
//   `.jsonl`  cryptofeed v3's recorder: one object a line, `t` is header, http,
//             connect, send or recv; the message is in `data`.
//
//   absl::StatusOr<Capture> capture = read_capture("kraken.jsonl.zst");
//   if (!capture.ok()) return capture.status();
//   if (!capture->damage.ok()) std::cerr << capture->damage;
//   for (const CaptureRecord& record : capture->records) feed(record);
//
// The whole recording is held in memory, so that a replay measures books and
// not a decompressor: count on ten times the compressed size. Any thread.

#ifndef WIREBOOK_LOB_CAPTURE_CAPTURE_READER_H_
#define WIREBOOK_LOB_CAPTURE_CAPTURE_READER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <memory_resource>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "lob/venue.h"

namespace wirebook {

// Readable bytes behind every payload, as a network buffer would have them.
inline constexpr std::size_t kCaptureSlackBytes = 64;

enum class CaptureRecordKind : std::uint8_t {
  kReceived,      // a WebSocket message
  kHttpResponse,  // a REST body; `url` says of what, empty in `.lines`
  kConnect,       // a connection was opened; no payload
  kSent,          // what the recorder sent
};

struct CaptureRecord {
  // The recorder's clock, ns; its epoch and its error are the recorder's own.
  std::int64_t time_ns;
  CaptureRecordKind kind;
  std::uint16_t connection;  // index into Capture::connections
  std::string_view payload;  // kCaptureSlackBytes readable bytes follow
  std::string_view url;      // kHttpResponse, kConnect
};

struct Capture {
  // From the header, or from the messages where only one venue has their
  // shape; absent if neither tells.
  std::optional<VenueId> venue;
  // The recorder's name for the exchange; empty without a header.
  std::string exchange;
  std::vector<std::string> connections;
  // In order of time; records of one time keep the file's order.
  std::vector<CaptureRecord> records;
  // Lines that are no record; the first one's number and fault are in
  // `first_malformed`.
  std::uint64_t malformed_lines = 0;
  std::string first_malformed;
  // OK, or why records are missing from some point on (truncated, corrupt).
  absl::Status damage;

  // Owns what the views point into.
  std::unique_ptr<std::pmr::monotonic_buffer_resource> memory;
};

// Errors: the file cannot be opened, or has no record of either format.
absl::StatusOr<Capture> read_capture(const std::string& path);

}  // namespace wirebook

#endif  // WIREBOOK_LOB_CAPTURE_CAPTURE_READER_H_
