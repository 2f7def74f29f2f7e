/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What host checks say of machines that are not this one: each is a folder with the files that its
 * kernel would show. And that a runtime which requires some is made only where they are passed.
 */
#define _GNU_SOURCE
#include "hv/fake.h"
#include "kit/fail.h"
#include "kit/fail_sys.h"
#include "sandbox/host_check.h"
#include "sandbox/runtime.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* The machine: its files lie below ROOT. */
static char root[64];
static struct sys sys;
static struct host host;
static int opened;
static size_t piece; /* bytes that one read gives; 0: all */
static bool is_interrupted;

static int open_below_root(const char *path, int flags)
{
	char name[600];

	assert_true(flags & O_CLOEXEC);
	snprintf(name, sizeof name, "%s%s", root, path);
	int fd = open(name, flags);
	opened += fd >= 0;
	return fd;
}

static int close_counted(int fd)
{
	opened--;
	return close(fd);
}

static ssize_t read_in_pieces(int fd, void *to, size_t size)
{
	if (is_interrupted) {
		is_interrupted = false;
		errno = EINTR;
		return -1;
	}
	return read(fd, to, piece && piece < size ? piece : size);
}

static int make_machine(void **state)
{
	(void)state;
	snprintf(root, sizeof root, "/tmp/mote-test-host-XXXXXX");
	assert_non_null(mkdtemp(root));
	fake_reset();
	host_init(&host);
	sys = sys_linux;
	sys.open = open_below_root;
	sys.close = close_counted;
	sys.read = read_in_pieces;
	host.sys = &sys;
	opened = 0;
	piece = 0;
	is_interrupted = false;
	return 0;
}

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *where)
{
	(void)info;
	(void)kind;
	(void)where;
	return remove(path);
}

