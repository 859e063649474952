// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "lob/venues/kraken/kraken_requests.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>
#include <simdjson.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "net/printable_text.h"

namespace wirebook {
namespace {

constexpr char kTokenPath[] = "/0/private/GetWebSocketsToken";

absl::string_view to_absl(std::string_view text) {
  return {text.data(), text.size()};
}

class KrakenRequests final : public VenueRequests {
 public:
  std::string instrument_request() const override {
    return "{\"method\":\"subscribe\",\"params\":{\"channel\":\"instrument\","
           "\"snapshot\":true}}";
  }
  InstrumentFormat instrument_format() const override {
    return {.list = "data.pairs",
            .tick = "price_increment",
            .lot = "qty_increment",
            .status = "status",
            .trading = "online"};
  }

  absl::StatusOr<AdmissionRequest> admission_request(
      const ChannelCredentials* who, uint64_t nonce) const override {
    AdmissionRequest out;
    if (who == nullptr || !who->token.empty()) return out;
    if (who->key.empty() || who->secret.empty()) {
      return absl::InvalidArgumentError(
          "there is neither a token nor a key and its secret");
    }
    out.target = kTokenPath;
    out.content = absl::StrCat("nonce=", nonce);
    const absl::StatusOr<std::string> signature =
        kraken_signature(who->secret, kTokenPath, nonce, out.content);
    if (!signature.ok()) return signature.status();
    out.headers = {absl::StrCat("API-Key: ", who->key),
                   absl::StrCat("API-Sign: ", *signature)};
    return out;
  }
  absl::StatusOr<Admission> read_admission(std::string_view answer,
                                           uint64_t) const override {
    simdjson::dom::parser parser;
    simdjson::dom::element root;
    simdjson::dom::array errors;
    if (parser.parse(answer.data(), answer.size()).get(root) !=
            simdjson::SUCCESS ||
        root["error"].get(errors) != simdjson::SUCCESS) {
      return absl::InvalidArgumentError("token: the answer is malformed");
    }
    if (errors.size() != 0) {
      std::string_view why;
      if (errors.at(0).get(why) != simdjson::SUCCESS) why = "";
      return absl::UnavailableError(
          absl::StrCat("token: refused: ", printable_text(why)));
    }
    std::string_view token;
    if (root["result"]["token"].get(token) != simdjson::SUCCESS ||
        token.empty()) {
      return absl::InvalidArgumentError("token: the answer has none");
    }
    if (!is_plain_word(token)) {
      return absl::InvalidArgumentError("token: the answer's is no token");
    }
    return Admission{.token = std::string(token)};
  }

 private:
  std::string request(const char* verb, const std::vector<std::string>& symbols,
                      const SubscriptionOptions& options) const override {
    const bool subscribes = std::string_view(verb) == "subscribe";
    const bool known = options.orders && options.credentials != nullptr;
    return absl::StrCat(
        "{\"method\":\"", verb, "\",\"params\":{\"channel\":\"",
        options.orders ? "level3" : "book", "\",\"symbol\":[\"",
        absl::StrJoin(symbols, "\",\""), "\"],\"depth\":", options.depth,
        subscribes ? ",\"snapshot\":true" : "", known ? ",\"token\":\"" : "",
        known ? options.credentials->token : "", known ? "\"}}" : "}}");
  }
};

}  // namespace

absl::StatusOr<std::string> kraken_signature(const std::string& secret,
                                             std::string_view path,
                                             uint64_t nonce,
                                             std::string_view content) {
  std::string key;
  if (!absl::Base64Unescape(secret, &key)) {
    return absl::InvalidArgumentError("the secret is not base64");
  }
  const std::string hashed = absl::StrCat(nonce, to_absl(content));
  unsigned char hash[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const unsigned char*>(hashed.data()), hashed.size(),
         hash);
  const std::string text = absl::StrCat(
      to_absl(path),
      absl::string_view(reinterpret_cast<const char*>(hash), sizeof(hash)));
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  if (HMAC(EVP_sha512(), key.data(), static_cast<int>(key.size()),
           reinterpret_cast<const unsigned char*>(text.data()), text.size(),
           digest, &size) == nullptr) {
    return absl::InternalError("HMAC-SHA512 failed");
  }
  return absl::Base64Escape(
      absl::string_view(reinterpret_cast<const char*>(digest), size));
}

const VenueRequests& kraken_requests() {
  static const KrakenRequests requests;
  return requests;
}

}  // namespace wirebook
