// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "lob/venues/kraken/kraken_requests.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace wirebook {
namespace {

std::string request(const char* method, const std::vector<std::string>& symbols,
                    int depth, const char* more) {
  return absl::StrCat("{\"method\":\"", method,
                      "\",\"params\":{\"channel\":\"book\",\"symbol\":[\"",
                      absl::StrJoin(symbols, "\",\""), "\"],\"depth\":", depth,
                      more, "}}");
}

}  // namespace

std::string KrakenRequests::subscribe(
    const std::vector<std::string>& symbols,
    const SubscriptionOptions& options) const {
  return request("subscribe", symbols, options.depth, ",\"snapshot\":true");
}

std::string KrakenRequests::unsubscribe(
    const std::vector<std::string>& symbols,
    const SubscriptionOptions& options) const {
  return request("unsubscribe", symbols, options.depth, "");
}

std::string KrakenRequests::snapshot_target(std::string_view, int) const {
  return "";
}

}  // namespace wirebook