static int remove_machine(void **state)
{
	(void)state;
	assert_int_equal(opened, 0);
	return nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* Writes TEXT to the file PATH of the machine, with the folders that it needs. */
static void plant(const char *path, const char *text)
{
	char name[600];

	snprintf(name, sizeof name, "%s%s", root, path);
	for (char *slash = strchr(name + strlen(root) + 1, '/'); slash;
	     slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		mkdir(name, 0755);
		*slash = '/';
	}
	FILE *file = fopen(name, "w");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	fclose(file);
}

static const struct hv_backend *const both[] = { &fake_machine, &fake_process, NULL };
static struct host_view view = { .host = &host, .backends = both };

/* The check called NAME. */
static mote_host_check_info look(const char *name)
{
	mote_host_check_info info = { .size = sizeof info };

	for (size_t i = 0; host_check(&view, i, &info, NULL) == MOTE_OK; i++)
		if (strcmp(info.name, name) == 0)
			return info;
	fail_msg("there is no check %s", name);
	return info;
}

static void expect(const char *what, const char *name, mote_host_state state, const char *found,
		   const char *remedy)
{
	mote_host_check_info info = look(name);

	if (info.state != state || !strstr(info.found, found) ||
	    !strstr(info.remedy, remedy ? remedy : "") || (remedy == NULL) != (!info.remedy[0]))
		fail_msg("%s: %s: %s: %s; %s", what, name, mote_host_state_name(info.state),
			 info.found, info.remedy);
}

#define FLAWS   "/sys/devices/system/cpu/vulnerabilities/"
#define LIMITS  "/proc/self/limits"
#define HEADING "Filename\tType\tSize\tUsed\tPriority\n"
#define LIMITS_OF(files, processes, bytes)                                                         \
	"Limit                     Soft Limit           Hard Limit           Units     \n"         \
	"Max processes             " processes "                96365                processes \n" \
	"Max open files            " files "                20000                files     \n"     \
	"Max address space         " bytes "            unlimited            bytes     \n"

static const struct machine_row {
	const char *what;
	struct {
		const char *path, *text;
	} files[3];
	const char *check;
	mote_host_state state;
	const char *found, *remedy; /* parts; no remedy: none */
} machines[] = {
	{ "a physical machine",
	  { { "/proc/cpuinfo", "processor\t: 0\nflags\t\t: fpu vmx hypervisor_not\n\n" } },
	  "nested",
	  MOTE_HOST_OK,
	  "physical machine",
	  NULL },
	{ "a virtual machine",
	  { { "/proc/cpuinfo", "processor\t: 0\nflags\t\t: fpu vmx hypervisor lm\n\n" } },
	  "nested",
	  MOTE_HOST_WARN,
	  "guests are nested",
	  "physical machine" },
	{ "a virtual machine whose last flag says so",
	  { { "/proc/cpuinfo", "processor\t: 0\nflags\t\t: fpu hypervisor\nbugs\t\t:\n" } },
	  "nested",
	  MOTE_HOST_WARN,
	  "guests are nested",
	  "physical machine" },
	{ "a word behind the flags",
	  { { "/proc/cpuinfo", "processor\t: 0\nflags\t\t: fpu\nnotes\t\t: hypervisor \n" } },
	  "nested",
	  MOTE_HOST_OK,
	  "physical machine",
	  NULL },
	{ "no /proc", { { NULL, NULL } }, "nested", MOTE_HOST_UNKNOWN, "cannot be read", "mount" },
	{ "Intel's with EPT",
	  { { "/sys/module/kvm_intel/parameters/ept", "Y\n" } },
	  "paging",
	  MOTE_HOST_OK,
	  "EPT",
	  NULL },
	{ "Intel's without",
	  { { "/sys/module/kvm_intel/parameters/ept", "N\n" } },
	  "paging",
	  MOTE_HOST_WARN,
	  "without EPT",
	  "ept=1" },
	{ "AMD's with NPT",
	  { { "/sys/module/kvm_amd/parameters/npt", "1\n" } },
	  "paging",
	  MOTE_HOST_OK,
	  "NPT",
	  NULL },
	{ "AMD's without",
	  { { "/sys/module/kvm_amd/parameters/npt", "0\n" } },
	  "paging",
	  MOTE_HOST_WARN,
	  "without NPT",
	  "npt=1" },
	{ "a module that does not say",
	  { { "/sys/module/kvm/parameters/halt_poll_ns", "0\n" } },
	  "paging",
	  MOTE_HOST_UNKNOWN,
	  "neither",
	  "load kvm_intel" },
	{ "threads that share cores",
	  { { "/sys/devices/system/cpu/smt/active", "1\n" } },
	  "smt",
	  MOTE_HOST_WARN,
	  "share a core",
	  "smt/control" },
	{ "threads that are off",
	  { { "/sys/devices/system/cpu/smt/active", "0\n" } },
	  "smt",
	  MOTE_HOST_OK,
	  "no threads share a core",
	  NULL },
	{ "an old kernel", { { NULL, NULL } }, "smt", MOTE_HOST_UNKNOWN, "does not say", "nosmt" },
	{ "flaws that something is done about",
	  { { FLAWS "meltdown", "Mitigation: PTI\n" },
	    { FLAWS "mds", "Mitigation: Clear CPU buffers; SMT vulnerable\n" },
	    { FLAWS "srbds", "Not affected\n" } },
	  "mitigations",
	  MOTE_HOST_OK,
	  "none of 3 known flaws",
	  NULL },
	{ "an open flaw",
	  { { FLAWS "meltdown", "Vulnerable\n" },
	    { FLAWS "mds", "Mitigation: Clear CPU buffers; SMT Host state unknown\n" },
	    { FLAWS "gather_data_sampling", "Unknown: Dependent on hypervisor status\n" } },
	  "mitigations",
	  MOTE_HOST_FAIL,
	  "1 of 3 flaws: meltdown",
	  "microcode" },
	{ "a flaw that is open in part",
	  { { FLAWS "spectre_v2",
	      "Mitigation: Retpolines; IBPB: conditional; BHI: Vulnerable\n" } },
	  "mitigations",
	  MOTE_HOST_FAIL,
	  "1 of 1 flaws: spectre_v2",
	  "microcode" },
	{ "a flaw that is open for guests",
	  { { FLAWS "itlb_multihit", "KVM: Vulnerable\n" },
	    { FLAWS "l1tf", "Mitigation: PTE Inversion; VMX: vulnerable\n" } },
	  "mitigations",
	  MOTE_HOST_FAIL,
	  "2 of 2 flaws",
	  "microcode" },
	{ "a flaw that only the hypervisor below knows of",
	  { { FLAWS "mds", "Not affected\n" },
	    { FLAWS "gather_data_sampling", "Unknown: Dependent on hypervisor status\n" } },
	  "mitigations",
	  MOTE_HOST_UNKNOWN,
	  "1 of 2 flaws: gather_data_sampling",
	  "hypervisor below" },
	{ "a kernel that tells of none",
	  { { NULL, NULL } },
	  "mitigations",
	  MOTE_HOST_UNKNOWN,
	  "does not tell",
	  "Linux 4.15" },
	{ "pages that are merged",
	  { { "/sys/kernel/mm/ksm/run", "1\n" } },
	  "ksm",
	  MOTE_HOST_WARN,
	  "merges equal pages",
	  "ksm/run" },
	{ "pages that are not",
	  { { "/sys/kernel/mm/ksm/run", "0\n" } },
	  "ksm",
	  MOTE_HOST_OK,
	  "no pages",
	  NULL },
	{ "pages that were, and no more",
	  { { "/sys/kernel/mm/ksm/run", "2\n" } },
	  "ksm",
	  MOTE_HOST_OK,
	  "no pages",
	  NULL },
	{ "a kernel without",
	  { { "/sys/kernel/mm/hugepages", "" } },
	  "ksm",
	  MOTE_HOST_OK,
	  "the kernel merges no pages",
	  NULL },
	{ "no /sys", { { NULL, NULL } }, "ksm", MOTE_HOST_UNKNOWN, "cannot be read", "mount" },
	{ "a file that is empty",
	  { { "/sys/kernel/mm/ksm/run", "\n" } },
	  "ksm",
	  MOTE_HOST_UNKNOWN,
	  "cannot be read",
	  "mount" },
	{ "swap",
	  { { "/proc/swaps", HEADING "/dev/sda2  partition 8388604 0 -2\n" } },
	  "swap",
	  MOTE_HOST_WARN,
	  "go to disk",
	  "swapoff" },
	{ "no swap", { { "/proc/swaps", HEADING } }, "swap", MOTE_HOST_OK, "no swap", NULL },
	{ "a kernel without", { { LIMITS, "" } }, "swap", MOTE_HOST_OK, "there is no swap", NULL },
	{ "no /proc", { { NULL, NULL } }, "swap", MOTE_HOST_UNKNOWN, "cannot be read", "mount" },
	{ "core dumps",
	  { { LIMITS, "Max core file size        1                    unlimited bytes\n" } },
	  "core_dumps",
	  MOTE_HOST_WARN,
	  "memory of all its guests",
	  "ulimit -c 0" },
	{ "core dumps of any size",
	  { { LIMITS, "Max core file size        unlimited            unlimited bytes\n" } },
	  "core_dumps",
	  MOTE_HOST_WARN,
	  "memory of all its guests",
	  "LimitCORE=0" },
	{ "no core dumps",
	  { { LIMITS, "Max core file size        0                    unlimited bytes\n" } },
	  "core_dumps",
	  MOTE_HOST_OK,
	  "no core dump",
	  NULL },
	{ "no /proc",
	  { { NULL, NULL } },
	  "core_dumps",
	  MOTE_HOST_UNKNOWN,
	  "cannot be read",
	  "mount" },
	{ "memory that is counted when it is reserved",
	  { { "/proc/sys/vm/overcommit_memory", "2\n" } },
	  "overcommit",
	  MOTE_HOST_WARN,
	  "counts as used",
	  "vm.overcommit_memory=0" },
	{ "memory that is not",
	  { { "/proc/sys/vm/overcommit_memory", "1\n" } },
	  "overcommit",
	  MOTE_HOST_OK,
	  "touched",
	  NULL },
	{ "a file that is no number",
	  { { "/proc/sys/vm/overcommit_memory", "2x\n" } },
	  "overcommit",
	  MOTE_HOST_UNKNOWN,
	  "cannot be read",
	  "mount" },
	{ "Linux's own number of mappings",
	  { { "/proc/sys/vm/max_map_count", "65530\n" } },
	  "max_map_count",
	  MOTE_HOST_OK,
	  "65530 mappings a process: about 4095 sandboxes",
	  NULL },
	{ "fewer",
	  { { "/proc/sys/vm/max_map_count", "65529\n" } },
	  "max_map_count",
	  MOTE_HOST_WARN,
	  "65529 mappings",
	  "sysctl vm.max_map_count=1048576" },
	{ "no /proc",
	  { { NULL, NULL } },
	  "max_map_count",
	  MOTE_HOST_UNKNOWN,
	  "cannot be read",
	  "mount" },
	{ "limits that do",
	  { { LIMITS, LIMITS_OF("1024", "1024", "unlimited") } },
	  "limits",
	  MOTE_HOST_OK,
	  "1024 open files: about 170 sandboxes",
	  NULL },
	{ "few files",
	  { { LIMITS, LIMITS_OF("1023", "unlimited", "unlimited") } },
	  "limits",
	  MOTE_HOST_WARN,
	  "1023 open files: about 170 sandboxes",
	  "ulimit -n" },
	{ "few processes",
	  { { LIMITS, LIMITS_OF("unlimited", "1023", "unlimited") } },
	  "limits",
	  MOTE_HOST_WARN,
	  "1023 processes",
	  "ulimit -u" },
	{ "little address space",
	  { { LIMITS, LIMITS_OF("unlimited", "unlimited", "8589934592") } },
	  "limits",
	  MOTE_HOST_WARN,
	  "8589934592 bytes of address space",
	  "ulimit -v" },
	{ "limits with a row too few",
	  { { LIMITS, "Max open files            1024\nMax processes   unlimited\n" } },
	  "limits",
	  MOTE_HOST_UNKNOWN,
	  "cannot be read",
	  "mount" },
	{ "limits that make no sense",
	  { { LIMITS, LIMITS_OF("many", "unlimited", "unlimited") } },
	  "limits",
	  MOTE_HOST_UNKNOWN,
	  "cannot be read",
	  "mount" },
};

static void machines_are_told_apart(void **state)
{
	for (size_t i = 0; i < sizeof machines / sizeof machines[0]; i++) {
		const struct machine_row *row = &machines[i];
		remove_machine(state);
		make_machine(state);
		for (size_t file = 0; file < 3 && row->files[file].path; file++)
			plant(row->files[file].path, row->files[file].text);
		expect(row->what, row->check, row->state, row->found, row->remedy);
		piece = 3;
		is_interrupted = true;
		expect(row->what, row->check, row->state, row->found, row->remedy);
	}
}

static void the_device_is_for_its_group(void **state)
{
	(void)state;
	static const struct {
		mode_t mode;
		mote_host_state state;
		const char *found, *remedy;
	} rows[] = {
		{ 0660, MOTE_HOST_OK, "has mode 660", NULL },
		{ 0600, MOTE_HOST_OK, "has mode 600", NULL },
		{ 0666, MOTE_HOST_WARN, "every user of this machine may use /dev/kvm (mode 666)",
		  "MODE=\"0660\"" },
		{ 0664, MOTE_HOST_WARN, "(mode 664)", "udev" },
		{ 0662, MOTE_HOST_WARN, "(mode 662)", "udev" },
	};
	char name[128];

	expect("none", "kvm_device", MOTE_HOST_UNKNOWN, "there is no /dev/kvm", "modprobe");
	plant("/dev/kvm", "");
	snprintf(name, sizeof name, "%s/dev/kvm", root);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		assert_int_equal(chmod(name, rows[i].mode), 0);
		expect("a device", "kvm_device", rows[i].state, rows[i].found, rows[i].remedy);
	}
}

