// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// DiffBuffer: messages in one part or several, pushed, read, given up. It holds
// the newest that fit, whole and in order, and says how many it gave up.

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "lob/diff_buffer.h"
#include "lob/fuzz/venue_events.h"
#include "lob/parsed_message.h"
#include "lob/price_level.h"
#include "lob/testing/choices.h"
#include "tools/build_defs/fuzz.h"

namespace {

using namespace wirebook;  // NOLINT

// As it went in: its id, and its levels, bids first.
struct Kept {
  uint64_t id = 0;
  std::vector<std::pair<Side, PriceLevel>> levels{};
};

class Run {
 public:
  explicit Run(Choices choices)
      : choices_(choices),
        most_diffs_(choices_.below(8)),
        most_levels_(1 + choices_.below(32)),
        buffer_(most_diffs_, most_levels_) {
    most_diffs_ = most_diffs_ == 0 ? 0 : std::bit_ceil(most_diffs_);
    most_levels_ = std::bit_ceil(most_levels_);
  }

  void step() {
    switch (choices_.below(8)) {
      case 0:
        buffer_.clear();
        model_.clear();
        break;
      case 1:
      case 2:
        if (model_.empty()) break;
        buffer_.pop_front();
        model_.pop_front();
        break;
      default:
        push();
    }
    check();
  }

  void drain() {
    for (; !model_.empty(); model_.pop_front()) {
      check();
      buffer_.pop_front();
    }
    FUZZ_CHECK(buffer_.empty());
  }

 private:
  void push() {
    static ParsedMessage parts[3];
    const size_t count = 1 + choices_.below(3);
    Kept kept{.id = ++last_id_};
    for (const Side side : {Side::kBid, Side::kAsk}) {
      for (size_t i = 0; i < count; ++i) {
        ParsedMessage& part = parts[i];
        const size_t levels = choices_.below(5);
        if (side == Side::kBid) {
          part.bid_begin = part.bid_count = part.ask_count = 0;
          part.first_part = i == 0;
          part.last_part = i + 1 == count;
          part.next = part.last_part ? nullptr : &parts[i + 1];
          part.last_update_id = last_id_;
        }
        part.ask_begin = part.bid_count;
        for (size_t n = 0; n < levels; ++n) {
          const PriceLevel level{++price_, static_cast<int64_t>(n)};
          part.levels[part.bid_count + part.ask_count] = level;
          ++(side == Side::kBid ? part.bid_count : part.ask_count);
          kept.levels.emplace_back(side, level);
        }
      }
    }
    const size_t given_up = buffer_.push(parts[0]);
    // The newest that fit.
    const size_t had = model_.size();
    model_.push_back(std::move(kept));
    size_t diffs = 0;
    size_t levels = 0;
    while (diffs < model_.size()) {
      levels += model_[model_.size() - 1 - diffs].levels.size();
      if (diffs == most_diffs_ || levels > most_levels_) break;
      ++diffs;
    }
    model_.erase(model_.begin(), model_.end() - static_cast<long>(diffs));
    FUZZ_CHECK(given_up == had + 1 - diffs);
  }

  void check() const {
    FUZZ_CHECK(buffer_.size() == model_.size());
    FUZZ_CHECK(buffer_.empty() == model_.empty());
    if (model_.empty()) return;
    const Kept& oldest = model_.front();
    FUZZ_CHECK(buffer_.front().last_update_id == oldest.id);
    size_t at = 0;
    const size_t count =
        buffer_.visit_front([&](Side side, const PriceLevel& level) {
          FUZZ_CHECK(at < oldest.levels.size());
          FUZZ_CHECK(side == oldest.levels[at].first);
          FUZZ_CHECK(level == oldest.levels[at].second);
          ++at;
        });
    FUZZ_CHECK(count == oldest.levels.size() && at == count);
  }

  Choices choices_;
  size_t most_diffs_;
  size_t most_levels_;
  DiffBuffer buffer_;
  std::deque<Kept> model_;
  uint64_t last_id_ = 0;
  int64_t price_ = 0;
};

}  // namespace

// Sizes, and what is done.
std::vector<std::string> fuzz_seeds() { return choice_seeds(); }

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Run run(Choices(std::span(data, size)));
  for (size_t i = 0; i < std::min<size_t>(size, 240); ++i) run.step();
  run.drain();
  return 0;
}
