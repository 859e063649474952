// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// ChecksumSync over a venue that keeps the best few levels for its subscriber
// and lets it cut: deltas are lost, doubled, exchanged, spoiled, their sums,
// too; subscriptions are of another depth; connections end. A live book is what
// the venue's sum was made of, and once nothing goes wrong any more the book is
// live.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "lob/checksum_sync.h"
#include "lob/fuzz/venue_events.h"
#include "lob/testing/choices.h"
#include "tools/build_defs/fuzz.h"

namespace {

using namespace wirebook;  // NOLINT

// Of one side, best first.
using Levels = std::map<int, uint64_t, std::greater<>>;

void cut(Levels* levels, size_t depth) {
  while (depth != 0 && levels->size() > depth) levels->erase(--levels->end());
}

struct Message {
  bool snapshot = false;
  Levels levels{};  // quantity 0: gone
  Levels sum{};     // what the venue has now: a sum that is never wrong
};

class Run {
 public:
  explicit Run(Choices choices) : choices_(choices) {
    for (int price = 10; price < 30; ++price) market_[price] = 1;
    subscribe(4);
  }

  void step() {
    if (choices_.below(16) == 0) {
      const size_t depth = 2 + choices_.below(5);
      subscribe(depth);
      // Lost: a delta has nothing to stand on.
      if (choices_.below(4) != 0) deliver(snapshot());
    }
    Message delta = next();
    switch (choices_.below(24)) {
      case 0:
      case 1:
        break;
      case 2:
        deliver(delta);
        deliver(delta);
        break;
      case 3:
        if (late_) {
          send(delta);
        } else {
          late_ = delta;
        }
        break;
      case 4:
        if (!delta.levels.empty()) ++delta.levels.begin()->second;
        send(delta);
        break;
      case 5:
        delta.sum.clear();
        send(delta);
        break;
      case 6:
        sync_.restart();
        stands_ = whole_ = false;
        late_.reset();
        break;
      default:
        send(delta);
        if (!sync_.has_snapshot() && choices_.below(2) == 1) {
          deliver(snapshot());
        }
    }
  }

  // Nothing goes wrong any more.
  void calm() {
    late_.reset();
    for (int i = 0; i < 8; ++i) {
      deliver(next());
      if (!sync_.live()) deliver(snapshot());
      FUZZ_CHECK(sync_.live());
      FUZZ_CHECK(book_ == view_);
    }
  }

 private:
  // The subscriber knows the depth by the ack, by its options, or by the
  // snapshot.
  void subscribe(size_t depth) {
    depth_ = depth;
    view_ = market_;
    cut(&view_, depth_);
    late_.reset();
    switch (choices_.below(3)) {
      case 0:
        sync_ = ChecksumSync();
        sync_.on_subscribed(0);
        FUZZ_CHECK(sync_.depth() == 0);
        break;
      case 1:
        sync_.set_depth(depth);
        sync_.on_subscribed(0);
        FUZZ_CHECK(sync_.depth() == depth);
        break;
      default:
        sync_.on_subscribed(depth);
        FUZZ_CHECK(sync_.depth() == depth);
    }
    stands_ = whole_ = false;
    FUZZ_CHECK(!sync_.live() && !sync_.has_snapshot());
  }

  Message snapshot() const {
    return {.snapshot = true, .levels = view_, .sum = view_};
  }

  // One or two levels change; what leaves the depth is not mentioned, what
  // comes into it is.
  Message next() {
    for (size_t n = 1 + choices_.below(2); n > 0; --n) {
      const int price = 10 + static_cast<int>(choices_.below(20));
      const uint64_t quantity = choices_.below(4);
      if (quantity == 0 && market_.size() > 8) {
        market_.erase(price);
      } else {
        market_[price] = ++quantity_;
      }
    }
    Levels view = market_;
    cut(&view, depth_);
    Message delta{.sum = view};
    const int worst = (--view.end())->first;
    for (const auto& [price, quantity] : view) {
      const auto had = view_.find(price);
      if (had == view_.end() || had->second != quantity) {
        delta.levels[price] = quantity;
      }
    }
    for (const auto& [price, quantity] : view_) {
      if (price > worst && !view.contains(price)) delta.levels[price] = 0;
    }
    // Taken out of the market, not only pushed out of the depth.
    for (const auto& [price, quantity] : view_) {
      if (price < worst && !market_.contains(price)) delta.levels[price] = 0;
    }
    view_ = std::move(view);
    return delta;
  }

  // The next one comes first where one is late.
  void send(const Message& message) {
    deliver(message);
    if (const auto late = std::exchange(late_, std::nullopt)) deliver(*late);
  }

  void deliver(const Message& message) {
    using Action = ChecksumSync::Action;
    const Action action = message.snapshot
                              ? sync_.on_snapshot(message.levels.size())
                              : sync_.on_delta();
    if (message.snapshot) {
      stands_ = true;
      whole_ = false;
      book_.clear();
    }
    FUZZ_CHECK(sync_.has_snapshot() == stands_);
    FUZZ_CHECK((action == Action::kApply) == stands_);
    // Only what was verified is live, and until the next sum it stays so.
    FUZZ_CHECK(sync_.live() == whole_);
    if (action == Action::kDrop) return;
    FUZZ_CHECK(sync_.depth() == depth_);
    for (const auto& [price, quantity] : message.levels) {
      if (quantity == 0) {
        book_.erase(price);
      } else {
        book_[price] = quantity;
      }
    }
    cut(&book_, sync_.depth());
    const bool agrees = book_ == message.sum;
    FUZZ_CHECK(sync_.on_sum(agrees) == agrees);
    stands_ = whole_ = agrees;
    FUZZ_CHECK(sync_.live() == whole_);
    FUZZ_CHECK(sync_.has_snapshot() == stands_);
  }

  Choices choices_;
  ChecksumSync sync_;
  Levels market_;
  uint64_t quantity_ = 1;
  size_t depth_ = 0;  // subscribed
  Levels view_;       // what the venue keeps for us
  Levels book_;
  bool stands_ = false;  // on a snapshot
  bool whole_ = false;   // the last sum agreed
  std::optional<Message> late_;
};

}  // namespace

// What goes wrong.
std::vector<std::string> fuzz_seeds() { return choice_seeds(); }

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Run run(Choices(std::span(data, size)));
  for (size_t i = 0; i < std::min<size_t>(size, 80); ++i) run.step();
  run.calm();
  return 0;
}
