#!/usr/bin/env bash
# Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
#
# Proves that the macro of cc.bzl stops at load what the layers' order forbids.
# Each case is a package in a folder of its own, laid over the workspace with
# --package_path. tools/test.sh runs this: Bazel does not run inside a Bazel test.
#
# Usage: layers_test.sh [Bazel options, as for `bazel query`]

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

overlay="$(mktemp -d)"
trap 'rm -rf "${overlay}"' EXIT
failures=0

# load_in PACKAGE ATTRIBUTES [OPTIONS...] -> output and status of loading it.
load_in() {
  local package="$1" attributes="$2"
  shift 2
  rm -rf "${overlay:?}"/*
  mkdir -p "${overlay}/${package}"
  cat >"${overlay}/${package}/BUILD.bazel" <<BUILD
load("//tools/build_defs:cc.bzl", "wirebook_cc_library", "wirebook_cc_test")

${attributes}
BUILD
  bazel query "--package_path=%workspace%:${overlay}" "$@" "//${package}:all" 2>&1
}

refuses() {
  local package="$1" rule="$2" message="$3" output
  shift 3
  if output="$(load_in "${package}" "${rule}" "$@")"; then
    echo "FAILED: ${package} accepts ${rule}"
  elif [[ "${output}" != *"${message}"* ]]; then
    echo "FAILED: ${package} refuses ${rule}, but not because it ${message}:"
    echo "${output}"
  else
    echo "ok: ${package} refuses ${rule}"
    return
  fi
  failures=$((failures + 1))
}

accepts() {
  local package="$1" rule="$2" output
  shift 2
  if output="$(load_in "${package}" "${rule}" "$@")"; then
    echo "ok: ${package} accepts ${rule}"
    return
  fi
  echo "FAILED: ${package} refuses ${rule}:"
  echo "${output}"
  failures=$((failures + 1))
}

p=layers_test_package
up="must not depend on"

accepts "net/$p" 'wirebook_cc_library(name = "x", deps = ["//memory:y", "//net:y"])' "$@"
accepts "lob/$p" 'wirebook_cc_library(name = "x", deps = [":y", "@com_google_absl//lob:y"])' "$@"
accepts "lob/$p" 'wirebook_cc_test(name = "x", data = ["//tools:y"])' "$@"

# Each way of naming a package of this repository, and each label attribute.
for dep in //concurrency:y @//lob/venues:y @wirebook//apps:y; do
  refuses "memory/$p" "wirebook_cc_library(name = \"x\", deps = [\"${dep}\"])" "${up}" "$@"
done
for attribute in srcs hdrs textual_hdrs data implementation_deps; do
  refuses "concurrency/$p" "wirebook_cc_library(name = \"x\", ${attribute} = [\"//net:y\"])" "${up}" "$@"
done
refuses "net/$p" 'wirebook_cc_library(name = "x", deps = ["//lob:y"])' "lob stands above net" "$@"
refuses "lob/$p" 'wirebook_cc_test(name = "x", deps = ["//apps:y"])' "apps stands above lob" "$@"
refuses "apps/$p" 'wirebook_cc_library(name = "x", deps = ["//tools:y"])' "only tests may use //tools" "$@"
refuses "apps/$p" 'wirebook_cc_library(name = "x", deps = ["//elsewhere:y"])' "is in no layer" "$@"
refuses "memory/$p" 'wirebook_cc_library(name = "x", deps = ["//memory:y"] + select({"//conditions:default": ["//lob:y"]}))' "is a select()" "$@"

if ((failures)); then
  echo "${failures} FAILED"
  exit 1
fi
