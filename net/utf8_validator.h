// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// Utf8Validator: whether bytes that arrive in pieces are UTF-8 (RFC 3629: no
// overlong forms, no surrogates, nothing above U+10FFFF); and
// leading_ascii(), the fast path for text that lies whole in memory.
//
// Text that is whole is better given to leading_ascii() first and the rest to
// simdjson::validate_utf8(); this class is for text in fragments.
//
// Cost: leading_ascii 16 bytes a cycle or so; the automaton some ns a byte
// that is not ASCII.
//
//   wirebook::Utf8Validator validator;
//   bool good = validator.feed("\xe2\x82", 2) && validator.feed("\xac", 1) &&
//               validator.complete();

#ifndef WIREBOOK_NET_UTF8_VALIDATOR_H_
#define WIREBOOK_NET_UTF8_VALIDATOR_H_

#include <emmintrin.h>  // SSE2: part of x86-64

#include <cstddef>
#include <cstdint>

namespace wirebook {

// How many of the first bytes are surely ASCII: all `size` if all are,
// otherwise a lower bound that is at most 63 short. Reads only [data, data +
// size).
inline size_t leading_ascii(const char* data, size_t size) noexcept {
  const auto load = [&](size_t at) {
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(data + at));
  };
  if (size < 16) {
    for (size_t i = 0; i < size; ++i) {
      if (static_cast<signed char>(data[i]) < 0) return i;
    }
    return size;
  }
  size_t i = 0;
  for (; i + 64 <= size; i += 64) {
    const __m128i any = _mm_or_si128(_mm_or_si128(load(i), load(i + 16)),
                                     _mm_or_si128(load(i + 32), load(i + 48)));
    if (_mm_movemask_epi8(any) != 0) return i;
  }
  // What is left, 0 to 63 bytes, the last 16 of them overlapping.
  __m128i any = load(size - 16);
  const size_t rest = i;
  for (; i + 16 <= size; i += 16) any = _mm_or_si128(any, load(i));
  return _mm_movemask_epi8(any) == 0 ? size : rest;
}

class Utf8Validator {
 public:
  void reset() noexcept { *this = Utf8Validator(); }

  // False as soon as a byte cannot belong to UTF-8 text; then reset() first.
  bool feed(const char* data, size_t size) noexcept {
    size_t i = 0;
    while (i < size) {
      if (left_ == 0) {
        i += leading_ascii(data + i, size - i);
        if (i == size) break;
      }
      if (!step(static_cast<uint8_t>(data[i]))) return false;
      ++i;
    }
    return true;
  }

  // Whether no character is left open.
  bool complete() const noexcept { return left_ == 0; }

 private:
  // The table of well-formed sequences, Unicode 15, section 3.9, table 3-7.
  bool step(uint8_t byte) noexcept {
    if (left_ != 0) {
      if (byte < low_ || byte > high_) return false;
      low_ = 0x80;
      high_ = 0xbf;
      --left_;
      return true;
    }
    if (byte < 0x80) return true;
    low_ = 0x80;
    high_ = 0xbf;
    if (byte >= 0xc2 && byte <= 0xdf) {
      left_ = 1;
    } else if (byte >= 0xe0 && byte <= 0xef) {
      left_ = 2;
      if (byte == 0xe0) low_ = 0xa0;   // overlong
      if (byte == 0xed) high_ = 0x9f;  // surrogates
    } else if (byte >= 0xf0 && byte <= 0xf4) {
      left_ = 3;
      if (byte == 0xf0) low_ = 0x90;   // overlong
      if (byte == 0xf4) high_ = 0x8f;  // above U+10FFFF
    } else {
      return false;
    }
    return true;
  }

  uint8_t left_ = 0;  // bytes that the open character still needs
  uint8_t low_ = 0x80;
  uint8_t high_ = 0xbf;
};

}  // namespace wirebook

#endif  // WIREBOOK_NET_UTF8_VALIDATOR_H_
