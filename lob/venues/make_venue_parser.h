// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// The table of venue parsers: from a VenueId to its VenueParser.
//
// Thread rules: set-up. ADDING.md says how a venue gets in here.
//
//   auto parser = make_venue_parser(VenueId::kKraken, table, {});
//   if (!parser.ok()) return parser.status();

#ifndef WIREBOOK_LOB_VENUES_MAKE_VENUE_PARSER_H_
#define WIREBOOK_LOB_VENUES_MAKE_VENUE_PARSER_H_

#include <memory>

#include "absl/status/statusor.h"
#include "lob/instrument.h"
#include "lob/venue.h"
#include "lob/venues/venue_parser.h"

namespace wirebook {

// Unimplemented, naming those that exist, for a venue without a parser.
// `table` must outlive the parser.
absl::StatusOr<std::unique_ptr<VenueParser>> make_venue_parser(
    VenueId venue, InstrumentTable& table, const VenueParserOptions& options);

}  // namespace wirebook

#endif  // WIREBOOK_LOB_VENUES_MAKE_VENUE_PARSER_H_
