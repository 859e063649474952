// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// fail_fast: how a part of this layer ends the process when an invariant is
// broken: one line on stderr that names the part and the address, then abort.
//
// For misuse that must not go on (a double free, a foreign pointer). Input and
// set-up report by absl::Status instead. Any thread, any moment: it formats on
// the stack and writes with one system call, so lines of two threads stay
// whole.
//
//   if (!out) fail_fast("BufferPool", this, "double return of", buffer);
//   // wirebook: BufferPool 0x7ffc10: double return of 0x7f3a40
#ifndef WIREBOOK_MEMORY_FAIL_FAST_H_
#define WIREBOOK_MEMORY_FAIL_FAST_H_

#if __cplusplus < 202002L
#error "wirebook needs -std=c++20"
#endif

namespace wirebook {

// `what` is a phrase in plain words, cut at 200 characters; `address` follows
// it unless it is nullptr.
[[noreturn, gnu::cold]] void fail_fast(const char* part, const void* self,
                                       const char* what,
                                       const void* address = nullptr) noexcept;

}  // namespace wirebook

#endif  // WIREBOOK_MEMORY_FAIL_FAST_H_
