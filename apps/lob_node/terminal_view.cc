// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "apps/lob_node/terminal_view.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "lob/fixed_point.h"

namespace wirebook {
namespace {

struct Touch {
  std::string price = "-";
  std::string quantity = "-";
};

// A book that is not Live shows no prices: they may be wrong.
Touch touch_of(const BookView& view, Side side) {
  const bool bid = side == Side::kBid;
  if (view.state != BookState::kLive) return {};
  if ((bid ? view.bid_count : view.ask_count) == 0) return {};
  const PriceLevel& best = bid ? view.bids[0] : view.asks[0];
  return {decimal_string(best.price, view.price_scale),
          decimal_string(best.quantity, view.quantity_scale)};
}

std::string state_text(const BookView& view) {
  std::string text(book_state_name(view.state));
  if (view.reason != BookReason::kNone) {
    absl::StrAppend(&text, " (", std::string(book_reason_name(view.reason)),
                    ")");
  }
  return text;
}

}  // namespace

std::string format_live_view(const LiveView& view) {
  std::string out = absl::StrCat(view.headline, "\n\n");
  absl::StrAppendFormat(&out, "%-14s %-10s %16s %16s | %-16s %-16s %7s  %s\n",
                        "connection", "symbol", "bid qty", "bid", "ask",
                        "ask qty", "since s", "state");
  for (const LiveBook& book : view.books) {
    const Touch bid = touch_of(book.view, Side::kBid);
    const Touch ask = touch_of(book.view, Side::kAsk);
    absl::StrAppendFormat(
        &out, "%-14s %-10s %16s %16s | %-16s %-16s %7.1f  %s\n",
        book.connection, book.symbol, bid.quantity, bid.price, ask.price,
        ask.quantity, book.state_seconds, state_text(book.view));
  }
  absl::StrAppendFormat(&out,
                        "\n%-14s %10s %10s | frame to book, ns: %7s %7s %7s "
                        "%7s %9s  %s\n",
                        "connection", "messages", "per s", "p50", "p90", "p99",
                        "p99.9", "max", "status");
  for (const LiveConnection& connection : view.connections) {
    absl::StrAppendFormat(
        &out, "%-14s %10u %10.0f | %18s %7u %7u %7u %7u %9u  %s\n",
        connection.name, connection.messages, connection.messages_per_second,
        "", connection.p50, connection.p90, connection.p99, connection.p99_9,
        connection.max, connection.status);
  }
  return out;
}

std::string with_line_erasure(const std::string& text) {
  std::string out;
  out.reserve(text.size() + 256);
  for (const char c : text) {
    if (c == '\n') out += "\x1b[K";
    out += c;
  }
  return out;
}

}  // namespace wirebook
