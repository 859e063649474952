// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
#include "memory/pool_handle.h"

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <memory_resource>
#include <optional>
#include <random>
#include <set>
#include <stdexcept>
#include <thread>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "memory/allocation_counter.h"
#include "memory/asan_poison.h"

namespace wirebook {
namespace {

struct Trade : Poolable<Trade> {
  void clear() noexcept {
    price = 0;
    ++clears;
    cleared_by = std::this_thread::get_id();
  }
  std::int64_t price = 0;
  int clears = 0;
  std::thread::id cleared_by;
};

using TradeHandle = PoolHandle<Trade>;

static_assert(sizeof(TradeHandle) == sizeof(void*));
static_assert(std::is_nothrow_copy_constructible_v<TradeHandle>);
static_assert(std::is_nothrow_move_assignable_v<TradeHandle>);
static_assert(std::is_convertible_v<TradeHandle, PoolHandle<const Trade>>);
static_assert(!std::is_convertible_v<PoolHandle<const Trade>, TradeHandle>);

TEST(EventPool, SharesAnObjectUntilTheLastHandleDies) {
  EventPool<Trade, 8> pool;
  std::optional<TradeHandle> trade = pool.acquire();
  ASSERT_TRUE(trade.has_value());
  (*trade)->price = 42;
  TradeHandle copy = *trade;
  trade.reset();
  EXPECT_EQ(copy->price, 42);
  EXPECT_EQ(pool.stats().in_use, 1u);
  copy.reset();
  EXPECT_EQ(pool.stats().in_use, 0u);
}

TEST(EventPool, GivesAnObjectAsClearLeftIt) {
  EventPool<Trade, 1> pool;
  {
    TradeHandle trade = *pool.acquire();
    trade->price = 42;
  }
  TradeHandle again = *pool.acquire();
  EXPECT_EQ(again->price, 0);
  EXPECT_EQ(again->clears, 1);
}

TEST(EventPool, ClearRunsOnceAndOnTheThreadThatLetGoLast) {
  EventPool<Trade, 1> pool;
  TradeHandle first = *pool.acquire();
  std::thread::id last;
  std::thread([&last, copy = first, &first]() mutable {
    last = std::this_thread::get_id();
    first.reset();
    EXPECT_EQ(copy->clears, 0);
    copy.reset();
  }).join();
  TradeHandle again = *pool.acquire();
  EXPECT_EQ(again->clears, 1);
  EXPECT_EQ(again->cleared_by, last);
}

TEST(PoolHandle, CopiesRetainAndMovesTransfer) {
  EventPool<Trade, 2> pool;
  TradeHandle a = *pool.acquire();
  EXPECT_EQ(a.use_count(), 1u);
  TradeHandle b = a;
  EXPECT_EQ(a.use_count(), 2u);
  TradeHandle c = std::move(b);
  EXPECT_EQ(a.use_count(), 2u);
  EXPECT_FALSE(b);
  b = c;
  EXPECT_EQ(a.use_count(), 3u);
  b = std::move(c);
  EXPECT_EQ(a.use_count(), 2u);
  EXPECT_EQ(a, b);
  EXPECT_NE(a, c);
}

TEST(PoolHandle, AssignmentSendsTheOldObjectHome) {
  EventPool<Trade, 2> pool;
  TradeHandle a = *pool.acquire();
  TradeHandle b = *pool.acquire();
  a = b;
  EXPECT_EQ(pool.stats().in_use, 1u);
  a = TradeHandle();
  b = std::move(a);
  EXPECT_EQ(pool.stats().in_use, 0u);
}

TEST(PoolHandle, SurvivesAssignmentToItself) {
  EventPool<Trade, 2> pool;
  TradeHandle a = *pool.acquire();
  TradeHandle& same = a;
  a = same;
  EXPECT_EQ(a.use_count(), 1u);
  a = std::move(same);
  EXPECT_EQ(a.use_count(), 1u);
  swap(a, same);
  EXPECT_TRUE(a);
}

TEST(PoolHandle, EmptyOnesDoNothing) {
  TradeHandle empty;
  TradeHandle copy = empty;
  EXPECT_EQ(copy.use_count(), 0u);
  EXPECT_EQ(copy.get(), nullptr);
  EXPECT_EQ(empty.release(), nullptr);
  EXPECT_FALSE(TradeHandle::adopt(nullptr));
  for (const TradeHandle& each : empty.fan_out<2>()) EXPECT_FALSE(each);
}

TEST(PoolHandle, FansOutInOneStep) {
  EventPool<Trade, 1> pool;
  TradeHandle trade = *pool.acquire();
  {
    std::array<TradeHandle, 3> copies = trade.fan_out<3>();
    EXPECT_EQ(trade.use_count(), 4u);
    EXPECT_EQ(copies[2], trade);
  }
  EXPECT_EQ(trade.use_count(), 1u);
}

TEST(PoolHandle, PassesThroughAQueueOfBarePointers) {
  EventPool<Trade, 1> pool;
  TradeHandle trade = *pool.acquire();
  trade->price = 7;
  Trade* raw = trade.release();
  EXPECT_EQ(pool.stats().in_use, 1u);
  EXPECT_EQ(TradeHandle::adopt(raw)->price, 7);
  EXPECT_EQ(pool.stats().in_use, 0u);
}

TEST(PoolHandle, ConstHandlesShareAlike) {
  EventPool<Trade, 1> pool;
  PoolHandle<const Trade> reader = *pool.acquire();
  PoolHandle<const Trade> other = reader;
  static_assert(std::is_same_v<decltype(*reader), const Trade&>);
  EXPECT_EQ(other->price, 0);
  reader.reset();
  other = PoolHandle<const Trade>::adopt(other.release());
  other.reset();
  EXPECT_EQ(pool.stats().in_use, 0u);
}

TEST(Poolable, CopyingAnEventLeavesPoolAndHandlesAlone) {
  EventPool<Trade, 2> pool;
  TradeHandle a = *pool.acquire();
  TradeHandle b = *pool.acquire();
  TradeHandle a2 = a;
  a->price = 5;
  *b = *a;
  EXPECT_EQ(b->price, 5);
  EXPECT_EQ(b.use_count(), 1u);
  Trade local = *a;
  EXPECT_EQ(local.price, 5);
  EXPECT_EQ(local.references().use_count(), 0u);
}

TEST(RefCounted, TellsTheLastOwner) {
  RefCounted count(1);
  count.retain(2);
  EXPECT_EQ(count.use_count(), 3u);
  EXPECT_FALSE(count.release());
  EXPECT_FALSE(count.release());
  EXPECT_TRUE(count.release());
  const RefCounted copy = count;
  EXPECT_EQ(copy.use_count(), 0u);
}

// The confusion of pools that tell each other apart by type alone.
TEST(EventPool, ObjectsGoHomeToTheirOwnPoolWhateverItsCapacity) {
  EventPool<Trade, 3> small;
  EventPool<Trade, 50> large;
  EventPool<Trade, 3> twin;
  std::vector<TradeHandle> handles;
  for (int i = 0; i < 3; ++i) {
    handles.push_back(*small.acquire());
    handles.push_back(*large.acquire());
    handles.push_back(*twin.acquire());
  }
  std::set<Trade*> of_small;
  for (std::size_t i = 0; i < handles.size(); i += 3) {
    of_small.insert(handles[i].get());
  }
  std::thread([&handles] { handles.clear(); }).join();
  for (std::size_t in_use :
       {small.stats().in_use, large.stats().in_use, twin.stats().in_use}) {
    EXPECT_EQ(in_use, 0u);
  }
  for (int i = 0; i < 3; ++i) {
    handles.push_back(*small.acquire());
    EXPECT_EQ(of_small.count(handles.back().get()), 1u);
  }
  EXPECT_FALSE(small.acquire());
  for (int i = 0; i < 50; ++i) {
    handles.push_back(*large.acquire());
    EXPECT_EQ(of_small.count(handles.back().get()), 0u);
  }
  EXPECT_FALSE(large.acquire());
  handles.clear();
}

TEST(EventPool, CountsExhaustionAndTheHighWaterMark) {
  EventPool<Trade, 4> pool;
  EXPECT_EQ(pool.high_water_mark(), 0u);
  std::vector<TradeHandle> out;
  for (int i = 0; i < 3; ++i) out.push_back(*pool.acquire());
  out.pop_back();
  out.push_back(*pool.acquire());
  EXPECT_EQ(pool.high_water_mark(), 3u);
  out.push_back(*pool.acquire());
  EXPECT_FALSE(pool.acquire());
  EXPECT_FALSE(pool.acquire());
  EXPECT_EQ(pool.exhaustion_count(), 2u);
  out.clear();
  EXPECT_TRUE(pool.acquire());
  EXPECT_EQ(pool.high_water_mark(), 4u);
}

TEST(EventPool, StatisticsAreExactAtRest) {
  constexpr std::size_t kThreads = 8;
  constexpr std::uint64_t kRounds = 5'000;
  EventPool<Trade, 4> pool;
  std::array<std::uint64_t, kThreads> got{};
  std::array<std::uint64_t, kThreads> refused{};
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (std::uint64_t i = 0; i < kRounds; ++i) {
        std::optional<TradeHandle> trade = pool.acquire();
        ++(trade ? got : refused)[t];
      }
    });
  }
  for (auto& thread : threads) thread.join();
  std::uint64_t all_got = 0;
  std::uint64_t all_refused = 0;
  for (std::size_t t = 0; t < kThreads; ++t) {
    all_got += got[t];
    all_refused += refused[t];
  }
  TradeHandle kept = *pool.acquire();
  const EventPoolStats stats = pool.stats();
  EXPECT_EQ(stats.capacity, 4u);
  EXPECT_EQ(stats.in_use, 1u);
  EXPECT_EQ(stats.total_allocations, all_got + 1);
  EXPECT_EQ(stats.total_deallocations, all_got);
  EXPECT_EQ(stats.allocation_failures, all_refused);
  EXPECT_EQ(stats.peak_usage, pool.high_water_mark());
  EXPECT_GT(stats.overhead_bytes, 0u);
}

