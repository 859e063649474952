// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "net/http_client.h"

#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "net/testing/scripted_server.h"

namespace wirebook {
namespace {

using ::testing::HasSubstr;
using testing::Peer;
using testing::refusing_port;
using testing::ScriptedServer;

constexpr uint64_t kSecond = 1'000'000'000;

std::string response(const std::string& body,
                     const std::string& line = "200 OK",
                     const std::string& headers = "") {
  return "HTTP/1.1 " + line + "\r\n" + headers +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

std::string http_url(const ScriptedServer& server, const std::string& path) {
  return "http://127.0.0.1:" + std::to_string(server.port()) + path;
}

TEST(HttpGetTest, ReturnsStatusAndBody) {
  std::string request;
  ScriptedServer server([&](Peer& peer) {
    request = peer.read_request();
    peer.send(response("gone", "404 Not Found", "Retry-After: 7\r\n"));
  });
  const auto got = http_get(http_url(server, "/a?b=1"), kSecond);
  ASSERT_TRUE(got.ok()) << got.status();
  server.stop();
  EXPECT_EQ(got->status, 404);
  EXPECT_EQ(got->body, "gone");
  EXPECT_EQ(got->retry_after_seconds, 7u);
  EXPECT_THAT(request, HasSubstr("GET /a?b=1 HTTP/1.1\r\n"));
}

TEST(HttpGetTest, FailuresAreClear) {
  EXPECT_THAT(http_get("ws://x/", kSecond).status().ToString(),
              HasSubstr("must be http or https"));
  const std::string refused =
      "http://127.0.0.1:" + std::to_string(refusing_port());
  EXPECT_EQ(http_get(refused, kSecond).status().code(),
            absl::StatusCode::kUnavailable);
  ScriptedServer big([](Peer& peer) {
    peer.read_request();
    peer.send(response(std::string(2000, 'x')));
    peer.read_to_end();
  });
  EXPECT_THAT(http_get(http_url(big, "/"), kSecond, 1000).status().ToString(),
              HasSubstr("longer than 1000 bytes"));
  ScriptedServer silent([](Peer& peer) { peer.read_to_end(); });
  EXPECT_EQ(http_get(http_url(silent, "/"), 50'000'000).status().code(),
            absl::StatusCode::kUnavailable);
}

class HttpClientTest : public ::testing::Test, public HttpHandler {
 protected:
  void SetUp() override {
    pool = *RawMessagePool::create({});
    loop = *UringLoop::create({.wait = WaitMode::kSleep}, pool.get());
  }
  void create(const HttpClientOptions& options) {
    client = *HttpClient::create(loop.get(), pool.get(), options, this);
  }
  void on_http(const HttpResult& result) override {
    results.push_back(result);
    if (result.body == nullptr) return;
    bodies.emplace_back(result.body->view());
    // The slack is readable, and zero here.
    for (size_t i = 0; i < kRawMessageSlackBytes; ++i) {
      EXPECT_EQ(result.body->data[result.body->size + i], '\0');
    }
    EXPECT_EQ(result.body->kind, RawMessageKind::kHttpBody);
    EXPECT_EQ(result.body->tag, result.tag);
    EXPECT_EQ(result.body->connection, 5);
    pool->release(result.body);
  }
  bool run_until(size_t count) {
    const auto end =
        std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (results.size() < count) {
      if (std::chrono::steady_clock::now() > end) return false;
      loop->run_once(10'000'000);
    }
    return true;
  }

  std::unique_ptr<RawMessagePool> pool;
  std::unique_ptr<UringLoop> loop;
  std::unique_ptr<HttpClient> client;
  std::vector<HttpResult> results;
  std::vector<std::string> bodies;
};

TEST_F(HttpClientTest, BodiesComeToTheLoopsThreadInOrder) {
  ScriptedServer server([](Peer& peer) {
    while (true) {
      const std::string request = peer.read_request();
      if (request.empty()) return;
      peer.send(response(request.substr(4, 2)));
    }
  });
  create({});
  for (uint32_t tag = 0; tag < 5; ++tag) {
    EXPECT_TRUE(client
                    ->get({.url = http_url(server, "/" + std::to_string(tag)),
                           .tag = tag,
                           .connection = 5})
                    .ok());
  }
  EXPECT_EQ(client->pending(), 5u);
  ASSERT_TRUE(run_until(5));
  EXPECT_EQ(client->pending(), 0u);
  EXPECT_EQ(bodies, (std::vector<std::string>{"/0", "/1", "/2", "/3", "/4"}));
  EXPECT_EQ(results[3].tag, 3u);
  EXPECT_EQ(results[3].http_status, 200);
  EXPECT_EQ(server.connections(), 1) << "one connection is kept alive";
  EXPECT_EQ(pool->outstanding(), 0u);
}

TEST_F(HttpClientTest, RefusalsAndErrorsAreResultsToo) {
  ScriptedServer server([](Peer& peer) {
    peer.read_request();
    peer.send(
        response("slow down", "429 Too Many Requests", "Retry-After: 30\r\n"));
  });
  create({});
  EXPECT_TRUE(client->get({.url = http_url(server, "/"), .tag = 1}).ok());
  EXPECT_TRUE(
      client
          ->get({.url = "http://127.0.0.1:" + std::to_string(refusing_port()),
                 .tag = 2})
          .ok());
  EXPECT_FALSE(client->get({.url = "ftp://x"}).ok());
  ASSERT_TRUE(run_until(2));
  EXPECT_EQ(results[0].http_status, 429);
  EXPECT_EQ(results[0].retry_after_seconds, 30u);
  EXPECT_THAT(results[0].status.ToString(), HasSubstr("slow down"));
  EXPECT_EQ(results[1].http_status, 0);
  EXPECT_FALSE(results[1].status.ok());
  EXPECT_EQ(results[1].body, nullptr);
}

TEST_F(HttpClientTest, AHeaderThatDripsForEverIsBrokenOff) {
  ScriptedServer server([](Peer& peer) {
    peer.read_request();
    peer.send("HTTP/1.1 200 OK\r\n");
    while (peer.send("X-Drip: 1\r\n")) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  });
  create({.timeout_ns = 100'000'000});
  EXPECT_TRUE(client->get({.url = http_url(server, "/"), .tag = 1}).ok());
  ASSERT_TRUE(run_until(1));
  EXPECT_FALSE(results[0].status.ok());
}

TEST_F(HttpClientTest, ANewClientMayBeDestroyedWhileARequestIsUnderWay) {
  ScriptedServer server([](Peer& peer) { peer.read_to_end(); });
  create({});
  EXPECT_TRUE(client->get({.url = http_url(server, "/")}).ok());
  client.reset();
}

TEST_F(HttpClientTest, TooManyPendingRequestsAreRefused) {
  ScriptedServer server([](Peer& peer) { peer.read_to_end(); });
  create({.max_pending = 2});
  EXPECT_TRUE(client->get({.url = http_url(server, "/")}).ok());
  EXPECT_TRUE(client->get({.url = http_url(server, "/")}).ok());
  EXPECT_EQ(client->get({.url = http_url(server, "/")}).code(),
            absl::StatusCode::kResourceExhausted);
}

}  // namespace
}  // namespace wirebook
