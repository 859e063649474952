// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// WebSocketReader: a WebSocket client (RFC 6455) on a UringLoop that hands over
// messages as RawMessages of a RawMessagePool.
//
// Use it for feeds: much comes in, little goes out. It speaks ws:// and wss://,
// and permessage-deflate where options.handshake.deflate asks for it (off
// unless set: every message is inflated into a slab of its own, a copy).
//
// A message that arrived in one frame, and with TLS 1.3 in one record, is
// handed over as a view into the memory that the kernel received into, never
// copied. Fragments are put together by one copy, in the slab where they lie;
// what does not fit in the slab is copied into one of the pool's large buffers;
// frames that run over TLS records, and all that TLS 1.2 brings, are copied
// once in the slab (tls_stream.h). All of it is counted. Pings are answered
// before what follows them is looked at.
//
// Back-pressure: when descriptors, slots or large buffers run out, it stops
// reading (the sender's TCP stalls) and goes on when messages come home; the
// stops are counted. Nothing is dropped unless options.back_pressure says that
// consumers too slow shall miss messages. What arrived in a stop keeps the
// receive_ticks of its own arrival, so the wait shows in latencies; of more
// than 64 arrivals that wait at once, the later ones have the 64th's.
//
// Thread rules: everything on the loop's thread, the handler's calls too. The
// handler owns each RawMessage it gets: release it to the pool, or give it to
// another thread that releases it on a lane. After the handshake receiving
// allocates nothing.
//
//   struct Printer : wirebook::WebSocketHandler {
//     wirebook::WebSocketReader* reader = nullptr;
//     wirebook::RawMessagePool* pool = nullptr;
//     void on_open() override { reader->send_text("{\"subscribe\":1}"); }
//     void on_message(wirebook::RawMessage* m) override {
//       std::cout << m->view() << "\n";
//       pool->release(m);
//     }
//     void on_close(uint16_t, std::string_view, const absl::Status&) override;
//   } printer;
//   printer.pool = pool;
//   auto reader = *wirebook::WebSocketReader::create(
//       loop, pool, {.url = "ws://127.0.0.1:9001/feed"}, &printer);
//   printer.reader = reader.get();
//   absl::Status status = reader->connect();
//   while (running) loop->run_once();

#ifndef WIREBOOK_NET_WEBSOCKET_READER_H_
#define WIREBOOK_NET_WEBSOCKET_READER_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "net/inflated_message.h"
#include "net/kernel_random.h"
#include "net/permessage_deflate.h"
#include "net/proxy_handshake.h"
#include "net/raw_message_pool.h"
#include "net/stream_connector.h"
#include "net/tls_context.h"
#include "net/tls_stream.h"
#include "net/uring_loop.h"
#include "net/url.h"
#include "net/websocket_frame_parser.h"
#include "net/websocket_handshake.h"

