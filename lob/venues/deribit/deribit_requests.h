// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// Deribit's requests, JSON-RPC over WebSocket (lob/venues/venue_requests.h).
// Source: docs.deribit.com, "book.{instrument_name}.{interval}".
//
// Always the 100 ms channel, whole books: the raw one needs a login.
//
// Instruments: docs.deribit.com, public/get_instrument.

#ifndef WIREBOOK_LOB_VENUES_DERIBIT_DERIBIT_REQUESTS_H_
#define WIREBOOK_LOB_VENUES_DERIBIT_DERIBIT_REQUESTS_H_

#include "lob/venues/venue_requests.h"

namespace wirebook {

const VenueRequests& deribit_requests();

}  // namespace wirebook

#endif  // WIREBOOK_LOB_VENUES_DERIBIT_DERIBIT_REQUESTS_H_
