// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// A broadcast ring in every interleaving, with every stale value that its
// orders allow: two slots, so that readers are lapped at once.

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <ostream>
#include <span>

#include "concurrency/broadcast_ring_poller.h"
#include "concurrency/broadcast_ring_publisher.h"
#include "concurrency/testing/model.h"
#include "concurrency/testing/mutant_atom.h"
#include "gtest/gtest.h"

namespace wirebook {
namespace {

using model::model_assert;
using model::ModelAtom;
using model::ModelVar;
using model::MutantAtom;
using model::Mutation;
using model::Report;

constexpr internal::BroadcastShape kShape = {
    .slots = 2, .slot_words = 4, .max_bytes = 16};

// Made in this order: head is atomic 0, life 1, beats 2, the first slot's state
// 3, its length 4, its words 5 and 6; the second slot's are 7 to 10.
template <template <typename> class Atom>
struct Ring {
  using Publisher = internal::BasicBroadcastPublisher<Atom>;
  using Poller = internal::BasicBroadcastPoller<Atom>;

  Publisher writer() {
    Publisher publisher(&control, slots.data(), kShape);
    model_assert(publisher.take_over(), "it is whole");
    return publisher;
  }
  Poller reader(BroadcastFrom after_lap) const {
    return Poller(&control, slots.data(), kShape, after_lap);
  }

  internal::BroadcastControl<Atom> control;
  std::array<Atom<uint64_t>, 8> slots;
  ModelVar<int> plain{0};  // What the writer did before it published.
};

// ---- What is sent, and what may be seen

// Of the same slot, one message is long and the next short.
constexpr size_t words_of(uint64_t number) { return 2 - number / 2 % 2; }

template <typename Publisher>
void publish(Publisher& writer) {
  const uint64_t number = writer.published();
  const uint64_t value = 100 * writer.epoch() + number;
  const std::array<uint64_t, 2> message = {value, value};
  const auto bytes = std::as_bytes(std::span(message));
  model_assert(writer.publish(bytes.data(), 8 * words_of(number)), "it fits");
}

template <template <typename> class Atom>
class Watch {
 public:
  Watch(const Ring<Atom>& ring, BroadcastFrom after_lap)
      : reader_(ring.reader(after_lap)) {}

  void join(BroadcastFrom from) {
    model_assert(reader_.join(from), "nothing is damaged");
    expected_ = reader_.position();
  }

  BroadcastEvent poll() {
    std::array<uint64_t, 2> message{};
    const BroadcastPoll got =
        reader_.poll(std::as_writable_bytes(std::span(message)), 0, 0, 1);
    switch (got.event) {
      case BroadcastEvent::kMessage:
        check(got.bytes, message);
        ++expected_;
        break;
      case BroadcastEvent::kLapped:
        model_assert(got.lost > 0, "a lap loses something");
        expected_ += got.lost;
        break;
      case BroadcastEvent::kNewWriter:
        model_assert(reader_.epoch() > epoch_, "epochs go up");
        epoch_ = reader_.epoch();
        break;
      default:
        model_assert(got.event != BroadcastEvent::kDamaged, "damaged");
        model_assert(got.event != BroadcastEvent::kWrongSize, "wrong size");
    }
    model_assert(reader_.position() == expected_, "received and lost is all");
    return got.event;
  }

  uint64_t seen() const { return expected_; }
  uint64_t received() const { return reader_.received(); }

 private:
  void check(size_t bytes, const std::array<uint64_t, 2>& message) {
    model_assert(bytes == 8 * words_of(expected_), "its length");
    if (epoch_ == 0) epoch_ = reader_.epoch();
    model_assert(reader_.epoch() == epoch_, "told of a new writer first");
    const uint64_t value = 100 * uint64_t{epoch_} + expected_;
    model_assert(message[0] == value, "torn in its first word");
    model_assert(bytes == 8 || message[1] == value, "torn in its second");
  }

