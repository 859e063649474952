// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "lob/venues/kucoin/kucoin_requests.h"

#include <simdjson.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "net/printable_text.h"

namespace wirebook {
namespace {

constexpr char kPath[] = "/api/v1/market/orderbook/level2_100?";
constexpr std::string_view kGood = "200000";
constexpr uint64_t kMillisecond = 1'000'000;
// A longer interval is not believed.
constexpr uint64_t kLongestPingMs = 60'000;

absl::string_view to_absl(std::string_view text) {
  return {text.data(), text.size()};
}

// As a value behind a question mark: RFC 3986, section 2.3, and the = of
// base64, which the venue's own clients leave as it is.
std::string query_value(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
        std::string_view("-._~=").find(c) != std::string_view::npos) {
      out += c;
    } else {
      absl::StrAppend(
          &out, "%", absl::Hex(static_cast<unsigned char>(c), absl::kZeroPad2));
    }
  }
  return out;
}

class KucoinRequests final : public VenueRequests {
 public:
  size_t symbols_a_request() const override { return 100; }

  std::string snapshot_target(std::string_view symbol, int) const override {
    return absl::StrCat(
        kPath, "symbol=", absl::string_view(symbol.data(), symbol.size()));
  }
  std::string_view snapshot_symbol(std::string_view target) const override {
    return target_part(target, "/orderbook/level2", "symbol=");
  }

  KeepAlive keep_alive() const override {
    return {.text = "{\"id\":2,\"type\":\"ping\"}",
            .interval_ns = 18'000'000'000};
  }

  std::string instrument_target(std::string_view symbol,
                                std::string_view) const override {
    return absl::StrCat("/api/v2/symbols/",
                        absl::string_view(symbol.data(), symbol.size()));
  }
  InstrumentFormat instrument_format() const override {
    return {.list = "data",
            .tick = "priceIncrement",
            .lot = "baseIncrement",
            .status = "enableTrading",
            .trading = "true"};
  }

  absl::StatusOr<AdmissionRequest> admission_request(const ChannelCredentials*,
                                                     uint64_t) const override {
    return AdmissionRequest{.target = "/api/v1/bullet-public"};
  }
  absl::StatusOr<Admission> read_admission(std::string_view answer,
                                           uint64_t number) const override {
    simdjson::dom::parser parser;
    simdjson::dom::element root;
    std::string_view code;
    if (parser.parse(answer.data(), answer.size()).get(root) !=
            simdjson::SUCCESS ||
        root["code"].get(code) != simdjson::SUCCESS) {
      return absl::InvalidArgumentError("token: the answer is malformed");
    }
    if (code != kGood) {
      std::string_view why;
      if (root["msg"].get(why) != simdjson::SUCCESS) why = "";
      return absl::UnavailableError(absl::StrCat("token: refused with code ",
                                                 printable_text(code), ": ",
                                                 printable_text(why)));
    }
    std::string_view token;
    std::string_view endpoint;
    if (root["data"]["token"].get(token) != simdjson::SUCCESS ||
        token.empty()) {
      return absl::InvalidArgumentError("token: the answer has none");
    }
    if (!is_plain_word(token)) {
      return absl::InvalidArgumentError("token: the answer's is no token");
    }
    const auto server = root["data"]["instanceServers"].at(0);
    if (server["endpoint"].get(endpoint) != simdjson::SUCCESS ||
        endpoint.empty()) {
      return absl::InvalidArgumentError("token: the answer names no server");
    }
    if (endpoint.find('?') != std::string_view::npos) {
      return absl::InvalidArgumentError(
          "token: the server's endpoint has a query already");
    }
    Admission out;
    out.token = std::string(token);
    out.url = absl::StrCat(to_absl(endpoint), "?token=", query_value(token),
                           "&connectId=", absl::Hex(number));
    uint64_t interval_ms = 0;
    if (server["pingInterval"].get(interval_ms) == simdjson::SUCCESS &&
        interval_ms <= kLongestPingMs) {
      out.ping_interval_ns = interval_ms * kMillisecond;
    }
    return out;
  }

 private:
  std::string request(const char* verb, const std::vector<std::string>& symbols,
                      const SubscriptionOptions&) const override {
    return absl::StrCat("{\"id\":1,\"type\":\"", verb,
                        "\",\"topic\":\"/market/level2:",
                        absl::StrJoin(symbols, ","), "\",\"response\":true}");
  }
};

}  // namespace

const VenueRequests& kucoin_requests() {
  static const KucoinRequests requests;
  return requests;
}

}  // namespace wirebook
