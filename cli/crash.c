/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Collects back-traces and core files of guests that crash.
 */
#include "crash.h"

#include "json.h"
#include "terminal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *copy_text(const char *text)
{
	return text ? strdup(text) : NULL;
}

static void add_frame(void *user, const mote_frame_info *info)
{
	struct crash *crash = user;

	if (crash->nframes == MOTE_MAX_FRAMES)
		return;
	mote_frame_info *copy = &crash->frames[crash->nframes++];
	*copy = *info;
	copy->function = copy_text(info->function);
	copy->file = copy_text(info->file);
}

void crash_collect(void *user, mote_sandbox *sb, mote_status status)
{
	struct crash *crash = user;

	(void)status;
	if (crash->frames)
		return; /* one is enough */
	crash->frames = calloc(MOTE_MAX_FRAMES, sizeof crash->frames[0]);
	if (crash->frames && mote_sandbox_backtrace(sb, add_frame, crash, NULL))
		crash->nframes = 0;
	if (crash->core_path)
		crash->has_core =
			mote_sandbox_core(sb, crash->core_path, &crash->core_error) == MOTE_OK;
}

static void print_frame(size_t number, const mote_frame_info *frame)
{
	fprintf(stderr, "  #%-2zu 0x%016" PRIx64 " %s", number, frame->address,
		frame->is_guess ? "? " : "");
	if (!frame->function)
		fputs("??", stderr);
	else
		terminal_escape(stderr, frame->function, strlen(frame->function));
	if (frame->function && frame->offset)
		fprintf(stderr, "+0x%" PRIx64, frame->offset);
	if (frame->file) {
		fputs(" at ", stderr);
		terminal_escape(stderr, frame->file, strlen(frame->file));
		fprintf(stderr, ":%" PRIu32, frame->line);
	}
	fputs(frame->is_inlined ? " (inlined)\n" : "\n", stderr);
}

void crash_print(const struct crash *crash)
{
	bool has_guesses = false;

	for (size_t i = 0; i < crash->nframes; i++) {
		print_frame(i, &crash->frames[i]);
		has_guesses |= crash->frames[i].is_guess;
	}
	if (has_guesses)
		fputs("  (? is a guess: the guest has no frame pointers there)\n", stderr);
	if (crash->core_error.code) {
		fputs("mote: no core file: ", stderr);
		terminal_escape(stderr, crash->core_error.message,
				strlen(crash->core_error.message));
		putc('\n', stderr);
	}
	if (crash->has_core)
		fprintf(stderr, "core file: %s; look at it with: gdb %s %s\n", crash->core_path,
			crash->guest ? crash->guest : "GUEST", crash->core_path);
}

static struct json_object *frame_json(const mote_frame_info *frame)
{
	struct json_object *json = json_map();

	json_add(json, "address", json_number(frame->address));
	if (frame->function) {
		json_add(json, "function", json_text(frame->function));
		json_add(json, "offset", json_number(frame->offset));
	}
	if (frame->file) {
		json_add(json, "file", json_text(frame->file));
		json_add(json, "line", json_number(frame->line));
	}
	if (frame->is_inlined)
		json_add(json, "inlined", json_flag(true));
	if (frame->is_guess)
		json_add(json, "guess", json_flag(true));
	return json;
}

void crash_add_json(const struct crash *crash, struct json_object *error)
{
	if (crash->nframes > 0) {
		struct json_object *frames = json_list();
		for (size_t i = 0; i < crash->nframes; i++)
			json_append(frames, frame_json(&crash->frames[i]));
		json_add(error, "backtrace", frames);
	}
	if (crash->has_core)
		json_add(error, "core", json_text(crash->core_path));
	if (crash->core_error.code)
		json_add(error, "core_error", json_text(crash->core_error.message));
}

void crash_fini(struct crash *crash)
{
	for (size_t i = 0; i < crash->nframes; i++) {
		free((void *)(uintptr_t)crash->frames[i].function);
		free((void *)(uintptr_t)crash->frames[i].file);
	}
	free(crash->frames);
	*crash = (struct crash){ 0 };
}
