#!/usr/bin/env bash
# The figures of a fresh start: seconds from `serve` on an empty directory to
# an answer, memory when idle, size of the binary. Needs `make build` first.
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'kill "${server:-}" 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$work"' EXIT
port=${PORT:-18090}
began=$(date +%s%N)
bin/forecourt serve --data "$work/data" --listen "127.0.0.1:$port" >"$work/log" 2>&1 &
server=$!
until curl -sf "http://127.0.0.1:$port/readyz" >/dev/null; do
	kill -0 "$server" || { cat "$work/log"; exit 1; }
	sleep 0.005
done
echo "start to first answer: $((($(date +%s%N) - began) / 1000000)) ms"
sleep "${IDLE:-30}"
echo "idle RSS after ${IDLE:-30} s: $(awk '/^VmRSS/ {printf "%.1f MB", $2 / 1024}' "/proc/$server/status")"
echo "binary: $(stat -c %s bin/forecourt | awk '{printf "%.1f MB", $1 / 1048576}')"
