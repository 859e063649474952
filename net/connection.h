// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// Connection: a WebSocket that is to stay up: it connects again after every
// loss, notices a peer that has fallen silent, and changes over to a fresh
// connection before a venue ends the old one.
//
// Use it for feeds; WebSocketReader alone where one connection is all there is
// to be.
//
// - After a loss or a failed attempt it waits (ReconnectBackoff: exponential,
//   with jitter), then for its place in the host's ConnectBudget.
// - Silence: pings when nothing came for ping_interval_ns; when nothing at all
//   came for silence_deadline_ns, or no message for data_deadline_ns, the
//   connection counts as lost and is made anew. TCP alone would not tell.
// - Rollover: rollover_after_ns after a connection was opened a second one is
//   made while the first goes on; from its first message on both deliver for
//   overlap_ns, then the old one is closed. While the new one cannot be had, or
//   brings nothing, the old one stays.
//
// - Names (RFC 8305): each attempt, and each rollover, looks the name up anew;
//   resolver.h and stream_connector.h say what of the RFC is done, and why the
//   rest is not.
//
// So at times there are two, the legs 0 and 1, each with a reader, a slab and
// a count of `sequence` of its own. What comes over both comes twice: the
// handler is told the leg, and subscribes on each in on_open.
//
// Thread rules: everything on the loop's thread, the handler's calls too,
// which must not destroy the Connection. Cost over the reader's: one more
// indirect call a message; a timer that looks at the readers' counts.
//
//   struct Feed : wirebook::ConnectionHandler {
//     wirebook::Connection* connection = nullptr;
//     void on_open(size_t leg) override { connection->send_text(leg, "..."); }
//     void on_message(size_t leg, wirebook::RawMessage* message) override;
//     void on_close(size_t leg, const wirebook::ConnectionEnd& end) override;
//   } feed;
//   auto connection = *wirebook::Connection::create(
//       loop, pool, {.reader = {.url = "ws://127.0.0.1:9001/feed"}}, &feed);
//   feed.connection = connection.get();
//   connection->start();
//   while (running) loop->run_once();

#ifndef WIREBOOK_NET_CONNECTION_H_
#define WIREBOOK_NET_CONNECTION_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "net/connect_budget.h"
#include "net/kernel_random.h"
#include "net/raw_message_pool.h"
#include "net/reconnect_backoff.h"
#include "net/uring_loop.h"
#include "net/websocket_reader.h"

namespace wirebook {

// How a leg, or an attempt to open it, ended.
struct ConnectionEnd {
  // As WebSocketHandler::on_close has them; `status` is DeadlineExceeded when
  // silence was the cause.
  uint16_t code = 0;
  std::string_view reason = {};
  absl::Status status = {};
  // By stop(), or as the old leg of a rollover.
  bool planned = false;
  // The other leg is open.
  bool still_up = false;
};

class ConnectionHandler {
 public:
  virtual ~ConnectionHandler() = default;
  // An attempt begins; on_open or on_close follows. False: not before
  // Connection::proceed(), for what is still to be asked for.
  virtual bool on_attempt(size_t leg) {
    static_cast<void>(leg);
    return true;
  }
  // Send what subscribes.
  virtual void on_open(size_t leg) = 0;
  // `message` belongs to the handler now.
  virtual void on_message(size_t leg, RawMessage* message) = 0;
  // A deadline for silence has passed: on_close follows, not before the peer
  // has had close_timeout_ns to answer.
  virtual void on_silent(size_t leg) { static_cast<void>(leg); }
  // What is to be done to connect again has been begun.
  virtual void on_close(size_t leg, const ConnectionEnd& end) = 0;
};

struct ConnectionOptions {
  WebSocketReaderOptions reader = {};
  ReconnectBackoffOptions backoff = {};
  // Shared by all that connect to the same hosts, and outlives them; nullptr:
  // none.
  ConnectBudget* budget = nullptr;
  // 0 is off, in all that follow. What passes is noticed up to a quarter of
  // the shortest of the three later, at most 250 ms.
  uint64_t ping_interval_ns = 0;
  uint64_t silence_deadline_ns = 0;  // of bytes of any kind, pongs too
  uint64_t data_deadline_ns = 0;     // of messages
  // Before the venue's own limit, with a margin for failed attempts.
  uint64_t rollover_after_ns = 0;
  // The part of it that is random, so that connections of one start do not
  // change over in step: 0 to 1, always earlier.
  double rollover_jitter = 0.02;
  uint64_t overlap_ns = 5'000'000'000;
};

// Since creation.
struct ConnectionStatistics {
  uint64_t attempts = 0;
  uint64_t opens = 0;
  uint64_t failed_attempts = 0;
  uint64_t losses = 0;        // of open legs, planned ones not
  uint64_t silences = 0;      // of those, by a deadline
  uint64_t pings = 0;         // sent
  uint64_t rollovers = 0;     // completed: the old leg was told to close
  uint64_t budget_waits = 0;  // attempts that had to wait for the host's budget
};

class Connection {
 public:
  static constexpr size_t kLegs = 2;

