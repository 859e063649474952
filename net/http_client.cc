// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "net/http_client.h"

#include <curl/curl.h>

#include <algorithm>
#include <climits>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "concurrency/spsc_ring.h"
#include "concurrency/tsc_clock.h"
#include "net/printable_text.h"
#include "net/url.h"

namespace wirebook {
namespace {

// libcurl itself ends a single line at 100 KiB.
constexpr size_t kMaxHeadBytes = size_t{128} << 10;
constexpr size_t kMostPending = size_t{1} << 20;
constexpr uint64_t kRetryNs = 100'000;  // when no descriptor is free

absl::StatusOr<Url> parse_http_url(const std::string& text) {
  absl::StatusOr<Url> url = parse_url(text);
  if (url.ok() && url->scheme != "http" && url->scheme != "https") {
    return absl::InvalidArgumentError(
        absl::StrCat("HTTP ", text, ": the scheme must be http or https"));
  }
  return url;
}

absl::Status check_limits(uint64_t timeout_ns, size_t max_body_bytes) {
  if (timeout_ns == 0) {
    return absl::InvalidArgumentError(
        "HTTP: timeout_ns is 0; give the time a whole request may take");
  }
  if (max_body_bytes == 0 || max_body_bytes >= (size_t{1} << 32)) {
    return absl::InvalidArgumentError(
        absl::StrCat("HTTP: max_body_bytes is ", max_body_bytes,
                     "; give the longest body's size, less than 4 GiB"));
  }
  return absl::OkStatus();
}

absl::Status curl_failed(const char* what) {
  return absl::InternalError(absl::StrCat("HTTP: libcurl: ", what,
                                          " failed; need libcurl 7.87 with "
                                          "http and https"));
}

absl::Status init_curl() {
  static std::once_flag once;
  static CURLcode code = CURLE_FAILED_INIT;
  std::call_once(once, [] { code = curl_global_init(CURL_GLOBAL_DEFAULT); });
  return code == CURLE_OK ? absl::OkStatus() : curl_failed("curl_global_init");
}

// One request at a time, by easy() in a multi or on its own:
// start(), libcurl runs it, finish().
class Transfer {
 public:
  Transfer(uint64_t timeout_ns, size_t max_body_bytes)
      : timeout_ms_(static_cast<long>(
            std::clamp<uint64_t>(timeout_ns / 1'000'000, 1, INT_MAX))),
        max_body_bytes_(max_body_bytes) {}
  ~Transfer() {
    curl_easy_cleanup(easy_);
    curl_slist_free_all(headers_);
  }
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;

  absl::Status create() {
    easy_ = curl_easy_init();
    if (easy_ == nullptr) return curl_failed("curl_easy_init");
    bool ok = true;
    const auto set = [&](CURLoption option, auto value) {
      ok = curl_easy_setopt(easy_, option, value) == CURLE_OK && ok;
    };
    set(CURLOPT_PROTOCOLS_STR, "http,https");
    set(CURLOPT_HTTP_VERSION, long{CURL_HTTP_VERSION_1_1});
    set(CURLOPT_PROXY, "");  // whatever the environment says
    set(CURLOPT_PATH_AS_IS, 1L);
    set(CURLOPT_ACCEPT_ENCODING, "gzip");
    set(CURLOPT_USERAGENT, "wirebook");
    set(CURLOPT_TIMEOUT_MS, timeout_ms_);
    set(CURLOPT_NOSIGNAL, 1L);
    // A name that is still being looked up is left behind, not waited for.
    set(CURLOPT_QUICK_EXIT, 1L);
    set(CURLOPT_ERRORBUFFER, &error_[0]);
    set(CURLOPT_HEADERFUNCTION, &Transfer::on_head);
    set(CURLOPT_HEADERDATA, this);
    set(CURLOPT_WRITEFUNCTION, &Transfer::on_body);
    set(CURLOPT_WRITEDATA, this);
    return ok ? absl::OkStatus() : curl_failed("curl_easy_setopt");
  }

  CURL* easy() const { return easy_; }

