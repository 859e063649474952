// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "lob/venues/bitfinex/bitfinex_requests.h"

#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"

namespace wirebook {
namespace {

constexpr int kUsualDepth = 250;
constexpr int kSequenceAll = 65536;
constexpr int kChecksums = 131072;

class BitfinexRequests final : public VenueRequests {
 public:
  size_t symbols_a_request() const override { return 1; }

  // Asks for the connection's count and the books' checksums.
  std::string greeting() const override {
    return absl::StrCat(
        "{\"event\":\"conf\",\"flags\":", kSequenceAll + kChecksums, "}");
  }

  std::string instrument_target(std::string_view,
                                std::string_view) const override {
    return "/v2/conf/pub:list:pair:exchange";
  }
  InstrumentFormat instrument_format() const override {
    return {.list = "0", .symbol = "", .symbol_prefix = "t"};
  }

 private:
  std::string request(const char* verb, const std::vector<std::string>& symbols,
                      const SubscriptionOptions& options) const override {
    if (std::string_view(verb) != "subscribe") return {};
    return absl::StrCat(
        "{\"event\":\"subscribe\",\"channel\":\"book\",\"symbol\":\"",
        symbols.front(), "\",\"prec\":\"", options.orders ? "R0" : "P0",
        "\",\"freq\":\"F0\",\"len\":\"",
        options.depth > 0 ? options.depth : kUsualDepth, "\"}");
  }
};

}  // namespace

const VenueRequests& bitfinex_requests() {
  static const BitfinexRequests requests;
  return requests;
}

}  // namespace wirebook
