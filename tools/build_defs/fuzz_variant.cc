// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "tools/build_defs/fuzz_variant.h"

#include <string>
#include <string_view>

#include "tools/build_defs/fuzz.h"

namespace {

std::string& variant() {
  static std::string text;
  return text;
}

}  // namespace

std::string_view fuzz_variant() { return variant(); }

bool read_fuzz_variant(std::string_view argument) {
  constexpr std::string_view kFlag = "--variant=";
  if (!argument.starts_with(kFlag)) return false;
  variant() = argument.substr(kFlag.size());
  return true;
}
