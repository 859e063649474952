// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "lob/rest_snapshot_sync.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace wirebook {
namespace {

using Diff = RestSnapshotSync::DiffAction;
using Phase = RestSnapshotSync::Phase;
using Snapshot = RestSnapshotSync::SnapshotAction;

TEST(RestSnapshotSync, TheUsualStart) {
  RestSnapshotSync sync(DiffRule::kFirstId);
  EXPECT_EQ(sync.on_diff(189, 202), Diff::kBuffer);
  EXPECT_EQ(sync.on_diff(203, 207), Diff::kBuffer);
  EXPECT_EQ(sync.on_diff(208, 224), Diff::kBuffer);
  EXPECT_EQ(sync.on_snapshot(218), Snapshot::kApply);
  EXPECT_EQ(sync.on_diff(189, 202), Diff::kIgnore);  // offered again
  EXPECT_EQ(sync.on_diff(203, 207), Diff::kIgnore);
  EXPECT_EQ(sync.phase(), Phase::kSnapshot);
  EXPECT_EQ(sync.on_diff(208, 224), Diff::kJoin);
  EXPECT_EQ(sync.phase(), Phase::kLive);
  EXPECT_EQ(sync.on_diff(225, 237), Diff::kApply);
  EXPECT_EQ(sync.last_update_id(), 237u);
}

// Every kind of diff in each phase; the book stands at 100.
struct DiffCase {
  uint64_t first, last;
  Diff in_snapshot, in_live;
  Phase after_snapshot, after_live;
};

TEST(RestSnapshotSync, EveryDiffInEveryPhase) {
  const std::vector<DiffCase> cases = {
      // Old: what a snapshot overtook; under a live book ids went back.
      {90, 99, Diff::kIgnore, Diff::kGap, Phase::kSnapshot, Phase::kUnsynced},
      {1, 1, Diff::kIgnore, Diff::kGap, Phase::kSnapshot, Phase::kUnsynced},
      // Ends exactly at the snapshot: joined.
      {95, 100, Diff::kIgnore, Diff::kIgnore, Phase::kLive, Phase::kLive},
      // Overlaps.
      {95, 105, Diff::kJoin, Diff::kApply, Phase::kLive, Phase::kLive},
      {100, 101, Diff::kJoin, Diff::kApply, Phase::kLive, Phase::kLive},
      // The next one.
      {101, 101, Diff::kJoin, Diff::kApply, Phase::kLive, Phase::kLive},
      {101, 120, Diff::kJoin, Diff::kApply, Phase::kLive, Phase::kLive},
      // One missing.
      {102, 120, Diff::kGap, Diff::kGap, Phase::kUnsynced, Phase::kUnsynced},
      {200, 220, Diff::kGap, Diff::kGap, Phase::kUnsynced, Phase::kUnsynced},
  };
  for (const DiffCase& c : cases) {
    RestSnapshotSync fresh(DiffRule::kFirstId);
    ASSERT_EQ(fresh.on_snapshot(100), Snapshot::kApply);
    EXPECT_EQ(fresh.on_diff(c.first, c.last), c.in_snapshot) << c.first;
    EXPECT_EQ(fresh.phase(), c.after_snapshot) << c.first;
    RestSnapshotSync live(DiffRule::kFirstId);
    ASSERT_EQ(live.on_snapshot(50), Snapshot::kApply);
    ASSERT_EQ(live.on_diff(51, 100), Diff::kJoin);
    EXPECT_EQ(live.on_diff(c.first, c.last), c.in_live) << c.first;
    EXPECT_EQ(live.phase(), c.after_live) << c.first;
  }
}

TEST(RestSnapshotSync, ASnapshotOlderThanTheFirstKeptDiffIsRefetched) {
  RestSnapshotSync sync(DiffRule::kFirstId);
  sync.on_diff(100, 110);
  EXPECT_EQ(sync.on_snapshot(98), Snapshot::kRefetch);
  EXPECT_EQ(sync.phase(), Phase::kUnsynced);
  // Nothing is missing between 99 and the first kept diff.
  EXPECT_EQ(sync.on_snapshot(99), Snapshot::kApply);
  EXPECT_EQ(sync.on_diff(100, 110), Diff::kJoin);
}

TEST(RestSnapshotSync, AHoleAmongKeptDiffsForgetsThoseBeforeIt) {
  RestSnapshotSync sync(DiffRule::kFirstId);
  EXPECT_EQ(sync.on_diff(100, 110), Diff::kBuffer);
  EXPECT_EQ(sync.on_diff(112, 120), Diff::kBufferRestart);
  EXPECT_EQ(sync.on_diff(121, 130), Diff::kBuffer);
  EXPECT_EQ(sync.on_snapshot(110), Snapshot::kRefetch);
  EXPECT_EQ(sync.on_snapshot(115), Snapshot::kApply);
}

TEST(RestSnapshotSync, AnIdFarAheadIsFoundOutByTheNextDiff) {
  RestSnapshotSync sync(DiffRule::kFirstId);
  sync.on_snapshot(10);
  ASSERT_EQ(sync.on_diff(11, 11), Diff::kJoin);
  EXPECT_EQ(sync.on_diff(12, 1000), Diff::kApply);
  EXPECT_EQ(sync.on_diff(13, 13), Diff::kGap);
  EXPECT_EQ(sync.on_diff(14, 14), Diff::kBuffer);
  EXPECT_EQ(sync.on_snapshot(13), Snapshot::kApply);
  EXPECT_EQ(sync.on_diff(13, 13), Diff::kIgnore);
  EXPECT_EQ(sync.on_diff(14, 14), Diff::kApply);
}

TEST(RestSnapshotSync, AStepBackAmongKeptDiffsForgetsThoseBeforeIt) {
  RestSnapshotSync sync(DiffRule::kFirstId);
  EXPECT_EQ(sync.on_diff(1000, 1000), Diff::kBuffer);
  EXPECT_EQ(sync.on_diff(12, 12), Diff::kBufferRestart);
  EXPECT_EQ(sync.on_diff(12, 12), Diff::kBuffer);  // once more
  EXPECT_EQ(sync.on_diff(13, 13), Diff::kBuffer);
  EXPECT_EQ(sync.on_snapshot(12), Snapshot::kApply);
  EXPECT_EQ(sync.on_diff(12, 12), Diff::kIgnore);
  EXPECT_EQ(sync.on_diff(12, 12), Diff::kIgnore);
  EXPECT_EQ(sync.on_diff(13, 13), Diff::kApply);
}

// The one in between is forgotten with those before it, and no time tells.
TEST(RestSnapshotSync,
     BehindTimesThatWentBackASnapshotMustReachAllThatWasHeard) {
  RestSnapshotSync sync(DiffRule::kTime);
  EXPECT_EQ(sync.on_diff(90, 90), Diff::kBuffer);
  EXPECT_EQ(sync.on_diff(110, 110), Diff::kBuffer);
  EXPECT_EQ(sync.on_diff(100, 100), Diff::kBufferRestart);
  EXPECT_EQ(sync.on_snapshot(105), Snapshot::kRefetch);
  EXPECT_EQ(sync.on_diff(95, 95), Diff::kBufferRestart);
  EXPECT_EQ(sync.on_diff(120, 120), Diff::kBuffer);
  EXPECT_EQ(sync.on_snapshot(109), Snapshot::kRefetch);
  EXPECT_EQ(sync.on_snapshot(110), Snapshot::kApply);
  EXPECT_EQ(sync.on_diff(95, 95), Diff::kIgnore);
  EXPECT_EQ(sync.on_diff(120, 120), Diff::kJoin);
  // Under a live book, too.
  EXPECT_EQ(sync.on_diff(115, 115), Diff::kGap);
  EXPECT_EQ(sync.on_snapshot(119), Snapshot::kRefetch);
  EXPECT_EQ(sync.on_snapshot(120), Snapshot::kApply);
}

// Times alone; in microseconds.
struct TimeStep {
  enum What { kDiff, kSnapshot, kTrimmed, kRestart };
  What what;
  uint64_t time = 0;
  Diff diff{};
  Snapshot snapshot{};
};

TimeStep diff(uint64_t time, Diff action) {
  return {.what = TimeStep::kDiff, .time = time, .diff = action};
}
TimeStep snapshot(uint64_t time, Snapshot action) {
  return {.what = TimeStep::kSnapshot, .time = time, .snapshot = action};
}
TimeStep trimmed(uint64_t time) {
  return {.what = TimeStep::kTrimmed, .time = time};
}

// So many of them, each a microsecond later.
std::vector<TimeStep> diffs(int count, uint64_t time, Diff first) {
  std::vector<TimeStep> steps;
  for (int i = 0; i < count; ++i) {
    steps.push_back(
        diff(time + static_cast<uint64_t>(i), i == 0 ? first : Diff::kBuffer));
  }
  return steps;
}

std::vector<TimeStep> join(const std::vector<std::vector<TimeStep>>& parts) {
  std::vector<TimeStep> steps;
  for (const auto& part : parts) {
    steps.insert(steps.end(), part.begin(), part.end());
  }
  return steps;
}

TEST(RestSnapshotSync, TimesThatGoBack) {
  constexpr uint64_t kNow = 1'700'000'000'000'000;
  constexpr uint64_t kNanos = kNow * 1'000;  // sent as microseconds
  constexpr auto kRefetch = Snapshot::kRefetch;
  struct Case {
    const char* name;
    std::vector<TimeStep> steps;
  };
  const std::vector<Case> cases = {
      {"late ones before a snapshot count for nothing behind it",
       join({diffs(1, 1'000, Diff::kBuffer),
             diffs(15, 10, Diff::kBufferRestart),
             {snapshot(1'000, Snapshot::kApply), diff(10, Diff::kIgnore),
              diff(1'005, Diff::kJoin), diff(1'010, Diff::kApply),
              diff(1'006, Diff::kGap), snapshot(1'007, kRefetch),
              snapshot(1'010, Snapshot::kApply)}})},
      {"what was heard and forgotten must be reached though the buffer is full",
       {diff(90, Diff::kBuffer), diff(110, Diff::kBuffer),
        diff(100, Diff::kBufferRestart), diff(101, Diff::kBuffer),
        snapshot(105, kRefetch), trimmed(101), snapshot(105, kRefetch),
        snapshot(110, Snapshot::kApply)}},
      {"a full buffer's oldest, too",
       {diff(90, Diff::kBuffer), diff(110, Diff::kBuffer), trimmed(110),
        snapshot(109, kRefetch), snapshot(110, Snapshot::kApply)}},
      {"however many are late",
       join({{diff(90, Diff::kBuffer), diff(110, Diff::kBuffer)},
             diffs(16, 91, Diff::kBufferRestart),
             {snapshot(107, kRefetch), diff(120, Diff::kBuffer),
              snapshot(109, kRefetch), snapshot(110, Snapshot::kApply)}})},
      {"late ones behind a restart",
       {diff(90, Diff::kBuffer),
        diff(110, Diff::kBuffer),
        {.what = TimeStep::kRestart},
        diff(100, Diff::kBuffer),
        snapshot(105, kRefetch),
        snapshot(110, Snapshot::kApply)}},
      {"a time far ahead of all others was wrong",
       join({diffs(1, kNanos, Diff::kBuffer),
             diffs(15, kNow, Diff::kBufferRestart),
             {snapshot(kNow + 50, kRefetch), diff(kNow + 15, Diff::kBuffer),
              snapshot(kNow + 14, kRefetch),
              snapshot(kNow + 15, Snapshot::kApply)}})},
      {"what came before it must be reached still",
       join({{diff(kNow, Diff::kBuffer), diff(kNow + 40, Diff::kBuffer),
              diff(kNanos, Diff::kBuffer)},
             diffs(16, kNow + 10, Diff::kBufferRestart),
             {snapshot(kNow + 39, kRefetch),
              snapshot(kNow + 40, Snapshot::kApply)}})},
      {"under a live book, too",
       join({{diff(kNow, Diff::kBuffer), snapshot(kNow + 1, Snapshot::kApply),
              diff(kNow, Diff::kIgnore), diff(kNow + 40, Diff::kJoin),
              diff(kNanos, Diff::kApply)},
             diffs(16, kNow + 10, Diff::kGap),
             {snapshot(kNow + 39, kRefetch),
              snapshot(kNow + 40, Snapshot::kApply)}})},
  };
  for (const Case& c : cases) {
    RestSnapshotSync sync(DiffRule::kTime);
    size_t at = 0;
    for (const TimeStep& step : c.steps) {
      SCOPED_TRACE(std::string(c.name) + ", step " + std::to_string(at++));
      switch (step.what) {
        case TimeStep::kDiff:
          EXPECT_EQ(sync.on_diff(step.time, step.time), step.diff);
          break;
        case TimeStep::kSnapshot:
          EXPECT_EQ(sync.on_snapshot(step.time), step.snapshot);
          break;
        case TimeStep::kTrimmed:
          sync.on_buffer_trimmed(step.time);
          break;
        case TimeStep::kRestart:
          sync.restart();
          break;
      }
    }
  }
}

TEST(RestSnapshotSync, IdsThatBeginAnewUnderASnapshotAreAGap) {
  for (const DiffRule rule : {DiffRule::kFirstId, DiffRule::kPreviousId}) {
    RestSnapshotSync sync(rule);
    sync.on_diff(501, 510, 500);
    ASSERT_EQ(sync.on_snapshot(530), Snapshot::kApply);
    EXPECT_EQ(sync.on_diff(501, 510, 500), Diff::kIgnore);
    EXPECT_EQ(sync.on_diff(511, 520, 510), Diff::kIgnore);
    // The second snapshot is no new beginning.
    ASSERT_EQ(sync.on_snapshot(540), Snapshot::kApply);
    EXPECT_EQ(sync.on_diff(1, 1, 0), Diff::kGap);
    EXPECT_EQ(sync.on_snapshot(1), Snapshot::kApply);
    EXPECT_EQ(sync.on_diff(1, 1, 0), Diff::kIgnore);
    EXPECT_EQ(sync.phase(), Phase::kLive);
  }
}

TEST(RestSnapshotSync, TheLargestIdHasNoSuccessor) {
  constexpr uint64_t kLast = UINT64_MAX;
  RestSnapshotSync sync(DiffRule::kFirstId);
  ASSERT_EQ(sync.on_snapshot(kLast), Snapshot::kApply);
  ASSERT_EQ(sync.on_diff(kLast, kLast), Diff::kIgnore);
  EXPECT_EQ(sync.on_diff(0, kLast), Diff::kIgnore);
  EXPECT_EQ(sync.on_diff(0, 0), Diff::kGap);
}

TEST(RestSnapshotSync, AGapStartsOverWithTheDiffThatShowedIt) {
  RestSnapshotSync sync(DiffRule::kFirstId);
  sync.on_snapshot(10);
  sync.on_diff(11, 20);
  EXPECT_EQ(sync.on_diff(31, 40), Diff::kGap);
  EXPECT_EQ(sync.on_snapshot(25), Snapshot::kRefetch);
  EXPECT_EQ(sync.on_snapshot(35), Snapshot::kApply);
  EXPECT_EQ(sync.on_diff(31, 40), Diff::kJoin);
}

TEST(RestSnapshotSync, TrimmingMovesWhatASnapshotMustReach) {
  RestSnapshotSync sync(DiffRule::kFirstId);
  sync.on_diff(100, 110);
  sync.on_diff(111, 120);
  sync.on_buffer_trimmed(111);
  EXPECT_EQ(sync.on_snapshot(105), Snapshot::kRefetch);
  EXPECT_EQ(sync.on_snapshot(111), Snapshot::kApply);
}

TEST(RestSnapshotSync, ALiveBookWantsNoSnapshot) {
  RestSnapshotSync sync(DiffRule::kFirstId);
  sync.on_snapshot(10);
  EXPECT_EQ(sync.on_snapshot(9), Snapshot::kIgnore);  // older than the held one
  EXPECT_EQ(sync.on_snapshot(12), Snapshot::kApply);
  sync.on_diff(13, 20);
  EXPECT_EQ(sync.on_snapshot(30), Snapshot::kIgnore);
  sync.restart();
  EXPECT_EQ(sync.on_snapshot(30), Snapshot::kApply);
}

// Ids leave holes; each diff names the one before it.
TEST(RestSnapshotSync, PreviousIdsChain) {
  RestSnapshotSync sync(DiffRule::kPreviousId);
  EXPECT_EQ(sync.on_diff(110, 120, 100), Diff::kBuffer);
  EXPECT_EQ(sync.on_diff(135, 140, 120), Diff::kBuffer);
  EXPECT_EQ(sync.on_snapshot(99), Snapshot::kRefetch);
  EXPECT_EQ(sync.on_snapshot(130), Snapshot::kApply);
  EXPECT_EQ(sync.on_diff(110, 120, 100), Diff::kIgnore);
  EXPECT_EQ(sync.on_diff(135, 140, 120), Diff::kJoin);
  EXPECT_EQ(sync.on_diff(150, 160, 140), Diff::kApply);
  EXPECT_EQ(sync.on_diff(150, 160, 140), Diff::kIgnore);  // once more
  // Its own ids would follow; what it names was never seen.
  EXPECT_EQ(sync.on_diff(161, 170, 155), Diff::kGap);
  EXPECT_EQ(sync.on_diff(171, 180, 169), Diff::kBufferRestart);
  EXPECT_EQ(sync.on_snapshot(168), Snapshot::kRefetch);
  EXPECT_EQ(sync.on_snapshot(180), Snapshot::kApply);
  EXPECT_EQ(sync.on_diff(171, 180, 169), Diff::kIgnore);
  EXPECT_EQ(sync.phase(), Phase::kLive);
}

TEST(RestSnapshotSync, ADiffThatNamesWhatTheSnapshotLacksIsAGap) {
  RestSnapshotSync sync(DiffRule::kPreviousId);
  ASSERT_EQ(sync.on_snapshot(100), Snapshot::kApply);
  EXPECT_EQ(sync.on_diff(102, 110, 101), Diff::kGap);
  sync.on_buffer_trimmed(121, 120);
  EXPECT_EQ(sync.on_snapshot(119), Snapshot::kRefetch);
}

// Times order diffs and show no hole between them.
TEST(RestSnapshotSync, TimesOnlyGoForward) {
  RestSnapshotSync sync(DiffRule::kTime);
  EXPECT_EQ(sync.on_diff(50, 50), Diff::kBuffer);
  EXPECT_EQ(sync.on_diff(50, 50), Diff::kBuffer);
  EXPECT_EQ(sync.on_diff(70, 70), Diff::kBuffer);
  EXPECT_EQ(sync.on_snapshot(49), Snapshot::kRefetch);
  EXPECT_EQ(sync.on_snapshot(60), Snapshot::kApply);
  EXPECT_EQ(sync.on_diff(50, 50), Diff::kIgnore);
  EXPECT_EQ(sync.on_diff(55, 55), Diff::kIgnore);
  EXPECT_EQ(sync.on_diff(70, 70), Diff::kJoin);
  EXPECT_EQ(sync.on_diff(70, 70), Diff::kApply);
  EXPECT_EQ(sync.on_diff(90, 90), Diff::kApply);
  EXPECT_EQ(sync.on_diff(80, 80), Diff::kGap);
}

// What lies between a snapshot and the first diff heard has no trace.
TEST(RestSnapshotSync, TimesAreJoinedOnlyByAStreamHeardBefore) {
  RestSnapshotSync late(DiffRule::kTime);
  EXPECT_EQ(late.on_snapshot(50), Snapshot::kApply);
  EXPECT_EQ(late.on_diff(60, 60), Diff::kGap);
  EXPECT_EQ(late.on_snapshot(50), Snapshot::kRefetch) << "the same again";
  EXPECT_EQ(late.on_snapshot(70), Snapshot::kApply);
  EXPECT_EQ(late.on_diff(60, 60), Diff::kIgnore);
  EXPECT_EQ(late.on_diff(80, 80), Diff::kJoin);
  RestSnapshotSync exact(DiffRule::kTime);
  EXPECT_EQ(exact.on_snapshot(50), Snapshot::kApply);
  EXPECT_EQ(exact.on_diff(50, 50), Diff::kIgnore);
  EXPECT_EQ(exact.on_diff(60, 60), Diff::kApply);
}

}  // namespace
}  // namespace wirebook
