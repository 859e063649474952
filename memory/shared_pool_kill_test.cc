// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// SharedPool under SIGKILL: after every single instruction (ptrace), and at
// random moments.
//
//   WIREBOOK_KILLS=20000      random kills in place of 200
//   WIREBOOK_KILL_SEED=N      repeats a run, as far as the scheduler lets it
//   WIREBOOK_EVERY_STEP=1     the long operations, too, after every instruction
#include <signal.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <optional>
#include <ostream>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "memory/shared_pool.h"

namespace wirebook {
namespace {

struct Stamped {
  std::uint64_t stamp;
  std::uint64_t inverse;
};
using Pool = SharedPool<Stamped>;

std::uint64_t number_from(const char* variable, std::uint64_t otherwise) {
  const char* text = std::getenv(variable);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

Pool must(absl::StatusOr<Pool> pool) {
  EXPECT_TRUE(pool.ok()) << pool.status();
  if (!pool.ok()) std::abort();
  return *std::move(pool);
}

std::set<Stamped*> take_all(Pool& pool) {
  std::set<Stamped*> all;
  while (Stamped* object = pool.allocate()) {
    EXPECT_TRUE(all.insert(object).second) << "given out twice";
  }
  return all;
}

void kill_and_wait(pid_t pid) {
  ASSERT_EQ(kill(pid, SIGKILL), 0);
  int status = 0;
  do {
    ASSERT_EQ(waitpid(pid, &status, 0), pid);
  } while (WIFSTOPPED(status));
  ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << status;
}

// ---- After every instruction

#if !defined(__SANITIZE_THREAD__)

constexpr std::size_t kSlots = 6;

void give_back(Pool& pool, const std::set<Stamped*>& objects) {
  for (Stamped* object : objects) pool.deallocate(object);
}

// What a child has when its operation begins; it does not end by itself.
struct Scene {
  Pool* pool = nullptr;    // The child's attachment; null in `attach`.
  Stamped* own = nullptr;  // An object that the child owns.
  SharedHandle parents;    // An object that the parent owns.
  SharedProcess parent;
  SharedProcess dead;  // Owns one object.
  int fd = -1;
};

struct Operation {
  const char* name;
  bool attached;          // The child is attached before,
  bool owns;              // and owns `own`.
  bool transfers;         // It may have given `own` to the parent.
  std::size_t most_held;  // By the child, at any time.
  std::size_t stride;     // Of the instructions at which it is killed.
  void (*run)(Scene&);
};

void PrintTo(const Operation& operation, std::ostream* out) {
  *out << operation.name;
}

// Makes no call into the allocator or the library's locks: none is wanted
// between the two stops.
const Operation kAllocate = {
    "allocate", true, false, false, 1, 1, [](Scene& s) {
      (void)s.pool->allocate();
    }};
const Operation kDeallocate = {
    "deallocate", true, true, false, 1, 1, [](Scene& s) {
      s.pool->deallocate(s.own);
    }};
const Operation kAdopt = {"adopt", true, false, false, 1, 1, [](Scene& s) {
                            (void)s.pool->adopt(s.parents);
                          }};
const Operation kTransfer = {"transfer", true, true, true, 1, 1, [](Scene& s) {
                               (void)s.pool->transfer(s.own, s.parent);
                             }};
const Operation kReclaim = {"reclaim", true, false, false, 0, 47, [](Scene& s) {
                              (void)s.pool->reclaim(s.dead);
                            }};
const Operation kDetach = {
    "detach", true, true, false, 1, 11, [](Scene& s) { s.pool->~Pool(); }};
const Operation kAttach = {"attach", false, false, false, 0, 499, [](Scene& s) {
                             (void)Pool::attach(s.fd);
                           }};

// A pool, and a child that stands before its operation.
struct Stage {
  explicit Stage(const Operation& operation)
      : pool(must(
            Pool::create_anonymous({.capacity = kSlots, .max_processes = 4}))) {
    std::optional<Pool> early = must(Pool::attach(pool.fd()));
    scene.dead = early->self();
    EXPECT_NE(early->allocate(), nullptr);
    early.reset();  // Leaves an object: as good as dead.
    scene.parent = pool.self();
    scene.parents = pool.handle_of(pool.make(1u, ~1ull));
    scene.fd = pool.fd();
    pid = fork();
    if (pid == 0) play(operation);
    int status = 0;
    EXPECT_EQ(waitpid(pid, &status, 0), pid);
    EXPECT_TRUE(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP) << status;
  }

  [[noreturn]] void play(const Operation& operation) {
    alignas(Pool) unsigned char place[sizeof(Pool)];
    if (operation.attached) {
      absl::StatusOr<Pool> attached = Pool::attach(scene.fd);
      if (!attached.ok()) _exit(1);
      scene.pool = new (place) Pool(*std::move(attached));
      if (operation.owns) scene.own = scene.pool->make(2u, ~2ull);
    }
    if (ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) _exit(2);
    raise(SIGSTOP);
    operation.run(scene);
    raise(SIGUSR1);
    _exit(0);
  }

  // Runs `steps` instructions; false where the operation is over before.
  bool step(std::size_t steps) {
    for (std::size_t i = 0; i < steps; ++i) {
      if (go(PTRACE_SINGLESTEP) != SIGTRAP) return false;
    }
    return true;
  }

  // The signal that the child stops with next.
  int go(enum __ptrace_request how) {
    int status = 0;
    EXPECT_EQ(ptrace(how, pid, nullptr, nullptr), 0);
    EXPECT_EQ(waitpid(pid, &status, 0), pid);
    EXPECT_TRUE(WIFSTOPPED(status)) << "the child ended: " << status;
    return WIFSTOPPED(status) ? WSTOPSIG(status) : -1;
  }

  Pool pool;
  Scene scene;
  pid_t pid = -1;
};

// One life of a child, killed after `steps` instructions of the operation.
// False when that is beyond its end.
bool live_and_die(const Operation& operation, std::size_t steps) {
  Stage stage(operation);
  Pool& pool = stage.pool;
  const bool inside = stage.step(steps);
  kill_and_wait(stage.pid);
  SCOPED_TRACE(testing::Message() << operation.name << ", killed after "
                                  << steps << " instructions");

  // The others go on at once: beside the parent's object and the early dead
  // one's, at most one slot is the child's or hidden.
  std::set<Stamped*> all = take_all(pool);
  EXPECT_GE(all.size() + 3, kSlots);
  give_back(pool, all);

  std::size_t held = 0;
  for (const SharedProcessInfo& info : pool.processes()) {
    if (info.pid != stage.pid) continue;
    EXPECT_FALSE(info.alive);
    held = info.held;
    const absl::StatusOr<std::size_t> freed = pool.reclaim(info.process);
    EXPECT_TRUE(freed.ok()) << freed.status();
    EXPECT_EQ(freed.value_or(99), held);
  }
  EXPECT_LE(held, operation.most_held);
  (void)pool.reclaim_dead();
  EXPECT_EQ(pool.processes().size(), 1u);

  // Now each object is the parent's or free, and none is both.
  if (Stamped* ours = pool.resolve(stage.scene.parents)) {
    EXPECT_EQ(ours->inverse, ~1ull);
    pool.deallocate(ours);
  }
  const std::size_t transferred = pool.processes()[0].held;
  EXPECT_LE(transferred, operation.transfers ? 1u : 0u);
  EXPECT_EQ(take_all(pool).size() + transferred, kSlots);
  const SharedPoolStats stats = pool.stats();
  EXPECT_EQ(stats.in_use, kSlots);
  EXPECT_EQ(stats.total_allocations, stats.total_deallocations + kSlots);
  return inside;
}

// A pool's segment, seen past the pool.
class Segment {
 public:
  explicit Segment(Pool& pool)
      : pool_(pool), bytes_(pool.stats().capacity_bytes) {
    void* memory =
        mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_SHARED, pool.fd(), 0);
    if (memory == MAP_FAILED) std::abort();
    words_ = static_cast<std::atomic<std::uint64_t>*>(memory);
  }
  Segment(const Segment&) = delete;
  Segment& operator=(const Segment&) = delete;
  ~Segment() { munmap(words_, bytes_); }

  std::uint64_t bit_of(const Stamped* object) const {
    return std::uint64_t{1} << pool_.offset_of(object) / sizeof(Stamped);
  }

  // The hint word, known by what an allocation does to it.
  std::atomic<std::uint64_t>& hints() {
    const std::vector<std::uint64_t> before(words_, words_ + bytes_ / 8);
    Stamped* object = pool_.allocate();
    std::size_t i = 0;
    while (i + 1 < before.size() && (before[i] >= 1u << kSlots ||
                                     before[i] - words_[i] != bit_of(object))) {
      ++i;
    }
    EXPECT_LT(i + 1, before.size());
    pool_.deallocate(object);
    return words_[i];
  }

 private:
  Pool& pool_;
  std::size_t bytes_;
  std::atomic<std::uint64_t>* words_;
};

// The child is interrupted after `steps` instructions by a parent that frees a
// slot whose hint is set too early, takes all, gives it back and reclaims the
// early dead one. Nobody is killed: nothing may be missing in the end.
bool interrupted(const Operation& operation, std::size_t steps) {
  Stage stage(operation);
  Pool& pool = stage.pool;
  SCOPED_TRACE(testing::Message() << operation.name << ", interrupted after "
                                  << steps << " instructions");
  Segment segment(pool);
  std::atomic<std::uint64_t>& hints = segment.hints();
  Stamped* early = pool.allocate();
  hints.fetch_or(segment.bit_of(early));

  const bool inside = stage.step(steps);
  pool.deallocate(early);
  give_back(pool, take_all(pool));
  EXPECT_EQ(pool.reclaim_dead(), 1u);
  if (inside) {
    EXPECT_EQ(stage.go(PTRACE_CONT), SIGUSR1);
  }

  const std::vector<SharedProcessInfo> processes = pool.processes();
  EXPECT_EQ(processes.size(), 2u);
  EXPECT_TRUE(processes.back().alive);
  EXPECT_EQ(processes.back().held, operation.most_held - operation.owns);
  EXPECT_EQ(take_all(pool).size(), kSlots - 1 - processes.back().held);
  kill_and_wait(stage.pid);
  return inside;
}

class KilledAfterEveryInstruction : public testing::TestWithParam<Operation> {};

TEST_P(KilledAfterEveryInstruction, OfAnOperation) {
  const Operation& operation = GetParam();
  const std::size_t stride =
      number_from("WIREBOOK_EVERY_STEP", 0) != 0 ? 1 : operation.stride;
  std::size_t steps = 0;
  while (live_and_die(operation, steps) && !HasFailure()) steps += stride;
  RecordProperty("instructions", std::to_string(steps));
  // It was stepped through, not run to its end at once.
  EXPECT_GT(steps, 50u);
}

std::string name_of(const testing::TestParamInfo<Operation>& test) {
  return test.param.name;
}

INSTANTIATE_TEST_SUITE_P(SharedPool, KilledAfterEveryInstruction,
                         testing::Values(kAllocate, kDeallocate, kAdopt,
                                         kTransfer, kReclaim, kDetach, kAttach),
                         name_of);

class InterruptedAfterEveryInstruction
    : public testing::TestWithParam<Operation> {};

TEST_P(InterruptedAfterEveryInstruction, ByAllThatAnotherProcessCanDo) {
  std::size_t steps = 0;
  while (interrupted(GetParam(), steps) && !HasFailure()) ++steps;
  EXPECT_GT(steps, 50u);
}

INSTANTIATE_TEST_SUITE_P(SharedPool, InterruptedAfterEveryInstruction,
                         testing::Values(kAllocate, kDeallocate), name_of);

#else

TEST(KilledAfterEveryInstruction, OfAnOperation) {
  GTEST_SKIP() << "ThreadSanitizer's runtime is in each step: a hundred times "
                  "as many, none of them of the pool";
}

#endif

// ---- At random moments

constexpr std::size_t kCapacity = 200;
constexpr std::size_t kMailboxes = 8;
constexpr std::size_t kChildren = 3;

// In memory that all children share.
struct Board {
  std::array<std::atomic<SharedHandle>, kMailboxes> mailboxes{};
  std::atomic<std::uint64_t> next_stamp{1};
  std::atomic<std::uint64_t> operations{0};
  std::atomic<std::uint64_t> reclaimed{0};
  std::atomic<std::uint64_t> overwritten{0};  // Somebody else had our object.
  std::atomic<std::uint64_t> torn{0};         // A posted object was not whole.
  std::atomic<std::uint64_t> failed{0};
};

// One process's random work. Every object that it holds bears a stamp that
// nobody else writes.
class Worker {
 public:
  Worker(Pool& pool, Board& board, std::uint64_t seed, bool survives)
      : pool_(pool), board_(board), random_(seed), survives_(survives) {}

