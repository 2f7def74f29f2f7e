/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest that attacks its host: forged buffers, wrong messages, hypercalls out of
 * order, system calls with wild pointers. Attack(name) runs one of them; AttackName(index)
 * lists them. Those in OBVIOUS must end the call and poison the sandbox. The others may
 * end it or not: the host decides, and must survive.
 *
 * It writes messages with the host's own code, and so is the one guest that is linked with abi/.
 */
#define _GNU_SOURCE
#include "abi/io_stack.h"
#include "abi/mote_abi.h"
#include "abi/wire.h"

#include <mote/guest.h>

#include <errno.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

MOTE_IMPORT(i32, HostAdd, i32, i32)

static const struct mote_start_block *block;

static uint64_t ring(uint64_t operation, uint64_t a, uint64_t b, uint64_t c)
{
	typedef uint64_t hypercall_fn(uint64_t, uint64_t, uint64_t, uint64_t);

	return ((hypercall_fn *)(MOTE_HYPERCALL_PAGE + MOTE_HYPERCALL_ENTRY))(operation, a, b, c);
}

static void done(void)
{
	ring(MOTE_HC_DONE, 0, 0, 0);
}

static struct io_stack output(void)
{
	return (struct io_stack){ (uint8_t *)block->output_address, block->output_size };
}

static struct io_stack input(void)
{
	return (struct io_stack){ (uint8_t *)block->input_address, block->input_size };
}

static void push(const void *bytes, size_t size)
{
	struct io_stack out = output();
	struct io_fault fault;

	io_stack_push(&out, bytes, size, &fault);
}

static void push_result(mote_value value)
{
	unsigned char message[1024];
	struct wire_result result = { .is_error = false, .value = value };

	push(message, wire_result_write(message, sizeof message, &result));
}

static void push_call(struct wire_call call)
{
	unsigned char message[2048];

	call.name_len = strlen(call.name);
	push(message, wire_call_write(message, sizeof message, &call));
}

static void push_log(const char *text, size_t size)
{
	unsigned char message[1024];
	struct wire_log log = { .message = { text, size },
				.source = { "s", 1 },
				.caller = { "c", 1 },
				.source_file = { "f", 1 },
				.level = WIRE_LEVEL_INFO };

	push(message, wire_log_write(message, sizeof message, &log));
}

/* The output buffer with a good result on it and its stack pointer set to SP. */
static void done_with_sp(uint64_t sp)
{
	push_result(mote_i32(1));
	memcpy(output().base, &sp, 8);
	done();
}

/* The same with the top element's back pointer set to BACK. */
static void done_with_back(uint64_t back)
{
	uint64_t sp;

	push_result(mote_i32(1));
	memcpy(&sp, output().base, 8);
	memcpy(output().base + sp - 8, &back, 8);
	done();
}

/* The same with its size prefix set to PREFIX. */
static void done_with_prefix(uint32_t prefix)
{
	push_result(mote_i32(1));
	memcpy(output().base + 8, &prefix, 4);
	done();
}

/* The same with the byte at AT replaced. */
static void done_with_byte(size_t at, unsigned char value)
{
	push_result(mote_i32(1));
	output().base[8 + at] = value;
	done();
}

static void done_with_noise(uint32_t seed, size_t size)
{
	unsigned char noise[512];

	for (size_t i = 0; i < size; i++) {
		seed = seed * 1664525 + 1013904223;
		noise[i] = (unsigned char)(seed >> 24);
	}
	uint32_t prefix = (uint32_t)size - 4;
	memcpy(noise, &prefix, 4);
	push(noise, size);
	done();
}

static void call_host_with_noise(uint32_t seed)
{
	unsigned char noise[200];

	for (size_t i = 0; i < sizeof noise; i++) {
		seed = seed * 1664525 + 1013904223;
		noise[i] = (unsigned char)(seed >> 24);
	}
	push(noise, sizeof noise);
	ring(MOTE_HC_HOST_CALL, 0, 0, 0);
}

