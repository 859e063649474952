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
#include "lob/book_lines.h"
#include "lob/connection_sequence.h"
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

class BookPipeline::Impl final : public BookKeeperObserver {
 public:
  Impl(const BookPipelineOptions& options, RawMessagePool* pool,
       BookPipelineListener* listener)
      : options_(options),
        pool_(pool),
        listener_(listener),
        keepers_(
            std::make_unique<std::unique_ptr<BookKeeper>[]>(options.max_books)),
        table_(options.max_books,
               [this](const Instrument& instrument) {
                 keepers_[instrument.index] = std::make_unique<BookKeeper>(
                     instrument, options_.keeper, this);
                 lines_.add_book(instrument.index);
               }),
        lines_(venue_traits(options.venue), options.lines,
               options.line_patience_ticks, options.max_books),
        dropped_(size_t{UINT16_MAX} + 1),
        reconnecting_(size_t{UINT16_MAX} + 1),
        inbound_(options.ring_capacity),
        outbound_(options.parsed_messages + options.ring_capacity),
        sequences_(venue_traits(options.venue).sync ==
                           SyncClass::kConnectionWide
                       ? size_t{UINT16_MAX} + 1
                       : 0) {}

  ~Impl() override { stop(); }

  absl::Status start() {
    auto parser = make_venue_parser(
        options_.venue, table_,
        {.discover_instruments = options_.discover_instruments,
         .line_bits = lines_.line_bits()});
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

  InstrumentTable& table() noexcept { return table_; }
  const InstrumentTable& table() const noexcept { return table_; }
  const BookKeeper& keeper(size_t index) const noexcept {
    return *keepers_[index];
  }
  LineStatistics line_statistics(size_t index, size_t line) const noexcept {
    return lines_.statistics(index, line);
  }
  const LatencyHistogram& latency() const noexcept { return latency_; }
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
        fault_connection(BookReason::kInternalDrop, raw->connection,
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
    if (event == Event::kConnectionUp) {
      reconnecting_[lines_.book_connection(connection)] = 0;
    }
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
    if (!scanning_) {
      // Pairs with the release in on_request: the keeper's request is there.
      const uint64_t raised = raised_.load(std::memory_order_acquire);
      if (raised == seen_) return std::nullopt;
      seen_ = raised;
      scanning_ = true;
      cursor_ = 0;
    }
    const size_t count = table_.size();
    while (cursor_ < count) {
      const size_t index = cursor_++;
      if (const auto kind = keepers_[index]->take_request()) {
        const uint16_t connection = table_[index].connection;
        if (*kind == BookRequestKind::kReconnect &&
            std::exchange(reconnecting_[connection], 1) != 0) {
          continue;  // another book of it said so
        }
        return BookRequest{.kind = *kind,
                           .instrument = static_cast<uint32_t>(index),
                           .connection = connection};
      }
    }
    scanning_ = false;
    return std::nullopt;
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
    return {.frames = frames_.get(),
            .malformed = malformed_.get(),
            .ignored = ignored_.get(),
            .ring_full_drops = ring_full_drops_.get(),
            .parsed_pool_drops = parsed_pool_drops_.get(),
            .unknown_instrument = unknown_.get(),
            .hot_path_heap_allocations = hot_allocations_.get(),
            .measured_levels = measured_levels_.get()};
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
      owner_.handle_frame(
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
        handle_frame(item.head, item.allocations);
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

  // ---- Books: the book thread, or the network thread if fused

  void handle_frame(ParsedMessage* head, uint32_t allocations) noexcept {
    parse_allocations_ = allocations;
    allocations_mark_ = thread_allocations();
    if (any_stale_ && !head->http_body) [[unlikely]] {
      revive(head->connection, head->receive_ticks);
    }
    if (lines_.awaits()) [[unlikely]] {
      lines_.on_time({keepers_.get(), table_.size()}, head->receive_ticks);
    }
    if (head->has_connection_sequence) check_sequence(*head);
    for (ParsedMessage* message = head; message != nullptr;) {
      ParsedMessage* last = message;
      size_t levels = message->level_count();
      while (!last->last_part) {
        last = last->next;
        levels += last->level_count();
      }
      ParsedMessage* const following = last->next;
      levels_in_hand_ = levels;
      handle_message(*message);
      message = following;
    }
  }

  // A frame that was lost may have spoken of any book of its connection.
  void check_sequence(const ParsedMessage& head) noexcept {
    if (sequences_.empty()) return;
    if (sequences_[head.connection].on_message(head.connection_sequence) ==
        ConnectionSequence::Action::kGap) [[unlikely]] {
      fault_connection(BookReason::kSequenceGap, head.connection,
                       head.receive_ticks);
    }
  }

  void handle_message(ParsedMessage& message) noexcept {
    using Kind = ParsedMessageKind;
    switch (message.kind) {
      case Kind::kDelta:
      case Kind::kSnapshot: {
        BookKeeper& keeper = *keepers_[message.instrument];
        const bool was_live = keeper.state() == BookState::kLive;
        lines_.on_depth(keeper, message);
        const uint64_t now = thread_allocations();
        if (was_live) {
          hot_allocations_.add(parse_allocations_ + (now - allocations_mark_));
        }
        parse_allocations_ = 0;
        allocations_mark_ = now;
        return;
      }
      case Kind::kMalformed:
        malformed_.add(1);
        if (message.http_body) {
          // An answer that does not serve; of the stream nothing was lost.
          if (message.instrument != kNoInstrument) {
            keepers_[message.instrument]->on_message(message);
          }
        } else if (message.concerns_book) {
          if (message.instrument != kNoInstrument) {
            lines_.on_fault(*keepers_[message.instrument], message.reason,
                            message.connection, message.receive_ticks);
          } else {
            fault_connection(message.reason, message.connection,
                             message.receive_ticks);
          }
        }
        break;
      case Kind::kIgnored:
        ignored_.add(1);
        return;
      case Kind::kSubscribed:
      case Kind::kUnsubscribed:
      case Kind::kRefused:
      case Kind::kStatus:
      case Kind::kShutdown:
        if (message.instrument != kNoInstrument) {
          lines_.on_notice(*keepers_[message.instrument], message);
        } else {
          for_connection(message.connection,
                         [this, &message](BookKeeper& keeper) {
                           lines_.on_notice(keeper, message);
                         });
        }
        break;
      case Kind::kBestBidOffer:
      case Kind::kTrade:
        if (!lines_.passes(message)) return;
        break;
      case Kind::kHeartbeat:
        break;
    }
    if (listener_ != nullptr) listener_->on_other(message);
  }

  void handle_event(Event event, uint16_t connection, uint64_t ticks) noexcept {
    switch (event) {
      case Event::kConnectionUp:
        if (!sequences_.empty()) sequences_[connection].restart();
        for_connection(connection, [&](BookKeeper& keeper) {
          lines_.on_up(keeper, connection, ticks);
        });
        break;
      case Event::kConnectionLost:
        if (!sequences_.empty()) sequences_[connection].restart();
        for_connection(connection, [&](BookKeeper& keeper) {
          lines_.on_lost(keeper, connection, ticks);
        });
        break;
      case Event::kConnectionStale:
        any_stale_ = true;
        for_connection(connection, [&](BookKeeper& keeper) {
          lines_.on_stale(keeper, connection, ticks);
        });
        break;
      case Event::kRingFull:
      case Event::kNoParsed:
        fault_connection(BookReason::kInternalDrop, connection, ticks);
        break;
      case Event::kMessage:
      case Event::kStop:
        break;
    }
  }

  void fault_connection(BookReason reason, uint16_t connection,
                        uint64_t ticks) noexcept {
    for_connection(connection, [=, this](BookKeeper& keeper) {
      lines_.on_fault(keeper, reason, connection, ticks);
    });
  }

  void revive(uint16_t connection, uint64_t ticks) noexcept {
    any_stale_ = false;
    const size_t count = table_.size();
    for (size_t i = 0; i < count; ++i) {
      BookKeeper& keeper = *keepers_[i];
      if (keeper.instrument().connection ==
          lines_.book_connection(connection)) {
        lines_.on_heard(keeper, connection, ticks);
      }
      any_stale_ |= lines_.any_stale(keeper);
    }
  }

  template <class F>
  void for_connection(uint16_t connection, F&& f) noexcept {
    const size_t count = table_.size();
    for (size_t i = 0; i < count; ++i) {
      if (table_[i].connection == lines_.book_connection(connection)) {
        f(*keepers_[i]);
      }
    }
  }

  // ---- BookKeeperObserver

  void on_applied(const BookKeeper& keeper, const ParsedMessage& message,
                  bool kept) noexcept override {
    // What failed is no book. One that is only beyond its snapshot is whole as
    // far as it goes.
    if (keeper.state() != BookState::kLive &&
        keeper.reason() != BookReason::kBeyondSnapshot) {
      return;
    }
    if (!kept) {
      latency_.record(TscClock::ticks() - message.parse_start_ticks);
      measured_levels_.add(levels_in_hand_);
    }
    if (listener_ == nullptr) return;
    // What the listener allocates is its own affair.
    const uint64_t before = thread_allocations();
    listener_->on_depth_applied(keeper, message);
    allocations_mark_ += thread_allocations() - before;
  }

  void on_state_changed(const BookKeeper& keeper) noexcept override {
    if (listener_ == nullptr) return;
    const uint64_t before = thread_allocations();
    listener_->on_state_changed(keeper);
    allocations_mark_ += thread_allocations() - before;
  }

  void on_request(const BookKeeper&) noexcept override {
    // Pairs with the acquire in next_request. Only this thread stores.
    raised_.store(raised_.load(std::memory_order_relaxed) + 1,
                  std::memory_order_release);
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
  BookPipelineListener* const listener_;
  const std::unique_ptr<std::unique_ptr<BookKeeper>[]> keepers_;
  InstrumentTable table_;
  BookLines lines_;
  std::unique_ptr<VenueParser> parser_;
  RawMessageLane* lane_ = nullptr;

  // Network thread.
  std::vector<uint8_t> dropped_;  // by connection: to be told
  size_t dropped_count_ = 0;
  std::vector<uint8_t> reconnecting_;  // by connection: kReconnect was given
  uint64_t pushed_ = 0;
  uint64_t seen_ = 0;
  size_t cursor_ = 0;
  bool scanning_ = false;
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
  std::atomic<uint64_t> raised_{0};  // requests so far
  uint64_t allocations_mark_ = 0;
  uint32_t parse_allocations_ = 0;
  size_t levels_in_hand_ = 0;
  bool any_stale_ = false;
  std::vector<ConnectionSequence> sequences_;  // by connection
  alignas(kCacheLineBytes) SingleWriterCounter malformed_;
  alignas(kCacheLineBytes) SingleWriterCounter ignored_;
  alignas(kCacheLineBytes) SingleWriterCounter hot_allocations_;
  alignas(kCacheLineBytes) SingleWriterCounter measured_levels_;
  LatencyHistogram latency_;

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
  return impl_->table().find_or_add(std::move(instrument));
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
  return impl_->table().size();
}

const BookKeeper& BookPipeline::book(size_t index) const noexcept {
  return impl_->keeper(index);
}

const InstrumentTable& BookPipeline::instruments() const noexcept {
  return impl_->table();
}

void BookPipeline::change_scales(size_t index, Scales scales) noexcept {
  impl_->table().change_scales(index, scales);
}

PipelineStatistics BookPipeline::statistics() const noexcept {
  return impl_->statistics();
}

size_t BookPipeline::lines() const noexcept { return impl_->options().lines; }

LineStatistics BookPipeline::line_statistics(size_t index,
                                             size_t line) const noexcept {
  return impl_->line_statistics(index, line);
}

const LatencyHistogram& BookPipeline::frame_to_book_ticks() const noexcept {
  return impl_->latency();
}

}  // namespace wirebook
