/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest that uses its libc as programs do: allocation, text, time, randomness, signals,
 * and the calls that cannot work in a sandbox and must say so. Results are checksums or text, the
 * same on each libc and natively unless said otherwise.
 */
#define _GNU_SOURCE
#include <mote/guest.h>

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <math.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static uint64_t mix(uint64_t sum, uint64_t value)
{
	return (sum ^ value) * UINT64_C(0x9e3779b97f4a7c15);
}

/* COUNT blocks of different sizes at a time, freed out of order. */
MOTE_EXPORT(u64, MallocSmall, u32, count)
{
	unsigned char **blocks = calloc(count, sizeof *blocks);
	uint64_t sum = 0;

	for (uint32_t i = 0; i < count; i++) {
		blocks[i] = malloc(i % 500 + 1);
		memset(blocks[i], (int)(i & 0xff), i % 500 + 1);
	}
	for (uint32_t i = 0; i < count; i += 2)
		free(blocks[i]);
	for (uint32_t i = 1; i < count; i += 2) {
		sum = mix(sum, blocks[i][i % 500]);
		free(blocks[i]);
	}
	free(blocks);
	return sum;
}

/* One block, written everywhere. */
MOTE_EXPORT(u64, MallocLarge, u64, size)
{
	unsigned char *block = malloc(size);
	uint64_t sum = 0;

	if (!block)
		mote_guest_fail((uint64_t)errno, strerror(errno));
	for (uint64_t i = 0; i < size; i += 4096)
		block[i] = (unsigned char)(i >> 12);
	for (uint64_t i = 0; i < size; i += 4096)
		sum = mix(sum, block[i]);
	free(block);
	return sum;
}

/* Grows a block to 2^STEPS bytes, and checks that what was in it stays. */
MOTE_EXPORT(bool, Realloc, u32, steps)
{
	unsigned char *block = malloc(1);
	bool is_same = true;

	block[0] = 42;
	for (uint32_t i = 1; i <= steps; i++) {
		block = realloc(block, (size_t)1 << i);
		if (!block)
			return false;
		for (size_t at = (size_t)1 << (i - 1); at < (size_t)1 << i; at++)
			block[at] = (unsigned char)at;
		is_same = is_same && block[0] == 42 &&
			  block[((size_t)1 << i) - 1] == (unsigned char)(((size_t)1 << i) - 1);
	}
	free(block);
	return is_same;
}

/* calloc() gives zeros, also from memory that was used before. */
MOTE_EXPORT(bool, Calloc, u32, size)
{
	unsigned char *dirty = malloc(size);
	bool is_zero = true;

	memset(dirty, 0xff, size);
	free(dirty);
	unsigned char *clean = calloc(1, size);
	for (uint32_t i = 0; i < size; i++)
		is_zero = is_zero && clean[i] == 0;
	free(clean);
	return is_zero;
}

MOTE_EXPORT(bool, AlignedAlloc, u64, alignment)
{
	void *block = NULL;

	if (posix_memalign(&block, alignment, 100) != 0)
		return false;
	bool is_aligned = (uintptr_t)block % alignment == 0;
	free(block);
	return is_aligned;
}

/* Maps, writes, protects against writing, unmaps: "" or what went wrong. */
MOTE_EXPORT(str, Mmap, u64, size)
{
	unsigned char *memory =
		mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		return mote_format("mmap: %s", strerror(errno));
	for (uint64_t i = 0; i < size; i += 4096) {
		if (memory[i] != 0)
			return "mmap: not zero";
		memory[i] = 1;
	}
	if (munmap(memory, size) != 0)
		return mote_format("munmap: %s", strerror(errno));
	return "";
}

/* Floats and integers through printf and back. */
MOTE_EXPORT(str, Printf)
{
	return mote_format("%.3f %g %a %e %d %u %ld %#llx %5s|%-5s|%c %% %zu", 3.14159, 1e100, 0.5,
			   -1234.5678, -1, 4000000000u, -5000000000L, 0xdeadbeefULL, "ab", "cd",
			   'x', sizeof(void *));
}

MOTE_EXPORT(str, Strtod, str, text)
{
	char *end;
	double number = strtod(text, &end);

	return mote_format("%.17g %s", number, end);
}

