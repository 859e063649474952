// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// The literal fast paths and simdjson must give the same messages, whatever the
// bytes: on real frames, and on thousands of seeded mutations of them.

#include <algorithm>
#include <cstdlib>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "lob/capture/capture_reader.h"
#include "lob/testing/parser_harness.h"

namespace wirebook {
namespace {

constexpr uint64_t kSeed = 20260801;
constexpr int kMutations = 20000;

std::vector<std::string> binance_frames() {
  return {
      R"({"stream":"btcusdt@depth@100ms","data":{"e":"depthUpdate","E":1723161255308,"s":"BTCUSDT","U":50093239203,"u":50093239207,"b":[["55653.87000000","0.00000000"]],"a":[["61838.04000000","0.32332000"],["61844.30000000","0.40163000"]]}})",
      R"({"e":"depthUpdate","E":1723161255308,"s":"BTCUSDT","U":1,"u":5,"b":[],"a":[["0.00001204","12.5"],["7.1","0"]]})",
      R"({"stream":"btcusdt@bookTicker","data":{"u":50093239212,"s":"BTCUSDT","b":"61837.63000000","B":"3.78826000","a":"61837.64000000","A":"1.54698000"}})",
      R"({"u":50093239212,"s":"BTCUSDT","b":"61837.63000000","B":"3.78826000","a":"61837.64000000","A":"1.54698000"})",
      R"({"stream":"btcusdt@trade","data":{"e":"trade","E":1723161255343,"s":"BTCUSDT","t":3735683259,"p":"61837.63000000","q":"0.02000000","T":1723161255342,"m":true,"M":true}})",
      R"({"result":null,"id":1})",
      R"({"error":{"code":2,"msg":"Invalid request"},"id":1})",
      R"({"lastUpdateId":50093239218,"bids":[["61837.63000000","3.78826000"]],"asks":[["61837.64000000","1.6"]]})",
      R"({"e":"serverShutdown","E":1723161255343})"};
}

std::vector<std::string> kraken_frames() {
  return {
      R"({"channel":"book","type":"snapshot","data":[{"symbol":"BTC/USD","bids":[{"price":63388.7,"qty":0.25761908}],"asks":[{"price":63389.0,"qty":1.00000000}],"checksum":3726153463,"timestamp":"2026-08-02T03:35:51.660084Z"}]})",
      R"({"channel":"book","type":"update","data":[{"symbol":"BTC/USD","bids":[{"price":63381.0,"qty":0.00000000},{"price":63376.4,"qty":0.00005100}],"asks":[],"checksum":3726153463,"timestamp":"2026-08-02T03:35:51.660084Z"}]})",
      R"({"channel":"book","type":"update","data":[{"symbol":"BTC/USD","bids":[],"asks":[{"price":63395.2,"qty":0.05500000}],"checksum":261162761,"timestamp":"2026-08-02T03:35:51.661460Z"}]})",
      R"({"channel":"heartbeat"})",
      R"({"channel":"status","type":"update","data":[{"version":"2.0.10","system":"online","api_version":"v2","connection_id":2950167385101900187}]})",
      R"({"method":"subscribe","result":{"channel":"book","depth":25,"snapshot":true,"symbol":"BTC/USD"},"success":true,"time_in":"2026-08-02T03:35:50.983359Z","time_out":"2026-08-02T03:35:50.983398Z"})",
      R"({"error":"Currency pair not supported BTC/USDX","method":"subscribe","success":false,"symbol":"BTC/USDX","time_in":"x","time_out":"y"})"};
}

// Recorded frames of the files, where there are any.
void append_recorded(const std::vector<std::string>& files, size_t at_most,
                     std::vector<std::string>* frames) {
  const char* const folder = std::getenv("WIREBOOK_DATA");
  if (folder == nullptr || *folder == '\0') return;
  for (const std::string& file : files) {
    const auto capture = read_capture(std::string(folder) + "/" + file);
    ASSERT_TRUE(capture.ok()) << capture.status();
    const size_t stride =
        std::max<size_t>(1, capture->records.size() / at_most);
    for (size_t i = 0; i < capture->records.size(); i += stride) {
      const CaptureRecord& record = capture->records[i];
      // What the recorder sent or asked of a URL is not the stream; a snapshot
      // of 45,000 levels is more than the harness holds.
      const bool of_stream =
          record.kind == CaptureRecordKind::kReceived || record.url.empty();
      if (of_stream && !record.payload.empty() &&
          record.payload.size() < 500'000 &&
          record.kind != CaptureRecordKind::kSent) {
        frames->emplace_back(record.payload);
      }
    }
  }
}

void compare(VenueId venue, const std::vector<std::string>& frames,
             int mutations) {
  ParserUnderTest literal(venue, /*literal=*/true);
  ParserUnderTest plain(venue, /*literal=*/false);
  for (const std::string& frame : frames) {
    literal.parse(frame);
    plain.parse(frame);
    ASSERT_EQ(as_text(literal.sink), as_text(plain.sink)) << frame;
    ASSERT_NE(literal.sink.messages.front()->kind,
              ParsedMessageKind::kMalformed)
        << frame;
  }
  std::mt19937_64 random(kSeed);
  int malformed = 0;
  for (int i = 0; i < mutations; ++i) {
    const std::string& original = frames[random() % frames.size()];
    if (original.size() > 4096) continue;
    const std::string frame = mutate(original, random);
    constexpr std::string_view kSlack = "9,\"]}:";
    literal.slack = plain.slack = kSlack[random() % kSlack.size()];
    const ParsedMessage& first = literal.parse(frame);
    plain.parse(frame);
    ASSERT_EQ(as_text(literal.sink), as_text(plain.sink))
        << "seed " << kSeed << " mutation " << i << ": " << frame;
    ASSERT_EQ(literal.sink.out(), 0u);
    malformed += first.kind == ParsedMessageKind::kMalformed;
    for (const auto& message : literal.sink.messages) {
      for (const PriceLevel& level : message->bids()) {
        ASSERT_GE(level.quantity, 0) << frame;
      }
    }
  }
  // The mutations are not so mild that nothing was refused.
  EXPECT_GT(malformed, mutations / 10);
}

TEST(Differential, BinanceParsersAgree) {
  std::vector<std::string> frames = binance_frames();
  append_recorded({"binance_spot_btcusdt_20240808.lines.gz",
                   "binance_spot_startup.jsonl.zst"},
                  4000, &frames);
  compare(VenueId::kBinanceSpot, frames, kMutations);
}

TEST(Differential, KrakenParsersAgree) {
  std::vector<std::string> frames = kraken_frames();
  append_recorded({"kraken_v2_btcusd_depth25.jsonl.zst",
                   "kraken_v2_btcusd_depth10_resubscribes.jsonl.zst"},
                  4000, &frames);
  compare(VenueId::kKraken, frames, kMutations);
}

std::vector<std::string> bybit_frames() {
  return {
      R"({"topic":"orderbook.50.A","type":"delta","ts":5,"data":{"s":"A","b":[["2","1"]],"a":[["3","0"]],"u":9,"seq":7},"cts":4})",
      R"({"topic":"orderbook.200.BTCUSDT","type":"delta","ts":1786310818130,"data":{"s":"BTCUSDT","b":[["65095.30","0.005"],["65092.20","0"]],"a":[],"u":15076953,"seq":753843913870},"cts":1786310818129})",
      R"({"topic":"orderbook.50.A","type":"snapshot","ts":5,"data":{"s":"A","b":[["2","1"]],"a":[["3","1"]],"u":8,"seq":6},"cts":4})",
      R"({"topic":"orderbook.50.A","type":"delta","ts":5,"data":{"s":"A","b":[["2","1"]],"a":[["3","1"]],"u":1,"seq":6},"cts":4})",
      R"({"topic":"orderbook.1.A","type":"delta","ts":5,"data":{"s":"A","b":[["2","1"]],"a":[],"u":8,"seq":6},"cts":4})"};
}

std::vector<std::string> okx_frames() {
  return {
      R"({"arg":{"channel":"books","instId":"A"},"action":"snapshot","data":[{"asks":[["3","1","0","1"]],"bids":[["2","1","0","1"]],"ts":"5","checksum":0,"seqId":7,"prevSeqId":-1}]})",
      R"({"arg":{"channel":"books","instId":"A"},"action":"update","data":[{"asks":[["3.5","1.25","0","1"],["4","0","0","0"]],"bids":[["2","1"]],"ts":"1652459225464","checksum":-914047754,"seqId":9,"prevSeqId":7}]})",
      R"({"arg":{"channel":"books","instId":"A"},"action":"update","data":[{"asks":[],"bids":[["2","1","0","1"]],"ts":"5","checksum":0,"prevSeqId":9,"seqId":12}]})",
      R"({"arg":{"channel":"books","instId":"A"},"action":"update","data":[{"asks":[["30249.4","0","0","0"]],"bids":[],"ts":"1652459225464","checksum":914047754}]})"};
}

std::vector<std::string> coinbase_advanced_frames() {
  return {
      R"({"channel":"l2_data","timestamp":"x","sequence_num":1,"events":[{"type":"update","product_id":"A","updates":[{"side":"bid","event_time":"x","price_level":"1","new_quantity":"1"}]}]})",
      R"({"channel":"l2_data","timestamp":"2026-08-09T21:05:48.506659391Z","sequence_num":15,"events":[{"type":"update","product_id":"A","updates":[{"side":"offer","event_time":"2026-08-09T21:05:48.264069Z","price_level":"65106.54","new_quantity":"0.15361938"},{"side":"bid","event_time":"2026-08-09T21:05:48.264069Z","price_level":"65062.5","new_quantity":"0"},{"side":"offer","event_time":"2026-08-09T21:05:48.264069Z","price_level":"65155.5","new_quantity":"0.00000011"}]}]})"};
}

TEST(Differential, OkxParsersAgree) {
  std::vector<std::string> frames = okx_frames();
  append_recorded({"okx.jsonl.zst"}, 1000, &frames);
  compare(VenueId::kOkx, frames, kMutations);
}

TEST(Differential, CoinbaseAdvancedParsersAgree) {
  std::vector<std::string> frames = coinbase_advanced_frames();
  append_recorded({"coinbase_advanced.jsonl.zst"}, 1000, &frames);
  compare(VenueId::kCoinbaseAdvanced, frames, kMutations);
}

TEST(Differential, BybitParsersAgree) {
  std::vector<std::string> frames = bybit_frames();
  append_recorded({"bybit.jsonl.zst"}, 2000, &frames);
  compare(VenueId::kBybit, frames, kMutations);
}

// Venues whose frames make more than one message, or none: whatever the bytes,
// one list that is whole.
struct Stream {
  VenueId venue;
  const char* file;
  std::vector<std::string> frames;
  // A message of levels as it is hot, its price and quantity P and Q.
  std::string hot{};
};

std::vector<Stream> other_streams() {
  return {
      {VenueId::kDeribit,
       "deribit.jsonl.zst",
       {R"({"jsonrpc":"2.0","method":"subscription","params":{"channel":"book.A.raw","data":{"type":"snapshot","timestamp":5,"instrument_name":"A","change_id":7,"bids":[["new",2.5,1]],"asks":[]}}})"},
       R"({"jsonrpc":"2.0","method":"subscription","params":{"channel":"book.A.raw","data":{"type":"change","timestamp":5,"prev_change_id":7,"instrument_name":"A","change_id":9,"bids":[["change",P,Q]],"asks":[["delete",9,0.0]]}}})"},
      {VenueId::kCoinbaseExchange,
       "coinbase_exchange_level2_2021.jsonl.zst",
       {R"({"type":"l2update","product_id":"A","changes":[["sell","0.00001306","660.5"],["buy","0.00001305","0"]],"time":"2021-04-17T16:43:37.075687Z"})",
        R"({"type":"match","trade_id":5,"side":"buy","size":"1","price":"2","product_id":"A","time":"2021-04-17T16:43:37.075687Z"})"},
       R"({"type":"l2update","product_id":"A","changes":[["sell","P","Q"],["buy","1","0"]],"time":"2021-04-17T16:43:37.075687Z"})"},
      {VenueId::kBitfinex,
       "bitfinex.jsonl.zst",
       {R"({"event":"subscribed","channel":"book","chanId":7,"symbol":"tA","prec":"P0","freq":"F0","len":"100"})",
        R"([7,[[2,1,5],[3,1,-5]],1])", R"([7,[2.5,1,1e-7],2])",
        R"([7,"cs",-1605018431,3])", R"([7,"hb",4])",
        R"({"event":"info","code":20051,"msg":"x"})"},
       R"([7,[P,1,Q],5])"},
      {VenueId::kBitstamp,
       "bitstamp.jsonl.zst",
       {R"({"data":{"timestamp":"1641343691","microtimestamp":"1641343691244908","bids":[["1.15979","993.02588113"]],"asks":[["1.16601","0"]]},"channel":"diff_order_book_a","event":"data"})",
        R"({"event":"bts:request_reconnect","channel":"","data":""})"},
       R"({"data":{"timestamp":"1641343691","microtimestamp":"1641343691244908","bids":[["P","Q"]],"asks":[["9","0"]]},"channel":"diff_order_book_a","event":"data"})"},
      {VenueId::kGemini,
       "gemini.jsonl.zst",
       {R"({"auction_events":[],"changes":[["buy","2","1"],["sell","3","1"]],"symbol":"A","trades":[],"type":"l2_updates"})",
        R"({"changes":[["buy","65205.5","0.0"]],"symbol":"A","type":"l2_updates"})"},
       R"({"changes":[["buy","P","Q"],["sell","9","0"]],"symbol":"A","type":"l2_updates"})"},
      {VenueId::kGate,
       "gate_spot.jsonl.zst",
       {R"({"time":1,"channel":"spot.order_book_update","event":"update","result":{"t":5,"e":"depthUpdate","E":1,"s":"A","U":7,"u":9,"b":[["2","1"]],"a":[["3","0"]]}})"},
       R"({"time":1,"time_ms":1234,"channel":"spot.order_book_update","event":"update","result":{"t":5,"e":"depthUpdate","E":1,"s":"A","U":7,"u":9,"b":[["P","Q"]],"a":[["9","0"]]}})"},
      {VenueId::kGateFutures,
       nullptr,
       {R"({"time":1,"channel":"futures.order_book_update","event":"update","error":null,"result":{"t":5,"s":"A","U":7,"u":9,"b":[{"p":"2.5","s":3}],"a":[{"p":"3","s":"0.5"}]}})"},
       R"({"time":1,"time_ms":1234,"channel":"futures.order_book_update","event":"update","error":null,"result":{"t":5,"s":"A","U":7,"u":9,"b":[{"p":"P","s":Q}],"a":[{"p":"9","s":"0"}]}})"},
      {VenueId::kKucoin,
       nullptr,
       {R"({"topic":"/market/level2:A","type":"message","subject":"trade.l2update","data":{"changes":{"asks":[["3","1","9"]],"bids":[["0","0","8"]]},"sequenceEnd":9,"sequenceStart":8,"symbol":"A","time":5}})"},
       R"({"topic":"/market/level2:A","type":"message","subject":"trade.l2update","data":{"changes":{"asks":[["P","Q","9"]],"bids":[["0","0","8"]]},"sequenceEnd":9,"sequenceStart":8,"symbol":"A","time":5}})"},
      {VenueId::kBinanceCoinm, nullptr, {R"({"e":"depthUpdate","E":5,"T":4,"s":"A_PERP","ps":"A","U":7,"u":9,"pu":5,"b":[["2.5","10"]],"a":[["3","0"]]})"}, R"({"e":"depthUpdate","E":5,"T":4,"s":"A_260925","ps":"A","U":7,"u":9,"pu":5,"b":[["P","Q"]],"a":[["3","0"]]})"},
      {VenueId::kBinanceUsdm,
       "binance_usdm_btcusdt_20240808.lines.gz",
       {R"({"stream":"a@depth@0ms","data":{"e":"depthUpdate","E":5,"T":4,"s":"A","U":7,"u":9,"pu":5,"b":[["61674.80","0.014"]],"a":[["61800.30","12.330"],["61804.60","0.000"]]}})"},
       R"({"stream":"a@depth@0ms","data":{"e":"depthUpdate","E":5,"T":4,"s":"A","U":7,"u":9,"pu":5,"b":[["P","Q"],["1.25","12.5"]],"a":[["3","0"]]}})"},
  };
}

TEST(Differential, WhateverTheBytesOneListThatIsWhole) {
  for (const Stream& stream : other_streams()) {
    SCOPED_TRACE(venue_name(stream.venue));
    std::vector<std::string> frames = stream.frames;
    if (stream.file != nullptr) append_recorded({stream.file}, 1000, &frames);
    compare(stream.venue, frames, kMutations / 4);
  }
}

std::vector<Stream> all_streams() {
  std::vector<Stream> streams = other_streams();
  streams.push_back(
      {VenueId::kBinanceSpot, nullptr, binance_frames(),
       R"({"stream":"a@depth@100ms","data":{"e":"depthUpdate","E":1723161255308,"s":"A","U":1,"u":5,"b":[["P","Q"]],"a":[]}})"});
  streams.push_back(
      {VenueId::kKraken, nullptr, kraken_frames(),
       R"({"channel":"book","type":"update","data":[{"symbol":"BTC/USD","bids":[{"price":P,"qty":Q}],"asks":[],"checksum":1,"timestamp":"2026-08-02T03:35:51.660084Z"}]})"});
  streams.push_back(
      {VenueId::kBybit, "bybit.jsonl.zst", bybit_frames(),
       R"({"topic":"orderbook.50.A","type":"delta","ts":5,"data":{"s":"A","b":[["P","Q"]],"a":[["3","0"]],"u":9,"seq":7},"cts":4})"});
  streams.push_back(
      {VenueId::kOkx, "okx.jsonl.zst", okx_frames(),
       R"({"arg":{"channel":"books","instId":"A"},"action":"update","data":[{"asks":[["P","Q","0","1"]],"bids":[],"ts":"5","checksum":0,"seqId":9,"prevSeqId":7}]})"});
  streams.push_back(
      {VenueId::kCoinbaseAdvanced, "coinbase_advanced.jsonl.zst",
       coinbase_advanced_frames(),
       R"({"channel":"l2_data","timestamp":"2026-08-09T21:05:48.506659391Z","sequence_num":15,"events":[{"type":"update","product_id":"A","updates":[{"side":"offer","event_time":"2026-08-09T21:05:48.264069Z","price_level":"P","new_quantity":"Q"}]}]})"});
  return streams;
}

// `hot` with these for its price and quantity.
std::string with(std::string hot, const std::string& price,
                 const std::string& quantity) {
  hot.replace(hot.find('Q'), 1, quantity);
  return hot.replace(hot.find('P'), 1, price);
}

// The JSON value at `*at`, without blanks, the fields of every object turned
// round, and, of every second `turn`, in reverse.
std::string reordered(std::string_view text, size_t turn, size_t* at) {
  const size_t begin = *at;
  const auto skip_string = [&] {
    for (++*at; text[*at] != '"'; ++*at) *at += text[*at] == '\\';
    ++*at;
  };
  if (text[*at] == '"') {
    skip_string();
  } else if (text[*at] != '{' && text[*at] != '[') {
    *at = std::min(text.find_first_of(",]}", *at), text.size());
  } else {
    const bool object = text[*at] == '{';
    const char close = object ? '}' : ']';
    std::vector<std::string> parts;
    while (text[++*at] != close) {
      const size_t key = *at;
      if (object) skip_string(), ++*at;
      const std::string_view name = text.substr(key, *at - key);
      parts.push_back(std::string(name) + reordered(text, turn, at));
      if (text[*at] == close) break;
    }
    ++*at;
    if (object && !parts.empty()) {
      std::rotate(
          parts.begin(),
          parts.begin() + static_cast<ptrdiff_t>(turn / 2 % parts.size()),
          parts.end());
      if (turn % 2 == 1) std::reverse(parts.begin(), parts.end());
    }
    std::string out(1, object ? '{' : '[');
    for (const std::string& part : parts) out += part + ',';
    if (!parts.empty()) out.pop_back();
    return out + close;
  }
  return std::string(text.substr(begin, *at - begin));
}

// What is hot is not left to simdjson, once its instrument is known.
TEST(Differential, HotMessagesAreReadLiterally) {
  for (const Stream& stream : all_streams()) {
    SCOPED_TRACE(venue_name(stream.venue));
    if (stream.hot.empty()) continue;
    ParserUnderTest literal(stream.venue, true);
    ParserUnderTest plain(stream.venue, false);
    for (const std::string& frame : stream.frames) {
      literal.parse(frame);
      plain.parse(frame);
    }
    const std::string hot = with(stream.hot, "2.5", "3");
    literal.parse(hot);
    const uint64_t before = literal.parser->literal_frames();
    literal.parse(hot);
    EXPECT_EQ(literal.parser->literal_frames(), before + 1) << hot;
    plain.parse(hot);
    EXPECT_EQ(plain.parser->literal_frames(), 0u);
  }
}

TEST(Differential, FieldsMayComeInAnyOrder) {
  for (const Stream& stream : all_streams()) {
    SCOPED_TRACE(venue_name(stream.venue));
    std::vector<std::string> frames = stream.frames;
    if (stream.file != nullptr) append_recorded({stream.file}, 60, &frames);
    if (!stream.hot.empty()) frames.push_back(with(stream.hot, "2.5", "3"));
    ParserUnderTest parser(stream.venue, /*literal=*/true);
    for (const std::string& frame : frames) {
      if (frame.size() > 4096 || frame.find(' ') != std::string::npos) continue;
      parser.parse(frame);
      const std::string expected = as_text(parser.sink);
      for (size_t turn = 0; turn < 8; ++turn) {
        size_t at = 0;
        const std::string other = reordered(frame, turn, &at);
        ASSERT_EQ(other.size(), frame.size());
        parser.parse(other);
        ASSERT_EQ(as_text(parser.sink), expected) << other;
      }
    }
  }
}

TEST(Differential, EveryPrefixIsRefusedByBoth) {
  for (const Stream& stream : all_streams()) {
    SCOPED_TRACE(venue_name(stream.venue));
    ParserUnderTest literal(stream.venue, true);
    ParserUnderTest plain(stream.venue, false);
    for (const std::string& frame : stream.frames) {
      literal.parse(frame);
      plain.parse(frame);
      for (size_t size = 0; size < frame.size(); ++size) {
        const std::string prefix = frame.substr(0, size);
        literal.parse(prefix);
        plain.parse(prefix);
        ASSERT_EQ(as_text(literal.sink), as_text(plain.sink)) << prefix;
        ASSERT_EQ(literal.sink.messages.front()->kind,
                  ParsedMessageKind::kMalformed)
            << prefix;
      }
    }
  }
}

// What both parsers of a stream say of one frame.
class Both {
 public:
  explicit Both(const Stream& stream)
      : literal_(stream.venue, true), plain_(stream.venue, false) {
    for (const std::string& frame : stream.frames) parse(frame);
  }

