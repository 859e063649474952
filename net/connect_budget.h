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

namespace wirebook {

struct ConnectBudgetOptions {
  size_t attempts = 100;  // at least 1
  uint64_t period_ns = 300'000'000'000;
};

class ConnectBudget {
 public:
  explicit ConnectBudget(const ConnectBudgetOptions& options)
      : attempts_(std::max<size_t>(options.attempts, 1)),
        period_ns_(options.period_ns) {}

  // How many ns from now the attempt may begin. It counts from here on,
  // whether it is made or not: places are given in the order of the calls.
  uint64_t reserve(std::string_view host, uint64_t now_ns) {
    const std::lock_guard lock(mutex_);
    const auto found = hosts_.find(host);
    Host& known =
        found != hosts_.end() ? found->second : hosts_[std::string(host)];
    uint64_t at = now_ns;
    if (known.begins.size() < attempts_) {
      known.begins.push_back(at);
    } else {
      uint64_t& oldest = known.begins[known.oldest];
      at = std::max(at, oldest + period_ns_);
      oldest = at;
      known.oldest = (known.oldest + 1) % attempts_;
    }
    return at - now_ns;
  }

 private:
  // The last `attempts_` attempts: a ring once it is full.
  struct Host {
    std::vector<uint64_t> begins;
    size_t oldest = 0;
  };

  const size_t attempts_;
  const uint64_t period_ns_;
  std::mutex mutex_;  // guards what follows
  std::map<std::string, Host, std::less<>> hosts_;
};

}  // namespace wirebook

#endif  // WIREBOOK_NET_CONNECT_BUDGET_H_
