// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "net/http_client.h"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <fstream>
#include <memory>
#include <mutex>
#include <sstream>
#include <string>
#include <string_view>
#include <thread>
#include <type_traits>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "net/testing/scripted_server.h"

namespace wirebook {
namespace {

using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::Peer;
using testing::refusing_port;
using testing::ScriptedServer;

constexpr uint64_t kSecond = 1'000'000'000;

using Clock = std::chrono::steady_clock;
using std::chrono::seconds;

// What getaddrinfo() below does with one name.
struct SlowName {
  static constexpr const char* kName = "slow.invalid";

  void look_up() {
    std::unique_lock lock(mutex);
    ++begun;
    changed.notify_all();
    changed.wait(lock, [this] { return open; });
    ++ended;
    changed.notify_all();
  }
  void wait_until_begun() {
    std::unique_lock lock(mutex);
    changed.wait(lock, [this] { return begun > 0; });
  }
  // Lets all go, and waits for them.
  void let_go() {
    std::unique_lock lock(mutex);
    open = true;
    changed.notify_all();
    changed.wait(lock, [this] { return ended == begun; });
    begun = ended = 0;
    open = false;
  }

  std::mutex mutex;
  std::condition_variable changed;
  int begun = 0;
  int ended = 0;
  bool open = false;
};
SlowName& slow_name() {
  static SlowName* const name = new SlowName;
  return *name;
}

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
            absl::StatusCode::kDeadlineExceeded);
}

TEST(HttpGetTest, RedirectsAreNotFollowed) {
  ScriptedServer server([](Peer& peer) {
    peer.read_request();
    peer.send(response("", "302 Found", "Location: http://127.0.0.1:1/b\r\n"));
  });
  const auto got = http_get(http_url(server, "/a"), kSecond);
  ASSERT_TRUE(got.ok()) << got.status();
  EXPECT_EQ(got->status, 302);
  EXPECT_THAT(got->body, HasSubstr("redirects to http://127.0.0.1:1/b"));
}

TEST(HttpGetTest, GzipIsUndoneAndLimitedByWhatComesOut) {
  // gzip of 2000 times 'x'
  constexpr char kGzip[] =
      "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xab\xa8\x18\x05\xa3\x60\x14"
      "\x8c\x82\x51\x30\x0a\x46\xc1\x50\x07\x00\x7a\x65\x08\x29\xd0\x07\x00"
      "\x00";
  ScriptedServer server([&](Peer& peer) {
    EXPECT_THAT(peer.read_request(), HasSubstr("Accept-Encoding: gzip\r\n"));
    peer.send(response(std::string(kGzip, sizeof(kGzip) - 1), "200 OK",
                       "Content-Encoding: gzip\r\n"));
    peer.read_to_end();
  });
  const auto got = http_get(http_url(server, "/"), kSecond, 2000);
  ASSERT_TRUE(got.ok()) << got.status();
  EXPECT_EQ(got->body, std::string(2000, 'x'));
  EXPECT_THAT(
      http_get(http_url(server, "/"), kSecond, 1999).status().ToString(),
      HasSubstr("longer than 1999 bytes"));
}

TEST(HttpGetTest, ANameThatIsNotFoundInTimeIsAnError) {
  const auto begin = Clock::now();
  EXPECT_EQ(http_get(std::string("http://") + SlowName::kName, 50'000'000)
                .status()
                .code(),
            absl::StatusCode::kDeadlineExceeded);
  EXPECT_LT(Clock::now() - begin, seconds(5));
  slow_name().let_go();
}

