// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "net/tls_stream.h"

#include <openssl/crypto.h>
#include <openssl/err.h>

#include <algorithm>
#include <climits>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"

namespace wirebook {
namespace {

uint8_t hex_digit(char c) {
  return static_cast<uint8_t>(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
}

}  // namespace

TlsStream::TlsStream(std::shared_ptr<TlsContext> context, std::string host,
                     uint16_t port, TlsOutput* output)
    : context_(std::move(context)),
      host_(std::move(host)),
      output_(output),
      opener_allowed_(context_->options().record_opener) {
  connection_.stream = this;
  connection_.on_secret = on_secret;
  connection_.ticket_key = absl::StrCat(host_, ":", port);
}

// ---- OpenSSL's way to the slab and out ------------------------------------

BIO_METHOD* TlsStream::bio_method() {
  static BIO_METHOD* const method = [] {
    BIO_METHOD* const made =
        BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "slab");
    BIO_meth_set_read(made, bio_read);
    BIO_meth_set_write(made, bio_write);
    BIO_meth_set_ctrl(made, bio_control);
    return made;
  }();
  return method;
}

// Gives one whole record at a time, so that OpenSSL always stops at a border.
int TlsStream::bio_read(BIO* bio, char* out, int size) {
  auto* const self = static_cast<TlsStream*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  if (self->next_ == self->record_end_) {
    const uint64_t end = self->whole_record();
    if (end == 0 || self->quiet_ > kTlsMaxQuietRecords) {
      BIO_set_retry_read(bio);
      return -1;
    }
    self->record_end_ = end;
    ++self->records_;
    ++self->statistics_.records;
  }
  const size_t n =
      std::min(static_cast<size_t>(size),
               static_cast<size_t>(self->record_end_ - self->next_));
  std::memcpy(out, self->slab_->at(self->next_), n);
  self->next_ += n;
  return static_cast<int>(n);
}

int TlsStream::bio_write(BIO* bio, const char* data, int size) {
  auto* const self = static_cast<TlsStream*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  if (!self->output_->send_records({data, static_cast<size_t>(size)})) {
    BIO_set_retry_write(bio);
    return -1;
  }
  return size;
}

long TlsStream::bio_control(BIO*, int command, long, void*) {
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}

// The end of the record at next_, or 0 while it is not all there. What cannot
// be a record is OpenSSL's to refuse, so it gets all there is.
uint64_t TlsStream::whole_record() const noexcept {
  const uint64_t there = slab_->write_position() - next_;
  if (there < kTlsHeaderBytes) return 0;
  const auto* const head =
      reinterpret_cast<const unsigned char*>(slab_->at(next_));
  const size_t length = size_t{head[3]} << 8 | head[4];
  if (head[0] < 20 || head[0] > 23 || head[1] != 3 ||
      length > kMaxFragmentBytes) [[unlikely]] {
    return slab_->write_position();
  }
  return there < kTlsHeaderBytes + length ? 0
                                          : next_ + kTlsHeaderBytes + length;
}

void TlsStream::on_message(int write, int /*version*/, int content_type,
                           const void* data, size_t size, SSL* /*ssl*/,
                           void* stream) {
  if (write != 0 || content_type != SSL3_RT_HANDSHAKE || size == 0 ||
      *static_cast<const unsigned char*>(data) != SSL3_MT_KEY_UPDATE) {
    return;
  }
  auto* const self = static_cast<TlsStream*>(stream);
  self->update_seen_ = true;
  ++self->quiet_;
  ++self->statistics_.key_updates;
}

void TlsStream::on_secret(TlsContext::Connection* connection,
                          std::string_view label, std::string_view hex) {
  auto* const self = static_cast<Connection*>(connection)->stream;
  if (!self->opener_allowed_ || label != "SERVER_TRAFFIC_SECRET_0" ||
      hex.size() / 2 > sizeof(self->secret_)) {
    return;
  }
  self->secret_size_ = hex.size() / 2;
  for (size_t i = 0; i < self->secret_size_; ++i) {
    self->secret_[i] = static_cast<unsigned char>(hex_digit(hex[2 * i]) << 4 |
                                                  hex_digit(hex[2 * i + 1]));
  }
}

void TlsStream::wipe_secret() noexcept {
  OPENSSL_cleanse(secret_, sizeof(secret_));
  secret_size_ = 0;
}

// ---- Beginning and end
// -------------------------------------------------------

TlsStream::Result TlsStream::start(RawMessageSlab* slab) {
  stop();
  status_ = absl::OkStatus();
  slab_ = slab;
  next_ = record_end_ = segment_begin_ = segment_end_ = copied_position_ =
      slab->write_position();
  handshake_done_ = update_seen_ = false;
  quiet_ = 0;
  records_ = 0;
  ERR_clear_error();
  ssl_ = context_->connect(host_, &connection_);
  BIO* const bio = ssl_ == nullptr ? nullptr : BIO_new(bio_method());
  if (bio == nullptr) {
    return fail(absl::InternalError(
        absl::StrCat("TLS: no connection: ", take_openssl_errors())));
  }
  BIO_set_data(bio, this);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl_, bio, bio);
  SSL_set_msg_callback(ssl_, on_message);
  SSL_set_msg_callback_arg(ssl_, this);
  return handshake();
}

