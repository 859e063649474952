// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// LoopFlags: the flags of the small WebSocket programs that say how their
// UringLoop waits and by which of the kernel's interfaces it works.
//
//   wirebook::LoopFlags flags;
//   flags.add_to(app);                      // --backend=, --wait=
//   auto loop = flags.make_loop({}, pool.get());

#ifndef WIREBOOK_TOOLS_LOOP_FLAGS_H_
#define WIREBOOK_TOOLS_LOOP_FLAGS_H_

#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "net/uring_loop.h"
#include "net/wait_mode.h"

namespace wirebook {

struct LoopFlags {
  std::string backend = "auto";
  std::string wait = "adaptive";

  void add_to(CLI::App& app) {
    app.add_option("--backend", backend,
                   "auto, uring or epoll: what the loop works by")
        ->check(CLI::IsMember({"auto", "uring", "epoll"}));
    app.add_option("--wait", wait,
                   "spin, adaptive or sleep: what it does while nothing comes")
        ->check(CLI::IsMember({"spin", "adaptive", "sleep"}));
  }

  // The flags over `options`. uring takes the better of the two that the
  // kernel grants, and is an error where it grants neither.
  absl::StatusOr<std::unique_ptr<UringLoop>> make_loop(
      UringLoopOptions options, RawMessagePool* pool) const {
    options.wait = *parse_wait_mode(wait);
    if (backend == "epoll") options.backend = LoopBackendChoice::kEpoll;
    if (backend != "uring") return UringLoop::create(options, pool);
    options.backend = LoopBackendChoice::kUringIncremental;
    auto loop = UringLoop::create(options, pool);
    if (loop.ok()) return loop;
    options.backend = LoopBackendChoice::kUringOneShot;
    return UringLoop::create(options, pool);
  }
};

}  // namespace wirebook

#endif  // WIREBOOK_TOOLS_LOOP_FLAGS_H_
