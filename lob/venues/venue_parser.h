// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// VenueParser: turns one venue's raw messages into ParsedMessages.
//
// Implement it for a new venue (ADDING.md); otherwise make one by
// make_venue_parser and let a BookPipeline drive it.
//
// Guarantee: input is never trusted. Whatever the bytes, parse hands over
// exactly one list: what the whole frame says, or one kMalformed message.
// Thread rules: one thread at a time. Cost: see each venue's README.
//
//   struct Sink : ParsedMessageSink { ... };
//   if (!parser->parse(raw, sink)) on_drop(raw.connection);

#ifndef WIREBOOK_LOB_VENUES_VENUE_PARSER_H_
#define WIREBOOK_LOB_VENUES_VENUE_PARSER_H_

#include "lob/parsed_message.h"
#include "net/raw_message.h"

namespace wirebook {

class ParsedMessageSink {
 public:
  virtual ~ParsedMessageSink() = default;
  // A message to fill, of any content; nullptr when none is free.
  virtual ParsedMessage* acquire() noexcept = 0;
  // Takes back one that is not needed.
  virtual void release(ParsedMessage* message) noexcept = 0;
  // Takes a frame's list, `tail` its last entry.
  virtual void emit(ParsedMessage* head, ParsedMessage* tail) noexcept = 0;
};

class VenueParser {
 public:
  virtual ~VenueParser() = default;
  // `start_ticks`, TscClock, goes into each message as parse_start_ticks.
  // Calls sink.emit once and returns true; or, when the sink had no message
  // free, emits nothing and returns false: the same frame may then come again.
  virtual bool parse(const RawMessage& raw, uint64_t start_ticks,
                     ParsedMessageSink& sink) noexcept = 0;
  // Depth messages so far whose symbol has no book and may get none.
  virtual uint64_t unknown_instruments() const noexcept = 0;
  // Frames so far that a literal path read. Where they become few, the venue no
  // longer writes as it did.
  virtual uint64_t literal_frames() const noexcept = 0;
};

struct VenueParserOptions {
  // Add instruments that depth messages name and nobody announced.
  bool discover_instruments = true;
  // Off: simdjson alone, for the differential test.
  bool literal_fast_path = true;
  // Takes memory for large messages at once. Off: as they come, for parsers
  // that live for a few messages.
  bool prepared = true;
  // Read the venue's channel of single orders (order_feed.h) and not the one of
  // levels: what the other says is ignored.
  bool orders = false;
  // A book's connection is its messages' shifted right by this: see
  // BookPipelineOptions::lines.
  int line_bits = 0;
};

}  // namespace wirebook

#endif  // WIREBOOK_LOB_VENUES_VENUE_PARSER_H_
