// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "concurrency/testing/model_memory.h"

#include <algorithm>
#include <atomic>
#include <functional>
#include <string>

namespace wirebook::model {
namespace {

bool acquires(std::memory_order order) {
  return order != std::memory_order_relaxed &&
         order != std::memory_order_release;
}

bool releases(std::memory_order order) {
  return order == std::memory_order_release ||
         order == std::memory_order_acq_rel ||
         order == std::memory_order_seq_cst;
}

std::string name_of(Thread thread) { return "T" + std::to_string(thread); }

}  // namespace

// ---- Views
// -------------------------------------------------------------------

void ModelMemory::View::join_floors(const View& other) {
  if (floors.size() < other.floors.size()) floors.resize(other.floors.size());
  for (size_t i = 0; i < other.floors.size(); ++i) {
    floors[i] = std::max(floors[i], other.floors[i]);
  }
}

void ModelMemory::View::join(const View& other) {
  for (size_t i = 0; i < kMaxThreads; ++i) {
    steps[i] = std::max(steps[i], other.steps[i]);
  }
  join_floors(other);
}

uint32_t ModelMemory::View::floor(Location location) const {
  return location < floors.size() ? floors[location] : 0;
}

void ModelMemory::View::raise(Location location, uint32_t index) {
  if (floors.size() <= location) floors.resize(location + 1);
  floors[location] = std::max(floors[location], index);
}

uint32_t ModelMemory::step(Thread self) {
  return ++threads_[self].known.steps[self];
}

bool ModelMemory::knows(Thread self, Thread other, uint32_t step) const {
  return threads_[self].known.steps[other] >= step;
}

// ---- Lifetimes and plain data
// --------------------------------------------------

std::string ModelMemory::race_with_write(Thread self,
                                         const Shadow& shadow) const {
  if (knows(self, shadow.writer, shadow.write_step)) return {};
  return "data race: unordered with a write by " + name_of(shadow.writer);
}

std::string ModelMemory::race_with_reads(Thread self,
                                         const Shadow& shadow) const {
  for (Thread other = 0; other < kMaxThreads; ++other) {
    if (!knows(self, other, shadow.read_steps[other])) {
      return "data race: unordered with a use by " + name_of(other);
    }
  }
  return {};
}

std::string ModelMemory::note_read(Thread self, Shadow& shadow) {
  if (!shadow.lives) return "use of an object that does not live";
  shadow.read_steps[self] = step(self);
  return race_with_write(self, shadow);
}

std::string ModelMemory::note_write(Thread self, Shadow& shadow) {
  std::string wrong = race_with_write(self, shadow);
  if (wrong.empty()) wrong = race_with_reads(self, shadow);
  shadow.writer = self;
  shadow.write_step = step(self);
  return wrong;
}

std::string ModelMemory::begin(Thread self, const void* address) {
  Shadow& shadow = shadows_[address];
  shadow.lives = true;
  shadow.atomic = false;
  return note_write(self, shadow);
}

std::string ModelMemory::end(Thread self, const void* address) {
  const auto found = shadows_.find(address);
  if (found == shadows_.end()) return {};  // older than the execution
  if (!found->second.lives) return "an object dies twice";
  found->second.lives = false;
  return note_write(self, found->second);
}

std::string ModelMemory::read(Thread self, const void* address) {
  const auto [found, is_new] = shadows_.try_emplace(address);
  if (is_new) found->second.lives = true;  // older than the execution
  return note_read(self, found->second);
}

std::string ModelMemory::write(Thread self, const void* address) {
  const auto [found, is_new] = shadows_.try_emplace(address);
  if (is_new) found->second.lives = true;  // older than the execution
  if (!found->second.lives) return "use of an object that does not live";
  return note_write(self, found->second);
}

// ---- Atomics
// -------------------------------------------------------------------

bool ModelMemory::knows_any_in(const void* first, const void* last) const {
  const auto found = shadows_.lower_bound(first);
  return found != shadows_.end() && std::less<>()(found->first, last);
}

ModelMemory::Location ModelMemory::add_atomic(const void* address,
                                              Thread creator, uint32_t count,
                                              Value initial) {
  const auto location = static_cast<Location>(atomics_.size());
  Shadow& shadow = shadows_[address];
  shadow.lives = true;
  shadow.atomic = true;
  shadow.location = location;
  // The first store carries nothing: who reads it knows of the construction by
  // other means, or races with it.
  atomics_.push_back({address, creator, count, {{initial, View{}}}});
  return location;
}

ModelMemory::Location ModelMemory::create(Thread self, const void* address,
                                          Value initial) {
  return add_atomic(address, self, threads_[self].created++, initial);
}

ModelMemory::Location ModelMemory::adopt(const void* address, Value initial) {
  return add_atomic(address, kMaxThreads, 0, initial);
}

bool ModelMemory::find(const void* address, Location& out) const {
  const auto found = shadows_.find(address);
  if (found == shadows_.end() || !found->second.lives) return false;
  out = found->second.location;
  return found->second.atomic;
}

bool ModelMemory::died(const void* address) const {
  const auto found = shadows_.find(address);
  return found != shadows_.end() && !found->second.lives;
}

std::string ModelMemory::touch(Thread self, Location location) {
  return note_read(self, shadows_[atomics_[location].address]);
}

uint32_t ModelMemory::last(Location location) const {
  return static_cast<uint32_t>(atomics_[location].stores.size() - 1);
}

Value ModelMemory::value(Location location, uint32_t index) const {
  return atomics_[location].stores[index].value;
}

uint32_t ModelMemory::first_readable(Thread self, Location location,
                                     std::memory_order order) const {
  const uint32_t floor = threads_[self].known.floor(location);
  if (order != std::memory_order_seq_cst) return floor;
  return std::max(floor, seq_cst_.floor(location));
}

void ModelMemory::load(Thread self, Location location, uint32_t index,
                       std::memory_order order) {
  ThreadState& thread = threads_[self];
  const Store& read = atomics_[location].stores[index];
  thread.known.raise(location, index);
  thread.pending.join(read.view);
  if (acquires(order)) thread.known.join(read.view);
  if (order == std::memory_order_seq_cst) seq_cst_.raise(location, index);
}

void ModelMemory::add_store(Thread self, Location location, Value value,
                            std::memory_order order, const View* sequence) {
  ThreadState& thread = threads_[self];
  Atomic& atomic = atomics_[location];
  const auto index = static_cast<uint32_t>(atomic.stores.size());
  thread.known.raise(location, index);
  Store added{value, releases(order) ? thread.known : thread.released};
  added.view.raise(location, index);
  if (sequence != nullptr) added.view.join(*sequence);
  if (order == std::memory_order_seq_cst) seq_cst_.raise(location, index);
  atomic.stores.push_back(std::move(added));
}

void ModelMemory::store(Thread self, Location location, Value value,
                        std::memory_order order) {
  add_store(self, location, value, order, nullptr);
}

void ModelMemory::exchange(Thread self, Location location, Value value,
                           std::memory_order order) {
  const uint32_t newest = last(location);
  load(self, location, newest, order);
  const View sequence = atomics_[location].stores[newest].view;
  add_store(self, location, value, order, &sequence);
}

Thread ModelMemory::creator(Location location) const {
  return atomics_[location].creator;
}

uint32_t ModelMemory::creator_count(Location location) const {
  return atomics_[location].creator_count;
}

const void* ModelMemory::address(Location location) const {
  return atomics_[location].address;
}

// ---- Fences and threads
// ---------------------------------------------------------

void ModelMemory::fence(Thread self, std::memory_order order) {
  ThreadState& thread = threads_[self];
  if (acquires(order)) thread.known.join(thread.pending);
  if (order == std::memory_order_seq_cst) {
    // [atomics.order]/4: what is known at a fence is known after each later
    // fence, and to later seq_cst accesses.
    seq_cst_.join_floors(thread.known);
    thread.known.join_floors(seq_cst_);
  }
  if (releases(order)) thread.released = thread.known;
}

void ModelMemory::light_fence(Thread self) {
  View& known = threads_[self].known;
  lights_.join_floors(known);
  known.join_floors(heavies_);
}

void ModelMemory::heavy_fence(Thread self) {
  ThreadState& thread = threads_[self];
  fence(self, std::memory_order_acquire);
  heavies_.join_floors(thread.known);
  fence(self, std::memory_order_seq_cst);
  thread.known.join_floors(lights_);
  thread.released = thread.known;
}

void ModelMemory::order(Thread parent, Thread child) {
  threads_[child].known.join(threads_[parent].known);
}

}  // namespace wirebook::model
