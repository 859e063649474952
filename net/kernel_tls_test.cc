// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// The kernel's own TLS (kTLS) on a real socket: as a peer that seals records
// for TlsRecordOpener, and what its receive is like, which is why net leaves it
// alone (README.md). Skipped, with the probe's answer, where the kernel has
// none; tools/numa_guest.sh --net runs it on Debian 12's.
//
// The interface: Documentation/networking/tls.rst of Linux.

#include <linux/tls.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>
#include <thread>

#include "gtest/gtest.h"
#include "net/socket_address.h"
#include "net/testing/opener_differential.h"
#include "net/tls_record_opener.h"

#ifndef SOL_TLS
#define SOL_TLS 282
#endif

namespace wirebook {
namespace {

using testing::RecordSealer;
using testing::ticket_message;

constexpr char kAlert = 21, kHandshake = 22, kData = 23;

// A TCP connection over loopback, both ends blocking.
class TcpPair {
 public:
  TcpPair() {
    SocketAddress address = *parse_socket_address("127.0.0.1", 0);
    const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sender = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    EXPECT_EQ(bind(listener, address.get(), address.size), 0);
    EXPECT_EQ(listen(listener, 1), 0);
    EXPECT_EQ(getsockname(listener, reinterpret_cast<sockaddr*>(&address.bytes),
                          &address.size),
              0);
    EXPECT_EQ(connect(sender, address.get(), address.size), 0);
    receiver = accept(listener, nullptr, nullptr);
    close(listener);
  }
  ~TcpPair() {
    close(sender);
    close(receiver);
  }

  int sender;
  int receiver;
};

// "" when the kernel has TLS for `fd`, otherwise why not.
std::string probe(int fd) {
  if (setsockopt(fd, IPPROTO_TCP, TCP_ULP, "tls", sizeof("tls")) == 0) {
    return "";
  }
  return std::string("setsockopt(TCP_ULP, tls): ") + std::strerror(errno);
}

// Gives the kernel the sealer's keys for `direction`, TLS_TX or TLS_RX, from
// record 0 on.
template <typename Info>
bool set_keys(int fd, int direction, uint16_t cipher,
              const RecordSealer& sealer) {
  Info info = {};
  info.info.version = TLS_1_3_VERSION;
  info.info.cipher_type = cipher;
  // A TLS 1.3 nonce is 12 bytes of IV (RFC 8446, section 5.3): for the kernel
  // these are a salt and, with GCM, what TLS 1.2 had sent in each record.
  const std::string& iv = sealer.iv();
  std::copy_n(sealer.key().begin(), sizeof(info.key), info.key);
  std::copy_n(iv.begin(), iv.size() - sizeof(info.iv), info.salt);
  std::copy(iv.end() - sizeof(info.iv), iv.end(), info.iv);
  return setsockopt(fd, SOL_TLS, direction, &info, sizeof(info)) == 0;
}

bool set_keys(int fd, int direction, uint16_t suite,
              const RecordSealer& sealer) {
  switch (suite) {
    case 0x1301:
      return set_keys<tls12_crypto_info_aes_gcm_128>(
          fd, direction, TLS_CIPHER_AES_GCM_128, sealer);
    case 0x1302:
      return set_keys<tls12_crypto_info_aes_gcm_256>(
          fd, direction, TLS_CIPHER_AES_GCM_256, sealer);
    default:
      return set_keys<tls12_crypto_info_chacha20_poly1305>(
          fd, direction, TLS_CIPHER_CHACHA20_POLY1305, sealer);
  }
}

// One record of another type than application data.
bool send_record(int fd, char type, std::string content) {
  alignas(cmsghdr) char control[CMSG_SPACE(1)] = {};
  iovec vector = {content.data(), content.size()};
  msghdr message = {};
  message.msg_iov = &vector;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof(control);
  cmsghdr* const header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_TLS;
  header->cmsg_type = TLS_SET_RECORD_TYPE;
  header->cmsg_len = CMSG_LEN(1);
  *CMSG_DATA(header) = static_cast<unsigned char>(type);
  return sendmsg(fd, &message, 0) == static_cast<ssize_t>(content.size());
}

bool send_all(int fd, const std::string& bytes) {
  return send(fd, bytes.data(), bytes.size(), 0) ==
         static_cast<ssize_t>(bytes.size());
}

// The next record as it is on the wire; "" when the connection ended.
std::string next_record(int fd) {
  std::string record(kTlsHeaderBytes, '\0');
  if (recv(fd, record.data(), record.size(), MSG_WAITALL) !=
      static_cast<ssize_t>(record.size())) {
    return {};
  }
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(record[i]); };
  const size_t size = size_t{byte(3)} << 8 | byte(4);
  record.resize(kTlsHeaderBytes + size);
  if (recv(fd, record.data() + kTlsHeaderBytes, size, MSG_WAITALL) !=
      static_cast<ssize_t>(size)) {
    return {};
  }
  return record;
}

class KernelTlsTest : public ::testing::TestWithParam<uint16_t> {
 protected:
  // `fd` is the end that the kernel is to seal, or to open, records for.
  void use(int fd, int direction) {
    const std::string refused = probe(fd);
    utsname kernel;
    uname(&kernel);
    std::printf("[kernel TLS] Linux %s: %s\n", kernel.release,
                refused.empty() ? "there" : refused.c_str());
    if (!refused.empty()) GTEST_SKIP() << refused;
    if (!set_keys(fd, direction, GetParam(), sealer)) {
      GTEST_SKIP() << "this cipher suite: " << std::strerror(errno);
    }
  }

