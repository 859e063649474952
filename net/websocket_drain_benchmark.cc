// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// What receiving a message costs. Drain: messages of 100 to 200 bytes wait in
// the socket when the clock starts; the time is CPU of the receiving thread,
// so `Time` per item is ns of CPU a message. Latency: 20,000 messages a second,
// from the sender's clock_gettime to the receiver's; the time of an iteration
// means nothing, the percentiles are counters, in ns.
//
// Floor: a recv() of 256 KiB and a parser that judges nothing. Peers: Beast
// (synchronous) and libwebsockets. Every client checks UTF-8 but the floor's.

#include <arpa/inet.h>
#include <benchmark/benchmark.h>
#include <libwebsockets.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket.hpp>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "concurrency/latency_histogram.h"
#include "net/raw_message_pool.h"
#include "net/testing/scripted_server.h"
#include "net/uring_loop.h"
#include "net/websocket_reader.h"

namespace wirebook {
namespace {

using testing::close_frame;
using testing::Peer;
using testing::ScriptedServer;
using testing::server_frame;

constexpr uint64_t kDrained = 20'000;  // 3 MB: it fits in the socket's buffers
constexpr uint64_t kPaced = 20'000;    // a second
constexpr int kSocketBytes = 4 << 20;
constexpr size_t kDigitsAt = 5, kDigits = 19;

uint64_t clock_ns(clockid_t clock) {
  timespec now;
  clock_gettime(clock, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 +
         static_cast<uint64_t>(now.tv_nsec);
}

std::string text_of(uint64_t i, uint64_t ns) {
  std::string digits = std::to_string(ns);
  digits.insert(0, kDigits - digits.size(), '0');
  return "{\"t\":" + digits + ",\"x\":\"" +
         std::string(70 + i * 7919 % 100, 'x') + "\"}";
}

// Sends what a drain waits for, and says when all is in the socket.
class DrainServer {
 public:
  DrainServer()
      : server_([this](Peer& peer) {
          peer.set_send_buffer(kSocketBytes);
          peer.upgrade();
          asked_.wait(false);
          asked_.store(false);
          static const std::string messages = [] {
            std::string all;
            for (uint64_t i = 0; i < kDrained; ++i) {
              all += server_frame(0x1, text_of(i, i));
            }
            return all;
          }();
          peer.send(messages);
          sent_.store(true);
          sent_.notify_one();
          peer.read_to_end();
        }) {}

  uint16_t port() const { return server_.port(); }
  // To be called when the handshake is done: nothing comes before.
  void wait_until_sent() {
    asked_.store(true);
    asked_.notify_one();
    sent_.wait(false);
    sent_.store(false);
  }

 private:
  std::atomic<bool> asked_{false};
  std::atomic<bool> sent_{false};
  ScriptedServer server_;
};

// A message every 50 us, busy in between.
ScriptedServer::Script paced_script() {
  return [](Peer& peer) {
    peer.set_no_delay();
    peer.upgrade();
    uint64_t next = clock_ns(CLOCK_MONOTONIC);
    for (uint64_t i = 0; i < kPaced; ++i) {
      next += 50'000;
      while (clock_ns(CLOCK_MONOTONIC) < next) {
      }
      if (!peer.send(
              server_frame(0x1, text_of(i, clock_ns(CLOCK_MONOTONIC))))) {
        return;
      }
    }
    peer.read_to_end();
  };
}

void note_latency(std::string_view payload, LatencyHistogram* latency) {
  uint64_t sent = 0;
  std::from_chars(payload.data() + kDigitsAt,
                  payload.data() + kDigitsAt + kDigits, sent);
  latency->record(clock_ns(CLOCK_MONOTONIC) - sent);
}

void report_latency(benchmark::State& state, const LatencyHistogram& latency) {
  state.counters["p50"] = static_cast<double>(latency.percentile(50));
  state.counters["p90"] = static_cast<double>(latency.percentile(90));
  state.counters["p99"] = static_cast<double>(latency.percentile(99));
}

// ---- The floor

int connect_plainly(uint16_t port) {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &kSocketBytes, sizeof(kSocketBytes));
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  const std::string request =
      "GET / HTTP/1.1\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
  char c;
  std::string head;
  if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) !=
          0 ||
      send(fd, request.data(), request.size(), 0) < 0) {
    std::perror("connect");
    std::abort();
  }
  while (!head.ends_with("\r\n\r\n") && recv(fd, &c, 1, 0) == 1) head += c;
  return fd;
}

// Calls use(payload, size) for `count` messages; returns the recv() calls.
template <class Use>
uint64_t receive_plainly(int fd, uint64_t count, int flags, Use&& use) {
  static std::vector<char> buffer(256 << 10);
  size_t have = 0;
  uint64_t seen = 0, calls = 0;
  while (seen < count) {
    const ssize_t n =
        recv(fd, buffer.data() + have, buffer.size() - have, flags);
    ++calls;
    if (n < 0) continue;
    if (n == 0) std::abort();
    have += static_cast<size_t>(n);
    size_t at = 0;
    for (;;) {
      if (have - at < 4) break;
      const auto* p = reinterpret_cast<const uint8_t*>(buffer.data() + at);
      const size_t header = p[1] == 126 ? 4 : 2;
      const size_t size = header == 4 ? size_t{p[2]} << 8 | p[3] : p[1];
      if (have - at < header + size) break;
      use(buffer.data() + at + header, size);
      ++seen;
      at += header + size;
    }
    std::memmove(buffer.data(), buffer.data() + at, have - at);
    have -= at;
  }
  return calls;
}