  // `request` must stay as it is until finish().
  void start(const Url& url, const HttpRequest& request) {
    url_ = absl::StrCat(url.scheme, "://", url.authority(), url.target);
    curl_slist_free_all(std::exchange(headers_, nullptr));
    for (const std::string& header : request.headers) add_header(header);
    if (request.content.has_value()) {
      // libcurl would call nothing at all a form.
      if (request.content->empty()) add_header("Content-Type:");
      curl_easy_setopt(easy_, CURLOPT_POST, 1L);
      curl_easy_setopt(easy_, CURLOPT_POSTFIELDSIZE_LARGE,
                       static_cast<curl_off_t>(request.content->size()));
      curl_easy_setopt(easy_, CURLOPT_POSTFIELDS, request.content->c_str());
    } else {
      curl_easy_setopt(easy_, CURLOPT_HTTPGET, 1L);
    }
    curl_easy_setopt(easy_, CURLOPT_HTTPHEADER, headers_);
    body_ = {};
    head_bytes_ = 0;
    too_long_ = false;
    error_[0] = '\0';
    curl_easy_setopt(easy_, CURLOPT_URL, url_.c_str());
  }

  absl::StatusOr<HttpResponse> finish(CURLcode code) {
    const std::string where = absl::StrCat("HTTP ", url_);
    if (too_long_) {
      return absl::ResourceExhaustedError(absl::StrCat(
          where, ": the body is longer than ", max_body_bytes_, " bytes"));
    }
    if (head_bytes_ > kMaxHeadBytes) {
      return absl::ResourceExhaustedError(absl::StrCat(
          where, ": the head is longer than ", kMaxHeadBytes, " bytes"));
    }
    if (code != CURLE_OK) {
      const std::string why =
          absl::StrCat(where, ": no response: ",
                       error_[0] != '\0' ? error_ : curl_easy_strerror(code));
      return code == CURLE_OPERATION_TIMEDOUT ? absl::DeadlineExceededError(why)
                                              : absl::UnavailableError(why);
    }
    long status = 0;
    curl_off_t retry_after = 0;
    const char* location = nullptr;
    curl_easy_getinfo(easy_, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(easy_, CURLINFO_RETRY_AFTER, &retry_after);
    curl_easy_getinfo(easy_, CURLINFO_REDIRECT_URL, &location);
    HttpResponse response;
    response.status = static_cast<int>(status);
    response.body = std::move(body_);
    response.retry_after_seconds =
        static_cast<uint64_t>(std::max<curl_off_t>(retry_after, 0));
    if (location != nullptr) {
      response.body.insert(0, absl::StrCat("redirects to ", location, "\n"));
    }
    return response;
  }

 private:
  void add_header(const std::string& header) {
    curl_slist* const longer = curl_slist_append(headers_, header.c_str());
    if (longer == nullptr) throw std::bad_alloc();
    headers_ = longer;
  }

  static size_t on_head(const char*, size_t, size_t size, void* self) noexcept {
    Transfer& transfer = *static_cast<Transfer*>(self);
    transfer.head_bytes_ += size;
    return transfer.head_bytes_ > kMaxHeadBytes ? CURL_WRITEFUNC_ERROR : size;
  }

  static size_t on_body(const char* data, size_t, size_t size,
                        void* self) noexcept {
    Transfer& transfer = *static_cast<Transfer*>(self);
    std::string& body = transfer.body_;
    if (size > transfer.max_body_bytes_ - body.size()) {
      transfer.too_long_ = true;
      return CURL_WRITEFUNC_ERROR;
    }
    if (body.empty()) {
      curl_off_t length = 0;
      curl_easy_getinfo(transfer.easy_, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T,
                        &length);
      if (length > 0) {
        body.reserve(
            std::min(static_cast<size_t>(length), transfer.max_body_bytes_) +
            kRawMessageSlackBytes);
      }
    }
    body.append(data, size);
    return size;
  }

  const long timeout_ms_;
  const size_t max_body_bytes_;
  CURL* easy_ = nullptr;
  curl_slist* headers_ = nullptr;
  std::string url_;
  std::string body_;
  size_t head_bytes_ = 0;
  bool too_long_ = false;
  char error_[CURL_ERROR_SIZE] = {};
};

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
  absl::Status limits = check_limits(timeout_ns, max_body_bytes);
  if (!limits.ok()) return limits;
  if (absl::Status status = init_curl(); !status.ok()) return status;
  Transfer transfer(timeout_ns, max_body_bytes);
  if (absl::Status status = transfer.create(); !status.ok()) return status;
  transfer.start(*parsed, {});
  return transfer.finish(curl_easy_perform(transfer.easy()));
}

class HttpClient::Impl final : private LoopTask, private LoopTimer {
 public:
  Impl(UringLoop* loop, RawMessagePool* pool, const HttpClientOptions& options,
       HttpHandler* handler)
      : loop_(loop),
        pool_(pool),
        options_(options),
        handler_(handler),
        results_(options.max_pending),
        transfer_(options.timeout_ns, options.max_body_bytes) {}

