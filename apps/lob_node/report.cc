// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "apps/lob_node/report.h"

#include <errno.h>

#include <cstdio>
#include <cstring>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "apps/lob_node/json_text.h"
#include "lob/book_dump.h"
#include "lob/fixed_point.h"

namespace wirebook {
namespace {

std::string level_json(const L2Book& book, Side side) {
  if (book.empty(side)) return "null";
  const PriceLevel best = book.best(side);
  return absl::StrCat(
      "[\"", decimal_string(best.price, book.price_scale()), "\", \"",
      decimal_string(best.quantity, book.quantity_scale()), "\"]");
}

const std::string& connection_name(const PipelineReport& report,
                                   const Instrument& instrument) {
  return (*report.connections)[instrument.connection];
}

// Calls f with the report's books, of levels or of orders.
template <class F>
decltype(auto) with_books(const PipelineReport& report, F&& f) {
  return std::visit(
      [&f](const auto* books) -> decltype(auto) { return f(*books); },
      report.books);
}

PipelineStatistics statistics_of(const PipelineReport& report) {
  return with_books(report,
                    [](const auto& books) { return books.statistics(); });
}

// Calls f with the levels of a book, of one of orders its own.
template <class F>
void with_levels(const BookKeeper& keeper, F&& f) {
  f(keeper.book());
}
template <class F>
void with_levels(const L3Keeper& keeper, F&& f) {
  f(*levels_of(keeper));
}

// Of a book of orders, how many; nothing of another.
std::string orders_json(const BookKeeper&) { return {}; }
std::string orders_json(const L3Keeper& keeper) {
  return absl::StrCat(", \"orders\": ", keeper.book().orders());
}

// Of a book with several lines, what came on which; nothing of another.
std::string lines_json(const OrderBooks&, std::size_t, const TscClock&) {
  return {};
}
std::string lines_json(const BookPipeline& pipeline, std::size_t book,
                       const TscClock& clock) {
  if (pipeline.lines() == 1) return {};
  std::string out = ", \"lines\": [";
  for (std::size_t line = 0; line < pipeline.lines(); ++line) {
    const LineStatistics of = pipeline.line_statistics(book, line);
    absl::StrAppend(
        &out, line == 0 ? "" : ", ", "{\"won\": ", of.won,
        ", \"duplicates\": ", of.duplicates, ", \"ahead\": ", of.ahead,
        ", \"faults\": ", of.faults, ", \"lag_mean_ns\": ",
        of.measured == 0 ? 0 : clock.to_ns(of.lag_ticks / of.measured), "}");
  }
  return out += "]";
}

template <class Books>
std::string book_json(const PipelineReport& report, const Books& books,
                      std::size_t index, const TscClock& clock) {
  const auto& keeper = books.book(index);
  const Instrument& instrument = keeper.instrument();
  const BookStatistics statistics = keeper.statistics();
  const BookView view = keeper.view();
  const std::string& connection = connection_name(report, instrument);
  std::string out = "{";
  const auto text = [&out](const char* key, std::string_view value) {
    absl::StrAppend(&out, out.size() > 1 ? ", \"" : "\"", key,
                    "\": ", json_string(value));
  };
  const auto number = [&out](const char* key, std::uint64_t value) {
    absl::StrAppend(&out, ", \"", key, "\": ", value);
  };
  text("symbol", instrument.symbol);
  text("market", instrument.market);
  text("connection", connection);
  text("state", book_state_name(view.state));
  text("reason", book_reason_name(view.reason));
  text("assurance", assurance_name(view.assurance));
  number("updates_applied", statistics.updates_applied);
  number("updates_dropped", statistics.updates_dropped);
  number("levels_applied", statistics.levels_applied);
  number("gaps", statistics.gaps);
  number("resyncs", statistics.resyncs);
  number("checksums_ok", statistics.checksums_ok);
  number("checksums_bad", statistics.checksums_bad);
  number("crossed", statistics.crossed);
  absl::StrAppend(&out, orders_json(keeper));
  with_levels(keeper, [&](const L2Book& book) {
    number("bid_levels", book.levels(Side::kBid));
    number("ask_levels", book.levels(Side::kAsk));
    absl::StrAppend(&out, ", \"best_bid\": ", level_json(book, Side::kBid),
                    ", \"best_ask\": ", level_json(book, Side::kAsk));
    std::string dump;
    append_book_dump(book, instrument.symbol, instrument.market, connection,
                     &dump);
    text("book_hash", book_hash(dump));
  });
  return absl::StrCat(out, lines_json(books, index, clock), "}");
}

void append_book_text(const PipelineReport& report,
                      const Instrument& instrument, const BookStatistics& book,
                      const BookView& view, const L2Book& levels,
                      std::string* out) {
  absl::StrAppendFormat(
      out,
      "  %s %s on %s: %s (%s), %u updates, %u dropped, %u gaps, %u resyncs, "
      "checksums %u ok %u bad, %u x %u levels, best %s %s\n",
      instrument.symbol, instrument.market, connection_name(report, instrument),
      std::string(book_state_name(view.state)),
      std::string(book_reason_name(view.reason)), book.updates_applied,
      book.updates_dropped, book.gaps, book.resyncs, book.checksums_ok,
      book.checksums_bad, levels.levels(Side::kBid), levels.levels(Side::kAsk),
      level_json(levels, Side::kBid), level_json(levels, Side::kAsk));
}

struct Latencies {
  std::uint64_t count;
  double levels_mean;
  std::uint64_t p50, p90, p99, p99_9, max;  // ns
};

Latencies latencies(const PipelineReport& report, const TscClock& clock) {
  const LatencyHistogram& ticks =
      with_books(report, [](const auto& books) -> const LatencyHistogram& {
        return books.frame_to_book_ticks();
      });
  const auto at = [&](double percent) {
    return clock.to_ns(ticks.percentile(percent));
  };
  const std::uint64_t count = ticks.count();
  const auto levels =
      static_cast<double>(statistics_of(report).measured_levels);
  return {count,
          count == 0 ? 0 : levels / static_cast<double>(count),
          at(50),
          at(90),
          at(99),
          at(99.9),
          clock.to_ns(ticks.max())};
}

absl::Status dump_failed(const std::string& path, int error) {
  return absl::PermissionDeniedError(absl::StrCat(
      "--dump-book=", path, " cannot be written: ", std::strerror(error)));
}

}  // namespace

std::string report_json(const PipelineReport& report, const TscClock& clock) {
  const PipelineStatistics statistics = statistics_of(report);
  std::string out =
      absl::StrCat("{\"venue\": ", json_string(venue_name(report.venue)),
                   ", \"frames\": ", statistics.frames,
                   ", \"malformed\": ", statistics.malformed, ", \"dropped\": ",
                   statistics.ring_full_drops + statistics.parsed_pool_drops,
                   ", \"unknown_instrument\": ", statistics.unknown_instrument,
                   ",\n \"books\": [");
  with_books(report, [&](const auto& books) {
    for (std::size_t i = 0; i < books.book_count(); ++i) {
      absl::StrAppend(&out, i == 0 ? "\n  " : ",\n  ",
                      book_json(report, books, i, clock));
    }
  });
  const Latencies frame_to_book = latencies(report, clock);
  absl::StrAppend(
      &out, "],\n \"latency_ns\": {\"frame_to_book\": {\"count\": ",
      frame_to_book.count,
      ", \"levels_mean\": ", absl::StrFormat("%.2f", frame_to_book.levels_mean),
      ", \"p50\": ", frame_to_book.p50, ", \"p90\": ", frame_to_book.p90,
      ", \"p99\": ", frame_to_book.p99, ", \"p99_9\": ", frame_to_book.p99_9,
      ", \"max\": ", frame_to_book.max, "}},\n \"hot_path_heap_allocations\": ",
      statistics.hot_path_heap_allocations, "}");
  return out;
}

std::string report_text(const PipelineReport& report, const TscClock& clock) {
  const PipelineStatistics statistics = statistics_of(report);
  std::string out = absl::StrFormat(
      "%s: %u frames, %u malformed, %u dropped, %u heap allocations on the "
      "hot path\n",
      std::string(venue_name(report.venue)), statistics.frames,
      statistics.malformed,
      statistics.ring_full_drops + statistics.parsed_pool_drops,
      statistics.hot_path_heap_allocations);
  with_books(report, [&](const auto& books) {
    for (std::size_t i = 0; i < books.book_count(); ++i) {
      const auto& keeper = books.book(i);
      with_levels(keeper, [&](const L2Book& levels) {
        append_book_text(report, keeper.instrument(), keeper.statistics(),
                         keeper.view(), levels, &out);
      });
    }
  });
  const Latencies frame_to_book = latencies(report, clock);
  absl::StrAppendFormat(
      &out,
      "  frame to book, ns: %u messages of %.1f levels, p50 %u, p90 %u, p99 "
      "%u, p99.9 %u, max %u\n",
      frame_to_book.count, frame_to_book.levels_mean, frame_to_book.p50,
      frame_to_book.p90, frame_to_book.p99, frame_to_book.p99_9,
      frame_to_book.max);
  return out;
}

absl::Status check_book_dump(const std::string& path) {
  std::FILE* const file = std::fopen(path.c_str(), "a");
  if (file != nullptr && std::fclose(file) == 0) return absl::OkStatus();
  return dump_failed(path, errno);
}

absl::Status write_book_dump(const std::string& path,
                             const std::vector<PipelineReport>& reports) {
  std::string text(kBookDumpHeader);
  for (const PipelineReport& report : reports) {
    with_books(report, [&](const auto& books) {
      for (std::size_t i = 0; i < books.book_count(); ++i) {
        const auto& keeper = books.book(i);
        const Instrument& instrument = keeper.instrument();
        with_levels(keeper, [&](const L2Book& levels) {
          append_book_dump(levels, instrument.symbol, instrument.market,
                           connection_name(report, instrument), &text);
        });
      }
    });
  }
  return write_book_dump(path, text);
}

absl::Status write_book_dump(const std::string& path, std::string_view text) {
  std::FILE* const file = std::fopen(path.c_str(), "w");
  bool written = file != nullptr &&
                 std::fwrite(text.data(), 1, text.size(), file) == text.size();
  int error = errno;
  if (file != nullptr && std::fclose(file) != 0 && written) {
    written = false;
    error = errno;
  }
  if (written) return absl::OkStatus();
  return dump_failed(path, error);
}

}  // namespace wirebook
