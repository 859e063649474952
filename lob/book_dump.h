// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// A book as text: one line a level, exact, for comparison with other programs'
// books and for a hash that says whether two books are equal.
//
// Thread rules: free functions. Allocates; not for the hot path.
//
//   std::string lines;
//   append_book_dump(book, "BTC/USD", "spot", "0", &lines);
//   // BTC/USD,bid,63388.7,0.25761908,spot,0
//   std::string hash = book_hash(lines);
#ifndef WIREBOOK_LOB_BOOK_DUMP_H_
#define WIREBOOK_LOB_BOOK_DUMP_H_

#include <string>
#include <string_view>

#include "lob/l2_book.h"

namespace wirebook {

// The header line that a file of dumps begins with; no part of a hash.
inline constexpr std::string_view kBookDumpHeader =
    "symbol,side,price,quantity,market,connection\n";

// Appends a line for every level: bids best first, then asks best first,
// numbers with all decimals of the book's scales. The texts must hold no comma
// or line break.
void append_book_dump(const L2Book& book, std::string_view symbol,
                      std::string_view market, std::string_view connection,
                      std::string* out);

// SHA-256 of the lines, in lower-case hexadecimal.
std::string book_hash(std::string_view lines);

}  // namespace wirebook

#endif  // WIREBOOK_LOB_BOOK_DUMP_H_
