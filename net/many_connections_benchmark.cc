// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// Many connections on one thread: CPU of the receiving thread a message, and
// memory a connection. In each round every connection has the same number of
// messages of 150 bytes waiting in its socket when the clock starts.
//
// Floor: a recv() on each socket in turn, which nothing had to find, and a
// parser that judges nothing.
//
// And what the three ways to treat a consumer that is too slow cost: the
// consumer takes 50 messages in each turn of the loop.

#include <arpa/inet.h>
#include <benchmark/benchmark.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "net/raw_message_pool.h"
#include "net/testing/scripted_server.h"
#include "net/uring_loop.h"
#include "net/websocket_reader.h"

namespace wirebook {
namespace {

using testing::Peer;
using testing::server_frame;

uint64_t thread_cpu_ns() {
  timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 +
         static_cast<uint64_t>(now.tv_nsec);
}

// Of this process, each page once however often it is mapped.
double memory_kib() {
  std::ifstream in("/proc/self/smaps_rollup");
  for (std::string word; in >> word;) {
    if (word == "Pss:" && in >> word) return std::stod(word);
  }
  return 0;
}

void check(bool good, const char* what) {
  if (good) return;
  std::perror(what);
  std::abort();
}

// Takes so many WebSocket clients in; then sends whatever the benchmark says.
class Crowd {
 public:
  explicit Crowd(size_t clients) {
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    auto* const any = reinterpret_cast<sockaddr*>(&address);
    check(bind(listener_, any, size) == 0 && listen(listener_, 4096) == 0 &&
              getsockname(listener_, any, &size) == 0,
          "listen");
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this, clients] {
      while (peers_.size() < clients) {
        peers_.emplace_back(accept(listener_, nullptr, nullptr));
        peers_.back().set_send_buffer(4 << 20);
        peers_.back().upgrade();
      }
    });
  }
  ~Crowd() {
    for (const Peer& peer : peers_) close(peer.fd());
    close(listener_);
  }

  uint16_t port() const { return port_; }
  void join() { thread_.join(); }
  void send(const std::string& bytes) {
    for (Peer& peer : peers_) check(peer.send(bytes), "send");
  }

 private:
  int listener_;
  uint16_t port_ = 0;
  std::vector<Peer> peers_;
  std::thread thread_;
};

std::string burst_of(size_t messages) {
  std::string burst;
  for (size_t i = 0; i < messages; ++i) {
    burst += server_frame(0x1, std::string(150, 'x'));
  }
  return burst;
}

struct Receiver final : WebSocketHandler {
  void on_open() override { ++opens; }
  void on_message(RawMessage* message) override {
    acc += static_cast<uint8_t>(message->data[0]);
    ++messages;
    pool->release(message);
  }
  void on_close(uint16_t, std::string_view, const absl::Status&) override {
    std::abort();
  }

  RawMessagePool* pool = nullptr;
  size_t opens = 0;
  uint64_t messages = 0, acc = 0;
};

std::unique_ptr<WebSocketReader> connect_to(
    uint16_t port, UringLoop* loop, size_t slab_slots,
    WebSocketHandler* handler,
    BackPressure back_pressure = BackPressure::kStopReading) {
  WebSocketReaderOptions options;
  options.url = "ws://127.0.0.1:" + std::to_string(port) + "/";
  options.slab_slots = slab_slots;
  options.back_pressure = back_pressure;
  options.most_held = 256;
  auto reader = *WebSocketReader::create(loop, loop->pool(), options, handler);
  check(reader->connect().ok(), "connect");
  return reader;
}

void report(benchmark::State& state, uint64_t messages) {
  state.counters["ns_per_msg"] =
      benchmark::Counter(static_cast<double>(messages) * 1e-9,
                         benchmark::Counter::kIsIterationInvariantRate |
                             benchmark::Counter::kInvert);
}

// The arguments: connections, messages that wait in each.
void BM_ManyWirebook(benchmark::State& state) {
  const auto clients = static_cast<size_t>(state.range(0));
  const auto waiting = static_cast<size_t>(state.range(1));
  const std::string burst = burst_of(waiting);
  Crowd crowd(clients);
  const double before_kib = memory_kib();
  auto pool = *RawMessagePool::create({.descriptors = 4096});
  auto loop = *UringLoop::create(
      {.wait = WaitMode::kSpin, .max_streams = clients}, pool.get());
  Receiver receiver;
  receiver.pool = pool.get();
  std::vector<std::unique_ptr<WebSocketReader>> readers;
  for (size_t i = 0; i < clients; ++i) {
    readers.push_back(connect_to(crowd.port(), loop.get(), 2, &receiver));
  }
  while (receiver.opens < clients) loop->run_once();
  crowd.join();
  const double open_kib = memory_kib();
  uint64_t calls = 0;
  for (auto _ : state) {
    crowd.send(burst);
    const uint64_t wanted = receiver.messages + clients * waiting;
    const uint64_t calls_before = loop->system_calls();
    const uint64_t begin = thread_cpu_ns();
    while (receiver.messages < wanted) loop->run_once();
    state.SetIterationTime(static_cast<double>(thread_cpu_ns() - begin) * 1e-9);
    calls += loop->system_calls() - calls_before;
  }
  benchmark::DoNotOptimize(receiver.acc);
  const auto count = static_cast<double>(clients);
  state.SetLabel(loop->backend_name());
  report(state, clients * waiting);
  state.counters["calls_per_msg"] =
      static_cast<double>(calls) / static_cast<double>(receiver.messages);
  state.counters["open_kib"] = (open_kib - before_kib) / count;
  state.counters["used_kib"] = (memory_kib() - before_kib) / count;
}

