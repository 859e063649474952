// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "lob/testing/depth_reader.h"

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

}  // namespace

std::vector<DepthRead> read_depth(VenueId venue, const PlainJson& json) {
  std::vector<DepthRead> out;
  switch (venue) {
    case VenueId::kBinanceSpot:
    case VenueId::kBinanceUsdm:
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
    default:
      break;
  }
  return out;
}

}  // namespace wirebook
