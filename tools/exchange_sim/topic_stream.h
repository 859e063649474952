// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// One subscription's book as its subscribers have it, and the messages that
// keep it so: any venue that has an adapter.
//
// Ids are the market's (Generator) or count messages, as the venue has it; an
// update names the one before. One thread.
//
//   TopicStream topic(adapter, "BTCUSDT", 200, book, last_id);
//   send(topic.snapshot(time_ms));
//   for (auto& text : topic.update(book, changes, last_id, time_ms))
//   send(text);
#ifndef WIREBOOK_TOOLS_EXCHANGE_SIM_TOPIC_STREAM_H_
#define WIREBOOK_TOOLS_EXCHANGE_SIM_TOPIC_STREAM_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "tools/exchange_sim/book.h"
#include "tools/exchange_sim/generator.h"
#include "tools/exchange_sim/venue_adapter.h"

namespace wirebook::sim {

class TopicStream {
 public:
  // `market` is the whole book as of `market_id`; `depth` 0: all of it.
  TopicStream(const VenueAdapter& adapter, std::string symbol,
              std::size_t depth, const Book& market, std::uint64_t market_id);

  // Of what the subscribers have now.
  std::string snapshot(std::int64_t time_ms) const;
  // By REST: of the market as of `market_id`, which a batch may be behind of.
  std::string rest_snapshot(const Book& market, std::uint64_t market_id,
                            std::int64_t time_ms, std::size_t limit) const;

  // Moves on to `market` as of `market_id`; `changes` are all that was done to
  // it since. No message if no subscriber sees any of them.
  std::vector<std::string> update(const Book& market,
                                  const std::vector<Change>& changes,
                                  std::uint64_t market_id,
                                  std::int64_t time_ms);

  // The next ids are small, as after a restart of the venue's own machine.
  void restart_ids();

  const Book& book() const { return book_; }
  // The id of the last message, or of the snapshot that would be sent now.
  std::uint64_t id() const { return id_; }
  const VenueAdapter& adapter() const { return adapter_; }

 private:
  void add_changes(const std::vector<Change>& changes, Side side,
                   std::vector<SentLevel>& out) const;
  void add_difference(const Book& market, Side side,
                      std::vector<SentLevel>& out) const;

  const VenueAdapter& adapter_;
  const std::string symbol_;
  const std::size_t depth_;
  Book book_;
  std::uint64_t id_;
  std::uint64_t previous_;    // what the next update names
  std::uint64_t offset_ = 0;  // what restarts took off the market's ids
};

}  // namespace wirebook::sim

#endif  // WIREBOOK_TOOLS_EXCHANGE_SIM_TOPIC_STREAM_H_
