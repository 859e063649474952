// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "lob/testing/order_run.h"

#include <cstdlib>
#include <deque>
#include <optional>
#include <sstream>
#include <utility>
#include <vector>

#include "lob/fixed_point.h"
#include "lob/l3_feed.h"
#include "lob/testing/parser_harness.h"

namespace wirebook {
namespace {

struct Sent {
  std::string text;
  std::string truth;  // the book after it
  // Of a subscription's beginning. A snapshot of the stream that comes behind
  // what is newer shows with the next message alone, one that does not come
  // with nothing: it is not overtaken and gets lost with its connection alone.
  bool begins = false;
};

}  // namespace

class OrderRun::Impl {
 public:
  Impl(OrderVenue& venue, Choices choices, bool faults)
      : venue_(venue), choices_(std::move(choices)), faults_(faults) {
    L3FeedOptions options;
    options.venue = venue.venue;
    options.keeper.book = {.orders = 64, .window_ticks = 64};
    options.keeper.buffered_messages = 32;
    options.keeper.buffered_orders = 1024;
    auto feed = L3Feed::create(options, pools_, nullptr);
    if (!feed.ok()) std::abort();
    feed_ = *std::move(feed);
    book_ = *feed_->expect_instrument(venue.symbol, 0,
                                      static_cast<int>(venue.depth()));
    for (int i = 0; i < 40; ++i) advance(happen());
    connect();
  }

  void run(int steps, int calm) {
    for (int i = 0; i < steps && report_.broken.empty(); ++i) {
      step();
      report_.lives += live();
    }
    faults_ = false;
    for (int i = 0; i < calm && report_.broken.empty(); ++i) step();
    if (report_.broken.empty() && !live()) {
      report_.broken = "is not Live again: " +
                       std::string(book_state_name(keeper().state())) + " " +
                       std::string(book_reason_name(keeper().reason()));
    }
  }

  const OrderRunReport& report() const { return report_; }
  L3Keeper& keeper() { return feed_->keeper(book_); }

 private:
  // What happens at the venue, and what goes wrong on the way.
  uint64_t any(uint64_t n) { return choices_.random()() % n; }
  uint64_t below(uint64_t n) { return choices_.below(n); }
  bool live() { return keeper().state() == BookState::kLive; }

  Happening happen() {
    Happening one;
    const std::vector<ModelOrder> bids = model_.orders(Side::kBid);
    const std::vector<ModelOrder> asks = model_.orders(Side::kAsk);
    one.side = any(2) == 0 ? Side::kBid : Side::kAsk;
    const auto& side = one.side == Side::kBid ? bids : asks;
    do {
      one.what = static_cast<Happening::What>(any(7));
    } while (!venue_.can(one.what));
    if (side.size() < 8) one.what = Happening::kAdd;
    if (side.size() > 60) one.what = Happening::kRemove;
    const auto any_price = [&] {
      const auto away = static_cast<int64_t>(1 + any(14));
      return one.side == Side::kBid ? kMiddle - away : kMiddle + away;
    };
    if (one.what == Happening::kAdd) {
      one.after = {++next_id_, any_price(),
                   static_cast<int64_t>(1 + any(5)) * 1000};
      return one;
    }
    one.before =
        one.what == Happening::kTrade ? side.front() : side[any(side.size())];
    one.after = one.before;
    const int64_t had = one.before.quantity;
    switch (one.what) {
      case Happening::kTrade:
        one.after.quantity = any(2) == 0 ? 0 : had / 2;
        break;
      case Happening::kLess:
        if (had < 2) one.what = Happening::kRemove;
        one.after.quantity = one.what == Happening::kLess ? had / 2 : 0;
        break;
      case Happening::kMore:
        one.after.quantity = had + 500;
        break;
      case Happening::kMove:
        while (one.after.price == one.before.price) {
          one.after.price = any_price();
        }
        break;
      case Happening::kRemove:
        one.after.quantity = 0;
        break;
      default:
        break;
    }
    return one;
  }

  // The model moves on; what the venue says of it waits to be sent.
  void advance(const Happening& one) {
    const OrderModel before = model_;
    switch (one.what) {
      case Happening::kAdd:
        model_.add(one.side, one.after);
        break;
      case Happening::kTrade:
      case Happening::kLess:
      case Happening::kRemove:
        if (one.after.quantity == 0) {
          model_.remove(one.before.id);
        } else {
          model_.set_quantity(one.before.id, one.after.quantity);
        }
        break;
      case Happening::kMore:
      case Happening::kMove:
        if (one.what == Happening::kMove ||
            find_order_feed(venue_.venue)->more_loses_place) {
          model_.remove(one.before.id);
          model_.add(one.side, one.after);
        } else {
          model_.set_quantity(one.before.id, one.after.quantity);
        }
        break;
      case Happening::kNothing:
        break;
    }
    // Coinbase tells twice of an order that comes; the first time it does not
    // rest yet. Else the first message changes the book.
    const std::vector<std::string> texts = venue_.tell(one, before, model_);
    for (size_t i = 0; i < texts.size(); ++i) {
      const bool received = venue_.venue == VenueId::kCoinbaseExchange &&
                            one.what == Happening::kAdd && i == 0;
      wire_.push_back(
          {texts[i], (received ? before : model_).text(limit()), false});
    }
  }

