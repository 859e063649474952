// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "net/uring_backend.h"

#include <liburing.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "absl/strings/str_cat.h"
#include "concurrency/tsc_clock.h"

namespace wirebook {
namespace {

// From include/uapi/linux/io_uring.h of Linux 6.12; liburing 2.3 is older.
constexpr uint16_t kPbufRingInc = 2;                   // IOU_PBUF_RING_INC
constexpr uint32_t kCqeBufferMore = uint32_t{1} << 4;  // IORING_CQE_F_BUF_MORE

// What a completion is for: in the low bits of user_data, below the stream's
// address.
enum Operation : uint64_t { kConnect, kReceive, kSend, kCancel, kWake };
constexpr uint64_t kOperationMask = 7;
static_assert(alignof(LoopStream) > kOperationMask);

absl::Status uring_error(const char* what, int error) {
  return absl::UnavailableError(absl::StrCat(
      "UringLoop: ", what, ": ", std::strerror(error),
      "; use LoopBackendChoice::kAuto to take what this kernel grants"));
}

// The provided-buffer ring of one stream: an entry for every slot of its slab.
// The kernel advances address and length of the first entry as it fills it.
struct BufferRing {
  // The ring's tail lies in the last two bytes of entry 0 (struct
  // io_uring_buf_ring, whose definition is not C++ in all versions).
  io_uring_buf* entries = nullptr;
  uint32_t capacity = 0;
  uint16_t tail = 0;
  bool registered = false;
  uint64_t provided = 0;  // slots below this number were handed over

  size_t mapped_bytes() const {
    return std::max<size_t>(capacity * sizeof(io_uring_buf), 4096);
  }
  void add(char* data, uint32_t size, uint16_t slot) {
    io_uring_buf& entry = entries[tail & (capacity - 1)];
    entry.addr = reinterpret_cast<uintptr_t>(data);
    entry.len = size;
    entry.bid = slot;
    ++tail;
  }
  void publish() {
    // Pairs with the kernel's acquire of the tail: the entries before it.
    std::atomic_ref(entries[0].resv).store(tail, std::memory_order_release);
  }
  bool map(uint32_t slots) {
    void* const memory =
        mmap(nullptr, std::max<size_t>(slots * sizeof(io_uring_buf), 4096),
             PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) return false;
    entries = static_cast<io_uring_buf*>(memory);
    capacity = slots;
    return true;
  }
  void unmap() {
    if (entries != nullptr) munmap(entries, mapped_bytes());
    entries = nullptr;
  }
};

int register_buffer_ring(io_uring* ring, const BufferRing& buffers,
                         uint16_t group) {
  io_uring_buf_reg request = {};
  request.ring_addr = reinterpret_cast<uintptr_t>(buffers.entries);
  request.ring_entries = buffers.capacity;
  request.bgid = group;
  // The 16 bits behind bgid: `pad` in headers before Linux 6.4, now `flags`.
  static_assert(offsetof(io_uring_buf_reg, bgid) == 12);
  std::memcpy(reinterpret_cast<char*>(&request) + 14, &kPbufRingInc,
              sizeof(kPbufRingInc));
  return io_uring_register_buf_ring(ring, &request, 0);
}

class UringBackend final : public LoopBackend {
 public:
  UringBackend(UringReceive receive, size_t max_streams)
      : incremental_(receive == UringReceive::kIncremental),
        buffers_(max_streams) {}

  ~UringBackend() override {
    if (ring_there_) io_uring_queue_exit(&ring_);
    if (event_fd_ >= 0) ::close(event_fd_);
    for (BufferRing& buffers : buffers_) buffers.unmap();
  }

  absl::Status init() {
    event_fd_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (event_fd_ < 0) return uring_error("eventfd", errno);
    // Disabled at first: the thread that enables the ring is its single issuer.
    const unsigned common =
        IORING_SETUP_R_DISABLED | IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP;
    int result = -EINVAL;
    for (const unsigned flags :
         {common | IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN,
          common | IORING_SETUP_COOP_TASKRUN, common}) {
      io_uring_params parameters = {};
      parameters.flags = flags;
      // A stream has at most a connect or receive, a send and their
      // cancellations under way; a multishot receive completes many times.
      const auto streams = static_cast<unsigned>(buffers_.size());
      parameters.cq_entries = std::max(4096u, 16 * streams);
      result = io_uring_queue_init_params(std::max(256u, 4 * streams), &ring_,
                                          &parameters);
      if (result != -EINVAL) break;
    }
    if (result < 0) return uring_error("io_uring_setup", -result);
    ring_there_ = true;
    io_uring_probe* const probe = io_uring_get_probe_ring(&ring_);
    bool complete = probe != nullptr;
    for (const int operation :
         {IORING_OP_CONNECT, IORING_OP_RECV, IORING_OP_RECVMSG, IORING_OP_SEND,
          IORING_OP_ASYNC_CANCEL}) {
      complete = complete && io_uring_opcode_supported(probe, operation);
    }
    io_uring_free_probe(probe);
    if (!complete) return uring_error("connect, receive or send", EOPNOTSUPP);
    if (incremental_) {
      BufferRing& buffers = buffers_[0];
      if (!buffers.map(1)) return uring_error("mmap", errno);
      result = register_buffer_ring(&ring_, buffers, 0);
      if (result >= 0) result = io_uring_unregister_buf_ring(&ring_, 0);
      buffers.unmap();
      if (result < 0) {
        return uring_error("incremental buffer ring", -result);
      }
    }
    return absl::OkStatus();
  }

