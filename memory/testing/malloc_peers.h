// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// A benchmark's main() that measures beside the mallocs of this machine: glibc,
// jemalloc, tcmalloc, mimalloc, each in a child process of its own that is this
// very binary under LD_PRELOAD (jemalloc cannot be dlopened), and prints one
// table with the ratio to the best of them. For benchmarks only.
//
// The first part of a benchmark's name is its subject, the rest its case. Those
// whose subject is "malloc" run once for every malloc; the others run in one
// more child with nothing preloaded. A case needs SetItemsProcessed(); a
// counter whose name ends in _ns or _percent is a row of its own.
//
//   BENCHMARK(Hot<MyPool>)->Name("pool/hot");
//   BENCHMARK(Hot<Malloc>)->Name("malloc/hot");
//   int main(int argc, char** argv) {
//     return wirebook::run_beside_mallocs(argc, argv, {"pool"});
//   }
//
// Flags: those of Google Benchmark, of which --benchmark_filter sees the case,
// and --peer_rounds=N: every child runs N times (3), in turns, so that a change
// of the machine's mood meets all of them; figures are medians. Mallocs that
// are not there, or that did not take hold, are named as skipped; under a
// sanitizer all but the one that is linked in are.
#ifndef WIREBOOK_MEMORY_TESTING_MALLOC_PEERS_H_
#define WIREBOOK_MEMORY_TESTING_MALLOC_PEERS_H_

#include <map>
#include <string>
#include <vector>

namespace wirebook {

// `subjects` are all of the binary's but "malloc"; the ratio is the first's.
// Returns main()'s value.
int run_beside_mallocs(int argc, char** argv,
                       const std::vector<std::string>& subjects);

// What the table is made from: ns (or a counter's value) by case and column.
using PeerSamples =
    std::map<std::string, std::map<std::string, std::vector<double>>>;

// `mallocs` are the columns that the ratio of `subjects[0]` is taken to.
std::string peer_table(const PeerSamples& samples,
                       const std::vector<std::string>& subjects,
                       const std::vector<std::string>& mallocs);

}  // namespace wirebook

#endif  // WIREBOOK_MEMORY_TESTING_MALLOC_PEERS_H_
