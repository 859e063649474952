// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// WebSocketHandshake: the HTTP upgrade of RFC 6455, section 4, as a client:
// the request to send, and the judgement of the response.
//
// WebSocketReader uses it; it knows bytes only, no socket and no clock.
//
// The response may arrive in any pieces. It is refused when it is longer than
// `max_response_bytes`, is not 101, lacks or falsifies a header that the RFC
// demands, agrees on an extension or subprotocol that was not asked for, or is
// not clean HTTP (bare LF, NUL, folded lines). The status says which.
//
//   wirebook::KernelRandom random;
//   wirebook::WebSocketHandshake handshake(url, {}, random);
//   send(handshake.request());
//   auto state = handshake.parse(data, size, &status);
//   // kDone: frames begin at data + handshake.response_bytes()

#ifndef WIREBOOK_NET_WEBSOCKET_HANDSHAKE_H_
#define WIREBOOK_NET_WEBSOCKET_HANDSHAKE_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "net/kernel_random.h"
#include "net/permessage_deflate.h"
#include "net/url.h"

namespace wirebook {

struct WebSocketHandshakeOptions {
  // Added to the request as they are. Neither part may contain CR, LF or NUL,
  // and none may be one that the handshake itself sets.
  std::vector<std::pair<std::string, std::string>> headers = {};
  // Offered, in order of preference; the server may take one.
  std::vector<std::string> subprotocols = {};
  // Offered where it is set; the server may decline.
  std::optional<PermessageDeflateOffer> deflate = {};
  size_t max_response_bytes = size_t{16} << 10;  // at least 107
};

class WebSocketHandshake {
 public:
  enum class State : uint8_t { kNeedMore, kDone, kFailed };

  WebSocketHandshake(const Url& url, WebSocketHandshakeOptions options,
                     KernelRandom& random);

  // The key is new with every object.
  const std::string& request() const { return request_; }

  // `data` is all that has arrived so far, from its first byte. kFailed sets
  // `status`.
  State parse(const char* data, size_t size, absl::Status* status);

  // After kDone.
  size_t response_bytes() const { return response_bytes_; }
  const std::string& subprotocol() const { return subprotocol_; }
  // Nothing where the server declined or it was not offered.
  const std::optional<PermessageDeflateAgreement>& deflate() const {
    return deflate_;
  }

  // Sec-WebSocket-Accept for a key (section 4.2.2).
  static std::string accept_for(std::string_view key);

  // InvalidArgument names a header, a subprotocol or a number that may not be
  // sent.
  static absl::Status check_options(const WebSocketHandshakeOptions& options);

 private:
  // In quotes; nothing of it where the URL has a query, which may be a token,
  // and a server may repeat it.
  std::string quoted(std::string_view text) const;
  absl::Status judge(std::string_view head, std::string_view body);
  absl::Status judge_extension(std::string_view value);

  WebSocketHandshakeOptions options_;
  std::string where_;  // for errors
  bool has_query_;
  std::string request_;
  std::string expected_accept_;
  std::string subprotocol_;
  std::optional<PermessageDeflateAgreement> deflate_;
  size_t scanned_ = 0;
  size_t response_bytes_ = 0;
};

}  // namespace wirebook

#endif  // WIREBOOK_NET_WEBSOCKET_HANDSHAKE_H_
