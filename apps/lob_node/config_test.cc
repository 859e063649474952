// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "apps/lob_node/config.h"

#include <fstream>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace wirebook {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kKraken[] = R"(
[[venue]]
id = "kraken"
url = "ws://127.0.0.1:9001/v2"
symbols = ["BTC/USD"]
)";

std::string error_of(const std::string& text) {
  const absl::Status status = parse_config(text, "node.toml").status();
  EXPECT_FALSE(status.ok());
  return std::string(status.message());
}

TEST(Config, ShortestFileTakesDefaults) {
  auto config = parse_config(kKraken, "node.toml");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->pipeline, PipelineMode::kFused);
  EXPECT_EQ(config->wait, WaitMode::kAdaptive);
  ASSERT_EQ(config->venues.size(), 1u);
  EXPECT_EQ(config->venues[0].id, VenueId::kKraken);
  EXPECT_EQ(config->venues[0].name, "kraken");
  EXPECT_EQ(config->venues[0].depth, 25);
  EXPECT_EQ(config->venues[0].stale_after_ms, 10'000);
  EXPECT_THAT(config->venues[0].symbols, ElementsAre("BTC/USD"));
}

TEST(Config, ExampleFileIsValidAndSaysTheDefaults) {
  auto config = read_config("apps/lob_node/lob_node.example.toml");
  ASSERT_TRUE(config.ok()) << config.status();
  ASSERT_EQ(config->venues.size(), 2u);
  const NodeConfig defaults;
  EXPECT_EQ(config->pipeline, defaults.pipeline);
  EXPECT_EQ(config->wait, defaults.wait);
  const VenueConfig venue_defaults;
  EXPECT_EQ(config->venues[0].snapshot_limit, venue_defaults.snapshot_limit);
  EXPECT_EQ(config->venues[0].best_bid_offer, venue_defaults.best_bid_offer);
  EXPECT_EQ(config->venues[1].stale_after_ms, 10'000);
  EXPECT_EQ(config->venues[1].depth, 25);
  EXPECT_EQ(config->venues[0].market, "spot");
  EXPECT_EQ(config->venues[1].market, "") << "the venue's own";
  EXPECT_EQ(config->venues[0].stale_after_ms, venue_defaults.stale_after_ms);
}

TEST(Config, UnknownKeyNamesFileLineAndKey) {
  EXPECT_EQ(error_of(std::string("pipelime = \"fused\"\n") + kKraken),
            "node.toml:1: pipelime is not a known key");
  EXPECT_EQ(error_of(std::string(kKraken) + "deph = 10\n"),
            "node.toml:6: venue[0].deph is not a known key");
}

TEST(Config, WrongTypeNamesFileLineAndKey) {
  EXPECT_EQ(error_of(std::string(kKraken) + "depth = \"10\"\n"),
            "node.toml:6: venue[0].depth is a string; it must be an integer");
  EXPECT_EQ(error_of(std::string("pipeline = 3\n") + kKraken),
            "node.toml:1: pipeline is an integer; it must be a string");
  EXPECT_THAT(error_of("venue = 5\n"), HasSubstr("node.toml:1: venue must be"));
  EXPECT_THAT(error_of("[[venue]]\nid = \"kraken\"\nurl = \"ws://a/\"\n"
                       "symbols = [1]\n"),
              HasSubstr("node.toml:4: venue[0].symbols is an integer"));
}

TEST(Config, ValuesOutOfRangeAreRefused) {
  EXPECT_THAT(
      error_of(std::string(kKraken) + "depth = 11\n"),
      HasSubstr("node.toml:6: venue[0].depth is 11; kraken takes 10, "));
  const std::string bybit =
      "[[venue]]\nid = \"bybit\"\nurl = \"ws://a/\"\nsymbols = [\"A\"]\n";
  EXPECT_TRUE(parse_config(bybit + "depth = 200\n", "node.toml").ok());
  EXPECT_THAT(error_of(bybit + "depth = 1\n"),
              HasSubstr("depth is 1; bybit takes 25, 50, 100, 200, 1000"));
  EXPECT_THAT(error_of(std::string("wait = \"busy\"\n") + kKraken),
              HasSubstr("must be one of spin, adaptive, sleep"));
  EXPECT_THAT(error_of(std::string("network_cpu = -1\n") + kKraken),
              HasSubstr("it must be from 0 to"));
  EXPECT_THAT(error_of("[[venue]]\nid = \"kraken\"\nurl = \"ws://a/\"\n"
                       "symbols = []\n"),
              HasSubstr("symbols is empty"));
  EXPECT_THAT(error_of("[[venue]]\nid = \"kraken\"\nurl = \"ws://a/\"\n"
                       "symbols = [\"A\", \"A\"]\n"),
              HasSubstr("node.toml:4: venue[0].symbols has \"A\" twice"));
  EXPECT_THAT(error_of(std::string("network_cpu = 4096\n") + kKraken),
              HasSubstr("node.toml:1: network_cpu is 4096; it must be from 0"));
  EXPECT_THAT(error_of(std::string("book_cpu = 0\n") + kKraken),
              HasSubstr("node.toml:1: book_cpu has no thread to pin"));
  EXPECT_THAT(error_of(std::string("ring_capacity = 4096\n") + kKraken),
              HasSubstr("node.toml:1: ring_capacity has no ring"));
  EXPECT_THAT(error_of(std::string("pipeline = \"staged\"\n"
                                   "ring_capacity = 1\n") +
                       kKraken),
              HasSubstr("node.toml:2: ring_capacity is 1; it must be from 64"));
}

TEST(Config, OnlyVenuesWithSharedIdsHaveSeveralConnections) {
  const std::string binance =
      "[[venue]]\nid = \"binance-spot\"\nurl = \"ws://a/\"\n"
      "rest_url = \"http://a\"\nsymbols = [\"A\"]\n";
  const auto config = parse_config(
      binance + "connections = 2\nrollover_after_ms = 60000\n", "node.toml");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->venues[0].connections, 2u);
  EXPECT_EQ(config->venues[0].rollover_after_ms, 60'000);
  EXPECT_EQ(config->venues[0].line_patience_ms, 200);
  EXPECT_EQ(parse_config(binance, "node.toml")->venues[0].rollover_after_ms,
            23 * 3'600'000);
  EXPECT_THAT(error_of(binance + "connections = 3\n"),
              HasSubstr("node.toml:6: venue[0].connections is 3"));
  EXPECT_THAT(error_of(binance + "rollover_after_ms = 5\n"),
              HasSubstr("rollover_after_ms is 5; it must be 0 or at least"));
  EXPECT_THAT(error_of(binance + "line_patience_ms = 0\n"),
              HasSubstr("line_patience_ms is 0; it must be from 1 to"));
  const std::string kraken = kKraken;
  EXPECT_EQ(parse_config(kraken + "connections = 2\n", "node.toml")
                ->venues[0]
                .connections,
            2u);
  EXPECT_EQ(error_of(kraken + "rollover_after_ms = 5000\n"),
            "node.toml:6: venue[0].rollover_after_ms is not a known key");
  EXPECT_EQ(error_of(kraken + "line_patience_ms = 5000\n"),
            "node.toml:6: venue[0].line_patience_ms is not a known key");
}

TEST(Config, InstrumentsComeFromTheVenueOnlyIfItIsToBeAsked) {
  const std::string okx =
      "[[venue]]\nid = \"okx\"\nurl = \"ws://h/\"\nsymbols = [\"X-Y\"]\n";
  EXPECT_FALSE(parse_config(okx, "f")->venues[0].ask_for_instruments);
  EXPECT_FALSE(parse_config(okx + "instruments = \"usual\"\n", "f")
                   ->venues[0]
                   .ask_for_instruments);
  const auto asks = parse_config(
      okx + "instruments = \"venue\"\nrest_url = \"http://h\"\n", "f");
  ASSERT_TRUE(asks.ok()) << asks.status();
  EXPECT_TRUE(asks->venues[0].ask_for_instruments);
  EXPECT_EQ(asks->venues[0].rest_url, "http://h");
  const std::string missing(
      parse_config(okx + "instruments = \"venue\"\n", "f").status().message());
  EXPECT_NE(missing.find("rest_url"), std::string::npos) << missing;
  EXPECT_FALSE(parse_config(okx + "instruments = \"other\"\n", "f").ok());
  // Kraken tells over the stream's own URL.
  EXPECT_TRUE(parse_config("[[venue]]\nid = \"kraken\"\nurl = \"ws://h/\"\n"
                           "symbols = [\"A/B\"]\ninstruments = \"venue\"\n",
                           "f")
                  .ok());
}

TEST(Config, BooksOfOrdersAreOfVenuesThatTellThem) {
  const std::string credentials = "credentials = \"a.toml\"\n";
  auto config = parse_config(
      std::string(kKraken) + "book = \"l3\"\n" + credentials, "node.toml");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_TRUE(config->venues[0].orders);
  EXPECT_EQ(config->venues[0].depth, 10);
  config = parse_config(std::string(kKraken) + "book = \"l2\"\n", "node.toml");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_FALSE(config->venues[0].orders);
  EXPECT_EQ(error_of("[[venue]]\nid = \"bybit\"\nbook = \"l3\"\n"
                     "url = \"ws://a/\"\nsymbols = [\"A\"]\n"),
            "node.toml:3: venue[0].book is \"l3\"; bybit tells no single "
            "orders; coinbase-exchange, bitstamp, kraken, bitfinex do");
  EXPECT_THAT(error_of(std::string(kKraken) + "book = \"l4\"\n"),
              HasSubstr("must be one of l2, l3"));
  EXPECT_THAT(error_of(std::string(kKraken) + "book = \"l3\"\ndepth = 25\n"),
              HasSubstr("depth is 25; kraken takes 10, 100, 1000"));
  EXPECT_THAT(
      error_of(std::string(kKraken) + "book = \"l3\"\nconnections = 2\n"),
      HasSubstr("connections is 2; a book of orders (book = \"l3\") has one"));
  // Its snapshots of orders come by REST, those of levels in the stream.
  const std::string coinbase =
      "[[venue]]\nid = \"coinbase-exchange\"\nurl = \"ws://a/\"\n"
      "symbols = [\"BTC-USD\"]\n";
  EXPECT_TRUE(parse_config(coinbase, "node.toml").ok());
  EXPECT_THAT(error_of(coinbase + "book = \"l3\"\n" + credentials),
              HasSubstr("rest_url is missing"));
  EXPECT_TRUE(
      parse_config(
          coinbase + "book = \"l3\"\nrest_url = \"http://a\"\n" + credentials,
          "node.toml")
          .ok());
}

TEST(Config, KucoinIsAskedForItsUrl) {
  const std::string kucoin =
      "[[venue]]\nid = \"kucoin\"\nsymbols = [\"BTC-USDT\"]\n";
  EXPECT_THAT(error_of(kucoin), HasSubstr("rest_url is missing"));
  const auto config = parse_config(
      kucoin + "rest_url = \"https://api.kucoin.com\"\n", "node.toml");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->venues[0].url, "");
  EXPECT_THAT(error_of(kucoin + "rest_url = \"https://a\"\n"
                                "url = \"wss://a/?token=hush\"\n"),
              AllOf(HasSubstr("venue[0].url is not for kucoin, which is asked "
                              "for it at rest_url"),
                    Not(HasSubstr("hush"))));
}

