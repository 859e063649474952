// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "net/tls_record_opener.h"

#include <random>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "net/testing/opener_differential.h"

namespace wirebook {
namespace {

using testing::compare_opener_with_openssl;
using testing::handshake_message;
using testing::RecordSealer;
using testing::ticket_message;

constexpr uint16_t kSuites[] = {0x1301, 0x1302, 0x1303};

std::span<const unsigned char> span_of(const std::string& text) {
  return {reinterpret_cast<const unsigned char*>(text.data()), text.size()};
}

std::string from_hex(std::string_view hex) {
  std::string result;
  for (size_t i = 0; i < hex.size();) {
    if (hex[i] == ' ') {
      ++i;
      continue;
    }
    result.push_back(static_cast<char>(
        std::stoi(std::string(hex.substr(i, 2)), nullptr, 16)));
    i += 2;
  }
  return result;
}

// An opener and a sealer of the same secret.
class TlsRecordOpenerTest : public ::testing::TestWithParam<uint16_t> {
 protected:
  TlsRecordOpenerTest()
      : sealer(GetParam(),
               std::string(TlsRecordOpener::secret_bytes(GetParam()), 's')) {
    EXPECT_TRUE(opener.start(GetParam(), span_of(sealer.secret()), 0));
  }
  TlsRecordEvent open(std::string record) {
    last = std::move(record);
    return opener.open(last.data(), last.size(), &out);
  }
  // The error, kNone if there was none.
  TlsRecordError error_of(std::string record) {
    return open(std::move(record)) == TlsRecordEvent::kError
               ? out.error
               : TlsRecordError::kNone;
  }
  std::string data() const { return {out.data, out.size}; }

