// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
#include "tools/exchange_sim/tls_relay.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace wirebook::sim {
namespace {

using ::testing::HasSubstr;

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
  EXPECT_EQ(
      connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)),
      0);
  return fd;
}

// Sends everything back, and ends a connection at its first '!'.
class EchoServer {
 public:
  EchoServer() : listener_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address = loopback(0);
    socklen_t size = sizeof(address);
    auto* const any = reinterpret_cast<sockaddr*>(&address);
    EXPECT_EQ(bind(listener_, any, size), 0);
    EXPECT_EQ(listen(listener_, 64), 0);
    EXPECT_EQ(getsockname(listener_, any, &size), 0);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] {
      for (int fd; (fd = accept(listener_, nullptr, nullptr)) >= 0;) {
        echoes_.emplace_back([fd] { echo(fd); });
      }
    });
  }
  ~EchoServer() {
    shutdown(listener_, SHUT_RDWR);
    thread_.join();
    for (std::thread& echo : echoes_) echo.join();
    close(listener_);
  }
  std::uint16_t port() const { return port_; }

 private:
  static void echo(int fd) {
    char buffer[5000];
    for (ssize_t n; (n = recv(fd, buffer, sizeof(buffer), 0)) > 0;) {
      const std::string_view got(buffer, static_cast<std::size_t>(n));
      if (got.find('!') != std::string_view::npos) break;
      for (ssize_t sent = 0; sent < n;) {
        const ssize_t m =
            send(fd, buffer + sent, static_cast<std::size_t>(n - sent),
                 MSG_NOSIGNAL);
        if (m <= 0) break;
        sent += m;
      }
    }
    close(fd);
  }

  int listener_;
  std::uint16_t port_ = 0;
  std::thread thread_;
  std::vector<std::thread> echoes_;
};

// A client that trusts the relay's authority and nobody else.
class Client {
 public:
  Client(std::uint16_t port, const std::string& ca_file)
      : context_(SSL_CTX_new(TLS_client_method())), fd_(connect_to(port)) {
    EXPECT_EQ(
        SSL_CTX_load_verify_locations(context_.get(), ca_file.c_str(), nullptr),
        1);
    SSL_CTX_set_verify(context_.get(), SSL_VERIFY_PEER, nullptr);
    ssl_.reset(SSL_new(context_.get()));
    SSL_set1_host(ssl_.get(), "localhost");
    SSL_set_fd(ssl_.get(), fd_);
  }
  ~Client() { close(fd_); }

  bool connect() { return SSL_connect(ssl_.get()) == 1; }
  bool send(const std::string& text) {
    return SSL_write(ssl_.get(), text.data(), static_cast<int>(text.size())) ==
           static_cast<int>(text.size());
  }
  // So many bytes, or what came before the end.
  std::string receive(std::size_t size) {
    std::string all(size, '\0');
    std::size_t have = 0;
    while (have < size) {
      const int n = SSL_read(ssl_.get(), all.data() + have,
                             static_cast<int>(size - have));
      if (n <= 0) break;
      have += static_cast<std::size_t>(n);
    }
    all.resize(have);
    return all;
  }

 private:
  wirebook::testing::OpensslPtr<SSL_CTX> context_;
  wirebook::testing::OpensslPtr<SSL> ssl_;
  int fd_;
};

class TlsRelayTest : public ::testing::Test {
 protected:
  void start(std::uint16_t plain_port) {
    auto made = TlsRelay::create(0, plain_port, ca_file);
    ASSERT_TRUE(made.ok()) << made.status();
    relay = *std::move(made);
  }

  const std::string ca_file = ::testing::TempDir() + "/relay_ca.pem";
  EchoServer server;
  std::unique_ptr<TlsRelay> relay;
};

TEST_F(TlsRelayTest, WhatComesOverTlsGoesOnAndBack) {
  start(server.port());
  Client client(relay->port(), ca_file);
  ASSERT_TRUE(client.connect());
  ASSERT_TRUE(client.send("hello"));
  EXPECT_EQ(client.receive(5), "hello");
  // More than a record, and more than the relay's buffer.
  std::string big;
  for (int i = 0; i < 20'000; ++i) big += std::to_string(i);
  std::thread sender([&] { client.send(big); });
  const std::string back = client.receive(big.size());
  sender.join();
  EXPECT_TRUE(back == big) << back.size() << " of " << big.size();
}

TEST_F(TlsRelayTest, ServesManyAtOnce) {
  start(server.port());
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 10; ++i) {
    clients.push_back(std::make_unique<Client>(relay->port(), ca_file));
    ASSERT_TRUE(clients.back()->connect());
  }
  for (std::size_t i = 0; i < clients.size(); ++i) {
    ASSERT_TRUE(clients[i]->send("client " + std::to_string(i)));
  }
  for (std::size_t i = clients.size(); i-- > 0;) {
    EXPECT_EQ(clients[i]->receive(8), "client " + std::to_string(i));
  }
}

TEST_F(TlsRelayTest, TheServersEndIsTheClients) {
  start(server.port());
  Client client(relay->port(), ca_file);
  ASSERT_TRUE(client.connect());
  ASSERT_TRUE(client.send("!"));
  EXPECT_EQ(client.receive(1), "");
}

TEST_F(TlsRelayTest, WhoDoesNotSpeakTlsIsSentAway) {
  start(server.port());
  const int fd = connect_to(relay->port());
  ASSERT_EQ(send(fd, "GET / HTTP/1.1\r\n\r\n", 18, 0), 18);
  char buffer[100];
  while (recv(fd, buffer, sizeof(buffer), 0) > 0) {
  }
  close(fd);
  // Others are served as before.
  Client client(relay->port(), ca_file);
  ASSERT_TRUE(client.connect());
  ASSERT_TRUE(client.send("hello"));
  EXPECT_EQ(client.receive(5), "hello");
}

TEST_F(TlsRelayTest, ItsEndEndsEveryConnection) {
  start(server.port());
  Client client(relay->port(), ca_file);
  ASSERT_TRUE(client.connect());
  ASSERT_TRUE(client.send("hello"));
  EXPECT_EQ(client.receive(5), "hello");
  relay.reset();
  EXPECT_EQ(client.receive(1), "");
}

TEST_F(TlsRelayTest, APortThatIsTakenIsAnError) {
  EXPECT_THAT(
      TlsRelay::create(server.port(), 1, ca_file).status().ToString(),
      HasSubstr("cannot listen on 127.0.0.1:" + std::to_string(server.port())));
}

}  // namespace
}  // namespace wirebook::sim
