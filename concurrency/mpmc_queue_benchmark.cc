// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// MpmcQueue beside Boost.Lockfree, TBB's concurrent_bounded_queue and
// moodycamel's ConcurrentQueue (no FIFO between producers; with tokens, too),
// and beside Vyukov's queue as he wrote it: 8 bytes, capacity 1024.
// Compare within one run only: BM_LineRoundTrip says how far apart the CPUs
// are. median_ns is per message (or round trip), over chunks of them.
//
//   bazel run --config=native //concurrency:mpmc_queue_benchmark --
//     --benchmark_repetitions=5 --benchmark_report_aggregates_only=true

#if __has_include(<concurrentqueue/concurrentqueue.h>)
#include <concurrentqueue/concurrentqueue.h>
#else  // Debian 13 and later
#include <concurrentqueue/moodycamel/concurrentqueue.h>
#endif
#include <sched.h>
#include <tbb/concurrent_queue.h>

#include <algorithm>
#include <atomic>
#include <boost/lockfree/queue.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <thread>
#include <utility>
#include <vector>

#include "benchmark/benchmark.h"
#include "concurrency/blocking_mpmc_queue.h"
#include "concurrency/latency_histogram.h"
#include "concurrency/mpmc_queue.h"
#include "concurrency/thread.h"
#include "concurrency/tsc_clock.h"
#include "memory/cache_line.h"

namespace wirebook {
namespace {

constexpr size_t kCapacity = 1024;
constexpr size_t kChunk = 1 << 13;
constexpr size_t kTrips = 64;
constexpr uint64_t kStop = ~uint64_t{0};

struct Wirebook {
  bool push(uint64_t value) { return queue.try_push(value); }
  bool pop(uint64_t& value) { return queue.try_pop(value); }
  MpmcQueue<uint64_t> queue{kCapacity};
};

struct WirebookTickets {
  bool push(uint64_t value) { return queue.try_push(value); }
  bool pop(uint64_t& value) { return queue.try_pop(value); }
  TicketMpmcQueue<uint64_t> queue{kCapacity};
};

// Not trivially copyable, so by tickets, too.
struct WirebookObjects {
  struct Object {
    explicit Object(uint64_t v) : value(v) {}
    Object(Object&& other) noexcept : value(other.value) {}
    Object& operator=(Object&& other) noexcept {
      value = other.value;
      return *this;
    }
    uint64_t value;
  };
  bool push(uint64_t value) { return queue.try_push(Object(value)); }
  bool pop(uint64_t& value) {
    Object out(0);
    if (!queue.try_pop(out)) return false;
    value = out.value;
    return true;
  }
  MpmcQueue<Object> queue{kCapacity};
};

struct WirebookBlocking {
  bool push(uint64_t value) { return queue.try_push(std::move(value)); }
  bool pop(uint64_t& value) {
    const std::optional<uint64_t> out = queue.try_pop();
    value = out.value_or(0);
    return out.has_value();
  }
  BlockingMpmcQueue<uint64_t> queue{kCapacity};
};

// A thread stopped between its ticket and its slot holds up all, and what
// another pushed behind it is overlooked.
class Vyukov {
 public:
  Vyukov() {
    for (size_t i = 0; i < kCapacity; ++i) slots_[i].turn.store(i);
  }
  bool push(uint64_t value) {
    Slot* const slot = draw(tail_, 0);
    if (slot == nullptr) return false;
    slot->value = value;
    const uint64_t turn = slot->turn.load(std::memory_order_relaxed);
    slot->turn.store(turn + 1, std::memory_order_release);
    return true;
  }
  bool pop(uint64_t& value) {
    Slot* const slot = draw(head_, 1);
    if (slot == nullptr) return false;
    value = slot->value;
    const uint64_t turn = slot->turn.load(std::memory_order_relaxed);
    slot->turn.store(turn - 1 + kCapacity, std::memory_order_release);
    return true;
  }

 private:
  struct alignas(16) Slot {
    std::atomic<uint64_t> turn;
    uint64_t value;
  };

  Slot* draw(std::atomic<uint64_t>& next, uint64_t offset) {
    uint64_t ticket = next.load(std::memory_order_relaxed);
    for (;;) {
      Slot& slot = slots_[ticket % kCapacity];
      const uint64_t turn = slot.turn.load(std::memory_order_acquire);
      if (turn == ticket + offset) {
        if (next.compare_exchange_weak(ticket, ticket + 1,
                                       std::memory_order_relaxed)) {
          return &slot;
        }
      } else if (static_cast<int64_t>(turn - ticket - offset) < 0) {
        return nullptr;
      } else {
        ticket = next.load(std::memory_order_relaxed);
      }
    }
  }

