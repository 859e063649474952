// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "net/proxy_handshake.h"

#include <netinet/in.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "net/socket_address.h"
#include "net/url.h"

namespace wirebook {
namespace {

// More than any request: the host twice, user and password in base64.
constexpr size_t kMaxRequestBytes = 2048;
constexpr size_t kMaxCredentialBytes = 255;  // RFC 1929, section 2
// Of a proxy's own words, bytes in an error.
constexpr size_t kMaxQuoteBytes = 100;

constexpr char kSocksVersion = 5;
constexpr char kNoAuthentication = 0;
constexpr char kUserAndPassword = 2;

absl::string_view to_absl(std::string_view text) {
  return {text.data(), text.size()};
}

absl::Status invalid(const ProxyOptions& options, const char* what) {
  return absl::InvalidArgumentError(
      absl::StrCat("proxy ", options.url, ": ", what));
}

bool has_control(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) {
    return static_cast<unsigned char>(c) < ' ' || c == '\x7f';
  });
}

// RFC 1928, section 6.
const char* socks_reply_text(unsigned char reply) {
  constexpr const char* kTexts[] = {"succeeded",
                                    "general failure",
                                    "not allowed by its rules",
                                    "network unreachable",
                                    "host unreachable",
                                    "connection refused",
                                    "TTL expired",
                                    "it knows no CONNECT",
                                    "it does not know this kind of address"};
  return reply < std::size(kTexts) ? kTexts[reply] : "unknown reply";
}

}  // namespace

absl::StatusOr<Proxy> parse_proxy(const ProxyOptions& options) {
  Proxy proxy;
  if (options.url.empty()) {
    if (options.user.empty() && options.password.empty()) return proxy;
    return invalid(options, "user or password are given, but no url");
  }
  absl::StatusOr<Url> url = parse_url(options.url);
  if (!url.ok()) return url.status();
  if (url->scheme == "http") {
    proxy.kind = ProxyKind::kHttp;
  } else if (url->scheme == "socks5") {
    proxy.kind = ProxyKind::kSocks5;
  } else {
    return invalid(options, "the scheme must be http or socks5");
  }
  if (url->target != "/") return invalid(options, "a proxy has no path");
  if (options.user.empty() != options.password.empty()) {
    return invalid(options, "give both user and password, or neither");
  }
  if (options.user.size() > kMaxCredentialBytes ||
      options.password.view().size() > kMaxCredentialBytes) {
    return invalid(options, "user or password is longer than 255 bytes");
  }
  if (has_control(options.user) || has_control(options.password.view())) {
    return invalid(options, "user or password has a control character");
  }
  if (proxy.kind == ProxyKind::kHttp &&
      options.user.find(':') != std::string::npos) {
    return invalid(options, "a user with ':' cannot be sent (RFC 7617)");
  }
  proxy.host = std::move(url->host);
  proxy.port = url->port;
  proxy.user = options.user;
  proxy.password = options.password;
  return proxy;
}

ProxyHandshake::ProxyHandshake(const Proxy& proxy, std::string host,
                               uint16_t port)
    : proxy_(proxy), host_(std::move(host)), port_(port) {
  request_.reserve(kMaxRequestBytes);
  if (proxy.kind == ProxyKind::kHttp) {
    step_ = Step::kHttp;
    write_http_request();
  } else {
    step_ = Step::kMethod;
    write_socks_greeting();
  }
}

ProxyHandshake::~ProxyHandshake() {
  request_.resize(request_.capacity());
  OPENSSL_cleanse(request_.data(), request_.size());
}

void ProxyHandshake::write_http_request() {
  const std::string bracketed =
      host_.find(':') == std::string::npos ? host_ : "[" + host_ + "]";
  const std::string authority = absl::StrCat(bracketed, ":", port_);
  absl::StrAppend(&request_, "CONNECT ", authority,
                  " HTTP/1.1\r\nHost: ", authority, "\r\n");
  if (!proxy_.user.empty()) {
    const std::string_view password = proxy_.password.view();
    unsigned char plain[2 * kMaxCredentialBytes + 1];
    size_t size =
        proxy_.user.copy(reinterpret_cast<char*>(plain), kMaxCredentialBytes);
    plain[size++] = ':';
    size += password.copy(reinterpret_cast<char*>(plain) + size,
                          kMaxCredentialBytes);
    unsigned char coded[(sizeof(plain) + 2) / 3 * 4 + 1];
    const int coded_size =
        EVP_EncodeBlock(coded, plain, static_cast<int>(size));
    request_.append("Proxy-Authorization: Basic ");
    request_.append(reinterpret_cast<char*>(coded),
                    static_cast<size_t>(coded_size));
    request_.append("\r\n");
    OPENSSL_cleanse(plain, sizeof(plain));
    OPENSSL_cleanse(coded, sizeof(coded));
  }
  request_.append("\r\n");
}

void ProxyHandshake::write_socks_greeting() {
  request_.push_back(kSocksVersion);
  if (proxy_.user.empty()) {
    request_.append({1, kNoAuthentication});
  } else {
    request_.append({2, kNoAuthentication, kUserAndPassword});
  }
}

void ProxyHandshake::write_socks_credentials() {
  request_.assign(1, 1);  // the version of RFC 1929
  request_.push_back(static_cast<char>(proxy_.user.size()));
  request_.append(proxy_.user);
  request_.push_back(static_cast<char>(proxy_.password.view().size()));
  request_.append(proxy_.password.view());
}