  RecordSealer sealer;
  TlsRecordOpener opener;
  std::string last;
  TlsRecord out;
};

INSTANTIATE_TEST_SUITE_P(Suites, TlsRecordOpenerTest,
                         ::testing::ValuesIn(kSuites));

TEST_P(TlsRecordOpenerTest, OpensRecordsInPlace) {
  for (const std::string text : {"hello", "world", "!"}) {
    ASSERT_EQ(open(sealer.seal(text, 23)), TlsRecordEvent::kData);
    EXPECT_EQ(data(), text);
    EXPECT_EQ(out.data, last.data() + kTlsHeaderBytes);
  }
}

// RFC 8448, section 3: the server's application data, its second record.
TEST(TlsRecordOpenerVectorTest, Rfc8448) {
  const std::string secret = from_hex(
      "a1 1a f9 f0 55 31 f8 56 ad 47 11 6b 45 a9 50 32 82 04 b4 f4 4b fb 6b 3a"
      " 4b 4f 1f 3f cb 63 16 43");
  std::string record = from_hex(
      "17 03 03 00 43 2e 93 7e 11 ef 4a c7 40 e5 38 ad 36 00 5f c4 a4 69 32 fc"
      " 32 25 d0 5f 82 aa 1b 36 e3 0e fa f9 7d 90 e6 df fc 60 2d cb 50 1a 59 a8"
      " fc c4 9c 4b f2 e5 f0 a2 1c 00 47 c2 ab f3 32 54 0d d0 32 e1 67 c2 95"
      " 5d");
  TlsRecordOpener opener;
  ASSERT_TRUE(opener.start(0x1301, span_of(secret), 1));
  TlsRecord out;
  ASSERT_EQ(opener.open(record.data(), record.size(), &out),
            TlsRecordEvent::kData)
      << tls_record_error_text(out.error);
  ASSERT_EQ(out.size, 50u);
  for (size_t i = 0; i < out.size; ++i) EXPECT_EQ(out.data[i], char(i));
}

TEST_P(TlsRecordOpenerTest, RecordsOfEverySize) {
  for (size_t size = 1; size < 600; ++size) {
    const std::string text(size, static_cast<char>('a' + size % 26));
    ASSERT_EQ(open(sealer.seal(text, 23)), TlsRecordEvent::kData);
    ASSERT_EQ(data(), text);
  }
  const std::string longest(kTlsMaxPlainBytes, 'x');
  ASSERT_EQ(open(sealer.seal(longest, 23)), TlsRecordEvent::kData);
  EXPECT_EQ(data(), longest);
  EXPECT_EQ(error_of(sealer.seal(longest + "x", 23)),
            TlsRecordError::kPlainTooLong);
}

TEST_P(TlsRecordOpenerTest, PaddingIsTakenOff) {
  ASSERT_EQ(open(sealer.seal(std::string("text\x17") + std::string(255, '\0'))),
            TlsRecordEvent::kData);
  EXPECT_EQ(data(), "text");
  ASSERT_EQ(open(sealer.seal(std::string("zero\0\x17\0", 7))),
            TlsRecordEvent::kData);
  EXPECT_EQ(data(), std::string("zero\0", 5));
  EXPECT_EQ(error_of(sealer.seal(std::string(20, '\0'))),
            TlsRecordError::kNoContentType);
}

TEST_P(TlsRecordOpenerTest, TheSequenceGoesOnFromWhereItIsTold) {
  for (int i = 0; i < 300; ++i) sealer.seal("before", 23);
  TlsRecordOpener later;
  ASSERT_TRUE(later.start(GetParam(), span_of(sealer.secret()), 300));
  std::string record = sealer.seal("three hundred", 23);
  ASSERT_EQ(later.open(record.data(), record.size(), &out),
            TlsRecordEvent::kData);
  EXPECT_EQ(data(), "three hundred");
}

TEST_P(TlsRecordOpenerTest, EveryFlippedBitIsSeen) {
  const std::string good = sealer.seal("text", 23);
  for (size_t bit = 0; bit < 8 * good.size(); ++bit) {
    std::string bad = good;
    bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ 1 << bit % 8);
    TlsRecordOpener fresh;
    ASSERT_TRUE(fresh.start(GetParam(), span_of(sealer.secret()), 0));
    // The length's bytes are the caller's to have believed.
    if (bit / 8 == 3 || bit / 8 == 4) bad.resize(good.size());
    EXPECT_EQ(fresh.open(bad.data(), bad.size(), &out), TlsRecordEvent::kError)
        << "bit " << bit;
  }
}

TEST_P(TlsRecordOpenerTest, WhatIsNoProtectedRecordIsRefused) {
  const std::string good = sealer.seal("text", 23);
  const auto with = [&](size_t at, char byte) {
    std::string record = good;
    record[at] = byte;
    return error_of(record);
  };
  EXPECT_EQ(with(0, 20), TlsRecordError::kNotProtected);
  EXPECT_EQ(with(0, 22), TlsRecordError::kNotProtected);
  EXPECT_EQ(with(1, 2), TlsRecordError::kWrongVersion);
  EXPECT_EQ(with(2, 1), TlsRecordError::kWrongVersion);
  EXPECT_EQ(error_of(good.substr(0, 21)), TlsRecordError::kBadRecordMac);
  EXPECT_EQ(error_of(std::string("\x17\x03\x03\x41\x01", 5) +
                     std::string(kTlsMaxProtectedBytes + 1, 'x')),
            TlsRecordError::kTooLong);
}

TEST_P(TlsRecordOpenerTest, UnknownContentTypesAreRefused) {
  EXPECT_EQ(error_of(sealer.seal("x", 20)),
            TlsRecordError::kUnknownContentType);
  EXPECT_EQ(error_of(sealer.seal("x", 99)),
            TlsRecordError::kUnknownContentType);
}

TEST_P(TlsRecordOpenerTest, AlertsAreTold) {
  EXPECT_EQ(open(sealer.seal(std::string("\1\x5a", 2), 21)),
            TlsRecordEvent::kNothing)
      << "user_canceled";
  EXPECT_EQ(open(sealer.seal(std::string("\2\x28", 2), 21)),
            TlsRecordEvent::kAlert);
  EXPECT_EQ(out.alert, 40);
  EXPECT_EQ(open(sealer.seal(std::string("\1\0", 2), 21)),
            TlsRecordEvent::kCloseNotify);
  EXPECT_EQ(error_of(sealer.seal(std::string("\1\0\0", 3), 21)),
            TlsRecordError::kBadAlert);
  EXPECT_EQ(error_of(sealer.seal("", 21)), TlsRecordError::kEmptyMessage);
}

TEST_P(TlsRecordOpenerTest, TicketsAreReadOver) {
  const std::string ticket = ticket_message();
  EXPECT_EQ(open(sealer.seal(ticket + ticket, 22)), TlsRecordEvent::kNothing);
  for (const char byte : ticket) {
    EXPECT_EQ(open(sealer.seal({&byte, 1}, 22)), TlsRecordEvent::kNothing);
  }
  EXPECT_EQ(open(sealer.seal("data", 23)), TlsRecordEvent::kData);
  EXPECT_EQ(open(sealer.seal(ticket.substr(0, 6), 22)),
            TlsRecordEvent::kNothing);
  EXPECT_EQ(error_of(sealer.seal("data", 23)),
            TlsRecordError::kHandshakeInterrupted);
}

TEST_P(TlsRecordOpenerTest, OtherHandshakeMessagesAreRefused) {
  EXPECT_EQ(error_of(sealer.seal("", 22)), TlsRecordError::kEmptyMessage);
  EXPECT_EQ(error_of(sealer.seal(handshake_message(13, "x"), 22)),
            TlsRecordError::kUnknownHandshake);
}

TEST_P(TlsRecordOpenerTest, ATicketThatIsTooLongIsRefused) {
  EXPECT_EQ(error_of(sealer.seal(std::string("\4\0\x40\1", 4), 22)),
            TlsRecordError::kHandshakeTooLong);
}

TEST_P(TlsRecordOpenerTest, KeyUpdateChangesTheKeys) {
  for (const char request : {'\0', '\1', '\1'}) {
    EXPECT_EQ(open(sealer.seal(handshake_message(24, {&request, 1}), 22)),
              request == 1 ? TlsRecordEvent::kKeyUpdateRequested
                           : TlsRecordEvent::kKeyUpdate);
    sealer.update();
    ASSERT_EQ(open(sealer.seal("new keys", 23)), TlsRecordEvent::kData);
    EXPECT_EQ(data(), "new keys");
  }
  // In two records, the second a part with the value.
  EXPECT_EQ(open(sealer.seal(std::string("\x18\0\0\1", 4), 22)),
            TlsRecordEvent::kNothing);
  EXPECT_EQ(open(sealer.seal(std::string("\0", 1), 22)),
            TlsRecordEvent::kKeyUpdate);
  // Under the old keys.
  EXPECT_EQ(error_of(sealer.seal("old keys", 23)),
            TlsRecordError::kBadRecordMac);
}

TEST_P(TlsRecordOpenerTest, WrongKeyUpdatesAreRefused) {
  EXPECT_EQ(error_of(sealer.seal(handshake_message(24, "\2"), 22)),
            TlsRecordError::kBadKeyUpdate);
}

TEST_P(TlsRecordOpenerTest, AKeyUpdateOfAnotherLengthIsRefused) {
  EXPECT_EQ(error_of(sealer.seal(handshake_message(24, "\1\1"), 22)),
            TlsRecordError::kBadKeyUpdate);
}

TEST_P(TlsRecordOpenerTest, AKeyUpdateIsTheEndOfItsRecord) {
  EXPECT_EQ(
      error_of(sealer.seal(
          handshake_message(24, std::string(1, '\0')) + ticket_message(), 22)),
      TlsRecordError::kKeyUpdateNotLast);
}

TEST_P(TlsRecordOpenerTest, RecordsWithoutDataAreBounded) {
  for (int round = 0; round < 2; ++round) {
    for (uint32_t i = 0; i < kTlsMaxQuietRecords; ++i) {
      ASSERT_EQ(open(sealer.seal("", 23)), TlsRecordEvent::kData);
      ASSERT_EQ(out.size, 0u);
    }
    if (round == 0) {
      ASSERT_EQ(open(sealer.seal("x", 23)), TlsRecordEvent::kData);
    }
  }
  EXPECT_EQ(error_of(sealer.seal("", 23)),
            TlsRecordError::kTooManyQuietRecords);
}

TEST(TlsRecordOpenerStartTest, UnknownSuitesAndWrongSecretsAreRefused) {
  TlsRecordOpener opener;
  const std::string secret(32, 's');
  EXPECT_EQ(TlsRecordOpener::secret_bytes(0x1304), 0u);
  EXPECT_FALSE(opener.start(0x1304, span_of(secret), 0));
  EXPECT_FALSE(opener.start(0x1302, span_of(secret), 0));
  EXPECT_FALSE(opener.started());
  EXPECT_TRUE(opener.start(0x1301, span_of(secret), 0));
  EXPECT_TRUE(opener.started());
  opener.stop();
  EXPECT_FALSE(opener.started());
}

TEST(TlsRecordErrorTest, EachHasATextOfItsOwn) {
  std::vector<std::string> texts;
  for (int i = 0; i <= static_cast<int>(TlsRecordError::kKeysFailed); ++i) {
    texts.push_back(tls_record_error_text(static_cast<TlsRecordError>(i)));
    EXPECT_THAT(texts, ::testing::Contains(texts.back()).Times(1));
  }
}

TEST_P(TlsRecordOpenerTest, TakesAndRefusesWhatOpensslDoes) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  for (int i = 0; i < 100; ++i) {
    std::vector<uint8_t> script(1 + random() % 60);
    for (uint8_t& byte : script) byte = static_cast<uint8_t>(random());
    ASSERT_EQ(
        compare_opener_with_openssl(GetParam(), script.data(), script.size()),
        "")
        << "script " << i << ": " << ::testing::PrintToString(script);
  }
}

}  // namespace
}  // namespace wirebook
