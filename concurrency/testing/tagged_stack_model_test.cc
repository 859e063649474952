// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// memory's TaggedStack in every interleaving, over a cell of model atoms. (Here
// and not beside it, since memory stands below this layer.)

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>

#include "concurrency/testing/model.h"
#include "concurrency/testing/mutant_atom.h"
#include "gtest/gtest.h"
#include "memory/tagged_ptr.h"

namespace wirebook {
namespace {

using model::model_assert;
using model::ModelVar;
using model::MutantAtom;
using model::Report;

struct Node {
  MutantAtom<Node*> next{nullptr};
  ModelVar<int> owner{0};  // whoever popped it may write it without a lock
};

// As TaggedPtr128: the halves are loaded one after the other, and exchanged
// together.
template <bool kTagged>
class ModelCell {
 public:
  using Handle = Node*;
  static constexpr Handle kNull = nullptr;

  struct Value {
    Node* handle = nullptr;
    uint64_t tag = 0;
    Value next(Node* successor) const noexcept {
      return {successor, tag + (kTagged ? 1 : 0)};
    }
  };

  Value load() const noexcept {
    Value value;
    value.tag = both_.load(std::memory_order_acquire).tag;
    value.handle = both_.load(std::memory_order_acquire).handle;
    return value;
  }

  bool compare_exchange(Value& expected, Value desired) noexcept {
    return both_.compare_exchange_strong(expected, desired,
                                         std::memory_order_acq_rel,
                                         std::memory_order_acquire);
  }

 private:
  MutantAtom<Value> both_;
};

struct Next {
  MutantAtom<Node*>& operator()(Node* node) const noexcept {
    return node->next;
  }
};

template <bool kTagged>
struct Stack {
  Stack() {
    for (int i = 2; i >= 0; --i) stack.push(&nodes[static_cast<size_t>(i)]);
  }

  Node* pop(int thread) {
    Node* const node = stack.pop();
    if (node != nullptr) node->owner = thread;
    return node;
  }

  TaggedStack<ModelCell<kTagged>, Next> stack;  // atomic 0
  std::array<Node, 3> nodes;
  std::array<Node*, 3> held{};
};

// The first pops one; the second pops two and gives the first of them back.
template <bool kTagged>
Report pop_against_recycling(const model::Mutation& mutation = {}) {
  using S = Stack<kTagged>;
  model::mutation = mutation;
  const Report report = model::explore_with(
      {}, [] { return std::make_unique<S>(); },
      [](S& s) {
        int found = 0;
        for (Node* const node : s.held) found += node != nullptr ? 1 : 0;
        while (Node* const node = s.pop(0)) {
          for (const Node* const held : s.held) {
            model_assert(node != held, "a node is in two places");
          }
          model_assert(++found <= 3, "a node is there twice");
        }
        model_assert(found == 3, "a node is lost");
      },
      [](S& s) { s.held[0] = s.pop(1); },
      [](S& s) {
        Node* const first = s.pop(2);
        s.held[1] = s.pop(2);
        if (first != nullptr) s.stack.push(first);
      });
  model::mutation = {};
  return report;
}

TEST(TaggedStackModel, WithItsTagItIsGreen) {
  const Report report = pop_against_recycling<true>();
  EXPECT_TRUE(report.ok()) << report;
  EXPECT_TRUE(report.complete);
}

TEST(TaggedStackModel, WithoutItsTagItIsRed) {
  const Report report = pop_against_recycling<false>();
  EXPECT_EQ(report.failure, "assertion: a node is in two places") << report;
}

TEST(TaggedStackModel, TwoPushersAndAPopper) {
  struct S {
    TaggedStack<ModelCell<true>, Next> stack;
    std::array<Node, 2> nodes;
    int popped = 0;
  };
  const Report report = model::explore_with(
      {}, [] { return std::make_unique<S>(); },
      [](S& s) {
        while (s.stack.pop() != nullptr) ++s.popped;
        model_assert(s.popped == 2, "each once");
      },
      [](S& s) {
        s.nodes[0].owner = 1;
        s.stack.push(&s.nodes[0]);
      },
      [](S& s) {
        s.nodes[1].owner = 2;
        s.stack.push(&s.nodes[1]);
      },
      [](S& s) {
        Node* const node = s.stack.pop();
        if (node == nullptr) return;
        model_assert(node->owner != 0, "what was written before the push");
        ++s.popped;
      });
  EXPECT_TRUE(report.ok()) << report;
  EXPECT_TRUE(report.complete);
}

TEST(TaggedStackModel, ARelaxedExchangeIsRed) {
  EXPECT_FALSE(
      pop_against_recycling<true>({.relax_updates = true, .only_atom = 0})
          .ok());
}

}  // namespace
}  // namespace wirebook
