// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// WebSocketEcho: a handler that sends every data message back as it came.
//
// What ws_echo_client does, for tests in their own process as well. A message
// that finds no room in the send queue is held, in order, and sent by flush():
// call that in every turn of the loop. The loop's thread only.
//
//   wirebook::WebSocketEcho echo(pool.get());
//   auto reader = *wirebook::WebSocketReader::create(..., &echo);
//   echo.set_reader(reader.get());
//   reader->connect();
//   while (!echo.closed()) { loop->run_once(); echo.flush(); }

#ifndef WIREBOOK_TOOLS_WEBSOCKET_ECHO_H_
#define WIREBOOK_TOOLS_WEBSOCKET_ECHO_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "net/raw_message_pool.h"
#include "net/websocket_reader.h"

namespace wirebook {

class WebSocketEcho final : public WebSocketHandler {
 public:
  explicit WebSocketEcho(RawMessagePool* pool) : pool_(pool) {}
  ~WebSocketEcho() override { drop_held(); }
  WebSocketEcho(const WebSocketEcho&) = delete;
  WebSocketEcho& operator=(const WebSocketEcho&) = delete;

  // For the next connection.
  void set_reader(WebSocketReader* reader) {
    reader_ = reader;
    opened_ = closed_ = false;
  }

  void flush() {
    while (!held_.empty() && send_back(held_.front())) held_.pop_front();
  }

  // Messages that wait to be sent.
  size_t held() const { return held_.size(); }
  bool opened() const { return opened_; }
  bool closed() const { return closed_; }
  // What on_close said.
  uint16_t code() const { return code_; }
  const std::string& reason() const { return reason_; }
  const absl::Status& status() const { return status_; }

 private:
  void on_open() override { opened_ = true; }

  void on_message(RawMessage* message) override {
    if (!held_.empty() || !send_back(message)) held_.push_back(message);
  }

  void on_close(uint16_t code, std::string_view reason,
                const absl::Status& status) override {
    closed_ = true;
    code_ = code;
    reason_ = reason;
    status_ = status;
    drop_held();
  }

  bool send_back(RawMessage* message) {
    const bool sent = message->kind == RawMessageKind::kText
                          ? reader_->send_text(message->view())
                          : reader_->send_binary(message->view());
    if (sent) pool_->release(message);
    return sent;
  }

  void drop_held() {
    for (RawMessage* message : held_) pool_->release(message);
    held_.clear();
  }

  RawMessagePool* const pool_;
  WebSocketReader* reader_ = nullptr;
  std::deque<RawMessage*> held_;
  bool opened_ = false;
  bool closed_ = false;
  uint16_t code_ = 0;
  std::string reason_;
  absl::Status status_;
};

}  // namespace wirebook

#endif  // WIREBOOK_TOOLS_WEBSOCKET_ECHO_H_
