// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// What a session needs before it connects, over real sockets: tokens that a
// venue gives by REST, and credentials that a file has. What becomes of books
// is in fault_test and order_fault_test.

#include "apps/lob_node/venue_session.h"

#include <fcntl.h>
#include <httplib.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <mutex>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "apps/lob_node/config.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "net/raw_message_pool.h"
#include "net/testing/scripted_server.h"
#include "net/uring_loop.h"

namespace wirebook {
namespace {

using testing::ClientFrame;
using testing::close_frame;
using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::Peer;
using testing::ScriptedServer;
using testing::server_frame;

using Clock = std::chrono::steady_clock;

// What a server was shown, by its own threads.
class Shown {
 public:
  void add(std::string what) {
    const std::lock_guard lock(mutex_);
    all_.push_back(std::move(what));
  }
  std::vector<std::string> all() const {
    const std::lock_guard lock(mutex_);
    return all_;
  }
  std::size_t size() const { return all().size(); }

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> all_;
};

// A venue's REST side: answers each POST by `answer`, which may block until
// release(), and no GET before it.
class TokenServer {
 public:
  struct Reply {
    int status = 200;
    std::string body;
  };
  using Answer = std::function<Reply(const httplib::Request&)>;

  explicit TokenServer(Answer answer) {
    server_.Post(".*", [this, answer = std::move(answer)](
                           const httplib::Request& request,
                           httplib::Response& response) {
      posts.add(request.path);
      const Reply reply = answer(request);
      response.status = reply.status;
      response.set_content(reply.body, "application/json");
    });
    server_.Get(".*", [this](const httplib::Request&, httplib::Response&) {
      ++gets;
      hang();
    });
    // stop() waits for those that are kept alive.
    server_.set_keep_alive_max_count(1);
    port_ = server_.bind_to_any_port("127.0.0.1");
    thread_ = std::thread([this] { server_.listen_after_bind(); });
  }
  ~TokenServer() {
    release();
    // stop() before it listens would be lost.
    while (!server_.is_running()) std::this_thread::yield();
    server_.stop();
    thread_.join();
  }
  std::string url() const {
    return "http://127.0.0.1:" + std::to_string(port_);
  }
  // For `answer`: waits for release().
  void hang() {
    std::unique_lock lock(mutex_);
    released_.wait(lock, [this] { return open_; });
  }
  void release() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    released_.notify_all();
  }

  Shown posts;
  std::atomic<int> gets{0};

 private:
  httplib::Server server_;
  int port_ = 0;
  std::thread thread_;
  std::mutex mutex_;
  std::condition_variable released_;
  bool open_ = false;
};

// A venue's stream: says what it is shown, which is a request's first line and
// then the texts, and answers none of them but by `answer`.
class StreamServer {
 public:
  // The answer to a text; "": none; "die": ends the connection.
  using Answer = std::function<std::string(const std::string&)>;

  explicit StreamServer(Answer answer =
                            [](const std::string&) { return std::string(); })
      : server_([this, answer = std::move(answer)](Peer& peer) {
          const std::string request = peer.read_request();
          upgrades.add(request.substr(0, request.find("\r\n")));
          peer.send(Peer::upgrade_response(request));
          for (;;) {
            const ClientFrame frame = peer.read_frame();
            if (frame.first_byte < 0 || frame.opcode() == 0x8) return;
            const std::string reply = answer(frame.payload);
            texts.add(frame.payload);
            if (reply == "die") return;
            if (!reply.empty()) peer.send(server_frame(0x1, reply));
          }
        }) {}
  std::string url() const { return server_.url(); }

  Shown upgrades;
  Shown texts;

