// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// Recorded feeds, warm, from before the first byte of a message is parsed until
// its verified book is published; depth messages only:
//   WIREBOOK_DATA=... bazel run --config=native //lob:book_pipeline_benchmark
//
//   fused, two_threads  BookPipeline. Each message is written into a slot
//   first,
//       as a network would, and is done before the next is handed over; with
//       two threads, on the first two CPUs, the books' thread spins.
//   peer  what one would write first: simdjson On-Demand, a std::map a side,
//       to_chars and zlib's crc32 (Kraken), ten levels a side behind the same
//       Seqlock; the same frames, slots, clock and histogram. It checks no
//       state but ids and sums.
//   floor  the same clock read twice and the difference recorded: what every
//       figure here contains.
//   line_round_trip  a cache line to the other CPU and back.
//   view  a reader's copy of the ten best levels a side, with their state.
// Counters are nanoseconds; percentiles are of single messages.

#include <benchmark/benchmark.h>
#include <zlib.h>

#include <atomic>
#include <charconv>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <vector>

#include "concurrency/latency_histogram.h"
#include "concurrency/seqlock.h"
#include "concurrency/thread.h"
#include "concurrency/tsc_clock.h"
#include "lob/book_pipeline.h"
#include "lob/testing/capture_replay.h"
#include "memory/cache_line.h"
#include "simdjson.h"

namespace wirebook {
namespace {

struct Recording {
  const char* name;
  const char* file;
  VenueId venue;
};
constexpr Recording kKraken = {"kraken", "kraken_v2_btcusd_depth25.jsonl.zst",
                               VenueId::kKraken};
constexpr Recording kBybit = {"bybit", "bybit.jsonl.zst", VenueId::kBybit};
constexpr Recording kSpot = {"binance_spot",
                             "binance_spot_btcusdt_20240808.lines.gz",
                             VenueId::kBinanceSpot};
constexpr Recording kUsdm = {"binance_usdm",
                             "binance_usdm_btcusdt_20240808.lines.gz",
                             VenueId::kBinanceUsdm};

// Where messages are written before they are read. What is larger than a slot,
// a snapshot, stays where it is.
class Slots {
 public:
  std::string_view write(std::string_view text) {
    if (text.size() > kBytes) return text;
    char* const slot = bytes_.get() + next_++ % kCount * kStride;
    std::memcpy(slot, text.data(), text.size());
    return {slot, text.size()};
  }

