// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
#include "lob/itch/itch_message.h"

#include <array>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "gtest/gtest.h"

namespace wirebook {
namespace {

constexpr std::string_view kTypes = "SRHYLVWKJhAFECXDUPQBINO";

std::vector<std::byte> bytes_of(std::string_view text) {
  const auto* begin = reinterpret_cast<const std::byte*>(text.data());
  return {begin, begin + text.size()};
}

// Byte by byte as the specification's table has it, section 1.3.1.
TEST(ItchMessageTest, SimplestUse) {
  const std::vector<std::byte> bytes =
      bytes_of(std::string_view("A\x00\x07\x00\x01\x1f\x1a\xce\xd9\x04\xd2"
                                "\x00\x00\x00\x00\x00\x00\x30\x39"
                                "S\x00\x00\x01\x2c"
                                "WIRE    "
                                "\x00\x12\xd6\x87",
                                36));
  ItchMessage message;
  ASSERT_EQ(parse_itch(bytes, &message), ItchError::kOk);
  EXPECT_EQ(message.type, 'A');
  EXPECT_EQ(message.locate, 7);
  EXPECT_EQ(message.tracking, 1);
  EXPECT_EQ(message.timestamp_ns, 0x1f1aced904d2);
  EXPECT_EQ(message.order, 12345U);
  EXPECT_EQ(message.side, Side::kAsk);
  EXPECT_EQ(message.shares, 300U);
  EXPECT_EQ(itch_stock_name(message.stock), "WIRE");
  EXPECT_EQ(message.price, 1234567U);  // 123.4567
  std::array<std::byte, kMaxItchBytes> out;
  ASSERT_EQ(format_itch(message, out), bytes.size());
  EXPECT_TRUE(std::equal(bytes.begin(), bytes.end(), out.begin()));
}

// Offsets of the other types, from the tables of sections 1.2 to 1.5: a byte
// set at the field's last place shows as its lowest digit.
TEST(ItchMessageTest, FieldsLieWhereTheSpecificationHasThem) {
  const auto message_with = [](char type, size_t offset, uint8_t value) {
    std::vector<std::byte> bytes(itch_length(static_cast<uint8_t>(type)));
    bytes[0] = static_cast<std::byte>(type);
    if (type == 'A' || type == 'F' || type == 'P') bytes[19] = std::byte{'B'};
    bytes[offset] = static_cast<std::byte>(value);
    ItchMessage message;
    EXPECT_EQ(parse_itch(bytes, &message), ItchError::kOk);
    return message;
  };
  for (const char type : kTypes) {
    EXPECT_EQ(message_with(type, 2, 9).locate, 9) << type;
    EXPECT_EQ(message_with(type, 4, 9).tracking, 9) << type;
    EXPECT_EQ(message_with(type, 10, 9).timestamp_ns, 9) << type;
  }
  for (const char type : {'A', 'F', 'E', 'C', 'X', 'D', 'U', 'P'}) {
    EXPECT_EQ(message_with(type, 18, 9).order, 9U) << type;
  }
  EXPECT_EQ(message_with('S', 11, 'Q').code, 'Q');
  EXPECT_EQ(message_with('R', 18, 'Z').stock[7], 'Z');
  EXPECT_EQ(message_with('H', 19, 'T').code, 'T');
  EXPECT_EQ(message_with('H', 24, 'T').text[3], 'T');
  EXPECT_EQ(message_with('h', 19, 'Q').code, 'Q');
  EXPECT_EQ(message_with('h', 20, 'H').action, 'H');
  for (const char type : {'A', 'F', 'P'}) {
    EXPECT_EQ(message_with(type, 23, 9).shares, 9U) << type;
    EXPECT_EQ(message_with(type, 31, 'Z').stock[7], 'Z') << type;
    EXPECT_EQ(message_with(type, 35, 9).price, 9U) << type;
    EXPECT_EQ(message_with(type, 19, 'S').side, Side::kAsk) << type;
  }
  EXPECT_EQ(message_with('F', 39, 'Z').text[3], 'Z');
  for (const char type : {'E', 'C'}) {
    EXPECT_EQ(message_with(type, 22, 9).shares, 9U) << type;
    EXPECT_EQ(message_with(type, 30, 9).match, 9U) << type;
  }
  EXPECT_EQ(message_with('C', 31, 'N').code, 'N');
  EXPECT_EQ(message_with('C', 35, 9).price, 9U);
  EXPECT_EQ(message_with('X', 22, 9).shares, 9U);
  EXPECT_EQ(message_with('U', 26, 9).new_order, 9U);
  EXPECT_EQ(message_with('U', 30, 9).shares, 9U);
  EXPECT_EQ(message_with('U', 34, 9).price, 9U);
  EXPECT_EQ(message_with('P', 43, 9).match, 9U);
  EXPECT_EQ(message_with('Q', 18, 9).shares, 9U);
  EXPECT_EQ(message_with('Q', 26, 'Z').stock[7], 'Z');
  EXPECT_EQ(message_with('Q', 30, 9).price, 9U);
  EXPECT_EQ(message_with('Q', 38, 9).match, 9U);
  EXPECT_EQ(message_with('Q', 39, 'O').code, 'O');
  EXPECT_EQ(message_with('B', 18, 9).match, 9U);
}

TEST(ItchMessageTest, RandomMessagesComeBackAsTheyWere) {
  const uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  for (int i = 0; i < 20'000; ++i) {
    const char type = kTypes[random() % kTypes.size()];
    std::vector<std::byte> bytes(itch_length(static_cast<uint8_t>(type)));
    for (std::byte& byte : bytes) byte = static_cast<std::byte>(random());
    bytes[0] = static_cast<std::byte>(type);
    if (type == 'A' || type == 'F' || type == 'P') {
      bytes[19] = random() % 2 == 0 ? std::byte{'B'} : std::byte{'S'};
    }
    ItchMessage message;
    ASSERT_EQ(parse_itch(bytes, &message), ItchError::kOk) << type;
    std::array<std::byte, kMaxItchBytes> out;
    ASSERT_EQ(format_itch(message, out), bytes.size());
    ItchMessage again;
    ASSERT_EQ(parse_itch(std::span(out).first(bytes.size()), &again),
              ItchError::kOk);
    ASSERT_EQ(again, message) << type;
  }
}

TEST(ItchMessageTest, WhatIsNoMessageIsRefused) {
  ItchMessage message;
  EXPECT_EQ(parse_itch({}, &message), ItchError::kUnknownType);
  EXPECT_EQ(parse_itch(bytes_of("Z234567890"), &message),
            ItchError::kUnknownType);
  EXPECT_EQ(parse_itch(bytes_of("A"), &message), ItchError::kWrongLength);
  for (const char type : kTypes) {
    const size_t length = itch_length(static_cast<uint8_t>(type));
    EXPECT_EQ(parse_itch(bytes_of(std::string(length + 1, type)), &message),
              ItchError::kWrongLength);
    EXPECT_EQ(parse_itch(bytes_of(std::string(length - 1, type)), &message),
              ItchError::kWrongLength);
  }
  EXPECT_EQ(parse_itch(bytes_of(std::string(36, 'A')), &message),
            ItchError::kBadField);
  std::array<std::byte, kMaxItchBytes> out;
  EXPECT_EQ(format_itch(ItchMessage{.type = 'z'}, out), 0U);
  EXPECT_EQ(itch_error_name(ItchError::kBadField), "bad_field");
}

}  // namespace
}  // namespace wirebook
