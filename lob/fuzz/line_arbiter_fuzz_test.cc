// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// LineArbiter over three lines that each cut the same events in their own way,
// lose, double and repeat some of them, fall behind, fall silent, end and come
// back. What is passed between two gaps leaves no hole; an event that a line in
// order brings is passed; and once nothing goes wrong any more, all of it is.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "lob/fuzz/venue_events.h"
#include "lob/line_arbiter.h"
#include "lob/testing/choices.h"
#include "tools/build_defs/fuzz.h"

namespace {

using namespace wirebook;  // NOLINT

using Action = LineArbiter::Action;
using Change = LineArbiter::Change;

constexpr size_t kLines = 3;
constexpr uint64_t kPatience = 20;

class Run {
 public:
  explicit Run(Choices choices) : choices_(choices), arbiter_(kPatience) {
    for (size_t i = 0; i < kLines; ++i) up(i);
  }

  void step() {
    ++ticks_;
    venue_.happen(choices_);
    const size_t at = choices_.below(kLines);
    Line& line = lines_[at];
    switch (choices_.below(24)) {
      case 0:  // Nothing tells.
        line.sent = std::min(venue_.count(), line.sent + 1);
        break;
      case 1:  // Something does.
        line.sent = std::min(venue_.count(), line.sent + 1);
        if (!line.up) break;
        line.missed = true;
        {
          const bool hopeless = !some_line_in_order();
          const Change change = arbiter_.on_fault(at);
          FUZZ_CHECK((change == Change::kGap) == hopeless);
          apply(change);
        }
        break;
      case 2:
        if (line.up && line.sent != 0) {
          send(at, line.sent - 1, line.sent);
        }
        break;
      case 3:
        if (line.up && line.sent > 5) send(at, line.sent - 5, line.sent - 3);
        break;
      case 4:
        line = {.sent = line.sent};
        apply(choices_.below(2) == 0 ? arbiter_.on_closing(at)
                                     : arbiter_.on_lost(at));
        break;
      case 5:
        if (!line.up) up(at);
        break;
      case 6:
        if (!line.up) break;
        line.stale = true;
        apply(arbiter_.on_stale(at));
        break;
      case 7:
        ticks_ += choices_.below(3 * kPatience);
        apply(arbiter_.on_time(ticks_));
        break;
      case 8:
        if (line.up) snapshot(at);
        break;
      case 9:
        break;
      default:
        // It catches up by an update or two.
        for (size_t n = choices_.below(3); n > 0; --n) bring(at);
    }
  }

  // Nothing goes wrong any more.
  void calm() {
    for (size_t i = 0; i < kLines; ++i) {
      if (!lines_[i].up) up(i);
      lines_[i].sent = venue_.count();
    }
    // The others are up and say nothing: one line is enough, after a while.
    for (int i = 0; i < 4; ++i) go_on(1);
    FUZZ_CHECK(!arbiter_.awaits());
    for (int i = 0; i < 4; ++i) go_on(kLines);
    FUZZ_CHECK(!arbiter_.awaits());
  }

 private:
  struct Line {
    bool up = false;
    size_t sent = 0;      // of the venue's events
    bool stale = false;   // mute, as far as is known
    bool spoke = false;   // of this book
    bool missed = false;  // something that was not passed yet, as is known
  };

  // One that can still bring what another missed.
  bool some_line_in_order() const {
    return std::any_of(lines_.begin(), lines_.end(), [](const Line& line) {
      return line.up && !line.stale && line.spoke && !line.missed;
    });
  }
  void forget_what_was_missed() {
    for (Line& line : lines_) line.missed = false;
  }

  void go_on(size_t lines) {
    const bool late = arbiter_.awaits();
    ticks_ += kPatience + 1;
    const Change change = arbiter_.on_time(ticks_);
    FUZZ_CHECK((change == Change::kGap) == late);
    apply(change);
    venue_.happen(choices_);
    for (size_t line = 0; line < lines; ++line) bring(line);
    if (arbiter_.awaits()) return;
    FUZZ_CHECK(arbiter_.has_last() && whole_);
    FUZZ_CHECK(arbiter_.last() == venue_.count());
  }

