// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// Kraken v2: no ids; a CRC-32 of the ten best levels a side in each message,
// and the client cuts to its depth. What clients say to it is the gateway's.
#include <cstdint>
#include <string>
#include <utility>

#include "tools/exchange_sim/order_channel.h"
#include "tools/exchange_sim/venue_adapter.h"
#include "tools/exchange_sim/wire_format.h"

namespace wirebook::sim {
namespace {

// The one client that gets tokens. The secret is that of the venue's own
// worked example (docs.kraken.com/api/docs/guides/spot-rest-auth).
constexpr char kKey[] = "exchange_sim";
constexpr char kSecret[] =
    "kQH5HW/8p1uGOVjbgWA7FunAmGO8lsSUXNsu3eow76sz84Q18fWxnyRzBHCd3pd5nE9qa99HAZ"
    "tuZuj6F1huXg==";

class Kraken final : public VenueAdapter {
 public:
  std::string_view venue() const override { return "kraken"; }
  Instrument instrument(const std::string& symbol) const override {
    return kraken_instrument(symbol);
  }
  bool serves(std::string_view) const override { return false; }
  bool client_truncates() const override { return true; }

  Answer answer(const std::string&, const Known&, std::int64_t) const override {
    return {};
  }
  std::string snapshot(const BookMessage& message) const override {
    return book("snapshot", message);
  }
  std::vector<std::string> update(const BookMessage& message) const override {
    return {book("update", message)};
  }

  std::string with_bid(std::string text, const Level& bid) const override {
    return with_first(
        std::move(text), "\"bids\":[",
        "{\"price\":" + bid.price + ",\"qty\":" + bid.quantity + '}');
  }
  std::optional<std::string> with_wrong_sum(std::string text) const override {
    return with_other_number(std::move(text), "\"checksum\":");
  }
  const OrderChannel* orders() const override { return &kraken_orders(); }

  std::string_view token_path() const override {
    return "/0/private/GetWebSocketsToken";
  }
  std::string token_refusal(const Post& post,
                            std::uint64_t& last_nonce) const override {
    constexpr std::string_view kNonce = "nonce=";
    const auto refuse = [](const char* why) {
      return std::string("{\"error\":[\"EAPI:Invalid ") + why + "\"]}";
    };
    if (post.api_key != kKey) return refuse("key");
    const std::size_t at = post.content.find(kNonce);
    if (at == std::string::npos) return refuse("nonce");
    const std::size_t begin = at + kNonce.size();
    const std::string nonce =
        post.content.substr(begin, post.content.find('&', begin) - begin);
    if (post.api_sign !=
        kraken_api_sign(kSecret, post.path, nonce, post.content)) {
      return refuse("signature");
    }
    const std::uint64_t number = number_or(nonce, 0);
    if (number <= last_nonce) return refuse("nonce");
    last_nonce = number;
    return {};
  }
  std::string token_answer(const std::string& token,
                           const Post&) const override {
    return "{\"error\":[],\"result\":{\"token\":" + json_string(token) +
           ",\"expires\":900}}";
  }

 private:
  static std::string book(std::string_view type, const BookMessage& message) {
    const auto levels = [](const std::vector<SentLevel>& sent) {
      std::vector<Level> out;
      for (const SentLevel& level : sent) out.push_back(level.level);
      return out;
    };
    return kraken_book(type, message.symbol, levels(message.bids),
                       levels(message.asks), message.book->kraken_checksum(),
                       message.time_ms * 1000);
  }
};

}  // namespace

const VenueAdapter& kraken_adapter() {
  static const Kraken adapter;
  return adapter;
}

}  // namespace wirebook::sim
