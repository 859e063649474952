// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "lob/book_pipeline.h"

#include <atomic>
#include <deque>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "lob/book_dump.h"
#include "lob/testing/capture_replay.h"
#include "lob/testing/parser_harness.h"

namespace wirebook {
namespace {

std::string hash_of(const BookKeeper& keeper) {
  std::string lines;
  append_book_dump(keeper.book(), keeper.instrument().symbol,
                   keeper.instrument().market,
                   std::to_string(keeper.instrument().connection), &lines);
  return book_hash(lines);
}

std::string depth_update(int id, const std::string& bids) {
  return R"({"e":"depthUpdate","E":1,"s":"BTCUSDT","U":)" + std::to_string(id) +
         R"(,"u":)" + std::to_string(id) + R"(,"b":[)" + bids + R"(],"a":[]})";
}

constexpr char kBody[] =
    R"({"lastUpdateId":10,"bids":[["100.0","1.0"]],"asks":[["101.0","1.0"]]})";

// A pipeline with a pool and a way to feed it text.
class Feed {
 public:
  explicit Feed(BookPipelineOptions options,
                BookPipelineListener* listener = nullptr)
      : pool_(*RawMessagePool::create({.descriptors = 512})) {
    pipeline_ = *BookPipeline::create(options, pool_.get(), listener);
  }
  ~Feed() { pipeline_->stop(); }

  BookPipeline& operator*() { return *pipeline_; }
  BookPipeline* operator->() { return pipeline_.get(); }
  RawMessagePool& pool() { return *pool_; }

  void text(const std::string& payload, uint16_t connection = 0) {
    send(payload, connection, RawMessageKind::kText, 0);
  }
  void body(const std::string& payload, uint32_t instrument) {
    send(payload, 0, RawMessageKind::kHttpBody, instrument);
  }

 private:
  void send(const std::string& payload, uint16_t connection,
            RawMessageKind kind, uint32_t tag) {
    frames_.emplace_back(payload);
    RawMessage* raw = nullptr;
    while (
        (raw = pool_->acquire_external(
             frames_.back().raw().data, static_cast<uint32_t>(payload.size()),
             [](void*) {}, nullptr)) == nullptr) {
      pool_->reclaim();
    }
    raw->connection = connection;
    raw->kind = kind;
    raw->tag = tag;
    pipeline_->on_message(raw);
  }

