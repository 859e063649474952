// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// Bybit's requests, WebSocket API v5 (lob/venues/venue_requests.h). Source:
// bybit-exchange.github.io/docs/v5/websocket/public/orderbook.
//
// `depth` is 50, 200 or 1000, options 25 or 100; 0 means 200. On spot the venue
// takes ten symbols a request.
//
// Instruments: .../docs/v5/market/instrument.

#ifndef WIREBOOK_LOB_VENUES_BYBIT_BYBIT_REQUESTS_H_
#define WIREBOOK_LOB_VENUES_BYBIT_BYBIT_REQUESTS_H_

#include "lob/venues/venue_requests.h"

namespace wirebook {

const VenueRequests& bybit_requests();

}  // namespace wirebook

#endif  // WIREBOOK_LOB_VENUES_BYBIT_BYBIT_REQUESTS_H_
