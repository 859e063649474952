// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "lob/venues/bitfinex/bitfinex_requests.h"

#include <string>

#include "absl/strings/str_cat.h"

namespace wirebook {
namespace {

constexpr int kUsualDepth = 250;
constexpr int kSequenceAll = 65536;
constexpr int kChecksums = 131072;

}  // namespace

std::string BitfinexRequests::subscribe(
    const std::vector<std::string>& symbols,
    const SubscriptionOptions& options) const {
  return absl::StrCat(
      "{\"event\":\"subscribe\",\"channel\":\"book\",\"symbol\":\"",
      symbols.front(), "\",\"prec\":\"P0\",\"freq\":\"F0\",\"len\":\"",
      options.depth > 0 ? options.depth : kUsualDepth, "\"}");
}

std::string BitfinexRequests::unsubscribe(const std::vector<std::string>&,
                                          const SubscriptionOptions&) const {
  return std::string();
}

std::string BitfinexRequests::snapshot_target(std::string_view, int) const {
  return std::string();
}

std::string BitfinexRequests::greeting() const {
  return absl::StrCat(
      "{\"event\":\"conf\",\"flags\":", kSequenceAll + kChecksums, "}");
}

}  // namespace wirebook
