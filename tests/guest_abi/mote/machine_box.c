/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes the small guests of machine_box.h.
 */
#include "guest_abi/mote/machine_box.h"

#include <stdio.h>
#include <string.h>

static void take_line(void *user, mote_log_level level, const char *source, const char *message)
{
	struct box_log *log = user;

	if (log->count < sizeof log->lines / sizeof log->lines[0]) {
		struct box_line *line = &log->lines[log->count];
		line->level = level;
		snprintf(line->source, sizeof line->source, "%s", source);
		snprintf(line->text, sizeof line->text, "%s", message);
	}
	log->count++;
}

static const mote_segment_info segments[] = {
	{ .address = BOX_CODE, .memory_size = 0x1000, .readable = true, .executable = true },
	{ .address = BOX_CONSTANT, .memory_size = 0x1000, .readable = true },
	{ .address = BOX_DATA, .memory_size = 0x2000, .readable = true, .writable = true },
};

static const struct layout_config config = {
	.segments = segments,
	.nsegments = sizeof segments / sizeof segments[0],
	.heap_size = 0x200000,
	.stack_size = 0x4000,
	.input_size = 0x1000,
	.output_size = 0x1000,
	.supervisor_size = SUPERVISOR_BLOCK_SIZE,
	.exception_stack = SUPERVISOR_STACK,
};

void box_init(struct box *box, const struct hv_backend *backend, struct machine_ways ways,
	      const struct sys *sys)
{
	const enum shared_mem_backing backing =
		backend->needs_fd ? SHARED_MEM_FILE : SHARED_MEM_PRIVATE;
	mote_error err = { .message = "" };

	memset(box, 0, sizeof *box);
	host_init(&box->host);
	if (sys)
		box->host.sys = sys;
	box->host.log = take_line;
	box->host.log_user = &box->log;
	box->host.log_level = MOTE_LOG_TRACE;
	if (backend->open(&box->hv, &box->host, &err) ||
	    firmware_init(&box->firmware, &box->host, ways, &err) ||
	    guest_memory_new(&box->memory, &box->host, &config, "", backing, &err))
		fail_msg("%s", err.message);
	const struct region *stack = layout_get(guest_memory_layout(box->memory), REGION_STACK);
	box->rsp = stack->va + stack->size / 2;
	if (machine_init(&box->machine, box->hv, box->memory, &box->firmware, BOX_CODE, box->rsp,
			 &err))
		fail_msg("%s", err.message);
	box->vm = (struct fake_vm *)box->machine.vm;
}

void box_fini(struct box *box)
{
	machine_fini(&box->machine);
	guest_memory_free(box->memory);
	firmware_fini(&box->firmware);
	box->hv->ops->close(box->hv);
	assert_int_equal(fake.nvms, 0);
	assert_int_equal(fake.nopen, 0);
}

struct hv_exit box_run(struct box *box)
{
	struct hv_exit event;
	mote_error err = { .message = "" };

	if (machine_run(&box->machine, &event, &err))
		fail_msg("%s", err.message);
	return event;
}

const char *box_describe(const struct box *box, const struct hv_exit *event)
{
	static char text[200];
	machine_describe(&box->machine, event, text, sizeof text);
	return text;
}

bool forge(struct fake_vm *vm, struct hv_exit *exit)
{
	const struct forgery *forgery = fake.user;
	vm->regs.rip = forgery->rip;
	vm->regs.rcx = forgery->rcx;
	*exit = forgery->exit;
	return true;
}

struct hv_exit run_forgery(struct box *box, struct forgery forgery)
{
	fake.guest = forge;
	fake.user = &forgery;
	box->vm->ring = 3;
	box->vm->regs.rip = BOX_CODE;
	return box_run(box);
}

struct forgery port_exit(uint16_t port, uint8_t size, bool is_write)
{
	return (struct forgery){
		.exit = { .kind = HV_EXIT_PORT,
			  .u.port = { .port = port, .size = size, .is_write = is_write } },
		.rip = BOX_CODE,
	};
}

struct forgery mmio_exit(uint64_t gpa, uint8_t size, bool is_write)
{
	return (struct forgery){
		.exit = { .kind = HV_EXIT_MMIO,
			  .u.mmio = { .gpa = gpa, .size = size, .is_write = is_write } },
		.rip = BOX_CODE + 8,
		.rcx = BOX_CODE + 16,
	};
}