 private:
  ScriptedServer server_;
};

std::string kucoin_answer(const std::string& token, const std::string& endpoint,
                          int ping_interval_ms = 18'000) {
  return R"({"code":"200000","data":{"token":")" + token +
         R"(","instanceServers":[{"endpoint":")" + endpoint +
         R"(","encrypt":true,"protocol":"websocket","pingInterval":)" +
         std::to_string(ping_interval_ms) + R"(,"pingTimeout":10000}]}})";
}

TokenServer::Reply good(const std::string& body) { return {200, body}; }

class VenueSessionTest : public ::testing::Test {
 protected:
  void SetUp() override {
    before_ = spdlog::default_logger();
    spdlog::set_default_logger(std::make_shared<spdlog::logger>(
        "test", std::make_shared<spdlog::sinks::ostream_sink_st>(log_)));
    pool = *RawMessagePool::create({});
    loop = *UringLoop::create({.wait = WaitMode::kSleep}, pool.get());
  }
  void TearDown() override {
    if (session != nullptr) {
      session->stop();
      EXPECT_TRUE(run_until([&] { return session->stopped(); }));
      session->disconnect();
    }
    session.reset();
    EXPECT_EQ(pool->outstanding(), 0u);
    spdlog::set_default_logger(before_);
  }

  static VenueConfig kucoin(const std::string& rest_url) {
    VenueConfig config;
    config.id = VenueId::kKucoin;
    config.name = "kucoin";
    config.rest_url = rest_url;
    config.symbols = {"BTC-USDT"};
    return config;
  }
  static VenueConfig kraken_orders(const std::string& url,
                                   const std::string& credentials) {
    VenueConfig config;
    config.id = VenueId::kKraken;
    config.name = "kraken";
    config.url = url;
    config.orders = true;
    config.depth = 10;
    config.symbols = {"BTC/USD"};
    config.credentials = credentials;
    return config;
  }
  absl::Status create(const VenueConfig& config) {
    auto made = VenueSession::create(config, NodeConfig(), 0, loop.get(),
                                     pool.get(), nullptr, nullptr);
    if (made.ok()) session = *std::move(made);
    return made.status();
  }
  void start(const VenueConfig& config) {
    const absl::Status status = create(config);
    ASSERT_TRUE(status.ok()) << status;
    session->start();
  }
  void turn() {
    loop->run_once(1'000'000);
    session->poll();
  }
  bool run_until(const std::function<bool()>& done) {
    const auto end = Clock::now() + std::chrono::seconds(50);
    while (!done()) {
      if (Clock::now() > end) return false;
      turn();
    }
    return true;
  }
  std::string log() const { return log_.str(); }

  std::unique_ptr<RawMessagePool> pool;
  std::unique_ptr<UringLoop> loop;
  std::unique_ptr<VenueSession> session;

 private:
  std::ostringstream log_;
  std::shared_ptr<spdlog::logger> before_;
};

// ---- Tokens by REST

TEST_F(VenueSessionTest, KucoinsTokenIsFreshForEachConnection) {
  StreamServer stream([](const std::string&) { return "die"; });
  std::atomic<int> given{0};
  TokenServer rest([&](const httplib::Request& request) {
    EXPECT_EQ(request.path, "/api/v1/bullet-public");
    EXPECT_EQ(request.body, "");
    return TokenServer::Reply{
        200, kucoin_answer("hush" + std::to_string(++given), stream.url())};
  });
  start(kucoin(rest.url()));
  ASSERT_TRUE(run_until([&] { return stream.texts.size() >= 3; })) << log();
  const std::vector<std::string> upgrades = stream.upgrades.all();
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_THAT(upgrades[i], HasSubstr("GET /?token=hush" +
                                       std::to_string(i + 1) + "&connectId="));
    EXPECT_THAT(stream.texts.all()[i], HasSubstr("/market/level2:BTC-USDT"));
  }
  EXPECT_THAT(log(), HasSubstr("connected to " + stream.url()));
  EXPECT_THAT(log(), Not(HasSubstr("hush")));
}

TEST_F(VenueSessionTest, TheNetworkThreadGoesOnWhileATokenIsAskedFor) {
  StreamServer stream;
  TokenServer rest([&](const httplib::Request&) {
    rest.hang();
    return TokenServer::Reply{200, kucoin_answer("t", stream.url())};
  });
  start(kucoin(rest.url()));
  ASSERT_TRUE(run_until([&] { return rest.posts.size() == 1; }));
  // Would it wait for the answer, it would not come to its release.
  for (int i = 0; i < 10; ++i) turn();
  EXPECT_EQ(session->status_text(), "connecting");
  rest.release();
  ASSERT_TRUE(run_until([&] { return stream.texts.size() == 1; })) << log();
  EXPECT_EQ(session->status_text(), "up");
}

