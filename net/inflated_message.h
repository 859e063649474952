// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// InflatedMessage: puts a compressed message's frames together as a RawMessage
// of the pool: MessageInflater's output, in a slab of its own or, where that
// has no room, in one of the pool's large buffers.
//
// WebSocketReader's part for permessage-deflate; not for anyone else. The slab
// is the same kind of memory as the one that the kernel receives into, so
// that messages go home the same way. The pool's owner thread; no allocation
// after start().

#ifndef WIREBOOK_NET_INFLATED_MESSAGE_H_
#define WIREBOOK_NET_INFLATED_MESSAGE_H_

#include <cstddef>
#include <cstdint>

#include "absl/status/status.h"
#include "net/permessage_deflate.h"
#include "net/raw_message_pool.h"
#include "net/websocket_frame_parser.h"

namespace wirebook {

class InflatedMessage {
 public:
  enum class Result : uint8_t {
    kTaken,    // the frame is taken in, the message goes on
    kMessage,  // and it is whole
    kNoRoom,   // the same frame again when something has come home to the pool
    kError,    // error() says what is wrong
  };

  // `slab` is the caller's and outlives this. Messages of more than
  // `max_bytes`, which a large buffer holds, are refused.
  InflatedMessage(RawMessagePool* pool, RawMessageSlab* slab,
                  uint64_t max_bytes, bool validate_utf8)
      : pool_(pool),
        slab_(slab),
        max_bytes_(max_bytes),
        validate_utf8_(validate_utf8) {}
  ~InflatedMessage() { drop(); }
  InflatedMessage(const InflatedMessage&) = delete;
  InflatedMessage& operator=(const InflatedMessage&) = delete;

  absl::Status start(const PermessageDeflateAgreement& agreed);
  // The connection has ended.
  void drop() noexcept;

  // The next part of a message. After kMessage `*message` is the caller's.
  Result take(const WebSocketFrame& frame, RawMessage** message) noexcept;

  WebSocketError error() const noexcept { return error_; }
  // Whether the message that take() gave last is in a large buffer.
  bool last_was_large() const noexcept { return last_was_large_; }

 private:
  char* room(size_t* size) noexcept;
  bool move_to_large() noexcept;
  Result run() noexcept;
  Result finish(const WebSocketFrame& frame, RawMessage** message) noexcept;
  Result fail(WebSocketError error) noexcept {
    error_ = error;
    return Result::kError;
  }

  RawMessagePool* const pool_;
  RawMessageSlab* const slab_;
  const uint64_t max_bytes_;
  const bool validate_utf8_;
  MessageInflater inflater_;
  enum class Stage : uint8_t { kBefore, kFed, kTailFed };
  Stage stage_ = Stage::kBefore;  // of the frame that is being taken
  char* large_ = nullptr;         // where the message goes, or the slab
  size_t size_ = 0;               // of the message so far
  bool last_was_large_ = false;
  WebSocketError error_ = WebSocketError::kNone;
};

}  // namespace wirebook

#endif  // WIREBOOK_NET_INFLATED_MESSAGE_H_
