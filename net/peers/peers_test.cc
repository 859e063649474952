// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// ws_echo_client against servers that nobody here wrote: npm's ws,
// python3-websockets, and nginx in front of one of them, with TLS and without.
// What is not installed is skipped and said; tools/setup.sh installs all.

#include <netinet/in.h>
#include <openssl/pem.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "net/testing/certificates.h"

namespace wirebook {
namespace {

// A process, its standard output at hand; killed at the end if it still runs.
class Process {
 public:
  explicit Process(std::vector<std::string> command) {
    int ends[2];
    if (pipe(ends) != 0) std::abort();
    pid_ = fork();
    if (pid_ == 0) {
      dup2(ends[1], STDOUT_FILENO);
      close(ends[0]);
      close(ends[1]);
      std::vector<char*> arguments;
      for (std::string& one : command) arguments.push_back(one.data());
      arguments.push_back(nullptr);
      execvp(arguments[0], arguments.data());
      _exit(127);
    }
    close(ends[1]);
    output_ = fdopen(ends[0], "r");
  }
  ~Process() {
    if (pid_ > 0) kill(pid_, SIGTERM);
    wait();
    std::fclose(output_);
  }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  // "" at its end.
  std::string line() {
    char text[256];
    if (std::fgets(text, sizeof(text), output_) == nullptr) return {};
    return std::string(text).substr(0, std::string(text).find('\n'));
  }
  // Its exit code, or -1.
  int wait() {
    if (pid_ > 0) {
      int status = 0;
      waitpid(std::exchange(pid_, -1), &status, 0);
      code_ = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    }
    return code_;
  }

 private:
  pid_t pid_;
  FILE* output_ = nullptr;
  int code_ = -1;
};

int run(std::vector<std::string> command) {
  return Process(std::move(command)).wait();
}

// Debian's own interpreters: what else is in the PATH lacks its packages.
const std::vector<std::string> kNode = {"/usr/bin/env",
                                        "NODE_PATH=/usr/share/nodejs", "node"};
const std::vector<std::string> kPython = {"/usr/bin/python3", "-I"};

std::vector<std::string> with(std::vector<std::string> command,
                              const std::vector<std::string>& more) {
  command.insert(command.end(), more.begin(), more.end());
  return command;
}

bool node_is_there() {
  static const bool is = run(with(kNode, {"-e", "require('ws')"})) == 0;
  return is;
}
bool python_is_there() {
  static const bool is = run(with(kPython, {"-c", "import websockets"})) == 0;
  return is;
}
const char* nginx() {
  for (const char* path : {"/usr/sbin/nginx", "/usr/bin/nginx"}) {
    if (access(path, X_OK) == 0) return path;
  }
  return nullptr;
}

// Both must be content: the server checks every echo.
void expect_echoes(Process& server, const std::string& url, bool deflate) {
  std::vector<std::string> client = {"tools/ws_echo_client", url};
  if (deflate) client.push_back("--deflate");
  ASSERT_EQ(run(client), 0) << url;
  EXPECT_EQ(server.wait(), 0) << "the server says what was wrong";
}

std::string local(const std::string& scheme, const std::string& port) {
  return scheme + "://localhost:" + port + "/";
}

TEST(PeersTest, NpmWs) {
  if (!node_is_there()) GTEST_SKIP() << "node-ws is not installed";
  for (const bool deflate : {false, true}) {
    SCOPED_TRACE(deflate);
    Process server(
        with(kNode, {"net/peers/ws_peer.js", deflate ? "deflate" : "plain"}));
    expect_echoes(server, local("ws", server.line()), deflate);
  }
}

TEST(PeersTest, PythonWebsockets) {
  if (!python_is_there()) {
    GTEST_SKIP() << "python3-websockets is not installed";
  }
  for (const bool deflate : {false, true}) {
    SCOPED_TRACE(deflate);
    Process server(with(kPython, {"net/peers/websockets_peer.py",
                                  deflate ? "deflate" : "plain"}));
    expect_echoes(server, local("ws", server.line()), deflate);
  }
}

// nginx on 127.0.0.1, handing on to `port` there. It inherits a socket that
// listens already, as it does from the nginx before it in an upgrade: nothing
// has to be waited for.
class Nginx {
 public:
  Nginx(const std::string& to_port, bool tls) {
    const int listener = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    auto* const generic = reinterpret_cast<sockaddr*>(&address);
    if (bind(listener, generic, size) != 0 || listen(listener, 16) != 0 ||
        getsockname(listener, generic, &size) != 0) {
      std::perror("Nginx: listen");
      std::abort();
    }
    port_ = ntohs(address.sin_port);
    folder_ = std::string(std::getenv("TEST_TMPDIR")) + "/nginx" +
              std::to_string(port_);
    run({"mkdir", "-p", folder_});
    if (tls) write_certificate();
    std::ofstream(folder_ + "/nginx.conf")
        // root needs no other user; one in a sandbox may not even have one.
        << (geteuid() == 0 ? "user root root;\n" : "") << "daemon off; pid "
        << folder_ << "/pid;\n"
        << "error_log " << folder_ << "/log;\nevents {}\nhttp {\n"
        << "access_log off;\n"
        << temporary_paths() << "server {\nlisten 127.0.0.1:" << port_
        << (tls ? " ssl;\nssl_certificate " + folder_ +
                      "/certificate.pem;\nssl_certificate_key " + folder_ +
                      "/key.pem;\n"
                : ";\n")
        << "location / {\nproxy_pass http://127.0.0.1:" << to_port
        << ";\nproxy_http_version 1.1;\n"
           "proxy_set_header Upgrade $http_upgrade;\n"
           "proxy_set_header Connection upgrade;\n}}}\n";
    process_ = std::make_unique<Process>(std::vector<std::string>{
        "/usr/bin/env", "NGINX=" + std::to_string(listener) + ";", nginx(),
        "-p", folder_, "-c", folder_ + "/nginx.conf"});
    close(listener);
  }

