// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// A venue's parser: whatever the bytes, one list that is whole, the same from
// the literal path and from simdjson alone, and nothing read behind them. The
// variant is the venue's name, "kraken", or "kraken-orders" for its channel of
// single orders; the seeds are what the simulator says on it.

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>
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
#include "lob/venues/find_venue_requests.h"
#include "tools/build_defs/fuzz.h"
#include "tools/exchange_sim/generator.h"
#include "tools/exchange_sim/order_book.h"
#include "tools/exchange_sim/order_channel.h"
#include "tools/exchange_sim/order_stream.h"
#include "tools/exchange_sim/venue_adapter.h"

namespace {

using namespace wirebook;  // NOLINT

// A frame that begins so is the body of a snapshot of the first instrument.
constexpr char kBodyMark = '#';

constexpr int64_t kTime = 1'767'225'600'000;

struct Subject {
  VenueId venue = VenueId::kBinanceSpot;
  bool orders = false;
};

const Subject& subject() {
  static const Subject kSubject = [] {
    constexpr std::string_view kOrders = "-orders";
    std::string_view name = fuzz_variant();
    const bool orders = name.ends_with(kOrders);
    if (orders) name.remove_suffix(kOrders.size());
    const std::optional<VenueId> venue = find_venue(name);
    if (!venue || (orders && find_order_feed(*venue) == nullptr)) {
      std::fprintf(stderr, "no parser: --variant=%s\n",
                   std::string(fuzz_variant()).c_str());
      std::abort();
    }
    return Subject{*venue, orders};
  }();
  return kSubject;
}

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

std::string lines(const std::vector<std::string>& texts) {
  std::string out;
  for (const std::string& text : texts) out += text + '\n';
  return out;
}

std::string level_seed(const VenueStream& stream) {
  std::string seed = lines(stream.first_words());
  GeneratedSource source(stream.adapter(), {stream.symbol}, stream.depth, 1, 4,
                         {.levels = 20});
  std::string body;
  while (auto sent = source.next()) {
    if (!sent->symbol.empty() && stream.adapter().rest_snapshots()) {
      body = kBodyMark + sent->text;  // once its instrument is there
    } else {
      seed += sent->text + '\n';
    }
  }
  seed += lines(stream.adapter().heartbeats({stream.symbol}, kTime));
  return seed + body;
}

// As the simulator tells it.
std::string simulated_order_seed(const VenueStream& stream) {
  const sim::OrderChannel& channel = *stream.adapter().orders();
  const size_t depth =
      channel.reach() == sim::OrderChannel::Reach::kAll ? 0 : 10;
  std::string seed = lines(
      stream.adapter()
          .answer(
              find_venue_requests(stream.venue)
                  .subscribe({stream.symbol}, {.depth = static_cast<int>(depth),
                                               .orders = true}),
              [](const std::string&) { return true; }, kTime)
          .replies);
  sim::Generator generator(stream.adapter().instrument(stream.symbol), 1, 20);
  sim::OrderBook orders(generator.instrument(), generator.book(), 1);
  sim::OrderStream topic(channel, stream.symbol, depth, orders);
  const std::string snapshot = topic.snapshot(orders, kTime);
  if (!channel.rest_snapshots()) seed += snapshot + '\n';
  for (int i = 0; i < 6; ++i) {
    const std::vector<sim::OrderEvent> events = orders.apply(generator.next());
    seed += lines(topic.update(orders, events, kTime));
  }
  return channel.rest_snapshots() ? seed + kBodyMark + snapshot : seed;
}

// One of each kind of event.
std::string order_seed(VenueId id) {
  OrderModel model;
  const ModelOrder bid = {1, 9'999, 1'000};
  const ModelOrder ask = {2, 10'001, 2'000};
  model.add(Side::kBid, bid);
  model.add(Side::kAsk, ask);
  OrderModel after = model;
  after.remove(bid.id);
  const std::unique_ptr<OrderVenue> venue = make_order_venue(id);
  std::string seed = lines(venue->begin(model));
  for (const auto what :
       {Happening::kAdd, Happening::kTrade, Happening::kLess, Happening::kMove,
        Happening::kRemove, Happening::kNothing}) {
    if (!venue->can(what)) continue;
    seed += lines(
        venue->tell({what, Side::kBid, bid, {3, 9'998, 500}}, model, after));
  }
  const std::string body = venue->snapshot(model);
  return body.empty() ? seed : seed + kBodyMark + body;
}

}  // namespace

// Frames, a line each.
std::vector<std::string> fuzz_seeds() {
  const VenueStream stream = venue_stream(subject().venue);
  if (!subject().orders) return {level_seed(stream)};
  return {order_seed(stream.venue), simulated_order_seed(stream)};
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto [venue, orders] = subject();
  ParserUnderTest literal(venue, true, true, orders);
  ParserUnderTest plain(venue, false, true, orders);
  std::string_view rest(reinterpret_cast<const char*>(data), size);
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