  void up(size_t line) {
    lines_[line] = {.up = true, .sent = venue_.count()};
    apply(arbiter_.on_up(line));
  }

  // The next events of a line that is up.
  void bring(size_t at) {
    Line& line = lines_[at];
    if (!line.up || line.sent == venue_.count()) return;
    const size_t begin = line.sent;
    line.sent = std::min(venue_.count(), begin + 1 + choices_.below(3));
    send(at, begin, line.sent);
  }

  void send(size_t at, size_t begin, size_t end) {
    Line& line = lines_[at];
    line.stale = false;
    apply(arbiter_.on_heard(at));
    line.spoke = true;
    const bool had = arbiter_.has_last();
    const uint64_t last = arbiter_.last();
    const Action action = arbiter_.on_update(at, begin, end, ticks_);
    line.missed = action == Action::kAhead;
    switch (action) {
      case Action::kGap:
        FUZZ_CHECK(had && begin > last);
        whole_ = false;
        forget_what_was_missed();
        [[fallthrough]];
      case Action::kPass:
        if (action == Action::kPass && had) {
          // Without a hole, and nothing that goes back.
          FUZZ_CHECK(begin <= last && end > last);
        }
        // A book that is not whole fetches what was before.
        if (!whole_ || !had) book_ = venue_.at(begin);
        whole_ = true;
        venue_.write(begin, end, &book_);
        FUZZ_CHECK(arbiter_.last() == end);
        FUZZ_CHECK(book_ == venue_.at(end));
        break;
      case Action::kDuplicate:
        FUZZ_CHECK(had && end <= last);
        break;
      case Action::kAhead:
        // Another line can still bring it.
        FUZZ_CHECK(had && begin > last && arbiter_.awaits());
        FUZZ_CHECK(some_line_in_order());
        break;
    }
    if (action == Action::kDuplicate || action == Action::kAhead) {
      FUZZ_CHECK(arbiter_.last() == last && arbiter_.has_last() == had);
    }
  }

  void snapshot(size_t at) {
    Line& line = lines_[at];
    line.stale = false;
    apply(arbiter_.on_heard(at));
    line.spoke = true;
    const bool had = arbiter_.has_last();
    const uint64_t last = arbiter_.last();
    lines_[at].sent = venue_.count();
    const bool taken = arbiter_.on_snapshot(at, venue_.count(), whole_, ticks_);
    FUZZ_CHECK(taken || (whole_ && had && venue_.count() <= last));
    line.missed = false;
    if (!taken) return;
    forget_what_was_missed();
    book_ = venue_.at(venue_.count());
    whole_ = true;
    FUZZ_CHECK(arbiter_.last() == venue_.count());
  }

  // What an event of a line means to the book.
  void apply(Change change) {
    if (change == Change::kGap || change == Change::kLost) {
      whole_ = false;
      forget_what_was_missed();
      FUZZ_CHECK(!arbiter_.has_last());
    }
    const bool any = std::any_of(lines_.begin(), lines_.end(),
                                 [](const Line& line) { return line.up; });
    FUZZ_CHECK(change != Change::kLost || !any);
    FUZZ_CHECK(any || !arbiter_.has_last());
  }

  Choices choices_;
  LineArbiter arbiter_;
  VenueEvents venue_;
  std::array<Line, kLines> lines_;
  uint64_t ticks_ = 1;
  VenueEvents::Book book_{};
  bool whole_ = false;  // since it was fetched, nothing was missed
};

}  // namespace

// What goes wrong.
std::vector<std::string> fuzz_seeds() { return choice_seeds(); }

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Run run(Choices(std::span(data, size)));
  for (size_t i = 0; i < std::min<size_t>(size, 240); ++i) run.step();
  run.calm();
  return 0;
}
