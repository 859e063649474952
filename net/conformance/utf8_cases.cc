// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// Group 6: text is UTF-8 (RFC 6455, section 8.1; RFC 3629). The sequences are
// those of Markus Kuhn's UTF-8 decoder stress test and of the Unicode standard.

#include "net/conformance/conformance_case.h"

namespace wirebook::conformance {
namespace {

using std::string_literals::operator""s;

// "kosme" in Greek: one character of three bytes, four of two.
constexpr const char* kKosme = "\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5";
constexpr const char* kUmlauts =
    "Hello-\xc2\xb5@\xc3\x9f\xc3\xb6\xc3\xa4\xc3\xbc\xc3\xa0\xc3\xa1-UTF-8!!";

std::string hex(const std::string& bytes) {
  std::string result;
  for (const char c : bytes) {
    for (const int shift : {4, 0}) {
      result += "0123456789abcdef"[(static_cast<uint8_t>(c) >> shift) & 0xf];
    }
  }
  return result;
}

ConformanceCase valid(std::string number, std::string sent,
                      std::vector<Send> sends, std::string echo) {
  return {.number = std::move(number),
          .sent = std::move(sent),
          .sends = std::move(sends),
          .answers = {{1, std::move(echo)}}};
}

ConformanceCase invalid(std::string number, std::string sent,
                        std::vector<Send> sends) {
  return {.number = std::move(number),
          .sent = std::move(sent),
          .sends = std::move(sends),
          .ending = Ending::kClientFails,
          .codes = {1007}};
}

Send fragmented(std::string payload, size_t size) {
  Send send = text(std::move(payload));
  send.fragment_size = size;
  return send;
}

Send raw(std::string bytes) {
  Send send = text(std::move(bytes));
  send.raw = true;
  return send;
}

// What is wrong must be seen when it comes: the third part is never sent.
std::vector<ConformanceCase> fail_fast_cases() {
  const std::string before = kKosme;
  const std::string above = "\xf4\x90\x80\x80";  // above U+10FFFF
  const std::string whole = before + above + "edited";
  const std::string header = {'\x81', static_cast<char>(whole.size())};
  return {
      invalid("6.4.1", "a valid fragment; one that makes it invalid",
              {{0x01, before}, after_all_before({0x00, above})}),
      invalid("6.4.2", "up to the last valid byte; the invalid byte alone",
              {{0x01, whole.substr(0, 12)},
               after_all_before({0x00, whole.substr(12, 1)})}),
      invalid("6.4.3", "6.4.1 as pieces of one frame",
              {raw(header + before), after_all_before(raw(above))}),
      invalid("6.4.4", "6.4.2 as pieces of one frame",
              {raw(header + whole.substr(0, 12)),
               after_all_before(raw(whole.substr(12, 1)))}),
  };
}

struct Sequence {
  bool valid;
  std::string bytes;
};

std::vector<Sequence> all(bool valid, std::vector<std::string> texts) {
  std::vector<Sequence> result;
  for (std::string& bytes : texts) result.push_back({valid, std::move(bytes)});
  return result;
}

std::vector<Sequence> prefixes(const std::string& text) {
  std::vector<Sequence> result;
  for (size_t size = 1; size <= text.size(); ++size) {
    const bool whole =
        size == 2 || size == 5 || size == 7 || size == 9 || size == 11;
    result.push_back({whole, text.substr(0, size)});
  }
  return result;
}

std::vector<Sequence> lonely_starts() {
  std::vector<Sequence> result;
  const int ranges[][2] = {
      {0xc0, 0xdf}, {0xe0, 0xef}, {0xf0, 0xf7}, {0xf8, 0xfb}, {0xfc, 0xfd}};
  for (const auto& [first, last] : ranges) {
    std::string bytes;
    for (int c = first; c < last; ++c) {
      bytes.push_back(static_cast<char>(c));
      bytes.push_back(' ');
    }
    result.push_back({false, bytes});
  }
  return result;
}

// U+nFFFE and U+nFFFF: no characters, but UTF-8 all the same.
std::vector<Sequence> noncharacters() {
  std::vector<Sequence> result = all(true, {"\xef\xbf\xbe", "\xef\xbf\xbf"});
  for (uint32_t plane = 1; plane <= 16; ++plane) {
    for (const uint32_t low : {0xfffeu, 0xffffu}) {
      const uint32_t c = plane << 16 | low;
      result.push_back({true,
                        {static_cast<char>(0xf0 | c >> 18),
                         static_cast<char>(0x80 | (c >> 12 & 0x3f)),
                         static_cast<char>(0x80 | (c >> 6 & 0x3f)),
                         static_cast<char>(0x80 | (c & 0x3f))}});
    }
  }
  return result;
}

std::vector<Sequence> continuations() {
  std::vector<Sequence> result = all(
      false, {"\x80", "\xbf", "\x80\xbf", "\x80\xbf\x80", "\x80\xbf\x80\xbf",
              "\x80\xbf\x80\xbf\x80", "\x80\xbf\x80\xbf\x80\xbf"});
  std::string every;
  for (int c = 0x80; c < 0xbf; ++c) every.push_back(static_cast<char>(c));
  result.push_back({false, every});
  return result;
}

// 6.5 and on, in order.
std::vector<std::pair<std::string, std::vector<Sequence>>> sequences() {
  const std::vector<std::string> cut = {"\xc0",
                                        "\xe0\x80",
                                        "\xf0\x80\x80",
                                        "\xf8\x80\x80\x80",
                                        "\xfc\x80\x80\x80\x80",
                                        "\xdf",
                                        "\xef\xbf",
                                        "\xf7\xbf\xbf",
                                        "\xfb\xbf\xbf\xbf",
                                        "\xfd\xbf\xbf\xbf\xbf"};
  std::string cut_together;
  for (const std::string& bytes : cut) cut_together += bytes;
  std::vector<Sequence> borders =
      all(true,
          {"\xed\x9f\xbf", "\xee\x80\x80", "\xef\xbf\xbd", "\xf4\x8f\xbf\xbf"});
  borders.push_back({false, "\xf4\x90\x80\x80"});
  return {
      {"some valid text", all(true, {"hello\x24world", "hello\xc2\xa2world",
                                     "hello\xe2\x82\xacworld",
                                     "hello\xf0\xa4\xad\xa2world", kKosme})},
      {"prefixes of valid text", prefixes(kKosme)},
      {"first of each length",
       all(true, {"\0"s, "\xc2\x80", "\xe0\xa0\x80", "\xf0\x90\x80\x80"})},
      {"first of 5 and 6 bytes",
       all(false, {"\xf8\x88\x80\x80\x80", "\xfc\x84\x80\x80\x80\x80"})},
      {"last of each length",
       all(true, {"\x7f", "\xdf\xbf", "\xef\xbf\xbf", "\xf4\x8f\xbf\xbf"})},
      {"last of 4, 5 and 6 bytes",
       all(false, {"\xf7\xbf\xbf\xbf", "\xfb\xbf\xbf\xbf\xbf",
                   "\xfd\xbf\xbf\xbf\xbf\xbf"})},
      {"other borders", borders},
      {"continuation bytes without a start", continuations()},
      {"starts without continuation", lonely_starts()},
      {"the last byte missing", all(false, cut)},
      {"the same, one after the other", all(false, {cut_together})},
      {"impossible bytes", all(false, {"\xfe", "\xff", "\xfe\xfe\xff\xff"})},
      {"overlong '/'",
       all(false, {"\xc0\xaf", "\xe0\x80\xaf", "\xf0\x80\x80\xaf",
                   "\xf8\x80\x80\x80\xaf", "\xfc\x80\x80\x80\x80\xaf"})},
      {"longest overlong",
       all(false, {"\xc1\xbf", "\xe0\x9f\xbf", "\xf0\x8f\xbf\xbf",
                   "\xf8\x87\xbf\xbf\xbf", "\xfc\x83\xbf\xbf\xbf\xbf"})},
      {"overlong NUL",
       all(false, {"\xc0\x80", "\xe0\x80\x80", "\xf0\x80\x80\x80",
                   "\xf8\x80\x80\x80\x80", "\xfc\x80\x80\x80\x80\x80"})},
      {"single surrogates",
       all(false,
           {"\xed\xa0\x80", "\xed\xad\xbf", "\xed\xae\x80", "\xed\xaf\xbf",
            "\xed\xb0\x80", "\xed\xbe\x80", "\xed\xbf\xbf"})},
      {"paired surrogates",
       all(false, {"\xed\xa0\x80\xed\xb0\x80", "\xed\xa0\x80\xed\xbf\xbf",
                   "\xed\xad\xbf\xed\xb0\x80", "\xed\xad\xbf\xed\xbf\xbf",
                   "\xed\xae\x80\xed\xb0\x80", "\xed\xae\x80\xed\xbf\xbf",
                   "\xed\xaf\xbf\xed\xb0\x80", "\xed\xaf\xbf\xed\xbf\xbf"})},
      {"noncharacters", noncharacters()},
      {"specials", all(true, {"\xef\xbf\xb9", "\xef\xbf\xba", "\xef\xbf\xbb",
                              "\xef\xbf\xbc", "\xef\xbf\xbd", "\xef\xbf\xbe",
                              "\xef\xbf\xbf"})},
  };
}

}  // namespace

std::vector<ConformanceCase> utf8_cases() {
  const std::string surrogate = std::string(kKosme) + "\xed\xa0\x80" + "edited";
  const std::string umlauts = kUmlauts;
  // Between two characters.
  constexpr size_t kHalf = 15;
  std::vector<ConformanceCase> cases = {
      valid("6.1.1", "text, empty", {text("")}, ""),
      valid("6.1.2", "three empty fragments",
            {{0x01, ""}, {0x00, ""}, {0x80, ""}}, ""),
      valid("6.1.3", "an empty fragment, one with text, an empty one",
            {{0x01, ""}, {0x00, "middle frame payload"}, {0x80, ""}},
            "middle frame payload"),
      valid("6.2.1", "valid text", {text(umlauts)}, umlauts),
      valid("6.2.2", "valid text, fragments of whole characters",
            {{0x01, umlauts.substr(0, kHalf)}, {0x80, umlauts.substr(kHalf)}},
            umlauts),
      valid("6.2.3", "valid text, fragments of one byte",
            {fragmented(umlauts, 1)}, umlauts),
      valid("6.2.4", "more valid text, fragments of one byte",
            {fragmented(kKosme, 1)}, kKosme),
      invalid("6.3.1", "a surrogate in one frame", {text(surrogate)}),
      invalid("6.3.2", "a surrogate in fragments of one byte",
              {fragmented(surrogate, 1)}),
  };
  for (ConformanceCase& fast : fail_fast_cases()) {
    cases.push_back(std::move(fast));
  }
  int group = 5;
  for (const auto& [name, list] : sequences()) {
    int number = 1;
    for (const Sequence& sequence : list) {
      const std::string id =
          "6." + std::to_string(group) + "." + std::to_string(number++);
      const std::string sent = name + ": " + hex(sequence.bytes);
      cases.push_back(
          sequence.valid
              ? valid(id, sent, {text(sequence.bytes)}, sequence.bytes)
              : invalid(id, sent, {text(sequence.bytes)}));
    }
    ++group;
  }
  return cases;
}

}  // namespace wirebook::conformance
