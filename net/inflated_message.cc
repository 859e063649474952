// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "net/inflated_message.h"

#include <algorithm>
#include <cstring>

namespace wirebook {

absl::Status InflatedMessage::start(const PermessageDeflateAgreement& agreed) {
  drop();
  return inflater_.start(agreed);
}

void InflatedMessage::drop() noexcept {
  if (large_ != nullptr) pool_->abandon_large(large_);
  large_ = nullptr;
  size_ = 0;
  stage_ = Stage::kBefore;
}

InflatedMessage::Result InflatedMessage::take(const WebSocketFrame& frame,
                                              RawMessage** message) noexcept {
  if (stage_ == Stage::kBefore) {
    inflater_.feed(frame.payload, frame.size);
    stage_ = Stage::kFed;
  }
  if (stage_ == Stage::kFed) {
    const Result result = run();
    if (result != Result::kTaken) return result;
    if (!frame.last) {
      stage_ = Stage::kBefore;
      return Result::kTaken;
    }
    inflater_.feed_end();
    stage_ = Stage::kTailFed;
  }
  // Asked for first, so that the end is not reached twice.
  if (!pool_->descriptor_free()) return Result::kNoRoom;
  const Result result = run();
  if (result != Result::kTaken) return result;
  return finish(frame, message);
}

// Inflates what was fed.
InflatedMessage::Result InflatedMessage::run() noexcept {
  for (;;) {
    size_t size = 0;
    char* const out = room(&size);
    if (out == nullptr) return Result::kNoRoom;
    size_t written = 0;
    const MessageInflater::Result result =
        inflater_.inflate(out, size, &written);
    size_ += written;
    if (size_ > max_bytes_) return fail(WebSocketError::kMessageTooLong);
    if (result == MessageInflater::Result::kCorrupt) {
      return fail(WebSocketError::kInvalidDeflate);
    }
    if (result == MessageInflater::Result::kTaken) return Result::kTaken;
  }
}

// Room behind what is there: at least one byte, or nullptr. Of a message's
// bytes one more than allowed may be asked for, so that it shows; in a large
// buffer that one is in the slack.
char* InflatedMessage::room(size_t* size) noexcept {
  const uint64_t left = max_bytes_ + 1 - size_;
  if (large_ == nullptr) {
    const uint64_t contiguous = std::min<uint64_t>(
        slab_->writable_bytes(), slab_->max_contiguous_bytes());
    if (contiguous > size_) {
      *size = static_cast<size_t>(std::min(left, contiguous - size_));
      return slab_->write_pointer() + size_;
    }
    if (!move_to_large()) return nullptr;
  }
  *size = static_cast<size_t>(left);
  return large_ + size_;
}

bool InflatedMessage::move_to_large() noexcept {
  char* const buffer = pool_->take_large();
  if (buffer == nullptr) return false;
  std::memcpy(buffer, slab_->write_pointer(), size_);
  large_ = buffer;
  return true;
}

InflatedMessage::Result InflatedMessage::finish(const WebSocketFrame& frame,
                                                RawMessage** message) noexcept {
  const char* const data = large_ != nullptr ? large_ : slab_->write_pointer();
  if (validate_utf8_ && frame.opcode == WebSocketOpcode::kText &&
      !WebSocketFrameParser::valid_text(data, size_)) {
    return fail(WebSocketError::kInvalidUtf8);
  }
  const auto size = static_cast<uint32_t>(size_);
  if (large_ != nullptr) {
    *message = pool_->acquire_large(large_, size);
  } else {
    const uint64_t position = slab_->write_position();
    slab_->commit(size);
    *message = pool_->acquire(*slab_, position, size);
    slab_->set_parse_position(slab_->write_position());
  }
  last_was_large_ = large_ != nullptr;
  large_ = nullptr;
  size_ = 0;
  stage_ = Stage::kBefore;
  return Result::kMessage;
}

}  // namespace wirebook
