// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
#include "lob/itch/pcap_reader.h"

#include <algorithm>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace wirebook {
namespace {

constexpr size_t kFileHeaderBytes = 24;
constexpr size_t kPacketHeaderBytes = 16;

// Link types (LINKTYPE_...).
constexpr uint32_t kEthernet = 1;
constexpr uint32_t kRaw = 101;
constexpr uint32_t kLinuxCooked = 113;
constexpr uint32_t kIpv4 = 228;
constexpr uint32_t kIpv6 = 229;
constexpr uint32_t kLinuxCooked2 = 276;

constexpr uint8_t kUdp = 17;

using Bytes = std::span<const std::byte>;

uint32_t big_endian(Bytes bytes, size_t offset, size_t count) noexcept {
  uint32_t value = 0;
  for (size_t i = 0; i < count; ++i) {
    value = value << 8 | static_cast<uint32_t>(bytes[offset + i]);
  }
  return value;
}

// The IP packet within a frame; nothing where there is none.
std::optional<Bytes> ip_of(Bytes frame, uint32_t link) noexcept {
  size_t header = 0;
  size_t type_at = 0;
  switch (link) {
    case kEthernet:
      type_at = 12;
      header = 14;
      break;
    case kLinuxCooked:
      type_at = 14;
      header = 16;
      break;
    case kLinuxCooked2:
      type_at = 0;
      header = 20;
      break;
    default:
      return frame;
  }
  while (true) {
    if (frame.size() < header) return std::nullopt;
    switch (big_endian(frame, type_at, 2)) {
      case 0x8100:  // 802.1Q and 802.1ad
      case 0x88A8:
      case 0x9100:
        type_at = header + 2;
        header += 4;
        break;
      case 0x0800:
      case 0x86DD:
        return frame.subspan(header);
      default:
        return std::nullopt;
    }
  }
}

}  // namespace

absl::StatusOr<PcapReader> PcapReader::open(Bytes bytes) {
  if (bytes.size() < kFileHeaderBytes) {
    return absl::InvalidArgumentError("pcap: shorter than a file header");
  }
  const uint32_t magic = big_endian(bytes, 0, 4);
  bool swapped = false;
  bool nanoseconds = false;
  switch (magic) {
    case 0xA1B2C3D4:
      break;
    case 0xA1B23C4D:
      nanoseconds = true;
      break;
    case 0xD4C3B2A1:
      swapped = true;
      break;
    case 0x4D3CB2A1:
      swapped = nanoseconds = true;
      break;
    case 0x0A0D0D0A:
      return absl::InvalidArgumentError(
          "pcap: this is pcapng; convert it with `editcap -F pcap`");
    default:
      return absl::InvalidArgumentError("pcap: not a pcap file");
  }
  PcapReader reader(bytes, swapped, nanoseconds, 0);
  // The upper bits are about frame check sequences.
  reader.link_ = reader.word(20) & 0x0FFFFFFF;
  for (const uint32_t known :
       {kEthernet, kRaw, kLinuxCooked, kIpv4, kIpv6, kLinuxCooked2}) {
    if (reader.link_ == known) return reader;
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "pcap: link type ", reader.link_, " is not one that is read here"));
}

uint32_t PcapReader::word(size_t offset) const noexcept {
  const uint32_t value = big_endian(bytes_, offset, 4);
  return swapped_ ? __builtin_bswap32(value) : value;
}

bool PcapReader::next(UdpDatagram* datagram) noexcept {
  while (bytes_.size() - offset_ >= kPacketHeaderBytes) {
    const size_t captured = word(offset_ + 8);
    if (bytes_.size() - offset_ - kPacketHeaderBytes < captured) return false;
    const int64_t fraction = word(offset_ + 4);
    datagram->time_ns = int64_t{word(offset_)} * 1'000'000'000 +
                        (nanoseconds_ ? fraction : fraction * 1'000);
    const Bytes frame = bytes_.subspan(offset_ + kPacketHeaderBytes, captured);
    offset_ += kPacketHeaderBytes + captured;
    ++stats_.packets;
    if (find_udp(frame, datagram)) {
      ++stats_.datagrams;
      return true;
    }
  }
  return false;
}

bool PcapReader::find_udp(Bytes frame, UdpDatagram* datagram) noexcept {
  const std::optional<Bytes> found = ip_of(frame, link_);
  if (!found.has_value() || found->empty()) {
    ++stats_.not_udp;
    return false;
  }
  Bytes ip = *found;
  const uint32_t version = big_endian(ip, 0, 1) >> 4;
  size_t header = 0;
  size_t total = 0;
  uint32_t protocol = 0;
  bool fragment = false;
  if (version == 4 && ip.size() >= 20) {
    header = (big_endian(ip, 0, 1) & 15) * 4;
    total = big_endian(ip, 2, 2);
    protocol = big_endian(ip, 9, 1);
    fragment = (big_endian(ip, 6, 2) & 0x3FFF) != 0;  // more, or an offset
    if (header < 20) header = SIZE_MAX;
  } else if (version == 6 && ip.size() >= 40) {
    header = 40;
    total = 40 + big_endian(ip, 4, 2);
    protocol = big_endian(ip, 6, 1);
    fragment = protocol == 44;
  } else {
    ++(version == 4 || version == 6 ? stats_.cut : stats_.not_udp);
    return false;
  }
  if (fragment) {
    ++stats_.fragments;
    return false;
  }
  if (protocol != kUdp) {
    ++stats_.not_udp;
    return false;
  }
  // A short frame is padded behind the packet; a cut one is shorter than it.
  if (total > ip.size() || header > total || total - header < 8) {
    ++stats_.cut;
    return false;
  }
  const Bytes udp = ip.subspan(header, total - header);
  const size_t length = big_endian(udp, 4, 2);
  if (length < 8 || length > udp.size()) {
    ++stats_.cut;
    return false;
  }
  datagram->source_port = static_cast<uint16_t>(big_endian(udp, 0, 2));
  datagram->destination_port = static_cast<uint16_t>(big_endian(udp, 2, 2));
  datagram->payload = udp.subspan(8, length - 8);
  return true;
}

}  // namespace wirebook
