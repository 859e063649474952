// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "apps/lob_node/venue_session.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <ctime>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "apps/lob_node/instrument_fetch.h"
#include "apps/lob_node/nonce_source.h"
#include "lob/fixed_point.h"
#include "lob/instrument.h"
#include "lob/parsed_message.h"
#include "lob/venues/find_venue_requests.h"
#include "lob/venues/instrument_reader.h"
#include "net/printable_text.h"
#include "net/tls_context.h"
#include "net/url.h"

namespace wirebook {
namespace {

constexpr std::uint64_t kMillisecond = 1'000'000;
// How often its books are looked at.
constexpr std::uint64_t kWatchNs = 250 * kMillisecond;
// A book that is still without its snapshot after so long asks again: an answer
// may never come.
constexpr std::uint64_t kMissingNs = 15'000 * kMillisecond;
// Requests that may go out at once on a connection; one more may with each
// watch. Binance ends a connection that says more than five a second
// (developers.binance.com, "WebSocket Streams", limits).
constexpr int kRequestBurst = 4;
// A longer Retry-After is not believed.
constexpr std::uint64_t kLongestPauseSeconds = 3'600;
// Of a venue's own words, bytes in a log's line.
constexpr std::size_t kLongestRefusal = 400;
constexpr std::uint64_t kCloseTimeoutNs = 500 * kMillisecond;
// How long an answer about instruments may take, and how seldom they are asked
// for once more.
constexpr std::uint64_t kInstrumentsNs = 10'000 * kMillisecond;
constexpr std::uint64_t kAskAgainNs = 2'000 * kMillisecond;
// An answer with a token is read on the network thread.
constexpr std::size_t kLongestAdmission = std::size_t{64} << 10;
// In an HttpRequest's tag: the answer is about an instrument, no snapshot.
constexpr std::uint32_t kInstrumentTag = std::uint32_t{1} << 31;

absl::string_view to_absl(std::string_view text) {
  return {text.data(), text.size()};
}

// Of the first session that needs it; the system's authorities are read once.
absl::StatusOr<std::shared_ptr<TlsContext>> process_tls() {
  static const absl::StatusOr<std::shared_ptr<TlsContext>> context =
      TlsContext::create({});
  return context;
}

// Without the escapes of a URL, and those that plain text may have in JSON and
// in C.
std::string unescaped(std::string_view text) {
  const auto digit = [text](std::size_t i) {
    return i < text.size() &&
           absl::ascii_isxdigit(static_cast<unsigned char>(text[i]));
  };
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && digit(i + 1) && digit(i + 2)) {
      out += absl::HexStringToBytes(to_absl(text.substr(i + 1, 2)));
      i += 2;
    } else if (text[i] != '\\' || i + 1 == text.size() ||
               (text[i + 1] != '/' && text[i + 1] != '\'')) {
      out += text[i];
    }
  }
  return out;
}

// Its beginning too: what a venue or an error quotes may have been cut. True
// where there was any.
bool hide(const ChannelCredentials& credentials, std::string* text) {
  constexpr std::size_t kBeginning = 8;
  bool any = false;
  for (const std::string* value : {&credentials.token, &credentials.secret,
                                   &credentials.passphrase, &credentials.key}) {
    if (value->empty()) continue;
    const std::string beginning = value->substr(0, kBeginning);
    for (std::size_t at = text->find(beginning); at != std::string::npos;
         at = text->find(beginning, at + 3)) {
      std::size_t size = beginning.size();
      while (size < value->size() && at + size < text->size() &&
             (*text)[at + size] == (*value)[size]) {
        ++size;
      }
      text->replace(at, size, "...");
      any = true;
    }
  }
  return any;
}

// A venue may repeat what it was told, and as it stood in a URL.
std::string without(const ChannelCredentials& credentials, std::string text) {
  hide(credentials, &text);
  std::string plain = unescaped(text);
  return hide(credentials, &plain) ? absl::CHexEscape(plain) : text;
}

