// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// TestAuthority: certificates made at run time, so that none lies in the
// repository. For tests and simulators, never for a real service.
//
//   wirebook::testing::TestAuthority authority;
//   authority.write("/tmp/ca.pem");             // whom the client trusts
//   auto identity = authority.issue({.names = {"localhost"}});
//   identity.use(ssl_ctx);

#ifndef WIREBOOK_NET_TESTING_CERTIFICATES_H_
#define WIREBOOK_NET_TESTING_CERTIFICATES_H_

#include <openssl/ssl.h>

#include <memory>
#include <string>
#include <vector>

namespace wirebook::testing {

struct OpensslDeleter {
  void operator()(X509* p) const { X509_free(p); }
  void operator()(EVP_PKEY* p) const { EVP_PKEY_free(p); }
  void operator()(SSL_CTX* p) const { SSL_CTX_free(p); }
  void operator()(SSL* p) const { SSL_free(p); }
};
template <typename T>
using OpensslPtr = std::unique_ptr<T, OpensslDeleter>;

struct CertificateOptions {
  // DNS names and numeric addresses.
  std::vector<std::string> names = {"localhost", "127.0.0.1", "::1"};
  // Seconds from now.
  long not_before = -3600;
  long not_after = 86400;
  bool rsa = false;  // otherwise ECDSA on P-256
};

// A certificate and its key.
struct Identity {
  OpensslPtr<X509> certificate;
  OpensslPtr<EVP_PKEY> key;

  void use(SSL_CTX* context) const;
  // Base64 of the SHA-256 of its SubjectPublicKeyInfo.
  std::string pin() const;
};

// Every failure ends the process with a line on stderr.
class TestAuthority {
 public:
  TestAuthority();
  Identity issue(const CertificateOptions& options = {}) const;
  const Identity& identity() const { return root_; }
  // Its certificate, as PEM.
  void write(const std::string& path) const;

 private:
  Identity root_;
};

}  // namespace wirebook::testing

#endif  // WIREBOOK_NET_TESTING_CERTIFICATES_H_
