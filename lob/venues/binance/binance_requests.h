// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// Binance's requests (lob/venues/venue_requests.h); `venue` is one of
// Binance's. Source: binance/binance-spot-api-docs, web-socket-streams.md and
// rest-api.md, and developers.binance.com/docs/derivatives for futures.
//
// Snapshots: at most 5,000 levels a side on spot, 1,000 on futures.
//
// Instruments: "Exchange information" of the same documents; futures tell of
// all at once.

#ifndef WIREBOOK_LOB_VENUES_BINANCE_BINANCE_REQUESTS_H_
#define WIREBOOK_LOB_VENUES_BINANCE_BINANCE_REQUESTS_H_

#include "lob/venue.h"
#include "lob/venues/venue_requests.h"

namespace wirebook {

const VenueRequests& binance_requests(VenueId venue);

}  // namespace wirebook

#endif  // WIREBOOK_LOB_VENUES_BINANCE_BINANCE_REQUESTS_H_
