// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "tools/websocket_echo.h"

#include <atomic>
#include <string>
#include <thread>

#include "gtest/gtest.h"
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

// A server that reads nothing until messages wait for room to be sent.
TEST(WebSocketEchoTest, WhatFindsNoRoomIsHeldAndSentInOrder) {
  constexpr int kMessages = 400;
  const auto text = [](int i) {
    return std::to_string(i) + std::string(30'000, 'x');
  };
  std::atomic<bool> held{false};
  int right = 0;
  ScriptedServer server([&](Peer& peer) {
    peer.upgrade();
    std::thread sender([&] {
      for (int i = 0; i < kMessages; ++i) peer.send(server_frame(0x1, text(i)));
    });
    held.wait(false);
    while (right < kMessages && peer.read_frame().payload == text(right)) {
      ++right;
    }
    sender.join();
    peer.send(close_frame(1000));
    peer.read_frame();
  });
  auto pool = *RawMessagePool::create({});
  auto loop = *UringLoop::create({}, pool.get());
  WebSocketEcho echo(pool.get());
  auto reader = *WebSocketReader::create(loop.get(), pool.get(),
                                         {.url = server.url()}, &echo);
  echo.set_reader(reader.get());
  ASSERT_TRUE(reader->connect().ok());
  while (!echo.closed()) {
    loop->run_once();
    echo.flush();
    if (echo.held() != 0) {
      held.store(true);
      held.notify_one();
    }
  }
  held.store(true);
  held.notify_one();
  server.stop();
  EXPECT_TRUE(echo.opened());
  EXPECT_TRUE(echo.status().ok()) << echo.status();
  EXPECT_EQ(echo.code(), kCloseNormal);
  EXPECT_EQ(right, kMessages);
  EXPECT_EQ(pool->outstanding(), 0u);
}

}  // namespace
}  // namespace wirebook
