// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
#include "tools/exchange_sim/compare.h"

#include <simdjson.h>

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace wirebook::sim {
namespace {

constexpr std::string_view kHeader =
    "symbol,side,price,quantity,market,connection";

std::vector<std::string> fields_of(std::string_view line) {
  std::vector<std::string> out;
  while (true) {
    const std::size_t comma = line.find(',');
    out.emplace_back(line.substr(0, comma));
    if (comma == std::string_view::npos) return out;
    line.remove_prefix(comma + 1);
  }
}

std::string text_of(const Level& level) {
  return level.quantity + " at " + level.price;
}

std::string side_difference(const char* name, const std::vector<Level>& dump,
                            const std::vector<Level>& truth,
                            std::size_t depth) {
  const std::size_t wanted =
      depth == 0 ? truth.size() : std::min(depth, truth.size());
  const std::size_t common = std::min(wanted, dump.size());
  for (std::size_t i = 0; i < common; ++i) {
    if (parse_decimal(dump[i].price) == parse_decimal(truth[i].price) &&
        parse_decimal(dump[i].quantity) == parse_decimal(truth[i].quantity)) {
      continue;
    }
    return absl::StrCat(name, " ", i, ": ", text_of(dump[i]), ", truth has ",
                        text_of(truth[i]));
  }
  if (dump.size() < wanted) {
    return absl::StrCat(name, " ", common, ": missing, truth has ",
                        text_of(truth[common]), " (", dump.size(), " of ",
                        wanted, " levels)");
  }
  if (dump.size() > wanted) {
    return absl::StrCat(name, " ", common, ": ", text_of(dump[common]),
                        ", truth has no such level (", dump.size(), " of ",
                        wanted, " levels)");
  }
  return "";
}

bool read_side(const simdjson::dom::element& root, const char* name,
               std::vector<Level>& out) {
  simdjson::dom::array levels;
  if (root[name].get(levels)) return false;
  for (const simdjson::dom::element level : levels) {
    std::string_view price;
    std::string_view quantity;
    if (level.at(0).get(price) || level.at(1).get(quantity) ||
        !parse_decimal(price) || !parse_decimal(quantity)) {
      return false;
    }
    out.push_back({std::string(price), std::string(quantity)});
  }
  return true;
}

}  // namespace

absl::StatusOr<std::map<BookName, Sides>> parse_dump(std::string_view csv) {
  std::map<BookName, Sides> books;
  std::size_t number = 0;
  while (!csv.empty()) {
    const std::size_t end = std::min(csv.find('\n'), csv.size());
    const std::string_view line = csv.substr(0, end);
    csv.remove_prefix(std::min(end + 1, csv.size()));
    ++number;
    if (number == 1) {
      if (line == kHeader) continue;
      return absl::InvalidArgumentError("the dump has no header line");
    }
    const std::vector<std::string> fields = fields_of(line);
    if (fields.size() != 6 || (fields[1] != "bid" && fields[1] != "ask") ||
        !parse_decimal(fields[2]) || !parse_decimal(fields[3])) {
      return absl::InvalidArgumentError(
          absl::StrCat("line ", number, " of the dump cannot be read"));
    }
    Sides& sides = books[{fields[0], fields[4], fields[5]}];
    (fields[1] == "bid" ? sides.bids : sides.asks)
        .push_back({fields[2], fields[3]});
  }
  if (books.empty()) return absl::InvalidArgumentError("the dump is empty");
  return books;
}

absl::StatusOr<Sides> parse_truth(const std::string& json) {
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  Sides out;
  if (parser.parse(json).get(root) || !read_side(root, "bids", out.bids) ||
      !read_side(root, "asks", out.asks)) {
    return absl::InvalidArgumentError("the truth cannot be read");
  }
  return out;
}

std::string first_difference(const Sides& dump, const Sides& truth,
                             std::size_t depth) {
  if (truth.bids.empty() || truth.asks.empty()) return "the truth is empty";
  std::string found = side_difference("bid", dump.bids, truth.bids, depth);
  if (!found.empty()) return found;
  return side_difference("ask", dump.asks, truth.asks, depth);
}

Comparison compare_books(
    const absl::StatusOr<std::map<BookName, Sides>>& dump,
    const std::set<std::string>& expected,
    const std::map<std::string, std::size_t>& depths,
    const std::function<absl::StatusOr<std::string>(const std::string&)>&
        truth_of) {
  Comparison result;
  std::string verdict;
  const auto differ = [&](const std::string& what) {
    if (verdict.empty()) verdict = "books differ: " + what;
  };
  std::size_t levels = 0;
  std::size_t books = 0;
  if (!dump.ok()) {
    differ(std::string(dump.status().message()));
  } else {
    std::set<std::string> missing = expected;
    for (const auto& [name, sides] : *dump) {
      missing.erase(name.symbol);
      std::string title = name.symbol;
      if (!name.market.empty()) title += " " + name.market;
      if (!name.connection.empty()) title += " " + name.connection;
      const auto depth = depths.find(name.symbol);
      const absl::StatusOr<std::string> body = truth_of(name.symbol);
      const absl::StatusOr<Sides> truth =
          body.ok() ? parse_truth(*body) : body.status();
      const std::string difference =
          truth.ok()
              ? first_difference(sides, *truth,
                                 depth == depths.end() ? 0 : depth->second)
              : std::string(truth.status().message());
      ++books;
      levels += sides.bids.size() + sides.asks.size();
      if (difference.empty()) {
        result.lines.push_back(absl::StrCat(title, ": equal, ",
                                            sides.bids.size(), " bids, ",
                                            sides.asks.size(), " asks"));
      } else {
        result.lines.push_back(title + ": differs, " + difference);
        differ(title + ", " + difference);
      }
    }
    for (const std::string& symbol : missing) {
      result.lines.push_back(symbol + ": not in the dump");
      differ(symbol + " is not in the dump");
    }
  }
  result.equal = verdict.empty();
  result.lines.push_back(result.equal
                             ? absl::StrCat("books equal: ", books, " books, ",
                                            levels, " levels, level by level")
                             : verdict);
  return result;
}

}  // namespace wirebook::sim
