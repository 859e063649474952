// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

// `lob_node run` with book = "l3" against the simulated exchange, both as
// processes, over real sockets.

#include <simdjson.h>

#include <csignal>
#include <fstream>
#include <string>
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

// The simulated Kraken's.
constexpr char kSimulatedSecret[] =
    "kQH5HW/8p1uGOVjbgWA7FunAmGO8lsSUXNsu3eow76sz84Q18fWxnyRzBHCd3pd5nE9qa99HAZ"
    "tuZuj6F1huXg==";

struct OrderVenue {
  const char* id;
  const char* flag;  // of exchange_sim
  const char* path;
  const char* symbol;
  bool rest;
  int depth;                   // levels a side; 0: all
  bool known_clients = false;  // wants credentials
};

constexpr OrderVenue kVenues[] = {
    {"bitstamp", "--symbols-bitstamp=", "/bitstamp", "btcusd", true, 0},
    {"coinbase-exchange", "--symbols-coinbase-exchange=", "/coinbase-exchange",
     "BTC-USD", true, 0, true},
    {"kraken", "--symbols-kraken=", "/v2", "BTC/USD", false, 10, true},
    {"bitfinex", "--symbols-bitfinex=", "/ws/2", "tBTCUSD", false, 0},
};

std::string temporary(const std::string& name) {
  return ::testing::TempDir() + "/" + name;
}

std::string table(const OrderVenue& venue, const std::string& address) {
  std::string out = std::string("[[venue]]\nid = \"") + venue.id +
                    "\"\nbook = \"l3\"\nurl = \"ws://" + address + venue.path +
                    "\"\nsymbols = [\"" + venue.symbol + "\"]\n";
  if (venue.known_clients) {
    const std::string path = temporary("credentials.toml");
    std::ofstream(path)
        << "key = \"exchange_sim\"\npassphrase = \"any\"\nsecret = \""
        << kSimulatedSecret << "\"\n";
    out += "credentials = \"" + path + "\"\n";
  }
  if (venue.rest || venue.known_clients) {
    out += "rest_url = \"http://" + address + "\"\n";
  }
  return out;
}

std::string text(const element& object, const char* key) {
  return std::string(object[key].get_string().value());
}

std::uint64_t number(const element& object, const char* key) {
  return object[key].get_uint64();
}

TEST(RunOrders, BooksEqualTheExchangesOwn) {
  std::vector<std::string> command = {
      kSim, "--port=0", "--seed=7", "--seconds=2", "--rate=500", "--levels=60"};
  for (const OrderVenue& venue : kVenues) {
    command.push_back(std::string(venue.flag) + venue.symbol);
  }
  ChildProcess exchange(command);
  ASSERT_TRUE(exchange.wait_for_output("\n", kPatienceMs)) << exchange.err();
  const std::string prefix = "listening on ";
  const std::string address = exchange.out().substr(
      prefix.size(), exchange.out().find('\n') - prefix.size());

  std::string config = "wait = \"sleep\"\n";
  std::vector<std::string> compare = {kCompare, "--truth=http://" + address,
                                      "--dump=" + temporary("dump.csv")};
  for (const OrderVenue& venue : kVenues) {
    config += table(venue, address);
    compare.push_back(std::string("--expect=") + venue.symbol);
    if (venue.depth == 0) continue;
    compare.push_back(std::string("--depth=") + venue.symbol + "=" +
                      std::to_string(venue.depth));
  }
  const std::string path = temporary("node.toml");
  std::ofstream(path) << config;
  ChildProcess node({kNode, "run", "--json", "--config=" + path,
                     "--bbo-log=" + temporary("bbo.csv"),
                     "--dump-book=" + temporary("dump.csv")});
  ASSERT_TRUE(exchange.wait_for_output("quiesced", kPatienceMs));
  node.wait_until_idle(5'000);
  node.signal(SIGINT);
  ASSERT_EQ(node.wait(), 0) << node.err();

  simdjson::dom::parser parser;
  const std::string json = node.out();
  std::size_t books = 0;
  for (const element venue : parser.parse(json)["venues"]) {
    for (const element book : venue["books"]) {
      ++books;
      EXPECT_EQ(text(book, "state"), "Live")
          << text(venue, "venue") << " " << text(book, "reason") << "\n"
          << node.err();
      EXPECT_EQ(number(book, "gaps"), 0u) << text(venue, "venue");
      EXPECT_EQ(number(book, "checksums_bad"), 0u) << text(venue, "venue");
      EXPECT_GT(number(book, "updates_applied"), 5u);
      EXPECT_GE(number(book, "orders"),
                number(book, "bid_levels") + number(book, "ask_levels"));
    }
    EXPECT_GT(number(venue["latency_ns"]["frame_to_book"], "count"), 5u);
  }
  EXPECT_EQ(books, std::size(kVenues));
  ChildProcess comparison(compare);
  EXPECT_EQ(comparison.wait(), 0) << comparison.out();
  EXPECT_THAT(comparison.out(), HasSubstr("books equal: "));

  // The BBO log has their touch after each message.
  std::ifstream log(temporary("bbo.csv"));
  std::size_t live = 0;
  for (std::string line; std::getline(log, line);) {
    live += line.ends_with(",Live") ? 1 : 0;
  }
  EXPECT_GT(live, 5 * std::size(kVenues));
  exchange.signal(SIGTERM);
  EXPECT_EQ(exchange.wait(), 0);
}

}  // namespace
}  // namespace wirebook
