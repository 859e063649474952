// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "memory/allocation_counter.h"

namespace wirebook::allocation_counter_internal {

constinit thread_local std::uint64_t allocations = 0;
constinit bool installed = false;

}  // namespace wirebook::allocation_counter_internal
