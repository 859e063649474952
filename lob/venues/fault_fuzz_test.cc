// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// The one law, by force: streams of every venue, recorded and generated, with
// messages lost, doubled, repeated, reordered, cut and spoiled, go through the
// real pipeline; wherever the venue's protocol tells of the fault
// (lob/testing/fault_table.h), a Live book equals the model, or it is not Live.
//
// The model is a std::map fed with the stream as it was before the faults, by a
// reader of its own. A seed decides everything: a failure prints it, and
// WIREBOOK_FUZZ_SEED=<seed> repeats it. Under --config=soak the seeds go on.

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "lob/book_pipeline.h"
#include "lob/capture/capture_reader.h"
#include "lob/testing/depth_model.h"
#include "lob/testing/depth_reader.h"
#include "lob/testing/depth_source.h"
#include "lob/testing/fault_table.h"
#include "lob/testing/parser_harness.h"
#include "lob/testing/plain_json.h"
#include "memory/testing/soak.h"
#include "tools/exchange_sim/book.h"
#include "tools/exchange_sim/venue_adapter.h"

namespace wirebook {
namespace {

using Random = std::mt19937_64;

// ---- The run ----------------------------------------------------------------

struct Subject {
  VenueId venue;
  Era era;
  const sim::VenueAdapter* adapter;
  size_t depth;  // subscribed levels a side where the reader cuts; else 0
  // Levels a side that the law speaks of: as deep as a sum reaches.
  size_t proven = SIZE_MAX;
  // Of a REST snapshot, a side: deeper ones are not known until they change.
  size_t snapshot_levels = SIZE_MAX;
};

class FaultRun final : private BookPipelineListener {
 public:
  FaultRun(const Subject& subject, uint64_t seed)
      : subject_(subject),
        random_(seed),
        rest_(venue_traits(subject.venue).sync == SyncClass::kRestSnapshot),
        sums_(detector(Fault::kGap) == Detector::kSum),
        counts_(venue_traits(subject.venue).sync ==
                SyncClass::kConnectionWide) {
    BookPipelineOptions options;
    options.venue = subject.venue;
    options.discover_instruments = false;
    // Small, so that books leave their windows.
    options.keeper.book.window_ticks = size_t{1} << 10;
    options.keeper.buffered_diffs = 64;
    auto pipeline = BookPipeline::create(options, nullptr, this);
    if (!pipeline.ok()) std::abort();
    pipeline_ = *std::move(pipeline);
  }

  // All of `source`; stops at the first broken law.
  void run(DepthSource& source) {
    while (!testing::Test::HasFatalFailure() && !broken_) {
      std::optional<SentText> sent = source.next();
      if (!sent) break;
      take(*std::move(sent));
      ++frames_;
    }
  }

  bool broken() const { return broken_; }
  uint64_t live() const { return live_; }
  uint64_t checks() const { return checks_; }
  uint64_t lives_lost() const { return lives_lost_; }
  uint64_t with_horizon() const { return beyond_; }
  const std::map<std::string_view, uint64_t>& faults() const { return faults_; }

 private:
  struct Point {
    uint64_t hash = 0;
    uint64_t top_hash = 0;
    bool valid = false;
  };

  struct Book {
    std::string symbol;
    uint16_t connection = 0;
    uint32_t index = 0;  // in the pipeline
    DepthModel model;
    bool known = false;  // the model had its snapshot
    uint64_t id = 0;
    std::vector<Point> points;  // after each of its messages
    std::unordered_map<uint64_t, size_t> point_of_id;
    std::vector<DepthRead> early;  // before the snapshot of a recording
    // Under test.
    size_t applied = 0;  // the point of what was applied last
    size_t newest = 0;   // the newest one that was delivered as it was
    bool tainted = false;
    bool was_live = false;
    uint64_t unserved = 0;  // frames since it was Live, or served last
    std::optional<int> serve_in;
    std::string old_snapshot;
    size_t old_point = 0;
  };

  // A message on its way.
  struct Item {
    std::string text;
    uint16_t connection = 0;
    std::vector<std::pair<size_t, size_t>> points;  // book, point
    bool clean = true;                              // as the venue sent it
    bool http = false;
    bool snapshot = false;
  };

