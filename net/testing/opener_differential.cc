// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "net/testing/opener_differential.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "net/testing/certificates.h"
#include "net/tls_record_opener.h"

namespace wirebook::testing {
namespace {

void check(bool good, const char* what) {
  if (good) return;
  std::fprintf(stderr, "wirebook::testing: %s failed\n", what);
  ERR_print_errors_fp(stderr);
  std::abort();
}

unsigned char* bytes(std::string& text) {
  return reinterpret_cast<unsigned char*>(text.data());
}

const char* suite_name(uint16_t suite) {
  return suite == 0x1301   ? "TLS_AES_128_GCM_SHA256"
         : suite == 0x1302 ? "TLS_AES_256_GCM_SHA384"
                           : "TLS_CHACHA20_POLY1305_SHA256";
}

// One for each suite.
SSL_CTX* context_of(uint16_t suite) {
  static const TestAuthority* const authority = new TestAuthority;
  static const Identity* const identity = new Identity(authority->issue());
  static SSL_CTX* contexts[3] = {};
  SSL_CTX*& context = contexts[suite - 0x1301];
  if (context != nullptr) return context;
  context = SSL_CTX_new(TLS_method());
  identity->use(context);
  check(SSL_CTX_set_ciphersuites(context, suite_name(suite)) == 1 &&
            SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) == 1,
        "suite");
  SSL_CTX_set_num_tickets(context, 0);
  SSL_CTX_set_keylog_callback(context, [](const SSL* ssl, const char* line) {
    const std::string_view text(line);
    if (!text.starts_with("SERVER_TRAFFIC_SECRET_0 ")) return;
    auto* const out = static_cast<std::string*>(SSL_get_app_data(ssl));
    out->clear();
    const std::string hex(text.substr(text.rfind(' ') + 1));
    for (size_t i = 0; i < hex.size(); i += 2) {
      out->push_back(static_cast<char>(
          std::strtoul(hex.substr(i, 2).c_str(), nullptr, 16)));
    }
  });
  return context;
}

// Client and server of OpenSSL after a handshake in memory.
struct Pair {
  explicit Pair(uint16_t suite) {
    client.reset(SSL_new(context_of(suite)));
    server.reset(SSL_new(context_of(suite)));
    SSL_set_app_data(client.get(), &secret);
    SSL_set_app_data(server.get(), &secret);
    to_client = BIO_new(BIO_s_mem());
    BIO* const to_server = BIO_new(BIO_s_mem());
    BIO_up_ref(to_client);
    BIO_up_ref(to_server);
    SSL_set_bio(client.get(), to_client, to_server);
    SSL_set_bio(server.get(), to_server, to_client);
    SSL_set_connect_state(client.get());
    SSL_set_accept_state(server.get());
    SSL_do_handshake(client.get());
    SSL_do_handshake(server.get());
    check(SSL_do_handshake(client.get()) == 1 &&
              SSL_do_handshake(server.get()) == 1 && !secret.empty(),
          "handshake");
  }
  OpensslPtr<SSL> client;
  OpensslPtr<SSL> server;
  BIO* to_client = nullptr;
  std::string secret;
};

// What a reader made of a stream.
struct Outcome {
  std::string data;
  const char* end = "open";
};

Outcome read_by_openssl(Pair& pair, const std::string& stream) {
  BIO_write(pair.to_client, stream.data(), static_cast<int>(stream.size()));
  Outcome result;
  char buffer[20000];
  int n;
  ERR_clear_error();
  while ((n = SSL_read(pair.client.get(), buffer, sizeof(buffer))) > 0) {
    result.data.append(buffer, static_cast<size_t>(n));
  }
  const int error = SSL_get_error(pair.client.get(), n);
  if (error == SSL_ERROR_ZERO_RETURN) result.end = "closed";
  if (error == SSL_ERROR_SSL) result.end = "refused";
  ERR_clear_error();
  return result;
}

Outcome read_by_opener(uint16_t suite, const std::string& secret,
                       std::string stream) {
  Outcome result;
  TlsRecordOpener opener;
  check(opener.start(
            suite, {bytes(const_cast<std::string&>(secret)), secret.size()}, 0),
        "start");
  for (size_t at = 0; at < stream.size();) {
    const size_t size = 5 + (size_t{bytes(stream)[at + 3]} << 8 |
                             size_t{bytes(stream)[at + 4]});
    TlsRecord record;
    switch (opener.open(stream.data() + at, size, &record)) {
      case TlsRecordEvent::kData:
        result.data.append(record.data, record.size);
        break;
      case TlsRecordEvent::kCloseNotify:
        result.end = "closed";
        return result;
      case TlsRecordEvent::kAlert:
      case TlsRecordEvent::kError:
        result.end = "refused";
        return result;
      default:
        break;
    }
    at += size;
  }
  return result;
}

// A script's bytes; zeros when they are used up.
struct Script {
  const uint8_t* at;
  const uint8_t* end;
  uint8_t next() { return at == end ? uint8_t{0} : *at++; }
  size_t next16() {
    const size_t high = next();
    return high << 8 | next();
  }
  std::string bytes(size_t size) {
    std::string result;
    while (result.size() < size) result.push_back(static_cast<char>(next()));
    return result;
  }
};

constexpr char kAlertType = 21;
constexpr char kHandshakeType = 22;
constexpr char kDataType = 23;

// Records as the script wants them. Not more in a row without data than the
// opener takes (OpenSSL has another limit), and no tickets that are wrong
// inside, which the opener does not look at.
std::string make_stream(Script script, RecordSealer& sealer) {
  std::string stream;
  bool canceled = false;
  for (int records = 0; script.at != script.end && records < 30; ++records) {
    std::string made;
    switch (script.next() % 14) {
      case 0:
      case 1:
        made = sealer.seal(std::string(script.next16() % 400, 'd'), kDataType);
        break;
      case 2:
        made = sealer.seal(std::string(script.next16() % 16500, 'D') +
                           kDataType + std::string(script.next(), '\0'));
        break;
      case 3: {
        const char request = static_cast<char>(script.next() % 4);
        made =
            sealer.seal(handshake_message(24, {&request, 1}), kHandshakeType);
        sealer.update();
        break;
      }
      case 4:
        made = sealer.seal(handshake_message(24, std::string(1, '\0')) +
                               script.bytes(1 + script.next() % 3),
                           kHandshakeType);
        sealer.update();
        break;
      case 5: {
        std::string alert = script.bytes(2);
        if (alert[1] == 90 && canceled) alert[1] = 0;
        canceled = canceled || alert[1] == 90;
        made = sealer.seal(alert, kAlertType);
        break;
      }
      case 6: {
        const auto type = static_cast<char>(script.next());
        std::string content = script.bytes(script.next() % 8);
        if (!content.empty() && content[0] == 4) content[0] = 5;
        made = sealer.seal(content, type);
        break;
      }
      case 7:
        made = sealer.seal(ticket_message(), kHandshakeType);
        break;
      case 8: {
        const std::string ticket = ticket_message();
        const size_t first = 1 + script.next() % (ticket.size() - 1);
        made = sealer.seal(std::string_view(ticket).substr(0, first),
                           kHandshakeType);
        if (script.next() % 8 == 0) made += sealer.seal("between", kDataType);
        made +=
            sealer.seal(std::string_view(ticket).substr(first), kHandshakeType);
        break;
      }
      case 9:
        made = sealer.seal({}, kDataType);
        break;
      case 10:
        made = sealer.seal(std::string(script.next(), '\0'));
        break;
      case 11: {
        made = sealer.seal("flipped", kDataType);
        char& flipped = made[5 + script.next() % (made.size() - 5)];
        flipped = static_cast<char>(flipped ^ 1 << script.next() % 8);
        break;
      }
      case 12:
        made = sealer.seal("head", kDataType);
        made[script.next() % 3] = static_cast<char>(script.next());
        break;
      case 13: {
        const size_t size = script.next() % 40;
        made = std::string("\x17\x03\x03\x00", 4) + static_cast<char>(size) +
               script.bytes(size);
        break;
      }
    }
    stream += made;
  }
  return stream;
}

}  // namespace

