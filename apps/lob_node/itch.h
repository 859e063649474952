// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

// `lob_node itch`: the books of a file of ITCH 5.0 (BinaryFILE, gzip or not, or
// a pcap of MoldUDP64) as they stand at its end, each with its state.

#ifndef WIREBOOK_APPS_LOB_NODE_ITCH_H_
#define WIREBOOK_APPS_LOB_NODE_ITCH_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"

namespace wirebook {

struct ItchOptions {
  std::string file;
  std::uint16_t port = 0;  // of a pcap: only this destination; 0: all
  bool json = false;
  std::string dump_book;  // path; empty: none
};

// Writes the report to stdout. A file that is damaged is reported as far as it
// goes, and is an error.
absl::Status itch(const ItchOptions& options);

}  // namespace wirebook

#endif  // WIREBOOK_APPS_LOB_NODE_ITCH_H_
