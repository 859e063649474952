// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "net/url.h"

#include <charconv>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "net/printable_text.h"

namespace wirebook {
namespace {

// RFC 1035, section 2.3.4, as text.
constexpr size_t kLongestHost = 253;

absl::string_view absl_view(std::string_view text) {
  return {text.data(), text.size()};
}

absl::Status invalid(std::string_view text, const char* what) {
  return absl::InvalidArgumentError(
      absl::StrCat("URL \"", without_query(text), "\": ", what));
}

uint16_t default_port(const Url& url) {
  if (url.scheme == "socks5") return 1080;  // RFC 1928, section 3
  return url.tls() ? 443 : 80;
}

}  // namespace

std::string Url::authority() const {
  std::string result =
      host.find(':') == std::string::npos ? host : absl::StrCat("[", host, "]");
  if (port != default_port(*this)) absl::StrAppend(&result, ":", port);
  return result;
}

absl::StatusOr<Url> parse_url(std::string_view text) {
  for (const char c : text) {
    if (static_cast<unsigned char>(c) <= ' ' || c == '\x7f') {
      return invalid(text, "spaces and control characters are not allowed");
    }
  }
  const size_t colon = text.find("://");
  if (colon == std::string_view::npos) {
    return invalid(text, "no \"://\"; give ws://host:port/path");
  }
  Url url;
  url.scheme = absl::AsciiStrToLower(absl_view(text.substr(0, colon)));
  if (url.scheme != "ws" && url.scheme != "wss" && url.scheme != "http" &&
      url.scheme != "https" && url.scheme != "socks5") {
    return invalid(text, "the scheme is none of ws, wss, http, https, socks5");
  }
  std::string_view rest = text.substr(colon + 3);
  if (rest.find('#') != std::string_view::npos) {
    return invalid(text, "a fragment (#) has no meaning here");
  }
  const size_t end = rest.find_first_of("/?");
  std::string_view authority = rest.substr(0, end);
  if (end == std::string_view::npos) {
    url.target.assign(1, '/');
  } else {
    if (rest[end] == '?') url.target.assign(1, '/');
    url.target.append(rest.substr(end));
  }
  if (authority.find('@') != std::string_view::npos) {
    return invalid(text, "user and password are not supported");
  }
  std::string_view port;
  bool has_port = false;
  if (!authority.empty() && authority[0] == '[') {
    const size_t bracket = authority.find(']');
    if (bracket == std::string_view::npos) return invalid(text, "no \"]\"");
    url.host = authority.substr(1, bracket - 1);
    port = authority.substr(bracket + 1);
    if (!port.empty()) {
      if (port[0] != ':') return invalid(text, "no \":\" after \"]\"");
      has_port = true;
      port.remove_prefix(1);
    }
  } else {
    const size_t separator = authority.find(':');
    url.host = authority.substr(0, separator);
    if (separator != std::string_view::npos) {
      has_port = true;
      port = authority.substr(separator + 1);
    }
  }
  if (url.host.empty()) return invalid(text, "no host");
  if (url.host.size() > kLongestHost) {
    return invalid(text, "the host is longer than 253 bytes");
  }
  url.port = default_port(url);
  if (has_port) {
    const auto [stop, error] =
        std::from_chars(port.data(), port.data() + port.size(), url.port);
    if (error != std::errc() || stop != port.data() + port.size() ||
        url.port == 0) {
      return invalid(text, "the port is not a number from 1 to 65535");
    }
  }
  return url;
}

std::string without_query(std::string_view url) {
  return printable_text(url.substr(0, url.find('?')));
}

}  // namespace wirebook
