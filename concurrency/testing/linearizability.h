// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// Linearizability: whether what concurrent operations returned can be explained
// by some order in which they happened one at a time.
//
// history_recorder.h notes when each operation began and ended, check()
// searches for an order that a sequential specification
// (linearizability_specs.h) allows, and in which an operation that ended before
// another began comes first.
//
// When: results of many operations on one structure, under real threads or
// under the model checker. It judges only histories that occurred.
//
// Cost: exponential in the number of operations that overlap, in the worst
// case; keep histories short (tens of operations, few threads) and take many. A
// specification over independent keys is checked key by key.
//
// Algorithm: Wing and Gong, "Testing and Verifying Concurrent Objects" (JPDC
// 1993), with the memo of Lowe, "Testing for Linearizability" (CCPE 2017).
// Operations that never ended may have happened or not (Lowe's extension).
//
//   HistoryRecorder<FifoSpec<int>> recorder(2);
//   // thread 0:                        // thread 1:
//   recorder.run(0, [&] {               recorder.run(1, [&] {
//     return FifoSpec<int>::push(         int got = 0;
//         7, ring.try_push(7));           bool done = ring.try_pop(got);
//   });                                   return FifoSpec<int>::pop(got, done);
//                                       });
//   const Linearizability result =
//       check(FifoSpec<int>(ring.capacity()), recorder.history());
//   EXPECT_TRUE(result.ok()) << result;

#ifndef WIREBOOK_CONCURRENCY_TESTING_LINEARIZABILITY_H_
#define WIREBOOK_CONCURRENCY_TESTING_LINEARIZABILITY_H_

#if __cplusplus < 202002L
#error "wirebook needs C++20: compile with -std=c++20"
#endif

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <ostream>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "concurrency/testing/history_recorder.h"

namespace wirebook {

struct Linearizability {
  enum class Verdict : uint8_t { kYes, kNo, kGaveUp };

  Verdict verdict = Verdict::kYes;
  // If not kYes: the history; each operation with its place in the longest
  // order that was found.
  std::string explanation;

  bool ok() const { return verdict == Verdict::kYes; }
};

inline std::ostream& operator<<(std::ostream& out,
                                const Linearizability& result) {
  if (result.ok()) return out << "linearizable";
  return out << (result.verdict == Linearizability::Verdict::kNo
                     ? "not linearizable:\n"
                     : "gave up on:\n")
             << result.explanation;
}

namespace internal {

// The search over one history, in which every operation concerns every other.
template <typename Spec>
class LinearizabilitySearch {
 public:
  using State = typename Spec::State;

  LinearizabilitySearch(const Spec& spec, const History<Spec>& history,
                        size_t max_memo)
      : spec_(spec),
        history_(history),
        max_memo_(max_memo),
        state_(spec.initial()),
        taken_((history.size() + 63) / 64) {
    link_events();
  }

  Linearizability run() {
    size_t at = after(kHead);
    while (ends_left_ > 0) {
      if (memo_.size() > max_memo_) return explain(Verdict::kGaveUp);
      const Event& event = events_[at];
      if (event.is_begin && take(at)) {
        at = after(kHead);
      } else if (event.is_begin) {
        at = after(at);
      } else if (order_.empty()) {
        return explain(Verdict::kNo);
      } else {
        // Past this end nothing may be taken before its operation.
        at = after(give_back());
      }
    }
    return {};
  }

 private:
  using Verdict = Linearizability::Verdict;
  static constexpr size_t kHead = 0;
  static constexpr size_t kNone = SIZE_MAX;

  // Begins and ends of operations in the order of time, a doubly linked list
  // from which the operations already ordered are taken out.
  struct Event {
    size_t operation = 0;
    uint64_t time = 0;
    bool is_begin = false;
    size_t end = kNone;  // of a begin
    size_t previous = kNone;
    size_t next = kNone;
  };

  struct Taken {
    size_t event;
    State before;
  };

  struct Memo {
    std::vector<uint64_t> taken;
    State state;
    friend bool operator==(const Memo&, const Memo&) = default;
  };

  struct Hash {
    size_t operator()(const Memo& memo) const {
      size_t hash = Spec::hash(memo.state);
      for (const uint64_t word : memo.taken) {
        hash = (hash ^ word) * 0x9E3779B97F4A7C15u;
      }
      return hash;
    }
  };