  alignas(kFalseSharingBytes) std::atomic<uint64_t> tail_{0};
  alignas(kFalseSharingBytes) std::atomic<uint64_t> head_{0};
  alignas(kFalseSharingBytes) Slot slots_[kCapacity];
};

struct Boost {
  bool push(uint64_t value) { return queue.bounded_push(value); }
  bool pop(uint64_t& value) { return queue.pop(value); }
  boost::lockfree::queue<uint64_t, boost::lockfree::fixed_sized<true>> queue{
      kCapacity};
};

struct Tbb {
  Tbb() { queue.set_capacity(kCapacity); }
  bool push(uint64_t value) { return queue.try_push(value); }
  bool pop(uint64_t& value) { return queue.try_pop(value); }
  tbb::concurrent_bounded_queue<uint64_t> queue;
};

struct Moodycamel {
  bool push(uint64_t value) { return queue.try_enqueue(value); }
  bool pop(uint64_t& value) { return queue.try_dequeue(value); }
  moodycamel::ConcurrentQueue<uint64_t> queue{kCapacity};
};

// One producer, one consumer.
struct MoodycamelTokens {
  bool push(uint64_t value) { return queue.try_enqueue(in, value); }
  bool pop(uint64_t& value) { return queue.try_dequeue(out, value); }
  moodycamel::ConcurrentQueue<uint64_t> queue{kCapacity};
  moodycamel::ProducerToken in{queue};
  moodycamel::ConsumerToken out{queue};
};

void pin(size_t which) {
  const auto cpus = allowed_cpus();
  if (cpus.ok() && cpus->size() >= 2) {
    (void)pin_thread_to_cpu((*cpus)[which % cpus->size()]);
  }
}

class PinnedHere {
 public:
  PinnedHere() {
    sched_getaffinity(0, sizeof(before_), &before_);
    pin(1);
  }
  ~PinnedHere() { sched_setaffinity(0, sizeof(before_), &before_); }

 private:
  cpu_set_t before_;
};

class Spin {
 public:
  explicit Spin(uint32_t spins = 1 << 16) : spins_(spins) {}
  void once() {
    if (++turns_ % spins_ == 0) std::this_thread::yield();
  }

 private:
  const uint32_t spins_;
  uint32_t turns_ = 0;
};

class Chunks {
 public:
  explicit Chunks(size_t n)
      : n_(static_cast<double>(n)),
        histogram_(std::make_unique<LatencyHistogram>()) {}
  void start() { start_ = TscClock::ticks(); }
  void stop() { histogram_->record(TscClock::ticks() - start_); }
  void report(benchmark::State& state) const {
    static const TscClock clock;
    state.counters["median_ns"] =
        static_cast<double>(histogram_->percentile(50)) * clock.ns_per_tick() /
        n_;
  }

 private:
  const double n_;
  const std::unique_ptr<LatencyHistogram> histogram_;
  uint64_t start_ = 0;
};

// `kEach` producers and as many consumers, this thread being one of them; with
// more than one of each there are more threads than this project's CPUs.
template <typename Queue, size_t kEach>
void BM_Throughput(benchmark::State& state) {
  Queue queue;
  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;
  for (size_t t = 0; t < kEach; ++t) {
    threads.emplace_back([&, t] {
      pin(2 * t);
      Spin spin(kEach == 1 ? 1 << 16 : 64);
      while (!stop.load(std::memory_order_relaxed)) {
        if (!queue.push(1)) spin.once();
      }
    });
    if (t == 0) continue;
    threads.emplace_back([&, t] {
      pin(2 * t + 1);
      Spin spin(64);
      uint64_t value = 0;
      while (!stop.load(std::memory_order_relaxed)) {
        if (!queue.pop(value)) spin.once();
      }
    });
  }
  Chunks chunks(kChunk);
  {
    PinnedHere pinned;
    Spin spin(kEach == 1 ? 1 << 16 : 64);
    for (auto _ : state) {
      chunks.start();
      uint64_t value = 0;
      for (size_t i = 0; i < kChunk; ++i) {
        while (!queue.pop(value)) spin.once();
      }
      chunks.stop();
    }
  }
  stop.store(true);
  for (std::thread& thread : threads) thread.join();
  chunks.report(state);
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(kChunk));
}

// Batches of 16 by MpmcQueue's own.
void BM_Batches(benchmark::State& state) {
  MpmcQueue<uint64_t> queue(kCapacity);
  std::atomic<bool> stop{false};
  std::thread producer([&] {
    pin(0);
    Spin spin;
    std::vector<uint64_t> values(16, 1);
    while (!stop.load(std::memory_order_relaxed)) {
      if (queue.try_push_n(values) == 0) spin.once();
    }
  });
  Chunks chunks(kChunk);
  {
    PinnedHere pinned;
    Spin spin;
    std::vector<uint64_t> values(16);
    for (auto _ : state) {
      chunks.start();
      for (size_t i = 0; i < kChunk;) {
        const size_t n = std::min(values.size(), kChunk - i);
        const size_t popped = queue.try_pop_n(std::span(values).first(n));
        if (popped == 0) spin.once();
        i += popped;
      }
      chunks.stop();
    }
  }
  stop.store(true);
  producer.join();
  chunks.report(state);
}

template <typename Queue>
void BM_RoundTrip(benchmark::State& state) {
  Queue there;
  Queue back;
  std::thread echo([&] {
    pin(0);
    Spin spin;
    for (uint64_t value = 0; value != kStop;) {
      while (!there.pop(value)) spin.once();
      while (!back.push(value)) spin.once();
    }
  });
  Chunks chunks(kTrips);
  {
    PinnedHere pinned;
    Spin spin;
    uint64_t value = 0;
    for (auto _ : state) {
      chunks.start();
      for (size_t trip = 0; trip < kTrips; ++trip) {
        while (!there.push(trip)) spin.once();
        while (!back.pop(value)) spin.once();
      }
      chunks.stop();
    }
  }
  while (!there.push(kStop)) {
  }
  echo.join();
  chunks.report(state);
}

// The floor: one cache line there and back.
void BM_LineRoundTrip(benchmark::State& state) {
  CacheAligned<std::atomic<uint64_t>> turn;
  std::thread echo([&] {
    pin(0);
    Spin spin;
    for (uint64_t next = 1;; next += 2) {
      uint64_t seen;
      while ((seen = turn->load(std::memory_order_acquire)) != next) {
        if (seen == kStop) return;
        spin.once();
      }
      turn->store(next + 1, std::memory_order_release);
    }
  });
  Chunks chunks(kTrips);
  {
    PinnedHere pinned;
    Spin spin;
    uint64_t now = 0;
    for (auto _ : state) {
      chunks.start();
      for (size_t trip = 0; trip < kTrips; ++trip) {
        turn->store(now + 1, std::memory_order_release);
        now += 2;
        while (turn->load(std::memory_order_acquire) != now) spin.once();
      }
      chunks.stop();
    }
  }
  turn->store(kStop);
  echo.join();
  chunks.report(state);
}

template <typename Queue>
void BM_PushPopOneThread(benchmark::State& state) {
  Queue queue;
  uint64_t value = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(queue.push(value));
    benchmark::DoNotOptimize(queue.pop(value));
  }
}

