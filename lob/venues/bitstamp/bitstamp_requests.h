// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// Bitstamp's requests (lob/venues/venue_requests.h). Source:
// bitstamp.net/websocket/v2 and bitstamp.net/api.
//
// One channel a message, and so one symbol. A snapshot is the whole book,
// whatever the limit.
//
// Instruments: "Trading pairs info" of bitstamp.net/api.

#ifndef WIREBOOK_LOB_VENUES_BITSTAMP_BITSTAMP_REQUESTS_H_
#define WIREBOOK_LOB_VENUES_BITSTAMP_BITSTAMP_REQUESTS_H_

#include "lob/venues/venue_requests.h"

namespace wirebook {

const VenueRequests& bitstamp_requests();

}  // namespace wirebook

#endif  // WIREBOOK_LOB_VENUES_BITSTAMP_BITSTAMP_REQUESTS_H_
