// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
#include "tools/exchange_sim/replay.h"

#include <simdjson.h>

#include <utility>

namespace wirebook::sim {
namespace {

namespace ondemand = simdjson::ondemand;

// A number's own characters: a double would lose trailing zeros.
std::string_view raw_number(ondemand::value value) {
  std::string_view token = value.raw_json_token();
  while (!token.empty() && (token.back() == ' ' || token.back() == '\n')) {
    token.remove_suffix(1);
  }
  return token;
}

std::string text_of(simdjson::simdjson_result<ondemand::value> value) {
  const std::string_view text = value.get_string();
  return std::string(text);
}

bool set_pairs(Book& book, Side side, ondemand::array pairs) {
  bool good = true;
  for (ondemand::array pair : pairs) {
    std::string text[2];
    std::size_t count = 0;
    for (std::string_view part : pair) {
      if (count < 2) text[count] = std::string(part);
      ++count;
    }
    good = count >= 2 && book.set(side, text[0], text[1]) && good;
  }
  return good;
}

bool set_kraken_levels(Book& book, Side side, ondemand::array levels) {
  bool good = true;
  for (ondemand::object level : levels) {
    const std::string price(raw_number(level["price"]));
    const std::string quantity(raw_number(level["qty"]));
    good = book.set(side, price, quantity) && good;
  }
  return good;
}

}  // namespace

Replay::Replay(const Capture& capture, double speed)
    : capture_(capture), speed_(speed) {}

void Replay::restart() {
  next_ = 0;
  subscribed_ = false;
  wanted_.clear();
  fetched_.clear();
  due_ns_.reset();
  base_now_ns_.reset();
  books_.clear();
  counters_ = {};
}

void Replay::subscribed(const std::vector<std::string>& symbols) {
  subscribed_ = true;
  wanted_.insert(symbols.begin(), symbols.end());
  skip_snapshots();
}

void Replay::skip_snapshots() {
  while (!finished()) {
    const CaptureRecord& record = capture_.records[next_];
    if (!record.is_snapshot) return;
    const bool wanted = wanted_.empty() || wanted_.contains(record.symbol);
    if (wanted && !fetched_.contains(record.symbol)) return;
    ++next_;
  }
}

bool Replay::ready(std::int64_t now_ns) {
  due_ns_.reset();
  if (finished()) return false;
  const CaptureRecord& record = capture_.records[next_];
  if (!subscribed_) {
    return is_kraken() &&
           record.data.find("\"channel\":\"status\"") != std::string::npos;
  }
  if (record.is_snapshot) {
    // The pause is not part of the recorded pace.
    base_now_ns_.reset();
    return false;
  }
  if (speed_ <= 0) return true;
  if (!base_now_ns_) {
    base_now_ns_ = now_ns;
    base_record_ns_ = record.time_ns;
  }
  const std::int64_t due =
      *base_now_ns_ +
      static_cast<std::int64_t>(
          static_cast<double>(record.time_ns - base_record_ns_) / speed_);
  if (now_ns >= due) return true;
  due_ns_ = due;
  return false;
}

const std::string& Replay::take() {
  const std::string& frame = capture_.records[next_++].data;
  ++counters_.frames;
  apply(frame);
  skip_snapshots();
  return frame;
}

const std::string* Replay::fetch_snapshot(const std::string& symbol) {
  // The last one whose place has been reached, or else the first.
  const CaptureRecord* found = nullptr;
  for (std::size_t i = 0; i < capture_.records.size(); ++i) {
    const CaptureRecord& record = capture_.records[i];
    if (!record.is_snapshot || record.symbol != symbol) continue;
    if (found != nullptr && i > next_) break;
    found = &record;
  }
  if (found == nullptr) return nullptr;
  if (!install_snapshot(symbol, found->data)) ++counters_.unreadable;
  fetched_.insert(symbol);
  if (subscribed_) skip_snapshots();
  return &found->data;
}

const ReplayedBook* Replay::find(const std::string& symbol) const {
  const auto book = books_.find(symbol);
  return book == books_.end() ? nullptr : &book->second;
}

std::vector<std::string> Replay::symbols() const {
  std::set<std::string> out;
  for (const auto& [symbol, book] : books_) out.insert(symbol);
  for (const CaptureRecord& record : capture_.records) {
    if (record.is_snapshot) out.insert(record.symbol);
  }
  return {out.begin(), out.end()};
}

bool Replay::install_snapshot(const std::string& symbol,
                              const std::string& body) {
  ReplayedBook& target = books_[symbol];
  try {
    ondemand::parser parser;
    simdjson::padded_string padded(body);
    ondemand::document document = parser.iterate(padded);
    const std::uint64_t id = document["lastUpdateId"];
    // A snapshot fetched again is older than the book that grew from it.
    if (target.has_snapshot && id <= target.last_update_id) return true;
    target.book.clear();
    target.has_snapshot = true;
    target.last_update_id = id;
    if (!set_pairs(target.book, Side::kBid, document["bids"]) ||
        !set_pairs(target.book, Side::kAsk, document["asks"])) {
      return false;
    }
  } catch (const simdjson::simdjson_error&) {
    return false;
  }
  bool good = true;
  for (const std::string& diff : std::exchange(target.pending, {})) {
    good = apply_binance_diff(diff) && good;
  }
  return good;
}

void Replay::apply(const std::string& frame) {
  if (!(is_kraken() ? apply_kraken(frame) : apply_binance(frame))) {
    ++counters_.unreadable;
  }
}

bool Replay::apply_binance(const std::string& frame) {
  if (frame.find("\"depthUpdate\"") == std::string::npos) return true;
  return apply_binance_diff(frame);
}

bool Replay::apply_binance_diff(const std::string& frame) {
  try {
    ondemand::parser parser;
    simdjson::padded_string padded(frame);
    ondemand::document document = parser.iterate(padded);
    ondemand::object root = document.get_object();
    ondemand::object data;
    if (ondemand::object wrapped; !root["data"].get(wrapped)) {
      data = wrapped;
    } else {
      document.rewind();
      data = document.get_object();
    }
    const std::string symbol = text_of(data["s"]);
    ReplayedBook& target = books_[symbol];
    if (!target.has_snapshot) {
      target.pending.push_back(frame);
      return true;
    }
    const std::uint64_t first = data["U"];
    const std::uint64_t last = data["u"];
    if (capture_.venue == "binance-usdm") {
      // Futures ids jump: the previous event's `u` is `pu`, and the first
      // event kept may carry the snapshot's own id.
      if (last < target.last_update_id) return true;
      const std::uint64_t previous = data["pu"];
      if (previous != target.last_update_id && first > target.last_update_id) {
        ++counters_.gaps;
      }
    } else {
      if (last <= target.last_update_id) return true;
      if (first > target.last_update_id + 1) ++counters_.gaps;
    }
    target.last_update_id = last;
    const bool bids = set_pairs(target.book, Side::kBid, data["b"]);
    return set_pairs(target.book, Side::kAsk, data["a"]) && bids;
  } catch (const simdjson::simdjson_error&) {
    return false;
  }
}

bool Replay::apply_kraken(const std::string& frame) {
  try {
    ondemand::parser parser;
    simdjson::padded_string padded(frame);
    ondemand::document document = parser.iterate(padded);
    std::string_view method;
    if (!document["method"].get(method)) {
      const bool leaves = method == "unsubscribe";
      if (!leaves && method != "subscribe") return true;
      ondemand::object result;
      if (document["result"].get(result)) return true;  // refused
      const std::string symbol = text_of(result["symbol"]);
      ReplayedBook& target = books_[symbol];
      if (leaves) {
        target.book.clear();
        target.has_snapshot = false;
      } else {
        const std::uint64_t depth = result["depth"];
        target.depth = static_cast<std::size_t>(depth);
      }
      return true;
    }
    document.rewind();
    const std::string channel = text_of(document["channel"]);
    if (channel != "book") return true;
    const std::string type = text_of(document["type"]);
    bool good = true;
    for (ondemand::object data : document["data"].get_array()) {
      const std::string symbol = text_of(data["symbol"]);
      ReplayedBook& target = books_[symbol];
      if (type == "snapshot") {
        target.book.clear();
        target.has_snapshot = true;
      } else if (!target.has_snapshot) {
        continue;
      }
      good = set_kraken_levels(target.book, Side::kBid, data["bids"]) && good;
      good = set_kraken_levels(target.book, Side::kAsk, data["asks"]) && good;
      if (target.depth > 0) target.book.truncate(target.depth);
      const std::uint64_t checksum = data["checksum"];
      if (checksum == target.book.kraken_checksum()) {
        ++counters_.checksums_ok;
      } else {
        ++counters_.checksums_bad;
      }
      ++target.last_update_id;
    }
    return good;
  } catch (const simdjson::simdjson_error&) {
    return false;
  }
}

}  // namespace wirebook::sim