// What is to be asked before a connection, and of whose credentials. Reads a
// file.
absl::Status prepare_admission(const VenueConfig& config,
                               ChannelCredentials* who, HttpRequest* request) {
  const bool known = !config.credentials.empty();
  if (known) {
    auto read = read_credentials(config.credentials);
    if (!read.ok()) return read.status();
    *who = *std::move(read);
  }
  // Of all sessions: they may have one key.
  static NonceSource nonces;
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const auto now_ms =
      std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
  auto asked = find_venue_requests(config.id).admission_request(
      known ? who : nullptr, nonces.next(static_cast<std::uint64_t>(now_ms)));
  if (!asked.ok()) {
    return {asked.status().code(),
            absl::StrCat(config.credentials, ": ", asked.status().message())};
  }
  if (asked->target.empty()) return absl::OkStatus();
  if (config.rest_url.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(config.name,
                     ": rest_url is missing: the venue's tokens come from "
                     "there; or put one into ",
                     config.credentials));
  }
  request->url = absl::StrCat(config.rest_url, asked->target);
  request->content = std::move(asked->content);
  request->headers = std::move(asked->headers);
  return absl::OkStatus();
}

std::uint64_t ticks_of(std::int64_t milliseconds) {
  const TscClock clock;
  return static_cast<std::uint64_t>(static_cast<double>(milliseconds) * 1e6 /
                                    clock.ns_per_tick());
}

}  // namespace

absl::StatusOr<std::unique_ptr<VenueSession>> VenueSession::create(
    const VenueConfig& config, const NodeConfig& node,
    std::uint16_t first_connection, UringLoop* loop, RawMessagePool* pool,
    ConnectBudget* budget, BookPipelineListener* listener,
    L3FeedListener* order_listener) {
  auto session = std::unique_ptr<VenueSession>(new VenueSession(
      config, first_connection, loop, pool, listener, order_listener));
  absl::Status status = session->set_up(node, budget);
  if (!status.ok()) return status;
  return session;
}

std::size_t VenueSession::book_connections(const VenueConfig& config) {
  return venue_traits(config.id).shared_ids ? 1 : config.connections;
}

VenueSession::VenueSession(const VenueConfig& config,
                           std::uint16_t first_connection, UringLoop* loop,
                           RawMessagePool* pool, BookPipelineListener* listener,
                           L3FeedListener* order_listener)
    : config_(config),
      first_connection_(first_connection),
      legs_(config.rollover_after_ms > 0 ? Connection::kLegs : 1),
      loop_(loop),
      pool_(pool),
      standby_(listener != nullptr ? listener : &nobody_),
      order_listener_(order_listener != nullptr ? order_listener : &no_one_),
      requests_(RequestBudget{}),
      watch_timer_(this) {}

VenueSession::~VenueSession() { disconnect(); }

absl::Status VenueSession::set_up(const NodeConfig& node,
                                  ConnectBudget* budget) {
  if (absl::Status status = make_books(node); !status.ok()) return status;
  if (absl::Status status = set_up_books(); !status.ok()) return status;
  if (absl::Status status = set_up_feeds(budget); !status.ok()) return status;
  if (config_.rest_url.empty()) return absl::OkStatus();
  auto http = HttpClient::create(loop_, pool_, {}, this);
  if (!http.ok()) return http.status();
  http_ = *std::move(http);
  return absl::OkStatus();
}

absl::Status VenueSession::make_books(const NodeConfig& node) {
  ChannelCredentials who;
  HttpRequest first;
  // Wrong from the beginning, the node does not start.
  absl::Status status = prepare_admission(config_, &who, &first);
  if (!status.ok()) return status;
  asks_first_ = !config_.credentials.empty() || !first.url.empty();
  if (config_.orders) {
    auto orders =
        OrderBooks::create(config_.id, config_.symbols.size(), pool_, this);
    if (!orders.ok()) return orders.status();
    orders_ = *std::move(orders);
    return absl::OkStatus();
  }
  BookPipelineOptions options;
  options.venue = config_.id;
  options.mode = node.pipeline;
  options.wait = node.wait;
  options.max_books = config_.symbols.size() * book_connections(config_);
  options.lines = config_.connections / book_connections(config_) * legs_;
  options.discover_instruments = false;
  options.line_patience_ticks = ticks_of(config_.line_patience_ms);
  if (node.ring_capacity != 0) {
    (node.pipeline == PipelineMode::kStaged ? options.ring_capacity
                                            : options.parsed_messages) =
        node.ring_capacity;
  }
  options.parser_cpu = node.parser_cpu;
  options.book_cpu = node.book_cpu;
  auto pipeline = BookPipeline::create(options, pool_, this);
  if (!pipeline.ok()) return pipeline.status();
  pipeline_ = *std::move(pipeline);
  return absl::OkStatus();
}

