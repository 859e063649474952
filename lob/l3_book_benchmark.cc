// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// L3Book beside the book that one would write first (std::map of prices,
// std::list queues, std::unordered_map of ids), per operation:
//   bazel run --config=native //lob:l3_book_benchmark
//
// The flows are made up; nothing recorded is at hand. Of 100 operations 46 add,
// 41 cancel, 8 execute the first of a queue (half of them wholly), 2 reduce, 3
// replace; half of the operations are of the same kind as the one before. Four
// of five orders that are cancelled are young ones, by age 30 back on average.
// The touch wanders by single ticks.
//   future  ids ascend by 1 to 3; nine of ten prices are 2 ticks from the touch
//           on average, the others 20
//   stock   other stocks' ids lie between, 15 on average; eight of ten prices
//           are 7 ticks from the touch on average, the others 250
// Argument: orders that rest on average. `best` reads both sides' best after
// every operation; `told` prefetches the next operation's id, as a handler does
// that has a packet of several messages in its hands.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <iterator>
#include <list>
#include <map>
#include <random>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "lob/l3_book.h"

namespace wirebook {
namespace {

enum class Kind : uint8_t { kAdd, kCancel, kExecute, kReduce, kReplace };

struct Operation {
  uint64_t id;
  uint64_t new_id;
  int64_t price;
  int32_t quantity;
  Kind kind;
  Side side;
};

class MapBook {
 public:
  bool add(uint64_t id, Side side, int64_t price, int64_t quantity) {
    auto [at, added] = ids_.try_emplace(id);
    if (!added) return false;
    Level& level = levels(side)[key(side, price)];
    level.queue.push_back({id, quantity});
    level.total += quantity;
    at->second = {side, price, std::prev(level.queue.end())};
    return true;
  }
  bool cancel(uint64_t id) {
    const auto at = ids_.find(id);
    if (at == ids_.end()) return false;
    auto& side = levels(at->second.side);
    const auto level = side.find(key(at->second.side, at->second.price));
    level->second.total -= at->second.order->quantity;
    level->second.queue.erase(at->second.order);
    if (level->second.queue.empty()) side.erase(level);
    ids_.erase(at);
    return true;
  }
  bool reduce(uint64_t id, int64_t quantity) {
    const auto at = ids_.find(id);
    if (at == ids_.end()) return false;
    if (at->second.order->quantity <= quantity) return cancel(id);
    at->second.order->quantity -= quantity;
    levels(at->second.side)[key(at->second.side, at->second.price)].total -=
        quantity;
    return true;
  }
  bool replace(uint64_t id, uint64_t new_id, int64_t price, int64_t quantity) {
    const auto at = ids_.find(id);
    if (at == ids_.end()) return false;
    const Side side = at->second.side;
    cancel(id);
    return add(new_id, side, price, quantity);
  }
  PriceLevel best(Side side) const {
    const auto& all = side == Side::kBid ? bids_ : asks_;
    if (all.empty()) return {};
    return {key(side, all.begin()->first), all.begin()->second.total};
  }
  uint64_t first(Side side) const {
    const auto& all = side == Side::kBid ? bids_ : asks_;
    return all.begin()->second.queue.front().id;
  }
  int64_t first_quantity(Side side) const {
    const auto& all = side == Side::kBid ? bids_ : asks_;
    return all.begin()->second.queue.front().quantity;
  }
  bool empty(Side side) const {
    return (side == Side::kBid ? bids_ : asks_).empty();
  }
  int64_t price_of(uint64_t id) const { return ids_.at(id).price; }
  Side side_of(uint64_t id) const { return ids_.at(id).side; }
  int64_t quantity_of(uint64_t id) const { return ids_.at(id).order->quantity; }
  void prefetch(uint64_t) const {}
  bool has(uint64_t id) const { return ids_.count(id) != 0; }
  size_t orders() const { return ids_.size(); }

 private:
  struct Resting {
    uint64_t id;
    int64_t quantity;
  };
  struct Level {
    int64_t total = 0;
    std::list<Resting> queue;
  };
  struct Place {
    Side side;
    int64_t price;
    std::list<Resting>::iterator order;
  };
  static int64_t key(Side side, int64_t price) {
    return side == Side::kBid ? -price : price;
  }
  std::map<int64_t, Level>& levels(Side side) {
    return side == Side::kBid ? bids_ : asks_;
  }

