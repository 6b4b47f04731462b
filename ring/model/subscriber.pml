/* A subscriber: read.go, join.go, subfile.go. Those with a number below FILES have a
 * name and a file, and who comes after their death goes on from it; those with a
 * number below GATES are gates from the ring's first day. The others are pure readers.
 */

/* overrun, with k just loaded. */
#define OVERRUN(pos) (k > (pos)+CAPACITY)
#define FORGET k = 0; h = 0; a = 0; b = 0; c = 0; st = LIVE
#define MAX(x, y) ((x) > (y) -> (x) : (y))

/* Everything that was committed has been read. */
#define ALL_READ (pos == g_head && next == g_seq)

/* readEntry, for its number. The code loads the time as well and has no use for it yet. */
#ifdef ENTRY_TIME_AT_JOIN
#define READ_ENTRY a = entrySeq[PLACE(start)]; b = entryStamp[PLACE(start)]
#define STAND pos = start; end = start+LINES; next = a; anchor = b
#else
#define READ_ENTRY a = entrySeq[PLACE(start)]
#define STAND pos = start; end = start; next = a
#endif

#ifdef COUNT
#define COUNTED(x) x
#else
#define COUNTED(x)
#endif

/* A store into the subscriber's own file, after which it may be dead. */
#if FILES > 0
#define NAMED (id < FILES)
#if DEATHS > 0
#define OWN_STORE(x) atomic { x; if :: true :: g_deaths < DEATHS -> g_deaths++; goto died fi }
#else
#define OWN_STORE(x) atomic { x }
#endif
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
	goto Empty
}

inline isClosed() {
	assert(g_still);           /* the end: everything was read */
	REACHED(6, anchor >> 6 == 2);
#ifdef COUNT
	assert(g_first + g_delivered + g_lost + g_skipped == next);
#endif
	g_still = 0;
	goto Empty
}

inline judge() {
	if
	:: st == LIVE   -> isEmpty()
	:: st == CLOSED -> isClosed()
	fi
}

/* What is loaded of a message. */
inline copyOut() {
	a = rest[AT(pos)];
	if
	:: atomic { KIND(h) == TWO -> b = rest[AT(pos+1)]; c = word[AT(pos+1)] }
	:: KIND(h) == ONE
	fi
}

#define SIZE(h) (KIND(h) == ONE -> 1 : 2)

#ifdef BATCH_READS
inline copyAhead() {
	a = rest[AT(pos+ahead)];
	if
	:: atomic { KIND(h) == TWO -> b = rest[AT(pos+ahead+1)]; c = word[AT(pos+ahead+1)] }
	:: KIND(h) == ONE
	fi
}
#endif

proctype Subscriber(byte id) {
	byte pos, end, next, want, anchor;
	short h, c;
	byte k, a, b, start, n;
	byte g_from;                   /* joinLatest: g_seq when it was called */
	bit st;                        /* the state as it was loaded */
	bit g_still;                   /* that 0 was the head, and all before it was read */
#if FILES > 0
	byte due;                      /* after joining: the first message that is not to be missed */
	byte low;                      /* joinSeq: the oldest block */
	bit opened;
	byte g_due;                    /* the first message that was neither delivered nor told as lost */
	byte g_hand;                   /* the first of those in hand, which may come again */
#endif
#ifdef BATCH_READS
	byte ahead, more;              /* lines and messages that were copied and not looked at */
	bit bad;                       /* and whether one of them is not what it should be */
#endif
#ifdef COUNT
	byte g_first, g_delivered, g_lost, g_skipped;
#endif

#if FILES > 0
	if
	:: NAMED -> goto open
	:: else
	fi;
#endif
fresh:
	if
	:: goto joinOldest
#ifndef NO_LATEST
	:: goto joinLatest
#endif
	fi;

Next:                          /* frameHeader */
#if FILES > 0 && DEATHS > 0
	if
	:: atomic { NAMED && g_deaths < DEATHS -> g_deaths++; goto died } /* with a message in hand */
	:: true
	fi;
#endif
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
#ifdef CURSOR_BEFORE_READ
	if
	:: atomic { NAMED && next >= want && (KIND(h) == ONE || KIND(h) == TWO) ->
		cursorSeq[id] = next+1; if :: true :: g_deaths < DEATHS -> g_deaths++; goto died fi }
	:: else
	fi;
#endif
#ifdef BATCH_READS
	if
	:: (KIND(h) == ONE || KIND(h) == TWO) && next >= want -> goto nextBatch
	:: else
	fi;
#endif
	if
	:: KIND(h) == PAD
	:: KIND(h) == TIME -> a = rest[AT(pos)]
	:: KIND(h) == TWO && pos+2 > end          /* rubbish: nothing is copied */
	:: (KIND(h) == ONE || KIND(h) == TWO && pos+2 <= end) && next < want
#ifdef VIEWS
	:: (KIND(h) == ONE || KIND(h) == TWO && pos+2 <= end) && next >= want
#else
	:: KIND(h) == ONE && next >= want -> copyOut()
	:: KIND(h) == TWO && pos+2 <= end && next >= want -> copyOut()
#endif
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
			pos = pos + SIZE(h); next++;
			COUNTED(g_skipped++)
		:: (KIND(h) == ONE || KIND(h) == TWO) && next >= want ->
			assert(KIND(h) == ONE || pos+2 <= end); /* else corrupt: does not fit */
			goto account
		fi;
		assert(next <= g_seq);
		FORGET;
		goto Next
	}

