// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// TlsServer: a ScriptedServer behind TLS: the script's bytes go through
// OpenSSL, each send() as one record if it is short enough.
//
//   wirebook::testing::TestAuthority authority;
//   wirebook::testing::TlsServer server(
//       authority.issue(), {}, [](wirebook::testing::TlsPeer& peer) {
//         peer.upgrade();
//         peer.send(server_frame(0x1, "hello"));
//         peer.read_to_end();
//       });
//   connect_to(server.url());

#ifndef WIREBOOK_NET_TESTING_TLS_SERVER_H_
#define WIREBOOK_NET_TESTING_TLS_SERVER_H_

#include <openssl/ssl.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "net/testing/certificates.h"
#include "net/testing/scripted_server.h"

namespace wirebook::testing {

struct TlsServerOptions {
  int version = 0;                 // TLS1_2_VERSION, ...; 0 is any
  std::string cipher_suites = {};  // of TLS 1.3
  std::string ciphers = {};        // of TLS 1.2
  std::string alpn = {};           // chosen whatever is offered
  std::function<void(SSL_CTX*)> set_up = {};
};

// A server's context with that identity.
OpensslPtr<SSL_CTX> make_server_context(const Identity& identity,
                                        const TlsServerOptions& options);

class TlsPeer : public Peer {
 public:
  TlsPeer(int fd, SSL_CTX* context);
  // False when the handshake failed.
  bool accept();
  SSL* ssl() { return ssl_.get(); }
  bool send(std::string_view bytes) override;
  // Without TLS.
  bool send_raw(std::string_view bytes) { return Peer::send(bytes); }
  // Asks for new keys of the client's as well, or not, in a record of its own.
  bool key_update(bool request);
  // close_notify.
  void end_tls() { SSL_shutdown(ssl_.get()); }

 private:
  long read_some(char* data, size_t size) override;
  OpensslPtr<SSL> ssl_;
};

class TlsServer {
 public:
  // `script` runs after a successful handshake.
  TlsServer(const Identity& identity, const TlsServerOptions& options,
            std::function<void(TlsPeer&)> script);
  void stop() { server_.stop(); }
  uint16_t port() const { return server_.port(); }
  // wss://; "localhost" unless `host` is given.
  std::string url(std::string_view host = "localhost") const;
  // Finished handshakes.
  int sessions() const { return sessions_.load(); }
  int resumed() const { return resumed_.load(); }

 private:
  OpensslPtr<SSL_CTX> context_;
  std::atomic<int> sessions_{0};
  std::atomic<int> resumed_{0};
  ScriptedServer server_;
};

}  // namespace wirebook::testing

#endif  // WIREBOOK_NET_TESTING_TLS_SERVER_H_
