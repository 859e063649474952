// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// What the backend does with completions that no good kernel gives. The linker
// leads its calls into the kernel through here (--wrap), and a test may rewrite
// each completion before the backend sees it.

#include "net/uring_backend.h"

#include <arpa/inet.h>
#include <liburing.h>
#include <netinet/in.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "net/connection.h"
#include "net/testing/scripted_server.h"
#include "net/uring_loop.h"

namespace {

std::function<void(io_uring_cqe&)> rewrite;
unsigned rewritten = 0;  // completions, from the ring's first on

void rewrite_new(io_uring* ring) {
  unsigned number;
  io_uring_cqe* cqe;
  io_uring_for_each_cqe(ring, number, cqe) {
    if (static_cast<int>(number - rewritten) < 0) continue;
    rewritten = number + 1;
    if (rewrite) rewrite(*cqe);
  }
}

}  // namespace

extern "C" {

int __real_io_uring_submit(io_uring* ring);
int __real_io_uring_submit_and_get_events(io_uring* ring);
int __real_io_uring_submit_and_wait_timeout(io_uring* ring, io_uring_cqe** cqe,
                                            unsigned wanted,
                                            __kernel_timespec* timeout,
                                            sigset_t* mask);

int __wrap_io_uring_submit(io_uring* ring) {
  const int result = __real_io_uring_submit(ring);
  rewrite_new(ring);
  return result;
}

int __wrap_io_uring_submit_and_get_events(io_uring* ring) {
  const int result = __real_io_uring_submit_and_get_events(ring);
  rewrite_new(ring);
  return result;
}

int __wrap_io_uring_submit_and_wait_timeout(io_uring* ring, io_uring_cqe** cqe,
                                            unsigned wanted,
                                            __kernel_timespec* timeout,
                                            sigset_t* mask) {
  const int result =
      __real_io_uring_submit_and_wait_timeout(ring, cqe, wanted, timeout, mask);
  rewrite_new(ring);
  return result;
}

}  // extern "C"

namespace wirebook {
namespace {

using ::testing::HasSubstr;
using testing::Peer;
using testing::ScriptedServer;
using testing::server_frame;

constexpr uint32_t kBufferMore = uint32_t{1} << 4;  // IORING_CQE_F_BUF_MORE

struct Recorder : StreamHandler {
  void on_connected() noexcept override {}
  void on_received(uint64_t) noexcept override {
    slab->set_parse_position(slab->write_position());
  }
  void on_ended(int number) noexcept override {
    ++ends;
    error = number;
  }
  void on_reclaimed() noexcept override {}
  void on_closed() noexcept override { closed = true; }

  RawMessageSlab* slab = nullptr;
  int ends = 0;
  int error = 0;
  bool closed = false;
};

class UringBackendTest : public ::testing::Test {
 protected:
  ~UringBackendTest() override { rewrite = nullptr; }

  bool build(LoopBackendChoice backend) {
    rewrite = nullptr;
    loop.reset();
    rewritten = 0;
    pool = *RawMessagePool::create({});
    auto made = UringLoop::create(
        {.wait = WaitMode::kSleep, .backend = backend}, pool.get());
    if (made.ok()) loop = *std::move(made);
    return made.ok();
  }
  bool run_until(const std::function<bool()>& done) {
    const auto end =
        std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!done()) {
      if (std::chrono::steady_clock::now() > end) return false;
      loop->run_once(10'000'000);
    }
    return true;
  }

