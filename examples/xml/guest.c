/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guest of the xml example: Debian's expat, which says of a document what is in it.
 */
#include <mote/guest.h>

#include <expat.h>

#include <stdlib.h>
#include <string.h>

enum { ERROR_BAD_XML = 1, ERROR_TOO_LARGE = 2 };

#define NAMES_MAX 64 /* different ones that are counted; the rest is "others" */
#define NAME_SIZE 64

struct tally {
	struct {
		char text[NAME_SIZE];
		uint64_t count;
	} names[NAMES_MAX];
	size_t nnames;
	uint64_t others, elements, attributes, text_bytes, depth, depth_max;
};

static void count_name(struct tally *tally, const char *name)
{
	const size_t size = strlen(name) + 1;

	for (size_t i = 0; i < tally->nnames; i++)
		if (strcmp(tally->names[i].text, name) == 0) {
			tally->names[i].count++;
			return;
		}
	if (tally->nnames == NAMES_MAX || size > NAME_SIZE) {
		tally->others++;
		return;
	}
	memcpy(tally->names[tally->nnames].text, name, size);
	tally->names[tally->nnames++].count = 1;
}

static void XMLCALL element_begins(void *user, const XML_Char *name, const XML_Char **attributes)
{
	struct tally *tally = user;

	tally->elements++;
	if (++tally->depth > tally->depth_max)
		tally->depth_max = tally->depth;
	for (; *attributes; attributes += 2)
		tally->attributes++;
	count_name(tally, name);
}

static void XMLCALL element_ends(void *user, const XML_Char *name)
{
	struct tally *tally = user;

	(void)name;
	tally->depth--;
}

static void XMLCALL text_comes(void *user, const XML_Char *text, int size)
{
	struct tally *tally = user;

	(void)text;
	tally->text_bytes += (uint64_t)size;
}

static char *describe(const struct tally *tally)
{
	char *text = mote_format(
		"%llu elements, %llu deep, %llu attributes, %llu bytes of text\n",
		(unsigned long long)tally->elements, (unsigned long long)tally->depth_max,
		(unsigned long long)tally->attributes, (unsigned long long)tally->text_bytes);

	for (size_t i = 0; i < tally->nnames; i++)
		text = mote_format("%s%8llu %s\n", text, (unsigned long long)tally->names[i].count,
				   tally->names[i].text);
	if (tally->others)
		text = mote_format("%s%8llu others\n", text, (unsigned long long)tally->others);
	return text;
}

/* What elements there are in a document: a line of totals, and one for each name. */
MOTE_EXPORT(str, Describe, bytes, document)
{
	static struct tally tally;
	XML_Parser parser = XML_ParserCreate(NULL);

	if (!parser)
		mote_guest_fail(ERROR_TOO_LARGE, "out of memory");
	memset(&tally, 0, sizeof tally);
	XML_SetUserData(parser, &tally);
	XML_SetElementHandler(parser, element_begins, element_ends);
	XML_SetCharacterDataHandler(parser, text_comes);
	if (XML_Parse(parser, document.ptr, (int)document.len, XML_TRUE) != XML_STATUS_OK) {
		const char *why = mote_format("line %lu: %s", XML_GetCurrentLineNumber(parser),
					      XML_ErrorString(XML_GetErrorCode(parser)));
		XML_ParserFree(parser);
		mote_guest_fail(ERROR_BAD_XML, why);
	}
	XML_ParserFree(parser);
	return describe(&tally);
}

int main(void)
{
	return 0;
}