static void call_host(const char *name, enum wire_call_kind kind, mote_type result, size_t nparams,
		      const mote_value *params)
{
	struct wire_call call = { .name = name, .kind = kind, .result = result };

	call.nparams = nparams;
	if (nparams != 0)
		memcpy(call.params, params, nparams * sizeof *params);
	push_call(call);
	ring(MOTE_HC_HOST_CALL, 0, 0, 0);
}

static const mote_value two_numbers[2] = {
	{ MOTE_I32, 0, { .i32 = 1 } },
	{ MOTE_I32, 0, { .i32 = 2 } },
};

static void call_host_with(mote_type type)
{
	const mote_value params[2] = { { MOTE_I32, 0, { .i32 = 1 } }, { type, 0, { .u64 = 0 } } };

	call_host("HostAdd", WIRE_CALL_HOST, MOTE_I32, 2, params);
}

static void ring_with_stack(uint64_t rsp)
{
	__asm__ volatile("mov %0, %%rsp\n\t"
			 "mov %1, %%eax\n\t"
			 "mov %2, %%edi\n\t"
			 "jmp *%%rax"
			 :
			 : "r"(rsp), "i"(MOTE_HYPERCALL_PAGE + MOTE_HYPERCALL_ENTRY),
			   "i"(MOTE_HC_DONE)
			 : "rax", "rdi", "memory");
}

static void ring_with_direction_flag(void)
{
	push_result(mote_i32(1));
	__asm__ volatile("std");
	done();
}

static void jump_into_window(uint64_t offset)
{
	uint64_t address = MOTE_HYPERCALL_PAGE + offset;

	__asm__ volatile("mov $7, %%edi; call *%0"
			 :
			 : "r"(address)
			 : "rax", "rcx", "rdi", "r11", "memory");
}

static void store_to_doorbell(uint64_t offset, int size)
{
	uint64_t address = MOTE_DOORBELL_PAGE + offset;

	if (size == 1)
		*(volatile uint8_t *)address = 1;
	else if (size == 2)
		*(volatile uint16_t *)address = 1;
	else if (size == 4)
		*(volatile uint32_t *)address = 1;
	else
		*(volatile uint64_t *)address = 1;
}

static void write_port(uint16_t port)
{
	__asm__ volatile("outl %%eax, %%dx" : : "a"(0), "d"(port));
}

static long wild(long number, uint64_t a, uint64_t b, uint64_t c)
{
	return syscall(number, a, b, c, 0, 0, 0);
}

static void fill_output(void)
{
	struct io_stack out = output();

	memset(out.base, 0xff, out.size);
	ring(MOTE_HC_LOG, 0, 0, 0);
}

static void many_logs(void)
{
	for (int i = 0; i < 10000; i++) {
		push_log("\033[31mred\033[0m\r\n\a", 14);
		ring(MOTE_HC_LOG, 0, 0, 0);
	}
}

static void many_vectors(void)
{
	static struct iovec vectors[1024];

	for (int i = 0; i < 1024; i++)
		vectors[i] = (struct iovec){ vectors, SIZE_MAX / 1024 };
	wild(SYS_writev, 1, (uint64_t)(uintptr_t)vectors, 1024);
}

static void all_system_calls(void)
{
	for (long number = 0; number < 600; number++)
		if (number != SYS_exit && number != SYS_exit_group && number != SYS_munmap &&
		    number != SYS_brk && number != SYS_rt_sigreturn && number != SYS_pause)
			wild(number, UINT64_MAX, UINT64_MAX, UINT64_MAX);
}

/* From asm/prctl.h, which musl-gcc does not find. */
#define SET_GS 0x1001
#define SET_FS 0x1002
#define GET_FS 0x1003

#define PAGE  MOTE_PAGE_SIZE
#define SELF  ((uint64_t)(uintptr_t)many_vectors & ~(PAGE - 1))
#define SUPER MOTE_SUPERVISOR_BASE

