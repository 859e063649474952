// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "net/epoll_backend.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "concurrency/tsc_clock.h"

namespace wirebook {
namespace {

// Receives of one stream per turn, so that a flood does not starve the others.
constexpr int kReceivesPerTurn = 8;

// Not recv(): ThreadSanitizer would take the kernel's write for a race with a
// reader of the slack behind the previous message, who ignores what it reads.
ssize_t receive(LoopStream& stream) {
  if (!stream.timestamps) {
    return syscall(SYS_recvfrom, stream.fd, stream.slab->write_pointer(),
                   stream.room(), MSG_DONTWAIT, nullptr, nullptr);
  }
  stream.prepare_message();
  const ssize_t n =
      syscall(SYS_recvmsg, stream.fd, &stream.message, MSG_DONTWAIT);
  if (n > 0) stream.take_timestamp();
  return n;
}

class EpollBackend final : public LoopBackend {
 public:
  EpollBackend(int epoll_fd, int event_fd, size_t max_streams)
      : epoll_fd_(epoll_fd), event_fd_(event_fd) {
    events_.resize(max_streams + 1);
  }

  ~EpollBackend() override {
    ::close(epoll_fd_);
    ::close(event_fd_);
  }

  const char* name() const noexcept override { return "epoll"; }
  absl::Status start() override { return absl::OkStatus(); }

  absl::Status connect(LoopStream& stream) override {
    ++system_calls_;
    // EINPROGRESS, success and failure alike show as writable.
    if (::connect(stream.fd, reinterpret_cast<sockaddr*>(&stream.address),
                  stream.address_size) != 0 &&
        errno != EINPROGRESS) {
      // Told by poll(), as every other outcome is.
      failed_connects_.push_back({&stream, errno});
      return absl::OkStatus();
    }
    stream.watched = 0;
    if (!watch(stream, EPOLLOUT)) return watch_error();
    return absl::OkStatus();
  }

  absl::Status attach(LoopStream& stream) override {
    stream.receiving = true;
    if (!watch(stream)) return watch_error();
    return absl::OkStatus();
  }

  void send(LoopStream& stream) noexcept override {
    while (stream.next_send()) {
      ++system_calls_;
      const ssize_t n = ::send(stream.fd, stream.sending.get() + stream.sent,
                               stream.sending_size - stream.sent, MSG_NOSIGNAL);
      if (n >= 0) {
        stream.sent += static_cast<size_t>(n);
      } else if (errno == EAGAIN) {
        stream.send_pending = true;
        watch(stream);
        return;
      } else if (errno != EINTR) {
        // The receiving side reports the same and may still have data.
        stream.sent = stream.sending_size;
        stream.queued_size = 0;
        return;
      }
    }
    if (std::exchange(stream.send_pending, false)) watch(stream);
  }

  void replenish(LoopStream& stream) noexcept override {
    if (!stream.starved || stream.slab->writable_bytes() == 0) return;
    stream.starved = false;
    stream.receiving = true;
    watch(stream);
  }

  void close(LoopStream& stream) noexcept override {
    ::close(stream.fd);  // which takes it out of the epoll set
    stream.fd = -1;
    stream.state = LoopStream::State::kClosed;
    failed_connects_.erase(
        std::remove_if(failed_connects_.begin(), failed_connects_.end(),
                       [&](const auto& f) { return f.first == &stream; }),
        failed_connects_.end());
  }

  size_t poll(int64_t wait_ns) noexcept override {
    while (!failed_connects_.empty()) {
      const auto [stream, error] = failed_connects_.back();
      failed_connects_.pop_back();
      stream->end(error);
      wait_ns = 0;
    }
    ++system_calls_;
    const int count = wait(wait_ns);
    for (int i = 0; i < count; ++i) {
      const epoll_event event = events_[static_cast<size_t>(i)];
      if (event.data.ptr == nullptr) {
        eventfd_t value;
        eventfd_read(event_fd_, &value);
      } else {
        handle(*static_cast<LoopStream*>(event.data.ptr), event.events);
      }
    }
    return count > 0 ? static_cast<size_t>(count) : 0;
  }

  void wake() noexcept override { eventfd_write(event_fd_, 1); }

 private:
  static absl::Status watch_error() {
    return absl::ResourceExhaustedError(
        absl::StrCat("UringLoop: epoll_ctl: ", std::strerror(errno)));
  }

