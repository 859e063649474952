// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

// `lob_node run`: one network thread with a connection per [[venue]], a live
// view on the terminal, and a report at the end.

#ifndef WIREBOOK_APPS_LOB_NODE_RUN_H_
#define WIREBOOK_APPS_LOB_NODE_RUN_H_

#include <string>

#include "absl/status/status.h"
#include "apps/lob_node/config.h"

namespace wirebook {

struct RunOptions {
  int seconds = 0;  // 0: until SIGINT or SIGTERM
  bool json = false;
  std::string bbo_log;    // path; empty: none
  std::string dump_book;  // path; empty: none
};

// Call it from main() before any other thread exists: it blocks SIGINT and
// SIGTERM for all threads and waits for them itself.
absl::Status run(const NodeConfig& config, const RunOptions& options);

}  // namespace wirebook

#endif  // WIREBOOK_APPS_LOB_NODE_RUN_H_
