// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

// Writes the best bid and offer after every applied depth message as a CSV
// line: symbol,update_id,bid_price,bid_qty,ask_price,ask_qty,market,connection,
// state.
// `update_id` is empty where the venue has none, a side's fields where it has
// no level.
//
//   absl::StatusOr<std::unique_ptr<BboLog>> log = BboLog::open("bbo.csv",
//   names); auto pipeline = BookPipeline::create(options, &pool, log->get());
//   ...
//   absl::Status status = (*log)->close();   // the first write error, if any
//
// Called on the book threads, one at a time, which write 64 KiB at a time: for
// checks and research, not for a node that has to be fast.

#ifndef WIREBOOK_APPS_LOB_NODE_BBO_LOG_H_
#define WIREBOOK_APPS_LOB_NODE_BBO_LOG_H_

#include <cstdio>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "lob/book_pipeline.h"
#include "lob/l3_feed.h"

namespace wirebook {

class BboLog final : public BookPipelineListener, public L3FeedListener {
 public:
  // `connections` names them by number; it must outlive the log.
  static absl::StatusOr<std::unique_ptr<BboLog>> open(
      const std::string& path, const std::vector<std::string>& connections);
  ~BboLog() override;

  void on_depth_applied(const BookKeeper& keeper,
                        const ParsedMessage& message) override;
  // Of a book of orders, its levels.
  void on_orders_applied(const L3Keeper& keeper,
                         const ParsedMessageHeader& message) override;

  // Writes what is left. The destructor does it too, without an answer.
  absl::Status close();

 private:
  BboLog(std::string path, std::FILE* file,
         const std::vector<std::string>& connections);
  void write(const Instrument& instrument, BookState state,
             const ParsedMessageHeader& message, const std::string& levels);
  void flush();

  const std::string path_;
  std::mutex mutex_;  // for all below
  std::FILE* file_;
  const std::vector<std::string>& connections_;
  std::string buffer_;
  int error_ = 0;  // errno of the first write that failed
};

}  // namespace wirebook

#endif  // WIREBOOK_APPS_LOB_NODE_BBO_LOG_H_