  int wait(int64_t wait_ns) noexcept {
    const int size = static_cast<int>(events_.size());
#ifdef SYS_epoll_pwait2
    if (!milliseconds_only_) {
      timespec timeout;
      timeout.tv_sec = wait_ns / 1'000'000'000;
      timeout.tv_nsec = wait_ns % 1'000'000'000;
      const long count =
          syscall(SYS_epoll_pwait2, epoll_fd_, events_.data(), size,
                  wait_ns == kForever ? nullptr : &timeout, nullptr, 0);
      if (count >= 0 || errno == EINTR) return static_cast<int>(count);
      milliseconds_only_ = true;  // Linux before 5.11, or a sandbox
    }
#endif
    const int64_t milliseconds =
        wait_ns == kForever ? -1 : (wait_ns + 999'999) / 1'000'000;
    const int count =
        epoll_wait(epoll_fd_, events_.data(), size,
                   static_cast<int>(std::min<int64_t>(milliseconds, INT_MAX)));
    if (count < 0 && errno != EINTR) {
      // It would come again in every turn.
      std::fprintf(stderr, "wirebook::EpollBackend %p: epoll_wait: %s\n",
                   static_cast<const void*>(this), std::strerror(errno));
      std::abort();
    }
    return count;
  }

  void handle(LoopStream& stream, uint32_t events) noexcept {
    if (stream.state == LoopStream::State::kConnecting) {
      int error = 0;
      socklen_t size = sizeof(error);
      getsockopt(stream.fd, SOL_SOCKET, SO_ERROR, &error, &size);
      if (error != 0) {
        end(stream, error);
        return;
      }
      stream.state = LoopStream::State::kOpen;
      stream.receiving = stream.slab != nullptr;
      watch(stream);
      stream.handler->on_connected();
      return;
    }
    // An earlier event of this batch may have closed or ended it.
    if (stream.state != LoopStream::State::kOpen || stream.ended) return;
    if (stream.send_pending && (events & EPOLLOUT) != 0) {
      send(stream);
    }
    if ((events & (EPOLLIN | EPOLLERR | EPOLLHUP | EPOLLRDHUP)) != 0) {
      receive_some(stream);
    }
  }

  void receive_some(LoopStream& stream) noexcept {
    for (int i = 0; i < kReceivesPerTurn; ++i) {
      if (stream.state != LoopStream::State::kOpen || stream.ended) return;
      RawMessageSlab& slab = *stream.slab;
      const size_t room = stream.room();
      if (room == 0) {
        stream.starved = true;
        stream.receiving = false;
        ++stream.starvations;
        watch(stream);
        return;
      }
      ++system_calls_;
      const ssize_t n = receive(stream);
      const uint64_t ticks = TscClock::ticks();
      if (n > 0) {
        slab.commit(static_cast<size_t>(n));
        stream.handler->on_received(ticks);
        // A short receive has emptied the socket: the next would say EAGAIN.
        if (static_cast<size_t>(n) < room) return;
      } else if (n == 0) {
        end(stream, 0);
      } else if (errno == EAGAIN) {
        return;
      } else if (errno != EINTR) {
        end(stream, errno);
      }
    }
  }

  bool watch(LoopStream& stream) noexcept {
    return watch(stream, (stream.receiving ? uint32_t{EPOLLIN} : 0u) |
                             (stream.send_pending ? uint32_t{EPOLLOUT} : 0u));
  }

  // Errors and hang-ups are reported whatever one watches for: a stream that
  // wants nothing leaves the set, or it could keep the loop awake.
  bool watch(LoopStream& stream, uint32_t wanted) noexcept {
    if (wanted == stream.watched) return true;
    const int operation = wanted == 0           ? EPOLL_CTL_DEL
                          : stream.watched == 0 ? EPOLL_CTL_ADD
                                                : EPOLL_CTL_MOD;
    epoll_event event = {};
    event.events = wanted;
    event.data.ptr = &stream;
    stream.watched = wanted;
    ++system_calls_;
    return epoll_ctl(epoll_fd_, operation, stream.fd, &event) == 0;
  }

  void end(LoopStream& stream, int error) noexcept {
    stream.receiving = stream.send_pending = false;
    watch(stream);
    stream.end(error);
  }

  const int epoll_fd_;
  const int event_fd_;
  bool milliseconds_only_ = false;
  std::vector<epoll_event> events_;
  std::vector<std::pair<LoopStream*, int>> failed_connects_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<LoopBackend>> make_epoll_backend(
    size_t max_streams) {
  const int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  const int event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  epoll_event event = {};
  event.events = EPOLLIN;
  event.data.ptr = nullptr;
  if (epoll_fd < 0 || event_fd < 0 ||
      epoll_ctl(epoll_fd, EPOLL_CTL_ADD, event_fd, &event) != 0) {
    const int error = errno;
    if (epoll_fd >= 0) close(epoll_fd);
    if (event_fd >= 0) close(event_fd);
    return absl::ResourceExhaustedError(
        absl::StrCat("UringLoop: epoll: ", std::strerror(error)));
  }
  return std::make_unique<EpollBackend>(epoll_fd, event_fd, max_streams);
}

}  // namespace wirebook
