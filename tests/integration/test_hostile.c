/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Guests that attack the host through the boundary: forged buffers and messages,
 * hypercalls out of order, system calls with wild pointers. The host must neither crash nor
 * hang, must name what was wrong, and other sandboxes must not notice.
 */
#include "integration/harness.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static unsigned additions;

static mote_status add(void *user, const mote_value *args, size_t nargs, mote_value *result,
		       mote_error *err)
{
	(void)user;
	(void)err;
	additions++;
	assert_true(nargs == 1 && args[0].type == MOTE_I32);
	*result = args[0];
	return MOTE_OK;
}

static const mote_type one_number[] = { MOTE_I32 };
static const mote_host_function functions[] = {
	{ .name = "HostAdd", .fn = add, .result = MOTE_I32, .nparams = 1, .params = one_number },
};
static const mote_sandbox_options options = {
	.size = sizeof options,
	.functions = functions,
	.nfunctions = 1,
};

static void again(struct guest *g)
{
	mote_sandbox_free(g->sb);
	EXPECT_STATUS(g, mote_sandbox_new(&g->sb, g->image, &options, &g->err), MOTE_OK);
}

/* A sandbox must be one of: usable, with a call that ended well or in the guest's own error; or
 * poisoned, with a reason. */
static void expect_sound(struct guest *g, const char *attack, mote_status status)
{
	int class = mote_status_class(status);
	bool is_poison = class == MOTE_CLASS_POISON;

	if (status != MOTE_OK && class != MOTE_CLASS_CALL && !is_poison)
		fail_msg("%s: %s: %s: %s", g->where, attack, mote_status_name(status),
			 g->err.message);
	if (mote_sandbox_is_poisoned(g->sb) != is_poison)
		fail_msg("%s: %s: %s, but poisoned: %d", g->where, attack, mote_status_name(status),
			 mote_sandbox_is_poisoned(g->sb));
	if (is_poison) {
		if (!strstr(g->err.message, "call \""))
			fail_msg("%s: %s: the message names no call: %s", g->where, attack,
				 g->err.message);
		again(g);
	}
	CALL(g, "SubtleName", MOTE_ARGS(0u));
}

/* The INDEX-th name that LIST gives, in NAME; false past the last. */
static bool next_name(struct guest *g, const char *list, uint32_t index, char name[64])
{
	mote_value r = CALL(g, list, MOTE_ARGS(index));

	snprintf(name, 64, "%s", r.as.str.ptr);
	return name[0] != '\0';
}

static void obvious_attacks_poison_the_sandbox(struct guest *g)
{
	char name[64];
	uint32_t i;

	for (i = 0; next_name(g, "ObviousName", i, name); i++) {
		mote_status status = mote_call(g->sb, "Attack", MOTE_ARGS(name), NULL, &g->err);
		if (mote_status_class(status) != MOTE_CLASS_POISON)
			fail_msg("%s: %s: %s: %s", g->where, name, mote_status_name(status),
				 status ? g->err.message : "");
		expect_sound(g, name, status);
	}
	assert_in_range(i, 50, 1000);
}

static void subtle_attacks_leave_host_and_sandbox_sound(struct guest *g)
{
	char name[64];
	uint32_t i;

	for (i = 0; next_name(g, "SubtleName", i, name); i++) {
		mote_value result;
		mote_status status = mote_call(g->sb, "Attack", MOTE_ARGS(name), &result, &g->err);
		assert_true(status == MOTE_OK || result.type == MOTE_VOID);
		expect_sound(g, name, status);
	}
	assert_in_range(i, 50, 1000);
}

/* xorshift64: the seed is printed, so that a failure can be repeated. */
static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* Messages made of a sound one by a few changed bytes, and of noise. */
static void random_messages_are_survived(struct guest *g)
{
	static const uint8_t sound[64] = {
		0x3c, 0, 0,  0, 0x0c, 0, 0, 0, 8,  0, 12, 0, 7, 0, 8, 0, 8,  0, 0, 0, 0, 0,
		0,    1, 12, 0, 0,    0, 8, 0, 14, 0, 7,  0, 8, 0, 8, 0, 0,  0, 0, 0, 0, 1,
		12,   0, 0,  0, 0,    0, 6, 0, 8,  0, 4,  0, 6, 0, 0, 0, 99, 0, 0, 0
	};
	static const char *const doors[] = { "AnswerWith", "CallHostWith", "LogWith",
					     "OutputWith" };
	const char *given = getenv("MOTE_TEST_SEED");
	uint64_t seed = given ? strtoull(given, NULL, 0) : UINT64_C(0x853c49e6748fea9b);
	uint64_t random = seed;
	unsigned answered = 0;

	for (unsigned i = 0; i < rounds(400); i++) {
		uint8_t message[64];
		bool is_noise = next_random(&random) % 4 == 0;
		memcpy(message, sound, sizeof message);
		unsigned changes = is_noise ? 64 : (unsigned)(next_random(&random) % 4);
		for (unsigned c = 0; c < changes; c++)
			message[is_noise ? c : next_random(&random) % 64] =
				(uint8_t)next_random(&random);
		const char *door = doors[next_random(&random) % 4];
		mote_status status =
			mote_call(g->sb, door, MOTE_ARGS(mote_bytes(message, 64)), NULL, &g->err);
		answered += status == MOTE_OK;
		if (status && mote_status_class(status) < MOTE_CLASS_CALL)
			fail_msg("%s: seed %#llx: %s: %s", g->where, (unsigned long long)seed, door,
				 g->err.message);
		expect_sound(g, door, status);
	}
	assert_in_range(answered, 1, 399);
}

