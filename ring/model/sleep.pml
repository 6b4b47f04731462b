/* Edge "sleep" of ../protocol.go: subscribers that sleep on the ring's wake word until
 * a waker, which follows the ring as they do, has seen something for them. sleeper.go and
 * waker.go are the code; README.md says what is modelled and how to run it.
 *
 * Memory is that of a processor that keeps its stores in a buffer for a while (total
 * store order): what the publisher commits goes into the buffer, and from there into
 * memory, in that order, sometime. A locked instruction (XCHG, LOCK ADD) waits until the
 * buffer is empty. Loads are done in program order, each a step.
 *
 * Frames are of one line, and reading them is one step: ring.pml looks at that more
 * closely. Nobody polls here: to look again at what has not changed leads nowhere, so
 * each waits until something has. When nobody can go on, everybody must have seen all
 * that there is to see. That is what the onlooker looks at.
 */

#ifndef LIMIT
#define LIMIT 5     /* lines that are published, all together */
#endif
#ifndef SLEEPERS
#define SLEEPERS 1
#endif
#ifndef WAKERS
#define WAKERS 1
#endif
#ifndef KILLS
#define KILLS 0     /* of wakers; another one begins after each */
#endif
#ifndef HEIRS
#define HEIRS 0     /* publishers after the first, each after a kill or a close */
#endif

#define LINES     2 /* of a block */
#define CAPACITY  4
#define AT(pos)   ((pos) % CAPACITY)
#define NEWEST(k) ((k) - 1 - LINES)

/* Memory: what is in the ring's file. */
bit  word[CAPACITY];      /* the headers */
byte claimed = LINES+1;
#define LIVE    0
#define CLOSED  1
#define UNKNOWN 2
byte state;

/* The wake word. All that is ever asked of its value is whether it is still what it was
 * when a sleeper loaded it, so that is what is kept of it. It does not go around. */
bit same[SLEEPERS];
bit sameAsked[SLEEPERS];  /* ... and since that sleeper asked for a waker */

/* What the kernel knows: who is in the queue of the wake word (or of a header), and
 * whether a waker holds its byte of the file locked. */
byte asleep[SLEEPERS];
byte wakerByte;

/* What the publisher has committed and is yet to come into memory: positions. */
chan buffer = [3] of { byte };
#define LOCKED empty(buffer) ->

#if defined(FLAG_WITHOUT_FENCE) || defined(FLAG_WITH_FENCE)
byte flag;                /* how many sleep or are about to, if the publisher had to ask */
#endif

byte pos[SLEEPERS];       /* all before it was read */
byte saw[SLEEPERS];       /* the state that was reported */
byte g_head;              /* all before it is in memory */
byte g_kills;

#ifdef PROBE
#define REACHED(n, case) assert(PROBE != n || !(case))
#else
#define REACHED(n, case) skip
#endif

/* The processor of the publisher takes the 0 behind the frame and its header out of the
 * buffer. */
proctype Processor() {
	byte from;
end:
	do
	:: atomic { buffer?from -> word[AT(from+1)] = 0; word[AT(from)] = 1; g_head = from+1; from = 0 }
	od
}

/* add: 1 to wake, a locked instruction. */
inline add() {
	i = 0;
	do
	:: i < SLEEPERS -> same[i] = 0; sameAsked[i] = 0; i++
	:: else -> i = 0; break
	od
}

/* futexWake: all, under the lock under which FUTEX_WAIT compares and queues. */
inline futexWake() {
	i = 0;
	do
	:: i < SLEEPERS && asleep[i] > 0 -> asleep[i] = 0;
#ifdef WAKE_ONE
		break
#endif
	:: i < SLEEPERS && asleep[i] == 0 -> i++
	:: i == SLEEPERS -> break
	od;
	i = 0
}

#ifdef WAIT_ON_HEADER
inline futexWakeOn(header) {
	i = 0;
	do
	:: i < SLEEPERS && asleep[i] == header -> asleep[i] = 0
	:: i < SLEEPERS && asleep[i] != header -> i++
	:: i == SLEEPERS -> break
	od
}
#endif

/* ---- the publisher: publish.go, publisher.go ---- */

#if HEIRS > 0
#define MAY_DIE if :: true :: life < HEIRS -> goto killed fi
#else
#define MAY_DIE skip
#endif

