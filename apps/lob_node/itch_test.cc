// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

// `lob_node itch` as a process, on files made from a seed.

#include "apps/lob_node/itch.h"

#include <simdjson.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "apps/lob_node/testing/child_process.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "lob/fixed_point.h"
#include "lob/itch/itch_generator.h"

namespace wirebook {
namespace {

using simdjson::dom::element;
using ::testing::HasSubstr;

std::string temporary(const std::string& name) {
  return ::testing::TempDir() + "/" + name;
}

std::string write(const std::string& name, const std::string& bytes) {
  const std::string path = temporary(name);
  std::ofstream(path, std::ios::binary) << bytes;
  return path;
}

std::string read(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file),
          std::istreambuf_iterator<char>()};
}

// The generator's own orders, summed up as the dump writes levels.
std::string model_dump(const ItchDay& day, const std::string& file) {
  std::string out = "symbol,side,price,quantity,market,connection\n";
  for (std::uint16_t stock = 1; stock <= 3; ++stock) {
    for (const Side side : {Side::kBid, Side::kAsk}) {
      std::vector<std::string> lines;
      const auto found = day.resting.find({stock, side});
      if (found == day.resting.end()) continue;
      for (const auto& [price, orders] : found->second) {
        std::int64_t shares = 0;
        for (const ItchDay::Order& order : orders) shares += order.shares;
        if (shares == 0) continue;
        lines.push_back("S" + std::to_string(stock) +
                        (side == Side::kBid ? ",bid," : ",ask,") +
                        decimal_string(price, 4) + "," +
                        std::to_string(shares) + ",itch," + file + "\n");
      }
      if (side == Side::kBid) std::reverse(lines.begin(), lines.end());
      for (const std::string& line : lines) out += line;
    }
  }
  return out;
}

TEST(Itch, TheBooksOfAFileAreTheGeneratorsOwn) {
  const ItchDay day = make_itch_day(7, 3, 2'000);
  const std::string dump = temporary("dump.csv");
  const std::string packets =
      write("day.pcap", itch_pcap(itch_packets(day.messages, 7)));
  const std::string plain = write("day.itch", itch_binary_file(day.messages));
  for (const std::string& file : {packets, plain}) {
    ChildProcess node({"apps/lob_node/lob_node", "itch", "--json",
                       "--dump-book=" + dump, file});
    ASSERT_EQ(node.wait(), 0) << node.err();
    simdjson::dom::parser parser;
    const std::string out = node.out();
    const element report = parser.parse(out);
    EXPECT_EQ(report["messages"].get_uint64().value(), day.messages.size());
    EXPECT_EQ(report["gaps"].get_uint64().value(), 0u);
    ASSERT_EQ(report["books"].get_array().size(), 3u);
    for (const element book : report["books"]) {
      EXPECT_EQ(std::string(book["state"].get_string().value()), "Live");
      EXPECT_EQ(std::string(book["assurance"].get_string().value()),
                file == packets ? "sequenced" : "promised");
    }
    EXPECT_EQ(read(dump),
              model_dump(day, file.substr(file.find_last_of('/') + 1)));
  }
}

TEST(Itch, ADamagedFileIsReportedAndAnError) {
  const ItchDay day = make_itch_day(7, 3, 200);
  const std::string whole = itch_binary_file(day.messages);
  const std::string file = write("cut.itch", whole.substr(0, whole.size() - 1));
  ChildProcess node({"apps/lob_node/lob_node", "itch", file});
  EXPECT_EQ(node.wait(), 1);
  EXPECT_THAT(node.out(), HasSubstr("S1: Gapped (malformed_message)"));
  EXPECT_THAT(node.err(), HasSubstr("cut short or damaged"));
  ChildProcess none({"apps/lob_node/lob_node", "itch", "/no/such/file"});
  EXPECT_EQ(none.wait(), 1);
  EXPECT_THAT(none.err(), HasSubstr("/no/such/file"));
}

}  // namespace
}  // namespace wirebook
