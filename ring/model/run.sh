#!/bin/bash
# Searches every state of ring.pml and sleep.pml, as they should be and with one step
# wrong at a time.
#
#   run.sh                 two minutes on two processors, for CI
#   run.sh deep            larger rings, more laps, more deaths: half an hour
#   run.sh trace NAME      the shortest counterexample of a wrong order, step by step
#   run.sh only REGEXP     the searches whose names match, of all
#
# JOBS is how many searches run at once (the number of processors), each with up to
# MEM MiB (1900; deep: 7600).
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
mode=${1:-ci}

for tool in spin gcc; do
	if ! command -v $tool >/dev/null; then
		echo "model: skipped: there is no $tool here; on Debian: apt-get install spin gcc libc6-dev"
		exit 0
	fi
done
deep=
only=.
case $mode in
ci) mem=${MEM:-1900} ;;
deep) mem=${MEM:-7600} deep=1 ;;
trace) mem=${MEM:-3800} ;;
only) mem=${MEM:-7600} deep=1 only=${2:?run.sh only REGEXP} ;;
*)
	echo "usage: run.sh [deep | trace NAME | only REGEXP]" >&2
	exit 2
	;;
esac

dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
jobs=${JOBS:-$(getconf _NPROCESSORS_ONLN)}

# Kind of search, name, model, flags. small: the smallest lossy ring that laps.
small="-DBLOCKS=2 -DLIMIT=7 -DLOOKS=1 -DNO_LATEST"
# The smallest with blocks in which a frame is committed the fast way.
lines="-DBLOCKS=2 -DLINES=3 -DLIMIT=8 -DLOOKS=1 -DNO_LATEST"
gate="-DREADERS=0 -DFILES=1 -DGATES=1 -DLOOKS=1"
named="-DREADERS=0 -DFILES=1 -DLOOKS=1"

