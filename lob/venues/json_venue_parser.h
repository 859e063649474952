// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// JsonVenueParser: what the parsers of venues that speak JSON share: a literal
// path if there is one, else simdjson, and one malformed message for whatever
// neither understands.
//
// Derive a venue's parser from it (ADDING.md). read_json fills the frame and
// says kNone, or names the fault and, where it is known, whom it concerns.
//
// Thread rules: as VenueParser. Cost: one virtual call a message.
//
//   class GateParser final : public JsonVenueParser {
//     ParseVerdict read_json(simdjson::ondemand::document& document,
//                            const RawMessage& raw,
//                            FrameBuilder& frame) noexcept override;
//   };

#ifndef WIREBOOK_LOB_VENUES_JSON_VENUE_PARSER_H_
#define WIREBOOK_LOB_VENUES_JSON_VENUE_PARSER_H_

#include <cstdint>
#include <string_view>

#include "lob/book_state.h"
#include "lob/fixed_point.h"
#include "lob/instrument.h"
#include "lob/venues/frame_builder.h"
#include "lob/venues/instrument_resolver.h"
#include "lob/venues/simdjson_text.h"
#include "lob/venues/text_scanner.h"
#include "lob/venues/venue_parser.h"
#include "simdjson.h"

namespace wirebook {

// How far a parse came, and why it stopped.
struct ParseVerdict {
  BookReason fault = BookReason::kNone;  // kNone: all is well
  uint32_t instrument = kNoInstrument;   // whom a fault concerns, if known
  bool concerns_book = true;
};

inline constexpr ParseVerdict kMalformedVerdict{
    .fault = BookReason::kMalformedMessage};
// Of a message that is not depth.
inline constexpr ParseVerdict kMalformedAside{
    .fault = BookReason::kMalformedMessage, .concerns_book = false};

// What is larger is no update id: a book must not wait for its successor.
inline constexpr uint64_t kMaxUpdateId = (uint64_t{1} << 63) - 1;

constexpr BookReason reason_of(DecimalError error) noexcept {
  switch (error) {
    case DecimalError::kOk:
      return BookReason::kNone;
    case DecimalError::kSyntax:
      return BookReason::kMalformedMessage;
    case DecimalError::kTooManyDecimals:
      return BookReason::kScaleChanged;
    case DecimalError::kOverflow:
      break;
  }
  return BookReason::kNumberOverflow;
}

// Nanoseconds since 1970 of a stamp in units of `unit_ns`; 0, not said, from
// the year 2255 on.
constexpr int64_t to_unix_ns(uint64_t stamp, int64_t unit_ns) noexcept {
  constexpr int64_t kLast = 9'000'000'000'000'000'000;
  return stamp > static_cast<uint64_t>(kLast / unit_ns)
             ? 0
             : static_cast<int64_t>(stamp) * unit_ns;
}
inline constexpr int64_t kMillisecondNs = 1'000'000;

// A trade whose symbol, and so its scales, may stand behind its numbers.
struct TradeText {
  std::string_view price{};
  std::string_view quantity{};
  Side aggressor = Side::kBid;
  int64_t time_ns = 0;
  bool has_id = false;
  uint64_t id = 0;
};

// A venue's own best bid and offer; what it leaves open is empty.
struct TouchText {
  std::string_view bid{};
  std::string_view bid_quantity{};
  std::string_view ask{};
  std::string_view ask_quantity{};
};

// The side of which a venue's word is; false where it is neither.
constexpr bool parse_side(std::string_view word, std::string_view bid,
                          std::string_view ask, Side* side) noexcept {
  *side = word == bid ? Side::kBid : Side::kAsk;
  return word == bid || word == ask;
}
inline bool json_side(simdjson::ondemand::value value, std::string_view bid,
                      std::string_view ask, Side* side) noexcept {
  std::string_view word;
  return json_string(value, &word) && parse_side(word, bid, ask, side);
}

// A level whose price is zero: no venue has orders there.
enum class ZeroPrice : uint8_t { kMalformed, kPassedOver };

// `value` is [[price, quantity, ...], ...]; what follows the two is passed
// over. kNone, or why it is no such array.
BookReason read_level_pairs(simdjson::ondemand::value value, Side side,
                            Scales scales, NumberStyle style,
                            FrameBuilder& frame,
                            ZeroPrice zero = ZeroPrice::kMalformed) noexcept;

// The levels of both sides of `book`, where `names` says: the keys of the bids
// and of the asks.
BookReason read_sides(simdjson::ondemand::object book,
                      const KeyName<Side> (&names)[2], Scales scales,
                      NumberStyle style, FrameBuilder& frame,
                      ZeroPrice zero = ZeroPrice::kMalformed) noexcept;

// For literal paths: what is behind the bracket that opens [["price",
// "quantity"], ...], as venues write it, up to the bracket that closes it;
// strings that follow the two are passed over. False where it looks otherwise.
bool match_level_pairs(TextScanner& in, Scales scales, FrameBuilder& frame,
                       ZeroPrice zero = ZeroPrice::kMalformed) noexcept;

// Both sides, `first` of them before `between`, the levels of each by match().
template <size_t kSize, class Match>
bool match_both_sides(TextScanner& in, Side first, const char (&between)[kSize],
                      FrameBuilder& frame, Match&& match) noexcept {
  frame.begin_side(first);
  if (!match() || !in.literal(between)) return false;
  frame.begin_side(opposite(first));
  return match();
}

// The same by match_level_pairs.
template <size_t kSize>
bool match_both_sides(TextScanner& in, Side first, const char (&between)[kSize],
                      Scales scales, FrameBuilder& frame,
                      ZeroPrice zero = ZeroPrice::kMalformed) noexcept {
  return match_both_sides(in, first, between, frame, [&] {
    return match_level_pairs(in, scales, frame, zero);
  });
}

// `value` is [["buy" | "sell", price, quantity], ...].
BookReason read_changes(simdjson::ondemand::value value, Scales scales,
                        FrameBuilder& frame) noexcept;

// The same for literal paths, from behind the bracket that opens it to behind
// the one that closes it. False where it looks otherwise, or is empty.
bool match_changes(TextScanner& in, Scales scales,
                   FrameBuilder& frame) noexcept;

class JsonVenueParser : public VenueParser {
 public:
  bool parse(const RawMessage& raw, uint64_t start_ticks,
             ParsedMessageSink& sink) noexcept final;