struct Levels : Poolable<Levels> {
  void clear() noexcept { prices.clear(); }
  std::vector<std::int64_t> prices;
};

TEST(EventPool, ReusesWhatClearLeavesWithoutTheHeap) {
  if (!allocation_counting()) GTEST_SKIP() << "no allocation hook";
  EventPool<Levels, 2> pool;
  (*pool.acquire())->prices.reserve(100);
  const std::uint64_t before = thread_allocations();
  for (int i = 0; i < 1'000; ++i) {
    PoolHandle<Levels> levels = *pool.acquire();
    auto copies = levels.fan_out<3>();
    for (int k = 0; k < 100; ++k) copies[2]->prices.push_back(k);
  }
  EXPECT_EQ(thread_allocations(), before);
}

TEST(EventPool, OneMillionCyclesUseOneObject) {
  EventPool<Trade, 64> pool;
  for (int i = 0; i < 1'000'000; ++i) {
    TradeHandle trade = *pool.acquire();
    trade->price = i;
  }
  EXPECT_EQ(pool.stats().total_deallocations, 1'000'000u);
  EXPECT_EQ(pool.high_water_mark(), 1u);
}

struct Named : Poolable<Named> {
  Named(int a, const std::vector<int>& b) : number(a), list(b) {}
  void clear() noexcept {}
  int number;
  std::vector<int> list;
};