void TlsStream::stop() noexcept {
  SSL_free(ssl_);
  ssl_ = nullptr;
  opener_.stop();
  wipe_secret();
}

TlsStream::Result TlsStream::handshake() {
  ERR_clear_error();
  const int result = SSL_do_handshake(ssl_);
  if (result != 1) return fail_openssl(result, "in the handshake");
  const unsigned char* protocol = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(ssl_, &protocol, &size);
  if (size != 0 && std::string_view(reinterpret_cast<const char*>(protocol),
                                    size) != "http/1.1") {
    return fail(absl::FailedPreconditionError(
        "TLS: the server chose another protocol (ALPN) than http/1.1"));
  }
  handshake_done_ = true;
  // The next record is the first under the server's application keys.
  records_ = 0;
  ++statistics_.handshakes;
  if (resumed()) ++statistics_.resumed;
  return Result::kOk;
}

bool TlsStream::take_over() noexcept {
  const auto suite = static_cast<uint16_t>(
      SSL_CIPHER_get_protocol_id(SSL_get_current_cipher(ssl_)));
  const bool possible = opener_allowed_ && secret_size_ != 0 && !update_seen_ &&
                        SSL_version(ssl_) == TLS1_3_VERSION &&
                        next_ == record_end_ && SSL_has_pending(ssl_) == 0;
  if (possible) opener_.start(suite, {secret_, secret_size_}, records_);
  wipe_secret();
  return opener_.started();
}

void TlsStream::send_close_notify() noexcept {
  if (!handshake_done_ || !status_.ok()) return;
  ERR_clear_error();
  SSL_shutdown(ssl_);
}

// ---- Reading
// ------------------------------------------------------------------

TlsStream::Result TlsStream::read(TlsWindow* window, uint64_t wanted) noexcept {
  for (;;) {
    if (give_segment(window, wanted)) return Result::kOk;
    if (window->begin == window->end) {
      window->begin = window->end = next_;
    } else {
      close_gap(window);
    }
    if (!opener_.started()) return read_by_openssl(window);
    const Result result = read_by_opener();
    if (result != Result::kOk) return result;
  }
}

bool TlsStream::give_segment(TlsWindow* window, uint64_t wanted) noexcept {
  if (segment_begin_ == segment_end_) return false;
  if (window->begin == window->end) [[likely]] {
    *window = {segment_begin_, segment_end_};
    segment_begin_ = segment_end_;
    return true;
  }
  // A message began in an earlier record: just what belongs to it moves.
  const uint64_t have = window->end - window->begin;
  const auto size = static_cast<size_t>(std::min(
      std::max(wanted, have + 1) - have, segment_end_ - segment_begin_));
  // Both seen from the window's begin, in the same of the two mappings.
  char* const begin = slab_->at(window->begin);
  std::memmove(begin + have, begin + (segment_begin_ - window->begin), size);
  segment_begin_ += size;
  window->end += size;
  copied_position_ = window->end;
  statistics_.copied_bytes += size;
  return true;
}

// Moves the window up to the next record when the space between is large.
void TlsStream::close_gap(TlsWindow* window) noexcept {
  const uint64_t size = window->end - window->begin;
  const uint64_t gap = next_ - window->end;
  if (gap < std::max(size, kMaxGapBytes)) return;
  char* const begin = slab_->at(window->begin);
  std::memmove(begin + gap, begin, static_cast<size_t>(size));
  *window = {window->begin + gap, next_};
  copied_position_ = next_;
  statistics_.copied_bytes += size;
}

TlsStream::Result TlsStream::read_by_openssl(TlsWindow* window) noexcept {
  if (whole_record() == 0) return Result::kNeedMore;
  // What others have left in this thread's error queue would be taken for
  // ours. Clearing it costs more than looking.
  if (ERR_peek_error() != 0) [[unlikely]]
    ERR_clear_error();
  // At most one record's plain text, so it ends before next_ as it is then.
  const int n = SSL_read(ssl_, slab_->at(window->end),
                         static_cast<int>(kTlsMaxPlainBytes));
  if (quiet_ > kTlsMaxQuietRecords) {
    return fail(absl::InvalidArgumentError(absl::StrCat(
        "TLS: the server broke the protocol: ",
        tls_record_error_text(TlsRecordError::kTooManyQuietRecords))));
  }
  if (n <= 0) return fail_openssl(n, "in a record");
  quiet_ = 0;
  window->end += static_cast<uint64_t>(n);
  copied_position_ = window->end;
  statistics_.copied_bytes += static_cast<uint64_t>(n);
  return Result::kOk;
}

