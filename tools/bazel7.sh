#!/usr/bin/env bash
# Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
#
# Runs every test on Bazel 7, which Debian sid has, in a chroot of sid: with
# WORKSPACE and with MODULE.bazel, ours and the consumers'.

# shellcheck disable=SC2317  # Functions that are called by name.
set -euo pipefail

usage() {
  cat <<'USAGE'
Usage: tools/bazel7.sh [--root=DIR] [--mirror=URL] [Bazel options] [targets]
  --root=DIR    where the chroot is, or will be (/var/cache/wirebook/sid)
  --mirror=URL  where from (as this machine's apt has it)
Targets (//net/...) stand in the place of //... in our own workspace.
Needs root, or sudo. The chroot is made once, in about two minutes, with a
network; it takes 1.4 GB. To remove it: rm -rf --one-file-system DIR.
USAGE
}

readonly SOURCE=/mnt/wirebook
readonly DATA=/mnt/data

die() {
  echo "bazel7: $*" >&2
  exit 1
}

# ---- Outside: the chroot ------------------------------------------------------

find_mirror() {
  # Debian's own archive: not its security updates, nor anyone else's.
  # shellcheck disable=SC2016  # apt-get's own variables.
  apt-get indextargets --format '$(ORIGIN)|$(LABEL)|$(REPO_URI)' 'Created-By: Packages' 2>/dev/null |
    awk -F '|' '$1 == "Debian" && $2 == "Debian" { print $3; exit }'
}

# What this machine's apt needs to reach its mirror, its proxy for one.
apt_settings() {
  apt-config dump | grep -E '^Acquire::(http|https)::.*"[^"]+";$' || true
  # A mirror may be frozen at a day.
  echo 'Acquire::Check-Valid-Until "false";'
}

make_chroot() {
  local root="$1" mirror="$2"
  if ! command -v debootstrap >/dev/null; then
    echo "bazel7: missing; installing by apt: debootstrap"
    { apt-get -q update && apt-get -q install -y --no-install-recommends debootstrap; } ||
      die "debootstrap is needed, and apt could not install it."
  fi
  [[ -n "${mirror}" ]] || mirror="$(find_mirror)"
  [[ -n "${mirror}" ]] || die "apt names no Debian mirror; give one by --mirror=URL."
  echo "bazel7: making a chroot of Debian sid in ${root} from ${mirror}"
  # One that was not finished is made anew.
  rm -rf --one-file-system "${root}.unfinished"
  mkdir -p "${root}.unfinished"
  debootstrap --variant=minbase sid "${root}.unfinished" "${mirror}" >"${root}.log" 2>&1 ||
    die "debootstrap failed; see ${root}.log"
  touch "${root}.unfinished/.wirebook-chroot"
  mv "${root}.unfinished" "${root}"
}

outside() {
  local root=/var/cache/wirebook/sid mirror="" data="${WIREBOOK_DATA:-}" argument
  local -a options=()
  for argument in "$@"; do
    case "${argument}" in
      --root=?*) root="$(realpath -m "${argument#--root=}")" ;;
      --mirror=?*) mirror="${argument#--mirror=}" ;;
      --help | -h)
        usage
        return
        ;;
      *) options+=("${argument}") ;;
    esac
  done

  if [[ "$(id -u)" != 0 ]]; then
    command -v sudo >/dev/null || die "a chroot needs root, and there is no sudo."
    echo "bazel7: a chroot needs root; asking sudo"
    exec sudo env "WIREBOOK_DATA=${data}" "$(realpath "${BASH_SOURCE[0]}")" "$@"
  fi

  local source
  source="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
  if [[ -z "${data}" && -d "${source}/../shared/data" ]]; then
    data="${source}/../shared/data"
  fi
  [[ -z "${data}" ]] || data="$(cd "${data}" && pwd)" || die "WIREBOOK_DATA=${data} is not a folder"

  if [[ ! -e "${root}/.wirebook-chroot" ]]; then
    [[ ! -e "${root}" ]] || die "${root} exists and is no chroot that this script made; give another --root."
    make_chroot "${root}" "${mirror}"
  fi
  mkdir -p "${root}${SOURCE}" "${root}${DATA}" "${root}/mnt/old"
  apt_settings >"${root}/etc/apt/apt.conf.d/90wirebook"
  cp -L /etc/resolv.conf "${root}/etc/resolv.conf"
  cp -L /etc/hosts "${root}/etc/hosts"

  # All mounts are in a namespace that ends with this command, and with it every
  # process in it: neither can outlive the run, nor reach the checkout later.
  unshare --mount --pid --fork --propagation private \
    "${BASH_SOURCE[0]}" --enter "${root}" "${source}" "${data}" "${options[@]}"
}

