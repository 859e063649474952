// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// L2Book beside std::map and a sorted vector, per level update with a look at
// the best after each message: on a synthetic flow, and on Binance's spot feed
// where WIREBOOK_DATA is set. Argument: ticks in the window, 0 for none.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "lob/l2_book.h"
#include "lob/recorded_levels.h"

namespace wirebook {
namespace {

using Messages = std::vector<std::vector<RecordedLevel>>;

const Messages& synthetic() {
  static const Messages messages = [] {
    std::mt19937_64 random(7);
    Messages all(2000);
    int64_t touch = 6183763;
    for (auto& message : all) {
      touch += static_cast<int64_t>(random() % 21) - 10;
      for (int i = 0; i < 36; ++i) {
        const Side side = random() % 2 == 0 ? Side::kBid : Side::kAsk;
        const auto away =
            static_cast<int64_t>(random() % (1 + random() % 20000));
        const int64_t price =
            side == Side::kBid ? touch - away : touch + 1 + away;
        const auto quantity = random() % 2 == 0
                                  ? int64_t{0}
                                  : static_cast<int64_t>(random() % 1000000);
        message.push_back({side, {price * 1000000, quantity}});
      }
    }
    return all;
  }();
  return messages;
}

const Messages& recorded() {
  static const Messages messages = [] {
    Messages all;
    const std::string path =
        recorded_data_path("binance_spot_btcusdt_20240808.lines.gz");
    if (path.empty()) return all;
    for (RecordedUpdate& update : read_synchronised_updates(path)) {
      if (update.kind == RecordedUpdate::Kind::kBestBidOffer) continue;
      all.push_back(std::move(update.levels));
    }
    return all;
  }();
  return messages;
}

class Map {
 public:
  void clear() { levels_[0].clear(), levels_[1].clear(); }
  void apply(Side side, int64_t price, int64_t quantity) {
    auto& levels = levels_[static_cast<size_t>(side)];
    const int64_t key = side == Side::kBid ? -price : price;
    if (quantity == 0) {
      levels.erase(key);
    } else {
      levels[key] = quantity;
    }
  }
  int64_t best(Side side) const {
    const auto& levels = levels_[static_cast<size_t>(side)];
    return levels.empty() ? 0 : levels.begin()->second;
  }

 private:
  std::map<int64_t, int64_t> levels_[2];
};

// Worst first, so that the touch is at the cheap end.
class SortedVector {
 public:
  void clear() { levels_[0].clear(), levels_[1].clear(); }
  void apply(Side side, int64_t price, int64_t quantity) {
    auto& levels = levels_[static_cast<size_t>(side)];
    const int64_t key = side == Side::kBid ? price : -price;
    const auto at = std::lower_bound(
        levels.begin(), levels.end(), key,
        [](const PriceLevel& level, int64_t k) { return level.price < k; });
    const bool found = at != levels.end() && at->price == key;
    if (quantity == 0) {
      if (found) levels.erase(at);
    } else if (found) {
      at->quantity = quantity;
    } else {
      levels.insert(at, {key, quantity});
    }
  }
  int64_t best(Side side) const {
    const auto& levels = levels_[static_cast<size_t>(side)];
    return levels.empty() ? 0 : levels.back().quantity;
  }

 private:
  std::vector<PriceLevel> levels_[2];
};

class Book {
 public:
  explicit Book(size_t window) : book_(options(window)) {}
  void clear() { book_.reset(8, 8, 1000000); }
  void apply(Side side, int64_t price, int64_t quantity) {
    book_.apply(side, price, quantity);
  }
  int64_t best(Side side) const { return book_.best(side).quantity; }

 private:
  static L2BookOptions options(size_t window) {
    L2BookOptions options;
    options.window_ticks = window;
    return options;
  }
  L2Book book_;
};

template <class AnyBook>
void run(benchmark::State& state, const Messages& messages, AnyBook book) {
  if (messages.empty()) {
    state.SkipWithError(kNoRecordedData);
    return;
  }
  int64_t levels = 0;
  for (auto _ : state) {
    book.clear();
    for (const auto& message : messages) {
      for (const RecordedLevel& level : message) {
        book.apply(level.side, level.level.price, level.level.quantity);
      }
      benchmark::DoNotOptimize(book.best(Side::kBid));
      benchmark::DoNotOptimize(book.best(Side::kAsk));
      levels += static_cast<int64_t>(message.size());
    }
  }
  state.SetItemsProcessed(levels);
}

class Referenced {
 public:
  explicit Referenced(Book& book) : book_(book) {}
  void clear() { book_.clear(); }
  void apply(Side side, int64_t price, int64_t quantity) {
    book_.apply(side, price, quantity);
  }
  int64_t best(Side side) const { return book_.best(side); }

 private:
  Book& book_;
};

void BM_L2Book(benchmark::State& state, const Messages& messages) {
  Book book(static_cast<size_t>(state.range(0)));
  run(state, messages, Referenced(book));
}
void BM_StdMap(benchmark::State& state, const Messages& messages) {
  run(state, messages, Map());
}
void BM_SortedVector(benchmark::State& state, const Messages& messages) {
  run(state, messages, SortedVector());
}

BENCHMARK_CAPTURE(BM_L2Book, synthetic, synthetic())
    ->Arg(0)
    ->Arg(1 << 14)
    ->Arg(1 << 16)
    ->Arg(1 << 18);
BENCHMARK_CAPTURE(BM_StdMap, synthetic, synthetic());
BENCHMARK_CAPTURE(BM_SortedVector, synthetic, synthetic());
BENCHMARK_CAPTURE(BM_L2Book, binance_spot, recorded())
    ->Arg(0)
    ->Arg(1 << 14)
    ->Arg(1 << 16)
    ->Arg(1 << 18);
BENCHMARK_CAPTURE(BM_StdMap, binance_spot, recorded());
BENCHMARK_CAPTURE(BM_SortedVector, binance_spot, recorded());

}  // namespace
}  // namespace wirebook

BENCHMARK_MAIN();
