// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

// `lob_node replay` as a process: real recordings give exactly what their
// venues said, and bad input gives a clear message and no wrong book.

#include "apps/lob_node/replay.h"

#include <simdjson.h>

#include <array>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "apps/lob_node/testing/child_process.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "lob/capture/capture_reader.h"
#include "lob/fixed_point.h"

namespace wirebook {
namespace {

using simdjson::dom::element;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kSpot[] = "binance_spot_btcusdt_20240808.lines.gz";
constexpr char kStartup[] = "binance_spot_startup.jsonl.zst";
constexpr char kKraken25[] = "kraken_v2_btcusd_depth25.jsonl.zst";
constexpr char kKraken10[] = "kraken_v2_btcusd_depth10_resubscribes.jsonl.zst";

struct Result {
  int exit_code;
  std::string out;
  std::string err;
};

Result lob_node(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "apps/lob_node/lob_node");
  ChildProcess child(arguments);
  const int exit_code = child.wait();
  return {exit_code, child.out(), child.err()};
}

std::string temporary(const std::string& name) {
  return ::testing::TempDir() + "/" + name;
}

std::string write(const std::string& name, const std::string& text) {
  const std::string path = temporary(name);
  std::ofstream(path, std::ios::binary) << text;
  return path;
}

std::string read(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file),
          std::istreambuf_iterator<char>()};
}

std::uint64_t number(const element& object, const char* key) {
  return object[key].get_uint64();
}

std::string text(const element& object, const char* key) {
  return std::string(object[key].get_string().value());
}

// A Binance update with one level; quoted so that tests can break it.
std::string update(int first, int last, const std::string& bid_price) {
  return "{\"stream\":\"btcusdt@depth\",\"data\":{\"e\":\"depthUpdate\","
         "\"E\":1,\"s\":\"BTCUSDT\",\"U\":" +
         std::to_string(first) + ",\"u\":" + std::to_string(last) +
         ",\"b\":[[\"" + bid_price + "\",\"1.00000000\"]],\"a\":[]}}";
}

constexpr char kSnapshot[] =
    "{\"lastUpdateId\":10,\"bids\":[[\"99.00000000\",\"1.00000000\"]],"
    "\"asks\":[[\"101.00000000\",\"2.00000000\"]]}";

class RealData : public ::testing::Test {
 protected:
  void SetUp() override {
    const char* const folder = std::getenv("WIREBOOK_DATA");
    if (folder == nullptr) GTEST_SKIP() << "WIREBOOK_DATA is not set";
    folder_ = folder;
  }

  std::string path(const char* name) const { return folder_ + "/" + name; }

  // The report of a recording that must be clean.
  element report(const char* name, std::vector<std::string> more = {}) {
    std::vector<std::string> arguments = {"replay", "--json", path(name)};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const Result result = lob_node(arguments);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    EXPECT_EQ(result.err, "");
    json_ = result.out;
    return parser_.parse(json_);
  }

  std::string folder_;
  std::string json_;
  simdjson::dom::parser parser_;
};

// The price or quantity at ten decimals, so that texts compare as numbers.
std::int64_t scaled(std::string_view digits) {
  std::int64_t value = -1;
  EXPECT_EQ(
      parse_decimal(digits.data(), digits.data() + digits.size(), 10, &value),
      DecimalError::kOk)
      << digits;
  return value;
}

using Bbo = std::array<std::int64_t, 4>;  // bid, its size, ask, its size

// The venue's own best bid and offer by update id, as recorded.
std::map<std::uint64_t, Bbo> recorded_bbo(const std::string& path) {
  std::map<std::uint64_t, Bbo> bbo;
  const auto capture = read_capture(path);
  EXPECT_TRUE(capture.ok()) << capture.status();
  simdjson::dom::parser parser;
  for (const CaptureRecord& record : capture->records) {
    if (record.payload.find("@bookTicker") == std::string_view::npos) continue;
    const element data = parser.parse(std::string(record.payload))["data"];
    bbo[number(data, "u")] = {
        scaled(data["b"].get_string()), scaled(data["B"].get_string()),
        scaled(data["a"].get_string()), scaled(data["A"].get_string())};
  }
  return bbo;
}

std::vector<std::string> split(const std::string& line) {
  std::vector<std::string> fields;
  std::stringstream stream(line);
  for (std::string field; std::getline(stream, field, ',');) {
    fields.push_back(field);
  }
  return fields;
}