# ---- Between: in the namespace, at its root -------------------------------------

enter() {
  local root="$1" source="$2" data="$3"
  shift 3
  mount --bind "${root}" "${root}"
  mount --bind "${source}" "${root}${SOURCE}"
  mount -o remount,bind,ro "${root}${SOURCE}"
  if [[ -n "${data}" ]]; then
    mount --bind "${data}" "${root}${DATA}"
    mount -o remount,bind,ro "${root}${DATA}"
    data="${DATA}"
  fi
  mount -t proc proc "${root}/proc"
  mount --rbind /sys "${root}/sys"
  mount --rbind /dev "${root}/dev"
  mount -t tmpfs tmpfs "${root}/tmp"
  cd "${root}"
  # Not chroot: Bazel's sandbox makes user namespaces, which the kernel refuses
  # in a chroot.
  pivot_root . mnt/old
  umount --lazy /mnt/old
  exec env -i HOME=/root USER=root LANG=C.UTF-8 "TERM=${TERM:-dumb}" \
    PATH=/usr/sbin:/usr/bin:/sbin:/bin "WIREBOOK_DATA=${data}" \
    "${SOURCE}/tools/bazel7.sh" --inside "$@"
}

# ---- Inside: the tests ----------------------------------------------------------

inside() {
  local mode folder status results argument failed=0
  local -a modes options targets=() asked=()
  for argument in "$@"; do
    case "${argument}" in
      //* | -//*) targets+=("${argument}") ;;
      *) asked+=("${argument}") ;;
    esac
  done
  ((${#targets[@]})) || targets=(//...)
  results="$(mktemp)"
  # shellcheck source=tools/bazel_modes.sh
  source "${SOURCE}/tools/bazel_modes.sh"
  "${SOURCE}/tools/setup.sh" --for=build
  mapfile -t modes < <(bazel_modes)
  for folder in . examples/consumer examples/consumer/own_abseil; do
    cd "${SOURCE}/${folder}"
    for mode in "${modes[@]}"; do
      mapfile -t options < <(bazel_mode_options "${mode}" "${SOURCE}")
      # The workspace's own name for the same, so that it is tried.
      [[ "${folder}/${mode}" != ./bzlmod ]] || options=(--config=offline)
      [[ -z "${WIREBOOK_DATA}" ]] || options+=("--test_env=WIREBOOK_DATA=${WIREBOOK_DATA}")
      [[ "${folder}" == . ]] || targets=(//...)
      printf '\n==== Bazel 7, %s: bazel test %s in %s\n' "${mode}" "${targets[*]}" "${folder}"
      rm -f /tmp/events.json
      status=0
      bazel "--output_base=/var/cache/bazel/${folder//\//_}_${mode}" test --keep_going \
        --experimental_convenience_symlinks=ignore --nosandbox_debug --curses=no \
        --show_progress_rate_limit=30 --build_event_json_file=/tmp/events.json \
        "${options[@]}" "${asked[@]}" -- "${targets[@]}" || status=$?
      python3 "${SOURCE}/tools/test_report.py" "${mode}: ${folder#.}" /tmp/events.json >>"${results}" || true
      bazel "--output_base=/var/cache/bazel/${folder//\//_}_${mode}" shutdown
      if ((status)); then
        failed=1
        # 3: tests failed, and are among the results.
        ((status == 3)) || printf 'failed\t%s: %s\tBazel exits with %s\n' \
          "${mode}" "${folder}" "${status}" >>"${results}"
      fi
    done
  done

  printf '\n==== %s: %s\n' "$(bazel --version)" "${modes[*]}"
  awk -F '\t' '$1 != "passed" { print toupper($1) ": " $2 ": " $3 }' "${results}" | sort
  awk -F '\t' '{ ++n[$1] } END { printf "%d passed, %d failed, %d skipped\n", n["passed"], n["failed"], n["skipped"] }' "${results}"
  return "${failed}"
}

case "${1:-}" in
  --enter) enter "${@:2}" ;;
  --inside) inside "${@:2}" ;;
  *) outside "$@" ;;
esac