static void says_no(const struct host *of, struct hv_check *check)
{
	(void)of;
	*check = (struct hv_check){ .reason = "it is broken", .remedy = "mend it" };
}

static void says_no_without_remedy(const struct host *of, struct hv_check *check)
{
	(void)of;
	*check = (struct hv_check){ .reason = "it is strange" };
}

static void backends_are_checked_by_their_strength(void **state)
{
	(void)state;
	struct hv_backend broken = fake_machine, strange = fake_process;
	const struct hv_backend *const one_works[] = { &broken, &fake_machine, &strange, NULL };
	const struct hv_backend *const none_works[] = { &broken, &strange, NULL };
	const struct hv_backend *const none[] = { NULL };

	broken.check = says_no;
	strange.check = says_no_without_remedy;
	expect("both work", "kvm", MOTE_HOST_OK, "", NULL);
	expect("both work", "process", MOTE_HOST_OK, "", NULL);
	view.backends = one_works;
	expect("one works", "kvm", MOTE_HOST_OK, "", NULL);
	expect("none of two", "process", MOTE_HOST_FAIL, "it is strange", "process-backend.md");
	view.backends = none_works;
	expect("none works", "kvm", MOTE_HOST_FAIL, "it is broken", "mend it");
	view.backends = none;
	expect("none", "kvm", MOTE_HOST_FAIL, "built without it", "dmesg");
	view.backends = both;
}

