// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// A venue's stream, with messages lost, doubled, repeated, reordered, cut and
// spoiled, answers too, ids that begin anew and connections that end, through
// the real pipeline, and the one law: wherever the venue's protocol tells of
// the fault (fault_table.h), a Live book equals the model, or it is not Live.
//
// The model is a std::map fed with the stream as it was before the faults, by a
// reader of its own. What goes wrong is the choices': of a seed, or of bytes.
//
//   FaultRun run({.stream = venue_stream(VenueId::kBybit)}, Choices(seed));
//   run.run(source);
//   EXPECT_EQ(run.report().broken, "");

#ifndef WIREBOOK_LOB_TESTING_FAULT_RUN_H_
#define WIREBOOK_LOB_TESTING_FAULT_RUN_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "lob/testing/choices.h"
#include "lob/testing/depth_source.h"
#include "lob/testing/fault_table.h"
#include "lob/testing/venue_stream.h"

namespace wirebook {

struct FaultSubject {
  VenueStream stream = {};
  Era era = Era::kNow;
  size_t depth = 0;  // subscribed levels a side where the reader cuts; else 0
  // Levels a side that the law speaks of: as deep as a sum reaches.
  size_t proven = SIZE_MAX;
  // Of a REST snapshot, a side: deeper ones are not known until they change.
  size_t snapshot_levels = SIZE_MAX;
  bool staged = false;
  size_t lines = 1;  // connections that bring the same
};

struct FaultRunReport {
  std::string broken;   // how the law was; empty: it held
  uint64_t live = 0;    // looks at a book that was Live
  uint64_t checks = 0;  // of those, at all of its levels
  uint64_t lives_lost = 0;
  uint64_t with_horizon = 0;
  std::map<std::string_view, uint64_t> faults;
};

class FaultRun {
 public:
  FaultRun(const FaultSubject& subject, Choices choices);
  ~FaultRun();

  // All of `source`; stops where the law is broken.
  void run(DepthSource& source);
  const FaultRunReport& report() const;

 private:
  class Impl;
  const std::unique_ptr<Impl> impl_;
};

}  // namespace wirebook

#endif  // WIREBOOK_LOB_TESTING_FAULT_RUN_H_