RecordSealer::RecordSealer(uint16_t cipher_suite, std::string secret)
    : suite_(cipher_suite), secret_(std::move(secret)) {
  key_ = expand("key", cipher_suite == 0x1301 ? 16 : 32);
  iv_ = expand("iv", 12);
}

std::string RecordSealer::expand(const char* label, size_t size) const {
  EVP_KDF* const kdf = EVP_KDF_fetch(nullptr, "TLS13-KDF", nullptr);
  EVP_KDF_CTX* const context = EVP_KDF_CTX_new(kdf);
  int mode = EVP_KDF_HKDF_MODE_EXPAND_ONLY;
  std::string prefix = "tls13 ";
  std::string name = label;
  std::string secret = secret_;
  std::string hash = suite_ == 0x1302 ? "SHA384" : "SHA256";
  const OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode),
      OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, hash.data(), 0),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, secret.data(),
                                        secret.size()),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_PREFIX, prefix.data(),
                                        prefix.size()),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_LABEL, name.data(),
                                        name.size()),
      OSSL_PARAM_construct_end()};
  std::string out(size, '\0');
  check(EVP_KDF_derive(context, bytes(out), size, parameters) == 1,
        "TLS13-KDF");
  EVP_KDF_CTX_free(context);
  EVP_KDF_free(kdf);
  return out;
}

