// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// MoldUdp64: the messages of MoldUDP64 packets, each once and in sequence, over
// one line or several.
//
// Use it on UDP payloads, from a socket or from pcap_reader; give it the
// packets of both lines (A and B) as they come: what came already is dropped,
// what is missing is waited for while `max_held` later packets, or
// `max_heartbeats` in a row that tell of it, come. Then it is a gap, told with
// its first number and how many, and the stream goes on behind it. Asking a
// server for what is missing is the caller's part.
//
// Source: MoldUDP64 1.00 (July 7, 2009): ten bytes of session, eight of the
// first message's number, two of how many; then each message behind two bytes
// of length. A count of 0 is a heartbeat, 0xFFFF the end of the session; both
// tell the next number. A packet whose lengths do not add up is counted and not
// read at all. A new session starts anew.
//
// Data in, calls out; one thread. Only held packets allocate.
//
//   MoldUdp64 line({.first = 1});
//   line.on_packet(payload, handler);  // handler.on_message(bytes, sequence)
//   line.finish(handler);              // handler.on_gap(first, count)
#ifndef WIREBOOK_LOB_ITCH_MOLDUDP64_H_
#define WIREBOOK_LOB_ITCH_MOLDUDP64_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <span>
#include <utility>
#include <vector>

namespace wirebook {

struct MoldUdp64Options {
  // The first message's number: messages before it that are missing are a gap.
  // 0: the first packet's is taken as it comes.
  uint64_t first = 1;
  size_t max_held = 64;  // packets
  // A heartbeat comes a second after the last message, on each line.
  size_t max_heartbeats = 2;
};

struct MoldUdp64Stats {
  uint64_t packets = 0;
  uint64_t malformed = 0;   // packets that were not read
  uint64_t messages = 0;    // handed on
  uint64_t duplicates = 0;  // messages that had come before
  uint64_t held = 0;        // packets that waited for one before them
  uint64_t gaps = 0;
  uint64_t missed = 0;  // messages in those
  uint64_t heartbeats = 0;
  uint64_t sessions = 0;
  bool ended = false;  // the last session said so
};

class MoldUdp64 {
 public:
  static constexpr size_t kHeaderBytes = 20;
  static constexpr uint16_t kEndOfSession = 0xFFFF;

  explicit MoldUdp64(const MoldUdp64Options& options = {})
      : options_(options), next_(options.first) {}

  // The handler has on_message(std::span<const std::byte>, uint64_t sequence),
  // on_gap(uint64_t first, uint64_t count) and on_session(), called when a
  // session other than the first begins.
  template <class Handler>
  void on_packet(std::span<const std::byte> packet, Handler& handler) {
    ++stats_.packets;
    Header header;
    if (!read_header(packet, &header)) {
      ++stats_.malformed;
      return;
    }
    if (stats_.sessions == 0 || header.session != session_) {
      if (stats_.sessions != 0) {
        finish(handler);
        handler.on_session();
        next_ = options_.first;
      }
      session_ = header.session;
      stats_.ended = false;
      ++stats_.sessions;
    }
    if (next_ == 0) next_ = header.first;
    if (header.count == 0) {
      ++stats_.heartbeats;
      stats_.ended |= header.ends;
    }
    if (header.first > next_) {
      hold(header.first, packet);
    } else {
      deliver(packet, header, handler);
    }
    deliver_held(options_.max_held, handler);
    if (held_.empty() || next_ != waited_for_) {
      waited_for_ = next_;
      waited_ = waited_heartbeats_ = 0;
    }
    if (held_.empty()) return;
    ++waited_;
    waited_heartbeats_ = header.count == 0 ? waited_heartbeats_ + 1 : 0;
    if (waited_ > options_.max_held ||
        waited_heartbeats_ > options_.max_heartbeats) {
      deliver_held(held_.size() - 1, handler);  // the first hole
    }
  }

  // No more packets come: what is missing will stay so.
  template <class Handler>
  void finish(Handler& handler) {
    deliver_held(0, handler);
  }

  const MoldUdp64Stats& stats() const noexcept { return stats_; }
  uint64_t next_sequence() const noexcept { return next_; }

 private:
  struct Header {
    std::array<char, 10> session = {};
    uint64_t first = 0;
    uint16_t count = 0;
    bool ends = false;
  };

  static uint64_t number(const std::byte* at, size_t bytes) noexcept {
    uint64_t value = 0;
    for (size_t i = 0; i < bytes; ++i) {
      value = value << 8 | static_cast<uint64_t>(at[i]);
    }
    return value;
  }

  static bool read_header(std::span<const std::byte> packet,
                          Header* header) noexcept {
    if (packet.size() < kHeaderBytes) return false;
    std::memcpy(header->session.data(), packet.data(), 10);
    header->first = number(packet.data() + 10, 8);
    header->count = static_cast<uint16_t>(number(packet.data() + 18, 2));
    header->ends = header->count == kEndOfSession;
    if (header->ends) header->count = 0;
    // Numbers start at 1 and do not wrap.
    if (header->first == 0 || header->first >> 63 != 0) return false;
    size_t at = kHeaderBytes;
    for (uint16_t i = 0; i < header->count; ++i) {
      if (packet.size() - at < 2) return false;
      const size_t length = number(packet.data() + at, 2);
      if (packet.size() - at - 2 < length) return false;
      at += 2 + length;
    }
    return at == packet.size();
  }

  void hold(uint64_t first, std::span<const std::byte> packet) {
    // Of two packets with one number the one with more messages is kept.
    std::vector<std::byte>& held = held_[first];
    if (held.size() >= packet.size()) return;
    if (held.empty()) ++stats_.held;
    held.assign(packet.begin(), packet.end());
  }

  template <class Handler>
  void deliver(std::span<const std::byte> packet, const Header& header,
               Handler& handler) {
    size_t at = kHeaderBytes;
    uint64_t sequence = header.first;
    for (uint16_t i = 0; i < header.count; ++i, ++sequence) {
      const size_t length = number(packet.data() + at, 2);
      if (sequence < next_) {
        ++stats_.duplicates;
      } else {
        ++stats_.messages;
        next_ = sequence + 1;
        handler.on_message(packet.subspan(at + 2, length), sequence);
      }
      at += 2 + length;
    }
  }

  // Delivers what follows, and gives up waiting while more than `limit` are
  // held.
  template <class Handler>
  void deliver_held(size_t limit, Handler& handler) {
    while (!held_.empty() &&
           (held_.begin()->first <= next_ || held_.size() > limit)) {
      const auto node = held_.extract(held_.begin());
      Header header;
      read_header(node.mapped(), &header);
      if (header.first > next_) {
        ++stats_.gaps;
        stats_.missed += header.first - next_;
        const uint64_t first = std::exchange(next_, header.first);
        handler.on_gap(first, header.first - first);
      }
      deliver(node.mapped(), header, handler);
    }
  }

  const MoldUdp64Options options_;
  uint64_t next_;
  std::array<char, 10> session_ = {};
  std::map<uint64_t, std::vector<std::byte>> held_;
  uint64_t waited_for_ = 0;       // the first hole
  size_t waited_ = 0;             // packets since it was seen
  size_t waited_heartbeats_ = 0;  // in a row
  MoldUdp64Stats stats_;
};

}  // namespace wirebook

#endif  // WIREBOOK_LOB_ITCH_MOLDUDP64_H_
