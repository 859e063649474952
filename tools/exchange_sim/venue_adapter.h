// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// What one venue says and hears, as text: one small file a venue in venues/.
//
// An adapter has no state: ids, books and connections are its caller's. It
// writes snapshots and updates as the venue writes them, answers a client's
// requests, and knows how to spoil its own texts for --fault. Texts by other
// means than the product's; nothing of //lob is used. Any thread.
//
//   const VenueAdapter* bybit = find_adapter("bybit");
//   Answer answer = bybit->answer(request, known, time_ms);
//   std::string text = bybit->snapshot(message);
#ifndef WIREBOOK_TOOLS_EXCHANGE_SIM_VENUE_ADAPTER_H_
#define WIREBOOK_TOOLS_EXCHANGE_SIM_VENUE_ADAPTER_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tools/exchange_sim/book.h"
#include "tools/exchange_sim/book_channel.h"
#include "tools/exchange_sim/generator.h"

namespace wirebook::sim {

// A level as a message has it.
struct SentLevel {
  Level level;
  bool removes = false;  // its quantity is zero
  bool had = false;      // the subscriber has a level at this price already
};

// A snapshot or an update of one subscription.
struct BookMessage {
  std::string symbol;
  std::size_t depth = 0;  // subscribed levels a side, 0: all
  std::uint64_t first_id = 0;
  std::uint64_t last_id = 0;
  std::uint64_t previous_id = 0;  // of the update before
  std::int64_t time_ms = 0;
  std::vector<SentLevel> bids;  // best first
  std::vector<SentLevel> asks;
  const Book* book = nullptr;  // the subscriber's, after it
};

struct Wanted {
  std::string symbol;
  std::size_t depth = 0;
  bool orders = false;  // order by order, not levels
};

// What a client's message comes to.
struct Answer {
  std::vector<std::string> replies;  // sent before any snapshot
  std::vector<Wanted> subscribe;
  std::vector<Wanted> unsubscribe;
};

// What stands behind the question mark of a request's target.
using Query = std::map<std::string, std::string>;

// What a POST says, as far as a venue wants to know it.
struct Post {
  std::string path{};
  std::string host{};  // what the client calls this server
  std::string content{};
  std::string api_key{};   // of the header API-Key
  std::string api_sign{};  // of API-Sign
};

class OrderChannel;

// Of levels; orders() leads to its other channel.
class VenueAdapter : public BookChannel {
 public:
  // As `lob_node` calls it: "bybit".
  virtual std::string_view venue() const = 0;
  virtual Instrument instrument(const std::string& symbol) const = 0;
  // Whether a WebSocket at this path is this venue's.
  virtual bool serves(std::string_view path) const = 0;
  // In the query of one: the token that lets it in; empty: none is wanted.
  virtual std::string_view token_key() const { return {}; }
  using Known = std::function<bool(const std::string& symbol)>;
  virtual Answer answer(const std::string& text, const Known& known,
                        std::int64_t time_ms) const = 0;

  // In the stream, or the body of the REST request where snapshots come so.
  virtual std::string snapshot(const BookMessage& message) const = 0;
  // What tells of one update, in this order.
  virtual std::vector<std::string> update(const BookMessage& message) const = 0;

  // The snapshot that a GET asks for, and how deep; nothing: it asks for
  // something else.
  virtual std::optional<Wanted> rest_request(std::string_view,
                                             const Query&) const {
    return std::nullopt;
  }
  virtual std::string rest_body(const BookMessage& message) const {
    return snapshot(message);
  }
  // The path of the POST that gives a token; what refuses it, or is empty; and
  // what answers it. `last_nonce` is that of the request before it that was not
  // refused, and becomes this one's.
  virtual std::string_view token_path() const { return {}; }
  virtual std::string token_refusal(const Post&,
                                    std::uint64_t& /*last_nonce*/) const {
    return {};
  }
  virtual std::string token_answer(const std::string& /*token*/,
                                   const Post&) const {
    return {};
  }

  // A level that falls out of the depth is not mentioned: the client cuts.
  virtual bool client_truncates() const { return false; }
  // Ids count the updates of a subscription; else they are the market's own.
  virtual bool ids_count_updates() const { return false; }
  // After its ids begin anew, the venue sends a snapshot by itself.
  virtual bool restarts_with_snapshot() const { return false; }
  // The first update after that names the one before it all the same.
  virtual bool links_across_restart() const { return false; }
  // They are times, which never begin anew.
  virtual bool ids_are_times() const { return false; }
  // Messages bear a number of their connection: `numbered` fills in the next
  // one and counts on, where the text is one of those that are counted.
  virtual bool numbers_messages() const { return false; }
  virtual std::string numbered(std::string text, std::uint64_t&) const {
    return text;
  }
  // Once a second to whoever subscribed to `symbols`.
  virtual std::vector<std::string> heartbeats(const std::vector<std::string>&,
                                              std::int64_t) const {
    return {};
  }
  // First on a connection.
  virtual std::string greeting(std::uint64_t) const { return {}; }

  // Order by order; null where the venue has no such channel.
  virtual const OrderChannel* orders() const { return nullptr; }
};

// Null for a venue without one.
const VenueAdapter* find_adapter(std::string_view venue);
const std::vector<const VenueAdapter*>& all_adapters();

// ---- One a file in venues/ -------------------------------------------------

const VenueAdapter& binance_spot_adapter();
const VenueAdapter& binance_usdm_adapter();
const VenueAdapter& binance_coinm_adapter();
const VenueAdapter& kraken_adapter();
const VenueAdapter& bybit_adapter();
const VenueAdapter& okx_adapter();
// As until 2022: sums instead of ids. Not of all_adapters().
const VenueAdapter& okx_with_sums_adapter();
const VenueAdapter& deribit_adapter();
const VenueAdapter& coinbase_advanced_adapter();
const VenueAdapter& coinbase_exchange_adapter();
const VenueAdapter& bitfinex_adapter();
const VenueAdapter& bitstamp_adapter();
const VenueAdapter& gemini_adapter();
const VenueAdapter& gate_adapter();
const VenueAdapter& gate_futures_adapter();
const VenueAdapter& kucoin_adapter();

// ---- What they share -------------------------------------------------------

// A market with `places` decimals that moves by the last of them.
Instrument plain_instrument(const std::string& symbol, int price_places,
                            int quantity_places);
// ["price","quantity"],... in brackets.
std::string quoted_pairs(const std::vector<SentLevel>& levels);
// ["buy"|"sell","price","quantity"],... in brackets, bids first.
std::string sided_changes(const BookMessage& message);
// ["buy","price","quantity"].
std::string buy_change(const Level& bid);
// Without zeros at the end of its decimals.
std::string without_zeros(const std::string& number);
// The number that `text` is; `fallback` where it is none.
std::size_t number_or(std::string_view text, std::size_t fallback);
// Of what stands at `key`; empty without it.
std::string value_of(const Query& query, const std::string& key);
// The text with `level` as the first of the array that begins after `opening`.
std::string with_first(std::string text, std::string_view opening,
                       const std::string& level);
// The integer after `key` becomes another one; nothing without the key, or
// where it is 0.
std::optional<std::string> with_other_number(std::string text,
                                             std::string_view key);

}  // namespace wirebook::sim

#endif  // WIREBOOK_TOOLS_EXCHANGE_SIM_VENUE_ADAPTER_H_