  void work() {
    board_.operations.fetch_add(1, std::memory_order_relaxed);
    const auto dice = random_() % 100;
    if (dice < 45) {
      take();
    } else if (dice < 85) {
      free();
    } else if (dice < 97) {
      post();
    } else if (dice < 98 || survives_) {
      board_.reclaimed += pool_.reclaim_dead();
    } else {
      transfer();
    }
  }

  // When all others are dead: also what was lost in the mail, taken out by one
  // that died before it adopted.
  void free_all() {
    while (!held_.empty()) free();
    for (const SharedHandle mail : posted_) {
      pool_.deallocate(pool_.adopt(mail));
    }
  }

 private:
  struct Held {
    Stamped* object;
    std::uint64_t stamp;
  };

  void take() {
    if (held_.size() >= 60) return;
    const std::uint64_t stamp = board_.next_stamp.fetch_add(1);
    if (Stamped* object = pool_.make(stamp, ~stamp)) {
      held_.push_back({object, stamp});
    }
  }

  Stamped* pick() {
    if (held_.empty()) return nullptr;
    std::swap(held_[random_() % held_.size()], held_.back());
    const Held held = held_.back();
    held_.pop_back();
    if (held.object->stamp != held.stamp ||
        held.object->inverse != ~held.stamp) {
      ++board_.overwritten;
    }
    return held.object;
  }

