// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// WebSocketFrameParser: any stream comes to the same, whole or byte by byte,
// and no event reaches beyond its bytes.

#include <memory>
#include <string>
#include <string_view>

#include "net/testing/scripted_server.h"
#include "net/websocket_frame_parser.h"
#include "tools/build_defs/fuzz.h"

namespace {

using namespace wirebook;  // NOLINT
using testing::close_frame;
using testing::server_frame;

struct Outcome {
  std::string messages;  // each with its opcode
  WebSocketError error = WebSocketError::kNone;
  uint16_t close_code = 0;
  bool operator==(const Outcome&) const = default;
};

// The stream in steps of `step` bytes, each time copied to memory that ends
// where the bytes end, so that a sanitizer sees what is read behind them.
Outcome run(std::string_view stream, size_t step,
            const WebSocketFrameParserOptions& options, bool compression) {
  WebSocketFrameParser parser(options);
  if (compression) parser.set_compression();
  Outcome outcome;
  WebSocketFrame frame;
  size_t at = 0;
  for (size_t end = 0;; end = std::min(end + step, stream.size())) {
    for (;;) {
      const size_t size = end - at;
      const std::unique_ptr<char[]> bytes(new char[size]);
      stream.copy(bytes.get(), size, at);
      const WebSocketEvent event = parser.next(bytes.get(), size, &frame);
      if (event == WebSocketEvent::kNeedMore) {
        FUZZ_CHECK(parser.wanted() > size);
        break;
      }
      if (event == WebSocketEvent::kError) {
        outcome.error = frame.error;
        outcome.close_code = frame.close_code;
        return outcome;
      }
      FUZZ_CHECK(frame.consumed <= size);
      FUZZ_CHECK(frame.consumed != 0);
      FUZZ_CHECK(frame.payload >= bytes.get());
      FUZZ_CHECK(frame.payload + frame.size <= bytes.get() + frame.consumed);
      FUZZ_CHECK(!frame.compressed || compression ||
                 event != WebSocketEvent::kFragment);
      outcome.messages.append(frame.payload, frame.size);
      const bool part = event == WebSocketEvent::kFragment && !frame.last;
      if (!part) {
        outcome.messages +=
            static_cast<char>('0' + static_cast<int>(frame.opcode));
      }
      if (event == WebSocketEvent::kClose) {
        outcome.close_code = frame.close_code;
        return outcome;
      }
      at += frame.consumed;
    }
    if (end == stream.size()) return outcome;
  }
}

}  // namespace

// The first byte says how the parser is set up.
std::vector<std::string> fuzz_seeds() {
  const std::string euro = "\xe2\x82\xac";
  return {
      "a" + server_frame(0x1, "text") + server_frame(0x2, "\xff\xfe") +
          server_frame(0x9, "ping") + close_frame(1000, "bye"),
      "a" + server_frame(0x1, "a" + euro.substr(0, 1), false) +
          server_frame(0xa, "pong") + server_frame(0x0, euro.substr(1)),
      "b" + server_frame(0x41, "deflated") + server_frame(0x42, "x", false) +
          server_frame(0x0, "y"),
      "d" + server_frame(0x1, std::string(130, 'z') + euro),
      "d" + server_frame(0x2, std::string(66'000, 'b')),
      "a" + std::string("\x82\x7f\0\0\1\0\0\0\0\0", 10),
  };
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view stream(reinterpret_cast<const char*>(data) + 1,
                                size - 1);
  WebSocketFrameParserOptions options;
  options.max_message = 100'000;
  const bool compression = (data[0] & 2) != 0;
  const Outcome whole = run(stream, stream.size() + 1, options, compression);
  // Quadratic: only what is short, or in few steps.
  const size_t step = stream.size() < 300 ? 1 : stream.size() / 7 + 1;
  FUZZ_CHECK(run(stream, step, options, compression) == whole);
  // In parts the same messages as far as they go, but for text that turns out
  // to be wrong before its frame has ended.
  options.max_whole_frame = (data[0] & 4) != 0 ? 100 : 7;
  const Outcome parts = run(stream, step, options, compression);
  FUZZ_CHECK(parts.error == whole.error);
  FUZZ_CHECK(parts.messages.size() >= whole.messages.size() ||
             whole.error != WebSocketError::kNone);
  return 0;
}
