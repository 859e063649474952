// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

// `lob_node run` against the simulated exchange, both as processes, over real
// sockets: live flow, recordings replayed over the wire, and what goes wrong.

#include "apps/lob_node/run.h"

#include <arpa/inet.h>
#include <httplib.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <poll.h>
#include <simdjson.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <string>
#include <thread>
#include <type_traits>
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
  // Of one that was given --tls-ca.
  std::string tls_address() {
    const std::string prefix = "with TLS on ";
    EXPECT_TRUE(process_.wait_for_output(prefix, kPatienceMs));
    const std::string out = process_.out();
    const size_t begin = out.find(prefix) + prefix.size();
    return out.substr(begin, out.find('\n', begin) - begin);
  }
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
  // Until it has handled what was sent to it.
  void wait_until_idle() { process_.wait_until_idle(5'000); }
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
    const std::string mode = GetParam();
    // However long a thread is kept from its CPU, nothing is to be dropped.
    return "pipeline = \"" + mode + "\"\nwait = \"sleep\"\n" +
           (mode == "staged"        ? "ring_capacity = 65536\n"
            : mode == "two-threads" ? "ring_capacity = 8192\n"
                                    : "");
  }
};

INSTANTIATE_TEST_SUITE_P(, RunPipeline,
                         ::testing::Values("fused", "staged", "two-threads"));

