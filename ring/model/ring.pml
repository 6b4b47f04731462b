/* The protocol of ../protocol.go between one publisher, killed and succeeded at any
 * store, and one subscriber. README.md says what is modelled and how to run it.
 *
 * The unit of position is the line of 64 bytes. A line is two cells: word[], its
 * first 8 bytes, where a frame's header goes, and rest[], the other 56. Steps bear
 * the names of the functions they model. Every store of the publisher is a step, and
 * so is every load of the subscriber; what lies between is done with the step before.
 * The publisher reads nothing that a subscriber writes, so one subscriber stands for
 * any number.
 *
 * Names that begin with g_ are the onlooker's: no step depends on them.
 */

#ifndef BLOCKS
#define BLOCKS 3  /* of the ring; a successor needs 3: findHead looks at two whole ones */
#endif
#ifndef LINES
#define LINES 2   /* of a block */
#endif
#ifndef LIMIT
#define LIMIT 13  /* lines after which the publisher closes for good; 28 at most */
#endif
#ifndef HEIRS
#define HEIRS 0   /* publishers after the first, each after a kill or a close; 2 at most */
#endif
#ifndef LOOKS
#define LOOKS 3   /* what a second line may look like: 0, a pad, a frame of one line, */
#endif            /* a frame of two lines, a time frame: the first LOOKS of these     */

#define CAPACITY   (BLOCKS*LINES)
#define AT(pos)    ((pos) % CAPACITY)
#define PLACE(pos) (((pos)/LINES) % BLOCKS)

/* Frames. A header is its kind and, above that, what its stamp counts from. */
#define NONE 0
#define PAD  1
#define ONE  2
#define TWO  3
#define TIME 4
#define KIND(h)   ((h) & 7)
#define STAMP(h)  ((h) >> 3)
#define HEADER(kind, from) ((kind) | ((from) << 3))

/* What a second line that was made with look l has where a header would be. */
#define SEEMS(l)  ((l)==0 -> NONE : ((l)==1 -> PAD : ((l)==2 -> ONE : ((l)==3 -> TWO : TIME))))

/* A full time, told apart from all others: who wrote it, where, and as what. */
#define MOMENT(life, timeframe, pos) (((life) << 6) | ((timeframe) << 5) | (pos))
#define WHERE(moment) ((moment) & 31)

#ifdef CLAIM_BLOCK_ONLY
#define EXTRA 0
#else
#define EXTRA 1
#endif
#define NEWEST(k) ((k) - EXTRA - LINES)
#define OLDEST(k) ((k) <= CAPACITY -> 0 : (((k) - CAPACITY + LINES - 1) / LINES) * LINES)

/* Shared: what is in the ring's file. */
short word[CAPACITY];
byte  rest[CAPACITY];
byte  entrySeq[BLOCKS], entryStamp[BLOCKS];
byte  claimed;
#define LIVE   0
#define CLOSED 1
bit   state;

byte  g_head;       /* position after the last frame that was committed */
byte  g_seq = 1;    /* number of the next message */

/* -DPROBE=n looks for a case that has to occur: finding it is an assertion violated. */
#ifdef PROBE
#define REACHED(n, case) assert(PROBE != n || !(case))
#else
#define REACHED(n, case) skip
#endif

/* One store of the publisher, after which it may be dead. */
#if HEIRS > 0
#define STORE(x) atomic { x; if :: true :: life < HEIRS -> goto killed fi }
#else
#define STORE(x) atomic { x }
#endif

/* walk counts the messages from pos, the start of a block, to the first 0 header or
 * the end of that block, when nobody is at work. */
inline walkAtRest(from) {
	at = from; n = 0;
	do
	:: at >= from+LINES -> break
	:: else ->
		if
		:: KIND(word[AT(at)]) == NONE -> break
		:: KIND(word[AT(at)]) == PAD  -> at = from+LINES
		:: KIND(word[AT(at)]) == TIME -> at++
		:: KIND(word[AT(at)]) == ONE  -> at++; n++
		:: KIND(word[AT(at)]) == TWO  -> at = at+2; n++; assert(at <= from+LINES)
		:: else -> assert(false)
		fi
	od
}

