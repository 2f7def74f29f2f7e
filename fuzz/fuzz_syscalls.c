/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Target functions: personality_syscall with all handlers behind it, and arena_*: memory calls do
 * what a list of pages says that they do, other calls with any pointers leave alone what the guest
 * may not write, and after each the guest's memory is its own.
 * Input: calls, a byte that says which, and numbers.
 */
#define _GNU_SOURCE
#include "fuzz/fuzz.h"

#include "guest_abi/exceptions.h"
#include "tests/guest_abi/mote/personality_box.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#define PAGE   MOTE_PAGE_SIZE
#define NPAGES 512
#define CALLS  64

/* Made once; brought back to the beginning for each input. */
static struct personality_box pb;
static uint64_t heap;
static uint8_t *heap_bytes; /* as the host has them */

/* What should be: whether each page of the heap is in use, and the number that its first bytes
 * hold, 0 in a fresh one. */
static struct {
	bool is_used[NPAGES];
	uint32_t mark[NPAGES];
	bool was_written[NPAGES]; /* the others are zero, and take a page fault to look at */
	uint64_t brk;             /* bytes */
	uint32_t last_mark;
	uint64_t printed, written; /* bytes of output */
} model;

/* Standard input. No number made of it is an address. */
static const char typed[] = "\xa5\xa5\xa5\xa5\xa5\xa5\xa5\xa5\xa5\xa5\xa5\xa5\xa5\xa5\xa5\xa5";

static void take_output(void *user, int stream, const void *text, size_t size)
{
	(void)user;
	CHECK((stream == 1 || stream == 2) && size > 0);
	model.printed += size;
	(void)text;
}

static void make(void)
{
	personality_box_init(&pb, NULL);
	pb.streams.output = take_output;
	const struct region *region = layout_get(guest_memory_layout(pb.box.memory), REGION_HEAP);
	heap = region->va;
	heap_bytes = at(&pb, heap);
	CHECK(region->size == NPAGES * PAGE);
}

static uint8_t *page_at(size_t page)
{
	return heap_bytes + page * PAGE;
}

/* What the guest itself writes to a page of its own: its first bytes and its last. */
static void guest_marks(size_t page)
{
	if (!model.is_used[page])
		return;
	model.mark[page] = ++model.last_mark;
	model.was_written[page] = true;
	memcpy(page_at(page), &model.mark[page], sizeof model.mark[page]);
	memcpy(page_at(page) + PAGE - 4, &model.mark[page], sizeof model.mark[page]);
}

static void check_page(size_t page)
{
	uint32_t first, last;

	if (!model.was_written[page])
		return;
	memcpy(&first, page_at(page), sizeof first);
	memcpy(&last, page_at(page) + PAGE - 4, sizeof last);
	CHECK(first == model.mark[page] && last == model.mark[page]);
}

/* Pages that are free are zero, and those in use have what was written there. */
static void check_heap(void)
{
	size_t nfree = 0;

	for (size_t i = 0; i < NPAGES; i++) {
		check_page(i);
		nfree += !model.is_used[i];
		CHECK((pb.arena.used[i / 64] >> i % 64 & 1) == model.is_used[i]);
	}
	CHECK(pb.arena.nfree == nfree && pb.arena.brk == model.brk);
}

static int64_t system_call(uint64_t number, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
	return CALL(&pb, number, a, b, c, d, UINT64_MAX, 0);
}

/* Pages FIRST to END - 1, all of the heap; false if a range is not. */
struct pages {
	size_t first, end;
};

static bool locate(uint64_t address, uint64_t size, struct pages *pages)
{
	if (address < heap || address - heap > NPAGES * PAGE ||
	    size > NPAGES * PAGE - (address - heap))
		return false;
	pages->first = (size_t)((address - heap) / PAGE);
	pages->end = pages->first + (size_t)((size + PAGE - 1) / PAGE);
	return true;
}

static size_t count_used(struct pages pages)
{
	size_t n = 0;

	for (size_t i = pages.first; i < pages.end; i++)
		n += model.is_used[i];
	return n;
}

static void set_used(struct pages pages, bool is_used)
{
	for (size_t i = pages.first; i < pages.end; i++) {
		model.is_used[i] = is_used;
		if (!is_used)
			model.mark[i] = 0;
	}
}

/* Whether COUNT free pages lie together anywhere. */
static bool has_room(size_t count)
{
	size_t run = 0;

	for (size_t i = 0; i < NPAGES; i++) {
		run = model.is_used[i] ? 0 : run + 1;
		if (run >= count)
			return true;
	}
	return false;
}

