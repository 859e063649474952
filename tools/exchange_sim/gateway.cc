// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
#include "tools/exchange_sim/gateway.h"

#include <simdjson.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>

#include "tools/exchange_sim/order_channel.h"
#include "tools/exchange_sim/wire_format.h"

namespace wirebook::sim {
namespace {

// Enough in flight that the socket never runs dry, little enough that a
// client's pace decides.
constexpr std::size_t kReplayWindowBytes = 256 * 1024;

std::string percent_decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned value = 0;
    if (text[i] == '%' && i + 2 < text.size() &&
        std::from_chars(text.data() + i + 1, text.data() + i + 3, value, 16)
                .ptr == text.data() + i + 3) {
      out += static_cast<char>(value);
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> out;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(separator), text.size());
    if (end > 0) out.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

std::string upper(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return out;
}

std::string symbol_of_stream(const std::string& stream) {
  return upper(stream.substr(0, stream.find('@')));
}

// Nothing if `text` is neither empty nor a positive number.
std::optional<std::size_t> limit_of(const std::string& text,
                                    std::size_t fallback) {
  if (text.empty()) return fallback;
  std::size_t value = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value == 0) {
    return std::nullopt;
  }
  return value;
}

const VenueAdapter* adapter_at(const std::string& path) {
  for (const VenueAdapter* adapter : all_adapters()) {
    if (adapter->serves(path)) return adapter;
  }
  return nullptr;
}

// What the old body of a Binance market is kept under.
std::string binance_body(const std::string& symbol) {
  return "binance-spot|" + symbol;
}

// Of "okx|BTC-USDT|400".
std::string symbol_of_topic(const std::string& topic) {
  const std::size_t begin = topic.find('|') + 1;
  return topic.substr(begin, topic.rfind('|') - begin);
}

HttpReply json_error(unsigned status, const std::string& message) {
  return {status, "{\"error\":" + json_string(message) + '}'};
}

}  // namespace

std::string Gateway::Target::value(const std::string& name) const {
  const auto found = query.find(name);
  return found == query.end() ? "" : found->second;
}

Gateway::Gateway(GatewayOptions options, Transport& transport,
                 const TransportCounters& counters)
    : options_(std::move(options)),
      transport_(transport),
      counters_(counters),
      exchange_(options_.exchange,
                [this](const std::string& topic, const Frame& frame) {
                  publish(topic, frame);
                }) {
  generates_ = !options_.exchange.binance_symbols.empty() ||
               !options_.exchange.kraken_symbols.empty() ||
               !options_.exchange.symbols.empty();
  generation_over_ = !generates_;
  steps_left_ = static_cast<std::uint64_t>(std::ceil(
      options_.seconds * 1000 / static_cast<double>(exchange_.step_ms())));
  for (const Capture& capture : options_.captures) {
    replays_.push_back(std::make_unique<Replay>(capture, options_.speed));
  }
  if (options_.fault.kind != FaultKind::kStaleSnapshot) return;
  for (const std::string& symbol : options_.exchange.binance_symbols) {
    const Generator* const market = exchange_.binance(symbol);
    old_bodies_[binance_body(symbol)] = binance_snapshot(
        market->book(), market->last_id(), Generator::kMaxLevels);
  }
  for (const auto& [venue, symbols] : options_.exchange.symbols) {
    const VenueAdapter* const adapter = find_adapter(venue);
    if (adapter == nullptr) continue;
    for (const std::string& symbol : symbols) {
      if (adapter->rest_snapshots()) {
        old_bodies_[Exchange::book_topic(venue, symbol, 0)] =
            exchange_.rest_snapshot(venue, symbol, Generator::kMaxLevels);
      }
      if (adapter->orders() != nullptr && adapter->orders()->rest_snapshots()) {
        const std::string topic = Exchange::order_topic(venue, symbol, 0);
        old_bodies_[topic] = exchange_.order_snapshot(topic);
      }
    }
  }
  for (const auto& [name, body] : old_bodies_) {
    old_bodies_left_[name] = options_.fault.count;
  }
}

