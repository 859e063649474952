// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "apps/lob_node/run.h"

#include <signal.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <iostream>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "apps/lob_node/bbo_log.h"
#include "apps/lob_node/report.h"
#include "apps/lob_node/terminal_view.h"
#include "apps/lob_node/venue_session.h"
#include "concurrency/thread.h"
#include "concurrency/tsc_clock.h"
#include "net/connect_budget.h"
#include "net/raw_message_pool.h"
#include "net/uring_loop.h"

namespace wirebook {
namespace {

// Two legs of a connection, and the attempts of a race for each.
constexpr std::size_t kStreamsPerConnection = 40;
constexpr std::uint64_t kMillisecond = 1'000'000;
// How long the connections may take to close in order at the end; longer than
// one waits for its peer's answer.
constexpr std::uint64_t kStopNs = 1'000 * kMillisecond;

LoopBackendChoice backend_choice(const std::string& name) {
  if (name == "uring") return LoopBackendChoice::kUringIncremental;
  if (name == "uring-oneshot") return LoopBackendChoice::kUringOneShot;
  if (name == "epoll") return LoopBackendChoice::kEpoll;
  return LoopBackendChoice::kAuto;
}

// What the network thread works with. Members are destroyed bottom up, users
// before what they use.
class Node {
 public:
  static absl::StatusOr<std::unique_ptr<Node>> create(const NodeConfig& config,
                                                      BboLog* bbo_log) {
    auto node = std::unique_ptr<Node>(new Node);
    absl::Status status = node->set_up(config, bbo_log);
    if (!status.ok()) return status;
    return node;
  }

  // The network thread. What belongs to it ends on it.
  void run() {
    for (auto& session : sessions_) session->start();
    // Acquire: pairs with the store in stop(); nothing else is handed over.
    while (!stop_.load(std::memory_order_acquire)) turn();
    for (auto& session : sessions_) session->stop();
    const std::uint64_t deadline = loop_->now_ns() + kStopNs;
    while (!all_stopped() && loop_->now_ns() < deadline) turn();
    for (auto& session : sessions_) {
      session->with_books([this](auto& books) {
        drained_.Update(books.drain());
        books.stop();
      });
      session->disconnect();
    }
    // stop() may still be in the loop. Acquire: pairs with its last store.
    while (!woken_.load(std::memory_order_acquire)) std::this_thread::yield();
    loop_.reset();
    pool_->reclaim();
  }

  // Another thread, once.
  void stop() {
    stop_.store(true, std::memory_order_release);  // pairs with run()
    loop_->wake();
    woken_.store(true, std::memory_order_release);  // pairs with run()
  }

  const char* backend_name() const { return backend_name_; }
  const std::vector<std::unique_ptr<VenueSession>>& sessions() const {
    return sessions_;
  }
  // After run().
  const absl::Status& drained() const { return drained_; }

 private:
  Node() = default;

  absl::Status set_up(const NodeConfig& config, BboLog* bbo_log) {
    auto pool = RawMessagePool::create({});
    if (!pool.ok()) return pool.status();
    pool_ = *std::move(pool);
    UringLoopOptions loop_options;
    loop_options.wait = config.wait;
    loop_options.backend = backend_choice(config.backend);
    loop_options.max_streams = 0;
    for (const VenueConfig& venue : config.venues) {
      loop_options.max_streams += kStreamsPerConnection * venue.connections;
    }
    auto loop = UringLoop::create(loop_options, pool_.get());
    if (!loop.ok()) return loop.status();
    loop_ = *std::move(loop);
    backend_name_ = loop_->backend_name();
    std::size_t connections = 0;
    for (const VenueConfig& venue : config.venues) {
      auto session = VenueSession::create(
          venue, config, static_cast<std::uint16_t>(connections), loop_.get(),
          pool_.get(), &budget_, bbo_log, bbo_log);
      if (!session.ok()) return session.status();
      sessions_.push_back(*std::move(session));
      connections += VenueSession::book_connections(venue);
    }
    return absl::OkStatus();
  }

