// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "lob/venues/bitstamp/bitstamp_requests.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace wirebook {
namespace {

constexpr char kPath[] = "/api/v2/order_book/";

std::string request(const char* event,
                    const std::vector<std::string>& symbols) {
  return absl::StrCat("{\"event\":\"", event,
                      "\",\"data\":{\"channel\":\"diff_order_book_",
                      symbols.front(), "\"}}");
}

}  // namespace

std::string BitstampRequests::subscribe(const std::vector<std::string>& symbols,
                                        const SubscriptionOptions&) const {
  return request("bts:subscribe", symbols);
}

std::string BitstampRequests::unsubscribe(
    const std::vector<std::string>& symbols, const SubscriptionOptions&) const {
  return request("bts:unsubscribe", symbols);
}

std::string BitstampRequests::snapshot_target(std::string_view symbol,
                                              int) const {
  return absl::StrCat(kPath, absl::string_view(symbol.data(), symbol.size()));
}

std::string_view BitstampRequests::snapshot_symbol(
    std::string_view target) const {
  const std::string_view rest = target_part(target, kPath, kPath);
  return rest.substr(0, rest.find_first_of("/?"));
}

KeepAlive BitstampRequests::keep_alive() const {
  return {.text = "{\"event\":\"bts:heartbeat\"}",
          .interval_ns = 20'000'000'000};
}

}  // namespace wirebook
