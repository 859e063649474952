// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
#include "tools/exchange_sim/tls_relay.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

#include "absl/strings/str_cat.h"

namespace wirebook::sim {
namespace {

constexpr std::size_t kChunkBytes = 16384;

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

int connect_to(std::uint16_t port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = loopback(port);
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address),
              sizeof(address)) != 0) {
    close(fd);
    return -1;
  }
  return fd;
}

bool send_all(int fd, const char* data, std::size_t size) {
  while (size != 0) {
    const ssize_t n = send(fd, data, size, MSG_NOSIGNAL);
    if (n <= 0) return false;
    data += n;
    size -= static_cast<std::size_t>(n);
  }
  return true;
}

void no_delay(int fd) {
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

}  // namespace

absl::StatusOr<std::unique_ptr<TlsRelay>> TlsRelay::create(
    std::uint16_t port, std::uint16_t plain_port, const std::string& ca_file) {
  // OpenSSL writes to sockets without MSG_NOSIGNAL.
  std::signal(SIGPIPE, SIG_IGN);
  std::unique_ptr<TlsRelay> relay(new TlsRelay);
  relay->plain_port_ = plain_port;
  const testing::TestAuthority authority;
  authority.write(ca_file);
  relay->context_.reset(SSL_CTX_new(TLS_server_method()));
  authority.issue().use(relay->context_.get());
  relay->listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  setsockopt(relay->listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  sockaddr_in address = loopback(port);
  socklen_t size = sizeof(address);
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  if (bind(relay->listener_, generic, size) != 0 ||
      listen(relay->listener_, 64) != 0 ||
      getsockname(relay->listener_, generic, &size) != 0) {
    return absl::UnavailableError(absl::StrCat(
        "cannot listen on 127.0.0.1:", port, ": ", std::strerror(errno)));
  }
  relay->port_ = ntohs(address.sin_port);
  relay->thread_ = std::thread([self = relay.get()] { self->accept_all(); });
  return relay;
}

TlsRelay::~TlsRelay() {
  stopping_.store(true);
  if (listener_ >= 0) shutdown(listener_, SHUT_RDWR);  // ends accept()
  if (thread_.joinable()) thread_.join();
  join_finished(true);
  if (listener_ >= 0) close(listener_);
}

void TlsRelay::accept_all() {
  while (!stopping_.load()) {
    const int fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) continue;
    join_finished(false);
    const std::lock_guard lock(mutex_);
    Connection& connection = connections_.emplace_back();
    connection.client = fd;
    connection.thread = std::thread([this, &connection] { serve(connection); });
  }
}

void TlsRelay::join_finished(bool all) {
  const std::lock_guard lock(mutex_);
  for (auto it = connections_.begin(); it != connections_.end();) {
    if (all && !it->done.load()) shutdown(it->client, SHUT_RDWR);
    if (!all && !it->done.load()) {
      ++it;
      continue;
    }
    it->thread.join();
    close(it->client);
    it = connections_.erase(it);
  }
}

void TlsRelay::serve(Connection& connection) {
  const testing::OpensslPtr<SSL> ssl(SSL_new(context_.get()));
  SSL_set_fd(ssl.get(), connection.client);
  // A record without data must not hold up the other direction.
  SSL_clear_mode(ssl.get(), SSL_MODE_AUTO_RETRY);
  no_delay(connection.client);
  if (SSL_accept(ssl.get()) == 1) {
    const int plain = connect_to(plain_port_);
    if (plain >= 0) {
      no_delay(plain);
      relay(ssl.get(), connection.client, plain);
      close(plain);
    }
    SSL_shutdown(ssl.get());
  }
  ERR_clear_error();
  shutdown(connection.client, SHUT_RDWR);
  connection.done.store(true);
}

// Until either side ends.
void TlsRelay::relay(SSL* ssl, int client, int plain) {
  char buffer[kChunkBytes];
  for (;;) {
    pollfd watched[] = {{client, POLLIN, 0}, {plain, POLLIN, 0}};
    if (SSL_pending(ssl) == 0 && poll(watched, 2, -1) < 0) return;
    if (SSL_pending(ssl) != 0 || watched[0].revents != 0) {
      const int n = SSL_read(ssl, buffer, sizeof(buffer));
      if (n > 0) {
        if (!send_all(plain, buffer, static_cast<std::size_t>(n))) return;
      } else if (SSL_get_error(ssl, n) != SSL_ERROR_WANT_READ) {
        return;
      }
    }
    if (watched[1].revents != 0) {
      const ssize_t n = recv(plain, buffer, sizeof(buffer), 0);
      if (n <= 0 || SSL_write(ssl, buffer, static_cast<int>(n)) <= 0) return;
    }
  }
}

}  // namespace wirebook::sim
