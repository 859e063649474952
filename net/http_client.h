// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// HttpClient: HTTP on a thread of its own, for what REST snapshots and tokens
// need: the body comes to a loop's thread as a RawMessage of kind kHttpBody.
// http_get(): the same for small requests that may block.
//
// Over libcurl: http:// and https:// (certificates and host names verified),
// HTTP/1.1, keep-alive per host, gzip, no proxies. Requests are made one after
// the other, in order; redirects are errors that say where they point.
//
// Why its own thread: snapshots are megabytes every few minutes; they must not
// hold up the feeds, and need no speed of ours.
//
// Thread rules: all on the loop's thread; on_http() must not destroy the
// client. No call waits for the network, the destructor neither, but it does
// for a `prepare` that runs. Nothing here is for the hot path: a request
// allocates.
//
//   struct Snapshots : wirebook::HttpHandler {
//     void on_http(const wirebook::HttpResult& result) override {
//       if (result.body == nullptr) return retry(result.tag, result.status);
//       pipeline->on_message(result.body);  // which releases it
//     }
//   } snapshots;
//   auto http = *wirebook::HttpClient::create(loop, pool, {}, &snapshots);
//   http->send({.url = "http://127.0.0.1:8080/depth?symbol=X", .tag = 3});

#ifndef WIREBOOK_NET_HTTP_CLIENT_H_
#define WIREBOOK_NET_HTTP_CLIENT_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "net/raw_message_pool.h"
#include "net/uring_loop.h"

namespace wirebook {

struct HttpResponse {
  int status = 0;  // of any class
  std::string body;
  uint64_t retry_after_seconds = 0;  // 0: not given
};

// Blocks for `timeout_ns` at most, all in all. An error when there was no
// response, or one with a body over `max_body_bytes`.
absl::StatusOr<HttpResponse> http_get(const std::string& url,
                                      uint64_t timeout_ns,
                                      size_t max_body_bytes = size_t{16} << 20);

struct HttpRequest {
  std::string url = {};
  // Of a POST, empty or form-encoded; nothing: a GET. No error quotes the
  // answer to a POST: it may be a secret.
  std::optional<std::string> content = {};
  std::vector<std::string> headers = {};  // "Name: value"
  // Called first, on the client's own thread: may read files, and complete the
  // above. Its error is the result; with `url` empty after it there is nothing
  // to be sent, and the result is OK, without a body.
  std::function<absl::Status(HttpRequest*)> prepare = {};
  // Copied into the body's RawMessage.
  uint32_t tag = 0;
  uint16_t connection = 0;
  uint8_t venue = 0;
};

struct HttpResult {
  uint32_t tag = 0;
  // OK only for a response of class 2xx.
  absl::Status status;
  int http_status = 0;               // 0: there was no response
  uint64_t retry_after_seconds = 0;  // what a 429 or 503 may say; 0: nothing
  // The handler's to release; nullptr unless `status` is OK, and where nothing
  // was sent.
  RawMessage* body = nullptr;
};

class HttpHandler {
 public:
  virtual ~HttpHandler() = default;
  virtual void on_http(const HttpResult& result) = 0;
};

struct HttpClientOptions {
  uint64_t timeout_ns = 10'000'000'000;  // of a whole request
  size_t max_body_bytes = size_t{64} << 20;
  size_t max_pending = 1024;  // requests that have no result yet
};

class HttpClient {
 public:
  // `loop` must have `pool` as its pool; both must outlive the client.
  static absl::StatusOr<std::unique_ptr<HttpClient>> create(
      UringLoop* loop, RawMessagePool* pool, const HttpClientOptions& options,
      HttpHandler* handler);
  // Breaks off what is under way; what has no result yet gets none.
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  // Queues it: on_http follows, in a later turn of the loop. An error means
  // that nothing was queued: the URL is wrong, or max_pending are waiting.
  absl::Status send(HttpRequest request);

  // Forgets what has not begun: no results of it.
  void drop_waiting();

  size_t pending() const noexcept;

 private:
  class Impl;
  explicit HttpClient(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace wirebook

#endif  // WIREBOOK_NET_HTTP_CLIENT_H_