absl::Status VenueSession::set_up_books() {
  std::vector<Instrument> instruments;
  if (config_.ask_for_instruments) {
    auto fetched = fetch_instruments(config_, kInstrumentsNs);
    if (!fetched.ok()) return fetched.status();
    instruments = *std::move(fetched);
    for (const Instrument& one : instruments) log_instrument(one);
  } else {
    for (const std::string& symbol : config_.symbols) {
      instruments.push_back(make_instrument(config_.id, symbol, 0));
    }
  }
  for (Instrument& instrument : instruments) {
    instrument.depth = config_.depth;
    if (!config_.market.empty()) instrument.market = config_.market;
    if (config_.orders) {
      instrument.connection = first_connection_;
      const auto index = orders_->expect_instrument(instrument);
      if (!index.ok()) return index.status();
      continue;
    }
    std::vector<const BookKeeper*> legs;
    for (std::size_t i = 0; i < book_connections(config_); ++i) {
      instrument.connection = static_cast<std::uint16_t>(first_connection_ + i);
      const auto index = pipeline_->expect_instrument(instrument);
      if (!index.ok()) return index.status();
      legs.push_back(&pipeline_->book(*index));
    }
    standby_.add_group(std::move(legs));
  }
  return absl::OkStatus();
}

void VenueSession::log_instrument(const Instrument& instrument) const {
  const auto step = [](std::int64_t units, int scale) {
    return units == 0 ? std::string("not said") : decimal_string(units, scale);
  };
  spdlog::info("{}: {}: tick {}, lot {}, {}", config_.name, instrument.symbol,
               step(instrument.tick, instrument.price_scale),
               step(instrument.lot, instrument.quantity_scale),
               instrument.status == InstrumentStatus::kTrading
                   ? "trading"
                   : "does not take all orders");
}

absl::Status VenueSession::set_up_feeds(ConnectBudget* budget) {
  ConnectionOptions options;
  // Where the venue tells it, only the scheme is known: no token goes over a
  // connection that is less safe than the one that it came by.
  options.reader.url = config_.url.empty()
                           ? absl::StrCat("ws", config_.rest_url.substr(4))
                           : config_.url;
  if (options.reader.url.starts_with("wss://")) {
    absl::StatusOr<std::shared_ptr<TlsContext>> tls = process_tls();
    if (!tls.ok()) return tls.status();
    options.reader.tls = *std::move(tls);
  }
  options.reader.venue = static_cast<std::uint8_t>(config_.id);
  options.reader.close_timeout_ns = kCloseTimeoutNs;
  options.budget = budget;
  // Whatever the venue sends counts, its pings too: a quiet market is not a
  // mute connection.
  options.silence_deadline_ns =
      static_cast<std::uint64_t>(config_.stale_after_ms) * kMillisecond;
  options.rollover_after_ns =
      static_cast<std::uint64_t>(config_.rollover_after_ms) * kMillisecond;
  // Long enough for the new one's first messages; short beside its life.
  options.overlap_ns =
      std::min(options.overlap_ns, options.rollover_after_ns / 4);
  for (std::size_t i = 0; i < config_.connections; ++i) {
    auto feed = std::make_unique<Feed>(this, i);
    feed->address = without_query(options.reader.url);
    auto created = Connection::create(loop_, pool_, options, feed.get());
    if (!created.ok()) return created.status();
    feed->connection = *std::move(created);
    if (asks_first_) {
      auto http = HttpClient::create(
          loop_, pool_, {.max_body_bytes = kLongestAdmission}, feed.get());
      if (!http.ok()) return http.status();
      feed->http = *std::move(http);
    }
    feeds_.push_back(std::move(feed));
  }
  return absl::OkStatus();
}

void VenueSession::start() {
  for (auto& feed : feeds_) feed->connection->start();
}

std::uint16_t VenueSession::connection_of(const Feed& feed,
                                          std::size_t leg) const {
  const std::size_t lines =
      with_books([](const auto& books) { return books.lines(); });
  return static_cast<std::uint16_t>(first_connection_ * lines +
                                    feed.number * legs_ + leg);
}

