// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// FrameBuilder: collects the ParsedMessages of one frame and hands them over
// together, or none of them.
//
// Use it inside a VenueParser. Nothing reaches the sink before emit(), so an
// error anywhere in the frame leaves every book as it was.
//
// Thread rules: on the stack of parse(). Cost: one compare per level.
//
//   FrameBuilder frame(raw, start_ticks, sink);
//   ParsedMessage* message = frame.start(ParsedMessageKind::kDelta);
//   if (message == nullptr) return false;
//   frame.begin_side(Side::kBid);
//   frame.add({price, quantity});
//   message->last_update_id = id;  // the frame copies it to all parts
//   return frame.emit();

#ifndef WIREBOOK_LOB_VENUES_FRAME_BUILDER_H_
#define WIREBOOK_LOB_VENUES_FRAME_BUILDER_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include "lob/parsed_message.h"
#include "lob/venues/venue_parser.h"

namespace wirebook {

class FrameBuilder {
 public:
  FrameBuilder(const RawMessage& raw, uint64_t start_ticks,
               ParsedMessageSink& sink) noexcept
      : raw_(raw), start_ticks_(start_ticks), sink_(sink) {}

  FrameBuilder(const FrameBuilder&) = delete;
  FrameBuilder& operator=(const FrameBuilder&) = delete;

  ~FrameBuilder() { discard(); }

  // The next message of this frame; fields set on it hold for all its parts.
  // nullptr when the sink has none free.
  ParsedMessage* start(ParsedMessageKind kind) noexcept {
    finish_message();
    if (!append()) return nullptr;
    first_ = part_ = tail_;
    first_->kind = kind;
    return first_;
  }

  // The levels that follow are of `side`; each side once per message.
  void begin_side(Side side) noexcept {
    end_side();
    side_ = side;
    begin_ = next_;
  }

  // False when the sink has no room for another part.
  bool add(PriceLevel level) noexcept {
    if (next_ == end_) [[unlikely]] {
      if (!next_part()) return false;
    }
    *next_++ = level;
    return true;
  }

  // For a message that mixes its sides, all of it, behind begin_side(kBid):
  // bids fill a part from its front, asks from its end. False as add().
  bool add_mixed(Side side, PriceLevel level) noexcept {
    if (next_ == asks_) [[unlikely]] {
      if (!next_part()) return false;
    }
    *(side == Side::kBid ? next_++ : --asks_) = level;
    return true;
  }

  // The only level of `side`.
  bool add(Side side, PriceLevel level) noexcept {
    begin_side(side);
    return add(level);
  }

  // For a message of orders, which has no levels. False as add().
  bool add_order(const OrderEvent& order) noexcept {
    if (part_->order_count == ParsedMessage::kMaxOrders) [[unlikely]] {
      if (!next_part()) return false;
    }
    part_->orders[part_->order_count++] = order;
    return true;
  }

  // Where the next levels may be written before added() says how many were: the
  // rest of this part.
  std::span<PriceLevel> room() noexcept { return {next_, end_}; }
  void added(size_t count) noexcept { next_ += count; }

  // The frame's number on its connection, whatever it turns out to be.
  void set_connection_sequence(uint64_t sequence) noexcept {
    has_connection_sequence_ = true;
    connection_sequence_ = sequence;
  }

  // Whether the sink ever had none free; the frame must then be given up.
  bool out_of_messages() const noexcept { return out_of_messages_; }

  // Hands the frame over; an empty one as kIgnored.
  bool emit() noexcept {
    if (head_ == nullptr && start(ParsedMessageKind::kIgnored) == nullptr) {
      return false;
    }
    finish_message();
    ParsedMessage* const head = head_;
    head->has_connection_sequence = has_connection_sequence_;
    head->connection_sequence = connection_sequence_;
    head_ = nullptr;
    sink_.emit(head, tail_);
    return true;
  }

