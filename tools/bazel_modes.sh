# shellcheck shell=bash
# Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
#
# Sourced: the ways in which this machine's Bazel can be told of dependencies.

# One a line: WORKSPACE alone before Bazel 7, which knows MODULE.bazel too.
bazel_modes() {
  local version
  version="$(bazel --version)"
  version="${version#bazel }"
  echo WORKSPACE
  # Debian 12's 4.2.3 calls itself no_version.
  [[ ! "${version}" =~ ^([7-9]|[1-9][0-9]+)\. ]] || echo bzlmod
}

# bazel_mode_options MODE FOLDER: the options, one a line, of a `bazel test` as a
# caller without a registry would say it. FOLDER is the root of our workspace.
bazel_mode_options() {
  local mode="$1" folder="$2" module
  # Older ones have no other mode, and know neither option.
  [[ "$(bazel_modes | wc -l)" -gt 1 ]] || return 0
  if [[ "${mode}" == WORKSPACE ]]; then
    printf '%s\n' --enable_workspace --noenable_bzlmod
    return
  fi
  echo --lockfile_mode=off
  for module in apple_support buildozer protobuf zlib; do
    echo "--override_module=${module}=${folder}/third_party/bazel/${module}"
  done
}
