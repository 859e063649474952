// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// What a modelled structure and its test are made of: ModelAtom for
// std::atomic, ModelVar for plain data, ModelMutex, and AtomTraits<ModelAtom>.
// Use: model.h.

#ifndef WIREBOOK_CONCURRENCY_TESTING_MODEL_ATOM_H_
#define WIREBOOK_CONCURRENCY_TESTING_MODEL_ATOM_H_

#if __cplusplus < 202002L
#error "wirebook needs C++20: compile with -std=c++20"
#endif

#include <atomic>
#include <cstring>
#include <type_traits>
#include <utility>

#include "concurrency/atom_traits.h"
#include "concurrency/testing/model_memory.h"
#include "concurrency/testing/model_scheduler.h"

namespace wirebook::model {

// std::atomic's interface. Outside an exploration it is a plain value.
template <typename T>
class ModelAtom {
  static_assert(std::is_trivially_copyable_v<T> && sizeof(T) <= sizeof(Value));

 public:
  using value_type = T;
  using Order = std::memory_order;
  static constexpr Order kSeqCst = std::memory_order_seq_cst;
  static constexpr bool is_always_lock_free = true;

  ModelAtom() noexcept : ModelAtom(T()) {}
  ModelAtom(T value) noexcept : plain_(value) {  // implicit, as in std::atomic
    if (Scheduler* const s = Scheduler::here()) {
      s->begin_atomic(this, pack(value));
    }
  }
  ~ModelAtom() {
    if (Scheduler* const s = Scheduler::here()) s->end(this);
  }
  ModelAtom(const ModelAtom&) = delete;
  ModelAtom& operator=(const ModelAtom&) = delete;

  T load(Order order = kSeqCst) const noexcept {
    Scheduler* const s = Scheduler::here();
    return s == nullptr ? plain_ : unpack(s->load(this, pack(plain_), order));
  }
  operator T() const noexcept { return load(); }

  void store(T value, Order order = kSeqCst) noexcept {
    if (Scheduler* const s = Scheduler::here()) {
      s->store(this, pack(plain_), pack(value), order);
    }
    plain_ = value;
  }
  T operator=(T value) noexcept {
    store(value);
    return value;
  }

  T exchange(T value, Order order = kSeqCst) noexcept {
    return update(order, [value](T) { return value; });
  }

  bool compare_exchange_strong(T& expected, T desired, Order success,
                               Order failure) noexcept {
    Value found = pack(expected);
    bool exchanged;
    if (Scheduler* const s = Scheduler::here()) {
      exchanged = s->compare_exchange(this, pack(plain_), found, pack(desired),
                                      success, failure);
    } else {
      exchanged = found == pack(plain_);
      found = pack(plain_);
    }
    if (exchanged) {
      plain_ = desired;
    } else {
      expected = unpack(found);
    }
    return exchanged;
  }
  bool compare_exchange_strong(T& expected, T desired,
                               Order order = kSeqCst) noexcept {
    return compare_exchange_strong(expected, desired, order, of_failure(order));
  }
  // Never fails spuriously.
  bool compare_exchange_weak(T& expected, T desired, Order success,
                             Order failure) noexcept {
    return compare_exchange_strong(expected, desired, success, failure);
  }
  bool compare_exchange_weak(T& expected, T desired,
                             Order order = kSeqCst) noexcept {
    return compare_exchange_strong(expected, desired, order);
  }

  template <typename D>
  T fetch_add(D by, Order order = kSeqCst) noexcept {
    return update(order, [by](T old) { return static_cast<T>(old + by); });
  }
  template <typename D>
  T fetch_sub(D by, Order order = kSeqCst) noexcept {
    return update(order, [by](T old) { return static_cast<T>(old - by); });
  }
  T fetch_and(T with, Order order = kSeqCst) noexcept {
    return update(order, [with](T old) { return static_cast<T>(old & with); });
  }
  T fetch_or(T with, Order order = kSeqCst) noexcept {
    return update(order, [with](T old) { return static_cast<T>(old | with); });
  }
  T fetch_xor(T with, Order order = kSeqCst) noexcept {
    return update(order, [with](T old) { return static_cast<T>(old ^ with); });
  }
  T operator++() noexcept { return static_cast<T>(fetch_add(1) + 1); }
  T operator++(int) noexcept { return fetch_add(1); }
  T operator--() noexcept { return static_cast<T>(fetch_sub(1) - 1); }
  T operator--(int) noexcept { return fetch_sub(1); }

