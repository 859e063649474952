// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
#include "memory/fail_fast.h"

#include <unistd.h>

#include <cstddef>
#include <cstdio>
#include <cstdlib>

namespace wirebook {

void fail_fast(const char* part, const void* self, const char* what,
               const void* address) noexcept {
  char line[320];
  char end[32] = "";
  if (address != nullptr) std::snprintf(end, sizeof(end), " %p", address);
  const int length =
      std::snprintf(line, sizeof(line), "wirebook: %.40s %p: %.200s%s\n", part,
                    self, what, end);
  if (write(STDERR_FILENO, line, static_cast<std::size_t>(length)) < 0) {
    // Nobody listens; the abort still tells.
  }
  std::abort();
}

}  // namespace wirebook
