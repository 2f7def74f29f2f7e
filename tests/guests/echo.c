/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest that gives back what it gets: every type, every number of parameters, and string
 * and byte results of any size.
 */
#include <mote/guest.h>

#include <string.h>

MOTE_EXPORT(void, EchoVoid)
{
}

MOTE_EXPORT(i32, EchoI32, i32, value)
{
	return value;
}

MOTE_EXPORT(u32, EchoU32, u32, value)
{
	return value;
}

MOTE_EXPORT(i64, EchoI64, i64, value)
{
	return value;
}

MOTE_EXPORT(u64, EchoU64, u64, value)
{
	return value;
}

MOTE_EXPORT(f32, EchoF32, f32, value)
{
	return value;
}

MOTE_EXPORT(f64, EchoF64, f64, value)
{
	return value;
}

MOTE_EXPORT(bool, EchoBool, bool, value)
{
	return value;
}

MOTE_EXPORT(str, EchoStr, str, value)
{
	return value;
}

MOTE_EXPORT(bytes, EchoBytes, bytes, value)
{
	return value;
}

MOTE_EXPORT(bytes, CopyBytes, bytes, value)
{
	void *to = mote_guest_result_buffer(value.len);

	if (value.len > 0)
		memcpy(to, value.ptr, value.len);
	return (mote_bytes){ to, value.len };
}

MOTE_EXPORT(bytes, JoinBytes, bytes, a, bytes, b)
{
	char *to = mote_guest_result_buffer(a.len + b.len);

	memcpy(to, a.ptr, a.len);
	memcpy(to + a.len, b.ptr, b.len);
	return (mote_bytes){ to, a.len + b.len };
}

/* Does WHAT it may not with the buffers for bulk data, of SIZE bytes, of which DATA begins one. */
MOTE_EXPORT(u32, Overstep, str, what, bytes, data, u64, size)
{
	volatile char *argument = (volatile char *)data.ptr;
	volatile char *result = mote_guest_result_buffer(1);
	volatile char *at =
		strstr(what, "argument") || strncmp(what, "read", 4) == 0 ? argument : result;

	if (strncmp(what, "run", 3) == 0)
		((void (*)(void))(uintptr_t)at)();
	at = strstr(what, "before") ? at - 1 : strstr(what, "behind") ? at + size : at;
	if (strncmp(what, "read", 4) == 0)
		return (unsigned char)*at;
	*at = 1;
	return 0;
}

/* As many parameters as the name says, printed one after the other. */
MOTE_EXPORT(str, Params0)
{
	return "";
}

MOTE_EXPORT(str, Params1, i32, a)
{
	return mote_format("%d", a);
}

MOTE_EXPORT(str, Params2, i32, a, u32, b)
{
	return mote_format("%d %u", a, b);
}

MOTE_EXPORT(str, Params3, i32, a, u32, b, i64, c)
{
	return mote_format("%d %u %lld", a, b, (long long)c);
}

MOTE_EXPORT(str, Params4, i32, a, u32, b, i64, c, u64, d)
{
	return mote_format("%d %u %lld %llu", a, b, (long long)c, (unsigned long long)d);
}

MOTE_EXPORT(str, Params5, i32, a, u32, b, i64, c, u64, d, f32, e)
{
	return mote_format("%d %u %lld %llu %g", a, b, (long long)c, (unsigned long long)d,
			   (double)e);
}

MOTE_EXPORT(str, Params6, i32, a, u32, b, i64, c, u64, d, f32, e, f64, f)
{
	return mote_format("%d %u %lld %llu %g %g", a, b, (long long)c, (unsigned long long)d,
			   (double)e, f);
}

MOTE_EXPORT(str, Params7, i32, a, u32, b, i64, c, u64, d, f32, e, f64, f, bool, g)
{
	return mote_format("%d %u %lld %llu %g %g %d", a, b, (long long)c, (unsigned long long)d,
			   (double)e, f, g);
}

MOTE_EXPORT(str, Params8, i32, a, u32, b, i64, c, u64, d, f32, e, f64, f, bool, g, str, h)
{
	return mote_format("%d %u %lld %llu %g %g %d %s", a, b, (long long)c, (unsigned long long)d,
			   (double)e, f, g, h);
}

MOTE_EXPORT(str, Params9, i32, a, u32, b, i64, c, u64, d, f32, e, f64, f, bool, g, str, h, bytes, i)
{
	return mote_format("%d %u %lld %llu %g %g %d %s %zu:%.*s", a, b, (long long)c,
			   (unsigned long long)d, (double)e, f, g, h, i.len, (int)i.len,
			   (const char *)i.ptr);
}

MOTE_EXPORT(str, Params10, i32, a, u32, b, i64, c, u64, d, f32, e, f64, f, bool, g, str, h, bytes,
	    i, i32, j)
{
	return mote_format("%d %u %lld %llu %g %g %d %s %zu:%.*s %d", a, b, (long long)c,
			   (unsigned long long)d, (double)e, f, g, h, i.len, (int)i.len,
			   (const char *)i.ptr, j);
}

/* SIZE bytes that count up from 0. */
MOTE_EXPORT(bytes, MakeBytes, u32, size)
{
	unsigned char *data = mote_alloc(size);

	for (uint32_t i = 0; i < size; i++)
		data[i] = (unsigned char)i;
	return (mote_bytes){ data, size };
}

/* SIZE times the letter x. */
MOTE_EXPORT(str, MakeStr, u32, size)
{
	char *text = mote_alloc((size_t)size + 1);

	memset(text, 'x', size);
	text[size] = '\0';
	return text;
}

MOTE_EXPORT(u64, SumBytes, bytes, data)
{
	const unsigned char *byte = data.ptr;
	uint64_t sum = 0;

	for (size_t i = 0; i < data.len; i++)
		sum += byte[i];
	return sum;
}

MOTE_EXPORT(bytes, Concat, bytes, a, bytes, b)
{
	char *both = mote_alloc(a.len + b.len);

	if (a.len != 0)
		memcpy(both, a.ptr, a.len);
	if (b.len != 0)
		memcpy(both + a.len, b.ptr, b.len);
	return (mote_bytes){ both, a.len + b.len };
}

/* Exported functions are C functions too. */
MOTE_EXPORT(u64, Fibonacci, u32, n)
{
	return n < 2 ? n : Fibonacci(n - 1) + Fibonacci(n - 2);
}

/* Results that must not leave the guest. */
MOTE_EXPORT(str, NullStr)
{
	return NULL;
}

MOTE_EXPORT(str, MalformedStr)
{
	return "\xff\xfe";
}

MOTE_EXPORT(bytes, NullBytes)
{
	return (mote_bytes){ NULL, 1 };
}

/* The longest name there may be: 63 bytes. */
MOTE_EXPORT(i32, N23456789012345678901234567890123456789012345678901234567890123)
{
	return 63;
}

MOTE_EXPORT(void, Fail, u64, code, str, message)
{
	mote_guest_fail(code, message);
}

MOTE_EXPORT(void, Log, u32, level, str, line)
{
	mote_guest_log((mote_log_level)level, "%s", line);
}

int main(void)
{
	return 0;
}
