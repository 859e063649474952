// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "lob/venues/simdjson_text.h"

#include <string>
#include <string_view>
#include <vector>

#include "gtest/gtest.h"
#include "lob/fixed_point.h"
#include "simdjson.h"

namespace wirebook {
namespace {

namespace ondemand = simdjson::ondemand;

enum Key : unsigned { kId, kPrice, kLongest, kUnderscored };

constexpr KeyName<Key> kNames[] = {
    {"id", kId},
    {"price", kPrice},
    {"twenty_three_characters", kLongest},
    {"seven_c", kUnderscored},
};

// Which of kNames come, in their order; empty where the walk fails.
std::vector<Key> keys_of(const std::string& text) {
  const simdjson::padded_string padded(text);
  ondemand::parser parser;
  ondemand::document document;
  ondemand::object object;
  std::vector<Key> keys;
  KeysSeen seen;
  if (parser.iterate(padded).get(document) != simdjson::SUCCESS ||
      document.get_object().get(object) != simdjson::SUCCESS ||
      !read_fields(object, kNames, &seen, [&](Key key, ondemand::value) {
        keys.push_back(key);
        return true;
      })) {
    return {};
  }
  return keys;
}

// Applies `read` to the value of {"a": value}.
template <typename Read>
auto with_value(const std::string& value, Read&& read) {
  const simdjson::padded_string padded("{\"a\":" + value + "}");
  ondemand::parser parser;
  ondemand::document document = parser.iterate(padded);
  return read(ondemand::value(document.get_object().find_field("a")));
}

TEST(ReadFields, FindsTheKnownKeysInWhateverOrderTheyCome) {
  EXPECT_EQ(keys_of(R"({"id":1,"price":2,"twenty_three_characters":3})"),
            (std::vector<Key>{kId, kPrice, kLongest}));
  EXPECT_EQ(keys_of(R"({"seven_c":1,"other":[{"id":1}],"price":2,"id":3})"),
            (std::vector<Key>{kUnderscored, kPrice, kId}));
}

TEST(ReadFields, TakesNoPartOfAKeyForTheKey) {
  EXPECT_EQ(keys_of(R"({"i":1,"idx":2,"pric":3,"prices":4,"":5,
      "twenty_three_character":6,"twenty_three_characterss":7,
      "twenty_threeXcharacters":8,"twenty_three_characterX":9,"seven_d":10,
      "id":11})"),
            (std::vector<Key>{kId}));
}

TEST(ReadFields, RefusesAKeyThatComesTwice) {
  EXPECT_TRUE(keys_of(R"({"id":1,"price":2,"id":3})").empty());
}

TEST(JsonString, IsInPlaceOrUnescaped) {
  const auto read = [](const std::string& value) {
    return with_value(value, [](ondemand::value text) {
      std::string_view out;
      return json_string(text, &out) ? std::string(out) : "no string";
    });
  };
  for (size_t size : {0, 1, 15, 16, 17, 31, 32, 47, 48, 49, 200}) {
    const std::string text(size, 'x');
    EXPECT_EQ(read('"' + text + '"'), text);
    EXPECT_EQ(read('"' + text + R"(\u0041")"), text + 'A');
    EXPECT_EQ(read(R"("\")" + text + '"'), '"' + text);
  }
  EXPECT_EQ(read("1"), "no string");
  EXPECT_EQ(read("[\"x\"]"), "no string");
  EXPECT_EQ(read("\"\\q\""), "no string");
}

TEST(JsonNumbers, EndWhereTheirTokenEnds) {
  const auto read = [](const std::string& value) {
    return with_value(value, [](ondemand::value number) {
      uint64_t out = 0;
      return json_unsigned(number, &out) ? static_cast<int64_t>(out) : -1;
    });
  };
  EXPECT_EQ(read("42"), 42);
  EXPECT_EQ(read("42 \t\r\n"), 42);
  for (const char* bad :
       {"42x", "4.2", "\"42\"", "-1", "42e1", "042", "[42]"}) {
    EXPECT_EQ(read(bad), -1) << bad;
  }
  const auto amount = [](const std::string& value) {
    return with_value(value, [](ondemand::value number) {
      int64_t out = 0;
      return json_amount(number, 2, &out) == DecimalError::kOk ? out : -1;
    });
  };
  EXPECT_EQ(amount("4.25"), 425);
  EXPECT_EQ(amount("4.25 "), 425);
  for (const char* bad : {"4.25x", "4.255", "\"4.25\"", "-1", "null", "{}"}) {
    EXPECT_EQ(amount(bad), -1) << bad;
  }
}

}  // namespace
}  // namespace wirebook
