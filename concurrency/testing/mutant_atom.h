// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// MutantAtom: a ModelAtom that weakens what its structure asks for, so that a
// test can show that the model checker would have found the mistake.
//
//   mutation = {.relax_stores = true, .only_atom = 0};  // the first one made
//   EXPECT_FALSE(explore<Rings<MutantAtom>>({}, produce, consume).ok());
//   mutation = {};

#ifndef WIREBOOK_CONCURRENCY_TESTING_MUTANT_ATOM_H_
#define WIREBOOK_CONCURRENCY_TESTING_MUTANT_ATOM_H_

#if __cplusplus < 202002L
#error "wirebook needs C++20: compile with -std=c++20"
#endif

#include <atomic>
#include <cstdint>

#include "concurrency/atom_traits.h"
#include "concurrency/testing/model.h"

namespace wirebook::model {

struct Mutation {
  bool relax_loads = false;
  bool relax_stores = false;
  bool relax_updates = false;  // read-modify-writes
  bool drop_light_fences = false;
  bool drop_heavy_fences = false;
  // Which atomic, in the order in which an execution makes them; all if
  // negative.
  int64_t only_atom = -1;
};

// Set between explorations.
inline Mutation mutation;

template <typename T>
class MutantAtom : public ModelAtom<T> {
 public:
  using Order = std::memory_order;
  using ModelAtom<T>::kSeqCst;

  MutantAtom() noexcept : MutantAtom(T()) {}
  MutantAtom(T value) noexcept : ModelAtom<T>(value) {
    if (Scheduler* const s = Scheduler::here()) number_ = s->atoms_begun() - 1;
  }

  T load(Order order = kSeqCst) const noexcept {
    return ModelAtom<T>::load(weaken(mutation.relax_loads, order));
  }
  operator T() const noexcept { return load(); }

  void store(T value, Order order = kSeqCst) noexcept {
    ModelAtom<T>::store(value, weaken(mutation.relax_stores, order));
  }
  T operator=(T value) noexcept {
    store(value);
    return value;
  }

  T exchange(T value, Order order = kSeqCst) noexcept {
    return ModelAtom<T>::exchange(value, update_order(order));
  }
  bool compare_exchange_strong(T& expected, T desired, Order success,
                               Order failure) noexcept {
    return ModelAtom<T>::compare_exchange_strong(
        expected, desired, update_order(success), update_order(failure));
  }
  bool compare_exchange_strong(T& expected, T desired,
                               Order order = kSeqCst) noexcept {
    return ModelAtom<T>::compare_exchange_strong(expected, desired,
                                                 update_order(order));
  }
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
    return ModelAtom<T>::fetch_add(by, update_order(order));
  }
  template <typename D>
  T fetch_sub(D by, Order order = kSeqCst) noexcept {
    return ModelAtom<T>::fetch_sub(by, update_order(order));
  }
  T fetch_and(T with, Order order = kSeqCst) noexcept {
    return ModelAtom<T>::fetch_and(with, update_order(order));
  }
  T fetch_or(T with, Order order = kSeqCst) noexcept {
    return ModelAtom<T>::fetch_or(with, update_order(order));
  }

 private:
  Order weaken(bool asked, Order order) const noexcept {
    const bool mine =
        mutation.only_atom < 0 || mutation.only_atom == int64_t{number_};
    return asked && mine ? std::memory_order_relaxed : order;
  }
  Order update_order(Order order) const noexcept {
    return weaken(mutation.relax_updates, order);
  }

  uint32_t number_ = 0;
};

}  // namespace wirebook::model

template <>
struct wirebook::AtomTraits<wirebook::model::MutantAtom>
    : wirebook::AtomTraits<wirebook::model::ModelAtom> {
  using Plain = AtomTraits<model::ModelAtom>;
  static void light_fence() noexcept {
    if (!model::mutation.drop_light_fences) Plain::light_fence();
  }
  static void heavy_fence() noexcept {
    if (!model::mutation.drop_heavy_fences) Plain::heavy_fence();
  }
};

#endif  // WIREBOOK_CONCURRENCY_TESTING_MUTANT_ATOM_H_
