// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// Text to fixed-point levels, a message an iteration, on recorded frames, or,
// where there is no recording, on frames of the documented shape: our
// parser by its literal path where it has one, our parser without, and what one
// would write by hand with simdjson's On-Demand in wire order and with
// RapidJSON's document. All read the same fields by the same scan_decimal; that
// they say the same is checked before the clock starts.
//
// A message that has just come is in the cache, so the rows go round 256
// frames; the rows with `recording` take all of the file. Recordings are in
// WIREBOOK_DATA; their rows are skipped without. COSTS.md has figures.

#include <benchmark/benchmark.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <map>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lob/capture/capture_reader.h"
#include "lob/fixed_point.h"
#include "lob/instrument.h"
#include "lob/parsed_message.h"
#include "lob/venues/instrument_resolver.h"
#include "lob/venues/json_venue_parser.h"
#include "lob/venues/make_venue_parser.h"
#include "lob/venues/rfc3339.h"
#include "lob/venues/simdjson_text.h"
#include "lob/venues/venue_parser.h"
#include "rapidjson/document.h"
#include "simdjson.h"

namespace wirebook {
namespace {

constexpr size_t kWorkingFrames = 256;
constexpr size_t kWorkingBytes = 512 << 10;

// What a depth message or a ticker says, as every reader has to say it.
struct Reading {
  static constexpr size_t kMostLevels = 8192;

  uint32_t instrument = kNoInstrument;
  uint32_t checksum = 0;
  uint64_t first_id = 0;
  uint64_t last_id = 0;
  uint64_t previous_id = 0;
  uint64_t connection_sequence = 0;
  int64_t exchange_time_ns = 0;
  int64_t send_time_ns = 0;
  std::array<size_t, 2> counts{};

  size_t levels() const { return counts[0] + counts[1]; }
  bool operator==(const Reading&) const = default;
};

struct ReadingWithLevels {
  Reading reading;
  std::array<std::vector<PriceLevel>, 2> sides{
      std::vector<PriceLevel>(Reading::kMostLevels),
      std::vector<PriceLevel>(Reading::kMostLevels)};

  bool operator==(const ReadingWithLevels& other) const {
    for (size_t side = 0; side < 2; ++side) {
      const size_t count = reading.counts[side];
      if (count != other.reading.counts[side] ||
          !std::equal(sides[side].begin(), sides[side].begin() + count,
                      other.sides[side].begin(),
                      [](PriceLevel a, PriceLevel b) {
                        return a.price == b.price && a.quantity == b.quantity;
                      })) {
        return false;
      }
    }
    return reading == other.reading;
  }
};

// Ours: hands out the same messages again and again.
class ReusingSink final : public ParsedMessageSink {
 public:
  ParsedMessage* acquire() noexcept override { return &messages_[used_++]; }
  void release(ParsedMessage*) noexcept override { --used_; }
  void emit(ParsedMessage* head, ParsedMessage*) noexcept override {
    head_ = head;
    for (; head != nullptr; head = head->next) levels += head->level_count();
    used_ = 0;
  }

  // What the last frame said.
  void take(ReadingWithLevels* out) const {
    Reading& reading = out->reading = Reading();
    reading.instrument = head_->instrument;
    reading.checksum = head_->checksum;
    reading.first_id = head_->first_update_id;
    reading.last_id = head_->last_update_id;
    reading.previous_id = head_->previous_update_id;
    reading.connection_sequence = head_->connection_sequence;
    reading.exchange_time_ns = head_->exchange_time_ns;
    reading.send_time_ns = head_->send_time_ns;
    for (const ParsedMessage* part = head_; part; part = part->next) {
      for (size_t side = 0; side < 2; ++side) {
        for (PriceLevel level : side == 0 ? part->bids() : part->asks()) {
          out->sides[side][reading.counts[side]++] = level;
        }
      }
    }
  }
  Scales scales() const { return {head_->price_scale, head_->quantity_scale}; }
  uint32_t instrument() const { return head_->instrument; }
  ParsedMessageKind kind() const { return head_->kind; }

  size_t levels = 0;

 private:
  std::vector<ParsedMessage> messages_ = std::vector<ParsedMessage>(128);
  size_t used_ = 0;
  const ParsedMessage* head_ = nullptr;
};

// ---- The two libraries under one set of names
// --------------------------------

[[noreturn]] void fail(const char* what) {
  std::fprintf(stderr, "venue_parser_benchmark: %s\n", what);
  std::abort();
}

// Fields in wire order, in place.
struct OnDemand {
  using Root = simdjson::ondemand::document&;
  using Value = simdjson::ondemand::value;
  using Object = simdjson::ondemand::object;

