// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

#include "lob/testing/fault_table.h"

namespace wirebook {
namespace {

// A column for each note.
template <class Notes, class CellOf>
void append_row(std::string_view first, const Notes& notes,
                const CellOf& cell_of, std::string* out) {
  *out += "| ";
  *out += first;
  for (const FaultNote& note : notes) {
    *out += " | ";
    *out += cell_of(note);
  }
  *out += " |\n";
}

template <class Notes>
void append_table(const Notes& notes, Detector (*of)(VenueId, Fault),
                  std::string* out) {
  append_row(
      "", notes, [](const FaultNote& note) { return venue_name(note.venue); },
      out);
  append_row(
      "---", notes, [](const FaultNote&) { return "---"; }, out);
  for (size_t i = 0; i < kFaults; ++i) {
    const auto fault = static_cast<Fault>(i);
    append_row(
        fault_name(fault), notes,
        [of, fault](const FaultNote& note) {
          return detector_name(of(note.venue, fault));
        },
        out);
  }
}

template <class Notes>
void append_notes(const Notes& notes, std::string* out) {
  for (const FaultNote& note : notes) {
    *out += "- ";
    *out += venue_name(note.venue);
    *out += ": ";
    *out += note.ids;
    *out += "; ";
    *out += note.note;
    *out += ".\n";
  }
}

}  // namespace

std::string fault_table_markdown() {
  std::string out =
      "# Faults, and what tells of them\n"
      "\n"
      "Printed from `lob/testing/fault_table.h`; `fault_table_test` compares,\n"
      "and says how to print it anew. Two tests hold the code to it:\n"
      "`fault_fuzz_test` spoils recorded and generated streams, and\n"
      "`//apps/lob_node:fault_test` runs a node against `exchange_sim "
      "--fault`.\n"
      "\n"
      "The law: where a word other than *nothing* stands, a Live book equals\n"
      "the venue's, or it is not Live. An id or a sum tells at the next\n"
      "message at the latest: a loss that nothing follows is not known yet.\n"
      "Where *nothing* stands, the transport's own checks (TLS) are all.\n"
      "\n";
  append_table(
      kFaultNotes,
      [](VenueId venue, Fault fault) { return detector_of(venue, fault); },
      &out);
  out +=
      "\n## Channels of single orders\n\n"
      "The same for books of orders: `order_fuzz_test` spoils generated\n"
      "streams, and `//apps/lob_node:order_fault_test` runs a node against\n"
      "`exchange_sim --fault`, which knows nothing of replay, truncate, wrong\n"
      "number and wrong id: those rows follow from the channels' rules.\n\n";
  append_table(kOrderFaultNotes, order_detector_of, &out);
  out += "\n## Faults\n\n";
  for (size_t i = 0; i < kFaults; ++i) {
    const auto fault = static_cast<Fault>(i);
    out += "- ";
    out += fault_name(fault);
    out += ": ";
    out += fault_meaning(fault);
    out += ".\n";
  }
  out +=
      "\n## What tells\n\n"
      "- ids: the messages' own; parser: it is no message of the venue;\n"
      "  touch: best bid at or above best ask; silence: nothing heard for\n"
      "  `stale_after_ms`; connection: its end.\n"
      "- harmless: the book is right all the same. -: nothing of the kind.\n"
      "\n## By venue\n\n";
  append_notes(kFaultNotes, &out);
  out += "\n## By venue, of single orders\n\n";
  append_notes(kOrderFaultNotes, &out);
  return out;
}

}  // namespace wirebook
