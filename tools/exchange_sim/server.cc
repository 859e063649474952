// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
#include "tools/exchange_sim/server.h"

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/websocket.hpp>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace wirebook::sim {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
namespace websocket = beast::websocket;
using boost::system::error_code;
using std::chrono::steady_clock;
using tcp = asio::ip::tcp;

constexpr auto kCloseGrace = std::chrono::seconds(2);
constexpr auto kStopGrace = std::chrono::milliseconds(400);
// A stuck client must not hold up the end of the others for ever.
constexpr auto kQuiesceGrace = std::chrono::seconds(5);
constexpr int kMissedPongs = 3;
constexpr unsigned kFragmentEvery = 3;
// Of a frame that drips.
constexpr std::size_t kDripBytes = 11;
constexpr auto kDripPause = std::chrono::milliseconds(1);
constexpr std::size_t kDrips = 40;  // the rest comes at once

std::int64_t now_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             steady_clock::now().time_since_epoch())
      .count();
}

}  // namespace

class Server::Impl : public Transport {
 public:
  explicit Impl(ServerOptions options)
      : options_(std::move(options)),
        gateway_(options_.gateway, *this, counters_),
        acceptor_(io_),
        signals_(io_),
        step_timer_(io_),
        heartbeat_timer_(io_),
        pace_timer_(io_),
        stop_timer_(io_),
        quiesce_timer_(io_) {}

  absl::Status listen() {
    const tcp::endpoint endpoint(asio::ip::make_address("127.0.0.1"),
                                 options_.port);
    error_code error;
    acceptor_.open(endpoint.protocol(), error);
    if (!error) {
      acceptor_.set_option(asio::socket_base::reuse_address(true), error);
    }
    if (!error) acceptor_.bind(endpoint, error);
    if (!error) {
      acceptor_.listen(asio::socket_base::max_listen_connections, error);
    }
    if (error) {
      return absl::UnavailableError(
          absl::StrCat("127.0.0.1:", options_.port, ": ", error.message()));
    }
    return absl::OkStatus();
  }

  std::uint16_t port() const { return acceptor_.local_endpoint().port(); }

  void run() {
    if (options_.handle_signals) {
      signals_.add(SIGINT);
      signals_.add(SIGTERM);
      signals_.async_wait([this](error_code error, int) {
        if (!error) shut_down();
      });
    }
    accept();
    next_heartbeat();
    if (!options_.wait_for_client) start_generation();
    check_quiesced();
    io_.run();
  }

  void finish() {
    asio::post(io_, [this] {
      gateway_.finish();
      check_quiesced();
    });
  }
  void stop() {
    asio::post(io_, [this] { shut_down(); });
  }

  // ---- Transport -----------------------------------------------------------
  void send(ConnectionId connection, Frame frame) override;
  std::size_t backlog(ConnectionId connection) const override;
  void close(ConnectionId connection, std::uint16_t code,
             const std::string& reason) override;
  void send_slowly(ConnectionId connection, Frame frame) override;
  void mute(ConnectionId connection) override;
  void abort(ConnectionId connection) override;

 private:
  class HttpSession;
  class WebSocketSession;

  void accept();
  void start_generation();
  void next_step();
  void next_heartbeat();
  void pump();
  void check_quiesced();
  void shut_down();
  void quiesce_deadline();
  void ended(ConnectionId connection);

  ServerOptions options_;
  TransportCounters counters_;
  asio::io_context io_{1};
  Gateway gateway_;
  tcp::acceptor acceptor_;
  asio::signal_set signals_;
  asio::steady_timer step_timer_;
  asio::steady_timer heartbeat_timer_;
  asio::steady_timer pace_timer_;
  asio::steady_timer stop_timer_;
  asio::steady_timer quiesce_timer_;
  steady_clock::time_point step_due_;
  bool generating_ = false;
  bool stopping_ = false;
  bool quiesced_ = false;
  bool quiesce_timer_runs_ = false;
  ConnectionId next_connection_ = 1;
  std::map<ConnectionId, std::shared_ptr<WebSocketSession>> sessions_;
};

