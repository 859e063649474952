// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// printable_text(): a peer's words for a message or a log: their beginning, on
// one line of ASCII.
//
// Use it wherever an error quotes what somebody else wrote. Thread rules: any.
// Cost: allocates; four bytes for each that is escaped.
//
//   return absl::UnavailableError("refused: " + printable_text(answer));

#ifndef WIREBOOK_NET_PRINTABLE_TEXT_H_
#define WIREBOOK_NET_PRINTABLE_TEXT_H_

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

#include "absl/strings/escaping.h"
#include "absl/strings/string_view.h"

namespace wirebook {

// C-escaped, all that is not ASCII as \x..; "..." stands for what is behind the
// first `most_bytes`.
inline std::string printable_text(std::string_view text,
                                  size_t most_bytes = 200) {
  std::string out = absl::CHexEscape(
      absl::string_view(text.data(), std::min(text.size(), most_bytes)));
  if (text.size() > most_bytes) out += "...";
  return out;
}

}  // namespace wirebook

#endif  // WIREBOOK_NET_PRINTABLE_TEXT_H_