Gateway::Target Gateway::parse_target(const std::string& target) {
  Target out;
  const std::size_t mark = target.find('?');
  out.path = percent_decoded(std::string_view(target).substr(0, mark));
  if (mark == std::string::npos) return out;
  for (const std::string& pair : split(target.substr(mark + 1), '&')) {
    const std::size_t equals = std::min(pair.find('='), pair.size());
    out.query[pair.substr(0, equals)] = percent_decoded(
        std::string_view(pair).substr(std::min(equals + 1, pair.size())));
  }
  return out;
}

Replay* Gateway::replay_of(Protocol protocol) const {
  for (const auto& replay : replays_) {
    const bool kraken = replay->capture().venue == "kraken";
    if (protocol != Protocol::kAdapted &&
        kraken == (protocol == Protocol::kKraken)) {
      return replay.get();
    }
  }
  return nullptr;
}

// ---- WebSocket -------------------------------------------------------------

std::vector<std::string> Gateway::streams_of(const Target& target) const {
  if (target.path == "/stream") return split(target.value("streams"), '/');
  if (target.path.starts_with("/ws/")) return split(target.path.substr(4), '/');
  return {};
}

std::string Gateway::new_token() {
  // With what a URL must escape, and what not.
  const std::string token =
      "2neAiuYv-" + std::to_string(++tokens_given_) + "_h/55+i3Ysy2q2LEs=.Lg==";
  tokens_.insert(token);
  return token;
}

std::optional<HttpReply> Gateway::refuse_upgrade(
    const std::string& target_text) {
  const Target target = parse_target(target_text);
  if (const VenueAdapter* const adapter = adapter_at(target.path)) {
    const std::string key(adapter->token_key());
    if (key.empty() || tokens_.erase(target.value(key)) == 1) {
      return std::nullopt;
    }
    return json_error(401, "token is invalid");
  }
  const bool kraken = target.path == "/v2";
  const bool binance = target.path == "/ws" || target.path == "/stream" ||
                       target.path.starts_with("/ws/");
  if (!kraken && !binance) {
    return json_error(404, "no WebSocket at " + target.path);
  }
  if (const Replay* replay =
          replay_of(kraken ? Protocol::kKraken : Protocol::kBinance)) {
    for (const auto& [id, client] : clients_) {
      if (client.replay == replay) {
        return json_error(503, "the replay has a client already");
      }
    }
    return std::nullopt;
  }
  for (const std::string& stream : streams_of(target)) {
    if (!exchange_.has_topic(stream)) {
      return json_error(400, "unknown stream " + stream);
    }
  }
  return std::nullopt;
}

void Gateway::opened(ConnectionId connection, const std::string& target_text) {
  const Target target = parse_target(target_text);
  Client& client = clients_[connection];
  client.protocol =
      target.path == "/v2" ? Protocol::kKraken : Protocol::kBinance;
  client.wrapped = target.path.ends_with("/stream");
  client.adapter = adapter_at(target.path);
  if (client.adapter != nullptr) {
    client.protocol = Protocol::kAdapted;
    const std::string greeting = client.adapter->greeting(connection);
    if (!greeting.empty()) say(connection, client, greeting);
    return;
  }
  client.adapter = client.protocol == Protocol::kKraken
                       ? &kraken_adapter()
                       : &binance_spot_adapter();
  client.replay = replay_of(client.protocol);
  if (client.replay != nullptr) {
    if (client.replay->finished()) {
      client.replay->restart();
      replayed_.erase(client.replay);
    }
  } else if (client.protocol == Protocol::kKraken) {
    // Above 2^53, as on the venue: a double does not hold it.
    reply(connection, kraken_status(9'100'000'000'000'000'000u + connection));
  }
  const std::vector<std::string> streams = streams_of(target);
  for (const std::string& stream : streams) {
    if (client.replay != nullptr) {
      client.replay_symbols.insert(symbol_of_stream(stream));
    } else {
      add_topic(connection, client, stream);
    }
  }
  if (client.replay != nullptr && !streams.empty()) {
    client.replay->subscribed(
        {client.replay_symbols.begin(), client.replay_symbols.end()});
  }
}

void Gateway::closed(ConnectionId connection) {
  const auto found = clients_.find(connection);
  if (found == clients_.end()) return;
  Client& client = found->second;
  while (!client.topics.empty()) {
    remove_topic(connection, client, std::string(*client.topics.begin()));
  }
  if (client.replay != nullptr && !client.replay->finished()) {
    client.replay->restart();
  }
  clients_.erase(found);
}