// ---- One WebSocket connection ----------------------------------------------

class Server::Impl::WebSocketSession
    : public std::enable_shared_from_this<WebSocketSession> {
 public:
  WebSocketSession(Impl& server, ConnectionId id, beast::tcp_stream stream,
                   http::request<http::string_body> request)
      : server_(server),
        id_(id),
        request_(std::move(request)),
        socket_(std::move(stream)),
        ping_timer_(server.io_),
        close_timer_(server.io_),
        drip_timer_(server.io_) {}

  void start() {
    beast::get_lowest_layer(socket_).expires_never();
    websocket::stream_base::timeout limits{};
    limits.handshake_timeout = std::chrono::seconds(10);
    limits.idle_timeout = websocket::stream_base::none();
    limits.keep_alive_pings = false;
    socket_.set_option(limits);
    // The simulator alone decides what is a fragment.
    socket_.auto_fragment(false);
    socket_.text(true);
    socket_.control_callback(
        [this](websocket::frame_type kind, beast::string_view) {
          if (kind != websocket::frame_type::pong) return;
          ++server_.counters_.pongs_received;
          pings_unanswered_ = 0;
        });
    socket_.async_accept(
        request_, [self = shared_from_this()](error_code error) {
          if (error || self->closing_) return self->finish();
          self->open_ = true;
          self->server_.gateway_.opened(
              self->id_, std::string(self->request_.target().data(),
                                     self->request_.target().size()));
          self->server_.start_generation();
          self->read();
          self->next_ping();
          self->server_.pump();
        });
  }

  void send_slowly(Frame frame) {
    slow_ = frame;
    send(std::move(frame));
  }

  void mute() { muted_ = true; }

  void send(Frame frame) {
    if (closing_ || finished_ || muted_) return;
    queued_bytes_ += frame->size();
    queue_.push_back(std::move(frame));
    if (queued_bytes_ > server_.options_.max_queue_bytes) {
      drop("client is too slow");
    } else if (!writing_) {
      write();
    }
  }

  // Policy violation: counted, said to the client if it still reads.
  void drop(const std::string& reason) {
    if (closing_ || finished_) return;
    ++server_.counters_.dropped_clients;
    std::fprintf(stderr, "exchange_sim: connection %llu dropped: %s\n",
                 static_cast<unsigned long long>(id_), reason.c_str());
    // The frame that is being written stays whole.
    queue_.resize(writing_ ? 1 : 0);
    close(1008, reason);
  }

  void close(std::uint16_t code, const std::string& reason) {
    if (closing_ || finished_) return;
    closing_ = true;
    // The handshake is still being written: there is nobody to tell.
    if (!open_) return abort();
    close_reason_ = websocket::close_reason(
        static_cast<websocket::close_code>(code), reason);
    close_timer_.expires_after(kCloseGrace);
    close_timer_.async_wait([self = shared_from_this()](error_code error) {
      if (!error) self->abort();
    });
    if (!writing_) write_close();
  }

  void abort() {
    error_code ignored;
    beast::get_lowest_layer(socket_).socket().close(ignored);
  }

  std::size_t backlog() const { return queued_bytes_; }
  bool idle() const { return finished_ || (queue_.empty() && !writing_); }

 private:
  void read() {
    socket_.async_read(
        buffer_, [self = shared_from_this()](error_code error, std::size_t) {
          if (error) return self->finish();
          const auto bytes = self->buffer_.data();
          const std::string text(static_cast<const char*>(bytes.data()),
                                 bytes.size());
          self->buffer_.consume(self->buffer_.size());
          self->server_.gateway_.message(self->id_, text);
          self->server_.pump();
          self->read();
        });
  }

  void write() {
    if (queue_.empty()) {
      if (closing_) write_close();
      return;
    }
    writing_ = true;
    const Frame& frame = queue_.front();
    ++server_.counters_.frames_sent;
    server_.counters_.bytes_sent += frame->size();
    if (frame == slow_) {
      slow_.reset();
      return write_drip(0, 0);
    }
    if (server_.options_.fragment && frame->size() > 1 &&
        server_.counters_.frames_sent % kFragmentEvery == 0) {
      return write_fragment(0);
    }
    socket_.async_write(
        asio::buffer(*frame),
        [self = shared_from_this()](error_code error, std::size_t) {
          self->written(error);
        });
  }

  // Three fragments, and a ping after the first.
  void write_fragment(int part) {
    const std::string& text = *queue_.front();
    const std::size_t third = std::max<std::size_t>(1, text.size() / 3);
    const std::size_t begin = std::min(text.size(), third * part);
    const std::size_t end =
        part == 2 ? text.size() : std::min(text.size(), begin + third);
    socket_.async_write_some(
        part == 2, asio::buffer(text.data() + begin, end - begin),
        [self = shared_from_this(), part](error_code error, std::size_t) {
          if (error || part == 2) return self->written(error);
          if (part == 1 || self->pinging_) {
            return self->write_fragment(part + 1);
          }
          self->ping([self, part](error_code failed) {
            if (failed) return self->written(failed);
            self->write_fragment(part + 1);
          });
        });
  }

  // Small fragments with a pause behind each.
  void write_drip(std::size_t begin, std::size_t drips) {
    const std::string& text = *queue_.front();
    const std::size_t end = drips == kDrips
                                ? text.size()
                                : std::min(text.size(), begin + kDripBytes);
    const bool last = end == text.size();
    socket_.async_write_some(
        last, asio::buffer(text.data() + begin, end - begin),
        [self = shared_from_this(), last, end, drips](error_code error,
                                                      std::size_t) {
          if (error || last) return self->written(error);
          self->drip_timer_.expires_after(kDripPause);
          self->drip_timer_.async_wait([self, end, drips](error_code) {
            self->write_drip(end, drips + 1);
          });
        });
  }

  void written(error_code error) {
    writing_ = false;
    if (error) return abort();
    queued_bytes_ -= queue_.front()->size();
    queue_.pop_front();
    if (!queue_.empty()) {
      write();
    } else if (closing_) {
      write_close();
    }
    server_.pump();
    if (idle()) server_.check_quiesced();
  }

  void write_close() {
    socket_.async_close(close_reason_, [self = shared_from_this()](error_code) {
      self->abort();
    });
  }

  template <typename Done>
  void ping(Done done) {
    pinging_ = true;
    ++server_.counters_.pings_sent;
    const std::string payload = std::to_string(server_.counters_.pings_sent);
    websocket::ping_data data;
    data.assign(payload.data(), payload.size());
    socket_.async_ping(data,
                       [self = shared_from_this(), done](error_code error) {
                         self->pinging_ = false;
                         done(error);
                       });
  }

  void next_ping() {
    if (server_.options_.ping_seconds <= 0) return;
    ping_timer_.expires_after(
        std::chrono::duration_cast<steady_clock::duration>(
            std::chrono::duration<double>(server_.options_.ping_seconds)));
    ping_timer_.async_wait([self = shared_from_this()](error_code error) {
      if (error || self->finished_ || self->closing_) return;
      // Of one that is mute nobody hears a ping.
      if (!self->muted_ && ++self->pings_unanswered_ > kMissedPongs) {
        return self->drop("client answers no ping");
      }
      if (!self->pinging_ && !self->muted_) self->ping([](error_code) {});
      self->next_ping();
    });
  }

  void finish() {
    if (finished_) return;
    finished_ = true;
    ping_timer_.cancel();
    close_timer_.cancel();
    abort();
    server_.ended(id_);
  }

  Impl& server_;
  const ConnectionId id_;
  http::request<http::string_body> request_;
  websocket::stream<beast::tcp_stream> socket_;
  asio::steady_timer ping_timer_;
  asio::steady_timer close_timer_;
  asio::steady_timer drip_timer_;
  beast::flat_buffer buffer_;
  std::deque<Frame> queue_;
  std::size_t queued_bytes_ = 0;
  websocket::close_reason close_reason_;
  int pings_unanswered_ = 0;
  bool open_ = false;
  bool writing_ = false;
  bool pinging_ = false;
  bool closing_ = false;
  bool finished_ = false;
  bool muted_ = false;
  Frame slow_;  // the one that is to drip
};

