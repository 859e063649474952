// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// CudaMapping, by the CUDA driver API (CUDA Toolkit Documentation, "CUDA Driver
// API", 6.13 Memory Management). Its few names that are needed stand here, as
// the driver's binary interface has them.
#include <dlfcn.h>

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "memory/device_memory.h"

namespace wirebook {
namespace {

using CuResult = int;  // 0 is success.
using CuDevice = int;
using CuContext = void*;
using CuDevicePtr = unsigned long long;

constexpr unsigned kPortable = 1;
constexpr unsigned kDeviceMap = 2;
constexpr unsigned kReadOnly = 8;

}  // namespace

// The driver, a context on the device, and pages registered in it; each undone
// in the destructor as far as it came.
class CudaMapping::Registration {
 public:
  Registration() = default;
  Registration(const Registration&) = delete;
  Registration& operator=(const Registration&) = delete;
  ~Registration() {
    if (registered_ != nullptr) {
      (void)context_push_(context_);
      (void)unregister_(registered_);
      pop_context();
    }
    if (context_ != nullptr) (void)context_release_(device_);
    if (library_ != nullptr) dlclose(library_);
  }

  absl::Status load(const std::string& name) {
    library_ = dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (library_ == nullptr) {
      return absl::UnavailableError(
          absl::StrCat("no CUDA driver: ", dlerror()));
    }
    const bool complete =
        find(init_, "cuInit") && find(device_get_, "cuDeviceGet") &&
        find(error_string_, "cuGetErrorString") &&
        find(context_retain_, "cuDevicePrimaryCtxRetain") &&
        find(context_release_, "cuDevicePrimaryCtxRelease_v2") &&
        find(context_push_, "cuCtxPushCurrent_v2") &&
        find(context_pop_, "cuCtxPopCurrent_v2") &&
        find(register_, "cuMemHostRegister_v2") &&
        find(device_pointer_, "cuMemHostGetDevicePointer_v2") &&
        find(unregister_, "cuMemHostUnregister");
    if (!complete) {
      return absl::UnavailableError(
          absl::StrCat("the CUDA driver is too old: ", dlerror()));
    }
    return absl::OkStatus();
  }

  absl::Status open_device(int ordinal) {
    absl::Status status = check(init_(0), "cuInit");
    if (status.ok()) {
      status = check(device_get_(&device_, ordinal),
                     absl::StrCat("cuDeviceGet of device ", ordinal));
    }
    if (status.ok()) {
      status = check(context_retain_(&context_, device_),
                     "cuDevicePrimaryCtxRetain");
    }
    return status;
  }

  absl::StatusOr<CuDevicePtr> register_pages(void* pages, std::size_t bytes,
                                             bool read_only) {
    absl::Status status = check(context_push_(context_), "cuCtxPushCurrent");
    if (!status.ok()) return status;
    const unsigned flags = kPortable | kDeviceMap | (read_only ? kReadOnly : 0);
    status = check(register_(pages, bytes, flags),
                   absl::StrCat("cuMemHostRegister of ", bytes, " bytes"));
    CuDevicePtr address = 0;
    if (status.ok()) {
      registered_ = pages;
      status = check(device_pointer_(&address, pages, 0),
                     "cuMemHostGetDevicePointer");
    }
    pop_context();
    if (!status.ok()) return status;
    return address;
  }

 private:
  template <typename F>
  bool find(F*& function, const char* name) {
    function = reinterpret_cast<F*>(dlsym(library_, name));
    return function != nullptr;
  }

  void pop_context() {
    CuContext popped = nullptr;
    (void)context_pop_(&popped);
  }

  absl::Status check(CuResult result, const std::string& call) {
    if (result == 0) return absl::OkStatus();
    const char* text = nullptr;
    if (error_string_(result, &text) != 0 || text == nullptr) {
      text = "no text for it";
    }
    return absl::UnavailableError(
        absl::StrCat(call, ": CUDA error ", result, ", ", text));
  }

  void* library_ = nullptr;
  CuResult (*init_)(unsigned) = nullptr;
  CuResult (*device_get_)(CuDevice*, int) = nullptr;
  CuResult (*error_string_)(CuResult, const char**) = nullptr;
  CuResult (*context_retain_)(CuContext*, CuDevice) = nullptr;
  CuResult (*context_release_)(CuDevice) = nullptr;
  CuResult (*context_push_)(CuContext) = nullptr;
  CuResult (*context_pop_)(CuContext*) = nullptr;
  CuResult (*register_)(void*, std::size_t, unsigned) = nullptr;
  CuResult (*device_pointer_)(CuDevicePtr*, void*, unsigned) = nullptr;
  CuResult (*unregister_)(void*) = nullptr;

  CuDevice device_ = 0;
  CuContext context_ = nullptr;
  void* registered_ = nullptr;
};

absl::StatusOr<CudaMapping> CudaMapping::register_pages(PageMapping pages,
                                                        CudaOptions options) {
  if (pages.empty()) {
    return absl::InvalidArgumentError("no pages were given to register");
  }
  auto registration = std::make_unique<Registration>();
  absl::Status status = registration->load(options.library);
  if (status.ok()) status = registration->open_device(options.device);
  if (!status.ok()) return status;
  absl::StatusOr<CuDevicePtr> address = registration->register_pages(
      pages.data(), pages.size(), options.read_only);
  if (!address.ok()) return address.status();
  return CudaMapping(std::move(pages), std::move(registration), *address);
}

CudaMapping::CudaMapping(PageMapping pages,
                         std::unique_ptr<Registration> registration,
                         std::uint64_t device_address) noexcept
    : pages_(std::move(pages)),
      registration_(std::move(registration)),
      device_address_(device_address) {}

CudaMapping::CudaMapping(CudaMapping&&) noexcept = default;

CudaMapping& CudaMapping::operator=(CudaMapping&& other) noexcept {
  registration_ = std::move(other.registration_);  // Before its pages go.
  pages_ = std::move(other.pages_);
  device_address_ = other.device_address_;
  return *this;
}

CudaMapping::~CudaMapping() = default;

}  // namespace wirebook
