// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// Any bytes as a BinaryFILE and as a pcap: nothing is read beyond them, and a
// book's levels are the sums of their orders.
#include <string>
#include <vector>

#include "lob/itch/itch_feed.h"
#include "lob/itch/itch_generator.h"
#include "tools/build_defs/fuzz.h"

namespace wirebook {
namespace {

constexpr ItchBooksOptions kSmall = {
    .book = {.orders = 16, .window_ticks = 0, .overflow_levels = 1},
    .max_books = 16};

void check(const ItchBooks& books) {
  books.for_each([&](uint16_t locate) {
    const L3Book* book = books.view(locate).book;
    if (book == nullptr) return;
    size_t orders = 0;
    for (const Side side : {Side::kBid, Side::kAsk}) {
      book->for_each_level(side, [&](const LevelQueue& level) {
        int64_t sum = 0;
        for (const OrderNode* order = level.first(); order != nullptr;
             order = level.after(*order)) {
          sum += order->quantity;
          ++orders;
        }
        FUZZ_CHECK(sum == level.total.quantity);
      });
    }
    FUZZ_CHECK(orders == book->orders());
  });
}

}  // namespace
}  // namespace wirebook

std::vector<std::string> fuzz_seeds() {
  const wirebook::ItchDay day = wirebook::make_itch_day(1, 2, 60);
  return {wirebook::itch_binary_file(day.messages),
          wirebook::itch_pcap(wirebook::itch_packets(day.messages, 1))};
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static wirebook::TradingObjectPools pools({.orders = 64, .trades = 64});
  const auto bytes = std::as_bytes(std::span(data, size));
  {
    wirebook::ItchBooks books(pools, wirebook::kSmall);
    wirebook::read_itch_messages(bytes, books);
    wirebook::check(books);
  }
  wirebook::ItchBooks books(pools, wirebook::kSmall);
  (void)wirebook::read_itch_pcap(bytes, books);
  wirebook::check(books);
  FUZZ_CHECK(pools.order_nodes().stats().in_use <= size);
  return 0;
}