  // An error says what is wrong with the options. `pool` is the loop's.
  static absl::StatusOr<std::unique_ptr<Connection>> create(
      UringLoop* loop, RawMessagePool* pool, ConnectionOptions options,
      ConnectionHandler* handler);
  // Ends what is there at once, without on_close. Before loop and pool.
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Begins to connect, and to keep it so; nothing unless stopped().
  void start();
  // Begins an orderly end, without another attempt.
  void stop();
  // Goes on with the attempt that on_attempt said false to: with this URL, of
  // options.reader.url's scheme, or, empty, with the one that there is; an
  // error fails it. Nothing where none waits for it.
  void proceed(const absl::StatusOr<std::string>& url);
  // Neither connected nor about to be.
  bool stopped() const noexcept;

  // False, and nothing sent, when the leg is not open or its send queue full.
  bool send_text(size_t leg, std::string_view text) {
    return legs_[leg].reader != nullptr && legs_[leg].reader->send_text(text);
  }
  bool send_binary(size_t leg, std::string_view data) {
    return legs_[leg].reader != nullptr && legs_[leg].reader->send_binary(data);
  }
  bool is_open(size_t leg) const noexcept {
    return legs_[leg].reader != nullptr &&
           legs_[leg].reader->state() == WebSocketReader::State::kOpen;
  }
  // The leg for requests: the newer one when it is open.
  size_t leg() const noexcept {
    return is_open(newest_) || !is_open(other(newest_)) ? newest_
                                                        : other(newest_);
  }

  // Closes `leg` in order; then as after a loss.
  void close(size_t leg, std::string_view reason = {});
  // Begins a rollover now. False when rollover is off, nothing is open, or one
  // is under way.
  bool roll_over();

  ConnectionStatistics statistics() const noexcept { return statistics_; }
  WebSocketStatistics reader_statistics(size_t leg) const noexcept {
    return legs_[leg].reader == nullptr ? WebSocketStatistics{}
                                        : legs_[leg].reader->statistics();
  }

 private:
  struct Leg final : WebSocketHandler, LoopTimer {
    void on_open() override { owner->on_open(*this); }
    void on_message(RawMessage* message) override {
      if (!delivers) [[unlikely]] {
        owner->on_first_message(*this);
      }
      owner->handler_->on_message(number, message);
    }
    void on_close(uint16_t code, std::string_view reason,
                  const absl::Status& status) override {
      owner->on_close(*this, code, reason, status);
    }
    void on_timer() noexcept override { owner->watch(*this); }

    Connection* owner = nullptr;
    size_t number = 0;
    std::unique_ptr<WebSocketReader> reader;  // leg 1: with rollover only
    bool opened = false;                      // since the last connect()
    bool planned = false;                     // its end
    bool delivers = false;                    // since then, a message
    absl::Status silence;                     // not OK: why it is being closed
    uint64_t bytes = 0;                       // at the last look
    uint64_t messages = 0;
    uint64_t heard_ns = 0;  // when `bytes` last grew
    uint64_t data_ns = 0;   // when `messages` did
    uint64_t pinged_ns = 0;
  };
  // Which of its timers has fired.
  struct Timer final : LoopTimer {
    using Action = void (Connection::*)();
    Timer(Connection* connection, Action function)
        : owner(connection), action(function) {}
    void on_timer() noexcept override { (owner->*action)(); }
    Connection* owner;
    Action action;
  };

  Connection(UringLoop* loop, ConnectionOptions options, std::string host,
             ConnectionHandler* handler);

  static size_t other(size_t leg) noexcept { return 1 - leg; }
  bool busy(size_t leg) const noexcept {
    return legs_[leg].reader != nullptr &&
           legs_[leg].reader->state() != WebSocketReader::State::kIdle;
  }

  void attempt();
  void connect();
  void on_open(Leg& leg);
  void on_first_message(Leg& leg);
  void on_close(Leg& leg, uint16_t code, std::string_view reason,
                const absl::Status& status);
  void watch(Leg& leg) noexcept;
  void note_heard(Leg& leg, uint64_t now_ns) noexcept;
  void end_silent(Leg& leg, const char* what, uint64_t deadline_ns) noexcept;
  void begin_rollover();
  void end_rollover();
  void stop_timers() noexcept;

  UringLoop* const loop_;
  const ConnectionOptions options_;
  const std::string host_;
  const uint64_t watch_ns_;  // 0: nothing to watch
  ConnectionHandler* const handler_;
  ReconnectBackoff backoff_;
  KernelRandom random_;

  bool running_ = false;
  bool waiting_ = false;  // the newest leg, for proceed()
  size_t newest_ = 0;     // the leg that is, or is to be, connected last
  std::array<Leg, kLegs> legs_;
  Timer attempt_timer_;   // then its place in the budget
  Timer connect_timer_;   // then it connects
  Timer rollover_timer_;  // then a second leg
  Timer overlap_timer_;   // then the old leg closes
  ConnectionStatistics statistics_;
};

}  // namespace wirebook

#endif  // WIREBOOK_NET_CONNECTION_H_