  void link_events() {
    std::vector<Event> sorted;
    for (size_t i = 0; i < history_.size(); ++i) {
      sorted.push_back({i, history_[i].begin, true});
      if (history_[i].end == kNeverEnded) continue;
      sorted.push_back({i, history_[i].end, false});
      ++ends_left_;
    }
    // At equal times begins first: the operations overlap.
    std::sort(sorted.begin(), sorted.end(), [](const Event& a, const Event& b) {
      return std::pair(a.time, !a.is_begin) < std::pair(b.time, !b.is_begin);
    });
    events_.push_back({});
    events_.insert(events_.end(), sorted.begin(), sorted.end());
    std::vector<size_t> begins(history_.size());
    for (size_t i = 1; i < events_.size(); ++i) {
      events_[i].previous = i - 1;
      events_[i - 1].next = i;
      if (events_[i].is_begin) {
        begins[events_[i].operation] = i;
      } else {
        events_[begins[events_[i].operation]].end = i;
      }
    }
  }

  size_t after(size_t at) const { return events_[at].next; }

  void unlink(size_t at) {
    const Event& event = events_[at];
    events_[event.previous].next = event.next;
    if (event.next != kNone) events_[event.next].previous = event.previous;
  }
  void relink(size_t at) {
    const Event& event = events_[at];
    events_[event.previous].next = at;
    if (event.next != kNone) events_[event.next].previous = at;
  }

  void flip(size_t operation) {
    taken_[operation / 64] ^= uint64_t{1} << operation % 64;
  }

  // Orders the operation that begins at `at` next; false if the specification
  // forbids it or the same was tried before.
  bool take(size_t at) {
    const Event& event = events_[at];
    State next = state_;
    if (!spec_.apply(next, history_[event.operation].operation,
                     event.end != kNone)) {
      return false;
    }
    flip(event.operation);
    if (!memo_.insert({taken_, next}).second) {
      flip(event.operation);
      return false;
    }
    order_.push_back({at, std::exchange(state_, std::move(next))});
    unlink(at);
    if (event.end != kNone) {
      unlink(event.end);
      --ends_left_;
    }
    if (order_.size() > longest_.size()) note_longest();
    return true;
  }

  // Undoes the last take(); where it began.
  size_t give_back() {
    const size_t at = order_.back().event;
    const Event& event = events_[at];
    state_ = std::move(order_.back().before);
    order_.pop_back();
    flip(event.operation);
    if (event.end != kNone) {
      relink(event.end);
      ++ends_left_;
    }
    relink(at);
    return at;
  }

  void note_longest() {
    longest_.clear();
    for (const Taken& taken : order_) {
      longest_.push_back(events_[taken.event].operation);
    }
  }

  Linearizability explain(Verdict verdict) const {
    std::string text;
    for (const Event& event : events_) {
      if (!event.is_begin) continue;
      const auto& recorded = history_[event.operation];
      const auto place =
          std::find(longest_.begin(), longest_.end(), event.operation);
      text +=
          "  thread " + std::to_string(recorded.thread) + " [" +
          std::to_string(recorded.begin) + ", " +
          (event.end == kNone ? "never" : std::to_string(recorded.end)) + "] " +
          Spec::text(recorded.operation) +
          (place == longest_.end()
               ? "  has no place\n"
               : "  #" + std::to_string(place - longest_.begin() + 1) + "\n");
    }
    return {verdict, text};
  }

  const Spec& spec_;
  const History<Spec>& history_;
  const size_t max_memo_;
  State state_;
  std::vector<Event> events_;
  size_t ends_left_ = 0;
  std::vector<Taken> order_;
  std::vector<uint64_t> taken_;
  std::unordered_set<Memo, Hash> memo_;
  std::vector<size_t> longest_;
};

}  // namespace internal

// A Spec has
//   Operation                      what was done, and its result
//   State, initial()               copyable, ==; hash(state) is static
//   apply(State&, Operation, bool ended)   does it; false if the result cannot
//                                  be (the result counts only if it ended)
//   static key(Operation)          operations on different keys are independent
//   static text(Operation)
// Gives up when one key's memo holds more than `max_memo` entries.
template <typename Spec>
Linearizability check(const Spec& spec, const History<Spec>& history,
                      size_t max_memo = 1'000'000) {
  using Key = decltype(Spec::key(history[0].operation));
  std::map<Key, History<Spec>> by_key;
  for (const auto& recorded : history) {
    by_key[Spec::key(recorded.operation)].push_back(recorded);
  }
  for (const auto& [key, part] : by_key) {
    Linearizability result =
        internal::LinearizabilitySearch<Spec>(spec, part, max_memo).run();
    if (!result.ok()) return result;
  }
  return {};
}

}  // namespace wirebook

#endif  // WIREBOOK_CONCURRENCY_TESTING_LINEARIZABILITY_H_
