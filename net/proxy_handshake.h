// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// ProxyHandshake: what is said to a proxy before a connection through it
// stands: HTTP CONNECT (RFC 9110, section 9.3.6) or SOCKS5 (RFC 1928, with user
// and password by RFC 1929).
//
// Bytes in and judgement out, no socket; StreamConnector drives it. The target
// goes to the proxy as it was given: a name is looked up there. The connection
// to the proxy itself is plain TCP, so user and password are readable on the
// way to it. What was written here is wiped.
//
//   ProxyHandshake handshake(*parse_proxy(options), "example.com", 443);
//   send(handshake.request());
//   for each arrival: switch (handshake.parse(data, size, &used, &status)) ...

#ifndef WIREBOOK_NET_PROXY_HANDSHAKE_H_
#define WIREBOOK_NET_PROXY_HANDSHAKE_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "net/secret.h"

namespace wirebook {

struct ProxyOptions {
  std::string url = {};  // http://host:port, socks5://host:port; empty: none
  // Both or neither, at most 255 bytes each. HTTP: Basic (RFC 7617).
  std::string user = {};
  Secret password = {};
};

enum class ProxyKind : uint8_t { kNone, kHttp, kSocks5 };

struct Proxy {
  ProxyKind kind = ProxyKind::kNone;
  std::string host;
  uint16_t port = 0;  // 80 and 1080 where the URL gives none
  std::string user;
  Secret password;
};

// InvalidArgument says what is wrong; never with the password.
absl::StatusOr<Proxy> parse_proxy(const ProxyOptions& options);

class ProxyHandshake {
 public:
  enum class State : uint8_t { kNeedMore, kSend, kDone, kFailed };

  // A longer head of an HTTP response fails.
  static constexpr size_t kMaxResponseBytes = size_t{16} << 10;
  // What a SOCKS5 request can say; names are shorter (RFC 1035, 2.3.4).
  static constexpr size_t kMaxHostBytes = 255;

  // `proxy` is not kNone and outlives it; `host` has at most kMaxHostBytes.
  ProxyHandshake(const Proxy& proxy, std::string host, uint16_t port);
  ~ProxyHandshake();
  ProxyHandshake(const ProxyHandshake&) = delete;
  ProxyHandshake& operator=(const ProxyHandshake&) = delete;

  // To be sent now: at first, and after kSend.
  std::string_view request() const { return request_; }

  // `data` is what has arrived and was not used yet; the first `*used` bytes
  // have been, whatever comes of it. kFailed sets `status`.
  State parse(const char* data, size_t size, size_t* used,
              absl::Status* status);

 private:
  enum class Step : uint8_t { kHttp, kMethod, kAuthentication, kReply };

  State parse_http(std::string_view text, size_t* used, absl::Status* status);
  State parse_method(const unsigned char* data, absl::Status* status);
  State parse_reply(const unsigned char* data, size_t size, size_t* used,
                    absl::Status* status);
  State fail(absl::Status* status, absl::StatusCode code,
             std::string_view what) const;
  // Each writes request_, which never grows beyond its first capacity: no copy
  // of the password is left behind.
  void write_http_request();
  void write_socks_greeting();
  void write_socks_credentials();
  void write_socks_request();

  const Proxy& proxy_;
  const std::string host_;
  const uint16_t port_;
  Step step_;
  std::string request_;
};

}  // namespace wirebook

#endif  // WIREBOOK_NET_PROXY_HANDSHAKE_H_
