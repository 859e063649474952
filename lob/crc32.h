// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// CRC-32 as in IEEE 802.3 and zlib: reflected polynomial 0xEDB88320, all ones
// before and after.
//
// Folds with carry-less multiplication where the processor has it (looked up at
// run time; the caller needs no -m flag), else takes eight bytes a step from
// tables. Use it for a venue's checksums; for large files zlib does as well.
//
// Thread rules: free functions without state, noexcept.
// Cost: one fold a 16 bytes, and one reduction; kraken_checksum_benchmark.
//
//   uint32_t sum = crc32(std::span("123456789", 9));  // 0xCBF43926
//   sum = crc32(more, sum);                           // as if concatenated
#ifndef WIREBOOK_LOB_CRC32_H_
#define WIREBOOK_LOB_CRC32_H_

#include <cstddef>
#include <cstdint>
#include <span>

namespace wirebook {

// Of `data`, or of what gave `previous` followed by `data`.
uint32_t crc32(std::span<const char> data, uint32_t previous = 0) noexcept;

// Of what gave `first` followed by the `second_size` bytes that gave `second`:
// two parts of which one changed need not both be read again.
uint32_t crc32_combine(uint32_t first, uint32_t second,
                       size_t second_size) noexcept;

// The same by tables alone, and whether crc32() does better here.
uint32_t crc32_by_table(std::span<const char> data,
                        uint32_t previous = 0) noexcept;
uint32_t crc32_combine_by_table(uint32_t first, uint32_t second,
                                size_t second_size) noexcept;
bool crc32_is_accelerated() noexcept;

}  // namespace wirebook

#endif  // WIREBOOK_LOB_CRC32_H_