  const char* name() const noexcept override {
    return incremental_ ? "uring-inc" : "uring-oneshot";
  }

  absl::Status start() override {
    const int result = io_uring_enable_rings(&ring_);
    if (result < 0) return uring_error("enable", -result);
    // Saves a file look-up per system call; not everywhere there.
    io_uring_register_ring_fd(&ring_);
    watch_event();
    return absl::OkStatus();
  }

  absl::Status connect(LoopStream& stream) override {
    if (into_ring(stream) && stream.slab != nullptr) {
      const absl::Status status = provide_slab(stream);
      if (!status.ok()) return status;
    }
    io_uring_sqe* const sqe = next_sqe(&stream, kConnect);
    io_uring_prep_connect(sqe, stream.fd,
                          reinterpret_cast<sockaddr*>(&stream.address),
                          stream.address_size);
    sqe->user_data = user_data(&stream, kConnect);
    return absl::OkStatus();
  }

  absl::Status attach(LoopStream& stream) override {
    if (into_ring(stream)) {
      const absl::Status status = provide_slab(stream);
      if (!status.ok()) return status;
    }
    replenish(stream);
    return absl::OkStatus();
  }

  void send(LoopStream& stream) noexcept override {
    if (!stream.next_send()) return;
    io_uring_sqe* const sqe = next_sqe(&stream, kSend);
    io_uring_prep_send(sqe, stream.fd, stream.sending.get() + stream.sent,
                       stream.sending_size - stream.sent,
                       MSG_NOSIGNAL | MSG_WAITALL);
    sqe->user_data = user_data(&stream, kSend);
    stream.send_pending = true;
  }

  void replenish(LoopStream& stream) noexcept override {
    const RawMessageSlab& slab = *stream.slab;
    if (!into_ring(stream)) {
      if (!stream.receiving && slab.writable_bytes() != 0) receive(stream);
      return;
    }
    BufferRing& buffers = buffers_[stream.index];
    const uint64_t limit =
        std::min(slab.write_limit(),
                 slab.write_position() + kReceiveAheadBytes) /
        kRawMessageSlotBytes;
    if (buffers.provided != limit) {
      for (; buffers.provided != limit; ++buffers.provided) {
        buffers.add(slab.at(buffers.provided * kRawMessageSlotBytes),
                    kRawMessageSlotBytes, slot_of(slab, buffers.provided));
      }
      buffers.publish();
    }
    if (!stream.receiving &&
        buffers.provided * kRawMessageSlotBytes != slab.write_position()) {
      receive(stream);
    }
  }

  void close(LoopStream& stream) noexcept override {
    if (stream.receiving) cancel(stream, kReceive);
    if (stream.send_pending) cancel(stream, kSend);
    if (stream.in_flight != 0) cancel(stream, kConnect);
    finish(stream);
  }

  size_t poll(int64_t wait_ns) noexcept override {
    if (io_uring_cq_ready(&ring_) != 0) {
      if (io_uring_sq_ready(&ring_) != 0) enter(io_uring_submit(&ring_));
    } else if (wait_ns == 0) {
      enter(io_uring_submit_and_get_events(&ring_));
    } else {
      __kernel_timespec timeout;
      timeout.tv_sec = wait_ns / 1'000'000'000;
      timeout.tv_nsec = wait_ns % 1'000'000'000;
      io_uring_cqe* first;
      enter(io_uring_submit_and_wait_timeout(
          &ring_, &first, 1, wait_ns == kForever ? nullptr : &timeout,
          nullptr));
    }
    size_t events = 0;
    // Those that are there now: what handlers cause belongs to the next turn.
    for (unsigned left = io_uring_cq_ready(&ring_); left != 0; --left) {
      io_uring_cqe* cqe;
      if (io_uring_peek_cqe(&ring_, &cqe) != 0) break;
      const uint64_t user_data = cqe->user_data;
      const int32_t result = cqe->res;
      const uint32_t flags = cqe->flags;
      io_uring_cqe_seen(&ring_, cqe);
      if (user_data == LIBURING_UDATA_TIMEOUT) continue;
      ++events;
      handle(user_data, result, flags);
    }
    return events;
  }