proctype Publisher() {
	byte pos, end = LINES, seq = 1;
	byte anchor;                   /* begin: MOMENT(0, 0, 0) */
	byte life, look, kind, size;
	byte n, at;
	bit resumed;

publish:
	if
	:: pos >= LIMIT -> goto close
	:: pos < LIMIT  -> skip          /* makeRoom */
#ifndef NO_EARLY_CLOSE
	:: pos < LIMIT && life < HEIRS -> goto close
#endif
	fi;
	if
	:: pos == end -> goto enter
	:: pos < end && resumed -> goto timeFrame
	:: pos < end && !resumed -> skip
#ifdef AGING
	/* The anchor is 2^32 ticks old. */
	:: pos < end && !resumed -> goto timeFrame
#endif
	fi;
	atomic {
		if
		:: kind = ONE; size = 1
		:: pos+2 <= end -> kind = TWO; size = 2; look = 0
#if LOOKS > 1
		:: pos+2 <= end -> kind = TWO; size = 2; look = 1
#endif
#if LOOKS > 2
		:: pos+2 <= end -> kind = TWO; size = 2; look = 2
#endif
#if LOOKS > 3
		:: pos+2 <= end -> kind = TWO; size = 2; look = 3
#endif
#if LOOKS > 4
		:: pos+2 <= end -> kind = TWO; size = 2; look = 4
#endif
		:: pos+2 > end -> kind = PAD; size = end - pos
		fi
	}

commit:                        /* kind, size and look say what */
#ifndef HEADER_BEFORE_ZERO
	STORE(word[AT(pos+size)] = NONE);
#endif
#ifdef HEADER_BEFORE_PAYLOAD
	STORE(word[AT(pos)] = HEADER(kind, anchor); g_head = pos+size; g_seq = g_seq + (kind == ONE || kind == TWO -> 1 : 0));
#endif
	if
	:: kind == ONE  -> STORE(rest[AT(pos)] = seq << 3)
	:: kind == TWO  -> STORE(rest[AT(pos)] = (seq << 3) | look);
	                   STORE(word[AT(pos+1)] = SEEMS(look); rest[AT(pos+1)] = (seq << 3) | look)
	:: kind == TIME -> STORE(rest[AT(pos)] = MOMENT(life, 1, pos))
	:: kind == PAD  -> skip
	fi;
#ifdef CLAIM_AFTER_PAYLOAD
	if
	:: claimed < end+EXTRA  -> STORE(claimed = end+EXTRA)
	:: else
	fi;
#endif
	atomic {
#ifndef HEADER_BEFORE_PAYLOAD
		word[AT(pos)] = HEADER(kind, (kind == TIME || kind == PAD -> 0 : anchor));
		g_head = pos+size;
		g_seq = g_seq + (kind == ONE || kind == TWO -> 1 : 0);
#endif
#if HEIRS > 0
		if :: true :: life < HEIRS -> goto killed fi;
#endif
#ifdef HEADER_BEFORE_ZERO
	}
	STORE(word[AT(pos+size)] = NONE);
	atomic {
#endif
		if
		:: kind == ONE || kind == TWO -> seq++
		:: kind == TIME -> anchor = MOMENT(life, 1, pos); resumed = 0
		:: else
		fi;
		pos = pos+size;
		kind = NONE; size = 0; look = 0;
		goto publish
	}

timeFrame:
	atomic { kind = TIME; size = 1; goto commit }

enter:
#ifdef PROBE
	REACHED(3, pos > 0 && WHERE(entryStamp[PLACE(pos)]) == pos && entryStamp[PLACE(pos)] >> 6 != life);
#endif
#if defined(CLAIM_AFTER_PAYLOAD)
	STORE(entrySeq[PLACE(pos)] = seq);
	STORE(entryStamp[PLACE(pos)] = MOMENT(life, 0, pos));
#elif defined(CLAIM_BEFORE_ENTRY)
	STORE(claimed = pos+LINES+EXTRA);
	STORE(entrySeq[PLACE(pos)] = seq);
	STORE(entryStamp[PLACE(pos)] = MOMENT(life, 0, pos));
#else
	STORE(entrySeq[PLACE(pos)] = seq);
	STORE(entryStamp[PLACE(pos)] = MOMENT(life, 0, pos));
	STORE(claimed = pos+LINES+EXTRA);
#endif
	atomic {
		end = pos+LINES;
		anchor = MOMENT(life, 0, pos);
#ifdef ENTRY_IS_ANCHOR
		resumed = 0;       /* the time frame that may be left out */
#endif
		goto publish
	}

close:                         /* setState(stateClosed) */
	atomic {
		state = CLOSED;
#if HEIRS > 0
		if
		:: life < HEIRS -> goto killed
		:: true -> goto gone
		fi
#else
		goto gone
#endif
	}

#if HEIRS > 0
killed:                        /* findHead, by the successor: it alone writes now, so one step */
	atomic {
		life++;
		kind = NONE; size = 0; look = 0; anchor = 0;
		assert((claimed - EXTRA) % LINES == 0);
		pos = NEWEST(claimed);
		end = pos+LINES;
		seq = entrySeq[PLACE(pos)];
		if
		:: pos > 0 ->
			walkAtRest(pos-LINES);
			assert(at == pos && entrySeq[PLACE(pos-LINES)] + n == seq)
		:: else
		fi;
		walkAtRest(pos);
		pos = at; seq = seq+n;
		at = 0; n = 0;
		assert(pos == g_head);     /* all that was committed and nothing else */
		assert(seq == g_seq);      /* numbers go on */
		resumed = 1;
#ifdef NO_TIME_FRAME
		resumed = 0; anchor = MOMENT(life, 0, pos);
#endif
	}
	/* resume */
	if
	:: pos < end && resumed ->
		STORE(word[AT(pos+1)] = NONE);
		STORE(rest[AT(pos)] = MOMENT(life, 1, pos));
		STORE(word[AT(pos)] = HEADER(TIME, 0); g_head = pos+1);
		atomic { anchor = MOMENT(life, 1, pos); resumed = 0; pos = pos+1 }
	:: else
	fi;
	STORE(state = LIVE);           /* announce */
	goto publish;
#endif
gone:
	skip
}

