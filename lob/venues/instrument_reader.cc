// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "lob/venues/instrument_reader.h"

#include <algorithm>
#include <charconv>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "lob/fixed_point.h"
#include "lob/venues/simdjson_text.h"
#include "simdjson.h"

namespace wirebook {
namespace {

namespace ondemand = simdjson::ondemand;

absl::string_view to_absl(std::string_view text) {
  return {text.data(), text.size()};
}

absl::Status malformed(std::string_view symbol, std::string_view what,
                       std::string_view path) {
  return absl::InvalidArgumentError(
      absl::StrCat("instruments: ", to_absl(symbol), symbol.empty() ? "" : ": ",
                   to_absl(what), path.empty() ? "" : " at ", to_absl(path)));
}

// The first part of a path, which it is taken off.
std::string_view take_part(std::string_view* path) {
  const std::string_view part = path->substr(0, path->find('.'));
  path->remove_prefix(std::min(path->size(), part.size() + 1));
  return part;
}

bool find_in(ondemand::object from, std::string_view path,
             ondemand::value* out);

// As find_in, of what may be an array, too.
bool find_from(ondemand::value from, std::string_view path,
               ondemand::value* out) {
  if (path.empty()) {
    *out = from;
    return true;
  }
  ondemand::object object;
  if (from.get_object().get(object) == simdjson::SUCCESS) {
    return find_in(object, path, out);
  }
  ondemand::array array;
  if (from.get_array().get(array) != simdjson::SUCCESS) return false;
  const std::string_view part = take_part(&path);
  size_t number = 0;
  const bool numbered =
      std::from_chars(part.data(), part.data() + part.size(), number).ec ==
      std::errc();
  for (auto element : array) {
    ondemand::value value;
    if (std::move(element).get(value) != simdjson::SUCCESS) return false;
    if (numbered) {
      if (number-- == 0) return find_from(value, path, out);
      continue;
    }
    std::string_view type;
    if (value.get_object().get(object) != simdjson::SUCCESS) return false;
    if (json_find(object, "filterType", &type) && type == part) {
      return find_in(object, path, out);
    }
  }
  return false;
}

bool find_in(ondemand::object from, std::string_view path,
             ondemand::value* out) {
  const std::string_view key = take_part(&path);
  ondemand::value value;
  return json_find(from, key, &value) && find_from(value, path, out);
}

// A scalar's text, without quotes.
std::string_view bare_text(ondemand::value value) {
  std::string_view text = json_token(value);
  if (text.size() >= 2 && text.front() == '"') {
    text = text.substr(1, text.size() - 2);
  }
  return text;
}

// `digits` at the smallest scale that holds it exactly, from `*scale` on.
bool read_step(std::string_view digits, int* scale, int64_t* step) {
  for (; *scale <= kMaxScale; ++*scale) {
    const DecimalError error = parse_decimal(digits, *scale, step);
    if (error == DecimalError::kTooManyDecimals) continue;
    return error == DecimalError::kOk && *step > 0;
  }
  return false;
}

bool read_decimals(std::string_view digits, int* scale, int64_t* step) {
  int decimals = 0;
  const char* const end = digits.data() + digits.size();
  const auto [rest, error] = std::from_chars(digits.data(), end, decimals);
  if (error != std::errc() || rest != end || decimals < 0 ||
      decimals > kMaxScale) {
    return false;
  }
  *scale = std::max(*scale, decimals);
  *step = kPowersOfTen[static_cast<size_t>(*scale - decimals)];
  return true;
}

// Widens the scale until the step has so many zeros behind it.
bool add_spare(int spare, int* scale, int64_t* step) {
  while (*step % kPowersOfTen[static_cast<size_t>(spare)] != 0) {
    if (*scale == kMaxScale || *step > INT64_MAX / 10) return false;
    ++*scale;
    *step *= 10;
  }
  return true;
}

class Reader {
 public:
  Reader(const InstrumentFormat& format, std::span<const Instrument> wanted)
      : format_(format),
        found_(wanted.begin(), wanted.end()),
        seen_(wanted.size(), false) {}

  absl::Status read(ondemand::value list) {
    ondemand::array entries;
    if (list.get_array().get(entries) != simdjson::SUCCESS) {
      return read_entry(list);
    }
    for (auto element : entries) {
      ondemand::value entry;
      if (std::move(element).get(entry) != simdjson::SUCCESS) {
        return malformed("", "broken JSON", format_.list);
      }
      if (absl::Status status = read_entry(entry); !status.ok()) return status;
    }
    return absl::OkStatus();
  }

