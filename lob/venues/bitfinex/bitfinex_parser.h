// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// BitfinexParser: aggregated or raw books with checksums, tickers, trades and
// events of Bitfinex, WebSocket API v2.
//
// README.md beside it states the rules and their source. Messages name a
// channel by its number on the connection, which the answer to a subscription
// gave: the parser remembers it.
//
// Thread rules: one thread. Cost: venue_parser_benchmark.

#ifndef WIREBOOK_LOB_VENUES_BITFINEX_BITFINEX_PARSER_H_
#define WIREBOOK_LOB_VENUES_BITFINEX_BITFINEX_PARSER_H_

#include <cstdint>
#include <string_view>
#include <vector>

#include "lob/instrument.h"
#include "lob/venues/frame_builder.h"
#include "lob/venues/json_venue_parser.h"
#include "lob/venues/simdjson_text.h"
#include "simdjson.h"

namespace wirebook {

class BitfinexParser final : public JsonVenueParser {
 public:
  // Channels remembered over all connections; those beyond are passed over,
  // and their books never get Live.
  static constexpr size_t kMaxChannels = 4096;

  BitfinexParser(InstrumentTable& table, const VenueParserOptions& options);

 private:
  enum class ChannelKind : uint8_t { kBook, kTicker, kTrades };
  struct Channel {
    uint64_t id;
    uint32_t instrument;
    uint16_t connection;
    ChannelKind kind;
  };
  // What an object says.
  struct Event {
    KeysSeen seen;
    std::string_view event;
    std::string_view channel;
    std::string_view symbol;
    std::string_view precision;
    std::string_view status;
    uint64_t channel_id = 0;
    uint64_t code = 0;
    uint64_t depth = 0;
    uint64_t platform = 1;  // 0: under maintenance
  };
  // What an array says before its payload is understood.
  struct Update {
    const Channel* channel = nullptr;  // or: none that we know
    unsigned sequence_at = 2;          // the count's place in the array
    bool has_sequence = false;
  };

  bool read_literally(const RawMessage& raw,
                      FrameBuilder& frame) noexcept override;
  ParseVerdict read_json(simdjson::ondemand::document& document,
                         const RawMessage& raw,
                         FrameBuilder& frame) noexcept override;
  ParseVerdict read_event(const Event& event, const RawMessage& raw,
                          FrameBuilder& frame) noexcept;
  bool read_scalars(simdjson::ondemand::object root, Event* event) noexcept;
  ParseVerdict read_update(simdjson::ondemand::array root,
                           const RawMessage& raw, FrameBuilder& frame) noexcept;
  BookReason read_book(simdjson::ondemand::value payload, uint32_t instrument,
                       FrameBuilder& frame) noexcept;
  static BookReason read_order(simdjson::ondemand::array entry, bool update,
                               Scales scales, FrameBuilder& frame) noexcept;
  bool read_checksum(simdjson::ondemand::value value, uint32_t instrument,
                     FrameBuilder& frame) noexcept;
  bool read_ticker(simdjson::ondemand::value payload, uint32_t instrument,
                   FrameBuilder& frame) noexcept;
  bool read_trade(simdjson::ondemand::value payload, uint32_t instrument,
                  FrameBuilder& frame) noexcept;

  const Channel* find_channel(uint64_t id, uint16_t connection) const noexcept;
  void forget(uint16_t connection, const uint64_t* id) noexcept;

  std::vector<Channel> channels_;
};

}  // namespace wirebook

#endif  // WIREBOOK_LOB_VENUES_BITFINEX_BITFINEX_PARSER_H_
