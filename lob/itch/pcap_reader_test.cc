// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
#include "lob/itch/pcap_reader.h"

#include <cstdint>
#include <string>
#include <string_view>

#include "gtest/gtest.h"
#include "lob/itch/itch_generator.h"

namespace wirebook {
namespace {

auto as_bytes(std::string_view text) { return std::as_bytes(std::span(text)); }

std::string text_of(const UdpDatagram& datagram) {
  return {reinterpret_cast<const char*>(datagram.payload.data()),
          datagram.payload.size()};
}

TEST(PcapReaderTest, SimplestUse) {
  const std::string file = itch_pcap({"one", "two"});
  auto pcap = PcapReader::open(as_bytes(file));
  ASSERT_TRUE(pcap.ok()) << pcap.status();
  UdpDatagram datagram;
  ASSERT_TRUE(pcap->next(&datagram));
  EXPECT_EQ(text_of(datagram), "one");
  EXPECT_EQ(datagram.destination_port, 26'400);
  EXPECT_EQ(datagram.source_port, 4'000);
  ASSERT_TRUE(pcap->next(&datagram));
  EXPECT_EQ(text_of(datagram), "two");
  EXPECT_FALSE(pcap->next(&datagram));
  EXPECT_TRUE(pcap->complete());
  EXPECT_EQ(pcap->stats().datagrams, 2U);
}

TEST(PcapReaderTest, EveryByteOrderResolutionAndLink) {
  constexpr int64_t kTime = 1'600'000'000'123'456'789;
  for (const bool big_endian : {false, true}) {
    for (const bool nanoseconds : {false, true}) {
      for (const uint32_t link : {1U, 101U, 113U, 276U}) {
        for (const int vlan_tags : {0, 2}) {
          for (const bool ipv6 : {false, true}) {
            const PcapShape shape = {big_endian, nanoseconds, link, vlan_tags,
                                     ipv6};
            const std::string file =
                pcap_file_header(shape) + pcap_packet("hello", shape, kTime);
            auto pcap = PcapReader::open(as_bytes(file));
            ASSERT_TRUE(pcap.ok()) << pcap.status();
            UdpDatagram datagram;
            ASSERT_TRUE(pcap->next(&datagram)) << link;
            EXPECT_EQ(text_of(datagram), "hello");
            EXPECT_EQ(datagram.time_ns,
                      nanoseconds ? kTime : kTime / 1'000 * 1'000);
          }
        }
      }
    }
  }
}

TEST(PcapReaderTest, WhatIsNoPcapIsRefused) {
  std::string header = pcap_file_header({});
  EXPECT_FALSE(PcapReader::open(as_bytes(header.substr(0, 23))).ok());
  EXPECT_TRUE(PcapReader::open(as_bytes(header)).ok());
  header[20] = 105;  // 802.11
  EXPECT_FALSE(PcapReader::open(as_bytes(header)).ok());
  EXPECT_FALSE(PcapReader::open(as_bytes(std::string(30, 'x'))).ok());
  const auto next_generation = PcapReader::open(
      as_bytes(std::string("\x0A\x0D\x0D\x0A", 4) + std::string(30, 'x')));
  EXPECT_NE(next_generation.status().message().find("editcap"),
            absl::string_view::npos);
}

TEST(PcapReaderTest, WhatIsNoWholeDatagramIsCountedAndPassedOver) {
  constexpr size_t kIp = 16 + 14;  // in a packet with its header
  const std::string good = pcap_packet("payload", {});
  const auto changed = [&](size_t at, char value) {
    std::string packet = good;
    packet[at] = value;
    return packet;
  };
  std::string file = pcap_file_header({});
  file += changed(16 + 12, 0x55);       // another Ethernet type
  file += changed(kIp, 0x15);           // another IP
  file += changed(kIp + 9, 6);          // TCP
  file += changed(kIp + 6, 0x20);       // more fragments
  file += changed(kIp + 7, 0x01);       // a later fragment
  file += changed(kIp, 0x44);           // a header of 16 bytes
  file += changed(kIp, 0x4F);           // a header of 60 bytes
  file += changed(kIp + 2, 0x7F);       // longer than the frame
  file += changed(kIp + 3, 27);         // no room for UDP's header
  file += changed(kIp + 20 + 5, 7);     // shorter than its own header
  file += changed(kIp + 20 + 5, 0x40);  // longer than the packet
  file += pcap_packet("", {.link = 1, .ipv6 = true})
              .replace(16 + 14, 40, std::string(40, '\x44'));  // a fragment
  file += good;
  auto pcap = PcapReader::open(as_bytes(file));
  ASSERT_TRUE(pcap.ok());
  UdpDatagram datagram;
  ASSERT_TRUE(pcap->next(&datagram));
  EXPECT_EQ(text_of(datagram), "payload");
  EXPECT_FALSE(pcap->next(&datagram));
  EXPECT_EQ(pcap->stats().packets, 13U);
  EXPECT_EQ(pcap->stats().datagrams, 1U);
  EXPECT_EQ(pcap->stats().fragments, 3U);
  EXPECT_EQ(pcap->stats().not_udp + pcap->stats().cut, 9U);
}

TEST(PcapReaderTest, PaddingBehindAShortPacketIsNotPayload) {
  std::string packet = pcap_packet("x", {});
  packet += std::string(17, '\0');
  packet[8] = packet[12] = 60;
  const std::string file = pcap_file_header({}) + packet;
  auto pcap = PcapReader::open(as_bytes(file));
  UdpDatagram datagram;
  ASSERT_TRUE(pcap->next(&datagram));
  EXPECT_EQ(text_of(datagram), "x");
}

TEST(PcapReaderTest, AFileCutShortIsNotComplete) {
  const std::string file = itch_pcap({"one"});
  for (size_t size = 25; size < file.size(); ++size) {
    auto pcap = PcapReader::open(as_bytes(file).first(size));
    ASSERT_TRUE(pcap.ok());
    UdpDatagram datagram;
    EXPECT_FALSE(pcap->next(&datagram));
    EXPECT_FALSE(pcap->complete()) << size;
    EXPECT_EQ(pcap->offset(), 24U);
  }
}

}  // namespace
}  // namespace wirebook