  uint64_t unknown_instruments() const noexcept final {
    return resolver_.unknown();
  }
  uint64_t literal_frames() const noexcept final { return literal_frames_; }

 protected:
  JsonVenueParser(InstrumentTable& table, VenueId venue,
                  const VenueParserOptions& options);

  // Matches the bytes of a hot message as the venue writes them; false at the
  // first that differs, whatever is in the frame then. `raw` is text and ends
  // with a brace or a bracket, which bounds every scan.
  virtual bool read_literally(const RawMessage& raw,
                              FrameBuilder& frame) noexcept;
  virtual ParseVerdict read_json(simdjson::ondemand::document& document,
                                 const RawMessage& raw,
                                 FrameBuilder& frame) noexcept = 0;

  // For read_json once it has read the root object to its end: nothing may
  // follow.
  static bool at_end(simdjson::ondemand::document& document) noexcept {
    return document.current_location().error() == simdjson::OUT_OF_BOUNDS;
  }

  // Once a message: they may change between two calls.
  Scales scales_of(uint32_t instrument) const noexcept {
    return resolver_.scales(instrument);
  }
  // What start_message gave it: those of the instrument may be others by now.
  static Scales scales_of(const ParsedMessage& message) noexcept {
    return {message.price_scale, message.quantity_scale};
  }
  VenueId venue() const noexcept { return venue_; }
  // VenueParserOptions::orders.
  bool reads_orders() const noexcept { return orders_; }

  // The frame's next message, of an instrument; nullptr as FrameBuilder::start.
  static ParsedMessage* start_message(FrameBuilder& frame,
                                      ParsedMessageKind kind,
                                      uint32_t instrument,
                                      Scales scales) noexcept {
    ParsedMessage* const message = frame.start(kind);
    if (message == nullptr) return nullptr;
    message->instrument = instrument;
    message->price_scale = scales.price;
    message->quantity_scale = scales.quantity;
    return message;
  }
  ParsedMessage* start_message(FrameBuilder& frame, ParsedMessageKind kind,
                               uint32_t instrument) const noexcept {
    return start_message(frame, kind, instrument, scales_of(instrument));
  }
  // For literal paths: the frame's message, changes of `symbol`'s levels.
  // nullptr where that has no book yet, too.
  ParsedMessage* start_delta(std::string_view symbol, const RawMessage& raw,
                             FrameBuilder& frame) noexcept {
    const uint32_t index = resolver_.find(symbol, raw.connection);
    return index == kNoInstrument
               ? nullptr
               : start_message(frame, ParsedMessageKind::kDelta, index);
  }
  // One without numbers; without an instrument it is for the connection's all.
  static ParsedMessage* start_notice(
      FrameBuilder& frame, ParsedMessageKind kind,
      uint32_t instrument = kNoInstrument) noexcept {
    ParsedMessage* const notice = frame.start(kind);
    if (notice == nullptr) return nullptr;
    notice->instrument = instrument;
    if (kind == ParsedMessageKind::kRefused) {
      notice->reason = BookReason::kVenueRefused;
    }
    return notice;
  }

  // False where a number is none. Without an instrument nothing is added.
  bool add_trade(uint32_t instrument, const TradeText& trade,
                 FrameBuilder& frame) noexcept;
  bool add_touch(uint32_t instrument, const TouchText& touch, int64_t time_ns,
                 FrameBuilder& frame) noexcept;

  InstrumentResolver resolver_;

 private:
  const VenueId venue_;
  const bool literal_fast_path_;
  const bool orders_;
  uint64_t literal_frames_ = 0;
  simdjson::ondemand::parser json_;
};

}  // namespace wirebook

#endif  // WIREBOOK_LOB_VENUES_JSON_VENUE_PARSER_H_