/* 120 flaws whose names do not fit into a message, and a folder among them. */
static void many_flaws_are_counted(void **state)
{
	(void)state;
	char path[128];

	for (int i = 0; i < 120; i++) {
		snprintf(path, sizeof path, FLAWS "a_flaw_of_the_processor_number_%d", i);
		plant(path, i < 100 ? "Vulnerable: nothing helps\n" : "Not affected\n");
	}
	expect("many", "mitigations", MOTE_HOST_FAIL, "100 of 120 flaws: a_flaw_", "microcode");
}

/* A flaw that nothing is known of is not one that is mended. */
static void what_cannot_be_read_is_not_passed(void **state)
{
	(void)state;
	plant(FLAWS "meltdown", "Mitigation: PTI\n");
	plant(FLAWS "folder/file", "Not affected\n");
	expect("a folder", "mitigations", MOTE_HOST_UNKNOWN, "1 of 2 flaws: folder", "hypervisor");
	plant(FLAWS "empty", "");
	expect("an empty file", "mitigations", MOTE_HOST_UNKNOWN, "2 of 3 flaws", "hypervisor");
}

static int fail_below_root(const char *path, int flags)
{
	char name[600];

	snprintf(name, sizeof name, "%s%s", root, path);
	return fail_sys.open(name, flags);
}

