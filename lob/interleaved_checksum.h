// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// The checksum of OKX's kind: CRC-32 over "bid:ask:bid:ask..." of the 25 best
// levels a side, each level as "price:quantity", joined by colons; where one
// side has fewer, the other's go on alone. OKX, OKCoin and Bitget print numbers
// as they send them, without trailing zeros; Bitfinex gives asks a negative
// amount and writes what is below 10^-6 with an exponent, as JavaScript does.
//
// Sources: OKX API guide, "Checksum"; docs.bitfinex.com, "WebSocket checksum".
//
// Thread rules: a free function. Cost: formats up to 50 levels a call, some
// 2 us: for venues that send a sum now and then, or no longer.
//
//   PriceLevel bids[kInterleavedLevels], asks[kInterleavedLevels];
//   ...
//   bool agrees = interleaved_checksum({bids, n}, {asks, m}, 1, 8) == sum;

#ifndef WIREBOOK_LOB_INTERLEAVED_CHECKSUM_H_
#define WIREBOOK_LOB_INTERLEAVED_CHECKSUM_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "lob/price_level.h"

namespace wirebook {

inline constexpr size_t kInterleavedLevels = 25;

enum class AmountStyle : uint8_t {
  kPlain,       // OKX
  kJavaScript,  // Bitfinex: asks negative, 1e-7
};

// Best levels first; those beyond kInterleavedLevels are ignored. Requires
// scales of 0 to kMaxScale.
uint32_t interleaved_checksum(std::span<const PriceLevel> bids,
                              std::span<const PriceLevel> asks, int price_scale,
                              int quantity_scale,
                              AmountStyle style = AmountStyle::kPlain) noexcept;

// The number as the venue prints it; returns its size. `out` takes
// kMaxDecimalSize + 4 bytes. For other checksums of the same venues.
size_t format_checksum_amount(int64_t mantissa, int scale, AmountStyle style,
                              char* out) noexcept;

}  // namespace wirebook

#endif  // WIREBOOK_LOB_INTERLEAVED_CHECKSUM_H_
