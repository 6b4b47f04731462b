//go:build !purego && !race && !hooks

#include "textflag.h"

// Every function here is NOSPLIT with frame $0 and leaves SP alone: a fault in
// shared memory (a truncated file) inside of one is then a panic that can be
// recovered. None of them loops: assembly cannot be preempted.

// func StoreRelease(p *uint64, v uint64)
TEXT ·StoreRelease(SB), NOSPLIT, $0-16
	MOVQ p+0(FP), AX
	MOVQ v+8(FP), BX
	MOVQ BX, (AX)
	RET

// func Pause()
TEXT ·Pause(SB), NOSPLIT, $0-0
	PAUSE
	RET

// func Ticks() uint64
TEXT ·Ticks(SB), NOSPLIT, $0-8
	RDTSC
	SHLQ $32, DX
	ORQ  DX, AX
	MOVQ AX, ret+0(FP)
	RET

// func TicksAfter() uint64
TEXT ·TicksAfter(SB), NOSPLIT, $0-8
	LFENCE
	RDTSC
	SHLQ $32, DX
	ORQ  DX, AX
	MOVQ AX, ret+0(FP)
	RET

// func cpuid(leaf uint32) (eax, ebx, ecx, edx uint32)
TEXT ·cpuid(SB), NOSPLIT, $0-24
	MOVL leaf+0(FP), AX
	XORL CX, CX
	CPUID
	MOVL AX, eax+8(FP)
	MOVL BX, ebx+12(FP)
	MOVL CX, ecx+16(FP)
	MOVL DX, edx+20(FP)
	RET

// WRITE copies R8 bytes (0 to 56) from CX to AX+8, commits R9 to AX, and zeroes the
// header at BX. Two overlapping moves stand for a length that is no power of two.
// Nothing is read past the source's last byte.
#define WRITE \
	XORL SI, SI; \
	CMPQ R8, $32; \
	JB   below32; \
	MOVOU (CX), X0; \
	MOVOU 16(CX), X1; \
	MOVOU -32(CX)(R8*1), X2; \
	MOVOU -16(CX)(R8*1), X3; \
	MOVOU X0, 8(AX); \
	MOVOU X1, 24(AX); \
	MOVOU X2, -24(AX)(R8*1); \
	MOVOU X3, -8(AX)(R8*1); \
	JMP  commit; \
below32: \
	CMPQ R8, $16; \
	JB   below16; \
	MOVOU (CX), X0; \
	MOVOU -16(CX)(R8*1), X1; \
	MOVOU X0, 8(AX); \
	MOVOU X1, -8(AX)(R8*1); \
	JMP  commit; \
below16: \
	CMPQ R8, $8; \
	JB   below8; \
	MOVQ (CX), R10; \
	MOVQ -8(CX)(R8*1), R11; \
	MOVQ R10, 8(AX); \
	MOVQ R11, (AX)(R8*1); \
	JMP  commit; \
below8: \
	CMPQ R8, $4; \
	JB   below4; \
	MOVL (CX), R10; \
	MOVL -4(CX)(R8*1), R11; \
	MOVL R10, 8(AX); \
	MOVL R11, 4(AX)(R8*1); \
	JMP  commit; \
below4: \
	TESTQ R8, R8; \
	JZ   commit; \
	MOVQ R8, R12; \
	SHRQ $1, R12; \
	MOVB (CX), R10; \
	MOVB (CX)(R12*1), R11; \
	MOVB -1(CX)(R8*1), R13; \
	MOVB R10, 8(AX); \
	MOVB R11, 8(AX)(R12*1); \
	MOVB R13, 7(AX)(R8*1); \
commit: \
	MOVQ R9, (AX); \
	MOVQ SI, (BX)

// func PublishLine(line, ahead, src unsafe.Pointer, n, word uint64)
TEXT ·PublishLine(SB), NOSPLIT, $0-40
	MOVQ line+0(FP), AX
	MOVQ ahead+8(FP), BX
	MOVQ src+16(FP), CX
	MOVQ n+24(FP), R8
	MOVQ word+32(FP), R9
	WRITE
	RET

// func PublishLineTicks(line, ahead, src unsafe.Pointer, n, word, anchor uint64) bool
TEXT ·PublishLineTicks(SB), NOSPLIT, $0-49
	MOVQ word+32(FP), R9
	MOVQ anchor+40(FP), R10
	RDTSC
	SHLQ $32, DX
	MOVL AX, AX
	MOVQ AX, R11
	ORQ  DX, R11
	SUBQ R10, R11
	SHRQ $32, R11
	JNZ  stale
	SHLQ $32, AX
	ORQ  AX, R9
	MOVQ line+0(FP), AX
	MOVQ ahead+8(FP), BX
	MOVQ src+16(FP), CX
	MOVQ n+24(FP), R8
	WRITE
	MOVB $1, ret+48(FP)
	RET
stale:
	MOVB $0, ret+48(FP)
	RET
