/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which pages a guest process has written, as the kernel tells it: no page that was written is ever
 * left out, and asking takes few system calls, however the pages lie.
 */
#define _GNU_SOURCE
#include "hv/guest_box.h"
#include "hv/process/process_internal.h"
#include "hv/regions.h"
#include "mem/pagemap.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

enum { PAGE = 4096, NPAGES = 16384, FILLED = 8192, CODE_PAGES = 4, STACK_PAGES = 4 };
#define GPA      UINT64_C(0x10000000)
#define DATA_GPA (GPA + (CODE_PAGES + STACK_PAGES) * PAGE)
#define DATA     UINT64_C(0x40000000) /* where the guest has it */
#define SIZE     ((CODE_PAGES + STACK_PAGES + NPAGES) * (size_t)PAGE)
#define NEVER    UINT_MAX

/* What asking took, and which call fails. */
static struct {
	unsigned calls, fails_at; /* of ioctl() and lseek() */
	int error;
	bool tells_half; /* a kernel to which pages without an entry are clean */
} kernel;

static struct sys sys;
static struct host host;
static struct hv *hv;
static struct hv_vm *vm;
static uint8_t *memory;
static int fd;

static bool fails(void)
{
	errno = kernel.error;
	return kernel.calls++ == kernel.fails_at;
}

static int counted_ioctl(int file, unsigned long request, void *argument)
{
	struct pagemap_scan *scan = argument;

	if (request != PAGEMAP_SCAN)
		return sys_native->ioctl(file, request, argument);
	if (fails())
		return -1;
	const int n = sys_native->ioctl(file, request, argument);
	if (kernel.tells_half && n == 1 && scan->start != MONITOR_CONTROL)
		((struct pagemap_range *)(uintptr_t)scan->ranges)->end -= PAGE;
	return n;
}

static off_t counted_lseek(int file, off_t offset, int whence)
{
	return fails() ? -1 : sys_native->lseek(file, offset, whence);
}

static uint8_t *page(uint64_t number)
{
	return memory + (CODE_PAGES + STACK_PAGES + number) * PAGE;
}

/* A machine whose memory has FILLED_PAGES pages of data. */
static void make(unsigned filled_pages, bool is_watched)
{
	fd = memfd_create("written", MFD_CLOEXEC);
	assert_int_equal(ftruncate(fd, SIZE), 0);
	memory = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_ptr_not_equal(memory, MAP_FAILED);
	memcpy(memory, guest_code, (size_t)(guest_code_end - guest_code));
	for (unsigned i = 0; i < filled_pages; i++)
		page(i)[0] = 1;

	const struct region slots[] = { SLOT(GPA, SIZE, REGION_ALL, memory, fd) };
	const struct region views[] = {
		VIEW(BOX_CODE, GPA, CODE_PAGES * PAGE, READ_EXECUTE),
		VIEW(BOX_STACK, GPA + CODE_PAGES * PAGE, STACK_PAGES * PAGE, READ_WRITE),
		VIEW(DATA, DATA_GPA, NPAGES * (uint64_t)PAGE, READ_WRITE),
	};
	const struct hv_cpu_state cpu = { .regs = { .rip = BOX_CODE, .rflags = 2 } };
	const struct hv_vm_config config = { .slots = slots,
					     .nslots = 1,
					     .views = views,
					     .nviews = 3,
					     .cpu = &cpu,
					     .is_watched = is_watched };
	assert_int_equal(hv_process.vm_new(&vm, hv, &config, NULL), MOTE_OK);
}

/* Ends the test, loudly, where the kernel cannot tell. */
static void make_watched(unsigned filled_pages)
{
	make(filled_pages, true);
	if (((struct process_vm *)vm)->process.pagemap < 0) {
		print_message("SKIP: this kernel does not tell what processes write\n");
		skip();
	}
}

