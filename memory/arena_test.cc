// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
#include "memory/arena.h"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <memory_resource>
#include <new>
#include <numeric>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "memory/allocation_counter.h"
#include "memory/asan_poison.h"
#include "memory/pool_handle.h"

namespace wirebook {
namespace {

struct Level {
  std::int64_t price;
  std::int64_t quantity;
};

TEST(Arena, HoldsGrowingVectorsWithoutTheHeap) {
  if (!allocation_counting()) GTEST_SKIP() << "no allocation hook";
  InlineArena<4096> arena;
  const std::uint64_t before = thread_allocations();
  {
    std::pmr::vector<Level> levels(&arena);
    for (int i = 0; i < 64; ++i) levels.push_back({i, 1});
    EXPECT_EQ(levels[63].price, 63);
    EXPECT_GE(arena.stats().in_use_bytes, 64 * sizeof(Level));
  }
  EXPECT_EQ(thread_allocations(), before);
  EXPECT_EQ(arena.stats().in_use_bytes, 0u);
  EXPECT_EQ(arena.stats().upstream_allocations, 0u);
}

TEST(Arena, Has128KiBUnlessSaidOtherwise) {
  auto arena = std::make_unique<InlineArena<>>();
  EXPECT_EQ(arena->stats().capacity_bytes, std::size_t{128} * 1024);
}

TEST(Arena, TheLastPieceGoesBackToTheFront) {
  InlineArena<1024> arena;
  void* a = arena.allocate(100);
  void* b = arena.allocate(100);
  arena.deallocate(b, 100);
  EXPECT_EQ(arena.allocate(200), b);
  arena.deallocate(b, 200);
  arena.deallocate(a, 100);
}

TEST(Arena, ReusesAPieceOfTheSameSize) {
  for (std::size_t bytes : {1u, 16u, 48u, 100u, 256u}) {
    SCOPED_TRACE(bytes);
    InlineArena<1024> arena;
    void* a = arena.allocate(bytes);
    void* b = arena.allocate(bytes);
    arena.deallocate(a, bytes);
    EXPECT_EQ(arena.allocate(bytes), a);
    EXPECT_EQ(arena.stats().reused, 1u);
    arena.deallocate(a, bytes);
    arena.deallocate(b, bytes);
  }
}

TEST(Arena, CutsALargerPieceAndKeepsTheRest) {
  InlineArena<1024> arena;
  void* large = arena.allocate(512);
  void* last = arena.allocate(16);
  arena.deallocate(large, 512);
  auto* first = static_cast<std::byte*>(arena.allocate(100));
  auto* second = static_cast<std::byte*>(arena.allocate(400));
  EXPECT_EQ(first, large);
  EXPECT_EQ(second, first + 112);
  arena.deallocate(first, 100);
  arena.deallocate(second, 400);
  arena.deallocate(last, 16);
}

TEST(Arena, VectorsThatGrowTogetherLiveOffEachOther) {
  // Both double from 16 bytes to 1 KiB: 4,064 bytes if nothing were reused.
  InlineArena<3328> arena;
  std::pmr::vector<Level> bids(&arena);
  std::pmr::vector<Level> asks(&arena);
  for (int i = 0; i < 64; ++i) {
    bids.push_back({i, 1});
    asks.push_back({i, 1});
  }
  EXPECT_EQ(arena.stats().upstream_allocations, 0u);
  EXPECT_GT(arena.stats().reused, 0u);
}

TEST(Arena, JoinsNeighboursBeforeItGoesUpstream) {
  InlineArena<640> arena;
  std::array<void*, 10> pieces;
  for (void*& piece : pieces) piece = arena.allocate(64);
  for (std::size_t i : {4u, 1u, 3u, 8u, 2u, 6u, 9u}) {
    arena.deallocate(pieces[i], 64);
  }
  EXPECT_EQ(arena.allocate(256), pieces[1]);
  EXPECT_EQ(arena.allocate(128), pieces[8]);
  EXPECT_EQ(arena.allocate(64), pieces[6]);
  EXPECT_EQ(arena.stats().upstream_allocations, 0u);
  EXPECT_NE(arena.allocate(16), nullptr);
  EXPECT_EQ(arena.stats().upstream_allocations, 1u);
}

TEST(Arena, FindsAPieceThatFitsBehindOneThatDoesNot) {
  for (const bool larger_last : {true, false}) {
    InlineArena<256> arena;
    void* larger = arena.allocate(48);
    void* wall = arena.allocate(16);
    void* smaller = arena.allocate(32);
    void* rest = arena.allocate(160);
    arena.deallocate(larger_last ? smaller : larger, larger_last ? 32 : 48);
    arena.deallocate(larger_last ? larger : smaller, larger_last ? 48 : 32);
    EXPECT_EQ(arena.allocate(48), larger);
    EXPECT_EQ(arena.allocate(32), smaller);
    EXPECT_EQ(arena.stats().upstream_allocations, 0u);
    arena.deallocate(wall, 16);
    arena.deallocate(rest, 160);
  }
}

TEST(Arena, FindsAPieceThatIsAlignedBehindOneThatIsNotAndInsideOne) {
  InlineArena<256> arena;
  void* aligned = arena.allocate(64);
  void* wall = arena.allocate(16);
  auto* odd = static_cast<std::byte*>(arena.allocate(128));
  void* rest = arena.allocate(48);
  arena.deallocate(aligned, 64);
  arena.deallocate(odd, 128);
  EXPECT_EQ(arena.allocate(64, 64), aligned);
  EXPECT_EQ(arena.allocate(64, 64), odd + 48);
  EXPECT_EQ(arena.allocate(48), odd);
  EXPECT_EQ(arena.allocate(16), odd + 112);
  EXPECT_EQ(arena.stats().upstream_allocations, 0u);
  for (void* piece : {static_cast<void*>(odd + 48), aligned}) {
    arena.deallocate(piece, 64);
  }
  arena.deallocate(odd, 48);
  arena.deallocate(odd + 112, 16);
  arena.deallocate(wall, 16);
  arena.deallocate(rest, 48);
  EXPECT_EQ(arena.stats().in_use_bytes, 0u);
}

TEST(Arena, StartsAnewWhenEverythingIsBack) {
  InlineArena<256> arena;
  for (int i = 0; i < 100; ++i) {
    void* a = arena.allocate(48);
    void* b = arena.allocate(48);
    void* c = arena.allocate(48);
    arena.deallocate(a, 48);
    arena.deallocate(b, 48);
    arena.deallocate(c, 48);
    void* all = arena.allocate(256);
    arena.deallocate(all, 256);
  }
  EXPECT_EQ(arena.stats().upstream_allocations, 0u);
}

// Counts what it holds, and can refuse.
struct Upstream final : std::pmr::memory_resource {
  void* do_allocate(std::size_t bytes, std::size_t alignment) override {
    last = bytes;
    if (refuse) throw std::bad_alloc();
    ++blocks;
    return std::pmr::new_delete_resource()->allocate(bytes, alignment);
  }
  void do_deallocate(void* block, std::size_t bytes,
                     std::size_t alignment) override {
    --blocks;
    std::pmr::new_delete_resource()->deallocate(block, bytes, alignment);
  }
  bool do_is_equal(
      const std::pmr::memory_resource& other) const noexcept override {
    return this == &other;
  }
  int blocks = 0;
  std::size_t last = 0;
  bool refuse = false;
};

TEST(Arena, CountsWhatDoesNotFitAndFreesIt) {
  Upstream upstream;
  ArenaTotals totals;
  {
    InlineArena<256> arena(&totals, &upstream);
    void* inside = arena.allocate(200);
    void* a = arena.allocate(100);
    void* b = arena.allocate(100);
    void* c = arena.allocate(1, 512);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(c) % 512, 0u);
    std::memset(a, 1, 100);
    EXPECT_EQ(upstream.blocks, 3);
    EXPECT_EQ(arena.stats().upstream_allocations, 3u);
    EXPECT_EQ(arena.stats().upstream_bytes, 112u + 112u + 16u);
    EXPECT_EQ(arena.stats().in_use_bytes, 208u + 112u + 112u + 16u);
    arena.deallocate(b, 100);
    EXPECT_EQ(upstream.blocks, 2);
    arena.deallocate(inside, 200);
    arena.reset();
    EXPECT_EQ(upstream.blocks, 0);
    EXPECT_EQ(arena.stats().in_use_bytes, 0u);
    static_cast<void>(arena.allocate(1000));
  }
  EXPECT_EQ(upstream.blocks, 0);
  EXPECT_EQ(totals.upstream_allocations.load(), 4u);
  EXPECT_EQ(totals.upstream_bytes.load(), 240u + 1008u);
  EXPECT_EQ(totals.peak_bytes.load(), 1008u);
}

TEST(Arena, ARefusalUpstreamIsCounted) {
  Upstream upstream;
  upstream.refuse = true;
  InlineArena<64> arena(nullptr, &upstream);
  EXPECT_THROW(static_cast<void>(arena.allocate(100)), std::bad_alloc);
  // No size is cut to one that can be had.
  volatile std::size_t all = SIZE_MAX;
  EXPECT_THROW(static_cast<void>(arena.allocate(all)), std::bad_alloc);
  EXPECT_GE(upstream.last, std::size_t{1} << 63);
  EXPECT_EQ(arena.stats().allocation_failures, 2u);
  EXPECT_EQ(arena.stats().in_use_bytes, 0u);
}

TEST(Arena, TakesABufferOfAnySize) {
  Arena none({});
  void* piece = none.allocate(8);
  none.deallocate(piece, 8);
  EXPECT_EQ(none.stats().upstream_allocations, 1u);
  alignas(16) std::array<std::byte, 100> bytes;
  Arena odd({bytes.data() + 1, bytes.size() - 1});
  piece = odd.allocate(64);
  EXPECT_EQ(piece, bytes.data() + 16);
  odd.deallocate(piece, 64);
  EXPECT_TRUE(odd == odd);
  EXPECT_FALSE(odd == none);
}

TEST(Arena, RecycleEmptiesContainersAndTheArena) {
  InlineArena<2048> arena;
  std::pmr::vector<Level> levels(&arena);
  std::pmr::vector<std::pmr::string> names(&arena);
  for (int round = 0; round < 100; ++round) {
    levels.resize(50);
    names.emplace_back("a name that is too long to be kept in the string");
    arena.recycle(levels, names);
    EXPECT_EQ(levels.capacity(), 0u);
    EXPECT_TRUE(names.empty());
    EXPECT_EQ(levels.get_allocator().resource(), &arena);
    EXPECT_EQ(arena.stats().in_use_bytes, 0u);
  }
  EXPECT_EQ(arena.stats().resets, 100u);
  EXPECT_EQ(arena.stats().upstream_allocations, 0u);
  EXPECT_EQ(arena.stats().allocation_failures, 0u);
}

TEST(Arena, AgreesWithAModelUnderRandomOperations) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  struct Piece {
    unsigned char* at;
    std::size_t bytes;
    std::size_t alignment;
    unsigned char mark;
  };
  Upstream upstream;
  InlineArena<8192> arena(nullptr, &upstream);
  std::vector<Piece> pieces;
  std::uint64_t allocations = 0;
  std::uint64_t deallocations = 0;
  for (int step = 0; step < 100'000; ++step) {
    const auto what = random() % 1000;
    if (what < 505) {
      Piece piece{nullptr, random() % (what < 20 ? 3000 : 200),
                  std::size_t{1} << (what < 50 ? random() % 10 : 3),
                  static_cast<unsigned char>(random())};
      piece.at = static_cast<unsigned char*>(
          arena.allocate(piece.bytes, piece.alignment));
      ASSERT_EQ(reinterpret_cast<std::uintptr_t>(piece.at) % piece.alignment,
                0u);
      std::memset(piece.at, piece.mark, piece.bytes);
      pieces.push_back(piece);
      ++allocations;
    } else if (what < 998 && !pieces.empty()) {
      std::swap(pieces[random() % pieces.size()], pieces.back());
      const Piece piece = pieces.back();
      pieces.pop_back();
      for (std::size_t i = 0; i < piece.bytes; ++i) {
        ASSERT_EQ(piece.at[i], piece.mark);
      }
      arena.deallocate(piece.at, piece.bytes, piece.alignment);
      ++deallocations;
    } else if (what >= 998) {
      arena.reset();
      pieces.clear();
      ASSERT_EQ(upstream.blocks, 0);
    }
    std::size_t in_use = 0;
    for (const Piece& piece : pieces) {
      in_use += piece.bytes == 0 ? 16 : (piece.bytes + 15) / 16 * 16;
    }
    ASSERT_EQ(arena.stats().in_use_bytes, in_use);
    ASSERT_LE(in_use, arena.stats().peak_bytes);
  }
  EXPECT_EQ(arena.stats().total_allocations, allocations);
  EXPECT_EQ(arena.stats().total_deallocations, deallocations);
  EXPECT_GT(arena.stats().reused, 0u);
}

