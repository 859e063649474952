// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// LoopBackend: the seam between UringLoop and the kernel's interfaces: io_uring
// (uring_backend.h) and epoll (epoll_backend.h).
//
// Private to net: users take UringLoop, which picks a backend. Tests may put a
// backend of their own below the loop.
//
// Owner thread only, except `wake`.

#ifndef WIREBOOK_NET_LOOP_BACKEND_H_
#define WIREBOOK_NET_LOOP_BACKEND_H_

#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "net/raw_message_pool.h"

namespace wirebook {

// An error of on_ended that is no errno: the kernel says that it has received
// to another place than the slab's write position. Nothing of it is handed
// over.
inline constexpr int kMisplacedReceive = -1;

// What an error of on_ended says.
inline const char* stream_error_text(int error) {
  return error == kMisplacedReceive
             ? "the kernel received to another place than it was given"
             : std::strerror(error);
}

// What happens to a stream. Called on the loop's thread; every call may use
// the loop, close() included.
class StreamHandler {
 public:
  virtual ~StreamHandler() = default;
  // The connection stands; sends are possible.
  virtual void on_connected() noexcept = 0;
  // The slab's write position has moved on.
  virtual void on_received(uint64_t receive_ticks) noexcept = 0;
  // Nothing more comes or goes: 0 is the peer's orderly end, otherwise the
  // errno of connect, receive or send, or kMisplacedReceive. At most once;
  // close() must follow.
  virtual void on_ended(int error) noexcept = 0;
  // Something came home to the pool since set_stalled().
  virtual void on_reclaimed() noexcept = 0;
  // close() is complete: neither handler nor slab is in use any more.
  virtual void on_closed() noexcept = 0;
};

// What the kernel may write to a slab before the parser has seen it. The bytes
// then lie in the L2 cache (1 MiB on a server's core) still, however large the
// slab is: a backlog of 2 MiB in one go cost a third more a message.
inline constexpr size_t kReceiveAheadBytes = 4 * kRawMessageSlotBytes;

// One connection of a loop. Its fields are for the loop and its backends.
struct LoopStream {
  enum class State : uint8_t { kFree, kConnecting, kOpen, kClosing, kClosed };

  StreamHandler* handler = nullptr;
  RawMessageSlab* slab = nullptr;  // nullptr until attach()
  int fd = -1;
  uint16_t index = 0;
  State state = State::kFree;
  bool ended = false;         // on_ended was called, or would have been
  bool receiving = false;     // a receive is under way or epoll watches
  bool starved = false;       // stopped because the slab is full
  bool stalled = false;       // the handler waits for the pool
  bool send_pending = false;  // the kernel has, or epoll watches for, `sending`
  uint32_t in_flight = 0;     // io_uring: operations the kernel has
  uint32_t watched = 0;       // epoll: the events that it watches for
  uint64_t starvations = 0;   // receives that stopped for want of a slot
  uint64_t stalled_at = 0;    // the pool's came_home() in set_stalled()

  sockaddr_storage address = {};
  socklen_t address_size = 0;

  // With kernel timestamps, which travel beside the bytes: each receive is a
  // recvmsg of its own into the slab.
  bool timestamps = false;
  uint64_t kernel_receive_ns = 0;  // CLOCK_REALTIME; 0: the kernel said none
  msghdr message = {};
  iovec vector = {};
  alignas(cmsghdr) char control[64] = {};

  // How much may be received into the slab now, behind its write position.
  size_t room() const noexcept {
    return std::min(slab->writable_bytes(), kReceiveAheadBytes);
  }
  // Sets `message` to room().
  void prepare_message() noexcept {
    vector = {slab->write_pointer(), room()};
    message = {};
    message.msg_iov = &vector;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof(control);
  }
  // Takes the stamp out of a `message` that was received.
  void take_timestamp() noexcept {
    kernel_receive_ns = 0;
    for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr;
         header = CMSG_NXTHDR(&message, header)) {
      if (header->cmsg_level != SOL_SOCKET ||
          header->cmsg_type != SCM_TIMESTAMPNS) {
        continue;
      }
      timespec stamp;
      std::memcpy(&stamp, CMSG_DATA(header), sizeof(stamp));
      kernel_receive_ns = static_cast<uint64_t>(stamp.tv_sec) * 1'000'000'000 +
                          static_cast<uint64_t>(stamp.tv_nsec);
    }
  }

  // Bytes to send: `sending` is what the kernel has, `queued` comes next.
  std::unique_ptr<char[]> queued;
  std::unique_ptr<char[]> sending;
  size_t queued_size = 0;
  size_t sending_size = 0;
  size_t sent = 0;          // of `sending`
  size_t secret_bytes = 0;  // at the begin of either, to be wiped

  // Moves `queued` to `sending`, when that is empty; false if nothing is left.
  bool next_send() {
    if (sent == sending_size) {
      std::swap(queued, sending);
      sending_size = queued_size;
      queued_size = 0;
      sent = 0;
    }
    return sent != sending_size;
  }

  // Tells the handler once; not after close().
  void end(int error) {
    if (ended) return;
    ended = true;
    if (state == State::kConnecting || state == State::kOpen) {
      handler->on_ended(error);
    }
  }
};

class LoopBackend {
 public:
  static constexpr int64_t kForever = -1;

  virtual ~LoopBackend() = default;
  virtual const char* name() const noexcept = 0;

  // Called once by the thread that will run the loop, before the first poll.
  virtual absl::Status start() = 0;

  // `stream` has a socket and an address: connect; with a slab, receive then.
  virtual absl::Status connect(LoopStream& stream) = 0;
  // `stream`, connected without a slab, has one now: receive.
  virtual absl::Status attach(LoopStream& stream) = 0;
  // Sends what next_send() gives, unless a send is under way.
  virtual void send(LoopStream& stream) noexcept = 0;
  // Slots of the slab have returned: hand them over, go on receiving.
  virtual void replenish(LoopStream& stream) noexcept = 0;
  // Gives up what is in flight; the state becomes kClosed when all is done.
  virtual void close(LoopStream& stream) noexcept = 0;

  // Handles what has happened, waiting up to `wait_ns` (kForever; 0 is not at
  // all) for the first event. Returns how many events there were.
  virtual size_t poll(int64_t wait_ns) noexcept = 0;

  // Any thread: ends the wait of poll().
  virtual void wake() noexcept = 0;

  // Of connecting, receiving, sending and waiting, on the loop's thread.
  uint64_t system_calls() const noexcept { return system_calls_; }
  // Streams that ended by kMisplacedReceive.
  uint64_t misplaced_receives() const noexcept { return misplaced_receives_; }

 protected:
  uint64_t system_calls_ = 0;
  uint64_t misplaced_receives_ = 0;
};

}  // namespace wirebook

#endif  // WIREBOOK_NET_LOOP_BACKEND_H_
