// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
#include "memory/tagged_ptr.h"

#include <elf.h>

#include <cstring>
#include <fstream>
#include <functional>
#include <iterator>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <type_traits>
#include <vector>

#include "gtest/gtest.h"
#include "memory/testing/soak.h"

namespace wirebook {
namespace {

struct Node {
  std::atomic<Node*> next{nullptr};
  int value = 0;
};

TEST(TaggedStack, GivesBackTheLastPushed) {
  Node a, b;
  TaggedStack<TaggedPtr128<Node>> stack;
  stack.push(&a);
  stack.push(&b);
  EXPECT_EQ(stack.pop(), &b);
  EXPECT_EQ(stack.pop(), &a);
  EXPECT_EQ(stack.pop(), nullptr);
}

TEST(TaggedStack, WorksOverIndices) {
  std::atomic<uint32_t> links[3];
  TaggedStack<IndexTag64, NextInArray> stack(NextInArray{links});
  EXPECT_TRUE(stack.empty());
  for (uint32_t i = 0; i < 3; ++i) stack.push(i);
  for (uint32_t i = 3; i-- > 0;) EXPECT_EQ(stack.pop(), i);
  EXPECT_EQ(stack.pop(), IndexTag64::kNull);
}

TEST(TaggedStack, PushesAChainAtOnce) {
  Node nodes[3];
  nodes[0].next = &nodes[1];
  nodes[1].next = &nodes[2];
  TaggedStack<TaggedPtr128<Node>> stack;
  stack.push_chain(&nodes[0], &nodes[2]);
  for (Node& node : nodes) EXPECT_EQ(stack.pop(), &node);
  EXPECT_TRUE(stack.empty());
}

TEST(TaggedPtr128, ExchangeComparesPointerAndTag) {
  int x = 0, y = 0;
  TaggedPtr128<int> cell(&x);
  auto seen = cell.load();
  auto wrong_tag = seen;
  wrong_tag.tag = 7;
  EXPECT_FALSE(cell.compare_exchange(wrong_tag, seen.next(&y)));
  EXPECT_EQ(wrong_tag, seen) << "a failed exchange reports what it found";
  EXPECT_TRUE(cell.compare_exchange(seen, seen.next(&y)));
  EXPECT_EQ(cell.load().handle, &y);
  EXPECT_EQ(cell.load().tag, 1u);
  static_assert(sizeof(cell) == 16);
}

TEST(TaggedPtr128, CarriesAll64BitsOfTheTag) {
  int x = 0;
  TaggedPtr128<int> cell(&x);
  auto seen = cell.load();
  ASSERT_TRUE(cell.compare_exchange(seen, {&x, UINT64_MAX}));
  seen = cell.load();
  EXPECT_EQ(seen.tag, UINT64_MAX);
  EXPECT_EQ(seen.next(&x).tag, 0u);
}

TEST(IndexTag64, ExchangeComparesIndexAndTag) {
  IndexTag64 cell(5);
  auto seen = cell.load();
  auto stale = seen;
  EXPECT_TRUE(cell.compare_exchange(seen, seen.next(6)));
  seen = cell.load();
  EXPECT_TRUE(cell.compare_exchange(seen, seen.next(5)));
  EXPECT_FALSE(cell.compare_exchange(stale, stale.next(9)));
  EXPECT_EQ(stale.handle, 5u);
  EXPECT_EQ(stale.tag, 2u);
  static_assert(sizeof(cell) == 8);
}

TEST(TaggedPtr64, ExchangeComparesPointerAndTag) {
  int x = 0, y = 0;
  TaggedPtr64<int> cell(&x);
  auto seen = cell.load();
  auto stale = seen;
  EXPECT_TRUE(cell.compare_exchange(seen, seen.next(&y)));
  EXPECT_EQ(cell.load().handle, &y);
  seen = cell.load();
  EXPECT_TRUE(cell.compare_exchange(seen, seen.next(&x)));
  EXPECT_FALSE(cell.compare_exchange(stale, stale.next(nullptr)));
  EXPECT_EQ(stale.handle, &x);
  EXPECT_EQ(stale.tag, 2u);
  static_assert(sizeof(cell) == 8);
}

TEST(TaggedPtr64, ItsTagWrapsAfter65536Exchanges) {
  int x = 0, y = 0;
  TaggedPtr64<int> cell(&x);
  auto slept = cell.load();
  for (int i = 0; i < 65536; ++i) {
    auto seen = cell.load();
    ASSERT_TRUE(cell.compare_exchange(seen, seen.next(i % 2 ? &x : &y)));
  }
  EXPECT_TRUE(cell.compare_exchange(slept, slept.next(&y)))
      << "the window that the header states";
}

TEST(TaggedPtr64DeathTest, RefusesAPointerBeyond48Bits) {
  int x = 0;
  TaggedPtr64<int> cell(&x);
  auto seen = cell.load();
  auto* high = reinterpret_cast<int*>(uint64_t{1} << 48);
  EXPECT_DEATH(cell.compare_exchange(seen, seen.next(high)),
               "TaggedPtr64: 0x1000000000000 is beyond 48 bits");
}

extern "C" __attribute__((noinline, used)) bool wirebook_exchange_128(
    TaggedPtr128<int>& cell, TaggedPtr128<int>::Value& expected) {
  return cell.compare_exchange(expected, expected.next(nullptr));
}

// Calls `visit(name, size)` for each symbol of this program, its imports too.
template <typename Visit>
void for_each_symbol(Visit visit) {
  std::ifstream file("/proc/self/exe", std::ios::binary);
  const std::string image((std::istreambuf_iterator<char>(file)), {});
  const auto at = [&image]<typename E>(size_t offset, E* out) {
    ASSERT_LE(offset + sizeof(E), image.size());
    std::memcpy(out, image.data() + offset, sizeof(E));
  };
  Elf64_Ehdr header;
  at(0, &header);
  for (size_t i = 0; i < header.e_shnum; ++i) {
    Elf64_Shdr section, names;
    at(header.e_shoff + i * sizeof(section), &section);
    if (section.sh_type != SHT_SYMTAB && section.sh_type != SHT_DYNSYM) {
      continue;
    }
    at(header.e_shoff + section.sh_link * sizeof(names), &names);
    for (size_t k = 0; k < section.sh_size / sizeof(Elf64_Sym); ++k) {
      Elf64_Sym symbol;
      at(section.sh_offset + k * sizeof(symbol), &symbol);
      visit(image.c_str() + names.sh_offset + symbol.st_name, symbol.st_size);
    }
  }
}

TEST(TaggedPtr, TheExchangeIsOneInstructionAndNoCall) {
#if defined(WIREBOOK_TAGGED_PTR_TSAN)
  GTEST_SKIP() << "goes through ThreadSanitizer's runtime";
#endif
  size_t bytes = 0;
  for_each_symbol([&bytes](const char* name, size_t size) {
    EXPECT_NE(std::string_view(name).substr(0, 9), "__atomic_") << name;
    if (std::string_view(name) == "wirebook_exchange_128") bytes = size;
  });
  ASSERT_GT(bytes, 0u);
  const std::string_view code(
      reinterpret_cast<const char*>(&wirebook_exchange_128), bytes);
  // lock, REX.W (with or without B), cmpxchg16b.
  EXPECT_TRUE(code.find("\xf0\x48\x0f\xc7") != code.npos ||
              code.find("\xf0\x49\x0f\xc7") != code.npos);
}

// The classic interleaving, without luck: pop() reads a link between its load
// and its exchange, and the link functor lets another owner in right there.
struct InterruptedNext {
  std::atomic<uint32_t>& operator()(uint32_t index) const {
    std::atomic<uint32_t>& link = links[index];
    if (*interrupt) {
      auto callback = std::move(*interrupt);
      *interrupt = nullptr;
      // pop() must come away with the link as it stood before.
      links[kCopy].store(link.load());
      callback();
      return links[kCopy];
    }
    return link;
  }
  static constexpr uint32_t kCopy = 3;
  std::atomic<uint32_t>* links;
  std::function<void()>* interrupt;
};

template <typename Cell>
uint32_t top_after_aba() {
  std::atomic<uint32_t> links[4];
  std::function<void()> interrupt;
  TaggedStack<Cell, InterruptedNext> stack(InterruptedNext{links, &interrupt});
  for (uint32_t i : {2u, 1u, 0u}) stack.push(i);  // 0, 1, 2 from the top.
  interrupt = [&stack] {
    EXPECT_EQ(stack.pop(), 0u);
    EXPECT_EQ(stack.pop(), 1u);  // 1 now belongs to somebody else.
    stack.push(0);
  };
  EXPECT_EQ(stack.pop(), 0u);
  return stack.pop();
}

TEST(Aba, TheTagKeepsATakenNodeOutOfTheStack) {
  EXPECT_EQ(top_after_aba<BasicIndexTag64<true>>(), 2u);
}

TEST(Aba, WithoutTheTagATakenNodeComesBack) {
  EXPECT_EQ(top_after_aba<BasicIndexTag64<false>>(), 1u);
}

struct InterruptedMember {
  std::atomic<Node*>& operator()(Node* node) const {
    if (*interrupt) {
      auto callback = std::move(*interrupt);
      *interrupt = nullptr;
      copy->next.store(node->next.load());
      callback();
      return copy->next;
    }
    return node->next;
  }
  Node* copy;
  std::function<void()>* interrupt;
};

template <typename Cell>
int top_after_aba_of_pointers() {
  Node nodes[3], copy;
  std::function<void()> interrupt;
  TaggedStack<Cell, InterruptedMember> stack(
      InterruptedMember{&copy, &interrupt});
  for (int i : {2, 1, 0}) {
    nodes[i].value = i;
    stack.push(&nodes[i]);
  }
  interrupt = [&] {
    stack.pop();
    stack.pop();
    stack.push(&nodes[0]);
  };
  EXPECT_EQ(stack.pop()->value, 0);
  return stack.pop()->value;
}

TEST(Aba, HoldsForPointersToo) {
  EXPECT_EQ((top_after_aba_of_pointers<TaggedPtr128<Node, true>>()), 2);
  EXPECT_EQ((top_after_aba_of_pointers<TaggedPtr128<Node, false>>()), 1);
  EXPECT_EQ((top_after_aba_of_pointers<TaggedPtr64<Node, true>>()), 2);
  EXPECT_EQ((top_after_aba_of_pointers<TaggedPtr64<Node, false>>()), 1);
}

TEST(TaggedStack, AgreesWithAVectorUnderRandomOperations) {
  const uint64_t seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937_64 random(seed);
  std::atomic<uint32_t> links[64];
  TaggedStack<IndexTag64, NextInArray> stack(NextInArray{links});
  std::vector<uint32_t> model, outside;
  for (uint32_t i = 0; i < 64; ++i) outside.push_back(i);
  for (int step = 0; step < 100000; ++step) {
    if (random() % 2 && !outside.empty()) {
      stack.push(outside.back());
      model.push_back(outside.back());
      outside.pop_back();
    } else {
      const uint32_t got = stack.pop();
      if (model.empty()) {
        ASSERT_EQ(got, IndexTag64::kNull);
      } else {
        ASSERT_EQ(got, model.back());
        outside.push_back(got);
        model.pop_back();
      }
    }
  }
}

// Each node is in one place: whoever pops it may write to it without a lock.
template <typename Stack, typename Handle, typename Value>
void threads_pass_nodes(Stack& stack, Value value, Handle null) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      Handle held[3];
      for (int i = 0; i < 20000; ++i) {
        int n = 0;
        for (; n < 1 + i % 3; ++n) {
          held[n] = stack.pop();
          if (held[n] == null) break;
          ++value(held[n]);
        }
        while (n > 0) stack.push(held[--n]);
      }
    });
  }
  for (auto& thread : threads) thread.join();
}

