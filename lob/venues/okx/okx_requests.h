// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// OKX's requests, WebSocket API v5 (lob/venues/venue_requests.h). Source: OKX
// API guide, "Order book channel".
//
// Always `books`, 400 levels: the deeper and faster channels need a login.
//
// Instruments: "Get instruments", of the same guide.

#ifndef WIREBOOK_LOB_VENUES_OKX_OKX_REQUESTS_H_
#define WIREBOOK_LOB_VENUES_OKX_OKX_REQUESTS_H_

#include "lob/venues/venue_requests.h"

namespace wirebook {

const VenueRequests& okx_requests();

}  // namespace wirebook

#endif  // WIREBOOK_LOB_VENUES_OKX_OKX_REQUESTS_H_