/* X(name, statements) */
#define OBVIOUS(X)                                                                                 \
	X(sp_0, done_with_sp(0))                                                                   \
	X(sp_7, done_with_sp(7))                                                                   \
	X(sp_empty, done_with_sp(8))                                                               \
	X(sp_9, done_with_sp(9))                                                                   \
	X(sp_15, done_with_sp(15))                                                                 \
	X(sp_16, done_with_sp(16))                                                                 \
	X(sp_past_end, done_with_sp(block->output_size + 1))                                       \
	X(sp_huge, done_with_sp(UINT64_MAX))                                                       \
	X(sp_huge_7, done_with_sp(UINT64_MAX - 7))                                                 \
	X(sp_sign, done_with_sp(UINT64_C(1) << 63))                                                \
	X(back_0, done_with_back(0))                                                               \
	X(back_7, done_with_back(7))                                                               \
	X(back_past_element, done_with_back(1000))                                                 \
	X(back_huge, done_with_back(UINT64_MAX))                                                   \
	X(back_huge_7, done_with_back(UINT64_MAX - 7))                                             \
	X(prefix_0, done_with_prefix(0))                                                           \
	X(prefix_3, done_with_prefix(3))                                                           \
	X(prefix_over_element, done_with_prefix(1000))                                             \
	X(prefix_wraps, done_with_prefix(UINT32_MAX))                                              \
	X(prefix_wraps_4, done_with_prefix(UINT32_MAX - 3))                                        \
	X(prefix_5, done_with_prefix(UINT32_MAX - 4))                                              \
	X(root_offset, done_with_byte(4, 0xff))                                                    \
	X(root_offset_high, done_with_byte(7, 0x7f))                                               \
	X(vtable_size, done_with_byte(8, 0xff))                                                    \
	X(vtable_offset, done_with_byte(24, 0x01))                                                 \
	X(result_tag, done_with_byte(28, 99))                                                      \
	X(noise_1, done_with_noise(1, 64))                                                         \
	X(noise_2, done_with_noise(2, 512))                                                        \
	X(noise_3, done_with_noise(3, 16))                                                         \
	X(no_result, done())                                                                       \
	X(wrong_result_type, push_result(mote_str("text")); done())                                \
	X(no_result_type, push_result((mote_value){ .type = MOTE_VOID }); done())                  \
	X(result_with_nul, push_result(mote_strn("a\0b", 3)); done())                              \
	X(call_as_result,                                                                          \
	  push_call((struct wire_call){                                                            \
		  .name = "HostAdd", .kind = WIRE_CALL_HOST, .result = MOTE_I32 });                \
	  done())                                                                                  \
	X(log_as_result, push_log("log", 3); done())                                               \
	X(result_as_call, push_result(mote_i32(1)); ring(MOTE_HC_HOST_CALL, 0, 0, 0))              \
	X(result_as_log, push_result(mote_i32(1)); ring(MOTE_HC_LOG, 0, 0, 0))                     \
	X(hypercall_0, ring(0, 0, 0, 0))                                                           \
	X(hypercall_5, ring(5, 0, 0, 0))                                                           \
	X(hypercall_huge, ring(UINT64_MAX, 0, 0, 0))                                               \
	X(hypercall_sign, ring(UINT64_C(0x100000001), 0, 0, 0))                                    \
	X(ready_again,                                                                             \
	  ring(MOTE_HC_READY, SELF, (uint64_t)(uintptr_t)__builtin_frame_address(0), 0))           \
	X(ready_at_null, ring(MOTE_HC_READY, 0, 0, 0))                                             \
	X(ready_in_supervisor, ring(MOTE_HC_READY, SUPER, SUPER, 0))                               \
	X(host_call_without_message, ring(MOTE_HC_HOST_CALL, 0, 0, 0))                             \
	X(host_call_noise_1, call_host_with_noise(1))                                              \
	X(host_call_noise_2, call_host_with_noise(2))                                              \
	X(host_call_to_guest, call_host("HostAdd", WIRE_CALL_GUEST, MOTE_I32, 2, two_numbers))     \
	X(log_without_message, ring(MOTE_HC_LOG, 0, 0, 0))                                         \
	X(log_not_utf8, push_log("\xff\xfe", 2); ring(MOTE_HC_LOG, 0, 0, 0))                       \
	X(log_buffer_full_of_ff, fill_output())                                                    \
	X(write_hypercall_page, *(volatile char *)MOTE_HYPERCALL_PAGE = 0)                         \
	X(write_start_block, *(volatile char *)MOTE_START_BLOCK = 0)                               \
	X(read_doorbell, (void)*(volatile char *)MOTE_DOORBELL_PAGE)                               \
	X(read_supervisor, (void)*(volatile char *)SUPER)                                          \
	X(write_supervisor, *(volatile char *)SUPER = 0)                                           \
	X(jump_supervisor, ((void (*)(void))SUPER)())                                              \
	X(read_window_end, (void)*(volatile char *)(MOTE_WINDOW_END - 1))                          \
	X(read_behind_input, (void)*(volatile char *)(block->input_address + (1 << 30)))