  absl::Status start() {
    if (absl::Status status = init_curl(); !status.ok()) return status;
    if (absl::Status status = transfer_.create(); !status.ok()) return status;
    multi_ = curl_multi_init();
    if (multi_ == nullptr) return curl_failed("curl_multi_init");
    // CURLMOPT_QUICK_EXIT of newer curls, whose multi handle owns the threads
    // that look names up; the others refuse it, and need only the easy
    // handle's.
    constexpr auto kMultiQuickExit = static_cast<CURLMoption>(21);
    curl_multi_setopt(multi_, kMultiQuickExit, 1L);
    loop_->add_task(this);
    thread_ = std::thread([this] { work(); });
    return absl::OkStatus();
  }

  ~Impl() override {
    if (multi_ == nullptr) return;
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    work_there_.notify_one();
    curl_multi_wakeup(multi_);
    thread_.join();
    curl_multi_cleanup(multi_);
    loop_->stop_timer(this);
    loop_->remove_task(this);
  }

  absl::Status send(HttpRequest request) {
    if (request.prepare == nullptr) {
      const absl::StatusOr<Url> url = parse_http_url(request.url);
      if (!url.ok()) return url.status();
    }
    if (pending_ == options_.max_pending) {
      return absl::ResourceExhaustedError(
          absl::StrCat("HTTP ", request.url, ": ", pending_,
                       " requests are waiting; raise max_pending"));
    }
    ++pending_;
    {
      const std::lock_guard lock(mutex_);
      requests_.push_back(std::move(request));
    }
    work_there_.notify_one();
    return absl::OkStatus();
  }

  void drop_waiting() {
    const std::lock_guard lock(mutex_);
    pending_ -= requests_.size();
    requests_.clear();
  }

  size_t pending() const noexcept { return pending_; }

 private:
  struct Finished {
    HttpRequest request;
    HttpResult result;           // but for its body
    std::unique_ptr<Body> body;  // of a 2xx
  };

  // ---- The worker

  void work() {
    for (;;) {
      HttpRequest next;
      {
        std::unique_lock lock(mutex_);
        work_there_.wait(lock,
                         [this] { return stopping_ || !requests_.empty(); });
        if (stopping_) return;
        next = std::move(requests_.front());
        requests_.pop_front();
      }
      absl::StatusOr<HttpResponse> response = HttpResponse();
      absl::Status prepared;
      if (next.prepare != nullptr) prepared = next.prepare(&next);
      if (!prepared.ok()) {
        response = std::move(prepared);
      } else if (!next.url.empty()) {
        const absl::StatusOr<Url> url = parse_http_url(next.url);
        if (url.ok()) {
          transfer_.start(*url, next);
          const std::optional<CURLcode> code = perform();
          if (!code.has_value()) return;
          response = transfer_.finish(*code);
        } else {
          response = url.status();
        }
      }
      // Room for every pending request: it cannot be full.
      static_cast<void>(
          results_.try_push(judge(std::move(next), std::move(response))));
      loop_->wake();
    }
  }