/* Addresses: pages of the heap, something near them, or anything. */
static uint64_t take_address(struct input *input)
{
	const uint64_t how = take(input, 1);

	if (how < 0xc0)
		return heap + take(input, 1) % 64 * (how & 0x80 ? 8 * PAGE : PAGE);
	if (how < 0xe0)
		return heap + take_number(input);
	return take_number(input);
}

static uint64_t take_size(struct input *input)
{
	const uint64_t how = take(input, 1);

	if (how < 0xc0)
		return (how & 31) * PAGE + (how & 0x40 ? 1 : 0);
	return take_number(input);
}

static void do_mmap(struct input *input)
{
	const uint64_t how = take(input, 1), address = take_address(input), size = take_size(input);
	const bool is_fixed = how & 3, keeps = how & 2;
	const uint64_t flags = MAP_PRIVATE | MAP_ANONYMOUS | (how & 1 ? MAP_FIXED : 0) |
			       (keeps ? MAP_FIXED_NOREPLACE : 0);
	struct pages pages = { 0, 0 };
	const bool is_in_heap = locate(address, size, &pages);
	const bool was_used = is_in_heap && count_used(pages) > 0;
	const int64_t result = system_call(SYS_mmap, address, size, PROT_READ | PROT_WRITE, flags);

	if (result < 0) {
		if (size == 0 || (is_fixed && address % PAGE))
			CHECK(result == -EINVAL);
		else if (is_fixed && is_in_heap)
			CHECK(keeps && was_used && result == -EEXIST);
		else if (!is_fixed)
			CHECK(result == -ENOMEM &&
			      (size > NPAGES * PAGE || !has_room((size + PAGE - 1) / PAGE)));
		else
			CHECK(result == -ENOMEM);
		return;
	}
	CHECK(size > 0 && (uint64_t)result % PAGE == 0);
	CHECK(!is_fixed || ((uint64_t)result == address && !(keeps && was_used)));
	CHECK(locate((uint64_t)result, size, &pages));
	CHECK(is_fixed || count_used(pages) == 0);
	set_used(pages, false);
	set_used(pages, true);
	for (size_t i = pages.first; i < pages.end; i++)
		check_page(i);
}

static void do_munmap(struct input *input)
{
	const uint64_t address = take_address(input), size = take_size(input);
	const int64_t result = system_call(SYS_munmap, address, size, 0, 0);
	struct pages pages;

	if (size > 0 && address % PAGE == 0 && locate(address, size, &pages)) {
		CHECK(result == 0);
		set_used(pages, false);
	} else {
		CHECK(result == -EINVAL);
	}
}

static void do_brk(struct input *input)
{
	const uint64_t wanted = take_address(input) + take(input, 1);
	const uint64_t old = (model.brk + PAGE - 1) / PAGE;
	const uint64_t result = (uint64_t)system_call(SYS_brk, wanted, 0, 0, 0);
	struct pages pages;

	if (wanted >= heap && locate(heap, wanted - heap, &pages) &&
	    (pages.end <= old || count_used((struct pages){ old, pages.end }) == 0)) {
		CHECK(result == wanted);
		if (pages.end > old)
			set_used((struct pages){ old, pages.end }, true);
		else
			set_used((struct pages){ pages.end, old }, false);
		model.brk = wanted - heap;
	} else {
		CHECK(result == heap + model.brk);
	}
}

/* The pages' contents go with them. */
static void move_model(struct pages from, struct pages to)
{
	uint32_t marks[NPAGES] = { 0 };
	const size_t count = from.end - from.first;

	for (size_t i = 0; i < count; i++)
		marks[i] = model.mark[from.first + i];
	set_used(from, false);
	set_used(to, true);
	for (size_t i = to.first; i < to.end; i++) {
		model.mark[i] = i - to.first < count ? marks[i - to.first] : 0;
		model.was_written[i] = true;
	}
}

static void do_mremap(struct input *input)
{
	const uint64_t flags = take(input, 1) & 1 ? MREMAP_MAYMOVE : 0;
	const uint64_t address = take_address(input);
	const uint64_t size = take_size(input), wanted = take_size(input);
	struct pages old, new;
	const bool is_mine = locate(address, size, &old) && count_used(old) == old.end - old.first;
	const int64_t result = system_call(SYS_mremap, address, size, wanted, flags);

	if (size == 0 || wanted == 0 || address % PAGE) {
		CHECK(result == -EINVAL);
		return;
	}
	if (!is_mine) {
		CHECK(result == -EFAULT);
		return;
	}
	if (result < 0) {
		CHECK(result == -ENOMEM && wanted > size);
		return;
	}
	CHECK(locate((uint64_t)result, wanted, &new));
	if ((uint64_t)result != address) {
		CHECK(flags && count_used(new) == 0);
		move_model(old, new);
		return;
	}
	if (new.end > old.end) {
		CHECK(count_used((struct pages){ old.end, new.end }) == 0);
		set_used((struct pages){ old.end, new.end }, true);
	} else {
		set_used((struct pages){ new.end, old.end }, false);
	}
}