  void wake() noexcept override { eventfd_write(event_fd_, 1); }

 private:
  // Whether its receives take their room from a provided-buffer ring.
  bool into_ring(const LoopStream& stream) const noexcept {
    return incremental_ && !stream.timestamps;
  }
  static uint64_t user_data(LoopStream* stream, Operation operation) {
    return reinterpret_cast<uintptr_t>(stream) | operation;
  }
  static uint16_t slot_of(const RawMessageSlab& slab, uint64_t number) {
    return static_cast<uint16_t>(number & (slab.slots() - 1));
  }

  io_uring_sqe* next_sqe(LoopStream* stream, Operation operation) noexcept {
    io_uring_sqe* sqe = io_uring_get_sqe(&ring_);
    if (sqe == nullptr) {
      enter(io_uring_submit(&ring_));
      sqe = io_uring_get_sqe(&ring_);
      if (sqe == nullptr) die("the submission queue stays full", operation);
    }
    if (stream != nullptr) ++stream->in_flight;
    return sqe;
  }

  // The slab anew as buffer group stream.index: the rest of the slot that is
  // being filled, then all that are free.
  absl::Status provide_slab(LoopStream& stream) {
    const RawMessageSlab& slab = *stream.slab;
    BufferRing& buffers = buffers_[stream.index];
    if (buffers.registered) {
      io_uring_unregister_buf_ring(&ring_, stream.index);
      buffers.registered = false;
    }
    if (buffers.capacity != slab.slots() || buffers.entries == nullptr) {
      buffers.unmap();
      if (!buffers.map(static_cast<uint32_t>(slab.slots()))) {
        return uring_error("mmap", errno);
      }
    }
    buffers.tail = 0;
    buffers.publish();
    const int result = register_buffer_ring(&ring_, buffers, stream.index);
    if (result < 0) return uring_error("register buffer ring", -result);
    buffers.registered = true;
    const uint64_t position = slab.write_position();
    buffers.provided = position / kRawMessageSlotBytes;
    const size_t used = position % kRawMessageSlotBytes;
    if (used != 0) {
      buffers.add(slab.at(position),
                  static_cast<uint32_t>(kRawMessageSlotBytes - used),
                  slot_of(slab, buffers.provided));
      ++buffers.provided;
      buffers.publish();
    }
    return absl::OkStatus();
  }

  void receive(LoopStream& stream) noexcept {
    stream.receiving = true;
    stream.starved = false;
    io_uring_sqe* const sqe = next_sqe(&stream, kReceive);
    if (stream.timestamps) {
      // Not multishot: with an incremental ring it gives wrong addresses.
      stream.prepare_message();
      io_uring_prep_recvmsg(sqe, stream.fd, &stream.message, 0);
    } else if (incremental_) {
      io_uring_prep_recv_multishot(sqe, stream.fd, nullptr, 0, 0);
      sqe->flags |= IOSQE_BUFFER_SELECT;
      sqe->buf_group = stream.index;
    } else {
      io_uring_prep_recv(sqe, stream.fd, stream.slab->write_pointer(),
                         stream.room(), 0);
    }
    sqe->user_data = user_data(&stream, kReceive);
  }

  void cancel(LoopStream& stream, Operation operation) noexcept {
    io_uring_sqe* const sqe = next_sqe(&stream, kCancel);
    io_uring_prep_rw(IORING_OP_ASYNC_CANCEL, sqe, -1, nullptr, 0, 0);
    sqe->addr = user_data(&stream, operation);
    sqe->user_data = user_data(&stream, kCancel);
  }

  void finish(LoopStream& stream) noexcept {
    if (stream.state != LoopStream::State::kClosing || stream.in_flight != 0) {
      return;
    }
    ::close(stream.fd);
    stream.fd = -1;
    stream.state = LoopStream::State::kClosed;
  }

  void handle(uint64_t user_data, int32_t result, uint32_t flags) noexcept {
    auto* const address = reinterpret_cast<LoopStream*>(
        static_cast<uintptr_t>(user_data & ~kOperationMask));
    if (address == nullptr) {
      eventfd_t value;
      eventfd_read(event_fd_, &value);
      watch_event();
      return;
    }
    LoopStream& stream = *address;
    const auto operation = static_cast<Operation>(user_data & kOperationMask);
    if (operation == kReceive) {
      handle_receive(stream, result, flags);
    } else {
      --stream.in_flight;
      if (operation == kSend) {
        handle_send(stream, result);
      } else if (operation == kConnect &&
                 stream.state == LoopStream::State::kConnecting) {
        if (result < 0) {
          stream.end(-result);
        } else {
          stream.state = LoopStream::State::kOpen;
          if (stream.slab != nullptr) replenish(stream);
          stream.handler->on_connected();
        }
      }
    }
    finish(stream);
  }

