// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// L2Book beside std::map and a sorted vector, on a synthetic flow and on
// Binance's spot and USD-M feeds where WIREBOOK_DATA is set.
//   update: ns_per_level of whole messages, each side's levels at once, as a
//     BookKeeper hands them over, and a look at both bests after each message
//   top: ns to copy the ten best levels of one side, after each message
// Argument: ticks in the window, 0 for none.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <numeric>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "concurrency/tsc_clock.h"
#include "lob/l2_book.h"
#include "lob/recorded_levels.h"

namespace wirebook {
namespace {

struct Message {
  std::vector<PriceLevel> bids;
  std::vector<PriceLevel> asks;
  void add(const RecordedLevel& level) {
    (level.side == Side::kBid ? bids : asks).push_back(level.level);
  }
};

struct Feed {
  std::vector<Message> messages;
  int64_t tick = 1;
};

Feed make_synthetic() {
  std::mt19937_64 random(7);
  Feed feed{std::vector<Message>(2000), 1'000'000};
  int64_t touch = 6183763;
  for (Message& message : feed.messages) {
    touch += static_cast<int64_t>(random() % 21) - 10;
    for (int i = 0; i < 36; ++i) {
      const Side side = random() % 2 == 0 ? Side::kBid : Side::kAsk;
      const auto away = static_cast<int64_t>(random() % (1 + random() % 20000));
      const int64_t price =
          side == Side::kBid ? touch - away : touch + 1 + away;
      const auto quantity = random() % 2 == 0
                                ? int64_t{0}
                                : static_cast<int64_t>(random() % 1000000);
      message.add({side, {price * feed.tick, quantity}});
    }
  }
  return feed;
}

Feed make_recorded(const std::string& file) {
  Feed feed;
  const std::string path = recorded_data_path(file);
  if (path.empty()) return feed;
  for (const RecordedUpdate& update : read_synchronised_updates(path)) {
    if (update.kind == RecordedUpdate::Kind::kBestBidOffer) continue;
    Message& message = feed.messages.emplace_back();
    for (const RecordedLevel& level : update.levels) message.add(level);
  }
  const Message& snapshot = feed.messages.front();
  feed.tick = std::gcd(infer_tick(snapshot.bids), infer_tick(snapshot.asks));
  return feed;
}

const Feed& synthetic() {
  static const Feed feed = make_synthetic();
  return feed;
}
const Feed& binance_spot() {
  static const Feed feed =
      make_recorded("binance_spot_btcusdt_20240808.lines.gz");
  return feed;
}
const Feed& binance_usdm() {
  static const Feed feed =
      make_recorded("binance_usdm_btcusdt_20240808.lines.gz");
  return feed;
}

class Map {
 public:
  explicit Map(int64_t, size_t) {}
  void clear() { levels_[0].clear(), levels_[1].clear(); }
  void apply(Side side, std::span<const PriceLevel> changes) {
    auto& levels = levels_[static_cast<size_t>(side)];
    for (const PriceLevel& level : changes) {
      const int64_t key = side == Side::kBid ? -level.price : level.price;
      if (level.quantity == 0) {
        levels.erase(key);
      } else {
        levels[key] = level.quantity;
      }
    }
  }
  int64_t best(Side side) const {
    const auto& levels = levels_[static_cast<size_t>(side)];
    return levels.empty() ? 0 : levels.begin()->second;
  }
  size_t top(Side side, std::span<PriceLevel> out) const {
    size_t count = 0;
    for (const auto& [key, quantity] : levels_[static_cast<size_t>(side)]) {
      if (count == out.size()) break;
      out[count++] = {side == Side::kBid ? -key : key, quantity};
    }
    return count;
  }

 private:
  std::map<int64_t, int64_t> levels_[2];
};

// Worst first, so that the touch is at the cheap end.
class SortedVector {
 public:
  explicit SortedVector(int64_t, size_t) {}
  void clear() { levels_[0].clear(), levels_[1].clear(); }
  void apply(Side side, std::span<const PriceLevel> changes) {
    auto& levels = levels_[static_cast<size_t>(side)];
    for (const PriceLevel& level : changes) {
      const int64_t key = side == Side::kBid ? level.price : -level.price;
      const auto at = std::lower_bound(
          levels.begin(), levels.end(), key,
          [](const PriceLevel& one, int64_t k) { return one.price < k; });
      const bool found = at != levels.end() && at->price == key;
      if (level.quantity == 0) {
        if (found) levels.erase(at);
      } else if (found) {
        at->quantity = level.quantity;
      } else {
        levels.insert(at, {key, level.quantity});
      }
    }
  }
  int64_t best(Side side) const {
    const auto& levels = levels_[static_cast<size_t>(side)];
    return levels.empty() ? 0 : levels.back().quantity;
  }
  size_t top(Side side, std::span<PriceLevel> out) const {
    const auto& levels = levels_[static_cast<size_t>(side)];
    const size_t count = std::min(levels.size(), out.size());
    for (size_t i = 0; i < count; ++i) {
      const PriceLevel& level = levels[levels.size() - 1 - i];
      out[i] = {side == Side::kBid ? level.price : -level.price,
                level.quantity};
    }
    return count;
  }

