// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// What parser tests share: frames in buffers of the exact size, and parsed
// messages as text, so that a difference can be read.

#ifndef WIREBOOK_LOB_TESTING_PARSER_HARNESS_H_
#define WIREBOOK_LOB_TESTING_PARSER_HARNESS_H_

#include <cstdint>
#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lob/fixed_point.h"
#include "lob/parsed_message.h"
#include "lob/venues/make_venue_parser.h"
#include "lob/venues/venue_parser.h"
#include "net/raw_message.h"

namespace wirebook {

// A payload with its slack and not a byte more, so that ASan sees who reads on.
class Frame {
 public:
  explicit Frame(std::string_view text, char slack = '\0')
      : bytes_(std::make_unique<char[]>(text.size() + kRawMessageSlackBytes)) {
    std::memcpy(bytes_.get(), text.data(), text.size());
    std::memset(bytes_.get() + text.size(), slack, kRawMessageSlackBytes);
    raw_.data = bytes_.get();
    raw_.size = static_cast<uint32_t>(text.size());
  }
  RawMessage& raw() { return raw_; }

 private:
  std::unique_ptr<char[]> bytes_;
  RawMessage raw_{};
};

// Keeps what a parser emitted, until the next frame; at most `capacity`
// messages out.
class CollectingSink final : public ParsedMessageSink {
 public:
  explicit CollectingSink(size_t capacity = 64) : capacity_(capacity) {}

  ParsedMessage* acquire() noexcept override {
    if (out_ == capacity_) return nullptr;
    ++out_;
    if (free_.empty()) return new ParsedMessage;
    ParsedMessage* const message = free_.back().release();
    free_.pop_back();
    return message;
  }
  void release(ParsedMessage* message) noexcept override {
    --out_;
    free_.emplace_back(message);
  }
  void emit(ParsedMessage* head, ParsedMessage* tail) noexcept override {
    ++emitted;
    for (auto& message : messages) free_.push_back(std::move(message));
    messages.clear();
    for (; head != nullptr; head = head->next) {
      --out_;
      tail_was_last = head == tail;
      messages.emplace_back(head);
    }
  }
  size_t out() const { return out_; }

  // Of the last frame.
  std::vector<std::unique_ptr<ParsedMessage>> messages;
  int emitted = 0;
  bool tail_was_last = false;

 private:
  const size_t capacity_;
  size_t out_ = 0;
  std::vector<std::unique_ptr<ParsedMessage>> free_;
};

// Calls f(name, number) for all that a parser says in a message.
template <class F>
void for_each_field(const ParsedMessage& m, F&& f) {
  f("kind", int(m.kind));
  f("reason", int(m.reason));
  f("first", m.first_part);
  f("last", m.last_part);
  f("instrument", m.instrument);
  f("concerns", m.concerns_book);
  f("first_id", m.has_first_update_id ? m.first_update_id : 0);
  f("last_id", m.has_last_update_id ? m.last_update_id : 0);
  f("previous_id", m.has_previous_update_id ? m.previous_update_id : 0);
  f("ids", m.has_first_update_id << 2 | m.has_last_update_id << 1 |
               m.has_previous_update_id);
  f("sum", m.has_checksum ? int64_t{m.checksum} : -1);
  f("depth", m.depth);
  f("time", m.exchange_time_ns);
  f("sent", m.send_time_ns);
  f("price_scale", m.price_scale);
  f("quantity_scale", m.quantity_scale);
  f("aggressor", int(m.aggressor));
  for (const Side side : {Side::kBid, Side::kAsk}) {
    for (const PriceLevel& level : side == Side::kBid ? m.bids() : m.asks()) {
      f(side == Side::kBid ? "bid" : "ask", level.price);
      f("x", level.quantity);
    }
  }
  for (const OrderEvent& order : m.order_events()) {
    f("action", int(order.action));
    f("side", int(order.side));
    f("high", order.id.high);
    f("low", order.id.low);
    f("price", order.price);
    f("x", order.quantity);
    f("time", order.time_ns);
    f("may_be_unknown", order.may_be_unknown);
  }
}

inline std::string as_text(const ParsedMessage& message) {
  std::string out;
  for_each_field(message, [&out](const char* name, auto number) {
    out += std::string(name) + ' ' + std::to_string(number) + ' ';
  });
  return out;
}

inline std::string as_text(const CollectingSink& sink) {
  std::string out;
  for (const auto& message : sink.messages) out += as_text(*message) + "\n";
  return out;
}

// The frame's messages in one number: equal where as_text is.
inline uint64_t digest(const CollectingSink& sink) {
  uint64_t hash = 0;
  for (const auto& message : sink.messages) {
    for_each_field(*message, [&hash](const char*, auto number) {
      // splitmix64's constants; fields come in order, so each round counts.
      hash = (hash ^ static_cast<uint64_t>(number)) * 0xbf58476d1ce4e5b9;
      hash ^= hash >> 29;
    });
    hash = ~hash;
  }
  return hash;
}

// One parser with its table and what it said last.
struct ParserUnderTest {
  ParserUnderTest(VenueId venue, bool literal, bool discover = true,
                  bool orders = false)
      : table(64),
        parser(*make_venue_parser(venue, table,
                                  {.discover_instruments = discover,
                                   .literal_fast_path = literal,
                                   .prepared = false,
                                   .orders = orders})) {}

  // The messages of one frame; the first of them for the usual case of one.
  const ParsedMessage& parse(std::string_view text,
                             RawMessageKind kind = RawMessageKind::kText,
                             uint32_t tag = 0) {
    Frame frame(text, slack);
    frame.raw().kind = kind;
    frame.raw().tag = tag;
    if (!parser->parse(frame.raw(), 1, sink)) std::abort();
    return *sink.messages.front();
  }

  InstrumentTable table;
  std::unique_ptr<VenueParser> parser;
  CollectingSink sink;
  char slack = '9';  // behind each frame
};

// One to three random edits of `text`: flips, cuts, copies, and the characters
// that JSON cares for.
inline std::string mutate(std::string text, std::mt19937_64& random) {
  static constexpr std::string_view kBytes =
      "{}[]\",:.-+eE0123456789 \\\n\xc3\xff"
      "tnu";
  const auto below = [&random](size_t n) { return n == 0 ? 0 : random() % n; };
  for (size_t edits = 1 + below(3); edits > 0 && !text.empty(); --edits) {
    const size_t at = below(text.size());
    const size_t length = std::min(text.size() - at, 1 + below(20));
    switch (below(7)) {
      case 0:
        text[at] = kBytes[below(kBytes.size())];
        break;
      case 1:
        text[at] = static_cast<char>(random());
        break;
      case 2:
        text.insert(at, 1, kBytes[below(kBytes.size())]);
        break;
      case 3:
        text.erase(at, length);
        break;
      case 4:
        text.insert(below(text.size()), text.substr(at, length));
        break;
      case 5:
        text.resize(at);
        break;
      case 6: {
        // A run of digits grows: too long, too precise.
        const size_t digit = text.find_first_of("0123456789", at);
        if (digit != std::string::npos) {
          text.insert(digit, std::string(1 + below(24), '7'));
        }
        break;
      }
    }
  }
  return text;
}

}  // namespace wirebook

#endif  // WIREBOOK_LOB_TESTING_PARSER_HARNESS_H_