  std::string port() const { return std::to_string(port_); }
  std::string authority() const { return folder_ + "/authority.pem"; }
  std::string log() const {
    std::ifstream in(folder_ + "/log");
    return {std::istreambuf_iterator<char>(in), {}};
  }

 private:
  std::string temporary_paths() const {
    std::string text;
    for (const char* kind :
         {"client_body", "proxy", "fastcgi", "uwsgi", "scgi"}) {
      text += std::string(kind) + "_temp_path " + folder_ + "/" + kind + ";\n";
    }
    return text;
  }

  void write_certificate() const {
    const testing::TestAuthority authority;
    authority.write(this->authority());
    const testing::Identity identity = authority.issue({});
    FILE* file = std::fopen((folder_ + "/certificate.pem").c_str(), "w");
    PEM_write_X509(file, identity.certificate.get());
    std::fclose(file);
    file = std::fopen((folder_ + "/key.pem").c_str(), "w");
    PEM_write_PrivateKey(file, identity.key.get(), nullptr, nullptr, 0, nullptr,
                         nullptr);
    std::fclose(file);
  }

  uint16_t port_ = 0;
  std::string folder_;
  std::unique_ptr<Process> process_;
};

void expect_echoes_through_nginx(bool tls) {
  if (nginx() == nullptr) GTEST_SKIP() << "nginx is not installed";
  if (!node_is_there()) GTEST_SKIP() << "node-ws is not installed";
  for (const bool deflate : {false, true}) {
    SCOPED_TRACE(deflate);
    Process server(
        with(kNode, {"net/peers/ws_peer.js", deflate ? "deflate" : "plain"}));
    const Nginx front(server.line(), tls);
    if (tls) setenv("SSL_CERT_FILE", front.authority().c_str(), 1);
    expect_echoes(server, local(tls ? "wss" : "ws", front.port()), deflate);
    if (::testing::Test::HasFailure()) {
      GTEST_FAIL() << "nginx says: " << front.log();
    }
  }
}

TEST(PeersTest, NginxInFrontOfNpmWs) { expect_echoes_through_nginx(false); }

TEST(PeersTest, NginxWithTlsInFrontOfNpmWs) {
  expect_echoes_through_nginx(true);
}

}  // namespace
}  // namespace wirebook
