#include "memory/cache_line.h"
#include "absl/status/status.h"
#include "gtest/gtest.h"
TEST(A, B) { EXPECT_EQ(wirebook::kCacheLineBytes, 64); EXPECT_TRUE(absl::OkStatus().ok()); }
