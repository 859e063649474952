// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// Against OpenSSL's server in memory, so that every byte's arrival is the
// test's. Over sockets: websocket_reader_tls_test.

#include "net/tls_stream.h"

#include <openssl/err.h>

#include <algorithm>
#include <memory>
#include <random>
#include <string>
#include <utility>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "net/testing/certificates.h"
#include "net/testing/opener_differential.h"
#include "net/testing/tls_server.h"

namespace wirebook {
namespace {

using Result = TlsStream::Result;
using ::testing::HasSubstr;
using testing::RecordSealer;

const testing::Identity& identity() {
  static const auto* const made =
      new testing::Identity(testing::TestAuthority().issue());
  return *made;
}

struct Output final : TlsOutput {
  bool send_records(std::string_view records) noexcept override {
    if (full) return false;
    sent.append(records);
    return true;
  }
  std::string sent;
  bool full = false;
};

struct Choice {
  const char* name;
  int version;
  bool opener;
};

class TlsStreamTest : public ::testing::TestWithParam<Choice> {
 protected:
  void SetUp() override { build(GetParam().version, GetParam().opener); }

  void build(int version, bool opener, size_t tickets = 0) {
    pool = *RawMessagePool::create({});
    slab = *pool->add_slab(4);
    context = testing::make_server_context(
        identity(), {.version = version, .set_up = [&](SSL_CTX* made) {
                       SSL_CTX_set_num_tickets(made, tickets);
                       SSL_CTX_set_keylog_callback(made, on_key_log);
                     }});
    server.reset(SSL_new(context.get()));
    SSL_set_app_data(server.get(), this);
    from_client = BIO_new(BIO_s_mem());
    to_client = BIO_new(BIO_s_mem());
    SSL_set_bio(server.get(), from_client, to_client);
    SSL_set_accept_state(server.get());
    auto made = TlsContext::create({.verify = false, .record_opener = opener});
    ASSERT_TRUE(made.ok()) << made.status();
    tls = std::make_unique<TlsStream>(*made, "localhost", 443, &output);
  }

  static void on_key_log(const SSL* ssl, const char* line) {
    const std::string_view text(line);
    if (!text.starts_with("SERVER_TRAFFIC_SECRET_0 ")) return;
    std::string& secret =
        static_cast<TlsStreamTest*>(SSL_get_app_data(ssl))->secret;
    const std::string hex(text.substr(text.rfind(' ') + 1));
    for (size_t i = 0; i < hex.size(); i += 2) {
      secret.push_back(
          static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16)));
    }
  }

  // What the client has sent goes to the server, whose answer is returned.
  std::string answer() {
    BIO_write(from_client, output.sent.data(),
              static_cast<int>(output.sent.size()));
    output.sent.clear();
    if (!SSL_is_init_finished(server.get())) SSL_do_handshake(server.get());
    return taken();
  }
  std::string taken() {
    std::string result(BIO_ctrl_pending(to_client), '\0');
    BIO_read(to_client, result.data(), static_cast<int>(result.size()));
    return result;
  }
  std::string sealed(std::string_view text) {
    SSL_write(server.get(), text.data(), static_cast<int>(text.size()));
    return taken();
  }
  void feed(std::string_view bytes) {
    while (!bytes.empty()) {
      const size_t n = std::min(bytes.size(), slab->writable_bytes());
      ASSERT_NE(n, 0u) << "the slab is full";
      std::copy_n(bytes.data(), n, slab->write_pointer());
      slab->commit(n);
      bytes.remove_prefix(n);
    }
  }
  // The handshake, whose answers arrive in pieces.
  void connect(size_t piece = SIZE_MAX) {
    Result result = tls->start(slab);
    while (result == Result::kNeedMore) {
      std::string bytes = answer();
      ASSERT_FALSE(bytes.empty());
      for (size_t at = 0; at < bytes.size() && result == Result::kNeedMore;
           at += std::min(piece, bytes.size() - at)) {
        feed(std::string_view(bytes).substr(at, piece));
        result = tls->handshake();
      }
    }
    ASSERT_EQ(result, Result::kOk) << tls->status();
    answer();
    ASSERT_EQ(tls->take_over(), GetParam().opener);
    window = {tls->record_position(), tls->record_position()};
  }
  Result read(uint64_t wanted = 1) { return tls->read(&window, wanted); }
  std::string text() const {
    return {slab->at(window.begin),
            static_cast<size_t>(window.end - window.begin)};
  }
  void use(size_t n) {
    window.begin += n;
    slab->set_parse_position(window.begin);
  }
  // All that is to be had, of which nothing is kept.
  std::string drain() {
    std::string result;
    while (read() == Result::kOk) {
      result += text();
      use(text().size());
    }
    return result;
  }