TEST_F(VenueSessionTest, StopsWhileATokenIsAskedFor) {
  TokenServer rest([&](const httplib::Request&) {
    rest.hang();
    return TokenServer::Reply{500, ""};
  });
  start(kucoin(rest.url()));
  ASSERT_TRUE(run_until([&] { return rest.posts.size() == 1; }));
  session->stop();
  EXPECT_TRUE(session->stopped());
  session->disconnect();
}

TEST_F(VenueSessionTest, PingsAreAsOftenAsTheVenueSays) {
  std::atomic<int> pings{0};
  StreamServer stream([&](const std::string& text) {
    if (text.find("\"ping\"") != std::string::npos) ++pings;
    return std::string();
  });
  TokenServer rest([&](const httplib::Request&) {
    return TokenServer::Reply{200, kucoin_answer("t", stream.url(), 1)};
  });
  start(kucoin(rest.url()));
  // By the usual interval of 18 s there would not be as many in time.
  ASSERT_TRUE(run_until([&] { return pings >= 3; })) << log();
}

TEST_F(VenueSessionTest, PingsKeepEachConnectionsInterval) {
  std::atomic<int> pings{0};
  StreamServer often([&](const std::string& text) {
    if (text.find("\"ping\"") != std::string::npos) ++pings;
    return std::string();
  });
  StreamServer seldom;
  std::atomic<int> asked{0};
  TokenServer rest([&](const httplib::Request&) {
    if (++asked == 1) return good(kucoin_answer("t", often.url(), 1));
    rest.hang();
    return good(kucoin_answer("t", seldom.url(), 60'000));
  });
  VenueConfig config = kucoin(rest.url());
  config.connections = 2;
  start(config);
  ASSERT_TRUE(run_until([&] { return often.texts.size() >= 1; })) << log();
  rest.release();
  ASSERT_TRUE(run_until([&] { return seldom.texts.size() >= 1; })) << log();
  const int before = pings;
  ASSERT_TRUE(run_until([&] { return pings >= before + 3; })) << log();
}

// One after the other they would take ten seconds each.
TEST_F(VenueSessionTest, NoTokenWaitsForAnotherConnections) {
  TokenServer rest([&](const httplib::Request&) {
    rest.hang();
    return TokenServer::Reply{500, ""};
  });
  VenueConfig config = kucoin(rest.url());
  config.connections = 7;
  start(config);
  EXPECT_TRUE(run_until([&] { return rest.posts.size() >= 7; })) << log();
}

TEST_F(VenueSessionTest, NoTokenWaitsForASnapshot) {
  // A message of each symbol, whose book asks for its snapshot then; the end
  // once all have.
  constexpr int kSymbols = 8;
  std::atomic<int> pings{0};
  StreamServer stream([&](const std::string& text) {
    if (text.find("\"ping\"") == std::string::npos) return std::string();
    const int i = pings++;
    if (i >= kSymbols + 2) return std::string("die");
    const std::string symbol = "S" + std::to_string(i % kSymbols) + "-USDT";
    return R"({"type":"message","topic":"/market/level2:)" + symbol +
           R"(","subject":"trade.l2update","data":{"changes":{"asks":[],)"
           R"("bids":[["1","1","7"]]},"sequenceEnd":7,"sequenceStart":7,)"
           R"("symbol":")" +
           symbol + R"(","time":1767225600000}})";
  });
  TokenServer rest([&](const httplib::Request&) {
    return good(kucoin_answer("t", stream.url(), 1));
  });
  VenueConfig config = kucoin(rest.url());
  config.symbols.clear();
  for (int i = 0; i < kSymbols; ++i) {
    config.symbols.push_back("S" + std::to_string(i) + "-USDT");
  }
  start(config);
  EXPECT_TRUE(run_until([&] { return rest.posts.size() >= 2; })) << log();
  EXPECT_GT(rest.gets, 0);
}

