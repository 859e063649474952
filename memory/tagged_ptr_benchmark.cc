// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// A pop and push pair on a stack, alone and contended:
//   bazel run --config=native //memory:tagged_ptr_benchmark
//
// Treiber is his stack with tags, written out for this purpose only: 32-bit
// index and tag in one atomic word. Untagged is wrong under ABA. Boost is
// boost::lockfree::stack with nodes of its own.
#include <benchmark/benchmark.h>

#include <array>
#include <atomic>
#include <boost/lockfree/stack.hpp>
#include <cstdint>
#include <memory>

#include "memory/tagged_ptr.h"

namespace wirebook {
namespace {

constexpr std::uint32_t kNodes = 64;

struct alignas(64) Node {
  std::atomic<Node*> next{nullptr};
};

// A cell without a tag, so that TaggedStack becomes Treiber's plain one.
class UntaggedPtr {
 public:
  using Handle = Node*;
  static constexpr Handle kNull = nullptr;
  struct Value {
    Node* handle = nullptr;
    Value next(Node* successor) const noexcept { return {successor}; }
  };
  Value load() const noexcept { return {cell_.load()}; }
  bool compare_exchange(Value& expected, Value desired) noexcept {
    return cell_.compare_exchange_strong(expected.handle, desired.handle);
  }

 private:
  std::atomic<Node*> cell_{nullptr};
};

template <typename Cell>
class Pointers {
 public:
  Pointers() {
    for (Node& node : nodes_) stack_.push(&node);
  }
  void cycle() noexcept {
    if (Node* node = stack_.pop()) stack_.push(node);
  }

 private:
  TaggedStack<Cell> stack_;
  std::array<Node, kNodes> nodes_;
};

class Indices {
 public:
  Indices() {
    for (std::uint32_t i = 0; i < kNodes; ++i) stack_.push(i);
  }
  void cycle() noexcept {
    const std::uint32_t node = stack_.pop();
    if (node != IndexTag64::kNull) stack_.push(node);
  }

 private:
  struct alignas(64) Link {
    std::atomic<std::uint32_t> next;
  };
  struct Next {
    std::atomic<std::uint32_t>& operator()(std::uint32_t i) const noexcept {
      return links[i].next;
    }
    Link* links;
  };
  std::array<Link, kNodes> links_;
  TaggedStack<IndexTag64, Next> stack_{Next{links_.data()}};
};

class Treiber {
 public:
  Treiber() {
    for (std::uint32_t i = 0; i < kNodes; ++i) push(i);
  }
  void cycle() noexcept {
    const std::uint32_t node = pop();
    if (node != kEmpty) push(node);
  }

 private:
  static constexpr std::uint32_t kEmpty = UINT32_MAX;
  struct alignas(64) Link {
    std::atomic<std::uint32_t> next;
  };

  void push(std::uint32_t node) noexcept {
    std::uint64_t top = top_.load();
    std::uint64_t wanted;
    do {
      links_[node].next.store(static_cast<std::uint32_t>(top),
                              std::memory_order_relaxed);
      wanted = ((top >> 32) + 1) << 32 | node;
    } while (!top_.compare_exchange_weak(top, wanted));
  }
  std::uint32_t pop() noexcept {
    std::uint64_t top = top_.load();
    for (;;) {
      const auto node = static_cast<std::uint32_t>(top);
      if (node == kEmpty) return kEmpty;
      const std::uint64_t wanted =
          ((top >> 32) + 1) << 32 |
          links_[node].next.load(std::memory_order_relaxed);
      if (top_.compare_exchange_weak(top, wanted)) return node;
    }
  }

  std::atomic<std::uint64_t> top_{kEmpty};
  std::array<Link, kNodes> links_;
};

class Boost {
 public:
  Boost() {
    for (std::uint32_t i = 0; i < kNodes; ++i) stack_.push(i);
  }
  void cycle() {
    std::uint32_t value;
    if (stack_.pop(value)) stack_.push(value);
  }

 private:
  boost::lockfree::stack<std::uint32_t> stack_{kNodes + 16};
};

using Untagged = Pointers<UntaggedPtr>;
using Tagged64 = Pointers<TaggedPtr64<Node>>;
using Tagged128 = Pointers<TaggedPtr128<Node>>;

template <typename Stack>
void PopPush(benchmark::State& state) {
  static Stack* stack;
  if (state.thread_index() == 0) stack = new Stack;
  for (auto _ : state) stack->cycle();
  state.SetItemsProcessed(state.iterations());
  if (state.thread_index() == 0) delete stack;
}

BENCHMARK(PopPush<Treiber>)->ThreadRange(1, 2)->UseRealTime();
BENCHMARK(PopPush<Indices>)->ThreadRange(1, 2)->UseRealTime();
BENCHMARK(PopPush<Tagged64>)->ThreadRange(1, 2)->UseRealTime();
BENCHMARK(PopPush<Tagged128>)->ThreadRange(1, 2)->UseRealTime();
BENCHMARK(PopPush<Boost>)->ThreadRange(1, 2)->UseRealTime();
// One thread only: two would corrupt it.
BENCHMARK(PopPush<Untagged>);

}  // namespace
}  // namespace wirebook

BENCHMARK_MAIN();
