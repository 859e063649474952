// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "lob/book_pipeline.h"

#include <atomic>
#include <bit>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "concurrency/single_writer_counter.h"
#include "concurrency/spsc_ring.h"
#include "concurrency/thread.h"
#include "concurrency/tsc_clock.h"
#include "lob/instrument_books.h"
#include "lob/venues/make_venue_parser.h"
#include "memory/allocation_counter.h"
#include "memory/cache_line.h"
#include "memory/object_pool.h"

namespace wirebook {
namespace {

// What travels in stream order beside messages.
enum class Event : uint8_t {
  kMessage,
  kConnectionUp,
  kConnectionLost,
  kConnectionStale,
  kRingFull,  // messages of the connection were dropped before the parser
  kNoParsed,  // this message was dropped: no ParsedMessage was free
  kStop,
};

// Network thread to parser thread.
struct Inbound {
  RawMessage* raw;
  uint64_t ticks;
  uint16_t connection;
  Event event;
};

// Whoever parses to book thread.
struct Outbound {
  ParsedMessage* head;
  RawMessage* raw;  // kNoParsed: to be given back all the same
  uint64_t ticks;
  uint32_t allocations;  // by the parser, for this message
  uint16_t connection;
  Event event;
};

// Objects of a bounded ObjectPool that idle threads may hold back.
size_t with_slack(size_t objects) { return objects + 4 * 64; }

}  // namespace

class BookPipeline::Impl {
 public:
  Impl(const BookPipelineOptions& options, RawMessagePool* pool,
       BookPipelineListener* listener)
      : options_(options),
        pool_(pool),
        books_({.venue = options.venue,
                .max_books = options.max_books,
                .lines = options.lines,
                .line_patience_ticks = options.line_patience_ticks,
                .keeper = options.keeper},
               listener),
        dropped_(size_t{UINT16_MAX} + 1),
        inbound_(options.ring_capacity),
        outbound_(options.parsed_messages + options.ring_capacity) {}

  ~Impl() { stop(); }

  absl::Status start() {
    auto parser = make_venue_parser(
        options_.venue, books_.table(),
        {.discover_instruments = options_.discover_instruments,
         .line_bits = books_.line_bits()});
    if (!parser.ok()) return parser.status();
    parser_ = *std::move(parser);
    if (options_.mode == PipelineMode::kFused) {
      fused_storage_ =
          std::make_unique<ParsedMessage[]>(options_.parsed_messages);
      for (size_t i = options_.parsed_messages; i-- > 0;) {
        touch(fused_storage_[i]);
        fused_free_.push_back(&fused_storage_[i]);
      }
      return absl::OkStatus();
    }
    const size_t objects = with_slack(options_.parsed_messages);
    parsed_pool_ = std::make_unique<ObjectPool<ParsedMessage>>(
        ObjectPoolOptions{.initial_capacity = objects,
                          .max_capacity = objects,
                          .exhaustion = PoolExhaustion::kNull});
    if (pool_ != nullptr) lane_ = &pool_->add_lane();
    if (has_parser_thread()) {
      parser_thread_ = std::thread([this] { run_parser(); });
    }
    book_thread_ = std::thread([this] { run_books(); });
    return absl::OkStatus();
  }

  InstrumentBooks& books() noexcept { return books_; }
  const InstrumentBooks& books() const noexcept { return books_; }
  const BookPipelineOptions& options() const noexcept { return options_; }

  // ---- Network thread

  void on_message(RawMessage* raw) noexcept {
    frames_.add(1);
    if (options_.mode == PipelineMode::kFused) {
      const uint64_t allocations = thread_allocations();
      const uint64_t start = TscClock::ticks();
      FusedSink sink(*this, raw, allocations);
      if (!parser_->parse(*raw, start, sink)) {
        parsed_pool_drops_.add(1);
        books_.on_fault(BookReason::kInternalDrop, raw->connection,
                        raw->receive_ticks);
      }
      unknown_.add(parser_->unknown_instruments() - unknown_.get());
      if (pool_ != nullptr) pool_->release(raw);
      return;
    }
    if (options_.full == FullPolicy::kDrop && dropped_count_ != 0 &&
        !tell_dropped()) {
      drop(raw);
      return;
    }
    if (!has_parser_thread()) {
      StagedSink sink(*this);
      parse(raw, sink);
      return;
    }
    const Inbound item{.raw = raw,
                       .ticks = 0,
                       .connection = raw->connection,
                       .event = Event::kMessage};
    if (options_.full == FullPolicy::kWait) {
      push_waiting(item);
    } else if (!try_push(item)) {
      drop(raw);
    }
  }

