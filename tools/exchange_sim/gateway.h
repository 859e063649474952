// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// The venues' request and subscription rules over any transport.
//
// A connection is a number; what is to be sent goes through `Transport`. The
// gateway knows nothing of sockets and clocks: the server tells it when to
// step and what time it is. One thread.
#ifndef WIREBOOK_TOOLS_EXCHANGE_SIM_GATEWAY_H_
#define WIREBOOK_TOOLS_EXCHANGE_SIM_GATEWAY_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "tools/exchange_sim/capture.h"
#include "tools/exchange_sim/exchange.h"
#include "tools/exchange_sim/fault.h"
#include "tools/exchange_sim/replay.h"

namespace wirebook::sim {

using ConnectionId = std::uint64_t;

class Transport {
 public:
  virtual ~Transport() = default;
  // Queues a text message. May decide to drop a slow connection, which it
  // reports by Gateway::closed() later, never from within.
  virtual void send(ConnectionId connection, Frame frame) = 0;
  // Bytes queued and not yet taken by the kernel.
  virtual std::size_t backlog(ConnectionId connection) const = 0;
  virtual void close(ConnectionId connection, std::uint16_t code,
                     const std::string& reason) = 0;

  // ---- For faults
  // As send(), in small pieces with pauses between them.
  virtual void send_slowly(ConnectionId connection, Frame frame) = 0;
  // Nothing more goes out, not even a ping.
  virtual void mute(ConnectionId connection) = 0;
  // Ends it without a word.
  virtual void abort(ConnectionId connection) = 0;
};

struct GatewayOptions {
  ExchangeOptions exchange;
  // Venues that are replayed; one capture each. The others generate.
  std::vector<Capture> captures;
  double speed = 0;
  // Of generation, from start(); 0 = for ever.
  double seconds = 0;
  FaultOptions fault;
};

struct HttpReply {
  unsigned status = 200;
  std::string body;
};

// Kept by the transport, printed by /status.
struct TransportCounters {
  std::uint64_t frames_sent = 0;
  std::uint64_t bytes_sent = 0;
  std::uint64_t connections = 0;  // open now
  std::uint64_t connections_total = 0;
  std::uint64_t dropped_clients = 0;
  std::uint64_t pings_sent = 0;
  std::uint64_t pongs_received = 0;
};

class Gateway {
 public:
  // Transport and counters must outlive the gateway.
  Gateway(GatewayOptions options, Transport& transport,
          const TransportCounters& counters);

  // ---- HTTP ---------------------------------------------------------------
  HttpReply http(const std::string& target);
  HttpReply post(const Post& post);

  // ---- WebSocket ----------------------------------------------------------
  // Whether an upgrade to `target` is accepted, and what to answer if not.
  // A token that is shown here is used up.
  std::optional<HttpReply> refuse_upgrade(const std::string& target);
  void opened(ConnectionId connection, const std::string& target);
  void message(ConnectionId connection, const std::string& text);
  void closed(ConnectionId connection);

  // ---- Time ---------------------------------------------------------------
  std::int64_t step_ms() const { return exchange_.step_ms(); }
  // One step of generation; does nothing once generation is over.
  void step();
  // The last step was the last one.
  void finish();
  // Once a second.
  void heartbeat();
  // Sends what replays may send now; returns when to ask again, if a
  // recorded pace is waited for.
  std::optional<std::int64_t> pump_replays(std::int64_t now_ns);

  // Nothing will be generated or replayed any more.
  bool finished() const;
  void set_quiesced() { quiesced_ = true; }
  bool generates() const { return generates_; }

 private:
  // kAdapted: a venue whose adapter says it all.
  enum class Protocol { kBinance, kKraken, kAdapted };

  struct Client {
    Protocol protocol = Protocol::kBinance;
    bool wrapped = false;
    Replay* replay = nullptr;
    const VenueAdapter* adapter = nullptr;  // none of a replay
    std::string token;                      // that it showed last
    std::uint64_t sent = 0;                 // messages, where they are counted
    // For faults: an update that waits for the next one, and updates that are
    // still to be lost.
    std::map<std::string, Frame> held;
    std::map<std::string, std::uint64_t> to_lose;
    std::set<std::string> topics;
    std::set<std::string> replay_symbols;
  };

  struct Target {
    std::string path;
    Query query;
    std::string value(const std::string& name) const;
  };

  static Target parse_target(const std::string& target);
  // That nobody had before; it lets in once.
  std::string new_token();
  Replay* replay_of(Protocol protocol) const;
  std::vector<std::string> streams_of(const Target& target) const;

  void publish(const std::string& topic, const Frame& frame);
  void reply(ConnectionId connection, std::string text);
  // As the connection has it: wrapped, or numbered.
  Frame dressed(Client& client, const std::string& topic, const Frame& frame);
  // A depth message, with what --fault does to it.
  void send_depth(ConnectionId connection, Client& client,
                  const std::string& topic, const Frame& frame);
  void strike(ConnectionId connection, Client& client, const std::string& topic,
              const Frame& frame, FaultClock& clock);
  void send_snapshot(ConnectionId connection, Client& client,
                     const std::string& topic, std::string text);
  FaultClock& clock_of(const std::string& topic);
  void say(ConnectionId connection, Client& client, std::string text);
  void adapted_message(ConnectionId connection, Client& client,
                       const std::string& text);
  bool add_topic(ConnectionId connection, Client& client,
                 const std::string& topic);
  void remove_topic(ConnectionId connection, Client& client,
                    const std::string& topic);
  void binance_message(ConnectionId connection, Client& client,
                       const std::string& text);
  void kraken_message(ConnectionId connection, Client& client,
                      const std::string& text);
  std::string kraken_time() const;

  HttpReply depth(const Target& target);
  static std::string topic_of(const VenueAdapter& adapter,
                              const Wanted& wanted);
  // Of a topic of the client's.
  static const BookChannel& channel_of(const Client& client,
                                       const std::string& topic);
  HttpReply rest_snapshot(const VenueAdapter& adapter, const Wanted& wanted);
  // The body that is older than it should be, where --fault wants that now.
  const std::string* stale_body(const std::string& name);
  HttpReply exchange_info(const Target& target);
  HttpReply truth(const Target& target, const std::string& symbol);
  HttpReply order_truth(const std::string& venue, const std::string& symbol,
                        std::size_t levels);
  HttpReply status() const;

  GatewayOptions options_;
  Transport& transport_;
  const TransportCounters& counters_;
  Exchange exchange_;
  bool generates_ = false;
  bool generation_over_ = false;
  bool quiesced_ = false;
  std::uint64_t steps_left_ = 0;
  std::vector<std::unique_ptr<Replay>> replays_;
  // A replay whose client has received the last frame.
  std::set<const Replay*> replayed_;
  std::map<ConnectionId, Client> clients_;
  std::map<std::string, std::set<ConnectionId>> topics_;
  std::map<std::string, FaultClock> fault_clocks_;
  std::map<std::string, std::string> old_bodies_;  // by topic
  std::map<std::string, std::uint64_t> old_bodies_left_;
  // Depth topics whose REST snapshot a client has: before, no fault strikes.
  std::set<std::string> fetched_;
  std::vector<std::string> to_restart_;  // topics whose ids begin anew
  std::uint64_t tokens_given_ = 0;
  std::uint64_t last_nonce_ = 0;  // of Kraken's one key
  std::set<std::string> tokens_;  // given, and not used yet
  std::uint64_t faults_ = 0;
};

}  // namespace wirebook::sim

#endif  // WIREBOOK_TOOLS_EXCHANGE_SIM_GATEWAY_H_
