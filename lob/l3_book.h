// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// L3Book: the order-by-order book of one instrument: every order by its id,
// prices exact, queues in time order, and the aggregated view beside them.
//
// Use it for feeds that tell single orders (ITCH, and the venues' L3 channels);
// where they tell levels, l2_book.
//
// How: an open-addressing map from id to order (order_id_map.h); orders linked
// in a queue for each price; prices found by l2_book's side, that is a window
// of ticks around the touch and a sorted overflow, which holds the queue's
// address where an L2 book holds a quantity. Orders and queues come from
// TradingObjectPools, which many books may share.
//
// Every operation either does all it says or changes nothing and says why:
// ids known already, ids unknown, quantities that are not positive or more than
// is there, totals beyond int64, a book that is full. What a caller makes of
// that is its own matter; a feed's handler no longer calls the book live.
//
// Thread rules: one thread. No allocation once warm, but for counted growth:
// of the map (doubles, a pause), of the pools, of the overflow.
// Cost: an add, cancel or execution about a quarter of what std::map, std::list
// and std::unordered_map take with 10,000 orders resting; figures: COSTS.md.
//
//   TradingObjectPools pools;
//   L3Book book(pools);
//   book.add(1, Side::kBid, 6183763, 250, now_ns);
//   book.add(2, Side::kBid, 6183763, 100, now_ns);
//   book.execute(1, 250);                       // gone: nothing is left of it
//   PriceLevel bid = book.best(Side::kBid);     // 100 at 6183763
//   book.queue_position(2)->orders_ahead;       // 0
#ifndef WIREBOOK_LOB_L3_BOOK_H_
#define WIREBOOK_LOB_L3_BOOK_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "lob/l2_book.h"
#include "lob/order_id_map.h"
#include "lob/price_level.h"
#include "lob/trading_object_pools.h"

namespace wirebook {

enum class L3Result : uint8_t {
  kOk,
  kDuplicateId,  // an order of this id rests already
  kUnknownId,    // no order of this id rests
  kBadQuantity,  // not positive, or more than is left of the order
  kOverflow,     // the level's total would not fit int64
  kFull,         // max_orders rest, or a pool that may not grow is empty
};

constexpr std::string_view l3_result_name(L3Result result) {
  constexpr std::string_view kNames[] = {
      "ok", "duplicate_id", "unknown_id", "bad_quantity", "overflow", "full"};
  return kNames[static_cast<uint8_t>(result)];
}

struct L3BookOptions {
  // Orders that the map holds without growing, and the most that may rest.
  size_t orders = 10'000;
  size_t max_orders = size_t{1} << 26;
  // As in L2BookOptions: 16 bytes of window for each tick, both sides.
  size_t window_ticks = size_t{1} << 12;
  size_t overflow_levels = 256;
};

struct QueuePosition {
  uint64_t orders_ahead = 0;
  int64_t quantity_ahead = 0;
};

struct L3BookMemory {
  size_t bytes = 0;  // of map and windows; orders and queues are the pools'
  size_t orders = 0;
  size_t levels = 0;
  size_t overflow_levels = 0;  // of the levels those outside the windows
  uint64_t growths = 0;        // times that the map or an overflow allocated
  uint64_t anchorings = 0;     // times that a window was moved
};

class L3Book {
 public:
  // Set-up: allocates, and touches all of it. `pools` outlives the book.
  explicit L3Book(TradingObjectPools& pools, const L3BookOptions& options = {});
  L3Book(const L3Book&) = delete;
  L3Book& operator=(const L3Book&) = delete;
  ~L3Book() { clear_orders(); }

  // An empty book at a new tick, in price mantissa units; 1 if unknown. A wrong
  // tick costs time only. Takes time for every order that rested.
  void reset(int64_t tick) noexcept;