static int setup(void **state)
{
	(void)state;
	host_init(&host);
	sys = *sys_native;
	sys.ioctl = counted_ioctl;
	sys.lseek = counted_lseek;
	host.sys = &sys;
	memset(&kernel, 0, sizeof kernel);
	kernel.fails_at = NEVER;
	return hv_process.open(&hv, &host, NULL) != MOTE_OK;
}

static int teardown(void **state)
{
	(void)state;
	hv_process.vm_free(vm);
	hv_process.close(hv);
	munmap(memory, SIZE);
	close(fd);
	vm = NULL;
	return 0;
}

/* The guest writes a byte to page NUMBER. */
static void write_page(uint64_t number)
{
	struct hv_exit event;

	*vm->regs = (struct hv_regs){
		.rip = box_address("scribble"),
		.rsp = BOX_STACK_TOP,
		.rdi = DATA + number * PAGE,
		.rsi = 1,
		.rdx = 7,
		.rflags = 2,
	};
	vm->regs_changed = true;
	assert_int_equal(hv_process.run(vm, &event, NULL), MOTE_OK);
	assert_int_equal(event.kind, HV_EXIT_HYPERCALL);
	assert_int_equal(page(number)[0], 7);
}

/* What written() has told of the data. */
static bool is_told[NPAGES];
static unsigned ntold;

static void note(void *user, uint64_t gpa)
{
	assert_ptr_equal(user, is_told);
	assert_in_range(gpa, GPA + CODE_PAGES * PAGE, GPA + SIZE - PAGE);
	assert_int_equal(gpa % PAGE, 0);
	if (gpa < DATA_GPA)
		return;
	ntold += !is_told[(gpa - DATA_GPA) / PAGE];
	is_told[(gpa - DATA_GPA) / PAGE] = true;
}

static bool written(void)
{
	memset(is_told, 0, sizeof is_told);
	ntold = 0;
	kernel.calls = 0;
	return hv_process.written(vm, note, is_told);
}

static void watch(void)
{
	assert_int_equal(hv_process.watch(vm, NULL), MOTE_OK);
}

/* In what is there, alone, in a row of any length, and where nothing was, near and far. */
static const uint64_t places[] = { 0, 2, 100, 101, 102, 4000, 8191, 8195, 9000, 9001, 16383 };
enum { NPLACES = sizeof places / sizeof places[0] };

static void expect_places(void)
{
	assert_true(written());
	for (size_t i = 0; i < NPLACES; i++)
		assert_true(is_told[places[i]]);
	assert_int_equal(ntold, NPLACES);
}

static void pages_that_were_written_are_told_and_no_others(void **state)
{
	(void)state;
	make_watched(FILLED);
	assert_true(written());
	assert_int_equal(ntold, 0);
	for (size_t i = 0; i < NPLACES; i++)
		write_page(places[i]);
	expect_places();
	expect_places(); /* they are not protected again, so they have to be told again */
	watch();
	assert_true(written());
	assert_int_equal(ntold, 0);
	for (size_t i = 0; i < NPLACES; i++)
		write_page(places[i]);
	expect_places();
}

static void a_long_row_is_told_whole(void **state)
{
	(void)state;
	make_watched(FILLED);
	for (uint64_t i = 0; i < 1000; i++)
		write_page(8000 + i); /* some of it new */
	for (int times = 0; times < 2; times++) {
		assert_true(written());
		assert_int_equal(ntold, 1000);
		for (uint64_t i = 0; i < 1000; i++)
			assert_true(is_told[8000 + i]);
	}
	write_page(7999);
	assert_true(written());
	assert_int_equal(ntold, 1001);
}

/* Reclaim takes the entries of pages that have no protection left from the page tables, and nothing
 * stays there that could tell. A hole in the file does the same; then the page is there again. */
static void pages_without_an_entry_are_told(void **state)
{
	(void)state;
	make_watched(FILLED);
	for (uint64_t i = 0; i < 64; i++)
		write_page(50 + i);
	assert_int_equal(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
				   page(50) - memory, 64 * PAGE),
			 0);
	for (uint64_t i = 0; i < 64; i++)
		page(50 + i)[0] = 7;
	assert_true(written());
	assert_int_equal(ntold, 64);
	for (uint64_t i = 0; i < 64; i++)
		assert_true(is_told[50 + i]);
}

