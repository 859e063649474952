// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// Url: scheme, host, port and target of a ws, wss, http, https or socks5
// address.
//
// For the addresses a configuration gives; not a general URI library: no
// user:password, no fragment, no percent-decoding.
//
//   absl::StatusOr<wirebook::Url> url = wirebook::parse_url("ws://h:81/a?b");
//   // url->scheme "ws", host "h", port 81, target "/a?b"

#ifndef WIREBOOK_NET_URL_H_
#define WIREBOOK_NET_URL_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace wirebook {

struct Url {
  std::string scheme;  // lower case
  std::string host;    // without the brackets of an IPv6 address
  uint16_t port = 0;   // 80, 443 or 1080 where the URL gives none
  std::string target;  // path and query, at least "/"

  bool tls() const { return scheme == "wss" || scheme == "https"; }
  // What a Host header says: brackets again, the port unless it is the default.
  std::string authority() const;
};

// An error says what is wrong with which URL.
absl::StatusOr<Url> parse_url(std::string_view text);

// For messages and logs: what stands behind the ? may be a token, and all of it
// a peer's, so it is printable_text.h's.
std::string without_query(std::string_view url);

}  // namespace wirebook

#endif  // WIREBOOK_NET_URL_H_
