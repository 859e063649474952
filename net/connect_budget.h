// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// ConnectBudget: how many attempts to connect a host gets in a window of time,
// over all connections of the process.
//
// For venues that block whoever connects too often (300 in 5 minutes, say).
// ReconnectBackoff spaces the attempts of one connection; this one adds up.
// The window slides: no window of `period_ns`, wherever it begins, sees more
// than `attempts`; a token bucket would let nearly twice as many through.
//
// Options out of range are told by check(), which Connection::create() asks.
// Any thread; a mutex, taken once per attempt. Time comes in as an argument.
// Memory: 8 bytes times `attempts` a host.
//
//   ConnectBudget budget({.attempts = 300, .period_ns = 300'000'000'000});
//   uint64_t wait = budget.reserve("venue.example", loop.now_ns());
//   loop.start_timer(&connect, wait);

#ifndef WIREBOOK_NET_CONNECT_BUDGET_H_
#define WIREBOOK_NET_CONNECT_BUDGET_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace wirebook {

struct ConnectBudgetOptions {
  size_t attempts = 100;                 // at least 1
  uint64_t period_ns = 300'000'000'000;  // at least 1, at most 2^62
};

class ConnectBudget {
 public:
  explicit ConnectBudget(const ConnectBudgetOptions& options)
      : options_(options) {}

  // What is wrong with the options.
  absl::Status check() const {
    if (options_.attempts == 0) {
      return absl::InvalidArgumentError(
          "ConnectBudget: attempts is 0, so nothing would ever connect; give "
          "what the host allows, at least 1");
    }
    if (options_.period_ns == 0 || options_.period_ns > uint64_t{1} << 62) {
      return absl::InvalidArgumentError(
          absl::StrCat("ConnectBudget: period_ns is ", options_.period_ns,
                       "; give the window that the host counts in, 1 to 2^62"));
    }
    return absl::OkStatus();
  }

  // How many ns from now the attempt may begin. It counts from here on,
  // whether it is made or not: places are given in the order of the calls.
  // With 0 attempts that is never, UINT64_MAX.
  uint64_t reserve(std::string_view host, uint64_t now_ns) {
    if (options_.attempts == 0) return UINT64_MAX;
    const std::lock_guard lock(mutex_);
    const auto found = hosts_.find(host);
    Host& known =
        found != hosts_.end() ? found->second : hosts_[std::string(host)];
    uint64_t at = now_ns;
    if (known.begins.size() < options_.attempts) {
      known.begins.push_back(at);
    } else {
      uint64_t& oldest = known.begins[known.oldest];
      at = std::max(at, oldest + options_.period_ns);
      oldest = at;
      known.oldest = (known.oldest + 1) % options_.attempts;
    }
    return at - now_ns;
  }

 private:
  // The last `options_.attempts` attempts: a ring once it is full.
  struct Host {
    std::vector<uint64_t> begins;
    size_t oldest = 0;
  };

  const ConnectBudgetOptions options_;
  std::mutex mutex_;  // guards what follows
  std::map<std::string, Host, std::less<>> hosts_;
};

}  // namespace wirebook

#endif  // WIREBOOK_NET_CONNECT_BUDGET_H_
