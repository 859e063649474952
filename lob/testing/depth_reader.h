// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// Depth messages of the venues, read plainly (plain_json.h): what the model in
// fault_fuzz_test is fed with. Prices and quantities stay text.
//
//   for (const DepthRead& depth : read_depth(VenueId::kKraken, text)) ...

#ifndef WIREBOOK_LOB_TESTING_DEPTH_READER_H_
#define WIREBOOK_LOB_TESTING_DEPTH_READER_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lob/price_level.h"
#include "lob/testing/plain_json.h"
#include "lob/venue.h"

namespace wirebook {

struct DepthLevel {
  Side side;
  std::string price;
  std::string quantity;
  bool operator==(const DepthLevel&) const = default;
};

struct DepthRead {
  std::string symbol;  // empty: a REST body, which does not say
  bool snapshot = false;
  bool http_body = false;
  uint64_t id = 0;  // 0: none
  std::string ids;  // all of them, as text
  std::string sum;
  std::vector<DepthLevel> levels;
};

// One for each book that the text speaks of; none where it is no depth.
std::vector<DepthRead> read_depth(VenueId venue, const PlainJson& json);

}  // namespace wirebook

#endif  // WIREBOOK_LOB_TESTING_DEPTH_READER_H_
