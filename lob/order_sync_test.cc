// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "lob/order_sync.h"

#include <cstdint>
#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace wirebook {
namespace {

using Action = OrderSync::Action;
using Phase = OrderSync::Phase;
using Snapshot = OrderSync::SnapshotAction;

OrderSync::Mark number(uint64_t n) {
  return {.place = n, .chained = true, .previous = n - 1, .last = n};
}

OrderSync::Mark chained(uint64_t micros, uint64_t previous, uint64_t last) {
  return {.place = micros, .chained = true, .previous = previous, .last = last};
}

OrderSync::Mark timed(uint64_t micros) { return {.place = micros}; }

TEST(OrderSync, NumbersJoinTheirSnapshot) {
  OrderSync sync(OrderRule::kSequence);
  EXPECT_EQ(sync.on_update(number(5)), Action::kBuffer);
  EXPECT_EQ(sync.on_update(number(6)), Action::kBuffer);
  EXPECT_EQ(sync.on_snapshot(5), Snapshot::kApply);
  EXPECT_EQ(sync.phase(), Phase::kSnapshot);
  EXPECT_EQ(sync.on_update(number(5)), Action::kIgnore);
  EXPECT_TRUE(sync.live()) << "all that the snapshot has was heard";
  EXPECT_EQ(sync.on_update(number(6)), Action::kApply);
  EXPECT_EQ(sync.on_update(number(7)), Action::kApply);
}

// Every phase of every rule, each with every kind of message or snapshot.
struct Step {
  enum What { kUpdate, kSnapshot, kStreamSnapshot, kGood, kBad, kRestart };
  What what;
  OrderSync::Mark mark{};
  uint64_t place = 0;
  Action action{};
  Snapshot snapshot{};
  Phase after;
};

Step update(OrderSync::Mark mark, Action action, Phase after) {
  return {
      .what = Step::kUpdate, .mark = mark, .action = action, .after = after};
}
Step snapshot(uint64_t place, Snapshot action, Phase after) {
  return {.what = Step::kSnapshot,
          .place = place,
          .snapshot = action,
          .after = after};
}
Step event(Step::What what, Phase after) {
  return {.what = what, .after = after};
}

struct Case {
  const char* name;
  OrderRule rule;
  std::vector<Step> steps;
};

constexpr uint64_t kNow = 1'700'000'000'000'000;
constexpr uint64_t kNanos = kNow * 1'000;  // sent as microseconds

// A wrong one and sixteen behind it, then these.
std::vector<Step> far_ahead(OrderSync::Mark wrong, OrderSync::Mark others,
                            std::vector<Step> then) {
  std::vector<Step> steps = {update(wrong, Action::kBuffer, Phase::kUnsynced)};
  for (int i = 1; i <= 16; ++i) {
    steps.push_back(update(others,
                           i == 16 || (i == 1 && !others.chained)
                               ? Action::kBufferRestart
                               : Action::kBuffer,
                           Phase::kUnsynced));
    if (i < 16) {
      steps.push_back(
          snapshot(kNow + 90'000'000, Snapshot::kRefetch, Phase::kUnsynced));
    }
    others.previous = others.last++;
  }
  steps.insert(steps.end(), then.begin(), then.end());
  return steps;
}

std::vector<Case> cases() {
  constexpr OrderRule kSequence = OrderRule::kSequence;
  constexpr OrderRule kTime = OrderRule::kTime;
  constexpr OrderRule kStream = OrderRule::kStream;
  constexpr Phase kUnsynced = Phase::kUnsynced;
  constexpr Phase kHeld = Phase::kSnapshot;
  constexpr Phase kLive = Phase::kLive;
  constexpr uint64_t kSecond = 1'000'000;
  constexpr uint64_t kLoose = OrderSync::kLooseMicros;
  constexpr uint64_t kStamp = OrderSync::kStampMicros;
  return {
      {"a snapshot older than the first kept number is fetched again",
       kSequence,
       {update(number(5), Action::kBuffer, kUnsynced),
        snapshot(3, Snapshot::kRefetch, kUnsynced),
        snapshot(4, Snapshot::kApply, kHeld),
        update(number(5), Action::kApply, kLive)}},
      {"nothing was heard before the snapshot",
       kSequence,
       {snapshot(4, Snapshot::kApply, kHeld),
        update(number(5), Action::kApply, kLive)}},
      {"the first number behind the snapshot is missing",
       kSequence,
       {snapshot(4, Snapshot::kApply, kHeld),
        update(number(6), Action::kGap, kUnsynced),
        update(number(7), Action::kBuffer, kUnsynced),
        snapshot(4, Snapshot::kRefetch, kUnsynced),
        snapshot(5, Snapshot::kApply, kHeld)}},
      {"a snapshot ahead of the stream waits for it",
       kSequence,
       {snapshot(10, Snapshot::kApply, kHeld),
        update(number(8), Action::kIgnore, kHeld),
        update(number(9), Action::kIgnore, kHeld),
        update(number(10), Action::kIgnore, kLive),
        update(number(11), Action::kApply, kLive)}},
      {"a hole among those that a snapshot has is a hole",
       kSequence,
       {snapshot(10, Snapshot::kApply, kHeld),
        update(number(7), Action::kIgnore, kHeld),
        update(number(9), Action::kGap, kUnsynced)}},
      {"a hole among the kept ones",
       kSequence,
       {update(number(5), Action::kBuffer, kUnsynced),
        update(number(7), Action::kBufferRestart, kUnsynced),
        snapshot(5, Snapshot::kRefetch, kUnsynced),
        snapshot(6, Snapshot::kApply, kHeld)}},
      {"a number again is ignored, one that is missing or back is a gap",
       kSequence,
       {snapshot(4, Snapshot::kApply, kHeld),
        update(number(5), Action::kApply, kLive),
        update(number(5), Action::kIgnore, kLive),
        update(number(6), Action::kApply, kLive),
        update(number(5), Action::kGap, kUnsynced)}},
      {"a number is missing",
       kSequence,
       {snapshot(4, Snapshot::kApply, kHeld),
        update(number(5), Action::kApply, kLive),
        update(number(7), Action::kGap, kUnsynced),
        update(number(8), Action::kBuffer, kUnsynced)}},
      {"snapshots that nobody asked for",
       kSequence,
       {snapshot(4, Snapshot::kApply, kHeld),
        snapshot(3, Snapshot::kIgnore, kHeld),
        snapshot(6, Snapshot::kApply, kHeld),
        update(number(5), Action::kIgnore, kHeld),
        snapshot(7, Snapshot::kIgnore, kHeld),
        update(number(6), Action::kIgnore, kLive),
        snapshot(9, Snapshot::kIgnore, kLive)}},
      {"times: old is ignored, near is loose, later completes",
       kTime,
       {update(chained(7 * kSecond, 1, 2), Action::kBuffer, kUnsynced),
        snapshot(7 * kSecond + kStamp - 1, Snapshot::kRefetch, kUnsynced),
        snapshot(9 * kSecond, Snapshot::kApply, kHeld),
        update(chained(9 * kSecond - kLoose, 1, 2), Action::kIgnore, kHeld),
        update(chained(9 * kSecond - kLoose + 1, 2, 3), Action::kApplyLoosely,
               kHeld),
        update(chained(9 * kSecond, 3, 4), Action::kApplyLoosely, kHeld),
        update(chained(9 * kSecond + 1, 4, 5), Action::kApply, kLive),
        update(chained(9 * kSecond, 5, 6), Action::kApplyLoosely, kLive),
        update(chained(5 * kSecond, 6, 7), Action::kApplyLoosely, kLive),
        update(chained(9 * kSecond + 1, 7, 8), Action::kApply, kLive)}},
      {"times: a snapshot before the first message may be an old one's answer",
       kTime,
       {snapshot(9 * kSecond, Snapshot::kIgnore, kUnsynced),
        update(timed(9 * kSecond + 1), Action::kBuffer, kUnsynced)}},
      {"a chain with a hole, a message again",
       kTime,
       {update(chained(1, 0, 1), Action::kBuffer, kUnsynced),
        snapshot(5000, Snapshot::kApply, kHeld),
        update(chained(1, 0, 1), Action::kApplyLoosely, kHeld),
        update(chained(6000, 1, 2), Action::kApply, kLive),
        update(chained(6000, 1, 2), Action::kIgnore, kLive),
        update(chained(7000, 3, 4), Action::kGap, kUnsynced),
        update(chained(8000, 4, 5), Action::kBuffer, kUnsynced),
        update(chained(9000, 6, 7), Action::kBufferRestart, kUnsynced)}},
      {"a chain that ends, or begins, is none",
       kTime,
       {update(chained(1, 0, 1), Action::kBuffer, kUnsynced),
        snapshot(5000, Snapshot::kApply, kHeld),
        update(chained(6000, 1, 2), Action::kApply, kLive),
        update(timed(7000), Action::kGap, kUnsynced),
        snapshot(7000 + kLoose + kStamp - 1, Snapshot::kRefetch, kUnsynced),
        snapshot(7000 + kLoose + kStamp, Snapshot::kApply, kHeld),
        update(timed(2 * kSecond), Action::kApply, kLive),
        update(chained(3 * kSecond, 2, 3), Action::kGap, kUnsynced)}},
      {"without a chain times alone must not go back",
       kTime,
       {update(timed(1), Action::kBuffer, kUnsynced),
        snapshot(5000, Snapshot::kApply, kHeld),
        update(timed(6000), Action::kApply, kLive),
        update(timed(6000), Action::kApply, kLive),
        update(timed(9000), Action::kApply, kLive),
        update(timed(8000), Action::kGap, kUnsynced),
        // What was heard before is not applied once more: it is far behind.
        snapshot(9000 + kLoose + kStamp - 1, Snapshot::kRefetch, kUnsynced),
        update(timed(20'000), Action::kBuffer, kUnsynced),
        update(timed(7000), Action::kBufferRestart, kUnsynced),
        snapshot(20'000 + kLoose + kStamp - 1, Snapshot::kRefetch, kUnsynced),
        snapshot(20'000 + kLoose + kStamp, Snapshot::kApply, kHeld),
        update(timed(7000), Action::kIgnore, kHeld)}},
      {"times that go back twice: all that was heard must be reached",
       kTime,
       {update(timed(20'000), Action::kBuffer, kUnsynced),
        update(timed(7000), Action::kBufferRestart, kUnsynced),
        update(timed(8000), Action::kBuffer, kUnsynced),
        update(timed(6000), Action::kBufferRestart, kUnsynced),
        snapshot(20'000 + kLoose + kStamp - 1, Snapshot::kRefetch, kUnsynced),
        snapshot(20'000 + kLoose + kStamp, Snapshot::kApply, kHeld)}},
      {"late ones behind a restart",
       kTime,
       {update(timed(20'000), Action::kBuffer, kUnsynced),
        event(Step::kRestart, kUnsynced),
        update(timed(7000), Action::kBuffer, kUnsynced),
        snapshot(20'000 + kLoose + kStamp - 1, Snapshot::kRefetch, kUnsynced),
        snapshot(20'000 + kLoose + kStamp, Snapshot::kApply, kHeld)}},
      {"a time far ahead of all others was wrong", kTime,
       far_ahead(
           timed(kNanos), timed(kNow),
           {snapshot(kNow + kLoose + kStamp - 1, Snapshot::kRefetch, kUnsynced),
            snapshot(kNow + kLoose + kStamp, Snapshot::kApply, kHeld)})},
      {"the last of all times, too", kTime,
       far_ahead(
           timed(UINT64_MAX), timed(kNow),
           {snapshot(kNow + kLoose + kStamp - 1, Snapshot::kRefetch, kUnsynced),
            snapshot(kNow + kLoose + kStamp, Snapshot::kApply, kHeld)})},
      {"in a chain, too", kTime,
       far_ahead(chained(kNanos, 0, 1), chained(kNow, 1, 2),
                 {snapshot(kNow + kStamp - 1, Snapshot::kRefetch, kUnsynced),
                  snapshot(kNow + kStamp, Snapshot::kApply, kHeld)})},
      {"behind the last of all times no snapshot serves",
       kTime,
       {update(timed(UINT64_MAX - 10), Action::kBuffer, kUnsynced),
        snapshot(100, Snapshot::kRefetch, kUnsynced),
        update(timed(100), Action::kBufferRestart, kUnsynced),
        snapshot(kLoose + kStamp, Snapshot::kRefetch, kUnsynced)}},
      {"a time far ahead of the snapshot does not complete the book",
       kTime,
       {update(chained(kNow, 0, 1), Action::kBuffer, kUnsynced),
        snapshot(kNow + kSecond / 2, Snapshot::kApply, kHeld),
        update(chained(kNow, 0, 1), Action::kApplyLoosely, kHeld),
        update(chained(kNanos, 1, 2), Action::kApplyLoosely, kHeld),
        update(chained(kNow + 9, 2, 3), Action::kApplyLoosely, kHeld),
        update(chained(kNanos, 3, 4), Action::kApplyLoosely, kHeld),
        update(chained(kNow + kSecond, 4, 5), Action::kApply, kLive)}},
      {"behind one that was applied none is ignored",
       kTime,
       {update(chained(kNow, 0, 1), Action::kBuffer, kUnsynced),
        snapshot(kNow + 9 * kSecond, Snapshot::kApply, kHeld),
        update(chained(kNow, 0, 1), Action::kIgnore, kHeld),
        update(chained(kNanos, 1, 2), Action::kApplyLoosely, kHeld),
        update(chained(kNow + 1, 2, 3), Action::kApplyLoosely, kHeld)}},
      {"two in a row do: nothing happened meanwhile",
       kTime,
       {update(timed(kNow), Action::kBuffer, kUnsynced),
        snapshot(kNow + kSecond / 2, Snapshot::kApply, kHeld),
        update(timed(kNow), Action::kApplyLoosely, kHeld),
        update(timed(kNow + 90 * kSecond), Action::kApplyLoosely, kHeld),
        update(timed(kNow + 190 * kSecond), Action::kApply, kLive)}},
      {"a stream: dropped, applied, verified, failed",
       kStream,
       {update({}, Action::kDrop, kUnsynced),
        event(Step::kStreamSnapshot, kHeld), event(Step::kGood, kLive),
        update({}, Action::kApply, kLive), event(Step::kGood, kLive),
        update({}, Action::kApply, kLive), event(Step::kBad, kUnsynced),
        update({}, Action::kDrop, kUnsynced)}},
      {"a restart forgets",
       kSequence,
       {snapshot(4, Snapshot::kApply, kHeld),
        update(number(5), Action::kApply, kLive),
        event(Step::kRestart, kUnsynced),
        update(number(90), Action::kBuffer, kUnsynced),
        snapshot(90, Snapshot::kApply, kHeld)}},
  };
}

TEST(OrderSync, Table) {
  for (const Case& one : cases()) {
    OrderSync sync(one.rule);
    size_t at = 0;
    for (const Step& step : one.steps) {
      SCOPED_TRACE(std::string(one.name) + ", step " + std::to_string(at++));
      switch (step.what) {
        case Step::kUpdate:
          EXPECT_EQ(sync.on_update(step.mark), step.action);
          break;
        case Step::kSnapshot:
          EXPECT_EQ(sync.on_snapshot(step.place), step.snapshot);
          break;
        case Step::kStreamSnapshot:
          sync.on_stream_snapshot();
          break;
        case Step::kGood:
          sync.on_sum(true);
          break;
        case Step::kBad:
          sync.on_sum(false);
          break;
        case Step::kRestart:
          sync.restart();
          break;
      }
      EXPECT_EQ(sync.phase(), step.after);
    }
  }
}

}  // namespace
}  // namespace wirebook
