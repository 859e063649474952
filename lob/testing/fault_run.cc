// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "lob/testing/fault_run.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <deque>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <unordered_map>
#include <utility>
#include <vector>

#include "lob/book_pipeline.h"
#include "lob/testing/depth_model.h"
#include "lob/testing/depth_reader.h"
#include "lob/testing/parser_harness.h"
#include "lob/testing/plain_json.h"
#include "tools/exchange_sim/book.h"
#include "tools/exchange_sim/venue_adapter.h"

namespace wirebook {
class FaultRun::Impl final : private BookPipelineListener {
 public:
  Impl(const FaultSubject& subject, Choices choices)
      : subject_(subject),
        traits_(venue_traits(subject.stream.venue)),
        adapter_(subject.stream.adapter()),
        choices_(std::move(choices)),
        rest_(traits_.sync == SyncClass::kRestSnapshot),
        sums_(detector(Fault::kGap) == Detector::kSum),
        counts_(traits_.sync == SyncClass::kConnectionWide),
        by_ids_(rest_ || subject.lines > 1),
        lines_(subject.lines) {
    BookPipelineOptions options;
    options.venue = traits_.id;
    options.mode =
        subject.staged ? PipelineMode::kStaged : PipelineMode::kFused;
    options.lines = subject.lines;
    options.line_patience_ticks = 1;  // what one line lacks is let go at once
    options.parsed_messages = subject.staged ? 256 : 64;
    options.max_books = 64;
    options.discover_instruments = false;
    // Small, so that books leave their windows.
    options.keeper.book.window_ticks = size_t{1} << 10;
    options.keeper.buffered_diffs = 64;
    options.keeper.buffered_levels = size_t{1} << 14;
    auto pipeline = BookPipeline::create(options, nullptr, this);
    if (!pipeline.ok()) std::abort();
    pipeline_ = *std::move(pipeline);
  }

  void run(DepthSource& source) {
    while (report_.broken.empty()) {
      std::optional<SentText> sent = source.next();
      if (!sent) break;
      take(*std::move(sent));
      ++frames_;
    }
  }

  const FaultRunReport& report() const { return report_; }

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
    uint64_t begun = 0;  // the id of its REST snapshot: older diffs are in it
    std::vector<Point> points;  // after each of its messages
    std::unordered_map<uint64_t, size_t> point_of_id;
    std::vector<DepthRead> early;  // before the REST snapshot
    // Under test.
    size_t applied = 0;  // the point of what was applied last
    size_t newest = 0;   // the newest one that was delivered as it was
    bool tainted = false;
    bool sums_tell = true;  // all that is wrong is of the kind that they see
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
    bool has_sum = false;
    size_t line = 0;
  };

  // A connection, or one of several that bring the same.
  struct Line {
    std::optional<Item> held;  // comes after the next one of its book
    std::deque<Item> past;
    std::deque<Item> queue;  // sent, and not here yet
    size_t muted = 0;
    uint64_t mute_left = 0;
  };

  Detector detector(Fault fault) const {
    return detector_of(traits_.id, fault, subject_.era);
  }

  uint64_t below(uint64_t n) { return choices_.below(n); }
  bool one_line() const { return lines_.size() == 1; }
  uint16_t wire(uint16_t connection, size_t line) const {
    return static_cast<uint16_t>(connection * lines_.size() + line);
  }
  // Until what was handed in is applied.
  void settle() {
    if (subject_.staged && !pipeline_->drain().ok()) std::abort();
  }

  // ---- The model's side

  void take(SentText sent) {
    if (sent.restarts) {
      count(Fault::kRestartSequence);
      for (Book& book : books_) book.begun = 0;
    }
    if (names_channels()) rename_channel(sent);
    if (counts_) number(sent);
    const auto json = read_plain_json(sent.text);
    std::vector<DepthRead> depths;
    if (json) depths = read_depth(traits_.id, *json);
    Item item;
    item.text = std::move(sent.text);
    item.connection = sent.connection;
    for (DepthRead& depth : depths) {
      if (depth.http_body && sent.symbol.empty()) {
        for (Book& book : books_) {
          if (book.connection == sent.connection) begin(book, depth);
        }
        return;
      }
      if (depth.http_body) {
        return begin(books_[book_of(sent.symbol, sent.connection)], depth);
      }
      if (names_channels() && !name_channel(depth)) continue;
      const size_t b = book_of(depth.symbol, sent.connection);
      if (rest_ && depth.id <= books_[b].begun) continue;
      const bool cut = cut_short(depth);
      learn(books_[b], depth);
      if (cut) {
        --sent_[sent.connection];  // it takes the place of its original
        item.text = numbered_snapshot(books_[b]);
      }
      item.points.emplace_back(b, books_[b].points.size() - 1);
      item.snapshot |= depth.snapshot;
      item.has_sum |= !depth.sum.empty();
    }
    for (size_t line = 0; line < lines_.size(); ++line) {
      item.line = line;
      if (one_line()) {
        send(item);
      } else {
        lines_[line].queue.push_back(item);
      }
    }
    serve_due();
    for (Line& line : lines_) flow(line);
  }