// Connects to it hang: nobody accepts, and the queue is full.
class FullListener {
 public:
  FullListener() {
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    address_.sin_family = AF_INET;
    address_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address_);
    EXPECT_EQ(bind(listener_, address(), size), 0);
    EXPECT_EQ(listen(listener_, 0), 0);
    EXPECT_EQ(getsockname(listener_, address(), &size), 0);
    while (fillers_.size() < 16 && connecting() == 0) {
      const int fd =
          socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
      connect(fd, address(), size);
      fillers_.push_back(fd);
      pollfd ready = {fd, POLLOUT, 0};
      poll(&ready, 1, 50);
    }
    EXPECT_EQ(connecting(), 1);
  }
  ~FullListener() {
    for (const int fd : fillers_) close(fd);
    close(listener_);
  }
  std::string url() const {
    return "http://127.0.0.1:" + std::to_string(ntohs(address_.sin_port));
  }
  // Sockets in SYN-SENT towards it; one is our own.
  int connecting() const {
    std::ifstream table("/proc/net/tcp");
    char remote[32];
    std::snprintf(remote, sizeof(remote), "0100007F:%04X",
                  ntohs(address_.sin_port));
    int count = 0;
    for (std::string line; std::getline(table, line);) {
      std::istringstream words(line);
      std::string number, from, to, state;
      words >> number >> from >> to >> state;
      if (to == remote && state == "02") ++count;
    }
    return count;
  }

 private:
  sockaddr* address() { return reinterpret_cast<sockaddr*>(&address_); }

  sockaddr_in address_ = {};
  int listener_;
  std::vector<int> fillers_;
};

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
    return run_until([&] { return results.size() >= count; });
  }
  template <typename Condition>
  requires std::is_invocable_r_v<bool, Condition>
  bool run_until(Condition condition) {
    const auto end = Clock::now() + seconds(20);
    while (!condition()) {
      const auto begin = Clock::now();
      if (begin > end) return false;
      loop->run_once(1'000'000);
      longest_turn = std::max(longest_turn, Clock::now() - begin);
    }
    return true;
  }
  Clock::duration destroy() {
    const auto begin = Clock::now();
    client.reset();
    return Clock::now() - begin;
  }

  std::unique_ptr<RawMessagePool> pool;
  std::unique_ptr<UringLoop> loop;
  std::unique_ptr<HttpClient> client;
  std::vector<HttpResult> results;
  std::vector<std::string> bodies;
  Clock::duration longest_turn{};
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
                    ->send({.url = http_url(server, "/" + std::to_string(tag)),
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

// What a request says, up to the end of its content.
std::string read_whole(Peer& peer) {
  std::string request = peer.read_request();
  const size_t at = request.find("Content-Length: ");
  if (at == std::string::npos) return request;
  std::string content(std::stoul(request.substr(at + 16)), '\0');
  peer.read_exactly(content.data(), content.size());
  return request + content;
}

TEST_F(HttpClientTest, PostsAndGetsOverOneConnection) {
  std::vector<std::string> requests;
  ScriptedServer server([&](Peer& peer) {
    for (;;) {
      requests.push_back(read_whole(peer));
      if (requests.back().empty()) return;
      peer.send(response("x"));
    }
  });
  create({});
  const std::string url = http_url(server, "/token");
  EXPECT_TRUE(client->send({.url = url, .content = "", .connection = 5}).ok());
  EXPECT_TRUE(client
                  ->send({.url = url,
                          .content = "nonce=1",
                          .headers = {"API-Key: a", "API-Sign: b"},
                          .connection = 5})
                  .ok());
  EXPECT_TRUE(client->send({.url = url, .connection = 5}).ok());
  ASSERT_TRUE(run_until(3));
  client.reset();
  server.stop();
  ASSERT_GE(requests.size(), 3u);
  EXPECT_THAT(requests[0], HasSubstr("POST /token HTTP/1.1\r\n"));
  EXPECT_THAT(requests[0], HasSubstr("Content-Length: 0\r\n"));
  EXPECT_THAT(requests[0], Not(HasSubstr("Content-Type")));
  EXPECT_THAT(requests[1], HasSubstr("POST /token HTTP/1.1\r\n"));
  EXPECT_THAT(requests[1], HasSubstr("API-Key: a\r\nAPI-Sign: b\r\n"));
  EXPECT_THAT(requests[1],
              HasSubstr("Content-Type: application/x-www-form-urlencoded"));
  EXPECT_THAT(requests[1], HasSubstr("\r\n\r\nnonce=1"));
  EXPECT_THAT(requests[2], HasSubstr("GET /token HTTP/1.1\r\n"));
  EXPECT_THAT(requests[2], Not(HasSubstr("API-")));
  EXPECT_EQ(server.connections(), 1);
}

TEST_F(HttpClientTest, NoErrorQuotesTheAnswerToAPost) {
  ScriptedServer server([](Peer& peer) {
    peer.read_request();
    peer.send(response("hush", "500 Oops"));
    peer.read_to_end();
  });
  create({});
  EXPECT_TRUE(client->send({.url = http_url(server, "/"), .content = ""}).ok());
  ASSERT_TRUE(run_until(1));
  EXPECT_EQ(results[0].http_status, 500);
  EXPECT_THAT(results[0].status.ToString(), HasSubstr("status 500"));
  EXPECT_THAT(results[0].status.ToString(), Not(HasSubstr("hush")));
}

TEST_F(HttpClientTest, WhatPreparesARequestRunsOnTheClientsThread) {
  ScriptedServer server([](Peer& peer) {
    peer.send(response(peer.read_request().substr(0, 6)));
    peer.read_to_end();
  });
  create({});
  const std::string url = http_url(server, "/a");
  std::thread::id thread;
  const auto completes = [&](HttpRequest* request) {
    thread = std::this_thread::get_id();
    request->url = url;
    return absl::OkStatus();
  };
  EXPECT_TRUE(
      client->send({.prepare = completes, .tag = 1, .connection = 5}).ok());
  const auto fails = [](HttpRequest*) {
    return absl::NotFoundError("no such file");
  };
  EXPECT_TRUE(client->send({.url = url, .prepare = fails, .tag = 2}).ok());
  const auto wrong = [](HttpRequest* request) {
    request->url = "ws://x";
    return absl::OkStatus();
  };
  EXPECT_TRUE(client->send({.prepare = wrong, .tag = 3}).ok());
  const auto suffices = [](HttpRequest*) { return absl::OkStatus(); };
  EXPECT_TRUE(client->send({.prepare = suffices, .tag = 4}).ok());
  ASSERT_TRUE(run_until(4));
  EXPECT_NE(thread, std::this_thread::get_id());
  EXPECT_EQ(bodies, std::vector<std::string>{"GET /a"});
  EXPECT_EQ(results[0].tag, 1u);
  EXPECT_EQ(results[1].status, absl::NotFoundError("no such file"));
  EXPECT_EQ(results[1].body, nullptr);
  EXPECT_THAT(results[2].status.ToString(), HasSubstr("http or https"));
  EXPECT_EQ(results[3].status, absl::OkStatus());
  EXPECT_EQ(results[3].tag, 4u);
  EXPECT_EQ(results[3].http_status, 0);
  EXPECT_EQ(results[3].body, nullptr);
  EXPECT_EQ(pool->outstanding(), 0u);
}

TEST_F(HttpClientTest, RefusalsAndErrorsAreResultsToo) {
  ScriptedServer server([](Peer& peer) {
    peer.read_request();
    peer.send(
        response("slow down", "429 Too Many Requests", "Retry-After: 30\r\n"));
  });
  create({});
  EXPECT_TRUE(client->send({.url = http_url(server, "/"), .tag = 1}).ok());
  EXPECT_TRUE(
      client
          ->send({.url = "http://127.0.0.1:" + std::to_string(refusing_port()),
                  .tag = 2})
          .ok());
  EXPECT_FALSE(client->send({.url = "ftp://x"}).ok());
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
  EXPECT_TRUE(client->send({.url = http_url(server, "/"), .tag = 1}).ok());
  ASSERT_TRUE(run_until(1));
  EXPECT_FALSE(results[0].status.ok());
}

TEST_F(HttpClientTest, AHeadWithoutEndIsBrokenOff) {
  const std::string lines = [] {
    std::string text;
    for (int i = 0; i < 1000; ++i) text += "X-More: and more\r\n";
    return text;
  }();
  ScriptedServer server([&](Peer& peer) {
    peer.read_request();
    peer.send("HTTP/1.1 200 OK\r\n");
    while (peer.send(lines)) {
    }
  });
  create({});
  EXPECT_TRUE(client->send({.url = http_url(server, "/"), .tag = 1}).ok());
  ASSERT_TRUE(run_until(1));
  // Our limit of bytes, or a newer curl's own of headers: whichever is first.
  EXPECT_THAT(results[0].status.ToString(),
              AnyOf(HasSubstr("the head is longer"),
                    HasSubstr("Too many response headers")));
}

TEST_F(HttpClientTest, AStatusLineOfAnyLengthIsHarmless) {
  std::atomic<size_t> size = 0;
  ScriptedServer server([&](Peer& peer) {
    peer.read_request();
    peer.send(response("body", "500 " + std::string(size, 'x')));
  });
  create({});
  for (const size_t n : {size_t{30} << 10, size_t{1} << 20}) {
    size = n;
    results.clear();
    EXPECT_TRUE(client->send({.url = http_url(server, "/"), .tag = 1}).ok());
    ASSERT_TRUE(run_until(1));
    EXPECT_FALSE(results[0].status.ok());
    EXPECT_EQ(results[0].http_status, n < 100'000 ? 500 : 0);
  }
}

TEST_F(HttpClientTest, AnEndlessBodyIsAnError) {
  ScriptedServer server([](Peer& peer) {
    peer.read_request();
    peer.send("HTTP/1.1 200 OK\r\n\r\n");
    while (peer.send("xxxxxxxxxxxxxxxx")) {
    }
  });
  create({.max_body_bytes = 100'000});
  EXPECT_TRUE(client->send({.url = http_url(server, "/"), .tag = 1}).ok());
  ASSERT_TRUE(run_until(1));
  EXPECT_THAT(results[0].status.ToString(), HasSubstr("longer than 100000"));
}

TEST_F(HttpClientTest, ABodyWaitsForADescriptor) {
  loop.reset();
  pool = *RawMessagePool::create({.descriptors = 1});
  loop = *UringLoop::create({.wait = WaitMode::kSleep}, pool.get());
  static const char kBytes[1 + kRawMessageSlackBytes] = {};
  RawMessage* const other = pool->acquire_external(
      kBytes, 1, [](void*) {}, nullptr);
  ASSERT_FALSE(pool->descriptor_free());
  std::atomic<bool> answered = false;
  ScriptedServer server([&](Peer& peer) {
    peer.read_request();
    peer.send(response("late"));
    answered = true;
    peer.read_to_end();
  });
  create({});
  EXPECT_TRUE(
      client->send({.url = http_url(server, "/"), .connection = 5}).ok());
  ASSERT_TRUE(run_until([&] { return answered.load(); }));
  int turns = 0;
  ASSERT_TRUE(run_until([&] { return ++turns == 100; }));
  EXPECT_TRUE(results.empty());
  pool->release(other);
  ASSERT_TRUE(run_until(1));
  EXPECT_EQ(bodies, std::vector<std::string>{"late"});
}

TEST_F(HttpClientTest, DestructionBreaksOffARequestUnderWay) {
  std::atomic<bool> received = false;
  ScriptedServer server([&](Peer& peer) {
    peer.read_request();
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345");
    received = true;
    peer.read_to_end();
  });
  create({.timeout_ns = 60 * kSecond});
  EXPECT_TRUE(client->send({.url = http_url(server, "/")}).ok());
  EXPECT_TRUE(client->send({.url = http_url(server, "/")}).ok());
  ASSERT_TRUE(run_until([&] { return received.load(); }));
  // Past libcurl's own timers of the first 200 ms, which would end the wait.
  const auto later = Clock::now() + std::chrono::milliseconds(400);
  ASSERT_TRUE(run_until([&] { return Clock::now() > later; }));
  EXPECT_LT(destroy(), seconds(5));
  EXPECT_TRUE(results.empty());
}

TEST_F(HttpClientTest, DestructionDoesNotWaitForAConnect) {
  FullListener listener;
  create({.timeout_ns = 60 * kSecond});
  EXPECT_TRUE(client->send({.url = listener.url()}).ok());
  ASSERT_TRUE(run_until([&] { return listener.connecting() == 2; }));
  EXPECT_LT(destroy(), seconds(5));
  EXPECT_LT(longest_turn, seconds(1));
}

TEST_F(HttpClientTest, DestructionDoesNotWaitForAName) {
  create({.timeout_ns = 60 * kSecond});
  EXPECT_TRUE(
      client->send({.url = std::string("http://") + SlowName::kName}).ok());
  slow_name().wait_until_begun();
  EXPECT_LT(destroy(), seconds(5));
  slow_name().let_go();
}

TEST_F(HttpClientTest, ATimeoutWhileConnectingDoesNotHoldUpTheLoop) {
  FullListener listener;
  create({.timeout_ns = 2 * kSecond});
  const auto begin = Clock::now();
  EXPECT_TRUE(client->send({.url = listener.url(), .tag = 1}).ok());
  EXPECT_TRUE(
      client->send({.url = std::string("http://") + SlowName::kName, .tag = 2})
          .ok());
  ASSERT_TRUE(run_until(2));
  EXPECT_LT(Clock::now() - begin, seconds(10));
  EXPECT_LT(longest_turn, seconds(1));
  for (const HttpResult& result : results) {
    EXPECT_EQ(result.status.code(), absl::StatusCode::kDeadlineExceeded);
  }
  slow_name().let_go();
}

TEST_F(HttpClientTest, APoolThatIsNotTheLoopsIsRefused) {
  const auto other = *RawMessagePool::create({});
  EXPECT_FALSE(HttpClient::create(loop.get(), other.get(), {}, this).ok());
}

TEST_F(HttpClientTest, WrongOptionsAreRefusedWithAReason) {
  const struct {
    HttpClientOptions options;
    const char* says;
  } all[] = {
      {{.timeout_ns = 0}, "timeout_ns is 0; give"},
      {{.max_body_bytes = 0}, "max_body_bytes is 0; give"},
      {{.max_body_bytes = size_t{1} << 32}, "less than 4 GiB"},
      {{.max_pending = 0}, "max_pending is 0; give 1 to 1048576"},
      {{.max_pending = (size_t{1} << 20) + 1}, "max_pending is 1048577"},
  };
  for (const auto& one : all) {
    EXPECT_THAT(HttpClient::create(loop.get(), pool.get(), one.options, this)
                    .status()
                    .ToString(),
                HasSubstr(one.says));
  }
  const auto other = *RawMessagePool::create({});
  for (const absl::Status& made :
       {HttpClient::create(nullptr, pool.get(), {}, this).status(),
        HttpClient::create(loop.get(), nullptr, {}, this).status(),
        HttpClient::create(loop.get(), pool.get(), {}, nullptr).status()}) {
    EXPECT_THAT(made.ToString(), HasSubstr("is nullptr; it needs all three"));
  }
  EXPECT_THAT(
      HttpClient::create(loop.get(), other.get(), {}, this).status().ToString(),
      HasSubstr("the loop has another pool"));
  EXPECT_THAT(http_get("http://x/", 0).status().ToString(),
              HasSubstr("timeout_ns is 0; give"));
  EXPECT_THAT(http_get("http://x/", kSecond, 0).status().ToString(),
              HasSubstr("max_body_bytes is 0; give"));
}

TEST_F(HttpClientTest, WhatWaitsCanBeDropped) {
  std::atomic<bool> begun = false;
  std::atomic<bool> go_on = false;
  ScriptedServer server([&](Peer& peer) {
    for (;;) {
      const std::string request = peer.read_request();
      if (request.empty()) return;
      begun = true;
      while (!go_on) std::this_thread::yield();
      peer.send(response(request.substr(4, 2)));
    }
  });
  create({.timeout_ns = 60 * kSecond});
  const auto send = [&](const char* path) {
    EXPECT_TRUE(
        client->send({.url = http_url(server, path), .connection = 5}).ok());
  };
  send("/a");
  ASSERT_TRUE(run_until([&] { return begun.load(); }));
  send("/b");
  send("/c");
  client->drop_waiting();
  EXPECT_EQ(client->pending(), 1u);
  send("/d");
  go_on = true;
  ASSERT_TRUE(run_until(2));
  EXPECT_EQ(bodies, (std::vector<std::string>{"/a", "/d"}));
  EXPECT_EQ(client->pending(), 0u);
}

TEST_F(HttpClientTest, TooManyPendingRequestsAreRefused) {
  ScriptedServer server([](Peer& peer) { peer.read_to_end(); });
  create({.max_pending = 2});
  EXPECT_TRUE(client->send({.url = http_url(server, "/")}).ok());
  EXPECT_TRUE(client->send({.url = http_url(server, "/")}).ok());
  EXPECT_EQ(client->send({.url = http_url(server, "/")}).code(),
            absl::StatusCode::kResourceExhausted);
}

}  // namespace

}  // namespace wirebook

// In the place of the C library's: one name takes as long as a test wants.
extern "C" int getaddrinfo(const char* name, const char* service,
                           const addrinfo* hints, addrinfo** result) {
  if (name != nullptr && std::string_view(name) == wirebook::SlowName::kName) {
    wirebook::slow_name().look_up();
    return EAI_NONAME;
  }
  static const auto real =
      reinterpret_cast<decltype(&getaddrinfo)>(dlsym(RTLD_NEXT, "getaddrinfo"));
  return real(name, service, hints, result);
}
