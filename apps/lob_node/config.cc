// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "apps/lob_node/config.h"

#include <toml++/toml.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <limits>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "lob/order_feed.h"
#include "lob/venues/find_venue_requests.h"

namespace wirebook {
namespace {

// Levels a side that can be subscribed; none where there is no choice. Bybit's
// 25 and 100 are options'; its 1 is a best bid and offer.
std::vector<int> depths_of(VenueId venue, bool orders) {
  if (venue == VenueId::kKraken && orders) return {10, 100, 1000};
  if (venue == VenueId::kKraken) return {10, 25, 100, 500, 1000};
  if (venue == VenueId::kBybit) return {25, 50, 100, 200, 1000};
  if (venue == VenueId::kBitfinex) return {25, 100, 250};
  return {};
}

absl::string_view to_absl(std::string_view text) {
  return {text.data(), text.size()};
}

const char* type_name(const toml::node& node) {
  if (node.is_table()) return "a table";
  if (node.is_array()) return "an array";
  if (node.is_string()) return "a string";
  if (node.is_integer()) return "an integer";
  if (node.is_floating_point()) return "a float";
  if (node.is_boolean()) return "a boolean";
  return "a date or time";
}

// Reads one table key by key; keeps the first error, and knows which keys
// nobody asked for.
class TableReader {
 public:
  TableReader(const toml::table& table, std::string place, std::string file)
      : table_(table), place_(std::move(place)), file_(std::move(file)) {}

  bool has(std::string_view key) const { return table_.contains(key); }

  void read(std::string_view key, std::string* out) {
    if (const toml::node* node = take(key)) {
      if (node->is_string()) {
        *out = node->as_string()->get();
      } else {
        wrong_type(key, *node, "a string");
      }
    }
  }

  void read(std::string_view key, bool* out) {
    if (const toml::node* node = take(key)) {
      if (node->is_boolean()) {
        *out = node->as_boolean()->get();
      } else {
        wrong_type(key, *node, "a boolean");
      }
    }
  }

  template <typename Integer>
  void read(std::string_view key, std::int64_t least, std::int64_t most,
            Integer* out) {
    const toml::node* node = take(key);
    if (node == nullptr) return;
    if (!node->is_integer()) return wrong_type(key, *node, "an integer");
    const std::int64_t value = node->as_integer()->get();
    if (value < least || value > most) {
      return fail(key, *node,
                  absl::StrCat("is ", value, "; it must be from ", least,
                               " to ", most));
    }
    *out = static_cast<Integer>(value);
  }

  void read(std::string_view key, std::vector<std::string>* out) {
    const toml::node* node = take(key);
    if (node == nullptr) return;
    if (!node->is_array()) return wrong_type(key, *node, "an array of strings");
    for (const toml::node& element : *node->as_array()) {
      if (!element.is_string()) {
        return wrong_type(key, element, "an array of strings");
      }
      out->push_back(element.as_string()->get());
    }
  }

  // One of `names`; its index.
  std::optional<std::size_t> read_choice(
      std::string_view key, const std::vector<std::string>& names) {
    std::string text;
    read(key, &text);
    const toml::node* node = table_.get(key);
    if (node == nullptr || !node->is_string()) return std::nullopt;
    for (std::size_t i = 0; i < names.size(); ++i) {
      if (names[i] == text) return i;
    }
    fail(key, *node,
         absl::StrCat("is \"", text, "\"; it must be one of ",
                      absl::StrJoin(names, ", ")));
    return std::nullopt;
  }

  const toml::node* take(std::string_view key) {
    used_.insert(std::string(key));
    return table_.get(key);
  }

  void fail(std::string_view key, const toml::node& node,
            const std::string& what) {
    if (!status_.ok()) return;
    status_ = absl::InvalidArgumentError(
        absl::StrCat(file_, ":", node.source().begin.line, ": ", place_,
                     to_absl(key), " ", what));
  }

  void require(std::string_view key) {
    if (table_.contains(key) || !missing_.ok()) return;
    missing_ = absl::InvalidArgumentError(
        absl::StrCat(file_, ":", table_.source().begin.line, ": ", place_,
                     to_absl(key), " is missing"));
  }

  // The first error; an unknown key is one, and says more than the missing key
  // that it may be a misspelling of.
  absl::Status finish() {
    for (const auto& [key, node] : table_) {
      if (!used_.contains(std::string(key.str()))) {
        fail(key.str(), node, "is not a known key");
      }
    }
    status_.Update(missing_);
    return status_;
  }

