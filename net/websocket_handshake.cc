// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "net/websocket_handshake.h"

#include <openssl/evp.h>

#include <algorithm>
#include <iterator>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "net/printable_text.h"

namespace wirebook {
namespace {

constexpr std::string_view kStatusLine = "HTTP/1.1 ";
// Section 1.3.
constexpr std::string_view kAcceptGuid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

absl::string_view absl_view(std::string_view text) {
  return {text.data(), text.size()};
}

std::string in_quotes(std::string_view text) {
  return absl::StrCat("\"", printable_text(text), "\"");
}

bool header_text(std::string_view text) {
  return std::none_of(text.begin(), text.end(), [](char c) {
    return c == '\r' || c == '\n' || c == '\0';
  });
}

// Those that the request has once.
bool header_of_ours(absl::string_view name) {
  return absl::EqualsIgnoreCase(name, "Host") ||
         absl::EqualsIgnoreCase(name, "Upgrade") ||
         absl::EqualsIgnoreCase(name, "Connection") ||
         absl::StartsWithIgnoreCase(name, "Sec-WebSocket-");
}

// tchar of RFC 9110, section 5.6.2.
bool token_character(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
         std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

bool has_token(absl::string_view list, absl::string_view token) {
  for (absl::string_view word : absl::StrSplit(list, ',')) {
    if (absl::EqualsIgnoreCase(absl::StripAsciiWhitespace(word), token)) {
      return true;
    }
  }
  return false;
}

}  // namespace

std::string WebSocketHandshake::accept_for(std::string_view key) {
  const std::string text = absl::StrCat(absl_view(key), absl_view(kAcceptGuid));
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  EVP_Digest(text.data(), text.size(), digest, &size, EVP_sha1(), nullptr);
  return absl::Base64Escape(
      absl::string_view(reinterpret_cast<const char*>(digest), size));
}

// The shortest of section 4.2.2: a status line without a reason, and three
// headers without a space.
constexpr size_t kLeastResponseBytes =
    15 + 19 + 20 + 23 + 28 + 2;  // 28: Sec-WebSocket-Accept's value

absl::Status WebSocketHandshake::check_options(
    const WebSocketHandshakeOptions& options) {
  for (const auto& [name, value] : options.headers) {
    if (header_of_ours(absl_view(name))) {
      return absl::InvalidArgumentError(
          absl::StrCat("WebSocket: header ", in_quotes(name),
                       " is the handshake's own; it has options for it"));
    }
    if (name.empty() ||
        !std::all_of(name.begin(), name.end(), token_character) ||
        !header_text(value)) {
      return absl::InvalidArgumentError(
          absl::StrCat("WebSocket: header ", in_quotes(name), ": ",
                       in_quotes(value), " is no HTTP header"));
    }
  }
  for (const std::string& name : options.subprotocols) {
    if (name.empty() ||
        !std::all_of(name.begin(), name.end(), token_character)) {
      return absl::InvalidArgumentError(absl::StrCat(
          "WebSocket: ", in_quotes(name), " is no name of a subprotocol"));
    }
  }
  if (options.max_response_bytes < kLeastResponseBytes) {
    return absl::InvalidArgumentError(absl::StrCat(
        "WebSocket: max_response_bytes is ", options.max_response_bytes,
        ", which no response keeps to; give at least ", kLeastResponseBytes));
  }
  return options.deflate ? check_deflate_offer(*options.deflate)
                         : absl::OkStatus();
}

WebSocketHandshake::WebSocketHandshake(const Url& url,
                                       WebSocketHandshakeOptions options,
                                       KernelRandom& random)
    : options_(std::move(options)),
      where_(absl::StrCat("WebSocket ", url.scheme, "://", url.authority(),
                          without_query(url.target), ": ")),
      has_query_(url.target.find('?') != std::string::npos) {
  char nonce[16];
  random.fill(nonce, sizeof(nonce));
  const std::string key =
      absl::Base64Escape(absl::string_view(nonce, sizeof(nonce)));
  expected_accept_ = accept_for(key);
  request_ = absl::StrCat("GET ", url.target,
                          " HTTP/1.1\r\n"
                          "Host: ",
                          url.authority(),
                          "\r\n"
                          "Upgrade: websocket\r\n"
                          "Connection: Upgrade\r\n"
                          "Sec-WebSocket-Version: 13\r\n"
                          "Sec-WebSocket-Key: ",
                          key, "\r\n");
  for (size_t i = 0; i < options_.subprotocols.size(); ++i) {
    absl::StrAppend(&request_, i == 0 ? "Sec-WebSocket-Protocol: " : ", ",
                    options_.subprotocols[i]);
  }
  if (!options_.subprotocols.empty()) request_ += "\r\n";
  if (options_.deflate) {
    absl::StrAppend(&request_, "Sec-WebSocket-Extensions: ",
                    deflate_offer_text(*options_.deflate), "\r\n");
  }
  for (const auto& [name, value] : options_.headers) {
    absl::StrAppend(&request_, name, ": ", value, "\r\n");
  }
  request_ += "\r\n";
}

std::string WebSocketHandshake::quoted(std::string_view text) const {
  return has_query_ ? "(not quoted: the URL has a query)" : in_quotes(text);
}

WebSocketHandshake::State WebSocketHandshake::parse(const char* data,
                                                    size_t size,
                                                    absl::Status* status) {
  const std::string_view all(data, size);
  const auto failed = [&](const std::string& what) {
    *status = absl::InvalidArgumentError(absl::StrCat(where_, what));
    return State::kFailed;
  };
  // Something else than HTTP shows at once.
  const size_t prefix = std::min(size, kStatusLine.size());
  if (all.substr(0, prefix) != kStatusLine.substr(0, prefix)) {
    return failed(absl::StrCat("the response is not HTTP/1.1: ", quoted(all)));
  }
  for (size_t i = scanned_; i < size; ++i) {
    if (i >= options_.max_response_bytes) {
      return failed(absl::StrCat("the response's header is longer than ",
                                 options_.max_response_bytes, " bytes"));
    }
    if (data[i] == '\0') return failed("a NUL in the response's header");
    if (data[i] == '\n') {
      if (data[i - 1] != '\r') {
        return failed("a line of the response ends in LF without CR");
      }
      if (data[i - 2] == '\n') {
        response_bytes_ = i + 1;
        *status = judge(all.substr(0, i - 1), all.substr(i + 1));
        return status->ok() ? State::kDone : State::kFailed;
      }
    } else if (i > 0 && data[i - 1] == '\r') {
      return failed("a CR without LF in the response's header");
    }
  }
  scanned_ = size;
  return State::kNeedMore;
}

// `head` is the status line and the headers, each with its CRLF.
absl::Status WebSocketHandshake::judge(std::string_view head,
                                       std::string_view body) {
  const auto failed = [&](const std::string& what) {
    return absl::InvalidArgumentError(absl::StrCat(where_, what));
  };
  const size_t line_end = head.find("\r\n");
  const std::string_view line = head.substr(0, line_end);
  const std::string_view code = line.substr(kStatusLine.size(), 3);
  const bool well_formed =
      code.size() == 3 &&
      std::all_of(code.begin(), code.end(),
                  [](char c) { return c >= '0' && c <= '9'; }) &&
      (line.size() == kStatusLine.size() + 3 ||
       line[kStatusLine.size() + 3] == ' ');
  if (!well_formed) {
    return failed(absl::StrCat("a malformed status line: ", quoted(line)));
  }

  int accepts = 0;
  bool upgrade = false;
  bool connection = false;
  bool accepted = false;
  std::string location;
  for (std::string_view rest = head.substr(line_end + 2); !rest.empty();) {
    const size_t end = rest.find("\r\n");
    const std::string_view header = rest.substr(0, end);
    rest.remove_prefix(end + 2);
    const size_t colon = header.find(':');
    if (colon == 0 || colon == std::string_view::npos ||
        !std::all_of(header.begin(), header.begin() + colon, token_character)) {
      return failed(absl::StrCat("a malformed header: ", quoted(header)));
    }
    const absl::string_view name = absl_view(header.substr(0, colon));
    const absl::string_view value =
        absl::StripAsciiWhitespace(absl_view(header.substr(colon + 1)));
    if (absl::EqualsIgnoreCase(name, "Location")) {
      location = std::string(value);
    } else if (absl::EqualsIgnoreCase(name, "Upgrade")) {
      upgrade = upgrade || has_token(value, "websocket");
    } else if (absl::EqualsIgnoreCase(name, "Connection")) {
      connection = connection || has_token(value, "upgrade");
    } else if (absl::EqualsIgnoreCase(name, "Sec-WebSocket-Accept")) {
      ++accepts;
      accepted = value == absl_view(expected_accept_);
    } else if (code != "101") {
      continue;
    } else if (absl::EqualsIgnoreCase(name, "Sec-WebSocket-Extensions")) {
      const absl::Status judged = judge_extension({value.data(), value.size()});
      if (!judged.ok()) return judged;
    } else if (absl::EqualsIgnoreCase(name, "Sec-WebSocket-Protocol")) {
      const std::string chosen(value);
      if (!subprotocol_.empty() ||
          std::find(options_.subprotocols.begin(), options_.subprotocols.end(),
                    chosen) == options_.subprotocols.end()) {
        return failed(
            absl::StrCat("the server uses a subprotocol nobody asked for: ",
                         quoted(chosen)));
      }
      subprotocol_ = chosen;
    }
  }
  if (code != "101") {
    return absl::UnavailableError(absl::StrCat(
        where_, "the server refused the upgrade: ",
        has_query_ ? std::string(line.substr(0, kStatusLine.size() + 3))
                   : printable_text(line),
        location.empty() ? "" : ", it points to ", without_query(location),
        body.empty() ? "" : ", ", body.empty() ? "" : quoted(body)));
  }
  if (!upgrade) return failed("the response lacks \"Upgrade: websocket\"");
  if (!connection) return failed("the response lacks \"Connection: Upgrade\"");
  if (accepts != 1) {
    return failed(absl::StrCat("the response has ", accepts,
                               " Sec-WebSocket-Accept headers, not one"));
  }
  if (!accepted) {
    return failed("Sec-WebSocket-Accept does not belong to our key");
  }
  return absl::OkStatus();
}

absl::Status WebSocketHandshake::judge_extension(std::string_view value) {
  absl::Status judged;
  if (!options_.deflate || deflate_) {
    judged = absl::InvalidArgumentError(absl::StrCat(
        "the server uses ",
        deflate_ ? "a second extension" : "an extension nobody asked for", ": ",
        quoted(value)));
  } else {
    auto answer = parse_deflate_answer(*options_.deflate, value);
    if (answer.ok()) {
      deflate_ = *answer;
      return absl::OkStatus();
    }
    judged = answer.status();
  }
  return absl::InvalidArgumentError(absl::StrCat(where_, judged.message()));
}

}  // namespace wirebook
