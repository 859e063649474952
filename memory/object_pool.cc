// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
#include "memory/object_pool.h"

#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <random>
#include <vector>

#include "memory/tagged_ptr.h"

#if defined(WIREBOOK_POOL_ASAN)
#include <sanitizer/lsan_interface.h>
#endif

namespace wirebook::internal {

constinit thread_local PoolCacheEntry t_pool_caches[kPoolCacheEntries] = {};

namespace {

constexpr std::size_t kPageBytes = 4096;
constexpr std::size_t kMaxChunks = 64;  // Each at least doubles the pool.
constexpr unsigned kAddressesPerLine = 7;
constexpr std::size_t kMaxCachedBytes = std::size_t{64} << 10;

// The caches of this thread, one for each pool that it used.
constinit thread_local PoolCache* t_attached = nullptr;

// Who uses which pool, so that a thread's end and a pool's end, in any order
// and at once, find each other. Cold: taken when a thread meets a pool, and at
// ends. Never destroyed: threads and static pools may outlive static
// destructors.
struct Registry {
  std::mutex mutex;
  pthread_key_t key;
  std::uint64_t last_id = 0;
  std::uint64_t indices = 0;  // Those that live pools have, as bits.
};

// A pthread key, since its destructors run after those of thread_local objects,
// which may still free into a pool, and run again if it is set again.
void retire_thread(void*) noexcept;

Registry& registry() {
  static Registry* const instance = [] {
    auto* created = new Registry;
    if (pthread_key_create(&created->key, &retire_thread) != 0) {
      std::fputs("wirebook: ObjectPool: no pthread key is left\n", stderr);
      std::abort();
    }
    return created;
  }();
  return *instance;
}

void unlink(PoolCache& cache) noexcept {
  if (cache.previous == nullptr) return;
  *cache.previous = cache.next;
  if (cache.next != nullptr) cache.next->previous = cache.previous;
  cache.previous = nullptr;
  cache.next = nullptr;
}

void retire_thread(void*) noexcept {
  const std::lock_guard lock(registry().mutex);
  while (t_attached != nullptr) {
    PoolCache& cache = *t_attached;
    unlink(cache);
    cache.core->retire(cache);
  }
  std::fill(std::begin(t_pool_caches), std::end(t_pool_caches),
            PoolCacheEntry{});
}

constexpr std::size_t round_up(std::size_t value, std::size_t unit) {
  return (value + unit - 1) / unit * unit;
}

// A full magazine on the stack, or an empty one that waits. The first seven
// objects are listed here; each of them lists up to seven more behind its mark.
struct alignas(kCacheLineBytes) Magazine {
  std::atomic<Magazine*> next{nullptr};
  void* items[kAddressesPerLine];
};
static_assert(sizeof(Magazine) == kCacheLineBytes);

using MagazineStack = TaggedStack<TaggedPtr128<Magazine>>;

struct Chunk {
  std::byte* begin = nullptr;
  std::size_t objects = 0;
  std::size_t mapped_bytes = 0;
  bool touched = false;
  std::atomic<std::size_t> fresh{0};  // Objects below were given out once.
};

void*& word_at(void* slot, std::size_t index) noexcept {
  return static_cast<void**>(slot)[index];
}

void touch(std::byte* begin, std::size_t bytes) noexcept {
#if defined(MADV_POPULATE_WRITE)
  if (madvise(begin, bytes, MADV_POPULATE_WRITE) == 0) return;
#endif
  // Other threads may be at work here: add nothing, but write.
  for (std::size_t at = 0; at < bytes; at += kPageBytes) {
    __atomic_fetch_or(reinterpret_cast<unsigned char*>(begin + at), 0,
                      __ATOMIC_RELAXED);
  }
}

}  // namespace

struct PoolCore::Impl {
  // On one line: a trade of magazines touches all of them.
  struct alignas(kFalseSharingBytes) Depot {
    MagazineStack full;
    MagazineStack empty;
    // Objects in the hands of threads, and the most there ever were. Relaxed:
    // they order nothing.
    std::atomic<std::size_t> outside{0};
    std::atomic<std::size_t> peak{0};
  } depot;