 private:
  std::vector<PriceLevel> levels_[2];
};

class Book {
 public:
  Book(int64_t tick, size_t window)
      : tick_(tick), book_({.window_ticks = window}) {}
  void clear() { book_.reset(8, 8, tick_); }
  void apply(Side side, std::span<const PriceLevel> changes) {
    book_.apply(side, changes);
  }
  int64_t best(Side side) const { return book_.best(side).quantity; }
  size_t top(Side side, std::span<PriceLevel> out) const {
    return book_.top(side, out);
  }

 private:
  const int64_t tick_;
  L2Book book_;
};

template <class AnyBook>
void update(benchmark::State& state, const Feed& feed, size_t window) {
  if (feed.messages.empty()) {
    state.SkipWithError(kNoRecordedData);
    return;
  }
  AnyBook book(feed.tick, window);
  size_t levels = 0;
  for (auto _ : state) {
    book.clear();
    for (const Message& message : feed.messages) {
      book.apply(Side::kBid, message.bids);
      book.apply(Side::kAsk, message.asks);
      benchmark::DoNotOptimize(book.best(Side::kBid));
      benchmark::DoNotOptimize(book.best(Side::kAsk));
      levels += message.bids.size() + message.asks.size();
    }
  }
  state.counters["ns_per_level"] = benchmark::Counter(
      static_cast<double>(levels) * 1e-9,
      benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

template <class AnyBook>
void top(benchmark::State& state, const Feed& feed, size_t window) {
  if (feed.messages.empty()) {
    state.SkipWithError(kNoRecordedData);
    return;
  }
  constexpr int kCopies = 8;
  const TscClock clock;
  AnyBook book(feed.tick, window);
  uint64_t ticks = 0;
  uint64_t copies = 0;
  for (auto _ : state) {
    book.clear();
    for (const Message& message : feed.messages) {
      book.apply(Side::kBid, message.bids);
      book.apply(Side::kAsk, message.asks);
      const uint64_t start = TscClock::ticks();
      for (int i = 0; i < kCopies; ++i) {
        PriceLevel levels[10];
        benchmark::DoNotOptimize(book.top(Side::kBid, levels));
        benchmark::DoNotOptimize(levels);
        benchmark::DoNotOptimize(book.top(Side::kAsk, levels));
        benchmark::DoNotOptimize(levels);
      }
      ticks += TscClock::ticks() - start;
      copies += 2 * kCopies;
    }
  }
  state.counters["ns_per_copy"] = static_cast<double>(ticks) *
                                  clock.ns_per_tick() /
                                  static_cast<double>(copies);
}

void register_all() {
  using Run = void (*)(benchmark::State&, const Feed&, size_t);
  const auto add = [](const std::string& name, Run run, const Feed& (*feed)(),
                      size_t window) {
    benchmark::RegisterBenchmark(name.c_str(), [=](benchmark::State& state) {
      run(state, feed(), window);
    })->Unit(benchmark::kMillisecond);
  };
  const struct {
    const char* name;
    const Feed& (*feed)();
  } kFeeds[] = {{"synthetic", synthetic},
                {"binance_spot", binance_spot},
                {"binance_usdm", binance_usdm}};
  for (const auto& [name, feed] : kFeeds) {
    const std::string on = std::string("/") + name;
    for (const size_t bits : {0, 14, 16, 18}) {
      const size_t window = bits == 0 ? 0 : size_t{1} << bits;
      add("update/L2Book" + on + "/" + std::to_string(window), update<Book>,
          feed, window);
    }
    add("update/StdMap" + on, update<Map>, feed, 0);
    add("update/SortedVector" + on, update<SortedVector>, feed, 0);
    add("top/L2Book" + on, top<Book>, feed, size_t{1} << 18);
    add("top/StdMap" + on, top<Map>, feed, 0);
    add("top/SortedVector" + on, top<SortedVector>, feed, 0);
  }
}

}  // namespace
}  // namespace wirebook

int main(int argc, char** argv) {
  wirebook::register_all();
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