BookView VenueSession::view(std::size_t index) const noexcept {
  return config_.orders ? orders_->book(index).view()
                        : standby_.book(index).view();
}

std::size_t VenueSession::open_legs() const {
  std::size_t open = 0;
  for (const auto& feed : feeds_) {
    for (std::size_t leg = 0; leg < legs_; ++leg) {
      open += feed->connection->is_open(leg) ? 1 : 0;
    }
  }
  return open;
}

VenueSession::Feed* VenueSession::open_feed() const {
  for (const auto& feed : feeds_) {
    if (feed->connection->is_open(feed->connection->leg())) return feed.get();
  }
  return nullptr;
}

bool VenueSession::has_live_book() const noexcept {
  for (std::size_t i = 0; i < config_.symbols.size(); ++i) {
    if (view(i).state == BookState::kLive) return true;
  }
  return false;
}

VenueSession::Feed* VenueSession::open_feed_of(std::uint32_t instrument) const {
  if (!in_standby()) return open_feed();
  const std::uint16_t number = instruments()[instrument].connection;
  Feed& own = *feeds_[number - first_connection_];
  return own.connection->is_open(own.connection->leg()) ? &own : nullptr;
}

bool VenueSession::on_attempt(Feed& feed) {
  if (open_legs() == 0) set_status_text("connecting");
  if (!asks_first_) return true;
  feed.asked = std::make_shared<ChannelCredentials>();
  HttpRequest http;
  http.prepare = [this, who = feed.asked](HttpRequest* request) {
    return prepare_admission(config_, who.get(), request);
  };
  const absl::Status status = feed.http->send(std::move(http));
  if (!status.ok()) feed.connection->proceed(status);
  return false;
}

void VenueSession::on_admission(Feed& feed, const HttpResult& result) {
  // An error may repeat them too.
  feed.credentials = *feed.asked;
  Admission admission;
  absl::Status status = result.status;
  if (result.body != nullptr) {
    auto read = find_venue_requests(config_.id)
                    .read_admission({result.body->data, result.body->size},
                                    random_.next32());
    pool_->release(result.body);
    status = read.status();
    if (read.ok()) admission = *std::move(read);
  }
  if (!status.ok()) return feed.connection->proceed(status);
  if (!admission.token.empty()) feed.credentials.token = admission.token;
  if (!admission.url.empty()) feed.address = without_query(admission.url);
  feed.ping_interval_ns = admission.ping_interval_ns;
  feed.connection->proceed(admission.url);
}

void VenueSession::on_open(Feed& feed, std::size_t leg) {
  spdlog::info("{}: connected to {}", config_.name, feed.address);
  refused_ = false;
  set_status_text("up");
  with_books(
      [&](auto& books) { books.on_connection_up(connection_of(feed, leg)); });
  const VenueRequests& venue = find_venue_requests(config_.id);
  const std::string greeting = venue.greeting();
  feed.outboxes[leg] = {.texts = {}, .allowance = kRequestBurst};
  if (!greeting.empty()) feed.outboxes[leg].texts.push_back(greeting);
  send_requests(feed, leg, &VenueRequests::subscribe, config_.symbols);
  feed.kept_alive_ns = loop_->now_ns();
  loop_->start_timer(&watch_timer_, kWatchNs);
}

void VenueSession::send_requests(Feed& feed, std::size_t leg,
                                 RequestBuilder build,
                                 const std::vector<std::string>& symbols) {
  const VenueRequests& venue = find_venue_requests(config_.id);
  const std::size_t most = venue.symbols_a_request();
  const SubscriptionOptions options = subscription(feed);
  for (std::size_t i = 0; i < symbols.size();) {
    const std::size_t count = std::min(most, symbols.size() - i);
    const auto first = symbols.begin() + static_cast<std::ptrdiff_t>(i);
    std::string text = (venue.*build)(
        {first, first + static_cast<std::ptrdiff_t>(count)}, options);
    if (!text.empty()) feed.outboxes[leg].texts.push_back(std::move(text));
    i += count;
  }
  say_more(feed, leg);
}