bool Gateway::add_topic(ConnectionId connection, Client& client,
                        const std::string& topic) {
  if (client.topics.contains(topic)) return true;
  if (!exchange_.retain(topic)) return false;
  client.topics.insert(topic);
  topics_[topic].insert(connection);
  return true;
}

void Gateway::remove_topic(ConnectionId connection, Client& client,
                           const std::string& topic) {
  if (client.topics.erase(topic) == 0) return;
  exchange_.release(topic);
  const auto found = topics_.find(topic);
  found->second.erase(connection);
  if (found->second.empty()) topics_.erase(found);
}

void Gateway::publish(const std::string& topic, const Frame& frame) {
  const auto subscribers = topics_.find(topic);
  if (subscribers == topics_.end()) return;
  const bool depth = topic.find("@bookTicker") == std::string::npos &&
                     topic.find("@trade") == std::string::npos;
  for (const ConnectionId connection : subscribers->second) {
    Client& client = clients_.at(connection);
    if (depth && options_.fault.kind != FaultKind::kNone) {
      send_depth(connection, client, topic, frame);
    } else {
      transport_.send(connection, dressed(client, topic, frame));
    }
  }
}

Frame Gateway::dressed(Client& client, const std::string& topic,
                       const Frame& frame) {
  if (client.adapter != nullptr && client.adapter->numbers_messages()) {
    return std::make_shared<const std::string>(
        client.adapter->numbered(*frame, client.sent));
  }
  if (!client.wrapped) return frame;
  const std::string stream =
      client.protocol == Protocol::kAdapted
          ? lower(symbol_of_topic(topic)) + "@depth@100ms"
          : topic;
  return std::make_shared<const std::string>(binance_wrapped(stream, *frame));
}

// ---- Faults ----------------------------------------------------------------

// What one update said, the next one says anew in one case of eleven, and then
// its loss leaves no trace; of ten in a row something stays.
constexpr std::uint64_t kMessagesLostInARow = 10;

FaultClock& Gateway::clock_of(const std::string& topic) {
  return fault_clocks_.try_emplace(topic, options_.fault, topic).first->second;
}

void Gateway::send_depth(ConnectionId connection, Client& client,
                         const std::string& topic, const Frame& frame) {
  const auto lost = client.to_lose.find(topic);
  if (lost != client.to_lose.end() && lost->second > 0) {
    --lost->second;
    // The venue has counted it.
    dressed(client, topic, frame);
    return;
  }
  FaultClock& clock = clock_of(topic);
  const FaultKind kind = options_.fault.kind;
  const BookChannel& channel = channel_of(client, topic);
  const bool by_message =
      kind != FaultKind::kStaleSnapshot &&
      (kind != FaultKind::kChecksum || channel.with_wrong_sum(*frame));
  const bool begun = !channel.rest_snapshots() || fetched_.contains(topic);
  if (by_message && begun && clock.due()) {
    ++faults_;
    return strike(connection, client, topic, frame, clock);
  }
  transport_.send(connection, dressed(client, topic, frame));
  if (const auto held = client.held.find(topic); held != client.held.end()) {
    transport_.send(connection, held->second);
    client.held.erase(held);
  }
}

void Gateway::strike(ConnectionId connection, Client& client,
                     const std::string& topic, const Frame& frame,
                     FaultClock& clock) {
  const Frame whole = dressed(client, topic, frame);
  const BookChannel& channel = channel_of(client, topic);
  switch (options_.fault.kind) {
    case FaultKind::kNone:
    case FaultKind::kStaleSnapshot:
    case FaultKind::kGap:
      return;
    case FaultKind::kDuplicate:
      transport_.send(connection, whole);
      return transport_.send(connection, whole);
    case FaultKind::kReorder:
      client.held[topic] = whole;
      return;
    case FaultKind::kChecksum:
      return transport_.send(connection, std::make_shared<const std::string>(
                                             *channel.with_wrong_sum(*whole)));
    case FaultKind::kCrossed: {
      const Level bid = exchange_.crossing_bid(topic);
      return transport_.send(connection, std::make_shared<const std::string>(
                                             channel.with_bid(*whole, bid)));
    }
    case FaultKind::kMuteSymbol:
      client.to_lose[topic] = kMessagesLostInARow;
      return;
    case FaultKind::kMuteSocket:
      return transport_.mute(connection);
    case FaultKind::kRestartSequence:
      transport_.send(connection, whole);
      if (client.adapter->numbers_messages()) {
        client.sent = 0;
      } else {
        to_restart_.push_back(topic);
      }
      return;
    case FaultKind::kDropConnection:
      return transport_.abort(connection);
    case FaultKind::kSlowDrip:
      return transport_.send_slowly(connection, whole);
    case FaultKind::kGarbage:
      return transport_.send(connection, std::make_shared<const std::string>(
                                             garbage_for(*whole, clock)));
  }
}

