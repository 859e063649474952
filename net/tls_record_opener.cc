// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "net/tls_record_opener.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/hmac.h>
#include <openssl/params.h>

#include <algorithm>
#include <cstring>

namespace wirebook {
namespace {

// RFC 8446, sections 5.1 and 4.
constexpr uint8_t kAlertType = 21;
constexpr uint8_t kHandshakeType = 22;
constexpr uint8_t kApplicationDataType = 23;
constexpr uint8_t kNewSessionTicket = 4;
constexpr uint8_t kKeyUpdateMessage = 24;
constexpr uint8_t kCloseNotifyAlert = 0;
constexpr uint8_t kUserCanceledAlert = 90;

unsigned char* bytes(char* p) { return reinterpret_cast<unsigned char*>(p); }

}  // namespace

struct TlsRecordOpener::Suite {
  uint16_t number;
  const char* cipher;
  size_t key_bytes;
  const EVP_MD* (*hash)();
  size_t hash_bytes;
  bool gcm;
};

const char* tls_record_error_text(TlsRecordError error) noexcept {
  switch (error) {
    case TlsRecordError::kNone:
      return "no error";
    case TlsRecordError::kNotProtected:
      return "a record that is not protected";
    case TlsRecordError::kWrongVersion:
      return "a record of another version";
    case TlsRecordError::kTooLong:
      return "a record is longer than 2^14 + 256 bytes";
    case TlsRecordError::kBadRecordMac:
      return "bad record MAC: forged, damaged, or under other keys";
    case TlsRecordError::kPlainTooLong:
      return "a record's plain text is longer than 2^14 bytes";
    case TlsRecordError::kNoContentType:
      return "a record is padding only, without a content type";
    case TlsRecordError::kUnknownContentType:
      return "a record of unknown content type";
    case TlsRecordError::kEmptyMessage:
      return "an empty handshake or alert record";
    case TlsRecordError::kBadAlert:
      return "an alert that is not two bytes long";
    case TlsRecordError::kHandshakeInterrupted:
      return "another record inside a handshake message";
    case TlsRecordError::kUnknownHandshake:
      return "a handshake message that a server may not send now";
    case TlsRecordError::kHandshakeTooLong:
      return "a handshake message is longer than 2^14 bytes";
    case TlsRecordError::kBadKeyUpdate:
      return "a KeyUpdate that is neither requested nor not requested";
    case TlsRecordError::kKeyUpdateNotLast:
      return "a KeyUpdate is not the end of its record";
    case TlsRecordError::kTooManyQuietRecords:
      return "too many records in a row without application data";
    case TlsRecordError::kKeysFailed:
      return "libcrypto did not take the next keys";
  }
  return "?";
}

const TlsRecordOpener::Suite* TlsRecordOpener::find(
    uint16_t cipher_suite) noexcept {
  // RFC 8446, appendix B.4.
  static constexpr Suite kSuites[] = {
      {0x1301, "AES-128-GCM", 16, EVP_sha256, 32, true},
      {0x1302, "AES-256-GCM", 32, EVP_sha384, 48, true},
      {0x1303, "ChaCha20-Poly1305", 32, EVP_sha256, 32, false},
  };
  for (const Suite& suite : kSuites) {
    if (suite.number == cipher_suite) return &suite;
  }
  return nullptr;
}

size_t TlsRecordOpener::secret_bytes(uint16_t cipher_suite) noexcept {
  const Suite* const suite = find(cipher_suite);
  return suite == nullptr ? 0 : suite->hash_bytes;
}

bool TlsRecordOpener::start(uint16_t cipher_suite,
                            std::span<const unsigned char> secret,
                            uint64_t sequence) noexcept {
  stop();
  suite_ = find(cipher_suite);
  if (suite_ == nullptr || secret.size() != suite_->hash_bytes) return false;
  std::copy(secret.begin(), secret.end(), secret_.begin());
  sequence_ = sequence;
  cipher_ = EVP_CIPHER_fetch(nullptr, suite_->cipher, nullptr);
  context_ = EVP_CIPHER_CTX_new();
  if (cipher_ == nullptr || context_ == nullptr ||
      EVP_DecryptInit_ex2(context_, cipher_, nullptr, nullptr, nullptr) != 1 ||
      !set_keys()) {
    stop();
    return false;
  }
  return true;
}

void TlsRecordOpener::stop() noexcept {
  OPENSSL_cleanse(secret_.data(), secret_.size());
  OPENSSL_cleanse(iv_.data(), iv_.size());
  EVP_CIPHER_CTX_free(context_);  // which wipes the key
  EVP_CIPHER_free(cipher_);
  context_ = nullptr;
  cipher_ = nullptr;
  quiet_ = 0;
  message_head_size_ = message_left_ = 0;
}

bool TlsRecordOpener::expand_label(const char* label,
                                   std::span<unsigned char> out) noexcept {
  // struct HkdfLabel, then the counter of HKDF-Expand's only block (RFC 5869).
  static constexpr char kPrefix[] = "tls13 ";
  unsigned char info[32];
  const size_t label_size = std::strlen(label);
  size_t size = 0;
  info[size++] = 0;
  info[size++] = static_cast<unsigned char>(out.size());
  info[size++] = static_cast<unsigned char>(sizeof(kPrefix) - 1 + label_size);
  std::memcpy(info + size, kPrefix, sizeof(kPrefix) - 1);
  size += sizeof(kPrefix) - 1;
  std::memcpy(info + size, label, label_size);
  size += label_size;
  info[size++] = 0;  // no context
  info[size++] = 1;
  unsigned char block[EVP_MAX_MD_SIZE];
  unsigned block_size = 0;
  const bool good =
      HMAC(suite_->hash(), secret_.data(), static_cast<int>(suite_->hash_bytes),
           info, size, block, &block_size) != nullptr &&
      block_size >= out.size();
  if (good) std::copy_n(block, out.size(), out.begin());
  OPENSSL_cleanse(block, sizeof(block));
  return good;
}

bool TlsRecordOpener::set_keys() noexcept {
  std::array<unsigned char, 32> key;
  bool good =
      expand_label("key", {key.data(), suite_->key_bytes}) &&
      expand_label("iv", iv_) &&
      EVP_DecryptInit_ex2(context_, nullptr, key.data(), nullptr, nullptr) == 1;
  // The nonce is iv XOR sequence (section 5.3): its first 4 bytes never change.
  if (good && suite_->gcm) {
    good = EVP_CIPHER_CTX_ctrl(context_, EVP_CTRL_GCM_SET_IV_FIXED, 4,
                               iv_.data()) == 1;
  }
  OPENSSL_cleanse(key.data(), key.size());
  return good;
}

bool TlsRecordOpener::update_keys() noexcept {
  // Section 7.2.
  std::array<unsigned char, 48> next;
  const std::span<unsigned char> secret(next.data(), suite_->hash_bytes);
  const bool expanded = expand_label("traffic upd", secret);
  if (expanded) std::copy(secret.begin(), secret.end(), secret_.begin());
  OPENSSL_cleanse(next.data(), next.size());
  sequence_ = 0;
  return expanded && set_keys();
}

bool TlsRecordOpener::decrypt(unsigned char* record, size_t size) noexcept {
  unsigned char nonce[12];
  std::memcpy(nonce, iv_.data(), sizeof(nonce));
  uint64_t low;
  std::memcpy(&low, nonce + 4, sizeof(low));
  low ^= __builtin_bswap64(sequence_);
  std::memcpy(nonce + 4, &low, sizeof(low));
  ++sequence_;

  const auto length = static_cast<int>(size - kTlsHeaderBytes - kTlsTagBytes);
  unsigned char* const text = record + kTlsHeaderBytes;
  OSSL_PARAM parameters[3] = {
      OSSL_PARAM_construct_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG,
                                        text + length, kTlsTagBytes),
      OSSL_PARAM_construct_end(), OSSL_PARAM_construct_end()};
  if (suite_->gcm) {
    // A third faster than an init with the whole nonce, which asks the
    // provider for its length by name.
    parameters[1] = OSSL_PARAM_construct_octet_string(
        OSSL_CIPHER_PARAM_AEAD_TLS1_SET_IV_INV, nonce + 4, 8);
    if (EVP_CIPHER_CTX_set_params(context_, parameters) != 1) return false;
  } else if (EVP_DecryptInit_ex2(context_, nullptr, nullptr, nonce,
                                 parameters) != 1) {
    return false;
  }
  int written = 0;
  return EVP_DecryptUpdate(context_, nullptr, &written, record,
                           kTlsHeaderBytes) == 1 &&
         EVP_DecryptUpdate(context_, text, &written, text, length) == 1 &&
         EVP_DecryptFinal_ex(context_, text + length, &written) == 1;
}