SubscriptionOptions VenueSession::subscription(const Feed& feed) const {
  return {
      .depth = config_.depth,
      .best_bid_offer = config_.best_bid_offer,
      .unix_seconds = std::time(nullptr),
      .orders = config_.orders,
      .credentials = config_.credentials.empty() ? nullptr : &feed.credentials};
}

void VenueSession::say_more(Feed& feed, std::size_t leg) {
  Feed::Outbox& outbox = feed.outboxes[leg];
  while (!outbox.texts.empty() && outbox.allowance > 0 &&
         feed.connection->send_text(leg, outbox.texts.front())) {
    outbox.texts.pop_front();
    --outbox.allowance;
  }
}

void VenueSession::on_message(const Feed& feed, std::size_t leg,
                              RawMessage* message) {
  message->connection = connection_of(feed, leg);
  with_books([message](auto& books) { books.on_message(message); });
}

void VenueSession::on_silent(const Feed& feed, std::size_t leg) {
  spdlog::warn("{}: nothing heard for {} ms", config_.name,
               config_.stale_after_ms);
  with_books([&](auto& books) {
    books.on_connection_stale(connection_of(feed, leg));
  });
}

void VenueSession::on_close(Feed& feed, std::size_t leg,
                            const ConnectionEnd& end) {
  std::string why =
      end.status.ok() ? absl::StrCat("closed by the venue with code ", end.code)
                      : std::string(end.status.message());
  if (end.planned && !stopping_) why = "rolled over to a new connection";
  feed.outboxes[leg] = {};
  why = without(feed.credentials, std::move(why));
  if (!end.reason.empty()) {
    const std::string reason =
        without(feed.credentials, std::string(end.reason));
    absl::StrAppend(&why, " (", printable_text(reason), ")");
  }
  const std::size_t open = open_legs();
  if (open == 0) {
    loop_->stop_timer(&watch_timer_);
    requests_.clear_waiting();
    if (http_ != nullptr) http_->drop_waiting();
  }
  if (stopping_ && end.status.ok()) {
    // Our own doing: the report shows the books as they were.
    set_status_text("closed");
    return;
  }
  with_books(
      [&](auto& books) { books.on_connection_lost(connection_of(feed, leg)); });
  if (end.planned) {
    spdlog::info("{}: {}", config_.name, why);
  } else {
    spdlog::warn("{}: {}", config_.name, why);
  }
  if (open == 0) set_status_text(why);
}

void VenueSession::watch() {
  for (auto& feed : feeds_) {
    for (std::size_t leg = 0; leg < legs_; ++leg) {
      int& allowance = feed->outboxes[leg].allowance;
      allowance = std::min(allowance + 1, kRequestBurst);
      if (feed->connection->is_open(leg)) say_more(*feed, leg);
    }
  }
  ask_for_missing_books();
  ask_for_scales();
  keep_alive();
  loop_->start_timer(&watch_timer_, kWatchNs);
}

void VenueSession::ask_for_missing_books() {
  // They know their own deadlines.
  if (config_.orders) return orders_->on_time();
  const VenueTraits& traits = venue_traits(config_.id);
  const BookRequestKind kind =
      traits.sync == SyncClass::kRestSnapshot ? BookRequestKind::kFetchSnapshot
      : traits.resync_reconnects              ? BookRequestKind::kReconnect
                                              : BookRequestKind::kResubscribe;
  const std::uint64_t now_ticks = TscClock::ticks();
  for (std::size_t i = 0; i < pipeline_->book_count(); ++i) {
    const BookKeeper& keeper = pipeline_->book(i);
    const BookView view = keeper.view();
    // With a snapshot in hand it only waits for the market to move.
    if (view.state == BookState::kLive || view.state == BookState::kHalted ||
        view.reason == BookReason::kAwaitingFirstUpdate ||
        now_ticks < view.since_ticks ||
        clock_.to_ns(now_ticks - view.since_ticks) < kMissingNs ||
        open_feed_of(keeper.instrument().index) == nullptr) {
      continue;
    }
    requests_.add(
        {kind, keeper.instrument().index, keeper.instrument().connection},
        loop_->now_ns());
  }
}

