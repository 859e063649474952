// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// Kraken's requests, WebSocket API v2 (lob/venues/venue_requests.h). Source:
// docs.kraken.com, "Book (Level 2)" channel.
//
// `depth` is 10, 25, 100, 500 or 1000; the venue refuses others.
//
// Instruments: docs.kraken.com/api/docs/websocket-v2/instrument, a channel.
//
// Admission: credentials without a token, but with a key and its secret, are
// good for one: docs.kraken.com/api/docs/rest-api/get-websockets-token, which
// is to be used within 15 minutes, and then lasts as long as its connection.

#ifndef WIREBOOK_LOB_VENUES_KRAKEN_KRAKEN_REQUESTS_H_
#define WIREBOOK_LOB_VENUES_KRAKEN_KRAKEN_REQUESTS_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "lob/venues/venue_requests.h"

namespace wirebook {

// The header API-Sign of a private request to `path`: HMAC-SHA512, under the
// decoded secret, of the path and the SHA-256 of nonce and content; in base64.
// Source: docs.kraken.com/api/docs/guides/spot-rest-auth.
absl::StatusOr<std::string> kraken_signature(const std::string& secret,
                                             std::string_view path,
                                             uint64_t nonce,
                                             std::string_view content);

const VenueRequests& kraken_requests();

}  // namespace wirebook

#endif  // WIREBOOK_LOB_VENUES_KRAKEN_KRAKEN_REQUESTS_H_
