// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "lob/capture/capture_reader.h"

#include <zlib.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>

#include "gtest/gtest.h"

namespace wirebook {
namespace {

std::string write(const std::string& text) {
  const std::string path = ::testing::TempDir() + "/capture";
  std::ofstream(path, std::ios::binary) << text;
  return path;
}

TEST(CaptureReader, ReadsTheJsonFormat) {
  auto capture = read_capture(write(
      R"({"t":"header","format":2,"exchange":"KRAKEN","symbol":"BTC/USD"})"
      "\n"
      R"({"t":"connect","conn":"K.1","ts":1.25,"addr":"wss://a/v2"})"
      "\n"
      R"({"t":"send","conn":"K.1","ts":1.5,"data":"{\"method\":1}"})"
      "\n"
      R"({"t":"recv","conn":"K.1","ts_ns":1785641750295158100,)"
      R"("data":"{\"a\":\"\u00e9\\n\"}"})"
      "\n"));
  ASSERT_TRUE(capture.ok()) << capture.status();
  EXPECT_EQ(capture->venue, VenueId::kKraken);
  EXPECT_EQ(capture->malformed_lines, 0u);
  EXPECT_TRUE(capture->damage.ok());
  ASSERT_EQ(capture->records.size(), 3u);
  EXPECT_EQ(capture->records[0].kind, CaptureRecordKind::kConnect);
  EXPECT_EQ(capture->records[0].url, "wss://a/v2");
  EXPECT_EQ(capture->records[1].kind, CaptureRecordKind::kSent);
  EXPECT_EQ(capture->records[1].time_ns, 1'500'000'000);
  EXPECT_EQ(capture->records[2].kind, CaptureRecordKind::kReceived);
  EXPECT_EQ(capture->records[2].time_ns, 1785641750295158100);
  EXPECT_EQ(capture->records[2].payload, "{\"a\":\"\xc3\xa9\\n\"}");
  EXPECT_EQ(capture->connections[capture->records[2].connection], "K.1");
}

TEST(CaptureReader, ReadsTheLinesFormatAndItsSnapshot) {
  auto capture = read_capture(write(
      "17 {\"stream\":\"btcusdt@depth\",\"data\":{\"e\":\"depthUpdate\"}}\n"
      "18 {\"lastUpdateId\":5,\"bids\":[],\"asks\":[]}\n"));
  ASSERT_TRUE(capture.ok()) << capture.status();
  EXPECT_EQ(capture->venue, VenueId::kBinanceSpot);
  ASSERT_EQ(capture->records.size(), 2u);
  EXPECT_EQ(capture->records[0].kind, CaptureRecordKind::kReceived);
  EXPECT_EQ(capture->records[0].time_ns, 17);
  EXPECT_EQ(capture->records[1].kind, CaptureRecordKind::kHttpResponse);
}

TEST(CaptureReader, TellsFuturesBySequenceField) {
  auto capture = read_capture(write(
      "1 {\"stream\":\"b\",\"data\":{\"e\":\"depthUpdate\",\"pu\":1}}\n"));
  ASSERT_TRUE(capture.ok());
  EXPECT_EQ(capture->venue, VenueId::kBinanceUsdm);
}

TEST(CaptureReader, OrdersByTimeAndKeepsTheFilesOrderOtherwise) {
  // Recorders write one connection behind the other.
  auto capture = read_capture(write(
      R"({"t":"http","conn":"h","ts":5.0000001,"url":"u?symbol=A","data":"x"})"
      "\n"
      R"({"t":"recv","conn":"w","ts":1.0000002,"data":"first"})"
      "\n"
      R"({"t":"recv","conn":"w","ts":5.0000001,"data":"last"})"
      "\n"));
  ASSERT_TRUE(capture.ok());
  ASSERT_EQ(capture->records.size(), 3u);
  EXPECT_EQ(capture->records[0].payload, "first");
  EXPECT_EQ(capture->records[1].payload, "x");
  EXPECT_EQ(capture->records[1].time_ns, 5'000'000'100);
  EXPECT_EQ(capture->records[2].payload, "last");
}

TEST(CaptureReader, CountsLinesThatAreNoRecord) {
  auto capture = read_capture(write("1 {}\nnonsense\n{\"t\":\"recv\"\n2 {}\n"));
  ASSERT_TRUE(capture.ok());
  EXPECT_EQ(capture->records.size(), 2u);
  EXPECT_EQ(capture->malformed_lines, 2u);
  EXPECT_EQ(capture->first_malformed.substr(0, 7), "line 2:");
}

TEST(CaptureReader, SaysWhatIsWrongWithTheFirstBadLine) {
  const auto reason = [](const std::string& line) {
    auto capture = read_capture(write("1 {}\n" + line + "\n"));
    EXPECT_TRUE(capture.ok());
    EXPECT_EQ(capture->records.size(), 1u);
    return capture->first_malformed;
  };
  EXPECT_EQ(reason(""), "");
  EXPECT_EQ(reason("{\"x\":1}"), "line 2: no field 't'");
  EXPECT_EQ(reason(R"({"t":"other"})"),
            "line 2: field 't' is none of header, recv, send, http, connect");
  EXPECT_EQ(reason(R"({"t":"recv"})"), "line 2: no field 'conn'");
  EXPECT_EQ(reason(R"({"t":"recv","conn":"a"})"),
            "line 2: no time in 'ts' or 'ts_ns'");
}

// The last line may have no end; where the file was cut it is none.
TEST(CaptureReader, TheLastLineOfACutFileIsLeftOut) {
  EXPECT_EQ(read_capture(write("1 {}\n2 {}"))->records.size(), 2u);
  const std::string path = write("");
  const gzFile file = gzopen(path.c_str(), "wb");
  ASSERT_NE(file, nullptr);
  // Incompressible, so that what is left of the stream holds lines.
  std::mt19937_64 random(1);
  for (int i = 1; i <= 1000; ++i) {
    gzprintf(file, "%d {\"x\":%llu}\n", i,
             static_cast<unsigned long long>(random()));
  }
  gzclose(file);
  std::filesystem::resize_file(path, std::filesystem::file_size(path) / 2);
  const auto capture = read_capture(path);
  ASSERT_TRUE(capture.ok()) << capture.status();
  EXPECT_EQ(capture->damage.code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(capture->malformed_lines, 0u);
  EXPECT_GT(capture->records.size(), 100u);
  EXPECT_EQ(capture->records.back().payload.back(), '}');
}

TEST(CaptureReader, FileWithoutRecordsIsAnError) {
  const absl::Status status = read_capture(write("hello\nworld\n")).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_NE(std::string(status.message()).find("line 1"), std::string::npos);
  EXPECT_FALSE(read_capture(write("")).ok());
  EXPECT_FALSE(read_capture("/no/such/file").ok());
}

TEST(CaptureReader, UnknownExchangeNamesNoVenue) {
  auto capture = read_capture(
      write("{\"t\":\"header\",\"exchange\":\"ELSEWHERE\"}\n1 {}\n"));
  ASSERT_TRUE(capture.ok());
  EXPECT_FALSE(capture->venue);
  EXPECT_EQ(capture->exchange, "ELSEWHERE");
}

TEST(CaptureReader, RealRecordingsAreReadWhole) {
  const char* const data = std::getenv("WIREBOOK_DATA");
  if (data == nullptr) GTEST_SKIP() << "WIREBOOK_DATA is not set";
  const std::string folder(data);
  auto spot = read_capture(folder + "/binance_spot_btcusdt_20240808.lines.gz");
  ASSERT_TRUE(spot.ok()) << spot.status();
  EXPECT_EQ(spot->records.size(), 41'249u);
  EXPECT_EQ(spot->venue, VenueId::kBinanceSpot);
  auto kraken = read_capture(folder + "/kraken_v2_btcusd_depth25.jsonl.zst");
  ASSERT_TRUE(kraken.ok()) << kraken.status();
  EXPECT_EQ(kraken->records.size(), 2'104u);
  EXPECT_EQ(kraken->venue, VenueId::kKraken);
  for (const Capture* capture : {&*spot, &*kraken}) {
    EXPECT_TRUE(capture->damage.ok()) << capture->damage;
    EXPECT_EQ(capture->malformed_lines, 0u) << capture->first_malformed;
  }
}

}  // namespace
}  // namespace wirebook
