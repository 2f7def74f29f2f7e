/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From text to a tree: JSON as RFC 8259 has it, and nothing beside. The text is copied once, and
 * strings lose their escapes where they stand in the copy. There is a NUL behind it, which no rule
 * accepts: so whoever goes on only past what was accepted never leaves the text.
 */
#include "store/tree.h"

#include "abi/utf8.h"

#include <inttypes.h>
#include <string.h>

struct parser {
	struct tree_reader *reader;
	char *start, *at, *end;
	struct tree_node *nodes; /* the next is nodes[used] */
	size_t used;
	struct tree_node *open[TREE_DEPTH];    /* lists and objects that are not closed */
	struct tree_node **end_of[TREE_DEPTH]; /* where the next entry of each belongs */
	unsigned depth;
};

static bool refuse(const struct parser *parser, const char *why)
{
	struct tree_reader *reader = parser->reader;

	reader->status = error_set(reader->err, MOTE_E_SNAPSHOT, "%s: no JSON at byte %td: %s",
				   reader->file, parser->at - parser->start, why);
	return false;
}

static void skip_blanks(struct parser *parser)
{
	while (*parser->at == ' ' || *parser->at == '\t' || *parser->at == '\n' ||
	       *parser->at == '\r')
		parser->at++;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Four hexadecimal digits, or a number above 0xffff. */
static uint32_t read_hex(struct parser *parser)
{
	static const char digits[] = "0123456789abcdef";
	uint32_t value = 0;

	for (int i = 0; i < 4; i++) {
		const char c = *parser->at;
		const char *digit = c ? strchr(digits, c >= 'A' && c <= 'F' ? c | 0x20 : c) : NULL;

		if (!digit)
			return UINT32_MAX;
		value = value << 4 | (uint32_t)(digit - digits);
		parser->at++;
	}
	return value;
}

/* Writes a character to *TO. It takes fewer bytes than its escape did. */
static void put_utf8(char **to, uint32_t c)
{
	if (c < 0x80) {
		*(*to)++ = (char)c;
		return;
	}
	const int more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3; /* bytes after the first */

	*(*to)++ = (char)(0xff00 >> (more + 1) | c >> 6 * more);
	for (int i = more - 1; i >= 0; i--)
		*(*to)++ = (char)(0x80 | (c >> 6 * i & 0x3f));
}

/* What stands behind "\u". */
static bool parse_unicode(struct parser *parser, char **to)
{
	uint32_t c = read_hex(parser);

	if (c >= 0xd800 && c < 0xdc00 && parser->at[0] == '\\' && parser->at[1] == 'u') {
		parser->at += 2;
		const uint32_t low = read_hex(parser);
		c = low >= 0xdc00 && low < 0xe000 ? 0x10000 + ((c & 0x3ff) << 10 | (low & 0x3ff))
						  : UINT32_MAX;
	} else if (c >= 0xd800 && c < 0xe000) {
		c = UINT32_MAX;
	}
	if (c == UINT32_MAX)
		return refuse(parser, "a character that there is not");
	put_utf8(to, c);
	return true;
}

/* What stands behind a backslash. */
static bool parse_escape(struct parser *parser, char **to)
{
	static const char letters[] = "\"\\/bfnrt", meaning[] = "\"\\/\b\f\n\r\t";
	const char c = *parser->at;
	const char *letter = c ? strchr(letters, c) : NULL;

	if (!letter && c != 'u')
		return refuse(parser, "an escape that there is not");
	parser->at++;
	if (!letter)
		return parse_unicode(parser, to);
	*(*to)++ = meaning[letter - letters];
	return true;
}

/* A string, from its first quote on. The last one makes room for the NUL. */
static bool parse_string(struct parser *parser, const char **text, uint32_t *size)
{
	char *to = ++parser->at;

	*text = to;
	while (*parser->at != '"') {
		const char c = *parser->at;

		if ((unsigned char)c < ' ')
			return refuse(parser, parser->at < parser->end ? "a control character"
								       : "a string without end");
		parser->at++;
		if (c != '\\')
			*to++ = c;
		else if (!parse_escape(parser, &to))
			return false;
	}
	parser->at++;
	*to = '\0';
	*size = (uint32_t)(to - *text);
	return true;
}

/* One digit or more. */
static bool parse_digits(struct parser *parser)
{
	if (!is_digit(*parser->at))
		return refuse(parser, "a digit is missing");
	while (is_digit(*parser->at))
		parser->at++;
	return true;
}

static bool parse_number(struct parser *parser, struct tree_node *node)
{
	const char *start = parser->at;

	node->type = TREE_NUMBER;
	node->text = start;
	parser->at += *parser->at == '-';
	if (*parser->at == '0')
		parser->at++; /* no digit may follow */
	else if (!parse_digits(parser))
		return false;
	if (*parser->at == '.') {
		parser->at++;
		if (!parse_digits(parser))
			return false;
	}
	if (*parser->at == 'e' || *parser->at == 'E') {
		parser->at++;
		parser->at += *parser->at == '+' || *parser->at == '-';
		if (!parse_digits(parser))
			return false;
	}
	node->size = (uint32_t)(parser->at - start);
	return true;
}

static bool parse_word(struct parser *parser, struct tree_node *node)
{
	static const struct {
		const char *name;
		enum tree_type type;
	} words[] = { { "null", TREE_NULL }, { "false", TREE_FALSE }, { "true", TREE_TRUE } };

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
		const size_t size = strlen(words[i].name);

		if (strncmp(parser->at, words[i].name, size) == 0) {
			parser->at += size;
			node->type = words[i].type;
			return true;
		}
	}
	return refuse(parser, "a value is missing");
}