/* Ways that the host may answer with an error, a fault, or not at all. */
#define SUBTLE(X)                                                                                  \
	X(two_results, push_result(mote_i32(1)); push_result(mote_i32(2)); done())                 \
	X(result_in_pieces, push_result(mote_i32(1)); push("12345678", 8); done())                 \
	X(result_with_byte_behind, done_with_byte(63, 0))                                          \
	X(host_call_unknown, call_host("HostNothing", WIRE_CALL_HOST, MOTE_I32, 0, NULL))          \
	X(host_call_empty_name, call_host("", WIRE_CALL_HOST, MOTE_I32, 0, NULL))                  \
	X(host_call_odd_name, call_host("\033[2J%s%n", WIRE_CALL_HOST, MOTE_I32, 0, NULL))         \
	X(host_call_no_params, call_host("HostAdd", WIRE_CALL_HOST, MOTE_I32, 0, NULL))            \
	X(host_call_wrong_result,                                                                  \
	  call_host("HostAdd", WIRE_CALL_HOST, MOTE_STRING, 2, two_numbers))                       \
	X(host_call_wrong_param, call_host_with(MOTE_U64))                                         \
	X(host_call_bytes_param, call_host_with(MOTE_BYTES))                                       \
	X(host_call_good, call_host("HostAdd", WIRE_CALL_HOST, MOTE_I32, 2, two_numbers))          \
	X(input_sp_0, memset(input().base, 0, 8); HostAdd(1, 2))                                   \
	X(input_sp_huge, memset(input().base, 0xff, 8); HostAdd(1, 2))                             \
	X(input_sp_end, memcpy(input().base, &block->input_size, 8); HostAdd(1, 2))                \
	X(input_noise, memset(input().base, 0xa5, input().size); HostAdd(1, 2))                    \
	X(output_full, memcpy(output().base, &block->output_size, 8); HostAdd(1, 2))               \
	X(logs, many_logs())                                                                       \
	X(log_with_nul, push_log("a\0b", 3); ring(MOTE_HC_LOG, 0, 0, 0))                           \
	X(error_result_noise, mote_guest_fail(UINT64_MAX, "\033[31m\xff%s%n"))                     \
	X(stack_0, ring_with_stack(0))                                                             \
	X(stack_in_code, ring_with_stack(SELF + 64))                                               \
	X(stack_in_supervisor, ring_with_stack(SUPER + 256))                                       \
	X(stack_non_canonical, ring_with_stack(UINT64_C(0x800000000000)))                          \
	X(direction_flag, ring_with_direction_flag())                                              \
	X(enter_hypercall_1, jump_into_window(1))                                                  \
	X(enter_hypercall_2, jump_into_window(2))                                                  \
	X(enter_hypercall_3, jump_into_window(3))                                                  \
	X(enter_hypercall_5, jump_into_window(5))                                                  \
	X(enter_hypercall_9, jump_into_window(9))                                                  \
	X(enter_syscall_stub, jump_into_window(MOTE_SYSCALL_ENTRY))                                \
	X(enter_syscall_stub_2, jump_into_window(MOTE_SYSCALL_ENTRY + 2))                          \
	X(enter_page_middle, jump_into_window(0x800))                                              \
	X(enter_page_end, jump_into_window(0xfff))                                                 \
	X(doorbell_byte, store_to_doorbell(0, 1))                                                  \
	X(doorbell_word, store_to_doorbell(MOTE_DOORBELL_SYSCALL, 2))                              \
	X(doorbell_quad, store_to_doorbell(0, 8))                                                  \
	X(doorbell_odd, store_to_doorbell(3, 4))                                                   \
	X(doorbell_far, store_to_doorbell(0x800, 4))                                               \
	X(doorbell_across, store_to_doorbell(0xffc, 8))                                            \
	X(port_hypercall, write_port(MOTE_PORT_HYPERCALL))                                         \
	X(port_syscall, write_port(MOTE_PORT_SYSCALL))                                             \
	X(port_exception, write_port(MOTE_PORT_EXCEPTION))                                         \
	X(port_other, write_port(0x64))                                                            \
	X(write_null, wild(SYS_write, 1, 0, 100))                                                  \
	X(write_supervisor_out, wild(SYS_write, 1, SUPER, 4096))                                   \
	X(write_huge, wild(SYS_write, 1, SELF, UINT64_C(1) << 62))                                 \
	X(write_wraps, wild(SYS_write, 1, UINT64_MAX - 10, 100))                                   \
	X(writev_null, wild(SYS_writev, 1, 0, 10))                                                 \
	X(writev_count, wild(SYS_writev, 1, SELF, UINT64_MAX))                                     \
	X(writev_many, many_vectors())                                                             \
	X(getrandom_into_code, wild(SYS_getrandom, SELF, 4096, 0))                                 \
	X(getrandom_into_supervisor, wild(SYS_getrandom, SUPER, 4096, 0))                          \
	X(getrandom_huge, wild(SYS_getrandom, SELF, UINT64_C(1) << 62, 0))                         \
	X(clock_into_start_block, wild(SYS_clock_gettime, 0, MOTE_START_BLOCK, 0))                 \
	X(clock_into_hypercall_page, wild(SYS_clock_gettime, 0, MOTE_HYPERCALL_PAGE, 0))           \
	X(clock_number, wild(SYS_clock_gettime, UINT64_MAX, SELF, 0))                              \
	X(uname_wraps, wild(SYS_uname, UINT64_MAX - 8, 0, 0))                                      \
	X(fs_non_canonical, wild(SYS_arch_prctl, SET_FS, UINT64_C(0x800000000000), 0))             \
	X(fs_upper_half, wild(SYS_arch_prctl, SET_FS, UINT64_C(0xffff800000000000), 0))            \
	X(gs_supervisor, wild(SYS_arch_prctl, SET_GS, SUPER, 0))                                   \
	X(fs_get_into_code, wild(SYS_arch_prctl, GET_FS, SELF, 0))                                 \
	X(map_over_code, syscall(SYS_mmap, SELF, PAGE, PROT_READ | PROT_WRITE,                     \
				 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0))                  \
	X(map_over_window, syscall(SYS_mmap, MOTE_HYPERCALL_PAGE, PAGE, PROT_READ | PROT_WRITE,    \
				   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0))                \
	X(map_over_supervisor, syscall(SYS_mmap, SUPER, PAGE, PROT_READ | PROT_WRITE,              \
				       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0))            \
	X(map_over_output, syscall(SYS_mmap, block->output_address, PAGE, PROT_READ,               \
				   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0))                \
	X(map_huge, syscall(SYS_mmap, 0, UINT64_C(1) << 46, PROT_READ | PROT_WRITE,                \
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))                                   \
	X(map_wraps, syscall(SYS_mmap, 0, UINT64_MAX - 100, PROT_READ | PROT_WRITE,                \
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))                                  \
	X(map_executable, syscall(SYS_mmap, 0, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC,           \
				  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))                             \
	X(unmap_code, wild(SYS_munmap, SELF, PAGE, 0))                                             \
	X(unmap_window, wild(SYS_munmap, MOTE_WINDOW_BASE, MOTE_WINDOW_END, 0))                    \
	X(unmap_output, wild(SYS_munmap, block->output_address, block->output_size, 0))            \
	X(unmap_stack, wild(SYS_munmap, block->stack_address, block->stack_size, 0))               \
	X(unmap_heap, wild(SYS_munmap, block->heap_address, block->heap_size, 0))                  \
	X(unmap_all, wild(SYS_munmap, 0, MOTE_ADDRESS_END, 0))                                     \
	X(unmap_wraps, wild(SYS_munmap, PAGE, UINT64_MAX - 100, 0))                                \
	X(protect_code, wild(SYS_mprotect, SELF, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC))        \
	X(protect_supervisor, wild(SYS_mprotect, SUPER, PAGE, PROT_READ | PROT_WRITE))             \
	X(protect_all, wild(SYS_mprotect, 0, MOTE_ADDRESS_END, PROT_NONE))                         \
	X(brk_huge, wild(SYS_brk, UINT64_MAX, 0, 0))                                               \
	X(brk_below, wild(SYS_brk, PAGE, 0, 0))                                                    \
	X(remap_wild, syscall(SYS_mremap, SUPER, PAGE, UINT64_C(1) << 40, MREMAP_MAYMOVE, 0))      \
	X(advise_all, wild(SYS_madvise, 0, MOTE_ADDRESS_END, MADV_DONTNEED))                       \
	X(advise_output,                                                                           \
	  wild(SYS_madvise, block->output_address, block->output_size, MADV_DONTNEED))             \
	X(kill_host, wild(SYS_kill, 1, 9, 0))                                                      \
	X(kill_group, wild(SYS_kill, 0, 9, 0))                                                     \
	X(sigaction_wild, syscall(SYS_rt_sigaction, 11, SUPER, SELF, 8, 0, 0))                     \
	X(system_calls, all_system_calls())                                                        \
	X(system_call_huge, wild(-1, 0, 0, 0))

