#!/usr/bin/env bash
# Starts the demo on a free port with an empty data directory and drives the
# web app in a browser. E2E_ONLY=station,device runs only those parts.
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'kill "${server:-}" 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$work"' EXIT
port=${E2E_PORT:-18080}
bin/forecourt demo --data "$work/data" --listen "127.0.0.1:$port" --owner-password "e2e-owner-password" >"$work/log" 2>&1 &
server=$!
for _ in $(seq 1 120); do
	curl -sf "http://127.0.0.1:$port/readyz" >/dev/null && break
	kill -0 "$server" 2>/dev/null || { cat "$work/log"; echo "e2e: the server did not start"; exit 1; }
	sleep 0.25
done
cd ui
BASE_URL="http://127.0.0.1:$port" OWNER_EMAIL="owner@localhost" OWNER_PASSWORD="e2e-owner-password" \
	node e2e/run.mjs "http://127.0.0.1:$port" --out "${E2E_OUT:-$work/shots}" ${E2E_ONLY:+--only "$E2E_ONLY"} || { tail -50 "$work/log"; exit 1; }