  void store(std::span<Instrument> wanted) {
    std::move(found_.begin(), found_.end(), wanted.begin());
  }

 private:
  absl::Status read_entry(ondemand::value entry) {
    if (format_.symbol.empty()) {
      std::string_view symbol;
      if (!json_string(entry, &symbol)) {
        return malformed("", "an entry that is no string", format_.list);
      }
      const size_t at = find(symbol);
      if (at == found_.size()) return absl::OkStatus();
      if (absl::Status status = mark(at); !status.ok()) return status;
      found_[at].status = InstrumentStatus::kTrading;
      return absl::OkStatus();
    }
    ondemand::object fields;
    ondemand::value value;
    std::string_view symbol;
    if (entry.get_object().get(fields) != simdjson::SUCCESS ||
        !find_in(fields, format_.symbol, &value) ||
        !json_string(value, &symbol)) {
      return malformed("", "an entry without a symbol", format_.list);
    }
    const size_t at = find(symbol);
    if (at == found_.size()) return absl::OkStatus();
    if (absl::Status marked = mark(at); !marked.ok()) return marked;
    Instrument& instrument = found_[at];
    absl::Status status = read_one(fields, format_.tick, "", instrument.symbol,
                                   &instrument.price_scale, &instrument.tick);
    if (!status.ok()) return status;
    status = read_one(fields, format_.lot, format_.other_lot, instrument.symbol,
                      &instrument.quantity_scale, &instrument.lot);
    if (!status.ok()) return status;
    if (!add_spare(format_.lot_spare, &instrument.quantity_scale,
                   &instrument.lot)) {
      return malformed(instrument.symbol, "too small a step", format_.lot);
    }
    if (!find_in(fields, format_.status, &value)) {
      return malformed(instrument.symbol, "no status", format_.status);
    }
    instrument.status = bare_text(value) == format_.trading
                            ? InstrumentStatus::kTrading
                            : InstrumentStatus::kSuspended;
    return absl::OkStatus();
  }

  absl::Status read_one(ondemand::object fields, std::string_view path,
                        std::string_view other, std::string_view symbol,
                        int* scale, int64_t* step) {
    if (path.empty()) return absl::OkStatus();
    ondemand::value value;
    if (!find_in(fields, path, &value) &&
        (other.empty() || !find_in(fields, other, &value))) {
      return malformed(symbol, "no step", path);
    }
    const std::string_view digits = bare_text(value);
    if (!(format_.counts_decimals ? read_decimals(digits, scale, step)
                                  : read_step(digits, scale, step))) {
      return malformed(symbol, "a step that is none", path);
    }
    return absl::OkStatus();
  }

  size_t find(std::string_view symbol) const {
    const std::string_view prefix = format_.symbol_prefix;
    return static_cast<size_t>(
        std::find_if(found_.begin(), found_.end(),
                     [&](const Instrument& one) {
                       const std::string_view ours = one.symbol;
                       return ours.starts_with(prefix) &&
                              ours.substr(prefix.size()) == symbol;
                     }) -
        found_.begin());
  }

  absl::Status mark(size_t at) {
    if (seen_[at]) return malformed(found_[at].symbol, "told twice", "");
    seen_[at] = true;
    return absl::OkStatus();
  }

  const InstrumentFormat& format_;
  std::vector<Instrument> found_;
  std::vector<bool> seen_;
};

}  // namespace

absl::Status read_instruments(const InstrumentFormat& format,
                              std::string_view answer,
                              std::span<Instrument> wanted) {
  const simdjson::padded_string text(answer);
  // All of it is checked first: after an error in the middle On-Demand must not
  // be asked for anything more.
  if (simdjson::dom::parser check;
      check.parse(text).error() != simdjson::SUCCESS) {
    return malformed("", "the answer is no JSON", "");
  }
  ondemand::parser parser;
  ondemand::document document;
  ondemand::value root;
  if (parser.iterate(text).get(document) != simdjson::SUCCESS ||
      document.get_value().get(root) != simdjson::SUCCESS) {
    return malformed("", "the answer is no JSON object or array", "");
  }
  ondemand::value list;
  if (!find_from(root, format.list, &list)) {
    return absl::NotFoundError(
        absl::StrCat("instruments: the answer has no ", to_absl(format.list)));
  }
  Reader reader(format, wanted);
  if (absl::Status status = reader.read(list); !status.ok()) return status;
  reader.store(wanted);
  return absl::OkStatus();
}

}  // namespace wirebook
