#!/usr/bin/env bash
# Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
#
# Runs test binaries in a guest that has several NUMA nodes and Debian's own
# kernel, on any machine: qemu without KVM, Debian's cloud kernel, an initramfs
# of busybox and the tests.
# Prints one line of result; exits 0 only where every binary did.

set -euo pipefail

usage() {
  cat <<'USAGE'
Usage: tools/numa_guest.sh [--nodes=2|3|4] [--net] [--module=NAME]
                           [--verbose] [--gtest_filter=...]
                           [Bazel options] [TARGET...]
  --nodes=2   two nodes, the default; a huge page of 1 GiB and some of 2 MiB are reserved
  --nodes=3   two nodes with memory, and one that has a CPU only
  --nodes=4   four nodes at unequal distances
  --net       the tests of //net that meet the kernel, and --module=tls, so
              that it has TLS of its own (kTLS)
  --module=NAME  load this module of the kernel's first
  --verbose   print what the guest prints
TARGET is a test; without any, the NUMA tests of //memory are run. BAZEL is the
command that builds them, `bazel` where it is not set. What is missing of qemu and busybox is
installed by tools/setup.sh; the kernel is downloaded by apt-get into
~/.cache/wirebook and not installed. Boots in seconds; a test takes ten times as
long in it as outside.
USAGE
}

readonly DEFAULT_TARGETS=(
  //memory:numa_policy_test
  //memory:numa_topology_test
  //memory:numa_allocator_test
  //memory:page_mapping_test
  //memory:mmap_allocator_test
)
# Debian 12's kernel, 6.1, does not consume provided buffers bit by bit.
readonly NET_TARGETS=(
  //net:connection_test
  //net:hostile_server_test
  //net:http_client_test
  //net:kernel_tls_test
  //net:raw_message_pool_test
  //net:resolver_test
  //net:stream_connector_test
  //net:thread_raw_message_pool_test
  //net:tls_context_test
  //net:tls_record_opener_test
  //net:tls_stream_test
  //net:uring_loop_test
  //net:websocket_deflate_test
  //net:websocket_reader_test
  //net:websocket_reader_tls_test
)
readonly GUEST_SECONDS=1800

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
home=~
readonly CACHE="${XDG_CACHE_HOME:-${home}/.cache}/wirebook/numa_guest"
read -ra bazel <<<"${BAZEL:-bazel}"

nodes=2
verbose=0
test_arguments=()
modules=()
options=()
targets=()
for argument in "$@"; do
  case "${argument}" in
    --nodes=[234]) nodes="${argument#--nodes=}" ;;
    --net)
      targets+=("${NET_TARGETS[@]}")
      modules+=(tls)
      ;;
    --module=?*) modules+=("${argument#--module=}") ;;
    --verbose) verbose=1 ;;
    --gtest_*) test_arguments+=("${argument}") ;;
    --help | -h)
      usage
      exit 0
      ;;
    --nodes=*)
      usage >&2
      exit 2
      ;;
    -*) options+=("${argument}") ;;
    *) targets+=("${argument}") ;;
  esac
done
((${#targets[@]})) || targets=("${DEFAULT_TARGETS[@]}")
# One that was named twice runs once.
mapfile -t targets < <(printf "%s\n" "${targets[@]}" | awk "!seen[\$0]++")

die() {
  echo "numa_guest: $*" >&2
  exit 1
}

scratch="$(mktemp -d)"
trap 'rm -rf "${scratch}"' EXIT

# The folder of the newest cloud kernel that apt knows, from the cache or
# fetched: vmlinuz and lib/modules.
kernel() {
  local package folder
  package="$(apt-cache depends linux-image-cloud-amd64 |
    sed -n 's/^ *Depends: \(linux-image-[^ ]*\)$/\1/p' | head -n 1)"
  if [[ -n "${package}" && ! -d "${CACHE}/${package}/lib" ]]; then
    echo "numa_guest: fetching ${package} by apt-get download; it is not installed" >&2
    folder="${scratch}/kernel"
    mkdir -p "${folder}" "${CACHE}"
    (cd "${folder}" && apt-get -q download "${package}" >&2 &&
      dpkg-deb -x ./*.deb unpacked) || return 1
    mkdir -p "${folder}/${package}"
    cp "${folder}"/unpacked/boot/vmlinuz-* "${folder}/${package}/vmlinuz"
    cp -r "${folder}/unpacked/lib" "${folder}/${package}/"
    busybox depmod -b "${folder}/${package}" "${package#linux-image-}" >&2
    rm -rf "${CACHE:?}/${package}"
    mv "${folder}/${package}" "${CACHE}/"
  fi
  # Without apt's lists an older one does.
  [[ -n "${package}" ]] || package="$(basename "$(find "${CACHE}" -maxdepth 1 -name 'linux-image-*' 2>/dev/null | sort -V | tail -n 1)")"
  [[ -f "${CACHE}/${package}/vmlinuz" ]] || return 1
  echo "${CACHE}/${package}"
}

# copy_with_libraries BINARY NAME
copy_with_libraries() {
  local library
  cp -L "$1" "${initramfs}/$2"
  while read -r library; do
    mkdir -p "${initramfs}$(dirname "${library}")"
    cp -nL "${library}" "${initramfs}${library}"
  done < <(ldd "$1" 2>/dev/null | grep -o '/[^ ]*')
}

write_init() {
  cat <<INIT
#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mkdir -p /tmp /dev/shm
mount -t tmpfs tmpfs /tmp
mount -t tmpfs tmpfs /dev/shm
ip link set lo up
export PATH=/bin HOME=/tmp TEST_TMPDIR=/tmp
ulimit -c 0
for module in ${modules[*]@Q}; do
  modprobe "\$module" && echo "guest: module \$module"
done
echo "guest: Linux \$(uname -r)"
for test in /tests/*; do
  echo "guest: running \${test##*/}"
  "\$test" --gtest_color=no ${test_arguments[*]@Q}
  echo "guest: \${test##*/} exited \$?"
done
echo "guest: done"
sync
poweroff -f
INIT
}

node_arguments() {
  local memory=(1900 320) node distances=()
  case "${nodes}" in
    2) distances=("0 1 21") ;;
    3)
      memory=(512 320 0)
      distances=("0 1 21" "0 2 31" "1 2 17")
      ;;
    4)
      memory=(512 320 320 320)
      distances=("0 1 16" "0 2 24" "0 3 32" "1 2 32" "1 3 24" "2 3 16")
      ;;
  esac
  local total=0 from to value
  for ((node = 0; node < nodes; ++node)); do
    if ((memory[node])); then
      echo -object "memory-backend-ram,id=memory${node},size=${memory[node]}M"
      echo -numa "node,nodeid=${node},cpus=${node},memdev=memory${node}"
    else
      echo -numa "node,nodeid=${node},cpus=${node}"
    fi
    ((total += memory[node]))
  done
  for distance in "${distances[@]}"; do
    read -r from to value <<<"${distance}"
    echo -numa "dist,src=${from},dst=${to},val=${value}"
    echo -numa "dist,src=${to},dst=${from},val=${value}"
  done
  echo -m "${total}M" -smp "${nodes}"
}