  // A new order, last in its queue. `timestamp_ns` is the caller's.
  L3Result add(uint64_t id, Side side, int64_t price, int64_t quantity,
               int64_t timestamp_ns = 0) noexcept;
  // The order goes.
  L3Result cancel(uint64_t id) noexcept;
  // It loses `quantity` and keeps its place; it goes when nothing is left.
  L3Result reduce(uint64_t id, int64_t quantity) noexcept;
  // The same, by a trade.
  L3Result execute(uint64_t id, int64_t quantity) noexcept {
    return reduce(id, quantity);
  }
  // It has `quantity` now, more or less, and keeps its place.
  L3Result resize(uint64_t id, int64_t quantity) noexcept;
  // It goes, and one of `new_id` (which may be the same) and of its side comes,
  // last in the queue of `price`.
  L3Result replace(uint64_t id, uint64_t new_id, int64_t price,
                   int64_t quantity, int64_t timestamp_ns = 0) noexcept;

  // Fetches what an operation on this id will read first: for callers that know
  // the next message while they handle one.
  void prefetch(uint64_t id) const noexcept { ids_.prefetch(id); }

  // nullptr if there is none. Its level has price and side. Valid until the
  // next change of the book.
  const OrderNode* find(uint64_t id) const noexcept {
    return ids_.value(ids_.find(id));
  }
  // nullptr if nothing rests there. The same holds.
  const LevelQueue* level(Side side, int64_t price) const noexcept {
    return queue(of(side).quantity_at(price));
  }
  // Nothing for an unknown id. Walks the orders ahead.
  std::optional<QueuePosition> queue_position(uint64_t id) const noexcept;

  size_t orders() const noexcept { return ids_.size(); }
  bool empty(Side side) const noexcept { return levels(side) == 0; }
  size_t levels(Side side) const noexcept { return of(side).levels(); }
  // {0, 0} if the side is empty.
  PriceLevel best(Side side) const noexcept {
    const LevelQueue* best = queue(of(side).best().quantity);
    return best == nullptr ? PriceLevel{} : best->total;
  }
  // The best bid is not below the best ask.
  bool crossed() const noexcept {
    return !empty(Side::kBid) && !empty(Side::kAsk) &&
           best(Side::kBid).price >= best(Side::kAsk).price;
  }

  // Copies the best levels, best first, and returns how many there were.
  size_t top(Side side, std::span<PriceLevel> out) const noexcept {
    const size_t count = of(side).top(out);
    for (PriceLevel& level : out.first(count)) {
      level.quantity = queue(level.quantity)->total.quantity;
    }
    return count;
  }

  // Calls f(const LevelQueue&) for every level, best first.
  template <class F>
  void for_each_level(Side side, F&& f) const {
    of(side).visit([&](const PriceLevel& level) {
      f(*queue(level.quantity));
      return true;
    });
  }
  // Calls f(const OrderNode&) for every order of a side by price and time.
  template <class F>
  void for_each_order(Side side, F&& f) const {
    for_each_level(side, [&](const LevelQueue& level) {
      for (const OrderNode* order = level.first(); order != nullptr;
           order = level.after(*order)) {
        f(*order);
      }
    });
  }

  L3BookMemory memory() const noexcept;

 private:
  using BookSide = l2_book_internal::L2BookSide;

  // The side holds addresses as what an L2 book calls quantities.
  static LevelQueue* queue(int64_t payload) noexcept {
    return reinterpret_cast<LevelQueue*>(payload);
  }
  BookSide& of(Side side) noexcept {
    return side == Side::kBid ? bids_ : asks_;
  }
  const BookSide& of(Side side) const noexcept {
    return side == Side::kBid ? bids_ : asks_;
  }

  LevelQueue* find_or_make_level(Side side, int64_t price) noexcept;
  LevelQueue* make_level(Side side, int64_t price) noexcept;
  void remove_if_empty(LevelQueue* level) noexcept;
  void remove_level(LevelQueue* level) noexcept;
  static void link(OrderNode* order, LevelQueue* level) noexcept;
  static void unlink(OrderNode* order) noexcept;
  void remove(OrderIdMap<OrderNode>::Place at, OrderNode* order) noexcept;
  void clear_orders() noexcept;

  ObjectPool<OrderNode>& order_pool_;
  ObjectPool<LevelQueue>& level_pool_;
  const size_t max_orders_;
  OrderIdMap<OrderNode> ids_;
  BookSide bids_;
  BookSide asks_;
};

}  // namespace wirebook

#endif  // WIREBOOK_LOB_L3_BOOK_H_
