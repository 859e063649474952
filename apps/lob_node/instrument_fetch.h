// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

// A venue's instruments, asked for before its feeds begin: by REST, or over a
// WebSocket of its own where a channel tells of them (Kraken).
//
// Thread rules: any thread; blocks. Cost: a request for each symbol, or one for
// all where the venue tells of all.
//
//   auto instruments = fetch_instruments(config, 10'000'000'000);
//   if (!instruments.ok()) return instruments.status();

#ifndef WIREBOOK_APPS_LOB_NODE_INSTRUMENT_FETCH_H_
#define WIREBOOK_APPS_LOB_NODE_INSTRUMENT_FETCH_H_

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "apps/lob_node/config.h"
#include "lob/instrument.h"

namespace wirebook {

// Those of config.symbols, in their order, each known to the venue. An error
// says which could not be had and why. `timeout_ns` is of one request.
absl::StatusOr<std::vector<Instrument>> fetch_instruments(
    const VenueConfig& config, std::uint64_t timeout_ns);

}  // namespace wirebook

#endif  // WIREBOOK_APPS_LOB_NODE_INSTRUMENT_FETCH_H_