// A venue that refuses may repeat the token in any form.
TEST_F(VenueSessionTest, ATokenThatTheVenueRepeatsIsNotLogged) {
  std::atomic<int> connections{0};
  ScriptedServer stream([&](Peer& peer) {
    const std::string request = peer.read_request();
    const std::string target = request.substr(4, request.find(" HTTP") - 4);
    const std::string reasons[] = {"no hu/s+hushhush!", "no hu%2fs%2bhushhush!",
                                   "no hu%2Fs%2Bhushhu", "no hu\\/s+hushhush!"};
    const int i = connections++;
    if (i == 0) {
      peer.send("HTTP/1.1 302 Found\r\nLocation: " + target +
                "\r\nContent-Length: 0\r\n\r\n");
    } else if (i == 1) {
      peer.send("HTTP/1.1 404 Nothing at " + target + "\r\n\r\nnothing at " +
                target);
    } else {
      peer.send(Peer::upgrade_response(request));
      peer.send(close_frame(1008, reasons[(i - 2) % 4]));
    }
    peer.read_to_end();
  });
  TokenServer rest([&](const httplib::Request&) {
    return good(kucoin_answer("hu/s+hushhush", stream.url()));
  });
  start(kucoin(rest.url()));
  std::vector<std::string> shown;
  ASSERT_TRUE(run_until([&] {
    const std::string status = session->status_text();
    if (shown.empty() || shown.back() != status) shown.push_back(status);
    return connections >= 7;
  })) << log();
  EXPECT_THAT(log(), HasSubstr("302, it points to /"));
  EXPECT_THAT(log(), HasSubstr("HTTP/1.1 404, "));
  EXPECT_THAT(log(), HasSubstr("(no ...!)"));
  EXPECT_THAT(log(), HasSubstr("(no ...)")) << "of one that was cut";
  shown.push_back(log());
  for (const char* form : {"hu/s", "hu%2", "hu\\/s", "s+h", "bh", "ush"}) {
    EXPECT_THAT(shown, Each(Not(HasSubstr(form))));
  }
}

// What is wrong with the first answers, and what the log says of it.
struct Failure {
  const char* name;
  const char* says;
  // Of a server whose stream is at `endpoint`.
  std::function<TokenServer::Reply(const std::string& endpoint, TokenServer&)>
      reply;
};

class BrokenToken : public VenueSessionTest,
                    public ::testing::WithParamInterface<Failure> {};

