// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
#include "tools/exchange_sim/capture.h"

#include <simdjson.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <iterator>
#include <memory>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace wirebook::sim {
namespace {

absl::Status bad(const std::string& path, const std::string& what) {
  return absl::InvalidArgumentError(absl::StrCat(path, ": ", what));
}

absl::StatusOr<std::string> inflate_zstd(const std::string& path,
                                         const std::string& packed) {
  const std::unique_ptr<ZSTD_DCtx, decltype(&ZSTD_freeDCtx)> context(
      ZSTD_createDCtx(), &ZSTD_freeDCtx);
  std::string out;
  std::string chunk(ZSTD_DStreamOutSize(), '\0');
  ZSTD_inBuffer in{packed.data(), packed.size(), 0};
  std::size_t left = 1;
  while (in.pos < in.size) {
    ZSTD_outBuffer piece{chunk.data(), chunk.size(), 0};
    left = ZSTD_decompressStream(context.get(), &piece, &in);
    if (ZSTD_isError(left)) return bad(path, ZSTD_getErrorName(left));
    out.append(chunk.data(), piece.pos);
  }
  if (left != 0) return bad(path, "the zstd stream ends in mid-frame");
  return out;
}

absl::StatusOr<std::string> inflate_gzip(const std::string& path) {
  const gzFile file = gzopen(path.c_str(), "rb");
  if (file == nullptr) return bad(path, "cannot be opened");
  std::string out;
  std::string chunk(1 << 18, '\0');
  int length = 0;
  while ((length = gzread(file, chunk.data(),
                          static_cast<unsigned>(chunk.size()))) > 0) {
    out.append(chunk.data(), static_cast<std::size_t>(length));
  }
  int error = Z_OK;
  const std::string message = gzerror(file, &error);
  gzclose(file);
  if (length < 0 || error != Z_OK) return bad(path, message);
  return out;
}

absl::StatusOr<std::string> read_all(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return absl::NotFoundError(path + ": cannot be opened");
  std::string bytes((std::istreambuf_iterator<char>(file)),
                    std::istreambuf_iterator<char>());
  const std::string_view head(bytes);
  if (head.substr(0, 2) == "\x1f\x8b") return inflate_gzip(path);
  if (head.substr(0, 4) == "\x28\xb5\x2f\xfd") return inflate_zstd(path, bytes);
  return bytes;
}

std::string venue_of_exchange(std::string_view exchange) {
  if (exchange == "BINANCE") return "binance-spot";
  if (exchange == "BINANCE_FUTURES") return "binance-usdm";
  if (exchange == "KRAKEN") return "kraken";
  return "";
}

std::string query_value(std::string_view url, std::string_view name) {
  for (const char before : {'?', '&'}) {
    const std::string key = before + std::string(name) + '=';
    const std::size_t at = url.find(key);
    if (at == std::string_view::npos) continue;
    const std::string_view rest = url.substr(at + key.size());
    return std::string(rest.substr(0, rest.find('&')));
  }
  return "";
}

class Reader {
 public:
  explicit Reader(Capture& capture) : capture_(capture) {}

  // `<ns> <json>`
  absl::Status lines(std::string_view line) {
    CaptureRecord record;
    const auto [end, error] =
        std::from_chars(line.data(), line.data() + line.size(), record.time_ns);
    if (error != std::errc() || end == line.data() + line.size() ||
        *end != ' ') {
      return bad_line("expected `<nanoseconds> <json>`");
    }
    record.data = std::string(
        line.substr(static_cast<std::size_t>(end - line.data()) + 1));
    if (!record.data.starts_with('{') || !record.data.ends_with('}')) {
      return bad_line("is cut off");
    }
    record.is_snapshot = record.data.starts_with("{\"lastUpdateId\"");
    if (symbol_.empty() && !record.is_snapshot) {
      constexpr std::string_view kKey = "\"s\":\"";
      const std::size_t at = record.data.find(kKey);
      if (at != std::string::npos) {
        const std::size_t start = at + kKey.size();
        symbol_ =
            record.data.substr(start, record.data.find('"', start) - start);
      }
    }
    record.symbol = record.is_snapshot ? symbol_ : "";
    capture_.records.push_back(std::move(record));
    return absl::OkStatus();
  }

