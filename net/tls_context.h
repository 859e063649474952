// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// TlsContext: what the TLS connections of a client have in common: whom they
// trust, what they offer, and the tickets by which they resume sessions.
//
// Make one and give it to all readers of a process: reading the system's
// certificates takes milliseconds and a megabyte. TlsStream is one connection.
//
// Certificates and host names are verified unless `verify` is turned off.
// Offered are TLS 1.3 and 1.2 (nothing older), ALPN "http/1.1", and SNI where
// the host is a name; renegotiation is refused.
//
// Trusted is, in this order: `ca_file`; the file that SSL_CERT_FILE names; the
// system's own store.
//
// Thread rules: all of it from any thread, once made. The ticket store takes a
// mutex, in handshakes only.
//
//   auto tls = *wirebook::TlsContext::create({});
//   auto reader = *wirebook::WebSocketReader::create(
//       loop, pool, {.url = "wss://stream.example.com/ws", .tls = tls}, &h);

#ifndef WIREBOOK_NET_TLS_CONTEXT_H_
#define WIREBOOK_NET_TLS_CONTEXT_H_

#include <openssl/ssl.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace wirebook {

struct TlsOptions {
  // Certificates (PEM) of the authorities to trust, instead of the system's.
  std::string ca_file = {};
  // SHA-256 of a SubjectPublicKeyInfo, in Base64 (RFC 7469, section 2.4). When
  // there are any, a certificate of the verified chain must match one.
  std::vector<std::string> pins = {};
  // False: anyone between here and the server can read and forge everything.
  bool verify = true;
  // TLS 1.3 records are opened in place by TlsRecordOpener where it can.
  bool record_opener = true;
  // Tickets kept for each host and port; 0 is no resumption.
  size_t tickets_per_host = 4;
};

class TlsContext {
 public:
  // An error says which file or pin is wrong.
  static absl::StatusOr<std::shared_ptr<TlsContext>> create(TlsOptions options);
  ~TlsContext();
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

  const TlsOptions& options() const noexcept { return options_; }
  size_t tickets(std::string_view host, uint16_t port) const;

  // ---- For TlsStream -----------------------------------------------------

  // What a connection's callbacks need; it outlives the SSL.
  struct Connection {
    std::string ticket_key = {};  // "host:port"
    // Has the key log's lines, secrets in them: (label, hexadecimal).
    void (*on_secret)(Connection*, std::string_view, std::string_view) = {};
    TlsContext* context = nullptr;
  };

  // A client's SSL for `connection`, which asks for the certificate of `host`
  // and resumes with a ticket if there is one; nullptr when out of memory.
  SSL* connect(const std::string& host, Connection* connection);

 private:
  using Pin = std::array<unsigned char, 32>;

  explicit TlsContext(TlsOptions options) : options_(std::move(options)) {}

  absl::Status load_authorities();
  absl::Status parse_pins();
  bool pinned(X509_STORE_CTX* store) const;
  void keep(const std::string& key, SSL_SESSION* session);
  SSL_SESSION* take(const std::string& key);

  static int verify_chain(X509_STORE_CTX* store, void* context);
  static int on_new_session(SSL* ssl, SSL_SESSION* session);
  static void on_key_log(const SSL* ssl, const char* line);

  const TlsOptions options_;
  SSL_CTX* context_ = nullptr;
  std::vector<Pin> pins_;
  mutable std::mutex mutex_;  // guards tickets_
  std::map<std::string, std::vector<SSL_SESSION*>, std::less<>> tickets_;
};

// The reasons that OpenSSL has noted on this thread, oldest first, which are
// then forgotten: "certificate verify failed; ...".
std::string take_openssl_errors();

}  // namespace wirebook

#endif  // WIREBOOK_NET_TLS_CONTEXT_H_
