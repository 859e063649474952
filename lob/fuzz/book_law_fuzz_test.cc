// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// Synchronisation machines, arbiters and book keepers of every venue: the bytes
// choose what goes wrong with a stream, answers, restarts and connections
// included (lob/testing/fault_run.h); the one law holds.

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <map>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "lob/testing/depth_source.h"
#include "lob/testing/fault_run.h"
#include "lob/testing/venue_stream.h"
#include "lob/venue.h"
#include "tools/build_defs/fuzz.h"

namespace {

using namespace wirebook;  // NOLINT

// Bits of the second byte.
constexpr uint8_t kTwoLines = 1;
constexpr uint8_t kRestarts = 2;
constexpr uint8_t kShortSnapshots = 4;

// What was generated once, again and again.
class Repeated final : public DepthSource {
 public:
  explicit Repeated(const std::vector<SentText>& texts) : texts_(texts) {}
  std::optional<SentText> next() override {
    if (at_ == texts_.size()) return std::nullopt;
    return texts_[at_++];
  }

 private:
  const std::vector<SentText>& texts_;
  size_t at_ = 0;
};

const std::vector<SentText>& texts_of(const VenueStream& stream,
                                      bool restarts) {
  static std::map<std::pair<VenueId, bool>, std::vector<SentText>> cache;
  std::vector<SentText>& texts = cache[{stream.venue, restarts}];
  if (!texts.empty()) return texts;
  GeneratedSource source(stream.adapter(), {stream.symbol, "tETHUSD"},
                         stream.depth, 1, 80,
                         {.levels = 20, .restarts = restarts});
  while (auto sent = source.next()) texts.push_back(*std::move(sent));
  return texts;
}

}  // namespace

// The venue's number, flags, and what goes wrong.
std::vector<std::string> fuzz_seeds() {
  std::vector<std::string> seeds;
  std::mt19937_64 random(1);
  for (const VenueTraits& venue : kVenues) {
    for (const int flags : {0, kTwoLines | kShortSnapshots, +kRestarts}) {
      std::string seed = {static_cast<char>(venue.id),
                          static_cast<char>(flags)};
      // A fault is a multiple of 25.
      for (int i = 0; i < 600; ++i) {
        seed.push_back(static_cast<char>(random() % 8 == 0 ? random() % 10 * 25
                                                           : random() % 256));
      }
      seeds.push_back(seed);
    }
  }
  return seeds;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const VenueTraits& traits = kVenues[data[0] % kVenues.size()];
  const VenueStream stream = venue_stream(traits.id);
  FaultSubject subject{.stream = stream};
  if (stream.adapter().client_truncates()) {
    subject.depth = subject.proven = stream.depth;
  }
  if ((data[1] & kTwoLines) != 0 && traits.shared_ids) subject.lines = 2;
  if ((data[1] & kShortSnapshots) != 0 && !traits.whole_snapshots) {
    subject.snapshot_levels = 8;
  }
  Repeated source(texts_of(stream, (data[1] & kRestarts) != 0));
  FaultRun run(subject, Choices(std::span(data + 2, size - 2)));
  run.run(source);
  const std::string& broken = run.report().broken;
  if (!broken.empty()) std::fprintf(stderr, "%s\n", broken.c_str());
  FUZZ_CHECK(broken.empty());
  return 0;
}
