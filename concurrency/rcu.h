// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// rcu_domain: C++26's read-copy update. Readers open a region for the price of
// two stores; a writer replaces what they read, and frees the old once every
// region is closed that was open then.
//
// When: much is read and little written: configuration, tables, maps. One
// object at a time, replaced whole: RcuPtr, on top of this. Readers that may
// stay for long while memory must stay bounded: hazard_pointer. Own domains and
// a look at stalled readers, without the standard's names: epoch, which is
// underneath and has the algorithm, its progress, memory and ends.
//
// Names and meaning are those of [saferecl.rcu] in the C++26 draft (P2545R4),
// in this namespace. What goes beyond is marked "Extension". One clause is not
// met: rcu_obj_base is not trivially copyable, even if D is. Copying an object
// copies nothing of it, so that a writer may copy one that another retires.
//
//   struct Table : wirebook::rcu_obj_base<Table> { int rows[64]; };
//   std::atomic<Table*> current{new Table};
//
//   int read(int i) {                                     // any thread
//     const std::scoped_lock region(wirebook::rcu_default_domain());
//     return current.load(std::memory_order_acquire)->rows[i];
//   }
//   void write(Table* next) {                             // one at a time
//     current.exchange(next)->retire();                   // deleted later
//     // or: Table* old = current.exchange(next);
//     //     wirebook::rcu_synchronize(); delete old;
//   }
//
// Progress: lock and unlock wait-free, once the thread has used the domain;
// beyond 61 domains and retire as in epoch.h; rcu_synchronize and rcu_barrier
// wait for readers. Deleters run inside retire, rcu_barrier and the domain's
// end, never inside unlock.
//
// Event loops (quiescent states, as in liburcu-qsbr): a thread with an
// RcuEventLoop is always inside a region, at no cost per read, and says once a
// turn that it holds nothing. The same domain serves both kinds of readers.
//
// Ends the process with one line on stderr: unlock without lock, waiting for
// readers inside a region, retiring an object twice, a thread that ends inside
// a region. Figures: COSTS.md, rcu_benchmark.
#ifndef WIREBOOK_CONCURRENCY_RCU_H_
#define WIREBOOK_CONCURRENCY_RCU_H_

#if __cplusplus < 202002L
#error "wirebook needs C++20: compile with -std=c++20"
#endif

#include <atomic>
#include <cstdint>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

#include "concurrency/epoch.h"

namespace wirebook {

template <template <typename> class Atom>
class basic_rcu_domain;
template <typename T, typename D, template <typename> class Atom>
class basic_rcu_obj_base;
template <template <typename> class Atom>
class BasicRcuReadGuard;
template <template <typename> class Atom>
class BasicRcuEventLoop;
template <typename T, typename D = std::default_delete<T>,
          template <typename> class Atom>
void rcu_retire(T* p, D d, basic_rcu_domain<Atom>& dom);

// ---- [saferecl.rcu.domain] ----

// Meets Lockable, for regions of RCU protection. Regions nest. Any thread.
template <template <typename> class Atom>
class basic_rcu_domain {
 public:
  // Extension: domains of one's own. The end reclaims all that is retired.
  basic_rcu_domain() noexcept
      : epochs_(internal::new_domain_key(), "rcu_domain") {}
  // For the default domain.
  constexpr explicit basic_rcu_domain(internal::DomainKey key) noexcept
      : epochs_(key, "rcu_domain") {}
  basic_rcu_domain(const basic_rcu_domain&) = delete;
  basic_rcu_domain& operator=(const basic_rcu_domain&) = delete;

  // Opens a region. What this thread reads in it is not reclaimed before its
  // end. Wait-free.
  void lock() noexcept { epochs_.enter(); }
  bool try_lock() noexcept {
    lock();
    return true;
  }
  // Closes the region of this thread that was opened last. Wait-free.
  void unlock() noexcept { Epochs::leave(epochs_.this_thread()); }

  // Extension. For reports.
  EpochStats stats() const noexcept { return epochs_.stats(); }
  // Extension. Who is inside a region: see EpochDomain::readers().
  std::vector<EpochReader> readers(std::uint64_t now) {
    return epochs_.readers(now);
  }

 private:
  using Epochs = internal::EpochCore<Atom>;
  template <typename, typename, template <typename> class>
  friend class basic_rcu_obj_base;
  friend class BasicRcuReadGuard<Atom>;
  friend class BasicRcuEventLoop<Atom>;
  template <template <typename> class A>
  friend void rcu_synchronize(basic_rcu_domain<A>& dom) noexcept;
  template <template <typename> class A>
  friend void rcu_barrier(basic_rcu_domain<A>& dom) noexcept;
  template <typename T, typename D, template <typename> class A>
  friend void rcu_retire(T* p, D d, basic_rcu_domain<A>& dom);

