// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

// `lob_node replay`: recordings through the same pipeline that a live feed
// takes, as fast as it goes, and a report of the books at the end.

#ifndef WIREBOOK_APPS_LOB_NODE_REPLAY_H_
#define WIREBOOK_APPS_LOB_NODE_REPLAY_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "lob/book_pipeline.h"
#include "lob/venue.h"

namespace wirebook {

struct ReplayOptions {
  std::vector<std::string> captures;  // read as one recording, in this order
  std::optional<VenueId> venue;       // else from the captures' headers
  std::string symbol;                 // only this one; empty: all
  PipelineMode mode = PipelineMode::kFused;
  bool json = false;
  std::string bbo_log;    // path; empty: none
  std::string dump_book;  // path; empty: none
};

// Prints the report to stdout, warnings to stderr. An error when a capture
// could not be read whole (the report of what could be is printed all the
// same) or an output file could not be written.
absl::Status replay(const ReplayOptions& options);

}  // namespace wirebook

#endif  // WIREBOOK_APPS_LOB_NODE_REPLAY_H_
