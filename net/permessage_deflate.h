// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// permessage-deflate (RFC 7692) as a client: what to offer, the judgement of
// the answer, and the two ends of a compressed connection: MessageInflater and
// MessageDeflater.
//
// WebSocketReader uses it when its options ask for it. It costs microseconds a
// message and takes the zero-copy path away, so it is off unless a venue sends
// nothing else. Bytes only, no socket; one thread.
//
// Both ends allocate in start() (an inflater 7 KiB and the window, 32 KiB at
// most; a deflater 268 KiB) and never again; a second start() for the next
// connection uses the same memory where it can. What a peer sends is never
// trusted: inflate() writes only into the room it is given, so the caller's
// limit on a message bounds what a few bytes can blow up to.
//
//   wirebook::PermessageDeflateOffer offer;
//   request += "Sec-WebSocket-Extensions: " + deflate_offer_text(offer);
//   auto agreed = parse_deflate_answer(offer, answer_header);   // or an error
//   wirebook::MessageInflater inflater;
//   absl::Status status = inflater.start(*agreed);
//   inflater.feed(payload, size);
//   auto result = inflater.inflate(room, room_size, &written);

#ifndef WIREBOOK_NET_PERMESSAGE_DEFLATE_H_
#define WIREBOOK_NET_PERMESSAGE_DEFLATE_H_

#include <zlib.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace wirebook {

// What we ask for (section 7.1). Window bits are 8 to 15.
struct PermessageDeflateOffer {
  // The server shall begin each message with an empty window.
  bool server_no_context_takeover = false;
  // We will do so.
  bool client_no_context_takeover = false;
  // Below 15: the server shall not look back further than 2^bits bytes.
  int server_max_window_bits = 15;
  // How far we look back; the server may ask for less.
  int client_max_window_bits = 15;
  // zlib's, for what we send: 1 is fast, 9 is small.
  int level = 1;
};

// What holds for a connection.
struct PermessageDeflateAgreement {
  bool server_no_context_takeover = false;
  bool client_no_context_takeover = false;
  int server_max_window_bits = 15;
  int client_max_window_bits = 15;
  int level = 1;
};

// InvalidArgument names the number that is out of range.
absl::Status check_deflate_offer(const PermessageDeflateOffer& offer);
// The value of Sec-WebSocket-Extensions.
std::string deflate_offer_text(const PermessageDeflateOffer& offer);
// The server's value of that header. InvalidArgument says what is not an answer
// to `offer`: another or a second extension, a parameter that is unknown, there
// twice, out of range or not ours to be given, or a wish that it ignores.
absl::StatusOr<PermessageDeflateAgreement> parse_deflate_answer(
    const PermessageDeflateOffer& offer, std::string_view answer);

// Of the messages that come.
class MessageInflater {
 public:
  enum class Result : uint8_t {
    kTaken,     // all that was fed is in the room
    kNeedRoom,  // call inflate() again with more
    kCorrupt,   // not deflate; the connection is over
  };

  MessageInflater() = default;
  ~MessageInflater();
  MessageInflater(const MessageInflater&) = delete;
  MessageInflater& operator=(const MessageInflater&) = delete;

  // For a new connection. ResourceExhausted: no memory.
  absl::Status start(const PermessageDeflateAgreement& agreed);

  // The payload of one frame, or the next part of it. It must stay until
  // inflate() has said kTaken.
  void feed(const char* data, size_t size) noexcept;
  // The message has ended (after kTaken); inflate() then says whether it ended
  // where a message may.
  void feed_end() noexcept;
  // Writes up to `room` bytes; `*written` says how many.
  Result inflate(char* out, size_t room, size_t* written) noexcept;

 private:
  z_stream stream_ = {};
  bool made_ = false;
  bool no_context_takeover_ = false;
  bool at_end_ = false;
};

// Of the messages that go.
class MessageDeflater {
 public:
  MessageDeflater() = default;
  ~MessageDeflater();
  MessageDeflater(const MessageDeflater&) = delete;
  MessageDeflater& operator=(const MessageDeflater&) = delete;

  absl::Status start(const PermessageDeflateAgreement& agreed);

  // What a message of `size` bytes takes at most while it is compressed.
  static size_t bound(size_t size) noexcept {
    return size + size / 8 + size / 64 + 64;
  }
  // Writes the payload of one message to `out`, which has room for bound();
  // returns its length.
  size_t deflate(std::string_view message, char* out) noexcept;

 private:
  z_stream stream_ = {};
  bool made_ = false;
  int window_bits_ = 0;
  int level_ = 0;
  bool no_context_takeover_ = false;
};

}  // namespace wirebook

#endif  // WIREBOOK_NET_PERMESSAGE_DEFLATE_H_
