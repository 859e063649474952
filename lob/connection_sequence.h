// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// ConnectionSequence: did every message of a connection arrive, where the venue
// counts them all, whatever they speak of. Numbers in, actions out.
//
// Use it for venues of SyncClass::kConnectionWide, one object a connection. A
// gap concerns every book of the connection: which of them the lost message
// spoke of cannot be told.
//
// Thread rules: one thread. Cost: a compare per message.
//
//   if (sequence.on_message(n) == ConnectionSequence::Action::kGap) {
//     for (BookKeeper& keeper : books_of_connection) keeper.on_fault(...);
//   }

#ifndef WIREBOOK_LOB_CONNECTION_SEQUENCE_H_
#define WIREBOOK_LOB_CONNECTION_SEQUENCE_H_

#include <cstdint>

namespace wirebook {

class ConnectionSequence {
 public:
  enum class Action : uint8_t {
    kNext,  // the one that follows, or the first that was heard
    kGap,   // one is missing, or numbers went back: count from this one
  };

  Action on_message(uint64_t number) noexcept {
    const bool next = !started_ || number == last_ + 1;
    started_ = true;
    last_ = number;
    return next ? Action::kNext : Action::kGap;
  }

  // A new connection counts from anew.
  void restart() noexcept { started_ = false; }

 private:
  bool started_ = false;
  uint64_t last_ = 0;
};

}  // namespace wirebook

#endif  // WIREBOOK_LOB_CONNECTION_SEQUENCE_H_
