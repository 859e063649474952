// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// Gemini's requests (lob/venues/venue_requests.h). Source: docs.gemini.com,
// "Market Data Version 2".
//
// Instruments: "Get Symbol Details" of developer.gemini.com; quantities on the
// book may have two decimals more than it says ("Symbols and minimums").

#ifndef WIREBOOK_LOB_VENUES_GEMINI_GEMINI_REQUESTS_H_
#define WIREBOOK_LOB_VENUES_GEMINI_GEMINI_REQUESTS_H_

#include "lob/venues/venue_requests.h"

namespace wirebook {

const VenueRequests& gemini_requests();

}  // namespace wirebook

#endif  // WIREBOOK_LOB_VENUES_GEMINI_GEMINI_REQUESTS_H_
