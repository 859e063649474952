// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// RestSnapshotSync under every DiffRule: diffs are lost, doubled, repeated,
// late by up to forty others, cut otherwise, kept in a short buffer; times are
// far ahead; snapshots are old or do not come; ids begin anew; connections end.
// A live book is the venue's, and once
// nothing goes wrong any more the book is live.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <vector>

#include "lob/fuzz/venue_events.h"
#include "lob/rest_snapshot_sync.h"
#include "lob/testing/choices.h"
#include "lob/venue.h"
#include "tools/build_defs/fuzz.h"

namespace {

using namespace wirebook;  // NOLINT

using Phase = RestSnapshotSync::Phase;

// The venue's events after `begin` up to `end`, as one message.
struct Diff {
  size_t begin = 0;
  size_t end = 0;
  size_t count = 0;  // how often ids had begun anew
  uint64_t first = 0;
  uint64_t last = 0;
  uint64_t previous = 0;
};

class Run {
 public:
  Run(DiffRule rule, Choices choices)
      : rule_(rule), choices_(choices), sync_(rule) {}

  void step() {
    const size_t begin = venue_.count();
    happen(1 + choices_.below(3));
    const Diff diff = since(begin);
    switch (choices_.below(24)) {
      case 0:
      case 1:
        // Nothing tells of a loss where ids are times.
        if (rule_ != DiffRule::kTime) break;
        send(diff);
        break;
      case 2:
        send(diff);
        send(diff);
        break;
      case 3:
        send(diff);
        repeat();
        break;
      case 4:  // Changes places with the one behind it, or with many.
        hold(diff, choices_.below(2) == 0 ? 1 : 1 + choices_.below(40));
        break;
      case 12:
        if (rule_ == DiffRule::kTime) {
          send(far_ahead(diff));
        } else {
          send(diff);
        }
        break;
      case 13:  // A message was lost that was not of this book.
        send(diff);
        if (rule_ == DiffRule::kTime) {
          sync_.restart();
          kept_.clear();
        }
        break;
      case 5:  // Cut otherwise: it begins before the last one ended.
        send(since(std::max(epoch_, begin - std::min<size_t>(begin, 2))));
        break;
      case 6:  // With the diff.
        lose_connection();
        if (choices_.below(2) == 0) answer(0);
        break;
      case 7:
      case 8:
        answer(choices_.below(25));
        send(diff);
        break;
      case 9:
        send(diff);
        begin_anew();
        break;
      case 10:  // The stream is so many messages behind the answers.
        lag_ = choices_.below(6);
        send(diff);
        break;
      case 11:
        send(diff);
        calm();
        break;
      default:
        send(diff);
        if (choices_.below(4) == 3) answer(0);
    }
  }

  // Nothing goes wrong any more.
  void calm() {
    lag_ = 0;
    while (!held_.empty()) release(held_.begin());
    deliver();
    // So many show that a time was wrong, and another one before.
    const int enough = rule_ == DiffRule::kTime ? 50 : 8;
    for (int i = 0; i < enough; ++i) {
      const size_t begin = venue_.count();
      happen(1);
      send(since(begin));
      if (sync_.phase() == Phase::kUnsynced) answer(0);
    }
    FUZZ_CHECK(sync_.phase() == Phase::kLive);
    FUZZ_CHECK(book_ == venue_.at(venue_.count()));
  }

 private:
  static constexpr size_t kKept = 6;

  // Late: so many others come before it.
  struct Held {
    Diff diff;
    uint64_t others;
  };

  void happen(size_t events) {
    for (; events > 0; --events) {
      venue_.happen(choices_);
      uint64_t step = venue_.count() - epoch_;
      if (rule_ == DiffRule::kPreviousId) step *= 3;
      if (rule_ == DiffRule::kTime) step /= 2;  // two at a time
      ids_.push_back(floor_ + step);
    }
  }

  // Of what was there before, what the count says, if it began anew.
  uint64_t id(size_t event) const {
    return event == epoch_ ? floor_ : ids_[event];
  }