struct attack {
	const char *name;
	void (*run)(void);
};

#define DEFINE_RUN(id, ...)                                                                        \
	static void run_##id(void)                                                                 \
	{                                                                                          \
		__VA_ARGS__;                                                                       \
	}
OBVIOUS(DEFINE_RUN)
SUBTLE(DEFINE_RUN)

#define ATTACK(id, ...) { #id, run_##id },
static const struct attack obvious[] = { OBVIOUS(ATTACK) };
static const struct attack subtle[] = { SUBTLE(ATTACK) };

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* The names by number; "" past the last. */
MOTE_EXPORT(str, ObviousName, u32, index)
{
	return index < COUNT(obvious) ? obvious[index].name : "";
}

MOTE_EXPORT(str, SubtleName, u32, index)
{
	return index < COUNT(subtle) ? subtle[index].name : "";
}

/* Returns 0 if the attack had no effect. */
MOTE_EXPORT(i32, Attack, str, name)
{
	for (size_t i = 0; i < COUNT(obvious); i++)
		if (strcmp(obvious[i].name, name) == 0)
			obvious[i].run();
	for (size_t i = 0; i < COUNT(subtle); i++)
		if (strcmp(subtle[i].name, name) == 0)
			subtle[i].run();
	return 0;
}

/* Any bytes as the result, and as a call of the host: for random tests. */
MOTE_EXPORT(i32, AnswerWith, bytes, message)
{
	push(message.ptr, message.len);
	done();
	return 0;
}

MOTE_EXPORT(i32, CallHostWith, bytes, message)
{
	push(message.ptr, message.len);
	ring(MOTE_HC_HOST_CALL, 0, 0, 0);
	return 0;
}

MOTE_EXPORT(i32, LogWith, bytes, message)
{
	push(message.ptr, message.len);
	ring(MOTE_HC_LOG, 0, 0, 0);
	return 0;
}

/* The whole output buffer replaced, the stack pointer too. */
MOTE_EXPORT(i32, OutputWith, bytes, buffer)
{
	memcpy(output().base, buffer.ptr, buffer.len < output().size ? buffer.len : output().size);
	done();
	return 0;
}

MOTE_EXPORT(i64, SystemCall, u64, number, u64, a, u64, b, u64, c, u64, d, u64, e, u64, f)
{
	long result = syscall((long)number, a, b, c, d, e, f);

	return result < 0 ? -errno : result;
}

MOTE_EXPORT(u64, HyperCall, u64, operation, u64, a, u64, b, u64, c)
{
	return ring(operation, a, b, c);
}

int main(void)
{
	block = (const struct mote_start_block *)getauxval(MOTE_AT_START_BLOCK);
	return 0;
}