INSTANTIATE_TEST_SUITE_P(
    , BrokenToken,
    ::testing::Values(
        Failure{
            "Http500", "/api/v1/bullet-public: status 500",
            [](const std::string& endpoint, TokenServer&) {
              return TokenServer::Reply{500, kucoin_answer("hush", endpoint)};
            }},
        Failure{"Malformed", "token: the answer is malformed",
                [](const std::string& endpoint, TokenServer&) {
                  return good(kucoin_answer("hush", endpoint).substr(0, 60));
                }},
        Failure{"Empty", "token: the answer is malformed",
                [](const std::string&, TokenServer&) { return good(""); }},
        Failure{"Refused", "refused with code 429000: Too Many Requests",
                [](const std::string&, TokenServer&) {
                  return good(R"({"code":"429000","msg":"Too Many Requests"})");
                }},
        Failure{"NoToken", "token: the answer has none",
                [](const std::string& endpoint, TokenServer&) {
                  return good(kucoin_answer("", endpoint));
                }},
        Failure{"NoServer", "token: the answer names no server",
                [](const std::string&, TokenServer&) {
                  return good(R"({"code":"200000","data":{"token":"hush"}})");
                }},
        Failure{"NotAUrl", "the scheme is none of",
                [](const std::string&, TokenServer&) {
                  return good(kucoin_answer("hush", "ftp://a"));
                }},
        Failure{"HasAQuery", "the server's endpoint has a query already",
                [](const std::string& endpoint, TokenServer&) {
                  return good(kucoin_answer("hush", endpoint + "?a=b"));
                }},
        Failure{"TooLong", "the body is longer than 65536 bytes",
                [](const std::string& endpoint, TokenServer&) {
                  return good(kucoin_answer("hush", endpoint) +
                              std::string(65'536, ' '));
                }},
        Failure{"OtherScheme", "the scheme must be ws",
                [](const std::string&, TokenServer&) {
                  return good(kucoin_answer("hush", "wss://127.0.0.1/"));
                }},
        // As long as the client waits: ten seconds.
        Failure{"Timeout", "no response",
                [](const std::string&, TokenServer& rest) {
                  rest.hang();
                  return good("");
                }}),
    [](const ::testing::TestParamInfo<Failure>& each) {
      return std::string(each.param.name);
    });

TEST_P(BrokenToken, IsAFailedAttemptAfterWhichItIsAskedForAnew) {
  StreamServer stream;
  std::atomic<int> asked{0};
  const int broken = GetParam().name == std::string("Timeout") ? 1 : 2;
  TokenServer rest([&](const httplib::Request&) {
    return ++asked <= broken ? GetParam().reply(stream.url(), rest)
                             : good(kucoin_answer("right", stream.url()));
  });
  start(kucoin(rest.url()));
  ASSERT_TRUE(run_until([&] { return stream.texts.size() == 1; })) << log();
  EXPECT_GT(asked, broken);
  EXPECT_THAT(stream.upgrades.all(), Each(HasSubstr("token=right&")));
  EXPECT_THAT(log(), HasSubstr(GetParam().says));
  EXPECT_THAT(log(), Not(HasSubstr("hush")));
  EXPECT_THAT(log(), Not(HasSubstr("right")));
}

TEST_F(VenueSessionTest, WithoutARestServerItTriesAgain) {
  start(kucoin("http://127.0.0.1:" + std::to_string(testing::refusing_port())));
  const auto failures = [&] {
    int count = 0;
    const std::string text = log();
    for (std::size_t at = 0;
         (at = text.find("no response", at)) != std::string::npos; ++at) {
      ++count;
    }
    return count;
  };
  EXPECT_TRUE(run_until([&] { return failures() >= 2; })) << log();
}

// ---- Credentials by file

class Credentials : public VenueSessionTest {
 protected:
  // As a whole, as a careful writer does it.
  void write(const std::string& text) {
    std::ofstream(path + ".new") << text;
    ASSERT_EQ(std::rename((path + ".new").c_str(), path.c_str()), 0);
  }
  void TearDown() override {
    VenueSessionTest::TearDown();
    std::filesystem::remove(path);
  }

  const std::string path = ::testing::TempDir() + "/session_credentials.toml";
};

TEST_F(Credentials, ARotatedTokenIsTakenByTheNextConnection) {
  std::atomic<bool> die{false};
  StreamServer stream([&](const std::string&) {
    return std::string(die.exchange(false) ? "die" : "");
  });
  write("token = \"first\"\n");
  die = true;
  ASSERT_TRUE(create(kraken_orders(stream.url(), path)).ok());
  write("token = \"second\"\n");
  session->start();
  ASSERT_TRUE(run_until([&] { return stream.texts.size() == 2; })) << log();
  EXPECT_THAT(stream.texts.all(), Each(HasSubstr("\"token\":\"second\"")));
  EXPECT_THAT(log(), Not(HasSubstr("second")));
}

TEST_F(Credentials, AFileThatIsWrongFailsTheAttempts) {
  std::atomic<bool> die{true};
  StreamServer stream([&](const std::string&) {
    return std::string(die.exchange(false) ? "die" : "");
  });
  write("token = \"first\"\n");
  start(kraken_orders(stream.url(), path));
  ASSERT_TRUE(run_until([&] { return stream.texts.size() == 1; })) << log();
  const struct {
    const char* text;
    const char* says;
  } wrong[] = {{"token = hush\n", "credentials are not TOML"},
               {"hush = \"hush\"\n", "is not a known key"},
               {"", "neither a token nor a key and its secret"}};
  for (const auto& each : wrong) {
    write(each.text);
    ASSERT_TRUE(run_until([&] {
      return log().find(each.says) != std::string::npos;
    })) << log();
  }
  write("token = \"second\"\n");
  ASSERT_TRUE(run_until([&] { return stream.texts.size() == 2; })) << log();
  EXPECT_THAT(stream.texts.all()[1], HasSubstr("\"token\":\"second\""));
}

TEST_F(Credentials, WrongOnesAreNoStart) {
  const VenueConfig config = kraken_orders("ws://127.0.0.1:1/", path);
  EXPECT_THAT(create(config).ToString(), HasSubstr("cannot be opened"));
  write("");
  EXPECT_THAT(create(config).ToString(),
              HasSubstr("neither a token nor a key and its secret"));
  write("key = \"k\"\nsecret = \"YW55\"\n");
  EXPECT_THAT(create(config).ToString(), HasSubstr("rest_url is missing"));
  write("key = \"k\"\nsecret = \"no base64\"\n");
  EXPECT_THAT(create(config).ToString(), HasSubstr("has a blank"));
}

TEST_F(Credentials, AKeyAndItsSecretGetATokenForEachConnection) {
  StreamServer stream([](const std::string&) { return "die"; });
  std::atomic<int> given{0};
  TokenServer rest([&](const httplib::Request& request) {
    EXPECT_EQ(request.path, "/0/private/GetWebSocketsToken");
    EXPECT_EQ(request.get_header_value("API-Key"), "k3y");
    EXPECT_NE(request.get_header_value("API-Sign"), "");
    EXPECT_THAT(request.get_param_value("nonce"), Not(""));
    return TokenServer::Reply{200, R"({"error":[],"result":{"token":"hush)" +
                                       std::to_string(++given) +
                                       R"(","expires":900}})"};
  });
  write("key = \"k3y\"\nsecret = \"aHVzaA==\"\n");
  VenueConfig config = kraken_orders(stream.url(), path);
  config.rest_url = rest.url();
  start(config);
  ASSERT_TRUE(run_until([&] { return stream.texts.size() >= 2; })) << log();
  EXPECT_THAT(stream.texts.all()[0], HasSubstr("\"token\":\"hush1\""));
  EXPECT_THAT(stream.texts.all()[1], HasSubstr("\"token\":\"hush2\""));
  for (const char* secret : {"hush", "k3y", "aHVzaA=="}) {
    EXPECT_THAT(log(), Not(HasSubstr(secret)));
  }
}