// ---- One HTTP connection, which may become a WebSocket ---------------------

class Server::Impl::HttpSession
    : public std::enable_shared_from_this<HttpSession> {
 public:
  HttpSession(Impl& server, tcp::socket socket)
      : server_(server), stream_(std::move(socket)) {}

  void read() {
    request_ = {};
    stream_.expires_after(std::chrono::seconds(60));
    http::async_read(
        stream_, buffer_, request_,
        [self = shared_from_this()](error_code error, std::size_t) {
          if (!error) self->handle();
        });
  }

 private:
  void handle() {
    const std::string target(request_.target().data(),
                             request_.target().size());
    if (!websocket::is_upgrade(request_)) {
      if (request_.method() == http::verb::post) {
        const auto text = [](const auto& value) {
          return std::string(value.data(), value.size());
        };
        return write(
            server_.gateway_.post({.path = target,
                                   .host = text(request_[http::field::host]),
                                   .content = request_.body(),
                                   .api_key = text(request_["API-Key"]),
                                   .api_sign = text(request_["API-Sign"])}));
      }
      if (request_.method() != http::verb::get) {
        return write({405, "{\"error\":\"only GET and POST\"}"});
      }
      write(server_.gateway_.http(target));
      // A replay may have waited for this snapshot.
      return server_.pump();
    }
    if (std::optional<HttpReply> refused =
            server_.gateway_.refuse_upgrade(target)) {
      return write(std::move(*refused));
    }
    const ConnectionId id = server_.next_connection_++;
    auto session = std::make_shared<WebSocketSession>(
        server_, id, std::move(stream_), std::move(request_));
    server_.sessions_.emplace(id, session);
    ++server_.counters_.connections;
    ++server_.counters_.connections_total;
    session->start();
  }

  void write(HttpReply reply) {
    response_ = {};
    response_.version(request_.version());
    response_.result(reply.status);
    response_.keep_alive(request_.keep_alive());
    response_.set(http::field::server, "exchange_sim");
    response_.set(http::field::content_type, "application/json");
    response_.body() = std::move(reply.body);
    response_.prepare_payload();
    http::async_write(
        stream_, response_,
        [self = shared_from_this()](error_code error, std::size_t) {
          if (error || !self->response_.keep_alive()) {
            error_code ignored;
            self->stream_.socket().shutdown(tcp::socket::shutdown_send,
                                            ignored);
            return;
          }
          self->read();
        });
  }

  Impl& server_;
  beast::tcp_stream stream_;
  beast::flat_buffer buffer_;
  http::request<http::string_body> request_;
  http::response<http::string_body> response_;
};

