/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fake host. Hypercalls that do not return jump out of the guest with longjmp().
 */
#define _GNU_SOURCE
#include "fake_host.h"

#include "abi/mote_abi.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#define BUFFER_SIZE 4096

struct fake_host fake;

static uint8_t input_bytes[BUFFER_SIZE], output_bytes[BUFFER_SIZE];
static uint8_t arguments[4 * BUFFER_SIZE], results[4 * BUFFER_SIZE];
static uint8_t copies[3][BUFFER_SIZE]; /* of a result, a call, a log record */
static struct mote_start_block block;
static jmp_buf back;

void dispatch_entry(void);
extern const struct mote_record __start_mote_exports[], __stop_mote_exports[];

static void tell_of_buffers(void)
{
	const bool has_some = fake.buffer_size > 0;

	block.buffer_size = fake.buffer_size;
	block.arguments_address = has_some ? (uint64_t)(uintptr_t)arguments : 0;
	block.results_address = has_some ? (uint64_t)(uintptr_t)results : 0;
}

unsigned long __real_getauxval(unsigned long type);
unsigned long __wrap_getauxval(unsigned long type);

unsigned long __wrap_getauxval(unsigned long type)
{
	block.mapping_table = (uint64_t)(uintptr_t)fake.mappings;
	block.function_table = (uint64_t)(uintptr_t)fake.functions;
	block.init_data_address = (uint64_t)(uintptr_t)fake.init_data;
	block.init_data_size = fake.init_data_size;
	tell_of_buffers();
	if (type == MOTE_AT_START_BLOCK)
		return fake.is_present ? (unsigned long)&block : 0;
	return __real_getauxval(type);
}

/* For the programs that are about calls, not about main(). */
int __real_main(int argc, char **argv, char **envp);

__attribute__((weak)) int __real_main(int argc, char **argv, char **envp)
{
	(void)argc;
	(void)argv;
	(void)envp;
	return 0;
}

static uint64_t used(const struct io_stack *stack)
{
	uint64_t sp;

	memcpy(&sp, stack->base, sizeof sp);
	return sp - IO_STACK_HEAD;
}

static size_t pop(uint8_t *copy)
{
	struct io_fault fault;

	return io_stack_pop(&fake.output, copy, BUFFER_SIZE, &fault);
}

static void take_result(void)
{
	size_t size = pop(copies[0]);

	assert_int_not_equal(size, 0);
	assert_int_equal(wire_result_read(copies[0], size, &fake.result).status, WIRE_OK);
	fake.input_used = used(&fake.input);
	fake.output_used = used(&fake.output);
}

static void push_answer(void)
{
	uint8_t message[BUFFER_SIZE];
	struct io_fault fault;
	const void *bytes = fake.answer_bytes ? fake.answer_bytes : message;
	size_t size = fake.answer_bytes ? fake.answer_size
					: wire_result_write(message, sizeof message, &fake.answer);

	if (size != 0)
		assert_true(io_stack_push(&fake.input, bytes, size, &fault));
}

static void take_call(void)
{
	size_t size = pop(copies[1]);

	assert_int_not_equal(size, 0);
	assert_int_equal(wire_call_read(copies[1], size, &fake.call).status, WIRE_OK);
	fake.calls++;
	push_answer();
}

static void take_log(void)
{
	size_t size = pop(copies[2]);

	assert_int_not_equal(size, 0);
	assert_int_equal(wire_log_read(copies[2], size, &fake.log).status, WIRE_OK);
	fake.logs++;
}

static uint64_t serve(uint64_t operation, uint64_t a, uint64_t b, uint64_t c)
{
	switch (operation) {
	case MOTE_HC_READY:
		fake.dispatch = a;
		fake.stack = b;
		fake.main_result = c;
		longjmp(back, 1 + FAKE_READY);
	case MOTE_HC_DONE:
		fake.result_is_span = a;
		take_result();
		longjmp(back, 1 + FAKE_DONE);
	case MOTE_HC_HOST_CALL:
		fake.spans_of_call = a;
		fake.takes_spans = b;
		take_call();
		return fake.answer_is_span;
	case MOTE_HC_LOG:
		take_log();
		return 0;
	}
	fail_msg("the guest made hypercall %lu", (unsigned long)operation);
	return 0;
}

