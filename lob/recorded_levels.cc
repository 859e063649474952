// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
#include "lob/recorded_levels.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "lob/capture/capture_reader.h"

namespace wirebook {
namespace {

// The digits from `at` on, point or not, as one number; moves `at` behind them.
int64_t digits_at(std::string_view text, size_t& at) {
  int64_t value = 0;
  for (; at < text.size(); ++at) {
    if (text[at] == '.') continue;
    if (text[at] < '0' || text[at] > '9') break;
    value = value * 10 + (text[at] - '0');
  }
  return value;
}

// What follows `key` (with its quotes and colon), or 0.
int64_t number_after(std::string_view text, std::string_view key) {
  size_t at = text.find(key);
  if (at == std::string_view::npos) return 0;
  at += key.size();
  if (text[at] == '"') ++at;
  return digits_at(text, at);
}

// The pairs of numbers in the array that follows `key`.
void append_levels(std::string_view text, std::string_view key, Side side,
                   std::vector<RecordedLevel>* levels) {
  size_t at = text.find(key);
  if (at == std::string_view::npos) return;
  const auto next_number = [&] {
    while (text[at] < '0' || text[at] > '9') ++at;
    return digits_at(text, at);
  };
  int depth = 1;
  for (at += key.size(); depth != 0; ++at) {
    if (text[at] == ']') --depth;
    if (text[at] != '[' && text[at] != '{') continue;
    if (text[at] == '[') ++depth;
    const int64_t price = next_number();
    levels->push_back({side, {price, next_number()}});
    --at;
  }
}

}  // namespace

std::string recorded_data_path(const std::string& file) {
  const char* const folder = std::getenv("WIREBOOK_DATA");
  if (folder == nullptr || *folder == '\0') return "";
  return std::string(folder) + "/" + file;
}

std::vector<RecordedUpdate> read_recorded_updates(const std::string& path) {
  const auto capture = read_capture(path);
  if (!capture.ok() || !capture->damage.ok()) {
    std::fprintf(stderr, "recorded_levels: %s cannot be read\n", path.c_str());
    std::abort();
  }
  using Kind = RecordedUpdate::Kind;
  std::vector<RecordedUpdate> updates;
  for (const CaptureRecord& record : capture->records) {
    const std::string_view text = record.payload;
    const auto contains = [&](std::string_view part) {
      return text.find(part) != std::string_view::npos;
    };
    RecordedUpdate update{};
    if (contains(R"("e":"depthUpdate")")) {
      update.kind = Kind::kDelta;
      update.first_id = static_cast<uint64_t>(number_after(text, R"("U":)"));
      update.last_id = static_cast<uint64_t>(number_after(text, R"("u":)"));
      append_levels(text, R"("b":[)", Side::kBid, &update.levels);
      append_levels(text, R"("a":[)", Side::kAsk, &update.levels);
    } else if (contains("@bookTicker")) {
      update.kind = Kind::kBestBidOffer;
      update.last_id = static_cast<uint64_t>(number_after(text, R"("u":)"));
      update.levels = {
          {Side::kBid,
           {number_after(text, R"("b":)"), number_after(text, R"("B":)")}},
          {Side::kAsk,
           {number_after(text, R"("a":)"), number_after(text, R"("A":)")}}};
    } else if (contains(R"("lastUpdateId":)") ||
               contains(R"("channel":"book","type")")) {
      const bool snapshot = !contains(R"("type":"update")");
      update.kind = snapshot ? Kind::kSnapshot : Kind::kDelta;
      update.last_id =
          static_cast<uint64_t>(number_after(text, R"("lastUpdateId":)"));
      update.checksum =
          static_cast<uint32_t>(number_after(text, R"("checksum":)"));
      append_levels(text, R"("bids":[)", Side::kBid, &update.levels);
      append_levels(text, R"("asks":[)", Side::kAsk, &update.levels);
    } else {
      continue;
    }
    updates.push_back(std::move(update));
  }
  return updates;
}

std::vector<RecordedUpdate> read_synchronised_updates(const std::string& path) {
  using Kind = RecordedUpdate::Kind;
  std::vector<RecordedUpdate> all = read_recorded_updates(path);
  const auto snapshot =
      std::find_if(all.begin(), all.end(), [](const RecordedUpdate& update) {
        return update.kind == Kind::kSnapshot;
      });
  if (snapshot == all.end()) return all;
  std::rotate(all.begin(), snapshot, snapshot + 1);
  const uint64_t held = all.front().last_id;
  std::erase_if(all, [&](const RecordedUpdate& update) {
    return update.kind == Kind::kDelta && held != 0 && update.last_id <= held;
  });
  return all;
}

}  // namespace wirebook
