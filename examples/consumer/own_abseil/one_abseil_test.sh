#!/usr/bin/env bash
# Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
#
# Of Abseil's C++ rules the library stands on one, the company's own.

set -euo pipefail

labels="$(cat "$1")"
echo "Abseil's rules below listing:"
echo "${labels}"

# Bazel 4 writes @name//, Bazel 7 @@canonical~name//.
if [[ "$(wc -l <<<"${labels}")" != 1 || "${labels}" != @*//:company_absl ]]; then
  echo "FAILED: expected the company's and no other"
  exit 1
fi
