// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "lob/testing/depth_reader.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

namespace wirebook {
namespace {

uint64_t number(const PlainJson& json) {
  return std::strtoull(json.text.c_str(), nullptr, 10);
}

// [[price, quantity, ...], ...]; Deribit has a word before them.
void add_arrays(const PlainJson& levels, Side side, size_t first,
                DepthRead* out) {
  for (const PlainJson& level : levels.items) {
    out->levels.push_back({side, level[first].text, level[first + 1].text});
  }
}

// [{price_key: ..., quantity_key: ...}, ...]
void add_objects(const PlainJson& levels, Side side, const char* price_key,
                 const char* quantity_key, DepthRead* out) {
  for (const PlainJson& level : levels.items) {
    out->levels.push_back(
        {side, level[price_key].text, level[quantity_key].text});
  }
}

void read_binance(const PlainJson& json, std::vector<DepthRead>* out) {
  const PlainJson& data = json.has("data") ? json["data"] : json;
  DepthRead depth;
  if (data.has("lastUpdateId") && data.has("bids")) {
    if (&data != &json) return;  // a partial depth stream
    depth.snapshot = depth.http_body = true;
    depth.id = number(data["lastUpdateId"]);
    add_arrays(data["bids"], Side::kBid, 0, &depth);
    add_arrays(data["asks"], Side::kAsk, 0, &depth);
  } else if (data["e"].text == "depthUpdate") {
    depth.symbol = data["s"].text;
    depth.id = number(data["u"]);
    depth.ids = data["U"].text + ' ' + data["u"].text + ' ' + data["pu"].text;
    add_arrays(data["b"], Side::kBid, 0, &depth);
    add_arrays(data["a"], Side::kAsk, 0, &depth);
  } else {
    return;
  }
  out->push_back(std::move(depth));
}

void read_kraken(const PlainJson& json, std::vector<DepthRead>* out) {
  if (json["channel"].text != "book") return;
  for (const PlainJson& data : json["data"].items) {
    DepthRead depth;
    depth.symbol = data["symbol"].text;
    depth.snapshot = json["type"].text == "snapshot";
    depth.sum = data["checksum"].text;
    add_objects(data["bids"], Side::kBid, "price", "qty", &depth);
    add_objects(data["asks"], Side::kAsk, "price", "qty", &depth);
    out->push_back(std::move(depth));
  }
}

void read_bybit(const PlainJson& json, std::vector<DepthRead>* out) {
  const std::string& topic = json["topic"].text;
  if (topic.rfind("orderbook.", 0) != 0 ||
      topic.rfind("orderbook.1.", 0) == 0) {
    return;
  }
  const PlainJson& data = json["data"];
  DepthRead depth;
  depth.symbol = data["s"].text;
  depth.id = number(data["u"]);
  depth.ids = data["u"].text;
  depth.snapshot = json["type"].text == "snapshot" || depth.id == 1;
  add_arrays(data["b"], Side::kBid, 0, &depth);
  add_arrays(data["a"], Side::kAsk, 0, &depth);
  out->push_back(std::move(depth));
}

void read_okx(const PlainJson& json, std::vector<DepthRead>* out) {
  if (json["arg"]["channel"].text != "books") return;
  for (const PlainJson& data : json["data"].items) {
    DepthRead depth;
    depth.symbol = json["arg"]["instId"].text;
    depth.snapshot = json["action"].text == "snapshot";
    depth.sum = data["checksum"].text;
    depth.id = number(data["seqId"]);
    depth.ids = data["seqId"].text + ' ' + data["prevSeqId"].text;
    add_arrays(data["bids"], Side::kBid, 0, &depth);
    add_arrays(data["asks"], Side::kAsk, 0, &depth);
    out->push_back(std::move(depth));
  }
}

void read_deribit(const PlainJson& json, std::vector<DepthRead>* out) {
  const PlainJson& data = json["params"]["data"];
  if (json["params"]["channel"].text.rfind("book.", 0) != 0) return;
  DepthRead depth;
  depth.symbol = data["instrument_name"].text;
  depth.snapshot = data["type"].text == "snapshot";
  depth.id = number(data["change_id"]);
  depth.ids = data["change_id"].text + ' ' + data["prev_change_id"].text;
  add_arrays(data["bids"], Side::kBid, 1, &depth);
  add_arrays(data["asks"], Side::kAsk, 1, &depth);
  out->push_back(std::move(depth));
}

void read_coinbase_advanced(const PlainJson& json,
                            std::vector<DepthRead>* out) {
  if (json["channel"].text != "l2_data") return;
  for (const PlainJson& event : json["events"].items) {
    DepthRead depth;
    depth.symbol = event["product_id"].text;
    depth.snapshot = event["type"].text == "snapshot";
    depth.ids = json["sequence_num"].text;
    for (const PlainJson& level : event["updates"].items) {
      depth.levels.push_back(
          {level["side"].text == "bid" ? Side::kBid : Side::kAsk,
           level["price_level"].text, level["new_quantity"].text});
    }
    out->push_back(std::move(depth));
  }
}

// [[side, price, quantity], ...]
void add_changes(const PlainJson& changes, DepthRead* out) {
  for (const PlainJson& change : changes.items) {
    out->levels.push_back({change[0].text == "buy" ? Side::kBid : Side::kAsk,
                           change[1].text, change[2].text});
  }
}

void read_coinbase_exchange(const PlainJson& json,
                            std::vector<DepthRead>* out) {
  const std::string& type = json["type"].text;
  if (type != "snapshot" && type != "l2update") return;
  DepthRead depth;
  depth.symbol = json["product_id"].text;
  depth.snapshot = type == "snapshot";
  add_arrays(json["bids"], Side::kBid, 0, &depth);
  add_arrays(json["asks"], Side::kAsk, 0, &depth);
  add_changes(json["changes"], &depth);
  out->push_back(std::move(depth));
}

void read_gemini(const PlainJson& json, std::vector<DepthRead>* out) {
  if (json["type"].text != "l2_updates") return;
  DepthRead depth;
  depth.symbol = json["symbol"].text;
  depth.snapshot = json.has("trades") || json.has("auction_events");
  add_changes(json["changes"], &depth);
  out->push_back(std::move(depth));
}

// As of {ids, bids, asks}, in a body or in an update.
void add_book(const PlainJson& data, const char* bids, const char* asks,
              DepthRead* out) {
  add_arrays(data[bids], Side::kBid, 0, out);
  add_arrays(data[asks], Side::kAsk, 0, out);
}

void read_bitstamp(const PlainJson& json, std::vector<DepthRead>* out) {
  constexpr std::string_view kDiffs = "diff_order_book_";
  const std::string& channel = json["channel"].text;
  DepthRead depth;
  depth.http_body = depth.snapshot = json.has("microtimestamp");
  if (!depth.http_body &&
      (json["event"].text != "data" || channel.rfind(kDiffs, 0) != 0)) {
    return;
  }
  const PlainJson& data = depth.http_body ? json : json["data"];
  if (!depth.http_body) depth.symbol = channel.substr(kDiffs.size());
  depth.ids = data["microtimestamp"].text;
  depth.id = number(data["microtimestamp"]);
  add_book(data, "bids", "asks", &depth);
  out->push_back(std::move(depth));
}

void read_gate(const PlainJson& json, bool futures,
               std::vector<DepthRead>* out) {
  DepthRead depth;
  depth.http_body = depth.snapshot = json.has("id") && json.has("bids");
  const std::string channel =
      futures ? "futures.order_book_update" : "spot.order_book_update";
  if (!depth.http_body &&
      (json["event"].text != "update" || json["channel"].text != channel)) {
    return;
  }
  const PlainJson& data = depth.http_body ? json : json["result"];
  const char* const bids = depth.http_body ? "bids" : "b";
  const char* const asks = depth.http_body ? "asks" : "a";
  depth.symbol = data["s"].text;
  depth.id = number(data[depth.http_body ? "id" : "u"]);
  depth.ids = data["U"].text + ' ' + data["u"].text;
  if (futures) {
    add_objects(data[bids], Side::kBid, "p", "s", &depth);
    add_objects(data[asks], Side::kAsk, "p", "s", &depth);
  } else {
    add_book(data, bids, asks, &depth);
  }
  out->push_back(std::move(depth));
}

void read_kucoin(const PlainJson& json, std::vector<DepthRead>* out) {
  const PlainJson& data = json["data"];
  DepthRead depth;
  depth.http_body = depth.snapshot = data.has("sequence");
  if (!depth.http_body && json["subject"].text != "trade.l2update") return;
  depth.symbol = data["symbol"].text;
  depth.id = number(data[depth.http_body ? "sequence" : "sequenceEnd"]);
  depth.ids = data["sequenceStart"].text + ' ' + data["sequenceEnd"].text;
  add_book(depth.http_body ? data : data["changes"], "bids", "asks", &depth);
  out->push_back(std::move(depth));
}

// 1.2e-7 as 0.00000012.
std::string without_exponent(const std::string& text) {
  const size_t at = text.find("e-");
  if (at == std::string::npos) return text;
  std::string digits = text.substr(0, at);
  std::erase(digits, '.');
  const size_t places = std::strtoul(text.c_str() + at + 2, nullptr, 10);
  constexpr size_t kMost = 99;
  return "0." + std::string(std::clamp<size_t>(places, 1, kMost) - 1, '0') +
         digits;
}

// [price, count, amount]
void add_bitfinex(const PlainJson& entry, DepthRead* out) {
  std::string amount = entry[2].text;
  const bool ask = amount.rfind('-', 0) == 0;
  if (ask) amount.erase(0, 1);
  out->levels.push_back(
      {ask ? Side::kAsk : Side::kBid, without_exponent(entry[0].text),
       number(entry[1]) == 0 ? "0" : without_exponent(amount)});
}

// The symbol is the channel's number.
void read_bitfinex(const PlainJson& json, std::vector<DepthRead>* out) {
  if (json.kind != PlainJson::Kind::kArray || json.items.size() < 3) return;
  DepthRead depth;
  depth.symbol = json[0].text;
  depth.ids = json.items.back().text;
  const PlainJson& payload = json[1];
  if (payload.text == "cs") {
    depth.sum = json[2].text;
  } else if (payload.kind != PlainJson::Kind::kArray) {
    return;
  } else if (payload[0].kind == PlainJson::Kind::kArray) {
    depth.snapshot = true;
    for (const PlainJson& entry : payload.items) add_bitfinex(entry, &depth);
  } else {
    add_bitfinex(payload, &depth);
  }
  out->push_back(std::move(depth));
}

}  // namespace

std::vector<DepthRead> read_depth(VenueId venue, const PlainJson& json) {
  std::vector<DepthRead> out;
  switch (venue) {
    case VenueId::kBinanceSpot:
    case VenueId::kBinanceUsdm:
    case VenueId::kBinanceCoinm:
      read_binance(json, &out);
      break;
    case VenueId::kKraken:
      read_kraken(json, &out);
      break;
    case VenueId::kBybit:
      read_bybit(json, &out);
      break;
    case VenueId::kOkx:
      read_okx(json, &out);
      break;
    case VenueId::kDeribit:
      read_deribit(json, &out);
      break;
    case VenueId::kCoinbaseAdvanced:
      read_coinbase_advanced(json, &out);
      break;
    case VenueId::kCoinbaseExchange:
      read_coinbase_exchange(json, &out);
      break;
    case VenueId::kBitfinex:
      read_bitfinex(json, &out);
      break;
    case VenueId::kBitstamp:
      read_bitstamp(json, &out);
      break;
    case VenueId::kGemini:
      read_gemini(json, &out);
      break;
    case VenueId::kGate:
    case VenueId::kGateFutures:
      read_gate(json, venue == VenueId::kGateFutures, &out);
      break;
    case VenueId::kKucoin:
      read_kucoin(json, &out);
      break;
    default:
      break;
  }
  return out;
}

}  // namespace wirebook
