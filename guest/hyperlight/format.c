/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mote_format() and mote_guest_log() without a libc: of printf() what guests use, which is whole
 * numbers, text, characters and pointers, with width, precision and the flags - and 0. Numbers with
 * a point are not among it: their registers are not everywhere in ring 0.
 */
#include <mote/guest.h>

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define LINE_SIZE  513 /* one more than goes out, so that a cut falls between characters */
#define DIGITS_MAX 20  /* of 64 bits in decimal */

/* What is written goes to TO as long as it fits; LEN counts on. */
struct sink {
	char *to;
	size_t size;
	size_t len;
};

/* A conversion: what stands between % and its letter, and the letter. */
struct conversion {
	bool is_left, has_zeroes, is_long, has_precision;
	size_t width, precision;
	char letter;
};

static void put(struct sink *sink, char c, size_t count)
{
	for (; count > 0; count--, sink->len++)
		if (sink->len < sink->size)
			sink->to[sink->len] = c;
}

static void put_text(struct sink *sink, const char *text, size_t len)
{
	for (; len > 0; len--)
		put(sink, *text++, 1);
}

/* PREFIX ("-", "0x") and TEXT in a field. */
static void put_field(struct sink *sink, const struct conversion *how, const char *prefix,
		      size_t zeroes, const char *text, size_t len)
{
	const size_t total = strlen(prefix) + zeroes + len;
	const size_t padding = how->width > total ? how->width - total : 0;
	const bool pads_with_zeroes = how->has_zeroes && !how->is_left && !how->has_precision;

	if (!how->is_left && !pads_with_zeroes)
		put(sink, ' ', padding);
	put_text(sink, prefix, strlen(prefix));
	put(sink, '0', zeroes + (pads_with_zeroes ? padding : 0));
	put_text(sink, text, len);
	if (how->is_left)
		put(sink, ' ', padding);
}

static void put_number(struct sink *sink, const struct conversion *how, const char *prefix,
		       uint64_t number, unsigned base)
{
	const char *digits = how->letter == 'X' ? "0123456789ABCDEF" : "0123456789abcdef";
	char text[DIGITS_MAX];
	size_t len = 0;

	for (; number > 0; number /= base)
		text[DIGITS_MAX - ++len] = digits[number % base];

	const size_t least = how->has_precision ? how->precision : 1;

	put_field(sink, how, prefix, least > len ? least - len : 0, text + DIGITS_MAX - len, len);
}

static void put_string(struct sink *sink, const struct conversion *how, const char *text)
{
	size_t len = 0;

	if (!text)
		text = "(null)";
	while (!(how->has_precision && len == how->precision) && text[len])
		len++;
	put_field(sink, how, "", 0, text, len);
}

static size_t read_number(const char **format)
{
	size_t number = 0;

	for (; **format >= '0' && **format <= '9'; ++*format)
		number = number * 10 + (size_t)(**format - '0');
	return number;
}

static bool is_length(char c)
{
	return c == 'h' || c == 'l' || c == 'z' || c == 'j' || c == 't';
}

/* Reads what follows a %. */
static struct conversion read_conversion(const char **format)
{
	struct conversion how = { .is_left = false };

	for (; **format == '-' || **format == '0'; ++*format)
		*(**format == '-' ? &how.is_left : &how.has_zeroes) = true;
	how.width = read_number(format);
	if (**format == '.') {
		++*format;
		how.has_precision = true;
		how.precision = read_number(format);
	}
	for (; is_length(**format); ++*format)
		how.is_long |= **format != 'h';
	how.letter = **format;
	if (how.letter)
		++*format;
	return how;
}

static void put_signed(struct sink *sink, const struct conversion *how, int64_t number)
{
	put_number(sink, how, number < 0 ? "-" : "",
		   number < 0 ? -(uint64_t)number : (uint64_t)number, 10);
}

/* Formats; what does not fit is cut. Returns the length of all. */
static size_t format_text(char *to, size_t size, const char *format, va_list arguments)
{
	struct sink sink = { .to = to, .size = size - 1 };

	while (*format) {
		if (*format != '%') {
			put(&sink, *format++, 1);
			continue;
		}
		format++;
		const struct conversion how = read_conversion(&format);
		char c;

		switch (how.letter) {
		case 'd':
		case 'i':
			put_signed(&sink, &how,
				   how.is_long ? va_arg(arguments, int64_t)
					       : va_arg(arguments, int));
			break;
		case 'u':
		case 'x':
		case 'X':
			put_number(&sink, &how, "",
				   how.is_long ? va_arg(arguments, uint64_t)
					       : va_arg(arguments, unsigned),
				   how.letter == 'u' ? 10 : 16);
			break;
		case 'p':
			put_number(&sink, &how, "0x", (uintptr_t)va_arg(arguments, void *), 16);
			break;
		case 'c':
			c = (char)va_arg(arguments, int);
			put_field(&sink, &how, "", 0, &c, 1);
			break;
		case 's':
			put_string(&sink, &how, va_arg(arguments, const char *));
			break;
		case '%':
			put(&sink, '%', 1);
			break;
		default:
			mote_guest_fail(15, "mote_format: this guest's library cannot format this");
		}
	}
	to[sink.len < sink.size ? sink.len : sink.size] = '\0';
	return sink.len;
}

char *mote_format(const char *format, ...)
{
	char none[1];
	va_list arguments;

	va_start(arguments, format);
	const size_t size = format_text(none, sizeof none, format, arguments) + 1;
	va_end(arguments);
	char *text = mote_alloc(size);
	va_start(arguments, format);
	format_text(text, size, format, arguments);
	va_end(arguments);
	return text;
}

void mote_guest_log(mote_log_level level, const char *format, ...)
{
	char line[LINE_SIZE];
	va_list arguments;

	va_start(arguments, format);
	format_text(line, sizeof line, format, arguments);
	va_end(arguments);
	mote_guest_log_line(level, line);
}
