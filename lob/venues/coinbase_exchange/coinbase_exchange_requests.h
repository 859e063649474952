// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// Coinbase Exchange's requests (lob/venues/venue_requests.h). Source:
// docs.cdp.coinbase.com/exchange/websocket-feed/channels.
//
// level2_batch, which needs no key, and heartbeat; best_bid_offer adds ticker.
//
// Instruments: "Get single product" of docs.cdp.coinbase.com/exchange.

#ifndef WIREBOOK_LOB_VENUES_COINBASE_EXCHANGE_COINBASE_EXCHANGE_REQUESTS_H_
#define WIREBOOK_LOB_VENUES_COINBASE_EXCHANGE_COINBASE_EXCHANGE_REQUESTS_H_

#include "lob/venues/venue_requests.h"

namespace wirebook {

const VenueRequests& coinbase_exchange_requests();

}  // namespace wirebook

#endif  // WIREBOOK_LOB_VENUES_COINBASE_EXCHANGE_COINBASE_EXCHANGE_REQUESTS_H_