void report_drain(benchmark::State& state, uint64_t calls) {
  const auto messages = static_cast<double>(state.iterations() * kDrained);
  state.SetItemsProcessed(static_cast<int64_t>(messages));
  // Of CPU, ns: manual time is the thread's CPU time.
  state.counters["ns_per_msg"] =
      benchmark::Counter(messages * 1e-9, benchmark::Counter::kIsRate |
                                              benchmark::Counter::kInvert);
  if (calls != 0) {
    state.counters["calls_per_msg"] = static_cast<double>(calls) / messages;
  }
}

// Runs drain() when everything waits in the socket; it returns its calls.
void time_drain(benchmark::State& state, DrainServer& server, uint64_t* calls,
                const std::function<uint64_t()>& drain) {
  server.wait_until_sent();
  const uint64_t begin = clock_ns(CLOCK_THREAD_CPUTIME_ID);
  *calls += drain();
  const uint64_t end = clock_ns(CLOCK_THREAD_CPUTIME_ID);
  state.SetIterationTime(static_cast<double>(end - begin) * 1e-9);
}

void BM_DrainRecv(benchmark::State& state) {
  DrainServer server;
  uint64_t calls = 0;
  for (auto _ : state) {
    const int fd = connect_plainly(server.port());
    time_drain(state, server, &calls, [&] {
      uint64_t acc = 0;
      const uint64_t n =
          receive_plainly(fd, kDrained, 0, [&](const char* p, size_t size) {
            acc +=
                static_cast<uint8_t>(p[0]) + static_cast<uint8_t>(p[size - 1]);
          });
      benchmark::DoNotOptimize(acc);
      return n;
    });
    close(fd);
  }
  report_drain(state, calls);
}

void BM_LatencyRecv(benchmark::State& state, int flags) {
  LatencyHistogram latency;
  for (auto _ : state) {
    ScriptedServer server(paced_script());
    const int fd = connect_plainly(server.port());
    receive_plainly(fd, kPaced, flags, [&](const char* p, size_t size) {
      note_latency({p, size}, &latency);
    });
    close(fd);
  }
  report_latency(state, latency);
}

// ---- Ours

struct Receiver final : WebSocketHandler {
  void on_open() override { open = true; }
  void on_message(RawMessage* message) override {
    const std::string_view payload = message->view();
    if (latency != nullptr) {
      note_latency(payload, latency);
    } else {
      acc += static_cast<uint8_t>(payload.front()) +
             static_cast<uint8_t>(payload.back());
    }
    ++messages;
    pool->release(message);
  }
  void on_close(uint16_t, std::string_view, const absl::Status&) override {
    std::abort();
  }

  RawMessagePool* pool = nullptr;
  LatencyHistogram* latency = nullptr;
  bool open = false;
  uint64_t messages = 0, acc = 0;
};

std::string url(uint16_t port) {
  return "ws://127.0.0.1:" + std::to_string(port) + "/";
}

// The argument is the slab's size in slots of 64 KiB: four stay in the L2 cache
// while they are filled and parsed, 32, the default, do not.
void BM_DrainWirebook(benchmark::State& state, LoopBackendChoice backend) {
  DrainServer server;
  auto pool = *RawMessagePool::create({});
  auto loop = UringLoop::create({.wait = WaitMode::kSpin, .backend = backend},
                                pool.get());
  if (!loop.ok()) {
    state.SkipWithError(std::string(loop.status().message()).c_str());
    return;
  }
  uint64_t calls = 0;
  for (auto _ : state) {
    Receiver receiver;
    receiver.pool = pool.get();
    WebSocketReaderOptions options{.url = url(server.port())};
    options.slab_slots = static_cast<size_t>(state.range(0));
    options.connector.socket.receive_buffer_bytes = kSocketBytes;
    auto reader =
        *WebSocketReader::create(loop->get(), pool.get(), options, &receiver);
    if (!reader->connect().ok()) std::abort();
    while (!receiver.open) (*loop)->run_once();
    time_drain(state, server, &calls, [&] {
      const uint64_t before = (*loop)->system_calls();
      while (receiver.messages < kDrained) (*loop)->run_once();
      return (*loop)->system_calls() - before;
    });
    benchmark::DoNotOptimize(receiver.acc);
  }
  state.SetLabel((*loop)->backend_name());
  report_drain(state, calls);
}

