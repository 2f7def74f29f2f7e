/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guest of the sqlite example: Debian's SQLite on a database that the host has mapped into its
 * memory. It opens no file, for there are none: the database is read where it lies, and what a
 * query needs besides is in the heap.
 */
#include <mote/guest.h>

#include <sqlite3.h>

#include <sys/random.h>

enum { ERROR_NO_DATABASE = 1, ERROR_IN_DATABASE = 2, ERROR_IN_QUERY = 3 };

static sqlite3 *database;
static char *table; /* the last result; freed by the next query */

/* Ends the call with what SQLite has to say. */
static __attribute__((noreturn)) void fail(uint64_t code)
{
	mote_guest_fail(code, mote_format("%s", sqlite3_errmsg(database)));
}

/* Statements, one after another, whose results nobody needs. */
static void execute(const char *sql)
{
	if (sqlite3_exec(database, sql, NULL, NULL, NULL))
		fail(ERROR_IN_DATABASE);
}

/*
 * Opens the mapped file LABEL. SQLite never writes to it: a write through a mapping would be a
 * fault. Reading the schema now means that no query has to.
 */
MOTE_EXPORT(void, Open, str, label)
{
	const struct mote_mapping *file = mote_mapping_find(label);

	if (!file)
		mote_guest_fail(ERROR_NO_DATABASE, "no file of that label");
	if (sqlite3_open(":memory:", &database) ||
	    sqlite3_deserialize(database, "main", (unsigned char *)file->address,
				(sqlite3_int64)file->size, (sqlite3_int64)file->size,
				SQLITE_DESERIALIZE_READONLY))
		fail(ERROR_IN_DATABASE);
	execute("PRAGMA temp_store = MEMORY; SELECT count(*) FROM sqlite_schema");
}

/* A field as RFC 4180 has it: in quotes where it could be taken for something else. */
static void put_text(sqlite3_str *out, const char *text, int size)
{
	bool plain = size > 0;

	for (int i = 0; i < size && plain; i++)
		plain = text[i] != ',' && text[i] != '"' && text[i] != '\n' && text[i] != '\r';
	if (plain) {
		sqlite3_str_append(out, text, size);
		return;
	}
	sqlite3_str_appendchar(out, 1, '"');
	for (int i = 0; i < size; i++)
		sqlite3_str_appendchar(out, text[i] == '"' ? 2 : 1, text[i]);
	sqlite3_str_appendchar(out, 1, '"');
}

static void put_blob(sqlite3_str *out, const unsigned char *bytes, int size)
{
	sqlite3_str_appendall(out, "x'");
	for (int i = 0; i < size; i++)
		sqlite3_str_appendf(out, "%02x", bytes[i]);
	sqlite3_str_appendchar(out, 1, '\'');
}

static void put_field(sqlite3_str *out, sqlite3_stmt *query, int column)
{
	switch (sqlite3_column_type(query, column)) {
	case SQLITE_NULL:
		break;
	case SQLITE_BLOB:
		put_blob(out, sqlite3_column_blob(query, column),
			 sqlite3_column_bytes(query, column));
		break;
	default:
		put_text(out, (const char *)sqlite3_column_text(query, column),
			 sqlite3_column_bytes(query, column));
	}
}

static void put_row(sqlite3_str *out, sqlite3_stmt *query)
{
	const int n = sqlite3_column_count(query);

	for (int i = 0; i < n; i++) {
		put_field(out, query, i);
		sqlite3_str_appendchar(out, 1, i + 1 < n ? ',' : '\n');
	}
}

static void put_heading(sqlite3_str *out, sqlite3_stmt *query)
{
	const int n = sqlite3_column_count(query);

	for (int i = 0; i < n; i++) {
		const char *name = sqlite3_column_name(query, i);
		put_text(out, name, (int)__builtin_strlen(name));
		sqlite3_str_appendchar(out, 1, i + 1 < n ? ',' : '\n');
	}
}

/*
 * Runs one statement and returns its rows as CSV below a line with the names of the columns. NULL
 * is an empty field, an empty text is "", a blob is x'...' with its bytes in hexadecimal.
 */
MOTE_EXPORT(bytes, Query, str, sql)
{
	sqlite3_stmt *query;
	int status;

	if (!database)
		mote_guest_fail(ERROR_NO_DATABASE, "no database is open");
	if (sqlite3_prepare_v2(database, sql, -1, &query, NULL))
		fail(ERROR_IN_QUERY);
	if (!query)
		mote_guest_fail(ERROR_IN_QUERY, "there is no statement");
	sqlite3_str *out = sqlite3_str_new(database);
	put_heading(out, query);
	while ((status = sqlite3_step(query)) == SQLITE_ROW && !sqlite3_str_errcode(out))
		put_row(out, query);
	sqlite3_finalize(query);
	if (status != SQLITE_DONE)
		fail(ERROR_IN_QUERY);
	const int size = sqlite3_str_length(out);
	sqlite3_free(table);
	table = sqlite3_str_finish(out);
	if (!table && size)
		mote_guest_fail(ERROR_IN_QUERY, "out of memory");
	return (mote_bytes){ table, (size_t)size };
}

/* SQLite would look for /dev/urandom. */
static int fill_random(sqlite3_vfs *vfs, int size, char *to)
{
	(void)vfs;
	return getrandom(to, (size_t)size, 0) == size ? size : 0;
}

/* random() must not be the same after each restore. */
static void renew(void *user)
{
	(void)user;
	sqlite3_randomness(0, NULL);
}

int main(void)
{
	if (sqlite3_initialize())
		return 1;
	sqlite3_vfs_find(NULL)->xRandomness = fill_random;
	mote_guest_on_restore(renew, NULL);
	return 0;
}
