// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "net/tls_context.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>

#include <cstdlib>
#include <cstring>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace wirebook {
namespace {

bool is_address(const std::string& host) {
  unsigned char bytes[16];
  return inet_pton(AF_INET, host.c_str(), bytes) == 1 ||
         inet_pton(AF_INET6, host.c_str(), bytes) == 1;
}

TlsContext::Connection* connection_of(const SSL* ssl) {
  return static_cast<TlsContext::Connection*>(SSL_get_app_data(ssl));
}

}  // namespace

std::string take_openssl_errors() {
  std::string result;
  while (const unsigned long code = ERR_get_error()) {
    const char* const reason = ERR_SYSTEM_ERROR(code)
                                   ? std::strerror(ERR_GET_REASON(code))
                                   : ERR_reason_error_string(code);
    absl::StrAppend(&result, result.empty() ? "" : "; ",
                    reason != nullptr ? reason : absl::StrCat("error ", code));
  }
  return result.empty() ? "no reason was given" : result;
}

absl::StatusOr<std::shared_ptr<TlsContext>> TlsContext::create(
    TlsOptions options) {
  std::shared_ptr<TlsContext> context(new TlsContext(std::move(options)));
  ERR_clear_error();
  SSL_CTX* const ctx = SSL_CTX_new(TLS_client_method());
  if (ctx == nullptr) {
    return absl::InternalError(
        absl::StrCat("TLS: no context: ", take_openssl_errors()));
  }
  context->context_ = ctx;
  SSL_CTX_set_app_data(ctx, context.get());
  absl::Status status = context->load_authorities();
  if (!status.ok()) return status;
  status = context->parse_pins();
  if (!status.ok()) return status;

  // RFC 7301: one length byte before each name. Zero is success.
  static constexpr unsigned char kAlpn[] = "\x08http/1.1";
  if (SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) != 1 ||
      SSL_CTX_set_alpn_protos(ctx, kAlpn, sizeof(kAlpn) - 1) != 0) {
    return absl::InternalError(
        absl::StrCat("TLS: set-up failed: ", take_openssl_errors()));
  }
  SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  // A record is one read from the BIO, not one for its header and one more.
  SSL_CTX_set_read_ahead(ctx, 1);
  // The write buffer's address may differ when a write is tried again.
  SSL_CTX_set_mode(ctx, SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  if (context->options_.verify) {
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, nullptr);
    SSL_CTX_set_cert_verify_callback(ctx, verify_chain, context.get());
  }
  if (context->options_.tickets_per_host != 0) {
    SSL_CTX_set_session_cache_mode(
        ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(ctx, on_new_session);
  } else {
    SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
  }
  if (context->options_.record_opener) {
    SSL_CTX_set_keylog_callback(ctx, on_key_log);
  }
  return context;
}

TlsContext::~TlsContext() {
  for (const auto& [key, sessions] : tickets_) {
    for (SSL_SESSION* session : sessions) SSL_SESSION_free(session);
  }
  SSL_CTX_free(context_);
}

absl::Status TlsContext::load_authorities() {
  if (!options_.verify) return absl::OkStatus();
  std::string file = options_.ca_file;
  const char* source = "ca_file";
  const char* const environment = secure_getenv("SSL_CERT_FILE");
  if (file.empty() && environment != nullptr) {
    file = environment;
    source = "SSL_CERT_FILE";
  }
  if (file.empty()) {
    SSL_CTX_set_default_verify_paths(context_);
    return absl::OkStatus();
  }
  if (SSL_CTX_load_verify_file(context_, file.c_str()) != 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("TLS: no certificates in ", file, ", which ", source,
                     " names: ", take_openssl_errors()));
  }
  return absl::OkStatus();
}

absl::Status TlsContext::parse_pins() {
  for (const std::string& text : options_.pins) {
    std::string bytes;
    Pin pin;
    if (!absl::Base64Unescape(text, &bytes) || bytes.size() != pin.size()) {
      return absl::InvalidArgumentError(absl::StrCat(
          "TLS: the pin \"", text, "\" is not the Base64 of a SHA-256"));
    }
    std::memcpy(pin.data(), bytes.data(), pin.size());
    pins_.push_back(pin);
  }
  if (!pins_.empty() && !options_.verify) {
    return absl::InvalidArgumentError(
        "TLS: pins without verify: there is no chain to look for them in");
  }
  return absl::OkStatus();
}

