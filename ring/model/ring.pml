/* The protocol of ../protocol.go between one publisher, killed and succeeded at any
 * store, and its subscribers. README.md says what is modelled and how to run it.
 *
 * The unit of position is the line of 64 bytes. A line is two cells: word[], its
 * first 8 bytes, where a frame's header goes, and rest[], the other 56. Steps bear
 * the names of the functions they model. Every store to shared memory is a step, and
 * so is every load of a subscriber; what lies between is done with the step before.
 *
 * A publisher reads nothing that a pure reader writes, so one of those stands for any
 * number. It does read the cursors of gates.
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
#ifndef READERS
#define READERS 1 /* pure readers */
#endif
#ifndef FILES
#define FILES 0   /* subscribers with a name */
#endif
#ifndef GATES
#define GATES 0   /* and of these, gates when the ring is made */
#endif
#ifndef DEATHS
#define DEATHS 0  /* of subscribers with a name, all together */
#endif

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

/* A line of a message: the message's number, and what its second line looks like. */
#define PAYLOAD(number, look) (((number) << 3) | (look))
#define NUMBER(p) ((p) >> 3)
#define LOOK(p)   ((p) & 7)

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

#if FILES > 0
/* The gates' slots, in the ring's file as well ... */
#define FREE    0
#define HOLDING 1
#define DEMOTED 2
byte gateState[FILES], fromSeq[FILES], fromPos[FILES];

/* ... and the files of those who have a name. */
bit  made[FILES];
byte cursorSeq[FILES], cursorPos[FILES];
byte g_deaths;
#endif

byte  g_head;       /* position after the last frame that was committed */
byte  g_seq = 1;    /* number of the next message */
bit   g_stored;     /* this call of Publish has committed something */

/* -DPROBE=n looks for a case that has to occur: finding it is an assertion violated. */
#ifdef PROBE
#define REACHED(n, case) assert(PROBE != n || !(case))
#else
#define REACHED(n, case) skip
#endif

#include "publisher.pml"
#include "subscriber.pml"

init {
	byte i;
	atomic {
		/* build: the file has its name when block 0 is entered */
		entrySeq[0] = 1;
		claimed = LINES+EXTRA;
#if GATES > 0
		do
		:: i < GATES -> gateState[i] = HOLDING; fromSeq[i] = 1; made[i] = 1; cursorSeq[i] = 1; i++
		:: else -> i = 0; break
		od;
#endif
		run Publisher();
		do
		:: i < FILES+READERS -> run Subscriber(i); i++
		:: else -> break
		od
	}
}
