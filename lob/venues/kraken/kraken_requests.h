// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// Kraken's requests, WebSocket API v2 (lob/venues/venue_requests.h). Source:
// docs.kraken.com, "Book (Level 2)" channel.
//
// `depth` is 10, 25, 100, 500 or 1000; the venue refuses others.
//
// Instruments: docs.kraken.com/api/docs/websocket-v2/instrument, a channel.

#ifndef WIREBOOK_LOB_VENUES_KRAKEN_KRAKEN_REQUESTS_H_
#define WIREBOOK_LOB_VENUES_KRAKEN_KRAKEN_REQUESTS_H_

#include "lob/venues/venue_requests.h"

namespace wirebook {

const VenueRequests& kraken_requests();

}  // namespace wirebook

#endif  // WIREBOOK_LOB_VENUES_KRAKEN_KRAKEN_REQUESTS_H_
