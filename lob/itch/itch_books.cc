// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
#include "lob/itch/itch_books.h"

namespace wirebook {
namespace {

constexpr uint32_t kDollar = 10'000;  // in 1/10000

BookReason reason_of(L3Result result) noexcept {
  switch (result) {
    case L3Result::kUnknownId:
      return BookReason::kSequenceGap;
    case L3Result::kFull:
      return BookReason::kInternalDrop;
    default:
      return BookReason::kMalformedMessage;
  }
}

}  // namespace

ItchBooks::ItchBooks(TradingObjectPools& pools, const ItchBooksOptions& options)
    : pools_(pools), options_(options) {}

ItchBooks::Stock& ItchBooks::stock_of(uint16_t locate) {
  if (locate >= stocks_.size()) stocks_.resize(locate + size_t{1});
  std::unique_ptr<Stock>& stock = stocks_[locate];
  if (stock == nullptr) stock = std::make_unique<Stock>();
  return *stock;
}

bool ItchBooks::make_book(Stock& stock, uint32_t price) {
  if (stock.book != nullptr) return true;
  if (books_ >= options_.max_books) return false;
  ++books_;
  stock.book = std::make_unique<L3Book>(pools_, options_.book);
  stock.book->reset(price >= kDollar ? 100 : 1);
  return true;
}

void ItchBooks::start_day() noexcept {
  stocks_.clear();
  books_ = 0;
  stream_ = {BookState::kLive, BookReason::kNone, now_ns_};
}

// The first fault is the one that is told.
void ItchBooks::fail(BookReason reason, uint64_t* counter) noexcept {
  ++*counter;
  if (stream_.state == BookState::kGapped) return;
  stream_ = {BookState::kGapped, reason, now_ns_};
}

void ItchBooks::on_event(const ItchMessage& message) noexcept {
  if (message.code == 'O') {
    start_day();
  } else if (message.code == 'C' && stream_.state == BookState::kLive) {
    stream_ = {BookState::kHalted, BookReason::kVenueStatus, now_ns_};
  }
}

void ItchBooks::apply(const ItchMessage& message) {
  ++stats_.messages;
  now_ns_ = message.timestamp_ns;
  if (stream_.state == BookState::kEmpty) {
    stream_ = {BookState::kSyncing, BookReason::kAwaitingSnapshot, now_ns_};
  }
  switch (message.type) {
    case 'S':
      return on_event(message);
    case 'R':
      stock_of(message.locate).name = message.stock;
      return;
    case 'H': {
      Stock& stock = stock_of(message.locate);
      stock.trading = message.code;
      stock.status_since_ns = now_ns_;
      return;
    }
    case 'h':
      if (message.code == 'Q') {
        Stock& stock = stock_of(message.locate);
        stock.operational_halt = message.action != 'T';
        stock.status_since_ns = now_ns_;
      }
      return;
    case 'P':
    case 'Q':
      ++stats_.trades;
      return;
    case 'A':
    case 'F':
    case 'E':
    case 'C':
    case 'X':
    case 'D':
    case 'U':
      return on_order(message);
    default:
      return;
  }
}

void ItchBooks::on_order(const ItchMessage& message) {
  if (message.locate == 0) {  // no stock's
    ++stats_.refused;
    return on_malformed();
  }
  Stock& stock = stock_of(message.locate);
  const L3Result result = apply_order(stock, message);
  if (result == L3Result::kOk) return;
  ++stats_.refused;
  if (!stock.fault.has_value()) {
    stock.fault = {BookState::kGapped, reason_of(result), now_ns_};
  }
}

L3Result ItchBooks::apply_order(Stock& stock, const ItchMessage& message) {
  const auto shares = static_cast<int64_t>(message.shares);  // 32 bits
  if (message.type == 'A' || message.type == 'F') {
    ++stats_.adds;
    if (!make_book(stock, message.price)) return L3Result::kFull;
    return stock.book->add(message.order, message.side, message.price, shares,
                           message.timestamp_ns);
  }
  if (stock.book == nullptr) return L3Result::kUnknownId;
  L3Book& book = *stock.book;
  switch (message.type) {
    case 'E':
    case 'C':
      ++stats_.executions;
      return book.execute(message.order, shares);
    case 'X':
      ++stats_.cancels;
      return book.reduce(message.order, shares);
    case 'D':
      ++stats_.cancels;
      return book.cancel(message.order);
    default:
      ++stats_.replaces;
      return book.replace(message.order, message.new_order, message.price,
                          shares, message.timestamp_ns);
  }
}

ItchBookView ItchBooks::view(uint16_t locate) const noexcept {
  const Stock* stock = find_stock(locate);
  ItchBookView view = {stock == nullptr ? nullptr : stock->book.get(),
                       stream_.state, stream_.reason, stream_.since_ns,
                       assurance_};
  if (view.state != BookState::kLive) return view;
  if (stock == nullptr) {
    view.state = BookState::kEmpty;
  } else if (stock->fault.has_value()) {
    view.state = stock->fault->state;
    view.reason = stock->fault->reason;
    view.since_ns = stock->fault->since_ns;
  } else if (stock->trading != 'T' || stock->operational_halt) {
    view.state = BookState::kHalted;
    view.reason = BookReason::kVenueStatus;
    view.since_ns = stock->status_since_ns;
  } else if (stock->book != nullptr && stock->book->crossed()) {
    view.state = BookState::kCrossed;
    view.reason = BookReason::kCrossedAfterUpdate;
    view.since_ns = now_ns_;
  }
  return view;
}

std::optional<uint16_t> ItchBooks::find(std::string_view name) const noexcept {
  for (size_t locate = 0; locate < stocks_.size(); ++locate) {
    if (stocks_[locate] != nullptr &&
        itch_stock_name(stocks_[locate]->name) == name) {
      return static_cast<uint16_t>(locate);
    }
  }
  return std::nullopt;
}

std::string_view ItchBooks::stock(uint16_t locate) const noexcept {
  const Stock* stock = find_stock(locate);
  if (stock == nullptr || stock->name[0] == 0) return {};
  return itch_stock_name(stock->name);
}

}  // namespace wirebook