  // What is on its way on a line, up to some.
  void flow(Line& line) {
    constexpr size_t kLongest = 8;
    for (uint64_t n = below(3); !line.queue.empty(); n -= n != 0) {
      if (n == 0 && line.queue.size() <= kLongest) return;
      const Item item = std::move(line.queue.front());
      line.queue.pop_front();
      send(item);
    }
  }

  // ---- Channels that are numbers (Bitfinex), the simulator's in the place of
  // a recording's.

  bool names_channels() const { return traits_.id == VenueId::kBitfinex; }

  static std::string number_at(const std::string& text, size_t at) {
    return text.substr(at, text.find_first_not_of("0123456789", at) - at);
  }

  std::string channel_of(const std::string& symbol) {
    const std::string ack = subject_.stream.acks(symbol).at(0);
    constexpr std::string_view kKey = "\"chanId\":";
    const std::string channel = number_at(ack, ack.find(kKey) + kKey.size());
    symbols_[channel] = symbol;
    return channel;
  }

  void rename_channel(SentText& sent) {
    if (!sent.symbol.empty()) channel_of(sent.symbol);
    const auto json = read_plain_json(sent.text);
    if (!json) return;
    if ((*json)["event"].text == "subscribed" &&
        (*json)["channel"].text == "book") {
      const std::string theirs = (*json)["chanId"].text;
      const std::string ours = channel_of((*json)["symbol"].text);
      channels_[theirs] = ours;
      sent.text.replace(sent.text.find(theirs), theirs.size(), ours);
    }
    if (!sent.text.starts_with('[')) return;
    const std::string theirs = number_at(sent.text, 1);
    const auto found = channels_.find(theirs);
    if (found == channels_.end()) return;
    sent.text.replace(1, theirs.size(), found->second);
  }

  // False where it is no book's.
  bool name_channel(DepthRead& depth) const {
    const auto found = symbols_.find(depth.symbol);
    if (found == symbols_.end()) return false;
    depth.symbol = found->second;
    return true;
  }

  // ---- Books

  // A venue with half as deep a book is as good a venue, and takes less time.
  static bool cut_short(DepthRead& depth) {
    constexpr size_t kMost = 300;  // a side, best first
    if (!depth.snapshot || depth.levels.size() < 4 * kMost) return false;
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
    if (connections_.insert(connection).second) come_up(connection);
    for (size_t line = 0; line < lines_.size(); ++line) {
      for (Item& ack : acks_of(book, line)) send(ack);
    }
    return books_.size() - 1;
  }

  void come_up(uint16_t connection) {
    for (size_t line = 0; line < lines_.size(); ++line) {
      come_up(connection, line);
    }
  }
  void come_up(uint16_t connection, size_t line) {
    pipeline_->on_connection_up(wire(connection, line));
    settle();
    const std::string greeting = adapter_.greeting(1);
    if (greeting.empty()) return;
    Item item{.text = greeting, .connection = connection, .points = {}};
    item.line = line;
    deliver(item);
  }

