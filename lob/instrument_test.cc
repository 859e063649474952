// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "lob/instrument.h"

#include <string>
#include <thread>

#include "gtest/gtest.h"

namespace wirebook {
namespace {

Instrument make(const std::string& symbol, uint16_t connection = 0) {
  Instrument instrument;
  instrument.symbol = symbol;
  instrument.connection = connection;
  return instrument;
}

TEST(InstrumentTable, OneIndexPerSymbolAndConnection) {
  InstrumentTable table(4);
  EXPECT_EQ(*table.find_or_add(make("BTCUSDT")), 0u);
  EXPECT_EQ(*table.find_or_add(make("ETHUSDT")), 1u);
  EXPECT_EQ(*table.find_or_add(make("BTCUSDT")), 0u);
  EXPECT_EQ(*table.find_or_add(make("BTCUSDT", 7)), 2u);
  EXPECT_EQ(table.size(), 3u);
  EXPECT_EQ(table[2].connection, 7);
  EXPECT_EQ(table.find("ETHUSDT", 0), 1u);
  EXPECT_EQ(table.find("ETHUSDT", 7), std::nullopt);
  EXPECT_EQ(table.only_instrument_of(7), 2u);
  EXPECT_EQ(table.only_instrument_of(0), std::nullopt);
  EXPECT_EQ(table.only_instrument_of(8), std::nullopt);
}

TEST(InstrumentTable, ScalesAreTheEntrysUntilTheyChange) {
  InstrumentTable table(2);
  Instrument btc = make("BTCUSDT");
  btc.price_scale = 2;
  btc.quantity_scale = 5;
  ASSERT_EQ(*table.find_or_add(btc), 0u);
  ASSERT_EQ(*table.find_or_add(make("ETHUSDT")), 1u);
  EXPECT_EQ(table.scales(0), (Scales{.price = 2, .quantity = 5}));
  EXPECT_EQ(table.scales(1), (Scales{.price = 8, .quantity = 8}));
  table.change_scales(0, {.price = 4, .quantity = 5});
  EXPECT_EQ(table.scales(0), (Scales{.price = 4, .quantity = 5}));
  EXPECT_EQ(table[0].price_scale, 2) << "as it was told first";
}

TEST(InstrumentTable, RefusesWhatDoesNotFit) {
  InstrumentTable table(1);
  EXPECT_FALSE(table.find_or_add(make("")).ok());
  EXPECT_FALSE(table.find_or_add(make(std::string(48, 'X'))).ok());
  EXPECT_TRUE(table.find_or_add(make(std::string(47, 'X'))).ok());
  EXPECT_EQ(table.find_or_add(make("Y")).status().code(),
            absl::StatusCode::kResourceExhausted);
}

TEST(InstrumentTable, AReaderSeesOnlyWholeEntries) {
  InstrumentTable table(2000);
  std::thread reader([&table] {
    for (size_t size = 0; size < table.capacity(); size = table.size()) {
      if (size != 0) {
        ASSERT_EQ(table[size - 1].symbol, std::to_string(size - 1));
      }
    }
  });
  for (size_t i = 0; i < table.capacity(); ++i) {
    ASSERT_TRUE(table.find_or_add(make(std::to_string(i))).ok());
  }
  reader.join();
}

}  // namespace
}  // namespace wirebook
