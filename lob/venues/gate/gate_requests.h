// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// Gate's requests (lob/venues/venue_requests.h); `venue` is one of Gate's.
// Source: gate.com/docs/developers/apiv4/ws, "Changed order book levels", and
// .../futures/ws.
//
// One channel of one symbol a message: best_bid_offer is passed over. The venue
// wants options.unix_seconds within a minute of its own. Snapshots: at most 100
// levels a side.
//
// Instruments: "Query single currency pair" and "Query single contract" of
// .../apiv4.

#ifndef WIREBOOK_LOB_VENUES_GATE_GATE_REQUESTS_H_
#define WIREBOOK_LOB_VENUES_GATE_GATE_REQUESTS_H_

#include "lob/venue.h"
#include "lob/venues/venue_requests.h"

namespace wirebook {

const VenueRequests& gate_requests(VenueId venue);

}  // namespace wirebook

#endif  // WIREBOOK_LOB_VENUES_GATE_GATE_REQUESTS_H_
