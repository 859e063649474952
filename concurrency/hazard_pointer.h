// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// hazard_pointer: C++26's hazard pointers. A reader holds one object back from
// being deleted; whoever unlinks objects retires them instead of deleting.
//
// When: readers reach objects one at a time (the head of a stack, the current
// configuration), may hold them for long, and memory must stay bounded even if
// one of them never comes back. Readers walk structures of many objects: epoch
// or rcu, which cost less per object and bound nothing. Objects never leave
// before all threads stop: none of these.
//
// Names and meaning are those of [saferecl.hp] in the C++26 draft (P2530R3),
// in this namespace. What goes beyond is marked "Extension"; domains have
// Concurrency TS 2's names (N4956). One clause is not met:
// hazard_pointer_obj_base is not trivially copyable, even if D is. Copying an
// object copies nothing of it, so that a writer may copy one that another
// retires.
//
//   struct Node : wirebook::hazard_pointer_obj_base<Node> { int value; };
//   std::atomic<Node*> current;
//
//   int read() {                                    // any thread
//     wirebook::hazard_pointer h = wirebook::make_hazard_pointer();
//     const Node* node = h.protect(current);        // stays until h's next use
//     return node == nullptr ? 0 : node->value;     // or end
//   }
//   void write(Node* node) {                        // any thread
//     if (Node* old = current.exchange(node)) old->retire();
//   }
//
// Progress: protect() is lock-free, everything else a reader does wait-free,
// once its thread has had as many hazard pointers at a time before and while
// these are no more than 17; making and ending one may take a mutex otherwise,
// and beyond 61 domains of a process.
// retire() takes a lock that only clean_up and stats() share, for some
// instructions. Once in a batch (128 retired objects, or as many as there are
// hazard pointers) it looks at all of them; it runs at most two deleters, and
// one for each object that it took over from ended threads.
//
// Memory: objects retired and not yet reclaimed are never more than, for each
// thread that retires, the hazard pointers there are and a batch
// (stats().bound); and, while a deleter runs, what it retires itself. (Not the
// hazard pointers once: of two threads that look one after the other each may
// see another object held by the same one.) They wait for a later retire() or
// clean_up: of any thread where their own has ended.
//
// Ends: threads, domains and static objects may end in any order. What is
// retired in the default domain at the end of the process is not reclaimed:
// call hazard_pointer_clean_up() before the end of a pool that deleters use.
//
// Cost: protect() with a pointer that is held, a store, three loads and no
// locked instruction (the fence is asymmetric_fence.h's); making and destroying
// one adds a thread_local list's pop and push; retire() one locked instruction.
// Figures: COSTS.md, hazard_pointer_benchmark.
#ifndef WIREBOOK_CONCURRENCY_HAZARD_POINTER_H_
#define WIREBOOK_CONCURRENCY_HAZARD_POINTER_H_

#if __cplusplus < 202002L
#error "wirebook needs C++20: compile with -std=c++20"
#endif

#include <atomic>
#include <cstddef>
#include <memory>
#include <type_traits>
#include <utility>

#include "concurrency/hazard_pointer_domain.h"

namespace wirebook {

// Extension (TS 2). Never destroyed.
template <template <typename> class Atom = std::atomic>
basic_hazard_pointer_domain<Atom>&
basic_hazard_pointer_default_domain() noexcept;

// ---- [saferecl.hp.base] ----

// Base of the objects that can be protected: public, non-virtual, once. D is a
// function object for a T*, default constructible and move assignable. Retiring
// one object twice ends the process.
template <typename T, typename D, template <typename> class Atom>
class basic_hazard_pointer_obj_base : private internal::HazardObject {
 public:
  // Reclaims *this by d(pointer to the T) once no hazard pointer holds it; then
  // may run deleters of this and of other objects. They must not throw.
  void retire(D d = D()) noexcept {
    retire(std::move(d), basic_hazard_pointer_default_domain<Atom>());
  }

  // Extension (TS 2). In a domain of one's own, whose hazard pointers alone
  // hold the object back.
  void retire(D d, basic_hazard_pointer_domain<Atom>& domain) noexcept;
  void retire(basic_hazard_pointer_domain<Atom>& domain) noexcept {
    retire(D(), domain);
  }

 protected:
  basic_hazard_pointer_obj_base() = default;
  basic_hazard_pointer_obj_base(const basic_hazard_pointer_obj_base&) noexcept
      : HazardObject() {}
  basic_hazard_pointer_obj_base& operator=(
      const basic_hazard_pointer_obj_base&) noexcept {
    return *this;
  }
  ~basic_hazard_pointer_obj_base() = default;

 private:
  template <template <typename> class>
  friend class basic_hazard_pointer;

  static void reclaim_retired_(internal::RetiredLink* object) noexcept {
    auto* const base = static_cast<basic_hazard_pointer_obj_base*>(
        static_cast<internal::HazardObject*>(object));
    D deleter = D();
    deleter = std::move(base->retired_deleter_);
    deleter(static_cast<T*>(base));
  }

  [[no_unique_address]] D retired_deleter_ = D();
};

template <typename T, typename D, template <typename> class Atom>
void basic_hazard_pointer_obj_base<T, D, Atom>::retire(
    D d, basic_hazard_pointer_domain<Atom>& domain) noexcept {
  if (this->retired_reclaim_ != nullptr) [[unlikely]] {
    internal::reclaim_die("hazard_pointer", this, "object retired twice");
  }
  retired_deleter_ = std::move(d);
  this->retired_reclaim_ = &reclaim_retired_;
  domain.retire(this);
}

// ---- [saferecl.hp.holder] ----

// Empty, or the owner of a hazard pointer. Moves between threads like any
// object. Members that say "not empty" must not be called on an empty one.
template <template <typename> class Atom>
class basic_hazard_pointer {
 public:
  basic_hazard_pointer() noexcept = default;
  basic_hazard_pointer(basic_hazard_pointer&& other) noexcept
      : slot_(std::exchange(other.slot_, nullptr)), domain_(other.domain_) {}
  basic_hazard_pointer& operator=(basic_hazard_pointer&& other) noexcept {
    if (this != &other) {
      reset();
      slot_ = std::exchange(other.slot_, nullptr);
      domain_ = other.domain_;
    }
    return *this;
  }
  ~basic_hazard_pointer() { reset(); }

