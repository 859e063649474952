// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "net/resolver.h"

#include <netdb.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace wirebook {
namespace {

constexpr size_t kMaxAddresses = 16;

}  // namespace

Addresses system_look_up(const std::string& host, uint16_t port, int family) {
  addrinfo hints = {};
  hints.ai_family = family;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int result =
      getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
  if (result != 0) {
    return absl::UnavailableError(absl::StrCat(
        "no address for ", host, ": ",
        result == EAI_SYSTEM ? std::strerror(errno) : gai_strerror(result)));
  }
  std::vector<SocketAddress> addresses;
  for (const addrinfo* info = found;
       info != nullptr && addresses.size() != kMaxAddresses;
       info = info->ai_next) {
    SocketAddress& address = addresses.emplace_back();
    std::memcpy(&address.bytes, info->ai_addr, info->ai_addrlen);
    address.size = info->ai_addrlen;
  }
  freeaddrinfo(found);
  return addresses;
}

// Shared by the resolver and the thread that looks it up.
struct Resolver::Request {
  std::string host;
  uint16_t port;
  int family;
  LookUp look_up;

  std::mutex mutex;  // guards what follows
  UringLoop* loop;   // nullptr: cancelled
  std::optional<Addresses> found;

  bool wanted() {
    const std::lock_guard lock(mutex);
    return loop != nullptr;
  }
  void answer(Addresses addresses) {
    const std::lock_guard lock(mutex);
    if (loop == nullptr) return;
    found = std::move(addresses);
    // With the mutex held, so the loop cannot have ended.
    loop->wake();
  }
};

class Resolver::Workers {
 public:
  // Never destroyed: threads that were left behind still use it when the
  // process ends.
  static Workers& get() {
    static Workers* const workers = new Workers;
    return *workers;
  }

  void add(std::shared_ptr<Request> request) {
    const std::lock_guard lock(mutex_);
    waiting_.push_back(std::move(request));
    if (threads_ == kMaxThreads) return;
    try {
      std::thread([this] { work(); }).detach();
      ++threads_;
    } catch (const std::system_error& error) {
      if (threads_ != 0) return;  // those that there are come to it
      const std::shared_ptr<Request> last = std::move(waiting_.back());
      waiting_.pop_back();
      last->answer(absl::ResourceExhaustedError(absl::StrCat(
          "no thread to look up ", last->host, ": ", error.what())));
    }
  }

 private:
  void work() {
    while (const std::shared_ptr<Request> request = next()) {
      if (!request->wanted()) continue;
      request->answer(
          request->look_up(request->host, request->port, request->family));
    }
  }

  // nullptr when nothing is waiting: the thread ends.
  std::shared_ptr<Request> next() {
    const std::lock_guard lock(mutex_);
    if (waiting_.empty()) {
      --threads_;
      return nullptr;
    }
    std::shared_ptr<Request> request = std::move(waiting_.front());
    waiting_.pop_front();
    return request;
  }

  std::mutex mutex_;
  std::deque<std::shared_ptr<Request>> waiting_;
  size_t threads_ = 0;
};

Resolver::Resolver(UringLoop* loop, ResolverHandler* handler, LookUp look_up)
    : loop_(loop), handler_(handler), look_up_(std::move(look_up)) {
  if (loop == nullptr || handler == nullptr) {
    std::fprintf(stderr,
                 "wirebook::Resolver %p: made without a loop or a handler\n",
                 static_cast<void*>(this));
    std::abort();
  }
  loop_->add_task(this);
}

Resolver::~Resolver() {
  cancel();
  loop_->remove_task(this);
}

void Resolver::start(std::string host, uint16_t port) {
  cancel();
  host_ = std::move(host);
  port_ = port;
  ask(both_, AF_UNSPEC);
  loop_->start_timer(this, kLateNs);
}

void Resolver::ask(Question& question, int family) {
  question.request = std::make_shared<Request>();
  question.request->host = host_;
  question.request->port = port_;
  question.request->family = family;
  question.request->look_up = look_up_;
  question.request->loop = loop_;
  if (look_up_) {
    Workers::get().add(question.request);
  } else {
    question.request->answer(absl::InvalidArgumentError(
        "Resolver: look_up is empty; give system_look_up"));
  }
}

void Resolver::cancel() noexcept {
  loop_->stop_timer(this);
  asked_apart_ = false;
  for (Question* question : {&both_, &six_, &four_}) {
    question->answer.reset();
    if (question->request == nullptr) continue;
    {
      const std::lock_guard lock(question->request->mutex);
      question->request->loop = nullptr;
    }
    question->request = nullptr;
  }
}

bool Resolver::found_apart() const noexcept {
  return (six_.answer && six_.answer->ok()) ||
         (four_.answer && four_.answer->ok());
}

void Resolver::on_timer() noexcept {
  if (asked_apart_) {
    answer_apart();
    return;
  }
  asked_apart_ = true;
  ask(six_, AF_INET6);
  ask(four_, AF_INET);
}

void Resolver::run() noexcept {
  bool news = false;
  for (Question* question : {&both_, &six_, &four_}) {
    if (question->request == nullptr) continue;
    {
      const std::lock_guard lock(question->request->mutex);
      question->answer = std::move(question->request->found);
    }
    if (!question->answer.has_value()) continue;
    question->request = nullptr;
    news = true;
  }
  if (!news) return;
  const bool may_be_found = found_apart() || six_.request || four_.request;
  if (both_.answer && (both_.answer->ok() || !may_be_found)) {
    answer(*std::move(both_.answer));
  } else if (found_apart()) {
    if (both_.answer || (six_.answer && four_.answer)) {
      answer_apart();
    } else {
      loop_->start_timer(this, kResolutionDelayNs);
    }
  }
}

void Resolver::answer_apart() {
  std::vector<SocketAddress> found;
  for (const Question* question : {&six_, &four_}) {
    if (!question->answer || !question->answer->ok()) continue;
    found.insert(found.end(), (*question->answer)->begin(),
                 (*question->answer)->end());
  }
  answer(std::move(found));
}

void Resolver::answer(Addresses found) noexcept {
  cancel();
  handler_->on_resolved(std::move(found));
}

}  // namespace wirebook
