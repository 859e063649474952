// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// DeflatePeer: a server's side of permessage-deflate, straight on zlib: it
// shares nothing with the part that it tests.
//
// For tests of net only.
//
//   wirebook::testing::DeflatePeer peer({.send_window_bits = 9});
//   peer_socket.send(server_frame(0x41, peer.deflate("hello")));
//   EXPECT_EQ(peer.inflate(frame.payload), "hello");

#ifndef WIREBOOK_NET_TESTING_DEFLATE_PEER_H_
#define WIREBOOK_NET_TESTING_DEFLATE_PEER_H_

#include <zlib.h>

#include <cstddef>
#include <string>
#include <string_view>

namespace wirebook::testing {

struct DeflatePeerOptions {
  int send_window_bits = 15;  // 9 to 15
  bool send_no_context_takeover = false;
  int receive_window_bits = 15;  // 8 to 15
  bool receive_no_context_takeover = false;
  int level = 6;
};

class DeflatePeer {
 public:
  explicit DeflatePeer(const DeflatePeerOptions& options = {})
      : options_(options) {
    deflateInit2(&out_, options.level, Z_DEFLATED, -options.send_window_bits, 8,
                 Z_DEFAULT_STRATEGY);
    inflateInit2(&in_, -options.receive_window_bits);
  }
  ~DeflatePeer() {
    deflateEnd(&out_);
    inflateEnd(&in_);
  }
  DeflatePeer(const DeflatePeer&) = delete;
  DeflatePeer& operator=(const DeflatePeer&) = delete;

  // The payload of one message, without the four bytes that every one ends in.
  std::string deflate(std::string_view message) {
    if (message.empty()) return std::string(1, '\0');
    std::string result = run(&out_, message, ::deflate, Z_SYNC_FLUSH);
    result.resize(result.size() - 4);
    if (options_.send_no_context_takeover) deflateReset(&out_);
    return result;
  }

  // The message of a payload; "corrupt" where it is none.
  std::string inflate(std::string payload) {
    payload.append("\x00\x00\xff\xff", 4);
    std::string result = run(&in_, payload, ::inflate, Z_SYNC_FLUSH);
    if (in_.avail_in != 0) return "corrupt";
    if (options_.receive_no_context_takeover) inflateReset(&in_);
    return result;
  }

 private:
  static std::string run(z_stream* stream, std::string_view input,
                         int (*step)(z_stream*, int), int flush) {
    std::string result;
    char buffer[65536];
    stream->next_in = reinterpret_cast<Bytef*>(const_cast<char*>(input.data()));
    stream->avail_in = static_cast<uInt>(input.size());
    do {
      stream->next_out = reinterpret_cast<Bytef*>(buffer);
      stream->avail_out = sizeof(buffer);
      const int code = step(stream, flush);
      result.append(buffer, sizeof(buffer) - stream->avail_out);
      if (code != Z_OK) break;
    } while (stream->avail_out == 0);
    return result;
  }

  const DeflatePeerOptions options_;
  z_stream out_ = {};
  z_stream in_ = {};
};

}  // namespace wirebook::testing

#endif  // WIREBOOK_NET_TESTING_DEFLATE_PEER_H_
