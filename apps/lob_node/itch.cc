// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "apps/lob_node/itch.h"

#include <iostream>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "apps/lob_node/json_text.h"
#include "apps/lob_node/report.h"
#include "lob/book_dump.h"
#include "lob/book_state.h"
#include "lob/fixed_point.h"
#include "lob/itch/itch_books.h"
#include "lob/itch/itch_feed.h"
#include "lob/itch/itch_message.h"
#include "lob/trading_object_pools.h"

namespace wirebook {
namespace {

// A busy day of all stocks has some millions resting at a time.
constexpr std::size_t kOrders = 1 << 20;
constexpr std::size_t kLevels = 1 << 18;

std::string level_text(const L3Book& book, Side side) {
  if (book.empty(side)) return "null";
  const PriceLevel best = book.best(side);
  return absl::StrCat("[\"", decimal_string(best.price, kItchPriceScale),
                      "\", \"", best.quantity, "\"]");
}

std::string stock_json(const ItchBooks& books, std::uint16_t locate) {
  const ItchBookView view = books.view(locate);
  std::string out = absl::StrCat(
      "{\"symbol\": ", json_string(books.stock(locate)),
      ", \"state\": ", json_string(book_state_name(view.state)),
      ", \"reason\": ", json_string(book_reason_name(view.reason)),
      ", \"assurance\": ", json_string(assurance_name(view.assurance)));
  if (view.book != nullptr) {
    absl::StrAppend(&out, ", \"orders\": ", view.book->orders(),
                    ", \"bid_levels\": ", view.book->levels(Side::kBid),
                    ", \"ask_levels\": ", view.book->levels(Side::kAsk),
                    ", \"best_bid\": ", level_text(*view.book, Side::kBid),
                    ", \"best_ask\": ", level_text(*view.book, Side::kAsk));
  }
  return out += "}";
}

std::string report_json(const ItchBooks& books, const ItchFileReport& report) {
  std::string out = absl::StrCat(
      "{\"messages\": ", report.messages, ", \"malformed\": ", report.malformed,
      ", \"unknown_types\": ", report.unknown_types,
      ", \"gaps\": ", report.line.gaps, ", \"missed\": ", report.line.missed,
      ", \"duplicates\": ", report.line.duplicates,
      ", \"malformed_packets\": ", report.line.malformed,
      ", \"cut_packets\": ", report.pcap.cut, ",\n \"books\": [");
  bool first = true;
  books.for_each([&](std::uint16_t locate) {
    absl::StrAppend(&out, first ? "\n  " : ",\n  ", stock_json(books, locate));
    first = false;
  });
  return out += "]}";
}

std::string report_text(const ItchBooks& books, const ItchFileReport& report) {
  std::string out = absl::StrFormat(
      "%u messages, %u malformed, %u of unknown types; packets: %u gaps of %u "
      "messages, %u malformed, %u cut\n",
      report.messages, report.malformed, report.unknown_types, report.line.gaps,
      report.line.missed, report.line.malformed, report.pcap.cut);
  books.for_each([&](std::uint16_t locate) {
    const ItchBookView view = books.view(locate);
    if (view.book == nullptr) return;
    absl::StrAppendFormat(
        &out, "  %s: %s (%s), %u orders, best %s %s\n",
        std::string(books.stock(locate)),
        std::string(book_state_name(view.state)),
        std::string(book_reason_name(view.reason)), view.book->orders(),
        level_text(*view.book, Side::kBid), level_text(*view.book, Side::kAsk));
  });
  return out;
}

std::string dump(const ItchBooks& books, const std::string& file) {
  std::string out(kBookDumpHeader);
  books.for_each([&](std::uint16_t locate) {
    const ItchBookView view = books.view(locate);
    if (view.book == nullptr) return;
    for (const Side side : {Side::kBid, Side::kAsk}) {
      view.book->for_each_level(side, [&](const LevelQueue& level) {
        absl::StrAppend(&out, std::string(books.stock(locate)),
                        side == Side::kBid ? ",bid," : ",ask,",
                        decimal_string(level.total.price, kItchPriceScale), ",",
                        level.total.quantity, ",itch,", file, "\n");
      });
    }
  });
  return out;
}

}  // namespace

absl::Status itch(const ItchOptions& options) {
  if (!options.dump_book.empty()) {
    absl::Status status = check_book_dump(options.dump_book);
    if (!status.ok()) return status;
  }
  TradingObjectPools pools({.order_nodes = kOrders, .price_levels = kLevels});
  ItchBooks books(pools);
  const absl::StatusOr<ItchFileReport> report =
      read_itch_file(options.file, books, options.port);
  if (!report.ok()) return report.status();
  std::cout << (options.json ? report_json(books, *report) + "\n"
                             : report_text(books, *report))
            << std::flush;
  absl::Status status = report->damage;
  if (!options.dump_book.empty()) {
    const std::string name =
        options.file.substr(options.file.find_last_of('/') + 1);
    status.Update(write_book_dump(options.dump_book, dump(books, name)));
  }
  return status;
}

}  // namespace wirebook
