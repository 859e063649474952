// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "net/websocket_frame_writer.h"

#include <string>
#include <string_view>
#include <vector>

#include "gtest/gtest.h"

namespace wirebook {
namespace {

// RFC 6455, section 5.7: a masked "Hello".
TEST(WebSocketFrameWriterTest, TheRfcsExample) {
  char frame[kMaxWebSocketHeaderBytes + 5];
  const size_t size =
      write_client_frame(WebSocketOpcode::kText, "Hello", 0x3d21fa37, frame);
  EXPECT_EQ(std::string(frame, size),
            "\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58");
}

TEST(WebSocketFrameWriterTest, LengthsTakeTheirShortestForm) {
  const struct {
    size_t payload;
    size_t header;
    int second;
  } cases[] = {{0, 6, 0x80},
               {125, 6, 0x80 + 125},
               {126, 8, 0xfe},
               {65535, 8, 0xfe},
               {65536, 14, 0xff}};
  for (const auto& one : cases) {
    std::vector<char> frame(kMaxWebSocketHeaderBytes + one.payload);
    const std::string payload(one.payload, 'x');
    EXPECT_EQ(
        write_client_frame(WebSocketOpcode::kBinary, payload, 1, frame.data()),
        one.header + one.payload);
    EXPECT_EQ(static_cast<unsigned char>(frame[0]), 0x82);
    EXPECT_EQ(static_cast<unsigned char>(frame[1]), one.second);
  }
}

// Compressed payloads lie in the room already and move to the front.
TEST(WebSocketFrameWriterTest, APayloadInTheRoomItselfIsMaskedToItsPlace) {
  for (const size_t size : {0, 1, 7, 8, 9, 125, 126, 1000, 70'000}) {
    std::string payload(size, ' ');
    for (size_t i = 0; i < size; ++i) payload[i] = static_cast<char>(i * 7);
    std::string apart(kMaxWebSocketHeaderBytes + size, '\0');
    apart.resize(write_client_frame(WebSocketOpcode::kText, payload, 0x12345678,
                                    apart.data(), WebSocketCompressed::kYes));
    std::string room = std::string(kMaxWebSocketHeaderBytes, '\0') + payload;
    room.resize(write_client_frame(
        WebSocketOpcode::kText,
        std::string_view(room).substr(kMaxWebSocketHeaderBytes), 0x12345678,
        room.data(), WebSocketCompressed::kYes));
    EXPECT_TRUE(room == apart) << size;
    EXPECT_EQ(static_cast<unsigned char>(room[0]), 0xc1);
  }
}

}  // namespace
}  // namespace wirebook