void BM_ManyRecv(benchmark::State& state) {
  const auto clients = static_cast<size_t>(state.range(0));
  const auto waiting = static_cast<size_t>(state.range(1));
  const std::string burst = burst_of(waiting);
  Crowd crowd(clients);
  std::vector<int> sockets;
  for (size_t i = 0; i < clients; ++i) {
    sockets.push_back(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(crowd.port());
    const std::string request =
        "GET / HTTP/1.1\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    check(connect(sockets[i], reinterpret_cast<sockaddr*>(&address),
                  sizeof(address)) == 0 &&
              send(sockets[i], request.data(), request.size(), 0) > 0,
          "connect");
    std::string head;
    char c;
    while (!head.ends_with("\r\n\r\n") && recv(sockets[i], &c, 1, 0) == 1) {
      head += c;
    }
  }
  crowd.join();
  std::vector<char> buffer(64 << 10);
  uint64_t acc = 0;
  for (auto _ : state) {
    crowd.send(burst);
    const uint64_t begin = thread_cpu_ns();
    for (const int fd : sockets) {
      for (size_t left = burst.size(); left != 0;) {
        // 154 bytes a frame: this buffer ends with a whole one.
        const ssize_t n = recv(fd, buffer.data(),
                               std::min<size_t>(left, 154 * 400), MSG_WAITALL);
        check(n > 0, "recv");
        left -= static_cast<size_t>(n);
        for (ssize_t at = 0; at < n;) {
          const auto* p = reinterpret_cast<const uint8_t*>(buffer.data() + at);
          acc += p[4];
          at += 4 + (p[2] << 8 | p[3]);
        }
      }
    }
    state.SetIterationTime(static_cast<double>(thread_cpu_ns() - begin) * 1e-9);
  }
  benchmark::DoNotOptimize(acc);
  report(state, clients * waiting);
  for (const int fd : sockets) close(fd);
}

// ---- A consumer that is too slow

struct SlowConsumer final : WebSocketHandler {
  void on_open() override { open = true; }
  void on_message(RawMessage* message) override { held.push_back(message); }
  void on_close(uint16_t, std::string_view, const absl::Status&) override {
    std::abort();
  }
  // One turn's work.
  void consume() {
    for (int i = 0; i < 50 && !held.empty(); ++i) {
      pool->release(held.front());
      held.pop_front();
      ++consumed;
    }
  }

  RawMessagePool* pool = nullptr;
  bool open = false;
  std::deque<RawMessage*> held;
  uint64_t consumed = 0;
};

void BM_SlowConsumer(benchmark::State& state, BackPressure policy) {
  constexpr size_t kMessages = 10'000;
  const std::string burst = burst_of(kMessages);
  Crowd crowd(1);
  auto pool = *RawMessagePool::create({.descriptors = 16384});
  auto loop = *UringLoop::create({.wait = WaitMode::kSpin}, pool.get());
  SlowConsumer consumer;
  consumer.pool = pool.get();
  auto reader = connect_to(crowd.port(), loop.get(), 4, &consumer, policy);
  while (!consumer.open) loop->run_once();
  crowd.join();
  uint64_t most_kib = 0;
  for (auto _ : state) {
    const auto done = [&] {
      return consumer.consumed + reader->statistics().dropped;
    };
    const uint64_t wanted = done() + kMessages;
    std::thread sender([&] { crowd.send(burst); });
    const uint64_t begin = thread_cpu_ns();
    while (done() < wanted) {
      loop->run_once();
      consumer.consume();
      most_kib = std::max(most_kib, pool->statistics().detached_bytes / 1024);
    }
    state.SetIterationTime(static_cast<double>(thread_cpu_ns() - begin) * 1e-9);
    sender.join();
  }
  report(state, kMessages);
  const auto rounds = static_cast<double>(state.iterations());
  const WebSocketStatistics statistics = reader->statistics();
  state.counters["stops"] =
      static_cast<double>(statistics.stalls + statistics.slab_full) / rounds;
  state.counters["dropped"] = static_cast<double>(statistics.dropped) / rounds;
  state.counters["grown"] =
      static_cast<double>(statistics.grown_messages) / rounds;
  state.counters["most_kib"] = static_cast<double>(most_kib);
}

void sizes(benchmark::internal::Benchmark* benchmark) {
  for (const int clients : {1, 32, 256}) {
    for (const int waiting : {1, 100}) benchmark->Args({clients, waiting});
  }
  benchmark->UseManualTime();
}

BENCHMARK(BM_ManyRecv)->Apply(sizes);
BENCHMARK(BM_ManyWirebook)->Apply(sizes);
BENCHMARK_CAPTURE(BM_SlowConsumer, stop_reading, BackPressure::kStopReading)
    ->UseManualTime();
BENCHMARK_CAPTURE(BM_SlowConsumer, drop_and_count, BackPressure::kDrop)
    ->UseManualTime();
BENCHMARK_CAPTURE(BM_SlowConsumer, grow, BackPressure::kGrow)->UseManualTime();

}  // namespace
}  // namespace wirebook

BENCHMARK_MAIN();
