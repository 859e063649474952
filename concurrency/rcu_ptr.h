// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// RcuPtr<T>: one object that many threads read and few replace whole.
//
// When: a snapshot of which readers want the newest (configuration, routes).
// T is trivially copyable and some words long: Seqlock. A reader keeps it for
// longer than a region may last: hazard_pointer, std::shared_ptr.
//
// Guarantee: readers are wait-free and write to no shared line but their own
// announcement; writers are lock-free among each other. An old object goes
// through rcu_retire once it is replaced. Cost: load() is a plain load, in a
// region of rcu.h; a writer pays one exchange and a retire.
//
//   wirebook::RcuPtr<Config> config(std::make_unique<Config>());
//   {                                                     // any thread
//     const wirebook::RcuReadGuard region;
//     use(config.load()->limit);
//   }
//   config.store(std::make_unique<Config>(next));         // any thread
//   config.update([](Config& c) { c.limit = 7; });        // read, copy, update
#ifndef WIREBOOK_CONCURRENCY_RCU_PTR_H_
#define WIREBOOK_CONCURRENCY_RCU_PTR_H_

#if __cplusplus < 202002L
#error "wirebook needs C++20: compile with -std=c++20"
#endif

#include <atomic>
#include <concepts>
#include <memory>
#include <type_traits>
#include <utility>

#include "concurrency/rcu.h"

namespace wirebook {

// D deletes a T once no reader has it, on any thread. One D is for all objects,
// that of the constructor's owner, null or not: if it has state, an object that
// comes with one that does not equal it ends the process. Any thread may call
// any member; the destructor runs alone, though readers may still hold the
// object.
template <typename T, typename D, template <typename> class Atom>
class BasicRcuPtr {
  static_assert(std::is_empty_v<D> || std::equality_comparable<D>,
                "a deleter with state must tell whether it is another");

 public:
  using Owner = std::unique_ptr<T, D>;

  // An object that was replaced and that readers may still hold. Its end
  // retires it; release() makes that the caller's task.
  struct Retire {
    void operator()(T* object) const {
      rcu_retire(object, std::move(deleter), *domain);
    }
    basic_rcu_domain<Atom>* domain = nullptr;
    mutable D deleter = D();
  };
  using Replaced = std::unique_ptr<T, Retire>;

  // Holds `object`, or null.
  BasicRcuPtr(Owner object, basic_rcu_domain<Atom>& domain) noexcept
      : domain_(&domain),
        deleter_(object.get_deleter()),
        current_(object.release()) {}
  ~BasicRcuPtr() {
    // Relaxed: nobody else is left.
    const Replaced last = replaced(current_.load(std::memory_order_relaxed));
  }
  BasicRcuPtr(const BasicRcuPtr&) = delete;
  BasicRcuPtr& operator=(const BasicRcuPtr&) = delete;

  // In a region of the domain; valid until its end. Wait-free.
  [[nodiscard]] const T* load() const noexcept {
    // Pairs with the release of whoever put it there: the object as it was.
    return current_.load(std::memory_order_acquire);
  }

  // Wait-free but for the retirement of the old object.
  void store(Owner next) { const Replaced old = exchange(std::move(next)); }

  // The old object, to be read or retired; null if there was none.
  [[nodiscard]] Replaced exchange(Owner next) noexcept {
    // Release: pairs with load(). Acquire: the caller may read the old one.
    check_deleter(next);
    return replaced(
        current_.exchange(next.release(), std::memory_order_acq_rel));
  }

  // In a region that `expected` was loaded in, or a null `expected`. True: it
  // was current; it is retired, and `next`, now null, is in its place. False:
  // `expected` is what is current instead, and `next` is as it was.
  [[nodiscard]] bool compare_exchange(const T*& expected, Owner& next) {
    check_deleter(next);
    T* old = const_cast<T*>(expected);
    // As in exchange() and load().
    if (!current_.compare_exchange_strong(old, next.get(),
                                          std::memory_order_acq_rel,
                                          std::memory_order_acquire)) {
      expected = old;
      return false;
    }
    static_cast<void>(next.release());
    const Replaced retired = replaced(old);
    return true;
  }

  // Not null. Puts a copy in place that fn(T&) has changed; again, with a newer
  // copy, where another writer came first. Throws what the copy and fn throw,
  // and then has changed nothing. Lock-free.
  template <typename Fn>
  void update(Fn fn) requires std::is_same_v<D, std::default_delete<T>> {
    const BasicRcuReadGuard<Atom> region(*domain_);
    const T* old = load();
    for (;;) {
      Owner next = std::make_unique<T>(*old);
      fn(*next);
      if (compare_exchange(old, next)) return;
    }
  }

 private:
  void check_deleter(const Owner& next) const noexcept {
    if constexpr (!std::is_empty_v<D>) {
      if (next != nullptr && !(next.get_deleter() == deleter_)) [[unlikely]] {
        internal::reclaim_die("RcuPtr", this, "object with another deleter");
      }
    }
  }

  Replaced replaced(T* old) const noexcept {
    return Replaced(old, Retire{domain_, deleter_});
  }

  basic_rcu_domain<Atom>* const domain_;
  [[no_unique_address]] D deleter_;
  Atom<T*> current_;
};

template <typename T, typename D = std::default_delete<T>>
class RcuPtr : public BasicRcuPtr<T, D, std::atomic> {
 public:
  explicit RcuPtr(std::unique_ptr<T, D> object = nullptr,
                  rcu_domain& domain = rcu_default_domain()) noexcept
      : BasicRcuPtr<T, D, std::atomic>(std::move(object), domain) {}
};

}  // namespace wirebook

#endif  // WIREBOOK_CONCURRENCY_RCU_PTR_H_
