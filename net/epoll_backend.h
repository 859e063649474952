// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// The loop's backend over epoll and recv, for kernels and containers that
// refuse io_uring. Private to net; use UringLoop.

#ifndef WIREBOOK_NET_EPOLL_BACKEND_H_
#define WIREBOOK_NET_EPOLL_BACKEND_H_

#include <cstddef>
#include <memory>

#include "absl/status/statusor.h"
#include "net/loop_backend.h"

namespace wirebook {

absl::StatusOr<std::unique_ptr<LoopBackend>> make_epoll_backend(
    size_t max_streams);

}  // namespace wirebook

#endif  // WIREBOOK_NET_EPOLL_BACKEND_H_