TEST_F(Credentials, ATokenThatIsNotGivenIsAFailedAttempt) {
  StreamServer stream;
  const std::vector<TokenServer::Reply> wrong = {
      {500, R"({"error":[],"result":{"token":"hush"}})"},
      {200, R"({"error":[],"result":{"token":"hush)"},
      {200, R"({"error":["EAPI:Invalid key k3y!"]})"},
      {200, R"({"error":[],"result":{}})"}};
  std::atomic<std::size_t> asked{0};
  TokenServer rest([&](const httplib::Request&) {
    const std::size_t i = asked++;
    return i < wrong.size()
               ? wrong[i]
               : good(R"({"error":[],"result":{"token":"right"}})");
  });
  write("key = \"k3y\"\nsecret = \"aHVzaA==\"\n");
  VenueConfig config = kraken_orders(stream.url(), path);
  config.rest_url = rest.url();
  start(config);
  ASSERT_TRUE(run_until([&] { return stream.texts.size() == 1; })) << log();
  EXPECT_THAT(stream.texts.all()[0], HasSubstr("\"token\":\"right\""));
  for (const char* says :
       {"GetWebSocketsToken: status 500", "token: the answer is malformed",
        "token: refused: EAPI:Invalid key ...!",
        "token: the answer has none"}) {
    EXPECT_THAT(log(), HasSubstr(says));
  }
  EXPECT_THAT(log(), Not(HasSubstr("hush")));
  EXPECT_THAT(log(), Not(HasSubstr("k3y")));
}

// A FIFO holds up whoever opens it until somebody writes to it.
TEST_F(Credentials, AreNotReadOnTheNetworkThread) {
  StreamServer stream;
  write("token = \"first\"\n");
  ASSERT_TRUE(create(kraken_orders(stream.url(), path)).ok());
  ASSERT_EQ(std::remove(path.c_str()), 0);
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  session->start();
  for (int i = 0; i < 10; ++i) turn();
  EXPECT_EQ(session->status_text(), "connecting");
  EXPECT_EQ(stream.upgrades.size(), 0u);
  // Waits for its reader.
  const int fifo = open(path.c_str(), O_WRONLY | O_CLOEXEC);
  ASSERT_GE(fifo, 0);
  write("token = \"second\"\n");
  close(fifo);
  ASSERT_TRUE(run_until([&] { return stream.texts.size() == 1; })) << log();
  EXPECT_THAT(stream.texts.all()[0], HasSubstr("\"token\":\"second\""));
}