  Detector detector(Fault fault) const {
    return detector_of(subject_.venue, fault, subject_.era);
  }

  uint64_t below(uint64_t n) { return random_() % n; }

  // ---- The model's side

  void take(SentText sent) {
    if (counts_) number(sent);
    const auto json = read_plain_json(sent.text);
    std::vector<DepthRead> depths;
    if (json) depths = read_depth(subject_.venue, *json);
    Item item;
    item.text = std::move(sent.text);
    item.connection = sent.connection;
    for (DepthRead& depth : depths) {
      if (depth.http_body && sent.symbol.empty()) {
        return begin_recording(depth, sent.connection);
      }
      if (depth.http_body) {
        return learn(books_[book_of(sent.symbol, sent.connection)], depth);
      }
      const size_t b = book_of(depth.symbol, sent.connection);
      const bool cut = cut_short(depth);
      learn(books_[b], depth);
      if (cut) {
        --sent_[sent.connection];  // it takes the place of its original
        item.text = numbered_snapshot(books_[b]);
      }
      item.points.emplace_back(b, books_[b].points.size() - 1);
      item.snapshot |= depth.snapshot;
    }
    send(std::move(item));
    serve_due();
  }

  // A venue with half as deep a book is as good a venue, and takes less time.
  static bool cut_short(DepthRead& depth) {
    constexpr size_t kMost = 300;  // a side, best first
    if (!depth.snapshot || depth.levels.size() < 20 * kMost) return false;
    size_t kept[2] = {};
    std::erase_if(depth.levels, [&kept](const DepthLevel& level) {
      return kept[static_cast<size_t>(level.side)]++ >= kMost;
    });
    return true;
  }

  size_t book_of(const std::string& symbol, uint16_t connection) {
    for (size_t i = 0; i < books_.size(); ++i) {
      if (books_[i].symbol == symbol && books_[i].connection == connection) {
        return i;
      }
    }
    Book& book = books_.emplace_back();
    book.symbol = symbol;
    book.connection = connection;
    const auto index = pipeline_->expect_instrument(
        symbol, "", connection, static_cast<int>(subject_.depth));
    if (!index.ok()) std::abort();
    book.index = *index;
    if (connections_.insert(connection).second) {
      pipeline_->on_connection_up(connection);
    }
    return books_.size() - 1;
  }

  void learn(Book& book, const DepthRead& depth) {
    book.known |= depth.snapshot;
    if (!book.known) {
      book.early.push_back(depth);
    } else {
      book.model.apply(depth, subject_.depth);
    }
    book.id = depth.id;
    add_point(book);
  }

  void add_point(Book& book) {
    book.point_of_id[book.id] = book.points.size();
    book.points.push_back(
        {.hash = book.model.hash(),
         .top_hash = subject_.proven == SIZE_MAX
                         ? 0
                         : book.model.top_hash(subject_.proven),
         .valid = book.known});
    // Where a stale snapshot shows, one is kept for it.
    if (book.known && below(40) == 0 &&
        detector(Fault::kStaleSnapshot) != Detector::kNothing) {
      book.old_snapshot = snapshot_of(book);
      book.old_point = book.points.size() - 1;
    }
  }

  // The snapshot that stands in line in a recording, after its first diffs.
  void begin_recording(const DepthRead& snapshot, uint16_t connection) {
    for (Book& book : books_) {
      if (book.connection != connection || book.known) continue;
      book.known = true;
      book.model.apply(snapshot, subject_.depth);
      for (const DepthRead& depth : book.early) {
        if (depth.id > snapshot.id) book.model.apply(depth, subject_.depth);
      }
      book.early.clear();
      book.points.back().hash = book.model.hash();
      book.points.back().valid = true;
    }
  }

  std::string snapshot_of(const Book& book) const {
    const auto all = [this](const sim::Levels& levels) {
      std::vector<sim::SentLevel> out;
      for (const auto& [price, level] : levels) {
        if (out.size() == subject_.snapshot_levels) break;
        out.push_back({.level = level});
      }
      return out;
    };
    return subject_.adapter->snapshot(
        {.symbol = book.symbol,
         .depth = subject_.depth == 0 ? 200 : subject_.depth,
         .first_id = book.id,
         .last_id = book.id,
         .previous_id = 0,
         .time_ms = 1'767'225'600'000,
         .bids = all(book.model.book().levels(sim::Side::kBid)),
         .asks = all(book.model.book().levels(sim::Side::kAsk)),
         .book = &book.model.book()});
  }