  alignas(kFalseSharingBytes) std::size_t object_bytes = 0;
  std::size_t slot_bytes = 0;
  std::size_t max_objects = 0;
  PoolExhaustion exhaustion = PoolExhaustion::kGrow;
  unsigned magazine = 0;  // Objects in each.
  unsigned per_item = 0;  // Addresses that a listed object lists.
  bool direct = false;    // Threads keep nothing.

  Chunk chunks[kMaxChunks];
  std::atomic<std::size_t> chunk_count{0};
  std::atomic<std::size_t> fresh_chunk{0};  // Those before hold nothing fresh.
  std::atomic<std::size_t> loose_count{0};
  std::atomic<std::uint64_t> failures{0};

  std::mutex mutex;  // Guards growth and what follows.
  std::size_t capacity = 0;
  void* loose = nullptr;  // Too few for a magazine, linked behind the mark.
  std::vector<std::unique_ptr<PoolCache>> caches;

  void left(std::size_t objects) noexcept {
    const std::size_t now =
        depot.outside.fetch_add(objects, std::memory_order_relaxed) + objects;
    std::size_t peak = depot.peak.load(std::memory_order_relaxed);
    while (peak < now && !depot.peak.compare_exchange_weak(
                             peak, now, std::memory_order_relaxed)) {
    }
  }
  void returned(std::size_t objects) noexcept {
    depot.outside.fetch_sub(objects, std::memory_order_relaxed);
  }

  WIREBOOK_POOL_NO_ASAN void push_magazine(void* const* items) noexcept {
    // There is always one: each holds a magazine of distinct objects, and every
    // chunk brought as many as its objects can fill.
    Magazine* line = depot.empty.pop();
    const unsigned listed = std::min(magazine, kAddressesPerLine);
    for (unsigned i = 0; i < listed; ++i) line->items[i] = items[i];
    for (unsigned i = listed, at = 0; i < magazine; ++at) {
      for (unsigned j = 0; j < per_item && i < magazine; ++j, ++i) {
        word_at(items[at], 1 + j) = items[i];
      }
    }
    depot.full.push(line);
    returned(magazine);
  }

  WIREBOOK_POOL_NO_ASAN bool pop_magazine(void** items) noexcept {
    Magazine* line = depot.full.pop();
    if (line == nullptr) return false;
    const unsigned listed = std::min(magazine, kAddressesPerLine);
    for (unsigned i = 0; i < listed; ++i) {
      items[i] = line->items[i];
      __builtin_prefetch(items[i], 1);
    }
    for (unsigned i = listed, at = 0; i < magazine; ++at) {
      for (unsigned j = 0; j < per_item && i < magazine; ++j, ++i) {
        items[i] = word_at(items[at], 1 + j);
      }
    }
    depot.empty.push(line);
    left(magazine);
    return true;
  }

  WIREBOOK_POOL_NO_ASAN void push_loose(void* slot) noexcept {
    word_at(slot, 1) = loose;
    loose = slot;
    loose_count.fetch_add(1, std::memory_order_relaxed);
  }

  WIREBOOK_POOL_NO_ASAN unsigned pop_loose(void** items) noexcept {
    unsigned taken = 0;
    while (loose != nullptr && taken < magazine) {
      items[taken++] = loose;
      loose = word_at(loose, 1);
    }
    loose_count.fetch_sub(taken, std::memory_order_relaxed);
    left(taken);
    return taken;
  }

