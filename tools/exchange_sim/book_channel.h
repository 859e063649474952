// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// What --fault needs to know of a venue's channel, of levels or of orders, and
// how the channel's own texts are spoiled.
//
//   if (channel.rest_snapshots()) ...
//   std::string crossed = channel.with_bid(text, bid);
#ifndef WIREBOOK_TOOLS_EXCHANGE_SIM_BOOK_CHANNEL_H_
#define WIREBOOK_TOOLS_EXCHANGE_SIM_BOOK_CHANNEL_H_

#include <optional>
#include <string>

#include "tools/exchange_sim/book.h"

namespace wirebook::sim {

class BookChannel {
 public:
  virtual ~BookChannel() = default;

  // Snapshots come by REST alone.
  virtual bool rest_snapshots() const { return false; }

  // The update with one more bid, or that bid alone; its sum, if any, stays.
  virtual std::string with_bid(std::string update, const Level& bid) const = 0;
  // The update with a wrong sum; nothing where it has none.
  virtual std::optional<std::string> with_wrong_sum(std::string) const {
    return std::nullopt;
  }
};

}  // namespace wirebook::sim

#endif  // WIREBOOK_TOOLS_EXCHANGE_SIM_BOOK_CHANNEL_H_
