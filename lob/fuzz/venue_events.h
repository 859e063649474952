// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// What the machines' fuzz targets hold them to: a venue as numbered events,
// each of which sets one of a few values, so that what a book should be after
// any of them is known. A book that is Live equals it, or the machine is wrong;
// nothing here knows how a machine comes to its answers.
//
//   VenueEvents venue;
//   venue.happen(choices, 3);
//   venue.write(0, 3, &book);              // an update of all three
//   FUZZ_CHECK(book == venue.at(3));

#ifndef WIREBOOK_LOB_FUZZ_VENUE_EVENTS_H_
#define WIREBOOK_LOB_FUZZ_VENUE_EVENTS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "lob/testing/choices.h"

namespace wirebook {

class VenueEvents {
 public:
  // Of each value the event that set it.
  using Book = std::array<size_t, 6>;

  // What the venue has after so many events.
  const Book& at(size_t events) const { return books_[events]; }
  size_t count() const { return books_.size() - 1; }

  void happen(Choices& choices, size_t events = 1) {
    for (; events > 0; --events) {
      Book next = books_.back();
      next[choices.below(next.size())] = books_.size();
      books_.push_back(next);
    }
  }

  // An update with the events after `begin` up to `end`: values are absolute.
  void write(size_t begin, size_t end, Book* book) const {
    for (size_t i = 0; i < book->size(); ++i) {
      if (at(end)[i] > begin) (*book)[i] = at(end)[i];
    }
  }

 private:
  std::vector<Book> books_ = {Book{}};
};

// Schedules of faults for a target whose bytes are choices: none, few, many.
inline std::vector<std::string> choice_seeds() {
  std::vector<std::string> seeds;
  std::mt19937_64 random(1);
  for (const size_t size : {0, 60, 120, 240, 240, 240}) {
    for (int selector = 0; selector < 4; ++selector) {
      std::string seed(1, static_cast<char>(selector));
      for (size_t i = 0; i < size; ++i) {
        seed.push_back(static_cast<char>(random()));
      }
      seeds.push_back(seed);
    }
  }
  return seeds;
}

}  // namespace wirebook

#endif  // WIREBOOK_LOB_FUZZ_VENUE_EVENTS_H_
