// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// ConnectionSequence over a connection of three books: messages are lost,
// doubled, repeated, exchanged, bear wrong numbers; connections end. A gap
// takes every book out of Live until its snapshot; a live book is the venue's
// as of the message heard last, whichever book it spoke of.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "lob/connection_sequence.h"
#include "lob/fuzz/venue_events.h"
#include "lob/testing/choices.h"
#include "tools/build_defs/fuzz.h"

namespace {

using namespace wirebook;  // NOLINT

constexpr size_t kBooks = 3;

struct Message {
  uint64_t number = 0;
  uint64_t told = 0;  // the number as it stands in the text
  bool snapshot = false;
  size_t book = 0;
  size_t begin = 0;  // events of the book, up to...
  size_t end = 0;
};

class Run {
 public:
  explicit Run(Choices choices) : choices_(choices) { connect(); }

  void step() {
    Message message = next(choices_.below(kBooks), choices_.below(8) == 0);
    switch (choices_.below(24)) {
      case 0:
        break;
      case 1:
        deliver(message);
        deliver(message);
        break;
      case 2: {
        deliver(message);
        const size_t back = 1 + choices_.below(8);
        if (back <= sent_.size()) deliver(sent_[sent_.size() - back]);
        break;
      }
      case 3:
        if (late_) {
          send(message);
        } else {
          late_ = message;
        }
        break;
      case 4:
        message.told += 1'000'000 + choices_.below(256);
        send(message);
        break;
      case 5:
        connect();
        break;
      default:
        send(message);
    }
  }

  // Nothing goes wrong any more: a message to see what was lost, and snapshots.
  void calm() {
    late_.reset();
    deliver(next(0, false));
    deliver(next(0, false));
    for (size_t i = 0; i < kBooks; ++i) deliver(next(i, true));
    for (size_t i = 0; i < kBooks; ++i) deliver(next(i, false));
    for (size_t i = 0; i < kBooks; ++i) {
      FUZZ_CHECK(books_[i].live);
      FUZZ_CHECK(books_[i].values == venues_[i].at(venues_[i].count()));
    }
  }

 private:
  struct Book {
    bool live = false;
    VenueEvents::Book values{};
  };

  Message next(size_t book, bool snapshot) {
    const size_t begin = venues_[book].count();
    if (!snapshot) venues_[book].happen(choices_);
    Message message{.number = ++number_,
                    .told = number_,
                    .snapshot = snapshot,
                    .book = book,
                    .begin = begin,
                    .end = venues_[book].count()};
    std::array<size_t, kBooks> events;
    for (size_t i = 0; i < kBooks; ++i) events[i] = venues_[i].count();
    events_.push_back(events);
    return message;
  }

  // Numbers begin anew.
  void connect() {
    sequence_.restart();
    for (Book& book : books_) book.live = false;
    late_.reset();
    sent_.clear();
    events_.assign(1, {});
    number_ = 0;
    last_.reset();
  }

  // The next one comes first where one is late.
  void send(const Message& message) {
    deliver(message);
    if (const auto late = std::exchange(late_, std::nullopt)) deliver(*late);
  }

  void deliver(Message message) {
    using Action = ConnectionSequence::Action;
    sent_.push_back(message);
    const Action action = sequence_.on_message(message.told);
    FUZZ_CHECK((action == Action::kNext) ==
               (!last_ || message.told == *last_ + 1));
    last_ = message.told;
    if (action == Action::kGap) {
      for (Book& book : books_) book.live = false;
    }
    Book& book = books_[message.book];
    if (message.snapshot) {
      book = {true, venues_[message.book].at(message.end)};
    } else if (book.live) {
      venues_[message.book].write(message.begin, message.end, &book.values);
    }
    for (size_t i = 0; i < kBooks; ++i) {
      FUZZ_CHECK(!books_[i].live ||
                 books_[i].values == venues_[i].at(events_[message.number][i]));
    }
  }

  Choices choices_;
  ConnectionSequence sequence_;
  std::array<VenueEvents, kBooks> venues_;
  std::array<Book, kBooks> books_;
  // By number: how many events each book had.
  std::vector<std::array<size_t, kBooks>> events_;
  std::vector<Message> sent_;
  std::optional<Message> late_;
  std::optional<uint64_t> last_;
  uint64_t number_ = 0;
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