// A pooled event as a book publishes it: levels of any number, in the slot.
struct Depth : Poolable<Depth> {
  explicit Depth(ArenaTotals* totals) : arena(totals) {}
  void clear() noexcept { arena.recycle(bids, asks); }
  void fill(std::int64_t seed, std::size_t levels) {
    for (std::size_t i = 0; i < levels; ++i) {
      bids.push_back({seed, static_cast<std::int64_t>(i)});
      asks.push_back({seed, static_cast<std::int64_t>(i)});
    }
  }
  std::int64_t sum() const {
    std::int64_t all = 0;
    for (const Level& level : bids) all += level.price;
    for (const Level& level : asks) all += level.price;
    return all;
  }

  InlineArena<8192> arena;
  std::pmr::vector<Level> bids{&arena};
  std::pmr::vector<Level> asks{&arena};
};

TEST(PooledArena, EventsThatFitNeverTouchTheHeap) {
  if (!allocation_counting()) GTEST_SKIP() << "no allocation hook";
  ArenaTotals totals;
  EventPool<Depth, 4> pool(&totals);
  const std::uint64_t before = thread_allocations();
  for (int i = 0; i < 10'000; ++i) {
    PoolHandle<Depth> event = *pool.acquire();
    event->fill(i, static_cast<std::size_t>(i % 100));
    std::array<PoolHandle<Depth>, 3> consumers = event.fan_out<3>();
    event.reset();
    EXPECT_EQ(consumers[2]->sum(), 2 * i * (i % 100));
  }
  EXPECT_EQ(thread_allocations(), before);
  EXPECT_EQ(totals.upstream_allocations.load(), 0u);
  EXPECT_GE(totals.peak_bytes.load(), 2 * 99 * sizeof(Level));
  EXPECT_EQ(pool.high_water_mark(), 1u);
}