std::string RecordSealer::seal(std::string_view inner) {
  const size_t length = inner.size() + 16;
  std::string record("\x17\x03\x03", 3);
  record.push_back(static_cast<char>(length >> 8));
  record.push_back(static_cast<char>(length));
  std::string nonce = iv_;
  for (int i = 0; i < 8; ++i) {
    nonce[11 - static_cast<size_t>(i)] = static_cast<char>(
        nonce[11 - static_cast<size_t>(i)] ^ (sequence_ >> (8 * i) & 0xff));
  }
  ++sequence_;
  const EVP_CIPHER* const cipher = suite_ == 0x1301   ? EVP_aes_128_gcm()
                                   : suite_ == 0x1302 ? EVP_aes_256_gcm()
                                                      : EVP_chacha20_poly1305();
  EVP_CIPHER_CTX* const context = EVP_CIPHER_CTX_new();
  std::string sealed(length, '\0');
  int n;
  check(EVP_EncryptInit_ex(context, cipher, nullptr, bytes(key_),
                           bytes(nonce)) == 1 &&
            EVP_EncryptUpdate(context, nullptr, &n, bytes(record), 5) == 1 &&
            EVP_EncryptUpdate(
                context, bytes(sealed), &n,
                reinterpret_cast<const unsigned char*>(inner.data()),
                static_cast<int>(inner.size())) == 1 &&
            EVP_EncryptFinal_ex(context, bytes(sealed), &n) == 1 &&
            EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, 16,
                                bytes(sealed) + inner.size()) == 1,
        "seal");
  EVP_CIPHER_CTX_free(context);
  return record + sealed;
}

void RecordSealer::update() {
  secret_ = expand("traffic upd", secret_.size());
  key_ = expand("key", key_.size());
  iv_ = expand("iv", 12);
  sequence_ = 0;
}

std::string handshake_message(char type, std::string_view body) {
  std::string message(1, type);
  message.push_back(static_cast<char>(body.size() >> 16));
  message.push_back(static_cast<char>(body.size() >> 8));
  message.push_back(static_cast<char>(body.size()));
  return message.append(body);
}

std::string ticket_message() {
  // Section 4.6.1: lifetime, age_add, nonce, ticket, extensions.
  return handshake_message(
      4, std::string("\0\0\x0e\x10\1\2\3\4\1n\0\6ticket\0\0", 20));
}

std::string compare_opener_with_openssl(uint16_t cipher_suite,
                                        const uint8_t* script, size_t size) {
  Pair pair(cipher_suite);
  RecordSealer sealer(cipher_suite, pair.secret);
  const std::string stream = make_stream({script, script + size}, sealer);
  const Outcome opener = read_by_opener(cipher_suite, pair.secret, stream);
  const Outcome openssl = read_by_openssl(pair, stream);
  if (std::strcmp(opener.end, openssl.end) != 0) {
    return std::string("the opener says ") + opener.end + ", OpenSSL " +
           openssl.end;
  }
  if (opener.data != openssl.data) {
    return "the opener read " + std::to_string(opener.data.size()) +
           " bytes, OpenSSL " + std::to_string(openssl.data.size()) +
           ", or others";
  }
  return {};
}

}  // namespace wirebook::testing
