// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// OkxParser: order books, best bid and offer, trades and answers of OKX, API
// v5.
//
// README.md beside it states the rules and their source.
//
// Thread rules: one thread. Cost: venue_parser_benchmark.

#ifndef WIREBOOK_LOB_VENUES_OKX_OKX_PARSER_H_
#define WIREBOOK_LOB_VENUES_OKX_OKX_PARSER_H_

#include <cstdint>
#include <string_view>

#include "lob/instrument.h"
#include "lob/venues/frame_builder.h"
#include "lob/venues/json_venue_parser.h"
#include "lob/venues/simdjson_text.h"
#include "simdjson.h"

namespace wirebook {

class OkxParser final : public JsonVenueParser {
 public:
  OkxParser(InstrumentTable& table, const VenueParserOptions& options)
      : JsonVenueParser(table, VenueId::kOkx, options) {}

 private:
  // What the outermost object says.
  struct Envelope {
    KeysSeen seen;
    std::string_view event;
    std::string_view action;
    std::string_view channel;
    std::string_view symbol;
    bool books_read = false;  // "data", if it is books
    ParseVerdict books{};     // what became of it

    bool has_books() const noexcept {
      return channel == "books" || channel == "bbo-tbt";
    }
  };
  // What one element of a book's "data" says beside its levels.
  struct Book {
    KeysSeen seen;
    int64_t id = 0;
    int64_t previous_id = 0;
    int64_t checksum = 0;
    uint64_t time_ms = 0;
  };

  bool read_literally(const RawMessage& raw,
                      FrameBuilder& frame) noexcept override;
  ParseVerdict read_json(simdjson::ondemand::document& document,
                         const RawMessage& raw,
                         FrameBuilder& frame) noexcept override;
  bool read_envelope(simdjson::ondemand::object root, const RawMessage& raw,
                     FrameBuilder& frame, Envelope* envelope) noexcept;
  ParseVerdict read_event(const Envelope& envelope, const RawMessage& raw,
                          FrameBuilder& frame) noexcept;
  void read_books(simdjson::ondemand::value data, const RawMessage& raw,
                  FrameBuilder& frame, Envelope* envelope) noexcept;
  ParseVerdict read_book(simdjson::ondemand::object data,
                         ParsedMessageKind kind, ParseVerdict verdict,
                         FrameBuilder& frame) noexcept;
  BookReason read_fields_of(simdjson::ondemand::object data,
                            const ParsedMessage* message, FrameBuilder& frame,
                            Book* book) noexcept;
  ParseVerdict read_trades(simdjson::ondemand::object root,
                           const Envelope& envelope, const RawMessage& raw,
                           FrameBuilder& frame) noexcept;
  bool read_trade(simdjson::ondemand::object fields, uint32_t instrument,
                  FrameBuilder& frame) noexcept;
};

}  // namespace wirebook

#endif  // WIREBOOK_LOB_VENUES_OKX_OKX_PARSER_H_