// ---- The server ------------------------------------------------------------

void Server::Impl::send(ConnectionId connection, Frame frame) {
  const auto found = sessions_.find(connection);
  if (found != sessions_.end()) found->second->send(std::move(frame));
}

std::size_t Server::Impl::backlog(ConnectionId connection) const {
  const auto found = sessions_.find(connection);
  return found == sessions_.end() ? 0 : found->second->backlog();
}

void Server::Impl::close(ConnectionId connection, std::uint16_t code,
                         const std::string& reason) {
  const auto found = sessions_.find(connection);
  if (found != sessions_.end()) found->second->close(code, reason);
}

void Server::Impl::send_slowly(ConnectionId connection, Frame frame) {
  const auto found = sessions_.find(connection);
  if (found != sessions_.end()) found->second->send_slowly(std::move(frame));
}

void Server::Impl::mute(ConnectionId connection) {
  const auto found = sessions_.find(connection);
  if (found != sessions_.end()) found->second->mute();
}

void Server::Impl::abort(ConnectionId connection) {
  const auto found = sessions_.find(connection);
  if (found != sessions_.end()) found->second->abort();
}

void Server::Impl::ended(ConnectionId connection) {
  asio::post(io_, [this, connection] {
    gateway_.closed(connection);
    sessions_.erase(connection);
    --counters_.connections;
    if (stopping_ && sessions_.empty()) return io_.stop();
    pump();
    check_quiesced();
  });
}

