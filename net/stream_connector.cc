// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "net/stream_connector.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace wirebook {
namespace {

constexpr uint64_t kLeastDelayNs = 10'000'000;  // RFC 8305, section 5

absl::string_view to_absl(std::string_view text) {
  return {text.data(), text.size()};
}

}  // namespace

std::vector<SocketAddress> race_order(
    const std::vector<SocketAddress>& addresses) {
  std::vector<SocketAddress> first, second, order;
  for (const SocketAddress& address : addresses) {
    (address.family() == addresses[0].family() ? first : second)
        .push_back(address);
  }
  for (size_t i = 0; i < std::max(first.size(), second.size()); ++i) {
    if (i < first.size()) order.push_back(first[i]);
    if (i < second.size()) order.push_back(second[i]);
  }
  return order;
}

StreamConnector::StreamConnector(UringLoop* loop, Proxy proxy,
                                 StreamConnectorOptions options,
                                 StreamConnectorHandler* handler)
    : loop_(loop),
      proxy_(std::move(proxy)),
      options_(std::move(options)),
      handler_(handler),
      resolver_(loop, this, options_.look_up),
      step_timer_(this),
      delay_timer_(this) {
  if (handler == nullptr) {
    std::fprintf(stderr,
                 "wirebook::StreamConnector %p: made without a handler\n",
                 static_cast<void*>(this));
    std::abort();
  }
  for (Attempt& attempt : attempts_) attempt.owner = this;
}

absl::Status StreamConnector::check_options(
    const StreamConnectorOptions& options) {
  const struct {
    const char* name;
    uint64_t value;
    uint64_t least;
  } all[] = {{"resolve_timeout_ns", options.resolve_timeout_ns, 1},
             {"tcp_timeout_ns", options.tcp_timeout_ns, 1},
             {"proxy_timeout_ns", options.proxy_timeout_ns, 1},
             {"attempt_delay_ns", options.attempt_delay_ns, kLeastDelayNs}};
  for (const auto& one : all) {
    if (one.value < one.least) {
      return absl::InvalidArgumentError(
          absl::StrCat("StreamConnector: ", one.name, " is ", one.value,
                       "; give at least ", one.least));
    }
  }
  if (!options.look_up) {
    return absl::InvalidArgumentError(
        "StreamConnector: look_up is empty; give system_look_up");
  }
  return check_socket_options(options.socket);
}

StreamConnector::~StreamConnector() { abandon(); }

const char* StreamConnector::step_name() const noexcept {
  switch (step_) {
    case Step::kResolve:
      return "address";
    case Step::kProxy:
      return "answer of the proxy";
    case Step::kIdle:
    case Step::kRace:
    case Step::kEnding:
      break;
  }
  return "TCP connection";
}

void StreamConnector::begin(Step step, uint64_t timeout_ns) {
  step_ = step;
  loop_->start_timer(&step_timer_, timeout_ns);
}

void StreamConnector::start(const std::string& host, uint16_t port,
                            RawMessageSlab* slab,
                            StreamHandler* stream_handler) {
  host_ = host;
  port_ = port;
  slab_ = slab;
  stream_handler_ = stream_handler;
  failures_.clear();
  const bool direct = proxy_.kind == ProxyKind::kNone;
  begin(Step::kResolve, options_.resolve_timeout_ns);
  if (absl::Status status = check_options(options_); !status.ok()) {
    stop(std::move(status));
    return;
  }
  if (slab == nullptr || stream_handler == nullptr) {
    stop(absl::InvalidArgumentError(
        "StreamConnector: start() needs a slab and a stream_handler"));
    return;
  }
  if (!direct && host.size() > ProxyHandshake::kMaxHostBytes) {
    stop(absl::InvalidArgumentError("the host's name is too long for a proxy"));
    return;
  }
  const std::string& first_host = direct ? host : proxy_.host;
  const uint16_t first_port = direct ? port : proxy_.port;
  const std::optional<SocketAddress> number =
      parse_socket_address(first_host, first_port);
  if (number.has_value()) {
    race({*number});
  } else {
    resolver_.start(first_host, first_port);
  }
}

void StreamConnector::on_resolved(Addresses found) noexcept {
  if (found.ok()) {
    race(race_order(*found));
  } else {
    stop(found.status());
  }
}

// ---- The race

void StreamConnector::race(const std::vector<SocketAddress>& addresses) {
  addresses_ = addresses;
  addresses_.resize(std::min(addresses_.size(), kMaxAttempts));
  next_address_ = 0;
  begin(Step::kRace, options_.tcp_timeout_ns);
  next_attempt();
}

void StreamConnector::next_attempt() noexcept {
  loop_->stop_timer(&delay_timer_);
  while (next_address_ != addresses_.size()) {
    const size_t number = next_address_++;
    const SocketAddress& address = addresses_[number];
    const absl::StatusOr<LoopStream*> stream =
        loop_->open(address.get(), address.size, nullptr, &attempts_[number],
                    options_.socket);
    if (stream.ok()) {
      attempts_[number].stream = *stream;
      if (next_address_ != addresses_.size()) {
        loop_->start_timer(&delay_timer_, options_.attempt_delay_ns);
      }
      return;
    }
    const absl::string_view why = stream.status().message();
    note_failure(number, {why.data(), why.size()});
  }
  if (std::any_of(attempts_.begin(), attempts_.end(),
                  [](const Attempt& a) { return a.stream != nullptr; })) {
    return;
  }
  stop(absl::UnavailableError(absl::StrCat("connect to ", failures_)));
}

