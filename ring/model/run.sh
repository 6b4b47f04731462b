#!/bin/bash
# Searches every state of ring.pml, as it should be and with one step wrong at a time.
#
#   run.sh                 in less than a minute, for CI
#   run.sh full            larger rings, more laps, more kills: minutes
#   run.sh trace NAME      the shortest counterexample of a wrong order, step by step
#
# JOBS is how many searches run at once (the number of processors), each with up to
# MEM MiB (1900; full: 3800).
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
mode=${1:-ci}

for tool in spin gcc; do
	if ! command -v $tool >/dev/null; then
		echo "model: skipped: there is no $tool here; on Debian: apt-get install spin gcc libc6-dev"
		exit 0
	fi
done
case $mode in
ci) mem=${MEM:-1900} ;;
full | trace) mem=${MEM:-3800} ;;
*)
	echo "usage: run.sh [full | trace NAME]" >&2
	exit 2
	;;
esac

dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
jobs=${JOBS:-$(getconf _NPROCESSORS_ONLN)}

small="-DBLOCKS=2 -DLIMIT=7 -DLOOKS=1 -DNO_LATEST"

# Kind of search, name, flags, what it shows.
searches() {
	holds laps         "-DBLOCKS=2 -DLIMIT=11 -DLOOKS=1 -DNO_LATEST"
	holds looks        "-DBLOCKS=2 -DLIMIT=7 -DLOOKS=3"
	holds lines        "-DBLOCKS=2 -DLINES=3 -DLIMIT=10 -DLOOKS=2 -DNO_LATEST"
	holds aging        "-DBLOCKS=2 -DLIMIT=6 -DLOOKS=1 -DAGING -DCOUNT -DNO_LATEST"
	holds one-heir     "-DHEIRS=1 -DLIMIT=7 -DLOOKS=2 -DNO_LATEST"
	holds two-heirs    "-DHEIRS=2 -DLIMIT=7 -DLOOKS=1 -DNO_LATEST"
	if [ $mode = full ]; then
		holds more-laps    "-DBLOCKS=2 -DLIMIT=17 -DLOOKS=1 -DNO_LATEST"
		holds more-looks   "-DBLOCKS=2 -DLIMIT=8 -DLOOKS=5"
		holds more-lines   "-DBLOCKS=2 -DLINES=3 -DLIMIT=13 -DLOOKS=2 -DNO_LATEST"
		holds more-blocks  "-DBLOCKS=4 -DLIMIT=14 -DLOOKS=1 -DNO_LATEST"
		holds count        "-DBLOCKS=2 -DLIMIT=8 -DLOOKS=1 -DAGING -DCOUNT -DNO_LATEST"
		holds heir-latest  "-DHEIRS=1 -DLIMIT=8 -DLOOKS=1"
		holds heir-laps    "-DHEIRS=1 -DLIMIT=11 -DLOOKS=1 -DNO_LATEST"
		holds heir-looks   "-DHEIRS=1 -DLIMIT=7 -DLOOKS=4 -DNO_LATEST"
		holds heir-lines   "-DHEIRS=1 -DLINES=3 -DLIMIT=11 -DLOOKS=1 -DNO_LATEST"
		holds heirs-laps   "-DHEIRS=2 -DLIMIT=9 -DLOOKS=1 -DNO_LATEST"
	fi
	wrong
	occurs skip-then-read   "-DPROBE=1 -DBLOCKS=2 -DLIMIT=7 -DLOOKS=1"
	occurs lapped           "-DPROBE=2 $small"
	occurs entered-again    "-DPROBE=3 -DHEIRS=1 -DLIMIT=7 -DLOOKS=1 -DNO_LATEST"
	occurs late-last-frame  "-DPROBE=4 $small"
	occurs lapped-at-end    "-DPROBE=5 $small"
	occurs end-of-third     "-DPROBE=6 -DHEIRS=2 -DLIMIT=5 -DLOOKS=1 -DNO_LATEST"
	occurs heir-at-end      "-DPROBE=7 -DHEIRS=1 -DLIMIT=5 -DLOOKS=1 -DNO_LATEST"
}

