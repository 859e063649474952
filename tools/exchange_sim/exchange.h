// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// The generating half of the simulator: markets of all venues that advance in
// logical steps and publish frames by topic.
//
// Time is logical: step k stands for k * step_ms() after the start time, so
// frames, ids and batches depend on the options alone. Topics are Binance spot
// stream names ("btcusdt@depth@100ms"), Kraken "book" subscriptions
// ("BTC/USD#10"), of any venue with an adapter, books ("okx|BTC-USDT|400") and,
// where it has the channel, orders ("bitstamp|btcusd|orders:0").
// Only topics that someone retains are printed. One thread.
//
//   Exchange exchange(options, [](const std::string& topic, Frame frame) {});
//   exchange.retain("btcusdt@depth@100ms");
//   exchange.step();
#ifndef WIREBOOK_TOOLS_EXCHANGE_SIM_EXCHANGE_H_
#define WIREBOOK_TOOLS_EXCHANGE_SIM_EXCHANGE_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tools/exchange_sim/book.h"
#include "tools/exchange_sim/generator.h"
#include "tools/exchange_sim/kraken_view.h"
#include "tools/exchange_sim/order_book.h"
#include "tools/exchange_sim/order_stream.h"
#include "tools/exchange_sim/topic_stream.h"
#include "tools/exchange_sim/venue_adapter.h"

namespace wirebook::sim {

using Frame = std::shared_ptr<const std::string>;

struct ExchangeOptions {
  std::uint64_t seed = 1;
  std::uint64_t rate = 1000;  // events per second and symbol; at least 1
  std::size_t levels = 3000;  // a side, about
  std::vector<std::string> binance_symbols;
  std::vector<std::string> kraken_symbols;
  // By venue, as its adapter calls it: "bybit" and so on.
  std::map<std::string, std::vector<std::string>> symbols = {};
  std::int64_t batch_ms = 0;  // of fast depth; 0: as the rate suggests
  std::int64_t start_time_ms = 1'767'225'600'000;  // 2026-01-01
};

class Exchange {
 public:
  using Publish = std::function<void(const std::string& topic, Frame frame)>;

  Exchange(ExchangeOptions options, Publish publish);

  // One logical step: a tenth of a fast depth batch, 1 to 10 ms.
  void step();
  // Publishes what batches still hold.
  void flush();
  std::int64_t step_ms() const { return batch_ms_ / kStepsPerBatch; }
  std::uint64_t events() const { return events_; }
  std::int64_t time_ms() const;

  bool has_topic(const std::string& topic) const;
  // True if the topic exists; counts subscribers.
  bool retain(const std::string& topic);
  void release(const std::string& topic);

  const Generator* binance(const std::string& symbol) const;
  const Generator* kraken(const std::string& symbol) const;
  std::vector<std::string> binance_symbols() const;

  // The snapshot for a new subscriber of a retained Kraken topic.
  std::string kraken_snapshot(const std::string& topic) const;
  static std::string kraken_topic(const std::string& symbol, std::size_t depth);

  // ---- Venues with an adapter

  // Null where the venue has no such market.
  const Generator* market(const std::string& venue,
                          const std::string& symbol) const;
  static std::string book_topic(std::string_view venue,
                                const std::string& symbol, std::size_t depth);
  // For a new subscriber of a retained book topic.
  std::string book_snapshot(const std::string& topic) const;
  // The body of a REST request for a market that is there.
  std::string rest_snapshot(const std::string& venue, const std::string& symbol,
                            std::size_t limit) const;

  // ---- Venues that tell single orders

  static std::string order_topic(std::string_view venue,
                                 const std::string& symbol, std::size_t depth);
  static bool is_order_topic(const std::string& topic);
  // Null where the venue has no such market or channel.
  const OrderBook* orders(const std::string& venue,
                          const std::string& symbol) const;
  // For a new subscriber of a retained order topic; of one whose snapshots come
  // by REST, the body.
  std::string order_snapshot(const std::string& topic) const;

  // ---- For faults

  // A price that is an ask's in the market that a depth topic is about.
  Level crossing_bid(const std::string& topic) const;
  // Its ids begin anew; publishes what the venue says of it.
  void restart_ids(const std::string& topic);

 private:
  static constexpr std::int64_t kStepsPerBatch = 10;
  static constexpr std::int64_t kSlowBatches = 10;

  // All changes since the last depthUpdate of one speed, last value wins.
  struct Batch {
    std::uint64_t first_id = 0;
    std::uint64_t last_id = 0;
    Levels bids{BestFirst{.bids = true}};
    Levels asks{BestFirst{.bids = false}};
    void add(const Event& event);
  };

  struct BinanceMarket {
    Generator generator;
    Batch fast;
    Batch slow;
    Level best_bid;
    Level best_ask;
  };

  struct KrakenMarket {
    Generator generator;
    std::vector<Change> pending;
    std::uint64_t pending_events = 0;
  };

  struct KrakenTopic {
    std::string symbol;
    std::size_t depth = 0;
  };

  struct KrakenSubscription {
    std::string symbol;
    KrakenView view;
    std::size_t subscribers = 0;
  };

  struct BookMarket {
    const VenueAdapter* adapter;
    Generator generator;
    std::vector<Change> pending;
  };

  struct BookTopic {
    TopicStream stream;
    std::string market;  // key into markets_
    std::size_t subscribers = 0;
  };

  struct OrderTopic {
    OrderStream stream;
    std::string market;  // key into orders_
    std::size_t subscribers = 0;
  };

  // "okx|BTC-USDT", and the subscribed depth.
  struct BookName {
    std::string market;
    std::size_t depth = 0;
  };

  std::optional<BookName> parse_book_topic(const std::string& topic) const;
  std::optional<BookName> parse_order_topic(const std::string& topic) const;
  const Generator* generator_of(const std::string& topic) const;
  void add_orders(const std::string& key, const VenueAdapter& adapter,
                  const Generator& generator);
  OrderTopic& add_order_topic(const std::string& topic, const BookName& name);
  void order_event(const std::string& key, const Event& event);
  BookTopic& add_book_topic(const std::string& topic, const BookName& name);
  void flush_market(const std::string& key, BookMarket& market);
  std::optional<KrakenTopic> parse_kraken_topic(const std::string& topic) const;
  bool has_stream(const std::string& stream) const;
  bool retained(const std::string& topic) const;
  void publish(const std::string& topic, std::string payload);
  void flush_batch(const std::string& symbol, Batch& batch,
                   std::initializer_list<const char*> streams);
  void binance_event(const std::string& symbol, BinanceMarket& market);
  void kraken_flush(const std::string& symbol, KrakenMarket& market);

  ExchangeOptions options_;
  Publish publish_;
  std::int64_t batch_ms_;
  std::uint64_t kraken_group_;
  std::uint64_t steps_ = 0;
  std::uint64_t events_ = 0;
  std::map<std::string, BinanceMarket> binance_;
  std::map<std::string, KrakenMarket> kraken_;
  std::map<std::string, BookMarket> markets_;
  std::map<std::string, BookTopic> book_topics_;
  std::map<std::string, OrderBook> orders_;  // by market: "bitstamp|btcusd"
  std::map<std::string, OrderTopic> order_topics_;
  std::map<std::string, std::size_t> binance_topics_;
  std::map<std::string, KrakenSubscription> kraken_topics_;
};

}  // namespace wirebook::sim

#endif  // WIREBOOK_TOOLS_EXCHANGE_SIM_EXCHANGE_H_
