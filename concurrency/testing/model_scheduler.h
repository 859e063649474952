// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// Scheduler: runs a modelled program once for each way that its threads can
// interleave. What tests use is model.h; this is what lies under ModelAtom.
//
// Each modelled thread is a std::thread that runs only while it holds the
// baton. Before an access it announces the access and passes the baton to the
// thread that is to go next; so every interleaving of accesses is a sequence
// of choices, and so is every value that a load returns (model_memory.h).
//
// What need not be told apart is not: accesses of one thread alone are no
// scheduling points (which ones they are is learned; the search starts again
// when one turns out otherwise), and an interleaving that only swaps
// independent accesses of an explored one is skipped (sleep sets: Godefroid,
// "Partial-Order Methods for the Verification of Concurrent Systems", 1996).
// With a bound on preemptions (Musuvathi and Qadeer, "Iterative Context
// Bounding", PLDI 2007) nothing is skipped.
//
// A thread that pauses waits until something that it read since its last pause
// has a newer, different value; a stale value is read at most once over a
// pause. When all wait, they get turns, so that bounded spins end; a limit on
// such turns tells a livelock.

#ifndef WIREBOOK_CONCURRENCY_TESTING_MODEL_SCHEDULER_H_
#define WIREBOOK_CONCURRENCY_TESTING_MODEL_SCHEDULER_H_

#if __cplusplus < 202002L
#error "wirebook needs C++20: compile with -std=c++20"
#endif

#include <array>
#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <ostream>
#include <string>
#include <thread>
#include <vector>

#include "concurrency/testing/model_choices.h"
#include "concurrency/testing/model_memory.h"
#include "concurrency/testing/model_trace.h"

namespace wirebook::model {

struct Options {
  // Switches away from a thread that could go on; without a bound, all.
  uint32_t preemptions = UINT32_MAX;
  // Executions to sample at random; 0 explores exhaustively.
  uint64_t samples = 0;
  uint64_t seed = 0;        // of the first sample; 0 takes one from the system
  std::string replay = {};  // Report::schedule of a failure, to run that alone
  // Ends an exhaustive search: the report is then not `complete`.
  uint64_t max_executions = 1'000'000;
  uint32_t max_accesses = 5'000;  // in one execution; more is a livelock
  uint32_t max_idle_turns = 100;  // while all wait; more is a livelock
  bool reduce = true;             // skip interleavings that equal explored ones
};

struct Report {
  std::string failure;  // empty if none was found
  std::string schedule;
  uint64_t seed = 0;  // of the failing sample
  std::string trace;
  uint64_t executions = 0;
  bool complete = false;  // nothing was left out but by `preemptions`

  bool ok() const { return failure.empty(); }
};
std::ostream& operator<<(std::ostream& out, const Report& report);

// What is explored. Everything gets the pointer that set_up returned.
struct Program {
  std::function<std::shared_ptr<void>()> set_up;
  size_t state_bytes = 0;
  std::vector<std::function<void(void*)>> threads;
  std::function<void(void*)> check;
};

class Scheduler {
 public:
  using Order = std::memory_order;

  static Report explore(const Options& options, Program program);

  // The one that runs the calling thread; nullptr in any other thread.
  static Scheduler* here();

  // ---- Modelled threads, at an access
  // ---------------------------------------- `plain` is what an atomic holds
  // that is older than the execution.

  void begin(const void* object);
  void begin_atomic(const void* atom, Value initial);
  void end(const void* object);
  void read(const void* object);
  void write(const void* object);

  Value load(const void* atom, Value plain, Order order);
  void store(const void* atom, Value plain, Value value, Order order);
  // Returns the old value; `change` gives the new one.
  Value update(const void* atom, Value plain, Order order,
               const std::function<Value(Value)>& change);
  bool compare_exchange(const void* atom, Value plain, Value& expected,
                        Value desired, Order success, Order failure);
  // Blocks while the atom holds `old`, until it is notified.
  void wait(const void* atom, Value plain, Value old, Order order);
  void notify(const void* atom, Value plain, bool all);

  void fence(Order order);
  void light_fence();
  void heavy_fence();
  void pause();

