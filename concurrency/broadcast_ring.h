// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// A broadcast ring: one writer's messages to any number of readers in other
// processes, over shared memory. The writer never waits: a reader that is too
// slow is lapped, and told how many messages it lost.
//
// When: books, trades, figures for other programs on this machine. Inside one
// process and with back pressure: event_bus.h; only the newest value: seqlock.h
// (lives in shared memory, too); objects handed over without a copy:
// memory/shared_pool.h, its handles through a ring like this.
//
// Progress: publish() and poll() are wait-free. Readers only load: they map the
// ring read-only, the writer does not know of them, and none can harm it or
// another. Every message has a number, 0 and up without a gap, over all
// writers: what a reader received and what it was told that it lost is all.
//
// A writer may be killed at any instruction. Readers notice that it is silent
// (kWriterDead); a successor takes over where it ended, exclusively: the writer
// holds a lock that the kernel takes back when its memory is gone
// (memory/shared_segment.h). A message that was half written is never shown,
// one that was whole is kept, and readers go on from where they are.
//
// Cost: a word's store per 8 bytes and four more a message; a load per 8 bytes
// and three more. One message is one line transfer up to 48 bytes. Memory: a
// message's greatest length and 16 bytes a slot, in lines of 64. Figures:
// COSTS.md.
//
// Errors: a foreign, truncated or damaged file is an absl::Status. What is
// damaged afterwards is kDamaged or nonsense in a message, never an access
// beyond the ring. A named ring that somebody truncates while it is mapped
// raises SIGBUS; one of create_anonymous() cannot be truncated (sealed).
//
//   auto writer = BroadcastWriter::create(
//       "/quotes", {.slots = 4096, .max_message_bytes = sizeof(Quote)});
//   if (!writer.ok()) return writer.status();
//   writer->publish_value(quote);
//   writer->heartbeat();  // Several times per heartbeat_timeout_ns.
//
//   auto reader = BroadcastReader::attach("/quotes");  // In another process:
//   BroadcastPoll got = reader->poll_value(quote, now);  // CLOCK_MONOTONIC, ns
//   if (got.event == BroadcastEvent::kMessage) use(quote);
//   if (got.event == BroadcastEvent::kLapped) missed(got.lost);
#ifndef WIREBOOK_CONCURRENCY_BROADCAST_RING_H_
#define WIREBOOK_CONCURRENCY_BROADCAST_RING_H_

#if __cplusplus < 202002L
#error "wirebook needs C++20: compile with -std=c++20"
#endif

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "concurrency/broadcast_ring_poller.h"
#include "concurrency/broadcast_ring_publisher.h"
#include "concurrency/broadcast_ring_segment.h"
#include "concurrency/broadcast_ring_words.h"

namespace wirebook {

// What travels as a value: the same bytes mean the same in every process.
template <typename T>
concept BroadcastValue =
    std::is_trivially_copyable_v<T> && !std::is_pointer_v<T>;

// One thread at a time. A child of fork() does not have the memory; it may end
// the life of the writer that it inherited, without effect on its parent's. One
// that was moved from is only destroyed or assigned to.
class BroadcastWriter {
 public:
  // A new ring /dev/shm/<name>; "/" in front is allowed, no other. The name
  // appears when the ring is complete. AlreadyExists where there is one:
  // take_over(), or unlink() it first.
  static absl::StatusOr<BroadcastWriter> create(
      const std::string& name, const BroadcastOptions& options);

  // A new ring without a name: pass fd() to others (SCM_RIGHTS, fork).
  static absl::StatusOr<BroadcastWriter> create_anonymous(
      const BroadcastOptions& options);

  // Writes on in a ring whose writer is gone, under the next epoch.
  // Unavailable while no writer lives, but somebody who may read the file has a
  // read lock on it (no part of this library takes one): the kernel lets that
  // keep out writers, so give read access to whom you trust.
  // FailedPrecondition while a writer lives, and where it is no ring of this
  // version and `layout`; DataLoss where its words contradict each other.
  static absl::StatusOr<BroadcastWriter> take_over(const std::string& name,
                                                   std::uint64_t layout = 0);
  static absl::StatusOr<BroadcastWriter> take_over(int fd,
                                                   std::uint64_t layout = 0);

  // Takes the name away; those who are attached go on.
  static absl::Status unlink(const std::string& name);

  // Detaches, for a successor to come; close() first if there is to be none.
  ~BroadcastWriter() = default;
  BroadcastWriter(BroadcastWriter&&) noexcept = default;
  BroadcastWriter& operator=(BroadcastWriter&&) noexcept = default;

  // False, and nothing published, where it is too long or after close().
  bool publish(std::span<const std::byte> message) noexcept {
    return core_.publish(message.data(), message.size());
  }
  template <BroadcastValue T>
  bool publish_value(const T& value) noexcept {
    return core_.publish(reinterpret_cast<const std::byte*>(&value),
                         sizeof(value));
  }

  // A sign of life while there is nothing to publish.
  void heartbeat() noexcept { core_.beat(); }

  // Says that what was published is all. A successor may still take over.
  void close() noexcept { core_.close(); }

