// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// Group 9: large messages, many fragments, many segments, many messages.

#include <algorithm>

#include "net/conformance/conformance_case.h"

namespace wirebook::conformance {
namespace {

constexpr size_t kKiB = 1024, kMiB = 1024 * 1024;
constexpr const char* kTextPattern = "BAsd7&jh23";
const std::string kBinaryPattern("\x00\xfe\x23\xfa\xf0", 5);

std::string id(int group, size_t number) {
  return "9." + std::to_string(group) + "." + std::to_string(number + 1);
}

std::string kind(bool is_text) { return is_text ? "text" : "binary"; }

ConformanceCase echo(std::string number, std::string sent, Send send,
                     int rounds = 1) {
  return {.number = std::move(number),
          .sent = std::move(sent),
          .sends = {send},
          .answers = {{send.first_byte & 0xf, send.payload}},
          .rounds = rounds};
}

}  // namespace

std::vector<ConformanceCase> limit_cases(size_t scale) {
  std::vector<ConformanceCase> cases;
  for (const bool is_text : {true, false}) {
    const int first_byte = is_text ? 0x81 : 0x82;
    const auto bytes = [](size_t n) { return std::to_string(n) + " bytes"; };
    const std::string pattern = is_text ? kTextPattern : kBinaryPattern;
    const size_t sizes[] = {64 * kKiB, 256 * kKiB, kMiB,
                            4 * kMiB,  8 * kMiB,   16 * kMiB};
    for (size_t i = 0; i < std::size(sizes); ++i) {
      const size_t size = sizes[i];
      cases.push_back(echo(id(is_text ? 1 : 2, i),
                           kind(is_text) + " of " + bytes(size),
                           {first_byte, {pattern, size}}));
    }
    const size_t whole = 4 * kMiB / scale;
    const size_t fragments[] = {64,         256,       kKiB,
                                4 * kKiB,   16 * kKiB, 64 * kKiB,
                                256 * kKiB, kMiB,      4 * kMiB};
    for (size_t i = 0; i < std::size(fragments); ++i) {
      const size_t size = i < 3 ? fragments[i] : fragments[i] / scale;
      Send send{first_byte, {is_text ? "*" : "\xfe", whole}};
      send.fragment_size = size;
      cases.push_back(echo(id(is_text ? 3 : 4, i),
                           kind(is_text) + " of " + bytes(whole) +
                               " in fragments of " + bytes(size),
                           send));
    }
    for (size_t i = 0; i < 6; ++i) {
      const size_t chop = size_t{64} << i;
      cases.push_back(echo(id(is_text ? 5 : 6, i),
                           kind(is_text) + " of " + bytes(kMiB) + ", " +
                               bytes(chop) + " at a time",
                           chopped({first_byte, {pattern, kMiB}}, chop)));
    }
    const size_t lengths[] = {0, 16, 64, 256, 1024, 4096};
    for (size_t i = 0; i < std::size(lengths); ++i) {
      cases.push_back(echo(id(is_text ? 7 : 8, i),
                           "1000 times " + kind(is_text) + " of " +
                               bytes(lengths[i]) + " and its echo",
                           {first_byte, {is_text ? "*" : "\xfe", lengths[i]}},
                           1000));
    }
  }
  // By number.
  std::stable_sort(cases.begin(), cases.end(),
                   [](const ConformanceCase& a, const ConformanceCase& b) {
                     return a.number < b.number;
                   });
  return cases;
}

}  // namespace wirebook::conformance
