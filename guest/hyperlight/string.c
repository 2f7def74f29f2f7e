/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The few functions of C's library that compilers call by themselves, and those that the library
 * needs, for guests that have no libc. Weak: a libc's own come first.
 *
 * Copying is one instruction: where ring 0 is interpreted, that is a page a step.
 */
#include <stddef.h>
#include <stdint.h>

#define WEAK __attribute__((weak))

void *memcpy(void *to, const void *from, size_t size);
void *memmove(void *to, const void *from, size_t size);
void *memset(void *to, int value, size_t size);
int memcmp(const void *a, const void *b, size_t size);
size_t strlen(const char *text);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t size);

WEAK void *memcpy(void *to, const void *from, size_t size)
{
	void *at = to;

	__asm__ volatile("rep movsb" : "+D"(at), "+S"(from), "+c"(size) : : "memory");
	return to;
}

WEAK void *memmove(void *to, const void *from, size_t size)
{
	if ((uintptr_t)to - (uintptr_t)from >= size)
		return memcpy(to, from, size);

	char *last = (char *)to + size - 1;
	const char *from_last = (const char *)from + size - 1;

	__asm__ volatile("std\n\t"
			 "rep movsb\n\t"
			 "cld"
			 : "+D"(last), "+S"(from_last), "+c"(size)
			 :
			 : "memory");
	return to;
}

WEAK void *memset(void *to, int value, size_t size)
{
	void *at = to;

	__asm__ volatile("rep stosb" : "+D"(at), "+c"(size) : "a"(value) : "memory");
	return to;
}

WEAK int memcmp(const void *a, const void *b, size_t size)
{
	const unsigned char *x = a, *y = b;

	for (; size > 0; size--, x++, y++)
		if (*x != *y)
			return *x - *y;
	return 0;
}

WEAK size_t strlen(const char *text)
{
	size_t len = 0;

	while (text[len])
		len++;
	return len;
}

WEAK int strncmp(const char *a, const char *b, size_t size)
{
	for (; size > 0; size--, a++, b++)
		if (*a != *b || !*a)
			return (unsigned char)*a - (unsigned char)*b;
	return 0;
}

WEAK int strcmp(const char *a, const char *b)
{
	return strncmp(a, b, SIZE_MAX);
}
