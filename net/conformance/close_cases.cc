// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// Group 7: the closing handshake (RFC 6455, sections 5.5.1 and 7).

#include "net/conformance/conformance_case.h"

namespace wirebook::conformance {
namespace {

constexpr const char* kHello = "Hello World!";

// The server closes; what follows its close frame is ignored.
ConformanceCase closes(std::string number, std::string sent,
                       std::string payload, std::vector<int> codes,
                       std::vector<Send> after = {}) {
  return {.number = std::move(number),
          .sent = std::move(sent),
          .close_payload = std::move(payload),
          .after_close = std::move(after),
          .codes = std::move(codes)};
}

ConformanceCase closes_badly(std::string number, std::string sent,
                             std::string payload, int code) {
  return {.number = std::move(number),
          .sent = std::move(sent),
          .ending = Ending::kServerClosesBadly,
          .close_payload = std::move(payload),
          .codes = {code}};
}

std::vector<ConformanceCase> basic_cases() {
  const std::string normal = close_payload(1000);
  const Payload large("BAsd7&jh23", 256 * 1024);
  ConformanceCase open_message =
      closes("7.1.5", "a first fragment, a close, the last fragment", normal,
             {1000}, {{0x80, "fragment2"}});
  open_message.sends = {{0x01, "fragment1"}};
  ConformanceCase back_to_back =
      closes("7.1.6", "256 KiB of text, text, a close, a ping", normal, {1000},
             {ping("")});
  back_to_back.sends = {text(large), text(kHello)};
  back_to_back.answers = {{1, large}, {1, kHello}};
  return {
      {.number = "7.1.1",
       .sent = "text, then a close",
       .sends = {text(kHello)},
       .answers = {{1, kHello}}},
      closes("7.1.2", "two close frames", normal, {1000}, {{0x88, ""}}),
      closes("7.1.3", "a close, then a ping", normal, {1000}, {ping("")}),
      closes("7.1.4", "a close, then text", normal, {1000}, {text(kHello)}),
      open_message,
      back_to_back,
  };
}

}  // namespace

std::vector<ConformanceCase> close_cases() {
  std::vector<ConformanceCase> cases = basic_cases();
  const std::string invalid_reason =
      "\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed\xa0\x80"
      "edited";
  cases.insert(
      cases.end(),
      {closes("7.3.1", "a close without payload", "", {kNoCode}),
       closes_badly("7.3.2", "a close of one byte", "a", 1002),
       closes("7.3.3", "a close with a code", close_payload(1000), {1000}),
       closes("7.3.4", "a close with a code and a reason",
              close_payload(1000, kHello), {1000}),
       closes("7.3.5", "a close with the longest reason",
              close_payload(1000, std::string(123, '*')), {1000}),
       closes_badly("7.3.6", "a close that is one byte too long",
                    close_payload(1000, std::string(124, '*')), 1002),
       closes_badly("7.5.1", "a close whose reason is not UTF-8",
                    close_payload(1000, invalid_reason), 1007)});
  int number = 1;
  for (const int code : {1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011,
                         3000, 3999, 4000, 4999}) {
    cases.push_back(closes("7.7." + std::to_string(number++),
                           "close code " + std::to_string(code),
                           close_payload(code), {code}));
  }
  number = 1;
  for (const int code : {0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999}) {
    cases.push_back(closes_badly("7.9." + std::to_string(number++),
                                 "close code " + std::to_string(code),
                                 close_payload(code), 1002));
  }
  number = 1;
  for (const int code : {5000, 65535}) {
    ConformanceCase open = closes_badly("7.13." + std::to_string(number++),
                                        "close code " + std::to_string(code),
                                        close_payload(code), 1002);
    open.informational = true;
    cases.push_back(open);
  }
  return cases;
}

}  // namespace wirebook::conformance