  void on_event(Event event, uint16_t connection) noexcept {
    const uint64_t ticks = TscClock::ticks();
    if (event == Event::kConnectionUp) books_.on_reconnected(connection);
    if (options_.mode == PipelineMode::kFused) {
      handle_event(event, connection, ticks);
      return;
    }
    push_waiting({.raw = nullptr,
                  .ticks = ticks,
                  .connection = connection,
                  .event = event});
  }

  std::optional<BookRequest> next_request() noexcept {
    if (dropped_count_ != 0) tell_dropped();
    return books_.next_request();
  }

  absl::Status drain() {
    if (options_.mode == PipelineMode::kFused) return absl::OkStatus();
    if (stopped_) {
      return absl::FailedPreconditionError(
          "BookPipeline::drain after stop: nothing can be under way");
    }
    PipelineWaiter waiter(WaitMode::kAdaptive);
    while (dropped_count_ != 0 && !tell_dropped()) waiter.wait();
    // Pairs with the release in run_books: all that was applied is visible.
    const uint64_t& handed_over = has_parser_thread() ? pushed_ : passed_;
    while (completed_.load(std::memory_order_acquire) != handed_over) {
      waiter.wait();
    }
    if (pool_ != nullptr) pool_->reclaim();
    return absl::OkStatus();
  }

  void stop() noexcept {
    if (options_.mode == PipelineMode::kFused || stopped_) return;
    if (book_thread_.joinable()) {
      PipelineWaiter waiter(WaitMode::kAdaptive);
      while (dropped_count_ != 0 && !tell_dropped()) waiter.wait();
      push_waiting(
          {.raw = nullptr, .ticks = 0, .connection = 0, .event = Event::kStop});
      if (parser_thread_.joinable()) parser_thread_.join();
      book_thread_.join();
    }
    stopped_ = true;
    if (pool_ != nullptr) pool_->reclaim();
  }

  // ---- Any thread

  PipelineStatistics statistics() const noexcept {
    const InstrumentBooksStatistics books = books_.statistics();
    return {.frames = frames_.get(),
            .malformed = books.malformed,
            .ignored = books.ignored,
            .ring_full_drops = ring_full_drops_.get(),
            .parsed_pool_drops = parsed_pool_drops_.get(),
            .unknown_instrument = unknown_.get(),
            .hot_path_heap_allocations = books.hot_path_heap_allocations,
            .measured_levels = books.measured_levels};
  }

 private:
  // ---- Parsing on the network thread (fused)

  class FusedSink final : public ParsedMessageSink {
   public:
    FusedSink(Impl& owner, RawMessage* raw, uint64_t allocations) noexcept
        : owner_(owner), raw_(raw), allocations_(allocations) {}
    ParsedMessage* acquire() noexcept override {
      if (owner_.fused_free_.empty()) return nullptr;
      ParsedMessage* const message = owner_.fused_free_.back();
      owner_.fused_free_.pop_back();
      return message;
    }
    void release(ParsedMessage* message) noexcept override {
      // Never more than were made: no allocation.
      owner_.fused_free_.push_back(message);
    }
    void emit(ParsedMessage* head, ParsedMessage* tail) noexcept override {
      tail->raw = raw_;
      owner_.books_.on_frame(
          head, static_cast<uint32_t>(thread_allocations() - allocations_));
      while (head != nullptr) {
        ParsedMessage* const next = head->next;
        release(head);
        head = next;
      }
    }

   private:
    Impl& owner_;
    RawMessage* const raw_;
    const uint64_t allocations_;
  };

  // ---- Parsing on the parser thread, or the network thread without one

  class StagedSink final : public ParsedMessageSink {
   public:
    explicit StagedSink(Impl& owner) noexcept : owner_(owner) {}
    ParsedMessage* acquire() noexcept override {
      return owner_.parsed_pool_->create();
    }
    void release(ParsedMessage* message) noexcept override {
      owner_.parsed_pool_->destroy(message);
    }
    void emit(ParsedMessage* head, ParsedMessage* tail) noexcept override {
      tail->raw = raw_;
      if (owner_.pass_on({.head = head,
                          .raw = nullptr,
                          .ticks = 0,
                          .allocations = static_cast<uint32_t>(
                              thread_allocations() - allocations_),
                          .connection = raw_->connection,
                          .event = Event::kMessage})) {
        return;
      }
      while (head != nullptr) release(std::exchange(head, head->next));
      owner_.drop(raw_);
    }
    void begin(RawMessage* raw) noexcept {
      raw_ = raw;
      allocations_ = thread_allocations();
    }

