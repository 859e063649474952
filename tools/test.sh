#!/usr/bin/env bash
# Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
#
# Everything that must hold: the layers' order, the format, every test, and the
# workspaces of two callers. tools/README.md says more.

# shellcheck disable=SC2317  # Functions that are called by name.
set -euo pipefail

usage() {
  cat <<'USAGE'
Usage: tools/test.sh [--also=CONFIG:TARGETS]... [Bazel options] [targets]

Installs what is missing (tools/setup.sh), then runs
  the layers' order      queries, and a proof that a breach does not load
  the format             tools/format.sh --check
  bazel test //...       with the options given, e.g. --config=asan
  --also=tsan://net/...  these targets again, in another configuration
  tools/demo.sh          for three seconds, as --config=opt builds it
  examples/consumer      another company's two workspaces
With targets (//net/...) only those are run.

WIREBOOK_DATA is the folder of recorded captures; ../shared/data where it is not
set and that exists. The tests see it as an absolute path.

The last line is `N passed, N failed, N skipped`. It counts test cases: each
GoogleTest test, each other test target, and each check above. Before it stands
each skipped and each failed one with its reason. Exits 0 only where none
failed and at least one passed; otherwise with Bazel's own code where it was Bazel
that failed, else 1.
USAGE
}

# shellcheck source=tools/bazel_modes.sh
source "$(dirname "${BASH_SOURCE[0]}")/bazel_modes.sh"

readonly LAYERS=(memory concurrency net lob apps)

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
# A relative WIREBOOK_DATA is relative to where the caller stands.
data="${WIREBOOK_DATA:-}"
if [[ -n "${data}" ]]; then
  [[ -d "${data}" ]] || {
    echo "test: WIREBOOK_DATA=${data} is not a folder" >&2
    exit 2
  }
  data="$(cd "${data}" && pwd)"
elif [[ -d "${root}/../shared/data" ]]; then
  data="$(cd "${root}/../shared/data" && pwd)"
fi
cd "${root}"

also=()
targets=()
options=()
for argument in "$@"; do
  case "${argument}" in
    --also=?*:?*) also+=("${argument#--also=}") ;;
    --help | -h)
      usage
      exit 0
      ;;
    -//* | //* | :* | @*) targets+=("${argument}") ;;
    *) options+=("${argument}") ;;
  esac
done
[[ -z "${data}" ]] || options+=("--test_env=WIREBOOK_DATA=${data}")

scratch="$(mktemp -d)"
trap 'rm -rf "${scratch}"' EXIT
readonly results="${scratch}/results"
: >"${results}"
exit_code=0

heading() { printf '\n==== %s\n' "$*"; }

# record passed|failed|skipped NAME [REASON]
record() { printf '%s\t%s\t%s\n' "$1" "$2" "${3:-}" >>"${results}"; }

# check NAME COMMAND...: a test that is no Bazel target.
check() {
  local name="$1" status=0
  shift
  "$@" >"${scratch}/output" 2>&1 || status=$?
  case "${status}" in
    0) record passed "${name}" ;;
    3) record skipped "${name}" "$(tail -n 1 "${scratch}/output")" ;;
    *)
      cat "${scratch}/output"
      record failed "${name}" "its output is above"
      ;;
  esac
}

# bazel_test PREFIX ARGUMENTS...: `bazel test` in the current folder.
bazel_test() {
  local prefix="$1" events="${scratch}/events.json" status=0 failed_before
  shift
  failed_before="$(grep -c '^failed' "${results}" || true)"
  rm -f "${events}"
  bazel test --keep_going "--build_event_json_file=${events}" "$@" || status=$?
  if [[ -s "${events}" ]]; then
    python3 "${root}/tools/test_report.py" "${prefix}" "${events}" \
      >>"${results}" ||
      record failed "${prefix}test report" "it could not be read; see above"
  fi
  if ((status)); then
    ((exit_code)) || exit_code="${status}"
    if [[ "$(grep -c '^failed' "${results}" || true)" == "${failed_before}" ]]; then
      record failed "${prefix}bazel test ${*: -1}" "Bazel's exit code is ${status}"
    fi
  fi
}

