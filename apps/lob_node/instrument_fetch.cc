// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "apps/lob_node/instrument_fetch.h"

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "lob/venues/find_venue_requests.h"
#include "net/http_client.h"
#include "net/raw_message_pool.h"
#include "net/uring_loop.h"
#include "net/websocket_reader.h"

namespace wirebook {
namespace {

// Of what a venue says in an error, bytes in ours.
constexpr std::size_t kLongestError = 200;
constexpr std::uint64_t kTurnNs = 10'000'000;

absl::Status with_place(const absl::Status& status, const std::string& place) {
  return {status.code(), absl::StrCat(place, ": ", status.message())};
}

absl::Status fetch_by_rest(const VenueConfig& config, std::uint64_t timeout_ns,
                           std::vector<Instrument>* instruments) {
  const VenueRequests& venue = find_venue_requests(config.id);
  std::set<std::string> asked;
  for (const std::string& symbol : config.symbols) {
    const std::string url = absl::StrCat(
        config.rest_url, venue.instrument_target(symbol, config.url));
    if (!asked.insert(url).second) continue;
    const absl::StatusOr<HttpResponse> response = http_get(url, timeout_ns);
    if (!response.ok()) return with_place(response.status(), url);
    if (response->status / 100 != 2) {
      return absl::UnavailableError(
          absl::StrCat(url, ": status ", response->status, ": ",
                       response->body.substr(0, kLongestError)));
    }
    const absl::Status read =
        read_instruments(venue.instrument_format(), response->body,
                         {instruments->data(), instruments->size()});
    if (!read.ok()) return with_place(read, url);
  }
  return absl::OkStatus();
}

// Subscribes, and reads until the list is there.
class ChannelReader final : public WebSocketHandler {
 public:
  ChannelReader(const VenueRequests& venue, RawMessagePool* pool,
                std::vector<Instrument>* instruments)
      : venue_(venue), pool_(*pool), instruments_(*instruments) {}

  // Sends on it; must be set before the connection opens.
  WebSocketReader* reader = nullptr;

  const std::optional<absl::Status>& result() const { return result_; }

  void on_open() override { reader->send_text(venue_.instrument_request()); }
  void on_message(RawMessage* message) override {
    const std::string_view text(message->data, message->size);
    if (!result_) {
      const absl::Status read =
          read_instruments(venue_.instrument_format(), text,
                           {instruments_.data(), instruments_.size()});
      if (!absl::IsNotFound(read)) {
        result_ = read;
      } else if (text.find("\"success\":false") != std::string_view::npos) {
        result_ = absl::UnavailableError(absl::StrCat(
            "refused: ", std::string(text.substr(0, kLongestError))));
      }
    }
    pool_.release(message);
  }
  void on_close(uint16_t, std::string_view,
                const absl::Status& status) override {
    if (result_) return;
    result_ = status.ok() ? absl::UnavailableError("closed without an answer")
                          : status;
  }

 private:
  const VenueRequests& venue_;
  RawMessagePool& pool_;
  std::vector<Instrument>& instruments_;
  std::optional<absl::Status> result_;
};

absl::Status fetch_by_channel(const VenueConfig& config,
                              std::uint64_t timeout_ns,
                              std::vector<Instrument>* instruments) {
  auto pool = RawMessagePool::create(
      {.slots = 64, .descriptors = 1024, .large_messages = 2});
  if (!pool.ok()) return pool.status();
  UringLoopOptions loop_options;
  loop_options.wait = WaitMode::kSleep;
  auto loop = UringLoop::create(loop_options, pool->get());
  if (!loop.ok()) return loop.status();
  ChannelReader channel(find_venue_requests(config.id), pool->get(),
                        instruments);
  WebSocketReaderOptions options;
  options.url = config.url;
  options.connect_timeout_ns = timeout_ns;
  auto reader =
      WebSocketReader::create(loop->get(), pool->get(), options, &channel);
  if (!reader.ok()) return reader.status();
  channel.reader = reader->get();
  if (absl::Status status = (*reader)->connect(); !status.ok()) return status;
  const std::uint64_t deadline = (*loop)->now_ns() + timeout_ns;
  while (!channel.result() && (*loop)->now_ns() < deadline) {
    (*loop)->run_once(kTurnNs);
  }
  const absl::Status result =
      channel.result().value_or(absl::DeadlineExceededError(absl::StrCat(
          "no list of instruments within ", timeout_ns / 1'000'000, " ms")));
  return result.ok() ? result : with_place(result, config.url);
}

}  // namespace

absl::StatusOr<std::vector<Instrument>> fetch_instruments(
    const VenueConfig& config, std::uint64_t timeout_ns) {
  std::vector<Instrument> instruments;
  for (const std::string& symbol : config.symbols) {
    instruments.push_back(make_instrument(config.id, symbol, 0));
  }
  const bool by_channel =
      !find_venue_requests(config.id).instrument_request().empty();
  absl::Status status = by_channel
                            ? fetch_by_channel(config, timeout_ns, &instruments)
                            : fetch_by_rest(config, timeout_ns, &instruments);
  if (!status.ok()) {
    return with_place(status, absl::StrCat(config.name, ": instruments"));
  }
  for (const Instrument& instrument : instruments) {
    if (instrument.status != InstrumentStatus::kUnknown) continue;
    return absl::NotFoundError(absl::StrCat(
        config.name, ": the venue lists no instrument \"", instrument.symbol,
        "\"; see `symbols` in the configuration"));
  }
  return instruments;
}

}  // namespace wirebook
