// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// ChainedIdSync: deltas are lost, doubled, repeated, exchanged, bear wrong ids;
// snapshots are lost, old, come unasked; ids fall; connections end. A live book
// is the venue's, and once nothing goes wrong any more the book is live.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "lob/chained_id_sync.h"
#include "lob/fuzz/venue_events.h"
#include "lob/testing/choices.h"
#include "tools/build_defs/fuzz.h"

namespace {

using namespace wirebook;  // NOLINT

// The venue's events after `begin` up to `end`; a snapshot has all of them.
struct Message {
  bool snapshot = false;
  size_t begin = 0;
  size_t end = 0;
  uint64_t previous = 0;
  uint64_t id = 0;
};

class Run {
 public:
  explicit Run(Choices choices) : choices_(choices) {}

  void step() {
    const Message delta = next();
    switch (choices_.below(24)) {
      case 0:
      case 1:
        break;
      case 2:
        deliver(delta);
        deliver(delta);
        break;
      case 3: {
        deliver(delta);
        const size_t back = 1 + choices_.below(8);
        if (back <= sent_.size()) deliver(sent_[sent_.size() - back]);
        break;
      }
      case 4:
        if (late_) {
          send(delta);
        } else {
          late_ = delta;
        }
        break;
      case 5:
        send({.begin = delta.begin,
              .end = delta.end,
              .previous = wrong(),
              .id = delta.id});
        break;
      case 6:
        send({.begin = delta.begin,
              .end = delta.end,
              .previous = delta.previous,
              .id = wrong()});
        break;
      case 7:
        sync_.restart();
        whole_ = false;
        late_.reset();
        break;
      case 8:
        send(snapshot(venue_.count() - choices_.below(venue_.count())));
        break;
      case 9:
        send(delta);
        floor_ -= uint64_t{1} << 20;  // ids fall, the chain goes on
        break;
      case 10:  // Nothing changed.
        send(delta);
        send({.begin = delta.end,
              .end = delta.end,
              .previous = delta.id,
              .id = delta.id});
        break;
      default:
        send(delta);
        if (!sync_.live() && choices_.below(2) == 1) {
          send(snapshot(venue_.count()));
        }
    }
  }

  // Nothing goes wrong any more.
  void calm() {
    late_.reset();
    for (int i = 0; i < 4; ++i) {
      deliver(next());
      if (!sync_.live()) deliver(snapshot(venue_.count()));
      FUZZ_CHECK(sync_.live());
      FUZZ_CHECK(book_ == venue_.at(venue_.count()));
    }
  }

 private:
  Message next() {
    const size_t begin = venue_.count();
    venue_.happen(choices_, 1 + choices_.below(3));
    ids_.resize(venue_.count() + 1);
    ids_.back() = floor_ + venue_.count() * 2;
    return {.begin = begin,
            .end = venue_.count(),
            .previous = ids_[begin],
            .id = ids_.back()};
  }

  // As of the last delta that ends there or before.
  Message snapshot(size_t version) const {
    while (version != 0 && ids_[version] == 0) --version;
    return {.snapshot = true, .end = version, .id = ids_[version]};
  }

  uint64_t wrong() { return ++wrong_; }

  // The next one comes first where one is late.
  void send(const Message& message) {
    deliver(message);
    if (const auto late = std::exchange(late_, std::nullopt)) deliver(*late);
  }

  void deliver(Message message) {
    using Action = ChainedIdSync::Action;
    sent_.push_back(message);
    if (message.snapshot) {
      sync_.on_snapshot(message.id);
      whole_ = true;
      book_ = venue_.at(message.end);
      version_ = message.end;
      held_ = message.id;
    } else {
      const bool live = whole_;
      const Action action = sync_.on_delta(message.previous, message.id);
      FUZZ_CHECK(action == (!live                       ? Action::kDrop
                            : message.id == held_       ? Action::kIgnore
                            : message.previous == held_ ? Action::kApply
                                                        : Action::kGap));
      if (action == Action::kApply) {
        venue_.write(message.begin, message.end, &book_);
        version_ = message.end;
        held_ = message.id;
      }
      if (action == Action::kGap) whole_ = false;
    }
    FUZZ_CHECK(sync_.live() == whole_);
    if (!sync_.live()) return;
    FUZZ_CHECK(book_ == venue_.at(version_));
    FUZZ_CHECK(sync_.last_update_id() == held_);
  }

  Choices choices_;
  ChainedIdSync sync_;
  VenueEvents venue_;
  uint64_t floor_ = uint64_t{1} << 40;
  // Of each event that ends a delta; others 0.
  std::vector<uint64_t> ids_ = {uint64_t{1} << 40};
  std::vector<Message> sent_;
  std::optional<Message> late_;
  uint64_t wrong_ = uint64_t{1} << 50;
  VenueEvents::Book book_{};
  bool whole_ = false;  // since a snapshot nothing was missed
  size_t version_ = 0;
  uint64_t held_ = 0;
};

}  // namespace

// What goes wrong.
std::vector<std::string> fuzz_seeds() { return choice_seeds(); }

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Run run(Choices(std::span(data, size)));
  for (size_t i = 0; i < std::min<size_t>(size, 240); ++i) run.step();
  run.calm();
  return 0;
}
