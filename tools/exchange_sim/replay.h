// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// The replaying half of the simulator: hands out a capture's frames in order,
// waits where a client has to act, and keeps the books that they make.
//
// It waits for the client's subscription before the first frame (Kraken's
// status frames excepted), and at each symbol's first REST snapshot until
// that has been fetched, so that a client's result does not depend on
// timing. Snapshots are also answered before their place is reached. One
// thread.
//
//   Replay replay(capture, /*speed=*/0);
//   replay.subscribed({});
//   while (replay.ready(now_ns)) send(replay.take());
#ifndef WIREBOOK_TOOLS_EXCHANGE_SIM_REPLAY_H_
#define WIREBOOK_TOOLS_EXCHANGE_SIM_REPLAY_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "tools/exchange_sim/book.h"
#include "tools/exchange_sim/capture.h"

namespace wirebook::sim {

// The book of one symbol, rebuilt from what was sent.
struct ReplayedBook {
  Book book;
  std::uint64_t last_update_id = 0;
  bool has_snapshot = false;
  std::size_t depth = 0;             // Kraken: as acknowledged
  std::vector<std::string> pending;  // Binance: diffs before the snapshot
};

struct ReplayCounters {
  std::uint64_t frames = 0;
  std::uint64_t unreadable = 0;  // frames that are no JSON, or bad numbers
  std::uint64_t checksums_ok = 0;
  std::uint64_t checksums_bad = 0;
  std::uint64_t gaps = 0;
};

class Replay {
 public:
  // speed: 0 = no waiting; 1 = as recorded; 2 = twice as fast.
  // `capture` must outlive the replay.
  Replay(const Capture& capture, double speed);

  // Back to the first frame, for a client that connects anew.
  void restart();

  // The client has subscribed. A snapshot of a symbol that `symbols` (upper
  // case) lacks is not waited for; an empty list stands for all.
  void subscribed(const std::vector<std::string>& symbols);

  // True if take() may be called at `now_ns` (any clock that does not go
  // back).
  bool ready(std::int64_t now_ns);
  const std::string& take();
  bool finished() const { return next_ == capture_.records.size(); }
  // When to ask again, if the recorded pace is the reason to wait.
  std::optional<std::int64_t> due_ns() const { return due_ns_; }

  // The REST body for a symbol, nullptr if the capture has none.
  const std::string* fetch_snapshot(const std::string& symbol);

  const ReplayedBook* find(const std::string& symbol) const;
  const ReplayCounters& counters() const { return counters_; }
  const Capture& capture() const { return capture_; }
  std::vector<std::string> symbols() const;

 private:
  bool is_kraken() const { return capture_.venue == "kraken"; }
  void skip_snapshots();
  void apply(const std::string& frame);
  bool apply_binance(const std::string& frame);
  bool apply_binance_diff(const std::string& frame);
  bool apply_kraken(const std::string& frame);
  bool install_snapshot(const std::string& symbol, const std::string& body);

  const Capture& capture_;
  double speed_;
  std::size_t next_ = 0;
  bool subscribed_ = false;
  std::set<std::string> wanted_;
  std::set<std::string> fetched_;
  std::optional<std::int64_t> due_ns_;
  // Recorded time `base_record_ns_` is the clock's `base_now_ns_`.
  std::optional<std::int64_t> base_now_ns_;
  std::int64_t base_record_ns_ = 0;
  std::map<std::string, ReplayedBook> books_;
  ReplayCounters counters_;
};

}  // namespace wirebook::sim

#endif  // WIREBOOK_TOOLS_EXCHANGE_SIM_REPLAY_H_
