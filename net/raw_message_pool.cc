// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "net/raw_message_pool.h"

#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"

namespace wirebook {
namespace {

constexpr size_t kPageBytes = 4096;
constexpr size_t kMaxLargeMessages = 4096;  // of 4 GiB: 16 TiB of addresses
// A large buffer keeps so much memory when it comes home; the rest returns to
// the system.
constexpr size_t kLargeKeptBytes = size_t{256} << 10;

absl::Status system_error(const char* what, size_t bytes, int error) {
  return absl::ResourceExhaustedError(
      absl::StrCat("RawMessagePool: ", what, " of ", bytes,
                   " bytes failed: ", std::strerror(error)));
}

}  // namespace

void RawMessageSlab::die(const char* what) const {
  std::fprintf(stderr, "wirebook::RawMessageSlab %p: %s\n",
               static_cast<const void*>(this), what);
  std::abort();
}

absl::StatusOr<std::unique_ptr<RawMessagePool>> RawMessagePool::create(
    const RawMessagePoolOptions& options) {
  if (options.descriptors == 0 ||
      options.descriptors > SpscRing<RawMessage*>::kMaxCapacity) {
    return absl::InvalidArgumentError(absl::StrCat(
        "RawMessagePool: descriptors is ", options.descriptors,
        "; give 1 to 2^32, as many as messages may be out at a time"));
  }
  if (options.slots == 0) {
    return absl::InvalidArgumentError(
        "RawMessagePool: slots is 0; give as many as its slabs have together");
  }
  if (options.large_messages > kMaxLargeMessages) {
    return absl::InvalidArgumentError(absl::StrCat(
        "RawMessagePool: large_messages is ", options.large_messages,
        "; give 0 to ", kMaxLargeMessages));
  }
  if (options.large_messages != 0 && options.large_bytes == 0) {
    return absl::InvalidArgumentError(
        "RawMessagePool: large_bytes is 0; give the size of the longest "
        "message, or 0 large_messages");
  }
  if (options.large_bytes >= (size_t{1} << 32)) {
    return absl::InvalidArgumentError(
        absl::StrCat("RawMessagePool: large_bytes is ", options.large_bytes,
                     "; a message's size is less than 4 GiB"));
  }
  std::unique_ptr<RawMessagePool> pool(new RawMessagePool(options));
  if (options.large_messages != 0) {
    const size_t bytes = pool->large_stride_ * options.large_messages;
    void* const large =
        mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (large == MAP_FAILED) return system_error("mmap", bytes, errno);
    pool->large_ = static_cast<char*>(large);
  }
  return pool;
}

RawMessagePool::RawMessagePool(const RawMessagePoolOptions& options)
    : options_(options),
      messages_(new RawMessage[options.descriptors]()),
      free_(new RawMessage*[options.descriptors]),
      free_count_(options.descriptors),
      least_free_(options.descriptors),
      large_stride_(
          (options.large_bytes + kRawMessageSlackBytes + kPageBytes - 1) /
          kPageBytes * kPageBytes) {
  for (size_t i = 0; i < options.descriptors; ++i) {
    messages_[i].state_ = RawMessage::kFree;
    // The top of the stack is the first in memory.
    free_[i] = &messages_[options.descriptors - 1 - i];
  }
  free_large_.reserve(options.large_messages);
  for (size_t i = options.large_messages; i-- > 0;) {
    free_large_.push_back(static_cast<uint32_t>(i));
  }
}

RawMessagePool::~RawMessagePool() {
  reclaim();
  if (outstanding() != 0) {
    std::fprintf(stderr,
                 "wirebook::RawMessagePool %p: destroyed while %zu messages "
                 "are out\n",
                 static_cast<const void*>(this), outstanding());
    std::abort();
  }
  if (large_ != nullptr) {
    munmap(large_, large_stride_ * options_.large_messages);
  }
}

absl::StatusOr<RawMessageSlab*> RawMessagePool::add_slab(size_t slots) {
  if (!std::has_single_bit(slots) || slots < 2 || slots > 32768) {
    return absl::InvalidArgumentError(
        absl::StrCat("RawMessagePool: a slab of ", slots,
                     " slots; give a power of two from 2 to 32768"));
  }
  for (const std::unique_ptr<RawMessageSlab>& slab : slabs_) {
    if (!slab->lent_ && slab->slots_ == slots) {
      slab->lent_ = true;
      return slab.get();
    }
  }
  if (slots > options_.slots - slots_) {
    return absl::ResourceExhaustedError(absl::StrCat(
        "RawMessagePool: ", slots, " slots of 64 KiB wanted, ",
        options_.slots - slots_, " of ", options_.slots,
        " are left; raise RawMessagePoolOptions::slots or make slabs smaller"));
  }
  if (slabs_.size() > UINT16_MAX) {
    return absl::ResourceExhaustedError(
        "RawMessagePool: 65,536 slabs are in use; use a second pool");
  }
  absl::StatusOr<PageMapping> pages =
      PageMapping::mirrored(slots * kRawMessageSlotBytes);
  if (!pages.ok()) return pages.status();
  std::unique_ptr<RawMessageSlab> slab(new RawMessageSlab(*std::move(pages)));
  slab->index_ = static_cast<uint16_t>(slabs_.size());
  slab->lent_ = true;
  slots_ += slots;
  slabs_.push_back(std::move(slab));
  return slabs_.back().get();
}

void RawMessagePool::return_slab(RawMessageSlab* slab) noexcept {
  slab->set_parse_position(slab->write_position());
  slab->lent_ = false;
}

RawMessageLane& RawMessagePool::add_lane() {
  lanes_.emplace_back(new RawMessageLane(*this, options_.descriptors));
  return *lanes_.back();
}

char* RawMessagePool::take_large() noexcept {
  if (free_large_.empty()) {
    ++large_missing_;
    return nullptr;
  }
  const size_t buffer = free_large_.back();
  free_large_.pop_back();
  return large_ + buffer * large_stride_;
}

RawMessage* RawMessagePool::acquire_large(char* buffer,
                                          uint32_t size) noexcept {
  RawMessage* const message = take();
  if (message == nullptr) return nullptr;
  message->stamp({});
  message->data = buffer;
  message->size = size;
  message->origin_ = RawMessage::Origin::kLarge;
  message->place_ = static_cast<uint32_t>(static_cast<size_t>(buffer - large_) /
                                          large_stride_);
  ++large_acquired_;
  return message;
}

void RawMessagePool::abandon_large(char* buffer) noexcept {
  ++abandoned_;
  free_large(static_cast<uint32_t>(static_cast<size_t>(buffer - large_) /
                                   large_stride_));
}

void RawMessagePool::free_large(uint32_t buffer) noexcept {
  if (large_stride_ > kLargeKeptBytes) {
    madvise(large_ + buffer * large_stride_ + kLargeKeptBytes,
            large_stride_ - kLargeKeptBytes, MADV_DONTNEED);
  }
  free_large_.push_back(buffer);
}

RawMessage* RawMessagePool::acquire_external(const char* data, uint32_t size,
                                             void (*done)(void*),
                                             void* argument) noexcept {
  RawMessage* const message = take();
  if (message == nullptr) return nullptr;
  message->stamp({});
  message->data = data;
  message->size = size;
  message->origin_ = RawMessage::Origin::kExternal;
  message->done_ = done;
  message->argument_ = argument;
  ++external_;
  return message;
}

void RawMessagePool::free_other_place(RawMessage* message) noexcept {
  if (message->origin_ == RawMessage::Origin::kLarge) {
    free_large(message->place_);
  } else if (message->origin_ == RawMessage::Origin::kDetached) {
    std::free(const_cast<char*>(message->data));
    detached_bytes_ -= message->size + kRawMessageSlackBytes;
  } else if (message->done_ != nullptr) {
    message->done_(message->argument_);
  }
}

bool RawMessagePool::detach(RawMessage* message) noexcept {
  check_held(message);
  if (message->origin_ == RawMessage::Origin::kExternal ||
      message->origin_ == RawMessage::Origin::kDetached) {
    return true;
  }
  const size_t bytes = message->size + kRawMessageSlackBytes;
  if (bytes > options_.detached_bytes - detached_bytes_) return false;
  char* const own = static_cast<char*>(std::malloc(bytes));
  if (own == nullptr) return false;
  std::memcpy(own, message->data, message->size);
  std::memset(own + message->size, 0, kRawMessageSlackBytes);
  free_place(message);
  message->data = own;
  message->origin_ = RawMessage::Origin::kDetached;
  detached_bytes_ += bytes;
  ++detached_;
  return true;
}

size_t RawMessagePool::reclaim() noexcept {
  size_t count = 0;
  for (const std::unique_ptr<RawMessageLane>& lane : lanes_) {
    for (;;) {
      const std::span<RawMessage*> home = lane->ring_.peek(64);
      if (home.empty()) break;
      for (RawMessage* message : home) settle(message);
      lane->ring_.consume(home.size());
      count += home.size();
    }
  }
  return count;
}

RawMessagePoolStatistics RawMessagePool::statistics() const noexcept {
  RawMessagePoolStatistics result;
  result.acquired = acquired_;
  result.released = settled();
  result.most_outstanding = options_.descriptors - least_free_;
  result.descriptors_missing = descriptors_missing_;
  result.large = large_acquired_;
  result.large_missing = large_missing_;
  result.external = external_;
  result.detached = detached_;
  result.detached_bytes = detached_bytes_;
  result.slots = slots_;
  return result;
}

void RawMessagePool::die(const char* what, const RawMessage* message) const {
  std::fprintf(stderr, "wirebook::RawMessagePool %p: %s: %p\n",
               static_cast<const void*>(this), what,
               static_cast<const void*>(message));
  std::abort();
}

}  // namespace wirebook
