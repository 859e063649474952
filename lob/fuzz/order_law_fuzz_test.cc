// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// The order-by-order channels' synchronisation and books: the bytes choose what
// goes wrong with a stream (lob/testing/order_run.h); the one law holds.

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "lob/order_feed.h"
#include "lob/testing/order_run.h"
#include "lob/testing/order_venue.h"
#include "tools/build_defs/fuzz.h"

// The channel's number, and what goes wrong.
std::vector<std::string> fuzz_seeds() {
  std::vector<std::string> seeds;
  std::mt19937_64 random(1);
  for (size_t i = 0; i < wirebook::kOrderFeeds.size(); ++i) {
    for (int n = 0; n < 3; ++n) {
      std::string seed(1, static_cast<char>(i));
      for (int k = 0; k < 300; ++k) {
        seed.push_back(static_cast<char>(random()));
      }
      seeds.push_back(seed);
    }
  }
  return seeds;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const size_t feed = data[0] % wirebook::kOrderFeeds.size();
  const std::unique_ptr<wirebook::OrderVenue> venue =
      wirebook::make_order_venue(wirebook::kOrderFeeds[feed].venue);
  wirebook::OrderRun run(*venue,
                         wirebook::Choices(std::span(data + 1, size - 1)),
                         /*faults=*/true);
  run.run(60, /*calm=*/150);
  const std::string& broken = run.report().broken;
  if (!broken.empty()) std::fprintf(stderr, "%s\n", broken.c_str());
  FUZZ_CHECK(broken.empty());
  return 0;
}
