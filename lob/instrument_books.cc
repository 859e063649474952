// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "lob/instrument_books.h"

#include <utility>

#include "concurrency/tsc_clock.h"
#include "memory/allocation_counter.h"

namespace wirebook {

InstrumentBooks::InstrumentBooks(const InstrumentBooksOptions& options,
                                 BookPipelineListener* listener)
    : keeper_options_(options.keeper),
      listener_(listener),
      keepers_(
          std::make_unique<std::unique_ptr<BookKeeper>[]>(options.max_books)),
      table_(options.max_books,
             [this](const Instrument& instrument) {
               BookKeeperObserver* const observer = this;
               keepers_[instrument.index] = std::make_unique<BookKeeper>(
                   instrument, keeper_options_, observer);
               lines_.add_book(instrument.index);
             }),
      lines_(venue_traits(options.venue), options.lines,
             options.line_patience_ticks, options.max_books),
      reconnecting_(size_t{UINT16_MAX} + 1),
      sequences_(venue_traits(options.venue).sync == SyncClass::kConnectionWide
                     ? size_t{UINT16_MAX} + 1
                     : 0) {}

// ---- Frames -----------------------------------------------------------------

void InstrumentBooks::on_frame(ParsedMessage* head,
                               uint32_t allocations) noexcept {
  parse_allocations_ = allocations;
  allocations_mark_ = thread_allocations();
  if (any_stale_ && !head->http_body) [[unlikely]] {
    revive(head->connection, head->receive_ticks);
  }
  if (lines_.awaits()) [[unlikely]] {
    lines_.on_time({keepers_.get(), table_.size()}, head->receive_ticks);
  }
  if (head->has_connection_sequence) check_sequence(*head);
  for (ParsedMessage* message = head; message != nullptr;) {
    ParsedMessage* last = message;
    size_t levels = message->level_count();
    while (!last->last_part) {
      last = last->next;
      levels += last->level_count();
    }
    ParsedMessage* const following = last->next;
    levels_in_hand_ = levels;
    on_message(*message);
    message = following;
  }
}

// A frame that was lost may have spoken of any book of its connection.
void InstrumentBooks::check_sequence(const ParsedMessage& head) noexcept {
  if (sequences_.empty()) return;
  if (sequences_[head.connection].on_message(head.connection_sequence) ==
      ConnectionSequence::Action::kGap) [[unlikely]] {
    on_fault(BookReason::kSequenceGap, head.connection, head.receive_ticks);
  }
}

void InstrumentBooks::on_message(ParsedMessage& message) noexcept {
  using Kind = ParsedMessageKind;
  switch (message.kind) {
    case Kind::kDelta:
    case Kind::kSnapshot:
      return on_depth(message);
    case Kind::kIgnored:
      ignored_.add(1);
      return;
    case Kind::kMalformed:
      on_malformed(message);
      break;
    case Kind::kSubscribed:
    case Kind::kUnsubscribed:
    case Kind::kRefused:
    case Kind::kStatus:
    case Kind::kShutdown:
      on_notice(message);
      break;
    case Kind::kBestBidOffer:
    case Kind::kTrade:
      if (!lines_.passes(message)) return;
      break;
    case Kind::kHeartbeat:
      break;
  }
  if (listener_ != nullptr) listener_->on_other(message);
}

void InstrumentBooks::on_depth(ParsedMessage& message) noexcept {
  BookKeeper& keeper = *keepers_[message.instrument];
  const bool was_live = keeper.state() == BookState::kLive;
  lines_.on_depth(keeper, message);
  const uint64_t now = thread_allocations();
  if (was_live) {
    hot_allocations_.add(parse_allocations_ + (now - allocations_mark_));
  }
  parse_allocations_ = 0;
  allocations_mark_ = now;
}

void InstrumentBooks::on_malformed(const ParsedMessage& message) noexcept {
  malformed_.add(1);
  const bool named = message.instrument != kNoInstrument;
  if (message.http_body) {
    // An answer that does not serve; of the stream nothing was lost.
    if (named) keepers_[message.instrument]->on_message(message);
  } else if (message.concerns_book && named) {
    lines_.on_fault(*keepers_[message.instrument], message.reason,
                    message.connection, message.receive_ticks);
  } else if (message.concerns_book) {
    on_fault(message.reason, message.connection, message.receive_ticks);
  }
}

void InstrumentBooks::on_notice(const ParsedMessage& message) noexcept {
  if (message.instrument != kNoInstrument) {
    return lines_.on_notice(*keepers_[message.instrument], message);
  }
  for_connection(message.connection, [this, &message](BookKeeper& keeper) {
    lines_.on_notice(keeper, message);
  });
}

// ---- Connections ------------------------------------------------------------

template <class F>
void InstrumentBooks::for_connection(uint16_t connection, F&& f) noexcept {
  const uint16_t of_book = lines_.book_connection(connection);
  const size_t count = table_.size();
  for (size_t i = 0; i < count; ++i) {
    if (table_[i].connection == of_book) f(*keepers_[i]);
  }
}

void InstrumentBooks::on_connection_up(uint16_t connection,
                                       uint64_t ticks) noexcept {
  if (!sequences_.empty()) sequences_[connection].restart();
  for_connection(connection, [&](BookKeeper& keeper) {
    lines_.on_up(keeper, connection, ticks);
  });
}

void InstrumentBooks::on_connection_lost(uint16_t connection,
                                         uint64_t ticks) noexcept {
  if (!sequences_.empty()) sequences_[connection].restart();
  for_connection(connection, [&](BookKeeper& keeper) {
    lines_.on_lost(keeper, connection, ticks);
  });
}

void InstrumentBooks::on_connection_stale(uint16_t connection,
                                          uint64_t ticks) noexcept {
  any_stale_ = true;
  for_connection(connection, [&](BookKeeper& keeper) {
    lines_.on_stale(keeper, connection, ticks);
  });
}

void InstrumentBooks::on_fault(BookReason reason, uint16_t connection,
                               uint64_t ticks) noexcept {
  for_connection(connection, [&](BookKeeper& keeper) {
    lines_.on_fault(keeper, reason, connection, ticks);
  });
}

void InstrumentBooks::revive(uint16_t connection, uint64_t ticks) noexcept {
  for_connection(connection, [&](BookKeeper& keeper) {
    lines_.on_heard(keeper, connection, ticks);
  });
  any_stale_ = false;
  const size_t count = table_.size();
  for (size_t i = 0; i < count; ++i) {
    any_stale_ |= lines_.any_stale(*keepers_[i]);
  }
}

// ---- The books' own ---------------------------------------------------------

void InstrumentBooks::on_applied(const BookKeeper& keeper,
                                 const ParsedMessage& message,
                                 bool kept) noexcept {
  // What failed is no book. One that is only beyond its snapshot is whole as
  // far as it goes.
  if (keeper.state() != BookState::kLive &&
      keeper.reason() != BookReason::kBeyondSnapshot) {
    return;
  }
  if (!kept) {
    frame_to_book_ticks_.record(TscClock::ticks() - message.parse_start_ticks);
    measured_levels_.add(levels_in_hand_);
  }
  if (listener_ == nullptr) return;
  // What the listener allocates is its own affair.
  const uint64_t before = thread_allocations();
  listener_->on_depth_applied(keeper, message);
  allocations_mark_ += thread_allocations() - before;
}

void InstrumentBooks::on_state_changed(const BookKeeper& keeper) noexcept {
  if (listener_ == nullptr) return;
  const uint64_t before = thread_allocations();
  listener_->on_state_changed(keeper);
  allocations_mark_ += thread_allocations() - before;
}

void InstrumentBooks::on_request(const BookKeeper&) noexcept {
  // Pairs with the acquire in next_request. Only this thread stores.
  raised_.store(raised_.load(std::memory_order_relaxed) + 1,
                std::memory_order_release);
}

std::optional<BookRequest> InstrumentBooks::next_request() noexcept {
  if (!scanning_) {
    // Pairs with the release in on_request: the keeper's request is there.
    const uint64_t raised = raised_.load(std::memory_order_acquire);
    if (raised == seen_) return std::nullopt;
    seen_ = raised;
    scanning_ = true;
    cursor_ = 0;
  }
  const size_t count = table_.size();
  while (cursor_ < count) {
    const size_t index = cursor_++;
    if (const auto kind = keepers_[index]->take_request()) {
      const uint16_t connection = table_[index].connection;
      if (*kind == BookRequestKind::kReconnect &&
          std::exchange(reconnecting_[connection], 1) != 0) {
        continue;  // another book of it said so
      }
      return BookRequest{.kind = *kind,
                         .instrument = static_cast<uint32_t>(index),
                         .connection = connection};
    }
  }
  scanning_ = false;
  return std::nullopt;
}

InstrumentBooksStatistics InstrumentBooks::statistics() const noexcept {
  return {.malformed = malformed_.get(),
          .ignored = ignored_.get(),
          .hot_path_heap_allocations = hot_allocations_.get(),
          .measured_levels = measured_levels_.get()};
}

}  // namespace wirebook
