// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// The files: Documentation/ABI/stable/sysfs-devices-node of the Linux kernel.
#include "memory/numa_topology.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <fstream>
#include <optional>
#include <sstream>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace wirebook {
namespace {

constexpr int kMaxId = 1 << 16;
constexpr int kLocalDistance = 10;
constexpr int kUsualRemoteDistance = 20;

std::optional<std::string> contents(const std::string& path) {
  std::ifstream file(path);
  if (!file) return std::nullopt;
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

absl::Status malformed(const std::string& path, const std::string& text) {
  return absl::DataLossError(
      absl::StrCat(path, " is not as the kernel writes it: ", text));
}

// "0-3,8,10-11\n", as the kernel's bitmaps are printed; "\n" is none.
absl::StatusOr<std::vector<int>> read_id_list(const std::string& path) {
  const std::optional<std::string> text = contents(path);
  if (!text) return absl::NotFoundError(absl::StrCat(path, " is not there"));
  std::vector<int> ids;
  const char* at = text->data();
  const char* end = at + text->find_last_not_of(" \n") + 1;
  while (at != end) {
    int first = 0;
    auto parsed = std::from_chars(at, end, first);
    int last = first;
    if (parsed.ec == std::errc() && parsed.ptr != end && *parsed.ptr == '-') {
      parsed = std::from_chars(parsed.ptr + 1, end, last);
    }
    if (parsed.ec != std::errc() || last < first || last > kMaxId ||
        first <= (ids.empty() ? -1 : ids.back()) ||
        (parsed.ptr != end && *parsed.ptr != ',')) {
      return malformed(path, *text);
    }
    for (int id = first; id <= last; ++id) ids.push_back(id);
    at = parsed.ptr == end ? end : parsed.ptr + 1;
  }
  return ids;
}

// The line "Node 1 MemFree:   123 kB" for `field` MemFree, in bytes.
absl::StatusOr<std::size_t> read_meminfo(const std::string& path,
                                         const std::string& field) {
  const std::optional<std::string> text = contents(path);
  if (!text) return absl::NotFoundError(absl::StrCat(path, " is not there"));
  std::istringstream lines(*text);
  const std::string format = "Node %*d " + field + ": %zu kB";
  for (std::string line; std::getline(lines, line);) {
    std::size_t kib = 0;
    if (std::sscanf(line.c_str(), format.c_str(), &kib) == 1) return kib << 10;
  }
  return malformed(path, absl::StrCat("no ", field));
}

}  // namespace

const NumaTopology& NumaTopology::system() {
  static const NumaTopology topology = [] {
    absl::StatusOr<NumaTopology> read = NumaTopology::read();
    return read.ok() ? *std::move(read) : single_node("");
  }();
  return topology;
}

NumaTopology NumaTopology::single_node(std::string folder) {
  NumaTopology topology(std::move(folder));
  Node node;
  for (int cpu = 0; cpu < sysconf(_SC_NPROCESSORS_ONLN); ++cpu) {
    node.cpus.push_back(cpu);
  }
  node.distances = {kLocalDistance};
  node.memory_bytes = static_cast<std::size_t>(sysconf(_SC_PHYS_PAGES)) *
                      static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  topology.ids_ = {0};
  topology.nodes_.push_back(std::move(node));
  topology.index();
  return topology;
}

absl::StatusOr<NumaTopology> NumaTopology::read(const std::string& sysfs_root) {
  NumaTopology topology(sysfs_root + "/devices/system/node");
  absl::StatusOr<std::vector<int>> online =
      read_id_list(topology.folder_ + "/online");
  if (absl::IsNotFound(online.status())) {
    return single_node(topology.folder_);
  }
  if (!online.ok()) return online.status();
  if (online->empty()) {
    return malformed(topology.folder_ + "/online", "no node is online");
  }
  topology.ids_ = *std::move(online);
  for (const int id : topology.ids_) {
    if (absl::Status status = topology.read_node(id); !status.ok()) {
      return status;
    }
  }
  topology.index();
  return topology;
}

absl::Status NumaTopology::read_node(int id) {
  const std::string folder = absl::StrCat(folder_, "/node", id);
  Node node;
  node.id = id;
  absl::StatusOr<std::vector<int>> cpus = read_id_list(folder + "/cpulist");
  if (!cpus.ok()) return cpus.status();
  node.cpus = *std::move(cpus);
  const auto memory = read_meminfo(folder + "/meminfo", "MemTotal");
  if (!memory.ok()) return memory.status();
  node.memory_bytes = *memory;
  // One number for each online node. Some virtual machines show no distances.
  if (const auto text = contents(folder + "/distance")) {
    std::istringstream numbers(*text);
    for (int distance; numbers >> distance;) {
      node.distances.push_back(distance);
    }
    if (node.distances.size() != ids_.size() || !numbers.eof()) {
      return malformed(folder + "/distance", *text);
    }
  } else {
    for (const int other : ids_) {
      node.distances.push_back(other == id ? kLocalDistance
                                           : kUsualRemoteDistance);
    }
  }
  nodes_.push_back(std::move(node));
  return absl::OkStatus();
}

void NumaTopology::index() {
  for (Node& node : nodes_) {
    for (const int cpu : node.cpus) {
      const auto index = static_cast<std::size_t>(cpu);
      if (node_of_cpu_.size() <= index) node_of_cpu_.resize(index + 1, -1);
      node_of_cpu_[index] = node.id;
    }
    for (const Node& other : nodes_) {
      if (other.memory_bytes != 0) node.by_distance.push_back(other.id);
    }
    std::stable_sort(node.by_distance.begin(), node.by_distance.end(),
                     [&](int a, int b) {
                       return distance(node.id, a) < distance(node.id, b);
                     });
  }
}

const NumaTopology::Node* NumaTopology::find(int id) const noexcept {
  const auto at = std::lower_bound(ids_.begin(), ids_.end(), id);
  if (at == ids_.end() || *at != id) return nullptr;
  return &nodes_[static_cast<std::size_t>(at - ids_.begin())];
}

int NumaTopology::node_of_cpu(int cpu) const noexcept {
  const auto index = static_cast<std::size_t>(cpu);
  return index < node_of_cpu_.size() ? node_of_cpu_[index] : -1;
}

std::span<const int> NumaTopology::cpus(int node) const noexcept {
  const Node* found = find(node);
  return found == nullptr ? std::span<const int>() : found->cpus;
}

int NumaTopology::distance(int from, int to) const noexcept {
  const Node* source = find(from);
  const Node* target = find(to);
  if (source == nullptr || target == nullptr) return -1;
  return source->distances[static_cast<std::size_t>(target - nodes_.data())];
}

std::span<const int> NumaTopology::memory_by_distance(int node) const noexcept {
  const Node* found = find(node);
  return found == nullptr ? std::span<const int>() : found->by_distance;
}

std::size_t NumaTopology::memory_bytes(int node) const noexcept {
  const Node* found = find(node);
  return found == nullptr ? 0 : found->memory_bytes;
}

absl::StatusOr<std::size_t> NumaTopology::free_bytes(int node) const {
  if (!has_node(node)) {
    return absl::NotFoundError(absl::StrCat("there is no node ", node));
  }
  absl::StatusOr<std::size_t> free =
      read_meminfo(absl::StrCat(folder_, "/node", node, "/meminfo"), "MemFree");
  if (absl::IsNotFound(free.status()) && node_count() == 1) {
    return static_cast<std::size_t>(sysconf(_SC_AVPHYS_PAGES)) *
           static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  }
  return free;
}

}  // namespace wirebook