  std::string numbered_snapshot(const Book& book) {
    std::string text = snapshot_of(book);
    if (!counts_) return text;
    return subject_.adapter->numbered(std::move(text), sent_[book.connection]);
  }

  // The venue counts what it sends, whatever becomes of it.
  void number(SentText& item) {
    constexpr std::string_view kKey = "\"sequence_num\":";
    const size_t key = item.text.find(kKey);
    if (key == std::string::npos) return;
    const size_t begin = key + kKey.size();
    size_t end = begin;
    while (item.text[end] >= '0' && item.text[end] <= '9') ++end;
    item.text.replace(begin, end - begin,
                      std::to_string(sent_[item.connection]++));
  }

  // ---- The faults

  void count(Fault fault) {
    ++faults_[fault_name(fault)];
    log_.push_back("frame " + std::to_string(frames_) + " " +
                   std::string(fault_name(fault)));
    if (log_.size() > 8) log_.pop_front();
  }

  bool depth_is_known(const Item& item) const {
    return !item.points.empty() &&
           std::all_of(
               item.points.begin(), item.points.end(),
               [this](const auto& point) { return books_[point.first].known; });
  }

  // Sends a message as the venue meant it, or with a fault.
  void send(Item item) {
    const bool depth = depth_is_known(item);
    if (below(depth ? 25 : 60) != 0) return deliver(item);
    if (!depth) return spoil_other(std::move(item));
    static constexpr Fault kFaultsHere[] = {
        Fault::kGap,         Fault::kDuplicate,  Fault::kReplay,
        Fault::kReorder,     Fault::kTruncate,   Fault::kGarbage,
        Fault::kWrongNumber, Fault::kWrongSum,   Fault::kCrossed,
        Fault::kMuteSymbol,  Fault::kMuteSocket, Fault::kDropConnection,
    };
    const Fault fault = kFaultsHere[below(std::size(kFaultsHere))];
    switch (fault) {
      case Fault::kGap:
        count(fault);
        return;
      case Fault::kDuplicate: {
        count(fault);
        deliver(item);
        return deliver(item);
      }
      case Fault::kReplay: {
        deliver(item);
        if (past_.empty()) return;
        count(fault);
        const Item old = past_[below(past_.size())];
        return deliver(old);
      }
      case Fault::kReorder:
        if (held_) return deliver(item);
        count(fault);
        held_ = std::move(item);
        return;
      case Fault::kTruncate:
        count(fault);
        item.text.resize(below(item.text.size()));
        item.clean = false;
        return deliver(item);
      case Fault::kGarbage:
        return send_garbage(std::move(item));
      case Fault::kWrongNumber:
        return send_other_digit(std::move(item));
      case Fault::kWrongSum: {
        auto text = subject_.adapter->with_wrong_sum(item.text);
        if (!text) return deliver(item);
        count(fault);
        item.text = *std::move(text);
        item.clean = false;
        return deliver(item);
      }
      case Fault::kCrossed:
        return send_crossed(std::move(item));
      case Fault::kMuteSymbol:
        count(fault);
        muted_ = item.points.back().first;
        mute_left_ = 1 + below(8);
        return;
      case Fault::kMuteSocket:
        count(fault);
        pipeline_->on_connection_stale(item.connection);
        check_all();
        return deliver(item);
      case Fault::kDropConnection:
        count(fault);
        return reconnect(item.connection);
      default:
        return deliver(item);
    }
  }

  void spoil_other(Item item) {
    switch (below(3)) {
      case 0:
        if (!counts_) return deliver(item);
        return count(Fault::kGap);
      case 1:
        count(Fault::kTruncate);
        item.text.resize(below(item.text.size()));
        item.clean = false;
        return deliver(item);
      default:
        return send_garbage(std::move(item));
    }
  }

