#!/usr/bin/env bash
# Takes the figures of docs/benchmarks.md one after another, each on a machine
# that has come to rest, and writes a line of JSON for each. Needs `make build`
# and, for the parts on PostgreSQL, its server programs (scripts/test-deps.sh).
#
#   scripts/bench-all.sh [--quick] [--out FILE] [--plots DIR] [--no-wait] [part…]
#
# Without parts: all of them, about an hour on two cores; --quick takes few
# stations and seconds, about 10 minutes, and claims nothing. --list names the
# parts. A part that fails is written down as such, one that counted errors
# with its result, and the next one begins.
# Afterwards: bin/forecourt bench table FILE --into docs/benchmarks.md
set -euo pipefail
cd "$(dirname "$0")/.."

quick=false wait=true out=bench.jsonl plots= list=false wanted=()
while [ $# -gt 0 ]; do
	case "$1" in
	--quick) quick=true ;;
	--no-wait) wait=false ;;
	--list) list=true ;;
	--out) out=$2; shift ;;
	--plots) plots=$2; shift ;;
	-*) sed -n '2,12p' "$0"; exit 2 ;;
	*) wanted+=("$1") ;;
	esac
	shift
done
bin=${FORECOURT:-bin/forecourt}
$list || [ -x "$bin" ] || { echo "bench-all: $bin is not there; run make build" >&2; exit 1; }
ulimit -n "$(ulimit -Hn)"

work=$(mktemp -d)
trap stop_postgres EXIT

# PostgreSQL with its defaults but for the number of connections and a buffer
# that fits the machine: fsync and synchronous_commit stay on.
start_postgres() {
	[ -z "${postgres:-}" ] || return 0
	local programs as=()
	programs=$(dirname "$(command -v initdb || ls -d /usr/lib/postgresql/*/bin/initdb | sort -V | tail -1)")
	if [ "$(id -u)" -eq 0 ]; then # it refuses to run as root
		as=(setpriv "--reuid=postgres" "--regid=postgres" --clear-groups)
		chown postgres "$work"
	fi
	postgres=$work/postgres pg_port=${PG_PORT:-$((20000 + RANDOM % 10000))} pg_run=("${as[@]}" "$programs/pg_ctl" -D "$work/postgres" -s -w)
	(cd "$work" && "${as[@]}" "$programs/initdb" -D "$postgres" -U postgres -A trust -E UTF8 --locale=C >/dev/null)
	cat >>"$postgres/postgresql.conf" <<-CONF
		port = $pg_port
		listen_addresses = '127.0.0.1'
		unix_socket_directories = '$work'
		max_connections = 200
		shared_buffers = 1GB
		max_wal_size = 4GB
	CONF
	(cd "$work" && "${pg_run[@]}" -l "$work/postgres.log" start)
}

stop_postgres() {
	[ -z "${postgres:-}" ] || (cd / && "${pg_run[@]}" -m immediate stop) || true
	rm -rf "$work"
}

# A database of its own for each part; it goes with the next one.
fresh_database() {
	start_postgres
	local psql=(psql -q -h 127.0.0.1 -p "$pg_port" -U postgres)
	"${psql[@]}" -c "DROP DATABASE IF EXISTS bench WITH (FORCE)" 2>/dev/null
	"${psql[@]}" -c "CREATE DATABASE bench"
	"${psql[@]}" -c "CHECKPOINT"
	database="postgres://postgres@127.0.0.1:$pg_port/bench?sslmode=disable"
}

# idle prints how idle the machine was over two seconds, in per cent.
idle() {
	local a b
	a=($(head -1 /proc/stat)); sleep 2; b=($(head -1 /proc/stat))
	local total=0 i
	for i in 1 2 3 4 5 6 7 8; do total=$((total + b[i] - a[i])); done
	echo $((100 * (b[4] - a[4] + b[5] - a[5]) / (total > 0 ? total : 1)))
}

# rest waits until the machine is idle, at most ten minutes.
rest() {
	calm=$(idle)
	local tries=0
	while $wait && [ "$calm" -lt 95 ] && [ $tries -lt 300 ]; do
		tries=$((tries + 1)) calm=$(idle)
	done
}

