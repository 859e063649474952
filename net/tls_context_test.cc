// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "net/tls_context.h"

#include <openssl/err.h>

#include <cerrno>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "net/testing/certificates.h"

namespace wirebook {
namespace {

using ::testing::HasSubstr;

std::string problem(TlsOptions options) {
  return TlsContext::create(std::move(options)).status().ToString();
}

TEST(TlsContextTest, TheSystemsAuthoritiesAreTheDefault) {
  const auto context = TlsContext::create({});
  ASSERT_TRUE(context.ok()) << context.status();
  EXPECT_TRUE((*context)->options().verify);
  EXPECT_EQ((*context)->tickets("example.com", 443), 0u);
}

TEST(TlsContextTest, WrongOptionsAreRefusedWithAReason) {
  EXPECT_THAT(problem({.ca_file = "/nowhere/ca.pem"}),
              HasSubstr("no certificates in /nowhere/ca.pem, which ca_file"));
  EXPECT_THAT(problem({.pins = {"not Base64!"}}), HasSubstr("Base64"));
  EXPECT_THAT(problem({.pins = {"c2hvcnQ="}}), HasSubstr("SHA-256"));
  const std::string pin = testing::TestAuthority().identity().pin();
  EXPECT_THAT(problem({.pins = {pin}, .verify = false}),
              HasSubstr("pins without verify"));
}

TEST(TlsContextTest, AFileWithAuthoritiesIsTaken) {
  const std::string path = ::testing::TempDir() + "/context_ca.pem";
  testing::TestAuthority().write(path);
  EXPECT_TRUE(TlsContext::create({.ca_file = path}).ok());
}

TEST(TlsContextTest, AConnectionAsksForItsHost) {
  const auto context = *TlsContext::create({});
  TlsContext::Connection connection;
  const testing::OpensslPtr<SSL> name(
      context->connect("example.com", &connection));
  ASSERT_NE(name, nullptr);
  EXPECT_STREQ(SSL_get_servername(name.get(), TLSEXT_NAMETYPE_host_name),
               "example.com");
  const testing::OpensslPtr<SSL> address(context->connect("::1", &connection));
  ASSERT_NE(address, nullptr);
  EXPECT_EQ(SSL_get_servername(address.get(), TLSEXT_NAMETYPE_host_name),
            nullptr);
  EXPECT_EQ(context->connect(std::string(300, 'x'), &connection), nullptr)
      << "longer than a name may be";
  ERR_clear_error();
}

TEST(TlsContextTest, OpensslsErrorsAreTakenOnce) {
  ERR_clear_error();
  EXPECT_EQ(take_openssl_errors(), "no reason was given");
  ERR_raise(ERR_LIB_SSL, SSL_R_WRONG_VERSION_NUMBER);
  ERR_raise(ERR_LIB_SSL, SSL_R_BAD_LENGTH);
  EXPECT_EQ(take_openssl_errors(), "wrong version number; bad length");
  ERR_raise(ERR_LIB_SYS, ENOENT);
  EXPECT_EQ(take_openssl_errors(), "No such file or directory");
  EXPECT_EQ(take_openssl_errors(), "no reason was given");
}

}  // namespace
}  // namespace wirebook
