// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// A CUDA driver for tests: the calls that CudaMapping makes, against no GPU.
// The call that FAKE_CUDA_FAIL names fails. fake_cuda_state() tells what is
// held.
#include <cstddef>
#include <cstdlib>
#include <cstring>

namespace {

struct State {
  int contexts = 0;    // Retained and not released.
  int pushed = 0;      // On the stack of current contexts.
  int registered = 0;  // Ranges.
  unsigned flags = 0;  // Of the last registration.
};
State state;
int context;

int result_of(const char* call) {
  const char* failing = std::getenv("FAKE_CUDA_FAIL");
  return failing != nullptr && std::strcmp(failing, call) == 0 ? 100 : 0;
}

}  // namespace

extern "C" {

State* fake_cuda_state() { return &state; }

int cuInit(unsigned) { return result_of("cuInit"); }

int cuDeviceGet(int* device, int ordinal) {
  if (ordinal != 0) return 101;
  *device = ordinal;
  return result_of("cuDeviceGet");
}

int cuGetErrorString(int result, const char** text) {
  if (result != 100) return 1;
  *text = "no CUDA-capable device is detected";
  return 0;
}

int cuDevicePrimaryCtxRetain(void** retained, int) {
  if (const int result = result_of("cuDevicePrimaryCtxRetain")) return result;
  *retained = &context;
  ++state.contexts;
  return 0;
}

int cuDevicePrimaryCtxRelease_v2(int) {
  --state.contexts;
  return 0;
}

int cuCtxPushCurrent_v2(void* pushed) {
  if (pushed != &context) return 201;
  if (const int result = result_of("cuCtxPushCurrent")) return result;
  ++state.pushed;
  return 0;
}

int cuCtxPopCurrent_v2(void** popped) {
  if (state.pushed == 0) return 201;
  --state.pushed;
  *popped = &context;
  return 0;
}

int cuMemHostRegister_v2(void*, std::size_t, unsigned flags) {
  if (state.pushed == 0) return 201;
  if (const int result = result_of("cuMemHostRegister")) return result;
  state.flags = flags;
  ++state.registered;
  return 0;
}

int cuMemHostGetDevicePointer_v2(unsigned long long* device, void* host,
                                 unsigned) {
  if (const int result = result_of("cuMemHostGetDevicePointer")) return result;
  *device = reinterpret_cast<unsigned long long>(host) + (1ull << 47);
  return 0;
}

int cuMemHostUnregister(void* host) {
  if (state.pushed == 0) return 201;
  // Fails in a way that shows if the pages are gone already.
  static_cast<volatile char*>(host)[0] = 0;
  --state.registered;
  return 0;
}

}  // extern "C"
