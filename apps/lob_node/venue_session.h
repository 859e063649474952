// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

// One [[venue]] of a running node: its connection, its subscriptions, its
// snapshots, its books, of levels or of orders. Everything that goes wrong on
// the way ends in a state of its books and a line in the log, then in another
// attempt.
//
// Thread rules: made and used on the network thread; status_text(), view() and
// the books' readers from any.
//
//   auto session = VenueSession::create(config, node, 0, loop, pool, log);
//   (*session)->start();
//   while (running) { loop->run_once(); (*session)->poll(); }
//   (*session)->stop();
//   while (!(*session)->stopped()) loop->run_once();
//   (*session)->disconnect();

#ifndef WIREBOOK_APPS_LOB_NODE_VENUE_SESSION_H_
#define WIREBOOK_APPS_LOB_NODE_VENUE_SESSION_H_

#include <array>
#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "apps/lob_node/config.h"
#include "apps/lob_node/order_books.h"
#include "apps/lob_node/request_queue.h"
#include "concurrency/tsc_clock.h"
#include "lob/book_pipeline.h"
#include "lob/hot_standby.h"
#include "lob/instrument.h"
#include "lob/l3_feed.h"
#include "lob/venues/venue_requests.h"
#include "net/connect_budget.h"
#include "net/connection.h"
#include "net/http_client.h"
#include "net/kernel_random.h"
#include "net/raw_message_pool.h"
#include "net/uring_loop.h"

