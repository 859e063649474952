#!/usr/bin/env bash
# Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
#
# Installs what Wirebook needs and this machine lacks: Debian's packages by apt,
# and buildifier by npm into a cache folder. Where nothing is missing it prints
# one line and touches no network. tools/README.md says more.

set -euo pipefail

usage() {
  cat <<'USAGE'
Usage: tools/setup.sh [--for=build|test|guest]
  --for=build   what building and running takes
  --for=test    that, and what the format checks take (the default)
  --for=guest   what tools/numa_guest.sh takes, and only that
  --list        print the names of the packages and do nothing
  --buildifier  print where buildifier is, or would be, and do nothing
USAGE
}

# The one list: what is there once it is installed | Debian's package | why.
# A word without a slash is a command; a path without a leading one is below
# /usr/lib/x86_64-linux-gnu, /usr/share or /usr/lib.
readonly BUILD_NEEDS='
bazel                          | bazel-bootstrap    | builds everything
g++                            | g++                | the C++20 compiler
python3                        | python3            | reads test results
/etc/ssl/certs/ca-certificates.crt | ca-certificates | https to the venues
pkgconfig/absl_status.pc       | libabsl-dev        | Status, strings
/usr/src/googletest/googletest/src/gtest.cc | googletest | tests
pkgconfig/benchmark.pc         | libbenchmark-dev   | benchmarks
pkgconfig/simdjson.pc          | libsimdjson-dev    | JSON parsing
pkgconfig/numa.pc              | libnuma-dev        | NUMA memory
pkgconfig/liburing.pc          | liburing-dev       | the io_uring loop
pkgconfig/libssl.pc            | libssl-dev         | SHA-1 and SHA-256
pkgconfig/zlib.pc              | zlib1g-dev         | gzip captures
pkgconfig/libzstd.pc           | libzstd-dev        | zstd captures
pkgconfig/tomlplusplus.pc      | libtomlplusplus-dev | configuration files
pkgconfig/CLI11.pc             | libcli11-dev       | command lines
pkgconfig/spdlog.pc            | libspdlog-dev      | logs
pkgconfig/cpp-httplib.pc       | libcpp-httplib-dev | compares books with the exchange
pkgconfig/libcurl.pc           | libcurl4-openssl-dev | REST snapshots
/usr/include/boost/version.hpp | libboost-dev       | the exchange simulator, benchmark peers
pkgconfig/liburcu-memb.pc      | liburcu-dev        | a peer that benchmarks stand beside
pkgconfig/tbb.pc               | libtbb-dev         | another
/usr/include/concurrentqueue   | libconcurrentqueue-dev | another
pkgconfig/RapidJSON.pc         | rapidjson-dev      | another
pkgconfig/libwebsockets.pc     | libwebsockets-dev  | another
pkgconfig/libcap.pc            | libcap-dev         | which the one before names
'
readonly TEST_NEEDS='
clang-format                   | clang-format       | format check of C++
/usr/share/nodejs/ws/package.json | node-ws            | a WebSocket server nobody here wrote
/usr/lib/python3/dist-packages/websockets/__init__.py | python3-websockets | another
/usr/sbin/nginx                | nginx-light        | what stands in front of servers
npm                            | npm                | fetches buildifier
x86_64-linux-gnu/libjemalloc.so.2 | libjemalloc2       | a malloc that benchmarks stand beside
x86_64-linux-gnu/libtcmalloc_minimal.so.4 | libtcmalloc-minimal4 | another
x86_64-linux-gnu/libmimalloc.so.2 | libmimalloc2.0     | another
'
readonly GUEST_NEEDS='
qemu-system-x86_64             | qemu-system-x86    | a guest with several NUMA nodes
busybox                        | busybox-static     | what runs the tests in it
'
readonly BUILDIFIER_VERSION=8.2.1

# Where HOME is unset bash takes `~` from the password file.
home=~
readonly CACHE="${XDG_CACHE_HOME:-${home}/.cache}/wirebook"
readonly BUILDIFIER_ROOT="${CACHE}/buildifier-${BUILDIFIER_VERSION}"
readonly BUILDIFIER="${BUILDIFIER_ROOT}/node_modules/@bazel/buildifier/buildifier-linux_amd64"

say() { echo "setup: $*"; }
die() {
  echo "setup: $*" >&2
  exit 1
}

is_there() {
  local probe="$1" root
  case "${probe}" in
    /*) [[ -e "${probe}" ]] ;;
    */*)
      for root in /usr/lib/x86_64-linux-gnu /usr/share /usr/lib; do
        [[ -e "${root}/${probe}" ]] && return 0
      done
      return 1
      ;;
    *) command -v "${probe}" >/dev/null ;;
  esac
}