  TcpPair connection;
  RecordSealer sealer{
      GetParam(), std::string(TlsRecordOpener::secret_bytes(GetParam()), 's')};
};

INSTANTIATE_TEST_SUITE_P(Suites, KernelTlsTest,
                         ::testing::Values(0x1301, 0x1302, 0x1303),
                         [](const ::testing::TestParamInfo<uint16_t>& suite) {
                           return suite.param == 0x1301   ? "aes_128_gcm"
                                  : suite.param == 0x1302 ? "aes_256_gcm"
                                                          : "chacha20_poly1305";
                         });

TEST_P(KernelTlsTest, TheOpenerReadsWhatTheKernelSealed) {
  use(connection.sender, TLS_TX);
  if (IsSkipped()) return;
  std::string sent = "hello";
  for (size_t i = 0; i < 100'000; ++i) sent += static_cast<char>(i * 7 / 3);
  std::thread kernel([&] {
    EXPECT_TRUE(send_all(connection.sender, "hello"));
    EXPECT_TRUE(send_record(connection.sender, kHandshake, ticket_message()));
    EXPECT_TRUE(send_all(connection.sender, sent.substr(5)));
    EXPECT_TRUE(send_record(connection.sender, kAlert, {1, 0}));
  });

  TlsRecordOpener opener;
  const std::string& secret = sealer.secret();
  EXPECT_TRUE(opener.start(
      GetParam(),
      {reinterpret_cast<const unsigned char*>(secret.data()), secret.size()},
      0));
  std::string received;
  int tickets = 0;
  TlsRecordEvent event;
  do {
    std::string record = next_record(connection.receiver);
    TlsRecord out;
    event = record.empty() ? TlsRecordEvent::kError
                           : opener.open(record.data(), record.size(), &out);
    EXPECT_NE(event, TlsRecordEvent::kError)
        << tls_record_error_text(out.error);
    if (event == TlsRecordEvent::kData) received.append(out.data, out.size);
    tickets += event == TlsRecordEvent::kNothing;
  } while (event == TlsRecordEvent::kData || event == TlsRecordEvent::kNothing);
  EXPECT_EQ(event, TlsRecordEvent::kCloseNotify);
  EXPECT_EQ(tickets, 1);
  EXPECT_EQ(received, sent);
  kernel.join();
}

// A ticket in the middle of a feed: every receive but a recvmsg with room for
// the record's type fails, and a multishot receive is none.
TEST_P(KernelTlsTest, APlainReceiveFailsAtARecordThatIsNoData) {
  use(connection.receiver, TLS_RX);
  if (IsSkipped()) return;
  std::string records = sealer.seal("before", kData);
  records += sealer.seal(ticket_message(), kHandshake);
  records += sealer.seal("behind", kData);
  ASSERT_TRUE(send_all(connection.sender, records));
  std::array<char, 1000> bytes;
  ASSERT_EQ(recv(connection.receiver, bytes.data(), 6, MSG_WAITALL), 6)
      << std::strerror(errno);
  EXPECT_EQ(std::string(bytes.data(), 6), "before");
  EXPECT_EQ(recv(connection.receiver, bytes.data(), bytes.size(), 0), -1);
  EXPECT_EQ(errno, EIO);

  alignas(cmsghdr) char control[CMSG_SPACE(1)] = {};
  iovec vector = {bytes.data(), bytes.size()};
  msghdr message = {};
  message.msg_iov = &vector;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof(control);
  const ssize_t size = recvmsg(connection.receiver, &message, 0);
  ASSERT_EQ(size, static_cast<ssize_t>(ticket_message().size()))
      << std::strerror(errno);
  const cmsghdr* const header = CMSG_FIRSTHDR(&message);
  ASSERT_NE(header, nullptr);
  EXPECT_EQ(header->cmsg_level, SOL_TLS);
  EXPECT_EQ(header->cmsg_type, TLS_GET_RECORD_TYPE);
  EXPECT_EQ(*CMSG_DATA(header), kHandshake);
  ASSERT_EQ(recv(connection.receiver, bytes.data(), 6, MSG_WAITALL), 6)
      << std::strerror(errno);
  EXPECT_EQ(std::string(bytes.data(), 6), "behind");
}

}  // namespace
}  // namespace wirebook