TEST(PooledArena, EventsThatDoNotFitAreCountedAndLeaveNothing) {
  ArenaTotals totals;
  EventPool<Depth, 4> pool(&totals);
  const std::uint64_t before = thread_allocations();
  for (int i = 0; i < 10; ++i) (*pool.acquire())->fill(1, 2000);
  EXPECT_GE(totals.upstream_allocations.load(), 20u);
  EXPECT_GE(totals.upstream_bytes.load(), 10 * 2 * 2000 * sizeof(Level));
  if (allocation_counting()) {
    EXPECT_EQ(thread_allocations() - before,
              totals.upstream_allocations.load());
  }
  PoolHandle<Depth> event = *pool.acquire();
  EXPECT_EQ(event->arena.stats().in_use_bytes, 0u);
  EXPECT_EQ(event->bids.capacity(), 0u);
}

// The last of several threads resets the arena, and another fills it again.
TEST(PooledArena, IsResetByWhicheverThreadLetsGoLast) {
  ArenaTotals totals;
  EventPool<Depth, 8> pool(&totals);
  constexpr int kEvents = 3'000;
  std::array<std::atomic<Depth*>, 3> lanes{};
  std::atomic<int> wrong{0};
  std::vector<std::thread> consumers;
  for (auto& lane : lanes) {
    consumers.emplace_back([&lane, &wrong] {
      for (int seen = 0; seen < kEvents;) {
        // Acquire: with the producer's release.
        Depth* raw = lane.exchange(nullptr, std::memory_order_acquire);
        if (raw == nullptr) {
          std::this_thread::yield();
          continue;
        }
        PoolHandle<const Depth> event = PoolHandle<Depth>::adopt(raw);
        const auto levels = static_cast<std::int64_t>(event->bids.size());
        const std::int64_t price = levels == 0 ? 0 : event->bids[0].price;
        if (event->sum() != 2 * levels * price) wrong.fetch_add(1);
        ++seen;
      }
    });
  }
  for (int i = 0; i < kEvents;) {
    std::optional<PoolHandle<Depth>> event = pool.acquire();
    if (!event) {
      std::this_thread::yield();
      continue;
    }
    (*event)->fill(i, static_cast<std::size_t>(i % 300));
    std::array<PoolHandle<Depth>, 3> copies = event->fan_out<3>();
    event.reset();
    for (std::size_t lane = 0; lane < 3; ++lane) {
      Depth* raw = copies[lane].release();
      Depth* expected = nullptr;
      while (!lanes[lane].compare_exchange_weak(expected, raw,
                                                std::memory_order_release)) {
        expected = nullptr;
        std::this_thread::yield();
      }
    }
    ++i;
  }
  for (auto& consumer : consumers) consumer.join();
  EXPECT_EQ(wrong.load(), 0);
  EXPECT_EQ(pool.stats().in_use, 0u);
  EXPECT_GT(totals.upstream_allocations.load(), 0u);
}