  std::unique_ptr<RawMessagePool> pool;
  RawMessageSlab* slab = nullptr;
  testing::OpensslPtr<SSL_CTX> context;
  testing::OpensslPtr<SSL> server;
  BIO* from_client = nullptr;
  BIO* to_client = nullptr;
  std::string secret;
  Output output;
  std::unique_ptr<TlsStream> tls;
  TlsWindow window;
};

INSTANTIATE_TEST_SUITE_P(
    Ways, TlsStreamTest,
    ::testing::Values(Choice{"opener", TLS1_3_VERSION, true},
                      Choice{"openssl", TLS1_3_VERSION, false},
                      Choice{"tls12", TLS1_2_VERSION, false}),
    [](const auto& choice) { return choice.param.name; });

TEST_P(TlsStreamTest, ReadsARecordAndWritesOne) {
  connect();
  const std::string record = sealed("hello");
  feed(record);
  const uint64_t begin = slab->write_position() - record.size();
  ASSERT_EQ(read(), Result::kOk);
  EXPECT_EQ(text(), "hello");
  EXPECT_EQ(tls->statistics().copied_bytes, GetParam().opener ? 0u : 5u);
  EXPECT_EQ(window.begin == begin + kTlsHeaderBytes, GetParam().opener)
      << "in place";
  EXPECT_EQ(tls->copied_position() > window.begin, !GetParam().opener);

  char* const room = tls->prepare_write(3);
  std::copy_n("you", 3, room);
  ASSERT_TRUE(tls->finish_write(3));
  EXPECT_LE(output.sent.size(), TlsStream::sealed_bytes(3));
  answer();
  char buffer[16];
  ASSERT_EQ(SSL_read(server.get(), buffer, sizeof(buffer)), 3);
  EXPECT_EQ(std::string(buffer, 3), "you");
  EXPECT_EQ(tls->version(),
            GetParam().version == TLS1_3_VERSION ? "TLSv1.3" : "TLSv1.2");
  EXPECT_FALSE(tls->cipher().empty());
  EXPECT_FALSE(tls->resumed());
}

TEST_P(TlsStreamTest, TheHandshakeMayComeByteByByte) {
  connect(1);
  feed(sealed("text"));
  EXPECT_EQ(drain(), "text");
}

TEST_P(TlsStreamTest, ARecordIsReadWhenItsLastByteIsThere) {
  connect();
  for (size_t split = 0; split < sealed("0123456789").size(); ++split) {
    SetUp();
    connect();
    const std::string record = sealed("0123456789");
    for (const char byte : record.substr(0, split)) feed({&byte, 1});
    ASSERT_EQ(read(), Result::kNeedMore) << split;
    ASSERT_EQ(window.begin, window.end);
    feed(std::string_view(record).substr(split));
    ASSERT_EQ(read(), Result::kOk) << split;
    ASSERT_EQ(text(), "0123456789");
  }
}

TEST_P(TlsStreamTest, JustWhatIsWantedMoves) {
  connect();
  feed(sealed("abcdef"));
  feed(sealed("ghijklmnop"));
  ASSERT_EQ(read(6), Result::kOk);
  use(4);
  const uint64_t copied = tls->statistics().copied_bytes;
  ASSERT_EQ(read(5), Result::kOk);
  if (!GetParam().opener) {
    EXPECT_EQ(text(), "efghijklmnop");
    return;
  }
  EXPECT_EQ(text(), "efghi");
  EXPECT_EQ(tls->statistics().copied_bytes, copied + 3);
  EXPECT_EQ(tls->copied_position(), window.end);
  use(5);
  ASSERT_EQ(read(), Result::kOk);
  EXPECT_EQ(text(), "jklmnop") << "where it lay";
  EXPECT_LE(tls->copied_position(), window.begin);
  EXPECT_EQ(tls->statistics().copied_bytes, copied + 3);
}

