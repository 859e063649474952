// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// OrderSync under every OrderRule: messages are lost, doubled, repeated,
// late by up to forty others; times are far ahead; snapshots are old or do not
// come; numbers begin anew; chains end; connections end. A live book has every
// event once, and once nothing goes wrong any more the book is live.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <vector>

#include "lob/fuzz/venue_events.h"
#include "lob/order_sync.h"
#include "lob/testing/choices.h"
#include "tools/build_defs/fuzz.h"

namespace {

using namespace wirebook;  // NOLINT

using Action = OrderSync::Action;
using Phase = OrderSync::Phase;

// Rules with marks: each event is a message.
class Run {
 public:
  Run(OrderRule rule, bool chained, Choices choices)
      : rule_(rule), chained_(chained), choices_(choices), sync_(rule) {}

  void step() {
    const size_t event = happen();
    switch (choices_.below(24)) {
      case 0:
      case 1:
        // Nothing tells of a loss where there are times alone.
        if (!chained_) send(event);
        break;
      case 2:
        send(event);
        if (chained_) send(event);
        break;
      case 3: {
        send(event);
        const size_t back = 1 + choices_.below(8);
        if (back >= sent_.size()) break;
        const size_t old = sent_[sent_.size() - 1 - back];
        if (!in_turn(old, sent_.back())) send(old);
        break;
      }
      case 4:  // Changes places with the one behind it, or with many.
        hold(event, choices_.below(2) == 0 ? 1 : 1 + choices_.below(40));
        break;
      case 11:
        if (rule_ == OrderRule::kTime && !is_far_ahead(event - 1)) {
          constexpr uint64_t kTimes[] = {uint64_t{1} << 50, uint64_t{1} << 60,
                                         UINT64_MAX - 2, UINT64_MAX};
          marks_[event].place = kTimes[choices_.below(4)];
        }
        send(event);
        break;
      case 12:  // A message was lost that was not of this book.
        send(event);
        if (rule_ == OrderRule::kTime) {
          sync_.restart();
          kept_.clear();
        }
        break;
      case 5:  // With the message.
        lose_connection();
        if (choices_.below(2) == 0) answer(0);
        break;
      case 6:
      case 7:
        answer(choices_.below(25));
        send(event);
        break;
      case 8:
        send(event);
        if (rule_ == OrderRule::kSequence) {
          begin_anew();
        } else {
          chained_ = !chained_;
          release_all();
        }
        break;
      case 9:  // The stream is so many messages behind the answers.
        lag_ = choices_.below(6);
        send(event);
        break;
      case 10:
        send(event);
        calm();
        break;
      default:
        send(event);
        if (choices_.below(4) == 3) answer(0);
    }
  }

  // Nothing goes wrong any more.
  void calm() {
    lag_ = 0;
    release_all();
    // So many show that a time was wrong, and another one before.
    const int enough = rule_ == OrderRule::kTime ? 50 : 10;
    for (int i = 0; i < enough; ++i) {
      send(happen());
      now_ += OrderSync::kLooseMicros;
      if (sync_.phase() == Phase::kUnsynced) answer(0);
    }
    FUZZ_CHECK(sync_.live());
    FUZZ_CHECK(book_ == venue_.at(venue_.count()));
  }

 private:
  static constexpr size_t kKept = 6;

  // Late: so many others come before it.
  struct Held {
    size_t event;
    uint64_t others;
  };

  size_t happen() {
    constexpr uint64_t kPauses[] = {2'500'000, 400'000, 1'000, 999, 300, 1};
    now_ += kPauses[choices_.below(6)];
    venue_.happen(choices_);
    const size_t event = venue_.count();
    times_.push_back(now_);
    OrderSync::Mark mark;
    if (rule_ == OrderRule::kSequence) {
      mark = {.place = floor_ + event - epoch_,
              .chained = true,
              .previous = floor_ + event - epoch_ - 1,
              .last = floor_ + event - epoch_};
    } else {
      // A stamp says the millisecond, or more.
      const bool exact = chained_ && choices_.below(2) == 1;
      mark = {.place = exact ? now_ : now_ - now_ % OrderSync::kStampMicros,
              .chained = chained_,
              .previous = chained_ ? 10 * (event - 1) : 0,
              .last = chained_ ? 10 * event : 0};
    }
    marks_.push_back(mark);
    return event;
  }

