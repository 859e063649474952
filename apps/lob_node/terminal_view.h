// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

// The live view: a table of books with their state and touch, and a line per
// connection with its rate and latencies. Formatting only; who draws it where
// is the caller's affair.
//
//   std::string text = format_live_view(view);
//   if (isatty(1)) text = "\x1b[H" + with_line_erasure(text) + "\x1b[J";

#ifndef WIREBOOK_APPS_LOB_NODE_TERMINAL_VIEW_H_
#define WIREBOOK_APPS_LOB_NODE_TERMINAL_VIEW_H_

#include <cstdint>
#include <string>
#include <vector>

#include "lob/book_keeper.h"

namespace wirebook {

struct LiveBook {
  std::string connection;
  std::string symbol;
  BookView view;
  double state_seconds;  // since the state began
};

struct LiveConnection {
  std::string name;
  std::string status;  // "up", "connecting", or why it is down
  std::uint64_t messages;
  double messages_per_second;
  // Frame to book, ns, since the start.
  std::uint64_t p50, p90, p99, p99_9, max;
};

struct LiveView {
  std::string headline;
  std::vector<LiveBook> books;
  std::vector<LiveConnection> connections;
};

std::string format_live_view(const LiveView& view);

// Each line followed by "erase to its end", so that redrawing in place leaves
// nothing of longer lines before (ECMA-48, EL).
std::string with_line_erasure(const std::string& text);

}  // namespace wirebook

#endif  // WIREBOOK_APPS_LOB_NODE_TERMINAL_VIEW_H_
