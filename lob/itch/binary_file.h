// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// BinaryFile: messages of a file in which each has its length, two bytes
// big-endian, before it: how exchanges hand out a day of ITCH.
//
// Use it on a file's bytes (read_file for gzip, PageMapping for large plain
// ones); for packets take moldudp64. A length of zero ends the session; so does
// the file's end at a message's border. Anything else at the end is a file cut
// short or damaged.
//
// Named BinaryFILE by Nasdaq, whose document was not at hand: the length before
// each message is as its files have it, the length of zero an assumption. One
// thread; no allocation; views point into the bytes.
//
//   BinaryFile file(bytes);
//   std::span<const std::byte> message;
//   while (file.next(&message)) feed.on_message(message);
//   if (!file.complete()) report(file.offset());
#ifndef WIREBOOK_LOB_ITCH_BINARY_FILE_H_
#define WIREBOOK_LOB_ITCH_BINARY_FILE_H_

#include <cstddef>
#include <span>

namespace wirebook {

class BinaryFile {
 public:
  explicit BinaryFile(std::span<const std::byte> bytes) noexcept
      : bytes_(bytes) {}

  // False at the end, whatever kind of end it is.
  bool next(std::span<const std::byte>* message) noexcept {
    const size_t left = bytes_.size() - offset_;
    if (ended_ || left < 2) return false;
    const size_t length = static_cast<size_t>(bytes_[offset_]) << 8 |
                          static_cast<size_t>(bytes_[offset_ + 1]);
    if (left - 2 < length) return false;
    *message = bytes_.subspan(offset_ + 2, length);
    offset_ += 2 + length;
    ended_ = length == 0;
    return !ended_;
  }

  // After the last next(): no message is cut.
  bool complete() const noexcept { return ended_ || offset_ == bytes_.size(); }
  // Where the next message, or what is no message, begins.
  size_t offset() const noexcept { return offset_; }

 private:
  std::span<const std::byte> bytes_;
  size_t offset_ = 0;
  bool ended_ = false;
};

}  // namespace wirebook

#endif  // WIREBOOK_LOB_ITCH_BINARY_FILE_H_
