// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "apps/lob_node/replay.h"

#include <algorithm>
#include <cstring>
#include <iostream>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "apps/lob_node/bbo_log.h"
#include "apps/lob_node/config.h"
#include "apps/lob_node/report.h"
#include "concurrency/tsc_clock.h"
#include "lob/capture/capture_reader.h"
#include "lob/venues/find_venue_requests.h"
#include "net/raw_message_pool.h"

namespace wirebook {
namespace {

// As much receive memory as a live connection has, in slots of 64 KiB.
constexpr std::size_t kSlabSlots = 32;

// One or more captures as one recording: connections of one name are one.
struct Recording {
  std::vector<Capture> captures;
  std::vector<std::string> connections;
  VenueId venue;
  std::string damage;  // why captures could not be read whole

  void add_damage(absl::string_view what) {
    absl::StrAppend(&damage, damage.empty() ? "" : "; ", what);
  }

  std::uint16_t connection(const Capture& capture,
                           const CaptureRecord& record) const {
    const std::string& name = capture.connections[record.connection];
    const auto found = std::find(connections.begin(), connections.end(), name);
    return static_cast<std::uint16_t>(found - connections.begin());
  }
};

std::string known_venues() { return absl::StrJoin(parsed_venue_names(), " "); }

absl::Status add_capture(const std::string& path,
                         std::optional<VenueId> asked_venue,
                         Recording* recording) {
  absl::StatusOr<Capture> capture = read_capture(path);
  if (!capture.ok()) return capture.status();
  const std::optional<VenueId> venue =
      capture->venue ? capture->venue : asked_venue;
  if (!venue) {
    return absl::InvalidArgumentError(absl::StrCat(
        path,
        capture->exchange.empty()
            ? std::string(": nothing in it names its venue")
            : absl::StrCat(": its header names an unknown exchange, ",
                           capture->exchange),
        "; pass --venue=ID, one of: ", known_venues()));
  }
  if (asked_venue && *asked_venue != *venue) {
    return absl::InvalidArgumentError(absl::StrCat(
        path, ": is of ", std::string(venue_name(*venue)),
        ", not of --venue=", std::string(venue_name(*asked_venue))));
  }
  if (!recording->captures.empty() && *venue != recording->venue) {
    return absl::InvalidArgumentError(absl::StrCat(
        path, ": is of ", std::string(venue_name(*venue)),
        ", the captures before it of ",
        std::string(venue_name(recording->venue)), "; replay them apart"));
  }
  recording->venue = *venue;
  if (!capture->damage.ok()) {
    recording->add_damage(capture->damage.message());
  }
  if (capture->malformed_lines > 0) {
    recording->add_damage(absl::StrCat(path, ": ", capture->malformed_lines,
                                       " lines are no record; ",
                                       capture->first_malformed));
  }
  for (const std::string& name : capture->connections) {
    auto& names = recording->connections;
    if (std::find(names.begin(), names.end(), name) == names.end()) {
      names.push_back(name);
    }
  }
  recording->captures.push_back(*std::move(capture));
  return absl::OkStatus();
}

// Which connections carry messages, and which symbols each REST snapshot of
// the recording is for.
class Replayer {
 public:
  Replayer(const Recording& recording, BookPipeline& pipeline,
           RawMessagePool& pool, RawMessageSlab& slab,
           const std::string& only_symbol)
      : only_symbol_(only_symbol),
        recording_(recording),
        pipeline_(pipeline),
        pool_(pool),
        slab_(slab),
        carries_messages_(recording.connections.size()),
        whose_is_clear_(recording.connections.size(), true),
        up_(recording.connections.size()),
        sequence_(recording.connections.size()) {
    for_each_record([this](std::uint16_t connection, const CaptureRecord& r) {
      if (r.kind == CaptureRecordKind::kReceived) {
        carries_messages_[connection] = true;
      }
    });
  }