void BM_LatencyWirebook(benchmark::State& state, WaitMode wait) {
  LatencyHistogram latency;
  auto pool = *RawMessagePool::create({});
  auto loop = *UringLoop::create({.wait = wait}, pool.get());
  for (auto _ : state) {
    ScriptedServer server(paced_script());
    Receiver receiver;
    receiver.pool = pool.get();
    receiver.latency = &latency;
    auto reader = *WebSocketReader::create(
        loop.get(), pool.get(), {.url = url(server.port())}, &receiver);
    if (!reader->connect().ok()) std::abort();
    while (receiver.messages < kPaced) loop->run_once();
  }
  state.SetLabel(loop->backend_name());
  report_latency(state, latency);
}

// ---- Peers

void BM_DrainBeast(benchmark::State& state) {
  namespace asio = boost::asio;
  namespace beast = boost::beast;
  DrainServer server;
  uint64_t calls = 0;
  for (auto _ : state) {
    asio::io_context context;
    beast::websocket::stream<asio::ip::tcp::socket> socket(context);
    socket.next_layer().open(asio::ip::tcp::v4());
    socket.next_layer().set_option(
        asio::socket_base::receive_buffer_size(kSocketBytes));
    socket.next_layer().connect(
        {asio::ip::make_address("127.0.0.1"), server.port()});
    socket.handshake("127.0.0.1", "/");
    beast::flat_buffer buffer(1 << 20);
    uint64_t acc = 0;
    time_drain(state, server, &calls, [&] {
      for (uint64_t i = 0; i < kDrained; ++i) {
        const size_t size = socket.read(buffer);
        const auto* p = static_cast<const uint8_t*>(buffer.data().data());
        acc += uint64_t{p[0]} + p[size - 1];
        buffer.consume(size);
      }
      return 0;
    });
    benchmark::DoNotOptimize(acc);
    beast::error_code ignored;
    socket.next_layer().close(ignored);
  }
  report_drain(state, 0);
}

struct LwsCount {
  bool open = false;
  uint64_t messages = 0, acc = 0;
};

int lws_callback(lws* wsi, lws_callback_reasons reason, void*, void* in,
                 size_t size) {
  auto* const count =
      static_cast<LwsCount*>(lws_context_user(lws_get_context(wsi)));
  if (reason == LWS_CALLBACK_CLIENT_ESTABLISHED) count->open = true;
  if (reason == LWS_CALLBACK_CLIENT_CONNECTION_ERROR) std::abort();
  if (reason == LWS_CALLBACK_CLIENT_RECEIVE) {
    const auto* p = static_cast<const uint8_t*>(in);
    if (lws_is_first_fragment(wsi)) count->acc += p[0];
    if (lws_is_final_fragment(wsi)) {
      count->acc += p[size - 1];
      ++count->messages;
    }
  }
  return 0;
}

void BM_DrainLibwebsockets(benchmark::State& state) {
  DrainServer server;
  uint64_t calls = 0;
  lws_set_log_level(0, nullptr);
  const lws_protocols protocols[] = {
      {"", lws_callback, 0, 256 << 10, 0, nullptr, 0},
      {nullptr, nullptr, 0, 0, 0, nullptr, 0}};
  for (auto _ : state) {
    LwsCount count;
    lws_context_creation_info info = {};
    info.port = CONTEXT_PORT_NO_LISTEN;
    info.protocols = protocols;
    info.user = &count;
    info.pt_serv_buf_size = 256 << 10;
    info.options = LWS_SERVER_OPTION_VALIDATE_UTF8;
    lws_context* const context = lws_create_context(&info);
    lws_client_connect_info to = {};
    to.context = context;
    to.address = to.host = to.origin = "127.0.0.1";
    to.port = server.port();
    to.path = "/";
    if (lws_client_connect_via_info(&to) == nullptr) std::abort();
    while (!count.open) lws_service(context, 0);
    time_drain(state, server, &calls, [&] {
      while (count.messages < kDrained) lws_service(context, 0);
      return 0;
    });
    benchmark::DoNotOptimize(count.acc);
    lws_context_destroy(context);
  }
  report_drain(state, 0);
}

BENCHMARK(BM_DrainRecv)->UseManualTime();
BENCHMARK_CAPTURE(BM_DrainWirebook, best, LoopBackendChoice::kAuto)
    ->Arg(4)
    ->Arg(32)
    ->UseManualTime();
BENCHMARK_CAPTURE(BM_DrainWirebook, epoll, LoopBackendChoice::kEpoll)
    ->Arg(4)
    ->Arg(32)
    ->UseManualTime();
BENCHMARK(BM_DrainBeast)->UseManualTime();
BENCHMARK(BM_DrainLibwebsockets)->UseManualTime();

BENCHMARK_CAPTURE(BM_LatencyRecv, spin, MSG_DONTWAIT)->Iterations(1);
BENCHMARK_CAPTURE(BM_LatencyWirebook, spin, WaitMode::kSpin)->Iterations(1);
BENCHMARK_CAPTURE(BM_LatencyRecv, sleep, 0)->Iterations(1);
BENCHMARK_CAPTURE(BM_LatencyWirebook, sleep, WaitMode::kSleep)->Iterations(1);

}  // namespace
}  // namespace wirebook

BENCHMARK_MAIN();