void VenueSession::keep_alive() {
  const KeepAlive keep = find_venue_requests(config_.id).keep_alive();
  if (keep.text.empty()) return;
  const std::uint64_t now = loop_->now_ns();
  for (const auto& feed : feeds_) {
    const std::uint64_t interval =
        feed->ping_interval_ns != 0 ? feed->ping_interval_ns : keep.interval_ns;
    if (now - feed->kept_alive_ns < interval) continue;
    // Without room in a send queue more than a ping is late.
    bool sent = true;
    for (std::size_t leg = 0; leg < legs_; ++leg) {
      if (!feed->connection->is_open(leg)) continue;
      sent &= feed->connection->send_text(leg, keep.text);
    }
    if (sent) feed->kept_alive_ns = now;
  }
}

void VenueSession::poll() {
  const std::uint64_t now = loop_->now_ns();
  while (const auto request =
             with_books([](auto& books) { return books.next_request(); })) {
    requests_.add(*request, now);
  }
  if (open_feed() == nullptr) return;
  while (const auto due = requests_.take(now)) serve(*due);
}

void VenueSession::serve(const BookRequest& request) {
  Feed* const open = open_feed_of(request.instrument);
  if (open == nullptr) return;  // the next one begins with subscriptions
  // What it showed may have ended; the next connection shows what there is
  // then.
  if (request.kind == BookRequestKind::kReconnect || refused_) {
    spdlog::info("{}: connecting anew", config_.name);
    open->connection->close(open->connection->leg());
    return;
  }
  if (request.kind == BookRequestKind::kFetchSnapshot) {
    fetch_snapshot(request);
    return;
  }
  const std::vector<std::string> symbols = {symbol(request.instrument)};
  spdlog::info("{}: subscribing {} anew", config_.name, symbols[0]);
  const std::size_t leg = open->connection->leg();
  send_requests(*open, leg, &VenueRequests::unsubscribe, symbols);
  send_requests(*open, leg, &VenueRequests::subscribe, symbols);
}

void VenueSession::fetch_snapshot(const BookRequest& request) {
  HttpRequest http;
  const VenueRequests& venue = find_venue_requests(config_.id);
  const std::string& name = symbol(request.instrument);
  http.url = absl::StrCat(
      config_.rest_url,
      config_.orders ? venue.orders_target(name)
                     : venue.snapshot_target(name, config_.snapshot_limit));
  http.tag = request.instrument;
  // The book's first line.
  http.connection = static_cast<std::uint16_t>(
      request.connection *
      with_books([](const auto& books) { return books.lines(); }));
  http.venue = static_cast<std::uint8_t>(config_.id);
  const absl::Status status = http_->send(std::move(http));
  if (!status.ok()) snapshot_failed(request.instrument, status, 0);
}

void VenueSession::ask_for_scales() {
  const std::uint64_t now = loop_->now_ns();
  const std::uint32_t doubted = doubted_.exchange(0);
  if (doubted == 0 || !config_.ask_for_instruments ||
      (asked_for_scales_ns_ != 0 && now - asked_for_scales_ns_ < kAskAgainNs)) {
    return;
  }
  const std::string target =
      find_venue_requests(config_.id)
          .instrument_target(symbol(doubted - 1), config_.url);
  if (target.empty()) return;
  asked_for_scales_ns_ = now;
  HttpRequest http;
  http.url = absl::StrCat(config_.rest_url, target);
  http.tag = kInstrumentTag | (doubted - 1);
  if (const absl::Status status = http_->send(std::move(http)); !status.ok()) {
    spdlog::warn("{}: instruments: {}", config_.name,
                 std::string(status.message()));
  }
}

void VenueSession::on_scales(std::uint32_t instrument,
                             const HttpResult& result) {
  Instrument told = make_instrument(config_.id, symbol(instrument), 0);
  absl::Status status = result.status;
  if (status.ok()) {
    status =
        read_instruments(find_venue_requests(config_.id).instrument_format(),
                         {result.body->data, result.body->size}, {&told, 1});
    pool_->release(result.body);
  }
  if (status.ok() && told.status == InstrumentStatus::kUnknown) {
    status = absl::NotFoundError("the venue lists it no longer");
  }
  if (!status.ok()) {
    spdlog::warn("{}: {}: {}", config_.name, symbol(instrument),
                 std::string(status.message()));
    return;
  }
  const Scales scales = {static_cast<std::int8_t>(told.price_scale),
                         static_cast<std::int8_t>(told.quantity_scale)};
  if (scales == instruments().scales(instrument)) {
    spdlog::warn("{}: {}: messages have more decimals than the venue's steps",
                 config_.name, symbol(instrument));
    return;
  }
  log_instrument(told);
  // The book asks for a snapshot as it does after every gap. All books of the
  // symbol, where it is in hot standby.
  with_books([&](auto& books) {
    for (std::size_t i = 0; i < books.book_count(); ++i) {
      if (books.instruments()[i].symbol == symbol(instrument)) {
        books.change_scales(i, scales);
      }
    }
  });
}