// A snapshot in the stream; where it is to be stale, the updates that would
// follow it are lost.
void Gateway::send_snapshot(ConnectionId connection, Client& client,
                            const std::string& topic, std::string text) {
  say(connection, client, std::move(text));
  // Where a connection counts its messages, that would be a gap.
  if (options_.fault.kind != FaultKind::kStaleSnapshot ||
      client.adapter->numbers_messages()) {
    return;
  }
  std::uint64_t& left =
      old_bodies_left_.try_emplace(topic, options_.fault.count).first->second;
  if (left == 0) return;
  --left;
  ++faults_;
  client.to_lose[topic] = kMessagesLostInARow;
}

const std::string* Gateway::stale_body(const std::string& name) {
  const auto left = old_bodies_left_.find(name);
  if (left == old_bodies_left_.end() || left->second == 0) return nullptr;
  --left->second;
  ++faults_;
  return &old_bodies_.at(left->first);
}

void Gateway::say(ConnectionId connection, Client& client, std::string text) {
  if (client.adapter != nullptr && client.adapter->numbers_messages()) {
    text = client.adapter->numbered(std::move(text), client.sent);
  }
  reply(connection, std::move(text));
}

std::string Gateway::topic_of(const VenueAdapter& adapter,
                              const Wanted& wanted) {
  return wanted.orders ? Exchange::order_topic(adapter.venue(), wanted.symbol,
                                               wanted.depth)
                       : Exchange::book_topic(adapter.venue(), wanted.symbol,
                                              wanted.depth);
}

const BookChannel& Gateway::channel_of(const Client& client,
                                       const std::string& topic) {
  if (Exchange::is_order_topic(topic)) return *client.adapter->orders();
  return *client.adapter;
}

void Gateway::adapted_message(ConnectionId connection, Client& client,
                              const std::string& text) {
  const VenueAdapter& adapter = *client.adapter;
  const std::string venue(adapter.venue());
  const Answer answer = adapter.answer(
      text,
      [&](const std::string& symbol) {
        return exchange_.market(venue, symbol) != nullptr;
      },
      exchange_.time_ms());
  for (const std::string& each : answer.replies) say(connection, client, each);
  for (const Wanted& wanted : answer.unsubscribe) {
    const std::string topic = topic_of(adapter, wanted);
    remove_topic(connection, client, topic);
    client.held.erase(topic);
  }
  for (const Wanted& wanted : answer.subscribe) {
    const std::string topic = topic_of(adapter, wanted);
    if (client.topics.contains(topic) ||
        !add_topic(connection, client, topic) ||
        channel_of(client, topic).rest_snapshots()) {
      continue;
    }
    send_snapshot(connection, client, topic,
                  wanted.orders ? exchange_.order_snapshot(topic)
                                : exchange_.book_snapshot(topic));
  }
}

void Gateway::reply(ConnectionId connection, std::string text) {
  transport_.send(connection,
                  std::make_shared<const std::string>(std::move(text)));
}

void Gateway::message(ConnectionId connection, const std::string& text) {
  const auto found = clients_.find(connection);
  if (found == clients_.end()) return;
  if (found->second.protocol == Protocol::kAdapted) {
    adapted_message(connection, found->second, text);
  } else if (found->second.protocol == Protocol::kKraken) {
    kraken_message(connection, found->second, text);
  } else {
    binance_message(connection, found->second, text);
  }
}

