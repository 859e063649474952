// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// TlsRecordOpener against OpenSSL: an input is a script for a server's records
// (net/testing/opener_differential.cc), its first byte the cipher suite. Both
// must read the same bytes and end the same way.

#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

#include "net/testing/opener_differential.h"
#include "tools/build_defs/fuzz.h"

std::vector<std::string> fuzz_seeds() {
  using namespace std::string_literals;
  return {
      "\0\0\0\x0a\1\1\0\2\x40\0\x10"s,         // data, long, padded
      "\1\0\0\5\3\1\0\0\5\3\0\0\0\5\5\1\0"s,   // KeyUpdates, close_notify
      "\2\7\0\0\5\x8\x6\1\0\0\5\x9\xa\3"s,     // tickets, whole and split
      "\0\4\0\1\x16\0\0\5"s,                   // a KeyUpdate and more
      "\1\5\2\x28"s,                           // a fatal alert
      "\2\x6\x16\4\x18\0\0\1\x0b\x9\3"s,       // handshake pieces, damage
      "\0\x0c\1\2\x0d\x14 random bytes here"s  // headers, raw records
  };
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const auto suite = static_cast<uint16_t>(0x1301 + data[0] % 3);
  const std::string difference =
      wirebook::testing::compare_opener_with_openssl(suite, data + 1, size - 1);
  if (!difference.empty()) std::fprintf(stderr, "%s\n", difference.c_str());
  FUZZ_CHECK(difference.empty());
  return 0;
}
