/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pools of sandboxes. The lock guards a list and some numbers; whatever takes time (making a
 * sandbox, restoring one, freeing one) happens outside of it, with the place that the sandbox
 * has or will have already counted.
 */
#include "sandbox/snapshot.h"

#include "base/options.h"

#include <inttypes.h>
#include <mote/limits.h>
#include <mote/pool.h>
#include <pthread.h>

struct mote_pool {
	mote_runtime *rt;
	mote_snapshot *snapshot;         /* a reference of its own */
	struct host_functions functions; /* their users are the pool's */
	mote_host_function *borrowed;    /* the same for each sandbox, which drops no users */
	mote_sandbox_options options;    /* for each sandbox */
	mote_directory *directories;     /* of OPTIONS */
	size_t directories_size;         /* in bytes */
	uint32_t maximum;

	pthread_mutex_t lock; /* of all that follows */
	mote_sandbox **idle;  /* room for MAXIMUM; the last to come is the first to go */
	mote_pool_statistics statistics;
};

static const struct host *host_of(const mote_pool *pool)
{
	return &pool->rt->host;
}

/* The lock is no part of what a const pool promises to leave alone. In a forked process, where
 * pools can only be looked at, whoever held it may not exist. */
static void lock(const mote_pool *pool)
{
	if (!host_is_forked(host_of(pool)))
		pthread_mutex_lock((pthread_mutex_t *)&pool->lock);
}

static void unlock(const mote_pool *pool)
{
	if (!host_is_forked(host_of(pool)))
		pthread_mutex_unlock((pthread_mutex_t *)&pool->lock);
}

static mote_status check_limits(const mote_pool_options *options, mote_error *err)
{
	if (options->maximum > MOTE_MAX_POOL_MAXIMUM)
		return error_set(err, MOTE_E_INVALID,
				 "maximum is %" PRIu32 "; it may be at most %d sandboxes",
				 options->maximum, MOTE_MAX_POOL_MAXIMUM);
	if (options->minimum > options->maximum)
		return error_set(err, MOTE_E_INVALID,
				 "minimum is %" PRIu32 " and maximum %" PRIu32
				 "; raise maximum, or lower minimum",
				 options->minimum, options->maximum);
	return MOTE_OK;
}

/* What the caller wants, of the library's sizes. On failure it still owns the functions' users,
 * which are those of SANDBOX as far as it can be read. */
static mote_status copy_options(mote_pool_options *options, mote_sandbox_options *sandbox,
				const mote_pool_options *given, mote_error *err)
{
	*sandbox = (mote_sandbox_options){ .size = sizeof *sandbox };
	mote_status status =
		options_copy(options, sizeof *options, given, "mote_pool_options", err);
	const bool is_newer = status == MOTE_E_OPTION; /* all that we know of is there */

	if (status && !is_newer)
		return status;
	const mote_sandbox_options *from = is_newer ? given->sandbox : options->sandbox;
	mote_status copied = options_copy(sandbox, sizeof *sandbox, from, "mote_sandbox_options",
					  status ? NULL : err);
	if (copied == MOTE_E_OPTION) {
		sandbox->functions = from->functions;
		sandbox->nfunctions = from->nfunctions;
	}
	if (!status)
		status = copied;
	if (status)
		return status;
	if (options->maximum == 0)
		options->maximum = MOTE_DEFAULT_POOL_MAXIMUM;
	return check_limits(options, err);
}

/* The functions as mote_sandbox_from_snapshot() wants them. */
static mote_status borrow_functions(mote_pool *pool, mote_error *err)
{
	const size_t count = pool->functions.count;

	pool->options.functions = NULL;
	pool->options.nfunctions = count;
	if (count == 0)
		return MOTE_OK;
	pool->borrowed = host_alloc_array(host_of(pool), count, sizeof pool->borrowed[0]);
	if (!pool->borrowed)
		return error_nomem(err, "a pool's host functions",
				   count * sizeof pool->borrowed[0]);
	for (size_t i = 0; i < count; i++) {
		const struct host_function *function = &pool->functions.list[i];
		pool->borrowed[i] = (mote_host_function){
			.name = function->name,
			.fn = function->fn,
			.user = function->user,
			.result = function->result,
			.nparams = function->nparams,
			.params = function->params,
		};
	}
	pool->options.functions = pool->borrowed;
	return MOTE_OK;
}

static mote_status make(mote_sandbox **out, mote_pool *pool, mote_error *err)
{
	return mote_sandbox_from_snapshot(out, pool->rt, pool->snapshot, &pool->options, err);
}

/* The lists, and the sandboxes that there are to be from the start. */
static mote_status fill(mote_pool *pool, uint32_t minimum, mote_error *err)
{
	mote_pool_statistics *statistics = &pool->statistics;
	mote_status status = borrow_functions(pool, err);

	if (status)
		return status;
	pool->idle = host_alloc_array(host_of(pool), pool->maximum, sizeof pool->idle[0]);
	if (!pool->idle)
		return error_nomem(err, "a pool's list", pool->maximum * sizeof pool->idle[0]);
	while (!status && statistics->idle < minimum) {
		status = make(&pool->idle[statistics->idle], pool, err);
		if (!status)
			statistics->idle++;
	}
	return status;
}

