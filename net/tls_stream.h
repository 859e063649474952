// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// TlsStream: the TLS of one client connection over bytes that lie in a
// RawMessageSlab: records are opened where the kernel received them.
//
// WebSocketReader puts it between the loop and its frame parser for wss://. It
// has no socket and no clock: what arrives is in the slab, what goes out is
// given to a TlsOutput.
//
// OpenSSL does the handshake and everything that is sent. It reads records
// through a BIO over the slab, and its plain text is written back to the slab,
// over records that were read: plain text is never longer than its record.
// take_over() gives the records of a TLS 1.3 connection to TlsRecordOpener
// instead, which opens them in place: their plain text is not moved at all
// unless a message began in an earlier record. Whatever the opener does not
// know fails the connection, and the next ones of this object go without it
// (OpenSSL's record numbers cannot be set, so there is no way back).
//
// Plain text comes as a window of slab positions, contiguous, from which the
// caller has not used everything yet. read() makes it longer: in place where
// the window is empty, otherwise by copying just the bytes that are wanted to
// its end; both counted. In a window that grows by little from much (records
// of one byte), the gap between its end and the next record is closed by one
// more copy when it is 64 KiB and longer than the window: a window of n bytes
// never holds more than 2 n + 64 KiB of the slab, and one record.
//
// One thread, the slab's. Errors are in status(), with OpenSSL's reasons.
// Between the handshake and the end the opener allocates nothing, KeyUpdate
// excepted; OpenSSL does, in reading and in sending.
// Cost: tls_stream_benchmark; README.md has the figures.
//
//   wirebook::TlsStream tls(context, "stream.example.com", 443, &output);
//   auto result = tls.start(slab);
//   // whenever bytes have arrived, until it is kOk:
//   result = tls.handshake();
//   // then, whenever the window has less than `wanted` bytes:
//   while (tls.read(&window, wanted) == TlsStream::Result::kOk) use(&window);

#ifndef WIREBOOK_NET_TLS_STREAM_H_
#define WIREBOOK_NET_TLS_STREAM_H_

#include <openssl/ssl.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "net/raw_message_pool.h"
#include "net/tls_context.h"
#include "net/tls_record_opener.h"

namespace wirebook {

// Where the records go that a TlsStream makes.
class TlsOutput {
 public:
  virtual ~TlsOutput() = default;
  // Takes a copy, to be sent in order; false, and nothing taken, when there is
  // no room.
  virtual bool send_records(std::string_view records) noexcept = 0;
};

// Slab positions.
struct TlsWindow {
  uint64_t begin = 0;
  uint64_t end = 0;
};

// Since creation, over all connections.
struct TlsStatistics {
  uint64_t handshakes = 0;
  uint64_t resumed = 0;         // of these
  uint64_t records = 0;         // read, the handshakes' too
  uint64_t opened_records = 0;  // of these, by the opener
  uint64_t key_updates = 0;     // of the peer's
  // Plain text that was copied: all that came through OpenSSL, and pieces of
  // messages that began in an earlier record.
  uint64_t copied_bytes = 0;
};

class TlsStream {
 public:
  enum class Result : uint8_t {
    kOk,
    kNeedMore,  // call again when more has arrived
    kEnded,     // by the peer's close_notify: nothing was cut off
    kFailed,    // status() says why; the connection is to be closed
  };

  // The window's bytes, with all that they hold back, need no more of a slab
  // than this.
  static constexpr uint64_t room_for(uint64_t window_bytes) {
    return 2 * window_bytes + kMaxGapBytes + kMaxRecordBytes;
  }
  // The longest window, of whole frames, that always finds room.
  static constexpr uint64_t max_window_bytes(size_t slab_slots) {
    return ((slab_slots - 1) * kRawMessageSlotBytes - room_for(0)) / 2;
  }
  static constexpr size_t kLeastSlabSlots = 4;

  TlsStream(std::shared_ptr<TlsContext> context, std::string host,
            uint16_t port, TlsOutput* output);
  ~TlsStream() { stop(); }
  TlsStream(const TlsStream&) = delete;
  TlsStream& operator=(const TlsStream&) = delete;

  // ---- One connection