   private:
    Impl& owner_;
    RawMessage* raw_ = nullptr;
    uint64_t allocations_ = 0;
  };

  void run_parser() noexcept {
    name_thread("wirebook-parse", options_.parser_cpu);
    warm_up_pool();
    StagedSink sink(*this);
    PipelineWaiter waiter(options_.wait);
    while (true) {
      const Inbound* const next = inbound_.front();
      if (next == nullptr) {
        waiter.wait();
        continue;
      }
      waiter.reset();
      const Inbound item = *next;
      inbound_.pop();
      if (item.event == Event::kMessage) {
        parse(item.raw, sink);
        continue;
      }
      pass_on({.head = nullptr,
               .raw = nullptr,
               .ticks = item.ticks,
               .allocations = 0,
               .connection = item.connection,
               .event = item.event});
      if (item.event == Event::kStop) return;
    }
  }

  void parse(RawMessage* raw, StagedSink& sink) noexcept {
    sink.begin(raw);
    const bool waits = may_wait();
    // Waiting is part of the frame's time, and each attempt counts anew what it
    // does not know.
    const uint64_t start = TscClock::ticks();
    uint64_t unknown = parser_->unknown_instruments();
    PipelineWaiter waiter(options_.wait);
    // Asked first: messages that come back during the attempt are for another.
    for (bool behind = books_are_behind(); !parser_->parse(*raw, start, sink);
         behind = books_are_behind()) {
      // A frame that needs more than there are will never fit.
      if (waits && behind) {
        waiter.wait();
        unknown = parser_->unknown_instruments();
        continue;
      }
      parsed_pool_drops_.add(1);
      if (!pass_on({.head = nullptr,
                    .raw = raw,
                    .ticks = raw->receive_ticks,
                    .allocations = 0,
                    .connection = raw->connection,
                    .event = Event::kNoParsed})) {
        drop(raw);
      }
      break;
    }
    unknown_.add(parser_->unknown_instruments() - unknown);
  }

  bool books_are_behind() const noexcept {
    // Pairs with the release in run_books: what it took it has given back.
    return completed_.load(std::memory_order_acquire) != passed_;
  }

  // A parser thread waits for the books, and what it has not read waits in the
  // ring, as bytes; a live feed's network thread drops messages instead, and
  // waits for room for an event alone.
  bool may_wait() const noexcept {
    return has_parser_thread() || options_.full == FullPolicy::kWait;
  }

  // False where there is no room and no waiting.
  bool pass_on(const Outbound& item) noexcept {
    const bool waits = may_wait();
    PipelineWaiter waiter(options_.wait);
    while (!outbound_.try_push(item)) {
      if (!waits) return false;
      waiter.wait();
    }
    ++passed_;
    return true;
  }

  // ---- Book thread (staged)

  void run_books() noexcept {
    name_thread("wirebook-book", options_.book_cpu);
    warm_up_pool();
    PipelineWaiter waiter(options_.wait);
    uint64_t completed = 0;
    while (true) {
      const Outbound* const next = outbound_.front();
      if (next == nullptr) {
        waiter.wait();
        continue;
      }
      waiter.reset();
      const Outbound item = *next;
      outbound_.pop();
      if (item.event == Event::kMessage) {
        books_.on_frame(item.head, item.allocations);
        for (ParsedMessage* head = item.head; head != nullptr;) {
          ParsedMessage* const following = head->next;
          give_back(head->raw);
          parsed_pool_->destroy(head);
          head = following;
        }
      } else if (item.event != Event::kStop) {
        handle_event(item.event, item.connection, item.ticks);
        give_back(item.raw);
      }
      // Pairs with the acquire in drain() and books_are_behind().
      completed_.store(++completed, std::memory_order_release);
      if (item.event == Event::kStop) return;
    }
  }

  void give_back(RawMessage* raw) noexcept {
    if (raw != nullptr && lane_ != nullptr) lane_->release(raw);
  }

