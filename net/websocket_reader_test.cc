// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "net/websocket_reader.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "memory/allocation_counter.h"
#include "net/testing/scripted_server.h"

namespace wirebook {
namespace {

using testing::ClientFrame;
using testing::close_frame;
using ::testing::HasSubstr;
using testing::Peer;
using testing::refusing_port;
using testing::ScriptedServer;
using testing::server_frame;

constexpr uint64_t kMillisecond = 1'000'000;

// What a connection did, and what it shall do.
struct Recorder : WebSocketHandler {
  void on_open() override {
    ++opens;
    if (when_open) when_open();
  }
  void on_message(RawMessage* message) override {
    if (when_message) {
      when_message(message);
      return;
    }
    messages.emplace_back(message->view());
    kinds.push_back(message->kind);
    sequences.push_back(message->sequence);
    pool->release(message);
  }
  void on_close(uint16_t close_code, std::string_view close_reason,
                const absl::Status& close_status) override {
    ++closes;
    code = close_code;
    reason = close_reason;
    status = close_status;
    if (when_close) when_close();
  }

  RawMessagePool* pool = nullptr;
  std::function<void()> when_open, when_close;
  std::function<void(RawMessage*)> when_message;
  int opens = 0;
  int closes = 0;
  uint16_t code = 0;
  std::string reason;
  absl::Status status;
  std::vector<std::string> messages;
  std::vector<RawMessageKind> kinds;
  std::vector<uint64_t> sequences;
};

class WebSocketReaderTest : public ::testing::TestWithParam<LoopBackendChoice> {
 protected:
  void SetUp() override { build({}, {}); }

  void build(const RawMessagePoolOptions& pool_options,
             UringLoopOptions loop_options) {
    reader.reset();
    loop.reset();
    pool = *RawMessagePool::create(pool_options);
    loop_options.backend = GetParam();
    auto made = UringLoop::create(loop_options, pool.get());
    if (!made.ok()) GTEST_SKIP() << made.status().ToString();
    loop = *std::move(made);
    recorder.pool = pool.get();
  }

  void open(const std::string& url, WebSocketReaderOptions options = {}) {
    options.url = url;
    if (options.slab_slots == 32) options.slab_slots = 4;
    auto made =
        WebSocketReader::create(loop.get(), pool.get(), options, &recorder);
    ASSERT_TRUE(made.ok()) << made.status();
    reader = *std::move(made);
    const absl::Status status = reader->connect();
    ASSERT_TRUE(status.ok()) << status;
  }

  // Runs the loop until `done`; false after 20 seconds or a failure.
  bool run_until(const std::function<bool()>& done) {
    const auto end =
        std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!done()) {
      if (HasFailure() || std::chrono::steady_clock::now() > end) return false;
      loop->run_once(10 * kMillisecond);
    }
    return true;
  }
  bool run_until_closed() {
    return run_until([&] { return recorder.closes != 0; });
  }

  std::unique_ptr<RawMessagePool> pool;
  std::unique_ptr<UringLoop> loop;
  Recorder recorder;
  std::unique_ptr<WebSocketReader> reader;
};

INSTANTIATE_TEST_SUITE_P(
    Backends, WebSocketReaderTest,
    ::testing::Values(LoopBackendChoice::kUringIncremental,
                      LoopBackendChoice::kUringOneShot,
                      LoopBackendChoice::kEpoll),
    [](const ::testing::TestParamInfo<LoopBackendChoice>& choice) {
      switch (choice.param) {
        case LoopBackendChoice::kUringIncremental:
          return "uring_inc";
        case LoopBackendChoice::kUringOneShot:
          return "uring_oneshot";
        default:
          return "epoll";
      }
    });

TEST_P(WebSocketReaderTest, ReceivesMessagesAndClosesInOrder) {
  std::string said;
  ClientFrame answer;
  ScriptedServer server([&](Peer& peer) {
    peer.upgrade();
    said = peer.read_frame().payload;
    peer.send(server_frame(0x1, "one") + server_frame(0x2, "two"));
    peer.send(close_frame(1000, "bye"));
    answer = peer.read_frame();
  });
  recorder.when_open = [&] { EXPECT_TRUE(reader->send_text("subscribe")); };
  open(server.url("/feed?x=1"), {.connection = 7, .venue = 3});
  ASSERT_TRUE(run_until_closed());
  EXPECT_TRUE(recorder.status.ok()) << recorder.status;
  EXPECT_EQ(recorder.code, 1000);
  EXPECT_EQ(recorder.reason, "bye");
  EXPECT_EQ(recorder.messages, (std::vector<std::string>{"one", "two"}));
  EXPECT_EQ(recorder.kinds[1], RawMessageKind::kBinary);
  EXPECT_EQ(said, "subscribe");
  EXPECT_EQ(answer.opcode(), 0x8);
  EXPECT_EQ(answer.payload, std::string("\x03\xe8", 2)) << "the same code";
  EXPECT_TRUE(answer.masked);
  EXPECT_EQ(reader->statistics().copied_messages, 0u);
}

}  // namespace
}  // namespace wirebook
