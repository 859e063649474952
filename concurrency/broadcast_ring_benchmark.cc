// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// A broadcast ring between processes, beside a pipe, a UNIX socket and
// Boost.Interprocess's message_queue: 8-byte messages, 1024 slots, this process
// pinned to one CPU and the other ones to a second. Compare within one run
// only: how far apart the CPUs are differs from run to run, and
// BM_RoundTrip<Line> says how far.
//
// The counters median_ns and p10_ns are per message (round trip), over chunks
// of it: a chunk in which a process lost its CPU is one outlier among many,
// while it spoils the mean that the Time column gives. BM_Poll's Time is that
// of publish and poll together.
//
//   bazel run --config=native //concurrency:broadcast_ring_benchmark --
//     --benchmark_repetitions=5 --benchmark_report_aggregates_only=true
//     --benchmark_enable_random_interleaving=true

#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <boost/interprocess/ipc/message_queue.hpp>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "benchmark/benchmark.h"
#include "concurrency/broadcast_ring.h"
#include "concurrency/latency_histogram.h"
#include "concurrency/thread.h"
#include "concurrency/tsc_clock.h"
#include "memory/cache_line.h"
#include "memory/page_mapping.h"

namespace wirebook {
namespace {

constexpr std::size_t kCapacity = 1024;
constexpr std::size_t kChunk = 1 << 12;  // Messages per iteration.
constexpr std::size_t kTrips = 64;       // Round trips per iteration.

template <typename T>
T must(absl::StatusOr<T> value) {
  if (!value.ok()) {
    std::fprintf(stderr, "%s\n", value.status().ToString().c_str());
    std::abort();
  }
  return *std::move(value);
}

void must(bool done) {
  if (!done) std::abort();
}

// Spins; on a machine with one CPU free, lets the other side run.
class Spin {
 public:
  void once() {
    __builtin_ia32_pause();
    if (++spins_ % (1 << 16) == 0) sched_yield();
  }

 private:
  std::uint32_t spins_ = 0;
};

void pin(std::size_t which) {
  const auto cpus = allowed_cpus();
  if (cpus.ok() && cpus->size() >= 2) {
    (void)pin_thread_to_cpu((*cpus)[which]);
  }
}

// This process, on the second CPU for the benchmark's time.
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

// Another process, on the first CPU, until this object's end.
class Child {
 public:
  template <typename Body>
  explicit Child(Body body) : pid_(fork()) {
    must(pid_ >= 0);
    if (pid_ != 0) return;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    pin(0);
    body();
    _exit(0);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }

 private:
  pid_t pid_;
};

// Times each chunk of `n` messages.
class Chunks {
 public:
  explicit Chunks(std::size_t n) : n_(static_cast<double>(n)) {}
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
  std::unique_ptr<LatencyHistogram> histogram_ =
      std::make_unique<LatencyHistogram>();
  std::uint64_t start_ = 0;
};

BroadcastWriter make_ring(std::size_t bytes) {
  return must(BroadcastWriter::create_anonymous(
      {.slots = kCapacity, .max_message_bytes = bytes}));
}

// ---- Both ways between this process (kHere) and a child of it ---------------
// Each has join(side), which a side calls first, send and receive.

enum Side { kHere, kThere };

class Ring {
 public:
  Ring() {
    for (int& fd : fds_) {
      const BroadcastWriter made = make_ring(8);
      fd = dup(made.fd());
    }
  }
  ~Ring() {
    for (const int fd : fds_) close(fd);
  }
  void join(Side side) {
    writer_ = must(BroadcastWriter::take_over(fds_[side]));
    reader_ = must(
        BroadcastReader::attach(fds_[1 - side], 0, BroadcastFrom::kOldest));
  }
  void send(std::uint64_t value) { writer_->publish_value(value); }
  std::uint64_t receive() {
    Spin spin;
    std::uint64_t value;
    while (reader_->poll_value(value, 0).event != BroadcastEvent::kMessage) {
      spin.once();
    }
    return value;
  }

 private:
  std::array<int, 2> fds_;
  std::optional<BroadcastWriter> writer_;
  std::optional<BroadcastReader> reader_;
};

// The floor: one cache line there and back. Holds one value each way.
class Line {
 public:
  void join(Side side) { side_ = side; }
  void send(std::uint64_t value) {
    lines()[side_]->store(value + 1, std::memory_order_release);
  }
  std::uint64_t receive() {
    Spin spin;
    std::uint64_t value;
    while ((value = lines()[1 - side_]->load(std::memory_order_acquire)) ==
           last_) {
      spin.once();
    }
    last_ = value;
    return value - 1;
  }

