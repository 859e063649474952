// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// WebSocketFrameParser: RFC 6455 frames of a server, found in contiguous bytes
// in place: nothing is copied, nothing allocated.
//
// WebSocketReader drives it over a slab; use it directly for a capture file or
// another transport. It judges everything the RFC lets a client judge:
// reserved bits, opcodes, lengths, masks, the order of fragments, control
// frames between them, close codes, UTF-8, and a limit on the message's size.
// Text that is wrong shows in the part of a frame that is there, not at its
// end.
//
// A message that came in one frame is one kMessage event. Fragments, and
// frames longer than `max_whole_frame`, come as kFragment events, each with the
// bytes that are there; the caller puts them together. Compressed messages
// (RFC 7692), where set_compression() allows them, are fragments, even in one
// frame. After kError or kClose
// the connection is over: call next() no more.
//
// Cost: a few ns a frame, most of it the ASCII check of the payload;
// websocket_frame_parser_benchmark.
//
//   WebSocketFrameParser parser({});
//   WebSocketFrame frame;
//   while (parser.next(p, end - p, &frame) == WebSocketEvent::kMessage) {
//     use(frame.payload, frame.size);
//     p += frame.consumed;
//   }

#ifndef WIREBOOK_NET_WEBSOCKET_FRAME_PARSER_H_
#define WIREBOOK_NET_WEBSOCKET_FRAME_PARSER_H_

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "net/utf8_validator.h"
#include "net/websocket_frame_writer.h"
#include "simdjson.h"

namespace wirebook {

enum class WebSocketEvent : uint8_t {
  kNeedMore,  // call again with wanted() bytes from the same place
  kMessage,   // an unfragmented data message, whole
  kFragment,  // a part of a data message
  kPing,
  kPong,
  kClose,
  kError,
};

enum class WebSocketError : uint8_t {
  kNone,
  kReservedBits,
  kUnknownOpcode,
  kMaskedByServer,
  kFragmentedControl,
  kLongControl,
  kLengthNotMinimal,
  kLengthTooLarge,
  kMessageTooLong,
  kContinuationWithoutStart,
  kMessageInsideMessage,
  kInvalidUtf8,
  kInvalidDeflate,  // InflatedMessage's
  kBadCloseFrame,
  kBadCloseCode,
};

const char* websocket_error_text(WebSocketError error) noexcept;

// Close codes (RFC 6455, section 7.4.1).
inline constexpr uint16_t kCloseNormal = 1000;
inline constexpr uint16_t kCloseGoingAway = 1001;
inline constexpr uint16_t kCloseProtocolError = 1002;
inline constexpr uint16_t kCloseNoCode = 1005;    // never on the wire
inline constexpr uint16_t kCloseAbnormal = 1006;  // never on the wire
inline constexpr uint16_t kCloseInvalidData = 1007;
inline constexpr uint16_t kCloseTooBig = 1009;

struct WebSocketFrame {
  const char* payload = nullptr;  // kClose: the reason
  size_t size = 0;                // of the payload
  size_t consumed = 0;            // the event's bytes, header included
  WebSocketOpcode opcode = WebSocketOpcode::kContinuation;  // data: kText, ...
  bool last = false;         // kFragment: the message ends with it
  bool whole_frame = false;  // kFragment: it is a frame, not a part of one
  // kFragment: the payload is permessage-deflate's; neither inflated nor
  // looked at.
  bool compressed = false;
  uint16_t close_code = 0;  // kClose: the peer's; kError: the one to answer
  WebSocketError error = WebSocketError::kNone;
};

struct WebSocketFrameParserOptions {
  uint64_t max_message = uint64_t{16} << 20;  // bytes of payload
  // Data frames up to this length, header included, are waited for; longer
  // ones come in parts.
  uint64_t max_whole_frame = UINT64_MAX;
  bool validate_utf8 = true;
};

class WebSocketFrameParser {
 public:
  explicit WebSocketFrameParser(const WebSocketFrameParserOptions& options)
      : options_(options) {}

  // For the next connection; without compression.
  void reset() noexcept { *this = WebSocketFrameParser(options_); }

