// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// What structures do when nobody else is about, for linearizability.h: a
// bounded FIFO queue, a register, a map.

#ifndef WIREBOOK_CONCURRENCY_TESTING_LINEARIZABILITY_SPECS_H_
#define WIREBOOK_CONCURRENCY_TESTING_LINEARIZABILITY_SPECS_H_

#if __cplusplus < 202002L
#error "wirebook needs C++20: compile with -std=c++20"
#endif

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>

namespace wirebook {

// A queue with try_push and try_pop. T: copyable, ==, std::hash, to_string.
template <typename T>
class FifoSpec {
 public:
  struct Operation {
    bool is_push;
    T value;
    bool done;  // false: it was full, or empty
  };
  static Operation push(T value, bool done) { return {true, value, done}; }
  static Operation pop(T value, bool done) { return {false, value, done}; }

  using State = std::deque<T>;

  // May a push fail while it is not full, a pop while it is not empty? (Only of
  // a queue whose header says so.)
  explicit FifoSpec(size_t capacity, bool may_fail_spuriously = false)
      : capacity_(capacity), may_fail_(may_fail_spuriously) {}

  State initial() const { return {}; }

  bool apply(State& state, const Operation& operation, bool ended) const {
    return operation.is_push ? apply_push(state, operation, ended)
                             : apply_pop(state, operation, ended);
  }

  static size_t hash(const State& state) {
    size_t hash = state.size();
    for (const T& value : state) hash = hash * 31 + std::hash<T>()(value);
    return hash;
  }
  static int key(const Operation&) { return 0; }
  static std::string text(const Operation& operation) {
    using std::to_string;
    return std::string(operation.is_push ? "push " : "pop ") +
           (operation.is_push || operation.done ? to_string(operation.value)
                                                : "") +
           (operation.done ? "" : " failed");
  }

 private:
  bool apply_push(State& state, const Operation& operation, bool ended) const {
    const bool full = state.size() == capacity_;
    if (ended && !operation.done) return full || may_fail_;
    if (full) return !ended;  // it would fail
    state.push_back(operation.value);
    return true;
  }

  bool apply_pop(State& state, const Operation& operation, bool ended) const {
    if (ended && !operation.done) return state.empty() || may_fail_;
    if (state.empty()) return !ended;  // it would fail
    if (ended && state.front() != operation.value) return false;
    state.pop_front();
    return true;
  }

  size_t capacity_;
  bool may_fail_;
};

// One value: load, store, exchange, compare_exchange. An RcuPtr is one, too.
template <typename T>
class RegisterSpec {
 public:
  enum class Kind : uint8_t { kLoad, kStore, kExchange, kCompareExchange };
  struct Operation {
    Kind kind;
    T written{};
    T expected{};
    T read{};          // by a load, an exchange, a failed compare_exchange
    bool done = true;  // false of a failed compare_exchange
  };
  static Operation load(T read) { return {Kind::kLoad, {}, {}, read}; }
  static Operation store(T value) { return {Kind::kStore, value}; }
  static Operation exchange(T value, T read) {
    return {Kind::kExchange, value, {}, read};
  }
  static Operation compare_exchange(T expected, T value, T read, bool done) {
    return {Kind::kCompareExchange, value, expected, read, done};
  }

  using State = T;

  explicit RegisterSpec(T first) : first_(first) {}
  State initial() const { return first_; }

  bool apply(State& state, const Operation& operation, bool ended) const {
    const T old = state;
    const bool compares = operation.kind == Kind::kCompareExchange;
    const bool done = !compares || old == operation.expected;
    if (done && operation.kind != Kind::kLoad) state = operation.written;
    if (!ended || operation.kind == Kind::kStore) return true;
    if (compares && done) return operation.done;
    return operation.read == old && operation.done == done;
  }

  static size_t hash(const State& state) { return std::hash<T>()(state); }
  static int key(const Operation&) { return 0; }
  static std::string text(const Operation& operation) {
    using std::to_string;
    const std::string read = " -> " + to_string(operation.read);
    const std::string written = to_string(operation.written);
    switch (operation.kind) {
      case Kind::kLoad:
        return "load" + read;
      case Kind::kStore:
        return "store " + written;
      case Kind::kExchange:
        return "exchange " + written + read;
      case Kind::kCompareExchange:
        break;
    }
    return "compare_exchange " + to_string(operation.expected) + " by " +
           written + (operation.done ? " done" : read);
  }

 private:
  T first_;
};

// A map: find, insert (false if it is there), insert_or_assign, erase. Keys are
// checked one by one; what concerns several (size, iteration) is no part of it.
template <typename K, typename V>
class MapSpec {
 public:
  enum class Kind : uint8_t { kFind, kInsert, kAssign, kErase };
  struct Operation {
    Kind kind;
    K key;
    std::optional<V> value;  // found, or to insert
    bool done = true;        // inserted, not assigned; erased
  };
  static Operation find(K key, std::optional<V> found) {
    return {Kind::kFind, key, found};
  }
  static Operation insert(K key, V value, bool inserted) {
    return {Kind::kInsert, key, value, inserted};
  }
  static Operation insert_or_assign(K key, V value, bool inserted) {
    return {Kind::kAssign, key, value, inserted};
  }
  static Operation erase(K key, bool erased) {
    return {Kind::kErase, key, std::nullopt, erased};
  }

  using State = std::optional<V>;  // of one key

  State initial() const { return std::nullopt; }

  bool apply(State& state, const Operation& operation, bool ended) const {
    const State old = state;
    switch (operation.kind) {
      case Kind::kFind:
        return !ended || operation.value == old;
      case Kind::kInsert:
        if (!old.has_value()) state = operation.value;
        return !ended || operation.done == !old.has_value();
      case Kind::kAssign:
        state = operation.value;
        return !ended || operation.done == !old.has_value();
      case Kind::kErase:
        state.reset();
        return !ended || operation.done == old.has_value();
    }
    return false;
  }

  static size_t hash(const State& state) {
    return std::hash<std::optional<V>>()(state);
  }
  static K key(const Operation& operation) { return operation.key; }
  static std::string text(const Operation& operation) {
    using std::to_string;
    const char* const names[] = {"find ", "insert ", "insert_or_assign ",
                                 "erase "};
    const std::string value =
        operation.value.has_value() ? to_string(*operation.value) : "nothing";
    return names[static_cast<size_t>(operation.kind)] +
           to_string(operation.key) +
           (operation.kind == Kind::kErase ? "" : ": " + value) +
           (operation.done ? "" : " no");
  }
};

}  // namespace wirebook

#endif  // WIREBOOK_CONCURRENCY_TESTING_LINEARIZABILITY_SPECS_H_