  typename Ring<Atom>::Poller reader_;
  uint64_t expected_ = 0;
  uint32_t epoch_ = 0;
};

// ---- Threads

template <template <typename> class Atom, int kMessages>
void write(Ring<Atom>& ring) {
  auto writer = ring.writer();
  ring.plain = 1;
  for (int i = 0; i < kMessages; ++i) publish(writer);
}

template <template <typename> class Atom>
void write_and_close(Ring<Atom>& ring) {
  auto writer = ring.writer();
  publish(writer);
  publish(writer);
  writer.close();
}

template <template <typename> class Atom>
void read_and_see(Ring<Atom>& ring) {
  Watch<Atom> watch(ring, BroadcastFrom::kOldest);
  watch.poll();
  watch.poll();
  if (watch.received() > 0) {
    model_assert(ring.plain == 1, "what went before a message");
  }
}

template <template <typename> class Atom>
void read_to_the_end(Ring<Atom>& ring) {
  Watch<Atom> watch(ring, BroadcastFrom::kNewest);
  for (int i = 0; i < 3; ++i) {
    if (watch.poll() == BroadcastEvent::kClosed) {
      model_assert(watch.seen() == 2, "closed before its last message");
    }
  }
}

template <template <typename> class Atom = ModelAtom>
Report lapping() {
  return model::explore<Ring<Atom>>({}, write<Atom, 3>, read_and_see<Atom>);
}

template <template <typename> class Atom = ModelAtom>
Report closing() {
  return model::explore<Ring<Atom>>({}, write_and_close<Atom>,
                                    read_to_the_end<Atom>);
}

void expect_all_explored(const Report& report) {
  EXPECT_TRUE(report.ok()) << report;
  EXPECT_TRUE(report.complete);
}

TEST(BroadcastRingModel, AReaderSeesWholeMessagesAndCountsTheRest) {
  expect_all_explored(lapping());
}

TEST(BroadcastRingModel, CloseComesAfterAllMessages) {
  expect_all_explored(closing());
}

TEST(BroadcastRingModel, AJoinerBeginsAtAMessage) {
  for (const BroadcastFrom from :
       {BroadcastFrom::kNewest, BroadcastFrom::kOldest}) {
    expect_all_explored(model::explore<Ring<ModelAtom>>(
        {}, write<ModelAtom, 3>, [from](Ring<ModelAtom>& ring) {
          Watch<ModelAtom> watch(ring, BroadcastFrom::kNewest);
          watch.join(from);
          watch.poll();
        }));
  }
}

TEST(BroadcastRingModel, TwoReadersDoNotMeet) {
  expect_all_explored(model::explore<Ring<ModelAtom>>({}, write<ModelAtom, 2>,
                                                      read_and_see<ModelAtom>,
                                                      read_and_see<ModelAtom>));
}

// ---- A writer that dies between any two of its stores

// Its stores do nothing when its thread has none left: killed, as all others
// see it.
int stores_left = 0;

template <typename T>
class MortalAtom : public ModelAtom<T> {
 public:
  using ModelAtom<T>::ModelAtom;
  void store(T value, std::memory_order order) noexcept {
    if (stores_left == 0) return;
    --stores_left;
    ModelAtom<T>::store(value, order);
  }
};

constexpr int kForEver = 1'000'000;

// One message, and a second one cut short after `stores`; then the successor's.
// In one thread: the kernel's lock orders the two writers as well.
void die_and_be_succeeded(Ring<MortalAtom>& ring, int stores) {
  stores_left = kForEver;
  auto writer = ring.writer();
  publish(writer);
  stores_left = stores;
  publish(writer);
  stores_left = kForEver;
  auto successor = ring.writer();
  model_assert(successor.epoch() == 2, "the next epoch");
  const bool was_whole = stores >= 5;  // All but head.
  model_assert(successor.published() == (was_whole ? 2 : 1), "no gap");
  publish(successor);
}

TEST(BroadcastRingModel, AWriterThatDiesAnywhereIsSucceeded) {
  for (int stores = 0; stores <= 6; ++stores) {
    SCOPED_TRACE(testing::Message() << "killed after " << stores << " stores");
    expect_all_explored(model::explore<Ring<MortalAtom>>(
        {},
        [stores](Ring<MortalAtom>& ring) {
          die_and_be_succeeded(ring, stores);
        },
        [](Ring<MortalAtom>& ring) {
          Watch<MortalAtom> watch(ring, BroadcastFrom::kNewest);
          for (int i = 0; i < 3; ++i) watch.poll();
        }));
  }
}

// ---- Each order is needed

Report with(const Mutation& mutation, Report (*scenario)()) {
  model::mutation = mutation;
  const Report report = scenario();
  model::mutation = {};
  return report;
}

TEST(BroadcastRingModelMutants, TheUnchangedOneIsGreen) {
  EXPECT_TRUE(with({}, lapping<MutantAtom>).ok());
  EXPECT_TRUE(with({}, closing<MutantAtom>).ok());
}

struct Mutant {
  const char* name;
  Mutation mutation;
  Report (*scenario)();
};

void PrintTo(const Mutant& mutant, std::ostream* out) { *out << mutant.name; }

class EachOrder : public testing::TestWithParam<Mutant> {};

TEST_P(EachOrder, OfTheRingIsNeeded) {
  const Report report = with(GetParam().mutation, GetParam().scenario);
  EXPECT_FALSE(report.ok());
  RecordProperty("failure", report.failure);
}

INSTANTIATE_TEST_SUITE_P(
    BroadcastRingModelMutants, EachOrder,
    testing::Values(Mutant{"head_stored",
                           {.relax_stores = true, .only_atom = 0},
                           lapping<MutantAtom>},
                    Mutant{"head_loaded",
                           {.relax_loads = true, .only_atom = 0},
                           lapping<MutantAtom>},
                    Mutant{"life_stored",
                           {.relax_stores = true, .only_atom = 1},
                           closing<MutantAtom>},
                    Mutant{"life_loaded",
                           {.relax_loads = true, .only_atom = 1},
                           closing<MutantAtom>},
                    Mutant{"state_stored",
                           {.relax_stores = true, .only_atom = 3},
                           lapping<MutantAtom>},
                    Mutant{"state_loaded",
                           {.relax_loads = true, .only_atom = 3},
                           lapping<MutantAtom>},
                    Mutant{"length_stored",
                           {.relax_stores = true, .only_atom = 4},
                           lapping<MutantAtom>},
                    Mutant{"length_loaded",
                           {.relax_loads = true, .only_atom = 4},
                           lapping<MutantAtom>},
                    Mutant{"first_word_stored",
                           {.relax_stores = true, .only_atom = 5},
                           lapping<MutantAtom>},
                    Mutant{"first_word_loaded",
                           {.relax_loads = true, .only_atom = 5},
                           lapping<MutantAtom>}),
    [](const testing::TestParamInfo<Mutant>& test) { return test.param.name; });

}  // namespace
}  // namespace wirebook