  // Of two of one time nothing tells which is the first.
  bool in_turn(size_t event, size_t other) const {
    return !marks_[event].chained && !marks_[other].chained &&
           marks_[event].place == marks_[other].place;
  }

  bool is_far_ahead(size_t event) const {
    return marks_[event].place >= uint64_t{1} << 50 &&
           rule_ == OrderRule::kTime;
  }

  // Comes behind so many others, within a minute.
  void hold(size_t event, uint64_t others) {
    release_those_of(event);
    held_.push_back({event, others});
  }

  void release(std::vector<Held>::iterator held) {
    wire_.push_back(held->event);
    held_.erase(held);
  }

  void release_all() {
    while (!held_.empty()) release(held_.begin());
    deliver();
  }

  void release_those_of(size_t event) {
    for (auto held = held_.begin(); held != held_.end(); ++held) {
      if (in_turn(held->event, event)) return release(held);
    }
  }

  void send(size_t event) {
    release_those_of(event);
    wire_.push_back(event);
    for (Held& held : held_) --held.others;
    for (size_t i = held_.size(); i-- > 0;) {
      const auto held = held_.begin() + static_cast<long>(i);
      if (held->others == 0 || now_ - times_[held->event] > 40'000'000) {
        release(held);
      }
    }
    sent_.push_back(event);
    deliver();
  }

  void deliver() {
    while (wire_.size() > lag_) {
      const size_t next = wire_.front();
      wire_.pop_front();
      hear(next);
    }
  }

  void hear(size_t event) {
    heard_any_ = true;
    const bool live = sync_.live();
    const size_t newest = newest_;
    const Action action = sync_.on_update(marks_[event]);
    FUZZ_CHECK(action != Action::kDrop);
    if (live && marks_[event].chained && marks_[newest_in_].chained) {
      // The rule: the one that follows; the last one again changes nothing.
      const bool follows = event == newest_in_ + 1 &&
                           marks_[event].last > marks_[newest_in_].last;
      FUZZ_CHECK((action == Action::kGap) == !(follows || event == newest_in_));
      FUZZ_CHECK((action == Action::kIgnore) == (event == newest_in_) ||
                 event <= newest);
    }
    switch (action) {
      case Action::kGap:
      case Action::kBufferRestart:
        kept_.clear();
        [[fallthrough]];
      case Action::kBuffer:
        keep(event);
        break;
      default:
        take(event, action);
    }
    check();
  }

  void keep(size_t event) {
    if (kept_.size() == kKept) {
      kept_.clear();
      sync_.restart();
      FUZZ_CHECK(sync_.on_update(marks_[event]) == Action::kBuffer);
    }
    kept_.push_back(event);
  }

  void take(size_t event, Action action) {
    newest_in_ = event;
    if (action == Action::kIgnore) return;
    // Once, unless it says what is instead of what changes.
    FUZZ_CHECK(action == Action::kApplyLoosely || !has_[event]);
    has_[event] = true;
    newest_ = std::max(newest_, event);
    venue_.write(event - 1, event, &book_);
  }

  // A snapshot as of so many events ago.
  void answer(size_t age) {
    const size_t version =
        venue_.count() - std::min(age, venue_.count() - epoch_);
    if (version == epoch_) return;
    uint64_t place = marks_[version].place;
    if (rule_ == OrderRule::kTime) {
      // Until the next event it is the same.
      const bool last = version == venue_.count();
      const uint64_t until = last ? now_ += 1 : times_[version + 1] - 1;
      place = choices_.below(2) == 0 ? times_[version] : until;
    }
    const Phase before = sync_.phase();
    const auto action = sync_.on_snapshot(place);
    FUZZ_CHECK(before != Phase::kLive ||
               action == OrderSync::SnapshotAction::kIgnore);
    if (action != OrderSync::SnapshotAction::kApply) return;
    book_ = venue_.at(version);
    has_.assign(venue_.count() + 1000, false);
    std::fill_n(has_.begin(), version + 1, true);
    newest_ = snapshot_ = version;
    for (; !kept_.empty(); kept_.pop_front()) {
      const Action offered = sync_.on_update(marks_[kept_.front()]);
      FUZZ_CHECK(offered == Action::kIgnore || offered == Action::kApply ||
                 offered == Action::kApplyLoosely);
      take(kept_.front(), offered);
      check();
    }
  }

