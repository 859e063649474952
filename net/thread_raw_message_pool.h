// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// thread_raw_message_pool(): a RawMessagePool of the calling thread's own, made
// when it is first asked for.
//
// Use it where a network thread needs one pool and nothing else decides about
// it; make a RawMessagePool yourself where its options, or when it ends,
// matter.
//
// Thread rules: each thread has its own, and is its owner. The pool ends with
// the thread: streams and readers over it must be gone by then, and its
// messages home (RawMessagePool's destructor ends the process otherwise); the
// lanes of other threads must not be used any more.
//
// Cost: after the first call that of a thread_local pointer. Of the capacity
// only what slabs take is mapped.
//
//   absl::Status status = wirebook::set_thread_pool_capacity(1024);  // 64 MiB
//   wirebook::RawMessagePool* pool = *wirebook::thread_raw_message_pool();
//   auto loop = *wirebook::UringLoop::create({}, pool);

#ifndef WIREBOOK_NET_THREAD_RAW_MESSAGE_POOL_H_
#define WIREBOOK_NET_THREAD_RAW_MESSAGE_POOL_H_

#include <cstddef>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "net/raw_message_pool.h"

namespace wirebook {

// How many slots of 64 KiB the slabs of the calling thread's pool may have
// together: RawMessagePoolOptions::slots, 16,384 unless set here. An error for
// 0, and when the thread has its pool already.
absl::Status set_thread_pool_capacity(size_t slots);

// The calling thread's pool, always the same. An error, which the next call may
// not have, where memory cannot be had.
absl::StatusOr<RawMessagePool*> thread_raw_message_pool();

}  // namespace wirebook

#endif  // WIREBOOK_NET_THREAD_RAW_MESSAGE_POOL_H_
