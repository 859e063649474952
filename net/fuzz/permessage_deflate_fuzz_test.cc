// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// MessageInflater: any payload, in pieces and rooms of any size, never leaves
// its room, comes to the same as in one piece, and what a deflater wrote comes
// back; and no answer of a server's breaks the negotiation.

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>

#include "net/permessage_deflate.h"
#include "net/testing/deflate_peer.h"
#include "tools/build_defs/fuzz.h"

namespace {

using namespace wirebook;  // NOLINT
using Result = MessageInflater::Result;

constexpr size_t kLimit = 300'000;

struct Outcome {
  bool good = false;
  std::string message;
};

Outcome inflate(MessageInflater& inflater, std::string_view payload,
                size_t piece, size_t room) {
  Outcome outcome;
  // As long as the room: a byte behind it is a sanitizer's.
  const std::unique_ptr<char[]> out(new char[room]);
  const auto drain = [&] {
    for (;;) {
      size_t written = 0;
      const Result result = inflater.inflate(out.get(), room, &written);
      FUZZ_CHECK(written <= room);
      outcome.message.append(out.get(), written);
      if (result == Result::kCorrupt) return false;
      if (outcome.message.size() > kLimit) return false;
      if (result == Result::kTaken) return true;
    }
  };
  for (size_t at = 0; at < payload.size(); at += piece) {
    inflater.feed(payload.data() + at, std::min(piece, payload.size() - at));
    if (!drain()) return outcome;
  }
  inflater.feed_end();
  outcome.good = drain();
  return outcome;
}

}  // namespace

// Two bytes say how it is cut; the rest is one message's payload.
std::vector<std::string> fuzz_seeds() {
  testing::DeflatePeer peer;
  const std::string text = "{\"price\":\"12.5\",\"price\":\"12.5\"}";
  return {
      "a\x01" + peer.deflate(text),
      "a\x07" + peer.deflate(text + text),
      "z\x21" + std::string("\xf3\x48\xcd\xc9\xc9\x07\x00\x00", 8),
      "z\xff" + std::string("\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00", 11),
      "b\x03" + testing::DeflatePeer().deflate(std::string(400'000, 'x')),
      "a\x01permessage-deflate; client_max_window_bits=10",
  };
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const std::string_view rest(reinterpret_cast<const char*>(data) + 2,
                              size - 2);
  const auto answer = parse_deflate_answer({}, rest);
  FUZZ_CHECK(!answer.ok() || (answer->server_max_window_bits >= 8 &&
                              answer->client_max_window_bits <= 15));

  const PermessageDeflateAgreement agreed = {
      .server_no_context_takeover = (data[0] & 1) != 0,
      .client_no_context_takeover = (data[0] & 1) != 0,
      .server_max_window_bits = 8 + (data[0] >> 1) % 8,
      .client_max_window_bits = 8 + (data[0] >> 1) % 8};
  static MessageInflater whole, cut;
  static MessageDeflater deflater;
  FUZZ_CHECK(whole.start(agreed).ok());
  FUZZ_CHECK(cut.start(agreed).ok());
  const Outcome one = inflate(whole, rest, size, 100'000);
  const Outcome two = inflate(cut, rest, 1 + data[1] % 16, 1 + data[1] * 16);
  FUZZ_CHECK(one.good == two.good);
  if (one.good) FUZZ_CHECK(one.message == two.message);

  // Whatever the bytes are, they survive the way there and back.
  FUZZ_CHECK(deflater.start(agreed).ok());
  FUZZ_CHECK(whole.start(agreed).ok());
  for (int i = 0; i < 2; ++i) {
    std::string payload(MessageDeflater::bound(rest.size()), '\0');
    payload.resize(deflater.deflate(rest, payload.data()));
    const Outcome back = inflate(whole, payload, size, 100'000);
    FUZZ_CHECK(back.good ? back.message == rest : rest.size() > kLimit);
  }
  return 0;
}