  // Anything may happen to the text. Where it still is JSON, and another one,
  // only a sum can tell.
  void send_garbage(Item item) {
    const std::string before = item.text;
    item.text = mutate(item.text, random_);
    if (item.text == before) return deliver(item);
    item.clean = false;
    if (!read_plain_json(item.text) || sums_) {
      count(Fault::kGarbage);
    } else {
      count(Fault::kWrongNumber);
      taint(item);
    }
    deliver(item);
  }

  void send_other_digit(Item item) {
    std::vector<size_t> digits;
    for (size_t i = 0; i < item.text.size(); ++i) {
      if (item.text[i] >= '0' && item.text[i] <= '9') digits.push_back(i);
    }
    if (digits.empty()) return deliver(item);
    const auto before = read_depth(subject_.venue, *read_plain_json(item.text));
    char& digit = item.text[digits[below(digits.size())]];
    digit = static_cast<char>('0' + (digit - '0' + 1 + below(9)) % 10);
    item.clean = false;
    Fault fault = Fault::kGarbage;
    if (const auto json = read_plain_json(item.text)) {
      const auto after = read_depth(subject_.venue, *json);
      fault = Fault::kSlowDrip;  // a time, or the like
      for (size_t i = 0; i < before.size() && i < after.size(); ++i) {
        if (before[i].ids != after[i].ids) fault = Fault::kWrongId;
        if (before[i].sum != after[i].sum) fault = Fault::kWrongSum;
        if (before[i].levels != after[i].levels) fault = Fault::kWrongNumber;
        if (before[i].symbol != after[i].symbol) fault = Fault::kGap;
      }
      if (before.size() != after.size()) fault = Fault::kGap;
    }
    if (fault == Fault::kSlowDrip) return deliver(item);
    count(fault);
    if (detector(fault) == Detector::kNothing) taint(item);
    deliver(item);
  }

  void send_crossed(Item item) {
    const Book& book = books_[item.points.back().first];
    const sim::Levels& asks = book.model.book().levels(sim::Side::kAsk);
    if (asks.empty() || item.points.size() != 1 || item.snapshot) {
      return deliver(item);
    }
    count(Fault::kCrossed);
    sim::Level bid = asks.begin()->second;
    item.text = subject_.adapter->with_bid(item.text, bid);
    item.clean = false;
    deliver(item);
  }

  // Nothing tells of it: until a new connection the law is not asked for.
  void taint(const Item& item) {
    for (Book& book : books_) {
      if (book.connection == item.connection) book.tainted = true;
    }
    heal_in_ = 1 + below(15);
    ill_ = item.connection;
  }

  void reconnect(uint16_t connection) {
    pipeline_->on_connection_lost(connection);
    check_all();
    held_.reset();
    sent_[connection] = 0;
    pipeline_->on_connection_up(connection);
    for (Book& book : books_) {
      if (book.connection != connection) continue;
      book.tainted = false;
      book.newest = 0;
      if (!rest_) book.serve_in = static_cast<int>(below(4));
    }
    past_.clear();
  }

  // ---- The wire

  void deliver(const Item& item) {
    if (broken_) return;
    for (const auto& [b, point] : item.points) {
      if (mute_left_ != 0 && b == muted_) {
        --mute_left_;
        return;
      }
    }
    Frame frame(item.text);
    frame.raw().connection = item.connection;
    if (item.http) {
      frame.raw().kind = RawMessageKind::kHttpBody;
      frame.raw().tag = books_[item.points[0].first].index;
    }
    if (item.clean && !item.http) {
      for (const auto& [b, point] : item.points) {
        books_[b].newest = std::max(books_[b].newest, point);
      }
      if (!item.points.empty() && depth_is_known(item) && !item.snapshot) {
        past_.push_back(item);
        if (past_.size() > 30) past_.pop_front();
      }
    }
    in_hand_ = &item;
    pipeline_->on_message(&frame.raw());
    in_hand_ = nullptr;
    for (const auto& [b, point] : item.points) check(books_[b]);
    if (!item.clean || item.points.empty()) check_all();
    hear_requests();
    if (held_ && !item.points.empty() && !held_->points.empty() &&
        held_->points[0].first == item.points[0].first) {
      const Item late = *std::exchange(held_, std::nullopt);
      deliver(late);
    }
  }