static void do_madvise(struct input *input)
{
	const uint64_t address = take_address(input), size = take_size(input);
	const int64_t result = system_call(SYS_madvise, address, size, MADV_DONTNEED, 0);
	struct pages pages = { 0, 0 };

	if (result == 0) {
		CHECK(address % PAGE == 0 && locate(address, size, &pages));
		CHECK(count_used(pages) == pages.end - pages.first);
		for (size_t i = pages.first; i < pages.end; i++)
			model.mark[i] = 0;
	} else {
		CHECK(result == -EINVAL || result == -ENOMEM);
	}
}

/* Anything but an address in the heap, which calls would write to behind the model's back. */
static uint64_t outside(uint64_t number)
{
	return number - heap < NPAGES * PAGE ? number + NPAGES * PAGE : number;
}

/* Registers have addresses of the heap from calls for memory. In the frame of a signal they would
 * be in the guest's memory, where other calls look for pointers. */
static void forget_registers(void)
{
	pb.box.vm->regs = (struct hv_regs){ 0 };
}

/* Pointers of a guest that means harm: to all it has but the heap, and to nothing. */
static uint64_t take_pointer(struct input *input)
{
	static const uint64_t places[] = {
		BOX_CODE,
		BOX_CONSTANT,
		BOX_DATA,
		LAST_PAGE,
		BOX_DATA_END,
		BOX_NOWHERE,
		MOTE_HYPERCALL_PAGE,
		MOTE_START_BLOCK,
		MOTE_DOORBELL_PAGE,
		MOTE_SUPERVISOR_BASE,
		MOTE_ADDRESS_END,
		0,
	};
	const uint64_t how = take(input, 1);
	const uint64_t pointer = how & 0x80 ? take_number(input)
					    : places[how % (sizeof places / sizeof places[0])] +
						      (uint64_t)(int64_t)(int8_t)take(input, 1);

	return outside(pointer);
}

/* Whether the call is for the arena, whose model knows it only from the functions above. */
static bool is_memory_call(uint64_t number)
{
	return number == SYS_brk || number == SYS_mmap || number == SYS_munmap ||
	       number == SYS_mremap || number == SYS_madvise;
}

static void do_other(struct input *input)
{
	uint64_t args[6], number = take(input, 1);

	if (number >= 0xfc)
		number = take_number(input);
	else if (number >= 0xe0)
		number += 0x100 - 0x40; /* newfstatat, prlimit64, getrandom, rseq */
	if (is_memory_call(number))
		return;
	for (int i = 0; i < 4; i++)
		args[i] = take(input, 1) & 1 ? take_pointer(input) : outside(take_number(input));
	forget_registers();
	pb.box.vm->regs.rsp = take_pointer(input); /* for frames of signals, both ways */
	const uint64_t before = model.printed, unread = pb.streams.input.size;
	const int64_t result = call_number(&pb, number, args);

	if (pb.p.state != PROGRAM_RUNNING) {
		if (pb.p.state == PROGRAM_EXITED)
			CHECK(pb.p.exit_status >= 0 && pb.p.exit_status < 256);
		if (pb.p.state == PROGRAM_SIGNALED)
			CHECK(pb.p.end_signal > 0 && pb.p.end_signal < 65);
		personality_reset(&pb.p, &(struct signals){ 0 });
		return;
	}
	/* files are written and read, too */
	if (number == SYS_write || number == SYS_writev)
		CHECK(model.printed == before || model.printed - before == (uint64_t)result);
	else
		CHECK(model.printed == before);
	CHECK(pb.streams.input.bytes + pb.streams.input.size == typed + sizeof typed);
	CHECK(unread == pb.streams.input.size ||
	      ((number == SYS_read || number == SYS_readv) &&
	       unread - pb.streams.input.size == (uint64_t)result));
	if (number >= PERSONALITY_SYSCALL_END)
		CHECK(result == -ENOSYS);
	/* an error number of Linux, or a small number: no call gives addresses */
	CHECK(result >= -133 || number == SYS_time || number == SYS_rt_sigreturn);
	CHECK(pb.box.vm->fs_base < MOTE_ADDRESS_END);
}

/* What only the host may write to is what it was: nothing in code and constants. */
static void check_sealed(void)
{
	static const uint8_t nothing[PAGE];

	CHECK(memcmp(at(&pb, BOX_CODE), nothing, PAGE) == 0);
	CHECK(memcmp(at(&pb, BOX_CONSTANT), nothing, PAGE) == 0);
}

