// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// Rfc3339Reader: "2026-08-02T03:35:51.660084Z" to nanoseconds since 1970.
//
// UTC only ('Z'), with no fraction or one of up to nine digits, which is what
// venues send. It remembers the last date, so that the calendar is consulted
// once a day. Thread rules: one thread. Cost: about 10 ns.
//
//   Rfc3339Reader times;
//   int64_t ns;
//   if (!times.read(text, &ns)) return malformed();

#ifndef WIREBOOK_LOB_VENUES_RFC3339_H_
#define WIREBOOK_LOB_VENUES_RFC3339_H_

#include <cstdint>
#include <cstring>
#include <string_view>

#include "lob/decimal_scanner.h"
#include "lob/fixed_point.h"

namespace wirebook {

class Rfc3339Reader {
 public:
  // False, and *ns untouched, unless all of `text` is such a time from 1970 to
  // 2261.
  bool read(std::string_view text, int64_t* ns) noexcept {
    if (text.size() < 20 || text.size() > 30 || text.back() != 'Z') {
      return false;
    }
    const char* const p = text.data();
    if (std::memcmp(p, date_, sizeof(date_)) != 0 && !read_date(p)) {
      return false;
    }
    int hour;
    int minute;
    int second;
    if (p[10] != 'T' || !two(p + 11, &hour) || p[13] != ':' ||
        !two(p + 14, &minute) || p[16] != ':' || !two(p + 17, &second) ||
        hour > 23 || minute > 59 || second > 60) {
      return false;
    }
    int64_t fraction = 0;
    const char* const end = p + text.size() - 1;
    if (end != p + 19) {
      if (p[19] != '.' || !read_fraction(p + 20, end, &fraction)) return false;
    }
    *ns = day_ns_ +
          ((hour * 60 + minute) * 60 + second) * int64_t{1'000'000'000} +
          fraction;
    return true;
  }

 private:
  static bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

  static bool two(const char* p, int* value) noexcept {
    if (!is_digit(p[0]) || !is_digit(p[1])) return false;
    *value = (p[0] - '0') * 10 + (p[1] - '0');
    return true;
  }

  // One to nine digits, as nanoseconds. At least eight bytes are before `end`.
  static bool read_fraction(const char* p, const char* end,
                            int64_t* ns) noexcept {
    const auto digits = static_cast<size_t>(end - p);
    if (digits == 0) return false;
    uint64_t last;
    std::memcpy(&last, end - 8, 8);
    // What is before the fraction becomes zeros.
    const size_t others = digits < 8 ? 64 - 8 * digits : 0;
    last = (last ^ 0x3030303030303030) >> others << others;
    if (((last | (last + 0x7676767676767676)) & 0x8080808080808080) != 0 ||
        (digits == 9 && !is_digit(*p))) {
      return false;
    }
    auto value =
        static_cast<int64_t>(decimal_scanner_internal::combine_eight(last));
    if (digits == 9) value += int64_t{100'000'000} * (*p - '0');
    *ns = value * kPowersOfTen[9 - digits];
    return true;
  }

  bool read_date(const char* p) noexcept {
    int century;
    int year;
    int month;
    int day;
    if (!two(p, &century) || !two(p + 2, &year) || p[4] != '-' ||
        !two(p + 5, &month) || p[7] != '-' || !two(p + 8, &day) || month < 1 ||
        month > 12 || day < 1 || day > 31) {
      return false;
    }
    year += century * 100;
    if (year < 1970 || year > 2261) return false;
    // Days from the civil date: Howard Hinnant, "chrono-Compatible Low-Level
    // Date Algorithms". March begins the year, so that its odd day is last.
    const int y = month <= 2 ? year - 1 : year;
    const int era = y / 400;
    const int year_of_era = y - era * 400;
    const int day_of_year =
        (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    const int day_of_era =
        year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    const int64_t days = int64_t{era} * 146097 + day_of_era - 719468;
    day_ns_ = days * 86'400 * 1'000'000'000;
    std::memcpy(date_, p, sizeof(date_));
    return true;
  }

  char date_[10] = {};  // that day_ns_ belongs to
  int64_t day_ns_ = 0;
};

}  // namespace wirebook

#endif  // WIREBOOK_LOB_VENUES_RFC3339_H_