MOTE_EXPORT(str, Sscanf, str, text)
{
	int number = 0;
	char word[16] = "";
	int count = sscanf(text, "%d %15s", &number, word);

	return mote_format("%d: %d %s", count, number, word);
}

MOTE_EXPORT(f64, Math, f64, x)
{
	return sin(x) * sin(x) + cos(x) * cos(x) + sqrt(x * x) + log(exp(x)) + pow(x, 2);
}

/* NULL becomes "(unset)". */
MOTE_EXPORT(str, Getenv, str, name)
{
	const char *value = getenv(name);

	return value ? value : "(unset)";
}

MOTE_EXPORT(str, Setenv, str, name, str, value)
{
	setenv(name, value, 1);
	return getenv(name);
}

/* Nanoseconds, of CLOCK_REALTIME (0) or CLOCK_MONOTONIC (1). */
MOTE_EXPORT(i64, Clock, i32, clock)
{
	struct timespec now;

	if (clock_gettime(clock, &now) != 0)
		return -errno;
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* Reads CLOCK COUNT times; how often it went back. */
MOTE_EXPORT(u32, Clocks, i32, clock, u32, count)
{
	struct timespec now;
	uint32_t back = 0;
	int64_t last = 0;

	for (uint32_t i = 0; i < count; i++) {
		clock_gettime(clock, &now);
		const int64_t ns = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
		back += ns < last;
		last = ns;
	}
	return back;
}

MOTE_EXPORT(i64, Time)
{
	return time(NULL);
}

/* Of a moment, in UTC. */
MOTE_EXPORT(str, Strftime, i64, seconds)
{
	time_t moment = (time_t)seconds;
	struct tm parts;
	char text[64];

	strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", gmtime_r(&moment, &parts));
	return mote_format("%s", text);
}

MOTE_EXPORT(bytes, GetRandom, u32, size)
{
	char *data = mote_alloc(size);
	ssize_t got = getrandom(data, size, 0);

	if (got < 0)
		mote_guest_fail((uint64_t)errno, strerror(errno));
	return (mote_bytes){ data, (size_t)got };
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* The checksum of COUNT sorted numbers; 0 if they are not in order. */
MOTE_EXPORT(u64, Qsort, u32, count)
{
	uint64_t *numbers = malloc(count * sizeof *numbers);
	uint64_t sum = 1;

	for (uint32_t i = 0; i < count; i++)
		numbers[i] = mix(i, i);
	qsort(numbers, count, sizeof *numbers, compare);
	for (uint32_t i = 0; i < count; i++)
		sum = i > 0 && numbers[i - 1] > numbers[i] ? 0 : sum ? mix(sum, numbers[i]) : 0;
	free(numbers);
	return sum;
}

MOTE_EXPORT(str, Setlocale)
{
	const char *locale = setlocale(LC_ALL, "");

	return locale ? locale : "(none)";
}

/* A stream to memory. */
MOTE_EXPORT(str, Stream, u32, lines)
{
	char *text = NULL;
	size_t size = 0;
	FILE *stream = open_memstream(&text, &size);

	for (uint32_t i = 0; i < lines; i++)
		fprintf(stream, "line %u\n", i);
	fclose(stream);
	char *kept = mote_format("%s", text);
	free(text);
	return kept;
}

/* Prints TEXT as it is: to stdout (1), stderr (2), or by write() to any descriptor. */
MOTE_EXPORT(i32, Print, i32, descriptor, str, text)
{
	if (descriptor == 1)
		return fputs(text, stdout) < 0 ? -errno : fflush(stdout);
	if (descriptor == 2)
		return fputs(text, stderr) < 0 ? -errno : 0;
	ssize_t written = write(descriptor, text, strlen(text));
	return written < 0 ? -errno : (int32_t)written;
}

/* Prints without flushing: lines go out when they end. */
MOTE_EXPORT(void, Puts, str, text)
{
	fputs(text, stdout);
}

MOTE_EXPORT(i32, ReadInput)
{
	return getchar();
}

static int error_of(int result)
{
	return result < 0 ? errno : 0;
}

/* The errno of what a sandbox has no answer to; 0 where it worked. */
MOTE_EXPORT(i32, ErrorOf, str, what)
{
	int ends[2];

	errno = 0;
	if (strcmp(what, "open") == 0)
		return error_of(open("/etc/passwd", O_RDONLY));
	if (strcmp(what, "creat") == 0)
		return error_of(open("/tmp/mote-guest-was-here", O_WRONLY | O_CREAT, 0600));
	if (strcmp(what, "fopen") == 0)
		return fopen("/etc/passwd", "r") ? 0 : errno;
	if (strcmp(what, "unlink") == 0)
		return error_of(unlink("/nowhere"));
	if (strcmp(what, "socket") == 0)
		return error_of(socket(AF_INET, SOCK_STREAM, 0));
	if (strcmp(what, "fork") == 0) {
		pid_t child = fork();
		if (child == 0)
			_exit(0);
		return error_of(child);
	}
	if (strcmp(what, "execve") == 0)
		return error_of(execl("/bin/true", "true", (char *)NULL));
	if (strcmp(what, "pipe") == 0)
		return error_of(pipe(ends));
	if (strcmp(what, "close") == 0)
		return error_of(close(77));
	if (strcmp(what, "kill other") == 0)
		return error_of(kill(1, 0));
	if (strcmp(what, "getcwd") == 0)
		return getcwd((char[64]){ 0 }, 64) ? 0 : errno;
	if (strcmp(what, "mmap file") == 0)
		return mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, 5, 0) == MAP_FAILED ? errno : 0;
	mote_guest_fail(1, "no such thing to try");
}

static void *run_thread(void *argument)
{
	return argument;
}

/* What pthread_create() says. */
MOTE_EXPORT(i32, Thread)
{
	pthread_t thread;
	int error = pthread_create(&thread, NULL, run_thread, NULL);

	if (error == 0)
		pthread_join(thread, NULL);
	return error;
}

/* Mutexes, once, and thread-specific data work with one thread. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static _Thread_local int per_thread = 5;

MOTE_EXPORT(i32, Locks)
{
	pthread_key_t key;

	if (pthread_mutex_lock(&lock) != 0 || pthread_mutex_unlock(&lock) != 0)
		return 1;
	if (pthread_key_create(&key, NULL) != 0 || pthread_setspecific(key, &lock) != 0 ||
	    pthread_getspecific(key) != &lock || pthread_key_delete(key) != 0)
		return 2;
	return ++per_thread;
}

/* Without another thread: waking is fine, a wait with a limit runs out, one without is refused. */
static pthread_once_t once = PTHREAD_ONCE_INIT;
static int times_run;

static void run_once(void)
{
	times_run++;
}

MOTE_EXPORT(str, Futex)
{
	pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
	const struct timespec soon = { 1, 0 }, long_ago = { 0, 1 };
	uint32_t word = 5;

	pthread_once(&once, run_once);
	pthread_once(&once, run_once);
	pthread_cond_broadcast(&condition);
	pthread_mutex_lock(&lock);
	int timed = pthread_cond_timedwait(&condition, &lock, &soon);
	pthread_mutex_unlock(&lock);
	int changed = syscall(SYS_futex, &word, 0, 4, NULL) < 0 ? errno : 0;
	int passed = syscall(SYS_futex, &word, 0, 5, &long_ago) < 0 ? errno : 0;
	int nowhere = syscall(SYS_futex, (void *)8, 0, 5, NULL) < 0 ? errno : 0;
	return mote_format("%d %d %d %d %d", times_run, timed, changed, passed, nowhere);
}

/* Nobody will ever come. */
MOTE_EXPORT(void, WaitForEver)
{
	pthread_mutex_t own = PTHREAD_MUTEX_INITIALIZER;

	pthread_mutex_lock(&own);
	pthread_mutex_lock(&own);
}

static bool give_up(void *memory, size_t size, const char *how)
{
	if (strcmp(how, "free") == 0) {
		free(memory);
		return true;
	}
	if (strcmp(how, "munmap") == 0)
		return munmap(memory, size) == 0;
	if (strcmp(how, "mremap") == 0)
		return mremap(memory, size, 4096, 0) == memory && munmap(memory, 4096) == 0;
	if (strcmp(how, "advice") == 0)
		return madvise(memory, size, MADV_DONTNEED) == 0 && munmap(memory, size) == 0;
	if (strcmp(how, "free advice") == 0)
		return madvise(memory, size, MADV_FREE) == 0 && munmap(memory, size) == 0;
	return syscall(SYS_brk, memory) == (long)(uintptr_t)memory; /* "brk" */
}

/* Not by sbrk(), which musl does not move. */
static void *move_break(size_t size)
{
	const long now = syscall(SYS_brk, 0);

	return syscall(SYS_brk, now + (long)size) == now + (long)size ? (void *)(uintptr_t)now
								      : NULL;
}

/* Takes SIZE bytes, writes to each page, and gives them up as HOW says. How many were not 0. */
MOTE_EXPORT(i64, UseAndGiveUp, u64, size, str, how)
{
	unsigned char *memory;
	int64_t dirty = 0;

	if (strcmp(how, "free") == 0)
		memory = malloc(size);
	else if (strcmp(how, "brk") == 0)
		memory = move_break(size);
	else
		memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			      0);
	if (!memory || memory == (void *)-1)
		return -1;
	for (size_t i = 0; i < size; i += 4096) {
		dirty += strcmp(how, "free") != 0 && memory[i] != 0;
		memory[i] = 1;
	}
	return give_up(memory, size, how) ? dirty : -2;
}

