// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// WebSocketHandshake: any response, whole and byte by byte, gets the same
// judgement, and only one that belongs to the key is taken.

#include <string>

#include "net/kernel_random.h"
#include "net/url.h"
#include "net/websocket_handshake.h"
#include "tools/build_defs/fuzz.h"

namespace {

using wirebook::WebSocketHandshake;
using State = WebSocketHandshake::State;

// Stands for the right Sec-WebSocket-Accept, which no fuzzer can guess.
const std::string kAccept = "@ACCEPT@";

std::string response(const std::string& headers) {
  return "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
         "Connection: Upgrade\r\nSec-WebSocket-Accept: " +
         kAccept + "\r\n" + headers + "\r\n";
}

}  // namespace

std::vector<std::string> fuzz_seeds() {
  return {
      response(""),
      response("Sec-WebSocket-Protocol: b\r\n") + "\x81\x01x",
      response("Sec-WebSocket-Extensions: permessage-deflate; "
               "server_no_context_takeover; client_max_window_bits=\"10\"\r\n"),
      "HTTP/1.1 301 Moved\r\nLocation: ws://x/\r\n\r\n",
      "HTTP/1.1 403 Forbidden\r\nContent-Length: 3\r\n\r\nno!",
  };
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static wirebook::KernelRandom random;
  static const wirebook::Url url = *wirebook::parse_url("ws://h/feed");
  const WebSocketHandshake begin(url,
                                 {.subprotocols = {"a", "b"},
                                  .deflate = wirebook::PermessageDeflateOffer{},
                                  .max_response_bytes = 1000},
                                 random);
  const std::string name = "Sec-WebSocket-Key: ";
  const size_t key = begin.request().find(name) + name.size();
  std::string input(reinterpret_cast<const char*>(data), size);
  const size_t at = input.find(kAccept);
  if (at != std::string::npos) {
    input.replace(at, kAccept.size(),
                  WebSocketHandshake::accept_for(
                      std::string_view(begin.request()).substr(key, 24)));
  }
  WebSocketHandshake whole = begin;
  absl::Status whole_status;
  const State state = whole.parse(input.data(), input.size(), &whole_status);
  FUZZ_CHECK((state == State::kFailed) == !whole_status.ok());
  FUZZ_CHECK(state != State::kDone || at != std::string::npos);
  FUZZ_CHECK(whole.response_bytes() <= input.size());
  FUZZ_CHECK(state != State::kNeedMore || input.size() <= 1000);

  WebSocketHandshake pieces = begin;
  absl::Status status;
  State last = State::kNeedMore;
  for (size_t n = 0; n <= input.size() && last == State::kNeedMore; ++n) {
    last = pieces.parse(input.data(), n, &status);
  }
  FUZZ_CHECK(last == state);
  if (state == State::kDone) {
    FUZZ_CHECK(pieces.response_bytes() == whole.response_bytes());
    FUZZ_CHECK(pieces.subprotocol() == whole.subprotocol());
    FUZZ_CHECK(pieces.deflate().has_value() == whole.deflate().has_value());
  }
  return 0;
}
