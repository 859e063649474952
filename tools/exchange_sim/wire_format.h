// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// The venues' frames and REST bodies as text: same keys, same order, same
// number formats as on the wire. Pure functions.
#ifndef WIREBOOK_TOOLS_EXCHANGE_SIM_WIRE_FORMAT_H_
#define WIREBOOK_TOOLS_EXCHANGE_SIM_WIRE_FORMAT_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tools/exchange_sim/book.h"
#include "tools/exchange_sim/generator.h"

namespace wirebook::sim {

// The text as a JSON string, quotes included.
std::string json_string(std::string_view text);

// "2026-01-01T00:00:00.000000Z" of microseconds since 1970.
std::string rfc3339(std::int64_t time_us);

std::string lower(std::string_view text);

// ["price","qty"] of the first `limit` levels, best first.
std::string level_pairs(const Levels& levels, std::size_t limit);

// ---- Binance spot --------------------------------------------------------

std::string binance_depth_update(const std::string& symbol,
                                 std::int64_t time_ms, std::uint64_t first_id,
                                 std::uint64_t last_id, const Levels& bids,
                                 const Levels& asks);
std::string binance_book_ticker(const std::string& symbol, std::uint64_t id,
                                const Level& bid, const Level& ask);
std::string binance_trade(const std::string& symbol, std::int64_t time_ms,
                          const Trade& trade);
// {"stream":...,"data":...}, as on /stream.
std::string binance_wrapped(std::string_view stream, std::string_view payload);
std::string binance_snapshot(const Book& book, std::uint64_t last_id,
                             std::size_t limit);
// One element of "symbols" in /api/v3/exchangeInfo.
std::string binance_symbol_info(const Instrument& instrument);
std::string binance_exchange_info(std::int64_t time_ms,
                                  const std::vector<std::string>& symbols);
std::string binance_error(int code, std::string_view message);

// ---- Kraken v2 -----------------------------------------------------------

std::string kraken_status(std::uint64_t connection_id);
// Of the `instrument` channel.
std::string kraken_instruments(const std::vector<Instrument>& instruments);
std::string kraken_heartbeat();
// The header API-Sign of a private request; empty: `secret` is no base64.
// Source: docs.kraken.com/api/docs/guides/spot-rest-auth.
std::string kraken_api_sign(const std::string& secret, const std::string& path,
                            const std::string& nonce,
                            const std::string& content);
// `type` is "snapshot" or "update".
std::string kraken_book(std::string_view type, const std::string& symbol,
                        const std::vector<Level>& bids,
                        const std::vector<Level>& asks, std::uint32_t checksum,
                        std::int64_t time_us);

}  // namespace wirebook::sim

#endif  // WIREBOOK_TOOLS_EXCHANGE_SIM_WIRE_FORMAT_H_