 private:
  static constexpr size_t kCount = 16;
  static constexpr size_t kBytes = 16 << 10;
  static constexpr size_t kStride = kBytes + kRawMessageSlackBytes;
  size_t next_ = 0;
  std::unique_ptr<char[]> bytes_ = std::make_unique<char[]>(kCount * kStride);
};

void report(benchmark::State& state, const LatencyHistogram& latency,
            uint64_t levels) {
  const TscClock clock;
  const auto ns = [&](double p) {
    return static_cast<double>(clock.to_ns(latency.percentile(p)));
  };
  state.counters["p50"] = ns(50);
  state.counters["p90"] = ns(90);
  state.counters["p99"] = ns(99);
  if (levels == 0) return;
  const auto count = static_cast<double>(latency.count());
  state.counters["levels_mean"] = static_cast<double>(levels) / count;
  state.counters["ns_per_level"] = latency.mean() * clock.ns_per_tick() *
                                   count / static_cast<double>(levels);
}

void nothing(void*) {}

void pin(int cpu) { static_cast<void>(pin_thread_to_cpu(cpu).ok()); }

void pipeline(benchmark::State& state, const Recording& recording,
              PipelineMode mode) {
  CaptureReplay replay(recording.file);
  if (!replay.available()) {
    state.SkipWithError(CaptureReplay::why());
    return;
  }
  pin(0);
  Slots slots;
  auto pipeline = *BookPipeline::create({.venue = recording.venue,
                                         .mode = mode,
                                         .wait = WaitMode::kSpin,
                                         .full = FullPolicy::kWait,
                                         .book_cpu = 1},
                                        &replay.pool(), nullptr);
  const auto play = [&] {
    for (const CaptureRecord& record : replay.capture().records) {
      if (record.kind == CaptureRecordKind::kConnect) {
        pipeline->on_connection_up(record.connection);
        continue;
      }
      const bool body = record.kind == CaptureRecordKind::kHttpResponse;
      if (!body && record.kind != CaptureRecordKind::kReceived) continue;
      const std::string_view text = slots.write(record.payload);
      RawMessage* raw = nullptr;
      while ((raw = replay.pool().acquire_external(
                  text.data(), static_cast<uint32_t>(text.size()), nothing,
                  nullptr)) == nullptr) {
        replay.pool().reclaim();
      }
      raw->connection = record.connection;
      raw->tag = kNoInstrument;
      raw->kind = body ? RawMessageKind::kHttpBody : RawMessageKind::kText;
      pipeline->on_message(raw);
      if (!pipeline->drain().ok()) state.SkipWithError("the pipeline stopped");
      while (pipeline->next_request()) {
        // A recording answers by itself.
      }
    }
  };
  play();
  for (auto _ : state) {
    for (uint16_t i = 0; i < replay.capture().connections.size(); ++i) {
      pipeline->on_connection_lost(i);
    }
    play();
  }
  report(state, pipeline->frame_to_book_ticks(),
         pipeline->statistics().measured_levels);
  for (size_t i = 0; i < pipeline->book_count(); ++i) {
    if (pipeline->book(i).statistics().checksums_bad != 0) {
      state.SkipWithError("a checksum was wrong");
    }
  }
}

// ---- The peer ---------------------------------------------------------------

namespace ondemand = simdjson::ondemand;

// Digits without the point; with `decimals` filled up to so many.
int64_t mantissa(std::string_view text, int decimals) {
  int64_t value = 0;
  int behind = -1;
  for (const char c : text) {
    if (c == '.') {
      behind = 0;
    } else if (c >= '0' && c <= '9') {
      value = value * 10 + (c - '0');
      behind += behind >= 0;
    }
  }
  for (behind = behind < 0 ? 0 : behind; behind < decimals; ++behind) {
    value *= 10;
  }
  return value;
}

class PeerBook {
 public:
  void clear() {
    bids_.clear();
    asks_.clear();
  }
  void apply(Side side, int64_t price, int64_t quantity) {
    const auto set = [&](auto& levels) {
      if (quantity == 0) {
        levels.erase(price);
      } else {
        levels[price] = quantity;
      }
    };
    side == Side::kBid ? set(bids_) : set(asks_);
  }
  void truncate(size_t depth) {
    while (bids_.size() > depth) bids_.erase(std::prev(bids_.end()));
    while (asks_.size() > depth) asks_.erase(std::prev(asks_.end()));
  }
  uint32_t checksum() const {
    char text[2 * 10 * 40];
    char* at = text;
    const auto append = [&](const auto& levels) {
      size_t count = 0;
      for (const auto& [price, quantity] : levels) {
        if (count++ == 10) break;
        at = std::to_chars(at, std::end(text), price).ptr;
        at = std::to_chars(at, std::end(text), quantity).ptr;
      }
    };
    append(asks_);
    append(bids_);
    return static_cast<uint32_t>(::crc32(0, reinterpret_cast<Bytef*>(text),
                                         static_cast<uInt>(at - text)));
  }
  void publish(bool live, uint64_t id) {
    const auto copy = [](const auto& levels, PriceLevel* out) {
      uint8_t count = 0;
      for (const auto& [price, quantity] : levels) {
        if (count == kBookViewDepth) break;
        out[count++] = {price, quantity};
      }
      return count;
    };
    view_.bid_count = copy(bids_, view_.bids);
    view_.ask_count = copy(asks_, view_.asks);
    view_.state = live ? BookState::kLive : BookState::kGapped;
    view_.update_id = id;
    published_.store(view_);
  }
  uint64_t last_id = 0;
  bool joined = false;  // an update followed the snapshot

 private:
  std::map<int64_t, int64_t, std::greater<>> bids_;
  std::map<int64_t, int64_t> asks_;
  BookView view_;
  Seqlock<BookView> published_;
};

class Peer {
 public:
  explicit Peer(VenueId venue) : venue_(venue) {}

