// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// SpscRing and SlotSpscRing beside boost::lockfree::spsc_queue: 8-byte
// messages, capacity 1024, two threads pinned to two CPUs. Compare within one
// run only: how far apart the CPUs are differs from run to run, and
// BM_LineRoundTrip says how far.
//
// The counters median_ns and p10_ns are per message (round trip), over chunks
// of it: a chunk in which either thread lost its CPU is one outlier among many,
// while it spoils the mean that the Time column gives.
//
//   bazel run --config=native //concurrency:spsc_ring_benchmark --
//     --benchmark_repetitions=9 --benchmark_report_aggregates_only=true
//     --benchmark_enable_random_interleaving=true

#include <atomic>
#include <boost/lockfree/spsc_queue.hpp>
#include <cstddef>
#include <cstdint>
#include <span>
#include <thread>
#include <vector>

#include "benchmark/benchmark.h"
#include "concurrency/latency_histogram.h"
#include "concurrency/slot_spsc_ring.h"
#include "concurrency/spsc_ring.h"
#include "concurrency/thread.h"
#include "concurrency/tsc_clock.h"
#include "memory/cache_line.h"

namespace wirebook {
namespace {

constexpr size_t kCapacity = 1024;
constexpr size_t kChunk = 1 << 14;  // messages per iteration
constexpr size_t kTrips = 64;       // round trips per iteration
constexpr uint64_t kStop = ~uint64_t{0};

class WirebookQueue {
 public:
  bool push(uint64_t value) { return ring_.try_push(value); }
  bool pop(uint64_t& value) { return ring_.try_pop(value); }
  size_t push_batch(uint64_t first, size_t n) {
    std::span<uint64_t> slots = ring_.claim(n);
    for (uint64_t& slot : slots) slot = first++;
    ring_.publish(slots.size());
    return slots.size();
  }
  size_t pop_batch(uint64_t& last, size_t n) {
    std::span<uint64_t> ready = ring_.peek(n);
    for (uint64_t value : ready) last = value;
    ring_.consume(ready.size());
    return ready.size();
  }

 private:
  SpscRing<uint64_t> ring_{kCapacity};
};

class SlotQueue {
 public:
  bool push(uint64_t value) { return ring_.try_push(value); }
  bool pop(uint64_t& value) { return ring_.try_pop(value); }

 private:
  SlotSpscRing<uint64_t> ring_{kCapacity};
};

class BoostQueue {
 public:
  bool push(uint64_t value) { return queue_.push(value); }
  bool pop(uint64_t& value) { return queue_.pop(value); }
  size_t push_batch(uint64_t first, size_t n) {
    uint64_t values[64];
    for (size_t i = 0; i < n; ++i) values[i] = first++;
    return queue_.push(values, n);
  }
  size_t pop_batch(uint64_t& last, size_t n) {
    uint64_t values[64];
    const size_t count = queue_.pop(values, n);
    for (size_t i = 0; i < count; ++i) last = values[i];
    return count;
  }

 private:
  boost::lockfree::spsc_queue<uint64_t, boost::lockfree::capacity<kCapacity>>
      queue_;
};

// Spins; on a machine with one CPU free, lets the other side run.
class Spin {
 public:
  void once() {
    if (++spins_ % (1 << 16) == 0) std::this_thread::yield();
  }

 private:
  uint32_t spins_ = 0;
};

void pin(size_t which) {
  const auto cpus = allowed_cpus();
  if (cpus.ok() && cpus->size() >= 2) {
    (void)pin_thread_to_cpu((*cpus)[which]);
  }
}

// The benchmark's thread, on the second CPU for the benchmark's time.
class PinnedHere {
 public:
  PinnedHere() {
    CPU_ZERO(&before_);
    sched_getaffinity(0, sizeof(before_), &before_);
    pin(1);
  }
  ~PinnedHere() { sched_setaffinity(0, sizeof(before_), &before_); }

 private:
  cpu_set_t before_;
};

// Times each chunk of `n` messages.
class Chunks {
 public:
  explicit Chunks(size_t n) : n_(static_cast<double>(n)) {
    static LatencyHistogram histogram;
    histogram_ = &histogram;
    histogram.clear();
  }
  void start() { start_ = TscClock::ticks(); }
  void stop() { histogram_->record(TscClock::ticks() - start_); }
  void report(benchmark::State& state) const {
    static const TscClock clock;
    const auto per_message = [this](double p) {
      return static_cast<double>(histogram_->percentile(p)) *
             clock.ns_per_tick() / n_;
    };
    state.counters["median_ns"] = per_message(50);
    state.counters["p10_ns"] = per_message(10);
  }

