// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// ScriptedServer: a TCP server on loopback whose every byte is the test's.
//
// For tests of net only. Each connection runs the given script on a thread of
// its own, one connection after the other; the script uses blocking calls.
//
//   wirebook::testing::ScriptedServer server([](auto& peer) {
//     peer.upgrade();                          // reads the request, answers
//     peer.send(server_frame(0x1, "hello"));
//     peer.read_to_end();
//   });
//   connect_to(server.port());

#ifndef WIREBOOK_NET_TESTING_SCRIPTED_SERVER_H_
#define WIREBOOK_NET_TESTING_SCRIPTED_SERVER_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <thread>

namespace wirebook::testing {

// A frame as a server sends it: `opcode` in the low bits of the first byte;
// RSV bits may be set in it as well.
std::string server_frame(int opcode, std::string_view payload,
                         bool final = true);
// Close frame with a code.
std::string close_frame(uint16_t code, std::string_view reason = {});

struct ClientFrame {
  int first_byte = -1;  // -1: the connection ended instead
  bool masked = false;
  std::string payload;  // unmasked
  int opcode() const { return first_byte & 0x0f; }
};

class Peer {
 public:
  explicit Peer(int fd) : fd_(fd) {}
  virtual ~Peer() = default;
  int fd() const { return fd_; }

  // The request's head, with its empty line; "" when the connection ended.
  std::string read_request();
  // read_request() and the right answer; `extra` bytes follow in one segment.
  std::string upgrade(std::string_view extra = {});
  // The answer of upgrade() for a request; `headers` are whole lines.
  static std::string upgrade_response(std::string_view request,
                                      std::string_view headers = {});
  // False when the other side has gone.
  virtual bool send(std::string_view bytes);
  // In pieces of `size`, each its own segment.
  bool send_in_pieces(std::string_view bytes, size_t size);
  ClientFrame read_frame();
  // Reads and drops until the client ends the connection.
  void read_to_end();
  bool read_exactly(char* data, size_t size);
  // Segments leave at once (TCP_NODELAY).
  void set_no_delay();
  // Nothing more will be sent.
  void shut_down_sends();
  // Ends by RST instead of FIN.
  void reset();
  void set_send_buffer(int bytes);

 private:
  // As recv() does.
  virtual long read_some(char* data, size_t size);
  int fd_;
};

class ScriptedServer {
 public:
  using Script = std::function<void(Peer&)>;

  explicit ScriptedServer(Script script);
  ~ScriptedServer() { stop(); }

  // Ends the connection and waits for the script: what it has written may be
  // read after this.
  void stop();

  uint16_t port() const { return port_; }
  std::string url(std::string_view path = "/") const;
  int connections() const { return connections_.load(); }

 private:
  void run();

  const Script script_;
  uint16_t port_ = 0;
  int listener_;  // which sets port_
  std::atomic<int> connection_{-1};
  std::atomic<int> connections_{0};
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

// A port of loopback on which nothing listens.
uint16_t refusing_port();

}  // namespace wirebook::testing

#endif  // WIREBOOK_NET_TESTING_SCRIPTED_SERVER_H_