static bool open_container(struct parser *parser, struct tree_node *node)
{
	if (parser->depth == TREE_DEPTH)
		return refuse(parser, "it is too deep");
	node->type = *parser->at == '[' ? TREE_LIST : TREE_OBJECT;
	parser->at++;
	parser->end_of[parser->depth] = &node->first;
	parser->open[parser->depth++] = node;
	return true;
}

/* Of a list or an object only the beginning. */
static bool parse_value(struct parser *parser, struct tree_node *node)
{
	skip_blanks(parser);
	switch (*parser->at) {
	case '[':
	case '{':
		return open_container(parser, node);
	case '"':
		node->type = TREE_STRING;
		return parse_string(parser, &node->text, &node->size);
	case '-':
		return parse_number(parser, node);
	default:
		return is_digit(*parser->at) ? parse_number(parser, node)
					     : parse_word(parser, node);
	}
}

static bool parse_key(struct parser *parser, struct tree_node *node)
{
	skip_blanks(parser);
	if (*parser->at != '"')
		return refuse(parser, "a name in quotes is missing");
	if (!parse_string(parser, &node->key, &node->key_size))
		return false;
	skip_blanks(parser);
	if (*parser->at != ':')
		return refuse(parser, "a colon is missing");
	parser->at++;
	return true;
}

/* The next entry of what was opened last. */
static bool parse_entry(struct parser *parser)
{
	const unsigned at = parser->depth - 1;
	struct tree_node *in = parser->open[at];
	struct tree_node *node = &parser->nodes[parser->used++];

	in->size++;
	*parser->end_of[at] = node;
	parser->end_of[at] = &node->next;
	if (in->type == TREE_OBJECT && !parse_key(parser, node))
		return false;
	return parse_value(parser, node);
}

/* Closes what was opened last, or reads its next entry. */
static bool parse_more(struct parser *parser)
{
	const struct tree_node *in = parser->open[parser->depth - 1];

	skip_blanks(parser);
	if (*parser->at == (in->type == TREE_LIST ? ']' : '}')) {
		parser->at++;
		parser->depth--;
		return true;
	}
	if (in->size > 0) {
		if (*parser->at != ',')
			return refuse(parser, "a comma is missing");
		parser->at++;
	}
	return parse_entry(parser);
}

static bool parse_document(struct parser *parser)
{
	struct tree_node *root = &parser->nodes[parser->used++];

	if (utf8_check(parser->start, (size_t)(parser->end - parser->start)) != UTF8_TEXT)
		return refuse(parser, "it has bytes that are no UTF-8 text");
	bool is_fine = parse_value(parser, root);
	while (is_fine && parser->depth > 0)
		is_fine = parse_more(parser);
	if (!is_fine)
		return false;
	skip_blanks(parser);
	if (parser->at == parser->end && root->type == TREE_OBJECT)
		return true;
	parser->reader->status =
		error_set(parser->reader->err, MOTE_E_SNAPSHOT,
			  "%s: is not one JSON object and nothing else", parser->reader->file);
	return false;
}

/* TEXT has at most so many values, whether it is JSON or not: one in front of which is nothing, one
 * at most behind each bracket, and one behind each comma. */
static size_t count_values(const struct text *text)
{
	size_t count = 1;
	bool is_string = false;

	for (size_t i = 0; i < text->size; i++) {
		const char c = text->bytes[i];

		if (c == '"')
			is_string = !is_string;
		else if (is_string)
			i += c == '\\';
		else
			count += c == '{' || c == '[' || c == ',';
	}
	return count;
}

void tree_parse(struct tree_reader *reader, struct tree *tree, const struct host *host,
		const struct text *text)
{
	/* no file has more than MOTE_MAX_METADATA_SIZE bytes: this cannot wrap */
	const size_t nodes_size = count_values(text) * sizeof(struct tree_node);
	const size_t size = nodes_size + text->size + 1;

	*tree = (struct tree){ .host = host };
	if (size > MOTE_MAX_METADATA_MEMORY) {
		reader->status = error_set(reader->err, MOTE_E_SNAPSHOT,
					   "%s: has so many values that they would take %zu bytes "
					   "of memory; the limit is %" PRIu64,
					   reader->file, size, MOTE_MAX_METADATA_MEMORY);
		return;
	}
	tree->memory = host_alloc(host, size);
	if (!tree->memory) {
		reader->status = error_nomem(reader->err, reader->file, size);
		return;
	}
	tree->memory_size = size;
	char *start = (char *)tree->memory + nodes_size;
	struct parser parser = {
		.reader = reader,
		.start = start,
		.at = start,
		.end = start + text->size,
		.nodes = tree->memory,
	};

	memcpy(start, text->bytes, text->size);
	if (parse_document(&parser))
		tree->root = parser.nodes;
	else
		tree_free(tree);
}

void tree_free(struct tree *tree)
{
	if (tree->memory)
		host_free(tree->host, tree->memory, tree->memory_size);
	*tree = (struct tree){ 0 };
}