  // False where the text is no depth.
  bool on_text(std::string_view text, uint16_t connection) {
    const simdjson::padded_string_view json(
        text.data(), text.size(), text.size() + kRawMessageSlackBytes);
    ondemand::document document = parser_.iterate(json);
    if (venue_ == VenueId::kKraken) return on_kraken(document);
    if (venue_ == VenueId::kBybit) return on_bybit(document, connection);
    return on_binance(document);
  }
  uint64_t levels = 0;
  uint64_t bad = 0;

 private:
  PeerBook& book(std::string_view symbol) {
    return books_[std::string(symbol)];
  }

  bool on_kraken(ondemand::document& document) {
    std::string_view channel;
    std::string_view type;
    if (document["channel"].get_string().get(channel) != simdjson::SUCCESS ||
        channel != "book" ||
        document["type"].get_string().get(type) != simdjson::SUCCESS) {
      return false;
    }
    for (ondemand::object data : document["data"].get_array()) {
      PeerBook& to = book(data["symbol"].get_string());
      if (type == "snapshot") to.clear();
      for (const Side side : {Side::kBid, Side::kAsk}) {
        for (ondemand::object level :
             data[side == Side::kBid ? "bids" : "asks"].get_array()) {
          const int64_t price =
              mantissa(level["price"].value().raw_json_token(), 0);
          to.apply(side, price,
                   mantissa(level["qty"].value().raw_json_token(), 0));
          ++levels;
        }
      }
      to.truncate(25);
      const bool good =
          to.checksum() == static_cast<uint32_t>(data["checksum"].get_uint64());
      bad += !good;
      to.publish(good, 0);
    }
    return true;
  }

  void apply_pairs(PeerBook& to, Side side, ondemand::array pairs) {
    for (ondemand::array pair : pairs) {
      int64_t numbers[2] = {};
      size_t count = 0;
      for (std::string_view text : pair) numbers[count++] = mantissa(text, 8);
      to.apply(side, numbers[0], numbers[1]);
      ++levels;
    }
  }

  bool on_bybit(ondemand::document& document, uint16_t connection) {
    std::string_view topic;
    if (document["topic"].get_string().get(topic) != simdjson::SUCCESS ||
        !topic.starts_with("orderbook")) {
      return false;
    }
    PeerBook& to = books_[std::string(topic) + static_cast<char>(connection)];
    const bool snapshot = document["type"].get_string().value() == "snapshot";
    if (snapshot) to.clear();
    ondemand::object data = document["data"];
    apply_pairs(to, Side::kBid, data["b"]);
    apply_pairs(to, Side::kAsk, data["a"]);
    const uint64_t id = data["u"];
    const bool good = snapshot || id == to.last_id + 1;
    bad += !good;
    to.last_id = id;
    to.publish(good, id);
    return true;
  }

  bool on_binance(ondemand::document& document) {
    ondemand::object data;
    if (document["lastUpdateId"].error() == simdjson::SUCCESS) {
      PeerBook& to = book("BTCUSDT");
      to.clear();
      to.last_id = document["lastUpdateId"];
      to.joined = false;
      apply_pairs(to, Side::kBid, document["bids"]);
      apply_pairs(to, Side::kAsk, document["asks"]);
      to.publish(true, to.last_id);
      return true;
    }
    std::string_view event;
    if (document["data"].get_object().get(data) != simdjson::SUCCESS ||
        data["e"].get_string().get(event) != simdjson::SUCCESS ||
        event != "depthUpdate") {
      return false;
    }
    PeerBook& to = book(data["s"].get_string());
    const uint64_t first = data["U"];
    const uint64_t last = data["u"];
    if (to.last_id == 0 || last <= to.last_id) return false;
    // It keeps no diffs for a snapshot: the first is taken as it comes.
    bool good = true;
    if (venue_ == VenueId::kBinanceUsdm) {
      const uint64_t before = data["pu"];
      good = before == to.last_id || !to.joined;
    } else {
      good = first == to.last_id + 1 || !to.joined;
    }
    to.joined = true;
    bad += !good;
    to.last_id = last;
    apply_pairs(to, Side::kBid, data["b"]);
    apply_pairs(to, Side::kAsk, data["a"]);
    to.publish(good, last);
    return true;
  }