static mote_status require_all(const struct host *failing, void *user, mote_error *error)
{
	struct sys redirected = fail_sys;
	struct host copy = *failing;
	const struct host_view there = { .host = &copy, .backends = both };
	(void)user;

	redirected.open = fail_below_root;
	copy.sys = &redirected;
	return host_require(&there,
			    "nested,paging,smt,mitigations,ksm,swap,core_dumps,overcommit,"
			    "max_map_count,limits",
			    error);
}

/* One system call after the other fails: no check is passed by that. */
static void a_host_that_fails_passes_nothing(void **state)
{
	(void)state;
	static const char *const benign[] = { NULL };

	plant("/proc/cpuinfo", "processor\t: 0\nflags\t\t: fpu\n\n");
	plant("/sys/module/kvm_intel/parameters/ept", "Y\n");
	plant("/sys/devices/system/cpu/smt/active", "0\n");
	plant(FLAWS "meltdown", "Mitigation: PTI\n");
	plant(FLAWS "mds", "Not affected\n");
	plant("/sys/kernel/mm/ksm/run", "0\n");
	plant("/proc/swaps", HEADING);
	plant("/proc/sys/vm/overcommit_memory", "0\n");
	plant("/proc/sys/vm/max_map_count", "65530\n");
	plant(LIMITS, LIMITS_OF("1024", "1024", "unlimited") "Max core file size 0 0 bytes\n");
	fail_each_operation(require_all, NULL, benign);
}

static mote_error err;

static mote_status make_runtime(const char *names)
{
	mote_runtime *rt = (mote_runtime *)&err; /* must become NULL, or a runtime */
	mote_status status = runtime_new(&rt, MOTE_OPTIONS(mote_runtime_options, .require = names),
					 &sys, both, &err);

	if (status)
		assert_null(rt);
	mote_runtime_free(rt);
	assert_int_equal(fake.nopen, 0);
	return status;
}

