// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// The answer is that of kucoin.com/docs-new, "Get Public Token - Spot/Margin".

#include "lob/venues/kucoin/kucoin_requests.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace wirebook {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string answer(
    const std::string& token,
    const std::string& server =
        R"("endpoint":"wss://ws-api-spot.kucoin.com/","encrypt":true,)"
        R"("protocol":"websocket","pingInterval":18000,"pingTimeout":10000)") {
  return R"({"code":"200000","data":{"token":")" + token +
         R"(","instanceServers":[{)" + server + "}]}}";
}

TEST(KucoinRequests, ATokenSaysWhereToConnect) {
  const VenueRequests& kucoin = kucoin_requests();
  const auto request = kucoin.admission_request(nullptr, 1);
  ASSERT_TRUE(request.ok()) << request.status();
  EXPECT_EQ(request->target, "/api/v1/bullet-public");
  EXPECT_EQ(request->content, "");
  EXPECT_TRUE(request->headers.empty());
  const auto admission = kucoin.read_admission(
      answer("2neAiuYvAU61ZDXANAGAsiL4-iAExhsBXZxftpOeh_55i3Ysy2q2LEsEWU64mdz"
             "UOPusi34M_wGoSf7iNyEWJ1UQy47YbpY4zVdzilNP-Bj3iXzrjjGlWtiYB9J6i9"
             "GjsxUuhPw3BlrzazF6ghq4Lzf7scStOz3KkxjwpsOBCH4=.WNQmhZQeUKIkh97K"
             "YgU0Lg=="),
      0xabc);
  ASSERT_TRUE(admission.ok()) << admission.status();
  EXPECT_EQ(
      admission->url,
      "wss://ws-api-spot.kucoin.com/?token=2neAiuYvAU61ZDXANAGAsiL4-iAExhsBXZ"
      "xftpOeh_55i3Ysy2q2LEsEWU64mdzUOPusi34M_wGoSf7iNyEWJ1UQy47YbpY4zVdzilNP"
      "-Bj3iXzrjjGlWtiYB9J6i9GjsxUuhPw3BlrzazF6ghq4Lzf7scStOz3KkxjwpsOBCH4=.W"
      "NQmhZQeUKIkh97KYgU0Lg==&connectId=abc");
  EXPECT_EQ(admission->token.substr(0, 7), "2neAiuY");
  EXPECT_EQ(admission->ping_interval_ns, 18'000'000'000u);
}

TEST(KucoinRequests, WhatAUrlMayNotHaveIsEscaped) {
  const auto admission =
      kucoin_requests().read_admission(answer("a+b&c/d#"), 1);
  ASSERT_TRUE(admission.ok()) << admission.status();
  EXPECT_EQ(admission->url,
            "wss://ws-api-spot.kucoin.com/"
            "?token=a%2bb%26c%2fd%23&connectId=1");
}

TEST(KucoinRequests, WithoutAnIntervalPingsGoOnAsAlways) {
  for (const char* interval :
       {"", R"(,"pingInterval":"x")", R"(,"pingInterval":-1)",
        R"(,"pingInterval":18446744073709551615)", R"(,"pingInterval":0)"}) {
    const auto admission = kucoin_requests().read_admission(
        answer("t", std::string(R"("endpoint":"ws://a")") + interval), 1);
    ASSERT_TRUE(admission.ok()) << admission.status();
    EXPECT_EQ(admission->ping_interval_ns, 0u) << interval;
  }
}

TEST(KucoinRequests, ABrokenAnswerIsAnErrorThatKeepsTheSecret) {
  const struct {
    std::string answer;
    const char* says;
  } cases[] = {
      {"", "malformed"},
      {"<html>hush", "malformed"},
      {answer("hush").substr(0, 60), "malformed"},
      {R"({"data":{"token":"hush"}})", "malformed"},
      {R"({"code":200000,"data":{"token":"hush"}})", "malformed"},
      {R"(["hush"])", "malformed"},
      {R"({"code":"429000","msg":"Too Many Requests"})",
       "refused with code 429000: Too Many Requests"},
      {R"({"code":"400001"})", "refused with code 400001"},
      {R"({"code":"4\n0","msg":"a\u001b"})", "code 4\\n0: a\\x1b"},
      {answer("hush\\n"), "no token"},
      {answer("hush "), "no token"},
      {answer("hush" + std::string(1021, 'x')), "no token"},
      {answer("hush", R"("endpoint":"wss://a/?b=c")"), "has a query already"},
      {R"({"code":"200000"})", "has none"},
      {answer(""), "has none"},
      {R"({"code":"200000","data":{"token":7,"instanceServers":[]}})",
       "has none"},
      {R"({"code":"200000","data":{"token":"hush"}})", "names no server"},
      {R"({"code":"200000","data":{"token":"hush","instanceServers":[]}})",
       "names no server"},
      {answer("hush", R"("endpoint":"")"), "names no server"},
      {answer("hush", R"("endpoint":5)"), "names no server"},
  };
  for (const auto& each : cases) {
    const auto admission = kucoin_requests().read_admission(each.answer, 1);
    EXPECT_THAT(admission.status().ToString(), HasSubstr(each.says))
        << each.answer;
    EXPECT_THAT(admission.status().ToString(), Not(HasSubstr("hush")));
  }
}

TEST(KucoinRequests, ALongRefusalIsCut) {
  const std::string much(60'000, 'x');
  for (const std::string& refusal : {R"({"code":")" + much + "\"}",
                                     R"({"code":"1","msg":")" + much + "\"}"}) {
    const absl::Status status =
        kucoin_requests().read_admission(refusal, 1).status();
    EXPECT_LT(status.message().size(), 300u);
  }
}

}  // namespace
}  // namespace wirebook
