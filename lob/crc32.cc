// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
#include "lob/crc32.h"

#include <immintrin.h>

#include <array>
#include <cstddef>
#include <cstring>

namespace wirebook {
namespace {

// table[k][b]: the remainder of byte b followed by k zero bytes.
using Tables = std::array<std::array<uint32_t, 256>, 8>;

constexpr Tables kTables = [] {
  Tables tables{};
  for (uint32_t byte = 0; byte < 256; ++byte) {
    uint32_t remainder = byte;
    for (int bit = 0; bit < 8; ++bit) {
      remainder = (remainder >> 1) ^ ((remainder & 1) != 0 ? 0xEDB88320U : 0U);
    }
    tables[0][byte] = remainder;
  }
  for (size_t k = 1; k < tables.size(); ++k) {
    for (size_t byte = 0; byte < 256; ++byte) {
      const uint32_t before = tables[k - 1][byte];
      tables[k][byte] = (before >> 8) ^ tables[0][before & 0xFF];
    }
  }
  return tables;
}();

// The functions below work on the register itself: no inversion before or
// after.
uint32_t by_table(const char* data, size_t size, uint32_t state) noexcept {
  for (; size >= 8; data += 8, size -= 8) {
    uint64_t word;
    std::memcpy(&word, data, 8);
    word ^= state;
    state = kTables[7][word & 0xFF] ^ kTables[6][(word >> 8) & 0xFF] ^
            kTables[5][(word >> 16) & 0xFF] ^ kTables[4][(word >> 24) & 0xFF] ^
            kTables[3][(word >> 32) & 0xFF] ^ kTables[2][(word >> 40) & 0xFF] ^
            kTables[1][(word >> 48) & 0xFF] ^ kTables[0][word >> 56];
  }
  for (; size != 0; ++data, --size) {
    state = (state >> 8) ^
            kTables[0][(state ^ static_cast<unsigned char>(*data)) & 0xFF];
  }
  return state;
}

// kPowers[n]: x to the power of 8 n modulo the polynomial; bit 31 is x^0.
constexpr size_t kMaxPower = 512;
constexpr std::array<uint32_t, kMaxPower + 1> kPowers = [] {
  std::array<uint32_t, kMaxPower + 1> powers{0x80000000U};
  for (size_t n = 0; n < kMaxPower; ++n) {
    powers[n + 1] = (powers[n] >> 8) ^ kTables[0][powers[n] & 0xFF];
  }
  return powers;
}();

uint32_t multiply_by_bits(uint32_t left, uint32_t right) noexcept {
  uint32_t product = 0;
  for (uint32_t bit = 0x80000000U; bit != 0; bit >>= 1) {
    product ^= (right & bit) != 0 ? left : 0;
    left = (left >> 1) ^ ((left & 1) != 0 ? 0xEDB88320U : 0U);
  }
  return product;
}

template <class Multiply>
uint32_t combine(uint32_t first, uint32_t second, size_t second_size,
                 Multiply&& multiply) noexcept {
  for (; second_size > kMaxPower; second_size -= kMaxPower) {
    first = multiply(first, kPowers[kMaxPower]);
  }
  return multiply(first, kPowers[second_size]) ^ second;
}

#define WIREBOOK_CRC32_TARGET __attribute__((target("pclmul,sse4.1")))

WIREBOOK_CRC32_TARGET inline __m128i load(const void* data) noexcept {
  return _mm_loadu_si128(static_cast<const __m128i*>(data));
}

// `block` moved over as many bits as `by` holds powers of x for.
WIREBOOK_CRC32_TARGET inline __m128i fold(__m128i block, __m128i by) noexcept {
  return _mm_xor_si128(_mm_clmulepi64_si128(block, by, 0x00),
                       _mm_clmulepi64_si128(block, by, 0x11));
}

// Byte shuffles: from kShifts + 16 - n moves up by n bytes, from kShifts + 16 +
// n down; what is moved in is zero.
alignas(16) constexpr unsigned char kShifts[48] = {
    0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80,
    0x80, 0x80, 0x80, 0x80, 0,    1,    2,    3,    4,    5,    6,    7,
    8,    9,    10,   11,   12,   13,   14,   15,   0x80, 0x80, 0x80, 0x80,
    0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80};

// Barrett's reduction of the lower 64 bits to 32.
WIREBOOK_CRC32_TARGET inline uint32_t reduce(__m128i x) noexcept {
  const __m128i low_halves = _mm_set_epi32(0, -1, 0, -1);
  const __m128i barrett = _mm_set_epi64x(0x01f7011641, 0x01db710641);
  __m128i quotient =
      _mm_clmulepi64_si128(_mm_and_si128(x, low_halves), barrett, 0x10);
  quotient =
      _mm_clmulepi64_si128(_mm_and_si128(quotient, low_halves), barrett, 0x00);
  return static_cast<uint32_t>(
      _mm_extract_epi32(_mm_xor_si128(x, quotient), 1));
}

// At least 16 bytes. Gopal et al., "Fast CRC Computation for Generic
// Polynomials Using PCLMULQDQ Instruction", Intel 2009; constants for the
// reflected form.
WIREBOOK_CRC32_TARGET uint32_t by_folding(const char* data, size_t size,
                                          uint32_t state) noexcept {
  const __m128i by_64_bytes = _mm_set_epi64x(0x01c6e41596, 0x0154442bd4);
  const __m128i by_16_bytes = _mm_set_epi64x(0x00ccaa009e, 0x01751997d0);
  const char* const end = data + size;
  __m128i x =
      _mm_xor_si128(load(data), _mm_cvtsi32_si128(static_cast<int>(state)));
  data += 16;
  if (end - data >= 48) {
    __m128i x1 = load(data);
    __m128i x2 = load(data + 16);
    __m128i x3 = load(data + 32);
    data += 48;
    for (; end - data >= 64; data += 64) {
      x = _mm_xor_si128(fold(x, by_64_bytes), load(data));
      x1 = _mm_xor_si128(fold(x1, by_64_bytes), load(data + 16));
      x2 = _mm_xor_si128(fold(x2, by_64_bytes), load(data + 32));
      x3 = _mm_xor_si128(fold(x3, by_64_bytes), load(data + 48));
    }
    x = _mm_xor_si128(fold(x, by_16_bytes), x1);
    x = _mm_xor_si128(fold(x, by_16_bytes), x2);
    x = _mm_xor_si128(fold(x, by_16_bytes), x3);
  }
  for (; end - data >= 16; data += 16) {
    x = _mm_xor_si128(fold(x, by_16_bytes), load(data));
  }
  if (const auto tail = static_cast<size_t>(end - data); tail != 0) {
    // x and the tail are 16 + tail bytes: fold the first `tail` of them over
    // the rest.
    const __m128i up = load(kShifts + tail);
    const __m128i first = _mm_shuffle_epi8(x, up);
    const __m128i rest = _mm_shuffle_epi8(x, load(kShifts + 16 + tail));
    x = _mm_xor_si128(fold(first, by_16_bytes),
                      _mm_blendv_epi8(load(end - 16), rest, up));
  }
  // 128 bits to 96, to 64, to 32.
  const __m128i low_halves = _mm_set_epi32(0, -1, 0, -1);
  x = _mm_xor_si128(_mm_srli_si128(x, 8),
                    _mm_clmulepi64_si128(x, by_16_bytes, 0x10));
  x = _mm_xor_si128(_mm_srli_si128(x, 4),
                    _mm_clmulepi64_si128(_mm_and_si128(x, low_halves),
                                         _mm_set_epi64x(0, 0x0163cd6124), 0));
  return reduce(x);
}

WIREBOOK_CRC32_TARGET uint32_t multiply_by_folding(uint32_t left,
                                                   uint32_t right) noexcept {
  const __m128i product =
      _mm_clmulepi64_si128(_mm_cvtsi32_si128(static_cast<int>(left)),
                           _mm_cvtsi32_si128(static_cast<int>(right)), 0);
  // Reflected factors of 32 bits give 63 bits: the 64th, the lowest, is none.
  return reduce(_mm_slli_epi64(product, 1));
}

#undef WIREBOOK_CRC32_TARGET

// False until initialised, which costs a caller in another static initialiser
// speed alone.
const bool kAccelerated = [] {
  __builtin_cpu_init();
  return __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("sse4.1");
}();

}  // namespace

uint32_t crc32(std::span<const char> data, uint32_t previous) noexcept {
  if (kAccelerated && data.size() >= 16) {
    return ~by_folding(data.data(), data.size(), ~previous);
  }
  return ~by_table(data.data(), data.size(), ~previous);
}

uint32_t crc32_by_table(std::span<const char> data,
                        uint32_t previous) noexcept {
  return ~by_table(data.data(), data.size(), ~previous);
}

uint32_t crc32_combine(uint32_t first, uint32_t second,
                       size_t second_size) noexcept {
  return kAccelerated ? combine(first, second, second_size, multiply_by_folding)
                      : crc32_combine_by_table(first, second, second_size);
}

uint32_t crc32_combine_by_table(uint32_t first, uint32_t second,
                                size_t second_size) noexcept {
  return combine(first, second, second_size, multiply_by_bits);
}

bool crc32_is_accelerated() noexcept { return kAccelerated; }

}  // namespace wirebook
