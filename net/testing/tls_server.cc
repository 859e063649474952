// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "net/testing/tls_server.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <sys/socket.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <utility>

namespace wirebook::testing {
namespace {

int choose_alpn(SSL*, const unsigned char** out, unsigned char* out_size,
                const unsigned char*, unsigned, void* name) {
  const auto* const text = static_cast<const std::string*>(name);
  *out = reinterpret_cast<const unsigned char*>(text->data());
  *out_size = static_cast<unsigned char>(text->size());
  return SSL_TLSEXT_ERR_OK;
}

}  // namespace

OpensslPtr<SSL_CTX> make_server_context(const Identity& identity,
                                        const TlsServerOptions& options) {
  OpensslPtr<SSL_CTX> context(SSL_CTX_new(TLS_server_method()));
  identity.use(context.get());
  static constexpr unsigned char kId[] = "wirebook";
  bool good =
      SSL_CTX_set_session_id_context(context.get(), kId, sizeof(kId)) == 1;
  if (options.version != 0) {
    good = good &&
           SSL_CTX_set_min_proto_version(context.get(), options.version) &&
           SSL_CTX_set_max_proto_version(context.get(), options.version);
  }
  if (!options.cipher_suites.empty()) {
    good = good && SSL_CTX_set_ciphersuites(context.get(),
                                            options.cipher_suites.c_str());
  }
  if (!options.ciphers.empty()) {
    good =
        good && SSL_CTX_set_cipher_list(context.get(), options.ciphers.c_str());
  }
  if (!good) {
    std::fprintf(stderr, "wirebook::testing::TlsServer: bad options\n");
    ERR_print_errors_fp(stderr);
    std::abort();
  }
  if (options.set_up) options.set_up(context.get());
  return context;
}

TlsPeer::TlsPeer(int fd, SSL_CTX* context) : Peer(fd), ssl_(SSL_new(context)) {
  // OpenSSL writes to sockets without MSG_NOSIGNAL.
  std::signal(SIGPIPE, SIG_IGN);
  SSL_set_fd(ssl_.get(), fd);
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

bool TlsPeer::accept() { return SSL_accept(ssl_.get()) == 1; }

bool TlsPeer::send(std::string_view bytes) {
  size_t written = 0;
  return bytes.empty() ||
         SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &written) == 1;
}

bool TlsPeer::key_update(bool request) {
  return SSL_key_update(ssl_.get(), request
                                        ? SSL_KEY_UPDATE_REQUESTED
                                        : SSL_KEY_UPDATE_NOT_REQUESTED) == 1 &&
         SSL_do_handshake(ssl_.get()) == 1;
}

long TlsPeer::read_some(char* data, size_t size) {
  return SSL_read(ssl_.get(), data, static_cast<int>(size));
}

TlsServer::TlsServer(const Identity& identity, const TlsServerOptions& options,
                     std::function<void(TlsPeer&)> script)
    : context_(make_server_context(identity, options)),
      server_(
          [this, alpn = options.alpn, script = std::move(script)](Peer& plain) {
            if (!alpn.empty()) {
              SSL_CTX_set_alpn_select_cb(context_.get(), choose_alpn,
                                         const_cast<std::string*>(&alpn));
            }
            TlsPeer peer(plain.fd(), context_.get());
            const bool accepted = peer.accept();
            if (accepted) {
              ++sessions_;
              if (SSL_session_reused(peer.ssl())) ++resumed_;
              script(peer);
            } else {
              // The client's alert is read, so that no RST overtakes ours.
              plain.read_to_end();
            }
            ERR_clear_error();
          }) {}

std::string TlsServer::url(std::string_view host) const {
  return "wss://" + std::string(host) + ":" + std::to_string(port()) + "/";
}

}  // namespace wirebook::testing
