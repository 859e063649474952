// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// FirstOfLines: numbered events heard on several lines, each passed once.
//
// Use it where a line may lose events and nobody needs to know: trades, best
// bids and offers. Depth needs LineArbiter, which tells a hole.
//
// Numbers count up on each line, are the same on all, and need not be dense. Of
// what is older than the newest by `kWindow` or more nothing is known: it is
// not passed. A line that goes back below what it brought last itself has begun
// anew, and all with it.
//
// Thread rules: one thread. Cost: a few compares.
//
//   FirstOfLines trades;
//   if (trades.passes(line, trade_id)) tell(trade);

#ifndef WIREBOOK_LOB_FIRST_OF_LINES_H_
#define WIREBOOK_LOB_FIRST_OF_LINES_H_

#include <cstddef>
#include <cstdint>

namespace wirebook {

class FirstOfLines {
 public:
  static constexpr uint64_t kWindow = 64;

  // `late`: of those that the newest has overtaken, what no line brought yet is
  // passed all the same.
  explicit FirstOfLines(bool late) noexcept : late_(late) {}

  bool passes(size_t line, uint64_t number) noexcept {
    const bool anew =
        !any_ || (line == newest_line_ && number < newest_ && !seen(number));
    if (anew || number > newest_) {
      const uint64_t step = anew ? kWindow : number - newest_;
      seen_ = step < kWindow ? seen_ << step | 1 : 1;
      newest_ = number;
      newest_line_ = line;
      any_ = true;
      return true;
    }
    const uint64_t back = newest_ - number;
    if (!late_ || back >= kWindow || seen(number)) return false;
    seen_ |= uint64_t{1} << back;
    return true;
  }

 private:
  bool seen(uint64_t number) const noexcept {
    const uint64_t back = newest_ - number;
    return back < kWindow && (seen_ >> back & 1) != 0;
  }

  const bool late_;
  bool any_ = false;
  size_t newest_line_ = 0;
  uint64_t newest_ = 0;
  uint64_t seen_ = 0;  // bit n: newest_ - n was passed
};

}  // namespace wirebook

#endif  // WIREBOOK_LOB_FIRST_OF_LINES_H_
