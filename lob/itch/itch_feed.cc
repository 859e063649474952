// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
#include "lob/itch/itch_feed.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "lob/capture/compressed_file.h"
#include "lob/itch/binary_file.h"

namespace wirebook {
namespace {

void add_counts(const ItchFeed& feed, ItchFileReport* report) {
  report->messages = feed.messages();
  report->malformed = feed.malformed();
  report->unknown_types = feed.unknown_types();
}

absl::Status cut_at(size_t offset, size_t size) {
  return absl::DataLossError(
      absl::StrCat("itch: nothing can be read from byte ", offset, " of ", size,
                   " on: cut short or damaged"));
}

// No ITCH message is as long as the lengths that a pcap's magic would be.
bool is_pcap(std::span<const std::byte> bytes) {
  if (bytes.size() < 4) return false;
  uint32_t magic = 0;
  for (const std::byte byte : bytes.first(4)) {
    magic = magic << 8 | static_cast<uint32_t>(byte);
  }
  return magic == 0xA1B2C3D4 || magic == 0xD4C3B2A1 || magic == 0xA1B23C4D ||
         magic == 0x4D3CB2A1 || magic == 0x0A0D0D0A;
}

}  // namespace

void ItchFeed::on_message(std::span<const std::byte> bytes, uint64_t) {
  ++messages_;
  ItchMessage message;
  switch (parse_itch(bytes, &message)) {
    case ItchError::kOk:
      return books_.apply(message);
    case ItchError::kUnknownType:
      ++unknown_types_;
      return;
    case ItchError::kWrongLength:
    case ItchError::kBadField:
      ++malformed_;
      return books_.on_malformed();
  }
}

void ItchFeed::on_gap(uint64_t, uint64_t) noexcept { books_.on_gap(); }

ItchFileReport read_itch_messages(std::span<const std::byte> bytes,
                                  ItchBooks& books) {
  ItchFileReport report;
  ItchFeed feed(books);
  BinaryFile file(bytes);
  std::span<const std::byte> message;
  while (file.next(&message)) feed.on_message(message);
  if (!file.complete()) {
    report.damage = cut_at(file.offset(), bytes.size());
    books.on_malformed();
  }
  add_counts(feed, &report);
  return report;
}

absl::StatusOr<ItchFileReport> read_itch_pcap(std::span<const std::byte> bytes,
                                              ItchBooks& books, uint16_t port) {
  absl::StatusOr<PcapReader> pcap = PcapReader::open(bytes);
  if (!pcap.ok()) return pcap.status();
  ItchFileReport report;
  ItchFeed feed(books);
  books.set_assurance(Assurance::kSequenced);
  MoldUdp64 line;
  UdpDatagram datagram;
  const auto unread = [&] {
    return pcap->stats().cut + pcap->stats().fragments + line.stats().malformed;
  };
  uint64_t told = 0;  // unread before the last packet that was read
  while (pcap->next(&datagram)) {
    if (port != 0 && datagram.destination_port != port) continue;
    const uint64_t malformed = line.stats().malformed;
    line.on_packet(datagram.payload, feed);
    if (line.stats().malformed == malformed) told = unread();
  }
  line.finish(feed);
  // No number behind them tells what was in them.
  if (unread() != told) books.on_malformed();
  if (!pcap->complete()) {
    report.damage = cut_at(pcap->offset(), bytes.size());
    books.on_malformed();
  }
  report.line = line.stats();
  report.pcap = pcap->stats();
  add_counts(feed, &report);
  return report;
}

absl::StatusOr<ItchFileReport> read_itch_file(const std::string& path,
                                              ItchBooks& books, uint16_t port) {
  absl::StatusOr<FileContent> file = read_file(path);
  if (!file.ok()) return file.status();
  const auto bytes = std::as_bytes(std::span(file->text));
  absl::StatusOr<ItchFileReport> report =
      is_pcap(bytes) ? read_itch_pcap(bytes, books, port)
                     : read_itch_messages(bytes, books);
  if (report.ok() && !file->damage.ok()) {
    report->damage = file->damage;
    books.on_malformed();
  }
  return report;
}

}  // namespace wirebook