# Nothing below a layer reaches it, over any number of steps and by any rule.
no_path_up() {
  local from="$1" above found
  shift
  above="$(printf ' + //%s/...' "$@")"
  # On its own line: a failed query must fail this, too.
  found="$(bazel query "${offline[@]}" "somepath(//${from}/..., ${above# + })")" || return 1
  [[ -z "${found}" ]] || {
    echo "${found}"
    return 1
  }
}

# A plain cc_library would not be checked when it is loaded.
all_use_the_macro() {
  local layers found
  layers="$(printf ' + //%s/...' "${LAYERS[@]}")"
  layers="${layers# + }"
  found="$(bazel query "${offline[@]}" "kind('cc_(library|binary|test) rule', ${layers}) except \
attr(generator_function, '^wirebook_cc_', ${layers})")" || return 1
  [[ -z "${found}" ]] || {
    echo "${found}"
    return 1
  }
}

layers_order() {
  heading "The layers' order: ${LAYERS[*]}"
  local i
  for ((i = 0; i + 1 < ${#LAYERS[@]}; ++i)); do
    check "layers: nothing in //${LAYERS[i]} reaches above it" \
      no_path_up "${LAYERS[i]}" "${LAYERS[@]:i+1}"
  done
  check "layers: every C++ target goes through wirebook_cc_*" all_use_the_macro
  check "layers: an upward dependency does not load" \
    tools/build_defs/layers_test.sh "${offline[@]}"
}

format_check() {
  heading "The format"
  check "format: C++ (clang-format)" tools/format.sh --check cc
  check "format: BUILD and .bzl files (buildifier)" tools/format.sh --check bazel
}

demonstration() {
  # It tells Bazel nothing of where to look for modules.
  ((${#offline[@]} == 0)) || {
    echo "this Bazel asks a registry for modules"
    return 3
  }
  tools/demo.sh --seconds 3
}

consumers() {
  local folder mode
  local -a modes options
  mapfile -t modes < <(bazel_modes)
  for folder in examples/consumer examples/consumer/own_abseil; do
    pushd "${folder}" >/dev/null
    for mode in "${modes[@]}"; do
      heading "bazel test //... in ${folder} (${mode})"
      mapfile -t options < <(bazel_mode_options "${mode}" "${root}")
      # Each takes what those before it have built, GoogleTest for one. No links
      # of Bazel's: the first would take them for packages of its own.
      bazel_test "${folder} (${mode})" --symlink_prefix=/ \
        "--disk_cache=${scratch}/disk_cache" "${options[@]}" //...
      bazel shutdown || true
    done
    popd >/dev/null
  done
}

tools/setup.sh --for=test || {
  echo "FAILED: tools/setup.sh: its reason is above"
  echo "0 passed, 1 failed, 0 skipped"
  exit 1
}
# From version 7 on Bazel asks a registry for modules unless told otherwise.
offline=()
[[ "$(bazel_modes | wc -l)" == 1 ]] || offline=(--config=offline)
options+=("${offline[@]}")
if ((${#targets[@]})); then
  heading "bazel test ${targets[*]}"
  bazel_test "" "${options[@]}" -- "${targets[@]}"
else
  layers_order
  format_check
  heading "bazel test //..."
  bazel_test "" "${options[@]}" //...
  for step in "${also[@]}"; do
    heading "bazel test --config=${step%%:*} ${step#*:}"
    bazel_test "${step%%:*}: " "${options[@]}" "--config=${step%%:*}" "${step#*:}"
  done
  heading "The demonstration"
  check "tools/demo.sh" demonstration
  consumers
fi

heading "Results"
awk -F '\t' '$1 != "passed" { print toupper($1) ": " $2 ": " $3 }' "${results}" | sort
passed="$(grep -c '^passed' "${results}" || true)"
failed="$(grep -c '^failed' "${results}" || true)"
skipped="$(grep -c '^skipped' "${results}" || true)"
if ((!exit_code && (failed || !passed))); then
  exit_code=1
fi
echo "${passed} passed, ${failed} failed, ${skipped} skipped"
exit "${exit_code}"
