// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "lob/testing/capture_replay.h"

#include <cstdio>
#include <cstdlib>
#include <utility>

#include "lob/venues/find_venue_requests.h"

namespace wirebook {
namespace {

void nothing(void*) {}

[[noreturn]] void die(const std::string& what) {
  std::fprintf(stderr, "CaptureReplay: %s\n", what.c_str());
  std::abort();
}

}  // namespace

CaptureReplay::CaptureReplay(const std::string& file) {
  const char* const folder = std::getenv("WIREBOOK_DATA");
  if (folder == nullptr || *folder == '\0') return;
  auto capture = read_capture(std::string(folder) + "/" + file);
  if (!capture.ok()) die(capture.status().ToString());
  if (!capture->damage.ok()) die(capture->damage.ToString());
  capture_ = *std::move(capture);
  auto pool = RawMessagePool::create({.descriptors = 8192});
  if (!pool.ok()) die(pool.status().ToString());
  pool_ = *std::move(pool);
  available_ = true;
}

void CaptureReplay::run(
    BookPipeline& pipeline,
    const std::function<void(const CaptureRecord&)>& before) {
  for (const CaptureRecord& record : capture_.records) {
    if (before) before(record);
    uint32_t tag = 0;
    uint16_t connection = record.connection;
    RawMessageKind kind = RawMessageKind::kText;
    if (record.kind == CaptureRecordKind::kConnect) {
      pipeline.on_connection_up(connection);
      continue;
    }
    if (record.kind == CaptureRecordKind::kSent) continue;
    if (record.kind == CaptureRecordKind::kHttpResponse && record.url.empty()) {
      // In line: its connection is known.
      tag = kNoInstrument;
      kind = RawMessageKind::kHttpBody;
    } else if (record.kind == CaptureRecordKind::kHttpResponse) {
      const std::string_view symbol =
          find_venue_requests(pipeline.venue()).snapshot_symbol(record.url);
      if (symbol.empty()) continue;
      // The book is the WebSocket connection's, not the requester's.
      for (size_t i = 0; i < capture_.connections.size(); ++i) {
        if (capture_.connections[i].find(".ws.") != std::string::npos) {
          connection = static_cast<uint16_t>(i);
        }
      }
      const auto index = pipeline.expect_instrument(symbol, "", connection, 0);
      if (!index.ok()) die(index.status().ToString());
      tag = *index;
      kind = RawMessageKind::kHttpBody;
    }
    RawMessage* raw = nullptr;
    while ((raw = pool_->acquire_external(
                record.payload.data(),
                static_cast<uint32_t>(record.payload.size()), nothing,
                nullptr)) == nullptr) {
      pool_->reclaim();
    }
    raw->connection = connection;
    raw->tag = tag;
    raw->kind = kind;
    pipeline.on_message(raw);
    while (pipeline.next_request()) {
      // A recording answers by itself.
    }
  }
  const absl::Status drained = pipeline.drain();
  if (!drained.ok()) die(drained.ToString());
}

}  // namespace wirebook
