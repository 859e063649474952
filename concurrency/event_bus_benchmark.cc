// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// EventBus beside SpscRing: 8-byte events, capacity 1024, the producer and the
// (first) consumer pinned to two CPUs. Compare within one run only: how far
// apart the CPUs are differs from run to run, and BM_LineRoundTrip says how
// far. More consumers than CPUs share the second one.
//
// The counters median_ns and p10_ns are per event (round trip), over chunks of
// it: a chunk in which a thread lost its CPU is one outlier among many, while
// it spoils the mean that the Time column gives.
//
//   bazel run --config=native //concurrency:event_bus_benchmark --
//     --benchmark_repetitions=5 --benchmark_report_aggregates_only=true
//     --benchmark_enable_random_interleaving=true

#include <sched.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <thread>
#include <vector>

#include "benchmark/benchmark.h"
#include "concurrency/event_bus.h"
#include "concurrency/latency_histogram.h"
#include "concurrency/spsc_ring.h"
#include "concurrency/thread.h"
#include "concurrency/tsc_clock.h"
#include "memory/cache_line.h"

namespace wirebook {
namespace {

constexpr size_t kCapacity = 1024;
constexpr size_t kChunk = 1 << 14;  // events per iteration
constexpr size_t kTrips = 64;       // round trips per iteration
constexpr uint64_t kStop = ~uint64_t{0};

class Ring {
 public:
  bool push(uint64_t value) { return ring_.try_push(value); }
  bool pop(uint64_t& value) { return ring_.try_pop(value); }
  size_t push_batch(uint64_t first, size_t n) {
    const std::span<uint64_t> slots = ring_.claim(n);
    for (uint64_t& slot : slots) slot = first++;
    ring_.publish(slots.size());
    return slots.size();
  }
  size_t pop_batch(uint64_t& last, size_t n) {
    const std::span<uint64_t> ready = ring_.peek(n);
    for (uint64_t value : ready) last = value;
    ring_.consume(ready.size());
    return ready.size();
  }

 private:
  SpscRing<uint64_t> ring_{kCapacity};
};

// The bus with one consumer, as a queue.
template <BusProducers kProducers, typename Wait>
class BusOf {
 public:
  bool push(uint64_t value) { return bus_.try_emplace(value); }
  bool pop(uint64_t& value) { return pop_batch(value, 1) != 0; }
  size_t push_batch(uint64_t first, size_t n) {
    const auto claim = bus_.try_claim(n);
    for (uint64_t& slot : claim) slot = first++;
    bus_.publish(claim);
    return claim.size();
  }
  size_t pop_batch(uint64_t& last, size_t n) {
    const std::span<uint64_t> events = consumer_.peek(n);
    if (events.empty()) return 0;
    for (uint64_t event : events) last = event;
    consumer_.consume(events.size());
    return events.size();
  }

