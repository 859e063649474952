// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
#include "tools/exchange_sim/wire_format.h"

#include <openssl/evp.h>
#include <time.h>

#include <cstdio>
#include <string>

namespace wirebook::sim {
namespace {

std::string quoted(std::string_view text) {
  return '"' + std::string(text) + '"';
}

std::string kraken_levels(const std::vector<Level>& levels) {
  std::string out = "[";
  for (const Level& level : levels) {
    if (out.size() > 1) out += ',';
    out += "{\"price\":" + level.price + ",\"qty\":" + level.quantity + '}';
  }
  return out += ']';
}

// BTCUSDT -> {BTC, USDT}; an unknown quote asset leaves the symbol whole.
std::pair<std::string, std::string> assets_of(const std::string& symbol) {
  for (const std::string_view quote :
       {"USDT", "USDC", "FDUSD", "BTC", "ETH", "BNB", "EUR", "TRY"}) {
    if (symbol.size() > quote.size() &&
        symbol.compare(symbol.size() - quote.size(), quote.size(), quote) ==
            0) {
      return {symbol.substr(0, symbol.size() - quote.size()),
              std::string(quote)};
    }
  }
  return {symbol, ""};
}

}  // namespace

std::string json_string(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      char escaped[8];
      std::snprintf(escaped, sizeof(escaped), "\\u%04x",
                    static_cast<unsigned>(static_cast<unsigned char>(c)));
      out += escaped;
    } else {
      out += c;
    }
  }
  return out += '"';
}

std::string rfc3339(std::int64_t time_us) {
  const time_t seconds = time_us / 1'000'000;
  struct tm fields = {};
  gmtime_r(&seconds, &fields);
  char text[40];
  const std::size_t length =
      strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &fields);
  char micros[16];
  std::snprintf(micros, sizeof(micros), ".%06dZ",
                static_cast<int>(time_us % 1'000'000));
  return std::string(text, length) + micros;
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

std::string level_pairs(const Levels& levels, std::size_t limit) {
  std::string out = "[";
  for (const auto& [price, level] : levels) {
    if (limit-- == 0) break;
    if (out.size() > 1) out += ',';
    out += "[\"" + level.price + "\",\"" + level.quantity + "\"]";
  }
  return out += ']';
}

std::string binance_depth_update(const std::string& symbol,
                                 std::int64_t time_ms, std::uint64_t first_id,
                                 std::uint64_t last_id, const Levels& bids,
                                 const Levels& asks) {
  return "{\"e\":\"depthUpdate\",\"E\":" + std::to_string(time_ms) +
         ",\"s\":" + quoted(symbol) + ",\"U\":" + std::to_string(first_id) +
         ",\"u\":" + std::to_string(last_id) +
         ",\"b\":" + level_pairs(bids, bids.size()) +
         ",\"a\":" + level_pairs(asks, asks.size()) + '}';
}

std::string binance_book_ticker(const std::string& symbol, std::uint64_t id,
                                const Level& bid, const Level& ask) {
  return "{\"u\":" + std::to_string(id) + ",\"s\":" + quoted(symbol) +
         ",\"b\":" + quoted(bid.price) + ",\"B\":" + quoted(bid.quantity) +
         ",\"a\":" + quoted(ask.price) + ",\"A\":" + quoted(ask.quantity) + '}';
}

std::string binance_trade(const std::string& symbol, std::int64_t time_ms,
                          const Trade& trade) {
  const std::string time = std::to_string(time_ms);
  return "{\"e\":\"trade\",\"E\":" + time + ",\"s\":" + quoted(symbol) +
         ",\"t\":" + std::to_string(trade.id) +
         ",\"p\":" + quoted(trade.price) + ",\"q\":" + quoted(trade.quantity) +
         ",\"T\":" + time +
         ",\"m\":" + (trade.buyer_is_maker ? "true" : "false") + ",\"M\":true}";
}

std::string binance_wrapped(std::string_view stream, std::string_view payload) {
  return "{\"stream\":" + quoted(stream) + ",\"data\":" + std::string(payload) +
         '}';
}

std::string binance_snapshot(const Book& book, std::uint64_t last_id,
                             std::size_t limit) {
  return "{\"lastUpdateId\":" + std::to_string(last_id) +
         ",\"bids\":" + level_pairs(book.levels(Side::kBid), limit) +
         ",\"asks\":" + level_pairs(book.levels(Side::kAsk), limit) + '}';
}

