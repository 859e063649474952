// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// KuCoin's requests (lob/venues/venue_requests.h). Source:
// kucoin.com/docs-new, "Orderbook - Increment" and "Get Part OrderBook".
//
// One topic a message, and as many as 100 symbols in it; best_bid_offer is
// passed over. A snapshot has 100 levels a side, whatever the limit: more take
// a key.
//
// Instruments: "Get Symbol", of the same documents.
//
// Admission: "Get Public Token - Spot/Margin" of the same documents: a POST
// without content, whose answer has a token, which ends after 24 hours, and
// where to connect with it. Of its servers the first is taken.

#ifndef WIREBOOK_LOB_VENUES_KUCOIN_KUCOIN_REQUESTS_H_
#define WIREBOOK_LOB_VENUES_KUCOIN_KUCOIN_REQUESTS_H_

#include "lob/venues/venue_requests.h"

namespace wirebook {

const VenueRequests& kucoin_requests();

}  // namespace wirebook

#endif  // WIREBOOK_LOB_VENUES_KUCOIN_KUCOIN_REQUESTS_H_