/* What poll() finds on a descriptor: 1 to read, 4 to write, 32 not open. */
MOTE_EXPORT(i32, Poll, i32, descriptor)
{
	struct pollfd entry = { .fd = descriptor, .events = POLLIN | POLLOUT };
	int ready = poll(&entry, 1, 0);

	return ready < 0 ? -errno : entry.revents;
}

MOTE_EXPORT(i32, PollMany, u32, count)
{
	struct pollfd *entries = calloc(count, sizeof *entries);
	int ready = poll(entries, count, 0);
	int error = errno;

	free(entries);
	return ready < 0 ? -error : ready;
}

MOTE_EXPORT(i32, Setjmp, i32, value)
{
	jmp_buf place;
	int result = setjmp(place);

	if (result == 0)
		longjmp(place, value);
	return result;
}

static volatile sig_atomic_t last_signal;

static void note_signal(int number)
{
	last_signal = number;
}

/* Installing a handler works; what happens on raise() is up to the host. */
MOTE_EXPORT(i32, Sigaction)
{
	struct sigaction action = { .sa_handler = note_signal };

	return sigaction(SIGUSR1, &action, NULL) == 0 ? last_signal : -errno;
}

MOTE_EXPORT(str, Ids)
{
	return mote_format("%d %d %d", getpid() > 0, getuid() == geteuid(), isatty(1));
}

