// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "net/permessage_deflate.h"

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "memory/allocation_counter.h"
#include "net/testing/deflate_peer.h"

namespace wirebook {
namespace {

using std::string_literals::operator""s;
using testing::DeflatePeer;
using ::testing::HasSubstr;
using Result = MessageInflater::Result;

// The message of a payload, "corrupt" or "too long", in rooms of `room` bytes
// and fed in pieces of `piece`.
std::string inflate(MessageInflater& inflater, std::string_view payload,
                    size_t room = 1 << 16, size_t piece = 1 << 16,
                    size_t limit = 1 << 24) {
  std::string message;
  std::vector<char> buffer(room);
  const auto run = [&] {
    for (;;) {
      size_t written = 0;
      const Result result = inflater.inflate(buffer.data(), room, &written);
      message.append(buffer.data(), written);
      if (message.size() > limit) return "too long";
      if (result == Result::kCorrupt) return "corrupt";
      if (result == Result::kTaken) return "";
    }
  };
  for (size_t at = 0; at < payload.size(); at += piece) {
    inflater.feed(payload.data() + at, std::min(piece, payload.size() - at));
    const std::string error = run();
    if (!error.empty()) return error;
  }
  inflater.feed_end();
  const std::string error = run();
  return error.empty() ? message : error;
}

std::string deflate(MessageDeflater& deflater, std::string_view message) {
  std::string out(MessageDeflater::bound(message.size()), '\0');
  out.resize(deflater.deflate(message, out.data()));
  return out;
}

std::string json(size_t size, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::string text;
  while (text.size() < size) {
    text += "{\"price\":\"" + std::to_string(random() % 100'000) +
            "\",\"quantity\":" + std::to_string(random() % 100) + "},";
  }
  text.resize(size);
  return text;
}

TEST(PermessageDeflateTest, BothEndsUnderstandEachOther) {
  MessageDeflater deflater;
  MessageInflater inflater;
  ASSERT_TRUE(deflater.start({}).ok());
  ASSERT_TRUE(inflater.start({}).ok());
  for (const size_t size : {0, 1, 5, 100, 70'000, 0, 0, 3}) {
    const std::string text = json(size, 1);
    const std::string payload = deflate(deflater, text);
    EXPECT_EQ(inflate(inflater, payload), text) << size;
  }
}

// RFC 7692, section 7.2.3: the same "Hello" in every form.
TEST(PermessageDeflateTest, TheRfcsExamples) {
  MessageInflater inflater;
  for (const std::string& payload :
       {"\xf2\x48\xcd\xc9\xc9\x07\x00"s,                             // 7.2.3.1
        "\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00"s,             // 7.2.3.3
        "\xf3\x48\xcd\xc9\xc9\x07\x00\x00"s,                         // 7.2.3.4
        "\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00"s}) {  // 7.2.3.5
    for (const size_t room : {1, 2, 100}) {
      for (const size_t piece : {1, 3, 100}) {
        ASSERT_TRUE(inflater.start({}).ok());
        EXPECT_EQ(inflate(inflater, payload, room, piece), "Hello");
        // 7.2.3.2: the window of the message before; after a last block too.
        EXPECT_EQ(inflate(inflater, "\xf2\x00\x11\x00\x00"s, room, piece),
                  "Hello");
        // 7.2.3.6
        EXPECT_EQ(inflate(inflater, "\x00"s, room, piece), "");
      }
    }
  }
  ASSERT_TRUE(inflater.start({.server_no_context_takeover = true}).ok());
  EXPECT_EQ(inflate(inflater, "\xf2\x48\xcd\xc9\xc9\x07\x00"s), "Hello");
  EXPECT_EQ(inflate(inflater, "\xf2\x00\x11\x00\x00"s), "corrupt")
      << "nothing to look back at";
  // A last block that takes the tail for its own is whole as well.
  ASSERT_TRUE(inflater.start({}).ok());
  EXPECT_EQ(inflate(inflater, "\x01"s), "");
}

TEST(PermessageDeflateTest, EveryWindowBothWaysWithAndWithoutContext) {
  for (int bits = 8; bits <= 15; ++bits) {
    for (const bool plain : {false, true}) {
      SCOPED_TRACE(bits * 10 + plain);
      const PermessageDeflateAgreement agreed = {
          .server_no_context_takeover = plain,
          .client_no_context_takeover = plain,
          .server_max_window_bits = bits,
          .client_max_window_bits = bits,
          .level = 9};
      DeflatePeer peer({.send_window_bits = std::max(bits, 9),
                        .send_no_context_takeover = plain,
                        .receive_window_bits = bits,
                        .receive_no_context_takeover = plain});
      MessageDeflater deflater;
      MessageInflater inflater;
      ASSERT_TRUE(deflater.start(agreed).ok());
      ASSERT_TRUE(inflater.start(agreed).ok());
      std::vector<size_t> sizes;
      for (int i = 0; i < 6; ++i) {
        // Much to look back at, far and near.
        const std::string text = json(3000, 7) + json(40'000, 8);
        const std::string payload = deflate(deflater, text);
        sizes.push_back(payload.size());
        EXPECT_TRUE(peer.inflate(payload) == text);
        EXPECT_TRUE(inflate(inflater, peer.deflate(text), 1000) == text);
      }
      const std::string small = json(200, 9);
      const size_t first = deflate(deflater, small).size();
      const size_t second = deflate(deflater, small).size();
      EXPECT_EQ(second < first, !plain) << first << " " << second;
    }
  }
}

TEST(PermessageDeflateTest, WhatIsNotDeflateIsCorrupt) {
  MessageInflater inflater;
  DeflatePeer peer;
  const std::string text = json(5000, 3);
  const std::string payload = peer.deflate(text);
  // Cut anywhere: an error, or output that is a part of the message.
  int corrupt = 0;
  for (size_t cut = 0; cut < payload.size(); ++cut) {
    ASSERT_TRUE(inflater.start({}).ok());
    corrupt += inflate(inflater, payload.substr(0, cut)) == "corrupt";
  }
  EXPECT_GT(corrupt, static_cast<int>(payload.size() / 2));
  ASSERT_TRUE(inflater.start({}).ok());
  EXPECT_EQ(inflate(inflater, "\xff\xff\xff\xff"), "corrupt");
  ASSERT_TRUE(inflater.start({}).ok());
  EXPECT_EQ(inflate(inflater, "\x00\xff\x00\x00\xff"s), "corrupt")
      << "the tail inside a stored block";
}

// 64 MiB of zeros in 64 KiB: never more than there is room for.
TEST(PermessageDeflateTest, ABombStopsAtTheLimit) {
  DeflatePeer peer({.level = 9});
  const std::string bomb = peer.deflate(std::string(64 << 20, '\0'));
  EXPECT_LT(bomb.size(), 100'000u);
  MessageInflater inflater;
  ASSERT_TRUE(inflater.start({}).ok());
  EXPECT_EQ(inflate(inflater, bomb, 1000, 100, 1'000'000), "too long");
  // Many last blocks, each a new beginning: linear all the same.
  ASSERT_TRUE(inflater.start({}).ok());
  std::string blocks;
  for (int i = 0; i < 100'000; ++i) blocks += "\x03\x00"s;
  EXPECT_EQ(inflate(inflater, blocks + "\x00"s), "");
}

TEST(PermessageDeflateTest, AllocatesInStartOnly) {
  const std::string text = json(40'000, 5);
  DeflatePeer peer;
  const std::string one = peer.deflate(text), two = peer.deflate(text);
  MessageInflater inflater;
  MessageDeflater deflater;
  std::vector<char> room(100'000);
  size_t size = 0;
  ASSERT_TRUE(inflater.start({}).ok());
  ASSERT_TRUE(deflater.start({}).ok());
  const uint64_t before = thread_allocations();
  for (const std::string& payload : {std::cref(one), std::cref(two)}) {
    inflater.feed(payload.data(), payload.size());
    ASSERT_EQ(inflater.inflate(room.data(), room.size(), &size),
              Result::kTaken);
    inflater.feed_end();
    ASSERT_EQ(inflater.inflate(room.data(), room.size(), &size),
              Result::kTaken);
    deflater.deflate(text, room.data());
  }
  // Of a new connection's, what is the same as before.
  ASSERT_TRUE(inflater.start({}).ok());
  ASSERT_TRUE(deflater.start({}).ok());
  EXPECT_EQ(thread_allocations(), before);
  // Another window is other memory.
  ASSERT_TRUE(deflater.start({.client_max_window_bits = 10}).ok());
  EXPECT_EQ(inflate(inflater, deflate(deflater, text)), text);
}

TEST(PermessageDeflateTest, RandomBytesNeverWriteBeyondTheRoom) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  MessageInflater inflater;
  for (int i = 0; i < 2000; ++i) {
    ASSERT_TRUE(inflater.start({}).ok());
    std::string payload = DeflatePeer().deflate(json(random() % 500, random()));
    payload[random() % payload.size()] = static_cast<char>(random());
    inflate(inflater, payload, 1 + random() % 100, 1 + random() % 100, 100'000);
  }
}

// ---- Negotiation

TEST(PermessageDeflateTest, OffersSayWhatIsAskedFor) {
  EXPECT_EQ(deflate_offer_text({}),
            "permessage-deflate; client_max_window_bits");
  EXPECT_EQ(deflate_offer_text({.server_no_context_takeover = true,
                                .client_no_context_takeover = true,
                                .server_max_window_bits = 9,
                                .client_max_window_bits = 10}),
            "permessage-deflate; server_no_context_takeover; "
            "client_no_context_takeover; server_max_window_bits=9; "
            "client_max_window_bits=10");
  EXPECT_TRUE(check_deflate_offer({}).ok());
  EXPECT_FALSE(check_deflate_offer({.server_max_window_bits = 7}).ok());
  EXPECT_FALSE(check_deflate_offer({.client_max_window_bits = 16}).ok());
  EXPECT_FALSE(check_deflate_offer({.level = 0}).ok());
}

TEST(PermessageDeflateTest, AnswersThatAgree) {
  const auto plain = parse_deflate_answer({}, "permessage-deflate");
  ASSERT_TRUE(plain.ok());
  EXPECT_FALSE(plain->server_no_context_takeover);
  EXPECT_EQ(plain->server_max_window_bits, 15);
  EXPECT_EQ(plain->client_max_window_bits, 15);
  // What the server may add on its own; a value in quotes; spaces.
  const auto all = parse_deflate_answer(
      {},
      " permessage-deflate ;server_no_context_takeover; "
      "client_no_context_takeover ; server_max_window_bits = \"8\";"
      "client_max_window_bits=10");
  ASSERT_TRUE(all.ok()) << all.status();
  EXPECT_TRUE(all->server_no_context_takeover);
  EXPECT_TRUE(all->client_no_context_takeover);
  EXPECT_EQ(all->server_max_window_bits, 8);
  EXPECT_EQ(all->client_max_window_bits, 10);
  // What we said of ourselves holds in any case.
  const auto ours = parse_deflate_answer(
      {.client_no_context_takeover = true, .client_max_window_bits = 11},
      "permessage-deflate");
  ASSERT_TRUE(ours.ok());
  EXPECT_TRUE(ours->client_no_context_takeover);
  EXPECT_EQ(ours->client_max_window_bits, 11);
}

TEST(PermessageDeflateTest, AnswersThatDoNotAreRefusedWithAReason) {
  const auto refusal = [](const PermessageDeflateOffer& offer,
                          const std::string& parameters) {
    return parse_deflate_answer(offer, "permessage-deflate" + parameters)
        .status()
        .ToString();
  };
  EXPECT_THAT(
      parse_deflate_answer({}, "x-webkit-deflate-frame").status().ToString(),
      HasSubstr("nobody asked"));
  EXPECT_THAT(refusal({}, ", permessage-deflate"), HasSubstr("more than one"));
  EXPECT_THAT(refusal({}, "; unknown=1"), HasSubstr("\"unknown\" is unknown"));
  EXPECT_THAT(refusal({}, ";"), HasSubstr("unknown"));
  EXPECT_THAT(refusal({}, "; server_no_context_takeover=1"),
              HasSubstr("has a value"));
  EXPECT_THAT(refusal({},
                      "; client_no_context_takeover"
                      "; client_no_context_takeover"),
              HasSubstr("twice"));
  EXPECT_THAT(refusal({},
                      "; server_max_window_bits=9"
                      "; server_max_window_bits=9"),
              HasSubstr("twice"));
  for (const char* bits : {"", "=", "=7", "=16", "=08", "=1", "=9x", "=\"9"}) {
    EXPECT_THAT(refusal({}, std::string("; server_max_window_bits") + bits),
                HasSubstr("is not 8 to 15"))
        << bits;
  }
  EXPECT_THAT(refusal({.server_no_context_takeover = true}, ""),
              HasSubstr("lacks server_no_context_takeover"));
  EXPECT_THAT(refusal({.server_max_window_bits = 10}, ""),
              HasSubstr("lacks server_max_window_bits"));
  EXPECT_THAT(
      refusal({.server_max_window_bits = 10}, "; server_max_window_bits=11"),
      HasSubstr("more than asked for"));
  EXPECT_THAT(
      refusal({.client_max_window_bits = 10}, "; client_max_window_bits=11"),
      HasSubstr("more than was offered"));
}

}  // namespace
}  // namespace wirebook
