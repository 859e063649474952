// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// BookUpdateBus: the top of each changed book to any number of threads, as
// handles to pooled events; the last consumer's release sends one home.
//
// Use it where books are consumed on threads of their own and each change
// matters. Only the newest state of a book: BookKeeper::view, a Seqlock. Every
// level and every change: a MarketListener on the book thread.
//
// An update is an image: the best levels as they are after a message, so that
// one who lost some is right again with the next, and MarketFeed brings one.
// While a book is not Live an
// update has no levels.
//
// Guarantees, shutdown, policies for slow consumers: EventBus's. A gating
// consumer reads in place; a lossy one gets handles of its own. The pool must
// outlive the bus and all handles; sized like the ring or larger, since
// consumers may hold events back.
//
//   BookUpdatePool<4096> pool(/*depth=*/size_t{10});
//   BookUpdateBus bus({.capacity = 1024});
//   auto risk = bus.attach({.name = "risk"}).value();
//   MarketFeed feed(clock, {.books = &bus, .pool = book_update_source(&pool)});
//   // the thread of risk:
//   while (risk.wait() == BusWait::kReady) {
//     risk.poll([](BookUpdateHandle& update) { check(*update); });
//   }

#ifndef WIREBOOK_LOB_BOOK_UPDATE_BUS_H_
#define WIREBOOK_LOB_BOOK_UPDATE_BUS_H_

#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <optional>
#include <vector>

#include "concurrency/event_bus.h"
#include "lob/book_state.h"
#include "lob/instrument.h"
#include "lob/market_listener.h"
#include "lob/price_level.h"
#include "memory/pool_handle.h"

namespace wirebook {

struct BookUpdate : Poolable<BookUpdate> {
  // Room for `depth` levels a side, from `memory`, which is not asked again.
  explicit BookUpdate(size_t depth, std::pmr::memory_resource* memory =
                                        std::pmr::new_delete_resource())
      : bids(memory), asks(memory) {
    bids.reserve(depth);
    asks.reserve(depth);
  }

  void clear() noexcept {
    bids.clear();
    asks.clear();
  }

  uint64_t sequence = 0;   // our own count of this feed's book events, from 1
  uint64_t update_id = 0;  // the venue's; meaningless unless has_update_id
  EventTimes times;
  uint32_t instrument = kNoInstrument;  // index in the pipeline's table
  VenueId venue = VenueId::kBinanceSpot;
  BookState state = BookState::kEmpty;
  BookReason reason = BookReason::kNone;
  Assurance assurance = Assurance::kPromised;
  int8_t price_scale = 0;  // decimals
  int8_t quantity_scale = 0;
  bool has_update_id = false;
  std::pmr::vector<PriceLevel> bids;  // best first
  std::pmr::vector<PriceLevel> asks;
};

using BookUpdateHandle = PoolHandle<BookUpdate>;
using BookUpdateBus = EventBus<BookUpdateHandle>;

template <size_t kCapacity>
using BookUpdatePool = EventPool<BookUpdate, kCapacity>;

// Where a feed takes its updates from, whatever the pool's size. Must not
// outlive the pool.
struct BookUpdateSource {
  void* pool = nullptr;
  std::optional<BookUpdateHandle> (*acquire)(void* pool) noexcept = nullptr;
};

template <size_t kCapacity>
BookUpdateSource book_update_source(BookUpdatePool<kCapacity>* pool) noexcept {
  return {.pool = pool, .acquire = [](void* from) noexcept {
            return static_cast<BookUpdatePool<kCapacity>*>(from)->acquire();
          }};
}

}  // namespace wirebook

#endif  // WIREBOOK_LOB_BOOK_UPDATE_BUS_H_
