// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// WebSocketReader over wss://, against OpenSSL's server on a real socket.

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "memory/allocation_counter.h"
#include "net/testing/certificates.h"
#include "net/testing/scripted_server.h"
#include "net/testing/tls_server.h"
#include "net/tls_context.h"
#include "net/websocket_reader.h"

namespace wirebook {
namespace {

using testing::ClientFrame;
using testing::close_frame;
using ::testing::HasSubstr;
using testing::Identity;
using ::testing::Not;
using testing::Peer;
using testing::ScriptedServer;
using testing::server_frame;
using testing::TestAuthority;
using testing::TlsPeer;
using testing::TlsServer;
using testing::TlsServerOptions;

constexpr uint64_t kMillisecond = 1'000'000;

const TestAuthority& authority() {
  static const TestAuthority* const made = new TestAuthority;
  return *made;
}

const std::string& ca_file() {
  static const std::string* const path = [] {
    auto* const name = new std::string(::testing::TempDir() + "/ca.pem");
    authority().write(*name);
    return name;
  }();
  return *path;
}

const Identity& identity() {
  static const Identity* const made = new Identity(authority().issue());
  return *made;
}

std::shared_ptr<TlsContext> make_context(TlsOptions options = {}) {
  if (options.ca_file.empty()) options.ca_file = ca_file();
  auto made = TlsContext::create(std::move(options));
  EXPECT_TRUE(made.ok()) << made.status();
  return *std::move(made);
}

struct Recorder : WebSocketHandler {
  void on_open() override {
    ++opens;
    if (when_open) when_open();
  }
  void on_message(RawMessage* message) override {
    if (when_message) {
      when_message(message);
      return;
    }
    messages.emplace_back(message->view());
    pool->release(message);
  }
  void on_close(uint16_t close_code, std::string_view,
                const absl::Status& close_status) override {
    ++closes;
    code = close_code;
    status = close_status;
    if (when_close) when_close();
  }

  RawMessagePool* pool = nullptr;
  std::function<void()> when_open, when_close;
  std::function<void(RawMessage*)> when_message;
  int opens = 0;
  int closes = 0;
  uint16_t code = 0;
  absl::Status status;
  std::vector<std::string> messages;
};

class TlsReaderTest : public ::testing::Test {
 protected:
  void SetUp() override { build(LoopBackendChoice::kAuto); }

  void build(LoopBackendChoice backend,
             const RawMessagePoolOptions& pool_options = {}) {
    reader.reset();
    loop.reset();
    pool = *RawMessagePool::create(pool_options);
    auto made = UringLoop::create({.backend = backend}, pool.get());
    if (!made.ok()) GTEST_SKIP() << made.status().ToString();
    loop = *std::move(made);
    recorder.pool = pool.get();
  }

  void open(const std::string& url, std::shared_ptr<TlsContext> tls,
            WebSocketReaderOptions options = {}) {
    options.url = url;
    options.tls = std::move(tls);
    if (options.slab_slots == 32) options.slab_slots = 4;
    recorder.opens = recorder.closes = 0;
    recorder.messages.clear();
    auto made =
        WebSocketReader::create(loop.get(), pool.get(), options, &recorder);
    ASSERT_TRUE(made.ok()) << made.status();
    reader = *std::move(made);
    const absl::Status status = reader->connect();
    ASSERT_TRUE(status.ok()) << status;
  }

  bool run_until(const std::function<bool()>& done) {
    const auto end =
        std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (!done()) {
      if (HasFailure() || std::chrono::steady_clock::now() > end) return false;
      loop->run_once(10 * kMillisecond);
    }
    return true;
  }
  bool run_until_closed() {
    return run_until([&] { return recorder.closes != 0; });
  }
  // Connects, and gives the text of the error that it ends with.
  std::string error_of(const std::string& url,
                       std::shared_ptr<TlsContext> tls) {
    open(url, std::move(tls));
    EXPECT_TRUE(run_until_closed());
    return recorder.status.ToString();
  }