BENCHMARK(BM_LineRoundTrip)->UseRealTime();
BENCHMARK_TEMPLATE(BM_RoundTrip, Wirebook)->UseRealTime();
BENCHMARK_TEMPLATE(BM_RoundTrip, WirebookTickets)->UseRealTime();
BENCHMARK_TEMPLATE(BM_RoundTrip, Vyukov)->UseRealTime();
BENCHMARK_TEMPLATE(BM_RoundTrip, Boost)->UseRealTime();
BENCHMARK_TEMPLATE(BM_RoundTrip, Tbb)->UseRealTime();
BENCHMARK_TEMPLATE(BM_RoundTrip, Moodycamel)->UseRealTime();
BENCHMARK_TEMPLATE(BM_RoundTrip, MoodycamelTokens)->UseRealTime();

BENCHMARK_TEMPLATE(BM_Throughput, Wirebook, 1)->UseRealTime();
BENCHMARK_TEMPLATE(BM_Throughput, WirebookTickets, 1)->UseRealTime();
BENCHMARK_TEMPLATE(BM_Throughput, WirebookObjects, 1)->UseRealTime();
BENCHMARK_TEMPLATE(BM_Throughput, WirebookBlocking, 1)->UseRealTime();
BENCHMARK_TEMPLATE(BM_Throughput, Vyukov, 1)->UseRealTime();
BENCHMARK_TEMPLATE(BM_Throughput, Boost, 1)->UseRealTime();
BENCHMARK_TEMPLATE(BM_Throughput, Tbb, 1)->UseRealTime();
BENCHMARK_TEMPLATE(BM_Throughput, Moodycamel, 1)->UseRealTime();
BENCHMARK_TEMPLATE(BM_Throughput, MoodycamelTokens, 1)->UseRealTime();
BENCHMARK(BM_Batches)->UseRealTime();

BENCHMARK_TEMPLATE(BM_Throughput, Wirebook, 2)->UseRealTime();
BENCHMARK_TEMPLATE(BM_Throughput, WirebookTickets, 2)->UseRealTime();
BENCHMARK_TEMPLATE(BM_Throughput, WirebookObjects, 2)->UseRealTime();
BENCHMARK_TEMPLATE(BM_Throughput, Vyukov, 2)->UseRealTime();
BENCHMARK_TEMPLATE(BM_Throughput, Boost, 2)->UseRealTime();
BENCHMARK_TEMPLATE(BM_Throughput, Tbb, 2)->UseRealTime();
BENCHMARK_TEMPLATE(BM_Throughput, Moodycamel, 2)->UseRealTime();

BENCHMARK_TEMPLATE(BM_PushPopOneThread, Wirebook);
BENCHMARK_TEMPLATE(BM_PushPopOneThread, WirebookTickets);
BENCHMARK_TEMPLATE(BM_PushPopOneThread, WirebookObjects);
BENCHMARK_TEMPLATE(BM_PushPopOneThread, Vyukov);
BENCHMARK_TEMPLATE(BM_PushPopOneThread, Boost);
BENCHMARK_TEMPLATE(BM_PushPopOneThread, Tbb);
BENCHMARK_TEMPLATE(BM_PushPopOneThread, Moodycamel);

}  // namespace
}  // namespace wirebook

BENCHMARK_MAIN();
