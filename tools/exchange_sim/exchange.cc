// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
#include "tools/exchange_sim/exchange.h"

#include <algorithm>
#include <charconv>
#include <initializer_list>
#include <utility>

#include "tools/exchange_sim/wire_format.h"

namespace wirebook::sim {
namespace {

// In a topic, between the market and the depth of its orders.
constexpr std::string_view kOrderDepth = "|orders:";

// Above this many a second and symbol, events share a Kraken update.
constexpr std::uint64_t kKrakenUpdatesPerSecond = 2000;

std::int64_t batch_ms_for(std::uint64_t rate) {
  // About a hundred events a batch, in whole steps, between 10 and 100 ms.
  const auto wanted = static_cast<std::int64_t>(100'000 / rate);
  return std::clamp<std::int64_t>(wanted / 10 * 10, 10, 100);
}

std::vector<Level> values(const Levels& levels) {
  std::vector<Level> out;
  for (const auto& [price, level] : levels) out.push_back(level);
  return out;
}

// "btcusdt@depth@100ms" -> {"btcusdt", "depth@100ms"}.
std::pair<std::string, std::string> split_stream(const std::string& stream) {
  const std::size_t at = stream.find('@');
  if (at == std::string::npos) return {stream, ""};
  return {stream.substr(0, at), stream.substr(at + 1)};
}

}  // namespace

void Exchange::Batch::add(const Event& event) {
  if (first_id == 0) first_id = event.first_id;
  last_id = event.last_id;
  for (const Change& change : event.changes) {
    Levels& levels = change.side == Side::kBid ? bids : asks;
    levels[*parse_decimal(change.price)] = {change.price, change.quantity};
  }
}

Exchange::Exchange(ExchangeOptions options, Publish publish)
    : options_(std::move(options)), publish_(std::move(publish)) {
  options_.rate = std::max<std::uint64_t>(1, options_.rate);
  // In whole steps, as what the rate suggests.
  batch_ms_ = options_.batch_ms > 0
                  ? std::max<std::int64_t>(10, options_.batch_ms / 10 * 10)
                  : batch_ms_for(options_.rate);
  kraken_group_ =
      (options_.rate + kKrakenUpdatesPerSecond - 1) / kKrakenUpdatesPerSecond;
  for (const std::string& symbol : options_.binance_symbols) {
    binance_.try_emplace(
        symbol,
        BinanceMarket{.generator = Generator(binance_instrument(symbol),
                                             options_.seed, options_.levels),
                      .fast = {},
                      .slow = {},
                      .best_bid = {},
                      .best_ask = {}});
  }
  for (const std::string& symbol : options_.kraken_symbols) {
    kraken_.try_emplace(
        symbol,
        KrakenMarket{.generator = Generator(kraken_instrument(symbol),
                                            options_.seed, options_.levels),
                     .pending = {}});
    add_orders("kraken|" + symbol, kraken_adapter(),
               kraken_.at(symbol).generator);
  }
  for (const auto& [venue, symbols] : options_.symbols) {
    const VenueAdapter* const adapter = find_adapter(venue);
    if (adapter == nullptr) continue;
    for (const std::string& symbol : symbols) {
      const std::string key = venue + '|' + symbol;
      markets_.try_emplace(key, BookMarket{.adapter = adapter,
                                           .generator = Generator(
                                               adapter->instrument(symbol),
                                               options_.seed, options_.levels),
                                           .pending = {}});
      add_orders(key, *adapter, markets_.at(key).generator);
      // Its ids go on, subscribed or not.
      if (adapter->rest_snapshots()) {
        add_book_topic(book_topic(venue, symbol, 0), {key, 0}).subscribers = 1;
      }
    }
  }
}

std::int64_t Exchange::time_ms() const {
  return options_.start_time_ms + static_cast<std::int64_t>(steps_) * step_ms();
}

void Exchange::step() {
  const auto due = [this](std::uint64_t steps) {
    return options_.rate * steps * static_cast<std::uint64_t>(step_ms()) / 1000;
  };
  const std::uint64_t count = due(steps_ + 1) - due(steps_);
  ++steps_;
  for (auto& [symbol, market] : binance_) {
    for (std::uint64_t i = 0; i < count; ++i) binance_event(symbol, market);
    if (steps_ % kStepsPerBatch == 0) {
      flush_batch(symbol, market.fast, {"@depth@100ms"});
    }
    if (steps_ % (kStepsPerBatch * kSlowBatches) == 0) {
      flush_batch(symbol, market.slow, {"@depth", "@depth@1000ms"});
    }
  }
  for (auto& [symbol, market] : kraken_) {
    for (std::uint64_t i = 0; i < count; ++i) {
      Event event = market.generator.next();
      ++events_;
      order_event("kraken|" + symbol, event);
      std::move(event.changes.begin(), event.changes.end(),
                std::back_inserter(market.pending));
      if (++market.pending_events == kraken_group_) {
        kraken_flush(symbol, market);
      }
    }
    kraken_flush(symbol, market);
  }
  for (auto& [key, market] : markets_) {
    for (std::uint64_t i = 0; i < count; ++i) {
      Event event = market.generator.next();
      ++events_;
      order_event(key, event);
      std::move(event.changes.begin(), event.changes.end(),
                std::back_inserter(market.pending));
    }
    if (steps_ % kStepsPerBatch == 0) flush_market(key, market);
  }
}

void Exchange::flush() {
  for (auto& [symbol, market] : binance_) {
    flush_batch(symbol, market.fast, {"@depth@100ms"});
    flush_batch(symbol, market.slow, {"@depth", "@depth@1000ms"});
  }
  for (auto& [key, market] : markets_) flush_market(key, market);
}

void Exchange::binance_event(const std::string& symbol, BinanceMarket& market) {
  const Event event = market.generator.next();
  ++events_;
  market.fast.add(event);
  market.slow.add(event);
  const std::string name = lower(symbol);
  if (event.trade && retained(name + "@trade")) {
    publish(name + "@trade", binance_trade(symbol, time_ms(), *event.trade));
  }
  const Book& book = market.generator.book();
  const Level& bid = book.levels(Side::kBid).begin()->second;
  const Level& ask = book.levels(Side::kAsk).begin()->second;
  if (bid == market.best_bid && ask == market.best_ask) return;
  market.best_bid = bid;
  market.best_ask = ask;
  if (!retained(name + "@bookTicker")) return;
  publish(name + "@bookTicker",
          binance_book_ticker(symbol, event.last_id, bid, ask));
}

void Exchange::flush_batch(const std::string& symbol, Batch& batch,
                           std::initializer_list<const char*> streams) {
  if (batch.first_id == 0) return;
  for (const char* stream : streams) {
    const std::string topic = lower(symbol) + stream;
    if (!retained(topic)) continue;
    publish(topic, binance_depth_update(symbol, time_ms(), batch.first_id,
                                        batch.last_id, batch.bids, batch.asks));
  }
  batch = Batch{};
}

void Exchange::kraken_flush(const std::string& symbol, KrakenMarket& market) {
  if (market.pending_events == 0) return;
  KrakenView::Update update;
  for (auto& [topic, subscription] : kraken_topics_) {
    if (subscription.symbol != symbol) continue;
    if (!subscription.view.update(market.generator.book(), market.pending,
                                  update)) {
      continue;
    }
    publish(topic, kraken_book("update", symbol, update.bids, update.asks,
                               subscription.view.book().kraken_checksum(),
                               time_ms() * 1000));
  }
  market.pending.clear();
  market.pending_events = 0;
}

bool Exchange::retained(const std::string& topic) const {
  return binance_topics_.contains(topic);
}

void Exchange::publish(const std::string& topic, std::string payload) {
  publish_(topic, std::make_shared<const std::string>(std::move(payload)));
}

std::optional<Exchange::KrakenTopic> Exchange::parse_kraken_topic(
    const std::string& topic) const {
  const std::size_t hash = topic.find('#');
  if (hash == std::string::npos) return std::nullopt;
  const std::optional<Decimal> depth = parse_decimal(topic.substr(hash + 1));
  KrakenTopic out{.symbol = topic.substr(0, hash)};
  if (!depth || !kraken_.contains(out.symbol)) return std::nullopt;
  out.depth = static_cast<std::size_t>(*depth / power_of_ten(kDecimalPlaces));
  if (!is_kraken_depth(out.depth)) return std::nullopt;
  return out;
}

bool Exchange::has_stream(const std::string& stream) const {
  const auto [name, kind] = split_stream(stream);
  if (kind != "depth" && kind != "depth@100ms" && kind != "depth@1000ms" &&
      kind != "bookTicker" && kind != "trade") {
    return false;
  }
  return std::any_of(
      binance_.begin(), binance_.end(),
      [&name = name](const auto& entry) { return lower(entry.first) == name; });
}

bool Exchange::has_topic(const std::string& topic) const {
  return has_stream(topic) || parse_kraken_topic(topic).has_value() ||
         parse_book_topic(topic).has_value() ||
         parse_order_topic(topic).has_value();
}

bool Exchange::retain(const std::string& topic) {
  if (has_stream(topic)) {
    ++binance_topics_[topic];
    return true;
  }
  if (const auto name = parse_order_topic(topic)) {
    ++add_order_topic(topic, *name).subscribers;
    return true;
  }
  if (const auto name = parse_book_topic(topic)) {
    ++add_book_topic(topic, *name).subscribers;
    return true;
  }
  const std::optional<KrakenTopic> parsed = parse_kraken_topic(topic);
  if (!parsed) return false;
  auto found = kraken_topics_.find(topic);
  if (found == kraken_topics_.end()) {
    const Book& book = kraken_.at(parsed->symbol).generator.book();
    KrakenSubscription added{.symbol = parsed->symbol,
                             .view = KrakenView(book, parsed->depth)};
    found = kraken_topics_.emplace(topic, std::move(added)).first;
  }
  ++found->second.subscribers;
  return true;
}

void Exchange::release(const std::string& topic) {
  if (const auto orders = order_topics_.find(topic);
      orders != order_topics_.end()) {
    if (--orders->second.subscribers == 0) order_topics_.erase(orders);
    return;
  }
  if (const auto book = book_topics_.find(topic); book != book_topics_.end()) {
    if (--book->second.subscribers == 0) book_topics_.erase(book);
    return;
  }
  if (const auto view = kraken_topics_.find(topic);
      view != kraken_topics_.end()) {
    if (--view->second.subscribers == 0) kraken_topics_.erase(view);
    return;
  }
  const auto stream = binance_topics_.find(topic);
  if (stream != binance_topics_.end() && --stream->second == 0) {
    binance_topics_.erase(stream);
  }
}

const Generator* Exchange::binance(const std::string& symbol) const {
  const auto market = binance_.find(symbol);
  return market == binance_.end() ? nullptr : &market->second.generator;
}

const Generator* Exchange::kraken(const std::string& symbol) const {
  const auto market = kraken_.find(symbol);
  return market == kraken_.end() ? nullptr : &market->second.generator;
}

std::vector<std::string> Exchange::binance_symbols() const {
  std::vector<std::string> out;
  for (const auto& [symbol, market] : binance_) out.push_back(symbol);
  return out;
}

std::string Exchange::kraken_snapshot(const std::string& topic) const {
  const KrakenSubscription& subscription = kraken_topics_.at(topic);
  const Book& book = subscription.view.book();
  return kraken_book("snapshot", subscription.symbol,
                     values(book.levels(Side::kBid)),
                     values(book.levels(Side::kAsk)), book.kraken_checksum(),
                     time_ms() * 1000);
}

std::string Exchange::kraken_topic(const std::string& symbol,
                                   std::size_t depth) {
  return symbol + '#' + std::to_string(depth);
}

// ---- Venues with an adapter -------------------------------------------------

std::string Exchange::book_topic(std::string_view venue,
                                 const std::string& symbol, std::size_t depth) {
  return std::string(venue) + '|' + symbol + '|' + std::to_string(depth);
}

std::optional<Exchange::BookName> Exchange::parse_book_topic(
    const std::string& topic) const {
  const std::size_t bar = topic.rfind('|');
  if (bar == std::string::npos) return std::nullopt;
  BookName out{.market = topic.substr(0, bar)};
  std::from_chars(topic.data() + bar + 1, topic.data() + topic.size(),
                  out.depth);
  if (!markets_.contains(out.market)) return std::nullopt;
  return out;
}

Exchange::BookTopic& Exchange::add_book_topic(const std::string& topic,
                                              const BookName& name) {
  if (const auto found = book_topics_.find(topic);
      found != book_topics_.end()) {
    return found->second;
  }
  BookMarket& market = markets_.at(name.market);
  // What is pending is in its book already.
  flush_market(name.market, market);
  const std::string symbol = market.generator.instrument().symbol;
  BookTopic added{.stream = TopicStream(*market.adapter, symbol, name.depth,
                                        market.generator.book(),
                                        market.generator.last_id()),
                  .market = name.market};
  return book_topics_.emplace(topic, std::move(added)).first->second;
}

void Exchange::flush_market(const std::string& key, BookMarket& market) {
  if (market.pending.empty()) return;
  for (auto& [topic, book] : book_topics_) {
    if (book.market != key) continue;
    for (std::string& text :
         book.stream.update(market.generator.book(), market.pending,
                            market.generator.last_id(), time_ms())) {
      publish(topic, std::move(text));
    }
  }
  market.pending.clear();
}

const Generator* Exchange::market(const std::string& venue,
                                  const std::string& symbol) const {
  const auto found = markets_.find(venue + '|' + symbol);
  return found == markets_.end() ? nullptr : &found->second.generator;
}

std::string Exchange::book_snapshot(const std::string& topic) const {
  return book_topics_.at(topic).stream.snapshot(time_ms());
}

std::string Exchange::rest_snapshot(const std::string& venue,
                                    const std::string& symbol,
                                    std::size_t limit) const {
  const BookMarket& market = markets_.at(venue + '|' + symbol);
  const Book& book = market.generator.book();
  const std::uint64_t id = market.generator.last_id();
  // Where REST alone brings them, the topic is there: it knows of restarts.
  const auto found = book_topics_.find(book_topic(venue, symbol, 0));
  const TopicStream fresh(*market.adapter, symbol, 1, book, id);
  const TopicStream& stream =
      found == book_topics_.end() ? fresh : found->second.stream;
  return stream.rest_snapshot(book, id, time_ms(), limit);
}

// ---- Venues that tell single orders -----------------------------------------

std::string Exchange::order_topic(std::string_view venue,
                                  const std::string& symbol,
                                  std::size_t depth) {
  return std::string(venue) + '|' + symbol + std::string(kOrderDepth) +
         std::to_string(depth);
}

bool Exchange::is_order_topic(const std::string& topic) {
  return topic.find(kOrderDepth) != std::string::npos;
}

std::optional<Exchange::BookName> Exchange::parse_order_topic(
    const std::string& topic) const {
  const std::size_t end = topic.find(kOrderDepth);
  if (end == std::string::npos) return std::nullopt;
  BookName out{.market = topic.substr(0, end)};
  std::from_chars(topic.data() + end + kOrderDepth.size(),
                  topic.data() + topic.size(), out.depth);
  if (!orders_.contains(out.market)) return std::nullopt;
  return out;
}

void Exchange::add_orders(const std::string& key, const VenueAdapter& adapter,
                          const Generator& generator) {
  if (adapter.orders() == nullptr) return;
  orders_.try_emplace(key, generator.instrument(), generator.book(),
                      options_.seed);
  // Its count goes on, subscribed or not.
  if (!adapter.orders()->rest_snapshots()) return;
  add_order_topic(
      order_topic(adapter.venue(), generator.instrument().symbol, 0), {key, 0})
      .subscribers = 1;
}

Exchange::OrderTopic& Exchange::add_order_topic(const std::string& topic,
                                                const BookName& name) {
  if (const auto found = order_topics_.find(topic);
      found != order_topics_.end()) {
    return found->second;
  }
  const std::size_t bar = name.market.find('|');
  const VenueAdapter& adapter = *find_adapter(name.market.substr(0, bar));
  OrderTopic added{
      .stream = OrderStream(*adapter.orders(), name.market.substr(bar + 1),
                            name.depth, orders_.at(name.market)),
      .market = name.market};
  return order_topics_.emplace(topic, std::move(added)).first->second;
}

void Exchange::order_event(const std::string& key, const Event& event) {
  const auto found = orders_.find(key);
  if (found == orders_.end()) return;
  const std::vector<OrderEvent> events = found->second.apply(event);
  for (auto& [name, topic] : order_topics_) {
    if (topic.market != key) continue;
    for (std::string& text :
         topic.stream.update(found->second, events, time_ms())) {
      publish(name, std::move(text));
    }
  }
}

const OrderBook* Exchange::orders(const std::string& venue,
                                  const std::string& symbol) const {
  const auto found = orders_.find(venue + '|' + symbol);
  return found == orders_.end() ? nullptr : &found->second;
}

std::string Exchange::order_snapshot(const std::string& topic) const {
  const OrderTopic& found = order_topics_.at(topic);
  return found.stream.snapshot(orders_.at(found.market), time_ms());
}

// ---- For faults -------------------------------------------------------------

const Generator* Exchange::generator_of(const std::string& topic) const {
  const auto order = parse_order_topic(topic);
  if (const auto name = order ? order : parse_book_topic(topic)) {
    const std::size_t bar = name->market.find('|');
    const std::string symbol = name->market.substr(bar + 1);
    const Generator* const adapted =
        market(name->market.substr(0, bar), symbol);
    return adapted != nullptr ? adapted : kraken(symbol);
  }
  if (const auto parsed = parse_kraken_topic(topic)) {
    return kraken(parsed->symbol);
  }
  for (const auto& [symbol, market] : binance_) {
    if (lower(symbol) == split_stream(topic).first) return &market.generator;
  }
  return nullptr;
}

Level Exchange::crossing_bid(const std::string& topic) const {
  // So deep that it crosses the subscriber's book of a moment ago, too, and
  // that the market does not rise above it while a subscriber waits for the
  // crossing to pass.
  return generator_of(topic)->book().levels(Side::kAsk).rbegin()->second;
}

void Exchange::restart_ids(const std::string& topic) {
  if (const auto found = order_topics_.find(topic);
      found != order_topics_.end()) {
    return found->second.stream.restart_ids();
  }
  if (const auto name = parse_book_topic(topic)) {
    const std::string& key = name->market;
    flush_market(key, markets_.at(key));
    for (auto& [other, book] : book_topics_) {
      if (book.market != key) continue;
      book.stream.restart_ids();
      if (book.stream.adapter().restarts_with_snapshot()) {
        publish(other, book.stream.snapshot(time_ms()));
      }
    }
    return;
  }
  for (auto& [symbol, market] : binance_) {
    if (lower(symbol) != split_stream(topic).first) continue;
    flush_batch(symbol, market.fast, {"@depth@100ms"});
    flush_batch(symbol, market.slow, {"@depth", "@depth@1000ms"});
    market.generator.restart_ids();
  }
}

}  // namespace wirebook::sim
