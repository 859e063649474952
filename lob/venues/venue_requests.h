// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// What a client says to a venue: the texts that subscribe and unsubscribe, the
// REST target of a depth snapshot, how to ask for instruments and for a token.
// One implementation a venue, in its folder; find_venue_requests.h has the
// table.
//
// Thread rules: stateless; any thread. Cost: builds a string; not for the hot
// path.
//
//   const VenueRequests& requests = find_venue_requests(VenueId::kKraken);
//   reader->send_text(requests.subscribe({"BTC/USD"}, {.depth = 25}));

#ifndef WIREBOOK_LOB_VENUES_VENUE_REQUESTS_H_
#define WIREBOOK_LOB_VENUES_VENUE_REQUESTS_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "lob/venues/instrument_reader.h"

namespace wirebook {

// What a venue wants of clients that it must know; plain text, no JSON escapes.
struct ChannelCredentials {
  std::string token{};  // Kraken: GetWebSocketsToken's
  std::string key{};
  std::string passphrase{};  // Coinbase
  std::string secret{};      // base64
};

// What can stand in a request as it is, a token too: printable ASCII without
// blank, quote and backslash, at most 1 KiB.
inline bool is_plain_word(std::string_view text) {
  return text.size() <= 1024 &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return c > ' ' && c <= '~' && c != '"' && c != '\\';
         });
}

// A POST that the venue wants before each connection.
struct AdmissionRequest {
  std::string target{};  // empty: it wants none
  std::string content{};
  std::vector<std::string> headers{};  // "Name: value"
};

// What the answer to it says. `url` and `token` are secrets.
struct Admission {
  std::string url{};              // where to connect; empty: as always
  std::string token{};            // for ChannelCredentials; empty: as it is
  uint64_t ping_interval_ns = 0;  // of the keep-alive; 0: as always
};

struct SubscriptionOptions {
  int depth = 0;  // levels a side, where the venue lets one choose
  bool best_bid_offer = false;  // its own best bid and offer, where it has one
  int64_t unix_seconds = 0;     // now, for venues that want to know
  bool orders = false;          // order by order: order_feed.h
  const ChannelCredentials* credentials = nullptr;
};

// What is said every so often, so that the venue keeps the connection.
struct KeepAlive {
  std::string text = {};  // empty: the venue asks for nothing
  uint64_t interval_ns = 0;
};

class VenueRequests {
 public:
  virtual ~VenueRequests() = default;

  // How many symbols one message may name.
  virtual size_t symbols_a_request() const { return SIZE_MAX; }

  // One text message each; empty: the venue has no such message.
  std::string subscribe(const std::vector<std::string>& symbols,
                        const SubscriptionOptions& options) const {
    return request("subscribe", symbols, options);
  }
  std::string unsubscribe(const std::vector<std::string>& symbols,
                          const SubscriptionOptions& options) const {
    return request("unsubscribe", symbols, options);
  }

  // Path and query of the depth snapshot; empty where the venue's stream brings
  // its own.
  virtual std::string snapshot_target(std::string_view /*symbol*/,
                                      int /*limit*/) const {
    return {};
  }

  // Likewise of single orders.
  virtual std::string orders_target(std::string_view /*symbol*/) const {
    return {};
  }

  // The symbol of such a target, of any form that the venue has; empty:
  // it is the target of something else.
  virtual std::string_view snapshot_symbol(std::string_view target) const {
    return target_part(target, "/depth?", "symbol=");
  }

  // ---- Instruments (instrument_reader.h)
  // -------------------------------------

  // Path and query of the request that tells of an instrument, or of all: the
  // same then for each; empty where the stream does. `url` is the stream's,
  // whose path names the market on some venues.
  virtual std::string instrument_target(std::string_view /*symbol*/,
                                        std::string_view /*url*/) const {
    return {};
  }
  // The message after which the stream tells of all; empty elsewhere.
  virtual std::string instrument_request() const { return {}; }
  virtual InstrumentFormat instrument_format() const = 0;

  // ---- Admission ------------------------------------------------------------

  // `who` may be null; an error says what is missing in it, but no value.
  // `nonce` grows from call to call.
  virtual absl::StatusOr<AdmissionRequest> admission_request(
      const ChannelCredentials* /*who*/, uint64_t /*nonce*/) const {
    return AdmissionRequest();
  }
  // Of the answer's body; an error quotes nothing that may be secret. `number`
  // is any, for venues that want connections to have one.
  virtual absl::StatusOr<Admission> read_admission(std::string_view /*answer*/,
                                                   uint64_t /*number*/) const {
    return absl::UnimplementedError("the venue gives no tokens");
  }

  // What is said first on a connection; empty: nothing.
  virtual std::string greeting() const { return {}; }
  virtual KeepAlive keep_alive() const { return {}; }

 protected:
  // What stands behind `key` in a target with `path` in it, up to the next &.
  static std::string_view target_part(std::string_view target,
                                      std::string_view path,
                                      std::string_view key) {
    const size_t at = target.find(path);
    if (at == std::string_view::npos) return {};
    const auto inside = [target, at](size_t place) {
      return place != std::string_view::npos && place != at &&
             target[place - 1] != '?' && target[place - 1] != '&';
    };
    size_t begin = target.find(key, at);
    while (inside(begin)) begin = target.find(key, begin + 1);
    if (begin == std::string_view::npos) return {};
    target.remove_prefix(begin + key.size());
    return target.substr(0, target.find('&'));
  }

 private:
  // `verb` is "subscribe" or "unsubscribe", which is what most venues call it.
  virtual std::string request(const char* verb,
                              const std::vector<std::string>& symbols,
                              const SubscriptionOptions& options) const = 0;
};

}  // namespace wirebook

#endif  // WIREBOOK_LOB_VENUES_VENUE_REQUESTS_H_