  Diff since(size_t begin) const {
    const size_t end = venue_.count();
    return {.begin = begin,
            .end = end,
            .count = counts_,
            .first = rule_ == DiffRule::kTime ? id(end) : id(begin) + 1,
            .last = id(end),
            .previous = id(begin)};
  }

  // Comes behind so many others.
  void hold(const Diff& diff, uint64_t others) {
    release_those_of(diff.last);
    held_.push_back({diff, others});
  }

  void release(std::vector<Held>::iterator held) {
    wire_.push_back(held->diff);
    held_.erase(held);
  }

  // Of two of one time nothing tells which is the first.
  void release_those_of(uint64_t time) {
    if (rule_ != DiffRule::kTime) return;
    for (auto held = held_.begin(); held != held_.end(); ++held) {
      if (held->diff.last == time) return release(held);
    }
  }

  void send(const Diff& diff) {
    release_those_of(id(diff.end));
    wire_.push_back(diff);
    for (Held& held : held_) --held.others;
    for (size_t i = held_.size(); i-- > 0;) {
      const auto held = held_.begin() + static_cast<long>(i);
      if (held->others == 0) release(held);
    }
    sent_.push_back(diff);
    deliver();
  }

  Diff far_ahead(Diff diff) {
    constexpr uint64_t kTimes[] = {uint64_t{1} << 50, uint64_t{1} << 60,
                                   UINT64_MAX - 2, UINT64_MAX};
    diff.first = diff.last = kTimes[choices_.below(4)];
    return diff;
  }

  static bool is_far_ahead(uint64_t time) { return time >= uint64_t{1} << 50; }

  void deliver() {
    while (wire_.size() > lag_) {
      const Diff next = wire_.front();
      wire_.pop_front();
      hear(next);
    }
  }

  RestSnapshotSync::DiffAction on_diff(const Diff& diff) {
    return sync_.on_diff(diff.first, diff.last, diff.previous);
  }

  void hear(const Diff& diff) {
    using Action = RestSnapshotSync::DiffAction;
    heard_any_ = true;
    const bool live = sync_.phase() == Phase::kLive;
    const Action action = on_diff(diff);
    if (live && diff.count != version_count_) {
      FUZZ_CHECK(action == Action::kGap);
    } else if (live) {
      // The rule: the next one, or one that overlaps what is there.
      const bool next = diff.begin == version_ ||
                        (rule_ == DiffRule::kFirstId && diff.begin < version_);
      const bool had = diff.end == version_;
      if (rule_ == DiffRule::kTime) {
        FUZZ_CHECK((action == Action::kApply) == (diff.last >= version_id_));
      } else if (diff.end >= version_) {
        FUZZ_CHECK(action == (had    ? Action::kIgnore
                              : next ? Action::kApply
                                     : Action::kGap));
      } else {
        FUZZ_CHECK(action == Action::kGap);
      }
    }
    switch (action) {
      case Action::kGap:
      case Action::kBufferRestart:
        kept_.clear();
        [[fallthrough]];
      case Action::kBuffer:
        keep(diff);
        break;
      case Action::kJoin:
        FUZZ_CHECK(!live);
        [[fallthrough]];
      case Action::kApply:
        FUZZ_CHECK(live || action == Action::kJoin);
        apply(diff);
        break;
      case Action::kIgnore:
        break;
    }
    check();
  }

  void keep(const Diff& diff) {
    kept_.push_back(diff);
    if (kept_.size() <= kKept) return;
    kept_.pop_front();
    sync_.on_buffer_trimmed(kept_.front().first, kept_.front().previous);
  }

  void apply(const Diff& diff) {
    venue_.write(diff.begin, diff.end, &book_);
    version_ = diff.end;
    version_id_ = diff.last;
    version_count_ = diff.count;
  }

