// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
#include "lob/decimal_scanner.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>
#include <random>
#include <string>

#include "gtest/gtest.h"

namespace wirebook {
namespace {

// Memory whose end no byte may be read beyond.
class GuardedBuffer {
 public:
  GuardedBuffer() : page_(static_cast<size_t>(sysconf(_SC_PAGESIZE))) {
    void* const pages = mmap(nullptr, 2 * page_, PROT_READ | PROT_WRITE,
                             MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED) std::abort();
    begin_ = static_cast<char*>(pages);
    if (mprotect(begin_ + page_, page_, PROT_NONE) != 0) std::abort();
  }
  ~GuardedBuffer() { munmap(begin_, 2 * page_); }
  GuardedBuffer(const GuardedBuffer&) = delete;
  GuardedBuffer& operator=(const GuardedBuffer&) = delete;

  // Puts `text` where exactly `room` bytes from its start are readable, the
  // rest of them `filler`.
  const char* place(const std::string& text, size_t room, char filler) {
    char* const start = begin_ + page_ - room;
    std::memset(start, filler, room);
    std::memcpy(start, text.data(), std::min(text.size(), room));
    return start;
  }

 private:
  size_t page_;
  char* begin_;
};

TEST(DecimalScannerTest, SimplestUse) {
  std::string message = R"(["61837.63000000","1.54698000"])";
  message.append(kDecimalScanSlack, '\0');
  const char* p = message.data() + 2;
  int64_t price = 0;
  ASSERT_EQ(scan_decimal(p, 8, &price), DecimalError::kOk);
  EXPECT_EQ(price, 6183763000000);
  EXPECT_EQ(*p, '"');
  p += 3;
  int64_t quantity = 0;
  ASSERT_EQ(scan_decimal(p, 8, &quantity), DecimalError::kOk);
  EXPECT_EQ(quantity, 154698000);
}

// Scans `text` before `stop` with no byte more than promised to read, and
// compares with parse_decimal.
void expect_equal(GuardedBuffer& buffer, const std::string& text, char stop,
                  int scale) {
  SCOPED_TRACE("'" + text + "' at scale " + std::to_string(scale));
  int64_t expected = -1;
  const DecimalError error = parse_decimal(text, scale, &expected);
  const char* const start = buffer.place(text + stop, kDecimalScanSlack, stop);
  const char* p = start;
  int64_t mantissa = -1;
  ASSERT_EQ(scan_decimal(p, scale, &mantissa), error);
  ASSERT_EQ(mantissa, expected);
  ASSERT_EQ(p - start, error == DecimalError::kOk
                           ? static_cast<ptrdiff_t>(text.size())
                           : 0);
}

TEST(DecimalScannerTest, EqualsParseDecimalOnAdversarialTexts) {
  GuardedBuffer buffer;
  for (const char* text : {"0",
                           "0.0",
                           "1",
                           "12345678",
                           "123456789",
                           "12345678.12345678",
                           "123456789.1",
                           "1.123456789",
                           "1.1234567890",
                           "99999999.99999999",
                           "",
                           "-",
                           ".",
                           ".5",
                           "5.",
                           "1.2.3",
                           "1.-2",
                           "1-2",
                           "1.5e3",
                           "1.5e-3",
                           "1e8",
                           "1.0e",
                           "-1.5",
                           "-0.00000001",
                           "+1.5",
                           "12345678.",
                           "0.00000000",
                           "00000001.5",
                           "123456789012345",
                           "12345678901234.5",
                           "1234567.1234567",
                           "12345678.1234567",
                           "92233720368.54775807",
                           "92233720368.54775808",
                           "9.9999999999e+1",
                           "1..5",
                           "1.5.",
                           "0.-10000",
                           "0.0000000000000000000000000001"}) {
    for (const char stop :
         {'"', ',', '}', ']', ' ', '\n', '\0', '\xff', '/', ':', 'f'}) {
      for (int scale = -1; scale <= 19; ++scale) {
        ASSERT_NO_FATAL_FAILURE(expect_equal(buffer, text, stop, scale));
      }
    }
  }
}

TEST(DecimalScannerTest, EqualsParseDecimalOnRandomTexts) {
  const uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  GuardedBuffer buffer;
  for (int i = 0; i < 300'000; ++i) {
    std::string text;
    if (i % 2 == 0) {
      text = decimal_string(static_cast<int64_t>(random() >> (random() % 64)),
                            static_cast<int>(random() % 12));
    } else {
      for (size_t size = random() % 24; size != 0; --size) {
        text.push_back(
            "0123456789012345678901234567890123456789..-+eE"[random() % 46]);
      }
    }
    ASSERT_NO_FATAL_FAILURE(
        expect_equal(buffer, text, '"', static_cast<int>(random() % 13)));
  }
}

// A message that ends inside a number: whatever follows, nothing beyond the
// slack is read, and a number that long is refused.
TEST(DecimalScannerTest, ReadsNothingBeyondTheSlack) {
  GuardedBuffer buffer;
  for (const char filler : {'0', '7', '.', '-', 'e'}) {
    for (const char* text : {"", "1", "61837.6", "1.", "12345678.12345678"}) {
      const char* const start = buffer.place(text, kDecimalScanSlack, filler);
      const char* p = start;
      int64_t mantissa = -1;
      EXPECT_EQ(scan_decimal(p, 8, &mantissa), DecimalError::kSyntax);
      EXPECT_EQ(p, start);
      EXPECT_EQ(mantissa, -1);
    }
  }
}

}  // namespace
}  // namespace wirebook