 private:
  using Word = CacheAligned<std::atomic<std::uint64_t>>;
  Word* lines() { return reinterpret_cast<Word*>(memory_.data()); }

  PageMapping memory_ = must(PageMapping::anonymous(
      2 * sizeof(Word), {.prefault = true, .shared = true}));
  Side side_ = kHere;
  std::uint64_t last_ = 0;
};

// What the kernel copies: each side has one descriptor to send by and one to
// receive by.
class Descriptors {
 public:
  ~Descriptors() {
    for (const Ends& ends : ends_) {
      close(ends.send);
      if (ends.receive != ends.send) close(ends.receive);
    }
  }
  void join(Side side) { mine_ = ends_[side]; }
  void send(std::uint64_t value) {
    must(write(mine_.send, &value, sizeof(value)) == sizeof(value));
  }
  std::uint64_t receive() {
    std::uint64_t value;
    must(read(mine_.receive, &value, sizeof(value)) == sizeof(value));
    return value;
  }

 protected:
  struct Ends {
    int send = -1;
    int receive = -1;
  };
  std::array<Ends, 2> ends_;

 private:
  Ends mine_;
};

class Pipe : public Descriptors {
 public:
  Pipe() {
    int there[2], back[2];
    must(pipe(there) == 0 && pipe(back) == 0);
    ends_ = {Ends{there[1], back[0]}, Ends{back[1], there[0]}};
  }
};

class Socket : public Descriptors {
 public:
  Socket() {
    int ends[2];
    must(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends) == 0);
    ends_ = {Ends{ends[0], ends[0]}, Ends{ends[1], ends[1]}};
  }
};

class BoostQueue {
 public:
  BoostQueue() {
    for (const Side side : {kHere, kThere}) {
      boost::interprocess::message_queue::remove(name(side).c_str());
      queues_[side].emplace(boost::interprocess::create_only,
                            name(side).c_str(), kCapacity, 8);
      boost::interprocess::message_queue::remove(name(side).c_str());
    }
  }
  void join(Side side) { side_ = side; }
  void send(std::uint64_t value) {
    queues_[side_]->send(&value, sizeof(value), 0);
  }
  std::uint64_t receive() {
    std::uint64_t value;
    boost::interprocess::message_queue::size_type bytes;
    unsigned priority;
    queues_[1 - side_]->receive(&value, sizeof(value), bytes, priority);
    return value;
  }

