// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// Says whether the books in a dump equal the exchange's own. Exit status: 0
// equal, 1 different, 2 wrong usage.
#include <httplib.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "tools/exchange_sim/compare.h"

namespace wirebook::sim {
namespace {

absl::StatusOr<std::map<BookName, Sides>> read_dump(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return absl::NotFoundError(path + " cannot be opened");
  const std::string csv((std::istreambuf_iterator<char>(file)),
                        std::istreambuf_iterator<char>());
  return parse_dump(csv);
}

int main(int argc, char** argv) {
  std::string truth;
  std::string dump;
  std::vector<std::string> expected;
  std::vector<std::string> depth_flags;
  CLI::App app("Compares dumped books with exchange_sim's own");
  app.add_option("--truth", truth, "http://127.0.0.1:PORT")->required();
  app.add_option("--dump", dump, "lob_node's CSV")->required();
  app.add_option("--expect", expected, "A symbol that must be in the dump");
  app.add_option("--depth", depth_flags,
                 "SYMBOL=N: the book has the best N levels only");
  CLI11_PARSE(app, argc, argv);

  std::map<std::string, std::size_t> depths;
  for (const std::string& flag : depth_flags) {
    const std::size_t equals = flag.rfind('=');
    const std::size_t depth =
        equals == std::string::npos
            ? 0
            : std::strtoull(flag.c_str() + equals + 1, nullptr, 10);
    if (depth == 0) {
      std::fprintf(stderr, "compare_books: --depth=%s: expected SYMBOL=N\n",
                   flag.c_str());
      return 2;
    }
    depths[flag.substr(0, equals)] = depth;
  }

  httplib::Client client(truth);
  const auto truth_of =
      [&](const std::string& symbol) -> absl::StatusOr<std::string> {
    const bool kraken = symbol.find('/') != std::string::npos;
    const httplib::Result reply = client.Get(
        ("/truth/" + symbol + (kraken ? "?venue=kraken" : "")).c_str());
    if (!reply) {
      return absl::UnavailableError(
          truth + " does not answer: " + httplib::to_string(reply.error()));
    }
    if (reply->status != 200) return absl::NotFoundError(reply->body);
    return reply->body;
  };
  const Comparison result = compare_books(
      read_dump(dump), {expected.begin(), expected.end()}, depths, truth_of);
  for (const std::string& line : result.lines) {
    std::printf("%s\n", line.c_str());
  }
  return result.equal ? 0 : 1;
}

}  // namespace
}  // namespace wirebook::sim

int main(int argc, char** argv) { return wirebook::sim::main(argc, argv); }