template <typename Cell>
void threads_pass_pointers() {
  Node nodes[8];
  TaggedStack<Cell> stack;
  for (Node& node : nodes) stack.push(&node);
  threads_pass_nodes<decltype(stack), Node*>(
      stack, [](Node* node) -> int& { return node->value; }, nullptr);
  std::set<Node*> left;
  while (Node* node = stack.pop()) EXPECT_TRUE(left.insert(node).second);
  EXPECT_EQ(left.size(), 8u);
}

TEST(TaggedStack, ThreadsNeverShareAPointerNode) {
  for (Soak soak; soak.goes_on();) {
    threads_pass_pointers<TaggedPtr128<Node>>();
  }
}

TEST(TaggedStack, ThreadsNeverShareAnIndexedNode) {
  for (Soak soak; soak.goes_on();) {
    std::atomic<uint32_t> links[8];
    int values[8] = {};
    TaggedStack<IndexTag64, NextInArray> stack(NextInArray{links});
    for (uint32_t i = 0; i < 8; ++i) stack.push(i);
    threads_pass_nodes<decltype(stack), uint32_t>(
        stack, [&](uint32_t i) -> int& { return values[i]; },
        IndexTag64::kNull);
    std::set<uint32_t> left;
    for (uint32_t i; (i = stack.pop()) != IndexTag64::kNull;) {
      EXPECT_TRUE(left.insert(i).second);
    }
    EXPECT_EQ(left.size(), 8u);
  }
}

}  // namespace
}  // namespace wirebook
