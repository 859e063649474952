// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "lob/book_lines.h"

#include <bit>

namespace wirebook {
namespace {

using Change = LineArbiter::Change;

// The id after which an update's own begin.
uint64_t begin_of(const VenueTraits& traits, const ParsedMessage& update) {
  const bool counts_on = traits.sync == SyncClass::kRestSnapshot &&
                         traits.diffs == DiffRule::kFirstId;
  return counts_on ? update.first_update_id - 1 : update.previous_update_id;
}

void apply(Change change, BookKeeper& keeper, uint64_t ticks) noexcept {
  switch (change) {
    case Change::kNone:
      return;
    case Change::kUp:
      return keeper.on_connection_up(ticks);
    case Change::kLost:
      return keeper.on_connection_lost(ticks);
    case Change::kStale:
      return keeper.on_connection_stale(ticks);
    case Change::kAlive:
      return keeper.on_connection_alive(ticks);
    case Change::kGap:
      return keeper.on_fault(BookReason::kSequenceGap, ticks);
  }
}

}  // namespace

BookLines::BookLines(const VenueTraits& traits, size_t lines,
                     uint64_t patience_ticks, size_t max_books)
    : traits_(traits),
      line_bits_(std::countr_zero(lines)),
      patience_ticks_(patience_ticks),
      books_(std::make_unique<std::unique_ptr<Book>[]>(max_books)) {}

void BookLines::add_book(size_t index) {
  if (line_bits_ == 0) return;
  books_[index] = std::make_unique<Book>(patience_ticks_);
}

void BookLines::on_up(BookKeeper& keeper, uint16_t connection,
                      uint64_t ticks) noexcept {
  LineArbiter* const lines = arbiter_of(keeper);
  apply(lines ? lines->on_up(line_of(connection)) : Change::kUp, keeper, ticks);
}

void BookLines::on_lost(BookKeeper& keeper, uint16_t connection,
                        uint64_t ticks) noexcept {
  LineArbiter* const lines = arbiter_of(keeper);
  apply(lines ? lines->on_lost(line_of(connection)) : Change::kLost, keeper,
        ticks);
}

void BookLines::on_stale(BookKeeper& keeper, uint16_t connection,
                         uint64_t ticks) noexcept {
  LineArbiter* const lines = arbiter_of(keeper);
  apply(lines ? lines->on_stale(line_of(connection)) : Change::kStale, keeper,
        ticks);
}

void BookLines::on_heard(BookKeeper& keeper, uint16_t connection,
                         uint64_t ticks) noexcept {
  LineArbiter* const lines = arbiter_of(keeper);
  apply(lines ? lines->on_heard(line_of(connection)) : Change::kAlive, keeper,
        ticks);
}

void BookLines::on_fault(BookKeeper& keeper, BookReason reason,
                         uint16_t connection, uint64_t ticks) noexcept {
  LineArbiter* const lines = arbiter_of(keeper);
  if (lines == nullptr ||
      lines->on_fault(line_of(connection)) == Change::kGap) {
    keeper.on_fault(reason, ticks);
  }
}

void BookLines::on_time(std::span<const std::unique_ptr<BookKeeper>> keepers,
                        uint64_t ticks) noexcept {
  awaits_ = false;
  for (const std::unique_ptr<BookKeeper>& keeper : keepers) {
    LineArbiter* const lines = arbiter_of(*keeper);
    if (lines == nullptr) continue;
    apply(lines->on_time(ticks), *keeper, ticks);
    awaits_ |= lines->awaits();
  }
}

bool BookLines::any_stale(const BookKeeper& keeper) const noexcept {
  const LineArbiter* const lines = arbiter_of(keeper);
  return lines ? lines->any_stale() : keeper.state() == BookState::kStale;
}

bool BookLines::merge(BookKeeper& keeper, ParsedMessage& message) noexcept {
  LineArbiter& lines = *arbiter_of(keeper);
  const size_t from = line_of(message.connection);
  const uint64_t ticks = message.receive_ticks;
  if (!message.has_last_update_id) {
    // Without ids nobody can tell where it belongs.
    on_fault(keeper, BookReason::kSequenceGap, message.connection, ticks);
    return false;
  }
  if (message.kind == ParsedMessageKind::kSnapshot) {
    return lines.on_snapshot(from, message.last_update_id,
                             keeper.state() == BookState::kLive, ticks);
  }
  const uint64_t begin = begin_of(traits_, message);
  const uint64_t last = lines.last();
  const bool overlaps = lines.has_last() && begin < last;
  switch (lines.on_update(from, begin, message.last_update_id, ticks)) {
    case LineArbiter::Action::kAhead:
      awaits_ = true;
      return false;
    case LineArbiter::Action::kDuplicate:
      return false;
    case LineArbiter::Action::kGap:
      keeper.on_fault(BookReason::kSequenceGap, ticks);
      return true;
    case LineArbiter::Action::kPass:
      break;
  }
  if (overlaps) {
    message.first_update_id = last + 1;
    message.previous_update_id = last;
  }
  return true;
}

bool BookLines::passes(const ParsedMessage& message) noexcept {
  if (line_bits_ == 0 || !message.has_last_update_id ||
      message.instrument == kNoInstrument) {
    return true;
  }
  Book& book = *books_[message.instrument];
  FirstOfLines& events =
      message.kind == ParsedMessageKind::kTrade ? book.trades : book.quotes;
  return events.passes(line_of(message.connection), message.last_update_id);
}

void BookLines::on_notice(BookKeeper& keeper,
                          const ParsedMessage& message) noexcept {
  using Kind = ParsedMessageKind;
  LineArbiter* const lines = arbiter_of(keeper);
  const bool ends = message.kind == Kind::kUnsubscribed ||
                    message.kind == Kind::kRefused ||
                    message.kind == Kind::kShutdown;
  // Where a snapshot follows, that says it.
  if (lines != nullptr && message.kind == Kind::kSubscribed &&
      traits_.sync == SyncClass::kRestSnapshot) {
    lines->on_subscribed(line_of(message.connection));
  }
  if (lines != nullptr && ends && !message.http_body) {
    const size_t line = line_of(message.connection);
    const Change then = message.kind == Kind::kShutdown
                            ? lines->on_closing(line)
                            : lines->on_lost(line);
    if (then != Change::kLost) {
      apply(then, keeper, message.receive_ticks);
      return;
    }
  }
  keeper.on_message(message);
}

}  // namespace wirebook