# Lines "package|why" of the needs in $1 that are not there.
missing_of() {
  local probe package why
  while IFS='|' read -r probe package why; do
    read -r probe <<<"${probe}"
    read -r package <<<"${package}"
    read -r why <<<"${why}"
    [[ -n "${package}" ]] || continue
    is_there "${probe}" || echo "${package}|${why}"
  done <<<"$1"
}

describe() {
  local package why
  while IFS='|' read -r package why; do
    printf '  %-20s %s\n' "${package}" "${why}"
  done <<<"$1"
}

distribution() {
  (
    # shellcheck source=/dev/null
    . /etc/os-release 2>/dev/null || true
    echo "${ID:-unknown} ${VERSION_ID:-}"
  )
}

# Debian starts the services that it installs unless this says no
# (invoke-rc.d(8)); nothing here is to run by itself, now or at the next start.
readonly POLICY=/usr/sbin/policy-rc.d

# In a shell of its own, so that the trap ends with it. Takes as_root.
without_services() (
  if [[ ! -e "${POLICY}" ]]; then
    # shellcheck disable=SC2064  # as_root is local.
    trap "${as_root[*]} rm -f ${POLICY}" EXIT
    printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "${POLICY}" >/dev/null
    "${as_root[@]}" chmod 755 "${POLICY}"
  fi
  "$@"
)

install_packages() {
  local missing="$1" names id version
  names="$(cut -d'|' -f1 <<<"${missing}" | tr '\n' ' ')"
  read -r id version <<<"$(distribution)"

  # Debian 12 and later; testing and unstable have no VERSION_ID.
  if [[ "${id}" != debian || "${version:-99}" -lt 12 ]] || ! command -v apt-get >/dev/null; then
    echo "setup: this is ${id} ${version}; only Debian 12 is set up by itself. Missing, by Debian's names:" >&2
    describe "${missing}" >&2
    die "install these by this system's own means, then run this again."
  fi

  local -a as_root=()
  if [[ "$(id -u)" != 0 ]]; then
    command -v sudo >/dev/null ||
      die "missing: ${names}. You are not root and there is no sudo; as root run: apt-get install ${names}"
    as_root=(sudo)
  fi

  say "missing; installing by apt${as_root:+ with sudo}:"
  describe "${missing}"
  local -a apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get
    -q -o DPkg::Lock::Timeout=300)
  "${apt[@]}" update || die "apt-get update failed (see above); is there a network?"
  # shellcheck disable=SC2086  # One argument per name.
  without_services "${apt[@]}" install -y --no-install-recommends ${names} ||
    die "apt-get install failed (see above): ${names}"
  if [[ " ${names}" == *" nginx-light "* ]] && command -v systemctl >/dev/null; then
    "${as_root[@]}" systemctl --quiet disable nginx.service || true
  fi
  say "installed: ${names}"
}

install_buildifier() {
  say "missing; installing by npm into ${BUILDIFIER_ROOT}:"
  describe "buildifier|format check of BUILD and .bzl files"
  mkdir -p "${BUILDIFIER_ROOT}"
  # npm trusts a list of its own; this adds the system's.
  if ! NODE_EXTRA_CA_CERTS="${NODE_EXTRA_CA_CERTS:-/etc/ssl/certs/ca-certificates.crt}" \
    npm install --loglevel=error --no-save --fetch-retries=1 --fetch-timeout=30000 \
    --prefix "${BUILDIFIER_ROOT}" "@bazel/buildifier@${BUILDIFIER_VERSION}" </dev/null; then
    say "npm could not fetch buildifier; the format check of BUILD files will be skipped"
  fi
}

main() {
  local needs="${BUILD_NEEDS}${TEST_NEEDS}" buildifier=1
  case "${1:-}" in
    "" | --for=test) ;;
    --for=build)
      needs="${BUILD_NEEDS}"
      buildifier=0
      ;;
    --for=guest)
      needs="${GUEST_NEEDS}"
      buildifier=0
      ;;
    --list)
      cut -s -d'|' -f2 <<<"${needs}" | tr -d ' '
      return
      ;;
    --buildifier)
      echo "${BUILDIFIER}"
      return
      ;;
    --help | -h)
      usage
      return
      ;;
    *)
      usage >&2
      exit 2
      ;;
  esac

  [[ "$(uname -sm)" == "Linux x86_64" ]] ||
    die "Wirebook runs on Linux x86_64; this is $(uname -sm)."

  # npm is a means: nothing needs it where buildifier is there.
  if [[ -x "${BUILDIFIER}" ]]; then
    buildifier=0
    needs="$(grep -v '^npm ' <<<"${needs}")"
  fi

  local missing
  missing="$(missing_of "${needs}")"
  if [[ -z "${missing}" && "${buildifier}" == 0 ]]; then
    say "nothing is missing"
    return
  fi
  [[ -z "${missing}" ]] || install_packages "${missing}"
  [[ "${buildifier}" == 0 ]] || install_buildifier
}

main "$@"
