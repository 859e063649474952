// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
#include "lob/l3_book.h"

#include <algorithm>

namespace wirebook {
namespace {

static_assert(sizeof(LevelQueue*) == sizeof(int64_t));

L2BookOptions side_options(const L3BookOptions& options) noexcept {
  // There are no more levels than orders, so none is ever dropped.
  return {.window_ticks = options.window_ticks,
          .overflow_levels = options.overflow_levels,
          .max_overflow_levels =
              std::max(options.max_orders, options.overflow_levels) + 1};
}

}  // namespace

L3Book::L3Book(TradingObjectPools& pools, const L3BookOptions& options)
    : order_pool_(pools.order_nodes()),
      level_pool_(pools.price_levels()),
      max_orders_(options.max_orders),
      ids_(std::min(options.orders, options.max_orders)),
      bids_(Side::kBid, side_options(options)),
      asks_(Side::kAsk, side_options(options)) {}

void L3Book::reset(int64_t tick) noexcept {
  clear_orders();
  bids_.reset(tick);
  asks_.reset(tick);
}

void L3Book::clear_orders() noexcept {
  for (BookSide* side : {&bids_, &asks_}) {
    side->visit([&](const PriceLevel& payload) {
      LevelQueue* const level = queue(payload.quantity);
      for (QueueLink* link = level->ends.next; link != &level->ends;) {
        QueueLink* const next = link->next;
        order_pool_.destroy(static_cast<OrderNode*>(link));
        link = next;
      }
      level_pool_.destroy(level);
      return true;
    });
  }
  ids_.clear();
}

// The small steps of every operation are inline: calls would cost as much.

// nullptr where the pool has none.
inline LevelQueue* L3Book::find_or_make_level(Side side,
                                              int64_t price) noexcept {
  LevelQueue* const level = queue(of(side).quantity_at(price));
  if (level != nullptr) [[likely]] {
    return level;
  }
  return make_level(side, price);
}

[[gnu::noinline]] LevelQueue* L3Book::make_level(Side side,
                                                 int64_t price) noexcept {
  LevelQueue* const level = level_pool_.create(side, price);
  if (level != nullptr) [[likely]] {
    of(side).apply(price, reinterpret_cast<int64_t>(level));
  }
  return level;
}

inline void L3Book::remove_if_empty(LevelQueue* level) noexcept {
  if (level->orders == 0) [[unlikely]] {
    remove_level(level);
  }
}

[[gnu::noinline]] void L3Book::remove_level(LevelQueue* level) noexcept {
  of(level->side).apply(level->total.price, 0);
  level_pool_.destroy(level);
}

inline void L3Book::link(OrderNode* order, LevelQueue* level) noexcept {
  order->level = level;
  order->previous = level->ends.previous;
  order->next = &level->ends;
  order->previous->next = order;
  level->ends.previous = order;
  level->total.quantity += order->quantity;
  ++level->orders;
}

inline void L3Book::unlink(OrderNode* order) noexcept {
  order->previous->next = order->next;
  order->next->previous = order->previous;
  order->level->total.quantity -= order->quantity;
  --order->level->orders;
}

L3Result L3Book::add(uint64_t id, Side side, int64_t price, int64_t quantity,
                     int64_t timestamp_ns) noexcept {
  if (quantity <= 0) return L3Result::kBadQuantity;
  const auto at = ids_.find(id);
  if (ids_.found(at)) return L3Result::kDuplicateId;
  if (ids_.size() >= max_orders_) return L3Result::kFull;
  LevelQueue* const level = find_or_make_level(side, price);
  if (level == nullptr) return L3Result::kFull;
  int64_t total;
  if (__builtin_add_overflow(level->total.quantity, quantity, &total)) {
    return L3Result::kOverflow;
  }
  OrderNode* const order = order_pool_.create(id, quantity, timestamp_ns);
  if (order == nullptr) [[unlikely]] {
    remove_if_empty(level);
    return L3Result::kFull;
  }
  link(order, level);
  ids_.insert_at(at, id, order);
  return L3Result::kOk;
}

inline void L3Book::remove(OrderIdMap<OrderNode>::Place at,
                           OrderNode* order) noexcept {
  ids_.erase(at);
  unlink(order);
  remove_if_empty(order->level);
  order_pool_.destroy(order);
}

L3Result L3Book::cancel(uint64_t id) noexcept {
  const auto at = ids_.find(id);
  OrderNode* const order = ids_.value(at);
  if (order == nullptr) return L3Result::kUnknownId;
  remove(at, order);
  return L3Result::kOk;
}

L3Result L3Book::reduce(uint64_t id, int64_t quantity) noexcept {
  const auto at = ids_.find(id);
  OrderNode* const order = ids_.value(at);
  if (order == nullptr) return L3Result::kUnknownId;
  if (quantity <= 0 || quantity > order->quantity) {
    return L3Result::kBadQuantity;
  }
  if (quantity == order->quantity) {
    remove(at, order);
  } else {
    order->quantity -= quantity;
    order->level->total.quantity -= quantity;
  }
  return L3Result::kOk;
}

L3Result L3Book::resize(uint64_t id, int64_t quantity) noexcept {
  OrderNode* const order = ids_.value(ids_.find(id));
  if (order == nullptr) return L3Result::kUnknownId;
  if (quantity <= 0) return L3Result::kBadQuantity;
  int64_t total = order->level->total.quantity - order->quantity;
  if (__builtin_add_overflow(total, quantity, &total)) {
    return L3Result::kOverflow;
  }
  order->level->total.quantity = total;
  order->quantity = quantity;
  return L3Result::kOk;
}

L3Result L3Book::replace(uint64_t id, uint64_t new_id, int64_t price,
                         int64_t quantity, int64_t timestamp_ns) noexcept {
  const auto at = ids_.find(id);
  OrderNode* const order = ids_.value(at);
  if (order == nullptr) return L3Result::kUnknownId;
  if (quantity <= 0) return L3Result::kBadQuantity;
  if (new_id != id && ids_.found(ids_.find(new_id))) {
    return L3Result::kDuplicateId;
  }
  LevelQueue* const old_level = order->level;
  LevelQueue* const level = find_or_make_level(old_level->side, price);
  if (level == nullptr) return L3Result::kFull;
  int64_t total =
      level->total.quantity - (level == old_level ? order->quantity : 0);
  if (__builtin_add_overflow(total, quantity, &total)) {
    return L3Result::kOverflow;
  }
  unlink(order);
  order->id = new_id;
  order->quantity = quantity;
  order->timestamp_ns = timestamp_ns;
  link(order, level);
  remove_if_empty(old_level);
  if (new_id != id) {
    ids_.erase(at);
    ids_.insert(new_id, order);
  }
  return L3Result::kOk;
}

std::optional<QueuePosition> L3Book::queue_position(
    uint64_t id) const noexcept {
  const OrderNode* order = find(id);
  if (order == nullptr) return std::nullopt;
  const LevelQueue& level = *order->level;
  QueuePosition position;
  while ((order = level.before(*order)) != nullptr) {
    ++position.orders_ahead;
    position.quantity_ahead += order->quantity;
  }
  return position;
}

L3BookMemory L3Book::memory() const noexcept {
  L2BookMemory sides;
  bids_.add_memory(&sides);
  asks_.add_memory(&sides);
  return {.bytes = sides.bytes + ids_.memory_bytes(),
          .orders = ids_.size(),
          .levels = sides.window_levels + sides.overflow_levels,
          .overflow_levels = sides.overflow_levels,
          .growths = sides.growths + ids_.growths(),
          .anchorings = sides.anchorings};
}

}  // namespace wirebook
