// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// Utf8Validator: whether bytes that arrive in pieces are UTF-8 (RFC 3629: no
// overlong forms, no surrogates, nothing above U+10FFFF); and
// leading_ascii(), the fast path for text that lies whole in memory.
//
// Text that is whole is better given to leading_ascii() first and the rest to
// simdjson::validate_utf8(); this class is for text in fragments.
//
// Cost: leading_ascii 16 bytes a cycle or so, 32 with AVX2; the automaton some
// ns a byte that is not ASCII.
//
//   wirebook::Utf8Validator validator;
//   bool good = validator.feed("\xe2\x82", 2) && validator.feed("\xac", 1) &&
//               validator.complete();

#ifndef WIREBOOK_NET_UTF8_VALIDATOR_H_
#define WIREBOOK_NET_UTF8_VALIDATOR_H_

#include <immintrin.h>  // SSE2, part of x86-64; AVX2 where the build has it

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace wirebook {

// For leading_ascii(): of at most 31 bytes.
inline bool short_is_ascii(const char* data, size_t size) noexcept {
  const auto word = [data](size_t at) {
    uint64_t bytes;
    std::memcpy(&bytes, data + at, 8);
    return bytes;
  };
  uint64_t any = 0;
  if (size >= 8) {
    const size_t last = size - 8;
    any = word(0) | word(last < 8 ? last : 8) | word(last < 16 ? last : 16) |
          word(last);
  } else {
    std::memcpy(&any, data, size);
  }
  return (any & 0x8080808080808080) == 0;
}

// How many of the first bytes are surely ASCII: all `size` if all are,
// otherwise a lower bound that is at most 255 short. Reads only [data, data +
// size). Lengths choose few branches, since those of a feed's messages are hard
// to predict: loads overlap instead.
inline size_t leading_ascii(const char* data, size_t size) noexcept {
#if defined(__AVX2__)
  using Vector = __m256i;
  const auto load = [data](size_t at) {
    return _mm256_loadu_si256(reinterpret_cast<const Vector*>(data + at));
  };
  const auto both = [](Vector a, Vector b) { return _mm256_or_si256(a, b); };
  const auto ascii = [](Vector v) { return _mm256_movemask_epi8(v) == 0; };
#else
  using Vector = __m128i;
  const auto load = [data](size_t at) {
    return _mm_loadu_si128(reinterpret_cast<const Vector*>(data + at));
  };
  const auto both = [](Vector a, Vector b) { return _mm_or_si128(a, b); };
  const auto ascii = [](Vector v) { return _mm_movemask_epi8(v) == 0; };
#endif
  constexpr size_t kWide = sizeof(Vector);
  const auto pair = [&](size_t at) { return both(load(at), load(at + kWide)); };
  if (size < kWide) return short_is_ascii(data, size) ? size : 0;
  size_t i = 0;
  for (; size - i > 8 * kWide; i += 8 * kWide) {
    if (!ascii(both(both(pair(i), pair(i + 2 * kWide)),
                    both(pair(i + 4 * kWide), pair(i + 6 * kWide))))) {
      return i;
    }
  }
  if (size < 2 * kWide) {
    return ascii(both(load(0), load(size - kWide))) ? size : 0;
  }
  // One to eight vectors are left: the last eight, as far as there are so many.
  const size_t last = size - 2 * kWide;
  const auto back = [last](size_t bytes) {
    return last > bytes ? last - bytes : 0;
  };
  const Vector any = both(both(pair(last), pair(back(2 * kWide))),
                          both(pair(back(4 * kWide)), pair(back(6 * kWide))));
  return ascii(any) ? size : i;
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
