// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
#include "tools/exchange_sim/venue_adapter.h"

#include <algorithm>
#include <charconv>

#include "tools/exchange_sim/wire_format.h"

namespace wirebook::sim {

const std::vector<const VenueAdapter*>& all_adapters() {
  static const std::vector<const VenueAdapter*> adapters = {
      &binance_spot_adapter(),
      &binance_usdm_adapter(),
      &binance_coinm_adapter(),
      &kraken_adapter(),
      &bybit_adapter(),
      &okx_adapter(),
      &deribit_adapter(),
      &coinbase_advanced_adapter(),
      &coinbase_exchange_adapter(),
      &bitfinex_adapter(),
      &bitstamp_adapter(),
      &gemini_adapter(),
      &gate_adapter(),
      &gate_futures_adapter(),
      &kucoin_adapter(),
  };
  return adapters;
}

const VenueAdapter* find_adapter(std::string_view venue) {
  for (const VenueAdapter* adapter : all_adapters()) {
    if (adapter->venue() == venue) return adapter;
  }
  return nullptr;
}

Instrument plain_instrument(const std::string& symbol, int price_places,
                            int quantity_places) {
  // The generator tells symbols apart; the price only has to be likely.
  std::int64_t start = 618'376;
  for (int i = 1; i < price_places; ++i) start *= 10;
  std::int64_t typical = 2;
  for (int i = 0; i < quantity_places; ++i) typical *= 10;
  return {.symbol = symbol,
          .price_places = price_places,
          .tick = 1,
          .quantity_places = quantity_places,
          .step = 1,
          .start_ticks = start,
          .typical_steps = typical};
}

std::string quoted_pairs(const std::vector<SentLevel>& levels) {
  std::string out = "[";
  for (const SentLevel& sent : levels) {
    if (out.size() > 1) out += ',';
    out += "[\"" + sent.level.price + "\",\"" + sent.level.quantity + "\"]";
  }
  return out += ']';
}

std::string buy_change(const Level& bid) {
  return "[\"buy\",\"" + bid.price + "\",\"" + bid.quantity + "\"]";
}

std::string sided_changes(const BookMessage& message) {
  std::string out = "[";
  for (const SentLevel& sent : message.bids) {
    if (out.size() > 1) out += ',';
    out += buy_change(sent.level);
  }
  for (const SentLevel& sent : message.asks) {
    if (out.size() > 1) out += ',';
    out += "[\"sell\",\"" + sent.level.price + "\",\"" + sent.level.quantity +
           "\"]";
  }
  return out += ']';
}

std::string without_zeros(const std::string& number) {
  if (number.find('.') == std::string::npos) return number;
  std::string out = number.substr(0, number.find_last_not_of('0') + 1);
  if (out.back() == '.') out.pop_back();
  return out;
}

std::size_t number_or(std::string_view text, std::size_t fallback) {
  std::size_t value = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() ? value
                                                                  : fallback;
}

std::string value_of(const Query& query, const std::string& key) {
  const auto found = query.find(key);
  return found == query.end() ? std::string() : found->second;
}

std::string with_first(std::string text, std::string_view opening,
                       const std::string& level) {
  std::size_t at = text.find(opening);
  if (at == std::string::npos) return text;
  at += opening.size();
  const bool only = at < text.size() && text[at] == ']';
  text.insert(at, only ? level : level + ',');
  return text;
}

std::optional<std::string> with_other_number(std::string text,
                                             std::string_view key) {
  std::size_t at = text.find(key);
  if (at == std::string::npos) return std::nullopt;
  at += key.size();
  if (text[at] == '-') ++at;
  if (text[at] < '1' || text[at] > '9') return std::nullopt;
  // The last digit: it stays within 32 bits, with a sign or without, and no 0.
  const std::size_t end = text.find_first_not_of("0123456789", at);
  char& last = text[std::min(end, text.size()) - 1];
  last = static_cast<char>(last < '2' ? last + 1 : last - 1);
  return text;
}

}  // namespace wirebook::sim
