// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// Kraken v2: no ids; a CRC-32 of the ten best levels a side in each message,
// and the client cuts to its depth. What clients say to it is the gateway's.
#include <string>
#include <utility>

#include "tools/exchange_sim/order_channel.h"
#include "tools/exchange_sim/venue_adapter.h"
#include "tools/exchange_sim/wire_format.h"

namespace wirebook::sim {
namespace {

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
