// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// ConformanceCase: what a server sends to an echoing client, and what RFC 6455
// (with RFC 7692) demands of the client: one row of a table.
//
// The numbers are those of the Autobahn test suite's cases, whose definitions
// are public; the rows are written from these and the RFCs. README.md has the
// groups. run_conformance_case() runs one row over a socket.
//
//   ConformanceCase{.number = "2.2", .sent = "a ping with text",
//                   .sends = {ping("hello")}, .answers = {pong("hello")}}

#ifndef WIREBOOK_NET_CONFORMANCE_CONFORMANCE_CASE_H_
#define WIREBOOK_NET_CONFORMANCE_CONFORMANCE_CASE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace wirebook::conformance {

// `pattern` repeated up to `length` bytes; made when it is sent.
struct Payload {
  Payload(const char* text) : Payload(std::string(text)) {}  // NOLINT
  Payload(std::string text)                                  // NOLINT
      : length(text.size()),
        pattern(std::make_shared<const std::string>(std::move(text))) {}
  Payload(std::string text, size_t bytes) : Payload(std::move(text)) {
    length = bytes;
  }

  // That of the given round: it begins `step` bytes further in the pattern
  // than that of the round before.
  std::string make(size_t round = 0) const {
    std::string result;
    result.reserve(length);
    size_t at = pattern->empty() ? 0 : step * round % pattern->size();
    while (result.size() < length) {
      result.append(*pattern, at, length - result.size());
      at = 0;
    }
    return result;
  }

  size_t length;
  std::shared_ptr<const std::string> pattern;  // rows share it
  size_t step = 0;
};

enum class Before : uint8_t {
  kNothing,
  // The client has taken in what was sent, and has not failed the connection.
  kTakenIn,
  // And the first `answers_before` answers have come.
  kAnswered,
};

struct Send {
  int first_byte;  // FIN, RSV, opcode
  Payload payload;
  size_t fragment_size = 0;  // 0: one frame; else a message in fragments
  size_t chop = 0;           // bytes a segment; 0: as TCP likes
  Before before = Before::kNothing;
  size_t answers_before = 0;
  // Not a frame: the payload goes out as it is.
  bool raw = false;
};

struct Answer {
  int opcode;
  Payload payload;
};

// Which code the client's close frame may carry; kNoCode: none at all.
inline constexpr int kNoCode = 1005;

enum class Ending : uint8_t {
  kServerCloses,       // and the client ends in order
  kServerClosesBadly,  // and the client says what is wrong with the close
  kClientFails,        // for what was sent
};

// RFC 7692: what the client offers and the server answers.
struct Deflate {
  bool on = false;
  bool server_no_context_takeover = false;  // client asks, server agrees
  int server_max_window_bits = 0;           // 0: not spoken of
  bool client_no_context_takeover = false;  // server asks
  int client_max_window_bits = 0;           // server asks
};

struct ConformanceCase {
  std::string number;
  std::string sent;  // in words
  std::vector<Send> sends = {};
  std::vector<Answer> answers = {};  // these, in this order, and nothing else
  Ending ending = Ending::kServerCloses;
  std::string close_payload = "\x03\xe8";  // 1000
  std::vector<Send> after_close = {};
  std::vector<int> codes = {1000};
  int rounds = 1;  // of sends and answers
  Deflate deflate = {};
  // The RFC leaves the outcome open; what we do is pinned all the same.
  bool informational = false;
};

std::string close_payload(int code, std::string_view reason = {});

inline Send text(Payload payload) { return {0x81, std::move(payload)}; }
inline Send binary(Payload payload) { return {0x82, std::move(payload)}; }
inline Send ping(Payload payload) { return {0x89, std::move(payload)}; }
inline Send chopped(Send send, size_t chop) {
  send.chop = chop;
  return send;
}
inline Send after_all_before(Send send) {
  send.before = Before::kTakenIn;
  return send;
}

// The groups. `scale` divides what takes minutes at its full size, which is 1:
// the messages that come in fragments in group 9, and how many there are of
// those above 1 KiB in groups 12 and 13.
std::vector<ConformanceCase> framing_cases();                        // 1
std::vector<ConformanceCase> ping_cases();                           // 2
std::vector<ConformanceCase> reserved_bit_cases();                   // 3
std::vector<ConformanceCase> opcode_cases();                         // 4
std::vector<ConformanceCase> fragmentation_cases();                  // 5
std::vector<ConformanceCase> utf8_cases();                           // 6
std::vector<ConformanceCase> close_cases();                          // 7
std::vector<ConformanceCase> limit_cases(size_t scale);              // 9
std::vector<ConformanceCase> auto_fragment_cases();                  // 10
std::vector<ConformanceCase> deflate_payload_cases(size_t scale);    // 12
std::vector<ConformanceCase> deflate_parameter_cases(size_t scale);  // 13

}  // namespace wirebook::conformance

#endif  // WIREBOOK_NET_CONFORMANCE_CONFORMANCE_CASE_H_
