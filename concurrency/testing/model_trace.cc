// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "concurrency/testing/model_trace.h"

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <map>
#include <string>
#include <vector>

namespace wirebook::model {
namespace {

const char* name_of(Action action) {
  switch (action) {
    case Action::kLoad:
      return "load";
    case Action::kStore:
      return "store";
    case Action::kUpdate:
      return "update";
    case Action::kWait:
      return "wait";
    case Action::kNotify:
      return "notify";
    case Action::kFence:
      return "fence";
    case Action::kLightFence:
      return "light fence";
    case Action::kHeavyFence:
      return "heavy fence";
    case Action::kPause:
      return "pause";
    case Action::kBegin:
      return "construct";
    case Action::kEnd:
      return "destroy";
    case Action::kRead:
      return "read";
    case Action::kWrite:
      return "write";
    case Action::kExit:
      return "exit";
  }
  return "";
}

const char* name_of(std::memory_order order) {
  switch (order) {
    case std::memory_order_relaxed:
      return "relaxed";
    case std::memory_order_consume:
      return "consume";
    case std::memory_order_acquire:
      return "acquire";
    case std::memory_order_release:
      return "release";
    case std::memory_order_acq_rel:
      return "acq_rel";
    case std::memory_order_seq_cst:
      return "seq_cst";
  }
  return "";
}

std::string hex(uint64_t number) {
  char text[24];
  std::snprintf(text, sizeof(text), "%#llx",
                static_cast<unsigned long long>(number));
  return text;
}

std::string number(uint64_t word) {
  return word < 1'000'000 ? std::to_string(word) : hex(word);
}

std::string text_of(Value value) {
  std::string text = number(value.words[0]);
  if (value.words[1] != 0) text += ":" + number(value.words[1]);
  return text;
}

// What an event says beside its object's name.
std::string details(const Event& event) {
  const std::string order = name_of(event.order);
  switch (event.action) {
    case Action::kLoad:
    case Action::kWait:
      return " -> " + text_of(event.value) + "  " + order +
             (event.newer == 0 ? ""
                               : ", " + std::to_string(event.newer) + " newer");
    case Action::kStore:
    case Action::kUpdate:
      return " = " + text_of(event.value) + "  " + order;
    case Action::kFence:
      return order;
    default:
      return "";
  }
}

}  // namespace

std::string to_text(const std::vector<Event>& trace, const void* state,
                    size_t state_bytes) {
  std::map<const void*, std::string> names;
  const auto name = [&](const void* object) {
    if (object == nullptr) return std::string();
    const uint64_t offset =
        reinterpret_cast<uint64_t>(object) - reinterpret_cast<uint64_t>(state);
    if (offset < state_bytes) return "state+" + hex(offset);
    const auto [found, is_new] = names.try_emplace(object);
    if (is_new) found->second = "object " + std::to_string(names.size());
    return found->second;
  };
  std::string text;
  for (const Event& event : trace) {
    char head[32];
    std::snprintf(head, sizeof(head), "  T%u %-11s ", event.thread,
                  name_of(event.action));
    text += head + name(event.object) + details(event) + "\n";
  }
  return text;
}

}  // namespace wirebook::model
