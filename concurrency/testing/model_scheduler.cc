// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "concurrency/testing/model_scheduler.h"

#include <malloc.h>
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace wirebook::model {
namespace {

thread_local Scheduler* t_scheduler = nullptr;

// Threads that stand still in a failed exploration refer to it for ever.
void keep_for_ever(std::shared_ptr<Scheduler> scheduler) {
  static std::mutex mutex;
  static auto* const kept = new std::vector<std::shared_ptr<Scheduler>>;
  std::lock_guard lock(mutex);
  kept->push_back(std::move(scheduler));
}

// A baton handed over on one CPU costs a third of one between two.
void stay_on_this_cpu() {
  cpu_set_t cpus;
  CPU_ZERO(&cpus);
  CPU_SET(static_cast<size_t>(sched_getcpu()), &cpus);
  // Only for speed: no matter if it is refused.
  (void)sched_setaffinity(0, sizeof(cpus), &cpus);
}

}  // namespace

// ---- The exploration
// ------------------------------------------------------------

Scheduler* Scheduler::here() { return t_scheduler; }

Scheduler::Scheduler(const Options& options, Program program)
    : options_(options), program_(std::move(program)) {
  if (program_.threads.size() >= kMaxThreads) {
    std::fprintf(stderr, "wirebook::model: more than %zu threads\n",
                 kMaxThreads - 1);
    std::abort();
  }
  parse_replay();
  if (options_.samples != 0) {
    seed_ = options_.seed != 0 ? options_.seed : std::random_device{}();
    choices_ = Choices(seed_);
  }
}

Report Scheduler::explore(const Options& options, Program program) {
  std::shared_ptr<Scheduler> scheduler(
      new Scheduler(options, std::move(program)));
  Scheduler& self = *scheduler;
  std::thread conductor([&self] { self.run_all(); });
  {
    std::unique_lock lock(self.mutex_);
    self.over_.wait(lock, [&self] { return self.is_over_; });
  }
  Report report = self.report_;
  if (report.ok()) {
    conductor.join();
    return report;
  }
  conductor.detach();
  for (Slot& slot : self.slots_) {
    if (slot.thread.joinable()) slot.thread.detach();
  }
  keep_for_ever(std::move(scheduler));
  return report;
}

void Scheduler::run_all() {
  stay_on_this_cpu();
  t_scheduler = this;
  do {
    ++report_.executions;
    run_once();
    if (choices_.diverged()) {
      fail(
          "the program does not repeat itself: it depends on more than "
          "what is modelled (a clock, an address, an earlier execution)");
    }
  } while (next_execution());
  t_scheduler = nullptr;
  std::lock_guard lock(mutex_);
  is_over_ = true;
  over_.notify_one();
}

bool Scheduler::next_execution() {
  if (!options_.replay.empty()) return false;
  if (options_.samples != 0) {
    choices_ = Choices(++seed_);
    return report_.executions < options_.samples;
  }
  if (learned_) {
    choices_ = Choices();
    return true;
  }
  report_.complete = !choices_.next();
  return !report_.complete && report_.executions < options_.max_executions;
}

void Scheduler::reset() {
  {
    // Freed when it is no longer what quarantine() looks into.
    const ModelMemory gone = std::exchange(memory_, ModelMemory());
  }
  trace_.clear();
  turns_.clear();
  values_.clear();
  running_ = active_ = 0;
  learned_ = redundant_ = false;
  preemptions_ = accesses_ = atoms_begun_ = idle_turns_ = 0;
  last_idle_ = 0;
}

void Scheduler::run_once() {
  reset();
  quarantines_ = true;
  state_ = program_.set_up();
  run_threads();
  program_.check(state_.get());
  state_.reset();
  quarantines_ = false;
  free_quarantine();
}

void Scheduler::run_threads() {
  const auto threads = static_cast<Thread>(program_.threads.size());
  for (Thread thread = 1; thread <= threads; ++thread) {
    memory_.order(0, thread);
    Slot& slot = slots_[thread];
    slot.state = State::kResuming;
    slot.sleep = {};
    slot.read_from = 0;
    slot.seen.clear();
    slot.must_be_newer.clear();
    slot.thread = std::thread([this, thread] { body(thread); });
  }
  pass_on();
  for (Thread thread = 1; thread <= threads; ++thread) {
    slots_[thread].thread.join();
    memory_.order(thread, 0);
  }
}

void Scheduler::body(Thread thread) {
  // Made before all other thread_locals of this thread, hence destroyed after
  // them: their destructors are modelled, too.
  struct Exit {
    ~Exit() {
      if (scheduler != nullptr) scheduler->finish_thread();
    }
    Scheduler* scheduler = nullptr;
  };
  thread_local Exit exit;
  await_baton(thread);
  t_scheduler = exit.scheduler = this;
  program_.threads[thread - 1](state_.get());
}

void Scheduler::finish_thread() {
  record(Action::kExit, nullptr);
  slots_[running_].state = State::kFinished;
  const Thread next = choose();
  t_scheduler = nullptr;
  hand_to(next);
}

void Scheduler::fail(const std::string& what) {
  report_.failure = what;
  report_.schedule = schedule_so_far();
  if (options_.samples != 0) report_.seed = seed_;
  report_.trace = to_text(trace_, state_.get(), program_.state_bytes);
  {
    std::lock_guard lock(mutex_);
    is_over_ = true;
    over_.notify_one();
  }
  // To go on could crash: nothing that went wrong is undone.
  for (std::atomic<int> never{0};;) never.wait(0);
}

// ---- Scheduling
// -----------------------------------------------------------------

void Scheduler::hand_to(Thread next) {
  running_ = next;
  // Pairs with await_baton: all that the threads did so far.
  slots_[next].baton.store(1, std::memory_order_release);
  slots_[next].baton.notify_one();
}

void Scheduler::await_baton(Thread self) {
  std::atomic<int>& baton = slots_[self].baton;
  // Pairs with hand_to.
  baton.wait(0, std::memory_order_acquire);
  // Relaxed: nobody else writes it before this thread hands the baton on.
  baton.store(0, std::memory_order_relaxed);
}

void Scheduler::pass_on() {
  const Thread self = running_;
  const Thread next = choose();
  if (next == self) return;
  hand_to(next);
  await_baton(self);
}

void Scheduler::turn(const Op& op) {
  if (++accesses_ > options_.max_accesses) {
    fail("livelock: more than " + std::to_string(options_.max_accesses) +
         " accesses");
  }
  if (running_ == 0) return;
  if (is_visible(op)) {
    slots_[running_].next = op;
    slots_[running_].state = State::kReady;
    pass_on();
  }
  turns_.push_back(running_);
}

Thread Scheduler::choose() {
  resume_changed();
  std::vector<Thread> ready;
  bool all_finished = true;
  for (Thread thread = 1; thread <= program_.threads.size(); ++thread) {
    const State state = slots_[thread].state;
    if (state == State::kResuming) return thread;  // no access: no choice
    if (state == State::kReady) ready.push_back(thread);
    all_finished = all_finished && state == State::kFinished;
  }
  if (all_finished) return 0;
  if (ready.empty()) return wake_idle();
  active_ = choose_ready(ready);
  return active_;
}

Thread Scheduler::choose_ready(const std::vector<Thread>& ready) {
  const bool can_stay = slots_[active_].state == State::kReady;
  if (!options_.replay.empty()) {
    const size_t at = turns_.size();
    const Thread next = at < replay_turns_.size() ? replay_turns_[at] : 0;
    if (std::find(ready.begin(), ready.end(), next) != ready.end()) return next;
    return can_stay ? active_ : ready.front();
  }
  if (can_stay && (redundant_ || preemptions_ >= options_.preemptions)) {
    return active_;
  }
  return redundant_ ? ready.front() : choose_from_tree(ready);
}

Thread Scheduler::choose_from_tree(const std::vector<Thread>& ready) {
  const bool can_stay = slots_[active_].state == State::kReady;
  std::vector<Thread> options;
  for (const Thread thread : ready) {
    if (reduces() && is_asleep(slots_[thread])) continue;
    options.push_back(thread);
    if (thread == active_) std::swap(options.front(), options.back());
  }
  if (options.empty()) {
    redundant_ = true;
    return can_stay ? active_ : ready.front();
  }
  const size_t picked = choices_.pick(options.size());
  const Thread chosen = options[picked];
  if (reduces()) {
    for (size_t i = 0; i < picked; ++i) slots_[options[i]].sleep = {true};
    wake_dependent(chosen);
  }
  Slot& slot = slots_[chosen];
  slot.read_from = slot.sleep.asleep ? slot.sleep.from : 0;
  slot.sleep = {};
  if (can_stay && chosen != active_) ++preemptions_;
  return chosen;
}

Thread Scheduler::wake_idle() {
  const auto threads = static_cast<Thread>(program_.threads.size());
  if (++idle_turns_ > options_.max_idle_turns) {
    fail("livelock: every thread waits for another");
  }
  for (Thread i = 0; i < threads; ++i) {
    last_idle_ = last_idle_ % threads + 1;
    if (slots_[last_idle_].state == State::kPaused) return last_idle_;
  }
  fail("deadlock: every thread is blocked");
}

void Scheduler::resume_changed() {
  for (Slot& slot : slots_) {
    if (slot.state != State::kPaused) continue;
    for (const Seen& seen : slot.seen) {
      const uint32_t last = memory_.last(seen.location);
      if (memory_.value(seen.location, last) !=
          memory_.value(seen.location, seen.index)) {
        slot.state = State::kResuming;
      }
    }
  }
}

// ---- Partial order reduction
// -----------------------------------------------------

namespace {

bool is_fence(Action action) {
  return action == Action::kFence || action == Action::kLightFence ||
         action == Action::kHeavyFence;
}

bool are_pair(Action one, Action other) {
  return one == Action::kLightFence && other == Action::kHeavyFence;
}

}  // namespace

bool Scheduler::reduces() const {
  return options_.reduce && options_.samples == 0 &&
         options_.preemptions == UINT32_MAX;
}

bool Scheduler::is_asleep(const Slot& slot) const {
  return slot.sleep.asleep &&
         (slot.sleep.from == UINT32_MAX ||
          slot.sleep.from > memory_.last(slot.next.location));
}

// An access of `chosen` is about to happen: whose sleep ends?
void Scheduler::wake_dependent(Thread chosen) {
  const Op& done = slots_[chosen].next;
  for (Slot& slot : slots_) {
    if (!slot.sleep.asleep) continue;
    const Op& op = slot.next;
    const bool both_seq_cst = op.order == std::memory_order_seq_cst &&
                              done.order == std::memory_order_seq_cst;
    if (is_fence(op.action) || is_fence(done.action)) {
      if (both_seq_cst || are_pair(op.action, done.action) ||
          are_pair(done.action, op.action)) {
        slot.sleep = {};
      }
      continue;
    }
    if (op.location != done.location) continue;
    const bool both_write =
        op.action != Action::kLoad && done.action != Action::kLoad;
    if (both_write || both_seq_cst) {
      slot.sleep = {};
    } else if (done.action != Action::kLoad && slot.sleep.from == UINT32_MAX) {
      // A load that could have come first: only the new value is news.
      slot.sleep.from = memory_.last(op.location) + 1;
    }
  }
}

Scheduler::Users& Scheduler::users(Location location) {
  std::vector<Users>& list = users_[memory_.creator(location)];
  const uint32_t count = memory_.creator_count(location);
  if (list.size() <= count) list.resize(count + 1);
  return list[count];
}

bool Scheduler::is_visible(const Op& op) {
  if (!options_.reduce || !options_.replay.empty() || is_fence(op.action) ||
      op.action == Action::kWait || op.action == Action::kNotify ||
      memory_.creator(op.location) == kMaxThreads) {
    return true;
  }
  const Users& all = users(op.location);
  const uint32_t others = ~(1U << running_);
  const bool only_loads =
      op.action == Action::kLoad && op.order != std::memory_order_seq_cst;
  const uint32_t rivals = only_loads ? all.writers : all.readers | all.writers;
  return all.writers != 0 && (rivals & others) != 0;
}

void Scheduler::learn(const Op& op) {
  if (running_ == 0 || memory_.creator(op.location) == kMaxThreads) return;
  Users& all = users(op.location);
  uint32_t& kind = op.action == Action::kLoad ? all.readers : all.writers;
  const uint32_t self = 1U << running_;
  if ((kind & self) != 0) return;
  kind |= self;
  if (std::popcount(all.readers | all.writers) > 1 && all.writers != 0) {
    learned_ = true;
  }
}

// ---- Accesses
// ---------------------------------------------------------------------

void Scheduler::record(Action action, const void* object, Order order,
                       Value value, uint32_t newer) {
  trace_.push_back({running_, action, object, order, value, newer});
}

void Scheduler::require(const std::string& wrong) {
  if (!wrong.empty()) fail(wrong);
}

void Scheduler::begin(const void* object) {
  record(Action::kBegin, object);
  require(memory_.begin(running_, object));
}

void Scheduler::begin_atomic(const void* atom, Value initial) {
  require(memory_.begin(running_, atom));
  memory_.create(running_, atom, initial);
  ++atoms_begun_;
}

void Scheduler::end(const void* object) {
  record(Action::kEnd, object);
  require(memory_.end(running_, object));
}

void Scheduler::read(const void* object) {
  record(Action::kRead, object);
  require(memory_.read(running_, object));
}

void Scheduler::write(const void* object) {
  record(Action::kWrite, object);
  require(memory_.write(running_, object));
}

Scheduler::Location Scheduler::locate(const void* atom, Value plain) {
  Location location;
  if (memory_.find(atom, location)) return location;
  if (memory_.died(atom)) fail("use of an atomic that does not live");
  return memory_.adopt(atom, plain);
}

Scheduler::Location Scheduler::enter(const void* atom, Value plain,
                                     Action action, Order order) {
  const Op op{action, locate(atom, plain), order};
  turn(op);
  const std::string wrong = memory_.touch(running_, op.location);
  if (!wrong.empty()) {
    record(action, atom, order);
    fail(wrong);
  }
  learn(op);
  return op.location;
}

uint32_t Scheduler::pick(uint32_t n) {
  uint32_t picked = 0;
  if (!options_.replay.empty()) {
    if (values_.size() < replay_values_.size()) {
      picked = std::min(replay_values_[values_.size()], n - 1);
    }
  } else if (!redundant_) {
    picked = static_cast<uint32_t>(choices_.pick(n));
  }
  values_.push_back(picked);
  return picked;
}

uint32_t Scheduler::choose_value(Location location, Order order) {
  Slot& slot = slots_[running_];
  uint32_t first = memory_.first_readable(running_, location, order);
  for (const Seen& floor : slot.must_be_newer) {
    if (floor.location == location) first = std::max(first, floor.index);
  }
  const uint32_t last = memory_.last(location);
  const uint32_t from = std::exchange(slot.read_from, 0);
  if (first == last) return last;
  return last - pick(last - std::max(first, std::min(from, last)) + 1);
}

void Scheduler::saw(Location location, uint32_t index) {
  slots_[running_].seen.push_back({location, index});
}

Value Scheduler::load(const void* atom, Value plain, Order order) {
  const Location location = enter(atom, plain, Action::kLoad, order);
  const uint32_t index = choose_value(location, order);
  const Value value = memory_.value(location, index);
  memory_.load(running_, location, index, order);
  saw(location, index);
  record(Action::kLoad, atom, order, value, memory_.last(location) - index);
  return value;
}

void Scheduler::store(const void* atom, Value plain, Value value, Order order) {
  const Location location = enter(atom, plain, Action::kStore, order);
  memory_.store(running_, location, value, order);
  idle_turns_ = 0;
  record(Action::kStore, atom, order, value);
}

Value Scheduler::update(const void* atom, Value plain, Order order,
                        const std::function<Value(Value)>& change) {
  const Location location = enter(atom, plain, Action::kUpdate, order);
  const Value old = memory_.value(location, memory_.last(location));
  const Value value = change(old);
  memory_.exchange(running_, location, value, order);
  saw(location, memory_.last(location));
  if (value != old) idle_turns_ = 0;
  record(Action::kUpdate, atom, order, value);
  return old;
}

bool Scheduler::compare_exchange(const void* atom, Value plain, Value& expected,
                                 Value desired, Order success, Order failure) {
  const bool seq_cst = failure == std::memory_order_seq_cst;
  const Location location =
      enter(atom, plain, Action::kUpdate, seq_cst ? failure : success);
  const uint32_t last = memory_.last(location);
  const Value old = memory_.value(location, last);
  if (old == expected) {
    memory_.exchange(running_, location, desired, success);
    idle_turns_ = 0;
    record(Action::kUpdate, atom, success, desired);
    return true;
  }
  memory_.load(running_, location, last, failure);
  saw(location, last);
  record(Action::kLoad, atom, failure, old);
  expected = old;
  return false;
}

void Scheduler::wait(const void* atom, Value plain, Value old, Order order) {
  while (load(atom, plain, order) == old) {
    const Location location = enter(atom, plain, Action::kWait, order);
    Slot& slot = slots_[running_];
    const Value newest = memory_.value(location, memory_.last(location));
    record(Action::kWait, atom, order, newest);
    if (newest == old) {
      slot.next.location = location;
      slot.state = State::kBlocked;
      pass_on();
    }
    slot.must_be_newer = {{location, memory_.last(location)}};
  }
}

void Scheduler::notify(const void* atom, Value plain, bool all) {
  const Location location =
      enter(atom, plain, Action::kNotify, std::memory_order_relaxed);
  record(Action::kNotify, atom);
  std::vector<Slot*> blocked;
  for (Slot& slot : slots_) {
    if (slot.state == State::kBlocked && slot.next.location == location) {
      blocked.push_back(&slot);
    }
  }
  if (blocked.empty()) return;
  if (!all) blocked = {blocked[pick(static_cast<uint32_t>(blocked.size()))]};
  for (Slot* const slot : blocked) slot->state = State::kResuming;
}

void Scheduler::fence(Order order) {
  turn({Action::kFence, 0, order});
  memory_.fence(running_, order);
  record(Action::kFence, nullptr, order);
}

void Scheduler::light_fence() {
  turn({Action::kLightFence, 0, std::memory_order_relaxed});
  memory_.light_fence(running_);
  record(Action::kLightFence, nullptr);
}

void Scheduler::heavy_fence() {
  turn({Action::kHeavyFence, 0, std::memory_order_seq_cst});
  memory_.heavy_fence(running_);
  record(Action::kHeavyFence, nullptr);
}

void Scheduler::pause() {
  record(Action::kPause, nullptr);
  Slot& slot = slots_[running_];
  if (running_ == 0) {
    if (++idle_turns_ > options_.max_idle_turns) {
      fail("livelock: set-up or check waits, and no thread runs");
    }
    return;
  }
  slot.state = State::kPaused;
  pass_on();
  slot.must_be_newer.clear();
  for (const Seen& seen : slot.seen) {
    slot.must_be_newer.push_back(
        {seen.location, std::min(seen.index + 1, memory_.last(seen.location))});
  }
  slot.seen.clear();
}

bool Scheduler::quarantine(void* memory) {
  const char* const first = static_cast<const char*>(memory);
  if (!quarantines_ ||
      !memory_.knows_any_in(first, first + malloc_usable_size(memory))) {
    return false;
  }
  quarantine_.push_back(memory);
  return true;
}

void Scheduler::free_quarantine() {
  for (void* const memory : quarantine_) std::free(memory);
  quarantine_.clear();
}

// ---- Schedules as text
// --------------------------------------------------------------

// "a3b1/0.2": three accesses by T1, one by T2; 0 and 2 picked beside.
std::string Scheduler::schedule_so_far() const {
  std::string text;
  for (size_t i = 0, run; i < turns_.size(); i += run) {
    for (run = 1; i + run < turns_.size() && turns_[i + run] == turns_[i];) {
      ++run;
    }
    text += static_cast<char>('a' + turns_[i] - 1) + std::to_string(run);
  }
  char separator = '/';
  for (const uint32_t value : values_) {
    text += separator + std::to_string(value);
    separator = '.';
  }
  return text;
}

void Scheduler::parse_replay() {
  const char* at = options_.replay.c_str();
  while (*at >= 'a' && *at < static_cast<char>('a' + kMaxThreads)) {
    const auto thread = static_cast<Thread>(*at - 'a' + 1);
    char* end;
    replay_turns_.insert(replay_turns_.end(), std::strtoul(at + 1, &end, 10),
                         thread);
    at = end;
  }
  while (*at == '/' || *at == '.') {
    char* end;
    replay_values_.push_back(
        static_cast<uint32_t>(std::strtoul(at + 1, &end, 10)));
    at = end;
  }
}

std::ostream& operator<<(std::ostream& out, const Report& report) {
  if (report.ok()) {
    return out << (report.complete ? "complete after " : "ended after ")
               << report.executions << " executions";
  }
  out << report.failure << "\nin execution " << report.executions
      << ", schedule \"" << report.schedule << '"';
  if (report.seed != 0) out << ", seed " << report.seed;
  return out << "\n" << report.trace;
}

}  // namespace wirebook::model
