// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "net/websocket_reader.h"

#include <algorithm>
#include <cstring>

#include "absl/strings/str_cat.h"

namespace wirebook {
namespace {

WebSocketFrameParserOptions parser_options(
    const WebSocketReaderOptions& options, bool tls) {
  WebSocketFrameParserOptions result;
  result.max_message = options.max_message_bytes;
  result.max_whole_frame =
      tls ? TlsStream::max_window_bytes(options.slab_slots)
          : (options.slab_slots - 1) * kRawMessageSlotBytes;
  result.validate_utf8 = options.validate_utf8;
  return result;
}

// As it goes into the send queue.
size_t request_bytes(const Url& url, const WebSocketHandshakeOptions& options) {
  KernelRandom random;
  const size_t size = WebSocketHandshake(url, options, random).request().size();
  return url.tls() ? TlsStream::sealed_bytes(size) : size;
}

}  // namespace

absl::StatusOr<std::unique_ptr<WebSocketReader>> WebSocketReader::create(
    UringLoop* loop, RawMessagePool* pool, WebSocketReaderOptions options,
    WebSocketHandler* handler) {
  absl::StatusOr<Url> url = parse_url(options.url);
  if (!url.ok()) return url.status();
  const auto invalid = [&](const auto&... what) {
    return absl::InvalidArgumentError(
        absl::StrCat("WebSocket ", without_query(options.url), ": ", what...));
  };
  if (url->scheme != "ws" && url->scheme != "wss") {
    return invalid("the scheme must be ws or wss");
  }
  if (loop == nullptr || pool == nullptr || handler == nullptr) {
    return invalid("loop, pool or handler is nullptr; it needs all three");
  }
  if (loop->pool() != pool) return invalid("the loop has another pool");
  if (options.connect_timeout_ns == 0) {
    return invalid("connect_timeout_ns is 0; give the time all steps may take");
  }
  if (options.close_timeout_ns == 0) {
    return invalid("close_timeout_ns is 0; give the server time to answer");
  }
  if (url->tls() && options.slab_slots < TlsStream::kLeastSlabSlots) {
    return invalid("slab_slots is ", options.slab_slots,
                   "; TLS needs at least ", TlsStream::kLeastSlabSlots);
  }
  const RawMessagePoolOptions& pool_options = pool->options();
  if (options.max_message_bytes == 0) {
    return invalid("max_message_bytes is 0; give the longest message's size");
  }
  if (pool_options.large_messages == 0 ||
      options.max_message_bytes > pool_options.large_bytes) {
    return invalid("max_message_bytes is ", options.max_message_bytes,
                   ", but the pool has ", pool_options.large_messages,
                   " large buffers of ", pool_options.large_bytes,
                   " bytes; raise large_bytes of its options");
  }
  if (options.back_pressure != BackPressure::kStopReading &&
      options.most_held >= pool_options.descriptors) {
    return invalid("most_held is ", options.most_held, ", but the pool has ",
                   pool_options.descriptors,
                   " descriptors, and stops reading when all are out; give "
                   "less");
  }
  if (options.back_pressure == BackPressure::kGrow &&
      pool_options.detached_bytes == 0) {
    return invalid(
        "back_pressure is kGrow, but detached_bytes of the pool's options is "
        "0; give what messages may take beside their slabs");
  }
  absl::Status status = WebSocketHandshake::check_options(options.handshake);
  if (!status.ok()) return status;
  status = StreamConnector::check_options(options.connector);
  if (!status.ok()) return status;
  // What add_slab() refuses is left to it.
  if (options.slab_slots >= 2 &&
      options.handshake.max_response_bytes >
          parser_options(options, url->tls()).max_whole_frame) {
    return invalid("max_response_bytes is ",
                   options.handshake.max_response_bytes, ", but a slab of ",
                   options.slab_slots,
                   " slots has no room for so many; give less, or more slots");
  }
  if (size_t size = request_bytes(*url, options.handshake);
      size > loop->options().send_queue_bytes) {
    return invalid("the request has ", size,
                   " bytes, but send_queue_bytes of "
                   "the loop's options is ",
                   loop->options().send_queue_bytes, "; raise it");
  }
  if (url->tls() && options.tls == nullptr) {
    absl::StatusOr<std::shared_ptr<TlsContext>> tls = TlsContext::create({});
    if (!tls.ok()) return tls.status();
    options.tls = *std::move(tls);
  }
  absl::StatusOr<Proxy> proxy = parse_proxy(options.proxy);
  if (!proxy.ok()) return proxy.status();
  absl::StatusOr<RawMessageSlab*> slab = pool->add_slab(options.slab_slots);
  if (!slab.ok()) return slab.status();
  std::unique_ptr<WebSocketReader> reader(
      new WebSocketReader(loop, pool, std::move(options), *std::move(url),
                          *std::move(proxy), handler));
  reader->slab_ = *slab;
  if (reader->options_.handshake.deflate) {
    slab = pool->add_slab(reader->options_.slab_slots);
    if (!slab.ok()) return slab.status();
    reader->inflate_slab_ = *slab;
    reader->inflated_ = std::make_unique<InflatedMessage>(
        pool, *slab, reader->options_.max_message_bytes,
        reader->options_.validate_utf8);
  }
  return reader;
}

WebSocketReader::WebSocketReader(UringLoop* loop, RawMessagePool* pool,
                                 WebSocketReaderOptions options, Url url,
                                 Proxy proxy, WebSocketHandler* handler)
    : loop_(loop),
      pool_(pool),
      options_(std::move(options)),
      url_(std::move(url)),
      handler_(handler),
      parser_(parser_options(options_, url_.tls())),
      timer_(this),
      output_(this),
      connector_(loop, std::move(proxy), options_.connector, this) {
  if (url_.tls()) {
    tls_ = std::make_unique<TlsStream>(options_.tls, url_.host, url_.port,
                                       &output_);
  }
}

WebSocketReader::~WebSocketReader() {
  loop_->stop_timer(&timer_);
  if (assembly_ == Assembly::kLarge) pool_->abandon_large(assembly_large_);
  if (stream_ != nullptr) {
    loop_->close_and_return_slab(stream_);
  } else if (!connector_.abandon() && slab_ != nullptr) {
    pool_->return_slab(slab_);
  }
  if (inflated_ != nullptr) {
    inflated_.reset();
    pool_->return_slab(inflate_slab_);
  }
}

absl::Status WebSocketReader::error(absl::StatusCode code,
                                    std::string_view what) const {
  return absl::Status(
      code, absl::StrCat("WebSocket ", without_query(options_.url), ": ",
                         absl::string_view(what.data(), what.size())));
}

absl::Status WebSocketReader::tls_error() const {
  const absl::string_view message = tls_->status().message();
  return error(tls_->status().code(), {message.data(), message.size()});
}

absl::Status WebSocketReader::set_url(const std::string& text) {
  absl::StatusOr<Url> url = parse_url(text);
  if (!url.ok()) return url.status();
  if (state_ != State::kIdle) {
    return error(absl::StatusCode::kFailedPrecondition,
                 "set_url() before on_close of the connection before");
  }
  if (url->scheme != url_.scheme) {
    return absl::InvalidArgumentError(
        absl::StrCat("WebSocket ", without_query(text), ": the scheme must be ",
                     url_.scheme));
  }
  options_.url = text;
  url_ = *std::move(url);
  if (tls_ != nullptr) {
    tls_ = std::make_unique<TlsStream>(options_.tls, url_.host, url_.port,
                                       &output_);
  }
  return absl::OkStatus();
}

absl::Status WebSocketReader::connect() {
  if (state_ != State::kIdle) {
    return error(absl::StatusCode::kFailedPrecondition,
                 "connect() before on_close of the connection before");
  }
  close_sent_ = peer_closed_ = peer_ended_ = pending_ = false;
  tls_ended_ = false;
  stalled_ = stall_counted_ = false;
  close_code_ = kCloseAbnormal;
  close_reason_size_ = 0;
  close_status_ = absl::OkStatus();
  state_ = State::kConnecting;
  connector_.start(url_.host, url_.port, slab_, this);
  loop_->start_timer(&timer_, options_.connect_timeout_ns);
  return absl::OkStatus();
}

void WebSocketReader::on_stream(LoopStream* stream) noexcept {
  stream_ = stream;
  on_connected();
}

void WebSocketReader::on_failed(const absl::Status& status) noexcept {
  loop_->stop_timer(&timer_);
  if (state_ == State::kConnecting) {
    const absl::string_view message = status.message();
    close_status_ = error(status.code(), {message.data(), message.size()});
  }
  tell_close();
}

void WebSocketReader::on_connected() noexcept {
  state_ = State::kHandshake;
  handshake_begin_ = cursor_ = plain_end_ = seen_ = slab_->write_position();
  parser_.reset();
  if (tls_ == nullptr) {
    begin_upgrade();
  } else if (tls_->start(slab_) == TlsStream::Result::kFailed) {
    end(kCloseAbnormal, tls_error());
  }
}

void WebSocketReader::begin_upgrade() noexcept {
  handshake_.emplace(url_, options_.handshake, random_);
  const std::string& request = handshake_->request();
  char* const room = prepare_output(request.size());
  if (room != nullptr) std::memcpy(room, request.data(), request.size());
  if (room == nullptr || !finish_output(request.size())) {
    end(kCloseAbnormal, error(absl::StatusCode::kResourceExhausted,
                              "the request is longer than send_queue_bytes"));
  }
}

void WebSocketReader::on_received(uint64_t receive_ticks) noexcept {
  const uint64_t write = slab_->write_position();
  note_arrival(write, receive_ticks);
  statistics_.bytes += write - seen_;
  seen_ = write;
  if (tls_ == nullptr) {
    plain_end_ = write;
  } else if (!tls_->handshake_done() && !finish_tls_handshake()) {
    return;
  }
  if (state_ == State::kHandshake && !finish_handshake()) return;
  parse();
}

bool WebSocketReader::finish_tls_handshake() noexcept {
  switch (tls_->handshake()) {
    case TlsStream::Result::kNeedMore:
      slab_->set_parse_position(tls_->record_position());
      return false;
    case TlsStream::Result::kOk:
      handshake_begin_ = plain_end_ = tls_->record_position();
      begin_upgrade();
      return state_ == State::kHandshake;
    case TlsStream::Result::kEnded:
      end(kCloseAbnormal, error(absl::StatusCode::kUnavailable,
                                "the server ended the TLS handshake"));
      return false;
    case TlsStream::Result::kFailed:
      end(kCloseAbnormal, tls_error());
      return false;
  }
  return false;
}

bool WebSocketReader::read_more(uint64_t* begin, uint64_t wanted) noexcept {
  if (tls_ == nullptr) return false;
  TlsWindow window = {*begin, plain_end_};
  const TlsStream::Result result = tls_->read(&window, wanted);
  *begin = window.begin;
  plain_end_ = window.end;
  if (result == TlsStream::Result::kEnded) {
    tls_ended_ = peer_ended_ = true;
    finish_end();
  } else if (result == TlsStream::Result::kFailed) {
    end(kCloseAbnormal, tls_error());
  }
  return result == TlsStream::Result::kOk;
}

bool WebSocketReader::finish_handshake() noexcept {
  for (;;) {
    const uint64_t have = plain_end_ - handshake_begin_;
    absl::Status status;
    const WebSocketHandshake::State state =
        handshake_->parse(slab_->at(handshake_begin_), have, &status);
    if (state == WebSocketHandshake::State::kDone) break;
    if (state == WebSocketHandshake::State::kFailed) {
      end(kCloseAbnormal, std::move(status));
      return false;
    }
    if (!read_more(&handshake_begin_, have + 1)) {
      slab_->set_parse_position(handshake_begin_);
      return false;
    }
  }
  absl::Status status = start_deflate();
  if (!status.ok()) {
    end(kCloseAbnormal, std::move(status));
    return false;
  }
  if (tls_ != nullptr) tls_->take_over();
  cursor_ = handshake_begin_ + handshake_->response_bytes();
  loop_->stop_timer(&timer_);
  state_ = State::kOpen;
  ++statistics_.connects;
  handler_->on_open();
  return true;
}

// Of the message that ends at `end`; with TLS, of its record.
inline const WebSocketReader::Arrival& WebSocketReader::arrival(
    uint64_t end) noexcept {
  if (tls_ != nullptr) end = tls_->record_position();
  // The last arrival ends at the write position, never before the message.
  while (arrivals_[first_arrival_].end < end) {
    first_arrival_ = (first_arrival_ + 1) % arrivals_.size();
    --arrival_count_;
  }
  return arrivals_[first_arrival_];
}

// Of the next message, which ends at `end`.
inline RawMessageStamp WebSocketReader::stamp(uint64_t end,
                                              WebSocketOpcode opcode) noexcept {
  const Arrival& at = arrival(end);
  return {at.ticks,
          at.kernel_ns,
          statistics_.messages + statistics_.dropped,
          options_.connection,
          options_.venue,
          opcode == WebSocketOpcode::kText ? RawMessageKind::kText
                                           : RawMessageKind::kBinary};
}

// Whether a message that came while too many are out is handed over.
bool WebSocketReader::keep(RawMessage* message) noexcept {
  if (options_.back_pressure == BackPressure::kDrop) {
    ++statistics_.dropped;
    pool_->release(message);
    return false;
  }
  if (pool_->detach(message)) ++statistics_.grown_messages;
  return true;
}

inline void WebSocketReader::hand_over(RawMessage* message) noexcept {
  stall_counted_ = false;
  if (options_.back_pressure != BackPressure::kStopReading &&
      pool_->outstanding() > options_.most_held && !keep(message)) {
    return;
  }
  ++statistics_.messages;
  statistics_.payload_bytes += message->size;
  handler_->on_message(message);
}

inline bool WebSocketReader::deliver_message(
    const WebSocketFrame& frame) noexcept {
  const uint64_t end = cursor_ + frame.consumed;
  RawMessage* const message = pool_->acquire(*slab_, end - frame.size,
                                             static_cast<uint32_t>(frame.size),
                                             stamp(end, frame.opcode));
  if (message == nullptr) [[unlikely]] {
    stall();  // the parser gives the same event again
    return false;
  }
  if (tls_ != nullptr && cursor_ < tls_->copied_position()) {
    ++statistics_.copied_messages;
  }
  cursor_ = end;
  hand_over(message);
  return true;
}

void WebSocketReader::parse() noexcept {
  // After a close frame, or our own for an error, the rest is dropped.
  const auto reading = [this] {
    return state_ == State::kOpen ||
           (state_ == State::kClosing && !peer_closed_ && close_status_.ok());
  };
  // What it waited for is tried again.
  stalled_ = false;
  if (pending_ && reading()) {
    if (!deliver_fragment(pending_frame_)) return;
    pending_ = false;
  }
  WebSocketFrame frame;
  bool more = true;
  while (more && reading()) {
    const WebSocketEvent event =
        parser_.next(slab_->at(cursor_), plain_end_ - cursor_, &frame);
    switch (event) {
      case WebSocketEvent::kMessage:
        more = deliver_message(frame);
        break;
      case WebSocketEvent::kFragment:
        more = deliver_fragment(frame);
        if (!more) {
          pending_ = true;
          pending_frame_ = frame;
        }
        break;
      case WebSocketEvent::kNeedMore:
        more = read_more(&cursor_, parser_.wanted());
        if (!more && state_ != State::kEnding &&
            assembly_ == Assembly::kInSlab && !fits_in_slab(parser_.wanted())) {
          move_to_large();
        }
        break;
      case WebSocketEvent::kPing:
        ++statistics_.pings;
        if (!close_sent_ &&
            !write_frame(WebSocketOpcode::kPong, {frame.payload, frame.size})) {
          ++statistics_.pongs_not_sent;
        }
        cursor_ += frame.consumed;
        break;
      case WebSocketEvent::kPong:
        ++statistics_.pongs;
        cursor_ += frame.consumed;
        break;
      case WebSocketEvent::kClose:
        cursor_ += frame.consumed;
        on_peer_close(frame);
        break;
      case WebSocketEvent::kError:
        fail(frame.close_code,
             error(absl::StatusCode::kInvalidArgument,
                   absl::StrCat("the server broke the protocol: ",
                                websocket_error_text(frame.error))));
        break;
    }
  }
  if (state_ == State::kEnding) return;
  if (!reading()) cursor_ = plain_end_ = slab_->write_position();
  slab_->set_parse_position(assembly_ == Assembly::kInSlab ? assembly_begin_
                                                           : cursor_);
}

// Takes in a part of a message; false, and nothing changed, when a buffer or a
// descriptor is missing.
bool WebSocketReader::deliver_fragment(const WebSocketFrame& frame) noexcept {
  if (frame.compressed) return deliver_compressed(frame);
  if (frame.last && !pool_->descriptor_free()) {
    stall();
    return false;
  }
  const uint64_t payload = cursor_ + frame.consumed - frame.size;
  if (assembly_ == Assembly::kNone) {
    assembly_ = Assembly::kInSlab;
    assembly_begin_ = payload;
    assembly_size_ = 0;
  }
  if (assembly_ == Assembly::kInSlab && !frame.whole_frame &&
      !move_to_large()) {
    return false;
  }
  if (assembly_ == Assembly::kLarge) {
    std::memcpy(assembly_large_ + assembly_size_, slab_->at(payload),
                frame.size);
    statistics_.copied_bytes += frame.size;
  } else if (assembly_size_ != 0) {
    // Both seen from the first byte, in the same of the two mappings: memmove
    // tells an overlap by addresses.
    char* const begin = slab_->at(assembly_begin_);
    std::memmove(begin + assembly_size_, begin + (payload - assembly_begin_),
                 frame.size);
    statistics_.copied_bytes += frame.size;
  } else {
    assembly_begin_ = payload;
  }
  assembly_size_ += frame.size;
  cursor_ += frame.consumed;
  ++statistics_.fragments;
  if (!frame.last) return true;

  const auto size = static_cast<uint32_t>(assembly_size_);
  RawMessage* message;
  if (assembly_ == Assembly::kLarge) {
    message = pool_->acquire_large(assembly_large_, size);
    ++statistics_.large_messages;
  } else {
    message = pool_->acquire(*slab_, assembly_begin_, size);
  }
  ++statistics_.copied_messages;
  assembly_ = Assembly::kNone;
  assembly_size_ = 0;
  message->stamp(stamp(cursor_, frame.opcode));
  hand_over(message);
  return true;
}

absl::Status WebSocketReader::start_deflate() {
  if (!deflating()) return absl::OkStatus();
  parser_.set_compression();
  const PermessageDeflateAgreement& agreed = *handshake_->deflate();
  absl::Status status = inflated_->start(agreed);
  if (status.ok()) status = deflater_.start(agreed);
  return status;
}

// As deliver_fragment.
bool WebSocketReader::deliver_compressed(const WebSocketFrame& frame) noexcept {
  RawMessage* message = nullptr;
  const InflatedMessage::Result result = inflated_->take(frame, &message);
  if (result == InflatedMessage::Result::kNoRoom) {
    stall();
    return false;
  }
  if (result == InflatedMessage::Result::kError) {
    const bool too_long = inflated_->error() == WebSocketError::kMessageTooLong;
    fail(too_long ? kCloseTooBig : kCloseInvalidData,
         error(absl::StatusCode::kInvalidArgument,
               absl::StrCat("the server broke the protocol: ",
                            websocket_error_text(inflated_->error()))));
    return true;
  }
  cursor_ += frame.consumed;
  if (!frame.last) return true;
  ++statistics_.inflated_messages;
  ++statistics_.copied_messages;
  statistics_.copied_bytes += message->size;
  statistics_.large_messages += inflated_->last_was_large();
  message->stamp(stamp(cursor_, frame.opcode));
  hand_over(message);
  return true;
}

// Whether `frame_bytes` from the cursor find room while the assembled message
// is kept: its slot and all that follow it, once around.
bool WebSocketReader::fits_in_slab(uint64_t frame_bytes) const noexcept {
  const uint64_t room =
      tls_ == nullptr ? frame_bytes : TlsStream::room_for(frame_bytes);
  return cursor_ + room <=
         (assembly_begin_ / kRawMessageSlotBytes + slab_->slots()) *
             kRawMessageSlotBytes;
}

bool WebSocketReader::move_to_large() noexcept {
  char* const buffer = pool_->take_large();
  if (buffer == nullptr) {
    stall();
    return false;
  }
  std::memcpy(buffer, slab_->at(assembly_begin_), assembly_size_);
  statistics_.copied_bytes += assembly_size_;
  assembly_ = Assembly::kLarge;
  assembly_large_ = buffer;
  return true;
}

void WebSocketReader::note_arrival(uint64_t end, uint64_t ticks) noexcept {
  // Without a stall all whole messages have been handed over; what is left ends
  // in this arrival or a later one.
  if (!stalled_) first_arrival_ = arrival_count_ = 0;
  if (arrival_count_ == arrivals_.size()) {
    // No room: the last one takes this in, so that what comes now looks older
    // than it is, never newer.
    arrivals_[(first_arrival_ + arrival_count_ - 1) % arrivals_.size()].end =
        end;
    return;
  }
  arrivals_[(first_arrival_ + arrival_count_) % arrivals_.size()] = {
      end, ticks, stream_->kernel_receive_ns};
  ++arrival_count_;
}

bool WebSocketReader::stalled() const noexcept {
  return stalled_ ||
         (stream_ != nullptr && (stream_->starved || stream_->stalled));
}

void WebSocketReader::stall() noexcept {
  stalled_ = true;
  if (!stall_counted_) {
    stall_counted_ = true;
    ++statistics_.stalls;
  }
  loop_->set_stalled(stream_);
}

void WebSocketReader::on_reclaimed() noexcept {
  parse();
  // What came before the end has been handed over now.
  if (peer_ended_ && !stalled_ && state_ != State::kEnding) finish_end();
}

void WebSocketReader::on_peer_close(const WebSocketFrame& frame) noexcept {
  peer_closed_ = true;
  close_code_ = frame.close_code;
  close_reason_size_ = frame.size;
  std::memcpy(close_reason_, frame.payload, frame.size);
  if (!close_sent_) {
    // Section 5.5.1: the answer carries the code that was received.
    send_close(close_code_, {});
  }
  if (tls_ != nullptr) tls_->send_close_notify();
  state_ = State::kClosing;
  // The server ends TCP first (section 7.1.1).
  loop_->start_timer(&timer_, options_.close_timeout_ns);
}

void WebSocketReader::on_ended(int error_number) noexcept {
  peer_ended_ = true;
  peer_error_ = error_number;
  if (!stalled_) finish_end();
}

void WebSocketReader::finish_end() noexcept {
  const char* const cause =
      peer_error_ != 0 ? stream_error_text(peer_error_)
      : tls_ == nullptr || tls_ended_
          ? "the server ended it"
          : "the server ended TCP without TLS's close_notify, so something may "
            "be cut off";
  if (peer_closed_ || !close_status_.ok()) {
    end(close_code_, close_status_);
  } else if (state_ == State::kHandshake) {
    end(kCloseAbnormal,
        error(absl::StatusCode::kUnavailable,
              absl::StrCat("the connection broke in the handshake: ", cause)));
  } else {
    uint64_t rest = plain_end_ - cursor_;
    if (tls_ != nullptr && !tls_ended_) {
      rest += slab_->write_position() - tls_->record_position();
    }
    const bool inside = rest != 0 || parser_.inside_message();
    end(kCloseAbnormal,
        error(absl::StatusCode::kUnavailable,
              absl::StrCat("the connection broke without a close frame",
                           inside ? ", in the middle of a message" : "", ": ",
                           cause)));
  }
}

void WebSocketReader::on_timeout() noexcept {
  if (state_ == State::kClosing) {
    if (!peer_closed_ && close_status_.ok()) {
      close_status_ =
          error(absl::StatusCode::kDeadlineExceeded,
                "the server did not answer the close frame in time");
    }
    end(close_code_, close_status_);
    return;
  }
  end(kCloseAbnormal,
      error(absl::StatusCode::kDeadlineExceeded,
            absl::StrCat("no ",
                         state_ == State::kConnecting ? connector_.step_name()
                         : tls_ != nullptr && !tls_->handshake_done()
                             ? "TLS session"
                             : "complete response to the handshake",
                         " within connect_timeout_ns")));
}

bool WebSocketReader::send_frame(WebSocketOpcode opcode,
                                 std::string_view payload) noexcept {
  if (state_ != State::kOpen) return false;
  return deflating() && opcode != WebSocketOpcode::kPing
             ? write_compressed(opcode, payload)
             : write_frame(opcode, payload);
}

bool WebSocketReader::write_frame(WebSocketOpcode opcode,
                                  std::string_view payload) noexcept {
  char* const room = prepare_output(kMaxWebSocketHeaderBytes + payload.size());
  return room != nullptr && finish_output(write_client_frame(
                                opcode, payload, random_.next32(), room));
}

char* WebSocketReader::prepare_output(size_t size) {
  if (tls_ == nullptr) return loop_->prepare_send(stream_, size);
  return loop_->prepare_send(stream_, TlsStream::sealed_bytes(size)) == nullptr
             ? nullptr
             : tls_->prepare_write(size);
}

bool WebSocketReader::finish_output(size_t size) noexcept {
  if (tls_ != nullptr) return tls_->finish_write(size);
  loop_->finish_send(stream_, size);
  return true;
}

// Compressed behind where the frame will be written, so that one pass masks it
// to its place.
bool WebSocketReader::write_compressed(WebSocketOpcode opcode,
                                       std::string_view payload) noexcept {
  char* const room = prepare_output(kMaxWebSocketHeaderBytes +
                                    MessageDeflater::bound(payload.size()));
  if (room == nullptr) return false;
  char* const compressed = room + kMaxWebSocketHeaderBytes;
  const size_t size = deflater_.deflate(payload, compressed);
  return finish_output(write_client_frame(opcode, {compressed, size},
                                          random_.next32(), room,
                                          WebSocketCompressed::kYes));
}

void WebSocketReader::send_close(uint16_t code,
                                 std::string_view reason) noexcept {
  char payload[kMaxControlPayloadBytes];
  size_t size = 0;
  if (code != kCloseNoCode) {
    payload[0] = static_cast<char>(code >> 8);
    payload[1] = static_cast<char>(code);
    size = 2 + reason.copy(payload + 2, sizeof(payload) - 2);
  }
  write_frame(WebSocketOpcode::kClose, {payload, size});
  close_sent_ = true;
}

void WebSocketReader::close(uint16_t code, std::string_view reason) {
  switch (state_) {
    case State::kConnecting:
    case State::kHandshake:
      end(kCloseAbnormal,
          error(absl::StatusCode::kCancelled, "closed before it was open"));
      break;
    case State::kOpen:
      send_close(code, reason);
      state_ = State::kClosing;
      loop_->start_timer(&timer_, options_.close_timeout_ns);
      break;
    case State::kIdle:
    case State::kClosing:
    case State::kEnding:
      break;
  }
}

void WebSocketReader::fail(uint16_t code, absl::Status status) noexcept {
  if (!close_sent_) send_close(code, {});
  if (tls_ != nullptr) tls_->send_close_notify();
  close_status_ = std::move(status);
  state_ = State::kClosing;
  loop_->start_timer(&timer_, options_.close_timeout_ns);
}

void WebSocketReader::end(uint16_t code, absl::Status status) noexcept {
  close_code_ = code;
  close_status_ = std::move(status);
  state_ = State::kEnding;
  loop_->stop_timer(&timer_);
  if (stream_ != nullptr) {
    loop_->close(stream_);
  } else {
    connector_.stop(close_status_);
  }
}

void WebSocketReader::on_closed() noexcept {
  statistics_.slab_full += stream_->starvations;
  stream_ = nullptr;
  slab_->set_parse_position(slab_->write_position());
  if (tls_ != nullptr) tls_->stop();
  if (assembly_ == Assembly::kLarge) pool_->abandon_large(assembly_large_);
  if (inflated_ != nullptr) inflated_->drop();
  assembly_ = Assembly::kNone;
  assembly_size_ = 0;
  tell_close();
}

void WebSocketReader::tell_close() noexcept {
  state_ = State::kIdle;
  // The handler may connect again from here.
  const std::string reason(close_reason_, close_reason_size_);
  const absl::Status status = close_status_;
  handler_->on_close(close_code_, reason, status);
}

WebSocketStatistics WebSocketReader::statistics() const noexcept {
  WebSocketStatistics result = statistics_;
  if (stream_ != nullptr) result.slab_full += stream_->starvations;
  if (tls_ != nullptr) result.copied_bytes += tls_->statistics().copied_bytes;
  return result;
}

}  // namespace wirebook
