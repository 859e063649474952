// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// StreamConnector: from a host's name to a connected LoopStream: look-up, race
// of the addresses (Happy Eyeballs, RFC 8305), proxy.
//
// WebSocketReader uses one; take it alone for another protocol over TCP. Where
// one address is known and nothing can fail twice, UringLoop::open() is enough.
//
// All addresses of the host are tried, the families in turn beginning with the
// first one's (RFC 8305, section 4): the next one when an attempt has failed,
// or has not succeeded for `attempt_delay_ns`, while the earlier go on. The
// first to connect wins, the others are closed. The race begins when the
// Resolver has answered: for both families, or, when one of them is late, for
// the other. An answer that comes later, or changes (section 6), does not join
// it: it would be over within tcp_timeout_ns, and the next start() asks anew.
// Of a proxy it is the proxy's addresses that are raced.
//
// Each step has its time limit, and a failure says which step it was, and of
// a race why each address failed.
//
// Thread rules: everything on the loop's thread, the handler's calls too. An
// attempt needs a stream of the loop: give its max_streams room for two or
// more a connection.
//
//   wirebook::StreamConnector connector(loop, *parse_proxy({}), {}, &handler);
//   connector.start("example.com", 443, slab, &stream_handler);
//   // handler.on_stream(stream), or handler.on_failed(why)

#ifndef WIREBOOK_NET_STREAM_CONNECTOR_H_
#define WIREBOOK_NET_STREAM_CONNECTOR_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "net/proxy_handshake.h"
#include "net/raw_message_pool.h"
#include "net/resolver.h"
#include "net/socket_address.h"
#include "net/uring_loop.h"

namespace wirebook {

struct StreamConnectorOptions {
  SocketOptions socket = {};
  uint64_t resolve_timeout_ns = 5'000'000'000;
  // All addresses together.
  uint64_t tcp_timeout_ns = 8'000'000'000;
  uint64_t proxy_timeout_ns = 5'000'000'000;
  // Between the starts of two attempts: RFC 8305, section 8, has 100 ms to 2 s,
  // and never less than 10 ms.
  uint64_t attempt_delay_ns = 250'000'000;
  LookUp look_up = system_look_up;
};

class StreamConnectorHandler {
 public:
  virtual ~StreamConnectorHandler() = default;
  // Connected, through the proxy if there is one. `stream` receives into the
  // slab, from its write position, and its events are those of the
  // StreamHandler given to start() (all but on_connected); nothing has been
  // sent on it.
  virtual void on_stream(LoopStream* stream) noexcept = 0;
  // The slab is the caller's again.
  virtual void on_failed(const absl::Status& status) noexcept = 0;
};

// Families in turn, each in its order, beginning with the first one's
// (RFC 8305, section 4, with a First Address Family Count of 1).
std::vector<SocketAddress> race_order(
    const std::vector<SocketAddress>& addresses);

class StreamConnector final : private ResolverHandler, private StreamHandler {
 public:
  static constexpr size_t kMaxAttempts = 16;

  // `proxy` is from parse_proxy(); loop and handler are there.
  StreamConnector(UringLoop* loop, Proxy proxy, StreamConnectorOptions options,
                  StreamConnectorHandler* handler);
  // As abandon(); before the loop and the pool.
  ~StreamConnector() override;
  StreamConnector(const StreamConnector&) = delete;
  StreamConnector& operator=(const StreamConnector&) = delete;

  // InvalidArgument names an option that is out of range. start() fails with
  // it, too.
  static absl::Status check_options(const StreamConnectorOptions& options);

  // When it is idle; one of the handler's calls follows, in a later turn.
  void start(const std::string& host, uint16_t port, RawMessageSlab* slab,
             StreamHandler* stream_handler);
  // Gives up; on_failed(`status`) follows in a later turn.
  void stop(absl::Status status) noexcept;
  // Gives up without a call. True: the slab was in use, and goes back to the
  // pool when the kernel is done with it; false: it is the caller's.
  bool abandon() noexcept;

  bool idle() const noexcept { return step_ == Step::kIdle; }
  // What it does, for an error of the caller's own time limit.
  const char* step_name() const noexcept;

 private:
  enum class Step : uint8_t {
    kIdle,
    kResolve,
    kRace,
    kProxy,
    kEnding,  // on_failed(status_) follows
  };
  struct Attempt final : StreamHandler {
    void on_connected() noexcept override { owner->on_won(*this); }
    void on_ended(int error) noexcept override { owner->on_lost(*this, error); }
    void on_received(uint64_t) noexcept override {}
    void on_reclaimed() noexcept override {}
    void on_closed() noexcept override {}
    StreamConnector* owner = nullptr;
    LoopStream* stream = nullptr;  // nullptr: not under way
  };
  struct StepTimer final : LoopTimer {
    explicit StepTimer(StreamConnector* connector) : owner(connector) {}
    void on_timer() noexcept override { owner->on_step_timeout(); }
    StreamConnector* owner;
  };
  struct DelayTimer final : LoopTimer {
    explicit DelayTimer(StreamConnector* connector) : owner(connector) {}
    void on_timer() noexcept override { owner->next_attempt(); }
    StreamConnector* owner;
  };

  // ResolverHandler
  void on_resolved(Addresses found) noexcept override;
  // StreamHandler, of the stream to the proxy
  void on_connected() noexcept override {}
  void on_received(uint64_t receive_ticks) noexcept override;
  void on_ended(int error) noexcept override;
  void on_reclaimed() noexcept override {}
  void on_closed() noexcept override;

  void begin(Step step, uint64_t timeout_ns);
  void race(const std::vector<SocketAddress>& addresses);
  void next_attempt() noexcept;
  void on_won(Attempt& attempt) noexcept;
  void on_lost(Attempt& attempt, int error) noexcept;
  void note_failure(size_t attempt, std::string_view what);
  void close_attempts() noexcept;
  void begin_proxy(LoopStream* stream) noexcept;
  void on_step_timeout() noexcept;
  void finish() noexcept;

  UringLoop* const loop_;
  const Proxy proxy_;
  const StreamConnectorOptions options_;
  StreamConnectorHandler* const handler_;

  Step step_ = Step::kIdle;
  std::string host_;
  uint16_t port_ = 0;
  RawMessageSlab* slab_ = nullptr;
  StreamHandler* stream_handler_ = nullptr;

  Resolver resolver_;
  StepTimer step_timer_;
  DelayTimer delay_timer_;
  std::vector<SocketAddress> addresses_;
  size_t next_address_ = 0;
  std::array<Attempt, kMaxAttempts> attempts_;  // at addresses_
  std::string failures_;
  LoopStream* proxy_stream_ = nullptr;
  std::optional<ProxyHandshake> proxy_handshake_;
  absl::Status status_;
};

}  // namespace wirebook

#endif  // WIREBOOK_NET_STREAM_CONNECTOR_H_