searches() {
	# One publisher and one subscriber that may be lapped.
	holds laps            ring "-DBLOCKS=2 -DLIMIT=11 -DLOOKS=1 -DNO_LATEST"
	holds looks           ring "-DBLOCKS=2 -DLIMIT=6 -DLOOKS=3"
	holds lines           ring "-DBLOCKS=2 -DLINES=3 -DLIMIT=10 -DLOOKS=1 -DNO_LATEST"
	holds lines-heir      ring "-DLINES=3 -DHEIRS=1 -DLIMIT=7 -DLOOKS=1 -DNO_LATEST"
	holds lines-batch-heir ring "-DBATCHES -DHEIRS=1 -DLINES=3 -DLIMIT=7 -DLOOKS=1 -DNO_LATEST"
	holds lines-claims    ring "-DCLAIMS -DBLOCKS=2 -DLINES=3 -DLIMIT=7 -DLOOKS=1 -DNO_LATEST"
	holds aging           ring "-DBLOCKS=2 -DLIMIT=6 -DLOOKS=1 -DAGING -DCOUNT -DNO_LATEST"
	holds batches         ring "-DBATCHES -DBLOCKS=2 -DLINES=3 -DLIMIT=7 -DLOOKS=1 -DNO_LATEST"
	holds claims          ring "-DCLAIMS -DBLOCKS=2 -DLIMIT=5 -DLOOKS=2 -DNO_LATEST"
	holds claims-aging    ring "-DCLAIMS -DAGING -DBLOCKS=2 -DLINES=3 -DLIMIT=4 -DLOOKS=1 -DNO_LATEST"
	holds one-heir        ring "-DHEIRS=1 -DLIMIT=7 -DLOOKS=1 -DNO_LATEST"
	holds two-heirs       ring "-DHEIRS=2 -DLIMIT=5 -DLOOKS=1 -DNO_LATEST"
	holds batches-heir    ring "-DBATCHES -DHEIRS=1 -DLIMIT=5 -DLOOKS=1 -DNO_LATEST"
	holds claims-heir     ring "-DCLAIMS -DHEIRS=1 -DLIMIT=5 -DLOOKS=1 -DNO_LATEST"
	holds views           ring "-DVIEWS -DBLOCKS=2 -DLIMIT=7 -DLOOKS=1 -DNO_LATEST"
	holds batch-reads     ring "-DBATCH_READS -DBLOCKS=2 -DLINES=3 -DLIMIT=10 -DLOOKS=1 -DNO_LATEST"
	holds two-readers     ring "-DREADERS=2 -DBLOCKS=2 -DLIMIT=5 -DLOOKS=1 -DNO_LATEST"
	holds named           ring "$named -DBLOCKS=2 -DLIMIT=5 -DDEATHS=1 -DNO_LATEST"
	# Gates.
	holds gate            ring "$gate -DLIMIT=11"
	holds gate-views      ring "$gate -DLIMIT=7 -DVIEWS -DDEMOTING"
	holds gate-batches    ring "$gate -DLIMIT=8 -DLINES=3 -DBATCHES -DBATCH_READS"
	holds gate-dies       ring "$gate -DLIMIT=9 -DDEATHS=1"
	holds gate-heir       ring "$gate -DLIMIT=6 -DDEATHS=1 -DHEIRS=1"
	holds gate-heir-one   ring "$gate -DLIMIT=6 -DDEATHS=1 -DHEIRS=1 -DLINES=1"
	holds gate-aging      ring "$gate -DLIMIT=7 -DBLOCKS=4 -DAGING"
	holds gate-demoted    ring "$gate -DLIMIT=7 -DDEMOTING"
	holds gate-added      ring "$named -DLIMIT=7 -DADDING -DLINES=1"
	holds two-gates       ring "-DREADERS=0 -DFILES=2 -DGATES=2 -DLINES=1 -DLOOKS=1 -DLIMIT=7 -DDEATHS=1"
	holds gate-and-reader ring "-DFILES=1 -DGATES=1 -DLINES=1 -DLOOKS=1 -DLIMIT=7 -DNO_LATEST"
	# Sleep.
	holds sleep           sleep "-DLIMIT=5"
	holds waker-killed    sleep "-DLIMIT=3 -DKILLS=1"
	holds waker-leaves    sleep "-DLIMIT=3 -DLEAVING"
	holds two-wakers      sleep "-DLIMIT=1 -DWAKERS=2"
	holds two-sleepers    sleep "-DLIMIT=1 -DSLEEPERS=2"
	holds sleep-heir      sleep "-DLIMIT=3 -DHEIRS=1"
	holds no-waker        sleep "-DLIMIT=5 -DHEIRS=2 -DWAKERS=0 -DSLEEPERS=2"
	holds flag-and-fence  sleep "-DLIMIT=5 -DWAKERS=0 -DFLAG_WITH_FENCE"
	[ ! "$deep" ] || deeper
	wrong
	occurs skip-then-read   ring "-DPROBE=1 -DBLOCKS=2 -DLIMIT=7 -DLOOKS=1"
	occurs lapped           ring "-DPROBE=2 $small"
	occurs entered-again    ring "-DPROBE=3 -DHEIRS=1 -DLIMIT=7 -DLOOKS=1 -DNO_LATEST"
	occurs late-last-frame  ring "-DPROBE=4 $small"
	occurs lapped-at-end    ring "-DPROBE=5 $small"
	occurs end-of-third     ring "-DPROBE=6 -DHEIRS=2 -DLIMIT=5 -DLOOKS=1 -DNO_LATEST"
	occurs heir-at-end      ring "-DPROBE=7 -DHEIRS=1 -DLIMIT=5 -DLOOKS=1 -DNO_LATEST"
	occurs stale-headers    ring "-DPROBE=8 -DBATCHES -DHEIRS=1 -DLIMIT=5 -DLOOKS=1 -DNO_LATEST"
	occurs batch-read       ring "-DPROBE=9 -DBATCH_READS $small"
	occurs refused          ring "-DPROBE=10 $gate -DLIMIT=7"
	occurs at-next-header   ring "-DPROBE=11 $gate -DLIMIT=7"
	occurs demoted-lapped   ring "-DPROBE=12 $gate -DLIMIT=9 -DDEMOTING"
	occurs gap-after-death  ring "-DPROBE=13 $named -DBLOCKS=2 -DLIMIT=7 -DDEATHS=1 -DNO_LATEST"
	occurs gate-comes-back  ring "-DPROBE=14 $gate -DLIMIT=9 -DDEATHS=1"
	occurs message-twice    ring "-DPROBE=15 $gate -DLIMIT=5 -DDEATHS=1"
	occurs sleeper-lapped   sleep "-DPROBE=1"
	occurs header-at-last   sleep "-DPROBE=2"
	occurs lap-at-last      sleep "-DPROBE=3"
	occurs word-changed     sleep "-DPROBE=4"
}

