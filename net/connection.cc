// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "net/connection.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "net/url.h"

namespace wirebook {
namespace {

constexpr uint64_t kMillisecond = 1'000'000;
constexpr uint64_t kLongestWatchNs = 250 * kMillisecond;

uint64_t watch_interval(const ConnectionOptions& options) {
  uint64_t shortest = UINT64_MAX;
  for (const uint64_t interval :
       {options.ping_interval_ns, options.silence_deadline_ns,
        options.data_deadline_ns}) {
    if (interval != 0) shortest = std::min(shortest, interval);
  }
  if (shortest == UINT64_MAX) return 0;
  return std::clamp(shortest / 4, kMillisecond, kLongestWatchNs);
}

absl::Status check(const ConnectionOptions& options) {
  const auto invalid = [&](const char* what) {
    return absl::InvalidArgumentError(absl::StrCat(
        "Connection ", without_query(options.reader.url), ": ", what));
  };
  if (options.ping_interval_ns != 0 && options.silence_deadline_ns != 0 &&
      options.silence_deadline_ns <= options.ping_interval_ns) {
    return invalid(
        "silence_deadline_ns must leave time for an answer to a "
        "ping after ping_interval_ns");
  }
  if (options.backoff.initial_ns == 0) {
    return invalid(
        "backoff.initial_ns is 0, so attempts would follow each other without "
        "a wait; give at least 1");
  }
  // 2^62: what it computes with are doubles, whose sum still fits.
  if (options.backoff.max_ns < options.backoff.initial_ns ||
      options.backoff.max_ns > uint64_t{1} << 62) {
    return invalid("backoff.max_ns must be from backoff.initial_ns to 2^62");
  }
  if (!(options.rollover_jitter >= 0 && options.rollover_jitter <= 1)) {
    return invalid("rollover_jitter must be from 0 to 1");
  }
  if (!(options.backoff.jitter >= 0 && options.backoff.jitter <= 1)) {
    return invalid("backoff.jitter must be from 0 to 1");
  }
  if (!(options.backoff.multiplier >= 1)) {
    return invalid("backoff.multiplier must be at least 1");
  }
  const double earliest = static_cast<double>(options.rollover_after_ns) *
                          (1 - options.rollover_jitter);
  if (options.rollover_after_ns != 0 &&
      earliest <= static_cast<double>(options.overlap_ns) +
                      static_cast<double>(options.reader.close_timeout_ns)) {
    return invalid(
        "rollover_after_ns, less its jitter, must be longer than "
        "overlap_ns and close_timeout_ns");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<Connection>> Connection::create(
    UringLoop* loop, RawMessagePool* pool, ConnectionOptions options,
    ConnectionHandler* handler) {
  if (absl::Status status = check(options); !status.ok()) return status;
  if (options.budget != nullptr) {
    absl::Status status = options.budget->check();
    if (!status.ok()) return status;
  }
  if (loop == nullptr || pool == nullptr || handler == nullptr) {
    return absl::InvalidArgumentError(
        absl::StrCat("Connection ", without_query(options.reader.url),
                     ": loop, pool or handler is nullptr; it needs all three"));
  }
  absl::StatusOr<Url> url = parse_url(options.reader.url);
  if (!url.ok()) return url.status();
  std::unique_ptr<Connection> connection(
      new Connection(loop, std::move(options), std::move(url->host), handler));
  WebSocketReaderOptions reader_options = connection->options_.reader;
  for (Leg& leg : connection->legs_) {
    if (leg.number != 0 && connection->options_.rollover_after_ns == 0) {
      continue;
    }
    auto reader = WebSocketReader::create(loop, pool, reader_options, &leg);
    if (!reader.ok()) return reader.status();
    leg.reader = *std::move(reader);
    // One for both legs, which so share its tickets too.
    reader_options.tls = leg.reader->options().tls;
  }
  return connection;
}

Connection::Connection(UringLoop* loop, ConnectionOptions options,
                       std::string host, ConnectionHandler* handler)
    : loop_(loop),
      options_(std::move(options)),
      host_(std::move(host)),
      watch_ns_(watch_interval(options_)),
      handler_(handler),
      backoff_(options_.backoff),
      attempt_timer_(this, &Connection::attempt),
      connect_timer_(this, &Connection::connect),
      rollover_timer_(this, &Connection::begin_rollover),
      overlap_timer_(this, &Connection::end_rollover) {
  for (size_t i = 0; i < kLegs; ++i) {
    legs_[i].owner = this;
    legs_[i].number = i;
  }
}

Connection::~Connection() { stop_timers(); }

void Connection::stop_timers() noexcept {
  for (Timer* timer :
       {&attempt_timer_, &connect_timer_, &rollover_timer_, &overlap_timer_}) {
    loop_->stop_timer(timer);
  }
  for (Leg& leg : legs_) loop_->stop_timer(&leg);
}

void Connection::start() {
  if (!stopped()) return;
  running_ = true;
  attempt();
}

void Connection::stop() {
  running_ = false;
  stop_timers();
  for (Leg& leg : legs_) {
    leg.planned = true;
    if (leg.reader != nullptr) leg.reader->close();
  }
  proceed(absl::CancelledError("stopped before it was open"));
}

bool Connection::stopped() const noexcept {
  return !running_ && !busy(0) && !busy(1);
}

// ---- Connecting

void Connection::attempt() {
  const uint64_t wait = options_.budget == nullptr
                            ? 0
                            : options_.budget->reserve(host_, loop_->now_ns());
  if (wait == 0) {
    connect();
    return;
  }
  ++statistics_.budget_waits;
  loop_->start_timer(&connect_timer_, wait);
}

void Connection::connect() {
  Leg& leg = legs_[newest_];
  leg.opened = leg.planned = leg.delivers = false;
  leg.silence = absl::OkStatus();
  ++statistics_.attempts;
  waiting_ = true;
  if (handler_->on_attempt(leg.number)) proceed(std::string());
}

void Connection::proceed(const absl::StatusOr<std::string>& url) {
  if (!std::exchange(waiting_, false)) return;
  Leg& leg = legs_[newest_];
  absl::Status status = url.status();
  if (status.ok() && !url->empty()) status = leg.reader->set_url(*url);
  if (status.ok()) status = leg.reader->connect();
  if (!status.ok()) on_close(leg, kCloseAbnormal, {}, status);
}

void Connection::on_open(Leg& leg) {
  const uint64_t now = loop_->now_ns();
  leg.opened = true;
  ++statistics_.opens;
  backoff_.connected(now);
  const WebSocketStatistics statistics = leg.reader->statistics();
  leg.bytes = statistics.bytes;
  leg.messages = statistics.messages;
  leg.heard_ns = leg.data_ns = leg.pinged_ns = now;
  if (watch_ns_ != 0) loop_->start_timer(&leg, watch_ns_);
  if (options_.rollover_after_ns != 0) {
    const double part =
        options_.rollover_jitter * random_.next32() / 4294967296.0;
    loop_->start_timer(
        &rollover_timer_,
        static_cast<uint64_t>(static_cast<double>(options_.rollover_after_ns) *
                              (1 - part)));
  }
  handler_->on_open(leg.number);
}

// That it is open does not say that what it subscribed to comes.
void Connection::on_first_message(Leg& leg) {
  leg.delivers = true;
  if (leg.number == newest_ && busy(other(leg.number))) {
    loop_->start_timer(&overlap_timer_, options_.overlap_ns);
  }
}

void Connection::on_close(Leg& leg, uint16_t code, std::string_view reason,
                          const absl::Status& status) {
  loop_->stop_timer(&leg);
  if (!leg.planned) {
    ++(leg.opened ? statistics_.losses : statistics_.failed_attempts);
  }
  loop_->stop_timer(&overlap_timer_);
  if (leg.number == newest_) {
    loop_->stop_timer(&rollover_timer_);
    if (running_) {
      loop_->start_timer(&attempt_timer_,
                         backoff_.lost(loop_->now_ns(), random_.next32()));
    }
  }
  ConnectionEnd end;
  end.code = code;
  end.reason = reason;
  end.status = leg.silence.ok() ? status : leg.silence;
  end.planned = leg.planned;
  end.still_up = is_open(other(leg.number));
  handler_->on_close(leg.number, end);
}

void Connection::close(size_t leg, std::string_view reason) {
  if (busy(leg)) legs_[leg].reader->close(kCloseNormal, reason);
}

// ---- Silence

void Connection::note_heard(Leg& leg, uint64_t now_ns) noexcept {
  const WebSocketStatistics statistics = leg.reader->statistics();
  if (std::exchange(leg.bytes, statistics.bytes) != statistics.bytes) {
    leg.heard_ns = now_ns;
  }
  // It is we who do not listen.
  if (leg.reader->stalled()) leg.heard_ns = leg.data_ns = now_ns;
  if (std::exchange(leg.messages, statistics.messages) != statistics.messages) {
    leg.data_ns = now_ns;
  }
}

void Connection::watch(Leg& leg) noexcept {
  // One that is being closed has the reader's time limit.
  if (leg.reader->state() != WebSocketReader::State::kOpen) return;
  const uint64_t now = loop_->now_ns();
  note_heard(leg, now);
  const auto passed = [now](uint64_t since_ns, uint64_t limit_ns) {
    return limit_ns != 0 && now - since_ns > limit_ns;
  };
  if (passed(leg.heard_ns, options_.silence_deadline_ns)) {
    end_silent(leg, "nothing", options_.silence_deadline_ns);
    return;
  }
  if (passed(leg.data_ns, options_.data_deadline_ns)) {
    end_silent(leg, "no message", options_.data_deadline_ns);
    return;
  }
  if (passed(std::max(leg.heard_ns, leg.pinged_ns),
             options_.ping_interval_ns) &&
      leg.reader->send_ping({})) {
    leg.pinged_ns = now;
    ++statistics_.pings;
  }
  loop_->start_timer(&leg, watch_ns_);
}

void Connection::end_silent(Leg& leg, const char* what,
                            uint64_t deadline_ns) noexcept {
  leg.silence = absl::DeadlineExceededError(
      absl::StrCat("WebSocket ", without_query(leg.reader->options().url), ": ",
                   what, " heard for ", deadline_ns / kMillisecond, " ms"));
  ++statistics_.silences;
  handler_->on_silent(leg.number);
  leg.reader->close(kCloseNormal, "nothing heard");
}

// ---- Rollover

bool Connection::roll_over() {
  if (options_.rollover_after_ns == 0 || !is_open(newest_) ||
      busy(other(newest_))) {
    return false;
  }
  begin_rollover();
  return true;
}

void Connection::begin_rollover() {
  loop_->stop_timer(&rollover_timer_);
  if (busy(other(newest_))) {  // not gone yet: this one has not delivered
    loop_->start_timer(&rollover_timer_,
                       std::max(options_.overlap_ns, kLongestWatchNs));
    return;
  }
  newest_ = other(newest_);
  attempt();
}

void Connection::end_rollover() {
  Leg& old = legs_[other(newest_)];
  if (!is_open(old.number)) return;  // it ends by itself
  old.planned = true;
  ++statistics_.rollovers;
  old.reader->close(kCloseNormal, "rollover");
}

}  // namespace wirebook
