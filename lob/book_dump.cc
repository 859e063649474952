// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
#include "lob/book_dump.h"

#include <openssl/evp.h>

#include <cstddef>
#include <cstdio>
#include <cstdlib>

#include "lob/fixed_point.h"
#include "lob/price_level.h"

namespace wirebook {

void append_book_dump(const L2Book& book, std::string_view symbol,
                      std::string_view market, std::string_view connection,
                      std::string* out) {
  for (const Side side : {Side::kBid, Side::kAsk}) {
    const std::string_view side_text =
        side == Side::kBid ? std::string_view(",bid,") : ",ask,";
    book.for_each(side, [&](const PriceLevel& level) {
      char text[kMaxDecimalSize];
      out->append(symbol).append(side_text);
      out->append(text, format_decimal(level.price, book.price_scale(), text));
      out->push_back(',');
      out->append(text,
                  format_decimal(level.quantity, book.quantity_scale(), text));
      out->push_back(',');
      out->append(market).push_back(',');
      out->append(connection).push_back('\n');
    });
  }
}

std::string book_hash(std::string_view lines) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  if (EVP_Digest(lines.data(), lines.size(), digest, &size, EVP_sha256(),
                 nullptr) != 1) {
    std::fprintf(stderr, "book_dump: OpenSSL refuses SHA-256\n");
    std::abort();
  }
  constexpr char kHex[] = "0123456789abcdef";
  std::string text;
  for (unsigned int i = 0; i < size; ++i) {
    text.push_back(kHex[digest[i] >> 4]);
    text.push_back(kHex[digest[i] & 15]);
  }
  return text;
}

}  // namespace wirebook
