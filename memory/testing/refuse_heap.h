// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// For tests: operator new that throws std::bad_alloc, in a binary that depends
// on this, for the thread that holds a RefuseHeap and as long as it does. What
// promises nullptr or a status for want of memory must keep it then, too.
//
//   RefuseHeap refusing;
//   void* block = allocator.allocate(bytes);  // Must not end the process.
#ifndef WIREBOOK_MEMORY_TESTING_REFUSE_HEAP_H_
#define WIREBOOK_MEMORY_TESTING_REFUSE_HEAP_H_

namespace wirebook::testing {

class RefuseHeap {
 public:
  RefuseHeap() noexcept;
  RefuseHeap(const RefuseHeap&) = delete;
  RefuseHeap& operator=(const RefuseHeap&) = delete;
  ~RefuseHeap();
};

}  // namespace wirebook::testing

#endif  // WIREBOOK_MEMORY_TESTING_REFUSE_HEAP_H_