  std::map<int64_t, Level> bids_;
  std::map<int64_t, Level> asks_;
  std::unordered_map<uint64_t, Place> ids_;
};

// Orders to begin with, then the operations that are measured.
struct Flow {
  std::vector<Operation> opening;
  std::vector<Operation> operations;
};

constexpr int64_t kTick = 100;

struct Shape {
  double near;  // 1 / (1 + mean ticks from the touch)
  double far;
  uint64_t far_percent;
  uint64_t id_step;  // at most, from one id to the next
};
constexpr Shape kFuture = {1.0 / 3, 1.0 / 21, 10, 3};
constexpr Shape kStock = {1.0 / 8, 1.0 / 251, 20, 29};

Flow make_flow(const Shape& shape, size_t resting) {
  std::mt19937_64 random(7);
  const auto below = [&](uint64_t n) { return random() % n; };
  std::geometric_distribution<int64_t> near(shape.near);
  std::geometric_distribution<int64_t> far(shape.far);
  std::geometric_distribution<uint64_t> age(1.0 / 31);
  Flow flow;
  MapBook book;
  std::vector<uint64_t> ids;  // old ones first; some are gone
  uint64_t last_id = 1'000'000;
  int64_t touch = 15'000;  // ticks

  const auto price_for = [&](Side side) {
    const int64_t away =
        below(100) < shape.far_percent ? far(random) : near(random);
    const int64_t ticks =
        side == Side::kBid ? touch - 1 - away : touch + 1 + away;
    return ticks * kTick;
  };
  const auto add = [&](std::vector<Operation>& to) {
    const Side side = below(2) == 0 ? Side::kBid : Side::kAsk;
    last_id += 1 + below(shape.id_step);
    const auto quantity = static_cast<int32_t>(100 * (1 + below(10)));
    to.push_back({last_id, 0, price_for(side), quantity, Kind::kAdd, side});
    book.add(last_id, side, to.back().price, quantity);
    ids.push_back(last_id);
  };
  const auto pick = [&] {
    while (true) {
      const size_t young = ids.size() < 64 ? ids.size() : 64;
      const size_t at =
          below(4) != 0 ? ids.size() - 1 - below(young) : below(ids.size());
      const uint64_t id = ids[at];
      if (book.has(id)) return at;
      ids[at] = ids.back();
      ids.pop_back();
    }
  };

  while (book.orders() < resting) add(flow.opening);
  uint64_t kind = 0;
  while (flow.operations.size() < 200'000) {
    if (below(200) == 0) touch += static_cast<int64_t>(below(3)) - 1;
    auto& to = flow.operations;
    if (below(2) == 0) kind = below(100);
    const Side side = below(2) == 0 ? Side::kBid : Side::kAsk;
    // As many come as go.
    if (kind < (book.orders() < resting ? 50 : 42)) {
      add(to);
    } else if (kind < 87) {
      const size_t at = pick();
      const uint64_t id = ids[at];
      to.push_back({id, 0, 0, 0, Kind::kCancel, book.side_of(id)});
      book.cancel(id);
      ids.erase(ids.begin() + static_cast<int64_t>(at));
    } else if (kind < 95) {
      if (book.empty(side)) continue;
      const uint64_t id = book.first(side);
      const auto left = static_cast<int32_t>(book.first_quantity(side));
      const int32_t quantity = below(2) == 0 || left < 2 ? left : left / 2;
      to.push_back({id, 0, 0, quantity, Kind::kExecute, side});
      book.reduce(id, quantity);
    } else if (kind < 97) {
      const uint64_t id = ids[pick()];
      const auto left = static_cast<int32_t>(book.quantity_of(id));
      if (left < 2) continue;
      to.push_back({id, 0, 0, left / 2, Kind::kReduce, book.side_of(id)});
      book.reduce(id, left / 2);
    } else {
      const uint64_t id = ids[pick()];
      last_id += 1 + below(shape.id_step);
      const Side of = book.side_of(id);
      to.push_back({id, last_id, price_for(of), 200, Kind::kReplace, of});
      book.replace(id, last_id, to.back().price, 200);
      ids.push_back(last_id);
    }
  }
  return flow;
}

const Flow& flow_of(const Shape& shape, int64_t resting) {
  static std::map<std::pair<const Shape*, int64_t>, Flow> flows;
  const auto [at, added] = flows.try_emplace({&shape, resting});
  if (added) at->second = make_flow(shape, static_cast<size_t>(resting));
  return at->second;
}

enum class Reader : uint8_t { kNone, kBest, kTold };

template <Reader kReader, class Book>
int64_t apply(Book& book, const std::vector<Operation>& operations) {
  int64_t refused = 0;
  for (const Operation& operation : operations) {
    if constexpr (kReader == Reader::kTold) {
      if (&operation != &operations.back()) book.prefetch((&operation + 1)->id);
    }
    bool done = false;
    switch (operation.kind) {
      case Kind::kAdd:
        done = book.add(operation.id, operation.side, operation.price,
                        operation.quantity);
        break;
      case Kind::kCancel:
        done = book.cancel(operation.id);
        break;
      case Kind::kExecute:
      case Kind::kReduce:
        done = book.reduce(operation.id, operation.quantity);
        break;
      case Kind::kReplace:
        done = book.replace(operation.id, operation.new_id, operation.price,
                            operation.quantity);
        break;
    }
    refused += !done;
    if constexpr (kReader == Reader::kBest) {
      benchmark::DoNotOptimize(book.best(Side::kBid));
      benchmark::DoNotOptimize(book.best(Side::kAsk));
    }
  }
  return refused;
}

class Book {
 public:
  explicit Book(size_t resting)
      : pools_({.order_nodes = resting * 2, .price_levels = 4'000}),
        book_(pools_, {.orders = resting * 2}) {
    pools_.warm_up();
    book_.reset(kTick);
  }
  bool add(uint64_t id, Side side, int64_t price, int64_t quantity) {
    return book_.add(id, side, price, quantity) == L3Result::kOk;
  }
  bool cancel(uint64_t id) { return book_.cancel(id) == L3Result::kOk; }
  bool reduce(uint64_t id, int64_t quantity) {
    return book_.reduce(id, quantity) == L3Result::kOk;
  }
  bool replace(uint64_t id, uint64_t new_id, int64_t price, int64_t quantity) {
    return book_.replace(id, new_id, price, quantity) == L3Result::kOk;
  }
  PriceLevel best(Side side) const { return book_.best(side); }
  void prefetch(uint64_t id) const { book_.prefetch(id); }
  void clear() { book_.reset(kTick); }

 private:
  TradingObjectPools pools_;
  L3Book book_;
};

template <Reader kReader, class AnyBook, class Clear>
void run(benchmark::State& state, const Shape& shape, AnyBook& book,
         Clear&& clear) {
  const Flow& flow = flow_of(shape, state.range(0));
  int64_t refused = 0;
  for (auto _ : state) {
    state.PauseTiming();
    clear();
    refused += apply<Reader::kNone>(book, flow.opening);
    state.ResumeTiming();
    refused += apply<kReader>(book, flow.operations);
  }
  if (refused != 0) state.SkipWithError("the book refused an operation");
  state.counters["ns_per_operation"] = benchmark::Counter(
      static_cast<double>(state.iterations()) *
          static_cast<double>(flow.operations.size()) * 1e-9,
      benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

template <Reader kReader>
void BM_L3Book(benchmark::State& state, const Shape& shape) {
  Book book(static_cast<size_t>(state.range(0)));
  run<kReader>(state, shape, book, [&] { book.clear(); });
}
template <Reader kReader>
void BM_MapAndList(benchmark::State& state, const Shape& shape) {
  MapBook book;
  run<kReader>(state, shape, book, [&] { book = MapBook(); });
}

void register_all() {
  const struct {
    const char* name;
    const Shape& shape;
  } kShapes[] = {{"future", kFuture}, {"stock", kStock}};
  const auto add = [](const std::string& name, auto function,
                      const Shape& shape, int64_t resting) {
    benchmark::RegisterBenchmark(
        name.c_str(),
        [function, &shape](benchmark::State& state) { function(state, shape); })
        ->Arg(resting)
        ->Unit(benchmark::kMillisecond);
  };
  for (const auto& [name, shape] : kShapes) {
    const std::string book = std::string("BM_L3Book/") + name;
    const std::string map = std::string("BM_MapAndList/") + name;
    for (const int64_t resting : {1'000, 10'000, 100'000}) {
      add(book, BM_L3Book<Reader::kNone>, shape, resting);
      add(map, BM_MapAndList<Reader::kNone>, shape, resting);
    }
    add(book + "/best", BM_L3Book<Reader::kBest>, shape, 10'000);
    add(map + "/best", BM_MapAndList<Reader::kBest>, shape, 10'000);
    add(book + "/told", BM_L3Book<Reader::kTold>, shape, 10'000);
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
