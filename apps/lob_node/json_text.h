// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

// Text as a JSON string: RFC 8259, section 7.
//
//   json_string("a\"b");  // "a\"b", with its quotation marks

#ifndef WIREBOOK_APPS_LOB_NODE_JSON_TEXT_H_
#define WIREBOOK_APPS_LOB_NODE_JSON_TEXT_H_

#include <string>
#include <string_view>

#include "absl/strings/str_format.h"

namespace wirebook {

inline std::string json_string(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      absl::StrAppendFormat(&out, "\\u%04x", static_cast<unsigned>(c));
    } else {
      out += c;
    }
  }
  return out += '"';
}

}  // namespace wirebook

#endif  // WIREBOOK_APPS_LOB_NODE_JSON_TEXT_H_
