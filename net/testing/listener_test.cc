// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "net/testing/listener.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gtest/gtest.h"

namespace wirebook::testing {
namespace {

// A socket that has begun to connect.
class Client {
 public:
  explicit Client(const SocketAddress& address)
      : fd_(socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK, 0)) {
    connect(fd_, address.get(), address.size);
  }
  ~Client() { close(fd_); }
  bool connected(int wait_ms) const {
    pollfd watched = {fd_, POLLOUT, 0};
    int error = 0;
    socklen_t size = sizeof(error);
    return poll(&watched, 1, wait_ms) == 1 &&
           getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &size) == 0 &&
           error == 0;
  }

 private:
  int fd_;
};

TEST(ListenerTest, TheKernelCompletesConnects) {
  const Listener listener("127.0.0.1");
  EXPECT_EQ(listener.accepted(), 0);
  const Client one(listener.address()), two(listener.address());
  EXPECT_TRUE(one.connected(5000));
  EXPECT_TRUE(two.connected(5000));
  EXPECT_EQ(listener.accepted(), 2);
  EXPECT_EQ(listener.accepted(), 2) << "each is counted once";
}

TEST(ListenerTest, AFullOneNeitherTakesNorRefusesUntilThereIsRoom) {
  Listener listener("127.0.0.1", Listener::kFull);
  {
    const Client client(listener.address());
    EXPECT_FALSE(client.connected(50));
  }
  listener.make_room();
  const Client client(listener.address());
  EXPECT_TRUE(client.connected(5000));
}

}  // namespace
}  // namespace wirebook::testing
