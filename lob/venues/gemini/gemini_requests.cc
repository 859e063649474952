// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "lob/venues/gemini/gemini_requests.h"

#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace wirebook {
namespace {

class GeminiRequests final : public VenueRequests {
  std::string request(const char* verb, const std::vector<std::string>& symbols,
                      const SubscriptionOptions&) const override {
    return absl::StrCat(
        "{\"type\":\"", verb,
        "\",\"subscriptions\":[{\"name\":\"l2\",\"symbols\":[\"",
        absl::StrJoin(symbols, "\",\""), "\"]}]}");
  }
};

}  // namespace

const VenueRequests& gemini_requests() {
  static const GeminiRequests requests;
  return requests;
}

}  // namespace wirebook