TEST_F(Credentials, ARefusedTokenIsReadAnew) {
  StreamServer stream([](const std::string& text) {
    return text.find("\"token\":\"first\"") == std::string::npos
               ? std::string()
               : R"({"error":"EAPI:Invalid token first","method":"subscribe",)"
                 R"("success":false,"time_in":"2026-01-01T00:00:00.0Z",)"
                 R"("time_out":"2026-01-01T00:00:00.0Z"})";
  });
  write("token = \"first\"\n");
  start(kraken_orders(stream.url(), path));
  ASSERT_TRUE(run_until([&] {
    return log().find("EAPI:Invalid token ...") != std::string::npos;
  })) << log();
  write("token = \"second\"\n");
  ASSERT_TRUE(run_until([&] {
    const auto texts = stream.texts.all();
    return texts.back().find("\"token\":\"second\"") != std::string::npos;
  })) << log();
}

// Its book asks for a snapshot first, which no refused client needs.
TEST_F(Credentials, AreReadAnewWhereASnapshotComesByRest) {
  StreamServer stream([](const std::string& text) {
    return text.find("\"key\":\"first\"") == std::string::npos
               ? std::string()
               : R"({"type":"error","message":"Authentication Failed",)"
                 R"("reason":"who is first?"})";
  });
  const std::string rest = "passphrase = \"pass\"\nsecret = \"c2VjcmV0\"\n";
  write("key = \"first\"\n" + rest);
  VenueConfig config = kraken_orders(stream.url(), path);
  config.id = VenueId::kCoinbaseExchange;
  config.name = "coinbase-exchange";
  config.symbols = {"BTC-USD"};
  config.rest_url = "http://127.0.0.1:1";
  start(config);
  ASSERT_TRUE(run_until([&] {
    return log().find("Authentication Failed") != std::string::npos;
  })) << log();
  write("key = \"second\"\n" + rest);
  ASSERT_TRUE(run_until([&] {
    const auto texts = stream.texts.all();
    return texts.back().find("\"key\":\"second\"") != std::string::npos;
  })) << log();
}

// The refusal is then of something else than the credentials.
TEST_F(Credentials, ARefusalBesideALiveBookEndsNoConnection) {
  const auto book = [](const char* symbol, const char* checksum) {
    return server_frame(
        0x1, std::string(R"({"channel":"level3","type":"snapshot","data":[)") +
                 R"({"symbol":")" + symbol + R"(","checksum":)" + checksum +
                 R"(,"bids":[],"asks":[]}]})");
  };
  Shown texts;
  ScriptedServer stream([&](Peer& peer) {
    const std::string request = peer.read_request();
    peer.send(Peer::upgrade_response(request));
    for (;;) {
      const ClientFrame frame = peer.read_frame();
      if (frame.first_byte < 0 || frame.opcode() == 0x8) return;
      texts.add(frame.payload);
      if (texts.size() > 1) continue;
      peer.send(book("BTC/USD", "0"));
      peer.send(server_frame(
          0x1, R"({"error":"Exceeded msg rate","method":"subscribe",)"
               R"("success":false,"time_in":"2026-01-01T00:00:00.0Z",)"
               R"("time_out":"2026-01-01T00:00:00.0Z"})"));
      peer.send(book("ETH/USD", "1"));
    }
  });
  write("token = \"first\"\n");
  VenueConfig config = kraken_orders(stream.url(), path);
  config.symbols = {"BTC/USD", "ETH/USD"};
  start(config);
  ASSERT_TRUE(run_until([&] { return texts.size() >= 2; })) << log();
  EXPECT_THAT(log(), HasSubstr("Exceeded msg rate"));
  EXPECT_EQ(session->view(0).state, BookState::kLive);
  EXPECT_EQ(stream.connections(), 1) << log();
  EXPECT_THAT(log(), Not(HasSubstr("connecting anew")));
}

}  // namespace
}  // namespace wirebook