namespace wirebook {

class WebSocketHandler {
 public:
  virtual ~WebSocketHandler() = default;
  // The handshake is done; send what subscribes.
  virtual void on_open() = 0;
  // `message` belongs to the handler now.
  virtual void on_message(RawMessage* message) = 0;
  // Once per connect(), after which connect() may be called again. `code` is
  // the peer's close code; kCloseNoCode if its close frame had none,
  // kCloseAbnormal if none came. `status` is OK only for an orderly close.
  virtual void on_close(uint16_t code, std::string_view reason,
                        const absl::Status& status) = 0;
};

// What becomes of a message that comes while `most_held` messages of the pool,
// of whatever connection, are still out. In all three reading stops where
// memory runs out all the same.
enum class BackPressure : uint8_t {
  // It is handed over like any other.
  kStopReading,
  // It is checked, counted and never handed over: a gap in `sequence`.
  kDrop,
  // It is handed over in memory of its own (RawMessagePool::detach), so that
  // what it came in returns; within RawMessagePoolOptions::detached_bytes.
  kGrow,
};

struct WebSocketReaderOptions {
  std::string url = {};  // ws://host[:port][/path] or wss://...
  // Stamped into every message; see RawMessage.
  uint16_t connection = 0;
  uint8_t venue = 0;
  // For wss://: whom to trust; nullptr is a context of its own, by
  // TlsOptions{}.
  std::shared_ptr<TlsContext> tls = {};
  // Receive memory, in slots of 64 KiB: a power of two. A message of more than
  // (slab_slots - 1) * 64 KiB takes the large path; with TLS, which needs 4
  // slots, one of more than TlsStream::max_window_bytes(slab_slots).
  size_t slab_slots = 32;
  // No more than RawMessagePoolOptions::large_bytes.
  uint64_t max_message_bytes = uint64_t{16} << 20;
  bool validate_utf8 = true;
  BackPressure back_pressure = BackPressure::kStopReading;
  // kDrop, kGrow: those within it keep their slots, so with a consumer that
  // stands still only 0 keeps the reader going (then kGrow copies each
  // message, kDrop drops each while one is out).
  size_t most_held = 1024;
  // From connect() to on_open(), over all steps; those before the handshake
  // have limits of their own in `connector`.
  uint64_t connect_timeout_ns = 10'000'000'000;
  // From a close frame to the end of the connection.
  uint64_t close_timeout_ns = 2'000'000'000;
  WebSocketHandshakeOptions handshake = {};
  ProxyOptions proxy = {};
  StreamConnectorOptions connector = {};
};

// Since creation, over all connections.
struct WebSocketStatistics {
  uint64_t connects = 0;         // on_open
  uint64_t messages = 0;         // handed over
  uint64_t bytes = 0;            // received, headers included
  uint64_t payload_bytes = 0;    // of the messages
  uint64_t fragments = 0;        // pieces that messages were put together from
  uint64_t copied_messages = 0;  // put together, inflated or by TLS, so copied
  uint64_t copied_bytes = 0;     // by that; with TLS, headers too
  uint64_t large_messages = 0;   // of those, in a large buffer
  uint64_t inflated_messages = 0;  // of those, permessage-deflate's
  uint64_t dropped = 0;            // BackPressure::kDrop: not handed over
  uint64_t grown_messages = 0;     // kGrow: in memory of their own
  uint64_t pings = 0;              // received
  uint64_t pongs = 0;              // received
  // Stops, each until a message was handed over again, because descriptors or
  // large buffers ran out.
  uint64_t stalls = 0;
  uint64_t slab_full = 0;       // slots ran out (-ENOBUFS)
  uint64_t pongs_not_sent = 0;  // the send queue was full
};

class WebSocketReader final : private StreamHandler,
                              private StreamConnectorHandler {
 public:
  enum class State : uint8_t {
    kIdle,        // connect() may be called
    kConnecting,  // name, TCP, proxy
    kHandshake,   // TLS, HTTP
    kOpen,
    kClosing,  // a close frame was sent or received
    kEnding,   // the socket is being closed; on_close follows
  };

  // An error says what is wrong with the options. `pool` is the loop's.
  static absl::StatusOr<std::unique_ptr<WebSocketReader>> create(
      UringLoop* loop, RawMessagePool* pool, WebSocketReaderOptions options,
      WebSocketHandler* handler);
  // Ends a connection at once, without on_close; not from a handler's call.
  // Before the loop and the pool. Messages may still be out.
  ~WebSocketReader() override;
  WebSocketReader(const WebSocketReader&) = delete;
  WebSocketReader& operator=(const WebSocketReader&) = delete;

  // Where connect() goes from now on, by the same scheme. Requires kIdle.
  absl::Status set_url(const std::string& text);

  // Begins to connect, as StreamConnector does; the outcome is on_open or
  // on_close, in a later turn. An error means that nothing was begun: it is
  // not idle. Does not block.
  absl::Status connect();

  // Queues one message; false, and nothing sent, when the connection is not
  // open or the send queue has no room.
  bool send_text(std::string_view text) {
    return send_frame(WebSocketOpcode::kText, text);
  }
  bool send_binary(std::string_view data) {
    return send_frame(WebSocketOpcode::kBinary, data);
  }
  // At most 125 bytes.
  bool send_ping(std::string_view payload) {
    return payload.size() <= kMaxControlPayloadBytes &&
           send_frame(WebSocketOpcode::kPing, payload);
  }

  // Begins an orderly close; messages may still come until on_close. Before
  // the connection is open it ends at once, still with on_close. `reason` is
  // cut to 123 bytes.
  void close(uint16_t code = kCloseNormal, std::string_view reason = {});

  State state() const noexcept { return state_; }
  // From on_open on: what the server took of options().handshake.subprotocols,
  // "" if nothing; and whether it took permessage-deflate.
  std::string_view subprotocol() const noexcept {
    return handshake_ ? std::string_view(handshake_->subprotocol()) : "";
  }
  bool deflating() const noexcept {
    return handshake_ && handshake_->deflate().has_value();
  }
  WebSocketStatistics statistics() const noexcept;
  // Nothing is received for now, because the messages that were handed over
  // have not come home.
  bool stalled() const noexcept;
  // Of wss://, for what became of the TLS connection; otherwise nullptr.
  const TlsStream* tls() const noexcept { return tls_.get(); }
  const WebSocketReaderOptions& options() const noexcept { return options_; }

 private:
  struct Timer final : LoopTimer {
    explicit Timer(WebSocketReader* owner) : reader(owner) {}
    void on_timer() noexcept override { reader->on_timeout(); }
    WebSocketReader* reader;
  };
  struct Output final : TlsOutput {
    explicit Output(WebSocketReader* owner) : reader(owner) {}
    bool send_records(std::string_view records) noexcept override {
      return reader->loop_->send(reader->stream_, records);
    }
    WebSocketReader* reader;
  };
  enum class Assembly : uint8_t { kNone, kInSlab, kLarge };
  // A completion: when it was seen, and where its bytes end.
  struct Arrival {
    uint64_t end;
    uint64_t ticks;
    uint64_t kernel_ns;
  };

  WebSocketReader(UringLoop* loop, RawMessagePool* pool,
                  WebSocketReaderOptions options, Url url, Proxy proxy,
                  WebSocketHandler* handler);

  // StreamConnectorHandler
  void on_stream(LoopStream* stream) noexcept override;
  void on_failed(const absl::Status& status) noexcept override;
  // StreamHandler
  void on_connected() noexcept override;
  void on_received(uint64_t receive_ticks) noexcept override;
  void on_ended(int error) noexcept override;
  void on_reclaimed() noexcept override;
  void on_closed() noexcept override;

  void on_timeout() noexcept;
  bool finish_tls_handshake() noexcept;
  void begin_upgrade() noexcept;
  bool finish_handshake() noexcept;
  // More plain text behind `*begin`, out of TLS records; false while there is
  // none, or when the connection has ended.
  bool read_more(uint64_t* begin, uint64_t wanted) noexcept;
  void parse() noexcept;
  bool deliver_message(const WebSocketFrame& frame) noexcept;
  bool deliver_fragment(const WebSocketFrame& frame) noexcept;
  bool deliver_compressed(const WebSocketFrame& frame) noexcept;
  absl::Status start_deflate();
  bool fits_in_slab(uint64_t frame_bytes) const noexcept;
  bool move_to_large() noexcept;
  // Of the next message, which ends at position `end`.
  RawMessageStamp stamp(uint64_t end, WebSocketOpcode opcode) noexcept;
  // `message` has its stamp.
  void hand_over(RawMessage* message) noexcept;
  bool keep(RawMessage* message) noexcept;
  void on_peer_close(const WebSocketFrame& frame) noexcept;
  void note_arrival(uint64_t end, uint64_t ticks) noexcept;
  const Arrival& arrival(uint64_t end) noexcept;
  void stall() noexcept;
  void finish_end() noexcept;
  // Sends a close frame, drops what still comes, and ends with `status`.
  void fail(uint16_t code, absl::Status status) noexcept;
  bool send_frame(WebSocketOpcode opcode, std::string_view payload) noexcept;
  bool write_frame(WebSocketOpcode opcode, std::string_view payload) noexcept;
  char* prepare_output(size_t size);
  bool finish_output(size_t size) noexcept;
  bool write_compressed(WebSocketOpcode opcode,
                        std::string_view payload) noexcept;
  void send_close(uint16_t code, std::string_view reason) noexcept;
  // Closes the socket; on_close will say so.
  void end(uint16_t code, absl::Status status) noexcept;
  void tell_close() noexcept;
  absl::Status error(absl::StatusCode code, std::string_view what) const;
  absl::Status tls_error() const;

  UringLoop* const loop_;
  RawMessagePool* const pool_;
  WebSocketReaderOptions options_;
  Url url_;
  WebSocketHandler* const handler_;

  RawMessageSlab* slab_ = nullptr;
  LoopStream* stream_ = nullptr;
  State state_ = State::kIdle;
  uint64_t seen_ = 0;  // the write position at the last on_received
  // Arrivals whose bytes are not all parsed, oldest first from
  // first_arrival_; more than one only in a stall.
  std::array<Arrival, 64> arrivals_ = {};
  size_t first_arrival_ = 0;
  size_t arrival_count_ = 0;
  uint64_t cursor_ = 0;     // the next byte to be parsed
  uint64_t plain_end_ = 0;  // the end of those that can be
  WebSocketFrameParser parser_;

  // The message that is being put together.
  Assembly assembly_ = Assembly::kNone;
  uint64_t assembly_begin_ = 0;  // kInSlab: the position of its first byte
  char* assembly_large_ = nullptr;
  size_t assembly_size_ = 0;
  // permessage-deflate: both set where options_ ask for it.
  RawMessageSlab* inflate_slab_ = nullptr;
  std::unique_ptr<InflatedMessage> inflated_;
  MessageDeflater deflater_;

  // An event that had to wait for a buffer.
  bool pending_ = false;
  WebSocketFrame pending_frame_;

  bool stalled_ = false;        // waits for a descriptor or a large buffer
  bool stall_counted_ = false;  // and no message was handed over since
  bool close_sent_ = false;
  bool peer_closed_ = false;  // its close frame came
  bool peer_ended_ = false;   // nothing more will come, by error peer_error_
  int peer_error_ = 0;
  bool tls_ended_ = false;  // by close_notify
  uint16_t close_code_ = kCloseAbnormal;
  char close_reason_[kMaxControlPayloadBytes] = {};
  size_t close_reason_size_ = 0;
  absl::Status close_status_;

  Timer timer_;
  Output output_;
  std::unique_ptr<TlsStream> tls_;
  KernelRandom random_;
  std::optional<WebSocketHandshake> handshake_;
  uint64_t handshake_begin_ = 0;
  WebSocketStatistics statistics_;
  StreamConnector connector_;
};

}  // namespace wirebook

#endif  // WIREBOOK_NET_WEBSOCKET_READER_H_
