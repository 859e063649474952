// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "lob/venues/rfc3339.h"

#include <ctime>
#include <random>
#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace wirebook {
namespace {

TEST(Rfc3339Reader, ReadsWhatVenuesSend) {
  Rfc3339Reader times;
  int64_t ns = 0;
  ASSERT_TRUE(times.read("1970-01-01T00:00:00Z", &ns));
  EXPECT_EQ(ns, 0);
  ASSERT_TRUE(times.read("2026-08-02T03:35:51.660084Z", &ns));
  EXPECT_EQ(ns, 1785641751660084000);
  ASSERT_TRUE(times.read("2026-08-02T03:35:51.123456789Z", &ns));
  EXPECT_EQ(ns % 1'000'000'000, 123456789);
}

TEST(Rfc3339Reader, AFractionHasOneToNineDigits) {
  const std::string digits = "987654321";
  for (size_t size = 1; size <= digits.size(); ++size) {
    // Of the exact size, so that ASan sees who reads on.
    const std::string head = "1970-01-01T00:00:09." + digits.substr(0, size);
    const std::vector<char> text = [&] {
      std::vector<char> bytes(head.begin(), head.end());
      bytes.push_back('Z');
      return bytes;
    }();
    Rfc3339Reader times;
    int64_t ns = 0;
    ASSERT_TRUE(times.read({text.data(), text.size()}, &ns)) << head;
    EXPECT_EQ(
        ns, 9'000'000'000 +
                std::stoll((digits.substr(0, size) + "00000000").substr(0, 9)));
    for (size_t at = 0; at < size; ++at) {
      for (const char bad :
           {'/', ':', '.', ' ', '\0', '\x7f', '\x80', '\xb0', '\xff'}) {
        std::vector<char> broken = text;
        broken[20 + at] = bad;
        EXPECT_FALSE(times.read({broken.data(), broken.size()}, &ns))
            << head << " at " << at;
      }
    }
  }
}

TEST(Rfc3339Reader, RefusesTheRest) {
  Rfc3339Reader times;
  int64_t ns = 7;
  for (const char* text :
       {"", "Z", "2026-08-02", "2026-08-02T03:35:51", "2026-08-02 03:35:51Z",
        "2026-13-02T03:35:51Z", "2026-08-02T24:35:51Z", "2026-08-02T03:60:51Z",
        "2026-08-02T03:35:51.Z", "2026-08-02T03:35:51.12x4Z",
        "2026-08-02T03:35:51.1234567890Z", "0001-01-01T00:00:00.000000Z",
        "2026-08-02T03:35:51+00:00Z"}) {
    EXPECT_FALSE(times.read(text, &ns)) << text;
  }
  EXPECT_EQ(ns, 7);
}

TEST(Rfc3339Reader, AgreesWithTheCLibrary) {
  std::mt19937_64 random(20260802);
  Rfc3339Reader times;
  for (int i = 0; i < 20000; ++i) {
    const auto seconds = static_cast<time_t>(random() % 9'000'000'000);
    tm parts{};
    gmtime_r(&seconds, &parts);
    char text[32];
    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &parts);
    int64_t ns = 0;
    ASSERT_TRUE(times.read(text, &ns)) << text;
    ASSERT_EQ(ns, int64_t{seconds} * 1'000'000'000) << text;
  }
}

}  // namespace
}  // namespace wirebook
