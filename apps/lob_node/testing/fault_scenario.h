// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

// Books under the faults of exchange_sim --fault, over real sockets: the
// faults, the exchange that has them, what becomes of a book meanwhile, and the
// run that all of them share.
//
//   SimulatedExchange exchange(faulty_exchange(fault));  // and its symbols
//   run_under_fault(fault, exchange, kVenues, make_book, missing,
//                   [](const Book&) { return true; });

#ifndef WIREBOOK_APPS_LOB_NODE_TESTING_FAULT_SCENARIO_H_
#define WIREBOOK_APPS_LOB_NODE_TESTING_FAULT_SCENARIO_H_

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "apps/lob_node/testing/simulated_exchange.h"
#include "gtest/gtest.h"
#include "lob/book_state.h"
#include "lob/testing/fault_table.h"
#include "lob/venue.h"
#include "net/raw_message_pool.h"
#include "net/uring_loop.h"
#include "tools/exchange_sim/server.h"

namespace wirebook {

struct FaultCase {
  const char* name;  // as on exchange_sim's command line
  Fault fault;
  std::uint64_t count = 2;
};

inline constexpr FaultCase kFaultCases[] = {
    // One lost update in eleven is undone by the next, and no sum tells it.
    {"gap", Fault::kGap, 4},
    {"duplicate", Fault::kDuplicate},
    {"reorder", Fault::kReorder},
    {"stale-snapshot", Fault::kStaleSnapshot, 1},
    {"checksum", Fault::kWrongSum},
    {"crossed", Fault::kCrossed},
    {"mute-symbol", Fault::kMuteSymbol},
    {"mute-socket", Fault::kMuteSocket, 1},
    {"restart-sequence", Fault::kRestartSequence},
    {"drop-connection", Fault::kDropConnection, 1},
    {"slow-drip", Fault::kSlowDrip},
    {"garbage", Fault::kGarbage},
};

// For INSTANTIATE_TEST_SUITE_P: without what a test's name may not have.
inline std::string fault_case_name(
    const ::testing::TestParamInfo<FaultCase>& each) {
  std::string name = each.param.name;
  std::erase(name, '-');
  return name;
}

// Messages from one fault to the next, about.
inline constexpr std::uint64_t kFaultEvery = 12;
// A fault comes after one and a half as many at the latest, and mute-symbol
// takes ten more: all of them are over by then.
constexpr std::uint64_t enough_updates(const FaultCase& fault) {
  return fault.count * (kFaultEvery * 3 / 2 + 10) + 10;
}

// Without symbols.
sim::ServerOptions faulty_exchange(const FaultCase& fault);

// VenueConfig::stale_after_ms. Where it is not silence that must be seen, a
// slow machine is none.
std::int64_t stale_after_ms(const FaultCase& fault);

// How often, and why, a book left Live since it was so first.
class Departures {
 public:
  void on_state(BookState state, BookReason reason);

  int count(BookState state, BookReason reason) const;
  int count() const;
  // Reasons that it had at any time.
  bool saw(BookReason reason) const { return seen_.contains(reason); }
  std::string story() const;

 private:
  using Clock = std::chrono::steady_clock;

  bool was_live_ = false;
  bool away_ = false;
  Clock::time_point left_;
  double longest_ms_ = 0;
  std::map<std::pair<BookState, BookReason>, int> counts_;
  std::map<BookReason, int> seen_;
};

// Every venue's book has its faults, is Live again, and ends as the exchange's.
// make(venue, number, loop, pool) is a std::unique_ptr of a Book with venue(),
// session(), keeper(), departures() and difference(exchange): where it is not
// the exchange's own, or empty. missing(book, fault): why what tells of the
// fault was not seen, or empty. ends_equal(book): whether the fault lets it.
template <class Venues, class Make, class Missing, class EndsEqual>
void run_under_fault(const FaultCase& fault, SimulatedExchange& exchange,
                     const Venues& venues, Make&& make, Missing&& missing,
                     EndsEqual&& ends_equal) {
  using Clock = std::chrono::steady_clock;
  auto pool = RawMessagePool::create({.descriptors = 4096});
  ASSERT_TRUE(pool.ok()) << pool.status();
  auto loop = UringLoop::create({.wait = WaitMode::kSleep}, pool->get());
  ASSERT_TRUE(loop.ok()) << loop.status();
  std::vector<decltype(make(venues[0], std::uint16_t{0}, loop->get(),
                            pool->get()))>
      books;
  for (const auto& venue : venues) {
    books.push_back(make(venue, static_cast<std::uint16_t>(books.size()),
                         loop->get(), pool->get()));
    books.back()->session().start();
  }
  const auto turn = [&] {
    (*loop)->run_once(5'000'000);
    for (const auto& book : books) book->session().poll();
  };
  const auto is_live = [](const auto& book) {
    return book->keeper().state() == BookState::kLive;
  };

  // The flow goes on until every book has had its faults and is back.
  const auto begin = Clock::now();
  const auto patient = [&] {
    return Clock::now() - begin < std::chrono::seconds(50);
  };
  const auto all_over = [&] {
    return std::all_of(books.begin(), books.end(), [&](const auto& book) {
      return is_live(book) &&
             book->keeper().statistics().updates_applied >
                 enough_updates(fault) &&
             missing(*book, fault).empty();
    });
  };
  while (!all_over() && patient()) turn();
  exchange.finish();
  while (!exchange.quiesced() && patient()) turn();
  EXPECT_TRUE(exchange.quiesced());
  // What was sent last is on its way.
  std::string difference;
  const auto all_equal = [&] {
    for (const auto& book : books) {
      difference = std::string(venue_name(book->venue().id)) + ": ";
      if (!is_live(book)) {
        difference += "not Live," + book->departures().story();
        return false;
      }
      if (!ends_equal(*book)) continue;
      const std::string found = book->difference(exchange);
      difference += found;
      if (!found.empty()) return false;
    }
    return true;
  };
  while (!all_equal() && patient()) turn();
  EXPECT_TRUE(all_equal()) << difference;

  for (const auto& book : books) {
    const std::string name(venue_name(book->venue().id));
    const std::string story = book->departures().story();
    EXPECT_EQ(missing(*book, fault), "") << name << story;
    std::printf("  %-18s%s\n", name.c_str(), story.c_str());
  }
  for (const auto& book : books) book->session().stop();
  while (std::any_of(books.begin(), books.end(), [](const auto& book) {
    return !book->session().stopped();
  })) {
    turn();
  }
  for (const auto& book : books) book->session().disconnect();
}

}  // namespace wirebook

#endif  // WIREBOOK_APPS_LOB_NODE_TESTING_FAULT_SCENARIO_H_
