// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
#include "memory/testing/malloc_peers.h"

#include <benchmark/benchmark.h>
#include <dlfcn.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <sstream>
#include <string_view>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define WIREBOOK_PEERS_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define WIREBOOK_PEERS_SANITIZED 1
#endif
#endif

namespace wirebook {
namespace {

constexpr char kChildVariable[] = "WIREBOOK_MALLOC_PEER";

struct Malloc {
  const char* name;
  const char* library;  // Null: what the binary is linked with.
};
constexpr Malloc kMallocs[] = {
    {"glibc", nullptr},
    {"jemalloc", "libjemalloc.so.2"},
    {"tcmalloc", "libtcmalloc_minimal.so.4"},
    {"mimalloc", "libmimalloc.so.2"},
};
constexpr const char* kFolders[] = {"/usr/lib/x86_64-linux-gnu/", "/usr/lib64/",
                                    "/usr/lib/", "/usr/local/lib/"};

std::string path_of(const char* library) {
  for (const char* folder : kFolders) {
    const std::string path = std::string(folder) + library;
    if (access(path.c_str(), R_OK) == 0) return path;
  }
  return {};
}

// Newer Google Benchmarks renamed error_occurred to skipped.
template <typename Run>
bool failed(const Run& run) {
  if constexpr (requires { run.error_occurred; }) {
    return run.error_occurred;
  } else {
    return run.skipped != decltype(run.skipped){};
  }
}

// Writes "R <tab> name <tab> figure" a line, for the parent.
class LineReporter : public benchmark::BenchmarkReporter {
 public:
  bool ReportContext(const Context&) override { return true; }
  void ReportRuns(const std::vector<Run>& runs) override {
    for (const Run& run : runs) {
      if (run.run_type != Run::RT_Iteration || failed(run)) continue;
      const std::string name = run.benchmark_name();
      for (const auto& [counter, value] : run.counters) {
        if (counter == "items_per_second") {
          std::printf("R\t%s\t%.4f\n", name.c_str(), 1e9 / value.value);
        } else if (counter.ends_with("_ns") || counter.ends_with("_percent")) {
          std::printf("R\t%s %s\t%.4f\n", name.c_str(), counter.c_str(),
                      value.value);
        }
      }
    }
    std::fflush(stdout);
  }
};

int run_child(int argc, char** argv) {
  // Which malloc the process really has.
  Dl_info info = {};
  if (void* symbol = dlsym(RTLD_DEFAULT, "malloc");
      symbol != nullptr && dladdr(symbol, &info) != 0) {
    std::printf("M\t%s\n", info.dli_fname);
  }
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  LineReporter reporter;
  benchmark::RunSpecifiedBenchmarks(&reporter);
  return 0;
}

struct ChildResult {
  int status = -1;
  std::string output;
};

ChildResult spawn(const std::vector<std::string>& arguments,
                  const std::string& preload) {
  std::vector<std::string> variables;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    if (std::strncmp(*variable, "LD_PRELOAD=", 11) != 0) {
      variables.emplace_back(*variable);
    }
  }
  variables.push_back(std::string(kChildVariable) + "=1");
  if (!preload.empty()) variables.push_back("LD_PRELOAD=" + preload);

  const auto pointers = [](const std::vector<std::string>& strings) {
    std::vector<char*> result;
    for (const std::string& s : strings) {
      result.push_back(const_cast<char*>(s.c_str()));
    }
    result.push_back(nullptr);
    return result;
  };
  ChildResult result;
  int ends[2];
  if (pipe(ends) != 0) return result;
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  posix_spawn_file_actions_addclose(&actions, ends[0]);
  posix_spawn_file_actions_addclose(&actions, ends[1]);
  pid_t child = 0;
  const int error =
      posix_spawn(&child, "/proc/self/exe", &actions, nullptr,
                  pointers(arguments).data(), pointers(variables).data());
  posix_spawn_file_actions_destroy(&actions);
  close(ends[1]);
  if (error == 0) {
    char buffer[4096];
    for (ssize_t got; (got = read(ends[0], buffer, sizeof(buffer))) > 0;) {
      result.output.append(buffer, static_cast<std::size_t>(got));
    }
    waitpid(child, &result.status, 0);
  }
  close(ends[0]);
  return result;
}

// Files the child's lines under `column`, or under the subject where that is
// empty; returns the path of its malloc.
std::string collect(const std::string& output, const std::string& column,
                    PeerSamples& samples) {
  std::string provider;
  std::istringstream lines(output);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("M\t")) provider = line.substr(2);
    if (!line.starts_with("R\t")) continue;
    const std::size_t tab = line.rfind('\t');
    const std::string name = line.substr(2, tab - 2);
    const std::size_t slash = name.find('/');
    if (slash == std::string::npos) continue;
    samples[name.substr(slash + 1)]
           [column.empty() ? name.substr(0, slash) : column]
               .push_back(std::strtod(line.c_str() + tab + 1, nullptr));
  }
  return provider;
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half]
                                : (values[half - 1] + values[half]) / 2;
}

std::string joined(const std::vector<std::string>& words) {
  std::string result;
  for (const std::string& word : words) {
    result += (result.empty() ? "" : "|") + word;
  }
  return result;
}

struct Plan {
  std::vector<std::string> arguments;
  std::string filter;
  int rounds = 3;
};

