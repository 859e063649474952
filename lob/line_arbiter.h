// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// LineArbiter: one stream of one instrument, heard on several connections
// (lines A, B, ...), merged by the venue's ids: who is first wins, and what one
// line loses the others bring.
//
// Use it where ids are the same on every connection (VenueTraits::shared_ids);
// elsewhere HotStandby. BookPipelineOptions::lines puts one before each book.
//
// Merged by coverage, since venues cut events differently on each connection:
// an update covers the ids after `begin` up to `end`, its quantities are
// absolute, and so it may be applied as soon as `begin` was reached. An update
// that leaves a hole is dropped, not kept: while another line is in order, that
// one will bring it. The book is then late, never wrong. It is faulted when no
// line is left that could fill the hole, or the others brought nothing for
// `patience`. A line that never brought anything of the book counts for none.
//
// Guarantee: what is passed between two kGap continues or overlaps what was
// passed before. Data in, actions out: no clock.
// Thread rules: the book thread; statistics from any thread.
// Cost: a few compares per message.
//
//   LineArbiter lines(/*patience_ticks=*/500'000'000);
//   switch (lines.on_update(line, begin, end, ticks)) {
//     case LineArbiter::Action::kPass: apply(update); break;
//     case LineArbiter::Action::kGap: fault(book); apply(update); break;
//     default: break;
//   }

#ifndef WIREBOOK_LOB_LINE_ARBITER_H_
#define WIREBOOK_LOB_LINE_ARBITER_H_

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "concurrency/single_writer_counter.h"

namespace wirebook {

struct LineStatistics {
  uint64_t won = 0;         // updates that this line brought first
  uint64_t duplicates = 0;  // that another had brought
  uint64_t ahead = 0;       // dropped: something before them was missing
  uint64_t faults = 0;      // frames of this line that were lost or malformed
  uint64_t lag_ticks = 0;   // sum over `measured`: how long after the winner
  uint64_t measured = 0;    // duplicates that ended where the winner did
};

class LineArbiter {
 public:
  static constexpr size_t kMaxLines = 8;

  enum class Action : uint8_t {
    kPass,       // continues or overlaps what was passed: apply it
    kDuplicate,  // all of it was passed before
    kAhead,      // leaves a hole that another line may fill: drop it
    kGap,        // the hole stays: fault the book, then apply this
  };

  // What an event of a line means to the book.
  enum class Change : uint8_t {
    kNone,
    kUp,     // the first line is there
    kLost,   // the last line is gone
    kStale,  // no line speaks any more
    kAlive,  // one does again
    kGap,    // no line is left that brings what is missing
  };

  explicit LineArbiter(uint64_t patience_ticks) noexcept
      : patience_ticks_(patience_ticks) {}

  // ---- Messages: requires line < kMaxLines ----------------------------------

  // An update with the ids after `begin` up to `end`.
  Action on_update(size_t line, uint64_t begin, uint64_t end,
                   uint64_t ticks) noexcept {
    const uint8_t bit = bit_of(line);
    if ((closing_ & bit) != 0) return Action::kDuplicate;
    on_subscribed(line);
    // The first is the exact continuation, where ids may also start anew.
    if (!has_last_ || begin == last_ || (begin < last_ && end > last_)) {
      hole_ &= static_cast<uint8_t>(~bit);
      take(line, end, ticks);
      return Action::kPass;
    }
    if (end <= last_) {
      // Whatever this line missed was before it, and is there.
      hole_ &= static_cast<uint8_t>(~bit);
      counters_[line].duplicates.add(1);
      if (end == last_ && ticks >= last_ticks_) {
        counters_[line].lag_ticks.add(ticks - last_ticks_);
        counters_[line].measured.add(1);
      }
      return Action::kDuplicate;
    }
    hole_ |= bit;
    if (!awaits()) progress_ticks_ = ticks;
    if (!lost() && !overdue(ticks)) {
      awaited_ = std::max(awaited_, end);
      counters_[line].ahead.add(1);
      return Action::kAhead;
    }
    hole_ = 0;
    awaited_ = 0;
    take(line, end, ticks);
    return Action::kGap;
  }

  // A snapshot in the stream that contains the ids up to `id`; `live`: the book
  // stands without it. False: passed over, as a line that joined brings it.
  bool on_snapshot(size_t line, uint64_t id, bool live,
                   uint64_t ticks) noexcept {
    const uint8_t bit = bit_of(line);
    if ((closing_ & bit) != 0) return false;
    on_subscribed(line);
    const bool joins = (fresh_ & bit) != 0;
    fresh_ &= static_cast<uint8_t>(~bit);
    hole_ &= static_cast<uint8_t>(~bit);
    if (live && joins && has_last_ && id <= last_) return false;
    hole_ = 0;
    awaited_ = 0;
    take(line, id, ticks);
    return true;
  }

  // What was passed last, the ids after it being the next; for the update that
  // on_update is asked about next.
  bool has_last() const noexcept { return has_last_; }
  uint64_t last() const noexcept { return last_; }