  template <typename Read>
  void parse(const RawMessage& raw, Read&& read) {
    simdjson::ondemand::document document =
        parser.iterate(simdjson::padded_string_view(
            raw.data, raw.size, raw.size + kRawMessageSlackBytes));
    read(document);
  }
  static Value field(Object& object, std::string_view key) {
    return object.find_field(key);
  }
  // Of one that stands before what was read last.
  static Value earlier_field(Object& object, std::string_view key) {
    return object.find_field_unordered(key);
  }
  static Object object(Root root) { return root.get_object(); }
  static Object object(Value value) { return value.get_object(); }
  template <typename ArrayOwner, typename Read>
  static void each(ArrayOwner&& owner, Read&& read) {
    for (auto entry : owner.get_array()) read(Value(std::move(entry)));
  }
  static uint64_t number(Value value) { return value.get_uint64(); }
  static int64_t signed_number(Value value) { return value.get_int64(); }
  static const char* digits(Value value) {
    return value.raw_json_token().data();
  }
  static const char* quoted(Value value) {
    return simdjson::ondemand::raw_json_string(value.get_raw_json_string())
        .raw();
  }
  // In place, as none here has an escape.
  static std::string_view word(Value value) {
    std::string_view out;
    if (!json_string(value, &out)) fail("no string");
    return out;
  }

  simdjson::ondemand::parser parser;
};

// A document whose numbers stay text, in memory that is used again.
struct Rapid {
  using Root = const rapidjson::Value*;
  using Value = const rapidjson::Value*;
  using Object = const rapidjson::Value*;
  using Pool = rapidjson::MemoryPoolAllocator<>;
  using Document = rapidjson::GenericDocument<rapidjson::UTF8<>, Pool, Pool>;

  template <typename Read>
  void parse(const RawMessage& raw, Read&& read) {
    Pool values(values_memory.data(), kPoolBytes);
    Pool stack(stack_memory.data(), kPoolBytes);
    Document document(&values, 1 << 16, &stack);
    document.Parse<rapidjson::kParseNumbersAsStringsFlag>(raw.data, raw.size);
    if (document.HasParseError()) fail("RapidJSON refuses a frame");
    read(Root(&document));
  }
  static Value field(Object object, const char* key) {
    return &object->FindMember(key)->value;
  }
  static Value earlier_field(Object object, const char* key) {
    return field(object, key);
  }
  static Object object(Value value) { return value; }
  template <typename Read>
  static void each(Value value, Read&& read) {
    for (const rapidjson::Value& entry : value->GetArray()) read(&entry);
  }
  static uint64_t number(Value value) {
    const char* p = value->GetString();
    uint64_t out = 0;
    if (!scan_unsigned(p, &out)) fail("no number");
    return out;
  }
  static int64_t signed_number(Value value) {
    const char* p = value->GetString();
    const bool negative = *p == '-';
    p += negative;
    uint64_t out = 0;
    if (!scan_unsigned(p, &out)) fail("no number");
    return negative ? -static_cast<int64_t>(out) : static_cast<int64_t>(out);
  }
  static const char* digits(Value value) { return value->GetString(); }
  static const char* quoted(Value value) { return value->GetString(); }
  static std::string_view word(Value value) {
    return {value->GetString(), value->GetStringLength()};
  }

  static constexpr size_t kPoolBytes = size_t{8} << 20;
  // With the slack that scan_decimal reads.
  std::vector<char> values_memory = std::vector<char>(kPoolBytes + 64);
  std::vector<char> stack_memory = std::vector<char>(kPoolBytes + 64);
};

// ---- The venues' shapes by either library
// ------------------------------------

// Where a peer puts what it reads; knows the instruments that ours knows.
class Target {
 public:
  // Bitfinex's numbers of channels, and whose they are.
  using Channels = std::vector<std::pair<uint64_t, uint32_t>>;

  Target(InstrumentTable& table, VenueId venue, std::vector<Scales> scales,
         Channels channels)
      : resolver_(table, venue, /*discover=*/false, /*line_bits=*/0),
        scales_by_instrument_(std::move(scales)),
        channels_(std::move(channels)) {}

  void begin() { result_.reading = Reading(); }
  Reading& reading() { return result_.reading; }
  void symbol(std::string_view name) {
    const uint32_t instrument = resolver_.find(name, 0);
    if (instrument == kNoInstrument) fail("unknown symbol");
    take(instrument);
  }
  void channel(uint64_t id) {
    for (const auto& [known, instrument] : channels_) {
      if (known == id) return take(instrument);
    }
    fail("unknown channel");
  }
  void price(const char* text, int64_t* out) const {
    if (scan_amount(text, scales_.price, out) != DecimalError::kOk) {
      fail("no price");
    }
  }
  void quantity(const char* text, int64_t* out) const {
    if (scan_amount(text, scales_.quantity, out) != DecimalError::kOk) {
      fail("no quantity");
    }
  }
  PriceLevel& next(Side side) {
    const auto at = static_cast<size_t>(side);
    if (result_.reading.counts[at] == Reading::kMostLevels) fail("too many");
    return result_.sides[at][result_.reading.counts[at]++];
  }
  int64_t time(std::string_view text) {
    int64_t ns = 0;
    if (!times_.read(text, &ns)) fail("no time");
    return ns;
  }
  const ReadingWithLevels& result() const { return result_; }