  std::unique_ptr<RawMessagePool> pool;
  std::unique_ptr<UringLoop> loop;
};

TEST_F(UringBackendTest, AMisplacedReceiveEndsTheStreamAndNoMore) {
  constexpr size_t kBytes = 300'000;  // several times around the slab
  constexpr auto kIncremental = LoopBackendChoice::kUringIncremental;
  struct Case {
    const char* name;
    LoopBackendChoice backend;
    // True when it has made the completion of a receive wrong.
    std::function<bool(io_uring_cqe&)> spoil;
  };
  const std::vector<Case> all = {
      {"in no buffer", kIncremental,
       [](io_uring_cqe& cqe) {
         cqe.flags &= ~uint32_t{IORING_CQE_F_BUFFER};
         return true;
       }},
      {"in another slot", kIncremental,
       [](io_uring_cqe& cqe) {
         cqe.flags ^= uint32_t{1} << IORING_CQE_BUFFER_SHIFT;
         return true;
       }},
      {"a slot said to be full", kIncremental,
       [](io_uring_cqe& cqe) {
         return std::exchange(cqe.flags, cqe.flags & ~kBufferMore) != cqe.flags;
       }},
      {"a full slot said to go on", kIncremental,
       [](io_uring_cqe& cqe) {
         return std::exchange(cqe.flags, cqe.flags | kBufferMore) != cqe.flags;
       }},
      {"over the end of its slot", kIncremental,
       [](io_uring_cqe& cqe) {
         if ((cqe.flags & kBufferMore) == 0) return false;
         cqe.res = kRawMessageSlotBytes + 1;
         return true;
       }},
      {"more than there was room for", LoopBackendChoice::kUringOneShot,
       [](io_uring_cqe& cqe) {
         cqe.res = 2 * kRawMessageSlotBytes + 1;
         return true;
       }},
  };
  size_t granted = 0;
  for (const Case& one : all) {
    SCOPED_TRACE(one.name);
    if (!build(one.backend)) continue;  // not by this kernel
    ++granted;
    ScriptedServer server([](Peer& peer) {
      peer.send(std::string(kBytes, 'x'));
      peer.read_to_end();
    });
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_port = htons(server.port());
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    Recorder recorder;
    recorder.slab = *pool->add_slab(2);
    const auto open = [&] {
      return *loop->open(reinterpret_cast<const sockaddr*>(&address),
                         sizeof(address), recorder.slab, &recorder);
    };
    bool spoilt = false;
    rewrite = [&](io_uring_cqe& cqe) {
      // Nothing else that is under way here has such a result.
      if (!spoilt && cqe.res > 1) spoilt = one.spoil(cqe);
    };
    LoopStream* stream = open();
    ASSERT_TRUE(run_until([&] { return recorder.ends != 0; }));
    EXPECT_TRUE(spoilt);
    EXPECT_EQ(recorder.error, kMisplacedReceive);
    EXPECT_EQ(loop->misplaced_receives(), 1u);
    const uint64_t before = recorder.slab->write_position();
    loop->close(stream);
    ASSERT_TRUE(run_until([&] { return recorder.closed; }));
    EXPECT_EQ(recorder.ends, 1);
    EXPECT_EQ(recorder.slab->write_position(), before) << "nothing handed over";

    // The slab serves the next stream.
    stream = open();
    ASSERT_TRUE(run_until(
        [&] { return recorder.slab->write_position() == before + kBytes; }));
    recorder.closed = false;
    loop->close(stream);
    ASSERT_TRUE(run_until([&] { return recorder.closed; }));
    EXPECT_EQ(recorder.ends, 1);
    EXPECT_EQ(loop->misplaced_receives(), 1u);
  }
  if (granted == 0) GTEST_SKIP() << "not granted by this kernel";
}

struct Feed : ConnectionHandler {
  void on_open(size_t leg) override {
    ++opens;
    if (opens == 1) rewrite = spoil;
    connection->send_text(leg, "go on");
  }
  void on_message(size_t, RawMessage* message) override {
    texts.emplace_back(message->view());
    pool->release(message);
  }
  void on_close(size_t, const ConnectionEnd& end) override {
    problems.push_back(end.status.ToString());
  }

  Connection* connection = nullptr;
  RawMessagePool* pool = nullptr;
  std::function<void(io_uring_cqe&)> spoil;
  int opens = 0;
  std::vector<std::string> texts, problems;
};

TEST_F(UringBackendTest, AConnectionSaysItAndIsMadeAnew) {
  if (!build(LoopBackendChoice::kUringIncremental)) {
    GTEST_SKIP() << "not granted by this kernel";
  }
  ScriptedServer server([](Peer& peer) {
    peer.upgrade();
    if (peer.read_frame().payload == "go on") {
      peer.send(server_frame(0x1, "here"));
    }
    peer.read_to_end();
  });
  Feed feed;
  feed.pool = pool.get();
  feed.spoil = [](io_uring_cqe& cqe) {
    if ((cqe.flags & IORING_CQE_F_BUFFER) == 0) return;
    cqe.flags ^= uint32_t{1} << IORING_CQE_BUFFER_SHIFT;
    rewrite = nullptr;
  };
  auto connection = *Connection::create(
      loop.get(), pool.get(),
      {.reader = {.url = server.url()},
       .backoff = {.initial_ns = 1'000'000, .max_ns = 1'000'000}},
      &feed);
  feed.connection = connection.get();
  connection->start();
  ASSERT_TRUE(run_until([&] { return !feed.texts.empty(); }));
  EXPECT_EQ(feed.opens, 2);
  ASSERT_EQ(feed.problems.size(), 1u);
  EXPECT_THAT(feed.problems[0],
              HasSubstr("the connection broke without a close frame: the "
                        "kernel received to another place than it was given"));
  EXPECT_EQ(connection->statistics().losses, 1u);
  EXPECT_EQ(loop->misplaced_receives(), 1u);
}

}  // namespace
}  // namespace wirebook
