// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// What a venue says of its instruments: the answer's text to steps, scales and
// status.
//
// A venue's VenueRequests say what to ask (instrument_target,
// instrument_request) and, as an InstrumentFormat, where the answer has what.
// Numbers are exact decimals, in any form that JSON has for them, in quotes or
// not; keys that no format names are passed over.
//
// The scales become wide enough for the venue's steps, and never narrower than
// they were: messages may have more decimals than a step. Binance fills them up
// with zeros, Gemini's quantities have two more, and orders from before a
// change of the step stay on the book.
//
// Thread rules: free functions. Cost: set-up only.
//
//   const VenueRequests& venue = find_venue_requests(VenueId::kBinanceSpot);
//   Instrument wanted[] = {make_instrument(VenueId::kBinanceSpot, "BTCUSDT",
//   0)}; absl::Status status =
//       read_instruments(venue.instrument_format(), body, wanted);

#ifndef WIREBOOK_LOB_VENUES_INSTRUMENT_READER_H_
#define WIREBOOK_LOB_VENUES_INSTRUMENT_READER_H_

#include <span>
#include <string_view>

#include "absl/status/status.h"
#include "lob/instrument.h"

namespace wirebook {

// Paths are keys with points between them; into an array of Binance's filters
// the next part is the filterType, into any other array a number. An empty path
// is what the venue does not say.
struct InstrumentFormat {
  // To the list of them, or to the only one; empty: the answer itself.
  std::string_view list = {};
  // In an entry. Without `symbol` an entry is itself a string.
  std::string_view symbol = "symbol";
  std::string_view symbol_prefix = {};  // before it, in ours
  std::string_view tick = {};
  std::string_view lot = {};
  std::string_view other_lot = {};  // where there is no `lot`
  int lot_spare = 0;  // decimals that quantities may have beyond the lot's
  // Steps are told as numbers of decimals: 2 for 0.01.
  bool counts_decimals = false;
  std::string_view status = {};
  std::string_view trading = {};  // what `status` is where orders are taken
};

// Fills in those of `wanted` that `answer` names: tick, lot, scales, status,
// which is no longer kUnknown. NotFound where there is no such list at all;
// InvalidArgument, and nothing filled in, for one that cannot be read.
absl::Status read_instruments(const InstrumentFormat& format,
                              std::string_view answer,
                              std::span<Instrument> wanted);

}  // namespace wirebook

#endif  // WIREBOOK_LOB_VENUES_INSTRUMENT_READER_H_
