// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// ns of CPU for each message of a TLS 1.3 WebSocket feed, one record a message,
// text of 100 to 200 bytes, which lies in the socket's buffer already: the
// receiving thread's CPU time, the kernel's part included.
//
// The floor is a recv() of 64 KiB and EVP's decryption, without frames.

#include <arpa/inet.h>
#include <benchmark/benchmark.h>
#include <netinet/in.h>
#include <openssl/core_names.h>
#include <openssl/params.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/ssl.hpp>
#include <boost/beast/websocket.hpp>
#include <boost/beast/websocket/ssl.hpp>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "net/raw_message_pool.h"
#include "net/testing/certificates.h"
#include "net/testing/scripted_server.h"
#include "net/testing/tls_server.h"
#include "net/tls_stream.h"
#include "net/websocket_frame_parser.h"

namespace wirebook {
namespace {

constexpr size_t kMessages = 512;  // a batch; all of it fits in the socket

void check(bool good, const char* what) {
  if (good) return;
  std::fprintf(stderr, "tls_stream_benchmark: %s failed\n", what);
  std::abort();
}

double thread_cpu_seconds() {
  timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) +
         static_cast<double>(now.tv_nsec) * 1e-9;
}

// Both ends of a TCP connection over loopback.
struct Sockets {
  Sockets() {
    const int listener = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    auto* const generic = reinterpret_cast<sockaddr*>(&address);
    check(bind(listener, generic, size) == 0 && listen(listener, 1) == 0 &&
              getsockname(listener, generic, &size) == 0,
          "listen");
    client = socket(AF_INET, SOCK_STREAM, 0);
    const int bytes = 1 << 20;
    setsockopt(client, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
    check(connect(client, generic, size) == 0, "connect");
    server = accept(listener, nullptr, nullptr);
    setsockopt(server, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
    close(listener);
  }
  ~Sockets() {
    close(client);
    close(server);
  }
  int client;
  int server;
};

// The sending end, which fills the socket while nobody measures.
class Feed {
 public:
  explicit Feed(const char* suite)
      : context_(make_server_context(authority_.issue(),
                                     {.version = TLS1_3_VERSION,
                                      .cipher_suites = suite,
                                      .set_up =
                                          [](SSL_CTX* context) {
                                            SSL_CTX_set_num_tickets(context, 0);
                                          }})),
        peer_(sockets_.server, context_.get()) {
    const std::string text(200, 'x');
    for (size_t i = 0; i < kMessages; ++i) {
      frames_.push_back(
          testing::server_frame(0x1, text.substr(0, 100 + i * 7 % 101)));
    }
  }
  // The handshake's other side; `also` runs after it.
  void accept(std::function<void(testing::TlsPeer&)> also = {}) {
    thread_ = std::thread([this, also] {
      check(peer_.accept(), "accept");
      if (also) also(peer_);
    });
  }
  void accepted() {
    thread_.join();
    // From here on records go to memory first, and to the socket in one piece.
    memory_ = BIO_new(BIO_s_mem());
    SSL_set0_wbio(peer_.ssl(), memory_);
  }
  void fill() {
    for (const std::string& frame : frames_) check(peer_.send(frame), "seal");
    char* data = nullptr;
    const auto size = static_cast<size_t>(BIO_get_mem_data(memory_, &data));
    check(send(sockets_.server, data, size, MSG_DONTWAIT) ==
              static_cast<ssize_t>(size),
          "send");
    BIO_reset(memory_);
  }
  int client() const { return sockets_.client; }

 private:
  Sockets sockets_;
  testing::TestAuthority authority_;
  testing::OpensslPtr<SSL_CTX> context_;
  testing::TlsPeer peer_;
  std::vector<std::string> frames_;
  std::thread thread_;
  BIO* memory_ = nullptr;
};

// Measures `drain`, which takes in kMessages and returns a sum over them.
template <typename Drain>
void measure(benchmark::State& state, Feed& feed, Drain&& drain) {
  uint64_t sum = 0;
  for (auto _ : state) {
    feed.fill();
    const double begin = thread_cpu_seconds();
    sum += drain();
    state.SetIterationTime(thread_cpu_seconds() - begin);
  }
  benchmark::DoNotOptimize(sum);
  state.SetItemsProcessed(state.iterations() * kMessages);
  state.counters["s/msg"] = benchmark::Counter(
      static_cast<double>(state.iterations()) * kMessages,
      benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

uint64_t first_and_last(const char* data, size_t size) {
  return static_cast<uint8_t>(data[0]) +
         uint64_t{static_cast<uint8_t>(data[size - 1])};
}

// ---- The floor
// ------------------------------------------------------------------

void BM_RecvAndEvp(benchmark::State& state) {
  Feed feed("TLS_AES_128_GCM_SHA256");
  feed.accept();
  testing::OpensslPtr<SSL_CTX> context(SSL_CTX_new(TLS_client_method()));
  testing::OpensslPtr<SSL> ssl(SSL_new(context.get()));
  SSL_set_fd(ssl.get(), feed.client());
  check(SSL_connect(ssl.get()) == 1, "connect");
  feed.accepted();
  // What key and nonce are does not matter to the time, so the tag's answer
  // is not looked at.
  EVP_CIPHER* const cipher = EVP_CIPHER_fetch(nullptr, "AES-128-GCM", nullptr);
  EVP_CIPHER_CTX* const evp = EVP_CIPHER_CTX_new();
  unsigned char key[16] = {};
  unsigned char nonce[12] = {};
  EVP_DecryptInit_ex2(evp, cipher, key, nonce, nullptr);
  EVP_CIPHER_CTX_ctrl(evp, EVP_CTRL_GCM_SET_IV_FIXED, 4, nonce);
  std::vector<unsigned char> buffer(size_t{64} << 10);
  size_t have = 0;
  measure(state, feed, [&] {
    uint64_t sum = 0;
    for (size_t messages = 0; messages != kMessages;) {
      const ssize_t n =
          recv(feed.client(), buffer.data() + have, buffer.size() - have, 0);
      check(n > 0, "recv");
      have += static_cast<size_t>(n);
      size_t at = 0;
      while (have - at >= 5) {
        unsigned char* const head = buffer.data() + at;
        const int length = head[3] << 8 | head[4];
        if (have - at < 5 + static_cast<size_t>(length)) break;
        unsigned char* const text = head + 5;
        OSSL_PARAM parameters[] = {
            OSSL_PARAM_construct_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG,
                                              text + length - 16, 16),
            OSSL_PARAM_construct_octet_string(
                OSSL_CIPHER_PARAM_AEAD_TLS1_SET_IV_INV, nonce + 4, 8),
            OSSL_PARAM_construct_end()};
        int written;
        EVP_CIPHER_CTX_set_params(evp, parameters);
        EVP_DecryptUpdate(evp, nullptr, &written, head, 5);
        EVP_DecryptUpdate(evp, text, &written, text, length - 16);
        EVP_DecryptFinal_ex(evp, text, &written);
        sum += text[0];
        at += 5 + static_cast<size_t>(length);
        ++messages;
      }
      std::memmove(buffer.data(), buffer.data() + at, have - at);
      have -= at;
    }
    return sum;
  });
  EVP_CIPHER_CTX_free(evp);
  EVP_CIPHER_free(cipher);
}

// ---- TlsStream
// --------------------------------------------------------------------

struct SocketOutput final : TlsOutput {
  bool send_records(std::string_view records) noexcept override {
    return send(fd, records.data(), records.size(), MSG_NOSIGNAL) ==
           static_cast<ssize_t>(records.size());
  }
  int fd = -1;
};

void receive(RawMessageSlab& slab, int fd) {
  const ssize_t n = recv(fd, slab.write_pointer(), slab.writable_bytes(), 0);
  check(n > 0, "recv");
  slab.commit(static_cast<size_t>(n));
}

void BM_TlsStream(benchmark::State& state, const char* suite, bool opener) {
  Feed feed(suite);
  auto pool = *RawMessagePool::create({});
  RawMessageSlab* const slab = *pool->add_slab(8);
  SocketOutput output;
  output.fd = feed.client();
  TlsStream tls(*TlsContext::create({.verify = false, .record_opener = opener}),
                "localhost", 443, &output);
  feed.accept();
  TlsStream::Result result = tls.start(slab);
  while (result == TlsStream::Result::kNeedMore) {
    receive(*slab, feed.client());
    result = tls.handshake();
  }
  check(result == TlsStream::Result::kOk, "handshake");
  feed.accepted();
  check(tls.take_over() == opener, "take_over");
  WebSocketFrameParser parser({});
  TlsWindow window = {tls.record_position(), tls.record_position()};
  measure(state, feed, [&] {
    uint64_t sum = 0;
    for (size_t messages = 0; messages != kMessages;) {
      WebSocketFrame frame;
      const auto size = static_cast<size_t>(window.end - window.begin);
      if (parser.next(slab->at(window.begin), size, &frame) ==
          WebSocketEvent::kMessage) {
        sum += first_and_last(frame.payload, frame.size);
        window.begin += frame.consumed;
        ++messages;
      } else if (tls.read(&window, parser.wanted()) != TlsStream::Result::kOk) {
        slab->set_parse_position(window.begin);
        receive(*slab, feed.client());
      }
    }
    slab->set_parse_position(window.begin);
    return sum;
  });
  check(tls.status().ok(), "TlsStream");
}

// ---- Peers
// ------------------------------------------------------------------------

void BM_SslReadOnSocket(benchmark::State& state) {
  Feed feed("TLS_AES_128_GCM_SHA256");
  feed.accept();
  testing::OpensslPtr<SSL_CTX> context(SSL_CTX_new(TLS_client_method()));
  testing::OpensslPtr<SSL> ssl(SSL_new(context.get()));
  SSL_set_fd(ssl.get(), feed.client());
  check(SSL_connect(ssl.get()) == 1, "connect");
  feed.accepted();
  WebSocketFrameParser parser({});
  std::vector<char> buffer(16384);
  measure(state, feed, [&] {
    uint64_t sum = 0;
    for (size_t messages = 0; messages != kMessages; ++messages) {
      const int n = SSL_read(ssl.get(), buffer.data(), 16384);
      WebSocketFrame frame;
      check(n > 0 && parser.next(buffer.data(), static_cast<size_t>(n),
                                 &frame) == WebSocketEvent::kMessage,
            "SSL_read");
      sum += first_and_last(frame.payload, frame.size);
    }
    return sum;
  });
}

void BM_Beast(benchmark::State& state) {
  namespace asio = boost::asio;
  namespace beast = boost::beast;
  Feed feed("TLS_AES_128_GCM_SHA256");
  feed.accept([](testing::TlsPeer& peer) { peer.upgrade(); });
  asio::io_context io;
  asio::ssl::context context(asio::ssl::context::tls_client);
  beast::websocket::stream<beast::ssl_stream<asio::ip::tcp::socket>> stream(
      io, context);
  beast::get_lowest_layer(stream).assign(asio::ip::tcp::v4(),
                                         dup(feed.client()));
  stream.next_layer().handshake(asio::ssl::stream_base::client);
  stream.handshake("localhost", "/");
  feed.accepted();
  beast::flat_buffer buffer;
  measure(state, feed, [&] {
    uint64_t sum = 0;
    for (size_t messages = 0; messages != kMessages; ++messages) {
      buffer.clear();
      const size_t size = stream.read(buffer);
      sum +=
          first_and_last(static_cast<const char*>(buffer.data().data()), size);
    }
    return sum;
  });
}

BENCHMARK(BM_RecvAndEvp)->UseManualTime();
BENCHMARK_CAPTURE(BM_TlsStream, opener_aes128, "TLS_AES_128_GCM_SHA256", true)
    ->UseManualTime();
BENCHMARK_CAPTURE(BM_TlsStream, opener_aes256, "TLS_AES_256_GCM_SHA384", true)
    ->UseManualTime();
BENCHMARK_CAPTURE(BM_TlsStream, opener_chacha20, "TLS_CHACHA20_POLY1305_SHA256",
                  true)
    ->UseManualTime();
BENCHMARK_CAPTURE(BM_TlsStream, openssl_aes128, "TLS_AES_128_GCM_SHA256", false)
    ->UseManualTime();
BENCHMARK_CAPTURE(BM_TlsStream, openssl_aes256, "TLS_AES_256_GCM_SHA384", false)
    ->UseManualTime();
BENCHMARK(BM_SslReadOnSocket)->UseManualTime();
BENCHMARK(BM_Beast)->UseManualTime();

}  // namespace
}  // namespace wirebook

BENCHMARK_MAIN();