  // Makes the books of the only symbol, on every connection whose messages name
  // it.
  absl::Status expect_only_symbol() {
    if (only_symbol_.empty()) return absl::OkStatus();
    const std::string quoted = absl::StrCat("\"", only_symbol_, "\"");
    for (std::uint16_t i = 0; i < carries_messages_.size(); ++i) {
      carries_messages_[i] = carries_messages_[i] && mentions(i, quoted);
      if (!carries_messages_[i]) continue;
      absl::Status status =
          pipeline_.expect_instrument(only_symbol_, "", i, 0).status();
      if (!status.ok()) return status;
      whose_is_clear_[i] = !has_depth_of_others(i, quoted);
    }
    if (pipeline_.book_count() > 0) return absl::OkStatus();
    return absl::NotFoundError(
        absl::StrCat("--symbol=", only_symbol_,
                     ": no message names it; give the venue's own spelling"));
  }

  void run() {
    for_each_record([this](std::uint16_t connection, const CaptureRecord& r) {
      switch (r.kind) {
        case CaptureRecordKind::kConnect:
          if (up_[connection]) pipeline_.on_connection_lost(connection);
          up_[connection] = false;
          bring_up(connection);
          break;
        case CaptureRecordKind::kReceived:
          bring_up(connection);
          if (!carries_messages_[connection]) break;
          feed(r, RawMessageKind::kText, connection, 0);
          break;
        case CaptureRecordKind::kHttpResponse:
          feed_snapshot(connection, r);
          break;
        case CaptureRecordKind::kSent:
          break;
      }
      // Requests are for a live venue; a recording has its answers already.
      while (pipeline_.next_request()) {
      }
    });
  }

 private:
  template <typename Use>
  void for_each_record(Use use) const {
    for (const Capture& capture : recording_.captures) {
      for (const CaptureRecord& record : capture.records) {
        use(recording_.connection(capture, record), record);
      }
    }
  }

  void bring_up(std::uint16_t connection) {
    if (up_[connection] || !carries_messages_[connection]) return;
    up_[connection] = true;
    pipeline_.on_connection_up(connection);
  }

  // A REST body has no connection of its own: it goes to the books of its
  // symbol. Without a URL it stood in line, and its connection is known.
  void feed_snapshot(std::uint16_t connection, const CaptureRecord& record) {
    if (record.url.empty()) {
      if (!carries_messages_[connection] || !whose_is_clear_[connection]) {
        return;
      }
      feed(record, RawMessageKind::kHttpBody, connection, kNoInstrument);
      return;
    }
    const std::string_view symbol =
        find_venue_requests(pipeline_.venue()).snapshot_symbol(record.url);
    if (symbol.empty() || (!only_symbol_.empty() && symbol != only_symbol_)) {
      return;
    }
    // Alone in quotes, or behind the name of a channel.
    const std::string end =
        absl::StrCat(absl::string_view(symbol.data(), symbol.size()), "\"");
    for (std::uint16_t i = 0; i < carries_messages_.size(); ++i) {
      if (!carries_messages_[i] || !(mentions(i, absl::StrCat("\"", end)) ||
                                     mentions(i, absl::StrCat("_", end)))) {
        continue;
      }
      const absl::StatusOr<std::uint32_t> instrument =
          pipeline_.expect_instrument(symbol, "", i, 0);
      if (instrument.ok()) {
        feed(record, RawMessageKind::kHttpBody, i, *instrument);
      }
    }
  }

  bool has_depth_of_others(std::uint16_t connection,
                           const std::string& quoted) const {
    bool found = false;
    for_each_record([&](std::uint16_t other, const CaptureRecord& record) {
      found =
          found ||
          (other == connection && record.kind == CaptureRecordKind::kReceived &&
           record.payload.find("\"depthUpdate\"") != std::string_view::npos &&
           record.payload.find(quoted) == std::string_view::npos);
    });
    return found;
  }

  bool mentions(std::uint16_t connection, const std::string& text) const {
    bool found = false;
    for_each_record([&](std::uint16_t other, const CaptureRecord& record) {
      found = found || (other == connection &&
                        record.kind == CaptureRecordKind::kReceived &&
                        record.payload.find(text) != std::string_view::npos);
    });
    return found;
  }

