// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
#include "lob/itch/itch_generator.h"

#include <algorithm>
#include <array>
#include <random>

namespace wirebook {
namespace {

std::array<char, 8> stock_name(uint16_t locate) {
  std::string name = "S" + std::to_string(locate);
  name.resize(8, ' ');
  std::array<char, 8> padded;
  std::copy_n(name.begin(), 8, padded.begin());
  return padded;
}

void put(std::string& out, uint64_t value, int bytes, bool big = true) {
  for (int i = 0; i < bytes; ++i) {
    const int shift = 8 * (big ? bytes - 1 - i : i);
    out += static_cast<char>(value >> shift & 0xFF);
  }
}

class Maker {
 public:
  Maker(uint64_t seed, uint16_t stocks) : random_(seed), stocks_(stocks) {}

  ItchDay make(size_t operations) {
    day_.messages.push_back({.type = 'S', .code = 'O'});
    for (uint16_t locate = 1; locate <= stocks_; ++locate) {
      send({.type = 'R', .locate = locate, .stock = stock_name(locate)});
      send({.type = 'H',
            .code = 'T',
            .locate = locate,
            .stock = stock_name(locate)});
    }
    send({.type = 'S', .code = 'Q'});
    for (size_t i = 0; i < operations; ++i) step();
    return std::move(day_);
  }

 private:
  struct Place {
    uint16_t locate;
    Side side;
    int64_t price;
  };

  uint64_t below(uint64_t n) { return random_() % n; }

