/* The publisher: publish.go, head.go, gate.go. It lives in one process type; a
 * successor is the same process with another life, and with nothing in its memory
 * but what it finds in the ring's file. */

/* One store, after which the publisher may be dead. */
#if HEIRS > 0
#define MAY_DIE if :: true :: life < HEIRS -> goto killed fi
#else
#define MAY_DIE skip
#endif
#define STORE(x) atomic { x; MAY_DIE }

/* walkAtRest counts the messages from a block's start to the first 0 header or the end
 * of that block, when nobody is at work. */
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

/* chooseMessage: of one line or of two, and then what the second looks like. */
inline chooseMessage() {
	if
	:: kind = ONE; size = 1
#if LINES > 1
	:: kind = TWO; size = 2; look = 0
#endif
#if LOOKS > 1
	:: kind = TWO; size = 2; look = 1
#endif
#if LOOKS > 2
	:: kind = TWO; size = 2; look = 2
#endif
#if LOOKS > 3
	:: kind = TWO; size = 2; look = 3
#endif
#if LOOKS > 4
	:: kind = TWO; size = 2; look = 4
#endif
	fi
}

/* What a frame at a place is filled with. */
inline payload(place, what, number, seems) {
	if
	:: atomic { what == ONE -> rest[AT(place)] = PAYLOAD(number, 0); MAY_DIE }
	:: atomic { what == TWO -> rest[AT(place)] = PAYLOAD(number, seems); MAY_DIE };
	   STORE(word[AT(place+1)] = SEEMS(seems); rest[AT(place+1)] = PAYLOAD(number, seems))
	:: atomic { what == TIME -> rest[AT(place)] = MOMENT(life, 1, place); MAY_DIE }
	:: what == PAD
	fi
}

/* header commits lines lines and messages messages; the first frame is of this kind. */
inline header(what, lines, messages) {
	word[AT(pos)] = HEADER(what, (what == TIME || what == PAD -> 0 : anchor));
	g_head = pos + (lines);
	g_seq = g_seq + messages;
	g_stored = 1;
	MAY_DIE
}

inline moveOn(what, lines, messages) {
	if
	:: what == TIME -> anchor = MOMENT(life, 1, pos)
	:: else
	fi;
	seq = seq + messages;
	pos = pos + (lines)
}

/* commit: zero the header after the frame, payload, header. */
inline commit(what, lines, messages, seems) {
#if defined(HEADER_BEFORE_PAYLOAD)
	STORE(word[AT(pos+(lines))] = NONE);
	STORE(header(what, lines, messages));
	payload(pos, what, seq, seems);
	moveOn(what, lines, messages)
#elif defined(HEADER_BEFORE_ZERO)
	payload(pos, what, seq, seems);
	STORE(header(what, lines, messages));
	atomic { word[AT(pos+(lines))] = NONE; moveOn(what, lines, messages) }
#else
	STORE(word[AT(pos+(lines))] = NONE);
	payload(pos, what, seq, seems);
	claimLate();
	atomic { header(what, lines, messages); moveOn(what, lines, messages) }
#endif
}

/* zeroAhead: the header behind pos is 0 when a frame of one line is committed the fast way. */
inline zeroAhead() {
	if
	:: pos < end -> STORE(word[AT(pos+1)] = NONE)
	:: else
	fi
}

/* The fast way of Publish: payload, header, and 0 for the next call. Not for the block's
 * last line, behind which nothing more is claimed. */
inline fast() {
#ifdef FAST_HEADER_FIRST
	STORE(header(ONE, 1, 1));
	payload(pos, ONE, seq, 0);
	moveOn(ONE, 1, 1);
#else
	payload(pos, ONE, seq, 0);
	atomic { header(ONE, 1, 1); moveOn(ONE, 1, 1) }
#endif
#ifndef FAST_WITHOUT_ZERO
	STORE(word[AT(pos+1)] = NONE)
#endif
}
#ifdef FAST_TO_THE_END
#define FAST (kind == ONE && !due && pos < end)
#else
#define FAST (kind == ONE && !due && pos+1 < end)
#endif