deeper() {
	holds() { start "$1" holds "$2" "$3" "-O2 -DCOLLAPSE"; }
	holds more-laps       ring "-DBLOCKS=2 -DLIMIT=17 -DLOOKS=1 -DNO_LATEST"
	holds more-looks      ring "-DBLOCKS=2 -DLIMIT=8 -DLOOKS=5"
	holds more-lines      ring "-DBLOCKS=2 -DLINES=3 -DLIMIT=13 -DLOOKS=2 -DNO_LATEST"
	holds more-blocks     ring "-DBLOCKS=4 -DLIMIT=14 -DLOOKS=1 -DNO_LATEST"
	holds count           ring "-DBLOCKS=2 -DLIMIT=8 -DLOOKS=1 -DAGING -DCOUNT -DNO_LATEST"
	holds more-batches    ring "-DBATCHES -DBLOCKS=2 -DLINES=3 -DLIMIT=10 -DLOOKS=3 -DNO_LATEST"
	holds more-claims     ring "-DCLAIMS -DBLOCKS=2 -DLIMIT=6 -DLOOKS=3 -DNO_LATEST"
	holds claims-lines    ring "-DCLAIMS -DAGING -DBLOCKS=2 -DLINES=4 -DLIMIT=6 -DLOOKS=1 -DNO_LATEST"
	holds claims-latest   ring "-DCLAIMS -DAGING -DBLOCKS=2 -DLIMIT=5 -DLOOKS=1"
	holds heir-latest     ring "-DHEIRS=1 -DLIMIT=8 -DLOOKS=1"
	holds heir-laps       ring "-DHEIRS=1 -DLIMIT=11 -DLOOKS=1 -DNO_LATEST"
	holds heir-looks      ring "-DHEIRS=1 -DLIMIT=7 -DLOOKS=4 -DNO_LATEST"
	holds heir-lines      ring "-DHEIRS=1 -DLINES=3 -DLIMIT=11 -DLOOKS=1 -DNO_LATEST"
	holds heirs-laps      ring "-DHEIRS=2 -DLIMIT=9 -DLOOKS=1 -DNO_LATEST"
	holds heir-batches    ring "-DBATCHES -DHEIRS=1 -DLINES=3 -DLIMIT=10 -DLOOKS=1 -DNO_LATEST"
	holds heir-claims     ring "-DCLAIMS -DHEIRS=1 -DLIMIT=5 -DLOOKS=3 -DNO_LATEST"
	holds more-readers    ring "-DREADERS=2 -DBLOCKS=2 -DLIMIT=7 -DLOOKS=1 -DNO_LATEST"
	holds named-latest    ring "$named -DBLOCKS=2 -DLIMIT=7 -DDEATHS=2"
	holds named-heir      ring "$named -DLIMIT=7 -DDEATHS=1 -DHEIRS=1 -DNO_LATEST"
	holds gate-laps       ring "$gate -DLIMIT=19 -DDEATHS=1"
	holds gate-deaths     ring "$gate -DLIMIT=13 -DDEATHS=2"
	holds gate-heirs      ring "$gate -DLIMIT=6 -DDEATHS=2 -DHEIRS=2"
	holds gate-blocks     ring "$gate -DLIMIT=10 -DBLOCKS=4 -DDEATHS=1 -DHEIRS=1"
	holds gate-heir-lines ring "$gate -DLIMIT=11 -DLINES=3 -DDEATHS=1 -DHEIRS=1"
	holds gate-lines      ring "$gate -DLIMIT=11 -DLINES=3 -DBATCHES -DDEATHS=1"
	holds gate-forms      ring "$gate -DLIMIT=8 -DBATCHES -DCLAIMS -DDEATHS=1"
	holds gate-batch-more ring "$gate -DLIMIT=10 -DLINES=3 -DBATCH_READS -DDEATHS=1 -DDEMOTING"
	holds batch-read-more ring "-DBATCH_READS -DBLOCKS=2 -DLINES=4 -DLIMIT=12 -DLOOKS=2 -DNO_LATEST"
	holds views-heir      ring "$gate -DLIMIT=7 -DVIEWS -DDEMOTING -DDEATHS=1 -DHEIRS=1"
	holds demoted-heir    ring "$gate -DLIMIT=7 -DDEMOTING -DHEIRS=1"
	holds demoted-dies    ring "$gate -DLIMIT=7 -DDEMOTING -DDEATHS=1"
	holds added-lines     ring "$named -DLIMIT=9 -DADDING"
	holds added-heir      ring "$named -DLIMIT=7 -DADDING -DLINES=1 -DHEIRS=1 -DDEATHS=1"
	holds added-again     ring "$named -DGATES=1 -DLIMIT=7 -DADDING -DDEMOTING -DLINES=1 -DDEATHS=1"
	holds gates-heir      ring "-DREADERS=0 -DFILES=2 -DGATES=2 -DLINES=1 -DLOOKS=1 -DLIMIT=6 -DDEATHS=1 -DHEIRS=1"
	holds gates-lines     ring "-DREADERS=0 -DFILES=2 -DGATES=2 -DLOOKS=1 -DLIMIT=7"
	holds gate-reader-two ring "-DFILES=1 -DGATES=1 -DLOOKS=1 -DLIMIT=7 -DNO_LATEST"
	holds gate-and-named  ring "-DREADERS=0 -DFILES=2 -DGATES=1 -DLINES=1 -DLOOKS=1 -DLIMIT=6 -DDEATHS=1 -DNO_LATEST"
	holds gate-reader-all ring "-DFILES=1 -DGATES=1 -DLINES=1 -DLOOKS=1 -DLIMIT=6 -DDEATHS=1 -DHEIRS=1 -DNO_LATEST"
	holds long-sleep      sleep "-DLIMIT=9"
	holds wakers-killed   sleep "-DLIMIT=5 -DKILLS=2"
	holds waker-comings   sleep "-DLIMIT=5 -DLEAVING -DKILLS=1"
	holds sleep-heirs     sleep "-DLIMIT=5 -DHEIRS=2 -DKILLS=1"
	holds more-wakers     sleep "-DLIMIT=3 -DWAKERS=2"
	holds more-sleepers   sleep "-DLIMIT=3 -DSLEEPERS=2"
}