TEST_F(RealData, BinanceSpotEqualsTheVenuesOwnBestBidAndOffer) {
  const std::string log = temporary("bbo.csv");
  const element json =
      report(kSpot, {"--venue=binance-spot", "--bbo-log=" + log});
  const element book = json["books"].at(0);
  EXPECT_EQ(text(json, "venue"), "binance-spot");
  EXPECT_EQ(number(json, "frames"), 41'249u);
  EXPECT_EQ(text(book, "state"), "Live");
  EXPECT_EQ(number(book, "gaps"), 0u);
  EXPECT_EQ(number(book, "updates_applied"), 3'449u);
  EXPECT_EQ(number(book, "crossed"), 0u);

  const std::map<std::uint64_t, Bbo> recorded = recorded_bbo(path(kSpot));
  std::ifstream file(log);
  std::string line;
  std::getline(file, line);
  EXPECT_EQ(line,
            "symbol,update_id,bid_price,bid_qty,ask_price,ask_qty,market,"
            "connection,state");
  int equal = 0;
  int live = 0;
  int lines = 0;
  while (std::getline(file, line)) {
    ++lines;
    const std::vector<std::string> fields = split(line);
    ASSERT_EQ(fields.size(), 9u) << line;
    live += fields[8] == "Live";
    EXPECT_EQ(fields[0], "BTCUSDT");
    EXPECT_EQ(fields[6], "spot");
    auto latest = recorded.upper_bound(std::stoull(fields[1]));
    ASSERT_NE(latest, recorded.begin());
    --latest;
    const Bbo ours = {scaled(fields[2]), scaled(fields[3]), scaled(fields[4]),
                      scaled(fields[5])};
    equal += ours == latest->second;
  }
  EXPECT_EQ(lines, 3'449);
  EXPECT_EQ(equal, 3'449);
  EXPECT_EQ(live, 3'448) << "of one the touch was beyond the snapshot";
}

TEST_F(RealData, KrakenMatchesEveryChecksum) {
  const element deep = report(kKraken25);
  EXPECT_EQ(text(deep, "venue"), "kraken");
  EXPECT_EQ(number(deep, "frames"), 2'104u);
  EXPECT_EQ(number(deep["books"].at(0), "checksums_ok"), 2'052u);
  EXPECT_EQ(number(deep["books"].at(0), "checksums_bad"), 0u);
  EXPECT_EQ(number(deep["books"].at(0), "bid_levels"), 25u);
  EXPECT_EQ(text(deep["books"].at(0), "state"), "Live");
  const element shallow = report(kKraken10);
  EXPECT_EQ(number(shallow["books"].at(0), "checksums_ok"), 301u);
  EXPECT_EQ(number(shallow["books"].at(0), "checksums_bad"), 0u);
  EXPECT_EQ(number(shallow["books"].at(0), "resyncs"), 4u);
}

TEST_F(RealData, SnapshotsThatRaceTheFirstDiffsSynchronise) {
  const element json = report(kStartup);
  int live = 0;
  for (const element book : json["books"]) {
    EXPECT_EQ(number(book, "gaps"), 0u) << text(book, "symbol");
    live += text(book, "state") == "Live";
  }
  EXPECT_EQ(live, 4);
}

TEST_F(RealData, EachPipelineGivesTheSameBooksAndNoHeapAllocation) {
  for (const char* name : {kSpot, kStartup, kKraken25, kKraken10}) {
    std::map<std::string, std::vector<std::string>> hashes;
    for (const std::string mode : {"fused", "staged", "two-threads"}) {
      const std::string dump = temporary("dump.csv");
      const element json =
          report(name, {"--pipeline=" + mode, "--dump-book=" + dump});
      EXPECT_EQ(number(json, "hot_path_heap_allocations"), 0u) << name;
      EXPECT_EQ(number(json, "dropped"), 0u) << name;
      for (const element book : json["books"]) {
        hashes[mode].push_back(text(book, "book_hash"));
      }
      hashes[mode].push_back(read(dump));
    }
    EXPECT_EQ(hashes["fused"], hashes["staged"]) << name;
    EXPECT_EQ(hashes["fused"], hashes["two-threads"]) << name;
  }
}

TEST_F(RealData, SymbolKeepsOneBookOnly) {
  const element json = report(kStartup, {"--symbol=NKNUSDT"});
  ASSERT_EQ(json["books"].get_array().value().size(), 1u);
  EXPECT_EQ(text(json["books"].at(0), "symbol"), "NKNUSDT");
  EXPECT_EQ(text(json["books"].at(0), "state"), "Live");
}

TEST_F(RealData, TruncatedCaptureIsSaidAndItsBeginningReported) {
  const std::string whole = read(path(kKraken25));
  ASSERT_GT(whole.size(), 1'000u);
  const std::string cut =
      write("cut.jsonl.zst", whole.substr(0, whole.size() * 2 / 3));
  const Result result = lob_node({"replay", "--json", cut});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("truncated"));
  // The record that was cut is not the venue's fault.
  EXPECT_THAT(result.out, HasSubstr("\"malformed\": 0"));
}

TEST(Replay, SmallRecordingSynchronises) {
  const std::string path =
      write("small", "1 " + update(9, 9, "98") + "\n2 " + kSnapshot + "\n3 " +
                         update(10, 11, "100") + "\n");
  const Result result = lob_node({"replay", "--json", path});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("\"state\": \"Live\""));
  EXPECT_THAT(result.out,
              HasSubstr("\"best_bid\": [\"100.00000000\", \"1.00000000\"]"));
}

TEST(Replay, GapIsNeverLive) {
  const std::string path =
      write("gap", "1 " + update(9, 9, "98") + "\n2 " + kSnapshot + "\n3 " +
                       update(10, 11, "100") + "\n4 " +
                       update(13, 13, "100.5") + "\n");
  const Result result = lob_node({"replay", "--json", path});
  EXPECT_THAT(result.out, HasSubstr("\"state\": \"Gapped\""));
  EXPECT_THAT(result.out, HasSubstr("\"reason\": \"sequence_gap\""));
  EXPECT_THAT(result.out, HasSubstr("\"gaps\": 1"));
}

TEST(Replay, FrameThatIsNotJsonIsCountedAndNeverLive) {
  for (const std::string& bad :
       {std::string("{\"stream\":\"btcusdt@depth\",\"data\":{\"e\":\"dep"),
        update(12, 12, "9x9"), update(12, 12, "-"), update(12, 12, "1e999"),
        update(12, 12, "NaN"), std::string("\xff\xfe{}")}) {
    const std::string path =
        write("bad", "1 " + update(9, 9, "98") + "\n2 " + kSnapshot + "\n3 " +
                         update(10, 11, "100") + "\n4 " + bad + "\n");
    const Result result = lob_node({"replay", "--json", path});
    EXPECT_THAT(result.out, HasSubstr("\"malformed\": 1")) << bad;
    EXPECT_THAT(result.out, HasSubstr("\"state\": \"Gapped\"")) << bad;
    EXPECT_THAT(result.out, HasSubstr("\"reason\": \"")) << bad;
    EXPECT_LT(result.exit_code, 2) << bad;
  }
}

TEST(Replay, CaptureWithoutVenueAsksForOne) {
  const Result result =
      lob_node({"replay", write("anonymous", "1 {\"a\":1}\n")});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("--venue=ID"));
  EXPECT_THAT(result.err, HasSubstr("binance-spot"));
}

TEST(Replay, UnknownVenueIsRefused) {
  const std::string path = write("any", "1 {\"a\":1}\n");
  const Result option = lob_node({"replay", "--venue=nowhere", path});
  EXPECT_EQ(option.exit_code, 2);
  EXPECT_THAT(option.err, HasSubstr("nowhere"));
  const Result header = lob_node(
      {"replay",
       write("header", "{\"t\":\"header\",\"exchange\":\"NOWHERE\"}\n1 {}\n")});
  EXPECT_EQ(header.exit_code, 1);
  EXPECT_THAT(header.err, HasSubstr("NOWHERE"));
}

TEST(Replay, VenueThatContradictsTheCaptureIsRefused) {
  const Result result =
      lob_node({"replay", "--venue=kraken",
                write("spot", "1 " + update(9, 9, "98") + "\n")});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err,
              HasSubstr("is of binance-spot, not of --venue=kraken"));
}

TEST(Replay, SymbolThatNoMessageNamesIsRefused) {
  const Result result =
      lob_node({"replay", "--symbol=ETHUSDT",
                write("other", "1 " + update(9, 9, "98") + "\n2 " + kSnapshot +
                                   "\n3 " + update(10, 11, "100") + "\n")});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("--symbol=ETHUSDT: no message names it"));
}

// A snapshot that names no symbol may be the other one's.
TEST(Replay, SymbolBesideOthersTakesNoAnonymousSnapshot) {
  std::string eth = update(9, 9, "98");
  eth.replace(eth.find("BTCUSDT"), 7, "ETHUSDT");
  const Result result = lob_node(
      {"replay", "--json", "--symbol=ETHUSDT",
       write("two", "1 " + update(9, 9, "98") + "\n1 " + eth + "\n2 " +
                        kSnapshot + "\n3 " + update(10, 11, "100") + "\n")});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("\"symbol\": \"ETHUSDT\""));
  EXPECT_THAT(result.out, HasSubstr("\"bid_levels\": 0"));
  EXPECT_THAT(result.out, Not(HasSubstr("\"state\": \"Live\"")));
}

TEST(Replay, MissingFileIsSaid) {
  const Result result = lob_node({"replay", "/no/such/capture"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("/no/such/capture"));
  const Result folder = lob_node({"replay", temporary("")});
  EXPECT_EQ(folder.exit_code, 1);
  EXPECT_THAT(folder.err, HasSubstr("is a folder"));
}

TEST(Replay, OutputThatCannotBeWrittenIsSaid) {
  const std::string path = write("small", "1 " + update(9, 9, "98") + "\n");
  for (const std::string& option :
       {std::string("--bbo-log"), std::string("--dump-book")}) {
    const Result result =
        lob_node({"replay", option + "=/no/such/folder/x", path});
    EXPECT_EQ(result.exit_code, 1);
    EXPECT_THAT(result.err, HasSubstr(option + "=/no/such/folder/x"));
  }
}

}  // namespace
}  // namespace wirebook
