// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
#include "memory/fail_fast.h"

#include <string>

#include "gtest/gtest.h"

namespace wirebook {
namespace {

TEST(FailFastDeathTest, NamesThePartItsAddressAndTheCulprit) {
  int self = 0;
  int culprit = 0;
  EXPECT_DEATH(fail_fast("BufferPool", &self, "double return of", &culprit),
               "^wirebook: BufferPool 0x[0-9a-f]+: double return of "
               "0x[0-9a-f]+\n");
}

TEST(FailFastDeathTest, LeavesOutAnAddressThatIsNone) {
  int self = 0;
  EXPECT_DEATH(fail_fast("Arena", &self, "destroyed twice"),
               "^wirebook: Arena 0x[0-9a-f]+: destroyed twice\n");
}

TEST(FailFastDeathTest, CutsWhatIsTooLong) {
  int self = 0;
  EXPECT_DEATH(fail_fast("Arena", &self, std::string(5000, 'x').c_str(), &self),
               ": x{200} 0x[0-9a-f]+\n");
}

}  // namespace
}  // namespace wirebook