# One step of the protocol wrong or left out.
wrong() {
	fails CLAIM_BEFORE_ENTRY    ring "$small"
	fails HEADER_BEFORE_ZERO    ring "$small"
	fails HEADER_BEFORE_PAYLOAD ring "$small"
	fails FAST_HEADER_FIRST     ring "$lines"
	fails FAST_WITHOUT_ZERO     ring "-DBLOCKS=2 -DLINES=4 -DLIMIT=11 -DLOOKS=1 -DNO_LATEST"
	fails FAST_TO_THE_END       ring "$lines"
	fails SLOW_WITHOUT_ZERO     ring "$lines"
	fails ABORT_WITHOUT_ZERO    ring "-DCLAIMS $lines"
	fails RESUME_WITHOUT_ZERO   ring "-DBATCHES -DHEIRS=1 -DLINES=3 -DLIMIT=7 -DLOOKS=1 -DNO_LATEST"
	fails CLAIM_AFTER_PAYLOAD   ring "$small"
	fails CLAIM_BLOCK_ONLY      ring "$small"
	fails NO_LOOK_AT_ZERO       ring "$small"
	fails NO_LOOK_AFTER_COPY    ring "$small"
	fails NO_LOOK_AFTER_ENTRY   ring "$small"
	fails NO_LOOK_AFTER_WALK    ring "-DBLOCKS=2 -DLIMIT=7 -DLOOKS=1"
	fails STATE_AFTER_LOOKS     ring "$small"
	fails NO_HEADER_AFTER_STATE ring "$small"
	fails LOOK_BEFORE_HEADER    ring "$small"
	fails NO_LOOK_AT_END        ring "$small"
	fails NO_TIME_FRAME         ring "-DHEIRS=1 -DLIMIT=7 -DLOOKS=1 -DNO_LATEST"
	fails BATCH_FIRST_FIRST     ring "-DBATCHES $small"
	fails BATCH_WITHOUT_ZERO    ring "-DBATCHES $small"
	fails CLAIM_WITHOUT_ZERO    ring "-DCLAIMS $small"
	fails RENEW_AFTER_HEADER    ring "-DCLAIMS -DAGING $small"
	fails ENTRY_TIME_AT_JOIN    ring "-DCLAIMS -DAGING $small"
	fails GATE_WITHOUT_LINE     ring "$gate -DLIMIT=9"
	fails LIMIT_TO_THE_LINE     ring "$gate -DLIMIT=9 -DDEATHS=1"
	fails LIMIT_AT_BLOCK_END    ring "$gate -DLIMIT=9 -DDEATHS=1"
	fails PAD_BEFORE_GATES      ring "$gate -DLIMIT=9"
	fails POS_BEFORE_SEQ        ring "$gate -DLIMIT=9 -DDEATHS=1 -DHEIRS=1 -DNO_EARLY_CLOSE"
	fails CURSOR_BEFORE_READ    ring "$gate -DLIMIT=5 -DDEATHS=1"
	fails NO_DONE               ring "$gate -DLIMIT=9 -DHEIRS=1 -DNO_EARLY_CLOSE"
	fails DEMOTE_AFTER_CLAIM    ring "$gate -DLIMIT=9 -DDEMOTING"
	fails FROM_AFTER_STATE      ring "$named -DLIMIT=9 -DADDING -DNO_LATEST -DHEIRS=1"
	fails SLOT_BEFORE_PLACE     ring "$named -DLIMIT=9 -DADDING -DNO_LATEST"
	fails LOOK_BEFORE_WAKE_WORD sleep "-DLIMIT=1"
	fails WAIT_UNCOMPARED       sleep "-DLIMIT=1"
	fails NO_LOOK_AT_CLAIMED    sleep "-DLIMIT=5"
	fails WAIT_ON_HEADER        sleep "-DLIMIT=4"
	fails ADD_BEFORE_LOOK       sleep "-DLIMIT=1"
	fails WAKE_ONE              sleep "-DLIMIT=1 -DHEIRS=1 -DWAKERS=0 -DSLEEPERS=2"
	fails NO_WAKE_AT_START      sleep "-DLIMIT=1"
	fails WAKE_BEFORE_JOIN      sleep "-DLIMIT=1"
	fails STATE_NOT_WATCHED     sleep "-DLIMIT=1 -DHEIRS=1"
	fails UNLOCK_AFTER_WAKE     sleep "-DLIMIT=1 -DLEAVING"
	fails WAKE_BEFORE_STATE     sleep "-DLIMIT=1 -DHEIRS=1 -DWAKERS=0"
	fails FLAG_WITHOUT_FENCE    sleep "-DLIMIT=1 -DWAKERS=0"
}

