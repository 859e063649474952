#!/usr/bin/env bash
# Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
#
# All of the C++ rules of Abseil in a test are the one of the company's own.

set -euo pipefail

labels="$(cat "$1")"
echo "Abseil's rules in books_test:"
echo "${labels}"

# Bazel 4 writes @name//, Bazel 7 @@canonical~name//.
if [[ "$(wc -l <<<"${labels}")" != 1 || "${labels}" != @*//:company_absl ]]; then
  echo "FAILED: expected the company's and no other"
  exit 1
fi
