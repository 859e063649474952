// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// ItchFeed: bytes of ITCH messages into ItchBooks; and whole files of them.
//
// read_itch_file() takes what exchanges hand out (BinaryFILE, gzip or not) and
// captures of MoldUDP64 (pcap); which one is told from the content. The books
// are as good as the file: a gap, a message that cannot be read, a file cut
// short, each makes them Gapped, and the result says what there was. It never
// reads past the bytes it has, whatever is in them.
//
// Threads: one. A file is held in memory whole.
//
//   ItchBooks books(pools);
//   absl::StatusOr<ItchFileReport> report =
//       read_itch_file("01302020.NASDAQ_ITCH50.gz", books);
//   if (report.ok() && !report->damage.ok()) std::cerr << report->damage;
#ifndef WIREBOOK_LOB_ITCH_ITCH_FEED_H_
#define WIREBOOK_LOB_ITCH_ITCH_FEED_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "lob/itch/itch_books.h"
#include "lob/itch/moldudp64.h"
#include "lob/itch/pcap_reader.h"

namespace wirebook {

// What moldudp64 calls, and anybody with messages in hand.
class ItchFeed {
 public:
  explicit ItchFeed(ItchBooks& books) noexcept : books_(books) {}

  void on_message(std::span<const std::byte> bytes, uint64_t sequence = 0);
  void on_gap(uint64_t first, uint64_t count) noexcept;
  // Another session is another day: it begins with its Start of Messages.
  void on_session() noexcept { books_.on_gap(); }

  uint64_t messages() const noexcept { return messages_; }
  uint64_t malformed() const noexcept { return malformed_; }
  // Of types that the specification does not have; passed over.
  uint64_t unknown_types() const noexcept { return unknown_types_; }

 private:
  ItchBooks& books_;
  uint64_t messages_ = 0;
  uint64_t malformed_ = 0;
  uint64_t unknown_types_ = 0;
};

struct ItchFileReport {
  uint64_t messages = 0;
  uint64_t malformed = 0;
  uint64_t unknown_types = 0;
  MoldUdp64Stats line;  // a pcap's
  PcapStats pcap;
  // OK, or from where on the bytes could not be read.
  absl::Status damage;
};

// The content of such a file.
ItchFileReport read_itch_messages(std::span<const std::byte> bytes,
                                  ItchBooks& books);
// InvalidArgument for a capture of a kind that is not read here. `port`, where
// it is not 0, is the only destination port that is listened to.
absl::StatusOr<ItchFileReport> read_itch_pcap(std::span<const std::byte> bytes,
                                              ItchBooks& books,
                                              uint16_t port = 0);

// Errors: the file cannot be read at all.
absl::StatusOr<ItchFileReport> read_itch_file(const std::string& path,
                                              ItchBooks& books,
                                              uint16_t port = 0);

}  // namespace wirebook

#endif  // WIREBOOK_LOB_ITCH_ITCH_FEED_H_
