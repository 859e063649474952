// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "net/permessage_deflate.h"

#include <algorithm>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace wirebook {
namespace {

constexpr const char* kName = "permessage-deflate";
// Section 7.2.2: what every message ends in, and no message carries.
constexpr unsigned char kTail[] = {0x00, 0x00, 0xff, 0xff};
constexpr int kMemoryLevel = 8;

absl::Status wrong(absl::string_view answer, absl::string_view what) {
  return absl::InvalidArgumentError(
      absl::StrCat("the server's extension \"", answer, "\": ", what));
}

// 8 to 15, without leading zeros (section 7.1.2).
std::optional<int> window_bits(absl::string_view text) {
  if (text.size() == 1 && (text[0] == '8' || text[0] == '9')) {
    return text[0] - '0';
  }
  if (text.size() == 2 && text[0] == '1' && text[1] >= '0' && text[1] <= '5') {
    return 10 + (text[1] - '0');
  }
  return std::nullopt;
}

// A token or the same in quotes (RFC 6455, section 9.1).
absl::string_view without_quotes(absl::string_view value) {
  if (value.size() >= 2 && value.front() == '"' && value.back() == '"') {
    return value.substr(1, value.size() - 2);
  }
  return value;
}

Bytef* bytes_of(const char* data) {
  // zlib does not write to its input.
  return const_cast<Bytef*>(reinterpret_cast<const Bytef*>(data));
}

}  // namespace

absl::Status check_deflate_offer(const PermessageDeflateOffer& offer) {
  for (const int bits :
       {offer.server_max_window_bits, offer.client_max_window_bits}) {
    if (bits < 8 || bits > 15) {
      return absl::InvalidArgumentError(
          absl::StrCat("WebSocket: permessage-deflate with ", bits,
                       " window bits; give 8 to 15"));
    }
  }
  if (offer.level < 1 || offer.level > 9) {
    return absl::InvalidArgumentError(
        absl::StrCat("WebSocket: permessage-deflate with level ", offer.level,
                     "; give 1 to 9"));
  }
  return absl::OkStatus();
}

std::string deflate_offer_text(const PermessageDeflateOffer& offer) {
  std::string text = kName;
  if (offer.server_no_context_takeover) text += "; server_no_context_takeover";
  if (offer.client_no_context_takeover) text += "; client_no_context_takeover";
  if (offer.server_max_window_bits < 15) {
    absl::StrAppend(&text,
                    "; server_max_window_bits=", offer.server_max_window_bits);
  }
  text += "; client_max_window_bits";
  if (offer.client_max_window_bits < 15) {
    absl::StrAppend(&text, "=", offer.client_max_window_bits);
  }
  return text;
}

absl::StatusOr<PermessageDeflateAgreement> parse_deflate_answer(
    const PermessageDeflateOffer& offer, std::string_view answer_text) {
  const absl::string_view answer(answer_text.data(), answer_text.size());
  if (absl::StrContains(answer, ",")) {
    return wrong(answer, "more than one extension");
  }
  const std::vector<absl::string_view> parts = absl::StrSplit(answer, ';');
  if (absl::StripAsciiWhitespace(parts[0]) != kName) {
    return wrong(answer, "nobody asked for it");
  }
  bool server_plain = false, client_plain = false;
  std::optional<int> server_bits, client_bits;
  for (size_t i = 1; i < parts.size(); ++i) {
    const std::vector<absl::string_view> pair =
        absl::StrSplit(parts[i], absl::MaxSplits('=', 1));
    const absl::string_view name = absl::StripAsciiWhitespace(pair[0]);
    const bool has_value = pair.size() == 2;
    const absl::string_view value =
        has_value ? without_quotes(absl::StripAsciiWhitespace(pair[1])) : "";
    if (name == "server_no_context_takeover" ||
        name == "client_no_context_takeover") {
      bool& flag = name[0] == 's' ? server_plain : client_plain;
      if (flag) return wrong(answer, absl::StrCat(name, " twice"));
      if (has_value) return wrong(answer, absl::StrCat(name, " has a value"));
      flag = true;
    } else if (name == "server_max_window_bits" ||
               name == "client_max_window_bits") {
      std::optional<int>& bits = name[0] == 's' ? server_bits : client_bits;
      if (bits) return wrong(answer, absl::StrCat(name, " twice"));
      bits = window_bits(value);
      if (!bits) return wrong(answer, absl::StrCat(name, " is not 8 to 15"));
    } else {
      return wrong(answer, absl::StrCat("parameter \"", name, "\" is unknown"));
    }
  }
  // What we asked for is not ours to give up: the answer must agree.
  if (offer.server_no_context_takeover && !server_plain) {
    return wrong(answer, "it lacks server_no_context_takeover, asked for");
  }
  if (offer.server_max_window_bits < 15 && !server_bits) {
    return wrong(answer, "it lacks server_max_window_bits, asked for");
  }
  if (server_bits.value_or(0) > offer.server_max_window_bits) {
    return wrong(answer, "server_max_window_bits is more than asked for");
  }
  if (client_bits.value_or(0) > offer.client_max_window_bits) {
    return wrong(answer, "client_max_window_bits is more than was offered");
  }
  return PermessageDeflateAgreement{
      .server_no_context_takeover = server_plain,
      .client_no_context_takeover =
          client_plain || offer.client_no_context_takeover,
      .server_max_window_bits =
          server_bits.value_or(offer.server_max_window_bits),
      .client_max_window_bits =
          client_bits.value_or(offer.client_max_window_bits),
      .level = offer.level,
  };
}