TEST(EventPool, MakesEveryObjectFromTheSameArguments) {
  const std::vector<int> list = {1, 2, 3};
  EventPool<Named, 3> pool(7, list);
  PoolHandle<Named> a = *pool.acquire();
  PoolHandle<Named> b = *pool.acquire();
  EXPECT_EQ(b->number, 7);
  EXPECT_EQ(b->list, a->list);
}

struct CountingResource final : std::pmr::memory_resource {
  void* do_allocate(std::size_t bytes, std::size_t alignment) override {
    held += bytes;
    return std::pmr::new_delete_resource()->allocate(bytes, alignment);
  }
  void do_deallocate(void* block, std::size_t bytes,
                     std::size_t alignment) override {
    held -= bytes;
    std::pmr::new_delete_resource()->deallocate(block, bytes, alignment);
  }
  bool do_is_equal(
      const std::pmr::memory_resource& other) const noexcept override {
    return this == &other;
  }
  std::size_t held = 0;
};

TEST(EventPool, TakesItsBlockFromAResourceAndGivesItBack) {
  CountingResource upstream;
  {
    EventPool<Named, 10> pool(std::allocator_arg, &upstream, 7,
                              std::vector<int>{});
    EXPECT_GE(upstream.held, 10 * sizeof(Named));
  }
  EXPECT_EQ(upstream.held, 0u);
}