namespace wirebook {

class VenueSession final : private HttpHandler,
                           private BookPipelineListener,
                           private L3FeedListener {
 public:
  // `first_connection` names its books' connections and those after it, as many
  // as book_connections(); pointers outlive it, and listeners, of which one
  // hears of books of levels and one of books of orders, may be null.
  static absl::StatusOr<std::unique_ptr<VenueSession>> create(
      const VenueConfig& config, const NodeConfig& node,
      std::uint16_t first_connection, UringLoop* loop, RawMessagePool* pool,
      ConnectBudget* budget, BookPipelineListener* listener,
      L3FeedListener* order_listener = nullptr);
  ~VenueSession() override;

  void start();
  // Once per turn of the loop.
  void poll();
  // Begins an orderly end; no reconnection any more.
  void stop();
  bool stopped() const noexcept;
  // Ends what is left of the connection; before the loop ends. The pipeline
  // stays, to be reported.
  void disconnect();

  // Connections that have books of their own: all of them in hot standby, one
  // where their messages are merged.
  static std::size_t book_connections(const VenueConfig& config);

  const VenueConfig& config() const noexcept { return config_; }
  // Of levels, or of orders where config().orders; each requires that it is.
  BookPipeline& pipeline() noexcept { return *pipeline_; }
  const BookPipeline& pipeline() const noexcept { return *pipeline_; }
  const OrderBooks& orders() const noexcept { return *orders_; }
  // Calls f with the one that there is: what they share has one name.
  template <class F>
  decltype(auto) with_books(F&& f) const {
    return config_.orders ? f(*orders_) : f(*pipeline_);
  }
  // What is shown of the symbol: in hot standby the book that is told on.
  // Requires index < config().symbols.size().
  BookView view(std::size_t index) const noexcept;
  // "up", "connecting", or why it is down.
  std::string status_text() const;

 private:
  struct WatchTimer final : LoopTimer {
    explicit WatchTimer(VenueSession* owner) : session(owner) {}
    void on_timer() noexcept override { session->watch(); }
    VenueSession* session;
  };

  // One connection of the session. Where it rolls over it has two legs; each
  // leg of each feed is a line of the pipeline, or in hot standby each feed a
  // connection of it.
  struct Feed final : ConnectionHandler, HttpHandler {
    Feed(VenueSession* owner, std::size_t place)
        : session(owner), number(place) {}
    bool on_attempt(std::size_t) override { return session->on_attempt(*this); }
    void on_open(std::size_t leg) override { session->on_open(*this, leg); }
    void on_message(std::size_t leg, RawMessage* message) override {
      session->on_message(*this, leg, message);
    }
    void on_silent(std::size_t leg) override { session->on_silent(*this, leg); }
    void on_close(std::size_t leg, const ConnectionEnd& end) override {
      session->on_close(*this, leg, end);
    }
    void on_http(const HttpResult& result) override {
      session->on_admission(*this, result);
    }
    // What is still to be said on a leg, and how much of it may be said now.
    struct Outbox {
      std::deque<std::string> texts;
      int allowance = 0;
    };
    VenueSession* const session;
    const std::size_t number;
    std::array<Outbox, Connection::kLegs> outboxes;
    std::unique_ptr<Connection> connection;
    std::string address;  // where it connects to, for the log
    ChannelCredentials credentials;
    // What is being asked for; of the HTTP client's thread until it is there.
    std::shared_ptr<ChannelCredentials> asked;
    // Of its own: a token waits for no snapshot. Null unless asks_first_.
    std::unique_ptr<HttpClient> http;
    std::uint64_t ping_interval_ns = 0;  // that the venue told; 0: none
    std::uint64_t kept_alive_ns = 0;
  };

  VenueSession(const VenueConfig& config, std::uint16_t first_connection,
               UringLoop* loop, RawMessagePool* pool,
               BookPipelineListener* listener, L3FeedListener* order_listener);
  absl::Status set_up(const NodeConfig& node, ConnectBudget* budget);
  absl::Status make_books(const NodeConfig& node);
  absl::Status set_up_books();
  void log_instrument(const Instrument& instrument) const;
  absl::Status set_up_feeds(ConnectBudget* budget);

  bool on_attempt(Feed& feed);
  void on_admission(Feed& feed, const HttpResult& result);
  void on_open(Feed& feed, std::size_t leg);
  void on_message(const Feed& feed, std::size_t leg, RawMessage* message);
  void on_silent(const Feed& feed, std::size_t leg);
  void on_close(Feed& feed, std::size_t leg, const ConnectionEnd& end);

  // The pipeline's number of a leg.
  std::uint16_t connection_of(const Feed& feed, std::size_t leg) const;
  std::size_t open_legs() const;
  bool in_standby() const noexcept { return book_connections(config_) > 1; }
  // One that is open; null if none is.
  Feed* open_feed() const;
  bool has_live_book() const noexcept;
  // One that a request of the book can go out on; null if none is open.
  Feed* open_feed_of(std::uint32_t instrument) const;

  void on_http(const HttpResult& result) override;

  // The book thread.
  void on_depth_applied(const BookKeeper& keeper,
                        const ParsedMessage& message) override;
  void on_state_changed(const BookKeeper& keeper) override;
  void on_orders_applied(const L3Keeper& keeper,
                         const ParsedMessageHeader& message) override;
  void on_state_changed(const L3Keeper& keeper) override;
  void on_other(const ParsedMessage& message) override;

  void watch();
  void ask_for_missing_books();
  void keep_alive();
  using RequestBuilder = std::string (VenueRequests::*)(
      const std::vector<std::string>&, const SubscriptionOptions&) const;
  // As many messages as the venue wants for them, at a pace that it bears.
  void send_requests(Feed& feed, std::size_t leg, RequestBuilder build,
                     const std::vector<std::string>& symbols);
  void say_more(Feed& feed, std::size_t leg);
  // What a request says beside symbols.
  SubscriptionOptions subscription(const Feed& feed) const;
  void serve(const BookRequest& request);
  void fetch_snapshot(const BookRequest& request);
  // A message has more decimals than its instrument: is it another by now?
  void ask_for_scales();
  void on_scales(std::uint32_t instrument, const HttpResult& result);
  void snapshot_failed(std::uint32_t instrument, const absl::Status& status,
                       std::uint64_t retry_after_seconds);
  void set_status_text(std::string text);
  const InstrumentTable& instruments() const;
  const std::string& symbol(std::uint32_t instrument) const;

  const VenueConfig config_;
  const std::uint16_t first_connection_;
  const std::size_t legs_;  // of each feed
  UringLoop* const loop_;
  RawMessagePool* const pool_;
  BookPipelineListener nobody_;
  HotStandby standby_;  // tells the listener on; a group for each symbol
  L3FeedListener no_one_;
  L3FeedListener* const order_listener_;
  std::unique_ptr<BookPipeline> pipeline_;  // unless config_.orders
  std::unique_ptr<OrderBooks> orders_;      // else
  std::vector<std::unique_ptr<Feed>> feeds_;
  std::unique_ptr<HttpClient> http_;  // unless nothing is asked of it
  bool asks_first_ = false;           // before it connects
  // The credentials, since it connected: the venue refused what names no
  // symbol, before any book was Live.
  bool refused_ = false;
  KernelRandom random_;
  TscClock clock_;
  RequestQueue requests_;
  WatchTimer watch_timer_;
  bool stopping_ = false;
  // The last instrument, plus 1, whose messages had more decimals; 0: none.
  std::atomic<std::uint32_t> doubted_{0};
  std::uint64_t asked_for_scales_ns_ = 0;

  mutable std::mutex status_mutex_;
  std::string status_text_ = "not started";
};

}  // namespace wirebook

#endif  // WIREBOOK_APPS_LOB_NODE_VENUE_SESSION_H_
