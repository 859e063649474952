// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// The trace of a modelled execution: a line for each access.
//
//   T1 store    state+0x40 = 1  release
//   T2 load     state+0x40 -> 0  acquire, 1 newer

#ifndef WIREBOOK_CONCURRENCY_TESTING_MODEL_TRACE_H_
#define WIREBOOK_CONCURRENCY_TESTING_MODEL_TRACE_H_

#if __cplusplus < 202002L
#error "wirebook needs C++20: compile with -std=c++20"
#endif

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "concurrency/testing/model_memory.h"

namespace wirebook::model {

enum class Action : uint8_t {
  kLoad,
  kStore,
  kUpdate,  // read-modify-write
  kWait,
  kNotify,
  kFence,
  kLightFence,
  kHeavyFence,
  kPause,
  kBegin,  // this and the rest are no accesses to atomics
  kEnd,
  kRead,
  kWrite,
  kExit,
};

struct Event {
  Thread thread;
  Action action;
  const void* object;
  std::memory_order order;
  Value value;
  uint32_t newer;  // stores that a load passed over
};

// `state` is the address of the test's own object, by which others in it are
// named; those outside it get numbers in the order of the trace.
std::string to_text(const std::vector<Event>& trace, const void* state,
                    size_t state_bytes);

}  // namespace wirebook::model

#endif  // WIREBOOK_CONCURRENCY_TESTING_MODEL_TRACE_H_