Plan parse(int argc, char** argv) {
  constexpr std::string_view kRounds = "--peer_rounds=";
  constexpr std::string_view kFilter = "--benchmark_filter=";
  Plan plan;
  for (int i = 0; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument.starts_with(kRounds)) {
      plan.rounds = std::max(1, std::atoi(argument.c_str() + kRounds.size()));
    } else if (argument.starts_with(kFilter)) {
      plan.filter = argument.substr(kFilter.size());
    } else {
      plan.arguments.push_back(argument);
    }
  }
  return plan;
}

std::vector<std::string> with_filter(const Plan& plan,
                                     const std::string& subjects) {
  std::vector<std::string> arguments = plan.arguments;
  arguments.push_back("--benchmark_filter=^(" + subjects + ")/.*(" +
                      plan.filter + ")");
  return arguments;
}

}  // namespace

std::string peer_table(const PeerSamples& samples,
                       const std::vector<std::string>& subjects,
                       const std::vector<std::string>& mallocs) {
  std::size_t width = 16;
  for (const auto& [name, columns] : samples) {
    width = std::max(width, name.size());
  }
  std::vector<std::string> columns = subjects;
  columns.insert(columns.end(), mallocs.begin(), mallocs.end());
  char cell[160];
  std::snprintf(cell, sizeof(cell), "%-*s", static_cast<int>(width),
                "ns or %, medians");
  std::string table = cell;
  for (const std::string& column : columns) {
    std::snprintf(cell, sizeof(cell), " %10.10s", column.c_str());
    table += cell;
  }
  table += "  ratio to the best malloc\n";

  for (const auto& [name, of] : samples) {
    std::snprintf(cell, sizeof(cell), "%-*s", static_cast<int>(width),
                  name.c_str());
    table += cell;
    std::string best;
    double best_ns = 0;
    for (const std::string& column : columns) {
      const auto found = of.find(column);
      if (found == of.end()) {
        table += "          -";
        continue;
      }
      const double ns = median(found->second);
      std::snprintf(cell, sizeof(cell), " %10.2f", ns);
      table += cell;
      const bool is_malloc =
          std::find(mallocs.begin(), mallocs.end(), column) != mallocs.end();
      if (is_malloc && (best.empty() || ns < best_ns)) {
        best = column;
        best_ns = ns;
      }
    }
    const auto ours = subjects.empty() ? of.end() : of.find(subjects[0]);
    if (ours != of.end() && !best.empty()) {
      std::snprintf(cell, sizeof(cell), "  %.2f of %s",
                    median(ours->second) / best_ns, best.c_str());
      table += cell;
      // Sample i of each was taken in one round: the ratio's own spread.
      const std::vector<double>& peer = of.at(best);
      if (peer.size() == ours->second.size() && peer.size() > 1) {
        std::vector<double> ratios;
        for (std::size_t i = 0; i < peer.size(); ++i) {
          ratios.push_back(ours->second[i] / peer[i]);
        }
        const auto [least, most] =
            std::minmax_element(ratios.begin(), ratios.end());
        std::snprintf(cell, sizeof(cell), " (rounds %.2f to %.2f)", *least,
                      *most);
        table += cell;
      }
    }
    table += '\n';
  }
  return table;
}

int run_beside_mallocs(int argc, char** argv,
                       const std::vector<std::string>& subjects) {
  if (std::getenv(kChildVariable) != nullptr) return run_child(argc, argv);

  const Plan plan = parse(argc, argv);
  PeerSamples samples;
  std::map<std::string, std::string> skipped;
  int failures = 0;
  for (int round = 0; round < plan.rounds; ++round) {
    const ChildResult own = spawn(with_filter(plan, joined(subjects)), "");
    collect(own.output, "", samples);
    if (own.status != 0) ++failures;
    for (const Malloc& malloc : kMallocs) {
      if (skipped.contains(malloc.name)) continue;
      std::string preload;
      if (malloc.library != nullptr) {
#if defined(WIREBOOK_PEERS_SANITIZED)
        skipped[malloc.name] = "the sanitizer has a malloc of its own";
        continue;
#endif
        preload = path_of(malloc.library);
        if (preload.empty()) {
          skipped[malloc.name] = std::string(malloc.library) + " is not there";
          continue;
        }
      }
      const ChildResult child = spawn(with_filter(plan, "malloc"), preload);
      if (child.status != 0) ++failures;
      PeerSamples theirs;
      const std::string provider = collect(child.output, malloc.name, theirs);
      if (malloc.library != nullptr &&
          provider.find(malloc.library) == std::string::npos) {
        skipped[malloc.name] =
            "did not take hold; malloc came from " + provider;
        continue;
      }
      for (auto& [name, columns] : theirs) {
        for (auto& [column, values] : columns) {
          std::vector<double>& all = samples[name][column];
          all.insert(all.end(), values.begin(), values.end());
        }
      }
    }
  }
  std::vector<std::string> mallocs;
  for (const Malloc& malloc : kMallocs) {
    if (!skipped.contains(malloc.name)) mallocs.push_back(malloc.name);
  }
  std::fputs(peer_table(samples, subjects, mallocs).c_str(), stdout);
  for (const auto& [name, reason] : skipped) {
    std::printf("skipped: %s: %s\n", name.c_str(), reason.c_str());
  }
  if (failures != 0) std::printf("%d children failed\n", failures);
  return failures == 0 ? 0 : 1;
}

}  // namespace wirebook
