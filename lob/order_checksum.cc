// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "lob/order_checksum.h"

#include <algorithm>
#include <charconv>
#include <span>

#include "lob/crc32.h"
#include "lob/fixed_point.h"
#include "lob/interleaved_checksum.h"

namespace wirebook {
namespace {

// Calls f(order) for each order of a side, best first, until it says false.
template <class F>
void visit_orders(const L3Book& book, Side side, size_t max_levels, F&& f) {
  PriceLevel levels[kBitfinexChecksumOrders];
  const size_t count = book.top(side, std::span(levels).first(max_levels));
  for (const PriceLevel& level : std::span(levels).first(count)) {
    if (!f(*book.level(side, level.price))) return;
  }
}

struct IdAndQuantity {
  uint64_t id;
  int64_t quantity;
};

// The best orders of a side by price, then id: the smallest ids of each level.
size_t best_by_id(const L3Book& book, Side side,
                  std::span<IdAndQuantity> out) noexcept {
  size_t count = 0;
  visit_orders(
      book, side, kBitfinexChecksumOrders, [&](const LevelQueue& level) {
        const size_t begin = count;
        for (const OrderNode* order = level.first(); order != nullptr;
             order = level.after(*order)) {
          const IdAndQuantity one{order->id, order->quantity};
          auto* const at = std::upper_bound(
              out.data() + begin, out.data() + count, one,
              [](const IdAndQuantity& a, const IdAndQuantity& b) {
                return a.id < b.id;
              });
          if (at == out.data() + out.size()) continue;
          if (count < out.size()) ++count;
          std::move_backward(at, out.data() + count - 1, out.data() + count);
          *at = one;
        }
        return count < out.size();
      });
  return count;
}

}  // namespace

uint32_t kraken_order_checksum(const L3Book& book) noexcept {
  uint32_t sum = 0;
  for (const Side side : {Side::kAsk, Side::kBid}) {
    visit_orders(
        book, side, kKrakenChecksumLevels, [&sum](const LevelQueue& level) {
          char text[2 * kMaxDecimalSize] = {};
          char* const quantity_at =
              std::to_chars(text, text + kMaxDecimalSize, level.total.price)
                  .ptr;
          for (const OrderNode* order = level.first(); order != nullptr;
               order = level.after(*order)) {
            const char* const end =
                std::to_chars(quantity_at, quantity_at + kMaxDecimalSize,
                              order->quantity)
                    .ptr;
            sum = crc32(std::span(text, end), sum);
          }
          return true;
        });
  }
  return sum;
}

uint32_t bitfinex_order_checksum(const L3Book& book,
                                 int quantity_scale) noexcept {
  IdAndQuantity orders[2][kBitfinexChecksumOrders];
  const size_t counts[2] = {best_by_id(book, Side::kBid, orders[0]),
                            best_by_id(book, Side::kAsk, orders[1])};
  char text[2 * kBitfinexChecksumOrders * 2 * (kMaxDecimalSize + 5)];
  size_t size = 0;
  for (size_t i = 0; i < kBitfinexChecksumOrders; ++i) {
    for (const size_t side : {size_t{0}, size_t{1}}) {
      if (i >= counts[side]) continue;
      const IdAndQuantity& order = orders[side][i];
      if (size != 0) text[size++] = ':';
      size = static_cast<size_t>(
          std::to_chars(text + size, text + sizeof text, order.id).ptr - text);
      text[size++] = ':';
      size += format_checksum_amount(
          side == 0 ? order.quantity : -order.quantity, quantity_scale,
          AmountStyle::kJavaScript, text + size);
    }
  }
  return crc32({text, size});
}

}  // namespace wirebook