  // Objects that were never out, from the front of the oldest chunk with any.
  unsigned carve(void** items, std::uint64_t secret) noexcept {
    // Acquire: pairs with the release in map_chunk().
    const std::size_t chunks_now = chunk_count.load(std::memory_order_acquire);
    for (std::size_t i = fresh_chunk.load(std::memory_order_relaxed);
         i < chunks_now; ++i) {
      Chunk& chunk = chunks[i];
      std::size_t from = chunk.fresh.load(std::memory_order_relaxed);
      while (from < chunk.objects) {
        const std::size_t to =
            std::min<std::size_t>(from + magazine, chunk.objects);
        // Relaxed: whoever moves the mark owns what lies below, fresh pages.
        if (!chunk.fresh.compare_exchange_weak(from, to,
                                               std::memory_order_relaxed)) {
          continue;
        }
        const unsigned taken = static_cast<unsigned>(to - from);
        for (unsigned k = 0; k < taken; ++k) {
          void* slot = chunk.begin + (to - 1 - k) * slot_bytes;
          store_mark(slot, secret ^ reinterpret_cast<std::uintptr_t>(slot));
          items[k] = slot;
        }
        left(taken);
        return taken;
      }
      std::size_t exhausted = i;
      fresh_chunk.compare_exchange_strong(exhausted, i + 1,
                                          std::memory_order_relaxed);
    }
    return 0;
  }

  // Maps `wanted` objects or, where the pool need not stop, up to the end of
  // the last page. Under the mutex. False if the system refuses.
  bool map_chunk(std::size_t wanted) noexcept {
    const std::size_t index = chunk_count.load(std::memory_order_relaxed);
    if (index == kMaxChunks) return false;
    std::size_t slots_end;
    if (__builtin_mul_overflow(wanted, slot_bytes, &slots_end) ||
        slots_end > (std::size_t{1} << 46)) {
      return false;
    }
    std::size_t objects = wanted;
    if (exhaustion == PoolExhaustion::kGrow) {
      objects = round_up(slots_end, kPageBytes) / slot_bytes;
      slots_end = objects * slot_bytes;
    }
    const std::size_t lines_begin = round_up(slots_end, kCacheLineBytes);
    const std::size_t lines = (objects + magazine - 1) / magazine;
    const std::size_t bytes =
        round_up(lines_begin + lines * sizeof(Magazine), kPageBytes);
    void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) return false;
    auto* begin = static_cast<std::byte*>(memory);
#if defined(WIREBOOK_POOL_ASAN)
    // What live objects point to is reachable.
    __lsan_register_root_region(begin, slots_end);
    ASAN_POISON_MEMORY_REGION(begin, slots_end);
#endif
    auto* line = reinterpret_cast<Magazine*>(begin + lines_begin);
    for (std::size_t i = 0; i < lines; ++i) {
      depot.empty.push(::new (line + i) Magazine);
    }
    Chunk& chunk = chunks[index];
    chunk.begin = begin;
    chunk.objects = objects;
    chunk.mapped_bytes = bytes;
    capacity += objects;
    // Release: pairs with the acquire in carve() and find_chunk().
    chunk_count.store(index + 1, std::memory_order_release);
    return true;
  }

  // Makes room for one object at least. Under the mutex.
  bool grow(std::size_t least) noexcept {
    std::size_t wanted = std::max({least, capacity, kPageBytes / slot_bytes});
    if (exhaustion != PoolExhaustion::kGrow) {
      wanted = std::min(wanted, max_objects - capacity);
    }
    return wanted != 0 && map_chunk(wanted);
  }

  unsigned refill(void** items, std::uint64_t secret) noexcept {
    if (pop_magazine(items)) return magazine;
    if (loose_count.load(std::memory_order_relaxed) == 0) {
      if (const unsigned taken = carve(items, secret)) return taken;
    }
    const std::lock_guard lock(mutex);
    if (const unsigned taken = pop_loose(items)) return taken;
    if (const unsigned taken = carve(items, secret)) return taken;
    if (pop_magazine(items)) return magazine;
    if (!grow(1)) return 0;
    return carve(items, secret);
  }
};

