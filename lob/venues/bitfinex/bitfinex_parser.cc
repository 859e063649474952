// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "lob/venues/bitfinex/bitfinex_parser.h"

#include <charconv>
#include <utility>

#include "lob/order_event.h"
#include "lob/venues/order_rows.h"

namespace wirebook {
namespace {

namespace ondemand = simdjson::ondemand;

// Codes of "info".
constexpr uint64_t kReconnect = 20051;
constexpr uint64_t kMaintenance = 20060;
constexpr uint64_t kMaintenanceEnded = 20061;

enum Key : unsigned {
  kEvent,
  kChannel,
  kSymbol,
  kPrecision,
  kStatus,
  kChannelId,
  kCode,
  kLength,
  kVersion,
  kPlatform,
};

constexpr KeyName<Key> kNames[] = {
    {"event", kEvent},       {"channel", kChannel}, {"symbol", kSymbol},
    {"prec", kPrecision},    {"status", kStatus},   {"chanId", kChannelId},
    {"code", kCode},         {"len", kLength},      {"version", kVersion},
    {"platform", kPlatform},
};

// A number with a sign; what remains in `digits` has none.
bool take_sign(std::string_view* digits) noexcept {
  const bool negative = digits->starts_with('-');
  if (negative) digits->remove_prefix(1);
  return negative;
}

// The first `kCount` elements, numbers all of them; further ones are passed
// over.
template <size_t kCount>
bool read_numbers(ondemand::array array,
                  std::string_view (&numbers)[kCount]) noexcept {
  size_t count = 0;
  for (auto part : array) {
    ondemand::value value;
    if (std::move(part).get(value) != simdjson::SUCCESS) return false;
    // Where one is missing the token is the closing bracket, and behind that
    // simdjson must not go on.
    const std::string_view token = json_token(value);
    const char first = token.empty() ? '\0' : token.front();
    if (first != '-' && (first < '0' || first > '9')) return false;
    if (count < kCount) numbers[count] = token;
    ++count;
  }
  return count >= kCount;
}

// [price, count, amount]: bids have positive amounts; a count of zero removes.
BookReason read_entry(ondemand::array entry, Scales scales, Side* side,
                      PriceLevel* level) noexcept {
  constexpr BookReason kMalformed = BookReason::kMalformedMessage;
  std::string_view numbers[3];
  if (!read_numbers(entry, numbers)) return kMalformed;
  auto& [price, count, amount] = numbers;
  *side = take_sign(&amount) ? Side::kAsk : Side::kBid;
  uint64_t orders = 0;
  const char* p = count.data();
  if (!scan_unsigned(p, &orders) || p != count.data() + count.size()) {
    return kMalformed;
  }
  DecimalError error = read_amount(price, scales.price, &level->price);
  if (error == DecimalError::kOk) {
    error = read_amount(amount, scales.quantity, &level->quantity);
  }
  if (error != DecimalError::kOk) return reason_of(error);
  if (level->price == 0 || level->quantity == 0) return kMalformed;
  if (orders == 0) level->quantity = 0;
  return BookReason::kNone;
}

}  // namespace

BitfinexParser::BitfinexParser(InstrumentTable& table,
                               const VenueParserOptions& options)
    : JsonVenueParser(table, VenueId::kBitfinex, options) {
  channels_.reserve(kMaxChannels);
}

// An update of one level: [channel,[price,count,amount],sequence].
bool BitfinexParser::read_literally(const RawMessage& raw,
                                    FrameBuilder& frame) noexcept {
  TextScanner in(raw.data, raw.data + raw.size);
  uint64_t id;
  if (!in.literal("[") || !in.unsigned_number(&id) || !in.literal(",[")) {
    return false;
  }
  const Channel* const channel = find_channel(id, raw.connection);
  if (channel == nullptr || channel->kind != ChannelKind::kBook) return false;
  const Scales scales = scales_of(channel->instrument);
  PriceLevel level;
  uint64_t orders;
  uint64_t sequence;
  if (!in.amount(scales.price, &level.price) || !in.literal(",") ||
      !in.unsigned_number(&orders) || !in.literal(",")) {
    return false;
  }
  const Side side = in.literal("-") ? Side::kAsk : Side::kBid;
  if (!in.amount(scales.quantity, &level.quantity) || !in.literal("],") ||
      !in.unsigned_number(&sequence) || !in.literal("]") || !in.at_end() ||
      level.price == 0 || level.quantity == 0) {
    return false;
  }
  if (orders == 0) level.quantity = 0;
  frame.set_connection_sequence(sequence);
  return start_message(frame, ParsedMessageKind::kDelta, channel->instrument,
                       scales) != nullptr &&
         frame.add(side, level);
}

ParseVerdict BitfinexParser::read_json(ondemand::document& document,
                                       const RawMessage& raw,
                                       FrameBuilder& frame) noexcept {
  ondemand::array update;
  if (document.get_array().get(update) == simdjson::SUCCESS) {
    const ParseVerdict verdict = read_update(update, raw, frame);
    if (verdict.fault == BookReason::kNone && !at_end(document)) {
      return kMalformedVerdict;
    }
    return verdict;
  }
  ondemand::object root;
  Event event;
  if (document.get_object().get(root) != simdjson::SUCCESS ||
      !read_scalars(root, &event) || !at_end(document)) {
    return kMalformedVerdict;
  }
  return read_event(event, raw, frame);
}

// ---- Events: objects --------------------------------------------------------

bool BitfinexParser::read_scalars(ondemand::object root,
                                  Event* event) noexcept {
  return read_fields(
      root, kNames, &event->seen, [&](Key key, ondemand::value value) {
        ondemand::object platform;
        switch (key) {
          case kEvent:
            return json_string(value, &event->event);
          case kChannel:
            return json_string(value, &event->channel);
          case kSymbol:
            return json_string(value, &event->symbol);
          case kPrecision:
            return json_string(value, &event->precision);
          case kStatus:
            return json_string(value, &event->status);
          case kChannelId:
            return json_unsigned(value, &event->channel_id);
          case kCode:
            return json_unsigned(value, &event->code);
          case kLength:
            return json_quoted_unsigned(value, &event->depth) ||
                   json_unsigned(value, &event->depth);
          case kPlatform:
            return value.get_object().get(platform) == simdjson::SUCCESS &&
                   platform.find_field("status").get(event->platform) ==
                       simdjson::SUCCESS;
          default:
            return true;
        }
      });
}

ParseVerdict BitfinexParser::read_event(const Event& event,
                                        const RawMessage& raw,
                                        FrameBuilder& frame) noexcept {
  ParsedMessageKind kind = ParsedMessageKind::kIgnored;
  BookReason reason = BookReason::kNone;
  uint32_t instrument = kNoInstrument;
  uint64_t depth = 0;
  if (event.event == "subscribed") {
    if (!event.seen.has_all(kChannel, kChannelId, kSymbol)) {
      return kMalformedVerdict;
    }
    // Its number may have been another's.
    forget(raw.connection, &event.channel_id);
    // Order by order is another book.
    const bool book =
        event.channel == "book" && (event.precision == "R0") == reads_orders();
    const bool trades = event.channel == "trades";
    if (!book && !trades && event.channel != "ticker") return {};
    instrument = book ? resolver_.find_or_add(event.symbol, raw.connection)
                      : resolver_.find(event.symbol, raw.connection);
    if (instrument == kNoInstrument || channels_.size() == kMaxChannels) {
      return {};
    }
    channels_.push_back({.id = event.channel_id,
                         .instrument = instrument,
                         .connection = raw.connection,
                         .kind = book     ? ChannelKind::kBook
                                 : trades ? ChannelKind::kTrades
                                          : ChannelKind::kTicker});
    if (!book) return {};
    kind = ParsedMessageKind::kSubscribed;
    depth = event.depth;
  } else if (event.event == "unsubscribed") {
    const Channel* const channel =
        find_channel(event.channel_id, raw.connection);
    if (channel == nullptr) return {};
    // It is forgotten once it was told: without room the frame comes again.
    if (channel->kind == ChannelKind::kBook) {
      ParsedMessage* const message =
          frame.start(ParsedMessageKind::kUnsubscribed);
      if (message == nullptr) return {};
      message->instrument = channel->instrument;
    }
    forget(raw.connection, &event.channel_id);
    return {};
  } else if (event.event == "error" ||
             (event.event == "conf" && event.status != "OK")) {
    if (event.seen.has(kChannel) && event.channel != "book") return {};
    if (event.seen.has(kSymbol)) {
      instrument = resolver_.find(event.symbol, raw.connection);
      if (instrument == kNoInstrument) return {};
    }
    kind = ParsedMessageKind::kRefused;
    reason = BookReason::kVenueRefused;
  } else if (event.event == "info") {
    // A connection's first words: numbers of the one before mean nothing.
    if (event.seen.has(kVersion)) forget(raw.connection, nullptr);
    if (event.code == kReconnect) kind = ParsedMessageKind::kShutdown;
    if (event.code == kMaintenance || event.platform == 0) {
      kind = ParsedMessageKind::kStatus;
      reason = BookReason::kVenueStatus;
    }
    if (event.code == kMaintenanceEnded) kind = ParsedMessageKind::kStatus;
  } else if (event.event == "pong") {
    kind = ParsedMessageKind::kHeartbeat;
  }
  if (kind == ParsedMessageKind::kIgnored) return {};
  ParsedMessage* const message = frame.start(kind);
  if (message == nullptr) return {};
  message->instrument = instrument;
  message->reason = reason;
  message->depth = static_cast<uint32_t>(depth);
  return {};
}

const BitfinexParser::Channel* BitfinexParser::find_channel(
    uint64_t id, uint16_t connection) const noexcept {
  for (const Channel& channel : channels_) {
    if (channel.id == id && channel.connection == connection) return &channel;
  }
  return nullptr;
}

void BitfinexParser::forget(uint16_t connection, const uint64_t* id) noexcept {
  std::erase_if(channels_, [&](const Channel& channel) {
    return channel.connection == connection &&
           (id == nullptr || channel.id == *id);
  });
}

// ---- Updates: arrays --------------------------------------------------------

ParseVerdict BitfinexParser::read_update(ondemand::array root,
                                         const RawMessage& raw,
                                         FrameBuilder& frame) noexcept {
  ParseVerdict verdict = kMalformedVerdict;
  Update update;
  std::string_view name;  // of the payload, with its quotes
  unsigned place = 0;
  bool good = true;
  for (auto part : root) {
    ondemand::value value;
    if (std::move(part).get(value) != simdjson::SUCCESS) return verdict;
    const unsigned at = place++;
    const Channel* const channel = update.channel;
    const bool of_book =
        channel != nullptr && channel->kind == ChannelKind::kBook;
    if (at == 0) {
      uint64_t id = 0;
      if (!json_unsigned(value, &id)) return verdict;
      update.channel = find_channel(id, raw.connection);
      if (update.channel != nullptr) {
        verdict.instrument = update.channel->instrument;
        verdict.concerns_book = update.channel->kind == ChannelKind::kBook;
      }
    } else if (at == 1 && json_token(value).starts_with('"')) {
      name = json_token(value);
      if (name != "\"hb\"") update.sequence_at = 3;
    } else if (at == update.sequence_at) {
      uint64_t sequence = 0;
      if (!json_unsigned(value, &sequence)) return verdict;
      update.has_sequence = true;
      frame.set_connection_sequence(sequence);
    } else if (channel == nullptr) {
      continue;
    } else if (at == 1 && of_book) {
      const BookReason fault = read_book(value, channel->instrument, frame);
      if (fault != BookReason::kNone) {
        verdict.fault = fault;
        return verdict;
      }
    } else if (at == 1 && channel->kind == ChannelKind::kTicker) {
      good = read_ticker(value, channel->instrument, frame);
    } else if (at == 2 && name == "\"cs\"" && of_book) {
      good = read_checksum(value, channel->instrument, frame);
    } else if (at == 2 && name == "\"te\"" &&
               channel->kind == ChannelKind::kTrades) {
      good = read_trade(value, channel->instrument, frame);
    }
    if (!good) return verdict;
  }
  // Without the count a loss before it would not show.
  const bool depth =
      update.channel != nullptr && update.channel->kind == ChannelKind::kBook;
  if (place < 2 || (depth && !update.has_sequence)) return verdict;
  if (name == "\"hb\"") frame.start(ParsedMessageKind::kHeartbeat);
  return {};
}

// One entry, or a list of them: a snapshot.
BookReason BitfinexParser::read_book(ondemand::value payload,
                                     uint32_t instrument,
                                     FrameBuilder& frame) noexcept {
  constexpr BookReason kMalformed = BookReason::kMalformedMessage;
  // The bracket that opens it, up to what it holds.
  const std::string_view open = payload.raw_json_token();
  const char inside = open.data()[open.size()];
  const bool update = inside != '[' && inside != ']';
  ondemand::array entries;
  if (payload.get_array().get(entries) != simdjson::SUCCESS) return kMalformed;
  const Scales scales = scales_of(instrument);
  if (start_message(
          frame,
          update ? ParsedMessageKind::kDelta : ParsedMessageKind::kSnapshot,
          instrument, scales) == nullptr) {
    return kMalformed;
  }
  const auto read = [&](ondemand::array entry) {
    if (reads_orders()) return read_order(entry, update, scales, frame);
    PriceLevel level;
    Side side = Side::kBid;
    const BookReason fault = read_entry(entry, scales, &side, &level);
    if (fault != BookReason::kNone) return fault;
    return frame.add_mixed(side, level) ? BookReason::kNone : kMalformed;
  };
  frame.begin_side(Side::kBid);
  if (update) return read(entries);
  for (auto part : entries) {
    ondemand::array entry;
    if (part.get_array().get(entry) != simdjson::SUCCESS) return kMalformed;
    const BookReason fault = read(entry);
    if (fault != BookReason::kNone) return fault;
  }
  return BookReason::kNone;
}

// [id, price, amount]: an order is there with what it says, or, where the price
// is 0, is not.
BookReason BitfinexParser::read_order(ondemand::array entry, bool update,
                                      Scales scales,
                                      FrameBuilder& frame) noexcept {
  constexpr BookReason kMalformed = BookReason::kMalformedMessage;
  std::string_view numbers[3];
  if (!read_numbers(entry, numbers)) return kMalformed;
  auto& [id, price, amount] = numbers;
  OrderEvent order{.action = OrderAction::kPut};
  order.side = take_sign(&amount) ? Side::kAsk : Side::kBid;
  if (!parse_order_number(id, &order.id)) return kMalformed;
  DecimalError error = read_amount(price, scales.price, &order.price);
  if (error == DecimalError::kOk) {
    error = read_amount(amount, scales.quantity, &order.quantity);
  }
  if (error != DecimalError::kOk) return reason_of(error);
  if (order.quantity == 0) return kMalformed;
  if (order.price == 0) order.action = OrderAction::kRemove;
  if (!update) {
    if (order.price == 0) return kMalformed;
    order.action = OrderAction::kAdd;
  }
  return frame.add_order(order) ? BookReason::kNone : kMalformed;
}

// A sum of the book as it is after what came before: an update without levels.
bool BitfinexParser::read_checksum(ondemand::value value, uint32_t instrument,
                                   FrameBuilder& frame) noexcept {
  const std::string_view token = json_token(value);
  int32_t sum = 0;
  const auto [rest, error] =
      std::from_chars(token.data(), token.data() + token.size(), sum);
  if (error != std::errc() || rest != token.data() + token.size()) return false;
  ParsedMessage* const message =
      start_message(frame, ParsedMessageKind::kDelta, instrument);
  if (message == nullptr) return false;
  message->has_checksum = true;
  message->checksum = static_cast<uint32_t>(sum);
  return true;
}

// ---- What is not depth ------------------------------------------------------

// [bid, bid size, ask, ask size, ...]: the sizes are sums over many levels.
bool BitfinexParser::read_ticker(ondemand::value payload, uint32_t instrument,
                                 FrameBuilder& frame) noexcept {
  ondemand::array array;
  std::string_view numbers[4];
  return payload.get_array().get(array) == simdjson::SUCCESS &&
         read_numbers(array, numbers) &&
         add_touch(instrument,
                   {.bid = numbers[0],
                    .bid_quantity = {},
                    .ask = numbers[2],
                    .ask_quantity = {}},
                   0, frame);
}

// [id, milliseconds, amount, price]: the taker bought a positive amount.
bool BitfinexParser::read_trade(ondemand::value payload, uint32_t instrument,
                                FrameBuilder& frame) noexcept {
  ondemand::array array;
  std::string_view numbers[4];
  if (payload.get_array().get(array) != simdjson::SUCCESS ||
      !read_numbers(array, numbers)) {
    return false;
  }
  auto& [id, time, amount, price] = numbers;
  TradeText trade{.has_id = true};
  const char* p = id.data();
  if (!scan_unsigned(p, &trade.id) || p != id.data() + id.size()) return false;
  uint64_t time_ms = 0;
  p = time.data();
  if (!scan_unsigned(p, &time_ms) || p != time.data() + time.size()) {
    return false;
  }
  trade.time_ns = to_unix_ns(time_ms, kMillisecondNs);
  trade.aggressor = take_sign(&amount) ? Side::kAsk : Side::kBid;
  trade.price = price;
  trade.quantity = amount;
  return add_trade(instrument, trade, frame);
}

}  // namespace wirebook