  // What a subscription is answered with.
  std::vector<Item> acks_of(const Book& book, size_t line) {
    std::vector<Item> out;
    for (std::string& text : subject_.stream.acks(book.symbol)) {
      Item& item = out.emplace_back();
      item.text = std::move(text);
      item.connection = book.connection;
      item.line = line;
      SentText sent{item.text, item.connection};
      if (!counts_) continue;
      number(sent);
      item.text = std::move(sent.text);
    }
    return out;
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
         .top_hash = apart() ? book.model.top_hash(25)
                     : subject_.proven == SIZE_MAX
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

  // By REST: the first diffs may have come before it, and some behind it may
  // be older.
  void begin(Book& book, const DepthRead& snapshot) {
    if (book.known) return;
    book.known = true;
    book.id = book.begun = snapshot.id;
    book.model.apply(snapshot, subject_.depth);
    for (const DepthRead& depth : book.early) {
      if (depth.id <= snapshot.id) continue;
      book.model.apply(depth, subject_.depth);
      book.id = depth.id;
    }
    book.early.clear();
    add_point(book);
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
    return adapter_.snapshot(
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
    return adapter_.numbered(std::move(text), sent_[book.connection]);
  }

  // The venue counts what it sends, whatever becomes of it.
  void number(SentText& item) {
    if (below(400) == 0) {
      count(Fault::kRestartSequence);
      sent_[item.connection] = 0;
    }
    if (names_channels()) {
      if (!item.text.starts_with('[')) return;
      const size_t begin = item.text.rfind(',') + 1;
      item.text.replace(begin, item.text.size() - 1 - begin,
                        std::to_string(++sent_[item.connection]));
      return;
    }
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
    ++report_.faults[fault_name(fault)];
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
    Line& line = lines_[item.line];
    // What goes back shows with the second one: Live is wrong until then.
    const bool tells =
        detector(fault) != Detector::kNothing &&
        !(fault == Fault::kReorder && traits_.diffs == DiffRule::kTime);
    switch (fault) {
      case Fault::kGap:
        count(fault);
        if (!tells) taint(item);
        return;
      case Fault::kDuplicate: {
        count(fault);
        deliver(item);
        return deliver(item);
      }
      case Fault::kReplay: {
        deliver(item);
        if (line.past.empty()) return;
        count(fault);
        const Item old = line.past[below(line.past.size())];
        if (!tells) taint(old);
        return deliver(old);
      }
      case Fault::kReorder:
        if (line.held) return deliver(item);
        count(fault);
        if (!tells) taint(item);
        line.held = std::move(item);
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
        auto text = adapter_.with_wrong_sum(item.text);
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
        if (!tells) taint(item);
        line.muted = item.points.back().first;
        line.mute_left = 1 + below(8);
        return;
      case Fault::kMuteSocket:
        count(fault);
        pipeline_->on_connection_stale(wire(item.connection, item.line));
        settle();
        check_all();
        return deliver(item);
      case Fault::kDropConnection:
        count(fault);
        if (one_line()) return reconnect(item.connection);
        return drop_line(item);
      default:
        return deliver(item);
    }
  }

  void spoil_other(Item item) {
    switch (below(3)) {
      case 0:
        // An answer may be lost: nothing of the book is.
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
    item.text = mutate(item.text, choices_.random());
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
    const auto before = read_depth(traits_.id, *read_plain_json(item.text));
    char& digit = item.text[digits[below(digits.size())]];
    digit = static_cast<char>('0' + (digit - '0' + 1 + below(9)) % 10);
    item.clean = false;
    Fault fault = Fault::kGarbage;
    if (const auto json = read_plain_json(item.text)) {
      const auto after = read_depth(traits_.id, *json);
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
    const bool by_sum = fault == Fault::kWrongNumber && apart();
    // A count does not say what it counts; lines differ in what an id is.
    if (detector(fault) == Detector::kNothing || by_sum ||
        (fault == Fault::kGap && counts_) ||
        (fault == Fault::kWrongId && !one_line())) {
      taint(item, by_sum);
    }
    deliver(item);
  }

  void send_crossed(Item item) {
    const Book& book = books_[item.points.back().first];
    const sim::Levels& asks = book.model.book().levels(sim::Side::kAsk);
    // Of several lines one may be behind the asks that the model has.
    // A bid that comes in a message's place meets the asks before it, too.
    const size_t rank = apart() ? 5 : 0;
    if (asks.size() <= rank || item.points.size() != 1 || item.snapshot ||
        (!one_line() && item.points[0].second + 1 != book.points.size())) {
      return deliver(item);
    }
    count(Fault::kCrossed);
    const sim::Level bid =
        std::next(asks.begin(), static_cast<std::ptrdiff_t>(rank))->second;
    item.text = adapter_.with_bid(item.text, bid);
    item.clean = false;
    deliver(item);
  }

  // Sums come in messages of their own: a wrong number shows with the next one.
  bool apart() const { return traits_.checksum == ChecksumKind::kBitfinex; }

  // Nothing tells of it: until a new connection the law is not asked for, but
  // for what a sum sees, with `by_sum`.
  void taint(const Item& item, bool by_sum = false) {
    for (Book& book : books_) {
      if (book.connection != item.connection) continue;
      book.tainted = true;
      book.sums_tell &= by_sum;
    }
    if (heal_in_ == 0) heal_in_ = 1 + below(15);
    ill_ = item.connection;
  }

  void reconnect(uint16_t connection) {
    reconnect_in_.erase(connection);
    for (size_t line = 0; line < lines_.size(); ++line) {
      pipeline_->on_connection_lost(wire(connection, line));
      lines_[line] = {};
    }
    settle();
    check_all();
    sent_[connection] = 0;
    come_up(connection);
    for (Book& book : books_) {
      if (book.connection != connection) continue;
      book.tainted = false;
      book.sums_tell = true;
      book.newest = 0;
      if (!rest_) book.serve_in = static_cast<int>(below(4));
    }
  }

  // One of several.
  void drop_line(const Item& item) {
    pipeline_->on_connection_lost(wire(item.connection, item.line));
    settle();
    check_all();
    lines_[item.line] = {};
    come_up(item.connection, item.line);
    if (rest_) return;
    for (size_t b = 0; b < books_.size(); ++b) serve(b, item.line);
  }

  // ---- The wire

  void deliver(const Item& item) {
    if (!report_.broken.empty()) return;
    Line& line = lines_[item.line];
    for (const auto& [b, point] : item.points) {
      if (line.mute_left != 0 && b == line.muted) {
        --line.mute_left;
        return;
      }
    }
    Frame frame(item.text);
    frame.raw().connection = wire(item.connection, item.line);
    if (item.http) {
      frame.raw().kind = RawMessageKind::kHttpBody;
      frame.raw().tag = books_[item.points[0].first].index;
    }
    if (item.clean && !item.http) {
      for (const auto& [b, point] : item.points) {
        books_[b].newest = std::max(books_[b].newest, point);
      }
      if (!item.points.empty() && depth_is_known(item) && !item.snapshot) {
        line.past.push_back(item);
        if (line.past.size() > 30) line.past.pop_front();
      }
    }
    in_hand_ = &item;
    pipeline_->on_message(&frame.raw());
    settle();
    in_hand_ = nullptr;
    for (const auto& [b, point] : item.points) {
      check(books_[b]);
      if (item.has_sum && item.clean) check_sum(books_[b], point);
    }
    if (!item.clean || item.points.empty()) check_all();
    hear_requests();
    if (line.held && !item.points.empty() && !line.held->points.empty() &&
        line.held->points[0].first == item.points[0].first) {
      const Item late = *std::exchange(line.held, std::nullopt);
      deliver(late);
    }
  }

  void hear_requests() {
    while (const auto request = pipeline_->next_request()) {
      if (request->kind == BookRequestKind::kReconnect) {
        reconnect_in_.try_emplace(request->connection, below(6));
        continue;
      }
      for (Book& book : books_) {
        if (book.index == request->instrument) {
          book.serve_in = static_cast<int>(below(6));
        }
      }
    }
  }

  void serve_due() {
    if (heal_in_ != 0 && --heal_in_ == 0) reconnect(ill_);
    for (const uint16_t connection : connections_) {
      const auto found = reconnect_in_.find(connection);
      if (found != reconnect_in_.end() && found->second-- == 0) {
        reconnect(connection);
      }
    }
    for (size_t b = 0; b < books_.size(); ++b) {
      Book& book = books_[b];
      if (!book.known) continue;
      // An answer may have been lost: asked again, as the node does.
      if (!book.was_live && !book.serve_in && ++book.unserved > 40) {
        book.unserved = 0;
        if (traits_.resync_reconnects) {
          reconnect(book.connection);
        } else {
          book.serve_in = 0;
        }
      }
      if (!book.serve_in || --*book.serve_in >= 0) continue;
      book.serve_in.reset();
      book.unserved = 0;
      serve(b, below(lines_.size()));
    }
  }

  void serve(size_t b, size_t line) {
    Book& book = books_[b];
    const auto say = [&](Item& item) {
      if (item.http || one_line()) return deliver(item);
      lines_[line].queue.push_back(item);
    };
    // The answer to the subscription may come late.
    std::vector<Item> acks;
    if (!rest_) acks = acks_of(book, line);
    const bool late = below(12) == 0;
    if (!late) {
      for (Item& ack : acks) {
        if (one_line()) {
          send(ack);
        } else {
          say(ack);
        }
      }
    }
    Item item{.text = {},
              .connection = book.connection,
              .points = {{b, book.points.size() - 1}},
              .http = rest_,
              .snapshot = true};
    item.line = line;
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
      count(Fault::kGap);
      item.text.clear();
    }
    if (!item.text.empty() || !item.clean) say(item);
    if (late) {
      for (Item& ack : acks) say(ack);
    }
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
    if (!report_.broken.empty()) return;
    const BookKeeper& keeper = pipeline_->book(book.index);
    const bool live = keeper.state() == BookState::kLive;
    report_.lives_lost += book.was_live && !live;
    const bool began = live && !book.was_live;
    book.was_live = live;
    if (live) book.unserved = 0;
    if (!live || book.tainted) return;
    ++report_.live;
    size_t at = book.applied;
    if (by_ids_) {
      const auto found = book.point_of_id.find(keeper.view().update_id);
      if (found == book.point_of_id.end()) {
        return fail(book, "is Live at an id that was never sent");
      }
      at = found->second;
    }
    if (!book.points[at].valid) return fail(book, "is Live without a snapshot");
    if (!sums_ && one_line() && at < book.newest) {
      return fail(book, "is Live without what was delivered last");
    }
    if (subject_.proven != SIZE_MAX) {
      ++report_.checks;
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
    ++report_.checks;
    if (hash_of(keeper.book(), SIZE_MAX) != book.points[at].hash) {
      fail(book, "is Live with other levels than the model's");
    }
  }

  // A sum agreed with all that went before it: it has seen what is wrong as
  // deep as it reaches, and the book is not Live.
  void check_sum(const Book& book, size_t point) {
    constexpr size_t kSummed = 25;
    const BookKeeper& keeper = pipeline_->book(book.index);
    if (!apart() || !book.tainted || !book.sums_tell ||
        keeper.state() != BookState::kLive) {
      return;
    }
    ++report_.checks;
    if (hash_of(keeper.book(), kSummed) != book.points[point].top_hash) {
      fail(book, "is Live with other levels than what a sum agreed with");
    }
  }

  // A snapshot was short: the law is about what it covered, and the touch.
  void check_known(const Book& book, const BookKeeper& keeper, size_t at) {
    if (at + 1 != book.points.size()) return;  // the model has gone on
    ++report_.checks;
    const Horizon horizons[2] = {keeper.known_horizon(Side::kBid),
                                 keeper.known_horizon(Side::kAsk)};
    report_.with_horizon += horizons[0].has_value() || horizons[1].has_value();
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

  void fail(const Book& book, const std::string& what) {
    std::string faults;
    for (const std::string& line : log_) faults += "\n  " + line;
    const BookView view = pipeline_->book(book.index).view();
    report_.broken =
        book.symbol + " " + what + ", at frame " + std::to_string(frames_) +
        ", point " + std::to_string(book.applied) + " of " +
        std::to_string(book.points.size() - 1) + ", id " +
        std::to_string(view.update_id) + "; the last faults:" + faults;
  }

  const FaultSubject subject_;
  const VenueTraits& traits_;
  const sim::VenueAdapter& adapter_;
  Choices choices_;
  const bool rest_;
  const bool sums_;
  const bool counts_;
  const bool by_ids_;  // its view's id says what a Live book has
  std::unique_ptr<BookPipeline> pipeline_;
  std::deque<Book> books_;
  std::vector<Line> lines_;
  std::set<uint16_t> connections_;
  std::map<uint16_t, uint64_t> sent_;  // messages that a connection counted
  std::map<std::string, std::string> channels_;  // a recording's to ours
  std::map<std::string, std::string> symbols_;   // by our channels
  std::map<uint16_t, uint64_t> reconnect_in_;
  const Item* in_hand_ = nullptr;
  uint64_t heal_in_ = 0;
  uint16_t ill_ = 0;
  uint64_t frames_ = 0;
  FaultRunReport report_;
  std::deque<std::string> log_;
};

FaultRun::FaultRun(const FaultSubject& subject, Choices choices)
    : impl_(std::make_unique<Impl>(subject, std::move(choices))) {}
FaultRun::~FaultRun() = default;
void FaultRun::run(DepthSource& source) { impl_->run(source); }
const FaultRunReport& FaultRun::report() const { return impl_->report(); }

}  // namespace wirebook