  // The one law.
  void check() const {
    if (!sync_.live()) return;
    // Of two times that change places the second one tells.
    for (const size_t event : wire_) {
      if (event <= newest_in_ && !marks_[event].chained) return;
    }
    for (const Held& held : held_) {
      if (held.event <= newest_in_ && !marks_[held.event].chained) return;
    }
    // All that the snapshot has was heard.
    FUZZ_CHECK(newest_in_ >= snapshot_);
    FUZZ_CHECK(std::all_of(has_.begin(),
                           has_.begin() + static_cast<long>(newest_) + 1,
                           [](bool has) { return has; }));
    FUZZ_CHECK(book_ == venue_.at(newest_));
  }

  void lose_connection() {
    sync_.restart();
    kept_.clear();
    sent_.clear();
    wire_.clear();
    held_.clear();
    heard_any_ = false;
  }

  // Lower than any number before. A snapshot that nothing was heard before may
  // be of either count: nothing tells.
  void begin_anew() {
    if (sync_.phase() == Phase::kSnapshot && !heard_any_ && wire_.empty()) {
      lose_connection();
    }
    held_.clear();
    epoch_ = venue_.count();
    floor_ -= uint64_t{1} << 20;
  }

  const OrderRule rule_;
  bool chained_;
  Choices choices_;
  OrderSync sync_;
  VenueEvents venue_;
  uint64_t now_ = 1'000'000'000;
  uint64_t floor_ = uint64_t{1} << 40;
  size_t epoch_ = 0;  // events before numbers began anew
  // By event.
  std::vector<uint64_t> times_ = {0};
  std::vector<OrderSync::Mark> marks_ = {{}};
  std::deque<size_t> wire_;  // on its way
  size_t lag_ = 0;
  std::deque<size_t> kept_;
  std::vector<size_t> sent_;
  std::vector<Held> held_;
  bool heard_any_ = false;  // on this connection
  VenueEvents::Book book_{};
  std::vector<bool> has_;  // which events the book has
  size_t snapshot_ = 0;    // how many of them its snapshot had
  size_t newest_ = 0;      // of those
  size_t newest_in_ = 0;   // the last one that was not kept
};

// The rule without marks: snapshots of the stream, and sums.
void run_stream(Choices choices) {
  OrderSync sync(OrderRule::kStream);
  bool stands = false;
  bool whole = false;
  for (int i = 0; i < 100; ++i) {
    switch (choices.below(5)) {
      case 0:
        sync.restart();
        stands = whole = false;
        break;
      case 1:
        sync.on_stream_snapshot();
        stands = true;
        whole = false;
        break;
      default: {
        const Action action = sync.on_update(
            {.place = choices.below(4), .chained = choices.below(2) == 0});
        FUZZ_CHECK(action == (stands ? Action::kApply : Action::kDrop));
        if (!stands) break;
        whole = stands = choices.below(8) != 0;
        sync.on_sum(whole);
      }
    }
    FUZZ_CHECK(sync.live() == whole);
    FUZZ_CHECK((sync.phase() != Phase::kUnsynced) == stands);
  }
}

}  // namespace

// The rule, and what goes wrong.
std::vector<std::string> fuzz_seeds() { return choice_seeds(); }

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const Choices choices(std::span(data + 1, size - 1));
  if (data[0] % 4 == 3) {
    run_stream(choices);
    return 0;
  }
  Run run(data[0] % 4 == 0 ? OrderRule::kSequence : OrderRule::kTime,
          data[0] % 4 != 2, choices);
  for (size_t i = 0; i < std::min<size_t>(size, 240); ++i) run.step();
  run.calm();
  return 0;
}
