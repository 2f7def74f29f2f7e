/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes back-traces: walks the stack, looks all addresses up at once, and tells what came of it
 * frame by frame.
 */
#include "debug/backtrace.h"

#include "base/text.h"
#include "debug/functions.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct trace {
	struct frame frames[MOTE_MAX_FRAMES];
	struct function_at functions[MOTE_MAX_FRAMES];
	size_t count;
	struct libdw_reader *reader; /* NULL: none */
	char function[BACKTRACE_NAME_SIZE];
	char file[BACKTRACE_NAME_SIZE];
};

/* The place to look up for the INDEX-th frame: a call may be the last instruction of its function,
 * and what it returns to is another's then. */
static uint64_t place_of(const struct trace *trace, size_t index)
{
	return trace->frames[index].address - (index > 0);
}

static void walk(struct trace *trace, const struct stopped_guest *guest, size_t wanted)
{
	trace->reader = libdw_begin(guest->libdw, guest->elf);
	trace->count = trace->reader
			       ? libdw_walk(trace->reader, guest->guest, &guest->start,
					    trace->frames, wanted)
			       : frames_walk(guest->guest, &guest->start, trace->frames, wanted);
	if (trace->count > wanted)
		trace->count = wanted;
	for (size_t i = 0; i < trace->count; i++)
		trace->functions[i].address = place_of(trace, i);
	functions_find(guest->elf, trace->functions, trace->count);
}

/* TEXT, if any, made fit for people in ROOM; NULL if there is none. */
static const char *escape(char room[BACKTRACE_NAME_SIZE], const char *text)
{
	if (!text)
		return NULL;
	text_escape(room, BACKTRACE_NAME_SIZE, text, strnlen(text, BACKTRACE_NAME_SIZE));
	return room;
}

static void set_place(struct trace *trace, const struct libdw_place *place, mote_frame_info *info)
{
	info->function = escape(trace->function, place->function);
	info->file = escape(trace->file, place->file);
	info->line = place->file ? place->line : 0;
}

/* The symbol's name wins over that of the debug information: it has the offset, and C++'s scopes. */
static void set_symbol(struct trace *trace, const struct function_at *found, mote_frame_info *info)
{
	if (!found->symbol.name)
		return;
	info->function = escape(trace->function, found->symbol.name);
	info->offset = info->address - found->symbol.address;
}

/* Calls VISIT for the INDEX-th frame and what is inlined there. */
static void visit_frame(struct trace *trace, size_t index,
			void (*visit)(void *user, const mote_frame_info *frame), void *user)
{
	struct libdw_place places[LIBDW_INLINED_MAX] = { { 0 } };
	const struct frame *frame = &trace->frames[index];
	size_t count =
		trace->reader ? libdw_find(trace->reader, place_of(trace, index), places) : 0;

	if (count == 0)
		count = 1;
	for (size_t i = 0; i < count; i++) {
		mote_frame_info info = {
			.address = frame->address,
			.is_inlined = i + 1 < count,
			.is_guess = frame->is_guess,
		};
		set_place(trace, &places[i], &info);
		if (!info.is_inlined)
			set_symbol(trace, &trace->functions[index], &info);
		visit(user, &info);
	}
}

/* A visitor that counts what it passes on. */
struct limit {
	void (*visit)(void *user, const mote_frame_info *frame);
	void *user;
	size_t left;
};

static void visit_some(void *user, const mote_frame_info *frame)
{
	struct limit *limit = user;

	if (limit->left == 0)
		return;
	limit->left--;
	limit->visit(limit->user, frame);
}

void backtrace_visit(const struct stopped_guest *guest,
		     void (*visit)(void *user, const mote_frame_info *frame), void *user)
{
	struct limit limit = { visit, user, MOTE_MAX_FRAMES };
	struct trace trace = { 0 };

	walk(&trace, guest, MOTE_MAX_FRAMES);
	for (size_t i = 0; i < trace.count; i++)
		visit_frame(&trace, i, visit_some, &limit);
	libdw_end(trace.reader);
}

/* Bytes of a name in a description. */
enum { DESCRIBED_MAX = 120 };

/* How many bytes of TEXT to show: whole characters. */
static int described_length(const char *text)
{
	const size_t size = strlen(text);
	size_t length = 0, n;

	while (length < size && (n = text_utf8_length(text + length, size - length)) > 0 &&
	       length + n <= DESCRIBED_MAX)
		length += n;
	return (int)length;
}

/* What backtrace_describe() tells of the function that is visited first. */
struct description {
	char *text;
	size_t size;
	bool is_done;
};

/* A source file's directories are those of the machine that it was compiled on. */
static const char *last_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash[1] ? slash + 1 : path;
}

static void describe(void *user, const mote_frame_info *frame)
{
	struct description *to = user;

	if (to->is_done || !frame->function)
		return;
	to->is_done = true;
	const int length = described_length(frame->function);
	if (!frame->file) {
		snprintf(to->text, to->size, "%.*s+0x%" PRIx64, length, frame->function,
			 frame->offset);
		return;
	}
	const char *file = last_part(frame->file);
	snprintf(to->text, to->size, "%.*s at %.*s:%" PRIu32, length, frame->function,
		 described_length(file), file, frame->line);
}

void backtrace_describe(const struct stopped_guest *guest, char *text)
{
	const size_t size = BACKTRACE_TEXT_SIZE;
	/* where a wild jump led to has no name, but the function that it came from may have */
	const bool is_lost = !frames_is_code(guest->guest, guest->start.regs.rip);
	char name[BACKTRACE_TEXT_SIZE - 48];
	struct description place = { .text = name, .size = sizeof name };
	struct trace trace = { 0 };

	walk(&trace, guest, 1 + is_lost);
	if (trace.count > is_lost)
		visit_frame(&trace, is_lost, describe, &place);
	libdw_end(trace.reader);
	if (place.is_done && !is_lost)
		snprintf(text, size, "in %s", name);
	else
		snprintf(text, size, "at instruction 0x%" PRIx64 "%s%s", guest->start.regs.rip,
			 place.is_done ? ", called by " : "", place.is_done ? name : "");
}
