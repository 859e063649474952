// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// Groups 1 to 5 and 10: RFC 6455, sections 5.2 to 5.5.

#include "net/conformance/conformance_case.h"

namespace wirebook::conformance {
namespace {

using std::string_literals::operator""s;

constexpr int kRsv1 = 0x40, kRsv2 = 0x20, kRsv3 = 0x10;
constexpr const char* kHello = "Hello, world!";

// Every byte of every frame on its own.
std::vector<Send> bytewise(std::vector<Send> sends) {
  for (Send& send : sends) send.chop = 1;
  return sends;
}

// Every frame on its own: the client has seen the one before.
std::vector<Send> framewise(std::vector<Send> sends) {
  for (size_t i = 1; i < sends.size(); ++i) {
    sends[i].before = Before::kTakenIn;
  }
  return sends;
}

ConformanceCase fails(std::string number, std::string sent,
                      std::vector<Send> sends,
                      std::vector<Answer> answers = {}) {
  return {.number = std::move(number),
          .sent = std::move(sent),
          .sends = std::move(sends),
          .answers = std::move(answers),
          .ending = Ending::kClientFails,
          .codes = {1002}};
}

ConformanceCase echoes(std::string number, std::string sent,
                       std::vector<Send> sends, std::vector<Answer> answers) {
  return {.number = std::move(number),
          .sent = std::move(sent),
          .sends = std::move(sends),
          .answers = std::move(answers)};
}

}  // namespace

std::string close_payload(int code, std::string_view reason) {
  std::string payload;
  payload.push_back(static_cast<char>(code >> 8));
  payload.push_back(static_cast<char>(code));
  return payload.append(reason);
}

std::vector<ConformanceCase> framing_cases() {
  std::vector<ConformanceCase> cases;
  const size_t lengths[] = {0, 125, 126, 127, 128, 65535, 65536, 65536};
  for (const int opcode : {1, 2}) {
    for (size_t i = 0; i < std::size(lengths); ++i) {
      const Payload payload(opcode == 1 ? "*" : "\xfe", lengths[i]);
      const size_t chop = i == 7 ? 997 : 0;
      cases.push_back(echoes(
          "1." + std::to_string(opcode) + "." + std::to_string(i + 1),
          std::string(opcode == 1 ? "text" : "binary") + " of " +
              std::to_string(lengths[i]) + " bytes" +
              (chop != 0 ? ", 997 bytes at a time" : ""),
          {chopped({0x80 | opcode, payload}, chop)}, {{opcode, payload}}));
    }
  }
  return cases;
}

std::vector<ConformanceCase> ping_cases() {
  const std::string bytes("\x00\xff\xfe\xfd\xfc\xfb\x00\xff", 8);
  const Payload longest("\xfe", 125);
  std::vector<Send> ten;
  std::vector<Answer> ten_pongs;
  for (int i = 0; i < 10; ++i) {
    const std::string payload = "payload-" + std::to_string(i);
    ten.push_back(ping(payload));
    ten_pongs.push_back({0xa, payload});
  }
  const Send pong{0x8a, "unsolicited pong payload"};
  return {
      echoes("2.1", "a ping without payload", {ping("")}, {{0xa, ""}}),
      echoes("2.2", "a ping with text", {ping(kHello)}, {{0xa, kHello}}),
      echoes("2.3", "a ping with bytes that are not UTF-8", {ping(bytes)},
             {{0xa, bytes}}),
      echoes("2.4", "a ping of 125 bytes", {ping(longest)}, {{0xa, longest}}),
      fails("2.5", "a ping of 126 bytes", {ping({"\xfe", 126})}),
      echoes("2.6", "a ping of 125 bytes, bytewise", bytewise({ping(longest)}),
             {{0xa, longest}}),
      echoes("2.7", "a pong nobody asked for, empty", {{0x8a, ""}}, {}),
      echoes("2.8", "a pong nobody asked for", {pong}, {}),
      echoes("2.9", "a pong nobody asked for, then a ping",
             {pong, ping("ping payload")}, {{0xa, "ping payload"}}),
      echoes("2.10", "ten pings", ten, ten_pongs),
      echoes("2.11", "ten pings, bytewise", bytewise(ten), ten_pongs),
  };
}

std::vector<ConformanceCase> reserved_bit_cases() {
  const std::vector<Answer> first = {{1, kHello}};
  const auto second = [](int rsv) {
    return std::vector<Send>{text(kHello), {0x81 | rsv, kHello}, ping("")};
  };
  const std::string bytes("\x00\xff\xfe\xfd\xfc\xfb\x00\xff", 8);
  return {
      fails("3.1", "text, RSV = 1", {{0x81 | kRsv3, kHello}}),
      fails("3.2", "text; text, RSV = 2; ping", second(kRsv2), first),
      fails("3.3", "text; text, RSV = 3; ping; framewise",
            {text(kHello), after_all_before({0x81 | kRsv2 | kRsv3, kHello}),
             ping("")},
            first),
      fails("3.4", "text; text, RSV = 4; ping; bytewise",
            bytewise(second(kRsv1)), first),
      fails("3.5", "binary, RSV = 5", {{0x82 | kRsv1 | kRsv3, bytes}}),
      fails("3.6", "ping, RSV = 6", {{0x89 | kRsv1 | kRsv2, kHello}}),
      fails("3.7", "close, RSV = 7", {{0x88 | kRsv1 | kRsv2 | kRsv3, ""}}),
  };
}

std::vector<ConformanceCase> opcode_cases() {
  std::vector<ConformanceCase> cases;
  for (const int first : {3, 11}) {
    const std::string group = first == 3 ? "4.1." : "4.2.";
    const auto reserved = [&](int i, const char* payload) {
      return Send{0x80 | (first + i), payload};
    };
    const auto name = [&](int i) {
      return "opcode " + std::to_string(first + i);
    };
    const std::vector<Answer> echo = {{1, kHello}};
    cases.push_back(fails(group + "1", name(0) + ", empty", {reserved(0, "")}));
    cases.push_back(fails(group + "2", name(1) + " with payload",
                          {reserved(1, "reserved opcode payload")}));
    cases.push_back(fails(group + "3", "text; " + name(2) + ", empty; ping",
                          {text(kHello), reserved(2, ""), ping("")}, echo));
    cases.push_back(fails(group + "4", "text; " + name(3) + "; ping",
                          {text(kHello), reserved(3, kHello), ping("")}, echo));
    cases.push_back(
        fails(group + "5", "text; " + name(4) + "; ping; bytewise",
              bytewise({text(kHello), reserved(4, kHello), ping("")}), echo));
  }
  return cases;
}

std::vector<ConformanceCase> fragmentation_cases() {
  const Send begin{0x01, "fragment1"}, end{0x80, "fragment2"};
  const Send inner_ping = ping("ping payload");
  const std::vector<Answer> joined = {{1, "fragment1fragment2"}};
  const std::vector<Answer> pong_joined = {{0xa, "ping payload"},
                                           {1, "fragment1fragment2"}};
  const Send orphan_end{0x80, "non-continuation payload"};
  const Send orphan{0x00, "non-continuation payload"};
  const std::vector<Send> wrong_end = {orphan_end, text(kHello)};
  const std::vector<Send> wrong = {orphan, text(kHello)};

  const auto twice = [](int first_byte) {
    const std::vector<Send> once = {
        {first_byte, "fragment1"}, {0x01, "fragment2"}, {0x80, "fragment3"}};
    std::vector<Send> both = once;
    both.insert(both.end(), once.begin(), once.end());
    return both;
  };
  // The first ping is answered before the third fragment is sent.
  Send third{0x00, "fragment3"};
  third.before = Before::kAnswered;
  third.answers_before = 1;
  const std::vector<Send> five = {
      {0x01, "fragment1"}, {0x00, "fragment2"}, ping("pongme 1!"),  third,
      {0x00, "fragment4"}, ping("pongme 2!"),   {0x80, "fragment5"}};
  std::vector<Send> five_framewise = framewise(five);
  five_framewise[3] = third;
  const std::vector<Answer> all_five = {
      {0xa, "pongme 1!"},
      {0xa, "pongme 2!"},
      {1, "fragment1fragment2fragment3fragment4fragment5"}};

  return {
      fails("5.1", "a ping in two fragments", {{0x09, "fragment1"}, end}),
      fails("5.2", "a pong in two fragments", {{0x0a, "fragment1"}, end}),
      echoes("5.3", "text in two fragments", {begin, end}, joined),
      echoes("5.4", "the same, framewise", framewise({begin, end}), joined),
      echoes("5.5", "the same, bytewise", bytewise({begin, end}), joined),
      echoes("5.6", "text in two fragments, a ping between",
             {begin, inner_ping, end}, pong_joined),
      echoes("5.7", "the same, framewise", framewise({begin, inner_ping, end}),
             pong_joined),
      echoes("5.8", "the same, bytewise", bytewise({begin, inner_ping, end}),
             pong_joined),
      fails("5.9", "a last fragment of nothing, then text", wrong_end),
      fails("5.10", "the same, framewise", wrong_end),
      fails("5.11", "the same, bytewise", bytewise(wrong_end)),
      fails("5.12", "a fragment of nothing, then text", wrong),
      fails("5.13", "the same, framewise", wrong),
      fails("5.14", "the same, bytewise", bytewise(wrong)),
      fails("5.15", "text in two fragments, a fragment of nothing, then text",
            {begin, end, {0x00, "fragment3"}, text("fragment4")}, joined),
      fails("5.16", "twice: a fragment of nothing, text in two fragments",
            twice(0x00)),
      fails("5.17", "twice: a last fragment of nothing, text in two fragments",
            twice(0x80)),
      fails("5.18", "two fragments that both say text",
            {begin, text("fragment2")}),
      echoes("5.19", "text in five fragments, two pings, a pause", five,
             all_five),
      echoes("5.20", "the same, framewise", five_framewise, all_five),
  };
}

std::vector<ConformanceCase> auto_fragment_cases() {
  Send send = text({"*", 65536});
  send.fragment_size = 1300;
  return {echoes("10.1.1", "text of 65536 bytes in fragments of 1300", {send},
                 {{1, {"*", 65536}}})};
}

}  // namespace wirebook::conformance
