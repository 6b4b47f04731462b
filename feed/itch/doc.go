// Package itch reads Nasdaq TotalView-ITCH 5.0 files and turns their messages
// into DBN records.
//
// # The file
//
// A BinaryFILE is a length (2 bytes, big-endian) and a message, again and again;
// a length of 0 at the very end marks the end of the session, and may be
// missing. Files often come gzip-compressed. Reader splits either kind into
// messages and refuses what is not in order, naming the offset. Each of the 23
// message types has a Go struct that decodes and appends it.
//
// The layouts are those of "Nasdaq TotalView-ITCH 5.0" and "Nasdaq BinaryFILE",
// both published by Nasdaq.
//
// # From ITCH to MBO
//
// Normalizer gives for each message the records that a consumer of DBN expects.
// It follows what Databento documents for its dataset XNAS.ITCH; where nothing is
// documented there, the reason is given.
//
//		message                    records
//		A, F  add                  A
//		E     executed             T, F, C
//		C     executed at a price  T, F, C; no T if it is not printable
//		X     cancel               C of the shares that were cancelled
//		D     delete               C of the shares that remain
//		U     replace              C of the old order, A of the new one
//		P     hidden trade         T
//		Q     cross                T; none if it has no shares
//		others                     none
//
//	  - Instrument is the stock locate, OrderID the order reference, Price the
//	    price in 1e-9, Sequence the number of the message in the file, from 1 (it
//	    wraps after 2^32). Records of one message have the same Sequence and time,
//	    and the last of them, and only it, has FlagLast.
//	  - TsRecv is TsEvent, and TsInDelta 0: the file has no time of receipt.
//	  - A trade changes no book and has OrderID 0, since Nasdaq does not say who
//	    the aggressor was. Its side is the aggressor's: the other one than that of
//	    the order which was hit. A fill changes no book either; it has the resting
//	    order's id and side. The cancel after them takes the shares out.
//	  - A trade and a fill have the price of the execution. The cancel has the
//	    price of the order, for that is the level it leaves: with C they differ.
//	  - A C that is not printable is part of a cross or bulk print that is reported
//	    on its own, so that a trade would count its shares twice.
//	  - P has side none. Its Buy/Sell indicator once was the side of the hidden
//	    order, but has said Buy for all of them since 2014: to give a side would
//	    make every hidden trade a sale. Q has side none since both sides meet in
//	    it; a Q of no shares says that no cross took place.
//	  - There is no Modify. A replace has a new order reference and a new place in
//	    the queue, whereas Modify keeps the id, and may keep the place. X keeps the
//	    id, but is what DBN calls a cancel of a part.
//	  - B breaks a trade after the fact. MBO has no record for it, and the book is
//	    not affected, so it is only counted.
//	  - H and h say whether a stock trades, which is not in MBO but in the schema
//	    status. I, J, K, N, O, L, V, W, Y, R and S do not touch the book either.
//	    There is no Clear at the start of the day: the book of a file begins empty.
//
// Messages that do not fit those before them are counted and the first are kept,
// see Kind; none of them stops the Normalizer, and the records stay such that a
// book made from them never sees a cancel of an order or of shares it does not
// have. A file that is a sample, or begins in the middle of the day, has many
// references that are not known.
package itch
