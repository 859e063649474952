// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

// What `replay` and `run` say at their end: every book with its state, its
// statistics and its hash, and the latencies; as JSON or as a table.
//
//   std::cout << report_json({.venue = VenueId::kKraken, ...});
//
// To be called when the pipeline is drained: it reads the books themselves.

#ifndef WIREBOOK_APPS_LOB_NODE_REPORT_H_
#define WIREBOOK_APPS_LOB_NODE_REPORT_H_

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "apps/lob_node/order_books.h"
#include "concurrency/tsc_clock.h"
#include "lob/book_pipeline.h"

namespace wirebook {

struct PipelineReport {
  std::variant<const BookPipeline*, const OrderBooks*> books;
  VenueId venue;
  // Names of the connections, by number.
  const std::vector<std::string>* connections;
};

// One object for one pipeline; keys are listed in README.md.
std::string report_json(const PipelineReport& report, const TscClock& clock);

// The same for people.
std::string report_text(const PipelineReport& report, const TscClock& clock);

// Whether a dump can be written there, before there is one.
absl::Status check_book_dump(const std::string& path);

// `symbol,side,price,quantity,market,connection`: the header and every level of
// every book, best first.
absl::Status write_book_dump(const std::string& path,
                             const std::vector<PipelineReport>& reports);
// The lines of one that is made already.
absl::Status write_book_dump(const std::string& path, std::string_view text);

}  // namespace wirebook

#endif  // WIREBOOK_APPS_LOB_NODE_REPORT_H_