/* Every system call number with arguments that look like addresses of every kind. */
static void system_calls_with_wild_arguments(struct guest *g)
{
	static const uint64_t wild[] = {
		0,        1,        0x10000,        0x11000,           0x12000,
		0x100000, 0x400000, 0x7ffffffff000, UINT64_C(1) << 63, UINT64_MAX
	};
	enum { NWILD = sizeof wild / sizeof wild[0] };

	for (uint64_t number = 0; number < 460; number += 460 / rounds(460))
		for (int i = 0; i < NWILD; i++) {
			const mote_value args[] = {
				mote_u64(number),
				mote_u64(wild[i]),
				mote_u64(wild[(i + 3) % NWILD]),
				mote_u64(wild[(i + 7) % NWILD]),
				mote_u64(wild[(i + 1) % NWILD]),
				mote_u64(wild[(i + 5) % NWILD]),
				mote_u64(wild[(i + 9) % NWILD]),
			};
			char what[32];
			snprintf(what, sizeof what, "system call %u", (unsigned)number);
			mote_status status = mote_call(g->sb, "SystemCall", args, 7, NULL, &g->err);
			expect_sound(g, what, status);
		}
}

/* What the guest's own code can reach, as the library says. */
struct reach {
	mote_region_info regions[32];
	size_t count;
};

static void note_region(void *user, const mote_region_info *region)
{
	struct reach *reach = user;

	assert_true(reach->count < sizeof reach->regions / sizeof reach->regions[0]);
	if (region->address)
		reach->regions[reach->count++] = *region;
}

static const mote_region_info *region_at(const struct reach *reach, uint64_t address)
{
	for (size_t i = 0; i < reach->count; i++)
		if (address - reach->regions[i].address < reach->regions[i].size)
			return &reach->regions[i];
	return NULL;
}

/* The host reads for the guest from ADDRESS where the guest can, and writes there where it can. */
static void expect_reach(struct guest *g, const struct reach *reach, uint64_t address)
{
	const mote_region_info *region = region_at(reach, address);
	int32_t printed = CALL(g, "PrintAt", MOTE_ARGS(mote_u64(address), 1u)).as.i32;

	/* the host does not look at its own code for the guest, although the guest can */
	bool is_readable = region && region->readable && strcmp(region->name, "hypercall page");
	if (printed != (is_readable ? 1 : -EFAULT))
		fail_msg("%s: reading at %#llx gives %d", g->where, (unsigned long long)address,
			 printed);
	if (region && region->writable && strcmp(region->name, "doorbell"))
		return; /* the guest may depend on what is there */
	int32_t filled = CALL(g, "ReadInto", MOTE_ARGS(mote_u64(address))).as.i32;
	if (filled != -EFAULT)
		fail_msg("%s: writing at %#llx gives %d", g->where, (unsigned long long)address,
			 filled);
}

static void system_calls_reach_what_the_guest_reaches(struct guest *g)
{
	struct reach reach = { .count = 0 };

	EXPECT_STATUS(g, mote_image_layout(g->image, NULL, note_region, &reach, &g->err), MOTE_OK);
	for (uint64_t page = 0; page < 0x200000; page += 0x1000)
		expect_reach(g, &reach, page + 8);
	for (size_t i = 0; i < reach.count; i++) {
		const mote_region_info *region = &reach.regions[i];
		const uint64_t end = region->address + region->size;
		expect_reach(g, &reach, region->address - 1);
		expect_reach(g, &reach, region->address);
		expect_reach(g, &reach, end - 1);
		expect_reach(g, &reach, end);
		/* 16 bytes, half of them outside: none is written */
		if (region->writable && !region_at(&reach, end))
			assert_int_equal(CALL(g, "ReadInto", MOTE_ARGS(mote_u64(end - 8))).as.i32,
					 -EFAULT);
	}
}

static void host_calls_are_checked_against_their_types(struct guest *g)
{
	additions = 0;
	for (int i = 0; i < 10; i++) {
		mote_status status =
			mote_call(g->sb, "Attack", MOTE_ARGS("host_call_good"), NULL, &g->err);
		expect_sound(g, "host_call_good", status);
	}
	/* it passes two numbers where one belongs */
	assert_int_equal(additions, 0);
}

static const struct row rows[] = {
	{ "obvious attacks poison the sandbox", "hostile", obvious_attacks_poison_the_sandbox,
	  &options, false },
	{ "subtle attacks leave all sound", "hostile", subtle_attacks_leave_host_and_sandbox_sound,
	  &options, false },
	{ "random messages are survived", "hostile", random_messages_are_survived, &options,
	  false },
	{ "system calls with wild arguments", "hostile", system_calls_with_wild_arguments, &options,
	  false },
	{ "system calls reach what the guest reaches", "files",
	  system_calls_reach_what_the_guest_reaches, NULL, false },
	{ "host calls are checked", "hostile", host_calls_are_checked_against_their_types, &options,
	  false },
};

int main(void)
{
	return harness_main(rows, sizeof rows / sizeof rows[0]);
}
