/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What holds for every message: cut or changed anywhere it is read in bounds and
 * in bounded time; what is written is read back as it was, at any address; every
 * byte of the destination is written, whatever was there.
 */
#include "abi/utf8.h"
#include "abi/wire.h"
#include "fenced.h"
#include "golden.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* A generator of our own: the same numbers from the same seed everywhere. */
static uint64_t seed, random_state;

static uint64_t random_u64(void)
{
	random_state += UINT64_C(0x9e3779b97f4a7c15);
	uint64_t z = random_state;
	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static uint64_t random_below(uint64_t n)
{
	return random_u64() % n;
}

/* MOTE_TEST_SEED repeats a run; the seed is printed always. */
static int choose_seed(void **state)
{
	const char *given = getenv("MOTE_TEST_SEED");
	(void)state;
	seed = given ? strtoull(given, NULL, 0) : (uint64_t)time(NULL);
	random_state = seed;
	printf("seed: MOTE_TEST_SEED=%" PRIu64 "\n", seed);
	return 0;
}

static const uint8_t *message_begin, *message_end;

static void assert_in_message(const void *ptr, size_t len)
{
	const uint8_t *p = ptr;
	if (len == 0)
		return; /* may be the reader's own empty text */
	assert_true(p >= message_begin && p <= message_end && len <= (size_t)(message_end - p));
}

static void assert_text(const char *ptr, size_t len, bool for_people)
{
	enum utf8_verdict verdict = utf8_check(ptr, len);
	assert_in_message(ptr, len);
	assert_int_equal(ptr[len], 0);
	assert_true(verdict == UTF8_TEXT || (for_people && verdict == UTF8_WITH_NUL));
}

static void assert_value(const mote_value *value)
{
	assert_true((unsigned)value->type <= MOTE_BYTES);
	assert_int_equal(value->reserved, 0);
	if (value->type == MOTE_STRING)
		assert_text(value->as.str.ptr, value->as.str.len, false);
	if (value->type == MOTE_BYTES) {
		assert_non_null(value->as.bytes.ptr);
		assert_in_message(value->as.bytes.ptr, value->as.bytes.len);
	}
}

/* Reads SIZE bytes as each kind of message; what is accepted must keep the promises. */
static enum wire_status read_as(enum golden_kind kind, const uint8_t *bytes, size_t size)
{
	struct wire_call call;
	struct wire_result result;
	struct wire_log log;
	struct wire_check check;

	message_begin = bytes;
	message_end = bytes + size;
	if (kind == GOLDEN_CALL) {
		check = wire_call_read(bytes, size, &call);
		if (check.status != WIRE_OK)
			return check.status;
		assert_text(call.name, call.name_len, false);
		for (size_t i = 0; i < call.nparams; i++)
			assert_value(&call.params[i]);
	} else if (kind == GOLDEN_RESULT) {
		check = wire_result_read(bytes, size, &result);
		if (check.status != WIRE_OK)
			return check.status;
		if (result.is_error)
			assert_text(result.message, result.message_len, true);
		else
			assert_value(&result.value);
	} else {
		check = wire_log_read(bytes, size, &log);
		if (check.status != WIRE_OK)
			return check.status;
		assert_text(log.message.ptr, log.message.len, true);
		assert_text(log.source.ptr, log.source.len, true);
		assert_text(log.caller.ptr, log.caller.len, true);
		assert_text(log.source_file.ptr, log.source_file.len, true);
	}
	return WIRE_OK;
}

static void a_message_cut_anywhere_is_refused_or_complete(void **state)
{
	(void)state;
	for (size_t i = 0; i < GOLDEN_COUNT; i++) {
		for (size_t size = 0; size <= golden[i].size; size++) {
			enum wire_status status =
				read_as(golden[i].kind, fenced_copy(golden[i].bytes, size), size);
			/* The last bytes, at most three, are padding. */
			if (status == WIRE_OK && size + 3 < golden[i].size)
				fail_msg("%s, cut to %zu bytes, was accepted", golden[i].what,
					 size);
			if (size == golden[i].size)
				assert_int_equal(status, WIRE_OK);
		}
	}
}

static void a_message_with_any_byte_changed_is_safe_to_read(void **state)
{
	uint8_t bytes[256];
	(void)state;
	for (size_t i = 0; i < GOLDEN_COUNT; i++) {
		for (size_t at = 0; at < golden[i].size; at++) {
			for (unsigned value = 0; value < 256; value++) {
				memcpy(bytes, golden[i].bytes, golden[i].size);
				bytes[at] = (uint8_t)value;
				for (int kind = GOLDEN_CALL; kind <= GOLDEN_LOG; kind++)
					read_as((enum golden_kind)kind,
						fenced_copy(bytes, golden[i].size), golden[i].size);
			}
		}
	}
}

static void a_message_with_many_bytes_changed_is_safe_to_read(void **state)
{
	static const uint8_t likely[] = { 0, 1, 2, 4, 6, 8, 12, 16, 0x7f, 0x80, 0xfc, 0xff };
	uint8_t bytes[256];
	(void)state;
	for (unsigned round = 0; round < 200000; round++) {
		size_t i = random_below(GOLDEN_COUNT);
		memcpy(bytes, golden[i].bytes, golden[i].size);
		for (uint64_t n = 1 + random_below(6); n > 0; n--)
			bytes[random_below(golden[i].size)] = likely[random_below(sizeof(likely))];
		size_t size = golden[i].size - random_below(4);
		read_as(golden[i].kind, fenced_copy(bytes, size), size);
	}
}

/* Random text of whole characters, none of them NUL. */
static size_t random_text(char *to, size_t limit)
{
	static const char *const characters[] = {
		"a", "Z", "\x7f", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80"
	};
	size_t len = 0, want = random_below(limit - 3);
	while (len < want) {
		const char *one =
			characters[random_below(8) < 5 ? random_below(3) : random_below(6)];
		memcpy(to + len, one, strlen(one));
		len += strlen(one);
	}
	to[len] = 0;
	return len;
}

#define TEXT_MAX 80
static char pool[WIRE_MAX_PARAMS + 4][TEXT_MAX];

static mote_value random_value(mote_type type, char *storage)
{
	mote_value value = { .type = type };
	/* Edges often: 0, -1, the lowest and the highest, and floats' -0.0 and NaN. */
	static const uint64_t edges[] = { 0,          UINT64_MAX,
					  INT64_MAX,  UINT64_C(1) << 63,
					  0x80000000, 0x7fffffff,
					  0x7fc00001, UINT64_C(0x7ff8000000000001) };
	uint64_t bits = random_below(2) ? random_u64() : edges[random_below(8)];

	switch (type) {
	case MOTE_STRING:
		return mote_strn(storage, random_text(storage, TEXT_MAX));
	case MOTE_BYTES:
		for (size_t i = 0; i < TEXT_MAX; i++)
			storage[i] = (char)random_u64();
		return mote_bytes(storage, random_below(TEXT_MAX));
	case MOTE_BOOL:
		return mote_bool(bits & 1);
	case MOTE_I32:
	case MOTE_U32:
	case MOTE_F32:
		value.as.u32 = (uint32_t)bits;
		return value;
	case MOTE_VOID:
		return value;
	default:
		value.as.u64 = bits;
		return value;
	}
}

static void assert_equal_values(const mote_value *got, const mote_value *want)
{
	assert_int_equal(got->type, want->type);
	switch (want->type) {
	case MOTE_STRING:
	case MOTE_BYTES:
		assert_int_equal(got->as.bytes.len, want->as.bytes.len);
		assert_memory_equal(got->as.bytes.ptr, want->as.bytes.ptr, want->as.bytes.len);
		break;
	case MOTE_BOOL:
		assert_int_equal(got->as.boolean, want->as.boolean);
		break;
	case MOTE_I32:
	case MOTE_U32:
	case MOTE_F32:
		assert_int_equal(got->as.u32, want->as.u32);
		break;
	case MOTE_VOID:
		break;
	default:
		assert_true(got->as.u64 == want->as.u64);
	}
}

static void assert_equal_text(struct wire_text got, struct wire_text want)
{
	assert_int_equal(got.len, want.len);
	assert_memory_equal(got.ptr, want.ptr, want.len);
}

typedef size_t (*writer)(void *to, size_t capacity, const void *message);

static size_t write_call(void *to, size_t capacity, const void *message)
{
	return wire_call_write(to, capacity, message);
}

static size_t write_result(void *to, size_t capacity, const void *message)
{
	return wire_result_write(to, capacity, message);
}

static size_t write_log(void *to, size_t capacity, const void *message)
{
	return wire_log_write(to, capacity, message);
}

/* Writes twice over different bytes, at any address: the same bytes must come out, so nothing
 * of what was there is left or was read. The size prefix must count what follows it. */
static const uint8_t *written(writer write, const void *message, size_t size)
{
	static uint8_t first[8192];
	uint8_t *space = fenced_space(size + random_below(8));
	uint32_t prefix;

	assert_true(size > 0 && size % 8 == 0 && size <= sizeof(first));
	memset(space, 0xff, size);
	assert_int_equal(write(space, size, message), size);
	memcpy(first, space, size);
	memset(space, 0, size);
	assert_int_equal(write(space, size, message), size);
	assert_memory_equal(space, first, size);
	memcpy(&prefix, space, 4);
	assert_int_equal(prefix, size - 4);
	return space;
}

static void calls_round_trip(void **state)
{
	(void)state;
	for (unsigned round = 0; round < 20000; round++) {
		struct wire_call call, got;
		call.name = pool[0];
		call.name_len = random_text(pool[0], TEXT_MAX);
		call.kind = random_below(2) ? WIRE_CALL_GUEST : WIRE_CALL_HOST;
		call.result = (mote_type)random_below(MOTE_BYTES + 1);
		call.nparams = random_below(WIRE_MAX_PARAMS + 1);
		for (size_t i = 0; i < call.nparams; i++)
			call.params[i] = random_value((mote_type)(1 + random_below(MOTE_BYTES)),
						      pool[i + 1]);
		size_t size = wire_call_size(&call);
		const uint8_t *message = written(write_call, &call, size);

		assert_int_equal(wire_call_read(message, size, &got).status, WIRE_OK);
		assert_equal_text((struct wire_text){ got.name, got.name_len },
				  (struct wire_text){ call.name, call.name_len });
		assert_int_equal(got.kind, call.kind);
		assert_int_equal(got.result, call.result);
		assert_int_equal(got.nparams, call.nparams);
		for (size_t i = 0; i < call.nparams; i++)
			assert_equal_values(&got.params[i], &call.params[i]);
		assert_int_equal(read_as(GOLDEN_CALL, message, size), WIRE_OK);
	}
}

static void results_round_trip(void **state)
{
	(void)state;
	for (unsigned round = 0; round < 20000; round++) {
		struct wire_result result = { .is_error = random_below(3) == 0 }, got;
		if (result.is_error) {
			result.code = random_u64();
			result.message = pool[0];
			result.message_len = random_text(pool[0], TEXT_MAX);
		} else {
			result.value =
				random_value((mote_type)random_below(MOTE_BYTES + 1), pool[0]);
		}
		size_t size = wire_result_size(&result);
		const uint8_t *message = written(write_result, &result, size);

		assert_int_equal(wire_result_read(message, size, &got).status, WIRE_OK);
		assert_int_equal(got.is_error, result.is_error);
		if (result.is_error) {
			assert_true(got.code == result.code);
			assert_equal_text((struct wire_text){ got.message, got.message_len },
					  (struct wire_text){ result.message, result.message_len });
		} else {
			assert_equal_values(&got.value, &result.value);
		}
		assert_int_equal(read_as(GOLDEN_RESULT, message, size), WIRE_OK);
	}
}

static void log_records_round_trip(void **state)
{
	(void)state;
	for (unsigned round = 0; round < 20000; round++) {
		struct wire_log got,
			log = { .message = { pool[0], random_text(pool[0], TEXT_MAX) },
				.source = { pool[1], random_text(pool[1], TEXT_MAX) },
				.caller = { pool[2], random_text(pool[2], TEXT_MAX) },
				.source_file = { pool[3], random_text(pool[3], TEXT_MAX) },
				.level = (enum wire_level)random_below(7),
				.line = (uint32_t)random_u64() };
		size_t size = wire_log_size(&log);
		const uint8_t *message = written(write_log, &log, size);

		assert_int_equal(wire_log_read(message, size, &got).status, WIRE_OK);
		assert_equal_text(got.message, log.message);
		assert_equal_text(got.source, log.source);
		assert_equal_text(got.caller, log.caller);
		assert_equal_text(got.source_file, log.source_file);
		assert_int_equal(got.level, log.level);
		assert_int_equal(got.line, log.line);
	}
}

static void empty_texts_may_be_null(void **state)
{
	struct wire_log log = { .level = WIRE_LEVEL_TRACE };
	struct wire_call call = { NULL, 0, WIRE_CALL_HOST, MOTE_VOID, 1, { mote_bytes(NULL, 0) } };
	uint8_t to[256];
	(void)state;
	assert_true(wire_log_write(to, sizeof(to), &log) > 0);
	assert_true(wire_call_write(to, sizeof(to), &call) > 0);
	assert_int_equal(wire_call_read(to, sizeof(to), &call).status, WIRE_OK);
	assert_string_equal(call.name, "");
	assert_non_null(call.params[0].as.bytes.ptr);
}

static void every_status_and_field_has_words_of_its_own(void **state)
{
	(void)state;
	for (unsigned i = 0; i <= WIRE_TOO_MANY; i++)
		for (unsigned k = 0; k < i; k++)
			assert_string_not_equal(wire_status_text((enum wire_status)i),
						wire_status_text((enum wire_status)k));
	for (unsigned i = 0; i <= WIRE_FIELD_FUNCTIONS; i++)
		for (unsigned k = 0; k < i; k++)
			assert_string_not_equal(wire_field_text((enum wire_field)i),
						wire_field_text((enum wire_field)k));
	assert_string_equal(wire_status_text((enum wire_status)(WIRE_TOO_MANY + 1)),
			    "unknown status");
	assert_string_equal(wire_status_text((enum wire_status) - 1), "unknown status");
	assert_string_equal(wire_field_text((enum wire_field)(WIRE_FIELD_FUNCTIONS + 1)),
			    "unknown field");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_message_cut_anywhere_is_refused_or_complete),
		cmocka_unit_test(a_message_with_any_byte_changed_is_safe_to_read),
		cmocka_unit_test(a_message_with_many_bytes_changed_is_safe_to_read),
		cmocka_unit_test(calls_round_trip),
		cmocka_unit_test(results_round_trip),
		cmocka_unit_test(log_records_round_trip),
		cmocka_unit_test(empty_texts_may_be_null),
		cmocka_unit_test(every_status_and_field_has_words_of_its_own),
	};
	return cmocka_run_group_tests(tests, choose_seed, NULL);
}