  void free() { pool_.deallocate(pick()); }

  void post() {
    Stamped* object = pick();
    const SharedHandle mail =
        object == nullptr ? SharedHandle() : pool_.handle_of(object);
    if (survives_ && mail) posted_.push_back(mail);
    Stamped* theirs =
        pool_.adopt(board_.mailboxes[random_() % kMailboxes].exchange(mail));
    if (theirs == nullptr) return;
    if (theirs->stamp != ~theirs->inverse) ++board_.torn;
    held_.push_back({theirs, theirs->stamp});
  }

  // To a child, which does not get to know: it is reclaimed when that dies.
  void transfer() {
    const std::vector<SharedProcessInfo> all = pool_.processes();
    const SharedProcessInfo& to = all[random_() % all.size()];
    if (to.process.index == 0) return;
    Stamped* object = pick();
    if (object == nullptr) return;
    const std::uint64_t stamp = object->stamp;
    if (!pool_.transfer(object, to.process)) held_.push_back({object, stamp});
  }

  Pool& pool_;
  Board& board_;
  std::mt19937_64 random_;
  bool survives_;
  std::vector<Held> held_;
  std::vector<SharedHandle> posted_;
};

pid_t start_child(int fd, Board& board, std::uint64_t seed) {
  const pid_t pid = fork();
  if (pid != 0) return pid;
  absl::StatusOr<Pool> pool = Pool::attach(fd);
  if (!pool.ok()) {
    ++board.failed;
    for (;;) pause();
  }
  Worker worker(*pool, board, seed, false);
  for (;;) worker.work();
}

TEST(SharedPoolKills, AtRandomMomentsLoseNothingAndGiveNothingTwice) {
  const std::uint64_t kills = number_from("WIREBOOK_KILLS", 200);
  const std::uint64_t seed =
      number_from("WIREBOOK_KILL_SEED", std::random_device()());
  SCOPED_TRACE(testing::Message() << "WIREBOOK_KILL_SEED=" << seed);
  std::mt19937_64 random(seed);

  void* memory = mmap(nullptr, sizeof(Board), PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(memory, MAP_FAILED);
  Board& board = *new (memory) Board;
  Pool pool = must(Pool::create_anonymous(
      {.capacity = kCapacity, .max_processes = 2 * kChildren + 1}));
  ASSERT_EQ(pool.self().index, 0u);
  Worker ours(pool, board, random(), true);

  std::array<pid_t, kChildren> children;
  for (pid_t& child : children) {
    child = start_child(pool.fd(), board, random());
  }
  for (std::uint64_t i = 0; i < kills; ++i) {
    timespec begin, now;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    const auto wait_ns = static_cast<std::int64_t>(random() % 2'000'000);
    do {  // The parent works on while it waits.
      for (int k = 0; k < 50; ++k) ours.work();
      clock_gettime(CLOCK_MONOTONIC, &now);
    } while ((now.tv_sec - begin.tv_sec) * 1'000'000'000 +
                 (now.tv_nsec - begin.tv_nsec) <
             wait_ns);
    pid_t& victim = children[random() % kChildren];
    kill_and_wait(victim);
    victim = start_child(pool.fd(), board, random());
  }
  for (const pid_t child : children) kill_and_wait(child);

  EXPECT_EQ(board.overwritten.load(), 0u);
  EXPECT_EQ(board.torn.load(), 0u);
  EXPECT_EQ(board.failed.load(), 0u);
  EXPECT_GT(board.operations.load(), kills);

  std::size_t held = 0;
  for (const SharedProcessInfo& info : pool.processes()) {
    EXPECT_EQ(info.alive, info.process == pool.self());
    if (!info.alive) held += info.held;
  }
  EXPECT_EQ(pool.reclaim_dead(), held);
  EXPECT_EQ(pool.processes().size(), 1u);
  for (auto& mailbox : board.mailboxes) {
    pool.deallocate(pool.adopt(mailbox.load()));
  }
  ours.free_all();
  EXPECT_EQ(pool.stats().in_use, 0u);
  EXPECT_EQ(take_all(pool).size(), kCapacity);
  RecordProperty("operations", std::to_string(board.operations.load()));
  RecordProperty("reclaimed", std::to_string(board.reclaimed.load()));
  munmap(memory, sizeof(Board));
}

}  // namespace
}  // namespace wirebook
