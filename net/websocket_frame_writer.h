// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// Encodes WebSocket frames (RFC 6455, section 5.2): masked as a client must
// send them.
//
// WebSocketReader uses it for what it sends; the parser of the other direction
// is websocket_frame_parser.h. No allocation, no failure: the caller gives
// room for kMaxWebSocketHeaderBytes + size.
//
//   char frame[kMaxWebSocketHeaderBytes + 5];
//   size_t n = write_client_frame(WebSocketOpcode::kText, "hello", mask,
//   frame);

#ifndef WIREBOOK_NET_WEBSOCKET_FRAME_WRITER_H_
#define WIREBOOK_NET_WEBSOCKET_FRAME_WRITER_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace wirebook {

enum class WebSocketOpcode : uint8_t {
  kContinuation = 0x0,
  kText = 0x1,
  kBinary = 0x2,
  kClose = 0x8,
  kPing = 0x9,
  kPong = 0xa,
};

inline constexpr size_t kMaxWebSocketHeaderBytes = 14;
// A ping, pong or close frame's payload is at most so long.
inline constexpr size_t kMaxControlPayloadBytes = 125;

// Whether RSV1 is set: the payload is permessage-deflate's (RFC 7692).
enum class WebSocketCompressed : uint8_t { kNo = 0, kYes = 0x40 };

// Writes one final frame and returns its length. `mask` must be unpredictable
// (KernelRandom): it keeps a script from choosing the bytes on the wire.
// `payload` may lie in the room itself, kMaxWebSocketHeaderBytes behind `out`
// or further.
inline size_t write_client_frame(
    WebSocketOpcode opcode, std::string_view payload, uint32_t mask, char* out,
    WebSocketCompressed compressed = WebSocketCompressed::kNo) noexcept {
  char* p = out;
  const uint64_t size = payload.size();
  *p++ = static_cast<char>(0x80 | static_cast<uint8_t>(compressed) |
                           static_cast<uint8_t>(opcode));
  int length_bytes = 0;
  if (size < 126) {
    *p++ = static_cast<char>(0x80 | size);
  } else if (size < 65536) {
    *p++ = static_cast<char>(0x80 | 126);
    length_bytes = 2;
  } else {
    *p++ = static_cast<char>(0x80 | 127);
    length_bytes = 8;
  }
  for (int i = length_bytes - 1; i >= 0; --i) {
    *p++ = static_cast<char>(size >> (8 * i));
  }
  std::memcpy(p, &mask, 4);
  p += 4;
  const char* from = payload.data();
  const uint64_t key = uint64_t{mask} << 32 | mask;
  size_t left = payload.size();
  for (; left >= 8; left -= 8, from += 8, p += 8) {
    uint64_t word;
    std::memcpy(&word, from, 8);
    word ^= key;
    std::memcpy(p, &word, 8);
  }
  for (size_t i = 0; i < left; ++i) {
    *p++ = static_cast<char>(*from++ ^ static_cast<char>(key >> (8 * i)));
  }
  return static_cast<size_t>(p - out);
}

}  // namespace wirebook

#endif  // WIREBOOK_NET_WEBSOCKET_FRAME_WRITER_H_