struct Wide : Poolable<Wide> {
  void clear() noexcept {}
  alignas(256) char bytes[300];
};

TEST(EventPool, KeepsAlignmentAndSharesNoLineBetweenObjects) {
  EventPool<Wide, 5> wide;
  PoolHandle<Wide> a = *wide.acquire();
  PoolHandle<Wide> b = *wide.acquire();
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(a->bytes) % 256, 0u);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(b->bytes) % 256, 0u);
  EventPool<Trade, 2> trades;
  TradeHandle c = *trades.acquire();
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(c.get()) % 64, 0u);
}

struct Virtual {
  virtual ~Virtual() = default;
  virtual int kind() const noexcept { return 0; }
};
struct Derived : Virtual, Poolable<Derived> {
  int kind() const noexcept override { return 1; }
  void clear() noexcept { text.clear(); }
  std::vector<char> text = std::vector<char>(100);
};

TEST(EventPool, TakesEventsWithOtherBases) {
  EventPool<Derived, 2> pool;
  PoolHandle<Derived> a = *pool.acquire();
  EXPECT_EQ(a->kind(), 1);
  a.reset();
  a = *pool.acquire();
  EXPECT_TRUE(a->text.empty());
}

struct Throwing : Poolable<Throwing> {
  explicit Throwing(int* alive) : count(alive) {
    if (*count == 3) throw std::runtime_error("the fourth");
    ++*count;
  }
  ~Throwing() { --*count; }
  void clear() noexcept {}
  int* count;
};

TEST(EventPool, UndoesAConstructorThatThrows) {
  CountingResource upstream;
  int alive = 0;
  using Pool = EventPool<Throwing, 8>;
  EXPECT_THROW(Pool(std::allocator_arg, &upstream, &alive), std::runtime_error);
  EXPECT_EQ(alive, 0);
  EXPECT_EQ(upstream.held, 0u);
}

TEST(EventPool, AgreesWithAModelUnderRandomOperations) {
  constexpr std::size_t kCapacity = 10;
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  EventPool<Trade, kCapacity> pool;
  std::vector<TradeHandle> handles;
  std::unordered_map<Trade*, std::uint32_t> model;
  const auto drop = [&](std::size_t i) {
    Trade* object = handles[i].get();
    std::swap(handles[i], handles.back());
    handles.pop_back();
    if (--model[object] == 0) model.erase(object);
  };
  for (int step = 0; step < 100'000; ++step) {
    const std::size_t pick = handles.empty() ? 0 : random() % handles.size();
    const auto what = random() % 10;
    if (what < 3 || handles.empty()) {
      std::optional<TradeHandle> got = pool.acquire();
      ASSERT_EQ(got.has_value(), model.size() < kCapacity);
      if (got) {
        ASSERT_EQ(model.count(got->get()), 0u);
        model[got->get()] = 1;
        handles.push_back(std::move(*got));
      }
    } else if (what < 5) {
      handles.push_back(handles[pick]);
      ++model[handles[pick].get()];
    } else {
      drop(pick);
    }
    if (step % 1000 == 0) {
      for (const TradeHandle& handle : handles) {
        ASSERT_EQ(handle.use_count(), model[handle.get()]);
      }
      ASSERT_EQ(pool.stats().in_use, model.size());
    }
  }
}

// Every thread acquires, fans out into mailboxes that any thread empties, and
// drops. Payloads are plain: ThreadSanitizer sees whether a reader's last look
// comes before clear(), and clear() before the next holder.
struct Payload : Poolable<Payload> {
  void clear() noexcept {
    for (auto& word : words) word = 0;
  }
  std::array<std::uint64_t, 8> words{};
};