  void hear_requests() {
    while (const auto request = pipeline_->next_request()) {
      for (Book& book : books_) {
        if (book.index == request->instrument) {
          book.serve_in = static_cast<int>(below(6));
        }
      }
    }
  }

  void serve_due() {
    if (heal_in_ != 0 && --heal_in_ == 0) reconnect(ill_);
    for (size_t b = 0; b < books_.size(); ++b) {
      Book& book = books_[b];
      if (!book.known) continue;
      // An answer may have been lost: asked again, as the node does.
      if (!book.was_live && !book.serve_in && ++book.unserved > 40) {
        book.serve_in = 0;
      }
      if (!book.serve_in || --*book.serve_in >= 0) continue;
      book.serve_in.reset();
      book.unserved = 0;
      serve(b);
    }
  }

  void serve(size_t b) {
    Book& book = books_[b];
    Item item{.text = {},
              .connection = book.connection,
              .points = {{b, book.points.size() - 1}},
              .http = rest_,
              .snapshot = true};
    if (!book.old_snapshot.empty() && below(6) == 0) {
      count(Fault::kStaleSnapshot);
      item.text = book.old_snapshot;
      item.points[0].second = book.old_point;
    } else {
      item.text = numbered_snapshot(book);
    }
    if (below(12) == 0) {
      count(Fault::kTruncate);
      item.text.resize(below(item.text.size()));
      item.clean = false;
    } else if (below(20) == 0) {
      return count(Fault::kGap);
    }
    deliver(item);
  }

  // ---- The law

  void on_depth_applied(const BookKeeper& keeper,
                        const ParsedMessage& message) override {
    for (Book& book : books_) {
      if (book.index != keeper.instrument().index || in_hand_ == nullptr) {
        continue;
      }
      for (const auto& [b, point] : in_hand_->points) {
        if (&books_[b] != &book) continue;
        book.applied = point;
        // What went before it does not count.
        if (message.kind == ParsedMessageKind::kSnapshot) book.newest = point;
      }
    }
  }

  void check_all() {
    for (Book& book : books_) check(book);
  }

  void check(Book& book) {
    if (broken_) return;
    const BookKeeper& keeper = pipeline_->book(book.index);
    const bool live = keeper.state() == BookState::kLive;
    lives_lost_ += book.was_live && !live;
    const bool began = live && !book.was_live;
    book.was_live = live;
    if (!live || book.tainted) return;
    ++live_;
    book.unserved = 0;
    size_t at = book.applied;
    if (rest_) {
      const auto found = book.point_of_id.find(keeper.view().update_id);
      if (found == book.point_of_id.end()) {
        return fail(book, "is Live at an id that was never sent");
      }
      at = found->second;
    }
    if (!book.points[at].valid) return fail(book, "is Live without a snapshot");
    if (!sums_ && at < book.newest) {
      return fail(book, "is Live without what was delivered last");
    }
    if (subject_.proven != SIZE_MAX) {
      ++checks_;
      if (hash_of(keeper.book(), subject_.proven) != book.points[at].top_hash) {
        return fail(book, "is Live with other levels than the model's");
      }
      return;
    }
    if (subject_.snapshot_levels != SIZE_MAX) {
      return check_known(book, keeper, at);
    }
    // All of a large book, now and then.
    const size_t levels =
        keeper.book().levels(Side::kBid) + keeper.book().levels(Side::kAsk);
    if (levels > 500 && !began && below(levels / 250) != 0) return;
    ++checks_;
    if (hash_of(keeper.book(), SIZE_MAX) != book.points[at].hash) {
      fail(book, "is Live with other levels than the model's");
    }
  }

  // A snapshot was short: the law is about what it covered, and the touch.
  void check_known(const Book& book, const BookKeeper& keeper, size_t at) {
    if (at + 1 != book.points.size()) return;  // the model has gone on
    ++checks_;
    const Horizon horizons[2] = {keeper.known_horizon(Side::kBid),
                                 keeper.known_horizon(Side::kAsk)};
    beyond_ += horizons[0].has_value() || horizons[1].has_value();
    if (known_hash(keeper.book(), horizons) !=
        known_hash(book.model.book(), keeper.book().price_scale(), horizons)) {
      return fail(book, "is Live with other levels than the model's");
    }
    for (const Side side : {Side::kBid, Side::kAsk}) {
      if (!keeper.book().empty(side) &&
          !within(side, keeper.book().best(side).price,
                  horizons[static_cast<size_t>(side)])) {
        return fail(book, "is Live with a touch beyond what is known");
      }
    }
  }