PoolCore::PoolCore(std::size_t object_bytes, std::size_t slot_bytes,
                   const ObjectPoolOptions& options)
    : slot_bytes_(slot_bytes), impl_(std::make_unique<Impl>()) {
  std::random_device random;
  // The top bit keeps every mark apart from zero and from an address.
  secret_ = std::uint64_t{1} << 63 | std::uint64_t{random()} << 32 | random();

  Impl& impl = *impl_;
  impl.object_bytes = object_bytes;
  impl.slot_bytes = slot_bytes;
  impl.exhaustion = options.exhaustion;
  impl.max_objects = std::max(options.max_capacity, options.initial_capacity);
  impl.per_item = static_cast<unsigned>(
      std::min<std::size_t>(slot_bytes / sizeof(void*) - 1, kAddressesPerLine));
  std::size_t magazine = std::min<std::size_t>(
      kAddressesPerLine * (1 + impl.per_item),
      std::max<std::size_t>(kMaxCachedBytes / slot_bytes, 1));
  if (options.exhaustion != PoolExhaustion::kGrow) {
    impl.direct = impl.max_objects < 64;
    magazine = std::clamp<std::size_t>(impl.max_objects / 64, 1, magazine);
  }
  impl.magazine = static_cast<unsigned>(magazine);
  {
    Registry& all = registry();
    const std::lock_guard lock(all.mutex);
    id_ = ++all.last_id;
    index_ = static_cast<std::uint32_t>(id_ % kPoolCacheEntries);
    if (~all.indices != 0) {
      index_ = static_cast<std::uint32_t>(__builtin_ctzll(~all.indices));
    }
    all.indices |= std::uint64_t{1} << index_;
  }
  for (unsigned i = 0; i < options.expected_threads; ++i) {
    impl.caches.push_back(std::make_unique<PoolCache>());
  }
  if (warm_up(options.initial_capacity) < options.initial_capacity) {
    die("no memory for its initial capacity", nullptr);
  }
}

PoolCore::~PoolCore() {
  Impl& impl = *impl_;
  if (const std::size_t out = stats().in_use; out != 0) {
    char what[64];
    std::snprintf(what, sizeof(what), "destroyed with %zu objects out", out);
    die(what, nullptr);
  }
  {
    Registry& all = registry();
    const std::lock_guard lock(all.mutex);
    all.indices &= ~(std::uint64_t{1} << index_);
    for (auto& cache : impl.caches) unlink(*cache);
  }
  for (std::size_t i = 0; i < impl.chunk_count.load(); ++i) {
    Chunk& chunk = impl.chunks[i];
#if defined(WIREBOOK_POOL_ASAN)
    __lsan_unregister_root_region(chunk.begin, chunk.objects * slot_bytes_);
    ASAN_UNPOISON_MEMORY_REGION(chunk.begin, chunk.mapped_bytes);
#endif
    munmap(chunk.begin, chunk.mapped_bytes);
  }
}

PoolCache& PoolCore::attach() noexcept {
  Registry& all = registry();
  const std::lock_guard lock(all.mutex);
  PoolCache* cache = t_attached;
  // Where more than 64 pools live, another one may have our entry.
  while (cache != nullptr && cache->core != this) cache = cache->next;
  if (cache == nullptr) {
    {
      const std::lock_guard caches_lock(impl_->mutex);
      for (auto& owned : impl_->caches) {
        if (owned->previous == nullptr) cache = owned.get();
      }
      if (cache == nullptr) {
        impl_->caches.push_back(std::make_unique<PoolCache>());
        cache = impl_->caches.back().get();
      }
    }
    cache->core = this;
    cache->limit = impl_->direct ? 0 : 2 * impl_->magazine;
    cache->next = t_attached;
    if (t_attached != nullptr) t_attached->previous = &cache->next;
    cache->previous = &t_attached;
    t_attached = cache;
    pthread_setspecific(all.key, &t_attached);
  }
  t_pool_caches[index_] = {id_, cache};
  return *cache;
}

void PoolCore::retire(PoolCache& cache) noexcept {
  Impl& impl = *impl_;
  std::uint32_t count = cache.count.load(std::memory_order_relaxed);
  for (; count >= impl.magazine; count -= impl.magazine) {
    impl.push_magazine(cache.items + count - impl.magazine);
  }
  const std::lock_guard lock(impl.mutex);
  impl.returned(count);
  while (count > 0) impl.push_loose(cache.items[--count]);
  cache.count.store(0, std::memory_order_relaxed);
}

