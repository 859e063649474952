// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// Groups 12 and 13: permessage-deflate (RFC 7692), each message and its echo,
// with different payloads and with different parameters. The payloads stand in
// for the suite's files: JSON, a picture, prose, HTML and bytes that cannot be
// compressed, made from a seed.

#include <algorithm>
#include <random>

#include "net/conformance/conformance_case.h"

namespace wirebook::conformance {
namespace {

struct Size {
  size_t bytes;
  size_t fragment;  // 0: one frame
};

constexpr Size kSizes[] = {
    {16, 0},        {64, 0},         {256, 0},      {1024, 0},
    {4096, 0},      {8192, 0},       {16384, 0},    {32768, 0},
    {65536, 0},     {131072, 0},     {8192, 256},   {16384, 256},
    {32768, 256},   {65536, 256},    {131072, 256}, {131072, 1024},
    {131072, 4096}, {131072, 32768},
};

// Longer than the longest message, so that each begins elsewhere.
constexpr size_t kSourceBytes = 200'000;

std::string json_source() {
  std::mt19937_64 random(1);
  std::string text;
  while (text.size() < kSourceBytes) {
    text += "{\"id\":" + std::to_string(random() % 100'000) +
            ",\"name\":\"\\u00e9 n" + std::to_string(random() % 50) +
            "\",\"tags\":[\"a\",\"b\"],\"on\":true},";
  }
  return text.substr(0, kSourceBytes);
}

// A picture of smooth grey.
std::string picture_source() {
  std::mt19937_64 random(2);
  std::string bytes;
  int grey = 128;
  while (bytes.size() < kSourceBytes) {
    grey = std::clamp(grey + static_cast<int>(random() % 9) - 4, 0, 255);
    bytes.push_back(static_cast<char>(grey));
  }
  return bytes;
}

std::string words_source(uint64_t seed, const char* before, const char* after) {
  static const char* const kWords[] = {"the",  "book", "of",    "all",
                                       "bids", "and",  "asks",  "that",
                                       "were", "ever", "taken", "away"};
  std::mt19937_64 random(seed);
  std::string text;
  while (text.size() < kSourceBytes) {
    text += before;
    for (int i = 0; i < 8; ++i) {
      text += kWords[random() % std::size(kWords)];
      text += ' ';
    }
    text += after;
  }
  return text.substr(0, kSourceBytes);
}

std::string noise_source() {
  std::mt19937_64 random(5);
  std::string bytes(kSourceBytes, '\0');
  for (char& c : bytes) c = static_cast<char>(random());
  return bytes;
}

std::vector<ConformanceCase> subgroup(const std::string& group,
                                      const std::string& what, bool is_text,
                                      const Payload& source,
                                      const Deflate& deflate, size_t scale) {
  std::vector<ConformanceCase> cases;
  int number = 1;
  for (const Size& size : kSizes) {
    const int rounds = static_cast<int>(
        size.bytes <= 1024 ? 1000 : std::max<size_t>(1000 / scale, 1));
    Send send{is_text ? 0x81 : 0x82, source};
    send.payload.length = size.bytes;
    send.fragment_size = size.fragment;
    // Each message begins where the one before ended.
    send.payload.step = size.bytes;
    cases.push_back(
        {.number = group + "." + std::to_string(number++),
         .sent = std::to_string(rounds) + " times " +
                 std::to_string(size.bytes) + " bytes of " + what +
                 (size.fragment != 0
                      ? ", fragments of " + std::to_string(size.fragment)
                      : ""),
         .sends = {send},
         .answers = {{is_text ? 1 : 2, send.payload}},
         .rounds = rounds,
         .deflate = deflate});
  }
  return cases;
}

void append(std::vector<ConformanceCase>* all,
            const std::vector<ConformanceCase>& more) {
  all->insert(all->end(), more.begin(), more.end());
}

}  // namespace

std::vector<ConformanceCase> deflate_payload_cases(size_t scale) {
  const Deflate on = {.on = true};
  std::vector<ConformanceCase> cases;
  append(&cases, subgroup("12.1", "JSON", true, json_source(), on, scale));
  append(&cases,
         subgroup("12.2", "a picture", false, picture_source(), on, scale));
  append(&cases, subgroup("12.3", "prose", false, words_source(3, "", "\n"), on,
                          scale));
  append(&cases,
         subgroup("12.4", "HTML", true,
                  words_source(4, "<p class=\"x\">", "</p>"), on, scale));
  append(&cases, subgroup("12.5", "noise", false, noise_source(), on, scale));
  return cases;
}

// In the suite's words the server asks the client for no context takeover and
// for window bits, and the client's offers ask the server for the same.
std::vector<ConformanceCase> deflate_parameter_cases(size_t scale) {
  const Payload source = json_source();
  struct Parameters {
    const char* what;
    bool no_context_takeover;
    int window_bits;
  };
  // In the seventh the server has a list of wishes, best first; the client
  // takes all of them, so the first is fulfilled.
  const Parameters all[] = {
      {"defaults", false, 0},
      {"no context takeover", true, 0},
      {"9 window bits", false, 9},
      {"15 window bits", false, 15},
      {"no context takeover, 9 window bits", true, 9},
      {"no context takeover, 15 window bits", true, 15},
      {"no context takeover, 9 window bits", true, 9},
  };
  std::vector<ConformanceCase> cases;
  int number = 1;
  for (const Parameters& one : all) {
    append(&cases,
           subgroup("13." + std::to_string(number++),
                    std::string("JSON, ") + one.what, true, source,
                    {.on = true,
                     .server_no_context_takeover = one.no_context_takeover,
                     .server_max_window_bits = one.window_bits,
                     .client_no_context_takeover = one.no_context_takeover,
                     .client_max_window_bits = one.window_bits},
                    scale));
  }
  return cases;
}

}  // namespace wirebook::conformance