 private:
  static std::string name(Side side) {
    return "wirebook_benchmark_" + std::to_string(getpid()) +
           (side == kHere ? "a" : "b");
  }
  std::array<std::optional<boost::interprocess::message_queue>, 2> queues_;
  Side side_ = kHere;
};

template <typename Link>
void BM_RoundTrip(benchmark::State& state) {
  Link link;
  const Child echo([&link] {
    link.join(kThere);
    for (;;) link.send(link.receive());
  });
  link.join(kHere);
  Chunks chunks(kTrips);
  const PinnedHere pinned;
  std::uint64_t i = 0;
  for (auto _ : state) {
    chunks.start();
    for (std::size_t trip = 0; trip < kTrips; ++trip) {
      link.send(i);
      if (link.receive() != i++) state.SkipWithError("out of order");
    }
    chunks.stop();
  }
  chunks.report(state);
}

// A message now and then, stamped when it is sent: ns until the other process
// holds it, of which a stamp is part.
template <typename Link>
void BM_Hop(benchmark::State& state) {
  static const TscClock clock;
  Link link;
  const Child sender([&link] {
    link.join(kThere);
    for (;;) {
      const std::uint64_t next = TscClock::ticks() + 12'000;  // About 5 us.
      while (TscClock::ticks() < next) __builtin_ia32_pause();
      link.send(TscClock::ticks());
    }
  });
  link.join(kHere);
  const auto latency = std::make_unique<LatencyHistogram>();
  const PinnedHere pinned;
  for (auto _ : state) {
    for (std::size_t i = 0; i < kTrips; ++i) {
      const std::uint64_t stamp = link.receive();
      latency->record(static_cast<std::uint64_t>(
          static_cast<double>(TscClock::ticks() - stamp) *
          clock.ns_per_tick()));
    }
  }
  state.counters["p50_ns"] = static_cast<double>(latency->percentile(50));
  state.counters["p99_ns"] = static_cast<double>(latency->percentile(99));
  state.counters["p999_ns"] = static_cast<double>(latency->percentile(99.9));
}

// What a message costs its sender while another process receives all of them.
template <typename Link>
void BM_Send(benchmark::State& state) {
  Link link;
  const Child receiver([&link] {
    link.join(kThere);
    for (;;) benchmark::DoNotOptimize(link.receive());
  });
  link.join(kHere);
  Chunks chunks(kChunk);
  const PinnedHere pinned;
  for (auto _ : state) {
    chunks.start();
    for (std::size_t i = 0; i < kChunk; ++i) link.send(i);
    chunks.stop();
  }
  chunks.report(state);
}

// ---- The ring alone

// What a message of range(1) bytes costs the writer beside range(0) readers,
// each a process that polls all the time. They share one CPU.
void BM_Publish(benchmark::State& state) {
  const auto bytes = static_cast<std::size_t>(state.range(1));
  BroadcastWriter writer = make_ring(bytes);
  std::vector<std::unique_ptr<Child>> readers;
  for (std::int64_t i = 0; i < state.range(0); ++i) {
    readers.push_back(std::make_unique<Child>([&writer, bytes] {
      BroadcastReader reader = must(BroadcastReader::attach(writer.fd()));
      std::vector<std::byte> out(bytes);
      for (;;) benchmark::DoNotOptimize(reader.poll(out, 0));
    }));
  }
  const std::vector<std::byte> message(bytes);
  Chunks chunks(kChunk);
  const PinnedHere pinned;
  for (auto _ : state) {
    chunks.start();
    for (std::size_t i = 0; i < kChunk; ++i) {
      benchmark::DoNotOptimize(writer.publish(message));
    }
    chunks.stop();
  }
  chunks.report(state);
}

// Reading what is there, in the writer's own process: the counters are of poll
// alone.
void BM_Poll(benchmark::State& state) {
  constexpr std::size_t kReady = kCapacity / 2;
  const auto bytes = static_cast<std::size_t>(state.range(0));
  const bool is_batch = state.range(1) != 0;
  BroadcastWriter writer = make_ring(bytes);
  BroadcastReader reader = must(BroadcastReader::attach(writer.fd()));
  std::vector<std::byte> out(bytes);
  Chunks chunks(kReady);
  const PinnedHere pinned;
  for (auto _ : state) {
    for (std::size_t i = 0; i < kReady; ++i) writer.publish(out);
    chunks.start();
    if (is_batch) {
      reader.poll_batch(kReady, 0, [](auto message) {
        benchmark::DoNotOptimize(message.data());
      });
    } else {
      for (std::size_t i = 0; i < kReady; ++i) {
        benchmark::DoNotOptimize(reader.poll(out, 0));
      }
    }
    chunks.stop();
  }
  if (reader.lost() != 0) state.SkipWithError("lapped");
  chunks.report(state);
}

// Nothing there: what a poll costs a process that waits.
void BM_PollEmpty(benchmark::State& state) {
  const BroadcastWriter writer = make_ring(8);
  BroadcastReader reader = must(BroadcastReader::attach(writer.fd()));
  std::uint64_t value = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(reader.poll_value(value, 0));
  }
}

BENCHMARK_TEMPLATE(BM_RoundTrip, Line)->UseRealTime();
BENCHMARK_TEMPLATE(BM_RoundTrip, Ring)->UseRealTime();
BENCHMARK_TEMPLATE(BM_RoundTrip, Pipe)->UseRealTime();
BENCHMARK_TEMPLATE(BM_RoundTrip, Socket)->UseRealTime();
BENCHMARK_TEMPLATE(BM_RoundTrip, BoostQueue)->UseRealTime();
BENCHMARK_TEMPLATE(BM_Hop, Ring)->UseRealTime();
BENCHMARK_TEMPLATE(BM_Hop, Pipe)->UseRealTime();
BENCHMARK_TEMPLATE(BM_Hop, Socket)->UseRealTime();
BENCHMARK_TEMPLATE(BM_Hop, BoostQueue)->UseRealTime();
BENCHMARK_TEMPLATE(BM_Send, Ring)->UseRealTime();
BENCHMARK_TEMPLATE(BM_Send, Pipe)->UseRealTime();
BENCHMARK_TEMPLATE(BM_Send, Socket)->UseRealTime();
BENCHMARK_TEMPLATE(BM_Send, BoostQueue)->UseRealTime();
BENCHMARK(BM_Publish)->ArgsProduct({{0, 1, 2, 4}, {8}})->UseRealTime();
BENCHMARK(BM_Publish)->ArgsProduct({{0}, {48, 256}})->UseRealTime();
BENCHMARK(BM_Poll)->ArgsProduct({{8, 48, 256}, {0, 1}})->UseRealTime();
BENCHMARK(BM_PollEmpty)->UseRealTime();

}  // namespace
}  // namespace wirebook

BENCHMARK_MAIN();