  // A snapshot as of so many events ago.
  void answer(size_t age) {
    size_t version = venue_.count() - std::min(age, venue_.count() - epoch_);
    // It has all that bears its time.
    if (rule_ == DiffRule::kTime && version > epoch_ &&
        (version - epoch_) % 2 == 0) {
      --version;
    }
    if (version == epoch_) return;
    const Phase before = sync_.phase();
    const auto action = sync_.on_snapshot(id(version));
    FUZZ_CHECK(before != Phase::kLive ||
               action == RestSnapshotSync::SnapshotAction::kIgnore);
    if (action != RestSnapshotSync::SnapshotAction::kApply) return;
    book_ = venue_.at(version);
    version_ = version;
    version_id_ = id(version);
    version_count_ = counts_;
    for (; !kept_.empty(); kept_.pop_front()) {
      const Diff& diff = kept_.front();
      using Action = RestSnapshotSync::DiffAction;
      const Action offered = on_diff(diff);
      FUZZ_CHECK(offered == Action::kIgnore || offered == Action::kJoin ||
                 offered == Action::kApply);
      if (offered != Action::kIgnore) apply(diff);
      check();
    }
  }

  // The one law.
  void check() const {
    if (sync_.phase() != Phase::kLive) return;
    if (rule_ == DiffRule::kTime) {
      // Of two times that change places the second one tells; what is of one
      // time is complete with the last of it.
      for (const Diff& diff : wire_) {
        if (diff.end <= version_) return;
      }
      for (const Held& held : held_) {
        if (held.diff.end <= version_) return;
      }
      // Likewise where one is far ahead: the snapshot may have had it.
      if (is_far_ahead(version_id_)) return;
      if (version_ < venue_.count() && id(version_ + 1) == id(version_)) return;
    }
    FUZZ_CHECK(book_ == venue_.at(version_));
    FUZZ_CHECK(sync_.last_update_id() == version_id_);
  }

  // One that was sent before comes again.
  void repeat() {
    const size_t back = 1 + choices_.below(8);
    if (back > sent_.size()) return;
    const Diff diff = sent_[sent_.size() - back];
    // Of one time it may be another one.
    if (rule_ == DiffRule::kTime &&
        (diff.last >= id(sent_.back().end) || is_far_ahead(diff.last))) {
      return;
    }
    send(diff);
  }

  void lose_connection() {
    sync_.restart();
    kept_.clear();
    sent_.clear();
    wire_.clear();
    held_.clear();
    heard_any_ = false;
  }

  // Lower than any id before; times do not. A snapshot that no diff was heard
  // before may be of either count: nothing tells.
  void begin_anew() {
    if (rule_ == DiffRule::kTime) return;
    if (choices_.below(2) == 0) wire_.clear();  // It was lost.
    if (sync_.phase() == Phase::kSnapshot && !heard_any_ && wire_.empty()) {
      lose_connection();
    }
    held_.clear();
    ++counts_;
    epoch_ = venue_.count();
    floor_ -= uint64_t{1} << 20;
  }

  const DiffRule rule_;
  Choices choices_;
  RestSnapshotSync sync_;
  VenueEvents venue_;
  uint64_t floor_ = uint64_t{1} << 40;
  std::vector<uint64_t> ids_ = {floor_};  // of each event
  size_t epoch_ = 0;                      // events before ids began anew
  size_t counts_ = 0;
  std::deque<Diff> wire_;  // on its way
  size_t lag_ = 0;
  std::deque<Diff> kept_;
  std::vector<Diff> sent_;
  std::vector<Held> held_;
  bool heard_any_ = false;  // on this connection
  VenueEvents::Book book_{};
  size_t version_ = 0;
  uint64_t version_id_ = 0;
  size_t version_count_ = 0;
};

}  // namespace

// The rule, and what goes wrong.
std::vector<std::string> fuzz_seeds() { return choice_seeds(); }

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  constexpr DiffRule kRules[] = {DiffRule::kFirstId, DiffRule::kPreviousId,
                                 DiffRule::kTime};
  Run run(kRules[data[0] % 3], Choices(std::span(data + 1, size - 1)));
  for (size_t i = 0; i < std::min<size_t>(size, 240); ++i) run.step();
  run.calm();
  return 0;
}
