/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Target functions: mote_call and all behind it, mote_sandbox_new, mote_sandbox_restore: whatever a
 * guest does with its memory, its messages and its exits, calls end with a result or with a reason,
 * the embedder sees only sound values and lines, and a restore heals: memory, registers and a good
 * call are as they were.
 * Input: a byte of options, then calls, each a byte and its arguments, and what the guest does
 * (hostile_guest.h).
 */
#include "fuzz/fuzz.h"
#include "fuzz/hostile_guest.h"

#include "abi/utf8.h"
#include "guest_abi/mote/guest.h"
#include "sandbox/snapshot.h"
#include "tests/kit/tiny_elf.h"

#define CALLS     3
#define HEAP_SIZE (UINT64_C(2) << 20)

/* Only machines have buffers for bulk data. Arguments of LONG_MARK bytes stand for long ones. */
#define BUFFER_SIZE 8192
#define LONG_MARK   7

enum options {
	OPTION_MACHINE = 1,      /* else the backend without one */
	OPTION_LOSES_WRITES = 2, /* the backend does not say which pages were written */
};

/* What takes long is done for one input in so many, whatever a corpus fills up with. */
enum rarity { ONE_IN_8 = 8, ONE_IN_32 = 32, ONE_IN_64 = 64 };

static uint32_t sum;

static void add_up(const uint8_t *data, size_t size)
{
	sum = 2166136261;
	for (size_t i = 0; i < size; i++)
		sum = (sum ^ data[i]) * 16777619;
	sum ^= sum >> 15;
}

static bool is_turn(enum rarity rarity)
{
	return sum % rarity == 1;
}

/* A backend, and what was made on it for all inputs. */
struct world {
	mote_runtime *rt;
	mote_image *image;
	mote_sandbox *sb;
	mote_snapshot *snapshot;
	struct hostile_guest guest;
};

/* The running world; callbacks have other uses for their pointers. */
static struct world *now;

static void take_line(void *user, mote_log_level level, const char *source, const char *text)
{
	CHECK(user == now && level >= MOTE_LOG_ERROR && level <= MOTE_LOG_TRACE);
	CHECK(strcmp(source, "guest") == 0 || strcmp(source, "host") == 0);
	CHECK(is_printable(text, 4096) && utf8_check(text, strlen(text)) == UTF8_TEXT);
}

static void take_output(void *user, int stream, const void *data, size_t size)
{
	CHECK(user == now && data && (stream == 1 || stream == 2) && size > 0 && size <= 16384);
}

static void check_sound(const mote_value *value, mote_type type)
{
	const char *why;

	CHECK(value->type == type && value_is(value, type, &why));
	if (type == MOTE_BYTES && value->as.bytes.len > 0) {
		const volatile uint8_t *bytes = value->as.bytes.ptr;
		(void)(bytes[0] + bytes[value->as.bytes.len - 1]);
	}
	if (type == MOTE_STRING)
		CHECK(value->as.str.ptr[value->as.str.len] == '\0');
}

/* A host function cannot use the sandbox that calls it. */
static void try_reentry(void)
{
	uint8_t byte;

	CHECK(mote_call(now->sb, "Zoo", MOTE_NO_ARGS, NULL, NULL) == MOTE_E_STATE);
	CHECK(mote_sandbox_restore(now->sb, now->snapshot, NULL) == MOTE_E_STATE);
	CHECK(mote_sandbox_read(now->sb, TINY_ADDRESS, &byte, 1, NULL) == MOTE_E_STATE);
}

static mote_status echo(void *user, const mote_value *args, size_t nargs, mote_value *result,
			mote_error *err)
{
	(void)user;
	(void)err;
	CHECK(nargs == 1);
	check_sound(&args[0], MOTE_BYTES);
	*result = args[0];
	return MOTE_OK;
}

/* Fails, with whatever message. */
static mote_status fail_somehow(void *user, const mote_value *args, size_t nargs,
				mote_value *result, mote_error *err)
{
	struct input *input = now->guest.input;
	size_t got;
	const uint8_t *text = take_bytes(input, take(input, 1) % 64, &got);

	(void)user;
	(void)args;
	(void)result;
	CHECK(nargs == 0);
	if (got > 0)
		memcpy(err->message, text, got);
	memset(err->message + got, got % 2 ? 'x' : 0, sizeof err->message - got);
	return MOTE_E_OS;
}

/* Returns anything, of any type; and what is larger than the buffer. */
static mote_status pick(void *user, const mote_value *args, size_t nargs, mote_value *result,
			mote_error *err)
{
	static const char large[8192] = "large";
	struct input *input = now->guest.input;

	(void)user;
	(void)err;
	CHECK(nargs == 2);
	check_sound(&args[0], MOTE_STRING);
	check_sound(&args[1], MOTE_I32);
	if (now->sb)
		try_reentry();
	*result = hostile_value(input, take(input, 1) & 1 ? MOTE_STRING : MOTE_VOID);
	if (result->type == MOTE_BYTES)
		*result = mote_bytes(large, sizeof large);
	return MOTE_OK;
}