  const VenueId venue_;
  ondemand::parser parser_;
  std::unordered_map<std::string, PeerBook> books_;
};

void peer(benchmark::State& state, const Recording& recording) {
  CaptureReplay replay(recording.file);
  if (!replay.available()) {
    state.SkipWithError(CaptureReplay::why());
    return;
  }
  pin(0);
  Slots slots;
  Peer peer(recording.venue);
  LatencyHistogram latency;
  uint64_t measured = 0;
  const auto play = [&](bool first) {
    for (const CaptureRecord& record : replay.capture().records) {
      if (record.kind != CaptureRecordKind::kReceived &&
          record.kind != CaptureRecordKind::kHttpResponse) {
        continue;
      }
      const std::string_view text = slots.write(record.payload);
      const uint64_t levels = peer.levels;
      const uint64_t start = TscClock::ticks();
      if (!peer.on_text(text, record.connection)) continue;
      const uint64_t end = TscClock::ticks();
      if (first) continue;
      latency.record(end - start);
      measured += peer.levels - levels;
    }
  };
  play(true);
  const uint64_t bad = peer.bad;
  for (auto _ : state) play(false);
  report(state, latency, measured);
  if (bad != 0) state.SkipWithError("the peer's book was wrong");
}

// ---- What is in every figure ------------------------------------------------

void time_floor(benchmark::State& state) {
  LatencyHistogram latency;
  for (auto _ : state) {
    const uint64_t start = TscClock::ticks();
    benchmark::ClobberMemory();
    latency.record(TscClock::ticks() - start);
  }
  report(state, latency, 0);
}

void line_round_trip(benchmark::State& state) {
  constexpr uint64_t kTrips = 64;
  constexpr uint64_t kStop = UINT64_MAX;
  struct alignas(kFalseSharingBytes) {
    std::atomic<uint64_t> value{0};
  } turn;
  std::thread echo([&] {
    pin(1);
    for (uint64_t next = 1;; next += 2) {
      uint64_t seen;
      while ((seen = turn.value.load(std::memory_order_acquire)) != next) {
        if (seen == kStop) return;
      }
      turn.value.store(next + 1, std::memory_order_release);
    }
  });
  pin(0);
  LatencyHistogram latency;
  uint64_t now = 0;
  for (auto _ : state) {
    const uint64_t start = TscClock::ticks();
    for (uint64_t trip = 0; trip < kTrips; ++trip) {
      turn.value.store(now + 1, std::memory_order_release);
      now += 2;
      while (turn.value.load(std::memory_order_acquire) != now) {
      }
    }
    latency.record((TscClock::ticks() - start) / kTrips);
  }
  turn.value.store(kStop);
  echo.join();
  report(state, latency, 0);
}

void view(benchmark::State& state) {
  const Instrument instrument = make_instrument(VenueId::kKraken, "BTC/USD", 0);
  const BookKeeper keeper(instrument, BookKeeperOptions(), nullptr);
  for (auto _ : state) {
    BookView view = keeper.view();
    benchmark::DoNotOptimize(view);
  }
}

void register_all() {
  benchmark::RegisterBenchmark("floor", time_floor);
  benchmark::RegisterBenchmark("line_round_trip", line_round_trip)
      ->UseRealTime();
  benchmark::RegisterBenchmark("view", view);
  for (const Recording& recording : {kKraken, kBybit, kSpot, kUsdm}) {
    const auto add = [&](const char* what, auto run) {
      benchmark::RegisterBenchmark(
          (std::string(what) + "/" + recording.name).c_str(), run)
          ->Unit(benchmark::kMillisecond)
          ->UseRealTime();
    };
    add("fused", [recording](benchmark::State& state) {
      pipeline(state, recording, PipelineMode::kFused);
    });
    add("peer",
        [recording](benchmark::State& state) { peer(state, recording); });
    add("two_threads", [recording](benchmark::State& state) {
      pipeline(state, recording, PipelineMode::kTwoThreads);
    });
  }
}

}  // namespace
}  // namespace wirebook

int main(int argc, char** argv) {
  wirebook::register_all();
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
