// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
#include "memory/arena.h"

#include <algorithm>
#include <bit>
#include <new>

#include "memory/fail_fast.h"

namespace wirebook {

namespace {

constexpr std::size_t kStep = 16;  // Room for a Free.

// `unit` is a power of two.
constexpr std::size_t round_up(std::size_t value, std::size_t unit) {
  return (value + unit - 1) & ~(unit - 1);
}

// At most 2^63, which no upstream has, for what would overflow.
std::size_t in_steps(std::size_t bytes) {
  constexpr std::size_t kMost = std::size_t{1} << 63;
  return round_up(std::clamp(bytes, kStep, kMost), kStep);
}

// The list for pieces of `bytes`: each is of 2^size bytes or more.
unsigned size_of(std::size_t bytes) {
  return static_cast<unsigned>(std::bit_width(bytes)) - 1;
}

std::byte* align(std::byte* at, std::size_t alignment) {
  const auto address = reinterpret_cast<std::uintptr_t>(at);
  return at + (round_up(address, alignment) - address);
}

}  // namespace

Arena::Arena(std::span<std::byte> buffer, ArenaTotals* totals,
             std::pmr::memory_resource* upstream) noexcept
    : begin_(buffer.data()),
      end_(buffer.data() + buffer.size()),
      front_(begin_),
      upstream_(upstream),
      totals_(totals) {
  static_assert(sizeof(Free) <= kStep);
  stats_.capacity_bytes = buffer.size();
  poison(begin_, buffer.size());
}

Arena::~Arena() {
  reset();
  unpoison(begin_, stats_.capacity_bytes);
}

void Arena::reset() noexcept {
  while (foreign_ != nullptr) free_foreign(foreign_);
  start_anew();
  stats_.in_use_bytes = 0;
  ++stats_.resets;
  poison(begin_, stats_.capacity_bytes);
  if (totals_ == nullptr) return;
  std::size_t peak = totals_->peak_bytes.load(std::memory_order_relaxed);
  while (peak < stats_.peak_bytes &&
         !totals_->peak_bytes.compare_exchange_weak(
             peak, stats_.peak_bytes, std::memory_order_relaxed)) {
  }
}

void* Arena::do_allocate(std::size_t bytes, std::size_t alignment) {
  const std::size_t taken = in_steps(bytes);
  alignment = std::max(alignment, kStep);
  void* piece = from_inside(taken, alignment);
  if (piece == nullptr && filled_ != 0 &&
      taken <= stats_.capacity_bytes - inside_) {
    join_neighbours();
    piece = from_inside(taken, alignment);
    if (piece == nullptr) piece = search(taken, alignment);
  }
  if (piece != nullptr) {
    inside_ += taken;
    unpoison(piece, bytes);
  } else {
    piece = from_upstream(taken, alignment);
  }
  ++stats_.total_allocations;
  stats_.in_use_bytes += taken;
  stats_.peak_bytes = std::max(stats_.peak_bytes, stats_.in_use_bytes);
  return piece;
}

void Arena::do_deallocate(void* piece, std::size_t bytes, std::size_t) {
  const std::size_t given = in_steps(bytes);
  auto* at = static_cast<std::byte*>(piece);
  if (at >= begin_ && at < end_) {
    take_back(at, given);
  } else {
    auto* header = static_cast<Foreign*>(piece) - 1;
    if (header->owner != this) {
      fail_fast("Arena", this, "is given back what it never gave:", piece);
    }
    free_foreign(header);
  }
  ++stats_.total_deallocations;
  stats_.in_use_bytes -= given;
}

void* Arena::from_inside(std::size_t bytes, std::size_t alignment) noexcept {
  void* piece = filled_ == 0 ? nullptr : reuse(bytes, alignment);
  return piece != nullptr ? piece : from_front(bytes, alignment);
}

void* Arena::reuse(std::size_t bytes, std::size_t alignment) noexcept {
  // On its own list the first piece may be too small; on those above all fit.
  const unsigned own = size_of(bytes);
  void* piece = take_first(own, bytes, alignment);
  const std::uint64_t above = filled_ & (~std::uint64_t{1} << own);
  if (piece == nullptr && above != 0) {
    piece = take_first(static_cast<unsigned>(std::countr_zero(above)), bytes,
                       alignment);
  }
  return piece;
}

WIREBOOK_NO_ASAN void* Arena::take_first(unsigned size, std::size_t bytes,
                                         std::size_t alignment) noexcept {
  if ((filled_ >> size & 1) == 0) return nullptr;
  Free* piece = free_[size];
  if (piece->bytes < bytes ||
      (reinterpret_cast<std::uintptr_t>(piece) & (alignment - 1)) != 0) {
    return nullptr;
  }
  free_[size] = piece->next;
  if (piece->next == nullptr) filled_ &= ~(std::uint64_t{1} << size);
  if (piece->bytes > bytes) {
    keep(reinterpret_cast<std::byte*>(piece) + bytes, piece->bytes - bytes);
  }
  ++stats_.reused;
  return piece;
}

// Through all pieces, also for one with an aligned place inside.
WIREBOOK_NO_ASAN void* Arena::search(std::size_t bytes,
                                     std::size_t alignment) noexcept {
  for (std::uint64_t left = filled_ & (~std::uint64_t{0} << size_of(bytes));
       left != 0; left &= left - 1) {
    const int size = std::countr_zero(left);
    for (Free** at = &free_[size]; *at != nullptr; at = &(*at)->next) {
      auto* begin = reinterpret_cast<std::byte*>(*at);
      std::byte* piece = align(begin, alignment);
      const auto before = static_cast<std::size_t>(piece - begin);
      const std::size_t all = (*at)->bytes;
      if (before >= all || all - before < bytes) continue;
      *at = (*at)->next;
      if (free_[size] == nullptr) filled_ &= ~(std::uint64_t{1} << size);
      if (before != 0) keep(begin, before);
      if (all - before > bytes) keep(piece + bytes, all - before - bytes);
      ++stats_.reused;
      return piece;
    }
  }
  return nullptr;
}

WIREBOOK_NO_ASAN void Arena::keep(std::byte* piece,
                                  std::size_t bytes) noexcept {
  const unsigned size = size_of(bytes);
  const bool first = (filled_ >> size & 1) == 0;
  auto* free = reinterpret_cast<Free*>(piece);
  free->next = first ? nullptr : free_[size];
  free->bytes = bytes;
  free_[size] = free;
  filled_ |= std::uint64_t{1} << size;
}

WIREBOOK_NO_ASAN void Arena::join_neighbours() noexcept {
  Free* all = nullptr;
  for (; filled_ != 0; filled_ &= filled_ - 1) {
    for (Free* piece = free_[std::countr_zero(filled_)]; piece != nullptr;) {
      Free* next = piece->next;
      piece->next = all;
      all = piece;
      piece = next;
    }
  }
  for (Free* piece = sort(all); piece != nullptr;) {
    auto* begin = reinterpret_cast<std::byte*>(piece);
    std::byte* end = begin + piece->bytes;
    Free* next = piece->next;
    for (; reinterpret_cast<std::byte*>(next) == end; next = next->next) {
      end += next->bytes;
    }
    if (end == front_) {
      front_ = begin;
    } else {
      keep(begin, static_cast<std::size_t>(end - begin));
    }
    piece = next;
  }
}

// By address, merging halves.
WIREBOOK_NO_ASAN Arena::Free* Arena::sort(Free* list) noexcept {
  if (list == nullptr || list->next == nullptr) return list;
  Free* middle = list;
  for (Free* end = list->next; end != nullptr && end->next != nullptr;
       end = end->next->next) {
    middle = middle->next;
  }
  Free* right = middle->next;
  middle->next = nullptr;
  right = sort(right);
  Free* left = sort(list);
  Free* merged = nullptr;
  Free** last = &merged;
  while (left != nullptr && right != nullptr) {
    Free*& least = left < right ? left : right;
    *last = least;
    last = &least->next;
    least = least->next;
  }
  *last = left != nullptr ? left : right;
  return merged;
}

void* Arena::from_front(std::size_t bytes, std::size_t alignment) noexcept {
  // A pool that recycles what the arena is part of has unpoisoned all of it.
  if (front_ == begin_) poison(begin_, stats_.capacity_bytes);
  std::byte* piece = align(front_, alignment);
  if (piece > end_ || static_cast<std::size_t>(end_ - piece) < bytes) {
    return nullptr;
  }
  front_ = piece + bytes;
  return piece;
}

void* Arena::from_upstream(std::size_t bytes, std::size_t alignment) {
  const std::size_t offset = round_up(sizeof(Foreign), alignment);
  void* block;
  try {
    block = upstream_->allocate(offset + bytes, alignment);
  } catch (...) {
    ++stats_.allocation_failures;
    throw;
  }
  auto* piece = static_cast<std::byte*>(block) + offset;
  foreign_ = ::new (piece - sizeof(Foreign))
      Foreign{this, nullptr, foreign_, block, offset + bytes, alignment};
  if (foreign_->next != nullptr) foreign_->next->previous = foreign_;
  ++stats_.upstream_allocations;
  stats_.upstream_bytes += bytes;
  if (totals_ != nullptr) {
    totals_->upstream_allocations.fetch_add(1, std::memory_order_relaxed);
    totals_->upstream_bytes.fetch_add(bytes, std::memory_order_relaxed);
  }
  return piece;
}

void Arena::take_back(std::byte* piece, std::size_t bytes) noexcept {
  if (piece >= front_ || static_cast<std::size_t>(front_ - piece) < bytes) {
    fail_fast("Arena", this, "is given back what a reset took:", piece);
  }
  inside_ -= bytes;
  if (inside_ == 0) {
    start_anew();
  } else if (piece + bytes == front_) {
    front_ = piece;
  } else {
    keep(piece, bytes);
  }
  poison(piece, bytes);
}

void Arena::free_foreign(Foreign* header) noexcept {
  (header->previous == nullptr ? foreign_ : header->previous->next) =
      header->next;
  if (header->next != nullptr) header->next->previous = header->previous;
  upstream_->deallocate(header->block, header->bytes, header->alignment);
}

void Arena::start_anew() noexcept {
  front_ = begin_;
  inside_ = 0;
  filled_ = 0;
}

}  // namespace wirebook