cd "${root}"
tools/setup.sh --for=guest >&2 || die "qemu and busybox are needed; see above"
"${bazel[@]}" build "${options[@]}" -- "${targets[@]}" >&2 || die "the tests do not build"
bin="$("${bazel[@]}" info "${options[@]}" bazel-bin 2>/dev/null)"
image="$(kernel)" || die "no kernel: apt-get cannot fetch linux-image-cloud-amd64"

initramfs="${scratch}/initramfs"
mkdir -p "${initramfs}"/{bin,dev,etc,lib,proc,sys,tests}
copy_with_libraries "$(command -v busybox)" bin/busybox
for target in "${targets[@]}"; do
  file="${target#//}"
  file="${file/://}"
  [[ -x "${bin}/${file}" ]] || die "${target} built no program ${bin}/${file}"
  copy_with_libraries "${bin}/${file}" "tests/$(tr / _ <<<"${file}")"
done
# modprobe is called by this path when the kernel itself wants a module.
if ((${#modules[@]})); then
  cp -r "${image}/lib/modules" "${initramfs}/lib/"
  ln -s bin "${initramfs}/sbin"
fi
printf '127.0.0.1 localhost\n::1 localhost\n' >"${initramfs}/etc/hosts"
echo 'hosts: files' >"${initramfs}/etc/nsswitch.conf"
write_init >"${initramfs}/init"
chmod +x "${initramfs}/init"
(cd "${initramfs}" && find . | busybox cpio -o -H newc 2>/dev/null) >"${scratch}/initramfs.cpio"

kernel_line="console=ttyS0 quiet panic=-1 hugepages=8"
((nodes != 2)) || kernel_line+=" hugepagesz=1G hugepages=1"
read -ra node_options <<<"$(node_arguments | tr '\n' ' ')"
log="${scratch}/log"
touch "${log}"
status=0
timeout "${GUEST_SECONDS}" qemu-system-x86_64 -accel tcg,thread=multi -cpu max \
  -nodefaults -display none -no-reboot -serial "file:${log}" \
  -kernel "${image}/vmlinuz" -initrd "${scratch}/initramfs.cpio" \
  -append "${kernel_line}" "${node_options[@]}" </dev/null &
guest=$!
trap 'kill "${guest}" 2>/dev/null || true; rm -rf "${scratch}"' EXIT
((!verbose)) || tail -n +1 -f --pid="${guest}" "${log}" &
wait "${guest}" || status=$?
sed -i 's/\r$//' "${log}"

passed="$(awk '/^\[  PASSED  \] / { sum += $4 } END { print sum + 0 }' "${log}")"
skipped="$(awk '/^\[  SKIPPED \] [0-9]+ test/ { sum += $4 } END { print sum + 0 }' "${log}")"
exited_well="$(grep -c '^guest: .* exited 0$' "${log}" || true)"
version="$(sed -n 's/^guest: Linux //p' "${log}")"
result=passed
if ((status)) || ! grep -q '^guest: done$' "${log}" || ((exited_well != ${#targets[@]})); then
  result=FAILED
  ((verbose)) || cat "${log}" >&2
fi
echo "numa_guest: ${result}: ${nodes} nodes, Linux ${version:-none}: ${exited_well} of ${#targets[@]} test binaries, ${passed} tests passed, ${skipped} skipped"
[[ "${result}" == passed ]]