TEST(EventPool, SixteenThreadsShareAndSendHome) {
  constexpr std::size_t kThreads = 16;
  EventPool<Payload, 64> pool;
  EventPool<Payload, 8> other;
  std::array<std::atomic<Payload*>, 32> mailboxes{};
  std::atomic<int> torn{0};
  const auto read = [&torn](Payload* raw) {
    PoolHandle<const Payload> event = PoolHandle<Payload>::adopt(raw);
    if (!event) return;
    for (std::uint64_t word : event->words) {
      if (word != event->words[0] || word == 0) torn.fetch_add(1);
    }
  };
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      std::mt19937 random(static_cast<unsigned>(t));
      for (int i = 0; i < 4'000; ++i) {
        std::optional<PoolHandle<Payload>> event =
            i % 4 == 0 ? other.acquire() : pool.acquire();
        if (!event) continue;
        for (auto& word : (*event)->words) word = t + 1;
        for (PoolHandle<Payload>& copy : event->fan_out<3>()) {
          auto& box = mailboxes[random() % mailboxes.size()];
          // Release: with the acquire of who empties the box.
          read(box.exchange(copy.release(), std::memory_order_acq_rel));
        }
      }
    });
  }
  for (auto& thread : threads) thread.join();
  for (auto& box : mailboxes) read(box.load());
  EXPECT_EQ(torn.load(), 0);
  EXPECT_EQ(pool.stats().in_use, 0u);
  EXPECT_EQ(other.stats().in_use, 0u);
}

TEST(PoolHandle, ThreadsCopyOneHandleAtOnce) {
  EventPool<Trade, 1> pool;
  const TradeHandle shared = *pool.acquire();
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&shared] {
      for (int i = 0; i < 20'000; ++i) {
        TradeHandle copy = shared;
        TradeHandle moved = std::move(copy);
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(shared.use_count(), 1u);
}

TEST(PoolHandleDeathTest, ReleaseBelowZero) {
  RefCounted count(1);
  EXPECT_TRUE(count.release());
  EXPECT_DEATH(static_cast<void>(count.release()),
               "^wirebook: RefCounted 0x[0-9a-f]+: released below zero\n");
}

TEST(PoolHandleDeathTest, CopyOfAnObjectThatIsHome) {
  RefCounted count;
  EXPECT_DEATH(count.retain(), "copied while nobody has it");
}

TEST(PoolHandleDeathTest, CountThatOverflows) {
  RefCounted count(std::uint32_t{1} << 31);
  EXPECT_DEATH(count.retain(), "RefCounted 0x[0-9a-f]+: overflows");
}

TEST(PoolHandleDeathTest, ObjectThatIsGivenOutTwice) {
  EventPool<Trade, 1> pool;
  Trade* raw = pool.acquire()->get();  // Home again.
  EXPECT_DEATH(
      {
        raw->references().start();
        TradeHandle twice = *pool.acquire();
      },
      "given out while in use");
}

TEST(PoolHandleDeathTest, AdoptOfWhatNoPoolMade) {
  Trade local;
  EXPECT_DEATH(static_cast<void>(TradeHandle::adopt(&local)),
               "PoolHandle .*: adopts what no pool made: 0x[0-9a-f]+\n");
}

TEST(PoolHandleDeathTest, AdoptOfWhatWentHome) {
  EventPool<Trade, 1> pool;
  Trade* raw = pool.acquire()->get();
  EXPECT_DEATH(static_cast<void>(TradeHandle::adopt(raw)),
               "adopts what went home: 0x[0-9a-f]+\n");
}

TEST(PoolHandleDeathTest, HandleThatOutlivesItsPool) {
  using Pool = EventPool<Trade, 4>;
  EXPECT_DEATH(
      {
        TradeHandle survivor;
        Pool pool;
        survivor = *pool.acquire();
      },
      "^wirebook: EventPool 0x[0-9a-f]+: destroyed before its handle to "
      "0x[0-9a-f]+\n");
}

TEST(PoolHandleDeathTest, AccessToAnObjectThatIsHome) {
  if (!kPoisons) GTEST_SKIP() << "built without AddressSanitizer";
  EventPool<Trade, 1> pool;
  Trade* raw = pool.acquire()->get();
  EXPECT_DEATH(raw->price = 1, "use-after-poison");
}

}  // namespace
}  // namespace wirebook
