// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

// `lob_node run` against the simulated exchange, both as processes, over real
// sockets: live flow, recordings replayed over the wire, and what goes wrong.

#include "apps/lob_node/run.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <simdjson.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "apps/lob_node/testing/child_process.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace wirebook {
namespace {

using simdjson::dom::element;
using ::testing::HasSubstr;

constexpr char kNode[] = "apps/lob_node/lob_node";
constexpr char kSim[] = "tools/exchange_sim/exchange_sim";
constexpr char kCompare[] = "tools/exchange_sim/compare_books";
constexpr int kPatienceMs = 60'000;

std::string temporary(const std::string& name) {
  return ::testing::TempDir() + "/" + name;
}

// An exchange_sim that listens.
class Exchange {
 public:
  explicit Exchange(std::vector<std::string> arguments)
      : process_(with_program(std::move(arguments))) {
    EXPECT_TRUE(process_.wait_for_output("\n", kPatienceMs)) << process_.err();
    const std::string prefix = "listening on ";
    const std::string line =
        process_.out().substr(0, process_.out().find('\n'));
    EXPECT_EQ(line.substr(0, prefix.size()), prefix);
    address_ = line.substr(prefix.size());
  }

  const std::string& address() const { return address_; }
  bool wait_until_quiesced() {
    return process_.wait_for_output("quiesced", kPatienceMs);
  }
  int end() {
    process_.signal(SIGTERM);
    return process_.wait();
  }
  void kill() {
    process_.signal(SIGKILL);
    process_.wait();
  }

 private:
  static std::vector<std::string> with_program(
      std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {kSim, "--port=0"});
    return arguments;
  }

  ChildProcess process_;
  std::string address_;
};

std::string binance_table(const std::string& address,
                          const std::string& symbols) {
  return "[[venue]]\nid = \"binance-spot\"\nurl = \"ws://" + address +
         "/stream\"\nrest_url = \"http://" + address + "\"\nsymbols = [" +
         symbols + "]\n";
}

std::string kraken_table(const std::string& address, const std::string& symbols,
                         int depth) {
  return "[[venue]]\nid = \"kraken\"\nurl = \"ws://" + address +
         "/v2\"\nsymbols = [" + symbols +
         "]\ndepth = " + std::to_string(depth) + "\n";
}

std::string write_config(const std::string& text) {
  const std::string path = temporary("node.toml");
  std::ofstream(path) << text;
  return path;
}

// A node that runs until it is told to end.
class RunningNode {
 public:
  explicit RunningNode(const std::string& config)
      : process_({kNode, "run", "--json", "--config=" + write_config(config),
                  "--bbo-log=" + temporary("bbo.csv"),
                  "--dump-book=" + temporary("dump.csv")}) {}