TEST(ArenaDeathTest, MemoryThatAResetTook) {
  InlineArena<256> arena;
  void* piece = arena.allocate(64);
  arena.reset();
  EXPECT_DEATH(arena.deallocate(piece, 64),
               "^wirebook: Arena 0x[0-9a-f]+: is given back what a reset took: "
               "0x[0-9a-f]+\n");
}

TEST(ArenaDeathTest, MemoryItNeverGave) {
  InlineArena<64> arena;
  alignas(16) std::array<std::byte, 256> bytes{};
  EXPECT_DEATH(arena.deallocate(bytes.data() + 128, 64),
               "is given back what it never gave: 0x[0-9a-f]+\n");
}

TEST(ArenaDeathTest, AccessToWhatIsNotHandedOut) {
  if (!kPoisons) GTEST_SKIP() << "built without AddressSanitizer";
  InlineArena<1024> arena;
  auto* a = static_cast<volatile char*>(arena.allocate(64));
  auto* b = static_cast<volatile char*>(arena.allocate(60));
  EXPECT_DEATH(b[60] = 1, "use-after-poison");
  arena.deallocate(const_cast<char*>(a), 64);
  EXPECT_DEATH(a[63] = 1, "use-after-poison");
  a = static_cast<volatile char*>(arena.allocate(64));
  a[63] = 1;
  arena.reset();
  EXPECT_DEATH(b[0] = 1, "use-after-poison");
}

TEST(ArenaDeathTest, AccessToALevelOfARecycledEvent) {
  if (!kPoisons) GTEST_SKIP() << "built without AddressSanitizer";
  EventPool<Depth, 1> pool(nullptr);
  volatile Level* stale;
  {
    PoolHandle<Depth> event = *pool.acquire();
    event->fill(1, 10);
    stale = &event->asks[9];
  }
  EXPECT_DEATH(stale->price = 1, "use-after-poison");
  PoolHandle<Depth> next = *pool.acquire();
  next->fill(1, 1);
  EXPECT_DEATH(stale->price = 1, "use-after-poison");
}

}  // namespace
}  // namespace wirebook
