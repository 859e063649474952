// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// UringLoop: one thread's event loop over io_uring: streams that receive into
// the slabs of a RawMessagePool, timers, and wake-up from other threads.
//
// Use it as the ground under WebSocketReader; on its own for another protocol
// over TCP. It owns no thread: call run_once() in a loop on one of yours.
//
// What the kernel offers decides, by trying, never by version:
//   uring-inc      multishot receive into a provided-buffer ring whose buffers
//                  are consumed bit by bit (Linux 6.12): one submission for
//                  the life of a connection;
//   uring-oneshot  one receive at a time into the slab (older kernels);
//   epoll          where io_uring is refused (seccomp in containers).
// backend_name() says which it is; all three deliver the same.
//
// Thread rules: set-up on any one thread, then the thread that first calls
// run_once() owns the loop, destroys it, and is the only one to call anything
// but wake(). Streams must be closed, and their on_closed seen, before the slab
// is given away; the destructor does so for those that are left, silently.
//
// Cost: in a saturated drain one system call per 64 KiB or so; README.md.
//
//   auto loop = *wirebook::UringLoop::create({}, pool.get());
//   wirebook::LoopStream* s = *loop->open(address, size, slab, &handler);
//   while (running) loop->run_once();

#ifndef WIREBOOK_NET_URING_LOOP_H_
#define WIREBOOK_NET_URING_LOOP_H_

#include <sys/socket.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "net/loop_backend.h"
#include "net/raw_message_pool.h"
#include "net/wait_mode.h"

namespace wirebook {

enum class LoopBackendChoice : uint8_t {
  kAuto,  // the first of these that the kernel grants
  kUringIncremental,
  kUringOneShot,
  kEpoll,
};

struct UringLoopOptions {
  WaitMode wait = WaitMode::kAdaptive;
  LoopBackendChoice backend = LoopBackendChoice::kAuto;
  size_t max_streams = 64;
  // kAdaptive: how long after the last event the loop still spins.
  uint64_t adaptive_spin_ns = 50'000;
  // Bytes that may wait to be sent, per stream, less than 4 GiB; twice this is
  // allocated.
  size_t send_queue_bytes = size_t{64} << 10;
  // Time for timers, in ns; nullptr is CLOCK_MONOTONIC.
  uint64_t (*now_ns)() = nullptr;
};

// Derive, and keep it alive while it is started.
class LoopTimer {
 public:
  virtual ~LoopTimer() = default;
  virtual void on_timer() noexcept = 0;
  bool started() const noexcept { return started_; }

 private:
  friend class UringLoop;
  uint64_t deadline_ns_ = 0;
  uint64_t round_ = 0;  // the loop's when it was started
  bool started_ = false;
};

// Work that another thread asks for: run() is called on the loop's thread,
// at least once after each wake().
class LoopTask {
 public:
  virtual ~LoopTask() = default;
  virtual void run() noexcept = 0;
};

// Of a stream's socket; TCP_NODELAY is always on.
struct SocketOptions {
  // SO_RCVBUF before the connect, so that the window's scale follows it; the
  // kernel doubles it and cuts it at net.core.rmem_max. 0 leaves the size to
  // the kernel's own tuning, which a fixed one ends.
  int receive_buffer_bytes = 0;
  // SO_BUSY_POLL: how long a receive may poll the device's queue. More than
  // net.core.busy_read wants CAP_NET_ADMIN. 0 leaves it alone.
  int busy_poll_us = 0;
  // SO_TIMESTAMPNS: when the kernel took a packet in, which is in
  // LoopStream::kernel_receive_ns in on_received(), and in RawMessages. Such a
  // stream receives by recvmsg, one at a time, on every backend. The first
  // packets may come without: the kernel turns stamping on when asked.
  bool kernel_timestamps = false;
};

// InvalidArgument names the number that is out of range.
absl::Status check_socket_options(const SocketOptions& options);

class UringLoop {
 public:
  // `pool` (may be nullptr) is reclaimed in every turn and must outlive the
  // loop. Fails when the backend that was asked for is not to be had, or says
  // what is wrong with the options.
  static absl::StatusOr<std::unique_ptr<UringLoop>> create(
      const UringLoopOptions& options, RawMessagePool* pool);
  // The same over a backend of the caller's.
  static absl::StatusOr<std::unique_ptr<UringLoop>> create(
      const UringLoopOptions& options, RawMessagePool* pool,
      std::unique_ptr<LoopBackend> backend);
  ~UringLoop();
  UringLoop(const UringLoop&) = delete;
  UringLoop& operator=(const UringLoop&) = delete;

  // "uring-inc", "uring-oneshot" or "epoll".
  const char* backend_name() const noexcept { return backend_->name(); }
  RawMessagePool* pool() const noexcept { return pool_; }
  const UringLoopOptions& options() const noexcept { return options_; }
  // What it has asked of the kernel so far: io_uring_enter, or epoll's calls.
  uint64_t system_calls() const noexcept { return backend_->system_calls(); }
  // Streams that it ended because the kernel said that it had received to
  // another place than it was given (kMisplacedReceive).
  uint64_t misplaced_receives() const noexcept {
    return backend_->misplaced_receives();
  }

