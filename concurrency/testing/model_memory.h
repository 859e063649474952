// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// ModelMemory: the memory of one modelled execution under the C++20 memory
// model. It says which values a load may return, what each access makes known
// to a thread, and which plain accesses race. It neither schedules nor chooses:
// model_scheduler.h does, and model.h is what tests use.
//
// A location is its stores in modification order. A view is what is known: for
// each thread its last known step (happens-before), for each location the
// oldest store that may still be read (coherence). Each thread has a view; a
// release store carries it, an acquire load takes it over. A load may return
// any store from its thread's floor to the newest; a read-modify-write reads
// the newest. This is the machine of Kang et al., "A Promising Semantics for
// Relaxed-Memory Concurrency" (POPL 2017), without its promises, with release
// sequences and the order of seq_cst operations as C++20 has them (P0668,
// P0982).
//
// Modelled: stale reads as far as coherence, happens-before and the order S of
// seq_cst operations allow; release sequences through read-modify-writes;
// fences; the asymmetric pair (P1202): light and heavy order each other as two
// seq_cst fences would, light and light do not.
//
// Not modelled: a store that takes effect before an earlier load of its thread
// (load buffering, out-of-thin-air), or against the interleaving's order (the
// weak outcome of 2+2W); a compare_exchange that fails on a stale value, or
// spuriously; consume is acquire. What is explored is a subset of what C++
// allows and more than what x86 and its compilers do, except for such
// reordering of relaxed stores by a compiler.
//
// Threads: none; the caller serialises. Cost: microseconds.

#ifndef WIREBOOK_CONCURRENCY_TESTING_MODEL_MEMORY_H_
#define WIREBOOK_CONCURRENCY_TESTING_MODEL_MEMORY_H_

#if __cplusplus < 202002L
#error "wirebook needs C++20: compile with -std=c++20"
#endif

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace wirebook::model {

using Thread = uint32_t;                  // 0 sets up and checks
inline constexpr size_t kMaxThreads = 8;  // the one of set-up included

// The bytes of what an atomic holds, padded with zeros.
struct Value {
  std::array<uint64_t, 2> words{};
  friend bool operator==(const Value&, const Value&) = default;
};

class ModelMemory {
 public:
  using Location = uint32_t;

  // ---- Lifetimes and plain data ---------------------------------------------
  // Each returns what is wrong, or an empty string: a race with another thread,
  // or the use of what does not live.

  // An object begins or ends to live at `address`.
  std::string begin(Thread self, const void* address);
  std::string end(Thread self, const void* address);
  // A plain access to it.
  std::string read(Thread self, const void* address);
  std::string write(Thread self, const void* address);
  // Whether anything lives, or has lived, in [first, last).
  bool knows_any_in(const void* first, const void* last) const;

  // ---- Atomics
  // ---------------------------------------------------------------

  // A location at `address`, after begin() by the same thread.
  Location create(Thread self, const void* address, Value initial);
  // One that lived before the execution; its creator is kMaxThreads.
  Location adopt(const void* address, Value initial);

  // The location at `address`; false if none lives there, or one that died.
  bool find(const void* address, Location& out) const;
  bool died(const void* address) const;

  // Every access checks its location's life first.
  std::string touch(Thread self, Location location);

  // What a load may return: store indices from the first to last().
  uint32_t first_readable(Thread self, Location location,
                          std::memory_order order) const;
  uint32_t last(Location location) const;
  Value value(Location location, uint32_t index) const;

  void load(Thread self, Location location, uint32_t index,
            std::memory_order order);
  void store(Thread self, Location location, Value value,
             std::memory_order order);
  // Replaces the newest store; a failed compare_exchange is a load of it.
  void exchange(Thread self, Location location, Value value,
                std::memory_order order);

  // Who created it, and the how-manieth of that thread's: the same in every
  // execution.
  Thread creator(Location location) const;
  uint32_t creator_count(Location location) const;
  const void* address(Location location) const;

  // ---- Fences and threads
  // -----------------------------------------------------

  void fence(Thread self, std::memory_order order);
  void light_fence(Thread self);
  void heavy_fence(Thread self);

  // What `parent` did happens before what `child` does from here on: a start,
  // or, with the two exchanged, a join.
  void order(Thread parent, Thread child);

 private:
  struct View {
    std::array<uint32_t, kMaxThreads> steps{};  // happens-before
    std::vector<uint32_t> floors;               // coherence, by location

    void join(const View& other);
    void join_floors(const View& other);
    uint32_t floor(Location location) const;
    void raise(Location location, uint32_t index);
  };

  struct Store {
    Value value;
    View view;  // what an acquire load of it learns
  };

  struct Atomic {
    const void* address;
    Thread creator;
    uint32_t creator_count;
    std::vector<Store> stores;
  };

  struct ThreadState {
    View known;
    View pending;   // learned by relaxed loads, known after an acquire fence
    View released;  // known at the last release fence
    uint32_t created = 0;
  };

  // Who used the bytes at an address, and whether something lives there.
  struct Shadow {
    bool lives = false;
    Thread writer = 0;
    uint32_t write_step = 0;
    std::array<uint32_t, kMaxThreads> read_steps{};
    bool atomic = false;
    Location location = 0;
  };

  Location add_atomic(const void* address, Thread creator, uint32_t count,
                      Value initial);
  uint32_t step(Thread self);
  bool knows(Thread self, Thread other, uint32_t step) const;
  std::string race_with_write(Thread self, const Shadow& shadow) const;
  std::string race_with_reads(Thread self, const Shadow& shadow) const;
  std::string note_read(Thread self, Shadow& shadow);
  std::string note_write(Thread self, Shadow& shadow);
  void add_store(Thread self, Location location, Value value,
                 std::memory_order order, const View* sequence);

  std::array<ThreadState, kMaxThreads> threads_;
  std::vector<Atomic> atomics_;
  std::map<const void*, Shadow, std::less<>> shadows_;
  View seq_cst_;  // floors only, as the next two
  View lights_;   // known at light fences so far
  View heavies_;  // known at heavy fences so far
};

}  // namespace wirebook::model

#endif  // WIREBOOK_CONCURRENCY_TESTING_MODEL_MEMORY_H_
