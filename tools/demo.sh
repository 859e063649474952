#!/usr/bin/env bash
# Copyright 2026 The Wirebook Authors. SPDX-License-Identifier: Apache-2.0
#
# The main job, on this machine alone: a simulated exchange of two venues on
# loopback, lob_node connected to it over WebSocket, live books in the terminal,
# and at the end a comparison of the node's books with the exchange's own.
#
#   ./tools/demo.sh [--seconds N]     (20 unless given)
#
# Exit status: 0 when all books are equal, 1 when they differ or something
# failed, 130 after Ctrl-C.
set -euo pipefail

seconds=20
while (($#)); do
  case "$1" in
    --seconds) seconds="${2:?--seconds needs a number}"; shift 2 ;;
    --seconds=*) seconds="${1#*=}"; shift ;;
    -h | --help) sed -n '4,12s/^# \{0,1\}//p' "$0"; exit 0 ;;
    *) echo "demo.sh: unknown argument $1; usage: demo.sh [--seconds N]" >&2
       exit 2 ;;
  esac
done
if ! [[ "$seconds" =~ ^[1-9][0-9]{0,5}$ ]]; then
  echo "demo.sh: --seconds takes a whole number from 1, not '$seconds'" >&2
  exit 2
fi

cd "$(dirname "$(readlink -f "$0")")/.."
./tools/setup.sh --for=build

echo "Building lob_node and the simulated exchange (minutes, the first time) ..."
bazel build --config=opt --ui_event_filters=-info,-debug \
  //apps/lob_node //tools/exchange_sim //tools/exchange_sim:compare_books
bin="$(bazel info --config=opt bazel-bin 2>/dev/null)"

work="$(mktemp -d)"
sim=""
node=""
finish() {
  trap - EXIT INT TERM
  for pid in $node $sim; do kill -TERM "$pid" 2>/dev/null || true; done
  for pid in $node $sim; do wait "$pid" 2>/dev/null || true; done
  rm -rf "$work"
}
trap finish EXIT
trap 'finish; echo; echo "Stopped."; exit 130' INT TERM

"$bin/tools/exchange_sim/exchange_sim" --port=0 --seed=1 --seconds="$seconds" \
  --symbols-binance=BTCUSDT,ETHUSDT --symbols-kraken=BTC/USD,ETH/USD \
  >"$work/sim.log" 2>&1 &
sim=$!
address=""
for _ in $(seq 100); do
  address="$(sed -n 's/^listening on //p' "$work/sim.log")"
  [[ -n "$address" ]] && break
  kill -0 "$sim" 2>/dev/null || break
  sleep 0.05
done
if [[ -z "$address" ]]; then
  echo "demo.sh: the simulated exchange did not start:" >&2
  cat "$work/sim.log" >&2
  exit 1
fi

cat >"$work/node.toml" <<TOML
[[venue]]
id = "binance-spot"
url = "ws://$address/stream"
rest_url = "http://$address"
symbols = ["BTCUSDT", "ETHUSDT"]

[[venue]]
id = "kraken"
url = "ws://$address/v2"
symbols = ["BTC/USD", "ETH/USD"]
depth = 25
stale_after_ms = 10000
TOML

# One second longer than the exchange, so that its last message has arrived.
"$bin/apps/lob_node/lob_node" run --config="$work/node.toml" \
  --seconds=$((seconds + 1)) --dump-book="$work/books.csv" &
node=$!
wait "$node" || { echo "demo.sh: lob_node failed" >&2; exit 1; }
node=""

echo
"$bin/tools/exchange_sim/compare_books" --truth="http://$address" \
  --dump="$work/books.csv" \
  --expect=BTCUSDT --expect=ETHUSDT --expect=BTC/USD --expect=ETH/USD \
  --depth=BTC/USD=25 --depth=ETH/USD=25
