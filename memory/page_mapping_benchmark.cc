// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// Reading a whole file once: mapped, against read(2), against what the memory
// itself gives. The file lies in the page cache, as a recorded feed does that
// was read before.
#include <fcntl.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <span>
#include <string>
#include <vector>

#include "benchmark/benchmark.h"
#include "memory/page_mapping.h"

namespace wirebook {
namespace {

constexpr std::size_t kFileBytes = std::size_t{256} << 20;

// Every byte is looked at, 64 bits at a time.
std::uint64_t scan(std::span<const std::byte> bytes) {
  const auto* words = reinterpret_cast<const std::uint64_t*>(bytes.data());
  std::uint64_t a = 0, b = 0, c = 0, d = 0;
  for (std::size_t i = 0; i + 4 <= bytes.size() / 8; i += 4) {
    a += words[i];
    b += words[i + 1];
    c += words[i + 2];
    d += words[i + 3];
  }
  return a + b + c + d;
}

// The file that all scan; removed at exit.
class ScannedFile {
 public:
  ScannedFile() {
    const char* folder = std::getenv("TEST_TMPDIR");
    path_ = std::string(folder == nullptr ? "/tmp" : folder) +
            "/page_mapping_benchmark_" + std::to_string(getpid());
    auto file = PageMapping::file(
        path_, {.access = FileAccess::kReadWrite, .grow_to_bytes = kFileBytes});
    if (!file.ok()) {
      std::cerr << file.status() << "\n";
      std::exit(1);
    }
    std::memset(file->data(), 0x5a, kFileBytes);
  }
  ~ScannedFile() { unlink(path_.c_str()); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

const std::string& file_path() {
  static ScannedFile file;
  return file.path();
}

void count_bytes(benchmark::State& state) {
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) *
                          static_cast<std::int64_t>(kFileBytes));
}

// The memory's own bandwidth: the yardstick.
void BM_ScanMemory(benchmark::State& state) {
  auto memory = PageMapping::anonymous(
      kFileBytes, {.page_bytes = static_cast<std::size_t>(state.range(0)),
                   .prefault = true});
  if (!memory.ok()) return state.SkipWithError("no memory");
  for (auto _ : state) benchmark::DoNotOptimize(scan(memory->bytes()));
  count_bytes(state);
}
BENCHMARK(BM_ScanMemory)
    ->ArgName("page")
    ->Arg(kSmallPageBytes)
    ->Arg(kHugePageBytes)
    ->Unit(benchmark::kMillisecond);

// A mapping that lives on, as a replay of a recording keeps it.
void BM_ScanMappedFile(benchmark::State& state) {
  auto file = PageMapping::file(file_path(), {.prefault = true});
  if (!file.ok()) return state.SkipWithError("no file");
  for (auto _ : state) benchmark::DoNotOptimize(scan(file->bytes()));
  count_bytes(state);
}
BENCHMARK(BM_ScanMappedFile)->Unit(benchmark::kMillisecond);

// Mapped, scanned once and given back, page faults and all.
void BM_MapAndScanFile(benchmark::State& state) {
  for (auto _ : state) {
    auto file =
        PageMapping::file(file_path(), {.prefault = state.range(0) != 0});
    if (!file.ok()) return state.SkipWithError("no file");
    benchmark::DoNotOptimize(scan(file->bytes()));
  }
  count_bytes(state);
}
BENCHMARK(BM_MapAndScanFile)
    ->ArgName("prefault")
    ->Arg(0)
    ->Arg(1)
    ->Unit(benchmark::kMillisecond);

void BM_ReadAndScanFile(benchmark::State& state) {
  std::vector<std::byte> buffer(static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) {
    const int fd = open(file_path().c_str(), O_RDONLY | O_CLOEXEC);
    std::uint64_t sum = 0;
    for (ssize_t got; (got = read(fd, buffer.data(), buffer.size())) > 0;) {
      sum += scan({buffer.data(), static_cast<std::size_t>(got)});
    }
    benchmark::DoNotOptimize(sum);
    close(fd);
  }
  count_bytes(state);
}
BENCHMARK(BM_ReadAndScanFile)
    ->ArgName("buffer")
    ->Arg(64 << 10)
    ->Arg(1 << 20)
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace wirebook

BENCHMARK_MAIN();