void Server::Impl::accept() {
  acceptor_.async_accept([this](error_code error, tcp::socket socket) {
    if (error == asio::error::operation_aborted || stopping_) return;
    if (!error) {
      error_code ignored;
      socket.set_option(tcp::no_delay(true), ignored);
      std::make_shared<HttpSession>(*this, std::move(socket))->read();
    }
    accept();
  });
}

void Server::Impl::start_generation() {
  if (generating_ || !gateway_.generates()) return;
  generating_ = true;
  step_due_ = steady_clock::now();
  next_step();
}

void Server::Impl::next_step() {
  // From the last due time, not from now: a late step is caught up with.
  step_due_ += std::chrono::milliseconds(gateway_.step_ms());
  step_timer_.expires_at(step_due_);
  step_timer_.async_wait([this](error_code error) {
    if (error || stopping_) return;
    gateway_.step();
    if (gateway_.finished()) check_quiesced();
    next_step();
  });
}

void Server::Impl::next_heartbeat() {
  heartbeat_timer_.expires_after(std::chrono::seconds(1));
  heartbeat_timer_.async_wait([this](error_code error) {
    if (error || stopping_) return;
    gateway_.heartbeat();
    next_heartbeat();
  });
}

void Server::Impl::pump() {
  const std::optional<std::int64_t> due = gateway_.pump_replays(now_ns());
  if (gateway_.finished()) check_quiesced();
  if (!due) return;
  pace_timer_.expires_at(
      steady_clock::time_point(std::chrono::nanoseconds(*due)));
  pace_timer_.async_wait([this](error_code error) {
    if (!error && !stopping_) pump();
  });
}

void Server::Impl::check_quiesced() {
  if (quiesced_ || !gateway_.finished()) return;
  const bool idle =
      std::all_of(sessions_.begin(), sessions_.end(),
                  [](const auto& entry) { return entry.second->idle(); });
  if (!idle) {
    if (!quiesce_timer_runs_) quiesce_deadline();
    return;
  }
  quiesced_ = true;
  quiesce_timer_.cancel();
  gateway_.set_quiesced();
  if (options_.on_quiesced) options_.on_quiesced();
}

void Server::Impl::quiesce_deadline() {
  quiesce_timer_runs_ = true;
  quiesce_timer_.expires_after(kQuiesceGrace);
  quiesce_timer_.async_wait([this](error_code error) {
    if (error || stopping_ || quiesced_) return;
    for (const auto& [id, session] : sessions_) {
      if (!session->idle()) session->drop("client is too slow to finish");
    }
  });
}

void Server::Impl::shut_down() {
  if (stopping_) return;
  stopping_ = true;
  error_code ignored;
  acceptor_.close(ignored);
  if (sessions_.empty()) return io_.stop();
  for (const auto& [id, session] : sessions_)
    session->close(1001, "going away");
  stop_timer_.expires_after(kStopGrace);
  stop_timer_.async_wait([this](error_code) { io_.stop(); });
}

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Server::~Server() = default;

absl::StatusOr<std::unique_ptr<Server>> Server::create(ServerOptions options) {
  auto impl = std::make_unique<Impl>(std::move(options));
  const absl::Status status = impl->listen();
  if (!status.ok()) return status;
  return std::unique_ptr<Server>(new Server(std::move(impl)));
}

std::uint16_t Server::port() const { return impl_->port(); }
void Server::run() { impl_->run(); }
void Server::finish() { impl_->finish(); }
void Server::stop() { impl_->stop(); }

}  // namespace wirebook::sim
