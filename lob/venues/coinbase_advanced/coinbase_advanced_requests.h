// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// Coinbase Advanced Trade's requests (lob/venues/venue_requests.h). Source:
// docs.cdp.coinbase.com, "Advanced Trade WebSocket channels".
//
// The venue takes one channel a message: this is `level2`, always whole books.
//
// Instruments: "Get Public Product", of the same documents.

#ifndef WIREBOOK_LOB_VENUES_COINBASE_ADVANCED_COINBASE_ADVANCED_REQUESTS_H_
#define WIREBOOK_LOB_VENUES_COINBASE_ADVANCED_COINBASE_ADVANCED_REQUESTS_H_

#include "lob/venues/venue_requests.h"

namespace wirebook {

const VenueRequests& coinbase_advanced_requests();

}  // namespace wirebook

#endif  // WIREBOOK_LOB_VENUES_COINBASE_ADVANCED_COINBASE_ADVANCED_REQUESTS_H_
