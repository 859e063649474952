// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "lob/capture/capture_reader.h"

#include <simdjson.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "lob/capture/compressed_file.h"
#include "lob/fixed_point.h"

namespace wirebook {
namespace {

static_assert(kCaptureSlackBytes >= simdjson::SIMDJSON_PADDING);

// Depth messages looked at before the venue is given up on.
constexpr std::size_t kRecordsToRecognise = 1000;

class CaptureBuilder {
 public:
  CaptureBuilder() {
    capture_.memory = std::make_unique<std::pmr::monotonic_buffer_resource>();
  }

  void add_line(std::string_view line) {
    ++line_number_;
    if (line.empty()) return;
    const char* fault =
        line.front() == '{' ? add_json(line) : add_timed_text(line);
    if (fault == nullptr) return;
    if (capture_.malformed_lines++ == 0) {
      capture_.first_malformed =
          absl::StrCat("line ", line_number_, ": ", fault);
    }
  }

  Capture finish(absl::Status damage) {
    std::stable_sort(capture_.records.begin(), capture_.records.end(),
                     [](const CaptureRecord& a, const CaptureRecord& b) {
                       return a.time_ns < b.time_ns;
                     });
    capture_.damage = std::move(damage);
    return std::move(capture_);
  }

 private:
  // A copy that stays, with slack behind it.
  std::string_view keep(std::string_view text) {
    char* const copy = static_cast<char*>(
        capture_.memory->allocate(text.size() + kCaptureSlackBytes, 64));
    std::memcpy(copy, text.data(), text.size());
    std::memset(copy + text.size(), 0, kCaptureSlackBytes);
    return {copy, text.size()};
  }

  std::uint16_t connection_index(std::string_view name) {
    auto& names = capture_.connections;
    auto found = std::find(names.begin(), names.end(), name);
    if (found == names.end())
      found = names.insert(names.end(), std::string(name));
    return static_cast<std::uint16_t>(found - names.begin());
  }

  // "<ns> <JSON>"; returns what is wrong, or null.
  const char* add_timed_text(std::string_view line) {
    std::int64_t time_ns = 0;
    const auto [end, error] =
        std::from_chars(line.data(), line.data() + line.size(), time_ns);
    if (error != std::errc() || end == line.data() + line.size() ||
        *end != ' ') {
      return "neither an object nor '<nanoseconds> <message>'";
    }
    const std::string_view payload =
        line.substr(static_cast<std::size_t>(end - line.data()) + 1);
    constexpr std::string_view kSnapshot = "{\"lastUpdateId\"";
    const bool snapshot = payload.substr(0, kSnapshot.size()) == kSnapshot;
    capture_.records.push_back({time_ns,
                                snapshot ? CaptureRecordKind::kHttpResponse
                                         : CaptureRecordKind::kReceived,
                                connection_index("0"), keep(payload),
                                std::string_view()});
    return nullptr;
  }

  // One object of the .jsonl format; returns what is wrong, or null.
  const char* add_json(std::string_view line) {
    simdjson::ondemand::document document;
    if (parser_
            .iterate(simdjson::padded_string_view(
                line.data(), line.size(),
                line.size() + simdjson::SIMDJSON_PADDING))
            .get(document)) {
      return "not JSON";
    }
    std::string_view type;
    if (document["t"].get(type)) return "no field 't'";
    if (type == "header") return add_header(document);
    CaptureRecord record{};
    if (type == "recv") {
      record.kind = CaptureRecordKind::kReceived;
    } else if (type == "http") {
      record.kind = CaptureRecordKind::kHttpResponse;
    } else if (type == "connect") {
      record.kind = CaptureRecordKind::kConnect;
    } else if (type == "send") {
      record.kind = CaptureRecordKind::kSent;
    } else {
      return "field 't' is none of header, recv, send, http, connect";
    }
    return add_record(document, record);
  }

  const char* add_record(simdjson::ondemand::document& document,
                         CaptureRecord record) {
    std::string_view text;
    if (document["conn"].get(text)) return "no field 'conn'";
    record.connection = connection_index(text);
    if (!read_time(document, &record.time_ns)) {
      return "no time in 'ts' or 'ts_ns'";
    }
    const char* const place =
        record.kind == CaptureRecordKind::kConnect ? "addr" : "url";
    if (!document[place].get(text)) record.url = keep(text);
    if (record.kind != CaptureRecordKind::kConnect) {
      if (document["data"].get(text)) return "no text in 'data'";
      record.payload = keep(text);
    }
    capture_.records.push_back(record);
    return nullptr;
  }

  static bool read_time(simdjson::ondemand::document& document,
                        std::int64_t* time_ns) {
    if (!document["ts_ns"].get(*time_ns)) return true;
    simdjson::ondemand::value seconds;
    if (document["ts"].get(seconds)) return false;
    // Through text: a double has no room for the nanoseconds of today.
    std::string_view digits = seconds.raw_json_token();
    while (!digits.empty() && digits.back() <= ' ') digits.remove_suffix(1);
    const std::size_t dot = digits.find('.');
    if (dot != std::string_view::npos) digits = digits.substr(0, dot + 10);
    return parse_decimal(digits.data(), digits.data() + digits.size(), 9,
                         time_ns) == DecimalError::kOk;
  }

  const char* add_header(simdjson::ondemand::document& document) {
    std::string_view exchange;
    if (document["exchange"].get(exchange)) return "header without 'exchange'";
    capture_.exchange = std::string(exchange);
    for (const VenueTraits& venue : kVenues) {
      if (venue.exchange == exchange) capture_.venue = venue.id;
    }
    return nullptr;
  }

  Capture capture_;
  simdjson::ondemand::parser parser_;
  std::uint64_t line_number_ = 0;
};

// Binance's futures chain by `pu`, its spot events never have one; no other
// venue names an event depthUpdate in a stream of its own.
std::optional<VenueId> recognise(const std::vector<CaptureRecord>& records) {
  const std::size_t last = std::min(records.size(), kRecordsToRecognise);
  for (std::size_t i = 0; i < last; ++i) {
    const std::string_view text = records[i].payload;
    if (text.find("\"e\":\"depthUpdate\"") == std::string_view::npos ||
        text.find("\"stream\":") == std::string_view::npos) {
      continue;
    }
    return text.find("\"pu\":") == std::string_view::npos
               ? VenueId::kBinanceSpot
               : VenueId::kBinanceUsdm;
  }
  return std::nullopt;
}

}  // namespace

absl::StatusOr<Capture> read_capture(const std::string& path) {
  absl::StatusOr<FileContent> file = read_file(path);
  if (!file.ok()) return file.status();
  const std::size_t size = file->text.size();
  file->text.append(kCaptureSlackBytes, '\0');
  const std::string_view text(file->text.data(), size);

  CaptureBuilder builder;
  for (std::size_t begin = 0; begin < text.size();) {
    std::size_t end = text.find('\n', begin);
    if (end == std::string_view::npos) {
      // Where the file was cut short its last line was, too.
      if (!file->damage.ok()) break;
      end = text.size();
    }
    builder.add_line(text.substr(begin, end - begin));
    begin = end + 1;
  }
  Capture capture = builder.finish(file->damage);
  if (capture.records.empty()) {
    if (!capture.damage.ok()) return capture.damage;
    return absl::InvalidArgumentError(absl::StrCat(
        path, ": no record of a known capture format (.lines or .jsonl)",
        capture.malformed_lines > 0 ? "; " : "", capture.first_malformed));
  }
  if (!capture.venue && capture.exchange.empty()) {
    capture.venue = recognise(capture.records);
  }
  return capture;
}

}  // namespace wirebook
