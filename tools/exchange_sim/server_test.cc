// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// Talks to the server over plain sockets, with a WebSocket client and books
// written here.
#include "tools/exchange_sim/server.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <simdjson.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace wirebook::sim {
namespace {

class Socket {
 public:
  explicit Socket(std::uint16_t port, int receive_buffer = 0)
      : fd_(socket(AF_INET, SOCK_STREAM, 0)) {
    const timeval patience{.tv_sec = 20, .tv_usec = 0};
    setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    if (receive_buffer > 0) {
      setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer,
                 sizeof(receive_buffer));
    }
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(
        connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)),
        0);
  }
  ~Socket() { ::close(fd_); }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  void write(std::string_view bytes) {
    ASSERT_EQ(::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
  }

  // Exactly `count` bytes, fewer at the end of the stream.
  std::string read(std::size_t count) {
    while (buffer_.size() < count && fill()) {
    }
    return take(std::min(count, buffer_.size()));
  }

  // Up to and with the blank line.
  std::string read_head() {
    while (buffer_.find("\r\n\r\n") == std::string::npos && fill()) {
    }
    const std::size_t end = buffer_.find("\r\n\r\n");
    return take(end == std::string::npos ? buffer_.size() : end + 4);
  }

 private:
  bool fill() {
    char chunk[65536];
    const ssize_t length = recv(fd_, chunk, sizeof(chunk), 0);
    if (length <= 0) return false;
    buffer_.append(chunk, static_cast<std::size_t>(length));
    return true;
  }

  std::string take(std::size_t count) {
    std::string out = buffer_.substr(0, count);
    buffer_.erase(0, count);
    return out;
  }

  int fd_;
  std::string buffer_;
};

struct Reply {
  int status = 0;
  std::string body;
};