  Epochs epochs_;
};

using rcu_domain = basic_rcu_domain<std::atomic>;

namespace internal {
inline constinit Immortal<rcu_domain> g_default_rcu_domain{kRcuDefaultKey};
}  // namespace internal

// Always the same; never destroyed.
inline rcu_domain& rcu_default_domain() noexcept {
  return internal::g_default_rcu_domain.domain;
}

// Returns when every region is closed that was open at the call.
template <template <typename> class Atom>
void rcu_synchronize(basic_rcu_domain<Atom>& dom) noexcept {
  dom.epochs_.synchronize();
}
inline void rcu_synchronize() noexcept {
  rcu_synchronize(rcu_default_domain());
}

// Returns when all is evaluated that was scheduled before the call, by any
// thread: runs it here. Called by a deleter, it leaves that to the next call.
template <template <typename> class Atom>
void rcu_barrier(basic_rcu_domain<Atom>& dom) noexcept {
  dom.epochs_.barrier();
}
inline void rcu_barrier() noexcept { rcu_barrier(rcu_default_domain()); }

// Schedules d(p), which must not throw. May run what was scheduled before.
// Throws std::bad_alloc and what moving D throws; then nothing is scheduled.
template <typename T, typename D, template <typename> class Atom>
void rcu_retire(T* p, D d, basic_rcu_domain<Atom>& dom) {
  static_assert(std::is_move_constructible_v<D> && std::is_invocable_v<D&, T*>);
  dom.epochs_.retire(p, std::move(d));
}
template <typename T, typename D = std::default_delete<T>>
void rcu_retire(T* p, D d = D()) {
  rcu_retire(p, std::move(d), rcu_default_domain());
}

// ---- [saferecl.rcu.base] ----

// Base of objects that can be retired without an allocation: public,
// non-virtual, once. D is default constructible and move assignable.
template <typename T, typename D, template <typename> class Atom>
class basic_rcu_obj_base : private internal::RetiredLink {
 public:
  // Schedules d(pointer to the T). May run what was scheduled before.
  void retire(D d, basic_rcu_domain<Atom>& dom) noexcept {
    if (this->retired_reclaim_ != nullptr) [[unlikely]] {
      internal::reclaim_die("rcu", this, "object retired twice");
    }
    retired_deleter_ = std::move(d);
    this->retired_reclaim_ = &reclaim_retired_;
    dom.epochs_.retire_object(this);
  }
  void retire(D d = D()) noexcept requires
      std::is_same_v<basic_rcu_domain<Atom>, rcu_domain> {
    retire(std::move(d), rcu_default_domain());
  }

 protected:
  basic_rcu_obj_base() = default;
  basic_rcu_obj_base(const basic_rcu_obj_base&) noexcept : RetiredLink() {}
  basic_rcu_obj_base& operator=(const basic_rcu_obj_base&) noexcept {
    return *this;
  }
  ~basic_rcu_obj_base() = default;

 private:
  static void reclaim_retired_(internal::RetiredLink* object) noexcept {
    auto* const base = static_cast<basic_rcu_obj_base*>(object);
    D deleter = D();
    deleter = std::move(base->retired_deleter_);
    deleter(static_cast<T*>(base));
  }

  [[no_unique_address]] D retired_deleter_ = D();
};

template <typename T, typename D = std::default_delete<T>>
using rcu_obj_base = basic_rcu_obj_base<T, D, std::atomic>;

// ---- Extensions ----

// A region as an object: std::scoped_lock that finds its thread only once.
template <template <typename> class Atom>
class [[nodiscard]] BasicRcuReadGuard : public BasicEpochGuard<Atom> {
 public:
  explicit BasicRcuReadGuard(basic_rcu_domain<Atom>& dom) noexcept
      : BasicEpochGuard<Atom>(dom.epochs_) {}
};

class RcuReadGuard : public BasicRcuReadGuard<std::atomic> {
 public:
  explicit RcuReadGuard(rcu_domain& dom = rcu_default_domain()) noexcept
      : BasicRcuReadGuard<std::atomic>(dom) {}
};

// A thread that reads all the time. Made, used and destroyed by that thread,
// which may open regions besides. While online it keeps everything back that is
// retired after its last quiescent_state(): it must come to one often, or be
// offline, above all before it blocks.
template <template <typename> class Atom>
class BasicRcuEventLoop {
 public:
  explicit BasicRcuEventLoop(basic_rcu_domain<Atom>& dom) noexcept
      : epochs_(dom.epochs_), record_(epochs_.enter()) {}
  ~BasicRcuEventLoop() { offline(); }
  BasicRcuEventLoop(const BasicRcuEventLoop&) = delete;
  BasicRcuEventLoop& operator=(const BasicRcuEventLoop&) = delete;

  // Nothing that was read before is used from here on. No effect inside a
  // region or offline. Two loads while nobody wrote; wait-free.
  void quiescent_state() noexcept {
    if (online_) epochs_.refresh(record_);
  }

  // Between them the thread reads nothing, except in regions.
  void offline() noexcept {
    if (std::exchange(online_, false)) Epochs::leave(record_);
  }
  void online() noexcept {
    if (!std::exchange(online_, true)) epochs_.enter();
  }
  [[nodiscard]] bool is_online() const noexcept { return online_; }

 private:
  using Epochs = internal::EpochCore<Atom>;
  Epochs& epochs_;
  internal::EpochRecord<Atom>& record_;
  bool online_ = true;
};

class RcuEventLoop : public BasicRcuEventLoop<std::atomic> {
 public:
  explicit RcuEventLoop(rcu_domain& dom = rcu_default_domain()) noexcept
      : BasicRcuEventLoop<std::atomic>(dom) {}
};

}  // namespace wirebook

#endif  // WIREBOOK_CONCURRENCY_RCU_H_
