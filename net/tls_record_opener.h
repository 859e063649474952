// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// TlsRecordOpener: opens the records of one direction of a TLS 1.3 connection
// (RFC 8446) in place, from a traffic secret on: bytes in, plain text where
// they lay.
//
// TlsStream puts it in the receive path once OpenSSL has done the handshake;
// it knows bytes only, no socket and no slab. AES-128-GCM, AES-256-GCM and
// ChaCha20-Poly1305, all through OpenSSL's EVP. It strips padding, skips
// tickets, follows KeyUpdate, tells alerts. Whatever else comes is an error
// that ends the connection, after which open() is not called again.
//
// One thread. Nothing allocates between start() and stop(), KeyUpdate
// excepted. The secret is wiped by stop() and the destructor.
//
// Cost: tls_stream_benchmark; most of it is libcrypto's.
//
//   wirebook::TlsRecordOpener opener;
//   if (!opener.start(0x1301, secret, 0)) return;  // TLS_AES_128_GCM_SHA256
//   wirebook::TlsRecord out;
//   if (opener.open(record, size, &out) == wirebook::TlsRecordEvent::kData) {
//     use(out.data, out.size);
//   }

#ifndef WIREBOOK_NET_TLS_RECORD_OPENER_H_
#define WIREBOOK_NET_TLS_RECORD_OPENER_H_

#include <openssl/evp.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace wirebook {

inline constexpr size_t kTlsHeaderBytes = 5;
inline constexpr size_t kTlsTagBytes = 16;
// Of a record's plain text, and of its protected form (sections 5.1, 5.2).
inline constexpr size_t kTlsMaxPlainBytes = size_t{1} << 14;
inline constexpr size_t kTlsMaxProtectedBytes = kTlsMaxPlainBytes + 256;
// Records in a row that bring no application data: empty ones, tickets,
// KeyUpdates. More are taken for an attack.
inline constexpr uint32_t kTlsMaxQuietRecords = 32;

enum class TlsRecordEvent : uint8_t {
  kData,                // application data, perhaps none
  kNothing,             // a ticket, or a part of one
  kKeyUpdate,           // the next record has new keys
  kKeyUpdateRequested,  // the same, and the peer asks for ours
  kCloseNotify,         // the orderly end
  kAlert,               // the peer gave up; `alert` says why
  kError,               // `error` says what
};

enum class TlsRecordError : uint8_t {
  kNone,
  kNotProtected,
  kWrongVersion,
  kTooLong,
  kBadRecordMac,
  kPlainTooLong,
  kNoContentType,
  kUnknownContentType,
  kEmptyMessage,
  kBadAlert,
  kHandshakeInterrupted,
  kUnknownHandshake,
  kHandshakeTooLong,
  kBadKeyUpdate,
  kKeyUpdateNotLast,
  kTooManyQuietRecords,
  kKeysFailed,
};

const char* tls_record_error_text(TlsRecordError error) noexcept;

struct TlsRecord {
  char* data = nullptr;
  size_t size = 0;
  uint8_t alert = 0;
  TlsRecordError error = TlsRecordError::kNone;
};

class TlsRecordOpener {
 public:
  TlsRecordOpener() = default;
  ~TlsRecordOpener() { stop(); }
  TlsRecordOpener(const TlsRecordOpener&) = delete;
  TlsRecordOpener& operator=(const TlsRecordOpener&) = delete;

  // Length in bytes of the traffic secrets of a cipher suite; 0 for one that
  // the opener does not know.
  static size_t secret_bytes(uint16_t cipher_suite) noexcept;

  // Opens records from the one with number `sequence` under `secret` on.
  // False when the suite is unknown or libcrypto refuses.
  bool start(uint16_t cipher_suite, std::span<const unsigned char> secret,
             uint64_t sequence) noexcept;
  // Wipes and forgets the keys.
  void stop() noexcept;
  bool started() const noexcept { return context_ != nullptr; }

  // `record` is one whole record, its header included. `out->data` points
  // into it.
  TlsRecordEvent open(char* record, size_t size, TlsRecord* out) noexcept;

 private:
  struct Suite;

  static const Suite* find(uint16_t cipher_suite) noexcept;
  // HKDF-Expand-Label with an empty context (section 7.1), of at most one
  // hash's length.
  bool expand_label(const char* label, std::span<unsigned char> out) noexcept;
  bool set_keys() noexcept;
  bool update_keys() noexcept;
  bool decrypt(unsigned char* record, size_t size) noexcept;
  TlsRecordEvent fail(TlsRecordError error, TlsRecord* out) noexcept;
  TlsRecordEvent on_alert(TlsRecord* out) noexcept;
  TlsRecordEvent on_handshake(TlsRecord* out) noexcept;

  const Suite* suite_ = nullptr;
  EVP_CIPHER* cipher_ = nullptr;
  EVP_CIPHER_CTX* context_ = nullptr;
  std::array<unsigned char, 48> secret_ = {};
  std::array<unsigned char, 12> iv_ = {};
  uint64_t sequence_ = 0;
  uint32_t quiet_ = 0;
  // The handshake message that is being read over.
  std::array<unsigned char, 4> message_head_ = {};
  size_t message_head_size_ = 0;
  size_t message_left_ = 0;  // of its body
};

}  // namespace wirebook

#endif  // WIREBOOK_NET_TLS_RECORD_OPENER_H_
