// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "net/http_client.h"

#include <httplib.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <thread>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "concurrency/spsc_ring.h"
#include "concurrency/tsc_clock.h"
#include "net/url.h"

namespace wirebook {
namespace {

using Clock = std::chrono::steady_clock;

absl::StatusOr<Url> parse_http_url(const std::string& text) {
  absl::StatusOr<Url> url = parse_url(text);
  if (url.ok() && url->scheme != "http" && url->scheme != "https") {
    return absl::InvalidArgumentError(
        absl::StrCat("HTTP ", text, ": the scheme must be http or https"));
  }
  return url;
}

std::string origin(const Url& url) {
  return absl::StrCat(url.scheme, "://", url.authority());
}

void configure(httplib::Client& client, uint64_t timeout_ns) {
  const std::chrono::microseconds timeout(
      std::max<uint64_t>(timeout_ns / 1000, 1));
  client.set_connection_timeout(timeout);
  client.set_read_timeout(timeout);
  client.set_write_timeout(timeout);
  client.set_keep_alive(true);
  client.set_tcp_nodelay(true);
}

absl::StatusOr<HttpResponse> get(httplib::Client& client, const Url& url,
                                 uint64_t timeout_ns, size_t max_body_bytes) {
  const std::string where = absl::StrCat("HTTP ", origin(url), url.target);
  const auto end = Clock::now() + std::chrono::nanoseconds(timeout_ns);
  HttpResponse response;
  bool too_long = false;
  bool too_late = false;
  std::string location;
  const httplib::Result result = client.Get(
      url.target, httplib::Headers(),
      [&](const httplib::Response& head) {
        response.status = head.status;
        location = head.get_header_value("Location");
        uint64_t seconds = 0;
        if (absl::SimpleAtoi(head.get_header_value("Retry-After"), &seconds)) {
          response.retry_after_seconds = seconds;
        }
        return true;
      },
      [&](const char* data, size_t size) {
        too_long = size > max_body_bytes - response.body.size();
        too_late = Clock::now() > end;
        if (too_long || too_late) return false;
        response.body.append(data, size);
        return true;
      });
  if (too_long) {
    return absl::ResourceExhaustedError(absl::StrCat(
        where, ": the body is longer than ", max_body_bytes, " bytes"));
  }
  if (too_late) {
    return absl::DeadlineExceededError(absl::StrCat(
        where, ": the body took longer than ", timeout_ns / 1'000'000, " ms"));
  }
  if (!result) {
    return absl::UnavailableError(absl::StrCat(
        where, ": no response: ", httplib::to_string(result.error())));
  }
  if (response.status >= 300 && response.status < 400) {
    absl::StrAppend(&response.body, "redirects to ", location);
  }
  return response;
}

// A body with its slack; deleted when its message comes home.
struct Body {
  explicit Body(std::string text) : bytes(std::move(text)) {
    size = bytes.size();
    bytes.resize(size + kRawMessageSlackBytes);
  }
  static void destroy(void* body) { delete static_cast<Body*>(body); }
  std::string bytes;
  size_t size;
};

}  // namespace

absl::StatusOr<HttpResponse> http_get(const std::string& url,
                                      uint64_t timeout_ns,
                                      size_t max_body_bytes) {
  absl::StatusOr<Url> parsed = parse_http_url(url);
  if (!parsed.ok()) return parsed.status();
  httplib::Client client(origin(*parsed));
  configure(client, timeout_ns);
  return get(client, *parsed, timeout_ns, max_body_bytes);
}

class HttpClient::Impl final : private LoopTask, private LoopTimer {
 public:
  Impl(UringLoop* loop, RawMessagePool* pool, const HttpClientOptions& options,
       HttpHandler* handler)
      : loop_(loop),
        pool_(pool),
        options_(options),
        handler_(handler),
        results_(options.max_pending) {
    loop_->add_task(this);
    thread_ = std::thread([this] { work(); });
  }

  ~Impl() override {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
      if (current_ != nullptr) current_->stop();
    }
    work_there_.notify_one();
    thread_.join();
    loop_->stop_timer(this);
    loop_->remove_task(this);
  }

  absl::Status get(HttpRequest request) {
    absl::StatusOr<Url> url = parse_http_url(request.url);
    if (!url.ok()) return url.status();
    if (pending_ == options_.max_pending) {
      return absl::ResourceExhaustedError(
          absl::StrCat("HTTP ", request.url, ": ", pending_,
                       " requests are waiting; raise max_pending"));
    }
    if (pending_++ == 0) loop_->start_timer(this, options_.timeout_ns / 4);
    {
      const std::lock_guard lock(mutex_);
      requests_.push_back({std::move(request), *std::move(url)});
    }
    work_there_.notify_one();
    return absl::OkStatus();
  }