  // Messages in the ring's life, of all its writers.
  std::uint64_t published() const noexcept { return core_.published(); }
  // The ring's first writer is 1.
  std::uint32_t epoch() const noexcept { return core_.epoch(); }
  std::size_t slots() const noexcept { return segment_->shape().slots; }
  int fd() const noexcept { return segment_->fd(); }

 private:
  using Segment = internal::BroadcastSegment::Pointer;

  explicit BroadcastWriter(Segment segment) noexcept;
  static absl::StatusOr<BroadcastWriter> begin(absl::StatusOr<Segment> segment);

  Segment segment_;
  internal::BasicBroadcastPublisher<> core_;
};

struct BroadcastBatch {
  std::size_t messages = 0;
  BroadcastPoll end;  // What ended it: kMessage where that was the limit.
};

// One thread at a time. `now_ns` is any clock of this reader's that only goes
// forward; none is compared with the writer's. A child of fork() attaches anew.
// One that was moved from is only destroyed or assigned to.
class BroadcastReader {
 public:
  // FailedPrecondition, DataLoss: as take_over(). The file needs to be readable
  // only.
  static absl::StatusOr<BroadcastReader> attach(
      const std::string& name, std::uint64_t layout = 0,
      BroadcastFrom from = BroadcastFrom::kNewest,
      BroadcastFrom after_lap = BroadcastFrom::kOldest);
  // `fd` stays the caller's.
  static absl::StatusOr<BroadcastReader> attach(
      int fd, std::uint64_t layout = 0,
      BroadcastFrom from = BroadcastFrom::kNewest,
      BroadcastFrom after_lap = BroadcastFrom::kOldest);

  ~BroadcastReader() = default;
  BroadcastReader(BroadcastReader&&) noexcept = default;
  BroadcastReader& operator=(BroadcastReader&&) noexcept = default;

  // The next message into `out`, or why there is none. kWrongSize, and the
  // message stays, where it does not fit. Unless it is kMessage, `out` is a
  // mixture to be discarded. kWriterDead: dead, stopped or stuck; writer()
  // knows more.
  BroadcastPoll poll(std::span<std::byte> out, std::uint64_t now_ns) noexcept {
    return core_.poll(out, 0, now_ns, timeout_ns_);
  }

  // kWrongSize, and the message stays, where it is not as long as a T.
  template <BroadcastValue T>
  BroadcastPoll poll_value(T& out, std::uint64_t now_ns) noexcept {
    std::array<std::byte, sizeof(T)> bytes;
    const BroadcastPoll got = core_.poll(bytes, sizeof(T), now_ns, timeout_ns_);
    if (got.event == BroadcastEvent::kMessage) [[likely]] {
      std::memcpy(static_cast<void*>(&out), bytes.data(), sizeof(T));
    }
    return got;
  }

  // Calls f(std::span<const std::byte>) for up to `limit` messages that are
  // there. The bytes are a copy, until f returns.
  template <typename F>
  BroadcastBatch poll_batch(std::size_t limit, std::uint64_t now_ns, F&& f) {
    BroadcastBatch batch;
    for (; batch.messages < limit; ++batch.messages) {
      batch.end = batch.messages == 0
                      ? core_.poll(buffer_, 0, now_ns, timeout_ns_)
                      : core_.try_read(buffer_, 0);
      if (batch.end.event != BroadcastEvent::kMessage) break;
      f(std::span<const std::byte>(buffer_.data(), batch.end.bytes));
    }
    return batch;
  }

  // Goes elsewhere; what lies between is neither received nor lost. DataLoss,
  // and nothing changed, where the ring is damaged.
  absl::Status rejoin(BroadcastFrom from);

  // Asks the kernel and /proc: system calls.
  BroadcastWriterInfo writer() const noexcept { return segment_->writer(); }

  // The number of the next message; that of one just polled is one less. After
  // kLapped: of the first that was not lost.
  std::uint64_t position() const noexcept { return core_.position(); }
  // Of the writer of the last message, or that kNewWriter told of; 0 before.
  std::uint32_t epoch() const noexcept { return core_.epoch(); }
  // Messages, and times that kLapped was told.
  std::uint64_t received() const noexcept { return core_.received(); }
  std::uint64_t lost() const noexcept { return core_.lost(); }
  std::uint64_t laps() const noexcept { return core_.laps(); }

  std::size_t slots() const noexcept { return segment_->shape().slots; }
  std::size_t max_message_bytes() const noexcept { return buffer_.size(); }

 private:
  using Segment = internal::BroadcastSegment::Pointer;

  BroadcastReader(Segment segment, BroadcastFrom after_lap);
  static absl::StatusOr<BroadcastReader> begin(absl::StatusOr<Segment> segment,
                                               BroadcastFrom from,
                                               BroadcastFrom after_lap);

  Segment segment_;
  internal::BasicBroadcastPoller<> core_;
  std::uint64_t timeout_ns_;
  std::vector<std::byte> buffer_;
};

}  // namespace wirebook

#endif  // WIREBOOK_CONCURRENCY_BROADCAST_RING_H_
