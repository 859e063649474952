// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// ws_drain PORT: reads what ws://127.0.0.1:PORT/ sends, to the close, and
// prints what a message cost. README.md has the environment it looks at.

#include <time.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <thread>

#include "concurrency/latency_histogram.h"
#include "net/raw_message_pool.h"
#include "net/websocket_reader.h"
#include "tools/loop_flags.h"

namespace wirebook {
namespace {

uint64_t clock_ns(clockid_t clock) {
  timespec now;
  clock_gettime(clock, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 +
         static_cast<uint64_t>(now.tv_nsec);
}

// 0 where it is not set or no number.
long environment_number(const char* name) {
  const char* const text = std::getenv(name);
  return text == nullptr ? 0 : std::strtol(text, nullptr, 10);
}

struct Drain final : WebSocketHandler {
  void on_open() override {
    opened = true;
    if (sleep_ms > 0) {
      std::this_thread::sleep_for(std::chrono::milliseconds(sleep_ms));
    }
    begin_cpu_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
    begin_ns = clock_ns(CLOCK_MONOTONIC);
  }

  void on_message(RawMessage* message) override {
    const std::string_view payload = message->view();
    ++messages;
    bytes += payload.size();
    if (!payload.empty()) {
      acc += static_cast<uint8_t>(payload.front()) +
             static_cast<uint8_t>(payload.back());
    }
    if (latency != nullptr) note_latency(payload);
    pool->release(message);
  }

  // The sender's CLOCK_MONOTONIC is the 19 digits from byte 5 on.
  void note_latency(std::string_view payload) {
    constexpr size_t kAt = 5, kDigits = 19;
    if (payload.size() < kAt + kDigits) return;
    const char* const end = payload.data() + kAt + kDigits;
    uint64_t sent = 0;
    const auto parsed = std::from_chars(payload.data() + kAt, end, sent);
    if (parsed.ec != std::errc() || parsed.ptr != end) return;
    const uint64_t now = clock_ns(CLOCK_MONOTONIC);
    latency->record(now > sent ? now - sent : 0);
  }

  void on_close(uint16_t, std::string_view, const absl::Status& s) override {
    closed = true;
    status = s;
  }

  void note_end() {
    if (ended) return;
    ended = true;
    cpu_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID) - begin_cpu_ns;
    wall_ns = clock_ns(CLOCK_MONOTONIC) - begin_ns;
  }

  void print() const {
    const double count = static_cast<double>(std::max<uint64_t>(messages, 1));
    std::printf("msgs=%llu bytes=%llu acc=%llu cpu_ns/msg=%.1f Mmsg/s=%.3f",
                static_cast<unsigned long long>(messages),
                static_cast<unsigned long long>(bytes),
                static_cast<unsigned long long>(acc),
                static_cast<double>(cpu_ns) / count,
                static_cast<double>(messages) * 1000 /
                    static_cast<double>(std::max<uint64_t>(wall_ns, 1)));
    if (latency != nullptr) {
      for (const char* const p : {"50", "90", "99", "99.9"}) {
        std::printf(
            " p%s=%llu", p,
            static_cast<unsigned long long>(latency->percentile(std::atof(p))));
      }
    }
    std::printf("\n");
  }

  RawMessagePool* pool = nullptr;
  long sleep_ms = 0;
  std::unique_ptr<LatencyHistogram> latency;  // where it was asked for
  uint64_t messages = 0, bytes = 0, acc = 0;
  uint64_t begin_cpu_ns = 0, begin_ns = 0, cpu_ns = 0, wall_ns = 0;
  bool opened = false, ended = false, closed = false;
  absl::Status status;
};

int fail(const absl::Status& status) {
  std::fprintf(stderr, "ws_drain: %s\n", std::string(status.message()).c_str());
  return 1;
}

int main(int argc, char** argv) {
  uint16_t port = 0;
  LoopFlags flags;
  CLI::App app("Reads what ws://127.0.0.1:PORT/ sends and says what it cost");
  app.add_option("port", port, "Where the server listens")->required();
  flags.add_to(app);
  CLI11_PARSE(app, argc, argv);

  auto pool = RawMessagePool::create({});
  if (!pool.ok()) return fail(pool.status());
  auto loop = flags.make_loop({}, pool->get());
  if (!loop.ok()) return fail(loop.status());
  Drain drain;
  drain.pool = pool->get();
  drain.sleep_ms = environment_number("DRAIN");
  if (environment_number("LAT") == 1) {
    drain.latency = std::make_unique<LatencyHistogram>();
  }
  auto reader = WebSocketReader::create(
      loop->get(), pool->get(),
      {.url = "ws://127.0.0.1:" + std::to_string(port) + "/"}, &drain);
  if (!reader.ok()) return fail(reader.status());
  const absl::Status connecting = (*reader)->connect();
  if (!connecting.ok()) return fail(connecting);
  while (!drain.closed) {
    (*loop)->run_once();
    // What comes after the close frame is the server's time, not ours.
    if ((*reader)->state() > WebSocketReader::State::kOpen) drain.note_end();
  }
  drain.note_end();
  if (drain.opened) drain.print();
  return drain.status.ok() ? 0 : fail(drain.status);
}

}  // namespace
}  // namespace wirebook

int main(int argc, char** argv) { return wirebook::main(argc, argv); }