  // ---- The book thread, or the network thread if fused

  void handle_event(Event event, uint16_t connection, uint64_t ticks) noexcept {
    switch (event) {
      case Event::kConnectionUp:
        return books_.on_connection_up(connection, ticks);
      case Event::kConnectionLost:
        return books_.on_connection_lost(connection, ticks);
      case Event::kConnectionStale:
        return books_.on_connection_stale(connection, ticks);
      case Event::kRingFull:
      case Event::kNoParsed:
        return books_.on_fault(BookReason::kInternalDrop, connection, ticks);
      case Event::kMessage:
      case Event::kStop:
        break;
    }
  }

  // ---- Network thread

  void push_waiting(const Inbound& item) noexcept {
    PipelineWaiter waiter(WaitMode::kAdaptive);
    while (dropped_count_ != 0 && !tell_dropped()) waiter.wait();
    while (!try_push(item)) {
      if (pool_ != nullptr) pool_->reclaim();
      waiter.wait();
    }
  }

  // To the parser thread; without one an event goes on to the book thread.
  bool try_push(const Inbound& item) noexcept {
    if (!has_parser_thread()) {
      if (!outbound_.try_push({.head = nullptr,
                               .raw = nullptr,
                               .ticks = item.ticks,
                               .allocations = 0,
                               .connection = item.connection,
                               .event = item.event})) {
        return false;
      }
      ++passed_;
      return true;
    }
    if (!inbound_.try_push(item)) return false;
    ++pushed_;
    return true;
  }

  void drop(RawMessage* raw) noexcept {
    ring_full_drops_.add(1);
    uint8_t& dropped = dropped_[raw->connection];
    if (dropped == 0) ++dropped_count_;
    dropped = 1;
    if (pool_ != nullptr) pool_->release(raw);
  }

  // Puts the fact into the stream before anything that comes later; false while
  // the ring has no room for it.
  bool tell_dropped() noexcept {
    for (size_t i = 0; i < dropped_.size() && dropped_count_ != 0; ++i) {
      if (dropped_[i] == 0) continue;
      if (!try_push({.raw = nullptr,
                     .ticks = TscClock::ticks(),
                     .connection = static_cast<uint16_t>(i),
                     .event = Event::kRingFull})) {
        return false;
      }
      dropped_[i] = 0;
      --dropped_count_;
    }
    return true;
  }

  // ---- Set-up

  bool has_parser_thread() const noexcept {
    return options_.mode == PipelineMode::kStaged;
  }

  static void touch(ParsedMessage& message) noexcept {
    for (PriceLevel& level : message.levels) level = PriceLevel();
  }

  static void name_thread(const char* name, int cpu) noexcept {
    // Without a name, or unpinned, the thread works all the same.
    static_cast<void>(set_thread_name(name).ok());
    if (cpu >= 0) static_cast<void>(pin_thread_to_cpu(cpu).ok());
  }

  // A thread's first call of the pool locks; make it before the first message.
  void warm_up_pool() noexcept {
    parsed_pool_->destroy(parsed_pool_->create());
  }

  const BookPipelineOptions options_;
  RawMessagePool* const pool_;
  InstrumentBooks books_;
  std::unique_ptr<VenueParser> parser_;
  RawMessageLane* lane_ = nullptr;

  // Network thread.
  std::vector<uint8_t> dropped_;  // by connection: to be told
  size_t dropped_count_ = 0;
  uint64_t pushed_ = 0;
  bool stopped_ = false;
  alignas(kCacheLineBytes) SingleWriterCounter frames_;
  alignas(kCacheLineBytes) SingleWriterCounter ring_full_drops_;
  std::unique_ptr<ParsedMessage[]> fused_storage_;
  std::vector<ParsedMessage*> fused_free_;

  // Network thread to parser thread.
  SpscRing<Inbound> inbound_;

  // Parser thread, or the network thread without one.
  std::unique_ptr<ObjectPool<ParsedMessage>> parsed_pool_;
  alignas(64) uint64_t passed_ = 0;
  alignas(kCacheLineBytes) SingleWriterCounter parsed_pool_drops_;
  alignas(kCacheLineBytes) SingleWriterCounter unknown_;

  // Either to book thread.
  SpscRing<Outbound> outbound_;

  // Book thread.
  alignas(64) std::atomic<uint64_t> completed_{0};

  std::thread parser_thread_;
  std::thread book_thread_;