bool TlsContext::pinned(X509_STORE_CTX* store) const {
  const STACK_OF(X509)* const chain = X509_STORE_CTX_get0_chain(store);
  for (int i = 0; i < sk_X509_num(chain); ++i) {
    unsigned char* der = nullptr;
    const int size =
        i2d_X509_PUBKEY(X509_get_X509_PUBKEY(sk_X509_value(chain, i)), &der);
    if (size < 0) return false;
    Pin digest = {};
    EVP_Digest(der, static_cast<size_t>(size), digest.data(), nullptr,
               EVP_sha256(), nullptr);
    OPENSSL_free(der);
    for (const Pin& pin : pins_) {
      if (pin == digest) return true;
    }
  }
  return false;
}

int TlsContext::verify_chain(X509_STORE_CTX* store, void* context) {
  if (X509_verify_cert(store) != 1) return 0;
  const auto* const self = static_cast<const TlsContext*>(context);
  if (self->pins_.empty() || self->pinned(store)) return 1;
  X509_STORE_CTX_set_error(store, X509_V_ERR_APPLICATION_VERIFICATION);
  return 0;
}

SSL* TlsContext::connect(const std::string& host, Connection* connection) {
  connection->context = this;
  SSL* const ssl = SSL_new(context_);
  if (ssl == nullptr) return nullptr;
  SSL_set_app_data(ssl, connection);
  SSL_set_connect_state(ssl);
  bool good = true;
  if (is_address(host)) {
    good = !options_.verify ||
           X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host.c_str());
  } else {
    good = SSL_set_tlsext_host_name(ssl, host.c_str()) == 1;
    // RFC 6125, section 6.4.3: "*" stands for one whole label.
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    good = good && (!options_.verify || SSL_set1_host(ssl, host.c_str()) == 1);
  }
  if (!good) {
    SSL_free(ssl);
    return nullptr;
  }
  if (SSL_SESSION* const session = take(connection->ticket_key)) {
    SSL_set_session(ssl, session);
    SSL_SESSION_free(session);
  }
  return ssl;
}

size_t TlsContext::tickets(std::string_view host, uint16_t port) const {
  const std::lock_guard lock(mutex_);
  const auto found = tickets_.find(
      absl::StrCat(absl::string_view(host.data(), host.size()), ":", port));
  return found == tickets_.end() ? 0 : found->second.size();
}

void TlsContext::keep(const std::string& key, SSL_SESSION* session) {
  const std::lock_guard lock(mutex_);
  std::vector<SSL_SESSION*>& sessions = tickets_[key];
  if (sessions.size() == options_.tickets_per_host) {
    SSL_SESSION_free(sessions.front());
    sessions.erase(sessions.begin());
  }
  sessions.push_back(session);
}

// The newest, for the caller to free. No ticket of TLS 1.3 is used twice (RFC
// 8446, appendix C.4); a session of TLS 1.2 is.
SSL_SESSION* TlsContext::take(const std::string& key) {
  const std::lock_guard lock(mutex_);
  const auto found = tickets_.find(key);
  if (found == tickets_.end() || found->second.empty()) return nullptr;
  SSL_SESSION* const session = found->second.back();
  if (SSL_SESSION_get_protocol_version(session) == TLS1_3_VERSION) {
    found->second.pop_back();
  } else {
    SSL_SESSION_up_ref(session);
  }
  return session;
}

int TlsContext::on_new_session(SSL* ssl, SSL_SESSION* session) {
  Connection* const connection = connection_of(ssl);
  connection->context->keep(connection->ticket_key, session);
  return 1;  // the reference is ours
}

void TlsContext::on_key_log(const SSL* ssl, const char* line) {
  Connection* const connection = connection_of(ssl);
  if (connection->on_secret == nullptr) return;
  // "LABEL client_random secret", NSS's key log format.
  const std::string_view text(line);
  const size_t first = text.find(' ');
  const size_t last = text.rfind(' ');
  if (first == std::string_view::npos || first == last) return;
  connection->on_secret(connection, text.substr(0, first),
                        text.substr(last + 1));
}

}  // namespace wirebook