 private:
  void wrong_type(std::string_view key, const toml::node& node,
                  const char* wanted) {
    fail(key, node,
         absl::StrCat("is ", type_name(node), "; it must be ", wanted));
  }

  const toml::table& table_;
  const std::string place_;  // "venue[1]." before a key in messages
  const std::string file_;
  std::set<std::string> used_;
  absl::Status status_;
  absl::Status missing_;
};

// Those that tell single orders: "kraken, bitstamp".
std::string order_venue_names() {
  std::vector<absl::string_view> names;
  for (const OrderFeed& feed : kOrderFeeds) {
    names.push_back(to_absl(venue_name(feed.venue)));
  }
  return absl::StrJoin(names, ", ");
}

bool has_scheme(const std::string& url, std::string_view scheme) {
  return std::string_view(url).substr(0, scheme.size()) == scheme;
}

bool wants_credentials(const VenueConfig& venue) {
  return venue.orders && (venue.id == VenueId::kKraken ||
                          venue.id == VenueId::kCoinbaseExchange);
}

// Its answer to a request by REST says where to connect.
bool tells_its_url(VenueId venue) { return venue == VenueId::kKucoin; }

bool has_rest_snapshots(const VenueConfig& venue) {
  return venue.orders ? find_order_feed(venue.id)->rule != OrderRule::kStream
                      : venue_traits(venue.id).sync == SyncClass::kRestSnapshot;
}

bool needs_rest(const VenueConfig& venue) {
  return has_rest_snapshots(venue) ||
         (venue.ask_for_instruments &&
          find_venue_requests(venue.id).instrument_request().empty());
}

// Where a key and a secret can be given for a token.
bool may_ask_for_tokens(const VenueConfig& venue) {
  return venue.orders && venue.id == VenueId::kKraken;
}

void check_venue(TableReader& reader, const toml::table& table,
                 const VenueConfig& venue) {
  if (const toml::node* node = table.get("url")) {
    if (tells_its_url(venue.id)) {
      reader.fail("url", *node,
                  absl::StrCat("is not for ", to_absl(venue_name(venue.id)),
                               ", which is asked for it at rest_url"));
    } else if (!has_scheme(venue.url, "ws://") &&
               !has_scheme(venue.url, "wss://")) {
      reader.fail("url", *node, "must begin with ws:// or wss://");
    }
  }
  if (venue.symbols.empty()) {
    if (const toml::node* node = table.get("symbols")) {
      reader.fail("symbols", *node, "is empty; name at least one");
    }
  }
  std::set<std::string> symbols;
  for (const std::string& symbol : venue.symbols) {
    if (symbols.insert(symbol).second) continue;
    reader.fail("symbols", *table.get("symbols"),
                absl::StrCat("has \"", symbol, "\" twice"));
  }
  if (const toml::node* node = table.get("connections");
      node != nullptr && venue.connections == 3) {
    reader.fail("connections", *node, "is 3; it must be 1, 2 or 4");
  }
  if (const toml::node* node = table.get("rollover_after_ms");
      node != nullptr && venue.rollover_after_ms != 0 &&
      venue.rollover_after_ms < 1'000) {
    reader.fail("rollover_after_ms", *node,
                absl::StrCat("is ", venue.rollover_after_ms,
                             "; it must be 0 or at least 1000"));
  }
  if (needs_rest(venue)) reader.require("rest_url");
  if (needs_rest(venue) || may_ask_for_tokens(venue)) {
    if (const toml::node* node = table.get("rest_url");
        node != nullptr && !has_scheme(venue.rest_url, "http://") &&
        !has_scheme(venue.rest_url, "https://")) {
      reader.fail("rest_url", *node, "must begin with http:// or https://");
    }
  }
  const std::vector<int> depths = depths_of(venue.id, venue.orders);
  if (const toml::node* node = table.get("depth");
      node != nullptr && !depths.empty() &&
      std::find(depths.begin(), depths.end(), venue.depth) == depths.end()) {
    reader.fail(
        "depth", *node,
        absl::StrCat("is ", venue.depth, "; ", to_absl(venue_name(venue.id)),
                     " takes ", absl::StrJoin(depths, ", ")));
  }
}

absl::StatusOr<VenueConfig> read_venue(const toml::table& table,
                                       const std::string& place,
                                       const std::string& file) {
  TableReader reader(table, place, file);
  VenueConfig venue;
  reader.require("id");
  const std::vector<std::string> names = parsed_venue_names();
  if (auto choice = reader.read_choice("id", names)) {
    venue.id = *find_venue(names[*choice]);
  }
  venue.name = std::string(venue_name(venue.id));
  reader.read("name", &venue.name);
  if (!tells_its_url(venue.id)) reader.require("url");
  reader.read("url", &venue.url);
  reader.require("symbols");
  reader.read("symbols", &venue.symbols);
  reader.read("market", &venue.market);
  if (!is_plain_word(venue.market) ||
      venue.market.find(',') != std::string::npos) {
    reader.fail("market", *table.get("market"),
                "has a blank, a comma, a quote or what is not ASCII");
  }
  // Kraken sends a heartbeat every second, Binance a ping every twenty.
  if (venue.id == VenueId::kKraken) venue.stale_after_ms = 10'000;
  reader.read("stale_after_ms", 0, 3'600'000, &venue.stale_after_ms);
  if (auto choice = reader.read_choice("instruments", {"usual", "venue"})) {
    venue.ask_for_instruments = *choice == 1;
  }
  if (auto choice = reader.read_choice("book", {"l2", "l3"})) {
    venue.orders = *choice == 1;
  }
  if (venue.orders && find_order_feed(venue.id) == nullptr) {
    reader.fail(
        "book", *table.get("book"),
        absl::StrCat("is \"l3\"; ", to_absl(venue_name(venue.id)),
                     " tells no single orders; ", order_venue_names(), " do"));
    return reader.finish();
  }
  if (wants_credentials(venue)) {
    reader.require("credentials");
    reader.read("credentials", &venue.credentials);
  }
  if (needs_rest(venue) || may_ask_for_tokens(venue)) {
    reader.read("rest_url", &venue.rest_url);
  }
  if (has_rest_snapshots(venue)) {
    // Snapshots of orders are whole.
    if (!venue.orders) {
      reader.read("snapshot_limit", 5, 5000, &venue.snapshot_limit);
    }
  } else {
    if (venue.id == VenueId::kKraken) venue.depth = venue.orders ? 10 : 25;
    if (!depths_of(venue.id, venue.orders).empty()) {
      reader.read("depth", 1, 1000, &venue.depth);
    }
  }
  if (venue.id != VenueId::kKraken) {
    reader.read("best_bid_offer", &venue.best_bid_offer);
  }
  reader.read("connections", 1, 4, &venue.connections);
  if (venue.orders && venue.connections != 1) {
    reader.fail("connections", *table.get("connections"),
                absl::StrCat("is ", venue.connections,
                             "; a book of orders (book = \"l3\") has one"));
  }
  if (venue_traits(venue.id).shared_ids) {
    constexpr std::int64_t kHour = 3'600'000;
    if (venue.id == VenueId::kBinanceSpot ||
        venue.id == VenueId::kBinanceUsdm) {
      venue.rollover_after_ms = 23 * kHour;
    }
    reader.read("rollover_after_ms", 0, 24 * 30 * kHour,
                &venue.rollover_after_ms);
    reader.read("line_patience_ms", 1, 3'600'000, &venue.line_patience_ms);
  }
  check_venue(reader, table, venue);
  if (absl::Status status = reader.finish(); !status.ok()) return status;
  return venue;
}

absl::StatusOr<NodeConfig> read_node(const toml::table& table,
                                     const std::string& file) {
  TableReader reader(table, "", file);
  NodeConfig config;
  if (auto choice = reader.read_choice("pipeline", pipeline_names())) {
    config.pipeline = static_cast<PipelineMode>(*choice);
  }
  if (auto choice = reader.read_choice("wait", {"spin", "adaptive", "sleep"})) {
    constexpr WaitMode kModes[] = {WaitMode::kSpin, WaitMode::kAdaptive,
                                   WaitMode::kSleep};
    config.wait = kModes[*choice];
  }
  if (reader.read_choice("backend", {"uring", "uring-oneshot", "epoll"})) {
    config.backend = table["backend"].as_string()->get();
  }
  const std::int64_t last_cpu = sysconf(_SC_NPROCESSORS_CONF) - 1;
  reader.read("network_cpu", 0, last_cpu, &config.network_cpu);
  reader.read("parser_cpu", 0, last_cpu, &config.parser_cpu);
  reader.read("book_cpu", 0, last_cpu, &config.book_cpu);
  reader.read("ring_capacity", 64, 1 << 20, &config.ring_capacity);
  const auto needs = [&](const char* key, bool there, const char* what) {
    const toml::node* const node = table.get(key);
    if (node == nullptr || there) return;
    reader.fail(key, *node,
                absl::StrCat("has no ", what, ": pipeline is \"",
                             pipeline_name(config.pipeline), "\""));
  };
  const bool staged = config.pipeline == PipelineMode::kStaged;
  needs("parser_cpu", staged, "thread to pin");
  needs("book_cpu", config.pipeline != PipelineMode::kFused, "thread to pin");
  needs("ring_capacity", config.pipeline != PipelineMode::kFused, "ring");

  reader.require("venue");
  const toml::node* venues = reader.take("venue");
  if (venues != nullptr && !venues->is_array_of_tables()) {
    reader.fail("venue", *venues, "must be tables: [[venue]]");
  }
  if (absl::Status status = reader.finish(); !status.ok()) return status;

  std::set<std::string> names;
  for (const toml::node& node : *venues->as_array()) {
    const std::string place =
        absl::StrCat("venue[", config.venues.size(), "].");
    absl::StatusOr<VenueConfig> venue =
        read_venue(*node.as_table(), place, file);
    if (!venue.ok()) return venue.status();
    if (!names.insert(venue->name).second) {
      return absl::InvalidArgumentError(absl::StrCat(
          file, ":", node.source().begin.line, ": ", place, "name is \"",
          venue->name, "\" like another venue's; give each its own"));
    }
    config.venues.push_back(*std::move(venue));
  }
  return config;
}

absl::Status syntax_error(const toml::parse_error& error,
                          const std::string& file) {
  return absl::InvalidArgumentError(
      absl::StrCat(file, ":", error.source().begin.line, ": ",
                   to_absl(error.description())));
}

}  // namespace

const std::vector<std::string>& pipeline_names() {
  static const std::vector<std::string> names = {"fused", "staged",
                                                 "two-threads"};
  return names;
}

const std::string& pipeline_name(PipelineMode mode) {
  return pipeline_names()[static_cast<std::size_t>(mode)];
}

std::vector<std::string> parsed_venue_names() {
  std::vector<std::string> names;
  for (const VenueTraits& venue : kVenues) {
    names.emplace_back(venue.name);
  }
  return names;
}

absl::StatusOr<ChannelCredentials> read_credentials(const std::string& path) {
  if (std::error_code error; std::filesystem::is_directory(path, error)) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": is a folder"));
  }
  toml::table table;
  try {
    table = toml::parse_file(path);
  } catch (const toml::parse_error& error) {
    if (error.source().begin.line == 0) {
      return absl::NotFoundError(
          absl::StrCat(path, ": credentials cannot be opened for reading"));
    }
    // Its description quotes the file.
    return absl::InvalidArgumentError(
        absl::StrCat(path, ":", error.source().begin.line,
                     ": credentials are not TOML; the text is not shown"));
  }
  TableReader reader(table, "", path);
  ChannelCredentials out;
  const std::pair<const char*, std::string*> keys[] = {
      {"token", &out.token},
      {"key", &out.key},
      {"passphrase", &out.passphrase},
      {"secret", &out.secret}};
  for (const auto& [key, value] : keys) {
    reader.read(key, value);
    if (is_plain_word(*value)) continue;
    reader.fail(key, *table.get(key),
                "has a blank, a quote or what is not ASCII, or over 1 KiB");
  }
  if (absl::Status status = reader.finish(); !status.ok()) return status;
  return out;
}

absl::StatusOr<NodeConfig> read_config(const std::string& path) {
  if (std::error_code error; std::filesystem::is_directory(path, error)) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": is a folder"));
  }
  try {
    return read_node(toml::parse_file(path), path);
  } catch (const toml::parse_error& error) {
    if (error.source().begin.line == 0) {
      return absl::NotFoundError(
          absl::StrCat(path, ": ", to_absl(error.description())));
    }
    return syntax_error(error, path);
  }
}

absl::StatusOr<NodeConfig> parse_config(std::string_view text,
                                        const std::string& name) {
  try {
    return read_node(toml::parse(text, name), name);
  } catch (const toml::parse_error& error) {
    return syntax_error(error, name);
  }
}

}  // namespace wirebook