  void send(ItchMessage message) {
    now_ns_ += static_cast<int64_t>(below(100'000));
    message.timestamp_ns = now_ns_;
    message.tracking = static_cast<uint16_t>(below(65'536));
    day_.messages.push_back(message);
  }

  uint32_t price_for(uint16_t locate, Side side) {
    // Stock 1 is a penny stock; others differ; some prices are far out.
    const int64_t middle = locate == 1 ? 4'000 : 250'000 * locate;
    const int64_t tick = locate == 1 ? 1 : 100;
    int64_t away = 1 + static_cast<int64_t>(below(1 + below(40)));
    if (below(50) == 0) away = 1 + static_cast<int64_t>(below(2'000));
    if (side == Side::kAsk && below(500) == 0) return 1'999'999'900;
    const int64_t price =
        side == Side::kBid ? middle - away * tick : middle + away * tick;
    return static_cast<uint32_t>(std::max<int64_t>(price, 1));
  }

  void rest(uint64_t id, const Place& place, int64_t shares) {
    day_.resting[{place.locate, place.side}][place.price].push_back(
        {id, shares});
    places_[id] = place;
    ids_.push_back(id);
  }
  ItchDay::Order& order(uint64_t id) {
    const Place& place = places_.at(id);
    auto& queue = day_.resting[{place.locate, place.side}][place.price];
    return *std::find_if(queue.begin(), queue.end(),
                         [&](const auto& each) { return each.id == id; });
  }
  void remove(uint64_t id) {
    const Place place = places_.at(id);
    auto& orders = day_.resting[{place.locate, place.side}];
    auto& queue = orders[place.price];
    queue.erase(std::find_if(queue.begin(), queue.end(),
                             [&](const auto& each) { return each.id == id; }));
    if (queue.empty()) orders.erase(place.price);
    places_.erase(id);
    ids_.erase(std::find(ids_.begin(), ids_.end(), id));
  }

  void step() {
    const uint64_t kind = below(100);
    const auto locate = static_cast<uint16_t>(1 + below(stocks_));
    if (kind < 3) {  // what touches no book
      constexpr std::string_view kOthers = "YLVWKJINOPQB";
      return send({.type = kOthers[below(kOthers.size())], .locate = locate});
    }
    if (kind < 48 || ids_.empty()) {
      const Side side = below(2) == 0 ? Side::kBid : Side::kAsk;
      const uint32_t price = price_for(locate, side);
      const auto shares = static_cast<int64_t>(1 + below(1'000));
      send({.type = below(5) == 0 ? 'F' : 'A',
            .side = side,
            .locate = locate,
            .price = price,
            .order = ++last_id_,
            .shares = static_cast<uint64_t>(shares),
            .stock = stock_name(locate)});
      return rest(last_id_, {locate, side, price}, shares);
    }
    const size_t young = std::min<size_t>(ids_.size(), 30);
    const uint64_t id = below(4) == 0 ? ids_[below(ids_.size())]
                                      : ids_[ids_.size() - 1 - below(young)];
    const Place place = places_.at(id);
    const int64_t left = order(id).shares;
    const auto part =
        static_cast<int64_t>(1 + below(static_cast<uint64_t>(left)));
    if (kind < 80) {
      send({.type = 'D', .locate = place.locate, .order = id});
      remove(id);
    } else if (kind < 95) {
      const char type = kind < 87 ? 'E' : kind < 90 ? 'C' : 'X';
      send({.type = type,
            .code = type == 'C' ? 'Y' : '\0',
            .locate = place.locate,
            .price = type == 'C' ? 12'345U : 0U,
            .order = id,
            .match = type == 'X' ? 0 : ++last_match_,
            .shares = static_cast<uint64_t>(part)});
      if (part == left) {
        remove(id);
      } else {
        order(id).shares -= part;
      }
    } else {
      const uint32_t price = price_for(place.locate, place.side);
      send({.type = 'U',
            .locate = place.locate,
            .price = price,
            .order = id,
            .new_order = ++last_id_,
            .shares = static_cast<uint64_t>(part)});
      remove(id);
      rest(last_id_, {place.locate, place.side, price}, part);
    }
  }

  std::mt19937_64 random_;
  const uint16_t stocks_;
  ItchDay day_;
  std::map<uint64_t, Place> places_;
  std::vector<uint64_t> ids_;
  uint64_t last_id_ = 0;
  uint64_t last_match_ = 0;
  int64_t now_ns_ = 0;
};

}  // namespace

ItchDay make_itch_day(uint64_t seed, uint16_t stocks, size_t operations) {
  return Maker(seed, stocks).make(operations);
}

std::string itch_bytes(const ItchMessage& message) {
  std::array<std::byte, kMaxItchBytes> bytes;
  const size_t size = format_itch(message, bytes);
  return {reinterpret_cast<const char*>(bytes.data()), size};
}

std::string itch_binary_file(const std::vector<ItchMessage>& messages) {
  std::string file;
  for (const ItchMessage& message : messages) {
    const std::string bytes = itch_bytes(message);
    put(file, bytes.size(), 2);
    file += bytes;
  }
  return file;
}

std::string mold_packet(std::string_view session, uint64_t first,
                        const std::vector<std::string>& messages) {
  std::string packet(session);
  packet.resize(10, ' ');
  put(packet, first, 8);
  put(packet, messages.size(), 2);
  for (const std::string& message : messages) {
    put(packet, message.size(), 2);
    packet += message;
  }
  return packet;
}

std::vector<std::string> itch_packets(const std::vector<ItchMessage>& messages,
                                      uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<std::string> packets;
  for (size_t at = 0; at < messages.size();) {
    std::vector<std::string> some;
    const size_t first = at;
    for (size_t count = random() % 13; count != 0 && at < messages.size();
         --count) {
      some.push_back(itch_bytes(messages[at++]));
    }
    packets.push_back(mold_packet("0000012345", first + 1, some));
  }
  return packets;
}

std::string pcap_file_header(const PcapShape& shape) {
  std::string header;
  put(header, shape.nanoseconds ? 0xA1B23C4D : 0xA1B2C3D4, 4, shape.big_endian);
  put(header, 2, 2, shape.big_endian);
  put(header, 4, 2, shape.big_endian);
  put(header, 0, 8, shape.big_endian);
  put(header, 65'535, 4, shape.big_endian);
  put(header, shape.link, 4, shape.big_endian);
  return header;
}

std::string pcap_packet(std::string_view payload, const PcapShape& shape,
                        int64_t time_ns) {
  const uint64_t type = shape.ipv6 ? 0x86DD : 0x0800;
  std::string frame;
  if (shape.link == 1) {
    frame.resize(12, '\1');
    for (int i = 0; i < shape.vlan_tags; ++i) put(frame, 0x81000064, 4);
    put(frame, type, 2);
  } else if (shape.link == 113) {
    frame.resize(14, '\0');
    put(frame, type, 2);
  } else if (shape.link == 276) {
    put(frame, type, 2);
    frame.resize(20, '\0');
  }
  const size_t udp = 8 + payload.size();
  if (shape.ipv6) {
    put(frame, 0x60000000, 4);
    put(frame, udp, 2);
    put(frame, 17, 1);
    frame.resize(frame.size() + 33, '\2');
  } else {
    put(frame, 0x4500, 2);
    put(frame, 20 + udp, 2);
    put(frame, 0x00004000, 4);  // id, don't fragment
    put(frame, 0x4011, 2);      // time to live, UDP
    frame.resize(frame.size() + 10, '\3');
  }
  put(frame, 4'000, 2);
  put(frame, 26'400, 2);
  put(frame, udp, 2);
  put(frame, 0, 2);
  frame += payload;
  std::string packet;
  const auto fraction = static_cast<uint64_t>(time_ns % 1'000'000'000);
  put(packet, static_cast<uint64_t>(time_ns / 1'000'000'000), 4,
      shape.big_endian);
  put(packet, shape.nanoseconds ? fraction : fraction / 1'000, 4,
      shape.big_endian);
  put(packet, frame.size(), 4, shape.big_endian);
  put(packet, frame.size(), 4, shape.big_endian);
  return packet + frame;
}

std::string itch_pcap(const std::vector<std::string>& packets,
                      const PcapShape& shape) {
  std::string file = pcap_file_header(shape);
  int64_t time_ns = 1'600'000'000'000'000'000;
  for (const std::string& packet : packets) {
    file += pcap_packet(packet, shape, time_ns += 1'234'567);
  }
  return file;
}

}  // namespace wirebook
