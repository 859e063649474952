// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// PcapReader: the UDP payloads of a pcap capture.
//
// Use it on the bytes of a file that tcpdump, or an exchange, wrote in the
// classic format (either byte order, microseconds or nanoseconds); pcapng is
// refused with a hint. Ethernet with any number of VLAN tags, Linux cooked
// captures, and bare IP; IPv4 and IPv6. What is no whole UDP datagram
// (fragments, other protocols, packets cut by a snap length) is counted and
// passed over.
//
// Source: the pcap file format (draft-ietf-opsawg-pcap), RFC 791, 8200, 768.
// One thread; no allocation after open(); views point into the bytes.
//
//   absl::StatusOr<PcapReader> pcap = PcapReader::open(bytes);
//   if (!pcap.ok()) return pcap.status();
//   UdpDatagram datagram;
//   while (pcap->next(&datagram)) line.on_packet(datagram.payload, handler);
//   if (!pcap->complete()) report(pcap->offset());
#ifndef WIREBOOK_LOB_ITCH_PCAP_READER_H_
#define WIREBOOK_LOB_ITCH_PCAP_READER_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "absl/status/statusor.h"

namespace wirebook {

struct UdpDatagram {
  int64_t time_ns = 0;  // since 1970, by the capturing machine's clock
  uint16_t source_port = 0;
  uint16_t destination_port = 0;
  std::span<const std::byte> payload;
};

struct PcapStats {
  uint64_t packets = 0;
  uint64_t datagrams = 0;
  uint64_t not_udp = 0;    // other protocols
  uint64_t fragments = 0;  // of datagrams that IP cut up
  uint64_t cut = 0;        // not whole: a snap length, or lengths that lie
};

class PcapReader {
 public:
  // InvalidArgument where this is no pcap, or of a link type other than
  // Ethernet, Linux cooked (1 and 2) and bare IP.
  static absl::StatusOr<PcapReader> open(std::span<const std::byte> bytes);

  // False at the end, whatever kind of end it is.
  bool next(UdpDatagram* datagram) noexcept;

  // After the last next(): no packet is cut by the file's end.
  bool complete() const noexcept { return offset_ == bytes_.size(); }
  size_t offset() const noexcept { return offset_; }
  const PcapStats& stats() const noexcept { return stats_; }

 private:
  PcapReader(std::span<const std::byte> bytes, bool swapped, bool nanoseconds,
             uint32_t link) noexcept
      : bytes_(bytes),
        swapped_(swapped),
        nanoseconds_(nanoseconds),
        link_(link) {}

  uint32_t word(size_t offset) const noexcept;
  bool find_udp(std::span<const std::byte> frame,
                UdpDatagram* datagram) noexcept;

  std::span<const std::byte> bytes_;
  size_t offset_ = 24;
  bool swapped_;  // the file's byte order is not big-endian
  bool nanoseconds_;
  uint32_t link_;
  PcapStats stats_;
};

}  // namespace wirebook

#endif  // WIREBOOK_LOB_ITCH_PCAP_READER_H_