  // Replaces whatever was collected by one message that carries no levels.
  bool emit_only(ParsedMessageKind kind, BookReason reason, uint32_t instrument,
                 bool concerns_book) noexcept {
    discard();
    ParsedMessage* const message = start(kind);
    if (message == nullptr) return false;
    message->reason = reason;
    message->instrument = instrument;
    message->concerns_book = concerns_book;
    return emit();
  }

  bool emit_malformed(BookReason reason, uint32_t instrument) noexcept {
    return emit_only(ParsedMessageKind::kMalformed, reason, instrument, true);
  }

  // Gives everything back.
  void discard() noexcept {
    while (head_ != nullptr) {
      ParsedMessage* const next = head_->next;
      sink_.release(head_);
      head_ = next;
    }
    tail_ = first_ = part_ = nullptr;
    next_ = begin_ = asks_ = end_ = nullptr;
  }

 private:
  bool append() noexcept {
    ParsedMessage* const message = sink_.acquire();
    if (message == nullptr) {
      out_of_messages_ = true;
      return false;
    }
    message->header() = ParsedMessageHeader();
    message->connection = raw_.connection;
    message->http_body = raw_.kind == RawMessageKind::kHttpBody;
    message->receive_ticks = raw_.receive_ticks;
    message->kernel_receive_ns = static_cast<int64_t>(raw_.kernel_receive_ns());
    message->parse_start_ticks = start_ticks_;
    (head_ == nullptr ? head_ : tail_->next) = message;
    tail_ = message;
    next_ = begin_ = message->levels;
    asks_ = end_ = message->levels + ParsedMessage::kMaxLevels;
    return true;
  }

  [[gnu::noinline, gnu::cold]] bool next_part() noexcept {
    end_side();
    if (!append()) return false;
    part_ = tail_;
    return true;
  }

  void end_side() noexcept {
    if (asks_ != end_) end_mixed();
    if (next_ == begin_) return;
    const auto begin = static_cast<uint16_t>(begin_ - part_->levels);
    const auto count = static_cast<uint16_t>(next_ - begin_);
    if (side_ == Side::kBid) {
      part_->bid_begin = begin;
      part_->bid_count = count;
    } else {
      part_->ask_begin = begin;
      part_->ask_count = count;
    }
    begin_ = next_;
  }

  // The asks stand in reverse.
  void end_mixed() noexcept {
    std::reverse(asks_, end_);
    part_->ask_begin = static_cast<uint16_t>(asks_ - part_->levels);
    part_->ask_count = static_cast<uint16_t>(end_ - asks_);
    asks_ = end_;
  }

  void finish_message() noexcept {
    if (first_ == nullptr) return;
    end_side();
    if (first_ != tail_) copy_to_parts();
    first_ = nullptr;
  }

  [[gnu::noinline, gnu::cold]] void copy_to_parts() noexcept {
    for (ParsedMessage* part = first_->next; part; part = part->next) {
      const ParsedMessageHeader own = *part;
      part->header() = first_->header();
      part->bid_begin = own.bid_begin;
      part->bid_count = own.bid_count;
      part->ask_begin = own.ask_begin;
      part->ask_count = own.ask_count;
      part->order_count = own.order_count;
      part->next = own.next;
      part->first_part = false;
      part->last_part = part == tail_;
    }
    first_->last_part = false;
  }

  const RawMessage& raw_;
  const uint64_t start_ticks_;
  ParsedMessageSink& sink_;
  ParsedMessage* head_ = nullptr;
  ParsedMessage* tail_ = nullptr;
  ParsedMessage* first_ = nullptr;  // of the message under construction
  ParsedMessage* part_ = nullptr;   // of it, the one that takes levels
  PriceLevel* begin_ = nullptr;     // of the side under construction
  PriceLevel* next_ = nullptr;
  PriceLevel* asks_ = nullptr;  // the last of those that were mixed
  PriceLevel* end_ = nullptr;   // of the part
  Side side_ = Side::kBid;
  bool out_of_messages_ = false;
  bool has_connection_sequence_ = false;
  uint64_t connection_sequence_ = 0;
};

}  // namespace wirebook

#endif  // WIREBOOK_LOB_VENUES_FRAME_BUILDER_H_
