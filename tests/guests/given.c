/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest that looks at what the host gave it when it made the sandbox: init data and the list
 * of host functions; and misuses them, its stack and its buffers.
 */
#include "abi/mote_abi.h"

#include <mote/guest.h>

#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

MOTE_IMPORT(i32, Double, i32)

/* As main() found them: the host must have been done before it. */
static size_t size_in_main;
static bool knew_double_in_main;

static unsigned char *init_data(void)
{
	size_t size;

	return mote_guest_init_data(&size);
}

MOTE_EXPORT(u64, InitSize)
{
	size_t size;

	mote_guest_init_data(&size);
	return size == size_in_main ? size : UINT64_MAX;
}

MOTE_EXPORT(u64, InitAddress)
{
	return (uint64_t)init_data();
}

MOTE_EXPORT(bytes, InitData)
{
	mote_bytes all;

	all.ptr = mote_guest_init_data(&all.len);
	return all;
}

MOTE_EXPORT(u64, InitSum)
{
	size_t size;
	const unsigned char *data = mote_guest_init_data(&size);
	uint64_t sum = 0;

	for (size_t i = 0; i < size; i++)
		sum += data[i];
	return sum;
}

MOTE_EXPORT(u32, ReadAt, u64, address)
{
	return *(const volatile unsigned char *)address;
}

MOTE_EXPORT(void, WriteAt, u64, address, u32, byte)
{
	*(volatile unsigned char *)address = (unsigned char)byte;
}

MOTE_EXPORT(i32, CallAt, u64, address, i32, argument)
{
	return ((int32_t(*)(int32_t))address)(argument);
}

static const char *type_name(uint8_t type)
{
	static const char *const names[] = { "void", "i32", "u32",  "i64", "u64",
					     "f32",  "f64", "bool", "str", "bytes" };

	_Static_assert(MOTE_BYTES == 9, "names has all types");
	return type <= MOTE_BYTES ? names[type] : "?";
}

static const char *signature(const struct mote_host_function_info *function)
{
	const char *text = mote_format("%s(", function->name);

	for (unsigned i = 0; i < function->nparams; i++)
		text = mote_format("%s%s%s", text, i ? ", " : "", type_name(function->params[i]));
	return mote_format("%s) -> %s", text, type_name(function->result));
}

/* "Double(i32) -> i32"; "" past the last. */
MOTE_EXPORT(str, Function, u32, index)
{
	const struct mote_host_function_info *function = mote_guest_host_function(index);

	return function ? signature(function) : "";
}

/* The same by name; "" if there is none. */
MOTE_EXPORT(str, FindFunction, str, name)
{
	const struct mote_host_function_info *function = mote_guest_find_host_function(name);

	return function ? signature(function) : "";
}

MOTE_EXPORT(u64, FunctionAddress, u32, index)
{
	return (uint64_t)mote_guest_host_function(index);
}

/* What the list is for. */
MOTE_EXPORT(i32, DoubleIfYouCan, i32, value)
{
	if (knew_double_in_main != (mote_guest_find_host_function("Double") != NULL))
		mote_guest_fail(1, "the list has changed");
	return knew_double_in_main ? Double(value) : -1;
}

static const struct mote_start_block *start_block(void)
{
	return (const struct mote_start_block *)getauxval(MOTE_AT_START_BLOCK);
}

/* As a stack that has grown to its last byte does. */
MOTE_EXPORT(void, TouchStackEnd, u64, offset)
{
	((volatile unsigned char *)start_block()->stack_address)[offset] ^= 1;
}

/* For the host to look at after a call. */
MOTE_EXPORT(u64, BufferAddress, bool, output)
{
	return output ? start_block()->output_address : start_block()->input_address;
}

/* Leaves marks on the output buffer, as if they were messages; then fails, or crashes. */
MOTE_EXPORT(void, LeaveMarks, u64, size, bool, crash)
{
	unsigned char *output = (unsigned char *)start_block()->output_address;
	uint64_t sp = 8 + size;

	memset(output + 8, 0xa5, size);
	memcpy(output, &sp, sizeof sp);
	if (crash)
		__builtin_trap();
	mote_guest_fail(7, "left marks");
}

int main(void)
{
	mote_guest_init_data(&size_in_main);
	knew_double_in_main = mote_guest_find_host_function("Double") != NULL;
	/* asked for by a first byte of 'S': what a main() does that needs too much stack */
	if (size_in_main > 0 && *init_data() == 'S')
		*(volatile unsigned char *)start_block()->stack_address ^= 1;
	return 0;
}