TlsRecordEvent TlsRecordOpener::fail(TlsRecordError error,
                                     TlsRecord* out) noexcept {
  out->error = error;
  return TlsRecordEvent::kError;
}

TlsRecordEvent TlsRecordOpener::open(char* record, size_t size,
                                     TlsRecord* out) noexcept {
  if (size < kTlsHeaderBytes + kTlsTagBytes + 1) [[unlikely]] {
    return fail(TlsRecordError::kBadRecordMac, out);
  }
  if (static_cast<uint8_t>(record[0]) != kApplicationDataType) [[unlikely]] {
    return fail(TlsRecordError::kNotProtected, out);
  }
  if (record[1] != 3 || record[2] != 3) [[unlikely]] {
    return fail(TlsRecordError::kWrongVersion, out);
  }
  if (size - kTlsHeaderBytes > kTlsMaxProtectedBytes) [[unlikely]] {
    return fail(TlsRecordError::kTooLong, out);
  }
  if (!decrypt(bytes(record), size)) [[unlikely]] {
    return fail(TlsRecordError::kBadRecordMac, out);
  }
  char* const text = record + kTlsHeaderBytes;
  size_t end = size - kTlsHeaderBytes - kTlsTagBytes;
  while (end != 0 && text[end - 1] == 0) --end;
  if (end == 0) [[unlikely]]
    return fail(TlsRecordError::kNoContentType, out);
  const auto type = static_cast<uint8_t>(text[end - 1]);
  out->data = text;
  out->size = end - 1;
  if (out->size > kTlsMaxPlainBytes) [[unlikely]] {
    return fail(TlsRecordError::kPlainTooLong, out);
  }
  if (type == kApplicationDataType && out->size != 0 && message_head_size_ == 0)
      [[likely]] {
    quiet_ = 0;
    return TlsRecordEvent::kData;
  }
  if (type != kApplicationDataType && type != kHandshakeType &&
      type != kAlertType) {
    return fail(TlsRecordError::kUnknownContentType, out);
  }
  if (++quiet_ > kTlsMaxQuietRecords) {
    return fail(TlsRecordError::kTooManyQuietRecords, out);
  }
  if (type != kApplicationDataType && out->size == 0) {
    return fail(TlsRecordError::kEmptyMessage, out);
  }
  if (type == kHandshakeType) return on_handshake(out);
  if (message_head_size_ != 0) {
    return fail(TlsRecordError::kHandshakeInterrupted, out);
  }
  return type == kAlertType ? on_alert(out) : TlsRecordEvent::kData;
}