 private:
  const double n_;
  LatencyHistogram* histogram_;
  uint64_t start_ = 0;
};

// ---- Throughput: the other thread pushes, this one pops ---------------------

template <typename Queue>
void BM_Single(benchmark::State& state) {
  Queue queue;
  std::atomic<bool> stop{false};
  std::thread producer([&] {
    pin(0);
    Spin spin;
    for (uint64_t i = 0; !stop.load(std::memory_order_relaxed);) {
      if (queue.push(i)) {
        ++i;
      } else {
        spin.once();
      }
    }
  });
  Chunks chunks(kChunk);
  {
    PinnedHere pinned;
    Spin spin;
    uint64_t expected = 0;
    for (auto _ : state) {
      chunks.start();
      for (size_t i = 0; i < kChunk; ++i) {
        uint64_t value = 0;
        while (!queue.pop(value)) spin.once();
        if (value != expected++) state.SkipWithError("out of order");
      }
      chunks.stop();
    }
  }
  stop.store(true);
  producer.join();
  chunks.report(state);
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(kChunk));
}

template <typename Queue, size_t Batch>
void BM_Batch(benchmark::State& state) {
  Queue queue;
  std::atomic<bool> stop{false};
  std::thread producer([&] {
    pin(0);
    Spin spin;
    for (uint64_t i = 0; !stop.load(std::memory_order_relaxed);) {
      const size_t pushed = queue.push_batch(i, Batch);
      i += pushed;
      if (pushed == 0) spin.once();
    }
  });
  int64_t items = 0;
  Chunks chunks(kChunk);
  {
    PinnedHere pinned;
    Spin spin;
    uint64_t expected = 0;
    for (auto _ : state) {
      chunks.start();
      for (size_t i = 0; i < kChunk;) {
        uint64_t last = 0;
        const size_t popped = queue.pop_batch(last, Batch);
        if (popped == 0) {
          spin.once();
          continue;
        }
        i += popped;
        expected += popped;
        items += static_cast<int64_t>(popped);
        if (last != expected - 1) state.SkipWithError("out of order");
      }
      chunks.stop();
    }
  }
  stop.store(true);
  producer.join();
  chunks.report(state);
  state.SetItemsProcessed(items);
}

// ---- Round trip: there by one queue, back by another ------------------------

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
    uint64_t i = 0;
    for (auto _ : state) {
      chunks.start();
      for (size_t trip = 0; trip < kTrips; ++trip) {
        uint64_t value = 0;
        while (!there.push(i)) spin.once();
        while (!back.pop(value)) spin.once();
        if (value != i++) state.SkipWithError("out of order");
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
  struct alignas(kFalseSharingBytes) {
    std::atomic<uint64_t> turn{0};
  } line;
  std::thread echo([&] {
    pin(0);
    Spin spin;
    for (uint64_t next = 1;; next += 2) {
      uint64_t seen;
      while ((seen = line.turn.load(std::memory_order_acquire)) != next) {
        if (seen == kStop) return;
        spin.once();
      }
      line.turn.store(next + 1, std::memory_order_release);
    }
  });
  Chunks chunks(kTrips);
  {
    PinnedHere pinned;
    Spin spin;
    uint64_t turn = 0;
    for (auto _ : state) {
      chunks.start();
      for (size_t trip = 0; trip < kTrips; ++trip) {
        line.turn.store(turn + 1, std::memory_order_release);
        turn += 2;
        while (line.turn.load(std::memory_order_acquire) != turn) spin.once();
      }
      chunks.stop();
    }
  }
  line.turn.store(kStop);
  echo.join();
  chunks.report(state);
}

// The floor of a ring whose index and slots lie apart: two lines a direction,
// the second one asked for when the first has come.
void BM_IndexAndSlotRoundTrip(benchmark::State& state) {
  struct Side {
    alignas(kFalseSharingBytes) std::atomic<uint64_t> index{0};
    alignas(kFalseSharingBytes) std::atomic<uint64_t> slots[kCapacity]{};

    void send(uint64_t n, uint64_t value) {
      slots[n % kCapacity].store(value, std::memory_order_relaxed);
      index.store(n, std::memory_order_release);
    }
  };
  Side there;
  Side back;
  std::thread echo([&] {
    pin(0);
    Spin spin;
    for (uint64_t n = 1;; ++n) {
      uint64_t seen;
      while ((seen = there.index.load(std::memory_order_acquire)) != n) {
        if (seen == kStop) return;
        spin.once();
      }
      back.send(n, there.slots[n % kCapacity].load(std::memory_order_relaxed));
    }
  });
  Chunks chunks(kTrips);
  {
    PinnedHere pinned;
    Spin spin;
    uint64_t n = 0;
    for (auto _ : state) {
      chunks.start();
      for (size_t trip = 0; trip < kTrips; ++trip) {
        ++n;
        there.send(n, n);
        while (back.index.load(std::memory_order_acquire) != n) spin.once();
        if (back.slots[n % kCapacity].load(std::memory_order_relaxed) != n) {
          state.SkipWithError("out of order");
        }
      }
      chunks.stop();
    }
  }
  there.index.store(kStop);
  echo.join();
  chunks.report(state);
}

// ---- One thread: the instructions alone -------------------------------------

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
BENCHMARK(BM_IndexAndSlotRoundTrip)->UseRealTime();
BENCHMARK_TEMPLATE(BM_RoundTrip, WirebookQueue)->UseRealTime();
BENCHMARK_TEMPLATE(BM_RoundTrip, SlotQueue)->UseRealTime();
BENCHMARK_TEMPLATE(BM_RoundTrip, BoostQueue)->UseRealTime();
BENCHMARK_TEMPLATE(BM_Single, WirebookQueue)->UseRealTime();
BENCHMARK_TEMPLATE(BM_Single, SlotQueue)->UseRealTime();
BENCHMARK_TEMPLATE(BM_Single, BoostQueue)->UseRealTime();
BENCHMARK_TEMPLATE(BM_Batch, WirebookQueue, 16)->UseRealTime();
BENCHMARK_TEMPLATE(BM_Batch, BoostQueue, 16)->UseRealTime();
BENCHMARK_TEMPLATE(BM_PushPopOneThread, WirebookQueue);
BENCHMARK_TEMPLATE(BM_PushPopOneThread, SlotQueue);
BENCHMARK_TEMPLATE(BM_PushPopOneThread, BoostQueue);

}  // namespace
}  // namespace wirebook

BENCHMARK_MAIN();
