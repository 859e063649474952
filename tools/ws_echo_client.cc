// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// ws_echo_client URL: connects, sends every data message back with its opcode,
// answers pings, completes the close. README.md has the exit codes.

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <string>

#include "net/permessage_deflate.h"
#include "net/raw_message_pool.h"
#include "net/websocket_reader.h"
#include "tools/loop_flags.h"
#include "tools/websocket_echo.h"

namespace wirebook {
namespace {

// A message of max_message_bytes fits in the send queue, compressed too
// (MessageDeflater::bound).
constexpr size_t kSendQueueBytes = size_t{20} << 20;

int fail(const absl::Status& status) {
  std::fprintf(stderr, "ws_echo_client: %s\n",
               std::string(status.message()).c_str());
  return 1;
}

int main(int argc, char** argv) {
  WebSocketReaderOptions options;
  LoopFlags flags;
  CLI::App app("Echoes a WebSocket server's messages until it closes");
  app.add_option("url", options.url, "ws:// or wss://host[:port][/path]")
      ->required();
  bool deflate = false;
  app.add_flag("--deflate", deflate, "Offer permessage-deflate");
  flags.add_to(app);
  CLI11_PARSE(app, argc, argv);
  if (deflate) options.handshake.deflate = PermessageDeflateOffer{};

  auto pool = RawMessagePool::create({});
  if (!pool.ok()) return fail(pool.status());
  auto loop =
      flags.make_loop({.send_queue_bytes = kSendQueueBytes}, pool->get());
  if (!loop.ok()) return fail(loop.status());
  WebSocketEcho echo(pool->get());
  auto reader =
      WebSocketReader::create(loop->get(), pool->get(), options, &echo);
  if (!reader.ok()) return fail(reader.status());
  echo.set_reader(reader->get());
  const absl::Status connecting = (*reader)->connect();
  if (!connecting.ok()) return fail(connecting);
  while (!echo.closed()) {
    (*loop)->run_once();
    echo.flush();
  }
  if (echo.status().ok()) return 0;
  fail(echo.status());
  // A server that broke the protocol was told so by a close frame.
  return echo.opened() && absl::IsInvalidArgument(echo.status()) ? 0 : 1;
}

}  // namespace
}  // namespace wirebook

int main(int argc, char** argv) { return wirebook::main(argc, argv); }
