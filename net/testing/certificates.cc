// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "net/testing/certificates.h"

#include <arpa/inet.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <cstdlib>

namespace wirebook::testing {
namespace {

template <typename T>
T check(T result, const char* what) {
  if (!result) {
    std::fprintf(stderr, "wirebook::testing::TestAuthority: %s failed\n", what);
    ERR_print_errors_fp(stderr);
    std::abort();
  }
  return result;
}

void extend(X509* certificate, X509* issuer, int nid, const std::string& text) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* const extension = check(
      X509V3_EXT_conf_nid(nullptr, &context, nid, text.c_str()), "extension");
  check(X509_add_ext(certificate, extension, -1), "X509_add_ext");
  X509_EXTENSION_free(extension);
}

// A certificate with a new key, complete but for extensions and signature.
Identity begin(const std::string& name, const CertificateOptions& options) {
  Identity made;
  made.key.reset(check(options.rsa ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256"),
                       "key generation"));
  made.certificate.reset(check(X509_new(), "X509_new"));
  X509* const x = made.certificate.get();
  check(X509_set_version(x, 2), "X509_set_version");  // version 3
  uint64_t serial = 0;
  check(RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof(serial)),
        "RAND_bytes");
  ASN1_INTEGER_set_uint64(X509_get_serialNumber(x), serial >> 1);
  X509_gmtime_adj(X509_getm_notBefore(x), options.not_before);
  X509_gmtime_adj(X509_getm_notAfter(x), options.not_after);
  check(X509_set_pubkey(x, made.key.get()), "X509_set_pubkey");
  X509_NAME_add_entry_by_txt(
      X509_get_subject_name(x), "CN", MBSTRING_ASC,
      reinterpret_cast<const unsigned char*>(name.data()),
      static_cast<int>(name.size()), -1, 0);
  return made;
}

void sign(const Identity& subject, const Identity& issuer) {
  X509* const x = subject.certificate.get();
  X509_set_issuer_name(x, X509_get_subject_name(issuer.certificate.get()));
  check(X509_sign(x, issuer.key.get(), EVP_sha256()), "X509_sign");
}

}  // namespace

TestAuthority::TestAuthority() {
  // Each has a name of its own, so that none is taken for another.
  unsigned char number[8];
  check(RAND_bytes(number, sizeof(number)), "RAND_bytes");
  std::string name = "Wirebook test authority ";
  for (const unsigned char byte : number) name += std::to_string(byte);
  root_ = begin(name, {});
  X509* const x = root_.certificate.get();
  extend(x, x, NID_basic_constraints, "critical,CA:TRUE");
  extend(x, x, NID_key_usage, "critical,keyCertSign,cRLSign");
  extend(x, x, NID_subject_key_identifier, "hash");
  sign(root_, root_);
}

Identity TestAuthority::issue(const CertificateOptions& options) const {
  Identity made = begin("Wirebook test server", options);
  X509* const x = made.certificate.get();
  std::string names;
  for (const std::string& name : options.names) {
    unsigned char bytes[16];
    const bool address = inet_pton(AF_INET, name.c_str(), bytes) == 1 ||
                         inet_pton(AF_INET6, name.c_str(), bytes) == 1;
    names += (names.empty() ? "" : ",") +
             std::string(address ? "IP:" : "DNS:") + name;
  }
  extend(x, root_.certificate.get(), NID_subject_alt_name, names);
  extend(x, root_.certificate.get(), NID_ext_key_usage, "serverAuth");
  sign(made, root_);
  return made;
}

void TestAuthority::write(const std::string& path) const {
  std::FILE* const file = check(std::fopen(path.c_str(), "w"), path.c_str());
  check(PEM_write_X509(file, root_.certificate.get()), "PEM_write_X509");
  std::fclose(file);
}

void Identity::use(SSL_CTX* context) const {
  check(SSL_CTX_use_certificate(context, certificate.get()), "certificate");
  check(SSL_CTX_use_PrivateKey(context, key.get()), "private key");
}

std::string Identity::pin() const {
  unsigned char* der = nullptr;
  const int size =
      i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate.get()), &der);
  check(size > 0, "i2d_X509_PUBKEY");
  unsigned char digest[32];
  EVP_Digest(der, static_cast<size_t>(size), digest, nullptr, EVP_sha256(),
             nullptr);
  OPENSSL_free(der);
  unsigned char text[45];
  EVP_EncodeBlock(text, digest, sizeof(digest));
  return reinterpret_cast<const char*>(text);
}

}  // namespace wirebook::testing