  // One turn: tasks, what came home to the pool, timers, then the kernel's
  // events; waits as the wait mode says, but no longer than `max_wait_ns`.
  // Returns the number of events, with timers and tasks; it does not sleep
  // after one of these has run.
  size_t run_once(uint64_t max_wait_ns = kNoLimit);

  // Any thread: runs the tasks soon, ending a wait. A system call only when
  // the loop sleeps.
  void wake() noexcept;

  // ---- Owner thread

  void add_task(LoopTask* task);
  // Also from a task's run().
  void remove_task(LoopTask* task) noexcept;

  // Calls timer->on_timer() once, `delay_ns` from now, kNoLimit being never;
  // started again, the earlier start is forgotten. Started by a timer, it waits
  // for the next turn.
  void start_timer(LoopTimer* timer, uint64_t delay_ns);
  void stop_timer(LoopTimer* timer) noexcept;
  uint64_t now_ns() const noexcept { return now_ns_(); }

  // Connects a TCP socket to `address`; what arrives goes to `slab`, from its
  // write position. handler's on_connected or on_ended tells. With nullptr for
  // a slab nothing is received until attach(): for several attempts of which
  // one shall win. An error is a full loop's, or a socket's or an option's.
  absl::StatusOr<LoopStream*> open(const sockaddr* address, socklen_t size,
                                   RawMessageSlab* slab, StreamHandler* handler,
                                   const SocketOptions& options = {});
  // A connected stream that has no slab gets one, and begins to receive. After
  // an error it still has none.
  absl::Status attach(LoopStream* stream, RawMessageSlab* slab);
  // From here on the stream's events are another handler's.
  static void set_handler(LoopStream* stream, StreamHandler* handler) noexcept {
    stream->handler = handler;
  }
  // Queues a copy, in order; false, and nothing queued, when it does not fit
  // in send_queue_bytes or the stream is not open.
  bool send(LoopStream* stream, std::string_view bytes) noexcept;
  // The same without a copy: room for `size` bytes, or nullptr; then
  // finish_send with as many as were written there.
  char* prepare_send(LoopStream* stream, size_t size) noexcept;
  void finish_send(LoopStream* stream, size_t size) noexcept;
  // The handler cannot take more now: on_reclaimed() is called in the next
  // turn that finds more come home to the loop's pool (without one: in the next
  // turn), once for each call.
  void set_stalled(LoopStream* stream) noexcept;
  // As send(); what it leaves in the send queue is wiped by wipe_secrets(), to
  // be called when nothing is unsent, or when the stream has been closed.
  bool send_secret(LoopStream* stream, std::string_view bytes) noexcept;
  static void wipe_secrets(LoopStream* stream) noexcept;
  // Ends the stream; queued bytes that were not sent yet are lost. on_closed()
  // follows in a later turn, and nothing else.
  void close(LoopStream* stream) noexcept;

  // The same without on_closed(); the slab, if it has one, goes back to the
  // pool when the kernel is done with it.
  void close_and_return_slab(LoopStream* stream) noexcept;

  // Sends that the kernel has not taken yet.
  static size_t unsent(const LoopStream* stream) noexcept {
    return stream->queued_size + stream->sending_size - stream->sent;
  }

  static constexpr uint64_t kNoLimit = UINT64_MAX;

 private:
  UringLoop(const UringLoopOptions& options, RawMessagePool* pool,
            std::unique_ptr<LoopBackend> backend);

  size_t run_tasks() noexcept;
  int64_t wait_time(uint64_t max_wait_ns) noexcept;
  size_t run_timers() noexcept;
  size_t after_reclaim() noexcept;
  void finish_closed() noexcept;

  const UringLoopOptions options_;
  uint64_t (*const now_ns_)();
  RawMessagePool* const pool_;
  std::unique_ptr<LoopBackend> backend_;
  bool started_ = false;
  size_t closing_ = 0;  // streams that are to become kClosed
  uint64_t last_event_ns_ = 0;
  std::vector<std::unique_ptr<LoopStream>> streams_;
  std::vector<LoopTimer*> timers_;  // unordered: there are few
  uint64_t next_deadline_ns_ = kNoLimit;
  uint64_t timer_round_ = 0;  // counts calls of run_timers()
  std::vector<LoopTask*> tasks_;
  size_t next_task_ = 0;  // of run_tasks()

  // Written by wake(); both seq_cst, with each other: see wake().
  std::atomic<bool> wake_requested_{false};
  std::atomic<bool> sleeping_{false};
};

}  // namespace wirebook

#endif  // WIREBOOK_NET_URING_LOOP_H_