account:                       /* the message is the one in hand: the cursor is at it */
#if FILES > 0
	if
	:: NAMED ->
#ifdef POS_BEFORE_SEQ
		OWN_STORE(cursorPos[id] = pos);
		OWN_STORE(cursorSeq[id] = next)
#else
		OWN_STORE(cursorSeq[id] = next);
		OWN_STORE(cursorPos[id] = pos)
#endif
	:: else
	fi;
#endif
#ifdef VIEWS
	copyOut();                     /* by the caller, where it lies */
	atomic {                       /* Valid */
		k = claimed;
		if
		:: OVERRUN(pos) -> goto lapped
		:: else
		fi
	}
#endif
	atomic {                       /* delivered */
		assert(NUMBER(a) == next);        /* whole, ours, next */
		assert(KIND(h) == ONE || b == a && c == SEEMS(LOOK(a)));
		assert(STAMP(h) == anchor);       /* and dated from where its stamp counts */
#if FILES > 0
		if
		:: NAMED ->
			assert(g_hand <= next && next <= g_due);
			REACHED(15, next < g_due);
			g_due = next+1; g_hand = next
		:: else
		fi;
#endif
		pos = pos + SIZE(h); next++;
		COUNTED(g_delivered++);
		REACHED(1, want > 0 && KIND(h) == TWO);
		assert(next <= g_seq);
		FORGET;
		goto Next
	}

#ifdef BATCH_READS
nextBatch:                     /* several messages, and then one look at claimed for all */
	if
	:: pos+ahead+SIZE(h) > end -> goto enough /* rubbish: nothing is copied */
	:: else -> copyAhead()
	fi;
	atomic {
		bad = bad || NUMBER(a) != next+more || KIND(h) == TWO && (b != a || c != SEEMS(LOOK(a))) || STAMP(h) != anchor;
		ahead = ahead+SIZE(h); more++;
		FORGET;
		if
		:: pos+ahead < end
		:: goto enough
		fi
	}
	atomic {
		h = word[AT(pos+ahead)];
		if
		:: KIND(h) == ONE || KIND(h) == TWO -> goto nextBatch
		:: else
		fi
	}
enough:
	atomic {
		k = claimed;
		if
		:: OVERRUN(pos) -> ahead = 0; more = 0; bad = 0; goto lapped
		:: else
		fi;
		assert(more > 0 && !bad && pos+ahead <= g_head && next+more <= g_seq);
		REACHED(9, more > 1);
		h = 0
	}
#if FILES > 0
	if
	:: NAMED -> OWN_STORE(cursorSeq[id] = next); OWN_STORE(cursorPos[id] = pos)
	:: else
	fi;
#endif
	atomic {                       /* delivered */
#if FILES > 0
		if
		:: NAMED -> assert(g_hand <= next && next <= g_due); g_due = next+more; g_hand = next
		:: else
		fi;
#endif
		pos = pos+ahead; next = next+more;
		ahead = 0; more = 0;
		FORGET;
		goto Next
	}
#endif

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

Empty:                         /* Empty, or Closed */
#if FILES > 0
	if
	:: NAMED ->                        /* done: the message in hand is done with */
#ifndef NO_DONE
		if
		:: cursorSeq[id] == MAX(next, want) && cursorPos[id] == pos
		:: else ->
			OWN_STORE(cursorSeq[id] = MAX(next, want));
			OWN_STORE(cursorPos[id] = pos);
			atomic { st = LIVE; goto Next }
		fi
#endif
	:: else
	fi;
#endif
	if
	:: st == LIVE -> goto poll
	:: st == CLOSED -> goto end_closed
	fi;

	/* To poll and find the same again leads back to the same; so it waits here until
	 * there is something else to be found. Then a deadlock is a deadlock. */
poll:
	atomic { word[AT(pos)] != NONE || claimed > pos+CAPACITY || state != LIVE -> goto Next }
