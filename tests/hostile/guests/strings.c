/* SPDX-License-Identifier: Apache-2.0 */
/* Text that is none, or that does something to terminals: in results, errors, logs, host calls,
 * output. */
#include "hostile/guests/forge.h"

#define TEXT(s)                                                                                    \
	{                                                                                          \
		s, sizeof(s) - 1                                                                   \
	}
static const struct {
	const char *bytes;
	size_t size;
} texts[] = {
	TEXT("\033[31mred\033[0m\033]0;title\007"),
	TEXT("\033[2J\033[H%s%n%n%n%1000000d"),
	TEXT("\r\nmote: a line that the host never wrote\r\n"),
	TEXT("\b\b\b\b\x7f\x0c\x0b"),
	TEXT("\xc2\x9b"
	     "31m"),              /* CSI as one character */
	TEXT("\xff\xfe"),         /* never in UTF-8 */
	TEXT("\xc0\x80"),         /* NUL, overlong */
	TEXT("\xc0\xaf"),         /* '/', overlong */
	TEXT("\xe0\x80\xaf"),     /* and longer */
	TEXT("\xed\xa0\x80"),     /* half of a surrogate pair */
	TEXT("\xf4\x90\x80\x80"), /* behind the last character */
	TEXT("\xf8\x88\x80\x80\x80"),
	TEXT("cut\xe2\x82"),
	TEXT("cut\xf0\x9f\x98"),
	TEXT("\x80"),
	TEXT("a\0b"),
	TEXT("\0"),
	TEXT(""),
	TEXT("\xe2\x80\xae"
	     "desrever"), /* right to left from here */
	TEXT("\xef\xbf\xbf\xef\xbf\xbe"),
};

static void in_output(const char *bytes, size_t size)
{
	for (int stream = 0; stream < 4; stream++)
		if (write(stream, bytes, size) < 0)
			continue;
}

ATTACK_WAYS(6 * COUNT(texts))
{
	unsigned char message[MESSAGE_MAX];
	const char *bytes = texts[way / 6].bytes;
	size_t size = texts[way / 6].size;
	mote_value text = mote_strn(bytes, size);

	switch (way % 6) {
	case 0:
		push(message, write_result(message, text));
		ring(MOTE_HC_DONE);
		break;
	case 1:
		push(message, write_error(message, bytes, size));
		ring(MOTE_HC_DONE);
		break;
	case 2:
		push(message, write_log(message, bytes, size));
		ring(MOTE_HC_LOG);
		break;
	case 3:
		push(message, write_call(message, "HostEcho", MOTE_STRING, 1, &text));
		ring(MOTE_HC_HOST_CALL);
		break;
	case 4:
		push(message, write_call(message, bytes, MOTE_VOID, 0, NULL));
		ring(MOTE_HC_HOST_CALL);
		break;
	case 5:
		in_output(bytes, size);
		break;
	}
}