/* Writes `movabs $serve, %rax; jmp *%rax` where guests expect the hypercall page. */
static void map_hypercall_page(void)
{
	uint8_t code[] = { 0x48, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xe0 };
	uint64_t target = (uint64_t)(uintptr_t)serve;
	void *page = mmap((void *)MOTE_HYPERCALL_PAGE, MOTE_PAGE_SIZE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

	assert_ptr_equal(page, (void *)MOTE_HYPERCALL_PAGE);
	memcpy(code + 2, &target, sizeof target);
	memcpy((uint8_t *)page + MOTE_HYPERCALL_ENTRY, code, sizeof code);
	assert_int_equal(mprotect(page, MOTE_PAGE_SIZE, PROT_READ | PROT_EXEC), 0);
}

int fake_host_setup(void **state)
{
	(void)state;
	map_hypercall_page();
	memset(input_bytes, 0xee, sizeof input_bytes);
	memset(output_bytes, 0xee, sizeof output_bytes);
	fake = (struct fake_host){
		.is_present = true,
		.input = { input_bytes, sizeof input_bytes },
		.output = { output_bytes, sizeof output_bytes },
		.arguments = arguments,
		.results = results,
	};
	block = (struct mote_start_block){
		.magic = MOTE_START_MAGIC,
		.abi_version = MOTE_ABI_VERSION,
		.input_address = (uint64_t)(uintptr_t)input_bytes,
		.input_size = sizeof input_bytes,
		.output_address = (uint64_t)(uintptr_t)output_bytes,
		.output_size = sizeof output_bytes,
	};
	io_stack_init(&fake.input);
	io_stack_init(&fake.output);
	return 0;
}

enum fake_end fake_host_run(void (*function)(void *), void *argument)
{
	int how = setjmp(back);

	if (how == 0) {
		function(argument);
		fail_msg("the guest returned to its host");
	}
	return (enum fake_end)(how - 1);
}

/* Enters as the host does: rdi is the index, rsi says which parameters are spans, rsp is a multiple
 * of 16, registers else are 0. */
static void enter(void *index)
{
	block.generation = fake.generation;
	tell_of_buffers();
	__asm__ volatile("sub $1024, %%rsp\n\t"
			 "and $-16, %%rsp\n\t"
			 "xor %%ebp, %%ebp\n\t"
			 "jmp *%2"
			 :
			 : "D"(*(uint64_t *)index), "S"(fake.which), "a"(dispatch_entry)
			 : "memory");
}

void fake_host_enter(uint64_t index)
{
	assert_int_equal(fake_host_run(enter, &index), FAKE_DONE);
}

void fake_host_call(uint64_t index, const struct wire_call *call)
{
	struct io_fault fault;
	size_t size = wire_call_size(call);

	io_stack_init(&fake.input);
	io_stack_init(&fake.output);
	void *at = io_stack_reserve(&fake.input, size, &fault);
	assert_non_null(at);
	wire_call_write(at, size, call);
	io_stack_commit(&fake.input, at, size);
	fake_host_enter(index);
}

uint64_t fake_host_count(void)
{
	return (uint64_t)(__stop_mote_exports - __start_mote_exports);
}

uint64_t fake_host_index(const char *name)
{
	for (uint64_t i = 0; i < fake_host_count(); i++)
		if (strcmp(__start_mote_exports[i].name, name) == 0)
			return i;
	fail_msg("no export %s", name);
	return 0;
}

void fake_host_call_name(const char *name, mote_type result, size_t nparams,
			 const mote_value *params)
{
	struct wire_call call = {
		.name = name,
		.name_len = strlen(name),
		.kind = WIRE_CALL_GUEST,
		.result = result,
		.nparams = nparams,
	};

	if (nparams != 0)
		memcpy(call.params, params, nparams * sizeof *params);
	fake_host_call(fake_host_index(name), &call);
}

void expect_error(uint64_t code, const char *message)
{
	assert_true(fake.result.is_error);
	assert_string_equal(fake.result.message, message);
	assert_int_equal(fake.result.code, code);
}