void VenueSession::on_http(const HttpResult& result) {
  if ((result.tag & kInstrumentTag) != 0) {
    on_scales(result.tag & ~kInstrumentTag, result);
    return;
  }
  if (!result.status.ok()) {
    snapshot_failed(result.tag, result.status, result.retry_after_seconds);
  } else if (stopping_) {
    pool_->release(result.body);
  } else {
    with_books([&](auto& books) { books.on_message(result.body); });
  }
}

void VenueSession::on_depth_applied(const BookKeeper& keeper,
                                    const ParsedMessage& message) {
  standby_.on_depth_applied(keeper, message);
}

void VenueSession::on_state_changed(const BookKeeper& keeper) {
  standby_.on_state_changed(keeper);
}

void VenueSession::on_orders_applied(const L3Keeper& keeper,
                                     const ParsedMessageHeader& message) {
  order_listener_->on_orders_applied(keeper, message);
}

void VenueSession::on_state_changed(const L3Keeper& keeper) {
  order_listener_->on_state_changed(keeper);
}

void VenueSession::on_other(const ParsedMessage& message) {
  const RawMessage* const raw =
      config_.orders ? &orders_->in_hand() : message.raw;
  if (message.kind == ParsedMessageKind::kRefused && raw != nullptr) {
    std::string text(raw->data, raw->size);
    if (config_.orders) {
      // One connection, and this is its thread.
      text = without(feeds_[0]->credentials, std::move(text));
      refused_ |= asks_first_ && message.instrument == kNoInstrument &&
                  !has_live_book();
    }
    spdlog::warn("{}: the venue refuses {}: {}", config_.name,
                 message.instrument == kNoInstrument
                     ? "a request"
                     : symbol(message.instrument),
                 std::string_view(text).substr(0, kLongestRefusal));
  }
  if (message.reason == BookReason::kScaleChanged &&
      message.instrument != kNoInstrument) {
    doubted_.store(message.instrument + 1);
  }
  if (config_.orders) return order_listener_->on_other(message);
  standby_.on_other(message);
}

void VenueSession::snapshot_failed(std::uint32_t instrument,
                                   const absl::Status& status,
                                   std::uint64_t retry_after_seconds) {
  if (stopping_) return;
  spdlog::warn("{}: snapshot of {}: {}", config_.name, symbol(instrument),
               std::string(status.message()));
  requests_.add({BookRequestKind::kFetchSnapshot, instrument,
                 instruments()[instrument].connection},
                loop_->now_ns(),
                std::min(retry_after_seconds, kLongestPauseSeconds) * 1'000 *
                    kMillisecond);
}

void VenueSession::stop() {
  stopping_ = true;
  loop_->stop_timer(&watch_timer_);
  for (auto& feed : feeds_) feed->connection->stop();
}

bool VenueSession::stopped() const noexcept {
  return std::all_of(feeds_.begin(), feeds_.end(), [](const auto& feed) {
    return feed->connection->stopped();
  });
}

void VenueSession::disconnect() {
  loop_->stop_timer(&watch_timer_);
  http_.reset();
  feeds_.clear();
}

std::string VenueSession::status_text() const {
  const std::lock_guard lock(status_mutex_);
  return status_text_;
}

void VenueSession::set_status_text(std::string text) {
  const std::lock_guard lock(status_mutex_);
  status_text_ = std::move(text);
}

const InstrumentTable& VenueSession::instruments() const {
  return with_books([](const auto& books) -> const InstrumentTable& {
    return books.instruments();
  });
}

const std::string& VenueSession::symbol(std::uint32_t instrument) const {
  return instruments()[instrument].symbol;
}

}  // namespace wirebook
