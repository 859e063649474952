// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// Replays a recorded capture into a BookPipeline, for tests: reads the file
// that the environment variable WIREBOOK_DATA leads to, and hands each record
// over as the wire would.
//
//   CaptureReplay replay("kraken_v2_btcusd_depth25.jsonl.zst");
//   if (!replay.available()) GTEST_SKIP() << replay.why();
//   replay.run(*pipeline);

#ifndef WIREBOOK_LOB_TESTING_CAPTURE_REPLAY_H_
#define WIREBOOK_LOB_TESTING_CAPTURE_REPLAY_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "lob/book_pipeline.h"
#include "lob/capture/capture_reader.h"
#include "net/raw_message.h"
#include "net/raw_message_pool.h"

namespace wirebook {

class CaptureReplay {
 public:
  // Not available only where WIREBOOK_DATA is unset. Ends the process where it
  // is set and the file cannot be read: that is a failure, not a skip.
  explicit CaptureReplay(const std::string& file);

  bool available() const { return available_; }
  static const char* why() {
    return "WIREBOOK_DATA is not set: no recorded data to test with";
  }

  const Capture& capture() const { return capture_; }

  // A pool of whose descriptors the records are handed over.
  RawMessagePool& pool() { return *pool_; }

  // Hands everything over and drains. `before` sees each record first.
  void run(BookPipeline& pipeline,
           const std::function<void(const CaptureRecord&)>& before = nullptr);

 private:
  Capture capture_;
  bool available_ = false;
  std::unique_ptr<RawMessagePool> pool_;
};

}  // namespace wirebook

#endif  // WIREBOOK_LOB_TESTING_CAPTURE_REPLAY_H_
