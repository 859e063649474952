// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// Memory that devices share: CudaMapping, pages that a GPU reads and writes in
// place; PersistentMapping, a file on persistent memory whose bytes are durable
// after a few instructions, or after msync where the hardware has none.
//
// Use CudaMapping for ring memory or book snapshots that kernels on a GPU read;
// neither headers nor libraries of CUDA are needed to build, the driver is
// loaded at run time. Use PersistentMapping for a journal; a plain file is
// simpler as a PageMapping.
//
// Threads: const methods, persist() and flush_to_memory() from any thread at
// once; the others one at a time. Errors: absl::Status; what is absent on this
// machine is Unavailable, with its reason. Cost: both are set up by system and
// driver calls (microseconds to milliseconds); persist() costs a flush of each
// cache line, or an msync.
//
//   auto pages = PageMapping::anonymous(1 << 20, {.prefault = true});
//   auto shared = CudaMapping::register_pages(*std::move(pages));
//   if (!shared.ok()) return shared.status();  // No driver, no GPU, ...
//   launch(shared->device_address(), shared->size());
//
//   auto journal = PersistentMapping::open("/pmem/journal", 1 << 20);
//   memcpy(journal->data() + at, record, length);
//   absl::Status durable = journal->persist(at, length);
#ifndef WIREBOOK_MEMORY_DEVICE_MEMORY_H_
#define WIREBOOK_MEMORY_DEVICE_MEMORY_H_

#if __cplusplus < 202002L
#error "wirebook needs -std=c++20"
#endif

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "memory/page_mapping.h"

namespace wirebook {

struct CudaOptions {
  std::string library = "libcuda.so.1";  // As dlopen(3) takes it.
  int device = 0;
  // The GPU will not write. Not every device can have it so (Unavailable).
  bool read_only = false;
};

// Pages registered with the CUDA driver (cuMemHostRegister, with DEVICEMAP and
// PORTABLE): page-locked, and visible to the GPU at device_address(). They are
// unregistered before they are unmapped.
class CudaMapping {
 public:
  // Takes the pages; they are gone if it fails. They must not be empty.
  static absl::StatusOr<CudaMapping> register_pages(PageMapping pages,
                                                    CudaOptions options = {});

  CudaMapping(CudaMapping&&) noexcept;
  CudaMapping& operator=(CudaMapping&&) noexcept;
  ~CudaMapping();

  std::byte* data() noexcept { return pages_.data(); }
  const std::byte* data() const noexcept { return pages_.data(); }
  std::size_t size() const noexcept { return pages_.size(); }

  // Where the device sees data(): a CUdeviceptr.
  std::uint64_t device_address() const noexcept { return device_address_; }

 private:
  class Registration;

  CudaMapping(PageMapping pages, std::unique_ptr<Registration> registration,
              std::uint64_t device_address) noexcept;

  PageMapping pages_;  // Outlives the registration.
  std::unique_ptr<Registration> registration_;
  std::uint64_t device_address_ = 0;
};

// Writes [begin, begin + bytes) back from every cache to memory, and waits: by
// clwb, clflushopt or clflush, whichever the CPU has best. Durable on
// persistent memory (Intel SDM volume 1, 12.4, and SNIA's programming model).
void flush_to_memory(const void* begin, std::size_t bytes) noexcept;

// A whole file, writable. On a DAX file system it is mapped with MAP_SYNC: its
// pages are the persistent memory itself, and persist() is flush_to_memory().
// Elsewhere it is mapped as any file, and persist() is msync.
class PersistentMapping {
 public:
  // Makes the file, or lengthens it, to `bytes` at least; never shortens it.
  // Its name and length then outlast a loss of power, too.
  static absl::StatusOr<PersistentMapping> open(const std::string& path,
                                                std::size_t bytes);

  PersistentMapping(PersistentMapping&& other) noexcept;
  PersistentMapping& operator=(PersistentMapping&& other) noexcept;
  ~PersistentMapping();

  std::byte* data() noexcept { return data_; }
  const std::byte* data() const noexcept { return data_; }
  std::size_t size() const noexcept { return size_; }

  // Whether the kernel granted MAP_SYNC.
  bool is_direct() const noexcept { return direct_; }

  // Returns when [offset, offset + length) would outlast a loss of power.
  // OutOfRange beyond size().
  absl::Status persist(std::size_t offset, std::size_t length) const;

 private:
  PersistentMapping(std::byte* data, std::size_t size, bool direct) noexcept
      : data_(data), size_(size), direct_(direct) {}

  std::byte* data_ = nullptr;
  std::size_t size_ = 0;
  bool direct_ = false;
};

}  // namespace wirebook

#endif  // WIREBOOK_MEMORY_DEVICE_MEMORY_H_
