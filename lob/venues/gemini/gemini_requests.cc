// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "lob/venues/gemini/gemini_requests.h"

#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"

namespace wirebook {
namespace {

class GeminiRequests final : public VenueRequests {
 public:
  std::string instrument_target(std::string_view symbol,
                                std::string_view) const override {
    return absl::StrCat("/v1/symbols/details/",
                        absl::string_view(symbol.data(), symbol.size()));
  }
  InstrumentFormat instrument_format() const override {
    // Its tick_size is the step of quantities.
    return {.tick = "quote_increment",
            .lot = "tick_size",
            .lot_spare = 2,
            .status = "status",
            .trading = "open"};
  }

 private:
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