  friend class BookPipeline;
};

BookPipeline::BookPipeline(std::unique_ptr<Impl> impl)
    : impl_(std::move(impl)) {}

BookPipeline::~BookPipeline() = default;

absl::StatusOr<std::unique_ptr<BookPipeline>> BookPipeline::create(
    const BookPipelineOptions& options, RawMessagePool* pool,
    BookPipelineListener* listener) {
  constexpr size_t kMost = size_t{1} << 24;
  if (options.ring_capacity == 0 || options.ring_capacity > kMost) {
    return absl::InvalidArgumentError(
        absl::StrCat("BookPipeline: ring_capacity ", options.ring_capacity,
                     "; give 1 to ", kMost));
  }
  if (options.parsed_messages == 0 || options.parsed_messages > kMost) {
    return absl::InvalidArgumentError(
        absl::StrCat("BookPipeline: parsed_messages ", options.parsed_messages,
                     "; give 1 to ", kMost));
  }
  if (options.max_books == 0 || options.max_books > kMost) {
    return absl::InvalidArgumentError(absl::StrCat(
        "BookPipeline: max_books ", options.max_books, "; give 1 to ", kMost));
  }
  if (!std::has_single_bit(options.lines) ||
      options.lines > LineArbiter::kMaxLines) {
    return absl::InvalidArgumentError(absl::StrCat(
        "BookPipeline: lines ", options.lines, "; give 1, 2, 4 or 8"));
  }
  if (options.lines > 1 && !venue_traits(options.venue).shared_ids) {
    const std::string_view name = venue_name(options.venue);
    return absl::InvalidArgumentError(
        absl::StrCat("BookPipeline: ", std::string(name),
                     " has no ids that are the same on every connection, so "
                     "lines must be 1; use HotStandby over two books"));
  }
  auto impl = std::make_unique<Impl>(options, pool, listener);
  if (absl::Status started = impl->start(); !started.ok()) return started;
  return std::unique_ptr<BookPipeline>(new BookPipeline(std::move(impl)));
}

absl::StatusOr<uint32_t> BookPipeline::expect_instrument(
    std::string_view symbol, std::string_view market, uint16_t connection,
    int depth) {
  Instrument instrument =
      make_instrument(impl_->options().venue, symbol, connection);
  if (!market.empty()) instrument.market = std::string(market);
  instrument.depth = depth;
  return expect_instrument(std::move(instrument));
}

absl::StatusOr<uint32_t> BookPipeline::expect_instrument(
    Instrument instrument) {
  instrument.venue = impl_->options().venue;
  return impl_->books().table().find_or_add(std::move(instrument));
}

void BookPipeline::on_message(RawMessage* message) noexcept {
  impl_->on_message(message);
}

void BookPipeline::on_connection_up(uint16_t connection) noexcept {
  impl_->on_event(Event::kConnectionUp, connection);
}

void BookPipeline::on_connection_lost(uint16_t connection) noexcept {
  impl_->on_event(Event::kConnectionLost, connection);
}

void BookPipeline::on_connection_stale(uint16_t connection) noexcept {
  impl_->on_event(Event::kConnectionStale, connection);
}

std::optional<BookRequest> BookPipeline::next_request() noexcept {
  return impl_->next_request();
}

absl::Status BookPipeline::drain() { return impl_->drain(); }

void BookPipeline::stop() { impl_->stop(); }

VenueId BookPipeline::venue() const noexcept { return impl_->options().venue; }

size_t BookPipeline::book_count() const noexcept {
  return impl_->books().table().size();
}

const BookKeeper& BookPipeline::book(size_t index) const noexcept {
  return impl_->books().keeper(index);
}

const InstrumentTable& BookPipeline::instruments() const noexcept {
  return impl_->books().table();
}

void BookPipeline::change_scales(size_t index, Scales scales) noexcept {
  impl_->books().table().change_scales(index, scales);
}

PipelineStatistics BookPipeline::statistics() const noexcept {
  return impl_->statistics();
}

size_t BookPipeline::lines() const noexcept { return impl_->options().lines; }

LineStatistics BookPipeline::line_statistics(size_t index,
                                             size_t line) const noexcept {
  return impl_->books().line_statistics(index, line);
}

const LatencyHistogram& BookPipeline::frame_to_book_ticks() const noexcept {
  return impl_->books().frame_to_book_ticks();
}

}  // namespace wirebook