 private:
  using Bus = EventBus<uint64_t, kProducers, Wait>;
  Bus bus_{{.capacity = kCapacity}};
  typename Bus::Consumer consumer_ = bus_.attach().value();
};
using SpinBus = BusOf<BusProducers::kOne, BusySpinWait>;
using FutexBus = BusOf<BusProducers::kOne, FutexWait>;
using ManyBus = BusOf<BusProducers::kMany, BusySpinWait>;

// Spins; on a machine with one CPU free, lets the other side run.
class Spin {
 public:
  void once() {
    __builtin_ia32_pause();  // as the wait strategies do
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

template <typename Queue, size_t kPush, size_t kPop>
void BM_Batch(benchmark::State& state) {
  Queue queue;
  std::atomic<bool> stop{false};
  std::thread producer([&] {
    pin(0);
    Spin spin;
    for (uint64_t i = 0; !stop.load(std::memory_order_relaxed);) {
      const size_t pushed = queue.push_batch(i, kPush);
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
        const size_t popped = queue.pop_batch(last, kPop);
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

// ---- Several consumers
// -------------------------------------------------------

// The first consumer is measured; each gates the producer.
void BM_Consumers(benchmark::State& state) {
  EventBus<uint64_t, BusProducers::kOne, SpinYieldWait> bus(
      {.capacity = kCapacity});
  auto measured = bus.attach().value();
  std::vector<std::thread> threads;
  for (int64_t i = 1; i < state.range(0); ++i) {
    threads.emplace_back([consumer = bus.attach().value()]() mutable {
      pin(1);
      while (consumer.wait() == BusWait::kReady) {
        consumer.poll([](uint64_t event) { benchmark::DoNotOptimize(event); });
      }
    });
  }
  threads.emplace_back([&bus] {
    pin(0);
    for (uint64_t i = 0;;) {
      const auto claim = bus.claim(10);
      if (claim.empty()) return;
      for (uint64_t& slot : claim) slot = i++;
      bus.publish(claim);
    }
  });
  Chunks chunks(kChunk);
  {
    PinnedHere pinned;
    uint64_t expected = 0;
    for (auto _ : state) {
      chunks.start();
      for (size_t i = 0; i < kChunk;) {
        (void)measured.wait();
        i += measured.poll([&](uint64_t event) {
          if (event != expected++) state.SkipWithError("out of order");
        });
      }
      chunks.stop();
    }
  }
  bus.stop();
  for (std::thread& thread : threads) thread.join();
  chunks.report(state);
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(kChunk));
}

// ---- Latency of a hop
// ----------------------------------------------------------

// An event now and then, stamped when it is published: ns until the consumer
// holds it, of which a stamp is part.
template <typename Wait>
void BM_Hop(benchmark::State& state) {
  static const TscClock clock;
  EventBus<uint64_t, BusProducers::kOne, Wait> bus({.capacity = kCapacity});
  auto consumer = bus.attach().value();
  std::thread producer([&bus] {
    pin(0);
    for (;;) {
      const uint64_t next = TscClock::ticks() + 5'000;  // 2 us
      while (TscClock::ticks() < next) __builtin_ia32_pause();
      if (!bus.try_emplace(TscClock::ticks()) && bus.health().closed) return;
    }
  });
  auto latency = std::make_unique<LatencyHistogram>();
  {
    PinnedHere pinned;
    for (auto _ : state) {
      for (size_t i = 0; i < kTrips;) {
        if (consumer.wait() != BusWait::kReady) break;
        i += consumer.poll([&](uint64_t stamp) {
          const uint64_t now = TscClock::ticks();
          latency->record(static_cast<uint64_t>(
              static_cast<double>(now - stamp) * clock.ns_per_tick()));
        });
      }
    }
  }
  bus.stop();
  producer.join();
  state.counters["p50_ns"] = static_cast<double>(latency->percentile(50));
  state.counters["p90_ns"] = static_cast<double>(latency->percentile(90));
  state.counters["p99_ns"] = static_cast<double>(latency->percentile(99));
  state.counters["p999_ns"] = static_cast<double>(latency->percentile(99.9));
}

BENCHMARK(BM_LineRoundTrip)->UseRealTime();
BENCHMARK_TEMPLATE(BM_RoundTrip, Ring)->UseRealTime();
BENCHMARK_TEMPLATE(BM_RoundTrip, SpinBus)->UseRealTime();
BENCHMARK_TEMPLATE(BM_Single, Ring)->UseRealTime();
BENCHMARK_TEMPLATE(BM_Single, SpinBus)->UseRealTime();
BENCHMARK_TEMPLATE(BM_Single, FutexBus)->UseRealTime();
BENCHMARK_TEMPLATE(BM_Single, ManyBus)->UseRealTime();
BENCHMARK_TEMPLATE(BM_Batch, Ring, 1, kCapacity)->UseRealTime();
BENCHMARK_TEMPLATE(BM_Batch, SpinBus, 1, kCapacity)->UseRealTime();
BENCHMARK_TEMPLATE(BM_Batch, FutexBus, 1, kCapacity)->UseRealTime();
BENCHMARK_TEMPLATE(BM_Batch, ManyBus, 1, kCapacity)->UseRealTime();
BENCHMARK_TEMPLATE(BM_Batch, Ring, 10, kCapacity)->UseRealTime();
BENCHMARK_TEMPLATE(BM_Batch, SpinBus, 10, kCapacity)->UseRealTime();
BENCHMARK_TEMPLATE(BM_Batch, FutexBus, 10, kCapacity)->UseRealTime();
BENCHMARK_TEMPLATE(BM_Batch, ManyBus, 10, kCapacity)->UseRealTime();
BENCHMARK(BM_Consumers)->Arg(1)->Arg(2)->Arg(4)->UseRealTime();
BENCHMARK_TEMPLATE(BM_Hop, BusySpinWait)->UseRealTime();
BENCHMARK_TEMPLATE(BM_Hop, FutexWait)->UseRealTime();

}  // namespace
}  // namespace wirebook

BENCHMARK_MAIN();
