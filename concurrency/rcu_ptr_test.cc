// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "concurrency/rcu_ptr.h"

#include <atomic>
#include <cstdint>
#include <memory>
#include <random>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

#include "concurrency/testing/history_recorder.h"
#include "concurrency/testing/linearizability.h"
#include "concurrency/testing/linearizability_specs.h"
#include "gtest/gtest.h"
#include "memory/object_pool.h"
#include "memory/testing/soak.h"

namespace wirebook {
namespace {

struct Config {
  explicit Config(int l = 0, int t = 0) : limit(l), twice(t) { ++alive; }
  Config(const Config& other) : limit(other.limit), twice(other.twice) {
    ++alive;
  }
  ~Config() { --alive; }
  int limit;
  int twice;
  static inline std::atomic<int> alive{0};
};

class RcuPtrTest : public testing::Test {
 protected:
  ~RcuPtrTest() override {
    rcu_barrier();
    EXPECT_EQ(Config::alive, 0);
  }
};

// The simplest use.
TEST_F(RcuPtrTest, ReadersSeeTheNewestAndKeepWhatTheySaw) {
  RcuPtr<Config> config(std::make_unique<Config>(1));
  const RcuReadGuard region;
  const Config* const seen = config.load();
  config.store(std::make_unique<Config>(2));
  EXPECT_EQ(seen->limit, 1);
  EXPECT_EQ(config.load()->limit, 2);
}

TEST_F(RcuPtrTest, HoldsNullUnlessGivenAnObject) {
  RcuPtr<Config> config;
  const RcuReadGuard region;
  EXPECT_EQ(config.load(), nullptr);
  EXPECT_EQ(config.exchange(std::make_unique<Config>(1)), nullptr);
  EXPECT_EQ(config.exchange(nullptr)->limit, 1);
  EXPECT_EQ(config.load(), nullptr);
}

TEST_F(RcuPtrTest, StoreRetiresTheOldObject) {
  RcuPtr<Config> config(std::make_unique<Config>(1));
  config.store(std::make_unique<Config>(2));
  rcu_barrier();
  EXPECT_EQ(Config::alive, 1);
}

TEST_F(RcuPtrTest, ExchangeGivesTheOldObjectWhoseEndRetiresIt) {
  RcuPtr<Config> config(std::make_unique<Config>(1));
  {
    const RcuPtr<Config>::Replaced old =
        config.exchange(std::make_unique<Config>(2));
    rcu_barrier();
    EXPECT_EQ(old->limit, 1);
    EXPECT_EQ(Config::alive, 2);
  }
  rcu_barrier();
  EXPECT_EQ(Config::alive, 1);
  Config* const mine = config.exchange(nullptr).release();
  rcu_synchronize();
  delete mine;
}

TEST_F(RcuPtrTest, CompareExchangeReplacesWhatIsExpected) {
  RcuPtr<Config> config(std::make_unique<Config>(1));
  const RcuReadGuard region;
  const Config* expected = config.load();
  auto next = std::make_unique<Config>(2);
  EXPECT_TRUE(config.compare_exchange(expected, next));
  EXPECT_EQ(next, nullptr);
  EXPECT_EQ(config.load()->limit, 2);
}

TEST_F(RcuPtrTest, CompareExchangeOfWhatIsGoneSaysWhatIsThere) {
  RcuPtr<Config> config(std::make_unique<Config>(1));
  const RcuReadGuard region;
  const Config* expected = nullptr;
  auto next = std::make_unique<Config>(2);
  EXPECT_FALSE(config.compare_exchange(expected, next));
  EXPECT_EQ(expected, config.load());
  EXPECT_EQ(next->limit, 2);
  EXPECT_EQ(config.load()->limit, 1);
}

TEST_F(RcuPtrTest, UpdateReadsCopiesAndUpdates) {
  RcuPtr<Config> config(std::make_unique<Config>(1, 2));
  config.update([](Config& c) { c.limit = 7; });
  const RcuReadGuard region;
  EXPECT_EQ(config.load()->limit, 7);
  EXPECT_EQ(config.load()->twice, 2);
}

TEST_F(RcuPtrTest, UpdateThatThrowsChangesNothing) {
  RcuPtr<Config> config(std::make_unique<Config>(1));
  EXPECT_THROW(config.update([](Config& c) {
    c.limit = 2;
    throw std::runtime_error("no");
  }),
               std::runtime_error);
  const RcuReadGuard region;
  EXPECT_EQ(config.load()->limit, 1);
  EXPECT_EQ(Config::alive, 1);
}

TEST_F(RcuPtrTest, EndRetiresTheObjectForThoseWhoStillReadIt) {
  const RcuReadGuard region;
  const Config* seen;
  {
    RcuPtr<Config> config(std::make_unique<Config>(1));
    seen = config.load();
  }
  EXPECT_EQ(seen->limit, 1);
}

TEST_F(RcuPtrTest, LivesInADomainOfItsOwn) {
  rcu_domain domain;
  RcuPtr<Config> config(std::make_unique<Config>(1), domain);
  config.store(std::make_unique<Config>(2));
  rcu_barrier(domain);
  EXPECT_EQ(Config::alive, 1);
  config.store(nullptr);
  rcu_barrier(domain);
}

struct ToPool {
  void operator()(Config* c) const { pool->destroy(c); }
  bool operator==(const ToPool&) const = default;
  ObjectPool<Config>* pool = nullptr;
};
using Pooled = std::unique_ptr<Config, ToPool>;

TEST_F(RcuPtrTest, ObjectsMayComeFromAPool) {
  ObjectPool<Config> pool;
  rcu_domain domain;
  {
    RcuPtr<Config, ToPool> config(Pooled(nullptr, ToPool{&pool}), domain);
    config.store(Pooled(pool.create(1), ToPool{&pool}));
    config.store(Pooled(pool.create(2), ToPool{&pool}));
    config.store(nullptr);
    config.store(Pooled(pool.create(3), ToPool{&pool}));
  }
  rcu_barrier(domain);
  EXPECT_EQ(pool.stats().in_use, 0u);
}

// It would go to the pool of the first.
TEST(RcuPtrDeathTest, AnObjectThatComesWithAnotherDeleter) {
  ObjectPool<Config> first, second;
  rcu_domain domain;
  const char* const kLine =
      "wirebook: RcuPtr at 0x[0-9a-f]+: object with another deleter";
  RcuPtr<Config, ToPool> config(Pooled(first.create(1), ToPool{&first}),
                                domain);
  Pooled next(second.create(2), ToPool{&second});
  EXPECT_DEATH(config.store(std::move(next)), kLine);
  const Config* expected = nullptr;
  EXPECT_DEATH((void)config.compare_exchange(expected, next), kLine);
  RcuPtr<Config, ToPool> of_none;
  EXPECT_DEATH(of_none.store(std::move(next)), kLine);
  config.store(nullptr);
  rcu_barrier(domain);
}

// Every update counts, and no reader sees one half done.
TEST_F(RcuPtrTest, UpdatesOfManyThreadsAreEachDoneOnce) {
  for (Soak soak; soak.goes_on();) {
    constexpr int kThreads = 3, kUpdates = 5000;
    RcuPtr<Config> config(std::make_unique<Config>());
    std::atomic<bool> stop{false};
    std::thread reader([&] {
      while (!stop.load(std::memory_order_relaxed)) {
        const RcuReadGuard region;
        const Config* const seen = config.load();
        EXPECT_EQ(seen->twice, 2 * seen->limit);
      }
    });
    std::vector<std::thread> writers;
    for (int t = 0; t < kThreads; ++t) {
      writers.emplace_back([&config] {
        for (int i = 0; i < kUpdates; ++i) {
          config.update([](Config& c) {
            ++c.limit;
            c.twice += 2;
          });
        }
      });
    }
    for (std::thread& writer : writers) writer.join();
    stop = true;
    reader.join();
    const RcuReadGuard region;
    EXPECT_EQ(config.load()->limit, kThreads * kUpdates);
  }
}

// Loads, exchanges and compare_exchanges by three threads, each history with an
// order that explains it. Expected values are pointers; numbers tell them
// apart.
TEST_F(RcuPtrTest, HistoriesAreLinearizable) {
  using Spec = RegisterSpec<int>;
  constexpr size_t kThreads = 3;
  const uint64_t seed = std::random_device{}();
  SCOPED_TRACE(seed);
  for (Soak soak; soak.goes_on();) {
    for (uint64_t round = 0; round < 200; ++round) {
      RcuPtr<Config> config(std::make_unique<Config>(0));
      HistoryRecorder<Spec> recorder(kThreads);
      const auto work = [&](size_t t) {
        std::mt19937_64 random(seed + round * kThreads + t);
        for (int i = 1; i <= 8; ++i) {
          const int value = static_cast<int>(t) * 100 + i;
          const RcuReadGuard region;
          switch (random() % 4) {
            case 0:
              recorder.run(t, [&] { return Spec::load(config.load()->limit); });
              break;
            case 1:
              recorder.run(t, [&] {
                config.store(std::make_unique<Config>(value));
                return Spec::store(value);
              });
              break;
            case 2:
              recorder.run(t, [&] {
                const auto old =
                    config.exchange(std::make_unique<Config>(value));
                return Spec::exchange(value, old->limit);
              });
              break;
            default: {
              const Config* expected = config.load();
              const int wanted = expected->limit;
              recorder.run(t, [&] {
                auto next = std::make_unique<Config>(value);
                const bool done = config.compare_exchange(expected, next);
                return Spec::compare_exchange(wanted, value, expected->limit,
                                              done);
              });
            }
          }
        }
      };
      std::vector<std::thread> threads;
      for (size_t t = 0; t < kThreads; ++t) {
        threads.emplace_back([&work, t] { work(t); });
      }
      for (std::thread& thread : threads) thread.join();
      const Linearizability result = check(Spec(0), recorder.history());
      ASSERT_TRUE(result.ok()) << result;
    }
  }
}

}  // namespace
}  // namespace wirebook