TEST_P(TlsStreamTest, AWindowHoldsNoMoreOfTheSlabThanIsStated) {
  connect();
  const size_t longest = TlsStream::max_window_bytes(slab->slots());
  EXPECT_GE(longest, size_t{50'000});
  std::string expected;
  std::mt19937 random(3);
  while (expected.size() < longest) {
    const std::string piece(1 + random() % 3,
                            static_cast<char>('a' + random() % 26));
    expected += piece;
    feed(sealed(piece));  // fails when the slab is full
    ASSERT_EQ(read(longest + 3), Result::kOk);
    slab->set_parse_position(window.begin);
    ASSERT_LE(tls->record_position() - window.begin,
              TlsStream::room_for(window.end - window.begin));
  }
  EXPECT_EQ(text(), expected);
}

TEST_P(TlsStreamTest, AnyRecordsInAnyPiecesGiveTheSameText) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  connect();
  std::string expected, seen, wire;
  for (int i = 0; i < 400; ++i) {
    std::string piece(1 + random() % (i % 20 == 0 ? 16384 : 200), '\0');
    for (char& c : piece) c = static_cast<char>(random());
    expected += piece;
    wire += sealed(piece);
  }
  for (size_t at = 0; at < wire.size();) {
    const size_t n = std::min<size_t>(1 + random() % 3000, wire.size() - at);
    feed(std::string_view(wire).substr(at, n));
    at += n;
    // As a parser does: messages of 700 bytes that must be contiguous.
    for (;;) {
      while (window.end - window.begin >= 700) {
        seen += text().substr(0, 700);
        use(700);
      }
      const Result result = read(700);
      ASSERT_TRUE(result == Result::kOk || result == Result::kNeedMore);
      if (result == Result::kNeedMore) break;
    }
  }
  seen += text();
  EXPECT_TRUE(seen == expected);
}

TEST_P(TlsStreamTest, CloseNotifyIsTheEnd) {
  connect();
  feed(sealed("last"));
  SSL_shutdown(server.get());
  feed(taken());
  ASSERT_EQ(read(), Result::kOk);
  EXPECT_EQ(text(), "last");
  use(4);
  EXPECT_EQ(read(), Result::kEnded);
  tls->send_close_notify();
  answer();
  char buffer[16];
  EXPECT_EQ(SSL_read(server.get(), buffer, sizeof(buffer)), 0);
  EXPECT_NE(SSL_get_shutdown(server.get()) & SSL_RECEIVED_SHUTDOWN, 0);
  EXPECT_FALSE(tls->finish_write(1)) << "nothing goes out after it";
}

TEST_P(TlsStreamTest, AFullOutputIsAnError) {
  connect();
  output.full = true;
  tls->prepare_write(5);
  EXPECT_FALSE(tls->finish_write(5));
  EXPECT_THAT(tls->status().ToString(), HasSubstr("no room in the send queue"));
  EXPECT_FALSE(tls->finish_write(5));
}

TEST_P(TlsStreamTest, NothingIsWrittenBeforeTheHandshake) {
  tls->start(slab);
  tls->prepare_write(5);
  EXPECT_FALSE(tls->finish_write(5));
  tls->send_close_notify();
  EXPECT_FALSE(tls->handshake_done());
  EXPECT_EQ(tls->version(), "");
  EXPECT_EQ(tls->cipher(), "");
  EXPECT_FALSE(tls->resumed());
}

TEST_P(TlsStreamTest, OthersErrorsAreNotOurs) {
  connect();
  ERR_raise(ERR_LIB_SSL, SSL_R_BAD_LENGTH);
  feed(sealed("text"));
  EXPECT_EQ(drain(), "text");
  EXPECT_TRUE(tls->status().ok()) << tls->status();
}

TEST_P(TlsStreamTest, DamageIsRefused) {
  connect();
  std::string record = sealed("text");
  record.back() = static_cast<char>(record.back() ^ 1);
  feed(record);
  EXPECT_EQ(read(), Result::kFailed);
  EXPECT_THAT(tls->status().ToString(),
              HasSubstr(GetParam().opener ? "bad record MAC" : "bad record"));
  EXPECT_NE(answer(), "never") << "the alert";
  char buffer[16];
  EXPECT_LE(SSL_read(server.get(), buffer, sizeof(buffer)), 0);
  EXPECT_THAT(take_openssl_errors(), HasSubstr("bad record mac"));
  // Again, now without the opener.
  const bool opener = GetParam().opener;
  tls->stop();
  auto old = std::move(tls);
  SetUp();
  tls = std::move(old);
  Result result = tls->start(slab);
  while (result == Result::kNeedMore) {
    feed(answer());
    result = tls->handshake();
  }
  ASSERT_EQ(result, Result::kOk) << tls->status();
  EXPECT_FALSE(tls->take_over()) << opener;
}

// ---- With the opener only
// ---------------------------------------------------------

class TlsStreamOpenerTest : public TlsStreamTest {};
INSTANTIATE_TEST_SUITE_P(Opener, TlsStreamOpenerTest,
                         ::testing::Values(Choice{"opener", TLS1_3_VERSION,
                                                  true}));

TEST_P(TlsStreamOpenerTest, AlertsAreTold) {
  connect();
  const uint16_t suite = static_cast<uint16_t>(
      SSL_CIPHER_get_protocol_id(SSL_get_current_cipher(server.get())));
  RecordSealer sealer(suite, secret);
  feed(sealer.seal("text", 23));
  feed(sealer.seal("\2\x28", 21));
  ASSERT_EQ(read(), Result::kOk);
  use(4);
  EXPECT_EQ(read(), Result::kFailed);
  EXPECT_THAT(tls->status().ToString(),
              HasSubstr("the alert \"handshake failure\""));
}

TEST_P(TlsStreamOpenerTest, AnAnswerThatFindsNoRoomIsAnError) {
  connect();
  SSL_key_update(server.get(), SSL_KEY_UPDATE_REQUESTED);
  SSL_do_handshake(server.get());
  feed(taken());
  output.full = true;
  EXPECT_EQ(read(), Result::kFailed);
  EXPECT_THAT(tls->status().ToString(), HasSubstr("no room"));
}

TEST_P(TlsStreamOpenerTest, AfterAKeyUpdateOpensslGoesOn) {
  build(TLS1_3_VERSION, true);
  Result result = tls->start(slab);
  while (result == Result::kNeedMore) {
    feed(answer());
    result = tls->handshake();
  }
  answer();
  SSL_key_update(server.get(), SSL_KEY_UPDATE_NOT_REQUESTED);
  SSL_do_handshake(server.get());
  feed(taken());
  feed(sealed("text"));
  window = {tls->record_position(), tls->record_position()};
  EXPECT_EQ(drain(), "text");
  EXPECT_FALSE(tls->take_over()) << "the secret that it has is not in use";
  EXPECT_FALSE(tls->opener_in_use());
}

TEST_P(TlsStreamOpenerTest, ItTakesOverAfterRecordsThatOpensslHasRead) {
  build(TLS1_3_VERSION, true, 2);
  Result result = tls->start(slab);
  while (result == Result::kNeedMore) {
    feed(answer());
    result = tls->handshake();
  }
  feed(answer());  // two tickets
  feed(sealed("by OpenSSL"));
  window = {tls->record_position(), tls->record_position()};
  EXPECT_EQ(drain(), "by OpenSSL");
  ASSERT_TRUE(tls->take_over());
  feed(sealed("by the opener"));
  EXPECT_EQ(drain(), "by the opener");
  EXPECT_EQ(tls->statistics().opened_records, 1u);
}

TEST_P(TlsStreamOpenerTest, WhatIsNoRecordIsRefused) {
  connect();
  feed("HTTP/1.1 400 Bad Request\r\n\r\n");
  EXPECT_EQ(read(), Result::kFailed);
}

TEST_P(TlsStreamOpenerTest, AHostThatIsNoNameFails) {
  TlsStream bad(*TlsContext::create({}), std::string(300, 'x'), 443, &output);
  EXPECT_EQ(bad.start(slab), Result::kFailed);
  EXPECT_THAT(bad.status().ToString(), HasSubstr("no connection"));
}

}  // namespace
}  // namespace wirebook
