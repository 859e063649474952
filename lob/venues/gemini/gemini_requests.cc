// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "lob/venues/gemini/gemini_requests.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace wirebook {
namespace {

std::string request(const char* type, const std::vector<std::string>& symbols) {
  return absl::StrCat("{\"type\":\"", type,
                      "\",\"subscriptions\":[{\"name\":\"l2\",\"symbols\":[\"",
                      absl::StrJoin(symbols, "\",\""), "\"]}]}");
}

}  // namespace

std::string GeminiRequests::subscribe(const std::vector<std::string>& symbols,
                                      const SubscriptionOptions&) const {
  return request("subscribe", symbols);
}

std::string GeminiRequests::unsubscribe(const std::vector<std::string>& symbols,
                                        const SubscriptionOptions&) const {
  return request("unsubscribe", symbols);
}

std::string GeminiRequests::snapshot_target(std::string_view, int) const {
  return std::string();
}

}  // namespace wirebook
