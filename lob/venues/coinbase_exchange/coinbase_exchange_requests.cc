// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "lob/venues/coinbase_exchange/coinbase_exchange_requests.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"

namespace wirebook {
namespace {

// The signature of a private channel: HMAC-SHA256 under the decoded secret.
std::string sign(const std::string& secret, const std::string& text) {
  std::string key;
  if (!absl::Base64Unescape(secret, &key)) return {};
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  if (HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
           reinterpret_cast<const unsigned char*>(text.data()), text.size(),
           digest, &size) == nullptr) {
    return {};
  }
  return absl::Base64Escape(
      absl::string_view(reinterpret_cast<const char*>(digest), size));
}

class CoinbaseExchangeRequests final : public VenueRequests {
 public:
  std::string orders_target(std::string_view symbol) const override {
    return absl::StrCat("/products/",
                        absl::string_view(symbol.data(), symbol.size()),
                        "/book?level=3");
  }
  std::string_view snapshot_symbol(std::string_view target) const override {
    const std::string_view rest =
        target_part(target, "/products/", "/products/");
    const size_t end = rest.find('/');
    return rest.substr(end == std::string_view::npos ? 0 : end) ==
                   "/book?level=3"
               ? rest.substr(0, end)
               : std::string_view();
  }

  std::string instrument_target(std::string_view symbol,
                                std::string_view) const override {
    return absl::StrCat("/products/",
                        absl::string_view(symbol.data(), symbol.size()));
  }
  InstrumentFormat instrument_format() const override {
    return {.symbol = "id",
            .tick = "quote_increment",
            .lot = "base_increment",
            .status = "status",
            .trading = "online"};
  }

  // Nothing is asked before a connection; what it will show is looked at.
  absl::StatusOr<AdmissionRequest> admission_request(
      const ChannelCredentials* who, uint64_t) const override {
    if (who == nullptr) return AdmissionRequest();
    if (who->key.empty() || who->passphrase.empty() || who->secret.empty()) {
      return absl::InvalidArgumentError(
          "key, passphrase or secret is missing; the channel wants all three");
    }
    if (sign(who->secret, "").empty()) {
      return absl::InvalidArgumentError("the secret is not base64");
    }
    return AdmissionRequest();
  }

 private:
  std::string request(const char* verb, const std::vector<std::string>& symbols,
                      const SubscriptionOptions& options) const override {
    std::string text = absl::StrCat(
        "{\"type\":\"", verb, "\",\"product_ids\":[\"",
        absl::StrJoin(symbols, "\",\""), "\"],\"channels\":[\"",
        options.orders ? "full" : "level2_batch", "\",\"heartbeat\"",
        options.best_bid_offer ? ",\"ticker\"" : "", "]");
    if (options.orders && options.credentials != nullptr) {
      const ChannelCredentials& who = *options.credentials;
      absl::StrAppend(
          &text, ",\"key\":\"", who.key, "\",\"passphrase\":\"", who.passphrase,
          "\",\"timestamp\":\"", options.unix_seconds, "\",\"signature\":\"",
          sign(who.secret,
               absl::StrCat(options.unix_seconds, "GET/users/self/verify")),
          "\"");
    }
    return text + "}";
  }
};

}  // namespace

const VenueRequests& coinbase_exchange_requests() {
  static const CoinbaseExchangeRequests requests;
  return requests;
}

}  // namespace wirebook
