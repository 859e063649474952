// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// RawMessage: a 64-byte descriptor of one received message: where its bytes
// lie, how many, when they arrived and on which connection.
//
// Use it wherever a message travels as bytes: between the network thread, the
// parsers and a recorder, by pointer. What was parsed out of it is lob's
// ParsedMessage.
//
// A RawMessage comes from a RawMessagePool and goes back to it exactly once:
// by RawMessageLane::release() from a consumer's thread, by
// RawMessagePool::release() from the pool's own. Until then its bytes do not
// change; whoever needs them longer copies them.
//
// The payload is followed by kRawMessageSlackBytes readable bytes of any
// content (usually the next message, perhaps while it is being received), so
// that SIMD parsers may read ahead: wide loads yes, meaning no.
//
//   void on_message(const RawMessage& message) {
//     simdjson::padded_string_view text(
//         message.data, message.size, message.size + kRawMessageSlackBytes);
//     ...
//   }

#ifndef WIREBOOK_NET_RAW_MESSAGE_H_
#define WIREBOOK_NET_RAW_MESSAGE_H_

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>

namespace wirebook {

// Bytes that may be read behind every payload (simdjson wants 64).
inline constexpr size_t kRawMessageSlackBytes = 64;

enum class RawMessageKind : uint8_t { kText, kBinary, kHttpBody };

// What a message says of itself besides its bytes; see RawMessage.
struct RawMessageStamp {
  uint64_t receive_ticks = 0;
  uint64_t kernel_receive_ns = 0;
  uint64_t sequence = 0;
  uint16_t connection = 0;
  uint8_t venue = 0;
  RawMessageKind kind = RawMessageKind::kText;
};

struct alignas(64) RawMessage {
  // The payload; kRawMessageSlackBytes readable bytes follow its last one.
  const char* data;
  // TscClock::ticks() when the completion that brought the last byte was seen.
  uint64_t receive_ticks;
  // Messages of this connection before this one. It counts data messages that
  // were handed over, and those that BackPressure::kDrop dropped: no pings, no
  // fragments; it starts at 0 with every connection and goes on over a
  // reconnection of the same object.
  uint64_t sequence;
  // Payload bytes.
  uint32_t size;
  // kHttpBody: the token the requester gave; otherwise 0.
  uint32_t tag;
  // The number that the connection's owner gave it.
  uint16_t connection;
  // lob's VenueId as a number; net does not interpret it.
  uint8_t venue;
  RawMessageKind kind;

  std::string_view view() const { return {data, size}; }

  // When the kernel took in the packet that brought the last byte, in ns of
  // CLOCK_REALTIME; 0 when it was not asked or did not say
  // (SocketOptions::kernel_timestamps).
  uint64_t kernel_receive_ns() const {
    return origin_ == Origin::kExternal ? 0 : kernel_ns_;
  }

 private:
  friend class RawMessageLane;
  friend class RawMessagePool;
  friend class WebSocketReader;

  void stamp(const RawMessageStamp& stamp) noexcept {
    receive_ticks = stamp.receive_ticks;
    kernel_ns_ = stamp.kernel_receive_ns;
    sequence = stamp.sequence;
    connection = stamp.connection;
    venue = stamp.venue;
    kind = stamp.kind;
  }

  enum class Origin : uint16_t { kSlab, kLarge, kExternal, kDetached };
  enum State : uint32_t { kFree = 0x46524545, kHeld = 0x48454c44, kOnLane = 1 };

  uint32_t place_;  // kSlab: slot in the slab; kLarge: number of the buffer
  union {
    void (*done_)(void*);  // kExternal
    uint64_t kernel_ns_;   // otherwise
  };
  void* argument_;
  uint32_t state_;
  Origin origin_;
  uint16_t slab_;
};

static_assert(sizeof(RawMessage) == 64, "one cache line");
static_assert(std::is_trivially_copyable_v<RawMessage>);

}  // namespace wirebook

#endif  // WIREBOOK_NET_RAW_MESSAGE_H_
