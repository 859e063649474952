// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0

// lob_node: connects to exchanges, keeps their books, and says of each whether
// it can be trusted and why. README.md has the commands.

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "apps/lob_node/config.h"
#include "apps/lob_node/itch.h"
#include "apps/lob_node/replay.h"
#include "apps/lob_node/run.h"

namespace {

// 1: the job failed; 2: the command line is wrong.
int exit_code(const absl::Status& status) {
  if (status.ok()) return 0;
  std::cerr << "lob_node: " << status.message() << "\n";
  return 1;
}

struct CommandLine {
  wirebook::ItchOptions itch;
  wirebook::ReplayOptions replay;
  std::string replay_venue;
  std::string pipeline = "fused";
  wirebook::RunOptions run;
  std::string config;
};

CLI::App* add_replay(CLI::App& app, CommandLine& line) {
  CLI::App* command = app.add_subcommand(
      "replay", "Rebuild the books of recorded feeds and report them.");
  command
      ->add_option("captures", line.replay.captures,
                   "Recordings (.lines or .jsonl; plain, gzip or zstd), read "
                   "as one in this order")
      ->required();
  command
      ->add_option("--venue", line.replay_venue,
                   "Whose feed it is, where the capture's header does not say")
      ->check(CLI::IsMember(wirebook::parsed_venue_names()));
  command->add_option("--symbol", line.replay.symbol,
                      "Only this book, in the venue's own spelling");
  command
      ->add_option("--pipeline", line.pipeline,
                   "One thread for all (fused), one per stage (staged), or "
                   "one for books beside the reading one (two-threads)")
      ->check(CLI::IsMember(wirebook::pipeline_names()))
      ->capture_default_str();
  command->add_flag("--json", line.replay.json, "The report as JSON");
  command->add_option("--bbo-log", line.replay.bbo_log,
                      "CSV file: the best bid and offer after every applied "
                      "depth message");
  command->add_option("--dump-book", line.replay.dump_book,
                      "CSV file: every level of every book at the end");
  return command;
}

CLI::App* add_run(CLI::App& app, CommandLine& line) {
  CLI::App* command = app.add_subcommand(
      "run", "Connect to the venues of a configuration file.");
  command->add_option("--config", line.config, "TOML file")->required();
  command
      ->add_option("--seconds", line.run.seconds,
                   "Stop after so long; 0: at SIGINT or SIGTERM")
      ->check(CLI::Range(0, 100'000'000));
  command->add_flag("--json", line.run.json,
                    "No live view; the report as JSON at the end");
  command->add_option("--bbo-log", line.run.bbo_log,
                      "CSV file: the best bid and offer after every applied "
                      "depth message");
  command->add_option("--dump-book", line.run.dump_book,
                      "CSV file: every level of every book at the end");
  return command;
}

CLI::App* add_itch(CLI::App& app, CommandLine& line) {
  CLI::App* command = app.add_subcommand(
      "itch", "Rebuild the books of a file of Nasdaq TotalView-ITCH 5.0.");
  command
      ->add_option("file", line.itch.file,
                   "BinaryFILE, plain or gzip, or a pcap of MoldUDP64")
      ->required();
  command->add_option("--port", line.itch.port,
                      "Of a pcap, only packets to this port");
  command->add_flag("--json", line.itch.json, "The report as JSON");
  command->add_option("--dump-book", line.itch.dump_book,
                      "CSV file: every level of every book at the end");
  return command;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("From the wire to a verified limit order book.", "lob_node");
  app.require_subcommand(1);
  CommandLine line;
  CLI::App* const replay = add_replay(app, line);
  CLI::App* const itch = add_itch(app, line);
  add_run(app, line);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }

  if (replay->parsed()) {
    line.replay.venue = wirebook::find_venue(line.replay_venue);
    const auto& names = wirebook::pipeline_names();
    line.replay.mode = static_cast<wirebook::PipelineMode>(
        std::find(names.begin(), names.end(), line.pipeline) - names.begin());
    return exit_code(wirebook::replay(line.replay));
  }
  if (itch->parsed()) return exit_code(wirebook::itch(line.itch));
  absl::StatusOr<wirebook::NodeConfig> config =
      wirebook::read_config(line.config);
  if (!config.ok()) return exit_code(config.status());
  return exit_code(wirebook::run(*config, line.run));
}
