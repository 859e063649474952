// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "net/uring_loop.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "net/epoll_backend.h"
#include "net/uring_backend.h"

namespace wirebook {
namespace {

// While a slab is full or messages are missing, nobody wakes the loop when one
// comes home: a release is wait-free and makes no system call.
constexpr uint64_t kStarvedWaitNs = 100'000;

uint64_t monotonic_ns() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 +
         static_cast<uint64_t>(now.tv_nsec);
}

absl::StatusOr<std::unique_ptr<LoopBackend>> make_backend(
    const UringLoopOptions& options) {
  switch (options.backend) {
    case LoopBackendChoice::kUringIncremental:
      return make_uring_backend(UringReceive::kIncremental,
                                options.max_streams);
    case LoopBackendChoice::kUringOneShot:
      return make_uring_backend(UringReceive::kOneShot, options.max_streams);
    case LoopBackendChoice::kEpoll:
      return make_epoll_backend(options.max_streams);
    case LoopBackendChoice::kAuto:
      break;
  }
  for (const UringReceive receive :
       {UringReceive::kIncremental, UringReceive::kOneShot}) {
    absl::StatusOr<std::unique_ptr<LoopBackend>> backend =
        make_uring_backend(receive, options.max_streams);
    if (backend.ok()) return backend;
  }
  return make_epoll_backend(options.max_streams);
}

absl::Status check_options(const UringLoopOptions& options) {
  if (options.max_streams == 0 || options.max_streams > 32768) {
    return absl::InvalidArgumentError(absl::StrCat("UringLoop: max_streams is ",
                                                   options.max_streams,
                                                   "; give 1 to 32768"));
  }
  // The kernel takes the length of a send in 32 bits.
  if (options.send_queue_bytes == 0 || options.send_queue_bytes > UINT32_MAX) {
    return absl::InvalidArgumentError(absl::StrCat(
        "UringLoop: send_queue_bytes is ", options.send_queue_bytes,
        "; give room for the longest message, and less than "
        "4 GiB"));
  }
  return absl::OkStatus();
}

absl::Status set_options(int fd, const SocketOptions& options) {
  const int on = 1;
  // Refused only by sockets that are not TCP, which do not need it.
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  const struct {
    const char* name;
    int number;
    int value;
  } all[] = {
      {"SO_RCVBUF", SO_RCVBUF, options.receive_buffer_bytes},
      {"SO_BUSY_POLL", SO_BUSY_POLL, options.busy_poll_us},
      {"SO_TIMESTAMPNS", SO_TIMESTAMPNS, options.kernel_timestamps ? 1 : 0}};
  for (const auto& option : all) {
    if (option.value != 0 &&
        setsockopt(fd, SOL_SOCKET, option.number, &option.value,
                   sizeof(option.value)) != 0) {
      return absl::UnavailableError(absl::StrCat("UringLoop: ", option.name,
                                                 " ", option.value, ": ",
                                                 std::strerror(errno)));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status check_socket_options(const SocketOptions& options) {
  if (options.receive_buffer_bytes < 0) {
    return absl::InvalidArgumentError(absl::StrCat(
        "SocketOptions: receive_buffer_bytes is ", options.receive_buffer_bytes,
        "; give 0, which leaves it to the kernel, or more"));
  }
  if (options.busy_poll_us < 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("SocketOptions: busy_poll_us is ", options.busy_poll_us,
                     "; give 0, which leaves it to the kernel, or more"));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<UringLoop>> UringLoop::create(
    const UringLoopOptions& options, RawMessagePool* pool) {
  // Before a backend of so many streams is made.
  if (absl::Status status = check_options(options); !status.ok()) return status;
  absl::StatusOr<std::unique_ptr<LoopBackend>> backend = make_backend(options);
  if (!backend.ok()) return backend.status();
  return create(options, pool, *std::move(backend));
}

absl::StatusOr<std::unique_ptr<UringLoop>> UringLoop::create(
    const UringLoopOptions& options, RawMessagePool* pool,
    std::unique_ptr<LoopBackend> backend) {
  if (absl::Status status = check_options(options); !status.ok()) return status;
  if (backend == nullptr) {
    return absl::InvalidArgumentError(
        "UringLoop: backend is nullptr; leave it out to take the kernel's");
  }
  return std::unique_ptr<UringLoop>(
      new UringLoop(options, pool, std::move(backend)));
}

UringLoop::UringLoop(const UringLoopOptions& options, RawMessagePool* pool,
                     std::unique_ptr<LoopBackend> backend)
    : options_(options),
      now_ns_(options.now_ns != nullptr ? options.now_ns : monotonic_ns),
      pool_(pool),
      backend_(std::move(backend)) {
  streams_.reserve(options.max_streams);
  timers_.reserve(4 * options.max_streams);
}

UringLoop::~UringLoop() {
  // The kernel must be done with the slabs before they may go away.
  for (const std::unique_ptr<LoopStream>& stream : streams_) {
    if (stream->state != LoopStream::State::kFree) close(stream.get());
    stream->handler = nullptr;
  }
  if (closing_ != 0 && !started_) started_ = backend_->start().ok();
  for (int turn = 0; closing_ != 0 && turn < 1000; ++turn) {
    backend_->poll(1'000'000);
    finish_closed();
  }
  if (closing_ != 0) {
    std::fprintf(stderr,
                 "wirebook::UringLoop %p: destroyed on a thread that did not "
                 "run it, or the kernel keeps %zu streams\n",
                 static_cast<void*>(this), closing_);
    std::abort();
  }
}

size_t UringLoop::run_once(uint64_t max_wait_ns) {
  if (!started_) [[unlikely]] {
    const absl::Status status = backend_->start();
    if (!status.ok()) {
      std::fprintf(stderr, "wirebook::UringLoop %p: %s\n",
                   static_cast<void*>(this), status.ToString().c_str());
      std::abort();
    }
    started_ = true;
  }
  size_t events = 0;
  // Relaxed first: the exchange costs a locked instruction.
  if (wake_requested_.load(std::memory_order_relaxed) &&
      wake_requested_.exchange(false, std::memory_order_seq_cst)) {
    events += run_tasks();
  }
  if (pool_ != nullptr) pool_->reclaim();
  events += after_reclaim();
  if (next_deadline_ns_ != kNoLimit) events += run_timers();

  // Whoever called may have waited for just what these did: no sleep then.
  const int64_t wait = events != 0 ? 0 : wait_time(max_wait_ns);
  if (wait == 0) {
    events += backend_->poll(0);
  } else {
    sleeping_.store(true, std::memory_order_seq_cst);
    // Either this load sees the request, or wake() sees `sleeping_`.
    const bool woken = wake_requested_.load(std::memory_order_seq_cst);
    events += backend_->poll(woken ? 0 : wait);
    sleeping_.store(false, std::memory_order_relaxed);
  }
  if (events != 0 && options_.wait == WaitMode::kAdaptive) {
    last_event_ns_ = now_ns_();
  }
  if (closing_ != 0) finish_closed();
  return events;
}

void UringLoop::wake() noexcept {
  wake_requested_.store(true, std::memory_order_seq_cst);
  // Either this load sees the sleeper, or it sees the request: see run_once.
  if (sleeping_.load(std::memory_order_seq_cst)) backend_->wake();
}

int64_t UringLoop::wait_time(uint64_t max_wait_ns) noexcept {
  if (options_.wait == WaitMode::kSpin || max_wait_ns == 0) return 0;
  uint64_t now = 0;
  if (options_.wait == WaitMode::kAdaptive) {
    now = now_ns_();
    if (now - last_event_ns_ < options_.adaptive_spin_ns) return 0;
  }
  uint64_t wait = max_wait_ns;
  if (next_deadline_ns_ != kNoLimit) {
    if (now == 0) now = now_ns_();
    if (next_deadline_ns_ <= now) return 0;
    wait = std::min(wait, next_deadline_ns_ - now);
  }
  for (const std::unique_ptr<LoopStream>& stream : streams_) {
    if (stream->state == LoopStream::State::kClosed) return 0;
    if (stream->starved || stream->stalled) {
      wait = std::min(wait, kStarvedWaitNs);
    }
  }
  return wait > INT64_MAX ? LoopBackend::kForever : static_cast<int64_t>(wait);
}

size_t UringLoop::after_reclaim() noexcept {
  size_t asked = 0;
  for (size_t i = 0; i < streams_.size(); ++i) {
    LoopStream& stream = *streams_[i];
    if (stream.state != LoopStream::State::kOpen) continue;
    if (stream.stalled &&
        (pool_ == nullptr || pool_->came_home() != stream.stalled_at)) {
      stream.stalled = false;
      stream.handler->on_reclaimed();
      if (!stream.stalled) ++asked;
      if (stream.state != LoopStream::State::kOpen) continue;
    }
    if (!stream.ended && stream.slab != nullptr) backend_->replenish(stream);
  }
  return asked;
}

void UringLoop::finish_closed() noexcept {
  for (size_t i = 0; i < streams_.size(); ++i) {
    LoopStream& stream = *streams_[i];
    if (stream.state != LoopStream::State::kClosed) continue;
    StreamHandler* const handler = std::exchange(stream.handler, nullptr);
    RawMessageSlab* const slab = std::exchange(stream.slab, nullptr);
    stream.state = LoopStream::State::kFree;
    wipe_secrets(&stream);
    --closing_;
    if (handler != nullptr) {
      handler->on_closed();
    } else if (pool_ != nullptr && slab != nullptr) {
      pool_->return_slab(slab);
    }
  }
}

void UringLoop::add_task(LoopTask* task) { tasks_.push_back(task); }

void UringLoop::remove_task(LoopTask* task) noexcept {
  const auto found = std::find(tasks_.begin(), tasks_.end(), task);
  if (found == tasks_.end()) return;
  // Those behind it move up: none is passed over.
  if (static_cast<size_t>(found - tasks_.begin()) < next_task_) --next_task_;
  tasks_.erase(found);
}

size_t UringLoop::run_tasks() noexcept {
  size_t ran = 0;
  for (next_task_ = 0; next_task_ < tasks_.size(); ++ran) {
    tasks_[next_task_++]->run();
  }
  next_task_ = 0;
  return ran;
}

void UringLoop::start_timer(LoopTimer* timer, uint64_t delay_ns) {
  if (!timer->started_) {
    timers_.push_back(timer);
    timer->started_ = true;
  }
  const uint64_t now = now_ns_();
  timer->deadline_ns_ = delay_ns < kNoLimit - now ? now + delay_ns : kNoLimit;
  timer->round_ = timer_round_;
  next_deadline_ns_ = std::min(next_deadline_ns_, timer->deadline_ns_);
}

void UringLoop::stop_timer(LoopTimer* timer) noexcept {
  if (!timer->started_) return;
  timer->started_ = false;
  *std::find(timers_.begin(), timers_.end(), timer) = timers_.back();
  timers_.pop_back();
}

size_t UringLoop::run_timers() noexcept {
  const uint64_t now = now_ns_();
  if (now < next_deadline_ns_) return 0;
  // Not those that are started from here on: one that starts itself again at
  // once must not keep the turn from its end.
  ++timer_round_;
  size_t fired = 0;
  for (;;) {
    // A timer's function may start and stop others: look again after each.
    LoopTimer* due = nullptr;
    next_deadline_ns_ = kNoLimit;
    for (LoopTimer* timer : timers_) {
      if (timer->deadline_ns_ <= now && timer->round_ != timer_round_ &&
          (due == nullptr || timer->deadline_ns_ < due->deadline_ns_)) {
        due = timer;
      }
      next_deadline_ns_ = std::min(next_deadline_ns_, timer->deadline_ns_);
    }
    if (due == nullptr) return fired;
    stop_timer(due);
    due->on_timer();
    ++fired;
  }
}

absl::StatusOr<LoopStream*> UringLoop::open(const sockaddr* address,
                                            socklen_t size,
                                            RawMessageSlab* slab,
                                            StreamHandler* handler,
                                            const SocketOptions& options) {
  if (address == nullptr || size > sizeof(sockaddr_storage) ||
      handler == nullptr) {
    return absl::InvalidArgumentError(
        "UringLoop: open() needs an address of at most sizeof(sockaddr_storage)"
        " and a handler");
  }
  if (absl::Status status = check_socket_options(options); !status.ok()) {
    return status;
  }
  LoopStream* stream = nullptr;
  for (const std::unique_ptr<LoopStream>& known : streams_) {
    if (known->state == LoopStream::State::kFree) stream = known.get();
  }
  if (stream == nullptr) {
    if (streams_.size() == options_.max_streams) {
      return absl::ResourceExhaustedError(
          absl::StrCat("UringLoop: all ", options_.max_streams,
                       " streams are open; raise max_streams"));
    }
    streams_.push_back(std::make_unique<LoopStream>());
    stream = streams_.back().get();
    stream->index = static_cast<uint16_t>(streams_.size() - 1);
    // Pages that no send ever uses stay untouched.
    stream->queued =
        std::make_unique_for_overwrite<char[]>(options_.send_queue_bytes);
    stream->sending =
        std::make_unique_for_overwrite<char[]>(options_.send_queue_bytes);
  }
  const int fd =
      socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) {
    return absl::UnavailableError(
        absl::StrCat("UringLoop: socket: ", std::strerror(errno)));
  }
  if (absl::Status status = set_options(fd, options); !status.ok()) {
    ::close(fd);
    return status;
  }

  stream->handler = handler;
  stream->slab = slab;
  stream->fd = fd;
  stream->state = LoopStream::State::kConnecting;
  stream->ended = stream->receiving = stream->starved = stream->stalled = false;
  stream->send_pending = false;
  stream->in_flight = stream->watched = 0;
  stream->starvations = 0;
  stream->timestamps = options.kernel_timestamps;
  stream->kernel_receive_ns = 0;
  stream->queued_size = stream->sending_size = stream->sent = 0;
  std::memcpy(&stream->address, address, size);
  stream->address_size = size;
  const absl::Status status = backend_->connect(*stream);
  if (!status.ok()) {
    ::close(fd);
    stream->state = LoopStream::State::kFree;
    return status;
  }
  return stream;
}

absl::Status UringLoop::attach(LoopStream* stream, RawMessageSlab* slab) {
  stream->slab = slab;
  absl::Status status = backend_->attach(*stream);
  if (!status.ok()) stream->slab = nullptr;
  return status;
}

char* UringLoop::prepare_send(LoopStream* stream, size_t size) noexcept {
  if (stream->state != LoopStream::State::kOpen || stream->ended ||
      size > options_.send_queue_bytes - stream->queued_size) {
    return nullptr;
  }
  return stream->queued.get() + stream->queued_size;
}

void UringLoop::finish_send(LoopStream* stream, size_t size) noexcept {
  stream->queued_size += size;
  if (!stream->send_pending) backend_->send(*stream);
}

bool UringLoop::send(LoopStream* stream, std::string_view bytes) noexcept {
  char* const room = prepare_send(stream, bytes.size());
  if (room == nullptr) return false;
  std::memcpy(room, bytes.data(), bytes.size());
  finish_send(stream, bytes.size());
  return true;
}

bool UringLoop::send_secret(LoopStream* stream,
                            std::string_view bytes) noexcept {
  const size_t end = stream->queued_size + bytes.size();
  if (!send(stream, bytes)) return false;
  stream->secret_bytes = std::max(stream->secret_bytes, end);
  return true;
}

void UringLoop::wipe_secrets(LoopStream* stream) noexcept {
  const size_t size = std::exchange(stream->secret_bytes, 0);
  if (size == 0) return;
  explicit_bzero(stream->queued.get(), size);
  explicit_bzero(stream->sending.get(), size);
}

void UringLoop::set_stalled(LoopStream* stream) noexcept {
  stream->stalled = true;
  if (pool_ != nullptr) stream->stalled_at = pool_->came_home();
}

void UringLoop::close(LoopStream* stream) noexcept {
  if (stream->state == LoopStream::State::kClosing ||
      stream->state == LoopStream::State::kClosed) {
    return;
  }
  stream->state = LoopStream::State::kClosing;
  ++closing_;
  backend_->close(*stream);
}

void UringLoop::close_and_return_slab(LoopStream* stream) noexcept {
  close(stream);
  stream->handler = nullptr;
}

}  // namespace wirebook
