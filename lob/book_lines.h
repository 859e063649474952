// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// BookLines: what connections bring, on its way to the books that are heard on
// them; where a book has several lines, merged by a LineArbiter each.
//
// Use it inside a BookPipeline. A book's line is the low bits of a connection's
// number, the rest is the book's own connection (BookPipelineOptions::lines).
// With one line everything goes straight to the book.
//
// Thread rules: add_book before anything of that book; statistics from any
// thread; the rest on the book thread. Cost: with one line a compare.
//
//   BookLines lines(venue_traits(VenueId::kBinanceSpot), /*lines=*/2,
//                   /*patience_ticks=*/500'000'000, /*max_books=*/16);
//   lines.add_book(0);
//   lines.on_up(keeper, /*connection=*/1, ticks);  // line 1 of connection 0
//   lines.on_depth(keeper, message);

#ifndef WIREBOOK_LOB_BOOK_LINES_H_
#define WIREBOOK_LOB_BOOK_LINES_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "lob/book_keeper.h"
#include "lob/book_state.h"
#include "lob/first_of_lines.h"
#include "lob/line_arbiter.h"
#include "lob/parsed_message.h"
#include "lob/venue.h"

namespace wirebook {

class BookLines {
 public:
  // Requires `lines` to be 1, 2, 4 or 8.
  BookLines(const VenueTraits& traits, size_t lines, uint64_t patience_ticks,
            size_t max_books);

  // Requires index < max_books.
  void add_book(size_t index);

  int line_bits() const noexcept { return line_bits_; }
  uint16_t book_connection(uint16_t connection) const noexcept {
    return static_cast<uint16_t>(connection >> line_bits_);
  }
  // All 0 where there is one line.
  LineStatistics statistics(size_t index, size_t line) const noexcept {
    return line_bits_ == 0 ? LineStatistics()
                           : books_[index]->arbiter.statistics(line);
  }

  // ---- Of a book that is heard on `connection` ------------------------------

  void on_up(BookKeeper& keeper, uint16_t connection, uint64_t ticks) noexcept;
  void on_lost(BookKeeper& keeper, uint16_t connection,
               uint64_t ticks) noexcept;
  void on_stale(BookKeeper& keeper, uint16_t connection,
                uint64_t ticks) noexcept;
  // Anything at all came.
  void on_heard(BookKeeper& keeper, uint16_t connection,
                uint64_t ticks) noexcept;
  // A frame that may have spoken of the book was lost or malformed.
  void on_fault(BookKeeper& keeper, BookReason reason, uint16_t connection,
                uint64_t ticks) noexcept;
  // Some book's updates were dropped that no other line has brought yet. With
  // each frame while that is so on_time, since a hole that stays must be said
  // in a quiet market too; `keepers` are all books.
  bool awaits() const noexcept { return awaits_; }
  void on_time(std::span<const std::unique_ptr<BookKeeper>> keepers,
               uint64_t ticks) noexcept;
  // Whether the book, or a line of it, waits to be heard again.
  bool any_stale(const BookKeeper& keeper) const noexcept;

  // A delta or a snapshot. What it repeats of other lines is taken off its ids.
  void on_depth(BookKeeper& keeper, ParsedMessage& message) noexcept {
    if (line_bits_ == 0 || message.http_body || merge(keeper, message)) {
      keeper.on_message(message);
    }
  }
  // A trade or a best bid and offer of a book: whether it is the first of its
  // number. One without a number is.
  bool passes(const ParsedMessage& message) noexcept;
  // What is not depth; one line's end is not the book's.
  void on_notice(BookKeeper& keeper, const ParsedMessage& message) noexcept;

 private:
  size_t line_of(uint16_t connection) const noexcept {
    return connection & ((size_t{1} << line_bits_) - 1);
  }
  struct Book {
    explicit Book(uint64_t patience_ticks) : arbiter(patience_ticks) {}
    LineArbiter arbiter;
    FirstOfLines trades{/*late=*/true};
    FirstOfLines quotes{/*late=*/false};
  };

  LineArbiter* arbiter_of(const BookKeeper& keeper) const noexcept {
    Book* const book = books_[keeper.instrument().index].get();
    return book != nullptr ? &book->arbiter : nullptr;
  }
  // Whether depth of one line is the book's next.
  bool merge(BookKeeper& keeper, ParsedMessage& message) noexcept;

  const VenueTraits& traits_;
  const int line_bits_;
  const uint64_t patience_ticks_;
  bool awaits_ = false;
  // By book; null where there is one line.
  const std::unique_ptr<std::unique_ptr<Book>[]> books_;
};

}  // namespace wirebook

#endif  // WIREBOOK_LOB_BOOK_LINES_H_
