// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// Every row of the table is a test of its own; the counts are printed at the
// end. Those that take minutes at the suite's size have it under --config=soak.

#include <algorithm>
#include <cstdio>
#include <map>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "memory/testing/soak.h"
#include "net/conformance/conformance_case.h"
#include "net/conformance/conformance_runner.h"

namespace wirebook::conformance {

void PrintTo(const ConformanceCase& row, std::ostream* out) {
  *out << row.number << ": " << row.sent;
}

namespace {

size_t scale() { return soaking() ? 1 : 32; }
size_t deflate_scale() { return soaking() ? 1 : 200; }

struct Counts {
  int strict = 0, non_strict = 0, informational = 0, failed = 0;
};

int group_of(const ConformanceCase& row) { return std::stoi(row.number); }

class ConformanceTest : public ::testing::TestWithParam<ConformanceCase> {
 protected:
  static void SetUpTestSuite() { counts_ = {}; }
  static void TearDownTestSuite() {
    Counts all;
    for (const auto& [group, counts] : counts_) {
      print("group " + std::to_string(group), counts);
      all.strict += counts.strict;
      all.non_strict += counts.non_strict;
      all.informational += counts.informational;
      all.failed += counts.failed;
    }
    print("all", all);
  }

  static void print(const std::string& name, const Counts& counts) {
    std::printf(
        "[ conformance ] %-8s %3d strict, %d non-strict, %d informational, "
        "%d failed\n",
        name.c_str(), counts.strict, counts.non_strict, counts.informational,
        counts.failed);
  }

  static std::map<int, Counts> counts_;
};

std::map<int, Counts> ConformanceTest::counts_;

TEST_P(ConformanceTest, Row) {
  const ConformanceCase& row = GetParam();
  Counts& counts = counts_[group_of(row)];
  const std::string error = run_conformance_case(row);
  EXPECT_EQ(error, "") << row.number << ": " << row.sent;
  ++(!error.empty()      ? counts.failed
     : row.informational ? counts.informational
                         : counts.strict);
}

std::vector<ConformanceCase> table(size_t scale_9 = scale(),
                                   size_t scale_12 = deflate_scale()) {
  std::vector<ConformanceCase> rows;
  for (const auto& group :
       {framing_cases(), ping_cases(), reserved_bit_cases(), opcode_cases(),
        fragmentation_cases(), utf8_cases(), close_cases(),
        limit_cases(scale_9), auto_fragment_cases(),
        deflate_payload_cases(scale_12), deflate_parameter_cases(scale_12)}) {
    rows.insert(rows.end(), group.begin(), group.end());
  }
  return rows;
}

INSTANTIATE_TEST_SUITE_P(
    Autobahn, ConformanceTest, ::testing::ValuesIn(table()),
    [](const ::testing::TestParamInfo<ConformanceCase>& row) {
      std::string name = "Case" + row.param.number;
      std::replace(name.begin(), name.end(), '.', '_');
      return name;
    });

// As many as the suite has, each number once.
TEST(ConformanceTableTest, IsWhole) {
  const std::map<int, size_t> expected = {{1, 16}, {2, 11},  {3, 7},   {4, 10},
                                          {5, 20}, {6, 145}, {7, 37},  {9, 54},
                                          {10, 1}, {12, 90}, {13, 126}};
  std::map<int, size_t> sizes;
  std::map<std::string, int> numbers;
  for (const ConformanceCase& row : table()) {
    ++sizes[group_of(row)];
    EXPECT_EQ(++numbers[row.number], 1) << row.number;
  }
  EXPECT_EQ(sizes, expected);
}

// 9.3 and 9.4, and 14 of the 18 sizes of each subgroup of 12 and 13: README.md.
TEST(ConformanceTableTest, HasTheSuitesSizesButForWhatTakesMinutes) {
  const std::vector<ConformanceCase> rows = table(), full = table(1, 1);
  ASSERT_EQ(rows.size(), full.size());
  std::map<int, size_t> smaller;
  for (size_t i = 0; i < rows.size(); ++i) {
    EXPECT_EQ(rows[i].number, full[i].number);
    const auto bytes = [](const ConformanceCase& row) {
      size_t sum = 0;
      for (const Send& send : row.sends) sum += send.payload.length;
      return sum * static_cast<size_t>(row.rounds);
    };
    if (bytes(rows[i]) < bytes(full[i])) ++smaller[group_of(rows[i])];
  }
  EXPECT_EQ(smaller,
            soaking() ? (std::map<int, size_t>{})
                      : (std::map<int, size_t>{{9, 18}, {12, 70}, {13, 98}}));
}

}  // namespace
}  // namespace wirebook::conformance