// Section 6: the level means nothing any more.
TlsRecordEvent TlsRecordOpener::on_alert(TlsRecord* out) noexcept {
  if (out->size != 2) return fail(TlsRecordError::kBadAlert, out);
  out->alert = static_cast<uint8_t>(out->data[1]);
  if (out->alert == kCloseNotifyAlert) return TlsRecordEvent::kCloseNotify;
  // Section 6.1: a close_notify follows.
  if (out->alert == kUserCanceledAlert) return TlsRecordEvent::kNothing;
  return TlsRecordEvent::kAlert;
}

// Messages may share a record, and run over several (section 5.1).
TlsRecordEvent TlsRecordOpener::on_handshake(TlsRecord* out) noexcept {
  const unsigned char* p = bytes(out->data);
  const unsigned char* const end = p + out->size;
  while (p != end) {
    if (message_head_size_ < message_head_.size()) {
      message_head_[message_head_size_++] = *p++;
      if (message_head_size_ < message_head_.size()) continue;
      message_left_ = size_t{message_head_[1]} << 16 |
                      size_t{message_head_[2]} << 8 | message_head_[3];
      if (message_head_[0] == kKeyUpdateMessage) {
        if (message_left_ != 1) return fail(TlsRecordError::kBadKeyUpdate, out);
      } else if (message_head_[0] != kNewSessionTicket) {
        return fail(TlsRecordError::kUnknownHandshake, out);
      } else if (message_left_ > kTlsMaxPlainBytes) {
        return fail(TlsRecordError::kHandshakeTooLong, out);
      }
      if (message_left_ != 0) continue;
    } else if (message_head_[0] == kKeyUpdateMessage) {
      const unsigned char request = *p++;
      if (request > 1) return fail(TlsRecordError::kBadKeyUpdate, out);
      // Section 5.1: key changes align with records.
      if (p != end) return fail(TlsRecordError::kKeyUpdateNotLast, out);
      message_head_size_ = 0;
      if (!update_keys()) return fail(TlsRecordError::kKeysFailed, out);
      return request == 1 ? TlsRecordEvent::kKeyUpdateRequested
                          : TlsRecordEvent::kKeyUpdate;
    } else {
      const size_t size = std::min(message_left_, static_cast<size_t>(end - p));
      message_left_ -= size;
      p += size;
    }
    if (message_left_ == 0) message_head_size_ = 0;
  }
  return TlsRecordEvent::kNothing;
}

}  // namespace wirebook
