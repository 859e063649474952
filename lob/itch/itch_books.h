// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// ItchBooks: an order-by-order book for every stock of an ITCH 5.0 stream, each
// with a state that says whether it may be trusted.
//
// Use it behind itch_feed, which reads files and packets; or feed it messages
// of your own reader, and its losses (on_gap) and unreadable messages
// (on_malformed): it fails closed, as no later message of a day brings a lost
// one back.
//
// A book is Live when the stream was heard from its Start of Messages on
// without a gap or a malformed message, none of its own messages contradicted
// it, its stock is open for trading, and it is not crossed. Otherwise:
//   Syncing         the stream's beginning was not heard
//   Gapped          sequence_gap: a message was missed, or one speaks of an
//                   order that is not there; malformed_message: one could not
//                   be read, or contradicts the book; internal_drop: a pool
//                   that may not grow was empty
//   Halted          halted, paused, quotation only, operationally halted on
//                   Nasdaq, not in the opening spin, or after End of Messages
//   Crossed         best bid at or above best ask
// Gapped books stay so until the next Start of Messages; their orders are kept,
// for looking into.
//
// Threads: one. A stock's book is made with its first order (allocation); after
// that see l3_book. Cost: l3_book's, and a table look-up.
//
//   TradingObjectPools pools({.order_nodes = 4'000'000});
//   ItchBooks books(pools);
//   books.apply(message);
//   ItchBookView view = books.view(locate);
//   if (view.state == BookState::kLive) quote(view.book->best(Side::kBid));
#ifndef WIREBOOK_LOB_ITCH_ITCH_BOOKS_H_
#define WIREBOOK_LOB_ITCH_ITCH_BOOKS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "lob/book_state.h"
#include "lob/itch/itch_message.h"
#include "lob/l3_book.h"
#include "lob/trading_object_pools.h"

namespace wirebook {

struct ItchBooksOptions {
  // For each stock that has orders; ticks are cents above a dollar.
  L3BookOptions book = {
      .orders = 512, .window_ticks = 1024, .overflow_levels = 64};
  // Orders of further stocks are refused: some 40 KiB a book.
  size_t max_books = 16'384;
};

struct ItchBookView {
  const L3Book* book = nullptr;  // none until the stock's first order
  BookState state = BookState::kEmpty;
  BookReason reason = BookReason::kNone;
  // ns since midnight, of the message after which it was so.
  int64_t since_ns = 0;
  Assurance assurance = Assurance::kPromised;
};

struct ItchBooksStats {
  uint64_t messages = 0;
  uint64_t adds = 0;
  uint64_t executions = 0;
  uint64_t cancels = 0;  // in part or whole
  uint64_t replaces = 0;
  uint64_t trades = 0;   // hidden orders and crosses
  uint64_t refused = 0;  // by a book, or of no stock
  uint64_t gaps = 0;
  uint64_t malformed = 0;
};

class ItchBooks {
 public:
  // `pools` outlives the books.
  explicit ItchBooks(TradingObjectPools& pools,
                     const ItchBooksOptions& options = {});

  void apply(const ItchMessage& message);
  // Messages were lost: all books.
  void on_gap() noexcept { fail(BookReason::kSequenceGap, &stats_.gaps); }
  // A message could not be read: it may have been about any of them.
  void on_malformed() noexcept {
    fail(BookReason::kMalformedMessage, &stats_.malformed);
  }
  // What stands behind Live books: kSequenced where messages have numbers.
  void set_assurance(Assurance assurance) noexcept { assurance_ = assurance; }

  ItchBookView view(uint16_t locate) const noexcept;
  // The locate of a stock of the day's directory.
  std::optional<uint16_t> find(std::string_view stock) const noexcept;
  // Empty if the directory does not have it.
  std::string_view stock(uint16_t locate) const noexcept;

  // Calls f(uint16_t locate) for every stock that was heard of.
  template <class F>
  void for_each(F&& f) const {
    for (size_t locate = 0; locate < stocks_.size(); ++locate) {
      if (stocks_[locate] != nullptr) f(static_cast<uint16_t>(locate));
    }
  }

  const ItchBooksStats& stats() const noexcept { return stats_; }

 private:
  struct Condition {
    BookState state = BookState::kEmpty;
    BookReason reason = BookReason::kNone;
    int64_t since_ns = 0;
  };
  struct Stock {
    std::array<char, 8> name = {};
    std::unique_ptr<L3Book> book;
    char trading = 'H';  // as the Stock Trading Action says
    bool operational_halt = false;
    int64_t status_since_ns = 0;
    std::optional<Condition> fault;
  };

  const Stock* find_stock(uint16_t locate) const noexcept {
    return locate < stocks_.size() ? stocks_[locate].get() : nullptr;
  }
  Stock& stock_of(uint16_t locate);
  bool make_book(Stock& stock, uint32_t price);
  void start_day() noexcept;
  void fail(BookReason reason, uint64_t* counter) noexcept;
  void on_event(const ItchMessage& message) noexcept;
  void on_order(const ItchMessage& message);
  L3Result apply_order(Stock& stock, const ItchMessage& message);

  TradingObjectPools& pools_;
  const ItchBooksOptions options_;
  std::vector<std::unique_ptr<Stock>> stocks_;  // by locate
  size_t books_ = 0;
  Condition stream_;
  int64_t now_ns_ = 0;  // of the last message
  Assurance assurance_ = Assurance::kPromised;
  ItchBooksStats stats_;
};

}  // namespace wirebook

#endif  // WIREBOOK_LOB_ITCH_ITCH_BOOKS_H_