  // Ends the exploration; the calling thread stays here for ever.
  [[noreturn]] void fail(const std::string& what);

  // How many atomics were begun in this execution.
  uint32_t atoms_begun() const { return atoms_begun_; }

  // Takes over memory that is freed if modelled objects have lived in it: its
  // address is not used again in this execution.
  bool quarantine(void* memory);

 private:
  using Location = ModelMemory::Location;

  enum class State : uint8_t {
    kReady,
    kResuming,
    kPaused,
    kBlocked,
    kFinished
  };

  struct Op {
    Action action = Action::kLoad;
    Location location = 0;
    Order order = std::memory_order_relaxed;
  };

  struct Seen {
    Location location;
    uint32_t index;
  };

  // An asleep thread's next access was explored with all that it could read up
  // to here; `from` is the first store that came since.
  struct Sleep {
    bool asleep = false;
    uint32_t from = UINT32_MAX;
  };

  struct Slot {
    std::atomic<int> baton{0};
    std::thread thread;
    State state = State::kFinished;
    Op next;
    Sleep sleep;
    uint32_t read_from = 0;           // what its sleep left to explore
    std::vector<Seen> seen;           // since the last pause
    std::vector<Seen> must_be_newer;  // after it
  };

  // Threads that used a location, in any execution; a bit each.
  struct Users {
    uint32_t readers = 0;
    uint32_t writers = 0;
  };

  Scheduler(const Options& options, Program program);

  // The conductor's thread.
  void run_all();
  void run_once();
  bool next_execution();
  void reset();
  void run_threads();
  void body(Thread thread);
  void finish_thread();
  void free_quarantine();

  // Scheduling.
  void turn(const Op& op);
  void pass_on();
  void hand_to(Thread next);
  void await_baton(Thread self);
  Thread choose();
  Thread choose_ready(const std::vector<Thread>& ready);
  Thread choose_from_tree(const std::vector<Thread>& ready);
  Thread wake_idle();
  void resume_changed();
  bool is_asleep(const Slot& slot) const;
  void wake_dependent(Thread chosen);
  bool is_visible(const Op& op);
  bool reduces() const;

  // Accesses.
  Location enter(const void* atom, Value plain, Action action, Order order);
  Location locate(const void* atom, Value plain);
  void learn(const Op& op);
  Users& users(Location location);
  uint32_t choose_value(Location location, Order order);
  uint32_t pick(uint32_t n);
  void require(const std::string& wrong);
  void saw(Location location, uint32_t index);
  void record(Action action, const void* object, Order order = {},
              Value value = {}, uint32_t newer = 0);
  std::string schedule_so_far() const;
  void parse_replay();

  const Options options_;
  const Program program_;

  // Of the exploration.
  Choices choices_;
  uint64_t seed_ = 0;
  std::array<std::vector<Users>, kMaxThreads> users_;
  bool learned_ = false;
  std::vector<Thread> replay_turns_;
  std::vector<uint32_t> replay_values_;
  Report report_;

  // Of one execution.
  std::array<Slot, kMaxThreads> slots_;
  ModelMemory memory_;
  std::vector<Event> trace_;
  std::shared_ptr<void> state_;
  Thread running_ = 0;
  Thread active_ = 0;       // had the last turn, which a resumed thread has not
  bool redundant_ = false;  // equal to an explored one: runs to its end
  uint32_t preemptions_ = 0;
  uint32_t accesses_ = 0;
  uint32_t atoms_begun_ = 0;
  uint32_t idle_turns_ = 0;
  Thread last_idle_ = 0;
  std::vector<Thread> turns_;     // who made each access
  std::vector<uint32_t> values_;  // what was picked beside turns
  std::vector<void*> quarantine_;
  bool quarantines_ = false;  // not while `memory_` itself is taken down

  // Between the conductor and explore().
  std::mutex mutex_;
  std::condition_variable over_;
  bool is_over_ = false;
};

}  // namespace wirebook::model

#endif  // WIREBOOK_CONCURRENCY_TESTING_MODEL_SCHEDULER_H_