void StreamConnector::on_lost(Attempt& attempt, int error) noexcept {
  note_failure(static_cast<size_t>(&attempt - attempts_.data()),
               std::strerror(error));
  loop_->close_and_return_slab(std::exchange(attempt.stream, nullptr));
  next_attempt();
}

void StreamConnector::note_failure(size_t attempt, std::string_view what) {
  absl::StrAppend(&failures_, failures_.empty() ? "" : "; ",
                  addresses_[attempt].to_string(), ": ", to_absl(what));
}

void StreamConnector::close_attempts() noexcept {
  loop_->stop_timer(&delay_timer_);
  for (Attempt& attempt : attempts_) {
    if (attempt.stream != nullptr) {
      loop_->close_and_return_slab(std::exchange(attempt.stream, nullptr));
    }
  }
}

void StreamConnector::on_won(Attempt& attempt) noexcept {
  LoopStream* const stream = std::exchange(attempt.stream, nullptr);
  close_attempts();
  failures_.clear();
  const bool direct = proxy_.kind == ProxyKind::kNone;
  UringLoop::set_handler(stream, direct ? stream_handler_ : this);
  const absl::Status attached = loop_->attach(stream, slab_);
  if (!attached.ok()) {
    loop_->close_and_return_slab(stream);
    stop(attached);
  } else if (direct) {
    loop_->stop_timer(&step_timer_);
    step_ = Step::kIdle;
    handler_->on_stream(stream);
  } else {
    begin_proxy(stream);
  }
}

// ---- The proxy

void StreamConnector::begin_proxy(LoopStream* stream) noexcept {
  proxy_stream_ = stream;
  slab_->set_parse_position(slab_->write_position());
  proxy_handshake_.emplace(proxy_, host_, port_);
  begin(Step::kProxy, options_.proxy_timeout_ns);
  if (!loop_->send_secret(stream, proxy_handshake_->request())) {
    stop(absl::ResourceExhaustedError(
        "the request to the proxy is longer than send_queue_bytes"));
  }
}

void StreamConnector::on_received(uint64_t) noexcept {
  using State = ProxyHandshake::State;
  State state = State::kSend;
  while (step_ == Step::kProxy && state == State::kSend) {
    const uint64_t begin = slab_->parse_position();
    size_t used = 0;
    absl::Status status;
    state = proxy_handshake_->parse(
        slab_->at(begin), slab_->write_position() - begin, &used, &status);
    slab_->set_parse_position(begin + used);
    if (state == State::kFailed) {
      stop(std::move(status));
    } else if (state == State::kSend &&
               !loop_->send_secret(proxy_stream_,
                                   proxy_handshake_->request())) {
      stop(absl::ResourceExhaustedError(
          "the request to the proxy is longer than send_queue_bytes"));
    }
  }
  if (step_ != Step::kProxy || state != State::kDone) return;
  // Whoever speaks TLS or HTTP through it speaks first.
  if (slab_->parse_position() != slab_->write_position()) {
    stop(absl::InvalidArgumentError("the proxy sent more than its answer"));
    return;
  }
  proxy_handshake_.reset();
  loop_->stop_timer(&step_timer_);
  LoopStream* const stream = std::exchange(proxy_stream_, nullptr);
  UringLoop::wipe_secrets(stream);
  UringLoop::set_handler(stream, stream_handler_);
  step_ = Step::kIdle;
  handler_->on_stream(stream);
}

void StreamConnector::on_ended(int error) noexcept {
  stop(absl::UnavailableError(absl::StrCat(
      "the proxy ended the connection: ",
      error == 0 ? "without an answer" : stream_error_text(error))));
}

// ---- The end

void StreamConnector::on_step_timeout() noexcept {
  if (step_ == Step::kEnding) {
    finish();
    return;
  }
  const char* const limit = step_ == Step::kResolve ? "resolve_timeout_ns"
                            : step_ == Step::kRace  ? "tcp_timeout_ns"
                                                    : "proxy_timeout_ns";
  stop(absl::DeadlineExceededError(
      absl::StrCat("no ", step_name(), " within ", limit,
                   failures_.empty() ? "" : "; ", failures_)));
}

void StreamConnector::stop(absl::Status status) noexcept {
  if (step_ == Step::kIdle || step_ == Step::kEnding) return;
  resolver_.cancel();
  close_attempts();
  status_ = std::move(status);
  step_ = Step::kEnding;
  loop_->stop_timer(&step_timer_);
  if (proxy_stream_ != nullptr) {
    loop_->close(proxy_stream_);  // on_closed() finishes
  } else {
    loop_->start_timer(&step_timer_, 0);
  }
}

void StreamConnector::on_closed() noexcept {
  proxy_stream_ = nullptr;
  slab_->set_parse_position(slab_->write_position());
  finish();
}

void StreamConnector::finish() noexcept {
  proxy_handshake_.reset();
  step_ = Step::kIdle;
  // The handler may start again from here.
  const absl::Status status = std::exchange(status_, absl::OkStatus());
  handler_->on_failed(status);
}

bool StreamConnector::abandon() noexcept {
  resolver_.cancel();
  close_attempts();
  loop_->stop_timer(&step_timer_);
  proxy_handshake_.reset();
  step_ = Step::kIdle;
  if (proxy_stream_ == nullptr) return false;
  loop_->close_and_return_slab(std::exchange(proxy_stream_, nullptr));
  return true;
}

}  // namespace wirebook
