/* SPDX-License-Identifier: Apache-2.0 */
/*
 * personality_box.h - a small guest that makes system calls, for the tests of the
 * personality. It never runs: the registers are set as it would.
 */
#ifndef VM_PERSONALITY_BOX_H
#define VM_PERSONALITY_BOX_H

#include "guest_abi/mote/machine_box.h"
#include "guest_abi/mote/personality.h"

#include <string.h>

/* The last page of data, behind which nothing is mapped, and its last 16 bytes. */
#define LAST_PAGE (BOX_DATA_END - 0x1000)
#define EDGE      (BOX_DATA_END - 16)

struct personality_box {
	struct box box;
	struct arena arena;
	struct account account;
	struct streams streams;
	struct personality p;
};

/* Makes it with the system calls of SYS (NULL: the real ones). Ends the test when it cannot. */
static inline void personality_box_init(struct personality_box *pb, const struct sys *sys)
{
	fake_reset();
	box_init(&pb->box, &fake_process, (struct machine_ways){ WAY_OUT_PORT, SYSCALL_RING0 },
		 sys);
	assert_int_equal(arena_init(&pb->arena, &pb->box.host, pb->box.memory, NULL), MOTE_OK);
	pb->account = (struct account){ .limits = account_limits_of(0, 0, 0, 0, 0) };
	pb->streams = (struct streams){ .host = &pb->box.host, .account = &pb->account };
	pb->p = (struct personality){
		.host = &pb->box.host,
		.machine = &pb->box.machine,
		.memory = pb->box.memory,
		.arena = &pb->arena,
		.account = &pb->account,
		.streams = &pb->streams,
	};
	assert_int_equal(files_init(&pb->p.files, &pb->box.host, &pb->streams,
				    &(struct files_plan){ .max_open_files = 0 }, NULL),
			 MOTE_OK);
}

static inline void personality_box_fini(struct personality_box *pb)
{
	files_fini(&pb->p.files);
	arena_fini(&pb->arena);
	box_fini(&pb->box);
}

/* The result of system call NUMBER with these arguments. */
#define CALL(pb, number, ...) call_number(pb, number, (const uint64_t[6]){ __VA_ARGS__ })
static inline int64_t call_number(struct personality_box *pb, uint64_t number,
				  const uint64_t args[6])
{
	struct hv_regs *regs = &pb->box.vm->regs;

	regs->rax = number;
	regs->rdi = args[0];
	regs->rsi = args[1];
	regs->rdx = args[2];
	regs->r10 = args[3];
	regs->r8 = args[4];
	regs->r9 = args[5];
	personality_syscall(&pb->p);
	return (int64_t)regs->rax;
}

/* The host's view of guest memory at VA. */
static inline void *at(struct personality_box *pb, uint64_t va)
{
	return fake_at(pb->box.vm, va);
}

/* A number in guest memory. */
static inline uint64_t peek(struct personality_box *pb, uint64_t va)
{
	uint64_t value;
	memcpy(&value, at(pb, va), sizeof value);
	return value;
}

static inline void poke(struct personality_box *pb, uint64_t va, uint64_t value)
{
	memcpy(at(pb, va), &value, sizeof value);
}

#endif
