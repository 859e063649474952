// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// Every venue's parser: whatever the bytes, one list that is whole, the same
// from the literal path and from simdjson alone, and nothing read behind them.
// Channels of single orders, too.

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "lob/fixed_point.h"
#include "lob/order_feed.h"
#include "lob/parsed_message.h"
#include "lob/testing/depth_source.h"
#include "lob/testing/order_venue.h"
#include "lob/testing/parser_harness.h"
#include "lob/testing/venue_stream.h"
#include "lob/venue.h"
#include "tools/build_defs/fuzz.h"

namespace {

using namespace wirebook;  // NOLINT

// A frame that begins so is the body of a snapshot of the first instrument.
constexpr char kBodyMark = '#';

void check(const CollectingSink& sink, bool orders) {
  FUZZ_CHECK(sink.out() == 0);
  FUZZ_CHECK(!sink.messages.empty());
  FUZZ_CHECK(sink.tail_was_last);
  bool inside = false;  // of a message in parts
  for (const auto& message : sink.messages) {
    FUZZ_CHECK(message->first_part != inside);
    inside = !message->last_part;
    FUZZ_CHECK(message->bids().size() + message->asks().size() <=
               ParsedMessage::kMaxLevels);
    FUZZ_CHECK(message->order_count <= ParsedMessage::kMaxOrders);
    FUZZ_CHECK(message->order_count == 0 || message->level_count() == 0);
    FUZZ_CHECK(message->price_scale >= 0 && message->price_scale <= kMaxScale);
    FUZZ_CHECK(message->quantity_scale >= 0 &&
               message->quantity_scale <= kMaxScale);
    // Applied whole or not at all.
    FUZZ_CHECK(message->kind != ParsedMessageKind::kMalformed ||
               sink.messages.size() == 1);
    // Of orders the first may be a time (OrderSync::Mark).
    FUZZ_CHECK(orders || !message->has_first_update_id ||
               !message->has_last_update_id ||
               message->first_update_id <= message->last_update_id);
    for (const PriceLevel& level : message->bids()) {
      FUZZ_CHECK(level.price > 0 && level.quantity >= 0);
    }
    for (const PriceLevel& level : message->asks()) {
      FUZZ_CHECK(level.price > 0 && level.quantity >= 0);
    }
  }
  FUZZ_CHECK(!inside);
}

}  // namespace

// The first byte is the venue's number; then its frames, a line each.
std::vector<std::string> fuzz_seeds() {
  std::vector<std::string> seeds;
  for (const VenueTraits& venue : kVenues) {
    const VenueStream stream = venue_stream(venue.id);
    std::string seed(1, static_cast<char>(venue.id));
    for (const std::string& greeting : stream.first_words()) {
      seed += greeting + '\n';
    }
    GeneratedSource source(stream.adapter(), {stream.symbol}, stream.depth, 1,
                           4, {.levels = 6});
    std::string body;
    while (auto sent = source.next()) {
      if (!sent->symbol.empty() && stream.adapter().rest_snapshots()) {
        body = kBodyMark + sent->text;  // once its instrument is there
      } else {
        seed += sent->text + '\n';
      }
    }
    seeds.push_back(seed + body);
  }
  // Behind all venues they come again, with their orders.
  OrderModel model;
  const ModelOrder bid = {1, 9'999, 1'000};
  const ModelOrder ask = {2, 10'001, 2'000};
  model.add(Side::kBid, bid);
  model.add(Side::kAsk, ask);
  OrderModel after = model;
  after.remove(bid.id);
  for (const OrderFeed& feed : kOrderFeeds) {
    const std::unique_ptr<OrderVenue> venue = make_order_venue(feed.venue);
    std::string seed(
        1, static_cast<char>(kVenues.size() + static_cast<size_t>(feed.venue)));
    const auto add = [&seed](const std::vector<std::string>& texts) {
      for (const std::string& text : texts) seed += text + '\n';
    };
    add(venue->begin(model));
    for (const auto what :
         {Happening::kAdd, Happening::kTrade, Happening::kLess,
          Happening::kMove, Happening::kRemove, Happening::kNothing}) {
      if (!venue->can(what)) continue;
      add(venue->tell({what, Side::kBid, bid, {3, 9'998, 500}}, model, after));
    }
    const std::string body = venue->snapshot(model);
    if (!body.empty()) seed += kBodyMark + body;
    seeds.push_back(seed);
  }
  return seeds;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const VenueId venue = kVenues[data[0] % kVenues.size()].id;
  const bool orders =
      data[0] / kVenues.size() % 2 != 0 && find_order_feed(venue) != nullptr;
  ParserUnderTest literal(venue, true, true, orders);
  ParserUnderTest plain(venue, false, true, orders);
  std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  for (int frames = 0; frames < 32 && !rest.empty(); ++frames) {
    const size_t end = std::min(rest.find('\n'), rest.size());
    std::string_view text = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    RawMessageKind kind = RawMessageKind::kText;
    if (text.starts_with(kBodyMark)) {
      kind = RawMessageKind::kHttpBody;
      text.remove_prefix(1);
    }
    literal.parse(text, kind);
    plain.parse(text, kind);
    check(literal.sink, orders);
    if (digest(literal.sink) == digest(plain.sink)) continue;
    std::fprintf(stderr, "literally:\n%son demand:\n%s",
                 as_text(literal.sink).c_str(), as_text(plain.sink).c_str());
    std::abort();
  }
  return 0;
}