  void fail(const Book& book, const char* what) {
    broken_ = true;
    std::string faults;
    for (const std::string& line : log_) faults += "\n  " + line;
    const BookView view = pipeline_->book(book.index).view();
    ADD_FAILURE() << book.symbol << " " << what << ", at frame " << frames_
                  << ", point " << book.applied << " of "
                  << book.points.size() - 1 << ", id " << view.update_id
                  << "; the last faults:" << faults;
  }

  const Subject subject_;
  Random random_;
  const bool rest_;
  const bool sums_;
  const bool counts_;
  std::unique_ptr<BookPipeline> pipeline_;
  std::deque<Book> books_;
  std::set<uint16_t> connections_;
  std::map<uint16_t, uint64_t> sent_;  // messages that a connection counted
  const Item* in_hand_ = nullptr;
  std::optional<Item> held_;
  std::deque<Item> past_;
  size_t muted_ = 0;
  uint64_t mute_left_ = 0;
  uint64_t heal_in_ = 0;
  uint16_t ill_ = 0;
  bool broken_ = false;
  uint64_t frames_ = 0;
  uint64_t live_ = 0;
  uint64_t checks_ = 0;
  uint64_t lives_lost_ = 0;
  uint64_t beyond_ = 0;
  std::map<std::string_view, uint64_t> faults_;
  std::deque<std::string> log_;
};

// ---- Tests ------------------------------------------------------------------

struct Case {
  const char* name;
  VenueId venue;
  Era era = Era::kNow;
  const sim::VenueAdapter& (*adapter)();
  size_t depth = 0;  // of generated streams
  size_t proven = SIZE_MAX;
  const char* capture = nullptr;
  size_t recorded_depth = 0;
};

constexpr Case kCases[] = {
    {.name = "BinanceSpot",
     .venue = VenueId::kBinanceSpot,
     .adapter = sim::binance_spot_adapter,
     .capture = "binance_spot_btcusdt_20240808.lines.gz"},
    {.name = "BinanceUsdm",
     .venue = VenueId::kBinanceUsdm,
     .adapter = sim::binance_usdm_adapter,
     .capture = "binance_usdm_btcusdt_20240808.lines.gz"},
    {.name = "Kraken",
     .venue = VenueId::kKraken,
     .adapter = sim::kraken_adapter,
     .depth = 10,
     .proven = 10,
     .capture = "kraken_v2_btcusd_depth10_resubscribes.jsonl.zst",
     .recorded_depth = 10},
    {.name = "KrakenDeep",
     .venue = VenueId::kKraken,
     .adapter = sim::kraken_adapter,
     .depth = 25,
     .proven = 10,
     .capture = "kraken_v2_btcusd_depth25.jsonl.zst",
     .recorded_depth = 25},
    {.name = "Bybit",
     .venue = VenueId::kBybit,
     .adapter = sim::bybit_adapter,
     .depth = 50,
     .capture = "bybit.jsonl.zst"},
    {.name = "Okx",
     .venue = VenueId::kOkx,
     .adapter = sim::okx_adapter,
     .depth = 40},
    {.name = "OkxWithSums",
     .venue = VenueId::kOkx,
     .era = Era::kSums,
     .adapter = sim::okx_with_sums_adapter,
     .depth = 40,
     .proven = 25,
     .capture = "okx.jsonl.zst"},
    {.name = "Deribit",
     .venue = VenueId::kDeribit,
     .adapter = sim::deribit_adapter,
     .capture = "deribit.jsonl.zst"},
    {.name = "CoinbaseAdvanced",
     .venue = VenueId::kCoinbaseAdvanced,
     .adapter = sim::coinbase_advanced_adapter,
     .capture = "coinbase_advanced.jsonl.zst"},
};

class FaultFuzz : public testing::TestWithParam<Case> {
 protected:
  // The seeds of this run: one, from the environment, or `count`, or as many as
  // there is time for.
  template <class F>
  void for_each_seed(uint64_t count, F&& f) {
    if (const char* const text = std::getenv("WIREBOOK_FUZZ_SEED")) {
      return f(std::strtoull(text, nullptr, 10));
    }
    uint64_t seed = 0;
    for (Soak soak(3 * std::size(kCases)); soak.goes_on();) {
      for (uint64_t i = 0; i < count && !HasFailure(); ++i) f(++seed);
    }
  }