# part NAME SECONDS POSTGRES "full flags" "quick flags" runs one bench. SECONDS
# is about how long it takes, in full.
part() {
	local name=$1 takes=$2 on=$3 flags=$4
	if $list; then printf '%-14s about %4d s  bench %s\n' "$name" "$takes" "$flags"; return; fi
	if [ ${#wanted[@]} -gt 0 ] && [[ " ${wanted[*]} " != *" $name "* ]]; then return; fi
	if $quick; then flags=$5; fi
	local told="bench $flags" args=()
	read -ra args <<<"$flags"
	if [ "$on" = postgres ]; then
		fresh_database
		args+=(--database-url "$database")
		told+=" --database-url …"
	fi
	if [ -n "$plots" ] && [[ " growth mix open storm cluster " == *" $name "* ]]; then
		mkdir -p "$plots"
		args+=(--svg "$plots/bench-$name.svg")
	fi
	rest
	echo "bench-all: $name, the machine is $calm % idle: $told" >&2
	local result=null failed= status=0
	"$bin" bench "${args[@]}" --json >"$work/out" 2>"$work/err" || status=$?
	sed '/^{/d' "$work/out" >&2
	# A run with errors has a result and fails: the result tells them.
	if tail -1 "$work/out" | grep -q '^{'; then
		result=$(tail -1 "$work/out")
	else
		failed="status $status"
	fi
	[ $status -eq 0 ] || tail -20 "$work/err" >&2
	printf '{"part":"%s","command":"%s","at":"%s","quick":%s,"idle":%s,"failed":"%s","result":%s}\n' \
		"$name" "$told" "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$quick" "$calm" "$failed" "$result" >>"$out"
}

part connect 75 - "connect --stations 15000 --rate 500" "connect --stations 1000 --settle 3s"
part connect-mtls 150 - "connect --stations 15000 --rate 250 --mtls" "connect --stations 300 --mtls --settle 3s"
part growth 110 - "connect --stations 15000 --rate 500 --steps 1000,3000,5000,10000" "connect --stations 1500 --steps 500,1000 --settle 3s"
part mix 100 - "mix --stations 1000 --seconds 60" "mix --stations 200 --seconds 5"
part mix-postgres 120 postgres "mix --stations 1000 --seconds 60" "mix --stations 200 --seconds 5"
part mix-fsync 100 - "mix --stations 1000 --seconds 60 --fsync-delay 2ms" "mix --stations 200 --seconds 5 --fsync-delay 2ms"
part open 290 - "mix --stations 15000 --rate 1000 --warm 60 --seconds 120" "mix --stations 1000 --rate 200 --seconds 10"
part open-postgres 320 postgres "mix --stations 15000 --rate 1000 --warm 60 --seconds 120" "mix --stations 1000 --rate 200 --seconds 10"
# An hour of a station that charges is 72 messages: meter values every 60 s and
# heartbeats every 300 s. Here it gets 80, six times as fast, which two cores
# can serve: a queue would be in the memory, too.
part loaded 720 - "mix --stations 15000 --rate 2000 --seconds 600 --no-verify" "mix --stations 500 --rate 200 --seconds 20 --no-verify"
part storm 180 - "storm --stations 15000" "storm --stations 1000 --others 50"
part storm-mtls 300 - "storm --stations 15000 --mtls --connect-rate 250" "storm --stations 300 --others 50 --mtls"
part authorize 200 - "authorize --tokens 1000000" "authorize --tokens 20000 --seconds 5"
part list 120 - "list --stations 100000" "list --stations 5000 --requests 200"
part list-postgres 150 postgres "list --stations 100000" "list --stations 5000 --requests 200"
part bad 240 - "bad --stations 1000" "bad --stations 100 --rate 100 --seconds 3"
# Seven nodes share what one has elsewhere, so each lets fewer in; and pings,
# which keep the way through a router open, are fewer on the loopback.
part cluster 1300 postgres "cluster --stations 100000 --nodes 7 --seconds 600 --connect-rate 300 --server-flag=--handshakes-per-second=50 --server-flag=--ping-interval=2m" "cluster --stations 1500 --nodes 3 --seconds 20"