TEST_P(RunPipeline, BooksEqualTheExchangesOwn) {
  Exchange exchange({"--seed=7", "--seconds=2", "--rate=500", "--fragment"});
  RunningNode node(
      head() + binance_table(exchange.address(), "\"BTCUSDT\", \"ETHUSDT\"") +
      kraken_table(exchange.address(), "\"BTC/USD\", \"ETH/USD\"", 25));
  ASSERT_TRUE(exchange.wait_until_quiesced());
  node.wait_until_idle();
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

TEST_P(RunPipeline, BooksOverTlsEqualTheExchangesOwn) {
  const std::string authority = temporary("exchange_ca.pem");
  Exchange exchange({"--seed=7", "--seconds=2", "--rate=500",
                     "--wait-for-client", "--symbols-kraken=BTC/USD",
                     "--tls-ca=" + authority});
  std::string venue = kraken_table(exchange.tls_address(), "\"BTC/USD\"", 25);
  venue.replace(venue.find("ws://"), 5, "wss://");
  setenv("SSL_CERT_FILE", authority.c_str(), 1);
  RunningNode node(head() + venue);
  unsetenv("SSL_CERT_FILE");
  ASSERT_TRUE(exchange.wait_until_quiesced()) << node.err();
  node.wait_until_idle();
  ASSERT_EQ(node.end(), 0) << node.err();
  for (const element each : node.report()) {
    EXPECT_EQ(number(each, "hot_path_heap_allocations"), 0u);
    for (const element book : each["books"]) {
      EXPECT_EQ(text(book, "state"), "Live") << node.err();
      EXPECT_EQ(number(book, "checksums_bad"), 0u);
      EXPECT_GT(number(book, "updates_applied"), 5u);
    }
  }
  ChildProcess compare({kCompare, "--truth=http://" + exchange.address(),
                        "--dump=" + temporary("dump.csv"), "--expect=BTC/USD",
                        "--depth=BTC/USD=25"});
  EXPECT_EQ(compare.wait(), 0) << compare.out();
  EXPECT_EQ(exchange.end(), 0);
}

// Two connections (A/B), each replaced while the books go on.
TEST_P(RunPipeline, ConnectionsMergeAndRollOverWithoutAGap) {
  Exchange exchange(
      {"--seed=7", "--seconds=4", "--rate=500", "--symbols-binance=BTCUSDT"});
  RunningNode node(head() + binance_table(exchange.address(), "\"BTCUSDT\"") +
                   "connections = 2\nrollover_after_ms = 1500\n"
                   "line_patience_ms = 60000\n");
  ASSERT_TRUE(node.wait_for_error_output("rolled over")) << node.err();
  ASSERT_TRUE(exchange.wait_until_quiesced());
  node.wait_until_idle();
  ASSERT_EQ(node.end(), 0) << node.err();
  const element book = node.report().at(0)["books"].at(0);
  EXPECT_EQ(text(book, "state"), "Live") << node.err();
  EXPECT_EQ(number(book, "gaps"), 0u);
  EXPECT_EQ(number(book, "resyncs"), 0u);
  EXPECT_GT(number(book, "updates_applied"), 5u);
  std::uint64_t duplicates = 0;
  std::uint64_t used = 0;
  for (const element line : book["lines"]) {
    duplicates += number(line, "duplicates");
    used += number(line, "won") + number(line, "duplicates") > 0 ? 1 : 0;
  }
  EXPECT_EQ(used, 4u) << "two connections, each with two legs";
  EXPECT_GT(duplicates, 5u);
  ChildProcess compare({kCompare, "--truth=http://" + exchange.address(),
                        "--dump=" + temporary("dump.csv"), "--expect=BTCUSDT"});
  EXPECT_EQ(compare.wait(), 0) << compare.out();
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
    node_->wait_until_idle();
    EXPECT_EQ(node_->end(), 0) << node_->err();
    return node_->report().at(0);
  }

  // The BBO log without its last two columns: the connection's name, the state.
  static std::vector<std::string> bbo_lines(const std::string& path) {
    std::vector<std::string> lines;
    std::ifstream file(path);
    for (std::string line; std::getline(file, line);) {
      const size_t state = line.rfind(',');
      lines.push_back(line.substr(0, line.rfind(',', state - 1)));
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
  // `serve` gets the connection, or the first two, and closes nothing.
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
      if constexpr (std::is_invocable_v<Serve, int, int>) {
        const int second = accept(listener_, nullptr, nullptr);
        serve(connection, second);
        ::close(second);
      } else {
        serve(connection);
      }
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
  EXPECT_EQ(text(node.report().at(0)["books"].at(0), "state"), "Empty");
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

// Reads an upgrade request and answers it (RFC 6455, section 4.2.2).
void accept_upgrade(int connection) {
  std::string request;
  while (request.find("\r\n\r\n") == std::string::npos) {
    char bytes[1024];
    const ssize_t n = ::read(connection, bytes, sizeof(bytes));
    ASSERT_GT(n, 0);
    request.append(bytes, static_cast<std::size_t>(n));
  }
  const std::string field = "Sec-WebSocket-Key: ";
  const std::size_t begin = request.find(field) + field.size();
  const std::string key =
      request.substr(begin, request.find('\r', begin) - begin) +
      "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  unsigned char digest[20];
  ASSERT_EQ(
      EVP_Digest(key.data(), key.size(), digest, nullptr, EVP_sha1(), nullptr),
      1);
  unsigned char accept[32] = {};
  EVP_EncodeBlock(accept, digest, sizeof(digest));
  const std::string answer =
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
      "Connection: Upgrade\r\nSec-WebSocket-Accept: " +
      std::string(reinterpret_cast<char*>(accept)) + "\r\n\r\n";
  ASSERT_EQ(::write(connection, answer.data(), answer.size()),
            static_cast<ssize_t>(answer.size()));
}

// A text frame of a server.
std::string text_frame(const std::string& payload) {
  std::string frame = "\x81\x7e";
  frame += static_cast<char>(payload.size() >> 8);
  frame += static_cast<char>(payload.size() & 0xff);
  return frame + payload;
}

// Ten levels a side would be checked by its sum; one is enough for a sum.
constexpr char kKrakenSnapshot[] =
    R"({"channel":"book","type":"snapshot","data":[{"symbol":"BTC/USD",)"
    R"("bids":[{"price":100.5,"qty":1.00000000}],)"
    R"("asks":[{"price":101.5,"qty":2.00000000}],"checksum":%u,)"
    R"("timestamp":"2026-01-01T00:00:00.000000Z"}]})";

constexpr char kKrakenUpdate[] =
    R"({"channel":"book","type":"update","data":[{"symbol":"BTC/USD",)"
    R"("bids":[{"price":100.5,"qty":3.00000000}],"asks":[],"checksum":%u,)"
    R"("timestamp":"2026-01-01T00:00:01.000000Z"}]})";

// zlib's polynomial, bit by bit.
std::uint32_t crc_of(const std::string& text_of_levels) {
  std::uint32_t crc = ~0u;
  for (const char c : text_of_levels) {
    crc ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) {
      crc = crc >> 1 ^ (0xEDB88320u & (0u - (crc & 1)));
    }
  }
  return ~crc;
}

TEST(Run, ServerThatClosesInMidFrameLeavesNoLiveBookAndNoHalfUpdate) {
  OneShotServer server([](int connection) {
    accept_upgrade(connection);
    char snapshot[512];
    std::snprintf(snapshot, sizeof(snapshot), kKrakenSnapshot,
                  crc_of("10152000000001005100000000"));
    const std::string whole = text_frame(snapshot);
    const std::string bytes = whole + whole.substr(0, whole.size() / 2);
    ASSERT_EQ(::write(connection, bytes.data(), bytes.size()),
              static_cast<ssize_t>(bytes.size()));
  });
  RunningNode node(kraken_table(server.address(), "\"BTC/USD\"", 10));
  ASSERT_TRUE(node.wait_for_error_output("without a close frame"))
      << node.err();
  EXPECT_EQ(node.end(), 0) << node.err();
  const element book = node.report().at(0)["books"].at(0);
  EXPECT_EQ(text(book, "state"), "Gapped");
  EXPECT_EQ(text(book, "reason"), "connection_lost");
  EXPECT_EQ(number(book, "checksums_ok"), 1u);
  EXPECT_EQ(number(book, "checksums_bad"), 0u);
}

// Kraken's ids are of no use on another connection, so that each has a book.
TEST(Run, BookOfAnotherConnectionTakesOverFromALostOne) {
  std::atomic<bool> loss_seen{false};
  OneShotServer server([&](int first, int second) {
    char snapshot[512];
    std::snprintf(snapshot, sizeof(snapshot), kKrakenSnapshot,
                  crc_of("10152000000001005100000000"));
    const std::string whole = text_frame(snapshot);
    for (const int connection : {first, second}) {
      accept_upgrade(connection);
      ASSERT_EQ(::write(connection, whole.data(), whole.size()),
                static_cast<ssize_t>(whole.size()));
    }
    ASSERT_EQ(::shutdown(first, SHUT_RDWR), 0);
    while (!loss_seen) usleep(1'000);
    char update[512];
    std::snprintf(update, sizeof(update), kKrakenUpdate,
                  crc_of("10152000000001005300000000"));
    const std::string change = text_frame(update);
    ASSERT_EQ(::write(second, change.data(), change.size()),
              static_cast<ssize_t>(change.size()));
    // Until the node closes, which is answered (RFC 6455, section 5.5.1).
    unsigned char bytes[1024];
    while (::read(second, bytes, sizeof(bytes)) > 0 && bytes[0] != 0x88) {
    }
    ASSERT_EQ(::write(second, "\x88\x02\x03\xe8", 4), 4);
  });
  RunningNode node(kraken_table(server.address(), "\"BTC/USD\"", 10) +
                   "connections = 2\n");
  EXPECT_TRUE(node.wait_for_error_output("without a close frame"))
      << node.err();
  loss_seen = true;
  node.wait_until_idle();
  EXPECT_EQ(node.end(), 0) << node.err();
  const element books = node.report().at(0)["books"];
  ASSERT_EQ(books.get_array().size(), 2u);
  EXPECT_EQ(text(books.at(0), "connection"), "kraken");
  EXPECT_EQ(text(books.at(1), "connection"), "kraken/2");
  // The kernel decides which of them the server took for the first.
  const bool second_left = text(books.at(0), "state") == "Gapped";
  const element left = books.at(second_left ? 1 : 0);
  EXPECT_EQ(text(books.at(second_left ? 0 : 1), "state"), "Gapped");
  EXPECT_EQ(text(left, "state"), "Live");
  EXPECT_EQ(number(left, "updates_applied"), 1u);
  std::ifstream log(temporary("bbo.csv"));
  std::string line;
  for (std::string next; std::getline(log, next);) line = next;
  EXPECT_EQ(line, "BTC/USD,,100.5,3.00000000,101.5,2.00000000,spot," +
                      text(left, "connection") + ",Live");
}

TEST(Run, PeerThatNeverAnswersTheCloseDoesNotHoldTheEnd) {
  OneShotServer server([](int connection) {
    accept_upgrade(connection);
    char bytes[1024];
    while (::read(connection, bytes, sizeof(bytes)) > 0) {
    }
  });
  RunningNode node(kraken_table(server.address(), "\"BTC/USD\"", 10));
  ASSERT_TRUE(node.wait_for_error_output("connected")) << node.err();
  EXPECT_EQ(node.end(), 0) << node.err();
}

TEST(Run, MuteConnectionMakesItsBooksStaleAndIsMadeAnew) {
  OneShotServer server([](int connection) {
    accept_upgrade(connection);
    char bytes[1024];
    while (::read(connection, bytes, sizeof(bytes)) > 0) {
    }
  });
  RunningNode node(kraken_table(server.address(), "\"BTC/USD\"", 10) +
                   "stale_after_ms = 300\n");
  EXPECT_TRUE(node.wait_for_error_output("nothing heard")) << node.err();
  EXPECT_EQ(node.end(), 0) << node.err();
  EXPECT_NE(text(node.report().at(0)["books"].at(0), "state"), "Live");
}

TEST(Run, ExchangeThatDiesLeavesNoLiveBook) {
  Exchange exchange({"--seed=3", "--rate=200"});
  RunningNode node(kraken_table(exchange.address(), "\"BTC/USD\"", 10));
  ASSERT_TRUE(node.wait_for_error_output("connected")) << node.err();
  usleep(400'000);  // books are Live
  exchange.kill();
  ASSERT_TRUE(node.wait_for_error_output("without a close frame"))
      << node.err();
  EXPECT_EQ(node.end(), 0);
  const element book = node.report().at(0)["books"].at(0);
  EXPECT_EQ(text(book, "state"), "Gapped");
  EXPECT_EQ(text(book, "reason"), "connection_lost");
  EXPECT_GT(number(book, "updates_applied"), 0u);
}

TEST(Run, SubscriptionThatTheVenueRefusesIsSaid) {
  Exchange exchange({"--seed=3", "--rate=200"});
  RunningNode node(kraken_table(exchange.address(), "\"NO/SUCH\"", 10));
  ASSERT_TRUE(node.wait_for_error_output("the venue refuses NO/SUCH: {"))
      << node.err();
  EXPECT_EQ(node.end(), 0);
  const element book = node.report().at(0)["books"].at(0);
  EXPECT_EQ(text(book, "state"), "Halted");
  EXPECT_EQ(text(book, "reason"), "venue_refused");
}

TEST(Run, BooksSurviveTheFaultsOfAnExchangeThatHasSome) {
  Exchange exchange({"--seed=5", "--seconds=2", "--rate=400", "--batch-ms=10",
                     "--levels=60", "--symbols-okx=BTC-USDT",
                     "--symbols-bybit=ETHUSDT", "--fault=gap",
                     "--wait-for-client"});
  const auto table = [&](const char* id, const char* path, const char* symbol) {
    return std::string("[[venue]]\nid = \"") + id + "\"\nurl = \"ws://" +
           exchange.address() + path + "\"\nsymbols = [\"" + symbol + "\"]\n";
  };
  RunningNode node(table("okx", "/ws/v5/public", "BTC-USDT") +
                   table("bybit", "/v5/public/linear", "ETHUSDT"));
  ASSERT_TRUE(exchange.wait_until_quiesced());
  node.wait_until_idle();
  ASSERT_EQ(node.end(), 0) << node.err();
  for (const element venue : node.report()) {
    const element book = venue["books"].at(0);
    EXPECT_EQ(text(book, "state"), "Live") << text(book, "symbol");
    EXPECT_EQ(number(book, "gaps"), 2u);
    EXPECT_EQ(number(book, "resyncs"), 2u);
  }
  ChildProcess compare({kCompare, "--truth=http://" + exchange.address(),
                        "--dump=" + temporary("dump.csv"), "--expect=BTC-USDT",
                        "--expect=ETHUSDT"});
  EXPECT_EQ(compare.wait(), 0) << compare.out();
}

// ---- Instruments ------------------------------------------------------------

constexpr char kAsked[] = "instruments = \"venue\"\n";

TEST(Run, InstrumentsComeFromTheVenues) {
  Exchange exchange({"--seed=7", "--seconds=3", "--rate=300"});
  RunningNode node(
      "wait = \"sleep\"\n" + binance_table(exchange.address(), "\"BTCUSDT\"") +
      kAsked + kraken_table(exchange.address(), "\"BTC/USD\"", 25) + kAsked);
  ASSERT_TRUE(exchange.wait_until_quiesced());
  node.wait_until_idle();
  ASSERT_EQ(node.end(), 0) << node.err();
  EXPECT_THAT(node.err(), HasSubstr("binance-spot: BTCUSDT: tick 0.01000000, "
                                    "lot 0.00001000, trading"));
  EXPECT_THAT(node.err(), HasSubstr("kraken: BTC/USD: tick 0.10000000, "
                                    "lot 0.00000001, trading"));
  for (const element venue : node.report()) {
    EXPECT_EQ(text(venue["books"].at(0), "state"), "Live");
    EXPECT_EQ(number(venue["books"].at(0), "gaps"), 0u);
  }
  EXPECT_EQ(exchange.end(), 0);
}

// What `lob_node run` says of a configuration that it cannot start with.
std::string refusal_of(const std::string& config) {
  ChildProcess node({kNode, "run", "--config=" + write_config(config)});
  EXPECT_EQ(node.wait(), 1);
  return node.err();
}

TEST(Run, WithoutItsInstrumentsTheNodeDoesNotStart) {
  Exchange exchange(
      {"--seed=7", "--symbols-binance=BTCUSDT", "--symbols-kraken=BTC/USD"});
  EXPECT_THAT(
      refusal_of(binance_table(exchange.address(), "\"BTCUSDT\", \"NOTONE\"") +
                 kAsked),
      HasSubstr("/api/v3/exchangeInfo?symbol=NOTONE: status 400: "
                "{\"code\":-1121,\"msg\":\"Invalid symbol.\"}"));
  EXPECT_THAT(
      refusal_of(kraken_table(exchange.address(), "\"NOT/ONE\"", 25) + kAsked),
      HasSubstr("kraken: the venue lists no instrument \"NOT/ONE\""));
  EXPECT_EQ(exchange.end(), 0);
  OneShotServer mute([](int) {});
  EXPECT_THAT(
      refusal_of(kraken_table(mute.address(), "\"BTC/USD\"", 25) + kAsked),
      HasSubstr("kraken: instruments: ws://" + mute.address() + "/v2: "));
}

constexpr char kOkxBook[] =
    R"({"arg":{"channel":"books","instId":"X-USDT"},"action":"%s","data":[{)"
    R"("asks":[["2","1","0","1"]],"bids":[["%s","5","0","1"]],"ts":"1",)"
    R"("seqId":%d,"prevSeqId":%d}]})";

void send_okx(int connection, const char* action, const char* bid, int id,
              int previous) {
  char payload[512];
  std::snprintf(payload, sizeof(payload), kOkxBook, action, bid, id, previous);
  const std::string frame = text_frame(payload);
  static_cast<void>(
      ::send(connection, frame.data(), frame.size(), MSG_NOSIGNAL));
}

// The tick becomes smaller than the decimals that books are kept with: the book
// is not Live until the venue was asked again and a snapshot came.
TEST(Run, ASmallerTickIsAskedForAndTakesANewSnapshot) {
  std::atomic<int> asked{0};
  std::atomic<int> snapshots{0};
  httplib::Server rest;
  rest.Get("/api/v5/public/instruments", [&](const httplib::Request& request,
                                             httplib::Response& response) {
    EXPECT_EQ(request.get_param_value("instId"), "X-USDT");
    const char* const tick = asked++ == 0 ? "0.00000001" : "0.0000000001";
    response.set_content(
        std::string(R"({"code":"0","data":[{"instId":"X-USDT","lotSz":"1",)") +
            R"("state":"live","tickSz":")" + tick + R"("}]})",
        "application/json");
  });
  const int port = rest.bind_to_any_port("127.0.0.1");
  std::thread serving([&] { rest.listen_after_bind(); });
  {
    OneShotServer stream([&](int connection) {
      accept_upgrade(connection);
      send_okx(connection, "snapshot", "1.5", 1, -1);
      send_okx(connection, "update", "1.5000000001", 2, 1);
      // Snapshots from then on, until the node is gone.
      for (int id = 10;; ++id, ++snapshots) {
        pollfd readable{.fd = connection, .events = POLLIN, .revents = 0};
        unsigned char bytes[4096];
        if (poll(&readable, 1, 50) > 0) {
          if (::read(connection, bytes, sizeof(bytes)) <= 0) return;
          if (bytes[0] == 0x88) {  // answered: RFC 6455, section 5.5.1
            ASSERT_EQ(::write(connection, "\x88\x02\x03\xe8", 4), 4);
            return;
          }
        }
        send_okx(connection, "snapshot", "1.5000000001", id, -1);
      }
    });
    RunningNode node(
        "[[venue]]\nid = \"okx\"\nurl = \"ws://" + stream.address() +
        "/\"\nrest_url = \"http://127.0.0.1:" + std::to_string(port) +
        "\"\nsymbols = [\"X-USDT\"]\n" + kAsked);
    EXPECT_TRUE(node.wait_for_error_output(
        "okx: X-USDT: tick 0.0000000001, lot 1.00000000, trading"))
        << node.err();
    // The second of these was sent after the answer.
    const int before = snapshots;
    for (int i = 0; i < kPatienceMs && snapshots < before + 2; ++i) {
      usleep(1'000);
    }
    node.wait_until_idle();
    EXPECT_EQ(node.end(), 0) << node.err();
    EXPECT_THAT(node.err(), HasSubstr("okx: X-USDT: tick 0.00000001, lot"));
    const element book = node.report().at(0)["books"].at(0);
    EXPECT_EQ(text(book, "state"), "Live") << node.err();
    EXPECT_EQ(std::string(book["best_bid"].at(0).get_string().value()),
              "1.5000000001");
    EXPECT_GE(number(book, "gaps"), 1u);
  }
  EXPECT_EQ(asked.load(), 2);
  rest.stop();
  serving.join();
}

TEST(Run, WrongConfigurationIsRefused) {
  ChildProcess node({kNode, "run", "--config=" + write_config("depht = 1\n")});
  EXPECT_EQ(node.wait(), 1);
  EXPECT_THAT(node.err(), HasSubstr("node.toml:1: depht"));
}

}  // namespace
}  // namespace wirebook