static const mote_type pick_params[] = { MOTE_STRING, MOTE_I32 };
static const mote_type echo_params[] = { MOTE_BYTES };
static const mote_host_function functions[] = {
	{ .name = "Echo", .fn = echo, .result = MOTE_BYTES, .nparams = 1, .params = echo_params },
	{ .name = "Fail", .fn = fail_somehow, .result = MOTE_I32 },
	{ .name = "Pick", .fn = pick, .result = MOTE_STRING, .nparams = 2, .params = pick_params },
};

static mote_status new_sandbox(struct world *world, mote_sandbox **sb, mote_error *err)
{
	const mote_sandbox_options *options =
		MOTE_OPTIONS(mote_sandbox_options, .heap_size = HEAP_SIZE, .stack_size = 8192,
			     .input_size = 4096, .output_size = 4096, .functions = functions,
			     .nfunctions = sizeof functions / sizeof functions[0],
			     .buffer_size = world->rt->hv->ops->is_hardware ? BUFFER_SIZE : 0,
			     /* without one lines go to the log */
			     .output = world->rt->hv->ops->is_hardware ? take_output : NULL,
			     .output_user = world);

	return mote_sandbox_new(sb, world->image, options, err);
}

static void make(struct world *world, const struct hv_backend *backend)
{
	const struct hv_backend *const backends[] = { backend, NULL };
	const mote_runtime_options *options =
		MOTE_OPTIONS(mote_runtime_options, .backend = backend->name, .log = take_line,
			     .log_user = world, .log_level = MOTE_LOG_TRACE);
	struct tiny_elf elf;

	tiny_elf_init(&elf);
	elf.exports[2].nparams = 2; /* Mid(str, bytes) -> bytes */
	elf.exports[2].params[1] = MOTE_BYTES;
	memset(elf.exports[2].params + 2, 0, sizeof elf.exports[2].params - 2);
	CHECK(runtime_new(&world->rt, options, &sys_linux, backends, NULL) == MOTE_OK);
	CHECK(mote_image_load_memory(&world->image, world->rt, &elf, sizeof elf, NULL) == MOTE_OK);
	CHECK(new_sandbox(world, &world->sb, NULL) == MOTE_OK);
	CHECK(mote_snapshot_take(&world->snapshot, world->sb, NULL) == MOTE_OK);
}

static struct world *enter(bool is_machine)
{
	static struct world worlds[2];
	struct world *world = &worlds[is_machine];

	if (!worlds[0].rt && !worlds[1].rt)
		fake_reset();
	now = world;
	fake.guest = hostile_guest_runs;
	fake.user = &world->guest;
	fake.loses_writes = false;
	world->guest = (struct hostile_guest){ .mood = MOOD_READY, .stack = world->guest.stack };
	if (!world->rt)
		make(world, is_machine ? &fake_machine : &fake_process);
	world->guest.nwritten = 0;
	return world;
}

static void check_error(const mote_error *err, mote_status status)
{
	CHECK(err->code == status && err->message[0]);
	CHECK(is_printable(err->message, sizeof err->message));
}

/* A call of the input's. False when the sandbox is poisoned. */
static bool one_call(struct world *world, mote_sandbox *sb, struct input *input)
{
	static const char *const names[] = { "Zoo", "Add", "Mid" };
	const char *name = names[take(input, 1) % 3];
	const mote_function_info *function = mote_image_find_export(world->image, name);
	static const char large[5000];
	mote_error err = { .code = MOTE_OK };
	mote_value args[2], result;

	for (uint32_t i = 0; i < function->nparams; i++)
		args[i] = hostile_value(input, function->params[i]);
	if (function->nparams == 2 && args[1].type == MOTE_BYTES &&
	    args[1].as.bytes.len == LONG_MARK)
		args[1] = mote_bytes(large, sizeof large);
	const mote_status status = mote_call(sb, name, args, function->nparams, &result, &err);
	CHECK(!sb->function && !sb->is_running);
	CHECK(mote_sandbox_is_poisoned(sb) == (mote_status_class(status) == MOTE_CLASS_POISON));
	if (status == MOTE_OK) {
		check_sound(&result, function->result);
	} else {
		CHECK(result.type == MOTE_VOID);
		check_error(&err, status);
	}
	if (!mote_sandbox_is_poisoned(sb))
		return true;
	CHECK(mote_call(sb, "Zoo", MOTE_NO_ARGS, NULL, &err) == MOTE_E_STATE);
	check_error(&err, MOTE_E_STATE);
	return false;
}