void ProxyHandshake::write_socks_request() {
  OPENSSL_cleanse(request_.data(), request_.size());
  request_.assign({kSocksVersion, 1, 0});  // CONNECT
  const std::optional<SocketAddress> number =
      parse_socket_address(host_, port_);
  if (!number.has_value()) {
    request_.push_back(3);
    request_.push_back(static_cast<char>(host_.size()));
    request_.append(host_);
  } else if (number->family() == AF_INET) {
    request_.push_back(1);
    const auto* const four =
        reinterpret_cast<const sockaddr_in*>(&number->bytes);
    request_.append(reinterpret_cast<const char*>(&four->sin_addr), 4);
  } else {
    request_.push_back(4);
    const auto* const six =
        reinterpret_cast<const sockaddr_in6*>(&number->bytes);
    request_.append(reinterpret_cast<const char*>(&six->sin6_addr), 16);
  }
  request_.push_back(static_cast<char>(port_ >> 8));
  request_.push_back(static_cast<char>(port_));
}

ProxyHandshake::State ProxyHandshake::fail(absl::Status* status,
                                           absl::StatusCode code,
                                           std::string_view what) const {
  *status = absl::Status(
      code, absl::StrCat(proxy_.kind == ProxyKind::kHttp ? "HTTP" : "SOCKS5",
                         " proxy ", proxy_.host, ":", proxy_.port, ": ",
                         to_absl(what)));
  return State::kFailed;
}

ProxyHandshake::State ProxyHandshake::parse(const char* data, size_t size,
                                            size_t* used,
                                            absl::Status* status) {
  *used = 0;
  const auto* const bytes = reinterpret_cast<const unsigned char*>(data);
  switch (step_) {
    case Step::kHttp:
      return parse_http({data, size}, used, status);
    case Step::kMethod:
      if (size < 2) return State::kNeedMore;
      *used = 2;
      return parse_method(bytes, status);
    case Step::kAuthentication:
      if (size < 2) return State::kNeedMore;
      *used = 2;
      if (bytes[1] != 0) {
        return fail(status, absl::StatusCode::kUnauthenticated,
                    "it refuses user and password");
      }
      step_ = Step::kReply;
      write_socks_request();
      return State::kSend;
    case Step::kReply:
      break;
  }
  return parse_reply(bytes, size, used, status);
}

ProxyHandshake::State ProxyHandshake::parse_http(std::string_view text,
                                                 size_t* used,
                                                 absl::Status* status) {
  for (;;) {
    const std::string_view rest = text.substr(*used);
    const size_t end = rest.find("\r\n\r\n");
    if (end == std::string_view::npos || end > kMaxResponseBytes) {
      if (rest.size() <= kMaxResponseBytes) return State::kNeedMore;
      return fail(status, absl::StatusCode::kResourceExhausted,
                  absl::StrCat("the head of its answer is longer than ",
                               kMaxResponseBytes, " bytes"));
    }
    *used += end + 4;
    const std::string_view line = rest.substr(0, rest.find("\r\n"));
    // "HTTP/1.1 200 Words"
    int code = 0;
    if (line.size() < 12 || line.substr(0, 7) != "HTTP/1." || line[8] != ' ' ||
        std::from_chars(line.data() + 9, line.data() + 12, code).ptr !=
            line.data() + 12) {
      return fail(status, absl::StatusCode::kInvalidArgument,
                  absl::StrCat("its answer is not HTTP/1.1: ",
                               absl::CHexEscape(
                                   to_absl(line.substr(0, kMaxQuoteBytes)))));
    }
    if (code >= 100 && code < 200) continue;  // interim (RFC 9110, 15.2)
    if (code >= 200 && code < 300) return State::kDone;
    return fail(status,
                code == 407 ? absl::StatusCode::kUnauthenticated
                            : absl::StatusCode::kUnavailable,
                absl::StrCat(
                    "it answers CONNECT with ",
                    absl::CHexEscape(to_absl(line.substr(9, kMaxQuoteBytes)))));
  }
}

ProxyHandshake::State ProxyHandshake::parse_method(const unsigned char* data,
                                                   absl::Status* status) {
  if (data[0] != kSocksVersion) {
    return fail(status, absl::StatusCode::kInvalidArgument,
                "its answer is not SOCKS5");
  }
  if (data[1] == kNoAuthentication) {
    step_ = Step::kReply;
    write_socks_request();
    return State::kSend;
  }
  if (data[1] == kUserAndPassword && !proxy_.user.empty()) {
    step_ = Step::kAuthentication;
    write_socks_credentials();
    return State::kSend;
  }
  return fail(status, absl::StatusCode::kUnauthenticated,
              proxy_.user.empty() ? "it wants user and password"
                                  : "it takes no user and password");
}

ProxyHandshake::State ProxyHandshake::parse_reply(const unsigned char* data,
                                                  size_t size, size_t* used,
                                                  absl::Status* status) {
  // Version, reply, reserved, kind of address and the first byte of that.
  if (size < 5) return State::kNeedMore;
  if (data[0] != kSocksVersion) {
    return fail(status, absl::StatusCode::kInvalidArgument,
                "its reply is not SOCKS5");
  }
  if (data[1] != 0) {
    return fail(
        status, absl::StatusCode::kUnavailable,
        absl::StrCat(socks_reply_text(data[1]), " (", int{data[1]}, ")"));
  }
  size_t address = 0;
  switch (data[3]) {
    case 1:
      address = 4;
      break;
    case 3:
      address = size_t{1} + data[4];
      break;
    case 4:
      address = 16;
      break;
    default:
      return fail(status, absl::StatusCode::kInvalidArgument,
                  absl::StrCat("its reply has an address of unknown kind ",
                               int{data[3]}));
  }
  const size_t whole = 4 + address + 2;
  if (size < whole) return State::kNeedMore;
  *used = whole;
  return State::kDone;
}

}  // namespace wirebook