  [[nodiscard]] bool empty() const noexcept { return slot_ == nullptr; }

  // Not empty. The value of `src` at some time during the call, held if not
  // null. Lock-free: a turn is lost only to a change of `src`.
  template <typename T>
  T* protect(const Atom<T*>& src) noexcept {
    // Relaxed: try_protect() looks again.
    T* ptr = src.load(std::memory_order_relaxed);
    while (!try_protect(ptr, src)) {
    }
    return ptr;
  }

  // Not empty. True: `src` is still `ptr`, and it is held if not null. False:
  // nothing is held, and `ptr` is what `src` was. Wait-free.
  template <typename T>
  bool try_protect(T*& ptr, const Atom<T*>& src) noexcept {
    T* const old = ptr;
    reset_protection(old);
    // Pairs with the heavy fence of a scan, which sees the hazard, or its
    // object was unlinked before the load below.
    AtomTraits<Atom>::light_fence();
    // Pairs with the release that put the object there.
    ptr = src.load(std::memory_order_acquire);
    if (old != ptr) [[unlikely]] {
      reset_protection();
      return false;
    }
    return true;
  }

  // Not empty. Holds *ptr, if no thread can have retired it yet.
  template <typename T>
  void reset_protection(const T* ptr) noexcept {
    // Pairs with the acquire in a scan: uses of what was held before this.
    slot_->hazard.store(object_of<T>(ptr), std::memory_order_release);
  }

  // Not empty. Holds nothing.
  void reset_protection(std::nullptr_t = nullptr) noexcept {
    // As above.
    slot_->hazard.store(nullptr, std::memory_order_release);
  }

  void swap(basic_hazard_pointer& other) noexcept {
    std::swap(slot_, other.slot_);
    std::swap(domain_, other.domain_);
  }

 private:
  using Domain = basic_hazard_pointer_domain<Atom>;

  template <template <typename> class A>
  friend basic_hazard_pointer<A> make_hazard_pointer(
      basic_hazard_pointer_domain<A>& domain);

  explicit basic_hazard_pointer(Domain& domain)
      : slot_(domain.own_slot()), domain_(&domain) {}

  void reset() noexcept {
    if (slot_ != nullptr) domain_->disown_slot(slot_);
  }

  template <typename T, typename X, typename D>
  static const internal::HazardObject* object_of(
      const basic_hazard_pointer_obj_base<X, D, Atom>* base) noexcept {
    static_assert(std::is_same_v<T, X>,
                  "T is hazard-protectable: it derives from "
                  "hazard_pointer_obj_base<T, D>, public and once");
    return base;
  }

  internal::HazardSlot<Atom>* slot_ = nullptr;
  Domain* domain_ = nullptr;
};

// A hazard pointer that holds nothing. The domain is an extension (TS 2).
// Throws std::bad_alloc.
template <template <typename> class Atom>
[[nodiscard]] basic_hazard_pointer<Atom> make_hazard_pointer(
    basic_hazard_pointer_domain<Atom>& domain) {
  return basic_hazard_pointer<Atom>(domain);
}

template <template <typename> class Atom>
void swap(basic_hazard_pointer<Atom>& a,
          basic_hazard_pointer<Atom>& b) noexcept {
  a.swap(b);
}

// Extension (TS 2). Reclaims what was retired in the domain before, by any
// thread, and is held by no hazard pointer; waits for deleters that other
// threads are running. Called by a deleter, it leaves that to the next call.
template <template <typename> class Atom>
void hazard_pointer_clean_up(
    basic_hazard_pointer_domain<Atom>& domain) noexcept {
  domain.clean_up();
}

// ---- The names of the standard ----

template <typename T, typename D = std::default_delete<T>>
using hazard_pointer_obj_base =
    basic_hazard_pointer_obj_base<T, D, std::atomic>;
using hazard_pointer = basic_hazard_pointer<std::atomic>;
using hazard_pointer_domain = basic_hazard_pointer_domain<std::atomic>;

namespace internal {
template <template <typename> class Atom>
inline Immortal<basic_hazard_pointer_domain<Atom>> g_default_hazard_domain{
    new_domain_key()};
template <>
inline constinit Immortal<hazard_pointer_domain>
    g_default_hazard_domain<std::atomic>{kHazardPointerDefaultKey};
}  // namespace internal

template <template <typename> class Atom>
basic_hazard_pointer_domain<Atom>&
basic_hazard_pointer_default_domain() noexcept {
  return internal::g_default_hazard_domain<Atom>.domain;
}
inline hazard_pointer_domain& hazard_pointer_default_domain() noexcept {
  return basic_hazard_pointer_default_domain<std::atomic>();
}

[[nodiscard]] inline hazard_pointer make_hazard_pointer() {
  return make_hazard_pointer(hazard_pointer_default_domain());
}
inline void hazard_pointer_clean_up() noexcept {
  hazard_pointer_clean_up(hazard_pointer_default_domain());
}

}  // namespace wirebook

#endif  // WIREBOOK_CONCURRENCY_HAZARD_POINTER_H_