  const ParsedMessage& parse(const std::string& frame) {
    const ParsedMessage& message = literal_.parse(frame);
    plain_.parse(frame);
    EXPECT_EQ(as_text(literal_.sink), as_text(plain_.sink)) << frame;
    return message;
  }

 private:
  ParserUnderTest literal_;
  ParserUnderTest plain_;
};

TEST(Differential, NumbersThatAreNoneAreRefusedByBothAndForTheSameReason) {
  const std::string precise = "0.123456789012";
  const std::string large = "99999999999999999999";
  for (const Stream& stream : all_streams()) {
    if (stream.hot.empty()) continue;
    SCOPED_TRACE(venue_name(stream.venue));
    Both both(stream);
    const auto reason = [&](const std::string& price,
                            const std::string& quantity) {
      return both.parse(with(stream.hot, price, quantity)).reason;
    };
    const ParsedMessage& good = both.parse(with(stream.hot, "2.5", "3"));
    ASSERT_EQ(good.kind, ParsedMessageKind::kDelta);
    EXPECT_GT(good.level_count(), 0u);
    EXPECT_EQ(reason(precise, "3"), BookReason::kScaleChanged);
    EXPECT_EQ(reason("2.5", precise), BookReason::kScaleChanged);
    EXPECT_EQ(reason(large, "3"), BookReason::kNumberOverflow);
    EXPECT_EQ(reason("2.5", large), BookReason::kNumberOverflow);
    for (const char* none : {"-2", "x", "2.", "+2", "2 2"}) {
      EXPECT_EQ(reason(none, "3"), BookReason::kMalformedMessage) << none;
    }
    // KuCoin writes levels at zero that only count.
    EXPECT_EQ(reason("0", "3"), stream.venue == VenueId::kKucoin
                                    ? BookReason::kNone
                                    : BookReason::kMalformedMessage);
  }
}

TEST(Differential, AFirstByteThatIsNotExpectedIsSimdjsons) {
  for (const Stream& stream : all_streams()) {
    if (stream.hot.empty()) continue;
    SCOPED_TRACE(venue_name(stream.venue));
    Both both(stream);
    const std::string good = with(stream.hot, "2.5", "3");
    const std::string expected = as_text(both.parse(good));
    for (const char blank : {' ', '\n', '\t'}) {
      EXPECT_EQ(as_text(both.parse(blank + good)), expected);
    }
    for (int byte = 1; byte < 256; ++byte) {
      std::string other = good;
      other[0] = static_cast<char>(byte);
      if (other == good) continue;
      EXPECT_EQ(both.parse(other).kind, ParsedMessageKind::kMalformed) << byte;
    }
  }
}

}  // namespace
}  // namespace wirebook
