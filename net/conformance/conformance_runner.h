// Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
//
// run_conformance_case(): one row of the table, over a socket on loopback: a
// server of the test's own against a WebSocketReader that echoes as
// ws_echo_client does.

#ifndef WIREBOOK_NET_CONFORMANCE_CONFORMANCE_RUNNER_H_
#define WIREBOOK_NET_CONFORMANCE_CONFORMANCE_RUNNER_H_

#include <string>

#include "net/conformance/conformance_case.h"

namespace wirebook::conformance {

// What went another way than the row demands; "" if nothing did.
std::string run_conformance_case(const ConformanceCase& row);

}  // namespace wirebook::conformance

#endif  // WIREBOOK_NET_CONFORMANCE_CONFORMANCE_RUNNER_H_
