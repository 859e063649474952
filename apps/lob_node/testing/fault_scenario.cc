// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "apps/lob_node/testing/fault_scenario.h"

#include "absl/strings/str_format.h"
#include "tools/exchange_sim/fault.h"

namespace wirebook {

sim::ServerOptions faulty_exchange(const FaultCase& fault) {
  sim::ServerOptions options;
  sim::ExchangeOptions& exchange = options.gateway.exchange;
  exchange.rate = 400;
  exchange.batch_ms = 10;
  exchange.levels = 60;
  options.gateway.fault = {.kind = *sim::find_fault(fault.name),
                           .seed = exchange.seed,
                           .count = fault.count,
                           .every = kFaultEvery};
  options.ping_seconds = fault.fault == Fault::kMuteSocket ? 0.2 : 5;
  return options;
}

std::int64_t stale_after_ms(const FaultCase& fault) {
  return fault.fault == Fault::kMuteSocket ? 800 : 60'000;
}

void Departures::on_state(BookState state, BookReason reason) {
  ++seen_[reason];
  if (state == BookState::kLive) {
    if (away_) {
      const std::chrono::duration<double, std::milli> time =
          Clock::now() - left_;
      longest_ms_ = std::max(longest_ms_, time.count());
    }
    was_live_ = true;
    away_ = false;
    return;
  }
  if (!was_live_ || away_) return;
  away_ = true;
  left_ = Clock::now();
  ++counts_[{state, reason}];
}

int Departures::count(BookState state, BookReason reason) const {
  const auto found = counts_.find({state, reason});
  return found == counts_.end() ? 0 : found->second;
}

int Departures::count() const {
  int sum = 0;
  for (const auto& [why, n] : counts_) sum += n;
  return sum;
}

std::string Departures::story() const {
  if (counts_.empty()) return " always Live";
  std::string out;
  for (const auto& [why, n] : counts_) {
    out += " " + std::string(book_state_name(why.first)) + "{" +
           std::string(book_reason_name(why.second)) + "} " + std::to_string(n);
  }
  return out +
         absl::StrFormat("; away from Live for at most %.0f ms", longest_ms_);
}

}  // namespace wirebook
