// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "net/websocket_frame_parser.h"

#include <algorithm>
#include <utility>

namespace wirebook {
namespace {

// RFC 6455, section 7.4, with the codes that IANA has registered since (1012 to
// 1014). 1004, 1005, 1006 and 1015 never appear on the wire.
bool close_code_allowed(uint16_t code) {
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
         (code >= 3000 && code <= 4999);
}

}  // namespace

const char* websocket_error_text(WebSocketError error) noexcept {
  switch (error) {
    case WebSocketError::kNone:
      return "no error";
    case WebSocketError::kReservedBits:
      return "a reserved bit is set, and no extension was agreed on";
    case WebSocketError::kUnknownOpcode:
      return "unknown opcode";
    case WebSocketError::kMaskedByServer:
      return "the server masked a frame";
    case WebSocketError::kFragmentedControl:
      return "a control frame is fragmented";
    case WebSocketError::kLongControl:
      return "a control frame is longer than 125 bytes";
    case WebSocketError::kLengthNotMinimal:
      return "a length is not in its shortest form";
    case WebSocketError::kLengthTooLarge:
      return "a length has its highest bit set";
    case WebSocketError::kMessageTooLong:
      return "a message is longer than the limit";
    case WebSocketError::kContinuationWithoutStart:
      return "a continuation frame without a message";
    case WebSocketError::kMessageInsideMessage:
      return "a new message inside a fragmented one";
    case WebSocketError::kInvalidUtf8:
      return "text that is not UTF-8";
    case WebSocketError::kInvalidDeflate:
      return "a compressed message that cannot be inflated";
    case WebSocketError::kBadCloseFrame:
      return "a close frame with one byte of payload";
    case WebSocketError::kBadCloseCode:
      return "a close code that must not be sent";
  }
  return "?";
}

WebSocketEvent WebSocketFrameParser::next_slow(const char* data, size_t size,
                                               WebSocketFrame* frame) noexcept {
  if (frame_left_ != 0) {
    if (size == 0) return need(1);
    return part(data, size, 0, frame);
  }
  // Each byte is judged as soon as it is there.
  if (size == 0) return need(2);
  const auto first = static_cast<uint8_t>(data[0]);
  const bool final = (first & 0x80) != 0;
  const auto opcode = static_cast<WebSocketOpcode>(first & 0x0f);
  const bool is_control = (first & 0x08) != 0;
  // RFC 7692, section 6: RSV1 in the first frame of a data message.
  const bool compressed = (first & 0x70) == 0x40 && compression_ &&
                          !is_control &&
                          opcode != WebSocketOpcode::kContinuation;
  if ((first & 0x70) != 0 && !compressed) {
    return fail(WebSocketError::kReservedBits, kCloseProtocolError, frame);
  }
  switch (opcode) {
    case WebSocketOpcode::kClose:
    case WebSocketOpcode::kPing:
    case WebSocketOpcode::kPong:
      if (!final) {
        return fail(WebSocketError::kFragmentedControl, kCloseProtocolError,
                    frame);
      }
      break;
    case WebSocketOpcode::kContinuation:
      if (!inside_message()) {
        return fail(WebSocketError::kContinuationWithoutStart,
                    kCloseProtocolError, frame);
      }
      break;
    case WebSocketOpcode::kText:
    case WebSocketOpcode::kBinary:
      if (inside_message()) {
        return fail(WebSocketError::kMessageInsideMessage, kCloseProtocolError,
                    frame);
      }
      break;
    default:
      return fail(WebSocketError::kUnknownOpcode, kCloseProtocolError, frame);
  }
  if (size < 2) return need(2);
  const auto second = static_cast<uint8_t>(data[1]);
  if ((second & 0x80) != 0) {
    return fail(WebSocketError::kMaskedByServer, kCloseProtocolError, frame);
  }
  uint64_t length = second;
  size_t header = 2;
  if (is_control) {
    if (length > kMaxControlPayloadBytes) {
      return fail(WebSocketError::kLongControl, kCloseProtocolError, frame);
    }
  } else if (length == 126) {
    header = 4;
    if (size < header) return need(header);
    length = load_big_endian_16(data + 2);
    if (length < 126) {
      return fail(WebSocketError::kLengthNotMinimal, kCloseProtocolError,
                  frame);
    }
  } else if (length == 127) {
    header = 10;
    if (size < header) return need(header);
    length = load_big_endian_64(data + 2);
    if (length >> 63 != 0) {
      return fail(WebSocketError::kLengthTooLarge, kCloseProtocolError, frame);
    }
    if (length < 65536) {
      return fail(WebSocketError::kLengthNotMinimal, kCloseProtocolError,
                  frame);
    }
  }

  const char* const payload = data + header;
  if (is_control) {
    if (size - header < length) return need(header + length);
    frame->consumed = header + static_cast<size_t>(length);
    return control(opcode, payload, static_cast<size_t>(length), frame);
  }

  if (opcode != WebSocketOpcode::kContinuation) message_size_ = 0;
  if (length > options_.max_message ||
      message_size_ > options_.max_message - length) {
    return fail(WebSocketError::kMessageTooLong, kCloseTooBig, frame);
  }
  const bool in_parts = header + length > options_.max_whole_frame;
  const bool is_text = options_.validate_utf8 && !compressed &&
                       !message_compressed_ &&
                       (opcode == WebSocketOpcode::kText ||
                        (opcode == WebSocketOpcode::kContinuation &&
                         message_opcode_ == WebSocketOpcode::kText));
  if (opcode != WebSocketOpcode::kContinuation && checked_ == 0) utf8_.reset();
  if (!in_parts && size - header < length) {
    // What is wrong shows as soon as it is there (RFC 6455, section 8.1).
    if (is_text && !text_so_far(payload, size - header)) {
      return fail(WebSocketError::kInvalidUtf8, kCloseInvalidData, frame);
    }
    return need(header + length);
  }

  if (opcode != WebSocketOpcode::kContinuation) {
    if (final && !in_parts && !compressed) {
      frame->payload = payload;
      frame->size = static_cast<size_t>(length);
      frame->consumed = header + frame->size;
      frame->opcode = opcode;
      const bool valid =
          !is_text || (checked_ == 0 ? valid_text(payload, frame->size)
                                     : text_so_far(payload, frame->size) &&
                                           utf8_.complete());
      if (!valid) {
        return fail(WebSocketError::kInvalidUtf8, kCloseInvalidData, frame);
      }
      inside_ = false;
      checked_ = 0;
      return WebSocketEvent::kMessage;
    }
    message_opcode_ = opcode;
    message_compressed_ = compressed;
  }
  message_size_ += length;
  frame_left_ = length;
  frame_final_ = final;
  frame->whole_frame = !in_parts;
  return part(payload, size - header, header, frame);
}

WebSocketEvent WebSocketFrameParser::control(WebSocketOpcode opcode,
                                             const char* payload, size_t size,
                                             WebSocketFrame* frame) noexcept {
  frame->opcode = opcode;
  frame->payload = payload;
  frame->size = size;
  if (opcode == WebSocketOpcode::kPing) return WebSocketEvent::kPing;
  if (opcode == WebSocketOpcode::kPong) return WebSocketEvent::kPong;
  if (size == 0) {
    frame->close_code = kCloseNoCode;
    return WebSocketEvent::kClose;
  }
  if (size == 1) {
    return fail(WebSocketError::kBadCloseFrame, kCloseProtocolError, frame);
  }
  const uint16_t code = load_big_endian_16(payload);
  if (!close_code_allowed(code)) {
    return fail(WebSocketError::kBadCloseCode, kCloseProtocolError, frame);
  }
  frame->payload = payload + 2;
  frame->size = size - 2;
  if (!valid_text(frame->payload, frame->size)) {
    return fail(WebSocketError::kInvalidUtf8, kCloseInvalidData, frame);
  }
  frame->close_code = code;
  return WebSocketEvent::kClose;
}

WebSocketEvent WebSocketFrameParser::part(const char* payload, size_t size,
                                          size_t header,
                                          WebSocketFrame* frame) noexcept {
  const auto length =
      static_cast<size_t>(std::min<uint64_t>(size, frame_left_));
  frame_left_ -= length;
  if (header == 0) frame->whole_frame = false;
  frame->payload = payload;
  frame->size = length;
  frame->consumed = header + length;
  frame->opcode = message_opcode_;
  frame->last = frame_left_ == 0 && frame_final_;
  frame->compressed = message_compressed_;
  if (message_opcode_ == WebSocketOpcode::kText && options_.validate_utf8 &&
      !message_compressed_ &&
      (!text_so_far(payload, length) || (frame->last && !utf8_.complete()))) {
    return fail(WebSocketError::kInvalidUtf8, kCloseInvalidData, frame);
  }
  checked_ = 0;
  inside_ = !frame->last;
  if (frame->last) {
    message_opcode_ = WebSocketOpcode::kContinuation;
    message_compressed_ = false;
  }
  return WebSocketEvent::kFragment;
}

// Looks at what is new of a frame's payload, of which `size` bytes are there.
bool WebSocketFrameParser::text_so_far(const char* payload,
                                       size_t size) noexcept {
  inside_ = true;
  const size_t seen = std::exchange(checked_, size);
  return utf8_.feed(payload + seen, size - seen);
}

}  // namespace wirebook