  int end() {
    process_.signal(SIGINT);
    return process_.wait();
  }
  // After end().
  element report() {
    json_ = process_.out();
    return parser_.parse(json_)["venues"];
  }
  std::string err() const { return process_.err(); }
  bool wait_for_error_output(const std::string& text) {
    for (int i = 0; i < kPatienceMs / 5; ++i) {
      if (err().find(text) != std::string::npos) return true;
      usleep(5'000);
    }
    return false;
  }

 private:
  ChildProcess process_;
  std::string json_;
  simdjson::dom::parser parser_;
};

std::string text(const element& object, const char* key) {
  return std::string(object[key].get_string().value());
}

std::uint64_t number(const element& object, const char* key) {
  return object[key].get_uint64();
}

class RunPipeline : public ::testing::TestWithParam<const char*> {
 protected:
  std::string head() const {
    return std::string("pipeline = \"") + GetParam() + "\"\nwait = \"sleep\"\n";
  }
};

INSTANTIATE_TEST_SUITE_P(, RunPipeline, ::testing::Values("fused", "staged"));

TEST_P(RunPipeline, BooksEqualTheExchangesOwn) {
  Exchange exchange({"--seed=7", "--seconds=2", "--rate=500", "--fragment"});
  RunningNode node(
      head() + binance_table(exchange.address(), "\"BTCUSDT\", \"ETHUSDT\"") +
      kraken_table(exchange.address(), "\"BTC/USD\", \"ETH/USD\"", 25));
  ASSERT_TRUE(exchange.wait_until_quiesced());
  usleep(300'000);  // the last messages are on their way
  ASSERT_EQ(node.end(), 0) << node.err();
  for (const element venue : node.report()) {
    for (const element book : venue["books"]) {
      EXPECT_EQ(text(book, "state"), "Live") << text(book, "symbol");
      EXPECT_EQ(number(book, "gaps"), 0u);
      EXPECT_EQ(number(book, "checksums_bad"), 0u);
      EXPECT_GT(number(book, "updates_applied"), 5u);
    }
    EXPECT_EQ(number(venue, "hot_path_heap_allocations"), 0u);
  }
  ChildProcess compare({kCompare, "--truth=http://" + exchange.address(),
                        "--dump=" + temporary("dump.csv"), "--expect=BTCUSDT",
                        "--expect=ETHUSDT", "--expect=BTC/USD",
                        "--expect=ETH/USD", "--depth=BTC/USD=25",
                        "--depth=ETH/USD=25"});
  EXPECT_EQ(compare.wait(), 0) << compare.out();
  EXPECT_THAT(compare.out(), HasSubstr("books equal: 4 books"));
  EXPECT_EQ(exchange.end(), 0);
}

// Recordings over a live socket give what they give in a replay.
class RunRecording : public RunPipeline {
 protected:
  void SetUp() override {
    const char* const folder = std::getenv("WIREBOOK_DATA");
    if (folder == nullptr) GTEST_SKIP() << "WIREBOOK_DATA is not set";
    folder_ = folder;
  }

  // The report of the venue after the whole recording came over the wire;
  // `config_of` makes its table from the exchange's address.
  template <typename ConfigOf>
  element live(const std::string& capture, const std::string& venue,
               ConfigOf config_of) {
    Exchange exchange({"--replay=" + folder_ + "/" + capture,
                       "--venue=" + venue, "--speed=0"});
    node_.emplace(head() + config_of(exchange.address()));
    EXPECT_TRUE(exchange.wait_until_quiesced());
    usleep(300'000);  // the last messages are on their way
    EXPECT_EQ(node_->end(), 0) << node_->err();
    return node_->report().at(0);
  }

  // The BBO log without its last column, which names the connection.
  static std::vector<std::string> bbo_lines(const std::string& path) {
    std::vector<std::string> lines;
    std::ifstream file(path);
    for (std::string line; std::getline(file, line);) {
      lines.push_back(line.substr(0, line.rfind(',')));
    }
    return lines;
  }

  std::vector<std::string> replayed_bbo_lines(const std::string& capture) {
    const std::string log = temporary("replayed.csv");
    ChildProcess replay(
        {kNode, "replay", "--bbo-log=" + log, folder_ + "/" + capture});
    EXPECT_EQ(replay.wait(), 0) << replay.err();
    return bbo_lines(log);
  }

  std::string folder_;
  std::optional<RunningNode> node_;
};

TEST_P(RunRecording, BinanceSpotOverTheWireEqualsItsReplay) {
  const std::string capture = "binance_spot_btcusdt_20240808.lines.gz";
  const element venue =
      live(capture, "binance-spot", [](const std::string& address) {
        return binance_table(address, "\"BTCUSDT\"");
      });
  const element book = venue["books"].at(0);
  EXPECT_EQ(text(book, "state"), "Live");
  EXPECT_EQ(number(book, "updates_applied"), 3'449u);
  EXPECT_EQ(number(book, "gaps"), 0u);
  EXPECT_EQ(number(venue, "dropped"), 0u);
  const std::vector<std::string> lines = bbo_lines(temporary("bbo.csv"));
  EXPECT_EQ(lines.size(), 3'450u);
  EXPECT_TRUE(lines == replayed_bbo_lines(capture));
}

TEST_P(RunRecording, KrakenOverTheWireMatchesEveryChecksum) {
  const auto depth = [](int levels) {
    return [levels](const std::string& address) {
      return kraken_table(address, "\"BTC/USD\"", levels);
    };
  };
  const element deep =
      live("kraken_v2_btcusd_depth25.jsonl.zst", "kraken", depth(25));
  EXPECT_EQ(number(deep["books"].at(0), "checksums_ok"), 2'052u);
  EXPECT_EQ(number(deep["books"].at(0), "checksums_bad"), 0u);
  const element shallow = live(
      "kraken_v2_btcusd_depth10_resubscribes.jsonl.zst", "kraken", depth(10));
  EXPECT_EQ(number(shallow["books"].at(0), "checksums_ok"), 301u);
  EXPECT_EQ(number(shallow["books"].at(0), "checksums_bad"), 0u);
}

INSTANTIATE_TEST_SUITE_P(, RunRecording, ::testing::Values("fused", "staged"));

// A server on loopback that does one thing to whoever connects first.
class OneShotServer {
 public:
  // `serve` gets the connection and closes nothing.
  template <typename Serve>
  explicit OneShotServer(Serve serve)
      : listener_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    EXPECT_EQ(bind(listener_, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(listen(listener_, 1), 0);
    getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this, serve] {
      const int connection = accept(listener_, nullptr, nullptr);
      serve(connection);
      ::close(connection);
    });
  }
  ~OneShotServer() {
    thread_.join();
    ::close(listener_);
  }

  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }

 private:
  int listener_;
  int port_ = 0;
  std::thread thread_;
};

TEST(Run, PortThatRefusesIsSaidAndNoBookIsLive) {
  // Bound, not listening: the kernel refuses.
  const int bound = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  ASSERT_EQ(bind(bound, reinterpret_cast<sockaddr*>(&address), size), 0);
  getsockname(bound, reinterpret_cast<sockaddr*>(&address), &size);
  RunningNode node(
      kraken_table("127.0.0.1:" + std::to_string(ntohs(address.sin_port)),
                   "\"BTC/USD\"", 10));
  EXPECT_TRUE(node.wait_for_error_output("refused")) << node.err();
  EXPECT_EQ(node.end(), 0);
  EXPECT_NE(text(node.report().at(0)["books"].at(0), "state"), "Live");
  ::close(bound);
}

TEST(Run, ServerThatClosesBeforeTheHandshakeIsSaid) {
  OneShotServer server([](int) {});
  RunningNode node(kraken_table(server.address(), "\"BTC/USD\"", 10));
  EXPECT_TRUE(node.wait_for_error_output("kraken: WebSocket ws://"))
      << node.err();
  EXPECT_EQ(node.end(), 0);
  EXPECT_NE(text(node.report().at(0)["books"].at(0), "state"), "Live");
}

TEST(Run, ExchangeThatDiesLeavesNoLiveBook) {
  Exchange exchange({"--seed=3", "--rate=200"});
  RunningNode node(kraken_table(exchange.address(), "\"BTC/USD\"", 10));
  ASSERT_TRUE(node.wait_for_error_output("connected")) << node.err();
  usleep(200'000);
  exchange.kill();
  ASSERT_TRUE(node.wait_for_error_output("without a close frame"))
      << node.err();
  EXPECT_EQ(node.end(), 0);
  const element book = node.report().at(0)["books"].at(0);
  EXPECT_EQ(text(book, "state"), "Gapped");
  EXPECT_EQ(text(book, "reason"), "connection_lost");
}

TEST(Run, DepthThatTheVenueRefusesIsNeverLive) {
  // The node's own check knows the venue's depths, so the refusal comes for a
  // symbol that is not there.
  Exchange exchange({"--seed=3", "--rate=200"});
  RunningNode node(kraken_table(exchange.address(), "\"NO/SUCH\"", 10));
  ASSERT_TRUE(node.wait_for_error_output("connected")) << node.err();
  usleep(300'000);
  EXPECT_EQ(node.end(), 0);
  const element book = node.report().at(0)["books"].at(0);
  EXPECT_NE(text(book, "state"), "Live");
}

TEST(Run, WrongConfigurationIsRefused) {
  ChildProcess node({kNode, "run", "--config=" + write_config("depht = 1\n")});
  EXPECT_EQ(node.wait(), 1);
  EXPECT_THAT(node.err(), HasSubstr("node.toml:1: depht"));
}

}  // namespace
}  // namespace wirebook