  // ---- Events of a line -----------------------------------------------------

  Change on_up(size_t line) noexcept {
    const uint8_t bit = bit_of(line);
    const bool first = up_ == 0;
    up_ |= bit;
    fresh_ |= bit;
    silent_ |= bit;
    closing_ &= static_cast<uint8_t>(~bit);
    stale_ &= static_cast<uint8_t>(~bit);
    hole_ &= static_cast<uint8_t>(~bit);
    return first ? Change::kUp : Change::kNone;
  }

  // The venue says that it sends this book on it. Not where a snapshot follows:
  // that says it.
  void on_subscribed(size_t line) noexcept {
    up_ |= bit_of(line);
    silent_ &= static_cast<uint8_t>(~bit_of(line));
  }

  // It is about to end; what it still says does not count.
  Change on_closing(size_t line) noexcept {
    closing_ |= bit_of(line);
    return on_lost(line);
  }

  Change on_lost(size_t line) noexcept {
    const uint8_t bit = bit_of(line);
    const bool was_up = (up_ & bit) != 0;
    up_ &= static_cast<uint8_t>(~bit);
    stale_ &= static_cast<uint8_t>(~bit);
    hole_ &= static_cast<uint8_t>(~bit);
    if (up_ == 0) {
      has_last_ = false;
      awaited_ = 0;
      return Change::kLost;
    }
    return was_up && has_last_ && lost() ? gap() : Change::kNone;
  }

  Change on_stale(size_t line) noexcept {
    stale_ |= bit_of(line);
    if ((up_ & ~stale_) == 0) return Change::kStale;
    return has_last_ && lost() ? gap() : Change::kNone;
  }

  // Anything at all came from it.
  Change on_heard(size_t line) noexcept {
    const uint8_t bit = bit_of(line);
    if ((stale_ & bit) == 0) return Change::kNone;
    stale_ &= static_cast<uint8_t>(~bit);
    return has_last_ && lost() ? gap() : Change::kAlive;
  }

  bool any_stale() const noexcept { return stale_ != 0; }

  // A frame of it that may have spoken of this book did not get here.
  Change on_fault(size_t line) noexcept {
    const uint8_t bit = bit_of(line);
    if ((closing_ & bit) != 0) return Change::kNone;
    counters_[line].faults.add(1);
    up_ |= bit;
    hole_ |= bit;
    return lost() ? gap() : Change::kNone;
  }

  // Updates were dropped that no other line has brought yet; on_time is to be
  // called.
  bool awaits() const noexcept { return has_last_ && awaited_ > last_; }
  Change on_time(uint64_t ticks) noexcept {
    return overdue(ticks) ? gap() : Change::kNone;
  }

  // ---- Any thread -----------------------------------------------------------

  LineStatistics statistics(size_t line) const noexcept {
    const Counters& of = counters_[line];
    return {.won = of.won.get(),
            .duplicates = of.duplicates.get(),
            .ahead = of.ahead.get(),
            .faults = of.faults.get(),
            .lag_ticks = of.lag_ticks.get(),
            .measured = of.measured.get()};
  }

 private:
  struct Counters {
    SingleWriterCounter won, duplicates, ahead, faults, lag_ticks, measured;
  };

  static uint8_t bit_of(size_t line) noexcept {
    return static_cast<uint8_t>(1u << line);
  }

  void take(size_t line, uint64_t end, uint64_t ticks) noexcept {
    counters_[line].won.add(1);
    if (has_last_ && end < last_) awaited_ = 0;  // ids began anew
    last_ = end;
    last_ticks_ = ticks;
    progress_ticks_ = ticks;
    has_last_ = true;
  }

  // No line that speaks is in order.
  bool lost() const noexcept {
    return (up_ & ~stale_ & ~hole_ & ~silent_) == 0;
  }

  bool overdue(uint64_t ticks) const noexcept {
    return awaits() && ticks > progress_ticks_ &&
           ticks - progress_ticks_ > patience_ticks_;
  }

  Change gap() noexcept {
    has_last_ = false;
    hole_ = 0;
    awaited_ = 0;
    return Change::kGap;
  }

  const uint64_t patience_ticks_;
  // A bit for each line.
  uint8_t up_ = 0;
  uint8_t stale_ = 0;    // mute beyond its deadline
  uint8_t hole_ = 0;     // it missed what is not yet passed
  uint8_t fresh_ = 0;    // up, and no snapshot came yet
  uint8_t silent_ = 0;   // up, and nothing of this book came yet
  uint8_t closing_ = 0;  // its end was announced
  bool has_last_ = false;
  uint64_t last_ = 0;
  uint64_t last_ticks_ = 0;      // when it was passed
  uint64_t awaited_ = 0;         // up to where updates were dropped
  uint64_t progress_ticks_ = 0;  // of the last pass, or of what awaits since
  std::array<Counters, kMaxLines> counters_;
};

}  // namespace wirebook

#endif  // WIREBOOK_LOB_LINE_ARBITER_H_
