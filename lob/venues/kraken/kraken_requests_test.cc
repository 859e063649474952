// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "lob/venues/kraken/kraken_requests.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace wirebook {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

// The worked example of docs.kraken.com/api/docs/guides/spot-rest-auth, whose
// key is nobody's.
constexpr char kSecret[] =
    "kQH5HW/8p1uGOVjbgWA7FunAmGO8lsSUXNsu3eow76sz84Q18fWxnyRzBHCd3pd5nE9qa99HAZ"
    "tuZuj6F1huXg==";

TEST(KrakenSignature, IsThatOfTheVenuesOwnExample) {
  const auto signature =
      kraken_signature(kSecret, "/0/private/AddOrder", 1616492376594,
                       "nonce=1616492376594&ordertype=limit&pair=XBTUSD"
                       "&price=37500&type=buy&volume=1.25");
  ASSERT_TRUE(signature.ok()) << signature.status();
  EXPECT_EQ(*signature,
            "4/dpxb3iT4tp/ZCVEwSnEsLxx0bqyhLpdfOpc6fn7OR8+UClSV5n9E6aSS8MPtnRf"
            "p32bAb0nmbRn6H8ndwLUQ==");
  EXPECT_FALSE(kraken_signature("no%base64", "/", 1, "").ok());
}

TEST(KrakenAdmission, AKeyAndItsSecretAskForAToken) {
  const ChannelCredentials who{.key = "k", .secret = kSecret};
  const auto request = kraken_requests().admission_request(&who, 1616492376594);
  ASSERT_TRUE(request.ok()) << request.status();
  EXPECT_EQ(request->target, "/0/private/GetWebSocketsToken");
  EXPECT_EQ(request->content, "nonce=1616492376594");
  const auto signature = kraken_signature(kSecret, request->target,
                                          1616492376594, request->content);
  EXPECT_THAT(request->headers,
              ElementsAre("API-Key: k", "API-Sign: " + *signature));
  const auto admission = kraken_requests().read_admission(
      R"({"error":[],"result":{"token":"1Dwc4lzSwNWOAwkMdqhssNNFhs1ed606d1Wc)"
      R"(F3XfEMw","expires":900}})",
      1);
  ASSERT_TRUE(admission.ok()) << admission.status();
  EXPECT_EQ(admission->token, "1Dwc4lzSwNWOAwkMdqhssNNFhs1ed606d1WcF3XfEMw");
  EXPECT_EQ(admission->url, "");
}

TEST(KrakenAdmission, WhoHasATokenOrNeedsNoneAsksForNothing) {
  const ChannelCredentials both{.token = "t", .key = "k", .secret = kSecret};
  for (const ChannelCredentials* who :
       std::initializer_list<const ChannelCredentials*>{nullptr, &both}) {
    const auto request = kraken_requests().admission_request(who, 1);
    ASSERT_TRUE(request.ok()) << request.status();
    EXPECT_EQ(request->target, "");
  }
}

TEST(KrakenAdmission, WhatIsMissingIsSaidAndNoValue) {
  const ChannelCredentials cases[] = {
      {}, {.key = "hush"}, {.secret = "hush"}, {.key = "k", .secret = "hush%"}};
  const char* const says[] = {"neither a token nor a key",
                              "neither a token nor a key",
                              "neither a token nor a key", "not base64"};
  for (std::size_t i = 0; i < 4; ++i) {
    const absl::Status status =
        kraken_requests().admission_request(&cases[i], 1).status();
    EXPECT_THAT(status.ToString(), HasSubstr(says[i]));
    EXPECT_THAT(status.ToString(), Not(HasSubstr("hush")));
  }
}

TEST(KrakenAdmission, ABrokenAnswerIsAnErrorThatKeepsTheSecret) {
  const struct {
    const char* answer;
    const char* says;
  } cases[] = {
      {"", "malformed"},
      {R"({"error":[],"result":{"token":"hush)", "malformed"},
      {R"({"result":{"token":"hush"}})", "malformed"},
      {R"({"error":"x","result":{"token":"hush"}})", "malformed"},
      {R"({"error":["EAPI:Invalid key"]})", "refused: EAPI:Invalid key"},
      {R"({"error":[7],"result":{"token":"hush"}})", "refused"},
      {R"({"error":[]})", "has none"},
      {R"({"error":[],"result":{"token":""}})", "has none"},
      {R"({"error":[],"result":{"token":7}})", "has none"},
      // Each would be another message in a subscription.
      {R"({"error":[],"result":{"token":"hush\",\"a\":\""}})", "no token"},
      {R"({"error":[],"result":{"token":"hush\\"}})", "no token"},
      {R"({"error":[],"result":{"token":"hush\n"}})", "no token"},
      {R"({"error":[],"result":{"token":"hush\u00e4"}})", "no token"},
      {R"({"error":["a\nb\u001b"]})", "refused: a\\nb\\x1b"},
  };
  for (const auto& each : cases) {
    const absl::Status status =
        kraken_requests().read_admission(each.answer, 1).status();
    EXPECT_THAT(status.ToString(), HasSubstr(each.says)) << each.answer;
    EXPECT_THAT(status.ToString(), Not(HasSubstr("hush")));
  }
}

TEST(KrakenAdmission, ATokenHasAtMost1KiB) {
  const auto of_size = [](std::size_t size) {
    return kraken_requests().read_admission(
        R"({"error":[],"result":{"token":")" + std::string(size, 'x') + "\"}}",
        1);
  };
  EXPECT_TRUE(of_size(1024).ok());
  EXPECT_FALSE(of_size(1025).ok());
}

TEST(KrakenAdmission, ALongRefusalIsCut) {
  const absl::Status status =
      kraken_requests()
          .read_admission("{\"error\":[\"" + std::string(60'000, 'x') + "\"]}",
                          1)
          .status();
  EXPECT_LT(status.message().size(), 300u);
}

}  // namespace
}  // namespace wirebook
