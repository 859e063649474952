// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "apps/lob_node/bbo_log.h"

#include <errno.h>

#include <cstring>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "lob/fixed_point.h"

namespace wirebook {
namespace {

constexpr std::size_t kFlushBytes = std::size_t{64} << 10;

absl::string_view to_absl(std::string_view text) {
  return {text.data(), text.size()};
}

// `best` where there is one.
void append_level(bool empty, const PriceLevel& best, int price_scale,
                  int quantity_scale, std::string* out) {
  if (empty) {
    out->append(",,");
    return;
  }
  absl::StrAppend(out, ",", decimal_string(best.price, price_scale), ",",
                  decimal_string(best.quantity, quantity_scale));
}

}  // namespace

absl::StatusOr<std::unique_ptr<BboLog>> BboLog::open(
    const std::string& path, const std::vector<std::string>& connections) {
  std::FILE* const file = std::fopen(path.c_str(), "w");
  if (file == nullptr) {
    return absl::PermissionDeniedError(absl::StrCat(
        "--bbo-log=", path, " cannot be written: ", std::strerror(errno)));
  }
  return std::unique_ptr<BboLog>(new BboLog(path, file, connections));
}

BboLog::BboLog(std::string path, std::FILE* file,
               const std::vector<std::string>& connections)
    : path_(std::move(path)), file_(file), connections_(connections) {
  buffer_ =
      "symbol,update_id,bid_price,bid_qty,ask_price,ask_qty,market,"
      "connection,state\n";
}

BboLog::~BboLog() { (void)close(); }

void BboLog::on_depth_applied(const BookKeeper& keeper,
                              const ParsedMessage& message) {
  const Instrument& instrument = keeper.instrument();
  // A REST snapshot is no message of the stream: it has no line.
  if (message.kind == ParsedMessageKind::kSnapshot &&
      venue_traits(instrument.venue).sync == SyncClass::kRestSnapshot) {
    return;
  }
  const L2Book& book = keeper.book();
  std::string levels;
  for (const Side side : {Side::kBid, Side::kAsk}) {
    append_level(book.empty(side), book.best(side), book.price_scale(),
                 book.quantity_scale(), &levels);
  }
  write(instrument, keeper.state(), message, levels);
}

void BboLog::on_orders_applied(const L3Keeper& keeper,
                               const ParsedMessageHeader& message) {
  if (message.http_body) return;
  const BookView view = keeper.view();
  std::string levels;
  append_level(view.bid_count == 0, view.bids[0], view.price_scale,
               view.quantity_scale, &levels);
  append_level(view.ask_count == 0, view.asks[0], view.price_scale,
               view.quantity_scale, &levels);
  write(keeper.instrument(), view.state, message, levels);
}

void BboLog::write(const Instrument& instrument, BookState state,
                   const ParsedMessageHeader& message,
                   const std::string& levels) {
  const std::lock_guard lock(mutex_);
  absl::StrAppend(&buffer_, instrument.symbol, ",");
  if (message.has_last_update_id) {
    absl::StrAppend(&buffer_, message.last_update_id);
  }
  absl::StrAppend(&buffer_, levels, ",", instrument.market, ",",
                  connections_[instrument.connection], ",",
                  to_absl(book_state_name(state)), "\n");
  if (buffer_.size() >= kFlushBytes) flush();
}

void BboLog::flush() {
  if (file_ != nullptr && error_ == 0 &&
      std::fwrite(buffer_.data(), 1, buffer_.size(), file_) != buffer_.size()) {
    error_ = errno;
  }
  buffer_.clear();
}

absl::Status BboLog::close() {
  const std::lock_guard lock(mutex_);
  flush();
  if (file_ != nullptr && std::fclose(file_) != 0 && error_ == 0) {
    error_ = errno;
  }
  file_ = nullptr;
  if (error_ == 0) return absl::OkStatus();
  return absl::DataLossError(absl::StrCat(
      path_, ": the BBO log is incomplete: ", std::strerror(error_)));
}

}  // namespace wirebook