# build NAME MODEL SPIN-FLAGS GCC-FLAGS
build() {
	mkdir "$dir/$1" && cd "$dir/$1" && cp "$here"/*.pml . &&
		spin -a $3 $2.pml >spin.out 2>&1 &&
		gcc -w -DSAFETY -DMEMLIM=$mem $4 -o pan pan.c >gcc.out 2>&1
}

row() { printf '%-22s %11s %6s %11s %8s  %-7s %-10s %s\n' "$@"; }

# check NAME EXPECTED MODEL SPIN-FLAGS GCC-FLAGS: one row of the table
check() {
	local verdict=error ok=ok states depth seconds exhaustive=no
	if build "$1" "$3" "$4" "$5"; then
		./pan -m300000 >out 2>&1
		if grep -q 'errors: 0' out && ! grep -qE 'too small|out of memory|MEMLIM|not completed' out; then
			verdict=holds exhaustive=yes
		elif grep -qE 'assertion violated|invalid end state' out && grep -q 'errors: 1' out; then
			verdict=fails
			[[ $4 != *PROBE* ]] || verdict=occurs
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
	row "$1" "${states:--}" "${depth:--}" $exhaustive "${seconds:-0}" $verdict $ok "$3.pml $4"
	rm -rf "$dir/$1"
}

start() {
	[[ $1 =~ $only ]] || return 0
	while [ "$(jobs -rp | wc -l)" -ge "$jobs" ]; do wait -n; done
	check "$@" &
}

if [ $mode = trace ]; then
	found=
	fails() {
		[ "$1" = "$name" ] || return 0
		found=1
		build "$1" "$2" "-D$1 $3" "-O0 -DBFS" && ./pan >out 2>&1
		spin -t -p -D$1 $3 $2.pml | grep -vE 'Starting|\(run|\(1\)|goto|break'
	}
	name=${2:-}
	wrong
	[ "$found" ] && exit 0
	echo "run.sh trace: no wrong order is called \"$name\"; one of:" >&2
	fails() { echo "  $1" >&2; }
	wrong
	exit 2
fi

# To compile a search takes longer than most searches.
holds() { start "$1" holds "$2" "$3" "-Og -DCOLLAPSE"; }
# Breadth first: the depth is that of the shortest counterexample.
fails() { start "$1" fails "$2" "-D$1 $3" "-O0 -DBFS"; }
occurs() { start "$1" occurs "$2" "$3" "-O0 -DBFS"; }

row search states depth exhaustive seconds verdict "" flags
searches
wait
if [ -e "$dir/unexpected" ]; then
	echo "model: something is not as expected" >&2
	exit 1
fi
echo "model: all as expected"
