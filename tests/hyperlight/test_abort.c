/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Abort messages: their pieces, their end, and how much of them there can be.
 */
#include "guest_abi/hyperlight/abort.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* Sends SIZE bytes by threes, as guests do. */
static bool send(struct hyperlight_abort *abort, const char *bytes, size_t size,
		 struct guest_event *event)
{
	while (size > 0) {
		uint32_t dword = 0;
		uint32_t count = 0;

		while (count < 3 && size > 0) {
			dword |= (uint32_t)(uint8_t)*bytes++ << 8 * ++count;
			size--;
		}
		if (hyperlight_abort_take(abort, dword | count, event))
			return true;
	}
	return false;
}

static void messages_become_events(void **state)
{
	static const struct {
		const char *bytes;
		size_t size;
		mote_status status;
		uint64_t code;
		const char *text;
	} rows[] = {
#define MESSAGE(text) text "\xff", sizeof text "\xff" - 1
		{ MESSAGE("\x0d"), MOTE_E_GUEST_ABORT, 13, "" },
		{ MESSAGE("\x19Oh no"), MOTE_E_GUEST_ABORT, 25, "Oh no" },
		{ MESSAGE(""), MOTE_E_GUEST_ABORT, 0, "" },
		{ MESSAGE("\x08panicked at a.rs:1:2:\nwhat"), MOTE_E_GUEST_ABORT, 8,
		  "panicked at a.rs:1:2:\nwhat" },
		{ MESSAGE("\x0f\x06"
			  "Exception vector: 6"),
		  MOTE_E_GUEST_FAULT, 15, "invalid opcode: Exception vector: 6" },
		{ MESSAGE("\x0f\x0e"), MOTE_E_GUEST_FAULT, 15, "page fault" },
		{ MESSAGE("\x0f\x1eX"), MOTE_E_GUEST_FAULT, 15, "security exception: X" },
		{ MESSAGE("\x0f\x14X"), MOTE_E_GUEST_FAULT, 15, "virtualization exception: X" },
		/* no vectors */
		{ MESSAGE("\x0f\x15X"), MOTE_E_GUEST_ABORT, 15, "\x15X" },
		{ MESSAGE("\x0ftext"), MOTE_E_GUEST_ABORT, 15, "text" },
		{ MESSAGE("\x0f"), MOTE_E_GUEST_ABORT, 15, "" },
		/* a line break first, which is 10 */
		{ MESSAGE("\x08\nwhat"), MOTE_E_GUEST_ABORT, 8, "\nwhat" },
#undef MESSAGE
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		static struct hyperlight_abort abort;
		struct guest_event event = { .text = NULL };

		assert_true(send(&abort, rows[i].bytes, rows[i].size, &event));
		assert_int_equal(event.kind, GUEST_ENDED);
		assert_int_equal(event.status, rows[i].status);
		assert_int_equal(event.code, rows[i].code);
		assert_int_equal(event.text_size, strlen(rows[i].text));
		assert_memory_equal(event.text, rows[i].text, event.text_size);
		assert_int_equal(abort.size, 0);
	}
}

static void a_piece_has_at_most_three_bytes(void **state)
{
	static struct hyperlight_abort abort;
	struct guest_event event;

	(void)state;
	assert_false(hyperlight_abort_take(&abort, UINT32_C(0xff020100), &event));
	assert_int_equal(abort.size, 0);
	assert_false(hyperlight_abort_take(&abort, UINT32_C(0x43424101), &event));
	assert_int_equal(abort.size, 1);
	assert_false(hyperlight_abort_take(&abort, UINT32_C(0x444342fe), &event));
	assert_int_equal(abort.size, 4);
	assert_false(hyperlight_abort_take(&abort, UINT32_C(0x47464504), &event));
	assert_int_equal(abort.size, 7);
	/* what follows the end in its piece does not count */
	assert_true(hyperlight_abort_take(&abort, UINT32_C(0x41ff4503), &event));
	assert_int_equal(event.code, 'A');
	assert_int_equal(event.text_size, 7);
	assert_memory_equal(event.text, "BCDEFGE", 7);
}

static void a_message_has_at_most_1024_bytes(void **state)
{
	static struct hyperlight_abort abort;
	static char bytes[HYPERLIGHT_ABORT_MAX + 1];
	struct guest_event event;

	(void)state;
	memset(bytes, 'x', sizeof bytes);
	assert_false(send(&abort, bytes, HYPERLIGHT_ABORT_MAX, &event));
	assert_true(send(&abort, "\xff", 1, &event));
	assert_int_equal(event.code, 'x');
	assert_int_equal(event.text_size, HYPERLIGHT_ABORT_MAX - 1);

	/* the longest with the longest name in front */
	bytes[0] = 15;
	bytes[1] = 20;
	assert_false(send(&abort, bytes, HYPERLIGHT_ABORT_MAX, &event));
	assert_true(send(&abort, "\xff", 1, &event));
	assert_int_equal(event.status, MOTE_E_GUEST_FAULT);
	assert_in_range(event.text_size, HYPERLIGHT_ABORT_MAX, sizeof abort.text);

	assert_true(send(&abort, bytes, HYPERLIGHT_ABORT_MAX + 1, &event));
	assert_int_equal(event.status, MOTE_E_GUEST_ABORT);
	assert_int_equal(event.code, 0);
	assert_non_null(strstr(event.text, "1024"));
	assert_int_equal(abort.size, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_become_events),
		cmocka_unit_test(a_piece_has_at_most_three_bytes),
		cmocka_unit_test(a_message_has_at_most_1024_bytes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
