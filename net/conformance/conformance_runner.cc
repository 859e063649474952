// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "net/conformance/conformance_runner.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <optional>
#include <thread>
#include <utility>

#include "memory/testing/soak.h"
#include "net/permessage_deflate.h"
#include "net/raw_message_pool.h"
#include "net/testing/deflate_peer.h"
#include "net/testing/scripted_server.h"
#include "net/uring_loop.h"
#include "net/websocket_reader.h"
#include "tools/websocket_echo.h"

namespace wirebook::conformance {
namespace {

using testing::ClientFrame;
using testing::DeflatePeer;
using testing::Peer;
using testing::ScriptedServer;
using testing::server_frame;

// For one case. At full size one that compresses 125 MiB of noise on either
// side takes half a minute of a free core.
std::chrono::seconds time_limit() {
  return std::chrono::seconds(soaking() ? 600 : 120);
}
constexpr size_t kSendQueueBytes = size_t{17} << 20;

// What the server's thread may know of the client.
struct ClientView {
  std::atomic<uint64_t> bytes{0};  // taken in, the response's header included
  std::atomic<bool> open{true};
};

std::string shown(std::string_view bytes) {
  std::string result;
  for (const char c : bytes.substr(0, 40)) {
    result += c >= ' ' && c < 127 ? c : '.';
  }
  return "'" + result + "' of " + std::to_string(bytes.size()) + " bytes";
}

// The bytes of `send` on the wire.
std::string wire(const Send& send, size_t round, DeflatePeer* deflate) {
  std::string payload = send.payload.make(round);
  if (deflate != nullptr) payload = deflate->deflate(payload);
  const int first_byte = send.first_byte | (deflate != nullptr ? 0x40 : 0);
  if (send.raw) return payload;
  if (send.fragment_size == 0) {
    return server_frame(first_byte & 0x7f, payload, (first_byte & 0x80) != 0);
  }
  std::string frames;
  size_t at = 0;
  do {
    const size_t size = std::min(send.fragment_size, payload.size() - at);
    frames += server_frame(at == 0 ? first_byte & 0x7f : 0,
                           std::string_view(payload).substr(at, size),
                           at + size == payload.size());
    at += size;
  } while (at != payload.size());
  return frames;
}

// The server's answer to the client's offer.
std::string answer(const Deflate& deflate) {
  if (!deflate.on) return {};
  std::string text = "Sec-WebSocket-Extensions: permessage-deflate";
  if (deflate.server_no_context_takeover)
    text += "; server_no_context_takeover";
  if (deflate.client_no_context_takeover)
    text += "; client_no_context_takeover";
  for (const auto& [name, bits] :
       {std::pair("server", deflate.server_max_window_bits),
        std::pair("client", deflate.client_max_window_bits)}) {
    if (bits == 0) continue;
    text +=
        "; " + std::string(name) + "_max_window_bits=" + std::to_string(bits);
  }
  return text + "\r\n";
}

testing::DeflatePeerOptions peer_options(const Deflate& deflate) {
  const auto bits = [](int given) { return given == 0 ? 15 : given; };
  return {.send_window_bits = bits(deflate.server_max_window_bits),
          .send_no_context_takeover = deflate.server_no_context_takeover,
          .receive_window_bits = bits(deflate.client_max_window_bits),
          .receive_no_context_takeover = deflate.client_no_context_takeover,
          .level = 1};
}

WebSocketReaderOptions reader_options(const ConformanceCase& row,
                                      const std::string& url) {
  // A small slab, so that the large path is taken as well.
  WebSocketReaderOptions options{.url = url, .slab_slots = 4};
  if (row.deflate.on) {
    options.handshake.deflate = PermessageDeflateOffer{
        .server_no_context_takeover = row.deflate.server_no_context_takeover,
        .server_max_window_bits = row.deflate.server_max_window_bits == 0
                                      ? 15
                                      : row.deflate.server_max_window_bits};
  }
  return options;
}

class CaseServer {
 public:
  CaseServer(const ConformanceCase& row, const ClientView& client)
      : row_(row), client_(client) {}

  // "" or what went wrong; after the server has stopped.
  const std::string& error() const { return error_; }

  void run(Peer& peer) {
    peer.set_no_delay();
    std::optional<DeflatePeer> deflate;
    if (row_.deflate.on) deflate.emplace(peer_options(row_.deflate));
    deflate_ = deflate ? &*deflate : nullptr;
    const std::string request = peer.read_request();
    check_offer(request);
    send(peer, Peer::upgrade_response(request, answer(row_.deflate)), 0);
    for (; round_ < row_.rounds && error_.empty(); ++round_) {
      answered_ = 0;
      for (const Send& one : row_.sends) {
        if (!wait_before(peer, one)) return;
        send(peer, wire(one, static_cast<size_t>(round_), deflate_), one.chop);
      }
      if (!read_answers(peer, row_.answers.size())) return;
    }
    if (error_.empty()) finish(peer);
  }

 private:
  void fail(const std::string& what) {
    if (error_.empty()) error_ = what;
  }

  // RFC 7692, section 7.1: what the client asks for is there, and it takes
  // what the server will ask for.
  void check_offer(const std::string& request) {
    const auto offered = [&](const std::string& parameter) {
      if (request.find(parameter) == std::string::npos) {
        fail("the client does not offer " + parameter);
      }
    };
    const Deflate& deflate = row_.deflate;
    if (deflate.on) offered("permessage-deflate");
    if (deflate.server_no_context_takeover)
      offered("server_no_context_takeover");
    if (deflate.client_max_window_bits != 0) offered("client_max_window_bits");
    if (deflate.server_max_window_bits % 15 != 0) {
      offered("server_max_window_bits=" +
              std::to_string(deflate.server_max_window_bits));
    }
  }

