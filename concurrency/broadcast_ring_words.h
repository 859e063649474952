// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// What a broadcast ring says to its readers, and the atomic words that it is
// made of. Include broadcast_ring.h.
//
// Message number p lies in slot p % slots, which begins with its state: 2p + 1
// while it is written, 2p + 2 when it is whole. A reader that waits for p looks
// at that word alone: less, and p is not there yet; more, and p was overwritten
// (it was lapped). It copies and looks again. `head` counts whole messages; it
// is what a joiner, a lapped reader and a successor begin with, and nobody
// polls it.
//
// A writer may die at each step of publish():
//   before the state is 2p + 1     nothing has happened
//   before the state is 2p + 2     p is nobody's; the successor writes it anew
//   before head is p + 1           p is published; the successor counts it
// so that numbers have no gap, and each is one message to all readers.
//
// The seqlock's two fences are orders on the words themselves (seqlock.h).
#ifndef WIREBOOK_CONCURRENCY_BROADCAST_RING_WORDS_H_
#define WIREBOOK_CONCURRENCY_BROADCAST_RING_WORDS_H_

#if __cplusplus < 202002L
#error "wirebook needs C++20: compile with -std=c++20"
#endif

#include <atomic>
#include <cstdint>

#include "memory/cache_line.h"

namespace wirebook {

enum class BroadcastEvent : uint8_t {
  kMessage,
  kEmpty,       // Nothing new.
  kLapped,      // `lost` messages were overwritten before they were read.
  kNewWriter,   // What follows is by another writer. Told once.
  kWriterDead,  // No sign of life within the ring's deadline. Not final.
  kClosed,      // All is read, and the writer said that it was the last.
  kWrongSize,   // The next message has `bytes`, not what was asked for.
  kDamaged,     // The words contradict each other: somebody else wrote there.
};

// Two registers.
struct BroadcastPoll {
  BroadcastEvent event = BroadcastEvent::kEmpty;
  uint32_t bytes = 0;  // kMessage, kWrongSize.
  uint64_t lost = 0;   // kLapped: how many, exactly.
};

// Where a reader begins, and where one goes on that was lapped.
enum class BroadcastFrom : uint8_t {
  kNewest,  // The newest message that is there.
  // The oldest that is not the next to be overwritten. After a lap, with a
  // quarter of the ring as a start on the writer.
  kOldest,
};

namespace internal {

template <template <typename> class Atom>
struct BroadcastControl {
  // Written with each message.
  alignas(kFalseSharingBytes) Atom<uint64_t> head{0};
  // Written seldom, so readers find it in their caches.
  alignas(kFalseSharingBytes) Atom<uint64_t> life{0};  // 2 * epoch + closed.
  Atom<uint64_t> beats{0};
};

struct BroadcastShape {
  uint64_t slots = 0;       // A power of two, 2 or more.
  uint64_t slot_words = 0;  // The two of the header included.
  uint64_t max_bytes = 0;   // Of a message.
};

inline constexpr uint64_t kBroadcastHeaderWords = 2;

// Beyond every message's number, so that no state wraps.
inline constexpr uint64_t kBroadcastEnd = uint64_t{1} << 62;

constexpr uint64_t broadcast_writing(uint64_t position) noexcept {
  return 2 * position + 1;
}
constexpr uint64_t broadcast_whole(uint64_t position) noexcept {
  return 2 * position + 2;
}

// A slot: its state; its message's epoch (above) and length in bytes (below);
// the bytes.
template <typename Word>
constexpr Word* broadcast_slot(Word* slots, const BroadcastShape& shape,
                               uint64_t position) noexcept {
  return slots + (position & (shape.slots - 1)) * shape.slot_words;
}

}  // namespace internal
}  // namespace wirebook

#endif  // WIREBOOK_CONCURRENCY_BROADCAST_RING_WORDS_H_
