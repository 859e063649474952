// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// Bitfinex's requests (lob/venues/venue_requests.h). Source:
// docs.bitfinex.com, "General", "Public books", "WebSocket checksum".
//
// One channel of one symbol (tBTCUSD) a message: best_bid_offer is passed over.
// `depth` is 25, 100 or 250; 0 means 250. No unsubscribing, which takes the
// channel's number on the connection.
//
// Instruments: docs.bitfinex.com, "Configs", pub:list:pair:exchange: those that
// trade, and nothing else of them. Prices have five significant digits and so
// no tick.

#ifndef WIREBOOK_LOB_VENUES_BITFINEX_BITFINEX_REQUESTS_H_
#define WIREBOOK_LOB_VENUES_BITFINEX_BITFINEX_REQUESTS_H_

#include "lob/venues/venue_requests.h"

namespace wirebook {

const VenueRequests& bitfinex_requests();

}  // namespace wirebook

#endif  // WIREBOOK_LOB_VENUES_BITFINEX_BITFINEX_REQUESTS_H_
