// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
#include "lob/itch/itch_message.h"

#include <algorithm>
#include <cstring>

namespace wirebook {
namespace {

// Reads the fields of a message in place.
struct Reader {
  const std::byte* bytes;

  template <size_t kBytes, class T>
  void number(size_t offset, T& value) const noexcept {
    uint64_t sum = 0;
    for (size_t i = 0; i < kBytes; ++i) {
      sum = sum << 8 | static_cast<uint64_t>(bytes[offset + i]);
    }
    value = static_cast<T>(sum);
  }
  template <size_t kBytes>
  void text(size_t offset, std::array<char, kBytes>& value) const noexcept {
    std::memcpy(value.data(), bytes + offset, kBytes);
  }
  void letter(size_t offset, char& value) const noexcept {
    value = static_cast<char>(bytes[offset]);
  }
  bool side(size_t offset, Side& value) const noexcept {
    const char letter = static_cast<char>(bytes[offset]);
    value = letter == 'B' ? Side::kBid : Side::kAsk;
    return letter == 'B' || letter == 'S';
  }
};

struct Writer {
  std::byte* bytes;

  template <size_t kBytes, class T>
  void number(size_t offset, const T& value) const noexcept {
    auto rest = static_cast<uint64_t>(value);
    for (size_t i = kBytes; i-- > 0; rest >>= 8) {
      bytes[offset + i] = static_cast<std::byte>(rest & 0xFF);
    }
  }
  template <size_t kBytes>
  void text(size_t offset,
            const std::array<char, kBytes>& value) const noexcept {
    std::memcpy(bytes + offset, value.data(), kBytes);
  }
  void letter(size_t offset, char value) const noexcept {
    bytes[offset] = static_cast<std::byte>(value);
  }
  bool side(size_t offset, Side value) const noexcept {
    letter(offset, value == Side::kBid ? 'B' : 'S');
    return true;
  }
};

// Where each field is: once, for reading and for writing. False: a field has a
// value that it cannot have.
template <class Access, class Message>
bool fields(const Access& at, Message& m) noexcept {
  at.letter(0, m.type);
  at.template number<2>(1, m.locate);
  at.template number<2>(3, m.tracking);
  at.template number<6>(5, m.timestamp_ns);
  switch (m.type) {
    case 'S':
      at.letter(11, m.code);
      return true;
    case 'R':
      at.text(11, m.stock);
      return true;
    case 'H':
      at.text(11, m.stock);
      at.letter(19, m.code);
      at.text(21, m.text);
      return true;
    case 'h':
      at.text(11, m.stock);
      at.letter(19, m.code);
      at.letter(20, m.action);
      return true;
    case 'F':
      at.text(36, m.text);
      [[fallthrough]];
    case 'A':
      at.template number<8>(11, m.order);
      at.template number<4>(20, m.shares);
      at.text(24, m.stock);
      at.template number<4>(32, m.price);
      return at.side(19, m.side);
    case 'C':
      at.letter(31, m.code);
      at.template number<4>(32, m.price);
      [[fallthrough]];
    case 'E':
      at.template number<8>(11, m.order);
      at.template number<4>(19, m.shares);
      at.template number<8>(23, m.match);
      return true;
    case 'X':
      at.template number<4>(19, m.shares);
      [[fallthrough]];
    case 'D':
      at.template number<8>(11, m.order);
      return true;
    case 'U':
      at.template number<8>(11, m.order);
      at.template number<8>(19, m.new_order);
      at.template number<4>(27, m.shares);
      at.template number<4>(31, m.price);
      return true;
    case 'P':
      at.template number<8>(11, m.order);
      at.template number<4>(20, m.shares);
      at.text(24, m.stock);
      at.template number<4>(32, m.price);
      at.template number<8>(36, m.match);
      return at.side(19, m.side);
    case 'Q':
      at.template number<8>(11, m.shares);
      at.text(19, m.stock);
      at.template number<4>(27, m.price);
      at.template number<8>(31, m.match);
      at.letter(39, m.code);
      return true;
    case 'B':
      at.template number<8>(11, m.match);
      return true;
    default:
      return true;
  }
}

}  // namespace

ItchError parse_itch(std::span<const std::byte> bytes,
                     ItchMessage* message) noexcept {
  if (bytes.empty()) return ItchError::kUnknownType;
  const size_t length = itch_length(static_cast<uint8_t>(bytes[0]));
  if (length == 0) return ItchError::kUnknownType;
  if (length != bytes.size()) return ItchError::kWrongLength;
  *message = {};
  return fields(Reader{bytes.data()}, *message) ? ItchError::kOk
                                                : ItchError::kBadField;
}

size_t format_itch(const ItchMessage& message,
                   std::span<std::byte, kMaxItchBytes> out) noexcept {
  const size_t length = itch_length(static_cast<uint8_t>(message.type));
  if (length == 0) return 0;
  std::fill_n(out.begin(), length, std::byte{0});
  fields(Writer{out.data()}, message);
  return length;
}

std::string_view itch_stock_name(const std::array<char, 8>& stock) noexcept {
  const std::string_view padded(stock.data(), stock.size());
  return padded.substr(0, padded.find_last_not_of(' ') + 1);
}

}  // namespace wirebook