  // Once over; false where the law was broken.
  void run(DepthSource& source, size_t depth, uint64_t seed,
           size_t snapshot_levels = SIZE_MAX) {
    SCOPED_TRACE("WIREBOOK_FUZZ_SEED=" + std::to_string(seed));
    const Case& c = GetParam();
    FaultRun run({.venue = c.venue,
                  .era = c.era,
                  .adapter = &c.adapter(),
                  .depth = depth,
                  .proven = c.proven,
                  .snapshot_levels = snapshot_levels},
                 seed);
    run.run(source);
    live_ += run.live();
    checks_ += run.checks();
    lost_ += run.lives_lost();
    with_horizon_ += run.with_horizon();
    for (const auto& [name, n] : run.faults()) faults_[name] += n;
  }

  void tell() {
    std::string text;
    for (const auto& [name, n] : faults_) {
      text += " " + std::string(name) + " " + std::to_string(n);
    }
    std::printf("[  %llu live checks, %llu whole; Live lost %llu times;%s ]\n",
                static_cast<unsigned long long>(live_),
                static_cast<unsigned long long>(checks_),
                static_cast<unsigned long long>(lost_), text.c_str());
  }

  uint64_t live_ = 0;
  uint64_t checks_ = 0;
  uint64_t lost_ = 0;
  uint64_t with_horizon_ = 0;
  std::map<std::string_view, uint64_t> faults_;
};

INSTANTIATE_TEST_SUITE_P(, FaultFuzz, testing::ValuesIn(kCases),
                         [](const auto& each) {
                           return std::string(each.param.name);
                         });

TEST_P(FaultFuzz, GeneratedStreams) {
  const Case& c = GetParam();
  for_each_seed(2, [&](uint64_t seed) {
    GeneratedSource source(c.adapter(), {"BTCUSDT", "ETHUSDT"}, c.depth, seed,
                           1000);
    run(source, c.adapter().client_truncates() ? c.depth : 0, seed);
  });
  tell();
  if (std::getenv("WIREBOOK_FUZZ_SEED") != nullptr) return;
  EXPECT_GT(live_, 1000u) << "hardly ever live";
  EXPECT_GT(lost_, 40u) << "hardly ever lost";
}

TEST_P(FaultFuzz, GeneratedStreamsWithShortSnapshots) {
  const Case& c = GetParam();
  if (venue_traits(c.venue).whole_snapshots) {
    GTEST_SKIP() << "its snapshots are whole";
  }
  for_each_seed(2, [&](uint64_t seed) {
    GeneratedSource source(c.adapter(), {"BTCUSDT", "ETHUSDT"}, c.depth, seed,
                           1000);
    run(source, 0, seed, 12 + seed % 3 * 10);
  });
  tell();
  if (std::getenv("WIREBOOK_FUZZ_SEED") != nullptr) return;
  EXPECT_GT(with_horizon_, 300u) << "hardly ever live within a horizon";
}

TEST_P(FaultFuzz, RecordedStreams) {
  const Case& c = GetParam();
  const char* const folder = std::getenv("WIREBOOK_DATA");
  if (folder == nullptr) GTEST_SKIP() << "WIREBOOK_DATA is not set";
  if (c.capture == nullptr) GTEST_SKIP() << "no recording has its ids";
  const auto capture = read_capture(std::string(folder) + "/" + c.capture);
  ASSERT_TRUE(capture.ok()) << capture.status();
  for_each_seed(capture->records.size() < 1000 ? 8 : 1, [&](uint64_t seed) {
    RecordedSource source(*capture, soaking() ? SIZE_MAX : 3000);
    run(source, c.recorded_depth, seed);
  });
  tell();
  if (std::getenv("WIREBOOK_FUZZ_SEED") != nullptr) return;
  EXPECT_GT(live_, 20u) << "hardly ever live";
}

}  // namespace
}  // namespace wirebook