std::string binance_symbol_info(const Instrument& instrument) {
  const auto [base, quote] = assets_of(instrument.symbol);
  return "{\"symbol\":" + quoted(instrument.symbol) +
         ",\"status\":\"TRADING\",\"baseAsset\":" + quoted(base) +
         ",\"baseAssetPrecision\":8,\"quoteAsset\":" + quoted(quote) +
         ",\"quotePrecision\":8,\"quoteAssetPrecision\":8,\"filters\":["
         "{\"filterType\":\"PRICE_FILTER\",\"tickSize\":" +
         quoted(format_decimal(instrument.tick, instrument.price_places)) +
         "},{\"filterType\":\"LOT_SIZE\",\"stepSize\":" +
         quoted(format_decimal(instrument.step, instrument.quantity_places)) +
         "}]}";
}

std::string binance_exchange_info(std::int64_t time_ms,
                                  const std::vector<std::string>& symbols) {
  std::string out =
      "{\"timezone\":\"UTC\",\"serverTime\":" + std::to_string(time_ms) +
      ",\"rateLimits\":[],\"exchangeFilters\":[],\"symbols\":[";
  for (std::size_t i = 0; i < symbols.size(); ++i) {
    if (i > 0) out += ',';
    out += symbols[i];
  }
  return out += "]}";
}

std::string binance_error(int code, std::string_view message) {
  return "{\"code\":" + std::to_string(code) +
         ",\"msg\":" + json_string(message) + '}';
}

std::string kraken_status(std::uint64_t connection_id) {
  return "{\"channel\":\"status\",\"type\":\"update\",\"data\":[{\"version\":"
         "\"2.0.10\",\"system\":\"online\",\"api_version\":\"v2\","
         "\"connection_id\":" +
         std::to_string(connection_id) + "}]}";
}

std::string kraken_instruments(const std::vector<Instrument>& instruments) {
  std::string pairs;
  for (const Instrument& instrument : instruments) {
    pairs += (pairs.empty() ? "{\"symbol\":" : ",{\"symbol\":") +
             quoted(instrument.symbol) +
             ",\"status\":\"online\",\"qty_precision\":" +
             std::to_string(instrument.quantity_places) +
             ",\"qty_increment\":" +
             format_decimal(instrument.step, instrument.quantity_places) +
             ",\"price_precision\":" + std::to_string(instrument.price_places) +
             ",\"price_increment\":" +
             format_decimal(instrument.tick, instrument.price_places) + '}';
  }
  return "{\"channel\":\"instrument\",\"type\":\"snapshot\",\"data\":{"
         "\"assets\":[],\"pairs\":[" +
         pairs + "]}}";
}

std::string kraken_api_sign(const std::string& secret, const std::string& path,
                            const std::string& nonce,
                            const std::string& content) {
  const auto bytes = [](const std::string& text) {
    return reinterpret_cast<const unsigned char*>(text.data());
  };
  std::string key(secret.size(), '\0');
  const int decoded =
      EVP_DecodeBlock(reinterpret_cast<unsigned char*>(key.data()),
                      bytes(secret), static_cast<int>(secret.size()));
  if (decoded < 0) return {};
  key.resize(static_cast<std::size_t>(decoded));
  // It fills up with zeros where the text does with =.
  for (auto at = secret.rbegin(); at != secret.rend() && *at == '='; ++at) {
    key.pop_back();
  }
  const std::string hashed = nonce + content;
  unsigned char hash[32];
  unsigned char code[64];
  EVP_Digest(hashed.data(), hashed.size(), hash, nullptr, EVP_sha256(),
             nullptr);
  const std::string text =
      path + std::string(reinterpret_cast<const char*>(hash), sizeof(hash));
  std::size_t size = 0;
  EVP_Q_mac(nullptr, "HMAC", nullptr, "SHA512", nullptr, key.data(), key.size(),
            bytes(text), text.size(), code, sizeof(code), &size);
  unsigned char out[4 * sizeof(code) / 3 + 4];
  const int length = EVP_EncodeBlock(out, code, static_cast<int>(size));
  return {reinterpret_cast<const char*>(out), static_cast<std::size_t>(length)};
}

std::string kraken_heartbeat() { return "{\"channel\":\"heartbeat\"}"; }

std::string kraken_book(std::string_view type, const std::string& symbol,
                        const std::vector<Level>& bids,
                        const std::vector<Level>& asks, std::uint32_t checksum,
                        std::int64_t time_us) {
  return "{\"channel\":\"book\",\"type\":" + quoted(type) +
         ",\"data\":[{\"symbol\":" + quoted(symbol) +
         ",\"bids\":" + kraken_levels(bids) +
         ",\"asks\":" + kraken_levels(asks) +
         ",\"checksum\":" + std::to_string(checksum) +
         ",\"timestamp\":" + quoted(rfc3339(time_us)) + "}]}";
}

}  // namespace wirebook::sim