mote_status mote_pool_new(mote_pool **out, mote_runtime *rt, mote_snapshot *snapshot,
			  const mote_pool_options *given, mote_error *err)
{
	mote_pool_options options;
	mote_sandbox_options sandbox;
	mote_pool *pool = NULL;

	*out = NULL;
	mote_status status = copy_options(&options, &sandbox, given, err);
	if (!status) {
		pool = host_alloc(&rt->host, sizeof *pool);
		if (!pool)
			status = error_nomem(err, "a pool", sizeof *pool);
	}
	if (status) {
		sandbox_drop_users(&sandbox);
		return status;
	}
	pool->rt = rt;
	pool->snapshot = mote_snapshot_ref(snapshot);
	pool->options = sandbox;
	pool->maximum = options.maximum;
	pthread_mutex_init(&pool->lock, NULL);
	status = host_functions_init(&pool->functions, &rt->host, sandbox.functions,
				     sandbox.nfunctions, err);
	if (status)
		sandbox_drop_users(&sandbox);
	else
		status = snapshot_check_start(snapshot, rt, &sandbox, &pool->functions, err);
	if (!status)
		status = directories_copy(&pool->directories, &pool->directories_size, &rt->host,
					  sandbox.directories, sandbox.ndirectories, err);
	pool->options.directories = pool->directories;
	if (!status)
		status = fill(pool, options.minimum, err);
	if (status) {
		mote_pool_free(pool);
		return status;
	}
	*out = pool;
	return MOTE_OK;
}

/* Of a list that another thread was changing when this process was forked nothing is believed. */
static void free_idle(mote_pool *pool)
{
	const bool is_forked = host_is_forked(host_of(pool));

	if (is_forked && pthread_mutex_trylock(&pool->lock) != 0)
		return;
	for (uint32_t i = 0; i < pool->statistics.idle; i++)
		mote_sandbox_free(pool->idle[i]);
	if (!is_forked)
		pthread_mutex_destroy(&pool->lock);
}

void mote_pool_free(mote_pool *pool)
{
	if (!pool)
		return;
	const struct host *host = host_of(pool);

	free_idle(pool);
	host_free(host, pool->idle, pool->maximum * sizeof pool->idle[0]);
	host_free(host, pool->borrowed, pool->functions.count * sizeof pool->borrowed[0]);
	host_free(host, pool->directories, pool->directories_size);
	host_functions_fini(&pool->functions, host);
	mote_snapshot_unref(pool->snapshot);
	host_free(host, pool, sizeof *pool);
}

/* Counts one more in use: *OUT is one that was idle, or NULL if there is room to make one. False:
 * the maximum is in use. */
static bool take_place(mote_pool *pool, mote_sandbox **out)
{
	mote_pool_statistics *statistics = &pool->statistics;
	bool has_place = true;

	*out = NULL;
	lock(pool);
	if (statistics->idle > 0)
		*out = pool->idle[--statistics->idle];
	else
		has_place = statistics->in_use < pool->maximum;
	if (has_place)
		statistics->in_use++;
	statistics->acquired += *out != NULL;
	unlock(pool);
	return has_place;
}

mote_status mote_pool_acquire(mote_sandbox **out, mote_pool *pool, mote_error *err)
{
	mote_status status = runtime_check_fork(pool->rt, err);

	*out = NULL;
	if (status)
		return status;
	if (!take_place(pool, out))
		return error_set(err, MOTE_E_LIMIT,
				 "all %" PRIu32 " sandboxes of the pool are in use; release one, "
				 "or raise maximum",
				 pool->maximum);
	if (*out)
		return MOTE_OK;
	status = make(out, pool, err);
	lock(pool);
	if (status) {
		pool->statistics.in_use--;
	} else {
		pool->statistics.acquired++;
		pool->statistics.made++;
	}
	unlock(pool);
	return status;
}

void mote_pool_release(mote_pool *pool, mote_sandbox *sb)
{
	if (!sb)
		return;
	buffers_fini(sb);
	const bool is_clean = mote_sandbox_restore(sb, pool->snapshot, NULL) == MOTE_OK;

	if (!is_clean)
		mote_sandbox_free(sb);
	if (host_is_forked(host_of(pool)))
		return; /* the list is the parent's */
	lock(pool);
	mote_pool_statistics *statistics = &pool->statistics;

	statistics->in_use--;
	if (is_clean) {
		statistics->restored++;
		pool->idle[statistics->idle++] = sb;
	} else {
		statistics->replaced++;
	}
	unlock(pool);
}

void mote_pool_get_statistics(const mote_pool *pool, mote_pool_statistics *to)
{
	lock(pool);
	const mote_pool_statistics now = pool->statistics;

	unlock(pool);
	/* nobody is told of a size that cannot be: nothing is stored then */
	(void)!options_fill(to, &now, sizeof now, "mote_pool_statistics", NULL);
}
