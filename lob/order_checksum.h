// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// Checksums that venues give of books of orders: CRC-32 of a text.
//
// Kraken, level3: the orders of the ten best asks, then of the ten best bids,
// by price and place in the queue, each as limit_price then order_qty without
// point and leading zeros; it proves the queues' order, too. The book must be
// at the precision of the venue's text: trailing zeros count.
// Bitfinex, R0: "id:amount" of the 25 best orders a side, bid and ask in turn,
// joined by colons; an ask's amount is negative; orders of one price by id.
//
// Sources: docs.kraken.com, "Spot Websockets (v2) Level3 Checksum";
// docs.bitfinex.com, "WebSocket Checksum", and the sample code it leads to.
//
// Thread rules: free functions. Cost: formats every order that it covers.
//
//   if (kraken_order_checksum(book) != message.checksum) resubscribe();

#ifndef WIREBOOK_LOB_ORDER_CHECKSUM_H_
#define WIREBOOK_LOB_ORDER_CHECKSUM_H_

#include <cstddef>
#include <cstdint>

#include "lob/l3_book.h"

namespace wirebook {

inline constexpr size_t kKrakenChecksumLevels = 10;
inline constexpr size_t kBitfinexChecksumOrders = 25;

uint32_t kraken_order_checksum(const L3Book& book) noexcept;

// The book's ids are the venue's.
uint32_t bitfinex_order_checksum(const L3Book& book,
                                 int quantity_scale) noexcept;

}  // namespace wirebook

#endif  // WIREBOOK_LOB_ORDER_CHECKSUM_H_