  // Records begin at the slab's write position; the ClientHello goes out.
  Result start(RawMessageSlab* slab);
  // Goes on with the handshake; kOk when it is done.
  Result handshake();
  // Makes the window longer: to at least `wanted` bytes if kOk comes often
  // enough. An empty window may move.
  Result read(TlsWindow* window, uint64_t wanted) noexcept;
  // From the next record on the opener reads, where it can; returns whether it
  // does. After the handshake.
  bool take_over() noexcept;

  // Room for `size` bytes to be sent, then finish_write with as many as were
  // written there; false when the output had no room, after which the
  // connection is to be closed.
  char* prepare_write(size_t size);
  bool finish_write(size_t size) noexcept;
  // What `size` bytes become at most: of room in the output.
  static constexpr size_t sealed_bytes(size_t size) {
    return size + (size / kTlsMaxPlainBytes + 1) * kMaxOverheadBytes;
  }
  // Says that nothing more will be sent (RFC 8446, section 6.1).
  void send_close_notify() noexcept;
  // Ends the connection's state and wipes its keys; start() may follow.
  void stop() noexcept;

  // ---- What became of it

  const absl::Status& status() const noexcept { return status_; }
  bool handshake_done() const noexcept { return handshake_done_; }
  bool opener_in_use() const noexcept { return opener_.started(); }
  // The next record's first byte: all before it has been read.
  uint64_t record_position() const noexcept { return next_; }
  // Window bytes before this position were copied to where they are.
  uint64_t copied_position() const noexcept { return copied_position_; }
  TlsStatistics statistics() const noexcept { return statistics_; }
  // Of the connection; "" and false before the handshake is done.
  std::string_view version() const noexcept;
  std::string_view cipher() const noexcept;
  bool resumed() const noexcept;

 private:
  static constexpr uint64_t kMaxGapBytes = kRawMessageSlotBytes;
  // RFC 5246, section 6.2.3: TLS 1.2 may add 2048 bytes.
  static constexpr size_t kMaxFragmentBytes = kTlsMaxPlainBytes + 2048;
  static constexpr uint64_t kMaxRecordBytes =
      kTlsHeaderBytes + kMaxFragmentBytes;
  // Header, IV, tag or MAC, content type, padding: of what we send.
  static constexpr size_t kMaxOverheadBytes = 128;

  static BIO_METHOD* bio_method();
  static int bio_read(BIO* bio, char* out, int size);
  static int bio_write(BIO* bio, const char* data, int size);
  static long bio_control(BIO* bio, int command, long number, void* pointer);
  static void on_message(int write, int version, int content_type,
                         const void* data, size_t size, SSL* ssl, void* stream);
  static void on_secret(TlsContext::Connection* connection,
                        std::string_view label, std::string_view hex);

  uint64_t whole_record() const noexcept;
  bool give_segment(TlsWindow* window, uint64_t wanted) noexcept;
  void close_gap(TlsWindow* window) noexcept;
  Result read_by_openssl(TlsWindow* window) noexcept;
  Result read_by_opener() noexcept;
  Result answer_key_update() noexcept;
  Result fail_opener(const char* what) noexcept;
  Result fail_openssl(int result, const char* when) noexcept;
  Result fail(absl::Status status) noexcept;
  void wipe_secret() noexcept;

  // The key log calls back with this.
  struct Connection : TlsContext::Connection {
    TlsStream* stream = nullptr;
  };

  const std::shared_ptr<TlsContext> context_;
  const std::string host_;
  TlsOutput* const output_;
  Connection connection_;
  bool opener_allowed_;

  SSL* ssl_ = nullptr;
  RawMessageSlab* slab_ = nullptr;
  uint64_t next_ = 0;        // the first byte that was not read
  uint64_t record_end_ = 0;  // of the record that OpenSSL is reading
  bool handshake_done_ = false;
  bool update_seen_ = false;  // a KeyUpdate, by OpenSSL: the secret is stale
  uint32_t quiet_ = 0;        // KeyUpdates since application data
  uint64_t records_ = 0;      // that OpenSSL has read since the handshake

  TlsRecordOpener opener_;
  // Plain text that the opener left in place, not in the window yet.
  uint64_t segment_begin_ = 0;
  uint64_t segment_end_ = 0;
  uint64_t copied_position_ = 0;

  unsigned char secret_[48] = {};  // the server's first
  size_t secret_size_ = 0;
  std::vector<char> plain_out_;
  absl::Status status_;
  TlsStatistics statistics_;
};

}  // namespace wirebook

#endif  // WIREBOOK_NET_TLS_STREAM_H_