  void turn() {
    loop_->run_once(100 * kMillisecond);
    for (auto& session : sessions_) session->poll();
  }

  bool all_stopped() const {
    return std::all_of(sessions_.begin(), sessions_.end(),
                       [](const auto& session) { return session->stopped(); });
  }

  ConnectBudget budget_{{}};
  std::unique_ptr<RawMessagePool> pool_;
  std::unique_ptr<UringLoop> loop_;
  std::vector<std::unique_ptr<VenueSession>> sessions_;
  const char* backend_name_ = "";
  std::atomic<bool> stop_{false};
  std::atomic<bool> woken_{false};
  absl::Status drained_;
};

// Collects and draws what the terminal shows; the main thread's.
class LiveDisplay {
 public:
  LiveDisplay(const Node& node, const NodeConfig& config, const TscClock& clock)
      : node_(node),
        config_(config),
        clock_(clock),
        terminal_(isatty(STDOUT_FILENO) != 0),
        start_ticks_(TscClock::ticks()),
        last_ticks_(start_ticks_),
        last_messages_(node.sessions().size()) {}

  // A terminal is redrawn in place; a file gets a block now and then.
  std::uint64_t interval_ns() const {
    return (terminal_ ? 200 : 2'000) * kMillisecond;
  }

  void draw() {
    const std::string text = format_live_view(collect());
    if (terminal_) {
      // Cursor home, then the text, then erase what is below (ECMA-48).
      std::cout << "\x1b[H" << with_line_erasure(text) << "\x1b[J"
                << std::flush;
    } else {
      std::cout << text << std::endl;
    }
  }

  void clear() {
    if (terminal_) std::cout << "\x1b[H\x1b[J" << std::flush;
  }

 private:
  double seconds_since(std::uint64_t ticks, std::uint64_t now) const {
    return now < ticks ? 0
                       : static_cast<double>(clock_.to_ns(now - ticks)) / 1e9;
  }

  LiveView collect() {
    const std::uint64_t now = TscClock::ticks();
    const double elapsed = seconds_since(last_ticks_, now);
    LiveView view;
    view.headline = absl::StrFormat(
        "lob_node  %s  %s  %.0f s  (Ctrl-C ends)", node_.backend_name(),
        pipeline_name(config_.pipeline), seconds_since(start_ticks_, now));
    for (std::size_t i = 0; i < node_.sessions().size(); ++i) {
      const VenueSession& session = *node_.sessions()[i];
      for (std::size_t b = 0; b < session.config().symbols.size(); ++b) {
        const BookView book = session.view(b);
        view.books.push_back({session.config().name,
                              session.config().symbols[b], book,
                              seconds_since(book.since_ticks, now)});
      }
      const std::uint64_t messages = session.with_books(
          [](const auto& books) { return books.statistics().frames; });
      const LatencyHistogram& ticks =
          session.with_books([](const auto& books) -> const LatencyHistogram& {
            return books.frame_to_book_ticks();
          });
      const auto at = [&](double percent) {
        return clock_.to_ns(ticks.percentile(percent));
      };
      view.connections.push_back(
          {session.config().name, session.status_text(), messages,
           elapsed <= 0
               ? 0
               : static_cast<double>(messages - last_messages_[i]) / elapsed,
           at(50), at(90), at(99), at(99.9), clock_.to_ns(ticks.max())});
      last_messages_[i] = messages;
    }
    last_ticks_ = now;
    return view;
  }

  const Node& node_;
  const NodeConfig& config_;
  const TscClock& clock_;
  const bool terminal_;
  const std::uint64_t start_ticks_;
  std::uint64_t last_ticks_;
  std::vector<std::uint64_t> last_messages_;
};

sigset_t block_stop_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  return signals;
}

// True when one of `signals` came within `ns`.
bool wait_for_signal(const sigset_t& signals, std::uint64_t ns) {
  const timespec timeout{static_cast<time_t>(ns / 1'000'000'000),
                         static_cast<long>(ns % 1'000'000'000)};
  return sigtimedwait(&signals, nullptr, &timeout) > 0;
}

// Until the time is up or a signal comes.
void wait_and_draw(const sigset_t& signals, int seconds, TscClock* clock,
                   LiveDisplay* display) {
  constexpr std::uint64_t kRecalibrateNs = 1'000 * kMillisecond;
  const std::uint64_t interval =
      display != nullptr ? display->interval_ns() : kRecalibrateNs;
  const std::uint64_t total =
      static_cast<std::uint64_t>(seconds) * 1'000 * kMillisecond;
  const std::uint64_t start = TscClock::ticks();
  std::uint64_t recalibrated = 0;
  while (true) {
    const std::uint64_t elapsed = clock->to_ns(TscClock::ticks() - start);
    if (seconds > 0 && elapsed >= total) return;
    const std::uint64_t left = seconds > 0 ? total - elapsed : interval;
    if (wait_for_signal(signals, std::min(interval, left))) return;
    if (display != nullptr) display->draw();
    if (elapsed - recalibrated >= kRecalibrateNs) {
      clock->recalibrate();
      recalibrated = elapsed;
    }
  }
}

// Of the books' connections, by number: a venue's name, and in hot standby
// "kraken", "kraken/2" and so on.
std::vector<std::string> connection_names(const NodeConfig& config) {
  std::vector<std::string> names;
  for (const VenueConfig& venue : config.venues) {
    names.push_back(venue.name);
    for (std::size_t i = 2; i <= VenueSession::book_connections(venue); ++i) {
      names.push_back(absl::StrCat(venue.name, "/", i));
    }
  }
  return names;
}

absl::Status print_reports(const std::vector<PipelineReport>& reports,
                           const TscClock& clock, const RunOptions& options) {
  if (options.json) {
    std::cout << "{\"venues\": [";
    for (std::size_t i = 0; i < reports.size(); ++i) {
      std::cout << (i == 0 ? "\n" : ",\n") << report_json(reports[i], clock);
    }
    std::cout << "]}" << std::endl;
  } else {
    for (const PipelineReport& report : reports) {
      std::cout << report_text(report, clock);
    }
    std::cout << std::flush;
  }
  if (options.dump_book.empty()) return absl::OkStatus();
  return write_book_dump(options.dump_book, reports);
}

}  // namespace

absl::Status run(const NodeConfig& config, const RunOptions& options) {
  const sigset_t signals = block_stop_signals();
  // Standard output is the report's.
  spdlog::set_default_logger(spdlog::stderr_logger_mt("lob_node"));
  const std::vector<std::string> connections = connection_names(config);
  if (!options.dump_book.empty()) {
    absl::Status status = check_book_dump(options.dump_book);
    if (!status.ok()) return status;
  }
  std::unique_ptr<BboLog> bbo_log;
  if (!options.bbo_log.empty()) {
    auto opened = BboLog::open(options.bbo_log, connections);
    if (!opened.ok()) return opened.status();
    bbo_log = *std::move(opened);
  }
  TscClock clock;
  auto created = Node::create(config, bbo_log.get());
  if (!created.ok()) return created.status();
  Node& node = **created;
  spdlog::info("receiving by {}", node.backend_name());

  std::thread network([&] {
    (void)set_thread_name("network");
    if (config.network_cpu >= 0) {
      const absl::Status pinned = pin_thread_to_cpu(config.network_cpu);
      if (!pinned.ok()) spdlog::warn("{}", std::string(pinned.message()));
    }
    node.run();
  });
  if (options.json) {
    wait_and_draw(signals, options.seconds, &clock, nullptr);
  } else {
    LiveDisplay display(node, config, clock);
    display.clear();
    wait_and_draw(signals, options.seconds, &clock, &display);
  }
  node.stop();
  network.join();

  std::vector<PipelineReport> reports;
  for (const auto& session : node.sessions()) {
    session->with_books([&](const auto& books) {
      reports.push_back({&books, session->config().id, &connections});
    });
  }
  absl::Status status = node.drained();
  status.Update(print_reports(reports, clock, options));
  if (bbo_log != nullptr) status.Update(bbo_log->close());
  return status;
}

}  // namespace wirebook
