/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Debian's SQLite on databases in memory: a table filled in one transaction, and a join of two with
 * groups and an order.
 */
#include "bench/programs/work.h"

#include <sqlite3.h>

#include <stddef.h>
#include <sys/random.h>

static sqlite3 *database;

/* SQLite would look for /dev/urandom, which sandboxes do not have. */
static int fill_random(sqlite3_vfs *vfs, int size, char *to)
{
	(void)vfs;
	return getrandom(to, (size_t)size, 0) == size ? size : 0;
}

static bool execute(const char *sql)
{
	return sqlite3_exec(database, sql, NULL, NULL, NULL) == SQLITE_OK;
}

static bool prepare(void)
{
	if (database)
		return true;
	if (sqlite3_initialize())
		return false;
	sqlite3_vfs_find(NULL)->xRandomness = fill_random;
	return sqlite3_open(":memory:", &database) == SQLITE_OK &&
	       execute("CREATE TABLE person (id INTEGER PRIMARY KEY, name TEXT, city INTEGER);"
		       "CREATE TABLE city (id INTEGER PRIMARY KEY, name TEXT);"
		       "CREATE TABLE fresh (id INTEGER PRIMARY KEY, name TEXT, value REAL);"
		       "CREATE INDEX fresh_name ON fresh (name);"
		       "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < "
		       "200) "
		       "INSERT INTO city SELECT i, 'city ' || i FROM n;"
		       "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < "
		       "5000) INSERT INTO person SELECT i, 'person ' || (i * 7919 % 5000), i % 200 "
		       "+ 1 "
		       "FROM n");
}

static uint64_t insert(void)
{
	sqlite3_stmt *statement;
	uint64_t sum = 0;

	execute("DELETE FROM fresh; BEGIN");
	if (sqlite3_prepare_v2(database,
			       "INSERT INTO fresh VALUES (?, printf('%d!', ? * 31 % 1999), "
			       "?)",
			       -1, &statement, NULL))
		return 0;
	for (int i = 0; i < 5000; i++) {
		sqlite3_bind_int(statement, 1, i);
		sqlite3_bind_int(statement, 2, i);
		sqlite3_bind_double(statement, 3, i / 7.0);
		sum += sqlite3_step(statement) == SQLITE_DONE;
		sqlite3_reset(statement);
	}
	sqlite3_finalize(statement);
	return execute("COMMIT") ? sum : 0;
}

static uint64_t join_once(void)
{
	sqlite3_stmt *statement;
	uint64_t sum = 0;

	if (sqlite3_prepare_v2(
		    database,
		    "SELECT city.name, count(*), max(person.name) FROM person JOIN city ON "
		    "city.id = person.city GROUP BY city.id ORDER BY 3 DESC",
		    -1, &statement, NULL))
		return 0;
	while (sqlite3_step(statement) == SQLITE_ROW)
		sum += (uint64_t)sqlite3_column_int64(statement, 1);
	sqlite3_finalize(statement);
	return sum;
}

static uint64_t join(void)
{
	enum { TIMES = 5 };
	uint64_t sum = 0;

	for (int i = 0; i < TIMES; i++)
		sum += join_once();
	return sum;
}

WORK(sqlite_insert, prepare, insert)
WORK(sqlite_join, prepare, join)