/* overrun, with k just loaded. */
#define OVERRUN(pos) (k > (pos)+CAPACITY)
#define FORGET k = 0; h = 0; a = 0; b = 0; c = 0; st = LIVE

/* Everything that was committed has been read. */
#define ALL_READ (pos == g_head && next == g_seq)

#ifdef COUNT
#define COUNTED(x) x
#else
#define COUNTED(x)
#endif

/* The steps after a header of 0, each a load and what follows from it. */

inline loadState() {           /* nextSlow */
	st = state;
#ifdef NO_HEADER_AFTER_STATE
	g_still = g_still && (st == LIVE || ALL_READ)
#endif
}

inline headerAgain() {         /* nextSlow: a frame has come, or a 0 to be judged by empty */
	h = word[AT(pos)];
	if
	:: h == NONE -> g_still = ALL_READ
	:: h != NONE ->
		REACHED(4, st == CLOSED);
		REACHED(7, st == CLOSED && state == LIVE);
		st = LIVE; g_still = 0;
		if
		:: pos == end -> goto readEntry
		:: pos != end -> goto frame
		fi
	fi
}

inline lookAtClaimed() {       /* empty */
	k = claimed;
	if
	:: OVERRUN(pos) -> REACHED(5, st == CLOSED); g_still = 0; goto lapped
	:: else -> k = 0
	fi
}

inline isEmpty() {
	assert(g_still);           /* nothing new, when the header was loaded */
	g_still = 0;
	goto Next
}