// ---- Inflate

MessageInflater::~MessageInflater() {
  if (made_) inflateEnd(&stream_);
}

absl::Status MessageInflater::start(const PermessageDeflateAgreement& agreed) {
  no_context_takeover_ = agreed.server_no_context_takeover;
  at_end_ = false;
  stream_.next_in = nullptr;
  stream_.avail_in = 0;
  const int bits = -agreed.server_max_window_bits;  // raw deflate
  const int result =
      made_ ? inflateReset2(&stream_, bits) : inflateInit2(&stream_, bits);
  made_ = made_ || result == Z_OK;
  // A dictionary makes zlib allocate the window now; the reset forgets it.
  const Bytef nothing = 0;
  if (result != Z_OK || inflateSetDictionary(&stream_, &nothing, 1) != Z_OK) {
    return absl::ResourceExhaustedError(
        "permessage-deflate: no memory to inflate with");
  }
  inflateReset(&stream_);
  return absl::OkStatus();
}

void MessageInflater::feed(const char* data, size_t size) noexcept {
  stream_.next_in = bytes_of(data);
  stream_.avail_in = static_cast<uInt>(size);
}

void MessageInflater::feed_end() noexcept {
  at_end_ = true;
  stream_.next_in = const_cast<Bytef*>(kTail);
  stream_.avail_in = sizeof(kTail);
}

MessageInflater::Result MessageInflater::inflate(char* out, size_t room,
                                                 size_t* written) noexcept {
  stream_.next_out = reinterpret_cast<Bytef*>(out);
  stream_.avail_out = static_cast<uInt>(std::min<size_t>(room, UINT_MAX));
  const uInt begin = stream_.avail_out;
  int result = Z_OK;
  bool between_blocks = false;
  do {
    result = ::inflate(&stream_, Z_SYNC_FLUSH);
    // Bit 7: the next thing is a block (zlib.h).
    between_blocks = result == Z_STREAM_END || (stream_.data_type & 128) != 0;
    // A last block inside or at the end of a message (section 7.2.3.4): what
    // follows goes on with the same window, which inflateReset would drop.
    if (result == Z_STREAM_END) result = inflateResetKeep(&stream_);
  } while (result == Z_OK && stream_.avail_in != 0 && stream_.avail_out != 0);
  *written = begin - stream_.avail_out;
  // Z_BUF_ERROR: no room, or nothing left to do.
  if (result != Z_OK && result != Z_BUF_ERROR) return Result::kCorrupt;
  // A full room may hide output that zlib still has.
  if (stream_.avail_out == 0) return Result::kNeedRoom;
  if (!at_end_) return Result::kTaken;
  at_end_ = false;
  // In the middle of a block the tail was taken for a part of it.
  if (!between_blocks) return Result::kCorrupt;
  if (no_context_takeover_) inflateReset(&stream_);
  return Result::kTaken;
}

// ---- Deflate

MessageDeflater::~MessageDeflater() {
  if (made_) deflateEnd(&stream_);
}

absl::Status MessageDeflater::start(const PermessageDeflateAgreement& agreed) {
  // zlib has no window of 2^8 for raw deflate. That of 2^9 does as well: it
  // never looks further back than 2^9 - 262 bytes (MAX_DIST in deflate.h).
  const int bits = std::max(agreed.client_max_window_bits, 9);
  no_context_takeover_ = agreed.client_no_context_takeover;
  if (made_ && bits == window_bits_ && agreed.level == level_) {
    deflateReset(&stream_);
    return absl::OkStatus();
  }
  if (made_) deflateEnd(&stream_);
  made_ = deflateInit2(&stream_, agreed.level, Z_DEFLATED, -bits, kMemoryLevel,
                       Z_DEFAULT_STRATEGY) == Z_OK;
  window_bits_ = bits;
  level_ = agreed.level;
  if (made_) return absl::OkStatus();
  return absl::ResourceExhaustedError(
      "permessage-deflate: no memory to deflate with");
}

size_t MessageDeflater::deflate(std::string_view message, char* out) noexcept {
  if (message.empty()) {
    *out = '\0';  // section 7.2.3.6; zlib writes nothing for nothing
    return 1;
  }
  const size_t room = bound(message.size());
  stream_.next_in = bytes_of(message.data());
  stream_.avail_in = static_cast<uInt>(message.size());
  stream_.next_out = reinterpret_cast<Bytef*>(out);
  stream_.avail_out = static_cast<uInt>(room);
  ::deflate(&stream_, Z_SYNC_FLUSH);
  if (stream_.avail_in != 0 || stream_.avail_out == 0) {
    std::fprintf(stderr, "wirebook::MessageDeflater %p: bound() is too low\n",
                 static_cast<void*>(this));
    std::abort();
  }
  const size_t size = room - stream_.avail_out - sizeof(kTail);
  if (no_context_takeover_) deflateReset(&stream_);
  return size;
}

}  // namespace wirebook