/* changeState: at the beginning and at the end of a publisher. */
inline changeState(to) {
#ifndef WAKE_BEFORE_STATE
	atomic { LOCKED state = to; MAY_DIE };          /* setState */
#endif
	atomic { LOCKED add(); MAY_DIE };               /* wakeSleepers */
	atomic { futexWake(); MAY_DIE }
#ifdef WAKE_BEFORE_STATE
	atomic { LOCKED state = to; MAY_DIE }
#endif
}

proctype Publisher() {
	byte at, life, i;

publish:
	if
	:: at == LIMIT -> goto close
	:: at == LIMIT -> goto gone    /* it lives, and has nothing to say any more */
	:: at < LIMIT && life < HEIRS -> goto close
	:: at < LIMIT
	fi;
	if
	:: at > 0 && at % LINES == 0 -> atomic { LOCKED claimed = at+LINES+1; MAY_DIE } /* enter */
	:: else
	fi;
	atomic { buffer!at; at++; MAY_DIE }             /* commit */
#if defined(FLAG_WITHOUT_FENCE) || defined(FLAG_WITH_FENCE)
	/* As it is not done: the publisher looks whether somebody sleeps. */
#ifdef FLAG_WITH_FENCE
	empty(buffer);
#endif
	if
	:: flag > 0 ->
		atomic { LOCKED add() };
		atomic { futexWake() }
	:: flag == 0
	fi;
#endif
	goto publish;

close:
	changeState(CLOSED);
#if HEIRS > 0
	if
	:: life < HEIRS
	:: goto gone
	fi;
killed:
	atomic { life++; i = 0 }
#if WAKERS > 0
	if
	:: goto gone                   /* nobody comes after it */
	:: true
	fi;
#endif
	atomic { empty(buffer) -> at = g_head }
	changeState(LIVE);             /* announce */
	goto publish;
#endif
gone:
	skip
}

/* ---- the waker: waker.go ---- */

#if KILLS > 0
#define MAY_KILL if :: true :: g_kills < KILLS -> g_kills++; goto killed fi
#else
#define MAY_KILL skip
#endif

/* wakeAll: a locked add is after all loads that had the news. */
inline wakeAll() {
	atomic { add(); MAY_KILL }
	atomic { futexWake(); MAY_KILL }
}

inline rejoin() {
	claim = claimed; at = NEWEST(claim)
}

#ifdef STATE_NOT_WATCHED
#define WATCHED state
#else
#define WATCHED last
#endif

/* seek: to the head, without a word. */
inline seek() {
	atomic {
		rejoin(); last = state;
		do
		:: word[AT(at)] != 0 -> at++
		:: else -> break
		od
	}
}

proctype Waker() {
	byte at, claim, i;
	byte last = UNKNOWN;           /* the state, at the last look */
	bit news;

begin:
	atomic { wakerByte++; MAY_KILL }                /* mark */
#if defined(WAKE_BEFORE_JOIN)
	wakeAll();
	seek();
#elif defined(NO_WAKE_AT_START)
	seek();
#else
	atomic { rejoin() }
	wakeAll();
#endif

look:                          /* news */
#ifdef ADD_BEFORE_LOOK
	atomic { add() }
#endif
#ifndef STATE_NOT_WATCHED
	atomic {
		if
		:: state != last -> last = state; news = 1
		:: else
		fi
	}
#endif
	atomic {
		if
		:: claimed != claim -> rejoin(); news = 1
		:: else
		fi
	}
frame:
	atomic { i = word[AT(at)] }    /* frameHeader */
	atomic {                       /* overrun */
		if
		:: claimed > at+CAPACITY -> rejoin(); news = 1; i = 0; goto judge
		:: claimed <= at+CAPACITY && i == 0 -> goto judge
		:: claimed <= at+CAPACITY && i == 1 ->
#ifdef WAIT_ON_HEADER
			futexWakeOn(AT(at)+1); i = 0; at++
#else
			news = 1; i = 0; at++
#endif
		fi;
		if
		:: goto frame
		:: goto judge              /* so much for now: somebody is to be woken */
		fi
	}
judge:
	if
	:: news ->
		news = 0;
#ifdef ADD_BEFORE_LOOK
		atomic { futexWake() }
#else
		wakeAll();
#endif
		goto look
	:: else
	fi;
end_idle:
	if
	:: atomic { state != WATCHED || claimed != claim || word[AT(at)] != 0 -> goto look }
#ifdef LEAVING
	:: goto leave
#endif
	fi;

#ifdef LEAVING
leave:                         /* as when its context is done */
#ifdef UNLOCK_AFTER_WAKE
	wakeAll();
	atomic { wakerByte-- }
#else
	atomic { wakerByte--; MAY_KILL }
	wakeAll();
#endif
	goto gone;
#endif

#if KILLS > 0
killed:                        /* the kernel drops its lock; somebody starts another one */
	atomic {
		at = 0; claim = 0; i = 0; news = 0; last = UNKNOWN;
		if
		:: wakerByte > 0 -> wakerByte--
		:: else
		fi;
		goto begin
	}
#endif
gone:
	skip
}