  std::unique_ptr<RawMessagePool> pool_;
  std::deque<Frame> frames_;
  std::unique_ptr<BookPipeline> pipeline_;
};

class BookPipelineTest : public testing::TestWithParam<PipelineMode> {
 protected:
  BookPipelineOptions options() const {
    BookPipelineOptions options;
    options.mode = GetParam();
    options.parsed_messages = 64;
    options.keeper.book.window_ticks = 1024;
    return options;
  }
};

std::string mode_name(PipelineMode mode) {
  return mode == PipelineMode::kFused    ? "Fused"
         : mode == PipelineMode::kStaged ? "Staged"
                                         : "TwoThreads";
}

INSTANTIATE_TEST_SUITE_P(Modes, BookPipelineTest,
                         testing::Values(PipelineMode::kFused,
                                         PipelineMode::kStaged,
                                         PipelineMode::kTwoThreads),
                         [](const auto& param) {
                           return mode_name(param.param);
                         });

TEST_P(BookPipelineTest, FromTextToAVerifiedBook) {
  Feed feed(options());
  const uint32_t index = *feed->expect_instrument("BTCUSDT", "", 0, 0);
  feed->on_connection_up(0);
  feed.text(depth_update(10, R"(["99.0","2.0"])"));
  ASSERT_TRUE(feed->drain().ok());
  const auto request = feed->next_request();
  ASSERT_TRUE(request);
  EXPECT_EQ(request->kind, BookRequestKind::kFetchSnapshot);
  EXPECT_EQ(request->instrument, index);
  EXPECT_FALSE(feed->next_request());
  feed.body(kBody, index);
  feed.text(depth_update(11, R"(["99.5","2.0"])"));
  ASSERT_TRUE(feed->drain().ok());
  const BookView view = feed->book(index).view();
  EXPECT_EQ(view.state, BookState::kLive);
  EXPECT_EQ(view.update_id, 11u);
  EXPECT_EQ(view.bids[1], (PriceLevel{9950000000, 200000000}));
  EXPECT_EQ(feed->statistics().frames, 3u);
  EXPECT_EQ(feed->frame_to_book_ticks().count(), 1u);
  EXPECT_EQ(feed.pool().outstanding(), 0u);
}

TEST_P(BookPipelineTest, AMalformedFrameGapsTheBooksItMayConcern) {
  Feed feed(options());
  for (const uint16_t connection : {uint16_t{0}, uint16_t{1}}) {
    ASSERT_TRUE(feed->expect_instrument("BTCUSDT", "", connection, 0).ok());
    feed.body(kBody, connection);
    feed.text(depth_update(11, ""), connection);
  }
  ASSERT_TRUE(feed->drain().ok());
  ASSERT_EQ(feed->book(0).view().state, BookState::kLive);
  ASSERT_EQ(feed->book(1).view().state, BookState::kLive);
  feed.text("not json", 1);
  ASSERT_TRUE(feed->drain().ok());
  EXPECT_EQ(feed->book(0).view().state, BookState::kLive);
  EXPECT_EQ(feed->book(1).view().state, BookState::kGapped);
  EXPECT_EQ(feed->book(1).view().reason, BookReason::kMalformedMessage);
  EXPECT_EQ(feed->statistics().malformed, 1u);
  const auto request = feed->next_request();
  ASSERT_TRUE(request);
  EXPECT_EQ(request->instrument, 1u);
  EXPECT_EQ(request->connection, 1);
}

TEST_P(BookPipelineTest, AFrameBeyondThePoolIsCountedAndGapsTheBook) {
  BookPipelineOptions tiny = options();
  tiny.parsed_messages = 1;
  Feed feed(tiny);
  feed.text(depth_update(10, ""));
  feed.body(kBody, 0);
  feed.text(depth_update(11, ""));
  ASSERT_TRUE(feed->drain().ok());
  ASSERT_EQ(feed->book(0).view().state, BookState::kLive);
  // More parts than the pool and what it holds in reserve.
  std::string levels = R"(["50.0","1.0"])";
  for (int i = 0; i < 300 * 512; ++i) levels += R"(,["50.0","1.0"])";
  feed.text(depth_update(12, levels));
  ASSERT_TRUE(feed->drain().ok());
  EXPECT_EQ(feed->book(0).view().state, BookState::kGapped);
  EXPECT_EQ(feed->book(0).view().reason, BookReason::kInternalDrop);
  EXPECT_EQ(feed->statistics().parsed_pool_drops, 1u);
  EXPECT_TRUE(feed->next_request());
}

TEST_P(BookPipelineTest, ConnectionEventsKeepTheStreamsOrder) {
  Feed feed(options());
  feed.text(depth_update(10, ""));
  feed.body(kBody, 0);
  feed->on_connection_lost(0);
  feed.text(depth_update(11, ""));  // of the next connection
  ASSERT_TRUE(feed->drain().ok());
  EXPECT_EQ(feed->book(0).view().state, BookState::kGapped);
  EXPECT_EQ(feed->book(0).view().reason, BookReason::kConnectionLost);
  feed->on_connection_up(0);
  feed->on_connection_stale(0);
  ASSERT_TRUE(feed->drain().ok());
  EXPECT_EQ(feed->book(0).view().state, BookState::kStale);
  feed.text(R"({"e":"kline","s":"BTCUSDT"})");
  ASSERT_TRUE(feed->drain().ok());
  EXPECT_EQ(feed->book(0).view().state, BookState::kSyncing);
}

TEST_P(BookPipelineTest, AnAnswerIsNotTheStream) {
  struct Count : BookPipelineListener {
    int live = 0;
    int other = 0;
    void on_depth_applied(const BookKeeper& keeper,
                          const ParsedMessage&) override {
      ++(keeper.state() == BookState::kLive ? live : other);
    }
  } count;
  Feed feed(options(), &count);
  const uint32_t index = *feed->expect_instrument("BTCUSDT", "", 0, 0);
  feed.text(depth_update(11, ""));
  feed.body(R"({"lastUpdateId":)", index);
  ASSERT_TRUE(feed->drain().ok());
  EXPECT_EQ(feed->book(0).view().state, BookState::kSyncing);
  EXPECT_EQ(feed->statistics().malformed, 1u);
  EXPECT_TRUE(feed->next_request());
  feed.body(R"({"lastUpdateId":11,"bids":[["100.0","1.0"]],"asks":[]})", index);
  feed.body("not json", index);
  feed.text(depth_update(12, ""));
  ASSERT_TRUE(feed->drain().ok());
  EXPECT_EQ(feed->book(0).view().state, BookState::kLive);
  feed->on_connection_stale(0);
  feed.body(kBody, index);
  feed.body("not json", index);
  ASSERT_TRUE(feed->drain().ok());
  EXPECT_EQ(feed->book(0).view().state, BookState::kStale);
  feed.text(depth_update(13, R"(["99.5","2.0"])"));
  ASSERT_TRUE(feed->drain().ok());
  EXPECT_EQ(feed->book(0).view().state, BookState::kLive);
  EXPECT_EQ(count.live, 2);
  EXPECT_EQ(count.other, 0) << "the snapshot alone was not Live";
  EXPECT_EQ(feed->frame_to_book_ticks().count(), 2u);
}

TEST_P(BookPipelineTest, TwoLinesOneBook) {
  BookPipelineOptions two = options();
  two.lines = 2;
  Feed feed(two);
  const uint32_t index = *feed->expect_instrument("BTCUSDT", "", 3, 0);
  const uint16_t a = 3 * 2 + 0;
  const uint16_t b = 3 * 2 + 1;
  const auto state = [&] {
    EXPECT_TRUE(feed->drain().ok());
    return feed->book(index).view().state;
  };
  feed->on_connection_up(a);
  feed->on_connection_up(b);
  feed.text(depth_update(10, ""), a);
  feed.text(depth_update(10, ""), b);
  feed.body(kBody, index);
  feed.text(depth_update(11, R"(["99.5","2.0"])"), b);
  EXPECT_EQ(state(), BookState::kLive);
  feed.text(depth_update(11, R"(["99.5","2.0"])"), a);
  feed.text(depth_update(13, R"(["98","1"])"), a);  // A lost 12
  EXPECT_EQ(state(), BookState::kLive);
  EXPECT_EQ(feed->book(index).view().update_id, 11u);
  feed.text(depth_update(12, R"(["97","1"])"), b);
  feed.text("garbage", a);
  feed.text(depth_update(13, R"(["98","1"])"), b);
  feed.text(depth_update(14, R"(["98","2"])"), a);
  feed->on_connection_lost(a);
  EXPECT_EQ(state(), BookState::kLive);
  EXPECT_EQ(feed->book(index).view().update_id, 14u);
  EXPECT_EQ(feed->book(index).book().levels(Side::kBid), 4u);
  EXPECT_EQ(feed->book(index).statistics().gaps, 0u);
  EXPECT_EQ(feed->line_statistics(index, 0).ahead, 1u);
  EXPECT_EQ(feed->line_statistics(index, 0).faults, 1u);
  EXPECT_EQ(feed->line_statistics(index, 0).won, 2u);
  EXPECT_EQ(feed->line_statistics(index, 1).won, 3u);
  feed.text(depth_update(16, ""), b);
  EXPECT_EQ(state(), BookState::kGapped) << "B alone lost 15";
  feed->on_connection_lost(b);
  EXPECT_EQ(state(), BookState::kGapped);
  EXPECT_EQ(feed->book(index).view().reason, BookReason::kConnectionLost);
}

// Both lines lose frames of their own, and lag: the book is that of a whole
// stream as long as no frame is lost on both.
TEST_P(BookPipelineTest, LinesThatLoseFramesMakeAWholeBook) {
  const uint64_t seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937_64 random(seed);
  BookPipelineOptions two = options();
  two.lines = 2;
  two.full = FullPolicy::kWait;
  BookPipelineOptions one = options();
  one.full = FullPolicy::kWait;
  Feed merged(two);
  Feed whole(one);
  const uint32_t index = *merged->expect_instrument("BTCUSDT", "", 0, 0);
  ASSERT_EQ(*whole->expect_instrument("BTCUSDT", "", 0, 0), index);
  for (Feed* feed : {&merged, &whole}) {
    (*feed)->on_connection_up(0);
    feed->text(depth_update(10, ""), 0);
    feed->body(kBody, index);
  }
  merged->on_connection_up(1);
  merged.text(depth_update(10, ""), 1);
  int lost_by = 0;
  for (int id = 11; id < 400; ++id) {
    const std::string update =
        depth_update(id, "[\"" + std::to_string(50 + random() % 50) + "." +
                             std::to_string(random() % 10) + "\",\"" +
                             std::to_string(random() % 3) + "\"]");
    whole.text(update);
    // Who is first, and whether one of them loses it.
    const uint16_t first = random() % 2;
    const int loser = random() % 8 == 0 ? lost_by ^= 1 : -1;
    for (const uint16_t line : {first, static_cast<uint16_t>(first ^ 1)}) {
      if (line != loser) merged.text(update, line);
    }
  }
  ASSERT_TRUE(merged->drain().ok());
  ASSERT_TRUE(whole->drain().ok());
  EXPECT_EQ(merged->book(index).view().state, BookState::kLive);
  EXPECT_EQ(merged->book(index).statistics().gaps, 0u);
  EXPECT_EQ(hash_of(merged->book(index)), hash_of(whole->book(index)));
}

// USD-M cuts its events differently on each connection, and each names its own
// connection's last one.
TEST_P(BookPipelineTest, LinesAreMergedByCoverage) {
  BookPipelineOptions two = options();
  two.venue = VenueId::kBinanceUsdm;
  two.lines = 2;
  Feed feed(two);
  const auto update = [](int previous, int last, const std::string& bids) {
    return R"({"e":"depthUpdate","E":2,"T":1,"s":"BTCUSDT","U":)" +
           std::to_string(last) + R"(,"u":)" + std::to_string(last) +
           R"(,"pu":)" + std::to_string(previous) + R"(,"b":[)" + bids +
           R"(],"a":[]})";
  };
  const uint32_t index = *feed->expect_instrument("BTCUSDT", "", 0, 0);
  for (const uint16_t line : {uint16_t{0}, uint16_t{1}}) {
    feed->on_connection_up(line);
    feed.text(update(9, 10, ""), line);
  }
  feed.body(kBody, index);
  feed.text(update(10, 13, R"(["99","1"])"), 0);
  feed.text(update(10, 12, R"(["99","7"])"), 1);  // older
  feed.text(update(12, 15, R"(["98","2"])"), 1);
  feed.text(update(13, 14, R"(["98","5"])"), 0);  // older
  feed.text(update(14, 16, R"(["97","3"])"), 0);
  ASSERT_TRUE(feed->drain().ok());
  const BookView view = feed->book(index).view();
  EXPECT_EQ(view.state, BookState::kLive);
  EXPECT_EQ(view.update_id, 16u);
  EXPECT_EQ(view.bids[1], (PriceLevel{9900000000, 100000000}));
  EXPECT_EQ(view.bids[2], (PriceLevel{9800000000, 200000000}));
  EXPECT_EQ(view.bids[3], (PriceLevel{9700000000, 300000000}));
  EXPECT_EQ(feed->book(index).statistics().gaps, 0u);
  EXPECT_EQ(feed->line_statistics(index, 1).duplicates, 2u);
}

TEST_P(BookPipelineTest, ABookIsStaleWhenAllItsLinesAre) {
  BookPipelineOptions two = options();
  two.lines = 2;
  Feed feed(two);
  const uint32_t index = *feed->expect_instrument("BTCUSDT", "", 0, 0);
  const auto state = [&] {
    EXPECT_TRUE(feed->drain().ok());
    return feed->book(index).view().state;
  };
  for (const uint16_t line : {uint16_t{0}, uint16_t{1}}) {
    feed->on_connection_up(line);
    feed.text(depth_update(10, ""), line);
  }
  feed.body(kBody, index);
  feed.text(depth_update(11, ""), 0);
  feed->on_connection_stale(0);
  EXPECT_EQ(state(), BookState::kLive);
  feed->on_connection_stale(1);
  EXPECT_EQ(state(), BookState::kStale);
  feed.text(depth_update(11, ""), 1);
  EXPECT_EQ(state(), BookState::kLive) << "a duplicate is a sign of life";
  feed.text(depth_update(12, ""), 0);
  EXPECT_EQ(state(), BookState::kLive);
  feed->on_connection_lost(1);
  EXPECT_EQ(state(), BookState::kLive);
}

TEST(BookPipeline, LinesNeedIdsThatAreShared) {
  EXPECT_TRUE(BookPipeline::create({.venue = VenueId::kOkx, .lines = 4},
                                   nullptr, nullptr)
                  .ok());
  const auto kraken = BookPipeline::create(
      {.venue = VenueId::kKraken, .lines = 2}, nullptr, nullptr);
  EXPECT_EQ(kraken.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_FALSE(BookPipeline::create({.lines = 3}, nullptr, nullptr).ok());
}

// Decimals that an instrument did not have: its messages cannot be read, so the
// book waits for a snapshot, and takes it once its scales are wider.
TEST_P(BookPipelineTest, AChangeOfScaleTakesANewSnapshot) {
  BookPipelineOptions okx = options();
  okx.venue = VenueId::kOkx;
  Feed feed(okx);
  const uint32_t index = *feed->expect_instrument("X-USDT", "", 0, 0);
  const auto message = [](const char* action, int id, const char* bid) {
    return std::string(R"({"arg":{"channel":"books","instId":"X-USDT"},)") +
           R"("action":")" + action + R"(","data":[{"asks":[],"bids":[[")" +
           bid + R"(","5","0","1"]],"ts":"1","seqId":)" + std::to_string(id) +
           R"(,"prevSeqId":)" + std::to_string(action[0] == 's' ? -1 : id - 1) +
           "}]}";
  };
  const auto view = [&] {
    EXPECT_TRUE(feed->drain().ok());
    return feed->book(index).view();
  };
  const auto asked = [&] {
    const auto request = feed->next_request();
    return request && request->kind == BookRequestKind::kResubscribe;
  };
  feed->on_connection_up(0);
  feed.text(message("snapshot", 1, "0.00000012"));
  EXPECT_EQ(view().state, BookState::kLive);
  while (feed->next_request()) {
  }
  feed.text(message("update", 2, "0.0000001234"));
  EXPECT_EQ(view().state, BookState::kGapped);
  EXPECT_EQ(view().reason, BookReason::kScaleChanged);
  EXPECT_TRUE(asked());
  // At the old scales an answer does not help.
  feed.text(message("snapshot", 3, "0.0000001234"));
  EXPECT_EQ(view().reason, BookReason::kScaleChanged);
  feed->change_scales(index, {.price = 10, .quantity = 8});
  // What can be read now does not fit the book.
  feed.text(message("update", 4, "0.0000001235"));
  EXPECT_NE(view().state, BookState::kLive);
  feed.text(message("snapshot", 5, "0.0000001234"));
  EXPECT_EQ(view().state, BookState::kLive);
  EXPECT_EQ(view().price_scale, 10);
  EXPECT_EQ(view().bids[0], (PriceLevel{1234, 500'000'000}));
  // A book that was Live is Gapped by the change itself.
  feed->change_scales(index, {.price = 12, .quantity = 8});
  feed.text(message("update", 6, "0.000000123"));
  EXPECT_EQ(view().state, BookState::kGapped);
  EXPECT_EQ(view().reason, BookReason::kScaleChanged);
  feed.text(message("snapshot", 7, "0.000000123"));
  EXPECT_EQ(view().bids[0], (PriceLevel{123'000, 500'000'000}));
}

TEST_P(BookPipelineTest, AShutdownAsksOnceForANewConnection) {
  Feed feed(options());
  for (const char* symbol : {"BTCUSDT", "ETHUSDT"}) {
    ASSERT_TRUE(feed->expect_instrument(symbol, "", 0, 0).ok());
  }
  for (int round = 0; round < 2; ++round) {
    feed->on_connection_up(0);
    feed.text(R"({"e":"serverShutdown","E":5})");
    feed.text(depth_update(10, ""));
    feed.body(kBody, 0);
    ASSERT_TRUE(feed->drain().ok());
    EXPECT_EQ(feed->book(0).view().state, BookState::kHalted);
    EXPECT_EQ(feed->book(1).view().reason, BookReason::kVenueStatus);
    const auto request = feed->next_request();
    ASSERT_TRUE(request);
    EXPECT_EQ(request->kind, BookRequestKind::kReconnect);
    EXPECT_EQ(request->connection, 0);
    EXPECT_FALSE(feed->next_request());
  }
}

// A full ring must be seen: the book thread is held up by its listener.
TEST(BookPipeline, AFullRingIsCountedAndGapsTheBook) {
  struct Slow : BookPipelineListener {
    std::atomic<bool> hold{true};
    void on_state_changed(const BookKeeper&) override {
      while (hold.load()) std::this_thread::yield();
    }
  };
  for (const PipelineMode mode :
       {PipelineMode::kStaged, PipelineMode::kTwoThreads}) {
    SCOPED_TRACE(mode_name(mode));
    Slow slow;
    BookPipelineOptions options;
    options.mode = mode;
    options.ring_capacity = 8;
    options.parsed_messages = 8;
    options.keeper.book.window_ticks = 1024;
    Feed feed(options, &slow);
    for (int i = 0; i < 400; ++i) feed.text(depth_update(10 + i, ""));
    slow.hold = false;
    ASSERT_TRUE(feed->drain().ok());
    EXPECT_GT(feed->statistics().ring_full_drops, 0u);
    EXPECT_EQ(feed->book(0).view().state, BookState::kGapped);
    EXPECT_EQ(feed->book(0).view().reason, BookReason::kInternalDrop);
    EXPECT_EQ(feed.pool().outstanding(), 0u);
  }
}

TEST(BookPipeline, RefusesWhatItCannotDo) {
  for (const auto option :
       {&BookPipelineOptions::parsed_messages,
        &BookPipelineOptions::ring_capacity, &BookPipelineOptions::max_books}) {
    BookPipelineOptions options;
    options.*option = 0;
    EXPECT_FALSE(BookPipeline::create(options, nullptr, nullptr).ok());
  }
  BookPipelineOptions one;
  one.max_books = 1;
  Feed feed(one);
  ASSERT_TRUE(feed->expect_instrument("A", "", 0, 0).ok());
  EXPECT_EQ(feed->expect_instrument("B", "", 0, 0).status().code(),
            absl::StatusCode::kResourceExhausted);
  EXPECT_FALSE(feed->expect_instrument("", "", 0, 0).ok());
}

TEST(BookPipeline, AfterStopThereIsNothingToWaitFor) {
  BookPipelineOptions options;
  options.mode = PipelineMode::kStaged;
  Feed feed(options);
  EXPECT_TRUE(feed->drain().ok());
  feed->stop();
  EXPECT_EQ(feed->drain().code(), absl::StatusCode::kFailedPrecondition);
}

// ---- Recorded feeds

#define SKIP_WITHOUT(replay) \
  if (!(replay).available()) GTEST_SKIP() << CaptureReplay::why()

BookPipelineOptions for_replay(VenueId venue, PipelineMode mode) {
  BookPipelineOptions options;
  options.venue = venue;
  options.mode = mode;
  options.full = FullPolicy::kWait;
  return options;
}

// Best bid and offer as a venue's own stream had them, by update id, and as the
// book had them after each update.
struct TouchOracle : BookPipelineListener {
  struct Touch {
    PriceLevel bid;
    PriceLevel ask;
    bool operator==(const Touch&) const = default;
  };
  std::map<uint64_t, Touch> tickers;
  std::vector<std::pair<uint64_t, Touch>> updates;

  void on_other(const ParsedMessage& message) override {
    if (message.kind != ParsedMessageKind::kBestBidOffer) return;
    tickers[message.last_update_id] = {message.bids()[0], message.asks()[0]};
  }
  void on_depth_applied(const BookKeeper& keeper,
                        const ParsedMessage& message) override {
    if (message.kind != ParsedMessageKind::kDelta) return;
    updates.push_back(
        {message.last_update_id,
         {keeper.book().best(Side::kBid), keeper.book().best(Side::kAsk)}});
  }
  size_t equal() const {
    size_t count = 0;
    for (const auto& [id, touch] : updates) {
      auto ticker = tickers.upper_bound(id);
      count += ticker != tickers.begin() && std::prev(ticker)->second == touch;
    }
    return count;
  }
};

TEST_P(BookPipelineTest, BinanceEqualsTheRecordedBookTicker) {
  struct Recording {
    const char* file;
    VenueId venue;
    uint64_t applied, dropped, levels;
  };
  for (const Recording& recording :
       {Recording{"binance_spot_btcusdt_20240808.lines.gz",
                  VenueId::kBinanceSpot, 3449, 2, 124073},
        Recording{"binance_usdm_btcusdt_20240808.lines.gz",
                  VenueId::kBinanceUsdm, 6547, 4, 443262}}) {
    CaptureReplay replay(recording.file);
    SKIP_WITHOUT(replay);
    TouchOracle oracle;
    auto pipeline = *BookPipeline::create(
        for_replay(recording.venue, GetParam()), &replay.pool(), &oracle);
    replay.run(*pipeline);
    ASSERT_EQ(pipeline->book_count(), 1u);
    const BookKeeper& keeper = pipeline->book(0);
    EXPECT_EQ(keeper.state(), BookState::kLive);
    EXPECT_EQ(keeper.statistics().updates_applied, recording.applied);
    EXPECT_EQ(keeper.statistics().updates_dropped, recording.dropped);
    EXPECT_EQ(keeper.statistics().levels_applied, recording.levels);
    EXPECT_EQ(keeper.statistics().gaps, 0u);
    EXPECT_EQ(pipeline->statistics().malformed, 0u);
    EXPECT_EQ(oracle.updates.size(), recording.applied);
    EXPECT_EQ(oracle.equal(), recording.applied);
  }
}

TEST_P(BookPipelineTest, EveryRecordedBybitChainIsWhole) {
  CaptureReplay replay("bybit.jsonl.zst");
  SKIP_WITHOUT(replay);
  auto pipeline = *BookPipeline::create(for_replay(VenueId::kBybit, GetParam()),
                                        &replay.pool(), nullptr);
  replay.run(*pipeline);
  EXPECT_EQ(pipeline->book_count(), 6u);
  uint64_t applied = 0;
  for (size_t i = 0; i < pipeline->book_count(); ++i) {
    const BookKeeper& keeper = pipeline->book(i);
    EXPECT_EQ(keeper.state(), BookState::kLive);
    EXPECT_EQ(keeper.statistics().gaps, 0u);
    EXPECT_EQ(keeper.book().levels(Side::kBid), 200u);
    applied += keeper.statistics().updates_applied;
  }
  EXPECT_EQ(applied, 2142u);
  EXPECT_EQ(pipeline->statistics().malformed, 0u);
}

TEST_P(BookPipelineTest, EverySymbolOfARecordedStartSynchronises) {
  CaptureReplay replay("binance_spot_startup.jsonl.zst");
  SKIP_WITHOUT(replay);
  auto pipeline = *BookPipeline::create(
      for_replay(VenueId::kBinanceSpot, GetParam()), &replay.pool(), nullptr);
  replay.run(*pipeline);
  EXPECT_EQ(pipeline->book_count(), 4u);
  for (size_t i = 0; i < pipeline->book_count(); ++i) {
    EXPECT_EQ(pipeline->book(i).state(), BookState::kLive);
    EXPECT_EQ(pipeline->book(i).statistics().gaps, 0u);
  }
}

TEST_P(BookPipelineTest, EveryRecordedKrakenChecksumAgrees) {
  for (const auto& [file, sums] :
       {std::pair("kraken_v2_btcusd_depth25.jsonl.zst", 2052u),
        std::pair("kraken_v2_btcusd_depth10_resubscribes.jsonl.zst", 301u)}) {
    CaptureReplay replay(file);
    SKIP_WITHOUT(replay);
    auto pipeline = *BookPipeline::create(
        for_replay(VenueId::kKraken, GetParam()), &replay.pool(), nullptr);
    replay.run(*pipeline);
    ASSERT_EQ(pipeline->book_count(), 1u);
    EXPECT_EQ(pipeline->book(0).state(), BookState::kLive);
    EXPECT_EQ(pipeline->book(0).statistics().checksums_ok, sums);
    EXPECT_EQ(pipeline->book(0).statistics().checksums_bad, 0u);
  }
}

TEST_P(BookPipelineTest, EveryRecordedOkxChecksumAgrees) {
  CaptureReplay replay("okx.jsonl.zst");
  SKIP_WITHOUT(replay);
  auto pipeline = *BookPipeline::create(for_replay(VenueId::kOkx, GetParam()),
                                        &replay.pool(), nullptr);
  replay.run(*pipeline);
  EXPECT_EQ(pipeline->book_count(), 3u);
  uint64_t sums = 0;
  for (size_t i = 0; i < pipeline->book_count(); ++i) {
    EXPECT_EQ(pipeline->book(i).state(), BookState::kLive);
    EXPECT_EQ(pipeline->book(i).statistics().checksums_bad, 0u);
    sums += pipeline->book(i).statistics().checksums_ok;
  }
  EXPECT_EQ(sums, 290u);
  EXPECT_EQ(pipeline->statistics().malformed, 0u);
}

TEST_P(BookPipelineTest, EveryRecordedDeribitChainIsWhole) {
  CaptureReplay replay("deribit.jsonl.zst");
  SKIP_WITHOUT(replay);
  auto pipeline = *BookPipeline::create(
      for_replay(VenueId::kDeribit, GetParam()), &replay.pool(), nullptr);
  replay.run(*pipeline);
  EXPECT_EQ(pipeline->book_count(), 10u);
  uint64_t applied = 0;
  for (size_t i = 0; i < pipeline->book_count(); ++i) {
    EXPECT_EQ(pipeline->book(i).state(), BookState::kLive);
    EXPECT_EQ(pipeline->book(i).statistics().gaps, 0u);
    applied += pipeline->book(i).statistics().updates_applied;
  }
  EXPECT_EQ(applied, 36u);
  EXPECT_EQ(pipeline->statistics().malformed, 0u);
}

// Which touches a book ever had, and which its ticker told.
struct TickerOracle : BookPipelineListener {
  using Touch = std::tuple<uint32_t, int64_t, int64_t>;
  std::set<Touch> had;
  std::vector<Touch> told;

  void on_other(const ParsedMessage& message) override {
    if (message.kind != ParsedMessageKind::kBestBidOffer) return;
    told.push_back(
        {message.instrument, message.bids()[0].price, message.asks()[0].price});
  }
  void on_depth_applied(const BookKeeper& keeper,
                        const ParsedMessage&) override {
    had.insert({keeper.instrument().index, keeper.book().best(Side::kBid).price,
                keeper.book().best(Side::kAsk).price});
  }
  size_t found() const {
    size_t count = 0;
    for (const Touch& touch : told) count += had.contains(touch);
    return count;
  }
};

TEST_P(BookPipelineTest, ARecordedConnectionOfCoinbaseAdvancedIsWhole) {
  CaptureReplay replay("coinbase_advanced.jsonl.zst");
  SKIP_WITHOUT(replay);
  TickerOracle oracle;
  auto pipeline =
      *BookPipeline::create(for_replay(VenueId::kCoinbaseAdvanced, GetParam()),
                            &replay.pool(), &oracle);
  replay.run(*pipeline);
  EXPECT_EQ(pipeline->book_count(), 2u);
  uint64_t applied = 0;
  for (size_t i = 0; i < pipeline->book_count(); ++i) {
    EXPECT_EQ(pipeline->book(i).state(), BookState::kLive);
    EXPECT_EQ(pipeline->book(i).statistics().gaps, 0u);
    applied += pipeline->book(i).statistics().updates_applied;
  }
  EXPECT_EQ(applied, 773u);
  EXPECT_EQ(pipeline->statistics().malformed, 0u);
  EXPECT_EQ(oracle.found(), oracle.told.size());
  EXPECT_EQ(oracle.told.size(), 154u);
}

// What a venue's recording gives where nothing but the books themselves can
// tell: each Live at its end, none ever gapped or crossed.
struct WholeRecording {
  const char* file;
  VenueId venue;
  size_t books;
  uint64_t applied;
  uint64_t frames;
  size_t quiet = 0;  // books without a diff behind their snapshot
};

void PrintTo(const WholeRecording& recording, std::ostream* out) {
  *out << recording.file;
}

class WholeRecordingTest
    : public testing::TestWithParam<std::tuple<WholeRecording, PipelineMode>> {
};

TEST_P(WholeRecordingTest, EveryBookIsLiveAndNoneWasEverWrong) {
  const auto& [recording, mode] = GetParam();
  CaptureReplay replay(recording.file);
  SKIP_WITHOUT(replay);
  EXPECT_EQ(replay.capture().venue, recording.venue);
  auto pipeline = *BookPipeline::create(for_replay(recording.venue, mode),
                                        &replay.pool(), nullptr);
  replay.run(*pipeline);
  EXPECT_EQ(pipeline->book_count(), recording.books);
  uint64_t applied = 0;
  size_t quiet = 0;
  for (size_t i = 0; i < pipeline->book_count(); ++i) {
    const BookKeeper& keeper = pipeline->book(i);
    const BookStatistics statistics = keeper.statistics();
    const bool waits = keeper.reason() == BookReason::kAwaitingFirstUpdate;
    quiet += waits;
    EXPECT_TRUE(keeper.state() == BookState::kLive || waits)
        << keeper.instrument().symbol << " "
        << book_reason_name(keeper.reason());
    EXPECT_EQ(statistics.gaps, 0u) << keeper.instrument().symbol;
    EXPECT_EQ(statistics.crossed, 0u) << keeper.instrument().symbol;
    EXPECT_EQ(statistics.resyncs, 0u) << keeper.instrument().symbol;
    applied += statistics.updates_applied;
  }
  EXPECT_EQ(applied, recording.applied);
  EXPECT_EQ(quiet, recording.quiet);
  EXPECT_EQ(pipeline->statistics().frames, recording.frames);
  EXPECT_EQ(pipeline->statistics().malformed, 0u);
  EXPECT_EQ(pipeline->statistics().unknown_instrument, 0u);
}

INSTANTIATE_TEST_SUITE_P(
    Venues, WholeRecordingTest,
    testing::Combine(
        testing::Values(
            WholeRecording{"coinbase_exchange_level2_2021.jsonl.zst",
                           VenueId::kCoinbaseExchange, 10, 9719, 9946},
            WholeRecording{"bitfinex.jsonl.zst", VenueId::kBitfinex, 7, 1593,
                           1693},
            WholeRecording{"bitstamp.jsonl.zst", VenueId::kBitstamp, 10, 615,
                           757, 1},
            WholeRecording{"gemini.jsonl.zst", VenueId::kGemini, 10, 549, 563},
            WholeRecording{"gate_spot.jsonl.zst", VenueId::kGate, 10, 159,
                           249}),
        testing::Values(PipelineMode::kFused, PipelineMode::kStaged,
                        PipelineMode::kTwoThreads)),
    [](const auto& param) {
      std::string name(venue_name(std::get<0>(param.param).venue));
      std::erase(name, '-');
      return name + mode_name(std::get<1>(param.param));
    });

TEST_P(BookPipelineTest, AHoleInTheConnectionsCountEndsEveryBookOfIt) {
  BookPipelineOptions with = options();
  with.venue = VenueId::kCoinbaseAdvanced;
  Feed feed(with);
  const auto event = [](const char* product, const char* type) {
    return std::string(R"({"type":")") + type + R"(","product_id":")" +
           product +
           R"(","updates":[{"side":"bid","event_time":"x","price_level":"1",)" +
           R"("new_quantity":"1"}]})";
  };
  const auto frame = [&](int number, const std::string& events) {
    return R"({"channel":"l2_data","timestamp":"x","sequence_num":)" +
           std::to_string(number) + R"(,"events":[)" + events + "]}";
  };
  const auto state = [&feed](size_t book) {
    EXPECT_TRUE(feed->drain().ok());
    return feed->book(book).view().state;
  };
  for (const uint16_t connection : {uint16_t{0}, uint16_t{1}}) {
    feed->on_connection_up(connection);
    feed.text(frame(0, event("A", "snapshot") + "," + event("B", "snapshot")),
              connection);
  }
  for (size_t i = 0; i < 4; ++i) EXPECT_EQ(state(i), BookState::kLive);
  feed.text(frame(1, event("A", "update")), 0);
  feed.text(R"({"channel":"heartbeats","sequence_num":2,"events":[]})", 0);
  EXPECT_EQ(state(0), BookState::kLive);
  // What number 3 said nobody knows; 4 is about A.
  feed.text(frame(4, event("A", "update")), 0);
  EXPECT_EQ(state(0), BookState::kGapped);
  EXPECT_EQ(state(1), BookState::kGapped);
  EXPECT_EQ(feed->book(1).view().reason, BookReason::kSequenceGap);
  EXPECT_EQ(state(2), BookState::kLive) << "another connection";
  feed.text(frame(5, event("A", "snapshot")), 0);
  EXPECT_EQ(state(0), BookState::kLive);
  EXPECT_EQ(state(1), BookState::kGapped);
  // A new connection counts from anew.
  feed->on_connection_lost(0);
  feed->on_connection_up(0);
  feed.text(frame(0, event("A", "snapshot")), 0);
  EXPECT_EQ(state(0), BookState::kLive);
}

TEST(BookPipeline, StagedAndFusedGiveTheSameBooks) {
  for (const auto& [file, venue] :
       {std::pair("binance_spot_btcusdt_20240808.lines.gz",
                  VenueId::kBinanceSpot),
        std::pair("binance_spot_startup.jsonl.zst", VenueId::kBinanceSpot),
        std::pair("kraken_v2_btcusd_depth25.jsonl.zst", VenueId::kKraken)}) {
    CaptureReplay replay(file);
    SKIP_WITHOUT(replay);
    std::vector<std::string> hashes[3];
    for (const PipelineMode mode : {PipelineMode::kFused, PipelineMode::kStaged,
                                    PipelineMode::kTwoThreads}) {
      auto pipeline = *BookPipeline::create(for_replay(venue, mode),
                                            &replay.pool(), nullptr);
      replay.run(*pipeline);
      for (size_t i = 0; i < pipeline->book_count(); ++i) {
        hashes[static_cast<size_t>(mode)].push_back(hash_of(pipeline->book(i)));
      }
    }
    EXPECT_EQ(hashes[0], hashes[1]);
    EXPECT_EQ(hashes[0], hashes[2]);
  }
}

}  // namespace
}  // namespace wirebook