MOTE_EXPORT(i64, Sysconf, str, what)
{
	if (strcmp(what, "page") == 0)
		return sysconf(_SC_PAGESIZE);
	return sysconf(_SC_NPROCESSORS_ONLN);
}

/* State that stays: errno is per thread and not reset by the library. */
MOTE_EXPORT(i32, Errno, i32, value)
{
	int before = errno;

	errno = value;
	return before;
}

/* The kernel's own answer, or whose it is, with zeros for arguments. */
MOTE_EXPORT(i64, SystemCall, u64, number)
{
	int64_t result = (int64_t)number;
	register uint64_t r10 __asm__("r10") = 0, r8 __asm__("r8") = 0, r9 __asm__("r9") = 0;

	__asm__ volatile("syscall"
			 : "+a"(result)
			 : "D"(0), "S"(0), "d"(0), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return result;
}

/* Frees its stack again; SIZE bytes must fit. */
MOTE_EXPORT(u64, UseStack, u64, size)
{
	volatile unsigned char *area = __builtin_alloca(size);
	uint64_t sum = 0;

	for (uint64_t i = 0; i < size; i += 512)
		area[i] = (unsigned char)i;
	for (uint64_t i = 0; i < size; i += 512)
		sum += area[i];
	return sum;
}

int main(void)
{
	return 0;
}