/* ---- a sleeper: sleeper.go, wakes and quiet of protocol.go ---- */

#if defined(FLAG_WITHOUT_FENCE) || defined(FLAG_WITH_FENCE)
#define FLAG(x) x
#else
#define FLAG(x) skip
#endif

proctype Sleeper(byte me) {
	bit watched;                   /* whether there was a waker when it last asked */

	FLAG(flag++);
Next:                          /* until it finds nothing */
	atomic {
		FLAG(flag--);
		do
		:: claimed > pos[me]+CAPACITY -> pos[me] = NEWEST(claimed); REACHED(1, true)
		:: claimed <= pos[me]+CAPACITY && word[AT(pos[me])] != 0 -> pos[me]++
		:: else -> break
		od;
		saw[me] = state;
		FLAG(flag++)
	}

#ifndef LOOK_BEFORE_WAKE_WORD
	same[me] = 1;                  /* wakes */
#endif
	atomic {                       /* quiet: the state */
		if
		:: state != saw[me] -> goto Next
		:: else
		fi
	}
	atomic {                       /* the header */
		if
		:: word[AT(pos[me])] != 0 -> REACHED(2, true); goto Next
		:: else
		fi
	}
#ifndef NO_LOOK_AT_CLAIMED
	atomic {                       /* claimed */
		if
		:: claimed > pos[me]+CAPACITY -> REACHED(3, true); goto Next
		:: else
		fi
	}
#endif
#ifdef LOOK_BEFORE_WAKE_WORD
	same[me] = 1;
#endif
	atomic {                       /* hasWaker: asked anew when the word has changed */
		if
		:: !sameAsked[me] -> watched = (wakerByte > 0); sameAsked[me] = same[me]
		:: else
		fi;
		FLAG(watched = 1);
		if
		:: !watched && saw[me] == LIVE -> goto end_pause
		:: else
		fi
	}
	atomic {                       /* FUTEX_WAIT: compares and queues */
		if
#if defined(WAIT_UNCOMPARED)
		:: asleep[me] = 1
#elif defined(WAIT_ON_HEADER)
		:: word[AT(pos[me])] != 0 -> goto Next
		:: word[AT(pos[me])] == 0 -> asleep[me] = AT(pos[me])+1
#else
		:: !same[me] -> REACHED(4, true); goto Next
		:: same[me] -> asleep[me] = 1
#endif
		fi
	}
end_sleep:
	atomic { asleep[me] == 0 -> goto Next }

end_pause:                     /* nobody may come: it sleeps for a millisecond at most */
	atomic { state != saw[me] || word[AT(pos[me])] != 0 || claimed > pos[me]+CAPACITY || wakerByte > 0 -> goto Next }
}

/* When nobody can go on, everything that is in memory was seen. */
proctype Onlooker() {
	byte i;
	atomic {
		timeout ->
		do
		:: i < SLEEPERS -> assert(pos[i] == g_head && saw[i] == state); i++
		:: else -> break
		od
	}
}

init {
	byte i;
	atomic {
		run Processor();
		run Publisher();
		do
		:: i < WAKERS -> run Waker(); i++
		:: else -> i = 0; break
		od;
		do
		:: i < SLEEPERS -> run Sleeper(i); i++
		:: else -> i = 0; break
		od;
		run Onlooker()
	}
}