/* All is given back at once, and then the heap is as it was in the beginning. */
static void give_all_back(void)
{
	CHECK(system_call(SYS_munmap, heap, NPAGES * PAGE, 0, 0) == 0);
	CHECK((uint64_t)system_call(SYS_brk, heap, 0, 0, 0) == heap);
	CHECK(pb.arena.nfree == NPAGES && pb.arena.brk == 0);
	memset(at(&pb, BOX_DATA), 0, 2 * PAGE);
	pb.box.vm->fs_base = 0;
	memset(pb.p.refused, 0, sizeof pb.p.refused);
	personality_reset(&pb.p, &(struct signals){ 0 });
}

/* A fault of the guest's: in a handler, or the end; the registers are such that a processor takes
 * them. */
static void do_fault(struct input *input)
{
	struct hv_regs *regs = &pb.box.vm->regs;
	struct hv_exit event = { .kind = HV_EXIT_EXCEPTION };

	event.u.exception.vector = (uint8_t)take(input, 1);
	event.u.exception.error_code = (uint32_t)take(input, 1);
	event.u.exception.address = take_pointer(input);
	forget_registers();
	regs->rsp = take_pointer(input);
	regs->rip = event.u.exception.rip = BOX_CODE;
	const struct hv_regs before = *regs;
	const uint64_t blocked = pb.p.signals.mask;
	if (!signals_fault(&pb.p, &event)) {
		CHECK(memcmp(regs, &before, sizeof before) == 0 && pb.p.signals.mask == blocked);
		return;
	}
	CHECK(regs->rdi == (uint64_t)exception_meaning(event.u.exception.vector).signal);
	CHECK(regs->rip < MOTE_ADDRESS_END && (regs->rflags & ~UINT64_C(0x40cd5)) == 2);
	CHECK(regs->rsp % 16 == 8 && regs->rsp < MOTE_ADDRESS_END);
}

/* A handler for some signal, now and then at an address that cannot be. */
static void do_handle(struct input *input)
{
	const uint64_t handler = take_pointer(input);
	const uint64_t flags = outside(take_number(input)), mask = outside(take_number(input));
	const struct signal_action action = { handler, flags, BOX_CODE, mask };
	const uint64_t signal = take(input, 1) % 66;

	memcpy(at(&pb, BOX_DATA), &action, sizeof action);
	const int64_t result = system_call(SYS_rt_sigaction, signal, BOX_DATA, 0, 8);
	CHECK(result == 0 || result == -EINVAL);
	CHECK(result < 0 || handler < MOTE_ADDRESS_END);
	CHECK(signals_are_sound(&pb.p.signals));
}

static void do_call(struct input *input)
{
	switch (take(input, 1) % 16) {
	case 0:
		do_mmap(input);
		break;
	case 1:
		do_munmap(input);
		break;
	case 2:
		do_brk(input);
		break;
	case 3:
		do_mremap(input);
		break;
	case 4:
		do_madvise(input);
		break;
	case 5:
		guest_marks((size_t)take(input, 2) % NPAGES);
		break;
	case 6:
		do_fault(input);
		break;
	case 7:
		do_handle(input);
		break;
	default:
		do_other(input);
		break;
	}
}

/* A folder in memory at "/", anew for each input. */
static void give_folder(void)
{
	static const mote_directory given = {
		.guest = "/",
		.flags = MOTE_DIR_PRIVATE,
		.max_bytes = 65536,
	};
	static const struct files_plan plan = { &given, 1, 8 };

	files_fini(&pb.p.files);
	CHECK(files_init(&pb.p.files, &pb.box.host, &pb.streams, &plan, NULL) == MOTE_OK);
}

/* It has taken no more than it may, and gives all back. */
static void check_folder(void)
{
	struct file_tree *tree = &pb.p.files.mounts[0].tree;

	CHECK(tree->used <= tree->limit);
	for (uint64_t fd = 0; fd < pb.p.files.capacity; fd++)
		files_close(&pb.p.files, fd);
	file_tree_clear(tree);
	CHECK(tree->used == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = { data, size };

	if (!pb.p.host)
		make();
	memset(&model, 0, sizeof model);
	account_begin(&pb.account); /* each input may print as much as a run */
	give_folder();
	pb.streams.input.bytes = typed;
	pb.streams.input.size = sizeof typed;
	for (int i = 0; i < CALLS && input.left > 0; i++)
		do_call(&input);
	check_heap();
	check_sealed();
	check_folder();
	give_all_back();
	return 0;
}