  size_t limit() const {
    return venue_.depth() == 0 ? SIZE_MAX : venue_.depth();
  }

  // A new connection's wire is empty; a new subscription's begins behind what
  // is on it.
  void connect(bool anew = true) {
    held_.reset();
    if (anew) {
      feed_->on_connection_up(0, ++now_);
      wire_.clear();
      body_.reset();
      truth_.clear();
    }
    for (const std::string& text : venue_.begin(model_)) {
      wire_.push_back({text, model_.text(limit()), true});
    }
  }

  void deliver(const std::string& text, bool http) {
    Frame frame(text);
    frame.raw().kind = http ? RawMessageKind::kHttpBody : RawMessageKind::kText;
    frame.raw().tag = book_;
    frame.raw().receive_ticks = ++now_;
    feed_->on_message(frame.raw());
    if (!live()) return;
    const std::string ours = book_text();
    if (ours == truth_ || ours == older_) return;
    report_.broken = "a Live book differs after " + text + "\nours  " + ours +
                     "\ntruth " + truth_;
  }

  void deliver(const Sent& sent) {
    truth_ = sent.truth;
    older_.clear();
    deliver(sent.text, false);
  }

  // One that was overtaken. Where a sum is all there is, it may lead back to
  // the book that it sums: that was the venue's, too, and the next shows.
  void deliver_late(const Sent& late) {
    const bool sums =
        find_order_feed(venue_.venue)->checksum == OrderChecksum::kKraken;
    if (sums) older_ = late.truth;
    deliver(late.text, false);
  }

  // Its ids back in the model's.
  std::string book_text() {
    L3Keeper& keeper = feed_->keeper(book_);
    const int64_t price_unit =
        kPowersOfTen[static_cast<size_t>(keeper.view().price_scale - 2)];
    const int64_t quantity_unit =
        kPowersOfTen[static_cast<size_t>(keeper.view().quantity_scale)] /
        kPowersOfTen[8];
    std::ostringstream out;
    for (const Side side : {Side::kBid, Side::kAsk}) {
      out << (side == Side::kBid ? "bids" : " asks");
      keeper.book().for_each_order(side, [&](const OrderNode& order) {
        out << ' ' << venue_.model_id(keeper.venue_id(order.id)) << ':'
            << order.quantity / quantity_unit << '@'
            << order.level->total.price / price_unit;
      });
    }
    return out.str();
  }

  void step() {
    serve();
    // The wire is a few messages behind the venue.
    for (uint64_t ahead = below(4); wire_.size() <= ahead;) advance(happen());
    Sent sent = std::move(wire_.front());
    wire_.pop_front();
    if (held_) {  // The one that was overtaken.
      deliver(sent);
      if (!report_.broken.empty()) return;
      deliver_late(*std::exchange(held_, std::nullopt));
      return;
    }
    const uint64_t dice = faults_ ? below(80) : 99;
    report_.faults += dice < 4;
    if (dice == 0 && !sent.begins) return;  // lost
    if (dice == 1 && !sent.begins) {
      held_ = std::move(sent);
      return;
    }
    if (dice == 3 && below(4) == 0) {
      feed_->on_connection_lost(0, ++now_);
      connect();
      return;
    }
    deliver(sent);
    if (dice == 2 && report_.broken.empty()) deliver(sent);  // doubled
  }

  // The answer to a request comes some messages later, as the book was when it
  // was made: at the request, or just now.
  void serve() {
    while (auto request = feed_->next_request()) {
      if (request->kind != BookRequestKind::kFetchSnapshot) {
        connect(request->kind == BookRequestKind::kReconnect);
        continue;
      }
      serve_in_ = static_cast<int>(below(8));
      body_ =
          below(2) == 0 ? std::optional(venue_.snapshot(model_)) : std::nullopt;
    }
    if (serve_in_ < 0 || serve_in_-- > 0) return;
    // What is on the wire still, the snapshot has already.
    const std::string body = body_ ? *body_ : venue_.snapshot(model_);
    body_.reset();
    deliver(body, true);
  }

  OrderVenue& venue_;
  Choices choices_;
  bool faults_;
  TradingObjectPools pools_{
      {.orders = 64, .trades = 64, .order_nodes = 512, .price_levels = 64}};
  std::unique_ptr<L3Feed> feed_;
  uint32_t book_ = 0;
  OrderModel model_;
  std::deque<Sent> wire_;
  std::optional<Sent> held_;
  std::optional<std::string> body_;
  int serve_in_ = -1;
  std::string truth_;
  std::string older_;  // as good as truth_; empty: nothing is
  uint64_t next_id_ = 0;
  uint64_t now_ = 1;
  OrderRunReport report_;
};

OrderRun::OrderRun(OrderVenue& venue, Choices choices, bool faults)
    : impl_(std::make_unique<Impl>(venue, std::move(choices), faults)) {}
OrderRun::~OrderRun() = default;
void OrderRun::run(int steps, int calm) { impl_->run(steps, calm); }
const OrderRunReport& OrderRun::report() const { return impl_->report(); }
const L3Keeper& OrderRun::keeper() const { return impl_->keeper(); }

}  // namespace wirebook