// kOk: a segment is there, perhaps empty.
TlsStream::Result TlsStream::read_by_opener() noexcept {
  const uint64_t end = whole_record();
  if (end == 0) return Result::kNeedMore;
  char* const at = slab_->at(next_);
  TlsRecord record;
  const TlsRecordEvent event =
      opener_.open(at, static_cast<size_t>(end - next_), &record);
  if (event == TlsRecordEvent::kError) [[unlikely]] {
    return fail_opener(tls_record_error_text(record.error));
  }
  const uint64_t begin = next_;
  next_ = record_end_ = end;
  ++statistics_.records;
  ++statistics_.opened_records;
  switch (event) {
    case TlsRecordEvent::kData:
      segment_begin_ = begin + static_cast<uint64_t>(record.data - at);
      segment_end_ = segment_begin_ + record.size;
      return Result::kOk;
    case TlsRecordEvent::kNothing:
      return Result::kOk;
    case TlsRecordEvent::kKeyUpdate:
      ++statistics_.key_updates;
      return Result::kOk;
    case TlsRecordEvent::kKeyUpdateRequested:
      ++statistics_.key_updates;
      return answer_key_update();
    case TlsRecordEvent::kCloseNotify:
      return Result::kEnded;
    default:
      return fail(absl::UnavailableError(
          absl::StrCat("TLS: the server ended it with the alert \"",
                       SSL_alert_desc_string_long(record.alert), "\"")));
  }
}

// OpenSSL sends, so it is OpenSSL that changes the keys for sending.
TlsStream::Result TlsStream::answer_key_update() noexcept {
  ERR_clear_error();
  const int result = SSL_key_update(ssl_, SSL_KEY_UPDATE_NOT_REQUESTED) == 1
                         ? SSL_do_handshake(ssl_)
                         : -1;
  return result == 1 ? Result::kOk : fail_openssl(result, "in a KeyUpdate");
}

// ---- Sending
// ------------------------------------------------------------------

char* TlsStream::prepare_write(size_t size) {
  if (plain_out_.size() < size) plain_out_.resize(size);
  return plain_out_.data();
}

bool TlsStream::finish_write(size_t size) noexcept {
  if (!handshake_done_ || !status_.ok()) return false;
  ERR_clear_error();
  size_t written = 0;
  const int result = SSL_write_ex(ssl_, plain_out_.data(), size, &written);
  if (result == 1) return true;
  fail_openssl(result, "while sending");
  return false;
}

// ---- Failing
// ------------------------------------------------------------------

TlsStream::Result TlsStream::fail(absl::Status status) noexcept {
  status_ = std::move(status);
  return Result::kFailed;
}

TlsStream::Result TlsStream::fail_opener(const char* what) noexcept {
  opener_allowed_ = false;
  opener_.stop();
  // OpenSSL's record numbers are those of the take-over: to it this record is
  // a forgery, and it sends the alert bad_record_mac under its own keys, which
  // has no call (RFC 8446, section 5.2 demands it).
  char unused;
  SSL_read(ssl_, &unused, 1);
  ERR_clear_error();
  return fail(absl::InvalidArgumentError(absl::StrCat(
      "TLS: the server broke the protocol, or the record opener does not know "
      "it; the next connection goes without: ",
      what)));
}

TlsStream::Result TlsStream::fail_openssl(int result,
                                          const char* when) noexcept {
  switch (SSL_get_error(ssl_, result)) {
    case SSL_ERROR_WANT_READ:
      return Result::kNeedMore;
    case SSL_ERROR_WANT_WRITE:
      return fail(absl::ResourceExhaustedError(
          "TLS: no room in the send queue; raise send_queue_bytes"));
    case SSL_ERROR_ZERO_RETURN:
      return Result::kEnded;
    default:
      break;
  }
  const long verified = SSL_get_verify_result(ssl_);
  if (!handshake_done_ && verified != X509_V_OK) {
    ERR_clear_error();
    return fail(absl::UnauthenticatedError(
        absl::StrCat("TLS: the certificate of ", host_, " was refused: ",
                     verified == X509_V_ERR_APPLICATION_VERIFICATION
                         ? "no certificate of its chain matches a pin"
                         : X509_verify_cert_error_string(verified))));
  }
  return fail(absl::UnavailableError(
      absl::StrCat("TLS: ", when, ": ", take_openssl_errors())));
}

// ---- What became of it
// --------------------------------------------------------

std::string_view TlsStream::version() const noexcept {
  return handshake_done_ && ssl_ != nullptr ? SSL_get_version(ssl_) : "";
}

std::string_view TlsStream::cipher() const noexcept {
  return handshake_done_ && ssl_ != nullptr ? SSL_get_cipher_name(ssl_) : "";
}

bool TlsStream::resumed() const noexcept {
  return handshake_done_ && ssl_ != nullptr && SSL_session_reused(ssl_) == 1;
}

}  // namespace wirebook
