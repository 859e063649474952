// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// TlsRecordOpener against OpenSSL: the same records to both, which must take
// and refuse the same and read the same bytes. For the opener's test and its
// fuzz target.

#ifndef WIREBOOK_NET_TESTING_OPENER_DIFFERENTIAL_H_
#define WIREBOOK_NET_TESTING_OPENER_DIFFERENTIAL_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace wirebook::testing {

// Protects records as a TLS 1.3 server does; its key schedule is OpenSSL's
// TLS13-KDF, not the opener's.
class RecordSealer {
 public:
  RecordSealer(uint16_t cipher_suite, std::string secret);
  // `inner` ends with its content type, and may end with padding (RFC 8446,
  // section 5.2).
  std::string seal(std::string_view inner);
  std::string seal(std::string_view content, char type) {
    return seal(std::string(content) + type);
  }
  // The next traffic secret (section 7.2).
  void update();
  const std::string& secret() const { return secret_; }
  const std::string& key() const { return key_; }
  const std::string& iv() const { return iv_; }

 private:
  std::string expand(const char* label, size_t size) const;
  const uint16_t suite_;
  std::string secret_;
  std::string key_;
  std::string iv_;
  uint64_t sequence_ = 0;
};

// A handshake message: type, length, body.
std::string handshake_message(char type, std::string_view body);
// A well-formed NewSessionTicket.
std::string ticket_message();

// Does what `script` says, byte by byte, on a new connection of the given
// suite; returns what was different, or "".
std::string compare_opener_with_openssl(uint16_t cipher_suite,
                                        const uint8_t* script, size_t size);

}  // namespace wirebook::testing

#endif  // WIREBOOK_NET_TESTING_OPENER_DIFFERENTIAL_H_