void Gateway::binance_message(ConnectionId connection, Client& client,
                              const std::string& text) {
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  std::string_view method;
  std::string id = "null";
  const auto refuse = [&](const std::string& why) {
    reply(connection, "{\"error\":{\"code\":2,\"msg\":" +
                          json_string("Invalid request: " + why) +
                          "},\"id\":" + id + '}');
  };
  if (parser.parse(text).get(root) || root["method"].get(method)) {
    return refuse("no method");
  }
  if (simdjson::dom::element given; !root["id"].get(given)) {
    id = simdjson::minify(given);
  }
  if (method == "LIST_SUBSCRIPTIONS") {
    std::string list;
    for (const std::string& topic : client.topics) {
      list += (list.empty() ? "" : ",") + json_string(topic);
    }
    return reply(connection, "{\"result\":[" + list + "],\"id\":" + id + '}');
  }
  const bool subscribes = method == "SUBSCRIBE";
  simdjson::dom::array params;
  if ((!subscribes && method != "UNSUBSCRIBE") || root["params"].get(params)) {
    return refuse("unknown method or no params");
  }
  std::vector<std::string> streams;
  for (const simdjson::dom::element param : params) {
    std::string_view stream;
    if (param.get(stream)) return refuse("a stream is not a string");
    streams.emplace_back(stream);
  }
  if (client.replay != nullptr) {
    reply(connection, "{\"result\":null,\"id\":" + id + '}');
    if (!subscribes) return;
    for (const std::string& stream : streams) {
      client.replay_symbols.insert(symbol_of_stream(stream));
    }
    return client.replay->subscribed(
        {client.replay_symbols.begin(), client.replay_symbols.end()});
  }
  for (const std::string& stream : streams) {
    if (!subscribes) {
      remove_topic(connection, client, stream);
    } else if (!add_topic(connection, client, stream)) {
      return refuse("unknown stream " + stream);
    }
  }
  reply(connection, "{\"result\":null,\"id\":" + id + '}');
}

std::string Gateway::kraken_time() const {
  const std::string now = '"' + rfc3339(exchange_.time_ms() * 1000) + '"';
  return "\"time_in\":" + now + ",\"time_out\":" + now;
}

void Gateway::kraken_message(ConnectionId connection, Client& client,
                             const std::string& text) {
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  std::string_view method;
  std::string request;
  const auto refuse = [&](const std::string& why, const std::string& symbol) {
    std::string out = "{\"error\":" + json_string(why);
    if (!method.empty()) out += ",\"method\":" + json_string(method);
    out += request + ",\"success\":false";
    if (!symbol.empty()) out += ",\"symbol\":" + json_string(symbol);
    reply(connection, out + ',' + kraken_time() + '}');
  };
  if (parser.parse(text).get(root) || root["method"].get(method)) {
    return refuse("Malformed request", "");
  }
  if (simdjson::dom::element given; !root["req_id"].get(given)) {
    request = ",\"req_id\":" + simdjson::minify(given);
  }
  if (method == "ping") {
    return reply(connection,
                 "{\"method\":\"pong\"" + request + ',' + kraken_time() + '}');
  }
  const bool subscribes = method == "subscribe";
  if (!subscribes && method != "unsubscribe") {
    return refuse("Method not supported", "");
  }
  if (client.replay != nullptr) {
    if (subscribes) client.replay->subscribed({});
    return;
  }
  std::string_view channel;
  if (!root["params"]["channel"].get(channel) && channel == "instrument") {
    reply(connection, "{\"method\":" + json_string(method) + request +
                          ",\"result\":{\"channel\":\"instrument\"},"
                          "\"success\":true," +
                          kraken_time() + '}');
    std::vector<Instrument> instruments;
    for (const std::string& symbol : options_.exchange.kraken_symbols) {
      instruments.push_back(exchange_.kraken(symbol)->instrument());
    }
    if (subscribes) reply(connection, kraken_instruments(instruments));
    return;
  }
  const bool orders = channel == "level3";
  if (channel != "book" && !orders) {
    return refuse("Channel not supported", "");
  }
  std::string_view token;
  if (orders && (root["params"]["token"].get(token) || token.empty())) {
    return refuse("Token(s) not found", "");
  }
  if (orders && client.token != token) {
    client.token = token;
    if (tokens_.erase(client.token) == 0) {
      client.token.clear();
      return refuse("EAPI:Invalid token", "");
    }
  }
  std::uint64_t depth = 10;
  if (simdjson::dom::element given; !root["params"]["depth"].get(given)) {
    // Of level3 there is no 25 and no 500.
    if (given.get(depth) || !is_kraken_depth(depth) ||
        (orders && (depth == 25 || depth == 500))) {
      return refuse("Subscription depth not supported", "");
    }
  }
  bool snapshot = true;
  if (root["params"]["snapshot"].get(snapshot)) snapshot = true;
  simdjson::dom::array symbols;
  if (root["params"]["symbol"].get(symbols)) {
    return refuse("Symbol(s) not found", "");
  }
  for (const simdjson::dom::element element : symbols) {
    std::string_view name;
    if (element.get(name)) return refuse("Symbol is not a string", "");
    const std::string symbol(name);
    const std::string topic =
        orders ? topic_of(kraken_adapter(), {symbol, depth, true})
               : Exchange::kraken_topic(symbol, depth);
    if (exchange_.kraken(symbol) == nullptr) {
      refuse("Currency pair not supported " + symbol, symbol);
      continue;
    }
    if (subscribes == client.topics.contains(topic)) {
      refuse(subscribes ? "Already subscribed" : "Subscription Not Found",
             symbol);
      continue;
    }
    std::string ack = "{\"method\":\"" + std::string(method) + "\"" + request +
                      ",\"result\":{\"channel\":" + json_string(channel) +
                      ",\"depth\":" + std::to_string(depth);
    if (subscribes) {
      ack += std::string(",\"snapshot\":") + (snapshot ? "true" : "false");
    }
    ack += ",\"symbol\":" + json_string(symbol) + "},\"success\":true," +
           kraken_time() + '}';
    reply(connection, std::move(ack));
    if (!subscribes) {
      remove_topic(connection, client, topic);
      continue;
    }
    add_topic(connection, client, topic);
    if (!snapshot) continue;
    send_snapshot(connection, client, topic,
                  orders ? exchange_.order_snapshot(topic)
                         : exchange_.kraken_snapshot(topic));
  }
}

