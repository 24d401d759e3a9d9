#!/usr/bin/env bash
# Takes the CPU profile that `make build` optimises by: the server under the
# loads of forecourt bench, on SQLite and, if FORECOURT_PROFILE_POSTGRES names
# an empty database for each of two runs (separated by a space), on PostgreSQL.
# Needs a quiet machine and about four minutes. Worth taking anew when the hot
# path has changed much; an old profile costs speed, not correctness.
set -euo pipefail
cd "$(dirname "$0")/.."
ulimit -n "$(ulimit -Hn)"
bin=${FORECOURT:-bin/forecourt}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

take() {
	local name=$1
	shift
	"$bin" bench "$@" --profile "cpu=$work/$name" >/dev/null
	test -s "$work/$name"
}
take mix mix --stations 1000 --seconds 25 --no-verify
take open mix --stations 5000 --rate 1000 --warm 15 --seconds 25 --no-verify
take connect connect --stations 8000 --rate 400 --settle 1s
read -ra databases <<<"${FORECOURT_PROFILE_POSTGRES:-}"
if [ ${#databases[@]} -gt 1 ]; then
	take mix-postgres mix --stations 1000 --seconds 25 --no-verify --database-url "${databases[0]}"
	take open-postgres mix --stations 5000 --rate 1000 --warm 15 --seconds 25 --no-verify --database-url "${databases[1]}"
fi
go tool pprof -proto -output cmd/forecourt/cpu.pprof "$work"/*
ls -l cmd/forecourt/cpu.pprof