  std::unique_ptr<RawMessagePool> pool;
  std::unique_ptr<UringLoop> loop;
  Recorder recorder;
  std::unique_ptr<WebSocketReader> reader;
};

TEST_F(TlsReaderTest, AMessageInOneRecordIsAViewIntoTheSlab) {
  std::string said;
  TlsServer server(identity(), {}, [&](TlsPeer& peer) {
    peer.upgrade();
    said = peer.read_frame().payload;
    peer.send(server_frame(0x1, "one"));
    peer.send(server_frame(0x1, std::string(16'000, 'x')) +
              server_frame(0x2, "two"));
    peer.send(close_frame(1000));
    peer.read_frame();
  });
  uint64_t copied = 0;
  recorder.when_open = [&] {
    copied = reader->statistics().copied_bytes;
    EXPECT_TRUE(reader->send_text("subscribe"));
  };
  open(server.url(), make_context());
  ASSERT_TRUE(run_until_closed());
  server.stop();
  EXPECT_TRUE(recorder.status.ok()) << recorder.status;
  EXPECT_EQ(said, "subscribe");
  EXPECT_EQ(recorder.messages,
            (std::vector<std::string>{"one", std::string(16'000, 'x'), "two"}));
  EXPECT_EQ(reader->statistics().copied_messages, 0u);
  EXPECT_EQ(reader->statistics().copied_bytes, copied)
      << "nothing but the answer to the upgrade was copied";
  EXPECT_GE(reader->tls()->statistics().opened_records, 3u);
}

// Payloads that tell where they are wrong.
std::string pattern(size_t size) {
  std::string text(size, '\0');
  for (size_t i = 0; i < size; ++i) {
    text[i] = static_cast<char>('a' + (i * 7 + i / 1000) % 26);
  }
  return text;
}

// Sends `stream` in records of the sizes that `next` gives.
void send_in_records(TlsPeer& peer, std::string_view stream,
                     const std::function<size_t()>& next) {
  while (!stream.empty()) {
    const size_t size = std::min(next(), stream.size());
    if (!peer.send(stream.substr(0, size))) return;
    stream.remove_prefix(size);
  }
}

struct Protocol {
  const char* name;
  int version;
  const char* suites;   // TLS 1.3
  const char* ciphers;  // TLS 1.2
  bool rsa;
  bool opened;
};
constexpr Protocol kProtocols[] = {
    {"tls13_aes128", TLS1_3_VERSION, "TLS_AES_128_GCM_SHA256", "", false, true},
    {"tls13_aes256", TLS1_3_VERSION, "TLS_AES_256_GCM_SHA384", "", true, true},
    {"tls13_chacha", TLS1_3_VERSION, "TLS_CHACHA20_POLY1305_SHA256", "", false,
     true},
    {"tls12_aes128", TLS1_2_VERSION, "", "ECDHE-ECDSA-AES128-GCM-SHA256", false,
     false},
    {"tls12_aes256", TLS1_2_VERSION, "", "ECDHE-RSA-AES256-GCM-SHA384", true,
     false},
    {"tls12_chacha", TLS1_2_VERSION, "", "ECDHE-ECDSA-CHACHA20-POLY1305", false,
     false},
    {"tls12_cbc", TLS1_2_VERSION, "", "ECDHE-RSA-AES256-SHA384", true, false},
};

class TlsProtocolTest : public TlsReaderTest,
                        public ::testing::WithParamInterface<
                            std::tuple<Protocol, LoopBackendChoice>> {};

INSTANTIATE_TEST_SUITE_P(
    Protocols, TlsProtocolTest,
    ::testing::Combine(::testing::ValuesIn(kProtocols),
                       ::testing::Values(LoopBackendChoice::kUringIncremental,
                                         LoopBackendChoice::kUringOneShot,
                                         LoopBackendChoice::kEpoll)),
    [](const auto& chosen) {
      const LoopBackendChoice backend = std::get<1>(chosen.param);
      return std::string(std::get<0>(chosen.param).name) +
             (backend == LoopBackendChoice::kEpoll          ? "_epoll"
              : backend == LoopBackendChoice::kUringOneShot ? "_oneshot"
                                                            : "_inc");
    });

TEST_P(TlsProtocolTest, EverythingComesThroughInRecordsOfAnySize) {
  const Protocol& protocol = std::get<0>(GetParam());
  build(std::get<1>(GetParam()));
  if (IsSkipped()) return;
  static const Identity* const rsa =
      new Identity(authority().issue({.rsa = true}));
  const Identity& own = protocol.rsa ? *rsa : identity();
  const TlsServerOptions options{.version = protocol.version,
                                 .cipher_suites = protocol.suites,
                                 .ciphers = protocol.ciphers};
  // A fragmented message, one longer than the slab, pings between.
  std::vector<std::string> expected;
  std::string stream;
  std::mt19937 random(7);
  for (int i = 0; i < 300; ++i) {
    expected.push_back(pattern(random() % 400));
    stream += server_frame(0x1, expected.back());
    if (i % 50 == 0) stream += server_frame(0x9, "ping");
  }
  expected.push_back(pattern(60'000));
  stream += server_frame(0x1, expected.back().substr(0, 20'000), false);
  stream += server_frame(0x0, expected.back().substr(20'000));
  expected.push_back(pattern(700'000));
  stream += server_frame(0x2, expected.back());
  stream += server_frame(0x1, "end");
  expected.push_back("end");
  std::vector<std::string> said(2);
  TlsServer server(own, options, [&](TlsPeer& peer) {
    peer.upgrade();
    said[0] = peer.read_frame().payload;
    said[1] = peer.read_frame().payload;
    std::mt19937 sizes(11);
    send_in_records(peer, stream, [&] {
      return sizes() % 3 == 0 ? 1 + sizes() % 16384 : 1 + sizes() % 300;
    });
    peer.send(close_frame(1000));
    for (int i = 0; i < 7; ++i) peer.read_frame();
    peer.end_tls();
  });
  recorder.when_open = [&] {
    EXPECT_TRUE(reader->send_text("subscribe"));
    EXPECT_TRUE(reader->send_binary(pattern(40'000)));
  };
  open(server.url(), make_context());
  ASSERT_TRUE(run_until_closed());
  server.stop();
  EXPECT_TRUE(recorder.status.ok()) << recorder.status;
  EXPECT_EQ(recorder.code, 1000);
  EXPECT_EQ(said[0], "subscribe");
  EXPECT_EQ(said[1], pattern(40'000));
  ASSERT_EQ(recorder.messages.size(), expected.size());
  for (size_t i = 0; i < expected.size(); ++i) {
    ASSERT_TRUE(recorder.messages[i] == expected[i]) << "message " << i;
  }
  const TlsStatistics statistics = reader->tls()->statistics();
  EXPECT_EQ(statistics.opened_records > 100, protocol.opened);
  EXPECT_EQ(reader->statistics().pings, 6u);
  if (!protocol.opened) {
    EXPECT_GE(reader->statistics().copied_messages, expected.size() - 1);
  }
  EXPECT_EQ(pool->outstanding(), 0u);
}

// ---- Whom it trusts
// -------------------------------------------------------------

TEST_F(TlsReaderTest, CertificatesAndNamesAreVerified) {
  struct Case {
    const char* what;
    testing::CertificateOptions certificate;
    const char* host;
    const char* says;  // nullptr: accepted
  };
  const Case cases[] = {
      {"right name", {.names = {"localhost"}}, "localhost", nullptr},
      {"right address", {.names = {"127.0.0.1"}}, "127.0.0.1", nullptr},
      {"wrong name",
       {.names = {"example.com"}},
       "localhost",
       "hostname mismatch"},
      {"address, but a name's certificate",
       {.names = {"localhost"}},
       "127.0.0.1",
       "IP address mismatch"},
      {"another address",
       {.names = {"127.0.0.2"}},
       "127.0.0.1",
       "IP address mismatch"},
      {"partial wildcard",
       {.names = {"local*"}},
       "localhost",
       "hostname mismatch"},
      {"expired",
       {.not_before = -7200, .not_after = -3600},
       "localhost",
       "certificate has expired"},
      {"not yet valid",
       {.not_before = 3600},
       "localhost",
       "certificate is not yet valid"},
  };
  for (const Case& test : cases) {
    SCOPED_TRACE(test.what);
    const Identity own = authority().issue(test.certificate);
    TlsServer server(own, {}, [](TlsPeer& peer) {
      peer.upgrade();
      peer.send(close_frame(1000));
      peer.read_frame();
    });
    const std::string error = error_of(server.url(test.host), make_context());
    if (test.says == nullptr) {
      EXPECT_TRUE(recorder.status.ok()) << recorder.status;
    } else {
      EXPECT_THAT(error, HasSubstr("UNAUTHENTICATED"));
      EXPECT_THAT(error, HasSubstr("the certificate of "));
      EXPECT_THAT(error, HasSubstr(test.says));
      EXPECT_EQ(recorder.opens, 0);
    }
  }
}

TEST_F(TlsReaderTest, AnotherUrlIsVerifiedByItsOwnName) {
  const Identity own = authority().issue({.names = {"localhost"}});
  TlsServer server(own, {}, [](TlsPeer& peer) {
    peer.upgrade();
    peer.send(close_frame(1000));
    peer.read_frame();
  });
  open(server.url("127.0.0.1"), make_context());
  EXPECT_FALSE(reader->set_url(server.url("localhost")).ok()) << "in use";
  for (const char* host : {"127.0.0.1", "localhost", "127.0.0.1"}) {
    ASSERT_TRUE(run_until_closed());
    EXPECT_EQ(recorder.status.ok(), host == std::string("localhost"))
        << recorder.status;
    const char* const next =
        host == std::string("localhost") ? "127.0.0.1" : "localhost";
    ASSERT_TRUE(reader->set_url(server.url(next)).ok());
    EXPECT_FALSE(reader->set_url("ws://localhost/").ok()) << "not as safe";
    recorder.closes = 0;
    ASSERT_TRUE(reader->connect().ok());
  }
  ASSERT_TRUE(run_until_closed());
}

TEST_F(TlsReaderTest, AnUnknownIssuerIsRefusedUnlessVerifyIsOff) {
  const TestAuthority other;
  TlsServer server(other.issue(), {}, [](TlsPeer& peer) {
    peer.upgrade();
    peer.send(close_frame(1000));
    peer.read_frame();
  });
  EXPECT_THAT(error_of(server.url(), make_context()),
              HasSubstr("unable to get local issuer certificate"));
  EXPECT_THAT(error_of(server.url(), nullptr), HasSubstr("was refused"))
      << "the system's authorities do not know it either";
  open(server.url(), make_context({.verify = false}));
  ASSERT_TRUE(run_until_closed());
  EXPECT_TRUE(recorder.status.ok()) << recorder.status;
}

TEST_F(TlsReaderTest, SslCertFileNamesTheAuthorities) {
  TlsServer server(identity(), {}, [](TlsPeer& peer) {
    peer.upgrade();
    peer.send(close_frame(1000));
    peer.read_frame();
  });
  setenv("SSL_CERT_FILE", ca_file().c_str(), 1);
  open(server.url(), nullptr);
  ASSERT_TRUE(run_until_closed());
  EXPECT_TRUE(recorder.status.ok()) << recorder.status;
  setenv("SSL_CERT_FILE", "/nowhere/ca.pem", 1);
  EXPECT_THAT(WebSocketReader::create(loop.get(), pool.get(),
                                      {.url = server.url()}, &recorder)
                  .status()
                  .ToString(),
              HasSubstr("which SSL_CERT_FILE names"));
  unsetenv("SSL_CERT_FILE");
}

TEST_F(TlsReaderTest, PinsAreLookedForInTheChain) {
  TlsServer server(identity(), {}, [](TlsPeer& peer) {
    peer.upgrade();
    peer.send(close_frame(1000));
    peer.read_frame();
  });
  const std::string other = TestAuthority().identity().pin();
  for (const std::string& pin :
       {identity().pin(), authority().identity().pin()}) {
    open(server.url(), make_context({.pins = {other, pin}}));
    ASSERT_TRUE(run_until_closed());
    EXPECT_TRUE(recorder.status.ok()) << recorder.status;
  }
  EXPECT_THAT(error_of(server.url(), make_context({.pins = {other}})),
              HasSubstr("no certificate of its chain matches a pin"));
}

// ---- Sessions
// ---------------------------------------------------------------------

TEST_F(TlsReaderTest, TheSecondConnectionResumesTheFirst) {
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    SCOPED_TRACE(version);
    TlsServer server(identity(), {.version = version}, [](TlsPeer& peer) {
      peer.upgrade(server_frame(0x1, "x"));
      peer.send(close_frame(1000));
      peer.read_frame();
    });
    const auto context = make_context({.tickets_per_host = 2});
    for (int i = 0; i < 4; ++i) {
      open(server.url(), context);
      ASSERT_TRUE(run_until_closed());
      ASSERT_TRUE(recorder.status.ok()) << recorder.status;
      EXPECT_EQ(reader->tls()->statistics().resumed, i == 0 ? 0u : 1u);
      EXPECT_LE(context->tickets("localhost", server.port()), 2u);
    }
    EXPECT_EQ(context->tickets("127.0.0.1", server.port()), 0u);
    // Another name of the same server is another host.
    open(server.url("127.0.0.1"), context);
    ASSERT_TRUE(run_until_closed());
    EXPECT_TRUE(recorder.status.ok()) << recorder.status;
    server.stop();
    EXPECT_EQ(server.sessions(), 5);
    EXPECT_EQ(server.resumed(), 3);
  }
}

TEST_F(TlsReaderTest, WithoutTicketsNothingIsResumed) {
  TlsServer server(identity(), {}, [](TlsPeer& peer) {
    peer.upgrade();
    peer.send(close_frame(1000));
    peer.read_frame();
  });
  const auto context = make_context({.tickets_per_host = 0});
  for (int i = 0; i < 2; ++i) {
    open(server.url(), context);
    ASSERT_TRUE(run_until_closed());
    EXPECT_TRUE(recorder.status.ok()) << recorder.status;
  }
  server.stop();
  EXPECT_EQ(server.resumed(), 0);
}

TEST_F(TlsReaderTest, AnotherAlpnThanHttp11IsRefused) {
  TlsServer wrong(identity(), {.alpn = "h2"}, [](TlsPeer&) {});
  EXPECT_THAT(error_of(wrong.url(), make_context()), HasSubstr("TLS: "));
  EXPECT_EQ(recorder.opens, 0);
  TlsServer right(identity(), {.alpn = "http/1.1"}, [](TlsPeer& peer) {
    peer.upgrade();
    peer.send(close_frame(1000));
    peer.read_frame();
  });
  open(right.url(), make_context());
  ASSERT_TRUE(run_until_closed());
  EXPECT_TRUE(recorder.status.ok()) << recorder.status;
}

TEST_F(TlsReaderTest, OlderVersionsAreRefused) {
  TlsServer server(identity(),
                   {.set_up =
                        [](SSL_CTX* context) {
                          SSL_CTX_set_security_level(context, 0);
                          SSL_CTX_set_min_proto_version(context, TLS1_VERSION);
                          SSL_CTX_set_max_proto_version(context,
                                                        TLS1_1_VERSION);
                        }},
                   [](TlsPeer&) {});
  EXPECT_THAT(error_of(server.url(), make_context()), HasSubstr("version"));
}

TEST_F(TlsReaderTest, NameIsSentToTheServerAnAddressIsNot) {
  std::string name;
  TlsServer server(identity(), {}, [&](TlsPeer& peer) {
    const char* const sent =
        SSL_get_servername(peer.ssl(), TLSEXT_NAMETYPE_host_name);
    name = sent == nullptr ? "none" : sent;
    peer.upgrade();
    peer.send(close_frame(1000));
    peer.read_frame();
  });
  open(server.url(), make_context());
  ASSERT_TRUE(run_until_closed());
  EXPECT_EQ(name, "localhost");
  open(server.url("127.0.0.1"), make_context());
  ASSERT_TRUE(run_until_closed());
  EXPECT_EQ(name, "none");
}

// ---- How it ends
// ---------------------------------------------------------------------

TEST_F(TlsReaderTest, TruncationIsAnErrorAndCloseNotifyIsSaid) {
  for (const bool opener : {true, false}) {
    SCOPED_TRACE(opener);
    const auto context = make_context({.record_opener = opener});
    {
      TlsServer server(identity(), {}, [](TlsPeer& peer) {
        peer.upgrade(server_frame(0x1, "whole"));
      });
      EXPECT_THAT(error_of(server.url(), context),
                  HasSubstr("without TLS's close_notify"));
      EXPECT_THAT(recorder.status.ToString(), Not(HasSubstr("in the middle")));
      EXPECT_EQ(recorder.messages.size(), 1u);
    }
    {
      TlsServer server(identity(), {}, [](TlsPeer& peer) {
        peer.upgrade();
        peer.send(server_frame(0x1, "whole").substr(0, 4));
      });
      EXPECT_THAT(error_of(server.url(), context),
                  HasSubstr("in the middle of a message"));
    }
    {
      TlsServer server(identity(), {}, [](TlsPeer& peer) {
        peer.upgrade();
        peer.send_raw(std::string_view("\x17\x03\x03\x01\x00half", 9));
      });
      EXPECT_THAT(error_of(server.url(), context),
                  HasSubstr("in the middle of a message"));
    }
    {
      TlsServer server(identity(), {}, [](TlsPeer& peer) {
        peer.upgrade(server_frame(0x1, "whole"));
        peer.end_tls();
        peer.read_to_end();
      });
      const std::string error = error_of(server.url(), context);
      EXPECT_THAT(error, HasSubstr("without a close frame: the server ended"));
      EXPECT_THAT(error, Not(HasSubstr("close_notify")));
      EXPECT_THAT(error, Not(HasSubstr("in the middle")));
    }
    {
      TlsServer server(identity(), {}, [](TlsPeer& peer) { peer.reset(); });
      EXPECT_THAT(error_of(server.url(), context), HasSubstr("broke"));
    }
  }
}

TEST_F(TlsReaderTest, TheCloseIsEndedWithCloseNotify) {
  bool notified = false;
  TlsServer server(identity(), {}, [&](TlsPeer& peer) {
    peer.upgrade();
    peer.send(close_frame(1000));
    peer.read_frame();
    peer.read_to_end();
    notified = (SSL_get_shutdown(peer.ssl()) & SSL_RECEIVED_SHUTDOWN) != 0;
  });
  open(server.url(), make_context());
  ASSERT_TRUE(run_until_closed());
  server.stop();
  EXPECT_TRUE(recorder.status.ok()) << recorder.status;
  EXPECT_TRUE(notified);
}

TEST_F(TlsReaderTest, AServerWithoutTlsIsClear) {
  ScriptedServer server([](Peer& peer) {
    peer.send("HTTP/1.1 400 Bad Request\r\n\r\n");
    peer.read_to_end();
  });
  const std::string url =
      "wss://localhost:" + std::to_string(server.port()) + "/";
  EXPECT_THAT(error_of(url, make_context()),
              HasSubstr("TLS: in the handshake"));
}

TEST_F(TlsReaderTest, SilenceInTheTlsHandshakeEndsAtTheTimeout) {
  ScriptedServer server([](Peer& peer) { peer.read_to_end(); });
  open("wss://127.0.0.1:" + std::to_string(server.port()) + "/", make_context(),
       {.connect_timeout_ns = 200 * kMillisecond});
  ASSERT_TRUE(run_until_closed());
  EXPECT_THAT(recorder.status.ToString(), HasSubstr("no TLS session within"));
}

TEST_F(TlsReaderTest, AForgedRecordEndsItAndTheNextConnectionGoesWithout) {
  std::string alert;
  TlsServer server(identity(), {}, [&](TlsPeer& peer) {
    peer.upgrade(server_frame(0x1, "good"));
    if (alert.empty()) {
      std::string forged("\x17\x03\x03\x00\x40", 5);
      forged.append(64, 'f');
      peer.send_raw(forged);
      SSL_set_info_callback(peer.ssl(), nullptr);
      char byte;
      SSL_read(peer.ssl(), &byte, 1);
      alert = take_openssl_errors();
    } else {
      peer.send(close_frame(1000));
      peer.read_frame();
    }
  });
  open(server.url(), make_context());
  ASSERT_TRUE(run_until_closed());
  EXPECT_THAT(recorder.status.ToString(), HasSubstr("bad record MAC"));
  EXPECT_THAT(recorder.status.ToString(),
              HasSubstr("the next connection goes without"));
  EXPECT_EQ(recorder.messages, std::vector<std::string>{"good"});
  const uint64_t opened = reader->tls()->statistics().opened_records;
  recorder.closes = 0;
  ASSERT_TRUE(reader->connect().ok());
  ASSERT_TRUE(run_until_closed());
  server.stop();
  EXPECT_TRUE(recorder.status.ok()) << recorder.status;
  EXPECT_EQ(recorder.messages.size(), 2u);
  EXPECT_EQ(reader->tls()->statistics().opened_records, opened);
  EXPECT_THAT(alert, HasSubstr("bad record mac")) << "the server was told";
}

// ---- What may happen in a session
// ---------------------------------------------------

TEST_F(TlsReaderTest, KeysAreUpdatedAndTheRequestAnswered) {
  for (const bool opener : {true, false}) {
    SCOPED_TRACE(opener);
    int answers = 0;
    std::vector<std::string> pongs;
    TlsServer server(identity(), {}, [&](TlsPeer& peer) {
      SSL_set_msg_callback(
          peer.ssl(), [](int write, int, int type, const void* data, size_t,
                         SSL*, void* count) {
            if (write == 0 && type == SSL3_RT_HANDSHAKE &&
                *static_cast<const char*>(data) == SSL3_MT_KEY_UPDATE) {
              ++*static_cast<int*>(count);
            }
          });
      SSL_set_msg_callback_arg(peer.ssl(), &answers);
      peer.upgrade();
      for (int i = 0; i < 40; ++i) {
        peer.key_update(i % 2 == 0);
        peer.send(server_frame(0x1, "after " + std::to_string(i)));
        peer.send(server_frame(0x9, std::to_string(i)));
        // Under the client's keys, which half of the updates have changed.
        pongs.push_back(peer.read_frame().payload);
      }
      peer.send(close_frame(1000));
      peer.read_frame();
    });
    open(server.url(), make_context({.record_opener = opener}));
    ASSERT_TRUE(run_until_closed());
    server.stop();
    EXPECT_TRUE(recorder.status.ok()) << recorder.status;
    EXPECT_EQ(recorder.messages.size(), 40u);
    EXPECT_EQ(pongs.back(), "39");
    EXPECT_EQ(answers, 20);
    EXPECT_EQ(reader->tls()->statistics().key_updates, 40u);
    EXPECT_EQ(reader->tls()->statistics().opened_records > 40, opener);
  }
}

TEST_F(TlsReaderTest, AFloodOfKeyUpdatesIsAnError) {
  for (const bool opener : {true, false}) {
    for (const bool request : {true, false}) {
      SCOPED_TRACE(opener);
      TlsServer server(identity(), {}, [&](TlsPeer& peer) {
        peer.upgrade();
        for (int i = 0; i < 1000; ++i) {
          if (!peer.key_update(request)) break;
        }
        peer.read_to_end();
      });
      EXPECT_THAT(
          error_of(server.url(), make_context({.record_opener = opener})),
          HasSubstr("too many records in a row without application data"));
      EXPECT_LE(reader->tls()->statistics().key_updates,
                kTlsMaxQuietRecords + 1);
    }
  }
}

TEST_F(TlsReaderTest, TicketsInMidStreamAreReadOver) {
  TlsServer server(identity(), {}, [&](TlsPeer& peer) {
    peer.upgrade(server_frame(0x1, "a"));
    for (int i = 0; i < 3; ++i) {
      SSL_new_session_ticket(peer.ssl());
      SSL_do_handshake(peer.ssl());
    }
    peer.send(server_frame(0x1, "b"));
    peer.send(close_frame(1000));
    peer.read_frame();
  });
  open(server.url(), make_context());
  ASSERT_TRUE(run_until_closed());
  EXPECT_TRUE(recorder.status.ok()) << recorder.status;
  EXPECT_EQ(recorder.messages, (std::vector<std::string>{"a", "b"}));
}

TEST_F(TlsReaderTest, RenegotiationIsRefused) {
  bool renegotiated = true;
  TlsServer server(identity(), {.version = TLS1_2_VERSION}, [&](TlsPeer& peer) {
    peer.upgrade(server_frame(0x1, "before"));
    SSL_renegotiate(peer.ssl());
    SSL_do_handshake(peer.ssl());
    char byte;
    renegotiated = SSL_read(peer.ssl(), &byte, 1) == 1 ||
                   SSL_num_renegotiations(peer.ssl()) > 1;
  });
  open(server.url(), make_context());
  ASSERT_TRUE(run_until_closed());
  server.stop();
  EXPECT_FALSE(recorder.status.ok());
  EXPECT_FALSE(renegotiated);
  EXPECT_EQ(recorder.messages, std::vector<std::string>{"before"});
}

// ---- Memory
// -----------------------------------------------------------------------------

TEST_F(TlsReaderTest, RecordsOfOneByteFillNoSlab) {
  // 30,000 records of 23 bytes and more: 0.7 MB through a slab of 256 KiB.
  const std::string big = pattern(20'000);
  for (const bool opener : {true, false}) {
    SCOPED_TRACE(opener);
    TlsServer server(identity(), {}, [&](TlsPeer& peer) {
      peer.upgrade();
      const std::string stream =
          server_frame(0x1, "small") + server_frame(0x1, big) +
          server_frame(0x1, big.substr(0, 9'000), false) +
          server_frame(0x0, big.substr(9'000, 1'000)) +
          server_frame(0x1, "end");
      send_in_records(peer, stream, [] { return size_t{1}; });
      peer.send(close_frame(1000));
      peer.read_frame();
    });
    open(server.url(), make_context({.record_opener = opener}));
    ASSERT_TRUE(run_until_closed());
    EXPECT_TRUE(recorder.status.ok()) << recorder.status;
    EXPECT_EQ(
        recorder.messages,
        (std::vector<std::string>{"small", big, big.substr(0, 10'000), "end"}));
    // Once a byte, and the gaps' share.
    EXPECT_LT(reader->statistics().copied_bytes, 500'000u);
  }
}

TEST_F(TlsReaderTest, ReceivingAllocatesNothing) {
  for (const bool opener : {true, false}) {
    SCOPED_TRACE(opener);
    std::string stream;
    for (int i = 0; i < 200; ++i) stream += server_frame(0x1, pattern(150));
    std::atomic<int> step{0};
    TlsServer server(identity(), {}, [&](TlsPeer& peer) {
      peer.upgrade(stream);
      while (step.load() < 1) std::this_thread::yield();
      for (int i = 0; i < 20; ++i) {
        send_in_records(peer, stream, [] { return size_t{154}; });
      }
      // OpenSSL allocates when it sends, so the close comes later.
      while (step.load() < 2) std::this_thread::yield();
      peer.send(close_frame(1000));
      peer.read_frame();
    });
    int count = 0;
    recorder.when_message = [&](RawMessage* message) {
      ++count;
      pool->release(message);
    };
    open(server.url(), make_context({.record_opener = opener}));
    ASSERT_TRUE(run_until([&] { return count == 200; }));
    ASSERT_TRUE(allocation_counting());
    const uint64_t before = thread_allocations();
    step.store(1);
    ASSERT_TRUE(run_until([&] { return count == 21 * 200; }));
    const uint64_t allocated = thread_allocations() - before;
    // OpenSSL 3.0 allocates once for each record of TLS 1.3.
    EXPECT_LE(allocated, opener ? 0u : 4'000u);
    step.store(2);
    ASSERT_TRUE(run_until_closed());
    EXPECT_TRUE(recorder.status.ok()) << recorder.status;
  }
}

TEST_F(TlsReaderTest, MissingDescriptorsStopReadingAndNothingIsLost) {
  build(LoopBackendChoice::kAuto, {.descriptors = 8});
  std::string stream;
  for (int i = 0; i < 5'000; ++i) {
    stream += server_frame(0x1, std::to_string(i) + pattern(100));
  }
  TlsServer server(identity(), {}, [&](TlsPeer& peer) {
    peer.upgrade();
    send_in_records(peer, stream, [] { return size_t{250}; });
    peer.send(close_frame(1000));
    peer.read_frame();
  });
  std::vector<RawMessage*> held;
  int count = 0;
  recorder.when_message = [&](RawMessage* message) {
    EXPECT_EQ(message->view(), std::to_string(count) + pattern(100));
    ++count;
    held.push_back(message);
  };
  open(server.url(), make_context());
  ASSERT_TRUE(run_until([&] {
    if (held.size() == 8) {
      for (RawMessage* message : held) pool->release(message);
      held.clear();
    }
    return recorder.closes != 0;
  }));
  for (RawMessage* message : held) pool->release(message);
  EXPECT_TRUE(recorder.status.ok()) << recorder.status;
  EXPECT_EQ(count, 5'000);
  EXPECT_GT(reader->statistics().stalls, 0u);
}

TEST_F(TlsReaderTest, AFullSendQueueSendsNothing) {
  TlsServer server(identity(), {}, [](TlsPeer& peer) {
    peer.upgrade();
    peer.read_to_end();
  });
  bool refused = false;
  recorder.when_open = [&] {
    EXPECT_FALSE(reader->send_text(pattern(70'000)));
    for (int i = 0; i < 10'000 && !refused; ++i) {
      refused = !reader->send_text(pattern(10'000));
    }
    reader->close();
  };
  open(server.url(), make_context(), {.close_timeout_ns = 50 * kMillisecond});
  ASSERT_TRUE(run_until_closed());
  EXPECT_TRUE(refused);
}

}  // namespace
}  // namespace wirebook