TEST(Config, KrakensTokensMayComeByRest) {
  const std::string orders =
      std::string(kKraken) + "book = \"l3\"\ncredentials = \"a.toml\"\n";
  const auto config = parse_config(
      orders + "rest_url = \"https://api.kraken.com\"\n", "node.toml");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->venues[0].rest_url, "https://api.kraken.com");
  EXPECT_THAT(error_of(orders + "rest_url = \"ws://a\"\n"),
              HasSubstr("must begin with http:// or https://"));
}

TEST(Config, CredentialsAreAFileOfTheirOwnAndInNoError) {
  auto config = parse_config(
      std::string(kKraken) + "book = \"l3\"\ncredentials = \"a.toml\"\n",
      "node.toml");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->venues[0].credentials, "a.toml");
  EXPECT_THAT(error_of(std::string(kKraken) + "book = \"l3\"\n"),
              HasSubstr("credentials is missing"));
  EXPECT_THAT(error_of(std::string(kKraken) + "credentials = \"a.toml\"\n"),
              HasSubstr("credentials is not a known key"));
  const std::string path = ::testing::TempDir() + "/credentials.toml";
  const auto read = [&path](const std::string& text) {
    std::ofstream(path) << text;
    return read_credentials(path);
  };
  const auto known = read("token = \"t0k/en+=\"\n");
  ASSERT_TRUE(known.ok()) << known.status();
  EXPECT_EQ(known->token, "t0k/en+=");
  for (const char* wrong : {"token = \"hush\\\"\"\n", "hush = \"hush\"\n",
                            "token = hush\n", "token = \"hush hush\"\n"}) {
    const absl::Status status = read(wrong).status();
    EXPECT_FALSE(status.ok()) << wrong;
    EXPECT_EQ(std::string(status.message()).find("= \"hush"), std::string::npos)
        << status;
  }
  EXPECT_THAT(read_credentials("nothing.toml").status().ToString(),
              HasSubstr("nothing.toml: credentials cannot be opened"));
  EXPECT_THAT(read_credentials("/").status().ToString(),
              HasSubstr("/: is a folder"));
}