  // Nothing when the client is being destroyed.
  std::optional<CURLcode> perform() {
    std::optional<CURLcode> code;
    CURLMcode state = curl_multi_add_handle(multi_, transfer_.easy());
    while (!stopping()) {
      int running = 0;
      if (state == CURLM_OK) state = curl_multi_perform(multi_, &running);
      int left = 0;
      const CURLMsg* const message = curl_multi_info_read(multi_, &left);
      if (message != nullptr && message->msg == CURLMSG_DONE) {
        code = message->data.result;
        break;
      }
      // Ends for the network, for libcurl's own timers, for a wake-up; one
      // that came before it counts as well.
      if (state == CURLM_OK) {
        state = curl_multi_poll(multi_, nullptr, 0, 60'000, nullptr);
      }
      if (state != CURLM_OK) {
        code = CURLE_FAILED_INIT;
        break;
      }
    }
    curl_multi_remove_handle(multi_, transfer_.easy());
    return code;
  }

  bool stopping() {
    const std::lock_guard lock(mutex_);
    return stopping_;
  }

  static Finished judge(HttpRequest request,
                        absl::StatusOr<HttpResponse> response) {
    Finished finished;
    HttpResult& result = finished.result;
    result.tag = request.tag;
    if (!response.ok()) {
      // Moved: a status that two threads share is let go by either of them.
      result.status = std::move(response).status();
    } else if (!request.url.empty()) {
      result.http_status = response->status;
      result.retry_after_seconds = response->retry_after_seconds;
      if (response->status >= 200 && response->status < 300) {
        finished.body = std::make_unique<Body>(std::move(response->body));
      } else {
        result.status = absl::UnavailableError(
            absl::StrCat("HTTP ", request.url, ": status ", response->status));
        if (!request.content.has_value()) {
          result.status = absl::UnavailableError(absl::StrCat(
              result.status.message(), ": ", printable_text(response->body)));
        }
      }
    }
    finished.request = std::move(request);
    return finished;
  }

  // ---- The loop's thread

  // LoopTask: hands over what is finished.
  void run() noexcept override {
    while (Finished* const finished = results_.front()) {
      if (finished->body != nullptr && !pool_->descriptor_free()) {
        loop_->start_timer(this, kRetryNs);
        return;
      }
      HttpResult result = std::move(finished->result);
      if (finished->body != nullptr) result.body = message_of(*finished);
      results_.pop();
      --pending_;
      handler_->on_http(result);
    }
  }

  void on_timer() noexcept override { run(); }

  RawMessage* message_of(Finished& finished) noexcept {
    Body* const body = finished.body.release();
    RawMessage* const message = pool_->acquire_external(
        body->bytes.data(), static_cast<uint32_t>(body->size), &Body::destroy,
        body);
    message->receive_ticks = TscClock::ticks();
    message->tag = finished.request.tag;
    message->connection = finished.request.connection;
    message->venue = finished.request.venue;
    message->kind = RawMessageKind::kHttpBody;
    return message;
  }

  UringLoop* const loop_;
  RawMessagePool* const pool_;
  const HttpClientOptions options_;
  HttpHandler* const handler_;
  size_t pending_ = 0;
  SpscRing<Finished> results_;  // worker to loop

  Transfer transfer_;       // the worker's while it runs
  CURLM* multi_ = nullptr;  // the same, but for curl_multi_wakeup

  std::mutex mutex_;  // guards what follows
  std::condition_variable work_there_;
  std::deque<HttpRequest> requests_;
  bool stopping_ = false;

  std::thread thread_;
};

HttpClient::HttpClient(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
HttpClient::~HttpClient() = default;

absl::StatusOr<std::unique_ptr<HttpClient>> HttpClient::create(
    UringLoop* loop, RawMessagePool* pool, const HttpClientOptions& options,
    HttpHandler* handler) {
  if (loop == nullptr || pool == nullptr || handler == nullptr) {
    return absl::InvalidArgumentError(
        "HttpClient: loop, pool or handler is nullptr; it needs all three");
  }
  if (options.max_pending == 0 || options.max_pending > kMostPending) {
    return absl::InvalidArgumentError(
        absl::StrCat("HttpClient: max_pending is ", options.max_pending,
                     "; give 1 to ", kMostPending));
  }
  absl::Status status =
      check_limits(options.timeout_ns, options.max_body_bytes);
  if (!status.ok()) return status;
  if (loop->pool() != pool) {
    return absl::InvalidArgumentError("HttpClient: the loop has another pool");
  }
  auto impl = std::make_unique<Impl>(loop, pool, options, handler);
  status = impl->start();
  if (!status.ok()) return status;
  return std::unique_ptr<HttpClient>(new HttpClient(std::move(impl)));
}

absl::Status HttpClient::send(HttpRequest request) {
  return impl_->send(std::move(request));
}

void HttpClient::drop_waiting() { impl_->drop_waiting(); }

size_t HttpClient::pending() const noexcept { return impl_->pending(); }

}  // namespace wirebook