  void handle_receive(LoopStream& stream, int32_t result,
                      uint32_t flags) noexcept {
    if ((flags & IORING_CQE_F_MORE) == 0) {
      --stream.in_flight;
      stream.receiving = false;
    }
    if (stream.state != LoopStream::State::kOpen || stream.ended) return;
    if (result > 0) {
      const uint64_t ticks = TscClock::ticks();
      const auto size = static_cast<size_t>(result);
      if (!in_place(stream, size, flags)) [[unlikely]] {
        ++misplaced_receives_;
        stream.end(kMisplacedReceive);
        return;
      }
      if (stream.timestamps) stream.take_timestamp();
      stream.slab->commit(size);
      stream.handler->on_received(ticks);
    } else if (result == 0) {
      stream.end(0);
    } else if (result != -ENOBUFS && result != -EINTR && result != -EAGAIN) {
      stream.end(-result);
    }
    if (stream.state != LoopStream::State::kOpen || stream.ended) return;
    // A multishot that ended, by ENOBUFS, by a full completion queue or for
    // the kernel's own reasons, starts again here or when a slot returns.
    replenish(stream);
    if (!stream.receiving && !stream.starved) {
      stream.starved = true;
      ++stream.starvations;
    }
  }

  // Whether the kernel has put the bytes, as it says, at the slab's write
  // position.
  bool in_place(const LoopStream& stream, size_t size,
                uint32_t flags) const noexcept {
    const RawMessageSlab& slab = *stream.slab;
    if (size > slab.writable_bytes()) return false;
    if (!into_ring(stream)) return true;
    const uint64_t position = slab.write_position();
    const size_t end = position % kRawMessageSlotBytes + size;
    return (flags & IORING_CQE_F_BUFFER) != 0 &&
           flags >> IORING_CQE_BUFFER_SHIFT ==
               slot_of(slab, position / kRawMessageSlotBytes) &&
           end <= kRawMessageSlotBytes &&
           ((flags & kCqeBufferMore) == 0) == (end == kRawMessageSlotBytes);
  }

  void handle_send(LoopStream& stream, int32_t result) noexcept {
    stream.send_pending = false;
    if (stream.state != LoopStream::State::kOpen) return;
    if (result >= 0) {
      stream.sent += static_cast<size_t>(result);
    } else if (result != -EINTR && result != -EAGAIN) {
      // The receiving side reports the same and may still have data.
      stream.sent = stream.sending_size;
      stream.queued_size = 0;
      return;
    }
    send(stream);
  }

  void watch_event() noexcept {
    io_uring_sqe* const sqe = next_sqe(nullptr, kWake);
    io_uring_prep_poll_add(sqe, event_fd_, POLLIN);
    sqe->user_data = user_data(nullptr, kWake);
  }

  // Counts a call of io_uring_enter and looks at its result. What passes by
  // itself is left to the next turn. Any other error would come again in every
  // turn, -EEXIST for one (io_uring_enter(2)): the ring belongs to another
  // thread.
  void enter(int result) noexcept {
    ++system_calls_;
    if (result >= 0 || result == -ETIME || result == -EINTR ||
        result == -EAGAIN || result == -EBUSY) [[likely]] {
      return;
    }
    std::fprintf(stderr,
                 "wirebook::UringBackend %p: io_uring_enter: %s; a loop is run "
                 "and destroyed by one thread\n",
                 static_cast<const void*>(this), std::strerror(-result));
    std::abort();
  }

  [[noreturn, gnu::cold, gnu::noinline]] void die(const char* what,
                                                  uint64_t number) const {
    std::fprintf(stderr, "wirebook::UringBackend %p: %s (%llu)\n",
                 static_cast<const void*>(this), what,
                 static_cast<unsigned long long>(number));
    std::abort();
  }

  const bool incremental_;
  io_uring ring_ = {};
  bool ring_there_ = false;
  int event_fd_ = -1;
  std::vector<BufferRing> buffers_;  // by stream.index
};

}  // namespace

absl::StatusOr<std::unique_ptr<LoopBackend>> make_uring_backend(
    UringReceive receive, size_t max_streams) {
  auto backend = std::make_unique<UringBackend>(receive, max_streams);
  const absl::Status status = backend->init();
  if (!status.ok()) return status;
  return backend;
}

}  // namespace wirebook
