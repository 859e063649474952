// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// What this company lists, by Wirebook's table and with its own Abseil.

#ifndef CONSUMER_OWN_ABSEIL_LISTING_H_
#define CONSUMER_OWN_ABSEIL_LISTING_H_

#include <cstdint>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "lob/instrument.h"

#ifndef COMPANY_ABSEIL
#error "This is not the company's Abseil."
#endif

namespace consumer {

// An absl::StatusOr that Wirebook made, in the hands of code that knows only
// the company's Abseil.
inline absl::StatusOr<uint32_t> list(wirebook::InstrumentTable& table,
                                     std::string symbol) {
  return table.find_or_add({.symbol = std::move(symbol), .market = "spot"});
}

}  // namespace consumer

#endif  // CONSUMER_OWN_ABSEIL_LISTING_H_