  size_t pending() const noexcept { return pending_; }

 private:
  struct Request {
    HttpRequest request;
    Url url;
  };
  struct Finished {
    HttpRequest request;
    absl::StatusOr<HttpResponse> response;
  };

  // The worker.
  void work() {
    std::map<std::string, std::unique_ptr<httplib::Client>> clients;
    for (;;) {
      Request next;
      httplib::Client* client = nullptr;
      {
        std::unique_lock lock(mutex_);
        work_there_.wait(lock,
                         [this] { return stopping_ || !requests_.empty(); });
        if (stopping_) return;
        next = std::move(requests_.front());
        requests_.pop_front();
        std::unique_ptr<httplib::Client>& known = clients[origin(next.url)];
        if (known == nullptr) {
          known = std::make_unique<httplib::Client>(origin(next.url));
          configure(*known, options_.timeout_ns);
        }
        client = current_ = known.get();
        current_since_ = Clock::now();
      }
      absl::StatusOr<HttpResponse> response = wirebook::get(
          *client, next.url, options_.timeout_ns, options_.max_body_bytes);
      {
        const std::lock_guard lock(mutex_);
        current_ = nullptr;
        if (stopping_) return;
      }
      // Room for every pending request: it cannot be full.
      static_cast<void>(results_.try_push(
          Finished{std::move(next.request), std::move(response)}));
      loop_->wake();
    }
  }

  // LoopTask: hands over what is finished.
  void run() noexcept override {
    while (Finished* const finished = results_.front()) {
      if (!deliver(*finished)) {
        loop_->wake();  // in the next turn again
        return;
      }
    }
  }

  // False when there is no descriptor for the body now.
  bool deliver(Finished& finished) noexcept {
    HttpResult result;
    result.tag = finished.request.tag;
    if (!finished.response.ok()) {
      result.status = finished.response.status();
    } else {
      HttpResponse& response = *finished.response;
      result.http_status = response.status;
      result.retry_after_seconds = response.retry_after_seconds;
      if (response.status < 200 || response.status >= 300) {
        result.status = absl::UnavailableError(
            absl::StrCat("HTTP ", finished.request.url, ": status ",
                         response.status, ": ", response.body.substr(0, 200)));
      } else {
        if (!pool_->descriptor_free()) return false;
        Body* const body = new Body(std::move(response.body));
        result.body = pool_->acquire_external(body->bytes.data(),
                                              static_cast<uint32_t>(body->size),
                                              &Body::destroy, body);
        result.body->receive_ticks = TscClock::ticks();
        result.body->tag = finished.request.tag;
        result.body->connection = finished.request.connection;
        result.body->venue = finished.request.venue;
        result.body->kind = RawMessageKind::kHttpBody;
      }
    }
    results_.pop();
    --pending_;
    handler_->on_http(result);
    return true;
  }

  // LoopTimer: a server that sends a header byte by byte never runs into a
  // timeout of httplib's.
  void on_timer() noexcept override {
    if (pending_ == 0) return;
    {
      const std::lock_guard lock(mutex_);
      if (current_ != nullptr &&
          Clock::now() - current_since_ >
              std::chrono::nanoseconds(options_.timeout_ns)) {
        current_->stop();
      }
    }
    loop_->start_timer(this, options_.timeout_ns / 4);
  }

  UringLoop* const loop_;
  RawMessagePool* const pool_;
  const HttpClientOptions options_;
  HttpHandler* const handler_;
  size_t pending_ = 0;
  SpscRing<Finished> results_;  // worker to loop

  std::mutex mutex_;  // guards what follows
  std::condition_variable work_there_;
  std::deque<Request> requests_;
  bool stopping_ = false;
  httplib::Client* current_ = nullptr;
  Clock::time_point current_since_;

  std::thread thread_;
};

HttpClient::HttpClient(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
HttpClient::~HttpClient() = default;

absl::StatusOr<std::unique_ptr<HttpClient>> HttpClient::create(
    UringLoop* loop, RawMessagePool* pool, const HttpClientOptions& options,
    HttpHandler* handler) {
  if (options.max_pending == 0 || options.timeout_ns == 0 ||
      options.max_body_bytes >= (size_t{1} << 32)) {
    return absl::InvalidArgumentError(
        "HttpClient: max_pending and timeout_ns must not be 0, "
        "max_body_bytes must be less than 4 GiB");
  }
  return std::unique_ptr<HttpClient>(
      new HttpClient(std::make_unique<Impl>(loop, pool, options, handler)));
}

absl::Status HttpClient::get(HttpRequest request) {
  return impl_->get(std::move(request));
}

size_t HttpClient::pending() const noexcept { return impl_->pending(); }

}  // namespace wirebook