  // As the network layer does it: a message lies in receive memory, where the
  // kernel has just copied it; a REST body, or a message too large for that,
  // lies in memory of its own.
  void feed(const CaptureRecord& record, RawMessageKind kind,
            std::uint16_t connection, std::uint32_t tag) {
    const bool in_slab = kind == RawMessageKind::kText &&
                         record.payload.size() <= slab_.max_contiguous_bytes();
    RawMessage* message = nullptr;
    while (message == nullptr) {
      pool_.reclaim();
      message = in_slab ? receive(record.payload)
                        : pool_.acquire_external(
                              record.payload.data(),
                              static_cast<std::uint32_t>(record.payload.size()),
                              nullptr, nullptr);
    }
    message->kind = kind;
    message->connection = connection;
    message->venue = static_cast<std::uint8_t>(recording_.venue);
    message->tag = tag;
    message->sequence = sequence_[connection]++;
    message->receive_ticks = TscClock::ticks();
    pipeline_.on_message(message);
  }

  // Null while the slab or the descriptors are used up.
  RawMessage* receive(std::string_view payload) {
    if (slab_.writable_bytes() < payload.size() + kRawMessageSlackBytes ||
        !pool_.descriptor_free()) {
      return nullptr;
    }
    const std::uint64_t position = slab_.write_position();
    std::memcpy(slab_.write_pointer(), payload.data(), payload.size());
    slab_.commit(payload.size());
    RawMessage* const message = pool_.acquire(
        slab_, position, static_cast<std::uint32_t>(payload.size()));
    slab_.set_parse_position(position + payload.size());
    return message;
  }

  const std::string& only_symbol_;  // empty: all
  const Recording& recording_;
  BookPipeline& pipeline_;
  RawMessagePool& pool_;
  RawMessageSlab& slab_;
  std::vector<bool> carries_messages_;  // by connection; of the only symbol
  // Of a snapshot that names no symbol, by connection.
  std::vector<bool> whose_is_clear_;
  std::vector<bool> up_;
  std::vector<std::uint64_t> sequence_;
};

}  // namespace

absl::Status replay(const ReplayOptions& options) {
  Recording recording{};
  for (const std::string& path : options.captures) {
    absl::Status status = add_capture(path, options.venue, &recording);
    if (!status.ok()) return status;
  }

  if (!options.dump_book.empty()) {
    absl::Status status = check_book_dump(options.dump_book);
    if (!status.ok()) return status;
  }
  std::unique_ptr<BboLog> bbo_log;
  if (!options.bbo_log.empty()) {
    auto opened = BboLog::open(options.bbo_log, recording.connections);
    if (!opened.ok()) return opened.status();
    bbo_log = *std::move(opened);
  }

  const TscClock clock;
  RawMessagePoolOptions pool_options;
  pool_options.large_messages = 1;
  auto pool = RawMessagePool::create(pool_options);
  if (!pool.ok()) return pool.status();
  auto slab = (*pool)->add_slab(kSlabSlots);
  if (!slab.ok()) return slab.status();

  BookPipelineOptions pipeline_options;
  pipeline_options.venue = recording.venue;
  pipeline_options.mode = options.mode;
  pipeline_options.full = FullPolicy::kWait;
  pipeline_options.discover_instruments = options.symbol.empty();
  auto pipeline =
      BookPipeline::create(pipeline_options, pool->get(), bbo_log.get());
  if (!pipeline.ok()) return pipeline.status();

  Replayer replayer(recording, **pipeline, **pool, **slab, options.symbol);
  absl::Status status = replayer.expect_only_symbol();
  if (!status.ok()) return status;
  replayer.run();
  status = (*pipeline)->drain();
  (*pipeline)->stop();
  (*pool)->reclaim();

  const PipelineReport report{pipeline->get(), recording.venue,
                              &recording.connections};
  if (options.json) {
    std::cout << report_json(report, clock) << std::endl;
  } else {
    std::cout << report_text(report, clock) << std::flush;
  }
  if (bbo_log != nullptr) status.Update(bbo_log->close());
  if (!options.dump_book.empty()) {
    status.Update(write_book_dump(options.dump_book, {report}));
  }
  if (!recording.damage.empty()) {
    status.Update(absl::DataLossError(recording.damage));
  }
  return status;
}

}  // namespace wirebook
