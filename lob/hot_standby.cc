// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "lob/hot_standby.h"

#include <utility>

namespace wirebook {

size_t HotStandby::add_group(std::vector<const BookKeeper*> legs) {
  Group& group = groups_.emplace_back();
  group.legs = std::move(legs);
  group.active.store(group.legs.front(), std::memory_order_release);
  for (const BookKeeper* leg : group.legs) {
    const uint32_t index = leg->instrument().index;
    if (by_instrument_.size() <= index) by_instrument_.resize(index + 1);
    by_instrument_[index] = &group;
  }
  return groups_.size() - 1;
}

HotStandby::Group* HotStandby::group_of(uint32_t instrument) noexcept {
  return instrument < by_instrument_.size() ? by_instrument_[instrument]
                                            : nullptr;
}

void HotStandby::take_over(Group& group, const BookKeeper& leg) {
  // Pairs with the acquire in book().
  group.active.store(&leg, std::memory_order_release);
  group.takeovers.add(1);
  next_.on_state_changed(leg);
}

void HotStandby::on_depth_applied(const BookKeeper& keeper,
                                  const ParsedMessage& message) {
  const Group* const group = group_of(keeper.instrument().index);
  // Relaxed: this thread alone stores.
  if (group == nullptr ||
      group->active.load(std::memory_order_relaxed) == &keeper) {
    next_.on_depth_applied(keeper, message);
  }
}

void HotStandby::on_state_changed(const BookKeeper& keeper) {
  Group* const group = group_of(keeper.instrument().index);
  if (group == nullptr) return next_.on_state_changed(keeper);
  // Relaxed: this thread alone stores.
  const BookKeeper& active = *group->active.load(std::memory_order_relaxed);
  if (&keeper != &active) {
    if (keeper.state() == BookState::kLive &&
        active.state() != BookState::kLive) {
      take_over(*group, keeper);
    }
    return;
  }
  if (keeper.state() != BookState::kLive) {
    for (const BookKeeper* leg : group->legs) {
      if (leg->state() == BookState::kLive) return take_over(*group, *leg);
    }
  }
  next_.on_state_changed(keeper);
}

void HotStandby::on_other(const ParsedMessage& message) {
  const Group* const group = group_of(message.instrument);
  // Relaxed: this thread alone stores.
  if (group == nullptr ||
      group->active.load(std::memory_order_relaxed)->instrument().index ==
          message.instrument) {
    next_.on_other(message);
  }
}

}  // namespace wirebook
