// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// Compares a dump of books with the exchange's own, level by level.
//
// A dump is a CSV with the header `symbol,side,price,quantity,market,
// connection`, each side best first. Values are compared as decimals, so
// 1.50 equals 1.5. Fails closed: an empty dump, a line that cannot be read
// and a book without levels on both sides are differences.
#ifndef WIREBOOK_TOOLS_EXCHANGE_SIM_COMPARE_H_
#define WIREBOOK_TOOLS_EXCHANGE_SIM_COMPARE_H_

#include <cstddef>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "tools/exchange_sim/book.h"

namespace wirebook::sim {

struct Sides {
  std::vector<Level> bids;
  std::vector<Level> asks;
};

// "BTCUSDT" or, where a symbol has several books, told apart by the rest.
struct BookName {
  std::string symbol;
  std::string market;
  std::string connection;
  auto operator<=>(const BookName&) const = default;
};

absl::StatusOr<std::map<BookName, Sides>> parse_dump(std::string_view csv);

// The body of GET /truth/<symbol>.
absl::StatusOr<Sides> parse_truth(const std::string& json);

// Empty if equal; else the first level that differs. `depth` truncates the
// truth, 0 does not.
std::string first_difference(const Sides& dump, const Sides& truth,
                             std::size_t depth);

struct Comparison {
  bool equal = false;
  std::vector<std::string> lines;  // one for each book, then the verdict
};

// `truth_of` answers with the truth's body for a symbol.
Comparison compare_books(
    const absl::StatusOr<std::map<BookName, Sides>>& dump,
    const std::set<std::string>& expected,
    const std::map<std::string, std::size_t>& depths,
    const std::function<absl::StatusOr<std::string>(const std::string&)>&
        truth_of);

}  // namespace wirebook::sim

#endif  // WIREBOOK_TOOLS_EXCHANGE_SIM_COMPARE_H_
