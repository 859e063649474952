// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
#include "lob/decimal_scanner.h"

namespace wirebook::decimal_scanner_internal {

DecimalError scan_decimal_slow(const char*& p, int scale,
                               int64_t* mantissa) noexcept {
  const char* end = p;
  while (is_number_character(*end)) {
    if (++end == p + kDecimalScanSlack) return DecimalError::kSyntax;
  }
  const DecimalError error = parse_decimal(p, end, scale, mantissa);
  if (error == DecimalError::kOk) p = end;
  return error;
}

}  // namespace wirebook::decimal_scanner_internal