  absl::Status json(std::string_view line) {
    simdjson::dom::element root;
    if (parser_.parse(line.data(), line.size()).get(root)) {
      return bad_line("is not JSON");
    }
    std::string_view type;
    if (root["t"].get(type)) return bad_line("has no \"t\"");
    if (type == "header") {
      std::string_view exchange;
      if (root["exchange"].get(exchange)) {
        return bad_line("the header names no exchange");
      }
      header_venue_ = venue_of_exchange(exchange);
      if (header_venue_.empty()) {
        return bad_line(absl::StrCat("exchange ", std::string(exchange),
                                     " cannot be replayed"));
      }
      return absl::OkStatus();
    }
    if (type != "recv" && type != "http") return absl::OkStatus();
    std::string_view data;
    if (root["data"].get(data)) return bad_line("has no \"data\"");
    simdjson::dom::element marker;
    if (!root["enc"].get(marker)) return bad_line("has a binary payload");
    CaptureRecord record;
    double seconds = 0;
    if (root["ts_ns"].get(record.time_ns)) {
      if (root["ts"].get(seconds)) return bad_line("has no time");
      record.time_ns = static_cast<std::int64_t>(seconds * 1e9);
    }
    record.data = std::string(data);
    if (type == "http") {
      std::string_view url;
      if (root["url"].get(url)) return bad_line("has no \"url\"");
      if (url.find("/exchangeInfo") != std::string_view::npos) {
        return exchange_info(record.data);
      }
      record.symbol = query_value(url, "symbol");
      if (url.find("/depth?") == std::string_view::npos ||
          record.symbol.empty()) {
        return absl::OkStatus();
      }
      record.is_snapshot = true;
    }
    capture_.records.push_back(std::move(record));
    return absl::OkStatus();
  }

  const std::string& header_venue() const { return header_venue_; }
  void next_line() { ++line_; }

 private:
  absl::Status bad_line(const std::string& what) const {
    return bad(absl::StrCat(capture_.path, ":", line_), what);
  }

  absl::Status exchange_info(const std::string& body) {
    simdjson::dom::parser parser;
    simdjson::dom::array symbols;
    if (parser.parse(body)["symbols"].get(symbols)) {
      return bad_line("exchangeInfo without symbols");
    }
    for (const simdjson::dom::element symbol : symbols) {
      std::string_view name;
      if (symbol["symbol"].get(name)) continue;
      capture_.symbol_infos[std::string(name)] = simdjson::minify(symbol);
    }
    return absl::OkStatus();
  }

  Capture& capture_;
  simdjson::dom::parser parser_;
  std::string symbol_;
  std::string header_venue_;
  std::size_t line_ = 0;
};

}  // namespace

absl::StatusOr<Capture> read_capture(const std::string& path,
                                     const std::string& venue) {
  absl::StatusOr<std::string> text = read_all(path);
  if (!text.ok()) return text.status();
  Capture capture;
  capture.path = path;
  Reader reader(capture);
  std::string_view rest(*text);
  if (!rest.empty() && rest.back() != '\n') {
    return bad(path, "the last line is cut off");
  }
  while (!rest.empty()) {
    const std::size_t end = rest.find('\n');
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end + 1);
    reader.next_line();
    if (line.empty()) continue;
    const absl::Status status =
        line.front() == '{' ? reader.json(line) : reader.lines(line);
    if (!status.ok()) return status;
  }
  const std::string& header = reader.header_venue();
  if (!header.empty() && !venue.empty() && header != venue) {
    return bad(path, absl::StrCat("is of ", header, ", not of ", venue));
  }
  capture.venue = !header.empty()  ? header
                  : !venue.empty() ? venue
                                   : "binance-spot";
  std::stable_sort(capture.records.begin(), capture.records.end(),
                   [](const CaptureRecord& a, const CaptureRecord& b) {
                     return a.time_ns < b.time_ns;
                   });
  if (capture.records.empty()) return bad(path, "holds no frame");
  return capture;
}

}  // namespace wirebook::sim