void* PoolCore::take_slow(PoolCache& cache) noexcept {
  Impl& impl = *impl_;
  // A cache that keeps nothing has room for the one object of its magazine.
  const unsigned got = impl.refill(cache.items, secret_);
  if (got == 0) {
    if (impl.exhaustion == PoolExhaustion::kTerminate) {
      die("exhausted at its max_capacity", nullptr);
    }
    impl.failures.fetch_add(1, std::memory_order_relaxed);
    return nullptr;
  }
  void* slot = cache.items[got - 1];
  cache.count.store(got - 1, std::memory_order_relaxed);
  check_in(cache, slot);
  return slot;
}

void PoolCore::put_slow(PoolCache& cache, void* slot) noexcept {
  Impl& impl = *impl_;
  if (impl.direct) return impl.push_magazine(&slot);
  // The older half goes: what was freed last is still in this core's cache.
  impl.push_magazine(cache.items);
  std::copy(cache.items + impl.magazine, cache.items + cache.limit,
            cache.items);
  cache.items[impl.magazine] = slot;
  cache.count.store(impl.magazine + 1, std::memory_order_relaxed);
}

bool PoolCore::find_chunk(PoolCache& cache, const void* slot) noexcept {
  if (slot == nullptr) return false;
  // Acquire: pairs with the release in map_chunk().
  for (std::size_t i = impl_->chunk_count.load(std::memory_order_acquire);
       i-- > 0;) {
    const Chunk& chunk = impl_->chunks[i];
    const auto begin = reinterpret_cast<std::uintptr_t>(chunk.begin);
    const std::uintptr_t offset =
        reinterpret_cast<std::uintptr_t>(slot) - begin;
    if (offset >= chunk.objects * slot_bytes_) continue;
    if (offset % slot_bytes_ != 0) die("foreign free, inside an object:", slot);
    cache.chunk_begin = begin;
    cache.chunk_bytes = chunk.objects * slot_bytes_;
    return true;
  }
  die("foreign free of", slot);
}

std::size_t PoolCore::warm_up(std::size_t count) noexcept {
  Impl& impl = *impl_;
  const std::lock_guard lock(impl.mutex);
  if (count > impl.capacity) impl.grow(count - impl.capacity);
  for (std::size_t i = 0; i < impl.chunk_count.load(); ++i) {
    Chunk& chunk = impl.chunks[i];
    if (!std::exchange(chunk.touched, true)) {
      touch(chunk.begin, chunk.mapped_bytes);
    }
  }
  return impl.capacity;
}

ObjectPoolStats PoolCore::stats() const noexcept {
  Impl& impl = *impl_;
  const std::lock_guard lock(impl.mutex);
  ObjectPoolStats stats;
  stats.capacity = impl.capacity;
  std::size_t cached = 0;
  for (const auto& cache : impl.caches) {
    cached += cache->count.load(std::memory_order_relaxed);
    stats.total_allocations +=
        cache->allocations.load(std::memory_order_relaxed);
  }
  const std::size_t outside =
      impl.depot.outside.load(std::memory_order_relaxed);
  stats.in_use = outside > cached ? outside - cached : 0;
  stats.peak_in_use = impl.depot.peak.load(std::memory_order_relaxed);
  stats.allocation_failures = impl.failures.load(std::memory_order_relaxed);
  std::size_t held = sizeof(*this) + sizeof(Impl) +
                     impl.caches.size() * (sizeof(PoolCache) + sizeof(void*));
  for (std::size_t i = 0; i < impl.chunk_count.load(); ++i) {
    held += impl.chunks[i].mapped_bytes;
  }
  stats.overhead_bytes = held - impl.capacity * impl.object_bytes;
  stats.magazine = impl.magazine;
  return stats;
}

void PoolCore::die(const char* what, const void* slot) const noexcept {
  char line[160];
  char address[32] = "";
  if (slot != nullptr) std::snprintf(address, sizeof(address), " %p", slot);
  const int length =
      std::snprintf(line, sizeof(line), "wirebook: ObjectPool %p: %s%s\n",
                    static_cast<const void*>(this), what, address);
  if (write(STDERR_FILENO, line, static_cast<std::size_t>(length)) < 0) {
    // Nobody listens; the abort still tells.
  }
  std::abort();
}

}  // namespace wirebook::internal