  void send(Peer& peer, const std::string& bytes, size_t chop) {
    chop == 0 ? peer.send(bytes) : peer.send_in_pieces(bytes, chop);
    sent_ += bytes.size();
  }

  bool wait_before(Peer& peer, const Send& next) {
    if (next.before == Before::kNothing) return true;
    const auto end = std::chrono::steady_clock::now() + time_limit();
    while (client_.bytes.load() < sent_) {
      if (std::chrono::steady_clock::now() > end) {
        fail("the client does not take in what was sent");
        return false;
      }
      std::this_thread::yield();
    }
    if (!client_.open.load()) {
      fail("the client failed the connection too early");
      return false;
    }
    return next.before == Before::kTakenIn ||
           read_answers(peer, next.answers_before);
  }

  bool read_answers(Peer& peer, size_t count) {
    for (; answered_ < count; ++answered_) {
      const Answer& expected = row_.answers[answered_];
      ClientFrame got = peer.read_frame();
      const std::string payload =
          expected.payload.make(static_cast<size_t>(round_));
      if (deflate_ != nullptr && (got.first_byte & 0x40) != 0) {
        got.payload = deflate_->inflate(got.payload);
        got.first_byte &= ~0x40;
      }
      if (got.first_byte < 0) {
        fail("the connection ended instead of answer " +
             std::to_string(answered_ + 1));
      } else if (!got.masked) {
        fail("the client did not mask an answer");
      } else if (got.first_byte != (0x80 | expected.opcode) ||
                 got.payload != payload) {
        fail("answer " + std::to_string(answered_ + 1) + " is opcode " +
             std::to_string(got.opcode()) + ", " + shown(got.payload) +
             ", not opcode " + std::to_string(expected.opcode) + ", " +
             shown(payload));
      }
      if (!error_.empty()) return false;
    }
    return true;
  }

  // The closing handshake, as the row wants it.
  void finish(Peer& peer) {
    if (row_.ending != Ending::kClientFails) {
      send(peer, server_frame(0x8, row_.close_payload), 0);
      for (const Send& late : row_.after_close) {
        send(peer, wire(late, 0, nullptr), 0);
      }
    }
    const ClientFrame got = peer.read_frame();
    if (got.first_byte != 0x88 || !got.masked) {
      fail("opcode " + std::to_string(got.first_byte) + ", " +
           shown(got.payload) + " instead of a close frame");
      return;
    }
    int code = kNoCode;
    if (got.payload.size() >= 2) {
      code = static_cast<uint8_t>(got.payload[0]) << 8 |
             static_cast<uint8_t>(got.payload[1]);
    }
    if (std::find(row_.codes.begin(), row_.codes.end(), code) ==
        row_.codes.end()) {
      fail("close code " + std::to_string(code));
    }
    // RFC 6455, section 7.1.1: the server ends the connection; the client says
    // nothing after its close frame.
    peer.shut_down_sends();
    char more;
    if (peer.read_exactly(&more, 1)) fail("bytes after the close frame");
  }

  const ConformanceCase& row_;
  const ClientView& client_;
  DeflatePeer* deflate_ = nullptr;
  uint64_t sent_ = 0;
  int round_ = 0;
  size_t answered_ = 0;
  std::string error_;
};

// Runs the client to its end; "" or what is wrong with that end.
std::string run_client(const ConformanceCase& row, const std::string& url,
                       ClientView* view) {
  auto pool = *RawMessagePool::create({.descriptors = 1024});
  auto loop =
      UringLoop::create({.send_queue_bytes = kSendQueueBytes}, pool.get());
  if (!loop.ok()) return std::string(loop.status().message());
  WebSocketEcho echo(pool.get());
  auto reader = WebSocketReader::create(loop->get(), pool.get(),
                                        reader_options(row, url), &echo);
  if (!reader.ok()) return std::string(reader.status().message());
  echo.set_reader(reader->get());
  if (!(*reader)->connect().ok()) return "no connection";
  const auto end = std::chrono::steady_clock::now() + time_limit();
  while (!echo.closed()) {
    (*loop)->run_once(10'000'000);
    echo.flush();
    view->open.store((*reader)->state() <= WebSocketReader::State::kOpen);
    view->bytes.store((*reader)->statistics().bytes);
    if (std::chrono::steady_clock::now() > end) return "the client hangs";
  }
  if (row.deflate.on != (*reader)->deflating()) return "deflate is not in use";
  const bool orderly = row.ending == Ending::kServerCloses;
  const std::string status = echo.status().ToString();
  if (!echo.opened()) return "not opened: " + status;
  if (orderly != echo.status().ok() ||
      (!orderly && !absl::IsInvalidArgument(echo.status()))) {
    return "the client ends with " + status;
  }
  return {};
}

}  // namespace

std::string run_conformance_case(const ConformanceCase& row) {
  ClientView view;
  CaseServer server(row, view);
  ScriptedServer listener([&](Peer& peer) { server.run(peer); });
  const std::string client_error = run_client(row, listener.url(), &view);
  view.bytes.store(UINT64_MAX);
  listener.stop();
  // What the server saw comes first: the client's end follows from it.
  return server.error().empty() ? client_error : server.error();
}

}  // namespace wirebook::conformance