static void scattered_pages_take_few_system_calls(void **state)
{
	(void)state;
	static const struct {
		uint64_t first, step;
		unsigned count;
	} rows[] = { { 0, 1, 1 }, { 0, 2, 4096 }, { 1, 7, 1000 }, { 0, 1, 8192 } };

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		make_watched(FILLED);
		for (unsigned n = 0; n < rows[i].count; n++)
			write_page(rows[i].first + n * rows[i].step);
		assert_true(written());
		assert_int_equal(ntold, rows[i].count);
		/* a scan for each 128 ranges, one more a view, and one for the process's life */
		assert_in_range(kernel.calls, 1, rows[i].count / 128 + 7);
		hv_process.vm_free(vm);
		munmap(memory, SIZE);
		close(fd);
	}
	make_watched(FILLED);
}

static void new_pages_are_looked_for_once(void **state)
{
	(void)state;
	make_watched(FILLED);
	for (uint64_t i = 0; i < 1000; i++)
		write_page(FILLED + 3 + 5 * i);
	assert_true(written());
	assert_int_equal(ntold, 1000);
	assert_true(kernel.calls > 2000);
	for (int times = 0; times < 2; times++) {
		assert_true(written());
		assert_int_equal(ntold, 1000);
		assert_in_range(kernel.calls, 1, 1000 / 128 + 12);
	}
	write_page(FILLED + 4);
	assert_true(written());
	assert_true(is_told[FILLED + 4]);
}

static void few_pages_are_not_watched(void **state)
{
	(void)state;
	make(10, true);
	write_page(3);
	assert_false(written());
	assert_int_equal(kernel.calls, 0);
}

static void a_machine_that_is_not_watched_tells_nothing(void **state)
{
	(void)state;
	make(FILLED, false);
	assert_false(written());
	watch();
	assert_int_equal(written(), ((struct process_vm *)vm)->process.pagemap >= 0);
}

static void a_process_that_has_died_tells_nothing(void **state)
{
	(void)state;
	make_watched(FILLED);
	struct process_vm *process = (struct process_vm *)vm;
	struct pollfd end = { .fd = process->process.pidfd, .events = POLLIN };

	write_page(5);
	assert_true(written());
	assert_int_equal(sys.pidfd_send_signal(process->process.pidfd, SIGKILL), 0);
	assert_int_equal(poll(&end, 1, 10000), 1);
	assert_false(written());
}

static void what_fails_tells_nothing(void **state)
{
	(void)state;
	static const int errors[] = { ENOTTY, EPERM, ENOMEM };
	unsigned n = 0;

	make_watched(FILLED);
	write_page(5);
	write_page(9000);
	for (bool works = false; !works; n++) { /* each call, until there are no more of them */
		kernel.error = errors[n % 3];
		kernel.fails_at = n;
		works = written();
	}
	assert_true(n > 3);
	for (n = 0; n < 3; n++) {
		kernel.calls = 0;
		kernel.fails_at = n + 8; /* behind those that count */
		watch();
		kernel.fails_at = NEVER;
		assert_false(written());
	}
}

static void a_kernel_that_does_not_tell_all_is_not_relied_on(void **state)
{
	(void)state;
	kernel.tells_half = true;
	make_watched(FILLED);
	assert_false(written());
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(pages_that_were_written_are_told_and_no_others),
		TEST(a_long_row_is_told_whole),
		TEST(pages_without_an_entry_are_told),
		TEST(scattered_pages_take_few_system_calls),
		TEST(new_pages_are_looked_for_once),
		TEST(few_pages_are_not_watched),
		TEST(a_machine_that_is_not_watched_tells_nothing),
		TEST(a_process_that_has_died_tells_nothing),
		TEST(what_fails_tells_nothing),
		TEST(a_kernel_that_does_not_tell_all_is_not_relied_on),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
