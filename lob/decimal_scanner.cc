// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
#include "lob/decimal_scanner.h"

namespace wirebook::decimal_scanner_internal {

ScannedDecimal scan_decimal_slow(const char* p, int scale) noexcept {
  ScannedDecimal scanned{p, 0, DecimalError::kSyntax};
  while (is_number_character(*scanned.end)) {
    if (++scanned.end == p + kDecimalScanSlack) return scanned;
  }
  scanned.error = parse_decimal(p, scanned.end, scale, &scanned.mantissa);
  return scanned;
}

}  // namespace wirebook::decimal_scanner_internal