inline claimLate() {
#ifdef CLAIM_AFTER_PAYLOAD
	if
	:: claimed < end+EXTRA -> STORE(claimed = end+EXTRA)
	:: else
	fi
#else
	skip
#endif
}

inline enter() {
	REACHED(3, pos > 0 && WHERE(entryStamp[PLACE(pos)]) == pos && entryStamp[PLACE(pos)] >> 6 != life);
#ifdef CLAIM_BEFORE_ENTRY
	STORE(claimed = pos+LINES+EXTRA);
#endif
	STORE(entrySeq[PLACE(pos)] = seq);
	STORE(entryStamp[PLACE(pos)] = MOMENT(life, 0, pos));
#if !defined(CLAIM_BEFORE_ENTRY) && !defined(CLAIM_AFTER_PAYLOAD)
	STORE(claimed = pos+LINES+EXTRA);
#endif
	end = pos+LINES;
	anchor = MOMENT(life, 0, pos)
}

/* makeRoom brings pos to where need lines fit into their block. */
inline makeRoom(need) {
	if
	:: pos + (need) + due > end -> nextBlock()
	:: pos + (need) + due <= end && due -> commit(TIME, 1, 0, 0)   /* timeFrame */
	:: else
	fi;
	due = 0
}

#ifdef AGING
#define SPARE 1                /* a line for renewClaim */

/* renewClaim: the claim was held for so long that the anchor is 2^32 ticks old. At a
 * block's start the entry's time is renewed; else what was filled in moves up by a line,
 * the last line first, and a time frame goes before it. */
inline renewClaim() {
	if
	:: pos+LINES == end ->
		anchor = MOMENT(life, 1, pos);
#ifdef RENEW_AFTER_HEADER
		due = 1
#else
		STORE(entryStamp[PLACE(pos)] = anchor)
#endif
	:: else ->
		if
		:: kind == TWO ->
			STORE(word[AT(pos+2)] = SEEMS(look); rest[AT(pos+2)] = PAYLOAD(seq, look))
		:: else
		fi;
		STORE(rest[AT(pos+1)] = PAYLOAD(seq, look));
		commit(TIME, 1, 0, 0)
	fi
}
#else
#define SPARE 0                /* a ring without stamps */
#endif

inline nextBlock() {
#ifdef PAD_BEFORE_GATES
	if
	:: pos < end -> commit(PAD, end-pos, 0, 0)
	:: else
	fi;
#endif
	awaitGates();
	if
	:: pos < end -> commit(PAD, end-pos, 0, 0)
	:: else
	fi;
	enter()
}

#if FILES > 0
/* limit: up to where the ring may be claimed as far as a gate at pos is concerned. The
 * block that the gate is in stays whole; at a block's end it is still in that one. */
#if defined(LIMIT_TO_THE_LINE)
#define GATE_LIMIT(at) ((at) + CAPACITY)
#elif defined(LIMIT_AT_BLOCK_END)
#define GATE_LIMIT(at) (((at)/LINES)*LINES + CAPACITY)
#else
#define GATE_LIMIT(at) (((at) == 0 -> 0 : (((at)-1)/LINES)*LINES) + CAPACITY)
#endif
#ifdef GATE_WITHOUT_LINE
#define CLAIM (end+LINES)
#else
#define CLAIM (end+LINES+1)
#endif
#define CURSOR(g) (cursorPos[g] > fromPos[g] -> cursorPos[g] : fromPos[g])
#define HOLDS(g, at) (gateState[g] == HOLDING && GATE_LIMIT(at) < CLAIM)

