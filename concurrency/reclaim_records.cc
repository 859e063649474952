// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
#include "concurrency/reclaim_records.h"

#include <pthread.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <iterator>

namespace wirebook::internal {

constinit thread_local ThreadRecordEntry
    t_reclaim_records[kThreadRecordEntries] = {};

namespace {

static_assert(kHazardPointerDefaultKey.index < kFirstFreeIndex &&
              kEpochDefaultKey.index < kFirstFreeIndex &&
              kRcuDefaultKey.index < kFirstFreeIndex);

// The records of this thread, one for each domain that it used.
constinit thread_local ThreadHook* t_hooks = nullptr;

void leave_all(void*) noexcept;

// A pthread key, since its destructors run after those of thread_local objects,
// which may still retire, and run again if it is set again. Never destroyed:
// threads may outlive static destructors.
struct Registry {
  Registry() {
    if (pthread_key_create(&key, &leave_all) != 0) {
      reclaim_die("reclaim_records", this, "no pthread key is left");
    }
  }
  std::mutex mutex;
  pthread_key_t key;
  std::uint64_t last_id = kRcuDefaultKey.id;
  std::array<std::size_t, kThreadRecordEntries> domains_at{};  // Live ones.
};

Registry& registry() noexcept {
  static Registry* const instance = new Registry;
  return *instance;
}

void leave_all(void*) noexcept {
  const std::lock_guard guard(registry().mutex);
  while (t_hooks != nullptr) {
    ThreadHook* const hook = t_hooks;
    unhook(*hook);
    hook->leave(hook);
  }
  std::fill(std::begin(t_reclaim_records), std::end(t_reclaim_records),
            ThreadRecordEntry{});
}

}  // namespace

void reclaim_die(const char* component, const void* address,
                 const char* what) noexcept {
  std::fprintf(stderr, "wirebook: %s at %p: %s\n", component, address, what);
  std::abort();
}

std::mutex& reclaim_registry() noexcept { return registry().mutex; }

void hook_this_thread(ThreadHook& hook) noexcept {
  hook.next = t_hooks;
  hook.previous = &t_hooks;
  if (hook.next != nullptr) hook.next->previous = &hook.next;
  t_hooks = &hook;
  pthread_setspecific(registry().key, &hook);
}

void unhook(ThreadHook& hook) noexcept {
  if (hook.previous == nullptr) return;
  *hook.previous = hook.next;
  if (hook.next != nullptr) hook.next->previous = hook.previous;
  hook.previous = nullptr;
  hook.next = nullptr;
}

ThreadHook* find_hook(std::uint64_t domain_id) noexcept {
  const std::lock_guard guard(registry().mutex);
  ThreadHook* hook = t_hooks;
  while (hook != nullptr && hook->domain_id != domain_id) hook = hook->next;
  return hook;
}

DomainKey new_domain_key() noexcept {
  Registry& all = registry();
  const std::lock_guard guard(all.mutex);
  const auto least = std::min_element(all.domains_at.begin() + kFirstFreeIndex,
                                      all.domains_at.end());
  ++*least;
  return {++all.last_id,
          static_cast<std::uint32_t>(least - all.domains_at.begin())};
}

void free_domain_key(const DomainKey& key) noexcept {
  if (key.index < kFirstFreeIndex) return;
  Registry& all = registry();
  const std::lock_guard guard(all.mutex);
  --all.domains_at[key.index];
}

}  // namespace wirebook::internal