static void expect_refusal(const char *names, mote_status want, const char *text)
{
	mote_status status = make_runtime(names);

	if (status != want || err.code != want || !strstr(err.message, text))
		fail_msg("\"%s\": %s: %s", names, mote_status_name(status), err.message);
}

static void a_runtime_is_made_where_its_checks_are_passed(void **state)
{
	(void)state;
	plant("/sys/devices/system/cpu/smt/active", "0\n");
	plant(FLAWS "meltdown", "Mitigation: PTI\n");
	plant("/proc/cpuinfo", "processor\t: 0\nflags\t\t: fpu hypervisor\n\n");
	plant("/sys/kernel/mm/ksm/run", "0\n");
	assert_int_equal(make_runtime(NULL), MOTE_OK);
	assert_int_equal(make_runtime(""), MOTE_OK);
	assert_int_equal(make_runtime("smt"), MOTE_OK);
	assert_int_equal(make_runtime("smt,mitigations,ksm,kvm,smt"), MOTE_OK);

	/* a warning is not enough, nor is a kernel that does not say */
	expect_refusal("smt,nested", MOTE_E_HOST_CHECK,
		       "this machine does not pass \"nested\": this is a virtual machine");
	expect_refusal("nested", MOTE_E_HOST_CHECK, "use a physical machine");
	expect_refusal("paging,smt", MOTE_E_HOST_CHECK, "\"paging\": neither");
	plant(FLAWS "mds", "Vulnerable\n");
	expect_refusal("smt,mitigations", MOTE_E_HOST_CHECK, "1 of 2 flaws: mds; update");
	assert_int_equal(make_runtime("smt"), MOTE_OK);
}

static void checks_that_do_not_exist_are_refused_with_those_that_do(void **state)
{
	(void)state;
	static const char *const wrong[] = {
		"smtt",
		"sm",
		",",
		"smt,",
		",smt",
		"SMT",
		" smt",
		"smt ksm",
		"smt,,ksm",
		"nested,all",
		"a-name-that-is-much-longer-than-any-of-those-that-there-are-in-any-list-of-all",
	};

	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		expect_refusal(wrong[i], MOTE_E_INVALID,
			       "does not exist; there are kvm, kvm_device, ");
		expect_refusal(wrong[i], MOTE_E_INVALID, "max_map_count, limits");
	}
	expect_refusal("smtt", MOTE_E_INVALID, "host check \"smtt\" does not exist");
	/* whatever the machine would say to those before it */
	expect_refusal("paging,smtt", MOTE_E_INVALID, "\"smtt\"");
}

static void the_list_ends(void **state)
{
	(void)state;
	mote_host_check_info info = { .size = sizeof info };
	size_t count = 0;

	while (mote_host_check(count, &info, NULL) == MOTE_OK) {
		assert_true(info.name[0] && (info.found[0] || info.state == MOTE_HOST_OK));
		assert_int_equal(info.remedy[0] == '\0', info.state == MOTE_HOST_OK);
		count++;
	}
	assert_int_equal(count, 13);
	assert_int_equal(mote_host_check(SIZE_MAX, &info, &err), MOTE_E_INVALID);
	assert_non_null(strstr(err.message, "this library has 13"));
	assert_string_equal(mote_host_state_name(MOTE_HOST_OK), "ok");
	assert_string_equal(mote_host_state_name(MOTE_HOST_WARN), "warn");
	assert_string_equal(mote_host_state_name(MOTE_HOST_FAIL), "fail");
	assert_string_equal(mote_host_state_name(MOTE_HOST_UNKNOWN), "unknown");
	assert_string_equal(mote_host_state_name((mote_host_state)-1), "unknown");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_machine, remove_machine)
	const struct CMUnitTest tests[] = {
		TEST(machines_are_told_apart),
		TEST(the_device_is_for_its_group),
		TEST(backends_are_checked_by_their_strength),
		TEST(many_flaws_are_counted),
		TEST(what_cannot_be_read_is_not_passed),
		TEST(a_host_that_fails_passes_nothing),
		TEST(a_runtime_is_made_where_its_checks_are_passed),
		TEST(checks_that_do_not_exist_are_refused_with_those_that_do),
		TEST(the_list_ends),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
