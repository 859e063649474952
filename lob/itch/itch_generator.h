// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// For tests: a day of ITCH made from a seed, the orders that rest at its end as
// a naive model has them, and the day as a BinaryFILE, as MoldUDP64 packets and
// as a pcap of them.
//
//   ItchDay day = make_itch_day(7, 5, 10'000);
//   std::string file = itch_binary_file(day.messages);
//   std::string pcap = itch_pcap(itch_packets(day.messages, 7));
#ifndef WIREBOOK_LOB_ITCH_ITCH_GENERATOR_H_
#define WIREBOOK_LOB_ITCH_ITCH_GENERATOR_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lob/itch/itch_message.h"

namespace wirebook {

struct ItchDay {
  struct Order {
    uint64_t id;
    int64_t shares;
  };
  // Orders in time order by price: one side of one stock.
  using Orders = std::map<int64_t, std::vector<Order>>;

  std::vector<ItchMessage> messages;
  std::map<std::pair<uint16_t, Side>, Orders> resting;
};

// Stocks are named S1, S2, ... by their locates. The day begins with Start of
// Messages, directory and opening spin, and does not end.
ItchDay make_itch_day(uint64_t seed, uint16_t stocks, size_t operations);

std::string itch_bytes(const ItchMessage& message);
std::string itch_binary_file(const std::vector<ItchMessage>& messages);

// Packets of 0 to 12 messages in sequence from 1, and heartbeats.
std::vector<std::string> itch_packets(const std::vector<ItchMessage>& messages,
                                      uint64_t seed);
std::string mold_packet(std::string_view session, uint64_t first,
                        const std::vector<std::string>& messages);

struct PcapShape {
  bool big_endian = false;
  bool nanoseconds = false;
  uint32_t link = 1;  // 1 Ethernet, 101 raw IP, 113 and 276 Linux cooked
  int vlan_tags = 0;
  bool ipv6 = false;
};
std::string pcap_file_header(const PcapShape& shape);
// One packet with its header, to port 26400.
std::string pcap_packet(std::string_view payload, const PcapShape& shape,
                        int64_t time_ns = 0);
std::string itch_pcap(const std::vector<std::string>& packets,
                      const PcapShape& shape = {});

}  // namespace wirebook

#endif  // WIREBOOK_LOB_ITCH_ITCH_GENERATOR_H_
