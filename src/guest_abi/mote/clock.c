/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Measures the time-stamp counter against the host's clocks, which are slewed now and then: so how
 * fast it is counts for seconds and not for ever, and no guest goes on with it for longer than a
 * few dozen milliseconds without asking.
 */
#include "guest_abi/mote/clock.h"

#include "mem/guest_memory.h"

#include <cpuid.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <x86intrin.h>

#define NS_PER_S UINT64_C(1000000000)

enum {
	REAL, /* CLOCK_REALTIME */
	MONO, /* CLOCK_MONOTONIC */
};

/* Two samples closer than this do not tell how fast the counter is to a millionth. */
#define LEAST_NS (NS_PER_S / 20)
/* And after so long the newer of two takes the place of the older. */
#define RENEW_NS (4 * NS_PER_S)
/* How long what a guest sees is good. */
#define VALID_NS (NS_PER_S / 20)
/* A clock that was set back by more than this was set on purpose. */
#define SLEW_NS (NS_PER_S / 1000)

static uint64_t read_clock(const struct host *host, clockid_t clock)
{
	struct timespec now = { 0 };

	host->sys->clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

/* The counter goes on at the same speed whatever the processor does. */
static bool is_invariant(void)
{
	enum { LEAF = 0x80000007, INVARIANT = 1 << 8 };
	unsigned a, b, c, d = 0;

	return __get_cpuid(LEAF, &a, &b, &c, &d) && (d & INVARIANT);
}

/* The kernel watches it, and gives it up where processors disagree. Where one cannot ask, it is not
 * so. */
static mote_status ask_kernel(bool *is_tsc, const struct host *host, mote_error *err)
{
	static const char path[] =
		"/sys/devices/system/clocksource/clocksource0/current_clocksource";
	const struct sys *sys = host->sys;
	char name[4] = "";

	*is_tsc = false;
	int fd = sys->open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 && (errno == ENOENT || errno == EACCES || errno == EPERM))
		return MOTE_OK;
	if (fd < 0)
		return error_os(err, errno, "cannot open %s", path);
	const ssize_t n = sys->read(fd, name, sizeof name);
	const int os_error = errno;
	sys->close(fd);
	if (n < 0)
		return error_os(err, os_error, "cannot read %s", path);
	*is_tsc = n == sizeof name && memcmp(name, "tsc\n", sizeof name) == 0;
	return MOTE_OK;
}

/* Both clocks and the counter at one moment: the quickest of a few tries, since any may have been
 * interrupted. */
static struct clock_sample take_sample(const struct host *host)
{
	enum { TRIES = 3 };
	struct clock_sample best = { 0 };
	uint64_t shortest = UINT64_MAX;

	for (int i = 0; i < TRIES; i++) {
		const uint64_t before = __rdtsc();
		const uint64_t real = read_clock(host, CLOCK_REALTIME);
		const uint64_t mono = read_clock(host, CLOCK_MONOTONIC);
		const uint64_t took = __rdtsc() - before;
		if (took < shortest) {
			shortest = took;
			best = (struct clock_sample){ before + took / 2, { real, mono } };
		}
	}
	return best;
}

mote_status clock_learn(struct clock_start *start, const struct host *host, mote_error *err)
{
	bool is_tsc;
	mote_status status = ask_kernel(&is_tsc, host, err);

	*start = (struct clock_start){ .is_usable = !status && is_tsc && is_invariant() };
	if (start->is_usable)
		start->sample = take_sample(host);
	return status;
}

void clock_init(struct guest_clock *clock, const struct clock_start *start, bool is_wanted)
{
	*clock = (struct guest_clock){
		.is_wanted = is_wanted && start->is_usable,
		.old = start->sample,
		.new = start->sample,
	};
}

/* NS of TICKS; 0 of TICKS 0. */
static uint64_t scale(uint64_t ticks, uint64_t factor)
{
	return (uint64_t)((unsigned __int128)ticks * factor >> 32);
}

/* Nanoseconds a tick, times 2^32, since the older sample; 0: it is too early, or makes no sense. */
static uint64_t measure(struct guest_clock *clock, const struct clock_sample *now)
{
	if (now->tsc <= clock->new.tsc || now->ns[MONO] <= clock->new.ns[MONO])
		return 0;
	if (now->ns[MONO] - clock->new.ns[MONO] > RENEW_NS) {
		clock->old = clock->new;
		clock->new = *now;
	}
	const uint64_t ns = now->ns[MONO] - clock->old.ns[MONO];
	const uint64_t ticks = now->tsc - clock->old.tsc;
	if (ns < LEAST_NS)
		return 0;
	const unsigned __int128 factor = ((unsigned __int128)ns << 32) / ticks;
	return factor <= UINT32_MAX * (unsigned __int128)16 ? (uint64_t)factor : 0;
}

/* What the guest reads at TSC on CLOCK; 0: it would ask. */
static uint64_t shown_at(const struct mote_clock *shown, uint64_t tsc, int clock)
{
	const uint64_t ticks = tsc - shown->tsc;

	if (ticks >= shown->valid)
		return 0;
	return shown->times[clock].seconds * NS_PER_S + shown->times[clock].ns +
	       scale(ticks, shown->factor);
}

static void show(struct guest_clock *clock, struct guest_memory *memory)
{
	guest_memory_write(memory, MOTE_CLOCK, &clock->shown, sizeof clock->shown, 0, NULL);
}

bool clock_show(struct guest_clock *clock, const struct host *host, struct guest_memory *memory,
		uint64_t ns[2])
{
	if (!clock->is_wanted)
		return false;
	const struct clock_sample now = take_sample(host);
	const uint64_t factor = measure(clock, &now);
	struct mote_clock next = { .tsc = now.tsc, .factor = factor };

	clock->is_used = true;
	if (factor == 0)
		return false;
	next.valid = (uint64_t)(((unsigned __int128)VALID_NS << 32) / factor);
	for (int i = 0; i < 2; i++) {
		const uint64_t before = shown_at(&clock->shown, now.tsc, i);
		ns[i] = now.ns[i];
		if (before > ns[i] && before - ns[i] < SLEW_NS)
			ns[i] = before;
		next.times[i].seconds = ns[i] / NS_PER_S;
		next.times[i].ns = ns[i] % NS_PER_S;
	}
	clock->shown = next;
	show(clock, memory);
	return true;
}

void clock_hide(struct guest_clock *clock, struct guest_memory *memory)
{
	if (!clock->is_used)
		return;
	clock->shown = (struct mote_clock){ 0 };
	show(clock, memory);
}