// ---- Time ------------------------------------------------------------------

void Gateway::step() {
  if (generation_over_) return;
  for (const std::string& topic : std::exchange(to_restart_, {})) {
    exchange_.restart_ids(topic);
  }
  exchange_.step();
  if (options_.seconds > 0 && --steps_left_ == 0) finish();
}

void Gateway::finish() {
  if (generation_over_) return;
  exchange_.flush();
  generation_over_ = true;
}

void Gateway::heartbeat() {
  const Frame frame = std::make_shared<const std::string>(kraken_heartbeat());
  for (auto& [connection, client] : clients_) {
    if (client.protocol == Protocol::kAdapted && !client.topics.empty()) {
      std::vector<std::string> symbols;
      for (const std::string& topic : client.topics) {
        symbols.push_back(symbol_of_topic(topic));
      }
      for (std::string& text :
           client.adapter->heartbeats(symbols, exchange_.time_ms())) {
        say(connection, client, std::move(text));
      }
    }
    if (client.protocol == Protocol::kKraken && client.replay == nullptr &&
        !client.topics.empty()) {
      transport_.send(connection, frame);
    }
  }
}

std::optional<std::int64_t> Gateway::pump_replays(std::int64_t now_ns) {
  std::optional<std::int64_t> next;
  for (const auto& [connection, client] : clients_) {
    Replay* const replay = client.replay;
    if (replay == nullptr || replay->finished()) continue;
    while (transport_.backlog(connection) < kReplayWindowBytes &&
           replay->ready(now_ns)) {
      reply(connection, replay->take());
    }
    if (replay->finished()) replayed_.insert(replay);
    const std::optional<std::int64_t> due = replay->due_ns();
    if (due && (!next || *due < *next)) next = due;
  }
  return next;
}

bool Gateway::finished() const {
  return generation_over_ && replayed_.size() == replays_.size();
}

// ---- HTTP ------------------------------------------------------------------