# One step of the protocol wrong or left out.
wrong() {
	fails CLAIM_BEFORE_ENTRY    "$small"
	fails HEADER_BEFORE_ZERO    "$small"
	fails HEADER_BEFORE_PAYLOAD "$small"
	fails CLAIM_AFTER_PAYLOAD   "$small"
	fails CLAIM_BLOCK_ONLY      "$small"
	fails NO_LOOK_AT_ZERO       "$small"
	fails NO_LOOK_AFTER_COPY    "$small"
	fails NO_LOOK_AFTER_ENTRY   "$small"
	fails NO_LOOK_AFTER_WALK    "-DBLOCKS=2 -DLIMIT=7 -DLOOKS=1"
	fails STATE_AFTER_LOOKS     "$small"
	fails NO_HEADER_AFTER_STATE "$small"
	fails LOOK_BEFORE_HEADER    "$small"
	fails NO_LOOK_AT_END        "$small"
	fails NO_TIME_FRAME         "-DHEIRS=1 -DLIMIT=7 -DLOOKS=1 -DNO_LATEST"
}

# build NAME SPIN-FLAGS GCC-FLAGS
build() {
	mkdir "$dir/$1" && cd "$dir/$1" && cp "$here/ring.pml" . &&
		spin -a $2 ring.pml >spin.out 2>&1 &&
		gcc -w -DSAFETY -DMEMLIM=$mem $3 -o pan pan.c >gcc.out 2>&1
}

# check NAME EXPECTED SPIN-FLAGS GCC-FLAGS: one row of the table
check() {
	local verdict=error states depth seconds ok=ok
	if build "$1" "$3" "$4"; then
		./pan -m200000 >out 2>&1
		if grep -q 'errors: 0' out && ! grep -qE 'too small|out of memory|not completed' out; then
			verdict=holds
		elif grep -q 'assertion violated' out; then
			verdict=fails
			[[ $3 != *PROBE* ]] || verdict=occurs
		fi
		states=$(awk '/states, stored/ { print $1; exit }' out)
		depth=$(sed -n 's/.*depth reached \([0-9]*\).*/\1/p' out)
		seconds=$(awk '/elapsed time/ { print $4 }' out)
	else
		cat spin.out gcc.out >&2
	fi
	[ $verdict = $2 ] || ok=UNEXPECTED
	[ $ok = ok ] || touch "$dir/unexpected"
	[ $verdict != error ] || [ ! -f out ] || grep -E 'pan:|error' out >&2
	printf '%-22s %12s %7s %8s  %-6s %-10s %s\n' "$1" "${states:--}" "${depth:--}" "${seconds:-0}" $verdict $ok "$3"
	rm -rf "$dir/$1"
}

start() {
	while [ "$(jobs -rp | wc -l)" -ge "$jobs" ]; do wait -n; done
	check "$@" &
}

if [ $mode = trace ]; then
	found=
	fails() {
		[ "$1" = "$name" ] || return 0
		found=1
		build "$1" "-D$1 $2" "-O0 -DBFS" && ./pan >out 2>&1
		spin -t -p -D$1 $2 ring.pml | grep -vE 'Starting|\(run|\(1\)|goto|break'
	}
	name=${2:-}
	wrong
	[ "$found" ] && exit 0
	echo "run.sh trace: no wrong order is called \"$name\"; one of:" >&2
	fails() { echo "  $1" >&2; }
	wrong
	exit 2
fi

holds() { start "$1" holds "$2" "-O2 -DCOLLAPSE"; }
# Breadth first: the depth is that of the shortest counterexample.
fails() { start "$1" fails "-D$1 $2" "-O0 -DBFS"; }
occurs() { start "$1" occurs "$2" "-O0 -DBFS"; }

printf '%-22s %12s %7s %8s  %-6s %-10s %s\n' search states depth seconds verdict "" flags
searches
wait
if [ -e "$dir/unexpected" ]; then
	echo "model: something is not as expected" >&2
	exit 1
fi
echo "model: all as expected"