 private:
  void take(uint32_t instrument) {
    result_.reading.instrument = instrument;
    scales_ = scales_by_instrument_[instrument];
  }

  InstrumentResolver resolver_;
  std::vector<Scales> scales_by_instrument_;
  Channels channels_;
  Scales scales_{};
  Rfc3339Reader times_;
  ReadingWithLevels result_;
};

uint64_t quoted_number(const char* digits) {
  uint64_t number = 0;
  if (!scan_unsigned(digits, &number)) fail("no number");
  return number;
}

// [[price, quantity, ...], ...], both in quotes.
template <typename Json>
void read_pairs(typename Json::Value levels, Side side, Target& out) {
  Json::each(levels, [&](typename Json::Value pair) {
    PriceLevel& level = out.next(side);
    size_t at = 0;
    Json::each(pair, [&](typename Json::Value part) {
      if (at == 0) out.price(Json::quoted(part), &level.price);
      if (at == 1) out.quantity(Json::quoted(part), &level.quantity);
      ++at;
    });
    if (at < 2) fail("no pair");
  });
}

template <typename Json>
void read_ticker(typename Json::Root message, Target& out) {
  auto root = Json::object(message);
  auto data = Json::object(Json::field(root, "data"));
  out.reading().last_id = Json::number(Json::field(data, "u"));
  out.symbol(Json::word(Json::field(data, "s")));
  PriceLevel& bid = out.next(Side::kBid);
  PriceLevel& ask = out.next(Side::kAsk);
  out.price(Json::quoted(Json::field(data, "b")), &bid.price);
  out.quantity(Json::quoted(Json::field(data, "B")), &bid.quantity);
  out.price(Json::quoted(Json::field(data, "a")), &ask.price);
  out.quantity(Json::quoted(Json::field(data, "A")), &ask.quantity);
}

template <typename Json, bool kFutures>
void read_binance_depth(typename Json::Root message, Target& out) {
  auto root = Json::object(message);
  auto data = Json::object(Json::field(root, "data"));
  if (Json::word(Json::field(data, "e")) != "depthUpdate") fail("no depth");
  const auto stamp = [&data](const char* key) {
    return static_cast<int64_t>(Json::number(Json::field(data, key))) *
           kMillisecondNs;
  };
  Reading& reading = out.reading();
  (kFutures ? reading.send_time_ns : reading.exchange_time_ns) = stamp("E");
  if (kFutures) reading.exchange_time_ns = stamp("T");
  out.symbol(Json::word(Json::field(data, "s")));
  reading.first_id = Json::number(Json::field(data, "U"));
  reading.last_id = Json::number(Json::field(data, "u"));
  if (kFutures) reading.previous_id = Json::number(Json::field(data, "pu"));
  read_pairs<Json>(Json::field(data, "b"), Side::kBid, out);
  read_pairs<Json>(Json::field(data, "a"), Side::kAsk, out);
}

template <typename Json>
void read_kraken(typename Json::Root message, Target& out) {
  auto root = Json::object(message);
  if (Json::word(Json::field(root, "channel")) != "book" ||
      Json::word(Json::field(root, "type")) != "update") {
    fail("no book");
  }
  Json::each(Json::field(root, "data"), [&](typename Json::Value element) {
    auto book = Json::object(element);
    out.symbol(Json::word(Json::field(book, "symbol")));
    for (const Side side : {Side::kBid, Side::kAsk}) {
      Json::each(Json::field(book, side == Side::kBid ? "bids" : "asks"),
                 [&](typename Json::Value entry) {
                   auto fields = Json::object(entry);
                   PriceLevel& level = out.next(side);
                   out.price(Json::digits(Json::field(fields, "price")),
                             &level.price);
                   out.quantity(Json::digits(Json::field(fields, "qty")),
                                &level.quantity);
                 });
    }
    out.reading().checksum =
        static_cast<uint32_t>(Json::number(Json::field(book, "checksum")));
    out.reading().exchange_time_ns =
        out.time(Json::word(Json::field(book, "timestamp")));
  });
}

template <typename Json>
void read_bybit(typename Json::Root message, Target& out) {
  auto root = Json::object(message);
  Reading& reading = out.reading();
  if (!Json::word(Json::field(root, "topic")).starts_with("orderbook.") ||
      Json::word(Json::field(root, "type")) != "delta") {
    fail("no book");
  }
  reading.send_time_ns =
      static_cast<int64_t>(Json::number(Json::field(root, "ts"))) *
      kMillisecondNs;
  auto data = Json::object(Json::field(root, "data"));
  out.symbol(Json::word(Json::field(data, "s")));
  read_pairs<Json>(Json::field(data, "b"), Side::kBid, out);
  read_pairs<Json>(Json::field(data, "a"), Side::kAsk, out);
  reading.last_id = Json::number(Json::field(data, "u"));
  reading.previous_id = reading.last_id - 1;
  reading.exchange_time_ns =
      static_cast<int64_t>(Json::number(Json::field(root, "cts"))) *
      kMillisecondNs;
}

template <typename Json>
void read_coinbase(typename Json::Root message, Target& out) {
  auto root = Json::object(message);
  Reading& reading = out.reading();
  if (Json::word(Json::field(root, "channel")) != "l2_data") fail("no book");
  reading.exchange_time_ns =
      out.time(Json::word(Json::field(root, "timestamp")));
  reading.connection_sequence = Json::number(Json::field(root, "sequence_num"));
  Json::each(Json::field(root, "events"), [&](typename Json::Value element) {
    auto event = Json::object(element);
    if (Json::word(Json::field(event, "type")) != "update") fail("no update");
    out.symbol(Json::word(Json::field(event, "product_id")));
    Json::each(Json::field(event, "updates"), [&](typename Json::Value entry) {
      auto update = Json::object(entry);
      const std::string_view side = Json::word(Json::field(update, "side"));
      if (side != "bid" && side != "offer") fail("no side");
      PriceLevel& level = out.next(side == "bid" ? Side::kBid : Side::kAsk);
      out.price(Json::quoted(Json::field(update, "price_level")), &level.price);
      out.quantity(Json::quoted(Json::field(update, "new_quantity")),
                   &level.quantity);
    });
  });
}

template <typename Json>
void read_okx(typename Json::Root message, Target& out) {
  auto root = Json::object(message);
  auto argument = Json::object(Json::field(root, "arg"));
  if (Json::word(Json::field(argument, "channel")) != "books") fail("no book");
  out.symbol(Json::word(Json::field(argument, "instId")));
  if (Json::word(Json::field(root, "action")) != "update") fail("no update");
  Json::each(Json::field(root, "data"), [&](typename Json::Value element) {
    auto book = Json::object(element);
    read_pairs<Json>(Json::field(book, "asks"), Side::kAsk, out);
    read_pairs<Json>(Json::field(book, "bids"), Side::kBid, out);
    out.reading().exchange_time_ns =
        static_cast<int64_t>(
            quoted_number(Json::quoted(Json::field(book, "ts")))) *
        kMillisecondNs;
    out.reading().checksum = static_cast<uint32_t>(
        Json::signed_number(Json::field(book, "checksum")));
  });
}

template <typename Json>
void read_deribit(typename Json::Root message, Target& out) {
  auto root = Json::object(message);
  Reading& reading = out.reading();
  if (Json::word(Json::field(root, "method")) != "subscription") {
    fail("no message");
  }
  auto parameters = Json::object(Json::field(root, "params"));
  if (!Json::word(Json::field(parameters, "channel")).starts_with("book.")) {
    fail("no book");
  }
  auto data = Json::object(Json::field(parameters, "data"));
  if (Json::word(Json::field(data, "type")) != "change") fail("no change");
  reading.exchange_time_ns =
      static_cast<int64_t>(Json::number(Json::field(data, "timestamp"))) *
      kMillisecondNs;
  reading.previous_id = Json::number(Json::field(data, "prev_change_id"));
  out.symbol(Json::word(Json::field(data, "instrument_name")));
  reading.last_id = Json::number(Json::field(data, "change_id"));
  for (const Side side : {Side::kBid, Side::kAsk}) {
    Json::each(Json::field(data, side == Side::kBid ? "bids" : "asks"),
               [&](typename Json::Value entry) {
                 PriceLevel& level = out.next(side);
                 size_t at = 0;
                 Json::each(entry, [&](typename Json::Value part) {
                   if (at == 0) benchmark::DoNotOptimize(Json::quoted(part));
                   if (at == 1) out.price(Json::digits(part), &level.price);
                   if (at == 2) {
                     out.quantity(Json::digits(part), &level.quantity);
                   }
                   ++at;
                 });
               });
  }
}

// The symbol stands last, and is wanted first.
template <typename Json>
void read_bitstamp(typename Json::Root message, Target& out) {
  constexpr std::string_view kDiffs = "diff_order_book_";
  auto root = Json::object(message);
  const std::string_view channel = Json::word(Json::field(root, "channel"));
  if (!channel.starts_with(kDiffs) ||
      Json::word(Json::field(root, "event")) != "data") {
    fail("no book");
  }
  out.symbol(channel.substr(kDiffs.size()));
  auto book = Json::object(Json::earlier_field(root, "data"));
  Reading& reading = out.reading();
  reading.first_id = reading.last_id =
      quoted_number(Json::quoted(Json::field(book, "microtimestamp")));
  reading.exchange_time_ns = static_cast<int64_t>(reading.last_id) * 1000;
  read_pairs<Json>(Json::field(book, "bids"), Side::kBid, out);
  read_pairs<Json>(Json::field(book, "asks"), Side::kAsk, out);
}

// [channel, [price, count, amount], sequence]
template <typename Json>
void read_bitfinex(typename Json::Root message, Target& out) {
  size_t place = 0;
  Json::each(message, [&](typename Json::Value part) {
    if (place == 0) out.channel(Json::number(part));
    if (place == 1) {
      std::array<const char*, 3> numbers{};
      size_t at = 0;
      Json::each(part, [&](typename Json::Value number) {
        if (at < 3) numbers[at] = Json::digits(number);
        ++at;
      });
      if (at < 3) fail("no entry");
      const bool ask = *numbers[2] == '-';
      PriceLevel& level = out.next(ask ? Side::kAsk : Side::kBid);
      out.price(numbers[0], &level.price);
      out.quantity(numbers[2] + ask, &level.quantity);
      if (quoted_number(numbers[1]) == 0) level.quantity = 0;
    }
    if (place == 2) out.reading().connection_sequence = Json::number(part);
    ++place;
  });
}

// [["buy" | "sell", price, quantity], ...]
template <typename Json>
void read_changes(typename Json::Value changes, Target& out) {
  Json::each(changes, [&](typename Json::Value change) {
    PriceLevel* level = nullptr;
    size_t at = 0;
    Json::each(change, [&](typename Json::Value part) {
      if (at == 0) {
        const std::string_view side = Json::word(part);
        if (side != "buy" && side != "sell") fail("no side");
        level = &out.next(side == "buy" ? Side::kBid : Side::kAsk);
      }
      if (at == 1) out.price(Json::quoted(part), &level->price);
      if (at == 2) out.quantity(Json::quoted(part), &level->quantity);
      ++at;
    });
    if (at != 3) fail("no change");
  });
}

template <typename Json>
void read_coinbase_exchange(typename Json::Root message, Target& out) {
  auto root = Json::object(message);
  if (Json::word(Json::field(root, "type")) != "l2update") fail("no update");
  out.symbol(Json::word(Json::field(root, "product_id")));
  read_changes<Json>(Json::field(root, "changes"), out);
  out.reading().exchange_time_ns =
      out.time(Json::word(Json::field(root, "time")));
}

// The symbol stands behind the changes, and is wanted before.
template <typename Json>
void read_gemini(typename Json::Root message, Target& out) {
  auto root = Json::object(message);
  out.symbol(Json::word(Json::field(root, "symbol")));
  if (Json::word(Json::field(root, "type")) != "l2_updates") fail("no update");
  read_changes<Json>(Json::earlier_field(root, "changes"), out);
}

template <typename Json>
int64_t milliseconds(typename Json::Value value) {
  return static_cast<int64_t>(Json::number(value)) * kMillisecondNs;
}

template <typename Json, bool kFutures>
void read_gate(typename Json::Root message, Target& out) {
  auto root = Json::object(message);
  Reading& reading = out.reading();
  if (kFutures) {
    reading.send_time_ns = milliseconds<Json>(Json::field(root, "time_ms"));
  }
  if (!Json::word(Json::field(root, "channel"))
           .ends_with(".order_book_update") ||
      Json::word(Json::field(root, "event")) != "update") {
    fail("no book");
  }
  auto book = Json::object(Json::field(root, "result"));
  reading.exchange_time_ns = milliseconds<Json>(Json::field(book, "t"));
  out.symbol(Json::word(Json::field(book, "s")));
  reading.first_id = Json::number(Json::field(book, "U"));
  reading.last_id = Json::number(Json::field(book, "u"));
  for (const Side side : {Side::kBid, Side::kAsk}) {
    auto levels = Json::field(book, side == Side::kBid ? "b" : "a");
    if (!kFutures) {
      read_pairs<Json>(levels, side, out);
      continue;
    }
    Json::each(levels, [&](typename Json::Value entry) {
      auto fields = Json::object(entry);
      PriceLevel& level = out.next(side);
      out.price(Json::quoted(Json::field(fields, "p")), &level.price);
      out.quantity(Json::digits(Json::field(fields, "s")), &level.quantity);
    });
  }
}

template <typename Json>
void read_kucoin(typename Json::Root message, Target& out) {
  constexpr std::string_view kDepth = "/market/level2:";
  auto root = Json::object(message);
  Reading& reading = out.reading();
  const std::string_view topic = Json::word(Json::field(root, "topic"));
  if (!topic.starts_with(kDepth) ||
      Json::word(Json::field(root, "type")) != "message" ||
      Json::word(Json::field(root, "subject")) != "trade.l2update") {
    fail("no book");
  }
  const std::string_view named = topic.substr(kDepth.size());
  out.symbol(named);
  auto data = Json::object(Json::field(root, "data"));
  auto changes = Json::object(Json::field(data, "changes"));
  read_pairs<Json>(Json::field(changes, "asks"), Side::kAsk, out);
  read_pairs<Json>(Json::field(changes, "bids"), Side::kBid, out);
  reading.last_id = Json::number(Json::field(data, "sequenceEnd"));
  reading.first_id = Json::number(Json::field(data, "sequenceStart"));
  if (Json::word(Json::field(data, "symbol")) != named) fail("two symbols");
  reading.exchange_time_ns = milliseconds<Json>(Json::field(data, "time"));
}

// ---- Frames
// -------------------------------------------------------------------

using Random = std::mt19937_64;

struct Shape {
  const char* name;
  const char* file;     // nullptr: frames are made
  const char* pattern;  // what its frames contain
  VenueId venue;
  void (*on_demand)(OnDemand::Root, Target&);
  void (*rapid)(Rapid::Root, Target&);
  const char* setup = "snapshot";  // what frames contain that go before them
  ParsedMessageKind kind = ParsedMessageKind::kDelta;
  std::string (*make)(Random&) = nullptr;
};

// Up to five levels: `price` gets two numbers, the second of them one digit.
std::string make_levels(Random& random, const char* format) {
  std::string out;
  for (auto left = random() % 6; left > 0; --left) {
    char level[96];
    std::snprintf(level, sizeof(level), format, 42000 + random() % 1000,
                  random() % 10, random() % 4 == 0 ? 0 : random() % 100000,
                  14'701'689'700 + random() % 100);
    if (!out.empty()) out += ',';
    out += level;
  }
  return out;
}

std::string make_gate_futures(Random& random) {
  constexpr char kLevel[] = R"({"p":"%lu.%lu","s":%lu})";
  return R"({"time":1615366381,"time_ms":1615366381123,)"
         R"("channel":"futures.order_book_update","event":"update",)"
         R"("result":{"t":1615366381417,"s":"BTC_USDT","U":2517661101,)"
         R"("u":2517661113,"b":[)" +
         make_levels(random, kLevel) + R"(],"a":[)" +
         make_levels(random, kLevel) + "]}}";
}

std::string make_kucoin(Random& random) {
  constexpr char kLevel[] = R"(["%lu.%lu","0.%05lu","%lu"])";
  return R"({"topic":"/market/level2:BTC-USDT","type":"message",)"
         R"("subject":"trade.l2update","data":{"changes":{"asks":[)" +
         make_levels(random, kLevel) + R"(],"bids":[)" +
         make_levels(random, kLevel) +
         R"(]},"sequenceEnd":14701689783,"sequenceStart":14701689780,)"
         R"("symbol":"BTC-USDT","time":1729816425625}})";
}

constexpr char kSpot[] = "binance_spot_btcusdt_20240808.lines.gz";
constexpr char kUsdm[] = "binance_usdm_btcusdt_20240808.lines.gz";

constexpr Shape kShapes[] = {
    {"binance_ticker", kSpot, "@bookTicker", VenueId::kBinanceSpot,
     read_ticker<OnDemand>, read_ticker<Rapid>, "snapshot",
     ParsedMessageKind::kBestBidOffer},
    {"binance_depth", kSpot, "depthUpdate", VenueId::kBinanceSpot,
     read_binance_depth<OnDemand, false>, read_binance_depth<Rapid, false>},
    {"usdm_depth", kUsdm, "depthUpdate", VenueId::kBinanceUsdm,
     read_binance_depth<OnDemand, true>, read_binance_depth<Rapid, true>},
    {"kraken_book", "kraken_v2_btcusd_depth25.jsonl.zst",
     "\"update\",\"data\":[{\"symbol", VenueId::kKraken, read_kraken<OnDemand>,
     read_kraken<Rapid>},
    {"bybit_delta", "bybit.jsonl.zst", "\"type\":\"delta\",\"ts\":",
     VenueId::kBybit, read_bybit<OnDemand>, read_bybit<Rapid>},
    {"coinbase_l2", "coinbase_advanced.jsonl.zst",
     "\"events\":[{\"type\":\"update\",\"product_id\":\"BTC-USD\",\"updates",
     VenueId::kCoinbaseAdvanced, read_coinbase<OnDemand>, read_coinbase<Rapid>},
    {"okx_books", "okx.jsonl.zst", "\"action\":\"update\"", VenueId::kOkx,
     read_okx<OnDemand>, read_okx<Rapid>},
    {"deribit_change", "deribit.jsonl.zst", "\"type\":\"change\"",
     VenueId::kDeribit, read_deribit<OnDemand>, read_deribit<Rapid>},
    {"bitstamp_diff", "bitstamp.jsonl.zst", "\"channel\":\"diff_order_book_",
     VenueId::kBitstamp, read_bitstamp<OnDemand>, read_bitstamp<Rapid>},
    {"bitfinex_update", "bitfinex.jsonl.zst", "[", VenueId::kBitfinex,
     read_bitfinex<OnDemand>, read_bitfinex<Rapid>, "\"event\":\"subscribed"},
    {"coinbase_exchange_l2", "coinbase_exchange_level2_2021.jsonl.zst",
     "\"type\":\"l2update\"", VenueId::kCoinbaseExchange,
     read_coinbase_exchange<OnDemand>, read_coinbase_exchange<Rapid>},
    {"gate_spot", "gate_spot.jsonl.zst", ".order_book_update", VenueId::kGate,
     read_gate<OnDemand, false>, read_gate<Rapid, false>},
    {"gate_futures", nullptr, "", VenueId::kGateFutures,
     read_gate<OnDemand, true>, read_gate<Rapid, true>, "snapshot",
     ParsedMessageKind::kDelta, make_gate_futures},
    {"kucoin_update", nullptr, "", VenueId::kKucoin, read_kucoin<OnDemand>,
     read_kucoin<Rapid>, "snapshot", ParsedMessageKind::kDelta, make_kucoin},
    {"gemini_update", "gemini.jsonl.zst", "\"type\":\"l2_updates\"",
     VenueId::kGemini, read_gemini<OnDemand>, read_gemini<Rapid>},
};

// A shape's frames, and the instruments as its recording left them.
class Recording {
 public:
  explicit Recording(const Shape& shape) : shape_(shape) {
    if (!load()) return;
    const auto parser = make(/*literal=*/true);
    ReusingSink sink;
    scales_.resize(table_.capacity());
    for (const RawMessage& raw : heard_) {
      parser->parse(raw, 0, sink);
      if (!contains(raw, shape.pattern) || sink.kind() != shape.kind) continue;
      scales_[sink.instrument()] = sink.scales();
      const char* channel = raw.data + 1;
      uint64_t id = 0;
      if (*raw.data == '[' && scan_unsigned(channel, &id)) {
        channels_.emplace_back(id, sink.instrument());
      }
      all_.push_back(raw);
    }
    std::sort(channels_.begin(), channels_.end());
    channels_.erase(std::unique(channels_.begin(), channels_.end()),
                    channels_.end());
    take_working_set();
    check();
  }

  bool empty() const { return all_.empty(); }
  std::span<const RawMessage> all() const { return all_; }
  std::span<const RawMessage> working_set() const { return working_set_; }

  // One that has learnt what the recording's snapshots say.
  std::unique_ptr<VenueParser> make(bool literal) {
    auto parser = *make_venue_parser(shape_.venue, table_,
                                     {.literal_fast_path = literal});
    if (table_.size() == 0) return parser;
    ReusingSink sink;
    for (const RawMessage& raw : heard_) {
      if (contains(raw, shape_.setup)) parser->parse(raw, 0, sink);
    }
    return parser;
  }
  Target make_target() {
    return Target(table_, shape_.venue, scales_, channels_);
  }

 private:
  static bool contains(const RawMessage& raw, const char* pattern) {
    return std::string_view(raw.data, raw.size).find(pattern) !=
           std::string_view::npos;
  }

  bool load() {
    if (shape_.file == nullptr) {
      Random random(20260801);
      for (size_t i = 0; i < kWorkingFrames; ++i) {
        std::string& text = made_.emplace_back(shape_.make(random));
        const size_t size = text.size();
        text.resize(size + kRawMessageSlackBytes);
        hear({text.data(), size});
      }
      return true;
    }
    const char* const folder = std::getenv("WIREBOOK_DATA");
    if (folder == nullptr || *folder == '\0') return false;
    auto capture = read_capture(std::string(folder) + "/" + shape_.file);
    if (!capture.ok()) return false;
    capture_ = std::make_unique<Capture>(*std::move(capture));
    for (const CaptureRecord& record : capture_->records) {
      if (record.kind == CaptureRecordKind::kReceived) hear(record.payload);
    }
    return true;
  }

  void hear(std::string_view text) {
    RawMessage& raw = heard_.emplace_back();
    raw.data = text.data();
    raw.size = static_cast<uint32_t>(text.size());
  }

  // Frames from all over the recording, one behind the other.
  void take_working_set() {
    const size_t stride = std::max<size_t>(1, all_.size() / kWorkingFrames);
    size_t bytes = kRawMessageSlackBytes;
    std::vector<RawMessage> chosen;
    for (size_t i = 0; i < all_.size() && chosen.size() < kWorkingFrames;
         i += stride) {
      if (bytes + all_[i].size > kWorkingBytes) continue;
      bytes += (all_[i].size + 63) / 64 * 64;
      chosen.push_back(all_[i]);
    }
    memory_.resize(bytes);
    char* at = memory_.data();
    for (RawMessage raw : chosen) {
      std::memcpy(at, raw.data, raw.size);
      raw.data = at;
      at += (raw.size + 63) / 64 * 64;
      working_set_.push_back(raw);
    }
  }

  // All readers say the same of every frame.
  void check() {
    ReusingSink sink;
    ReadingWithLevels ours;
    Target target = make_target();
    OnDemand on_demand;
    Rapid rapid;
    for (const bool literal : {true, false}) {
      const auto parser = make(literal);
      for (const RawMessage& raw : all_) {
        parser->parse(raw, 0, sink);
        sink.take(&ours);
        target.begin();
        on_demand.parse(
            raw, [&](OnDemand::Root root) { shape_.on_demand(root, target); });
        if (target.result() != ours) fail("On-Demand reads otherwise");
        target.begin();
        rapid.parse(raw, [&](Rapid::Root root) { shape_.rapid(root, target); });
        if (target.result() != ours) fail("RapidJSON reads otherwise");
      }
    }
  }

  const Shape& shape_;
  InstrumentTable table_{64};
  std::unique_ptr<Capture> capture_;
  std::deque<std::string> made_;
  std::vector<RawMessage> heard_;
  std::vector<Scales> scales_;
  Target::Channels channels_;
  std::vector<RawMessage> all_;
  std::vector<RawMessage> working_set_;
  std::vector<char> memory_;
};

Recording& recording_of(const Shape& shape) {
  static std::map<std::string, std::unique_ptr<Recording>> recordings;
  auto& recording = recordings[shape.name];
  if (recording == nullptr) recording = std::make_unique<Recording>(shape);
  return *recording;
}

// ---- Rows
// ---------------------------------------------------------------------

double thread_ns() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e9 +
         static_cast<double>(now.tv_nsec);
}

// `read(raw)` says how many levels there were.
template <typename Read>
void go_round(benchmark::State& state, std::span<const RawMessage> frames,
              Read&& read) {
  for (const RawMessage& raw : frames) read(raw);
  size_t at = 0;
  size_t levels = 0;
  const double start = thread_ns();
  for (auto _ : state) {
    levels += read(frames[at]);
    if (++at == frames.size()) at = 0;
  }
  const double taken = thread_ns() - start;
  state.counters["levels"] =
      static_cast<double>(levels) / static_cast<double>(state.iterations());
  state.counters["ns_per_level"] = taken / static_cast<double>(levels);
}

enum class Who { kWirebook, kWirebookJson, kOnDemand, kRapid };

void run(benchmark::State& state, const Shape& shape, Who who, bool whole) {
  Recording& recording = recording_of(shape);
  if (recording.empty()) {
    state.SkipWithError("WIREBOOK_DATA has no such recording");
    return;
  }
  const auto frames = whole ? recording.all() : recording.working_set();
  if (who == Who::kWirebook || who == Who::kWirebookJson) {
    const auto parser = recording.make(who == Who::kWirebook);
    ReusingSink sink;
    go_round(state, frames, [&](const RawMessage& raw) {
      sink.levels = 0;
      parser->parse(raw, 0, sink);
      return sink.levels;
    });
    return;
  }
  Target target = recording.make_target();
  const auto with = [&](auto json, auto read_root) {
    go_round(state, frames, [&](const RawMessage& raw) {
      target.begin();
      json.parse(raw, [&](auto&& root) { read_root(root, target); });
      benchmark::ClobberMemory();
      return target.reading().levels();
    });
  };
  if (who == Who::kOnDemand) {
    with(OnDemand(), shape.on_demand);
  } else {
    with(Rapid(), shape.rapid);
  }
}

void register_rows() {
  const auto add = [](const Shape& shape, const char* suffix, Who who,
                      bool whole) {
    benchmark::RegisterBenchmark(
        (std::string(shape.name) + "/" + suffix).c_str(),
        [&shape, who, whole](benchmark::State& state) {
          run(state, shape, who, whole);
        });
  };
  for (const Shape& shape : kShapes) {
    add(shape, "wirebook", Who::kWirebook, false);
    add(shape, "wirebook_without_literal", Who::kWirebookJson, false);
    add(shape, "on_demand", Who::kOnDemand, false);
    add(shape, "rapidjson", Who::kRapid, false);
    if (shape.file == nullptr) continue;
    add(shape, "recording/wirebook", Who::kWirebook, true);
    add(shape, "recording/on_demand", Who::kOnDemand, true);
  }
}

}  // namespace
}  // namespace wirebook

int main(int argc, char** argv) {
  wirebook::register_rows();
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