/* The bytes that the snapshot has at an address, and that the sandbox should have. */
static void compare_page(void *user, uint64_t address, const void *bytes)
{
	const struct world *world = user;
	uint8_t page[MOTE_PAGE_SIZE];

	/* the generation there has changed */
	if (address == MOTE_START_BLOCK)
		return;
	CHECK(mote_sandbox_read(world->sb, address, page, sizeof page, NULL) == MOTE_OK);
	CHECK(memcmp(page, bytes, sizeof page) == 0);
}

/* Pages that the guest wrote to and that the snapshot does not keep are zero. */
static void check_written(const struct world *world)
{
	struct fake_vm *vm = (struct fake_vm *)mote_guest_of(world->sb->guest)->machine.vm;
	struct memory_snapshot *memory = mote_snapshot_of(world->snapshot->guest)->memory;
	static const uint8_t zeroes[MOTE_PAGE_SIZE];
	const struct region *ram = &memory->layout.ram;

	for (size_t i = 0; i < world->guest.nwritten; i++) {
		const uint64_t gpa = world->guest.written[i];
		const uint8_t *is = fake_physical(vm, gpa, MOTE_PAGE_SIZE), *was;

		CHECK(is && memory_snapshot_page(memory, (gpa - ram->gpa) / MOTE_PAGE_SIZE, &was,
						 NULL) == MOTE_OK);
		/* buffers, which no snapshot keeps, begin with their stack pointer */
		const size_t head = was ? 0 : 8;
		CHECK(!head || is[0] == 0 || is[0] == 8);
		CHECK(memcmp(is + head, (was ? was : zeroes) + head, MOTE_PAGE_SIZE - head) == 0);
	}
}

static void restore(struct world *world, uint64_t options)
{
	const uint64_t generation = mote_guest_of(world->sb->guest)->generation;

	fake.written = world->guest.written;
	fake.nwritten = world->guest.nwritten;
	fake.loses_writes = (options & OPTION_LOSES_WRITES) || world->guest.is_list_full;
	CHECK(mote_sandbox_restore(world->sb, world->snapshot, NULL) == MOTE_OK);
	fake.nwritten = 0;
	const struct fake_vm *vm =
		(const struct fake_vm *)mote_guest_of(world->sb->guest)->machine.vm;
	CHECK(!mote_sandbox_is_poisoned(world->sb) &&
	      mote_guest_of(world->sb->guest)->generation > generation);
	CHECK(vm->ring == 3 && vm->fs_base == mote_snapshot_of(world->snapshot->guest)->fs_base);
	CHECK(mote_guest_of(world->sb->guest)->personality.state == PROGRAM_RUNNING);
	CHECK(mote_guest_of(world->sb->guest)->dispatch ==
	      mote_snapshot_of(world->snapshot->guest)->dispatch);
	check_written(world);
	if (is_turn(ONE_IN_8))
		CHECK(mote_snapshot_pages(world->snapshot, compare_page, world, NULL) == MOTE_OK);
	if (is_turn(ONE_IN_64))
		CHECK(guest_memory_audit(mote_guest_of(world->sb->guest)->memory, NULL) == MOTE_OK);
}

static void good_call(struct world *world)
{
	const mote_value args[] = { mote_i32(40), mote_i32(2) };
	mote_value result;

	world->guest.mood = MOOD_GOOD;
	world->guest.nwritten = 0;
	world->guest.is_list_full = false;
	CHECK(mote_call(world->sb, "Add", args, 2, &result, NULL) == MOTE_OK);
	CHECK(result.type == MOTE_I32 && result.as.i32 == 42);
	const struct fake_vm *vm =
		(const struct fake_vm *)mote_guest_of(world->sb->guest)->machine.vm;
	CHECK(!fake_is_machine(vm) || vm->vectors == 0);
}

/* A whole life of a sandbox whose main() does what it likes. */
static void start(struct world *world, struct input *input)
{
	mote_error err = { .code = MOTE_OK };
	mote_sandbox *sb, *kept = world->sb;

	world->sb = NULL; /* host functions know no sandbox */
	world->guest.mood = MOOD_HOSTILE;
	const mote_status status = new_sandbox(world, &sb, &err);
	CHECK((status == MOTE_OK) == (sb != NULL));
	if (status)
		check_error(&err, status);
	for (int i = 0; sb && i < CALLS && input->left > 0; i++)
		if (!one_call(world, sb, input))
			break;
	mote_sandbox_free(sb);
	world->sb = kept;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = { data, size };
	const uint64_t options = take(&input, 1);
	struct world *world = enter(options & OPTION_MACHINE);

	world->guest.input = &input;
	add_up(data, size);
	if (is_turn(ONE_IN_32)) {
		start(world, &input);
		return 0;
	}
	world->guest.mood = MOOD_HOSTILE;
	for (int i = 0; i < CALLS && input.left > 0; i++)
		if (!one_call(world, world->sb, &input))
			break;
	restore(world, options);
	good_call(world);
	restore(world, 0);
	return 0;
}