HttpReply Gateway::http(const std::string& target_text) {
  const Target target = parse_target(target_text);
  if (target.path == "/api/v3/depth") return depth(target);
  if (target.path == "/api/v3/exchangeInfo" ||
      target.path == "/fapi/v1/exchangeInfo") {
    return exchange_info(target);
  }
  constexpr std::string_view kTruth = "/truth/";
  if (target.path.starts_with(kTruth)) {
    return truth(target, target.path.substr(kTruth.size()));
  }
  if (target.path == "/status") return status();
  for (const VenueAdapter* adapter : all_adapters()) {
    const auto wanted = adapter->rest_request(target.path, target.query);
    if (wanted) return rest_snapshot(*adapter, *wanted);
  }
  return json_error(404, "nothing at " + target.path);
}

HttpReply Gateway::post(const Post& post) {
  for (const VenueAdapter* adapter : all_adapters()) {
    if (post.path != adapter->token_path()) continue;
    std::string refusal = adapter->token_refusal(post, last_nonce_);
    if (!refusal.empty()) return {200, std::move(refusal)};
    return {200, adapter->token_answer(new_token(), post)};
  }
  return json_error(405, "only GET at " + post.path);
}

HttpReply Gateway::rest_snapshot(const VenueAdapter& adapter,
                                 const Wanted& wanted) {
  const std::string venue(adapter.venue());
  if (exchange_.market(venue, wanted.symbol) == nullptr) {
    return json_error(400, wanted.symbol + " is not on " + venue);
  }
  const std::string topic =
      topic_of(adapter, {wanted.symbol, 0, wanted.orders});
  const std::string* const old = stale_body(topic);
  fetched_.insert(topic);
  if (old != nullptr) return {200, *old};
  if (wanted.orders) return {200, exchange_.order_snapshot(topic)};
  return {200, exchange_.rest_snapshot(
                   venue, wanted.symbol,
                   std::min(wanted.depth, Generator::kMaxLevels))};
}

HttpReply Gateway::depth(const Target& target) {
  const std::string symbol = target.value("symbol");
  const std::optional<std::size_t> limit = limit_of(target.value("limit"), 100);
  if (!limit) {
    return {400, binance_error(-1100,
                               "Illegal characters found in parameter "
                               "'limit'.")};
  }
  const std::size_t levels = std::min(*limit, Generator::kMaxLevels);
  if (Replay* const replay = replay_of(Protocol::kBinance)) {
    const std::string* body = replay->fetch_snapshot(symbol);
    if (body != nullptr) return {200, *body};
  } else if (const std::string* old = stale_body(binance_body(symbol))) {
    return {200, *old};
  } else if (const Generator* market = exchange_.binance(symbol)) {
    for (const char* stream : {"@depth", "@depth@100ms", "@depth@1000ms"}) {
      fetched_.insert(lower(symbol) + stream);
    }
    return {200, binance_snapshot(market->book(), market->last_id(), levels)};
  }
  return {400, binance_error(-1121, "Invalid symbol.")};
}

HttpReply Gateway::exchange_info(const Target& target) {
  const std::string wanted = target.value("symbol");
  std::vector<std::string> infos;
  if (Replay* const replay = replay_of(Protocol::kBinance)) {
    for (const auto& [symbol, info] : replay->capture().symbol_infos) {
      if (wanted.empty() || wanted == symbol) infos.push_back(info);
    }
  }
  for (const std::string& symbol : exchange_.binance_symbols()) {
    if (!wanted.empty() && wanted != symbol) continue;
    infos.push_back(
        binance_symbol_info(exchange_.binance(symbol)->instrument()));
  }
  if (infos.empty() && !wanted.empty()) {
    return {400, binance_error(-1121, "Invalid symbol.")};
  }
  return {200, binance_exchange_info(exchange_.time_ms(), infos)};
}

