#!/usr/bin/env bash
# Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
#
# The line coverage of a layer by its own tests. tools/README.md says more.

set -euo pipefail

usage() {
  cat <<'USAGE'
Usage: tools/coverage.sh [--minimum=PERCENT] [--jobs=N] LAYER [TARGET...]
  tools/coverage.sh memory                          all tests of //memory/...
  tools/coverage.sh memory //memory:arena_test      these tests only

Prints each header and source file of the layer with its lines, those that ran,
and the numbers of those that did not; then the total. Exits 1 where a test
fails or the total is below --minimum (0 unless given). Tests see WIREBOOK_DATA.

`bazel coverage` wants tools that the build does without, so the tests are
built with gcc's --coverage and gcovr reads what they leave. They have a folder
of Bazel's to themselves (a second one is slow to fill): WIREBOOK_COVERAGE_BASE,
~/.cache/wirebook/coverage where that is not set. gcovr is installed by apt if
it is missing.
USAGE
}

say() { echo "coverage: $*"; }
die() {
  echo "coverage: $*" >&2
  exit 1
}

minimum=0
jobs=()
data=()
[[ -z "${WIREBOOK_DATA:-}" ]] || data=("--test_env=WIREBOOK_DATA=$(realpath "${WIREBOOK_DATA}")")
layer=""
targets=()
for argument in "$@"; do
  case "${argument}" in
    --minimum=?*) minimum="${argument#*=}" ;;
    --jobs=?*) jobs=("${argument}") ;;
    --help | -h)
      usage
      exit 0
      ;;
    -*)
      usage >&2
      exit 2
      ;;
    *) if [[ -z "${layer}" ]]; then layer="${argument%/}"; else targets+=("${argument}"); fi ;;
  esac
done
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)"
[[ -n "${layer}" && -f "${root}/${layer}/BUILD.bazel" ]] || {
  usage >&2
  exit 2
}
((${#targets[@]})) || targets=("//${layer}/...")
cd "${root}"

if ! command -v gcovr >/dev/null; then
  say "gcovr is missing; installing it by apt"
  as_root=()
  [[ "$(id -u)" == 0 ]] || as_root=(sudo)
  "${as_root[@]}" apt-get -q -o DPkg::Lock::Timeout=300 install -y \
    --no-install-recommends gcovr ||
    die "apt-get could not install gcovr (see above)"
fi

home=~
base="${WIREBOOK_COVERAGE_BASE:-${XDG_CACHE_HOME:-${home}/.cache}/wirebook/coverage}"
mkdir -p "${base}"

# A death test's process ends by abort(), which would not write its counts.
readonly hook="${base}/dump_on_abort"
cat >"${hook}.c" <<'HOOK'
#include <signal.h>
void __gcov_dump(void);
static void dump(int number) {
  __gcov_dump();
  signal(number, SIG_DFL);
  raise(number);
}
__attribute__((constructor)) static void install(void) { signal(SIGABRT, dump); }
HOOK
gcc -O1 -fPIC -c "${hook}.c" -o "${hook}.o"

bazel=(bazel "--output_base=${base}/output_base")
trap '"${bazel[@]}" shutdown >/dev/null 2>&1 || true' EXIT

execution="$("${bazel[@]}" info execution_root 2>/dev/null)" ||
  die "bazel info failed in ${root}"
# Counts of a run before this one.
[[ ! -d "${execution}" ]] || find "${execution}" -name '*.gcda' -delete

say "building and running ${targets[*]}"
status=0
# No sandbox, and nothing into a cache: .gcno files, which Bazel does not know as
# outputs, have to stay beside the objects. What is not of the layer may come out
# of a cache. The names compiled in begin with /proc/self/cwd, which is another
# folder when a test runs: GCOV_PREFIX. Counting takes its time: no test is given
# up before half an hour.
"${bazel[@]}" test "${jobs[@]}" --experimental_convenience_symlinks=ignore \
  --build_tests_only --test_tag_filters=-benchmark-smoke --keep_going \
  --nocache_test_results --test_output=errors --noshow_progress \
  --test_timeout=1800 --remote_upload_local_results=false \
  --spawn_strategy=local --compilation_mode=fastbuild \
  "--per_file_copt=^${layer}/.*@--coverage,-O0,-fprofile-update=atomic" \
  --linkopt=--coverage "--linkopt=${hook}.o" "${data[@]}" \
  "--test_env=GCOV_PREFIX=${execution}" --test_env=GCOV_PREFIX_STRIP=3 \
  -- "${targets[@]}" || status=$?

# gcovr 5.2 has gcov write beside where it is called.
scratch="$(mktemp -d)"
cd "${scratch}"
say "lines of ${layer}/, and those that no test ran:"
gcovr --root "${execution}" --filter "${root}/${layer}/" \
  --exclude '.*_(test|benchmark)\.cc' --exclude ".*/${layer}/testing/.*" \
  --object-directory "${execution}" --fail-under-line "${minimum}" \
  "${execution}/bazel-out" || {
  echo "coverage: below the minimum of ${minimum} %, or gcovr failed" >&2
  ((status)) || status=1
}
cd "${root}"
rm -rf "${scratch}"
((!status)) || die "a test failed, or too little is covered"