  // permessage-deflate was agreed on: the first frame of a data message may
  // have RSV1 set.
  void set_compression() noexcept { compression_ = true; }

  // Looks at the bytes that follow those consumed so far.
  WebSocketEvent next(const char* data, size_t size,
                      WebSocketFrame* frame) noexcept {
    // The common case first: a final, unmasked text frame that is all there.
    // One load, from which the next frame's place follows in few cycles: that
    // chain is what a small frame costs.
    if (size >= 4 && !inside_) [[likely]] {
      uint32_t head;
      std::memcpy(&head, data, 4);
      head = __builtin_bswap32(head);
      const uint32_t first_two = head >> 16;
      if (first_two == 0x817e) {
        const size_t length = head & 0xffff;
        if (length >= 126) return whole_text(data, size, 4, length, frame);
      } else if (first_two >= 0x8100 && first_two < 0x817e) {
        return whole_text(data, size, 2, first_two & 0x7f, frame);
      }
    }
    return next_slow(data, size, frame);
  }

  // After kNeedMore: how many bytes, those that were seen included, the next
  // call needs to get further.
  uint64_t wanted() const noexcept { return wanted_; }

  // Whether a fragmented message or a part of a frame is open.
  bool inside_message() const noexcept {
    return message_opcode_ != WebSocketOpcode::kContinuation;
  }

  // Whether bytes that are all there are UTF-8.
  static bool valid_text(const char* data, size_t size) noexcept {
    const size_t ascii = leading_ascii(data, size);
    return ascii == size || simdjson::validate_utf8(data + ascii, size - ascii);
  }

 private:
  static uint16_t load_big_endian_16(const char* p) noexcept {
    uint16_t value;
    std::memcpy(&value, p, 2);
    return __builtin_bswap16(value);
  }
  static uint64_t load_big_endian_64(const char* p) noexcept {
    uint64_t value;
    std::memcpy(&value, p, 8);
    return __builtin_bswap64(value);
  }

  WebSocketEvent whole_text(const char* data, size_t size, size_t header,
                            size_t length, WebSocketFrame* frame) noexcept {
    if (length > size - header || length > options_.max_message) [[unlikely]] {
      return next_slow(data, size, frame);
    }
    frame->payload = data + header;
    frame->size = length;
    frame->consumed = header + length;
    frame->opcode = WebSocketOpcode::kText;
    if (!options_.validate_utf8 || valid_text(data + header, length))
        [[likely]] {
      return WebSocketEvent::kMessage;
    }
    return fail(WebSocketError::kInvalidUtf8, kCloseInvalidData, frame);
  }
  WebSocketEvent next_slow(const char* data, size_t size,
                           WebSocketFrame* frame) noexcept;
  WebSocketEvent control(WebSocketOpcode opcode, const char* payload,
                         size_t size, WebSocketFrame* frame) noexcept;
  WebSocketEvent part(const char* payload, size_t size, size_t header,
                      WebSocketFrame* frame) noexcept;
  bool text_so_far(const char* payload, size_t size) noexcept;

  WebSocketEvent need(uint64_t bytes) noexcept {
    wanted_ = bytes;
    return WebSocketEvent::kNeedMore;
  }
  WebSocketEvent fail(WebSocketError error, uint16_t code,
                      WebSocketFrame* frame) noexcept {
    frame->error = error;
    frame->close_code = code;
    return WebSocketEvent::kError;
  }

  WebSocketFrameParserOptions options_;
  uint64_t wanted_ = 2;
  // A message is open, or the text of a frame that is not all there was looked
  // at.
  bool inside_ = false;
  size_t checked_ = 0;  // bytes of that frame's payload
  // The open message: kContinuation is none.
  WebSocketOpcode message_opcode_ = WebSocketOpcode::kContinuation;
  uint64_t message_size_ = 0;
  bool message_compressed_ = false;
  bool compression_ = false;
  Utf8Validator utf8_;
  // The open frame, of which parts were given out.
  uint64_t frame_left_ = 0;
  bool frame_final_ = false;
};

}  // namespace wirebook

#endif  // WIREBOOK_NET_WEBSOCKET_FRAME_PARSER_H_