end_closed:                    /* a publisher may come back */
	atomic { word[AT(pos)] != NONE || claimed > pos+CAPACITY || state != CLOSED -> st = LIVE; goto Next }

lapped:
	atomic {
		FORGET; REACHED(2, true);
#if FILES > 0
		if
		:: NAMED ->
			due = MAX(next, want);
#ifndef ADDING
			assert(gateState[id] != HOLDING);  /* a gate never is */
			REACHED(12, gateState[id] == DEMOTED);
#endif
		:: else
		fi
#endif
	}
#ifdef SLOT_BEFORE_PLACE
	if
	:: atomic { NAMED && gateState[id] == HOLDING -> want = MAX(due, fromSeq[id]); goto joinSeq }
	:: else
	fi;
#endif

joinOldest:                    /* with any margin: by any policy of re-entry */
	atomic {
		k = claimed;
		start = OLDEST(k);
		do
		:: start < NEWEST(k) -> start = start+LINES
		:: break
		od;
		k = 0
	}
	READ_ENTRY;
	atomic {
		k = claimed;
#ifndef NO_LOOK_AFTER_ENTRY
		if
		:: OVERRUN(start) -> FORGET; start = 0; goto joinOldest
		:: else
		fi;
#endif
		assert(a >= next);            /* never back */
#ifdef COUNT
		if
		:: next == 0 -> g_first = a
		:: else -> g_lost = g_lost + a - next
		fi;
#endif
		STAND;
		FORGET; start = 0;
#if FILES > 0
		if
		:: NAMED -> want = 0; goto joined
		:: else
		fi;
#endif
		goto Next
	}

joinLatest:
	g_from = g_seq;
latest:
	atomic { k = claimed; start = NEWEST(k); k = 0 }
	READ_ENTRY;
	atomic {
		k = claimed;
#ifndef NO_LOOK_AFTER_ENTRY
		if
		:: OVERRUN(start) -> FORGET; start = 0; goto latest
		:: else
		fi;
#endif
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
		STAND;
		want = a+n;                           /* skipTo(floor) */
		assert(g_from <= want && want <= g_seq);
		COUNTED(g_first = a);
		FORGET; start = 0; n = 0; g_from = 0;
#if FILES > 0
		if
		:: NAMED -> goto joined
		:: else
		fi;
#endif
		goto Next
	}

#if FILES > 0
died:                          /* the next owner of the name knows what is in its file */
	atomic {
		FORGET; pos = 0; end = 0; next = 0; want = 0; anchor = 0;
		start = 0; low = 0; n = 0; g_from = 0; g_still = 0; due = 0; opened = 0;
#ifdef BATCH_READS
		ahead = 0; more = 0
#endif
	}
open:
	atomic {
		made[id] = 1;
		due = cursorSeq[id];
		assert(g_hand <= due && (due <= g_due || g_due == 0)); /* none is passed over, only those in hand come twice */
		want = due;                /* 0, but a gate: all that there is */
		if
		:: due == 0 && gateState[id] != HOLDING -> goto fresh
		:: else
		fi
	}

joinSeq:                       /* back from the newest block to the one that want is in */
	atomic { k = claimed; start = NEWEST(k); low = OLDEST(k); k = 0 }
back:
	READ_ENTRY;
	atomic {
		k = claimed;
		if
		:: OVERRUN(start) -> FORGET; start = 0; goto joinSeq
		:: else
		fi;
		if
		:: a > want && start > low -> FORGET; start = start-LINES; goto back
		:: else
		fi;
		STAND;
		FORGET; start = 0; low = 0
	}

joined:                        /* keepGate: the slot is looked at when the place is chosen */
#ifndef SLOT_BEFORE_PLACE
	atomic {
		if
		:: gateState[id] == HOLDING && MAX(next, want) > MAX(due, fromSeq[id]) ->
			assert(want != MAX(due, fromSeq[id])); /* the gate has lost messages */
			want = MAX(due, fromSeq[id]);
			goto joinSeq
		:: else
		fi
	}
#endif
	if
	:: !opened ->                  /* done, by enter */
		OWN_STORE(cursorSeq[id] = (due > 0 && next > due -> due : MAX(next, want)));
		OWN_STORE(cursorPos[id] = pos);
		opened = 1
	:: opened && next > due ->     /* arrived */
		OWN_STORE(cursorSeq[id] = due)
	:: opened && next <= due
	fi;
	atomic {                       /* what is missing is told */
		REACHED(13, due > 0 && next > due);
		REACHED(14, due > 0 && next <= due && gateState[id] == HOLDING && claimed > CAPACITY);
		assert(gateState[id] != HOLDING || MAX(next, want) <= MAX(due, fromSeq[id]));
		g_due = MAX(g_due, MAX(next, want));
		due = 0;
		goto Next
	}
#endif
}
