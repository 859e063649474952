// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "net/testing/listener.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace wirebook::testing {
namespace {

int new_socket(int family) {
  const int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) {
    std::perror("Listener: socket");
    std::abort();
  }
  return fd;
}

}  // namespace

Listener::Listener(const std::string& host, Kind kind)
    : address_(*parse_socket_address(host, 0)) {
  fd_ = new_socket(address_.family());
  if (bind(fd_, address_.get(), address_.size) != 0 ||
      listen(fd_, kind == kFull ? 0 : 64) != 0 ||
      getsockname(fd_, reinterpret_cast<sockaddr*>(&address_.bytes),
                  &address_.size) != 0) {
    std::perror("Listener: listen");
    std::abort();
  }
  if (kind == kOpen) return;
  // A backlog of 0 holds one connection. The kernel drops the SYNs of those
  // that come then (tcp_abort_on_overflow is off).
  for (int i = 0; i < 2; ++i) {
    own_.push_back(new_socket(address_.family()));
    connect(own_.back(), address_.get(), address_.size);
  }
}

Listener::~Listener() {
  for (const int fd : own_) close(fd);
  for (const int fd : taken_) close(fd);
  close(fd_);
}

uint16_t Listener::port() const {
  // At the same place in sockaddr_in and sockaddr_in6.
  return ntohs(reinterpret_cast<const sockaddr_in*>(&address_.bytes)->sin_port);
}

int Listener::accepted() const {
  for (;;) {
    const int fd = accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) return static_cast<int>(taken_.size());
    taken_.push_back(fd);
  }
}

void Listener::make_room() {
  listen(fd_, 64);
  for (const int fd : own_) close(fd);
  own_.clear();
}

}  // namespace wirebook::testing
