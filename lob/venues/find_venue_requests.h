// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// The table from a venue to its requests (venue_requests.h).
//
// Thread rules: any thread. Cost: none to speak of.
//
//   find_venue_requests(VenueId::kKraken).subscribe({"BTC/USD"}, {.depth = 25})

#ifndef WIREBOOK_LOB_VENUES_FIND_VENUE_REQUESTS_H_
#define WIREBOOK_LOB_VENUES_FIND_VENUE_REQUESTS_H_

#include "lob/venue.h"
#include "lob/venues/venue_requests.h"

namespace wirebook {

// A number that is no venue's ends the process.
const VenueRequests& find_venue_requests(VenueId venue);

}  // namespace wirebook

#endif  // WIREBOOK_LOB_VENUES_FIND_VENUE_REQUESTS_H_
