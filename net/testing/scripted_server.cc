// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "net/testing/scripted_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "net/websocket_handshake.h"

namespace wirebook::testing {
namespace {

int listen_on_loopback(uint16_t* port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  if (fd < 0 ||
      bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0 ||
      listen(fd, 64) != 0 ||
      getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    std::perror("ScriptedServer: listen on 127.0.0.1");
    std::abort();
  }
  *port = ntohs(address.sin_port);
  return fd;
}

}  // namespace

std::string server_frame(int opcode, std::string_view payload, bool final) {
  std::string frame;
  frame.push_back(static_cast<char>((final ? 0x80 : 0) | opcode));
  const uint64_t size = payload.size();
  int length_bytes = 0;
  if (size < 126) {
    frame.push_back(static_cast<char>(size));
  } else {
    length_bytes = size < 65536 ? 2 : 8;
    frame.push_back(static_cast<char>(size < 65536 ? 126 : 127));
  }
  for (int i = length_bytes - 1; i >= 0; --i) {
    frame.push_back(static_cast<char>(size >> (8 * i)));
  }
  frame.append(payload);
  return frame;
}

std::string close_frame(uint16_t code, std::string_view reason) {
  std::string payload;
  payload.push_back(static_cast<char>(code >> 8));
  payload.push_back(static_cast<char>(code));
  payload.append(reason);
  return server_frame(0x8, payload);
}

std::string Peer::read_request() {
  std::string request;
  char c;
  while (request.size() < 65536 && read_exactly(&c, 1)) {
    request.push_back(c);
    if (request.ends_with("\r\n\r\n")) return request;
  }
  return {};
}

std::string Peer::upgrade_response(std::string_view request,
                                   std::string_view headers) {
  constexpr std::string_view kName = "Sec-WebSocket-Key: ";
  const size_t begin = request.find(kName) + kName.size();
  const size_t end = request.find("\r\n", begin);
  return "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
         "Connection: Upgrade\r\nSec-WebSocket-Accept: " +
         WebSocketHandshake::accept_for(request.substr(begin, end - begin)) +
         "\r\n" + std::string(headers) + "\r\n";
}

std::string Peer::upgrade(std::string_view extra) {
  std::string request = read_request();
  if (!request.empty()) {
    send(upgrade_response(request) + std::string(extra));
  }
  return request;
}

bool Peer::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(n));
  }
  return true;
}

void Peer::set_no_delay() {
  const int on = 1;
  setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

bool Peer::send_in_pieces(std::string_view bytes, size_t size) {
  set_no_delay();
  for (; !bytes.empty(); bytes.remove_prefix(std::min(size, bytes.size()))) {
    if (!send(bytes.substr(0, size))) return false;
  }
  return true;
}

long Peer::read_some(char* data, size_t size) {
  return recv(fd_, data, size, 0);
}

bool Peer::read_exactly(char* data, size_t size) {
  while (size != 0) {
    const long n = read_some(data, size);
    if (n <= 0) return false;
    data += n;
    size -= static_cast<size_t>(n);
  }
  return true;
}

ClientFrame Peer::read_frame() {
  ClientFrame frame;
  unsigned char head[2];
  if (!read_exactly(reinterpret_cast<char*>(head), 2)) return frame;
  uint64_t size = head[1] & 0x7f;
  if (size >= 126) {
    const int bytes = size == 126 ? 2 : 8;
    unsigned char length[8];
    if (!read_exactly(reinterpret_cast<char*>(length), bytes)) return frame;
    size = 0;
    for (int i = 0; i < bytes; ++i) size = size << 8 | length[i];
  }
  frame.masked = (head[1] & 0x80) != 0;
  char mask[4] = {};
  if (frame.masked && !read_exactly(mask, 4)) return frame;
  frame.payload.resize(size);
  if (!read_exactly(frame.payload.data(), size)) return frame;
  for (size_t i = 0; i < size; ++i) {
    frame.payload[i] = static_cast<char>(frame.payload[i] ^ mask[i & 3]);
  }
  frame.first_byte = head[0];
  return frame;
}

void Peer::read_to_end() {
  char buffer[4096];
  while (read_some(buffer, sizeof(buffer)) > 0) {
  }
}

void Peer::shut_down_sends() { shutdown(fd_, SHUT_WR); }

void Peer::reset() {
  const linger now = {1, 0};
  setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
}

void Peer::set_send_buffer(int bytes) {
  setsockopt(fd_, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
}

ScriptedServer::ScriptedServer(Script script)
    : script_(std::move(script)), listener_(listen_on_loopback(&port_)) {
  thread_ = std::thread([this] { run(); });
}

void ScriptedServer::stop() {
  if (stopping_.exchange(true)) return;
  shutdown(listener_, SHUT_RDWR);  // ends accept()
  const int connection = connection_.load();
  if (connection >= 0) shutdown(connection, SHUT_RDWR);
  thread_.join();
  close(listener_);
}

std::string ScriptedServer::url(std::string_view path) const {
  return "ws://127.0.0.1:" + std::to_string(port_) + std::string(path);
}

void ScriptedServer::run() {
  while (!stopping_.load()) {
    const int fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) continue;
    connection_.store(fd);
    // The destructor may have looked before the store.
    if (stopping_.load()) shutdown(fd, SHUT_RDWR);
    ++connections_;
    Peer peer(fd);
    script_(peer);
    connection_.store(-1);
    close(fd);
  }
}

uint16_t refusing_port() {
  uint16_t port = 0;
  close(listen_on_loopback(&port));
  return port;
}

}  // namespace wirebook::testing