TEST(Config, UnknownVenueListsTheKnownOnes) {
  EXPECT_THAT(error_of("[[venue]]\nid = \"nowhere\"\nurl = \"ws://a/\"\n"
                       "symbols = [\"A\"]\n"),
              HasSubstr("node.toml:2: venue[0].id is \"nowhere\"; it must be "
                        "one of binance-spot"));
}

TEST(Config, AMarketIsOneFieldOfADump) {
  for (const char* wrong : {"a,b", "a b", "a\\nb"}) {
    EXPECT_THAT(error_of(std::string(kKraken) + "market = \"" + wrong + "\"\n"),
                HasSubstr("market"));
  }
}

TEST(Config, MissingKeysAreNamed) {
  EXPECT_THAT(error_of(""), HasSubstr("venue is missing"));
  EXPECT_THAT(error_of("[[venue]]\nid = \"kraken\"\nsymbols = [\"A\"]\n"),
              HasSubstr("venue[0].url is missing"));
  EXPECT_THAT(error_of("[[venue]]\nid = \"binance-spot\"\nurl = \"ws://a/\"\n"
                       "symbols = [\"A\"]\n"),
              HasSubstr("venue[0].rest_url is missing"));
}

TEST(Config, TlsIsTakenAndOtherSchemesAreRefused) {
  EXPECT_TRUE(parse_config("[[venue]]\nid = \"kraken\"\nurl = \"wss://a/\"\n"
                           "symbols = [\"A\"]\n",
                           "node.toml")
                  .ok());
  EXPECT_THAT(error_of("[[venue]]\nid = \"kraken\"\nurl = \"https://a/\"\n"
                       "symbols = [\"A\"]\n"),
              HasSubstr("node.toml:3: venue[0].url must begin with ws://"));
}

TEST(Config, TwoVenuesOfOneNameAreRefused) {
  EXPECT_THAT(error_of(std::string(kKraken) + kKraken),
              HasSubstr("name is \"kraken\" like another"));
}

TEST(Config, SyntaxErrorNamesTheLine) {
  EXPECT_THAT(error_of("pipeline = \"fused\"\nwait = = 3\n"),
              HasSubstr("node.toml:2: "));
}

TEST(Config, MissingFileIsSaid) {
  const absl::Status status = read_config("/no/such.toml").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(status.message()), HasSubstr("/no/such.toml"));
}

}  // namespace
}  // namespace wirebook
