// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "lob/l3_feed.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "lob/venues/make_venue_parser.h"

namespace wirebook {

absl::StatusOr<std::unique_ptr<L3Feed>> L3Feed::create(
    const L3FeedOptions& options, TradingObjectPools& pools,
    L3FeedListener* listener) {
  const OrderFeed* const feed = find_order_feed(options.venue);
  if (feed == nullptr) {
    const std::string_view name = venue_name(options.venue);
    return absl::UnimplementedError(
        absl::StrCat("L3Feed: no order-by-order channel of ",
                     absl::string_view(name.data(), name.size()),
                     " is known; order_feed.h has those that are"));
  }
  std::unique_ptr<L3Feed> made(new L3Feed(options, *feed, pools, listener));
  absl::StatusOr<std::unique_ptr<VenueParser>> parser = make_venue_parser(
      options.venue, made->table_,
      {.discover_instruments = options.discover_instruments, .orders = true});
  if (!parser.ok()) return parser.status();
  made->parser_ = *std::move(parser);
  return made;
}

L3Feed::L3Feed(const L3FeedOptions& options, const OrderFeed& feed,
               TradingObjectPools& pools, L3FeedListener* listener)
    : options_(options),
      feed_(feed),
      pools_(pools),
      listener_(listener),
      table_(options.max_books, [this](const Instrument& instrument) {
        make_keeper(instrument);
      }) {
  messages_.reserve(options.parsed_messages);
  free_.reserve(options.parsed_messages);
}

void L3Feed::make_keeper(const Instrument& instrument) {
  L3KeeperObserver* const observer = this;
  keepers_.push_back(std::make_unique<L3Keeper>(instrument, feed_, pools_,
                                                options_.keeper, observer));
}

absl::StatusOr<uint32_t> L3Feed::expect_instrument(std::string_view symbol,
                                                   uint16_t connection,
                                                   int depth) {
  Instrument instrument = make_instrument(options_.venue, symbol, connection);
  instrument.depth = depth;
  return expect_instrument(std::move(instrument));
}

absl::StatusOr<uint32_t> L3Feed::expect_instrument(Instrument instrument) {
  instrument.venue = options_.venue;
  return table_.find_or_add(std::move(instrument));
}

// ---- Messages ---------------------------------------------------------------

ParsedMessage* L3Feed::acquire() noexcept {
  if (free_.empty()) {
    if (messages_.size() == options_.parsed_messages) return nullptr;
    messages_.push_back(std::make_unique<ParsedMessage>());
    return messages_.back().get();
  }
  ParsedMessage* const message = free_.back();
  free_.pop_back();
  return message;
}

void L3Feed::release(ParsedMessage* message) noexcept {
  free_.push_back(message);
}

void L3Feed::on_message(const RawMessage& raw) noexcept {
  frames_.add(1);
  const bool fits = parser_->parse(raw, raw.receive_ticks, *this);
  unknown_.add(parser_->unknown_instruments() - unknown_.get());
  if (fits) return;
  drops_.add(1);
  for_connection(raw.connection, [&raw](L3Keeper& keeper) {
    keeper.on_fault(BookReason::kInternalDrop, raw.receive_ticks);
  });
}

void L3Feed::emit(ParsedMessage* head, ParsedMessage*) noexcept {
  if (!head->http_body) {
    for_connection(head->connection, [head](L3Keeper& keeper) {
      keeper.on_connection_alive(head->receive_ticks);
    });
  }
  // A frame that was lost may have spoken of any book of its connection.
  if (head->has_connection_sequence &&
      sequence(head->connection).on_message(head->connection_sequence) ==
          ConnectionSequence::Action::kGap) {
    for_connection(head->connection, [head](L3Keeper& keeper) {
      keeper.on_fault(BookReason::kSequenceGap, head->receive_ticks);
    });
  }
  for (ParsedMessage* message = head; message != nullptr;) {
    ParsedMessage* last = message;
    while (!last->last_part) last = last->next;
    ParsedMessage* const following = last->next;
    handle(*message);
    message = following;
  }
  for_connection(head->connection, [head](L3Keeper& keeper) {
    keeper.on_time(head->receive_ticks);
  });
  while (head != nullptr) release(std::exchange(head, head->next));
}

void L3Feed::handle(const ParsedMessage& message) noexcept {
  using Kind = ParsedMessageKind;
  const bool named = message.instrument != kNoInstrument;
  switch (message.kind) {
    case Kind::kDelta:
    case Kind::kSnapshot:
      keepers_[message.instrument]->on_message(message);
      return;
    case Kind::kMalformed:
      malformed_.add(1);
      if (message.http_body) {
        if (named) keepers_[message.instrument]->on_message(message);
      } else if (message.concerns_book) {
        const auto fault = [&message](L3Keeper& keeper) {
          keeper.on_fault(message.reason, message.receive_ticks);
        };
        if (named) {
          fault(*keepers_[message.instrument]);
        } else {
          for_connection(message.connection, fault);
        }
      }
      break;
    case Kind::kIgnored:
      return;
    case Kind::kSubscribed:
    case Kind::kUnsubscribed:
    case Kind::kRefused:
    case Kind::kStatus:
    case Kind::kShutdown:
      if (named) {
        keepers_[message.instrument]->on_message(message);
      } else {
        for_connection(message.connection, [&message](L3Keeper& keeper) {
          keeper.on_message(message);
        });
      }
      break;
    case Kind::kBestBidOffer:
    case Kind::kTrade:
    case Kind::kHeartbeat:
      break;
  }
  if (listener_ != nullptr) listener_->on_other(message);
}

void L3Feed::on_applied(const L3Keeper& keeper,
                        const ParsedMessageHeader& message) noexcept {
  if (listener_ != nullptr) listener_->on_orders_applied(keeper, message);
}

void L3Feed::on_state_changed(const L3Keeper& keeper) noexcept {
  if (listener_ != nullptr) listener_->on_state_changed(keeper);
}

// ---- Connections ------------------------------------------------------------

template <class F>
void L3Feed::for_connection(uint16_t connection, F&& f) noexcept {
  for (const std::unique_ptr<L3Keeper>& keeper : keepers_) {
    if (keeper->instrument().connection == connection) f(*keeper);
  }
}

ConnectionSequence& L3Feed::sequence(uint16_t connection) noexcept {
  if (sequences_.size() <= connection) sequences_.resize(connection + 1u);
  return sequences_[connection];
}

void L3Feed::on_connection_up(uint16_t connection, uint64_t ticks) noexcept {
  sequence(connection).restart();
  if (reconnecting_.size() > connection) reconnecting_[connection] = false;
  for_connection(connection,
                 [ticks](L3Keeper& keeper) { keeper.on_connection_up(ticks); });
}

void L3Feed::on_connection_lost(uint16_t connection, uint64_t ticks) noexcept {
  sequence(connection).restart();
  for_connection(connection, [ticks](L3Keeper& keeper) {
    keeper.on_connection_lost(ticks);
  });
}

void L3Feed::on_connection_stale(uint16_t connection, uint64_t ticks) noexcept {
  for_connection(connection, [ticks](L3Keeper& keeper) {
    keeper.on_connection_stale(ticks);
  });
}

void L3Feed::on_time(uint64_t ticks) noexcept {
  for (const std::unique_ptr<L3Keeper>& keeper : keepers_) {
    keeper->on_time(ticks);
  }
}

std::optional<BookRequest> L3Feed::next_request() noexcept {
  for (const std::unique_ptr<L3Keeper>& keeper : keepers_) {
    const std::optional<BookRequestKind> kind = keeper->take_request();
    if (!kind) continue;
    const Instrument& instrument = keeper->instrument();
    if (*kind == BookRequestKind::kReconnect) {
      const size_t connection = instrument.connection;
      if (reconnecting_.size() <= connection) {
        reconnecting_.resize(connection + 1);
      }
      if (reconnecting_[connection]) continue;
      reconnecting_[connection] = true;
    }
    return BookRequest{*kind, instrument.index, instrument.connection};
  }
  return std::nullopt;
}

}  // namespace wirebook
