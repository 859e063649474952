#!/usr/bin/env bash
# Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
#
# Formats C++ with clang-format and Bazel's files with buildifier.

# shellcheck disable=SC2317  # Functions that are called by name.
set -euo pipefail

usage() {
  cat <<'USAGE'
Usage: tools/format.sh [--check] [cc|bazel]
  --check    change nothing; name what would change and exit 1
  cc, bazel  only one of the two
Exits 3 where the tool is not there, saying which.
USAGE
}

# Other versions format differently.
readonly CLANG_FORMAT_VERSION=14

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
cd "${root}"

find_files() {
  find . \( -name .git -o -name 'bazel-*' -o -name node_modules \) -prune -o \
    -type f \( "$@" \) -print0 | sort -z
}

format_cc() {
  local check="$1" tool version
  tool="$(command -v "clang-format-${CLANG_FORMAT_VERSION}" || command -v clang-format || true)"
  if [[ -z "${tool}" ]]; then
    echo "format: clang-format is not installed; run tools/setup.sh" >&2
    return 3
  fi
  version="$("${tool}" --version)"
  if [[ "${version}" != *" version ${CLANG_FORMAT_VERSION}."* ]]; then
    echo "format: clang-format ${CLANG_FORMAT_VERSION} is needed, this is ${version}" >&2
    return 3
  fi
  local -a arguments=(-i)
  [[ "${check}" == 0 ]] || arguments=(--dry-run -Werror --ferror-limit=3)
  find_files -name '*.h' -o -name '*.cc' | xargs -0 -r "${tool}" "${arguments[@]}"
}

format_bazel() {
  local check="$1" tool
  tool="$("${root}/tools/setup.sh" --buildifier)"
  if [[ ! -x "${tool}" ]]; then
    tool="$(command -v buildifier || true)"
  fi
  if [[ -z "${tool}" ]]; then
    echo "format: buildifier is not installed; run tools/setup.sh" >&2
    return 3
  fi
  local mode=fix
  [[ "${check}" == 0 ]] || mode=check
  find_files -name '*.bazel' -o -name BUILD -o -name WORKSPACE -o -name '*.bzl' |
    xargs -0 -r "${tool}" "-mode=${mode}" -lint=off
}

check=0
kinds=()
for argument in "$@"; do
  case "${argument}" in
    --check) check=1 ;;
    cc | bazel) kinds+=("${argument}") ;;
    --help | -h)
      usage
      exit 0
      ;;
    *)
      usage >&2
      exit 2
      ;;
  esac
done
((${#kinds[@]})) || kinds=(cc bazel)

result=0
for kind in "${kinds[@]}"; do
  status=0
  "format_${kind}" "${check}" || status=$?
  if ((status == 3)); then
    ((result)) || result=3
  elif ((status)); then
    [[ "${check}" == 0 ]] || echo "format: run tools/format.sh ${kind}" >&2
    result=1
  fi
done
exit "${result}"