HttpReply Gateway::truth(const Target& target, const std::string& symbol) {
  const std::string wanted = target.value("venue");
  // Where no venue is named, spot and Kraken come first.
  const VenueAdapter* adapted = nullptr;
  for (const VenueAdapter* adapter : all_adapters()) {
    const std::string name(adapter->venue());
    if (exchange_.market(name, symbol) == nullptr) continue;
    if (name == wanted || (wanted.empty() && adapted == nullptr)) {
      adapted = adapter;
    }
  }
  const bool kraken = symbol.find('/') != std::string::npos;
  if (wanted.empty() &&
      (exchange_.binance(symbol) != nullptr ||
       exchange_.kraken(symbol) != nullptr ||
       replay_of(kraken ? Protocol::kKraken : Protocol::kBinance) != nullptr)) {
    adapted = nullptr;
  }
  const Protocol protocol = kraken ? Protocol::kKraken : Protocol::kBinance;
  const Replay* const replay = replay_of(protocol);
  const std::string venue = adapted != nullptr  ? std::string(adapted->venue())
                            : replay != nullptr ? replay->capture().venue
                            : kraken            ? "kraken"
                                                : "binance-spot";
  if (!wanted.empty() && wanted != venue) {
    return json_error(404, symbol + " is not on " + wanted);
  }
  const std::optional<std::size_t> limit =
      limit_of(target.value("depth"), SIZE_MAX);
  if (!limit) return json_error(400, "depth is not a positive number");
  if (target.value("book") == "l3") return order_truth(venue, symbol, *limit);
  const Book* book = nullptr;
  std::uint64_t last_id = 0;
  if (adapted != nullptr) {
    const Generator* const market = exchange_.market(venue, symbol);
    book = &market->book();
    last_id = market->last_id();
  } else if (replay != nullptr) {
    if (const ReplayedBook* found = replay->find(symbol)) {
      book = &found->book;
      last_id = found->last_update_id;
    }
  } else if (const Generator* market = kraken ? exchange_.kraken(symbol)
                                              : exchange_.binance(symbol)) {
    book = &market->book();
    last_id = market->last_id();
  }
  if (book == nullptr) return json_error(404, "no book of " + symbol);
  return {200,
          "{\"venue\":" + json_string(venue) +
              ",\"symbol\":" + json_string(symbol) +
              ",\"last_update_id\":" + std::to_string(last_id) +
              ",\"bids\":" + level_pairs(book->levels(Side::kBid), *limit) +
              ",\"asks\":" + level_pairs(book->levels(Side::kAsk), *limit) +
              '}'};
}

HttpReply Gateway::order_truth(const std::string& venue,
                               const std::string& symbol, std::size_t levels) {
  const OrderBook* const book = exchange_.orders(venue, symbol);
  if (book == nullptr) {
    return json_error(404, "no orders of " + symbol + " on " + venue);
  }
  const OrderChannel& channel = *find_adapter(venue)->orders();
  const auto rows = [&](Side side) {
    return quoted_rows(channel, book->top(side, levels, SIZE_MAX));
  };
  return {200, "{\"venue\":" + json_string(venue) + ",\"symbol\":" +
                   json_string(symbol) + ",\"bids\":" + rows(Side::kBid) +
                   ",\"asks\":" + rows(Side::kAsk) + '}'};
}

HttpReply Gateway::status() const {
  std::string replays;
  for (const auto& replay : replays_) {
    const ReplayCounters& counters = replay->counters();
    replays += (replays.empty() ? "" : ",") +
               ("{\"venue\":" + json_string(replay->capture().venue)) +
               ",\"finished\":" + (replay->finished() ? "true" : "false") +
               ",\"frames\":" + std::to_string(counters.frames) +
               ",\"unreadable\":" + std::to_string(counters.unreadable) +
               ",\"gaps\":" + std::to_string(counters.gaps) +
               ",\"checksums_ok\":" + std::to_string(counters.checksums_ok) +
               ",\"checksums_bad\":" + std::to_string(counters.checksums_bad) +
               '}';
  }
  const auto field = [](const char* name, std::uint64_t value) {
    return '"' + std::string(name) + "\":" + std::to_string(value) + ',';
  };
  return {200, '{' + field("events", exchange_.events()) +
                   field("frames_sent", counters_.frames_sent) +
                   field("bytes_sent", counters_.bytes_sent) +
                   field("connections", counters_.connections) +
                   field("connections_total", counters_.connections_total) +
                   field("dropped_clients", counters_.dropped_clients) +
                   field("pings_sent", counters_.pings_sent) +
                   field("pongs_received", counters_.pongs_received) +
                   field("faults", faults_) +
                   "\"quiesced\":" + (quiesced_ ? "true" : "false") +
                   ",\"replays\":[" + replays + "]}"};
}

}  // namespace wirebook::sim