  // A lost wake-up is a deadlock. Outside an exploration wait() does not wait.
  void wait(T old, Order order = kSeqCst) const noexcept {
    if (Scheduler* const s = Scheduler::here()) {
      s->wait(this, pack(plain_), pack(old), order);
    }
  }
  void notify_one() noexcept { notify(false); }
  void notify_all() noexcept { notify(true); }

 private:
  static Value pack(const T& value) noexcept {
    Value packed;
    std::memcpy(packed.words.data(), &value, sizeof(T));
    return packed;
  }
  static T unpack(const Value& packed) noexcept {
    T value;
    std::memcpy(static_cast<void*>(&value), packed.words.data(), sizeof(T));
    return value;
  }
  static constexpr Order of_failure(Order order) noexcept {
    if (order == std::memory_order_acq_rel) return std::memory_order_acquire;
    if (order == std::memory_order_release) return std::memory_order_relaxed;
    return order;
  }

  template <typename Change>
  T update(Order order, Change change) noexcept {
    T old = plain_;
    if (Scheduler* const s = Scheduler::here()) {
      old = unpack(s->update(this, pack(plain_), order, [&change](Value value) {
        return pack(change(unpack(value)));
      }));
    }
    plain_ = change(old);
    return old;
  }

  void notify(bool all) noexcept {
    if (Scheduler* const s = Scheduler::here()) {
      s->notify(this, pack(plain_), all);
    }
  }

  T plain_;  // the newest store
};

// Plain data: every unordered pair of uses with a write among them is a
// failure, whichever came first. No scheduling point.
template <typename T>
class ModelVar {
 public:
  ModelVar() : ModelVar(T()) {}
  ModelVar(T value) : value_(std::move(value)) { note(&Scheduler::begin); }
  ModelVar(const ModelVar& other) : ModelVar(other.get()) {}
  ModelVar& operator=(const ModelVar& other) { return *this = other.get(); }
  ModelVar& operator=(T value) {
    note(&Scheduler::write);
    value_ = std::move(value);
    return *this;
  }
  ~ModelVar() { note(&Scheduler::end); }

  T get() const {
    note(&Scheduler::read);
    return value_;
  }
  operator T() const { return get(); }

 private:
  void note(void (Scheduler::*use)(const void*)) const {
    if (Scheduler* const s = Scheduler::here()) (s->*use)(this);
  }

  T value_;
};

// Lockable. A thread that finds it locked waits as at a pause.
class ModelMutex {
 public:
  void lock() {
    while (!try_lock()) Scheduler::here()->pause();
  }
  bool try_lock() {
    bool unlocked = false;
    // Pairs with unlock().
    return locked_.compare_exchange_strong(
        unlocked, true, std::memory_order_acquire, std::memory_order_relaxed);
  }
  void unlock() {
    // Pairs with try_lock().
    locked_.store(false, std::memory_order_release);
  }

 private:
  ModelAtom<bool> locked_{false};
};

}  // namespace wirebook::model

template <>
struct wirebook::AtomTraits<wirebook::model::ModelAtom> {
  using Mutex = model::ModelMutex;

  static void pause() noexcept {
    if (auto* const s = model::Scheduler::here()) s->pause();
  }
  static void light_fence() noexcept {
    if (auto* const s = model::Scheduler::here()) s->light_fence();
  }
  static void heavy_fence() noexcept {
    if (auto* const s = model::Scheduler::here()) s->heavy_fence();
  }
};

#endif  // WIREBOOK_CONCURRENCY_TESTING_MODEL_ATOM_H_