inline isClosed() {
	assert(g_still);           /* the end: everything was read */
	REACHED(6, anchor >> 6 == 2);
#ifdef COUNT
	assert(g_first + g_delivered + g_lost + g_skipped == next);
#endif
	st = LIVE; g_still = 0;
	goto ended
}

inline judge() {
	if
	:: st == LIVE   -> isEmpty()
	:: st == CLOSED -> isClosed()
	fi
}

proctype Subscriber() {
	byte pos, end, next, want, anchor;
	short h, c;
	byte k, a, b, start, n;
	byte g_from;                   /* joinLatest: g_seq when it was called */
	bit st;                        /* the state as it was loaded */
	bit g_still;                   /* that 0 was the head, and all before it was read */
#ifdef COUNT
	byte g_first, g_delivered, g_lost, g_skipped;
#endif

	if
	:: goto joinOldest
#ifndef NO_LATEST
	:: goto joinLatest
#endif
	fi;

Next:                          /* frameHeader */
	atomic {
		h = word[AT(pos)];
		if
		:: h == NONE ->
#if defined(NO_HEADER_AFTER_STATE) || defined(STATE_AFTER_LOOKS)
			g_still = ALL_READ;
#endif
			goto zero
		:: h != NONE && pos == end -> goto readEntry
		:: else -> goto frame
		fi
	}

readEntry:                     /* of the block that begins at pos */
	a = entrySeq[PLACE(pos)];
	b = entryStamp[PLACE(pos)];
	atomic {
		k = claimed;
#ifndef NO_LOOK_AFTER_ENTRY
		if
		:: OVERRUN(pos) -> goto lapped
		:: else
		fi;
#endif
		assert(k >= pos+LINES+EXTRA); /* else corrupt: a frame, but not claimed */
		assert(a == next);            /* else corrupt: begins with another number */
		assert(WHERE(b) == pos);      /* the entry belongs to its block */
		anchor = b;
		end = end+LINES;
		k = 0; a = 0; b = 0
	}

frame:
	if
	:: KIND(h) == PAD -> skip
	:: KIND(h) == TIME -> a = rest[AT(pos)]
	:: KIND(h) == TWO && pos+2 > end -> skip  /* rubbish: nothing is copied */
	:: (KIND(h) == ONE || KIND(h) == TWO && pos+2 <= end) && next < want -> skip
	:: KIND(h) == ONE && next >= want -> a = rest[AT(pos)]
	:: KIND(h) == TWO && pos+2 <= end && next >= want ->
		a = rest[AT(pos)];
		atomic { b = rest[AT(pos+1)]; c = word[AT(pos+1)] }
	fi;
	atomic {
#ifndef NO_LOOK_AFTER_COPY
		k = claimed;
		if
		:: OVERRUN(pos) -> goto lapped
		:: else
		fi;
#endif
		assert(pos < g_head);         /* else what was read is not a committed frame */
		if
		:: KIND(h) == PAD -> pos = end
		:: KIND(h) == TIME -> assert(WHERE(a) == pos); anchor = a; pos++
		:: (KIND(h) == ONE || KIND(h) == TWO) && next < want ->
			assert(KIND(h) == ONE || pos+2 <= end);
			pos = pos + (KIND(h) == ONE -> 1 : 2); next++;
			COUNTED(g_skipped++)
		:: KIND(h) == ONE && next >= want ->
			assert(a == next << 3);       /* whole, ours, next */
			assert(STAMP(h) == anchor);   /* and dated from where its stamp counts */
			pos++; next++;
			COUNTED(g_delivered++)
		:: KIND(h) == TWO && next >= want ->
			assert(pos+2 <= end);         /* else corrupt: does not fit */
			assert(a >> 3 == next && b == a && c == SEEMS(a & 7));
			assert(STAMP(h) == anchor);
			pos = pos+2; next++;
			COUNTED(g_delivered++);
			REACHED(1, want > 0)
		fi;
		assert(next <= g_seq);
		FORGET;
		goto Next
	}

zero:                          /* the state, the header again, claimed */
#if defined(STATE_AFTER_LOOKS)
	atomic { lookAtClaimed(); assert(g_still); g_still = 0 }
	atomic {
		loadState();
		if
		:: st == LIVE -> goto Next
		:: st == CLOSED
		fi
	}
	atomic { headerAgain(); isClosed() }
#elif defined(NO_HEADER_AFTER_STATE)
	atomic { loadState() }
	atomic { lookAtClaimed(); judge() }
#elif defined(LOOK_BEFORE_HEADER)
	atomic { loadState() }
	atomic { lookAtClaimed() }
	atomic { headerAgain(); judge() }
#else
	atomic { loadState() }
#if defined(NO_LOOK_AT_ZERO)
	atomic {
		headerAgain();
		if
		:: st == LIVE -> isEmpty()
		:: st == CLOSED
		fi
	}
#elif defined(NO_LOOK_AT_END)
	atomic {
		headerAgain();
		if
		:: st == LIVE
		:: st == CLOSED -> isClosed()
		fi
	}
#else
	atomic { headerAgain() }
#endif
	atomic { lookAtClaimed(); judge() }
#endif
ended:
	if
	:: goto Next                          /* a publisher may come back */
	:: goto left
	fi;

lapped:
	atomic { FORGET; REACHED(2, true) }

joinOldest:                    /* with any margin, which joinSeq needs as well */
	atomic {
		k = claimed;
		start = OLDEST(k);
		do
		:: start < NEWEST(k) -> start = start+LINES
		:: break
		od;
		k = 0
	}
	a = entrySeq[PLACE(start)];           /* readEntry */
	b = entryStamp[PLACE(start)];
	atomic {
		k = claimed;
#ifndef NO_LOOK_AFTER_ENTRY
		if
		:: OVERRUN(start) -> FORGET; start = 0; goto joinOldest
		:: else
		fi;
#endif
		assert(WHERE(b) == start);
		assert(a >= next);            /* never back */
#ifdef COUNT
		if
		:: next == 0 -> g_first = a
		:: else -> g_lost = g_lost + a - next
		fi;
#endif
		pos = start; end = start+LINES; next = a; anchor = b; /* stand */
		FORGET; start = 0;
		goto Next
	}

joinLatest:
	g_from = g_seq;
latest:
	atomic { k = claimed; start = NEWEST(k); k = 0 }
	a = entrySeq[PLACE(start)];           /* readEntry */
	b = entryStamp[PLACE(start)];
	atomic {
		k = claimed;
#ifndef NO_LOOK_AFTER_ENTRY
		if
		:: OVERRUN(start) -> FORGET; start = 0; goto latest
		:: else
		fi;
#endif
		assert(WHERE(b) == start);
		k = 0; pos = start; end = start+LINES
	}
	do                                    /* walk */
	:: pos < end -> atomic {
		h = word[AT(pos)];
		if
		:: KIND(h) == NONE -> h = 0; break
		:: KIND(h) == PAD  -> pos = end
		:: KIND(h) == TIME -> pos++
		:: KIND(h) == ONE  -> pos++; n++
		:: KIND(h) == TWO && pos+2 <= end -> pos = pos+2; n++
		:: KIND(h) == TWO && pos+2 >  end -> break
		fi;
		h = 0
		}
	:: pos >= end -> break
	od;
	atomic {
#ifndef NO_LOOK_AFTER_WALK
		k = claimed;
		if
		:: OVERRUN(start) -> FORGET; start = 0; n = 0; pos = 0; end = 0; goto latest
		:: else
		fi;
#endif
		assert(h == NONE);            /* else corrupt: does not fit */
		pos = start; next = a; anchor = b;    /* stand */
		want = a+n;                           /* skipTo(floor) */
		assert(g_from <= want && want <= g_seq);
		COUNTED(g_first = a);
		FORGET; start = 0; n = 0; g_from = 0;
		goto Next
	}
left:
	skip
}

init {
	atomic {
		/* build: the file has its name when block 0 is entered */
		entrySeq[0] = 1;
		claimed = LINES+EXTRA;
		run Publisher();
		run Subscriber()
	}
}