Reply get(std::uint16_t port, const std::string& target,
          const std::string& method = "GET") {
  Socket socket(port);
  socket.write(method + ' ' + target +
               " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  const std::string head = socket.read_head();
  Reply reply;
  reply.status = std::atoi(head.substr(9, 3).c_str());
  reply.body = socket.read(SIZE_MAX);
  return reply;
}

class WebSocket {
 public:
  WebSocket(std::uint16_t port, const std::string& target,
            int receive_buffer = 0)
      : socket_(port, receive_buffer) {
    socket_.write("GET " + target +
                  " HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
                  "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
    head_ = socket_.read_head();
  }

  const std::string& head() const { return head_; }
  int status() const { return std::atoi(head_.substr(9, 3).c_str()); }
  int pings() const { return pings_; }
  int fragments() const { return fragments_; }
  int close_code() const { return close_code_; }

  void send(std::string_view text) { send_frame(0x81, text); }

  // The next text message; empty at the end. Answers pings.
  std::string receive() {
    std::string message;
    while (true) {
      const std::string head = socket_.read(2);
      if (head.size() < 2) return "";
      const auto first = static_cast<unsigned char>(head[0]);
      std::uint64_t length = static_cast<unsigned char>(head[1]);
      EXPECT_LT(length, 128u) << "a server must not mask";
      if (length >= 126) {
        const std::string more = socket_.read(length == 126 ? 2 : 8);
        length = 0;
        for (const char c : more) {
          length = length << 8 | static_cast<unsigned char>(c);
        }
      }
      const std::string payload = socket_.read(length);
      if (payload.size() < length) return "";
      switch (first & 0x0f) {
        case 0x9:
          ++pings_;
          send_frame(0x8a, payload);
          break;
        case 0x8:
          close_code_ = static_cast<unsigned char>(payload[0]) << 8 |
                        static_cast<unsigned char>(payload[1]);
          return "";
        case 0x0:
        case 0x1:
          message += payload;
          if ((first & 0x80) != 0) return message;
          ++fragments_;
          break;
        default:
          ADD_FAILURE() << "opcode " << (first & 0x0f);
          return "";
      }
    }
  }

 private:
  void send_frame(int first, std::string_view text) {
    ASSERT_LT(text.size(), 65536u);
    std::string frame(1, static_cast<char>(first));
    if (text.size() < 126) {
      frame += static_cast<char>(0x80 | text.size());
    } else {
      frame += static_cast<char>(0xfe);
      frame += static_cast<char>(text.size() >> 8);
      frame += static_cast<char>(text.size() & 0xff);
    }
    frame += std::string(4, '\0');  // a mask of zeros leaves the text as it is
    socket_.write(frame + std::string(text));
  }

  Socket socket_;
  std::string head_;
  int pings_ = 0;
  int fragments_ = 0;
  int close_code_ = 0;
};

class Running {
 public:
  explicit Running(ServerOptions options) {
    options.on_quiesced = [this] { quiesced_ = true; };
    auto created = Server::create(std::move(options));
    EXPECT_TRUE(created.ok()) << created.status();
    server_ = std::move(*created);
    port_ = server_->port();
    thread_ = std::thread([this] { server_->run(); });
  }
  ~Running() {
    server_->stop();
    thread_.join();
  }
  std::uint16_t port() const { return port_; }
  bool quiesced() const { return quiesced_; }

 private:
  std::atomic<bool> quiesced_{false};
  std::unique_ptr<Server> server_;
  std::uint16_t port_ = 0;
  std::thread thread_;
};

ServerOptions small() {
  ServerOptions options;
  options.gateway.exchange = {.seed = 3,
                              .rate = 500,
                              .levels = 300,
                              .binance_symbols = {"BTCUSDT"},
                              .kraken_symbols = {"BTC/USD"}};
  options.wait_for_client = true;
  return options;
}

using Pairs = std::map<std::string, std::string>;

void apply_pairs(Pairs& levels, const simdjson::dom::element& pairs) {
  for (const simdjson::dom::element pair : pairs.get_array()) {
    const std::string price{std::string_view(pair.at(0))};
    const std::string quantity{std::string_view(pair.at(1))};
    if (quantity.find_first_not_of("0.") == std::string::npos) {
      levels.erase(price);
    } else {
      levels[price] = quantity;
    }
  }
}

struct NaiveBook {
  std::uint64_t id = 0;
  Pairs bids;
  Pairs asks;

  void snapshot(const std::string& body) {
    simdjson::dom::parser parser;
    const simdjson::dom::element root = parser.parse(body);
    if (simdjson::dom::element id_field; !root["lastUpdateId"].get(id_field)) {
      id = std::uint64_t(id_field);
    }
    apply_pairs(bids, root["bids"]);
    apply_pairs(asks, root["asks"]);
  }

  void diff(const std::string& frame) {
    simdjson::dom::parser parser;
    const simdjson::dom::element data = parser.parse(frame)["data"];
    if (std::uint64_t(data["u"]) <= id) return;
    ASSERT_LE(std::uint64_t(data["U"]), id + 1);
    id = data["u"];
    apply_pairs(bids, data["b"]);
    apply_pairs(asks, data["a"]);
  }
};

bool is_depth(const std::string& frame) {
  return frame.find("depthUpdate") != std::string::npos;
}

TEST(Server, AnswersTheHandshakeOfRfc6455) {
  Running server(small());
  WebSocket socket(server.port(), "/ws/btcusdt@depth@100ms");
  EXPECT_EQ(socket.status(), 101);
  EXPECT_NE(socket.head().find("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
            std::string::npos);
}

TEST(Server, RefusesWhatItDoesNotHave) {
  Running server(small());
  EXPECT_EQ(WebSocket(server.port(), "/nowhere").status(), 404);
  EXPECT_EQ(WebSocket(server.port(), "/ws/xrpusdt@depth").status(), 400);
  EXPECT_EQ(get(server.port(), "/truth/XRPUSDT").status, 404);
  EXPECT_EQ(get(server.port(), "/truth/BTCUSDT?venue=kraken").status, 404);
  EXPECT_EQ(get(server.port(), "/truth/BTCUSDT?depth=x").status, 400);
  EXPECT_EQ(get(server.port(), "/api/v3/depth?symbol=XRPUSDT").status, 400);
  EXPECT_EQ(get(server.port(), "/").status, 404);
}

TEST(Server, HonoursTheLimitOfTheSnapshot) {
  Running server(small());
  NaiveBook book;
  book.snapshot(
      get(server.port(), "/api/v3/depth?symbol=BTCUSDT&limit=5").body);
  EXPECT_EQ(book.bids.size(), 5u);
  EXPECT_EQ(book.asks.size(), 5u);
}

TEST(Server, KucoinLetsInOnceWithEachOfItsTokens) {
  ServerOptions options;
  options.gateway.exchange.symbols["kucoin"] = {"BTC-USDT"};
  Running server(options);
  const auto new_token = [&] {
    const Reply bullet = get(server.port(), "/api/v1/bullet-public", "POST");
    EXPECT_EQ(bullet.status, 200);
    EXPECT_NE(bullet.body.find(R"("endpoint":"ws://x/kucoin")"),
              std::string::npos);
    const std::string key = "\"token\":\"";
    const std::size_t begin = bullet.body.find(key) + key.size();
    return bullet.body.substr(begin, bullet.body.find('"', begin) - begin);
  };
  const std::string first = new_token();
  const std::string second = new_token();
  EXPECT_NE(first, second);
  EXPECT_EQ(WebSocket(server.port(), "/kucoin?token=other").status(), 401);
  EXPECT_EQ(WebSocket(server.port(), "/kucoin").status(), 401);
  for (const std::string& token : {first, second}) {
    WebSocket socket(server.port(), "/kucoin?connectId=1&token=" + token);
    EXPECT_EQ(socket.status(), 101);
    EXPECT_NE(socket.receive().find("welcome"), std::string::npos);
    EXPECT_EQ(WebSocket(server.port(), "/kucoin?token=" + token).status(), 401)
        << "it is used up";
  }
  EXPECT_EQ(get(server.port(), "/status", "POST").status, 405);
  EXPECT_EQ(get(server.port(), "/status", "PUT").status, 405);
}

TEST(Server, RestSnapshotsOfAMarketThatIsNotThereAreRefused) {
  ServerOptions options;
  options.gateway.exchange.symbols["gate"] = {"BTC_USDT"};
  options.gateway.exchange.symbols["coinbase-exchange"] = {"BTC-USD"};
  Running server(options);
  const std::string gate = "/api/v4/spot/order_book?currency_pair=";
  EXPECT_EQ(get(server.port(), gate + "BTC_USDT&limit=5").status, 200);
  EXPECT_EQ(get(server.port(), gate + "ETH_USDT&limit=5").status, 400);
  EXPECT_EQ(get(server.port(), "/products/BTC-USD/book").status, 200);
  EXPECT_EQ(get(server.port(), "/products/ETH-USD/book").status, 400);
  EXPECT_EQ(get(server.port(), "/products/BTC-USD").status, 404);
}

TEST(Server, ABinanceClientEndsWithTheTrueBook) {
  ServerOptions options = small();
  options.gateway.seconds = 1;
  options.fragment = true;
  Running server(std::move(options));
  WebSocket socket(server.port(), "/stream");
  socket.send(
      R"({"method":"SUBSCRIBE","params":["btcusdt@depth@100ms"],"id":9})");
  EXPECT_EQ(socket.receive(), R"({"result":null,"id":9})");
  std::string frame = socket.receive();
  NaiveBook book;
  book.snapshot(
      get(server.port(), "/api/v3/depth?symbol=BTCUSDT&limit=5000").body);
  const std::uint64_t snapshot_id = book.id;
  book.diff(frame);
  NaiveBook truth;
  do {
    // Its answer comes behind every frame so far: receive() never waits for a
    // frame that the quiesced exchange will not send.
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    socket.send(R"({"method":"LIST_SUBSCRIPTIONS","id":1})");
    while ((frame = socket.receive()).find("{\"result\"") != 0) {
      ASSERT_FALSE(frame.empty());
      book.diff(frame);
    }
    if (server.quiesced()) {
      const std::string body = get(server.port(), "/truth/BTCUSDT").body;
      truth.snapshot(body);
      simdjson::dom::parser parser;
      truth.id = parser.parse(body)["last_update_id"];
    }
  } while (truth.id != book.id);
  EXPECT_GT(book.id, snapshot_id);
  EXPECT_EQ(book.bids, truth.bids);
  EXPECT_EQ(book.asks, truth.asks);
  EXPECT_GT(socket.fragments(), 0);
  EXPECT_GT(socket.pings(), 0);
}

// A Kraken book kept by wire text; prices have one decimal.
struct KrakenBook {
  std::map<std::int64_t, std::pair<std::string, std::string>> sides[2];

  static std::string bare(std::string text) {
    text.erase(std::remove(text.begin(), text.end(), '.'), text.end());
    return text.erase(0, text.find_first_not_of('0'));
  }

  void apply(const std::string& frame, std::size_t depth) {
    const std::size_t asks = frame.find("\"asks\":");
    std::size_t at = 0;
    while ((at = frame.find("{\"price\":", at)) != std::string::npos) {
      const std::size_t quantity = frame.find(",\"qty\":", at);
      const std::size_t end = frame.find('}', at);
      const std::string price = frame.substr(at + 9, quantity - at - 9);
      const std::string size = frame.substr(quantity + 7, end - quantity - 7);
      auto& side = sides[at > asks];
      if (bare(size).empty()) {
        side.erase(std::stoll(bare(price)));
      } else {
        side[std::stoll(bare(price))] = {price, size};
      }
      at = end;
    }
    while (sides[0].size() > depth) sides[0].erase(sides[0].begin());
    while (sides[1].size() > depth) {
      sides[1].erase(std::prev(sides[1].end()));
    }
  }

  std::string checksum() const {
    std::string text;
    int left = 10;
    for (auto it = sides[1].begin(); it != sides[1].end() && left-- > 0; ++it) {
      text += bare(it->second.first) + bare(it->second.second);
    }
    left = 10;
    for (auto it = sides[0].rbegin(); it != sides[0].rend() && left-- > 0;
         ++it) {
      text += bare(it->second.first) + bare(it->second.second);
    }
    return "\"checksum\":" +
           std::to_string(crc32(0, reinterpret_cast<const Bytef*>(text.data()),
                                static_cast<uInt>(text.size()))) +
           ',';
  }

  // As /truth prints it.
  std::string text() const {
    std::string out = "\"bids\":[";
    const auto add = [&](const auto& level) {
      if (out.back() == ']') out += ',';
      out += "[\"" + level.first + "\",\"" + level.second + "\"]";
    };
    for (auto it = sides[0].rbegin(); it != sides[0].rend(); ++it) {
      add(it->second);
    }
    out += "],\"asks\":[";
    for (const auto& [price, level] : sides[1]) add(level);
    return out + "]}";
  }
};

TEST(Server, AKrakenClientEndsWithTheTrueBook) {
  ServerOptions options = small();
  options.gateway.seconds = 2;
  Running server(std::move(options));
  WebSocket socket(server.port(), "/v2");
  EXPECT_NE(socket.receive().find("\"channel\":\"status\""), std::string::npos);
  socket.send(R"({"method":"subscribe","params":{"channel":"book",)"
              R"("symbol":["BTC/USD"],"depth":11}})");
  EXPECT_NE(socket.receive().find("\"success\":false"), std::string::npos);
  socket.send(R"({"method":"ping","req_id":4})");
  EXPECT_EQ(socket.receive().find(R"({"method":"pong","req_id":4)"), 0u);
  socket.send(R"({"method":"subscribe","params":{"channel":"book",)"
              R"("symbol":["BTC/USD"],"depth":25}})");
  EXPECT_NE(socket.receive().find("\"success\":true"), std::string::npos);
  KrakenBook book;
  int updates = 0;
  int heartbeats = 0;
  // Heartbeats go on after the end, so this loop meets one; the answer to the
  // ping that it then sends stands behind every update.
  while (true) {
    const std::string frame = socket.receive();
    ASSERT_FALSE(frame.empty());
    if (frame.find(R"({"method":"pong","req_id":5)") == 0) break;
    if (frame == R"({"channel":"heartbeat"})") {
      ++heartbeats;
      if (server.quiesced()) socket.send(R"({"method":"ping","req_id":5})");
      continue;
    }
    book.apply(frame, 25);
    ASSERT_NE(frame.find(book.checksum()), std::string::npos) << frame;
    ++updates;
  }
  EXPECT_GT(updates, 100);
  EXPECT_GT(heartbeats, 0);
  const std::string truth =
      get(server.port(), "/truth/BTC%2FUSD?depth=25").body;
  EXPECT_EQ(truth.substr(truth.find("\"bids\"")), book.text());
}

TEST(Server, AClientThatDoesNotReadIsDroppedAndCounted) {
  ServerOptions options = small();
  options.gateway.exchange.rate = 20'000;
  options.max_queue_bytes = 64 * 1024;
  Running server(std::move(options));
  WebSocket socket(server.port(),
                   "/stream?streams=btcusdt@depth@100ms/"
                   "btcusdt@bookTicker/btcusdt@trade",
                   /*receive_buffer=*/4096);
  ASSERT_EQ(socket.status(), 101);
  while (get(server.port(), "/status").body.find("\"dropped_clients\":1,") ==
         std::string::npos) {
  }
  while (!socket.receive().empty()) {
  }
  EXPECT_EQ(socket.close_code(), 1008);
}

TEST(Server, StopSaysGoodbye) {
  auto server = std::make_unique<Running>(small());
  WebSocket socket(server->port(), "/ws");
  socket.send(R"({"method":"LIST_SUBSCRIPTIONS","id":1})");
  EXPECT_EQ(socket.receive(), R"({"result":[],"id":1})");
  server.reset();
  EXPECT_EQ(socket.receive(), "");
  EXPECT_EQ(socket.close_code(), 1001);
}

ServerOptions replaying(const std::string& path) {
  ServerOptions options;
  auto capture = read_capture(path, "");
  EXPECT_TRUE(capture.ok()) << capture.status();
  if (capture.ok()) options.gateway.captures.push_back(std::move(*capture));
  return options;
}

TEST(Server, ReplaysACaptureVerbatim) {
  const std::string path = testing::TempDir() + "server_replay.lines";
  const auto diff = [](int id, const char* bid) {
    return R"({"stream":"btcusdt@depth@100ms","data":{"e":"depthUpdate",)"
           R"("E":1,"s":"BTCUSDT","U":)" +
           std::to_string(id) + R"(,"u":)" + std::to_string(id) + R"(,"b":[)" +
           bid + R"(],"a":[]}})";
  };
  const std::string frames[] = {diff(1, R"(["9.0","4.0"])"),
                                diff(2, R"(["8.0","4.0"])"),
                                diff(3, R"(["7.0","4.0"])")};
  const std::string snapshot =
      R"({"lastUpdateId":1,"bids":[["9.0","4.0"]],"asks":[["10.0","1.0"]]})";
  std::ofstream(path) << "1 " << frames[0] << "\n2 " << frames[1] << "\n3 "
                      << snapshot << "\n4 " << frames[2] << "\n";
  Running server(replaying(path));
  WebSocket socket(server.port(), "/stream?streams=btcusdt@depth@100ms");
  EXPECT_EQ(WebSocket(server.port(), "/ws").status(), 503);
  EXPECT_EQ(socket.receive(), frames[0]);
  EXPECT_EQ(socket.receive(), frames[1]);
  EXPECT_FALSE(server.quiesced());
  EXPECT_EQ(get(server.port(), "/api/v3/depth?symbol=BTCUSDT").body, snapshot);
  EXPECT_EQ(socket.receive(), frames[2]);
  const std::string truth = get(server.port(), "/truth/BTCUSDT").body;
  EXPECT_NE(truth.find(R"("bids":[["9.0","4.0"],["8.0","4.0"],["7.0","4.0"]])"),
            std::string::npos)
      << truth;
  while (get(server.port(), "/status").body.find("\"quiesced\":true") ==
         std::string::npos) {
  }
  EXPECT_TRUE(server.quiesced());
}

TEST(Server, ReplaysARecordedKrakenFeed) {
  const char* folder = std::getenv("WIREBOOK_DATA");
  if (folder == nullptr) GTEST_SKIP() << "WIREBOOK_DATA is not set";
  Running server(
      replaying(std::string(folder) + "/kraken_v2_btcusd_depth25.jsonl.zst"));
  WebSocket socket(server.port(), "/v2");
  EXPECT_NE(socket.receive().find("status"), std::string::npos);
  socket.send(R"({"method":"subscribe","params":{}})");
  KrakenBook book;
  int checksums = 0;
  for (int frames = 1; frames < 2104; ++frames) {
    const std::string frame = socket.receive();
    ASSERT_FALSE(frame.empty()) << frames;
    if (frame.find("\"checksum\"") == std::string::npos) continue;
    book.apply(frame, 25);
    ASSERT_NE(frame.find(book.checksum()), std::string::npos) << frame;
    ++checksums;
  }
  EXPECT_EQ(checksums, 2052);
  const std::string truth = get(server.port(), "/truth/BTC%2FUSD").body;
  EXPECT_EQ(truth.substr(truth.find("\"bids\"")), book.text());
}

TEST(Server, ReplaysARecordedBinanceFeed) {
  const char* folder = std::getenv("WIREBOOK_DATA");
  if (folder == nullptr) GTEST_SKIP() << "WIREBOOK_DATA is not set";
  Running server(replaying(std::string(folder) +
                           "/binance_spot_btcusdt_20240808.lines.gz"));
  WebSocket socket(server.port(), "/stream?streams=btcusdt@depth@100ms");
  std::vector<std::string> early;
  for (int i = 0; i < 7; ++i) early.push_back(socket.receive());
  NaiveBook book;
  book.snapshot(get(server.port(), "/api/v3/depth?symbol=BTCUSDT").body);
  for (const std::string& frame : early) {
    if (is_depth(frame)) book.diff(frame);
  }
  for (int i = 7; i < 41248; ++i) {
    const std::string frame = socket.receive();
    ASSERT_FALSE(frame.empty()) << i;
    if (is_depth(frame)) book.diff(frame);
  }
  NaiveBook truth;
  truth.snapshot(get(server.port(), "/truth/BTCUSDT").body);
  EXPECT_EQ(book.bids, truth.bids);
  EXPECT_EQ(book.asks, truth.asks);
  EXPECT_EQ(book.id, 50093421584u);
}

}  // namespace
}  // namespace wirebook::sim
