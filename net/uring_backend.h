// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// The loop's backend over io_uring. Private to net; use UringLoop.

#ifndef WIREBOOK_NET_URING_BACKEND_H_
#define WIREBOOK_NET_URING_BACKEND_H_

#include <cstddef>
#include <cstdint>
#include <memory>

#include "absl/status/statusor.h"
#include "net/loop_backend.h"

namespace wirebook {

enum class UringReceive : uint8_t {
  kIncremental,  // multishot into buffers that are consumed bit by bit
  kOneShot,      // one receive at a time
};

// Fails where the kernel refuses io_uring or that way of receiving.
absl::StatusOr<std::unique_ptr<LoopBackend>> make_uring_backend(
    UringReceive receive, size_t max_streams);

}  // namespace wirebook

#endif  // WIREBOOK_NET_URING_BACKEND_H_
