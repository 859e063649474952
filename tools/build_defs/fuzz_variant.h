// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// What the two main()s of fuzz targets share.

#ifndef WIREBOOK_TOOLS_BUILD_DEFS_FUZZ_VARIANT_H_
#define WIREBOOK_TOOLS_BUILD_DEFS_FUZZ_VARIANT_H_

#include <string_view>

// Whether `argument` is the one that says fuzz_variant(), and takes it.
bool read_fuzz_variant(std::string_view argument);

#endif  // WIREBOOK_TOOLS_BUILD_DEFS_FUZZ_VARIANT_H_