/* awaitGates: one look at each gate that was too far behind when last looked at. */
inline awaitGates() {
	gate = 0;
	do
	:: gate < FILES ->
		if
		:: atomic { HOLDS(gate, seen[gate]) ->
			if
			:: CURSOR(gate) > seen[gate] -> seen[gate] = CURSOR(gate)   /* refresh */
			:: else
			fi;
			if
			:: HOLDS(gate, seen[gate]) -> goto refused
			:: else -> gate++
			fi }
		:: atomic { !HOLDS(gate, seen[gate]) -> gate++ }
		fi
	:: gate == FILES -> gate = 0; break
	od
}
#else
inline awaitGates() { skip }
#endif

proctype Publisher() {
	byte pos, end = LINES, seq = 1;
	byte anchor;                   /* begin: MOMENT(0, 0, 0) */
	byte life;
	byte kind, size, look;         /* of the message to be published */
	bit due;                       /* and whether a time frame must come first */
	byte n, at, total;
#if FILES > 0
	byte gate, seen[FILES];
#endif

publish:                       /* one call of Publish, or of another way to write */
	atomic {
		kind = NONE; size = 0; look = 0; due = 0; total = 0; g_stored = 0;
		if
		:: pos >= LIMIT -> goto close
		:: pos < LIMIT -> chooseMessage()
#ifdef AGING
		:: pos < LIMIT -> chooseMessage(); due = 1   /* the anchor is 2^32 ticks old */
#endif
#ifdef BATCHES
		:: pos < LIMIT -> goto batch
#endif
#ifdef CLAIMS
		:: pos < LIMIT -> goto claim
#endif
#ifdef ADDING
		:: pos < LIMIT && gateState[0] != HOLDING -> goto addGate
#endif
#ifndef NO_EARLY_CLOSE
		:: pos < LIMIT && life < HEIRS -> goto close
#endif
		fi
	}
	if
	:: FAST -> fast(); goto publish
	:: else
	fi;
	makeRoom(size);
	if
	:: kind == ONE -> commit(ONE, 1, 1, 0)
	:: kind == TWO -> commit(TWO, 2, 1, look)
	fi;
#ifndef SLOW_WITHOUT_ZERO
	zeroAhead();
#endif
	goto publish;

#ifdef BATCHES
batch:                         /* several frames in one block, visible at once */
	atomic {
		chooseMessage();           /* the first of them */
		total = size+1;
		do
		:: total < LINES -> total++
		:: break
		od;
		if
		:: total > LINES -> total = 0; goto publish
		:: else
		fi
	}
	makeRoom(total);
#ifdef BATCH_FIRST_FIRST
	payload(pos, kind, seq, look);
	STORE(header(kind, size, 1));
#endif
	at = pos+size; n = 1;
	do                             /* the others, headers and all */
	:: at+1 <= pos+total ->
		payload(at, ONE, seq+n, 0);
		STORE(word[AT(at)] = HEADER(ONE, anchor));
		at++; n++
	:: at+2 <= pos+total ->
		payload(at, TWO, seq+n, look);
		STORE(word[AT(at)] = HEADER(TWO, anchor));
		at = at+2; n++
	:: at == pos+total -> break
	od;
#ifndef BATCH_WITHOUT_ZERO
	STORE(word[AT(pos+total)] = NONE);
#endif
	payload(pos, kind, seq, look);
	atomic {
#ifdef BATCH_FIRST_FIRST
		g_head = pos+total; g_seq = g_seq+n-1;
#else
		header(kind, total, n);
#endif
		seq = seq+n; pos = pos+total;
		at = 0; n = 0; total = 0
	}
	zeroAhead();
	goto publish;
#endif

#ifdef CLAIMS
claim:                         /* Claim, to be filled in place, and then */
	atomic { chooseMessage() }
	if
	:: pos + size + SPARE > end && pos+LINES != end -> nextBlock()
	:: else
	fi;
	STORE(rest[AT(pos)] = PAYLOAD(seq, look));
	if
	:: goto abort                  /* half filled in */
	:: skip
	fi;
	if
	:: kind == TWO ->
		STORE(word[AT(pos+1)] = SEEMS(look); rest[AT(pos+1)] = PAYLOAD(seq, look));
		if
		:: goto abort
		:: size = 1; kind = ONE    /* Commit of fewer bytes than were claimed */
		:: skip                    /* Commit */
		fi
	:: else
	fi;
#ifdef AGING
	if
	:: renewClaim()
	:: skip
	fi;
#endif
#ifndef CLAIM_WITHOUT_ZERO
	STORE(word[AT(pos+size)] = NONE);
#endif
	atomic { header(kind, size, 1); moveOn(kind, size, 1) }
#ifdef RENEW_AFTER_HEADER
	if
	:: due -> STORE(entryStamp[PLACE(pos-size)] = anchor); due = 0
	:: else
	fi;
#endif
	zeroAhead();
	goto publish;

abort:
#ifndef ABORT_WITHOUT_ZERO
	zeroAhead();
#endif
	goto publish;
#endif

#if FILES > 0
refused:                       /* ErrBackPressure. Publish may be called again */
	atomic {
		assert(!g_stored);         /* and has written nothing */
		REACHED(10, true);
		REACHED(11, gate == 0 && cursorPos[0] == end+LINES-CAPACITY && life == HEIRS);
		at = gate; gate = 0
	}
	if                             /* it would be refused again until: */
	:: atomic { !HOLDS(at, CURSOR(at)) -> at = 0; goto publish }
	:: atomic { pos < end && kind == TWO && !due -> at = 0; kind = ONE; size = 1; look = 0; goto smaller }
#ifdef DEMOTING
	:: goto letGo
#endif
#ifndef NO_EARLY_CLOSE
	:: atomic { life < HEIRS -> at = 0; goto close }
#endif
	fi;

smaller:                       /* one line still fits into the block */
	commit(ONE, 1, 1, 0);
	zeroAhead();
	goto publish;

#ifdef DEMOTING
letGo:                         /* the gate is one no more, before anything is taken from it */
#ifdef DEMOTE_AFTER_CLAIM
	if :: pos < end -> commit(PAD, end-pos, 0, 0) :: else fi;
	enter();
#endif
	atomic { gateState[at] = DEMOTED; at = 0; MAY_DIE; goto publish }
#endif
#ifdef ADDING
addGate:                       /* from here on nothing is taken from it */
#ifdef FROM_AFTER_STATE
	STORE(gateState[0] = HOLDING);
#endif
	if                             /* openGate: the file is there, or is made with a cursor */
	:: atomic { !made[0] -> made[0] = 1; cursorSeq[0] = seq; cursorPos[0] = pos; MAY_DIE }
	:: made[0]
	fi;
	STORE(gateState[0] = FREE);
	STORE(fromSeq[0] = seq);
	STORE(fromPos[0] = pos);
	seen[0] = pos;
	STORE(gateState[0] = HOLDING);
	goto publish;
#endif
#endif

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
		kind = NONE; size = 0; look = 0; due = 0; anchor = 0; total = 0;
#if FILES > 0
		gate = 0;
		do
		:: gate < FILES -> seen[gate] = 0; gate++
		:: else -> gate = 0; break
		od;
#endif
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
#ifdef BATCHES
		REACHED(8, pos+1 < end && word[AT(pos+1)] != NONE);
#endif
#ifdef NO_TIME_FRAME
		anchor = MOMENT(life, 0, pos);
#endif
	}
	/* resume */
#ifndef NO_TIME_FRAME
	if
	:: pos < end -> commit(TIME, 1, 0, 0)
	:: else                        /* the next entry is the anchor */
	fi;
#endif
#ifndef RESUME_WITHOUT_ZERO
	zeroAhead();
#endif
	STORE(state = LIVE);           /* announce */
	goto publish;
#endif
gone:
	skip
}
