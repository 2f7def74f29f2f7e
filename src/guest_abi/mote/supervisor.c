/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Builds the supervisor block and the hypercall page. Ring 0 runs two
 * instructions a visit at most: on nested hypervisors each is interpreted. So an
 * exception stub only rings the bell, and the host reads the vector from where the
 * stub stands and the rest from the frame that the processor pushed.
 *
 * Formats: Intel SDM volume 3A, sections 3.4.5 (descriptors), 6.14.1 (gates), 7.7
 * (TSS); AMD APM volume 2, sections 4.8 and 8.9.
 */
#include "guest_abi/mote/supervisor.h"

#include <string.h>

/* Selectors. `syscall` and `sysret` derive theirs from STAR, which fixes the order of
 * the descriptors: kernel code, kernel data; (32-bit code), user data, user code. */
enum {
	KERNEL_CODE = 0x08,
	KERNEL_DATA = 0x10,
	USER_CODE_32 = 0x18,
	USER_DATA = 0x20,
	USER_CODE = 0x28,
	TASK = 0x30, /* 16 bytes */
	GDT_SIZE = 0x40,
};

/* Descriptor types. Accessed and busy are set in advance: the table is read-only. */
enum { TYPE_DATA = 0x3, TYPE_CODE = 0xb, TYPE_BUSY_TSS = 0xb, TYPE_INTERRUPT_GATE = 0xe };

#define VECTORS 256

/* vdso.S */
extern const uint8_t vdso_image[], vdso_image_end[];

/* A 64-bit TSS and its map of permitted ports, which ends after the port of hypercalls.
 * All other ports are beyond the limit, and so denied. */
#define PORT_MAP_SIZE (MOTE_PORT_HYPERCALL / 8 + 1)
struct tss {
	uint32_t reserved0;
	uint32_t rsp0[2], rsp1[2], rsp2[2];
	uint32_t reserved1[2];
	uint32_t ist[7][2];
	uint32_t reserved2[2];
	uint16_t reserved3, port_map_offset;
	uint8_t port_map[PORT_MAP_SIZE];
	uint8_t port_map_end; /* the processor reads two bytes at a time: all ones */
};
_Static_assert(offsetof(struct tss, port_map) == 104, "the TSS's layout is the processor's");
/* Not the struct's size: padding behind it would permit ports. */
#define TSS_LIMIT offsetof(struct tss, port_map_end)
_Static_assert(MOTE_PORT_SYSCALL / 8 == MOTE_PORT_HYPERCALL / 8,
	       "the port map's last byte must deny the other ports");

static struct hv_segment segment(uint16_t selector, uint8_t type, uint8_t dpl, bool is_code)
{
	return (struct hv_segment){
		.selector = (uint16_t)(selector | dpl),
		.type = type,
		.dpl = dpl,
		.limit = UINT32_MAX,
		.present = true,
		.is_code_or_data = true,
		.is_long = is_code,
		.is_default_32 = !is_code,
		.is_granular = true,
	};
}

/* A code or data descriptor. The limit in it counts pages. */
static uint64_t descriptor(struct hv_segment s)
{
	return UINT64_C(0x000f00000000ffff) | (uint64_t)s.type << 40 | UINT64_C(1) << 44 |
	       (uint64_t)s.dpl << 45 | UINT64_C(1) << 47 | (uint64_t)s.is_long << 53 |
	       (uint64_t)s.is_default_32 << 54 | UINT64_C(1) << 55;
}

static struct hv_segment task_segment(void)
{
	return (struct hv_segment){
		.base = SUPERVISOR_BLOCK + SUPERVISOR_TSS_OFFSET,
		.limit = TSS_LIMIT,
		.selector = TASK,
		.type = TYPE_BUSY_TSS,
		.present = true,
	};
}

static void build_gdt(uint64_t *gdt)
{
	struct hv_segment task = task_segment();

	gdt[KERNEL_CODE / 8] = descriptor(segment(KERNEL_CODE, TYPE_CODE, 0, true));
	gdt[KERNEL_DATA / 8] = descriptor(segment(KERNEL_DATA, TYPE_DATA, 0, false));
	gdt[USER_CODE_32 / 8] = 0; /* there are no 32-bit guests */
	gdt[USER_DATA / 8] = descriptor(segment(USER_DATA, TYPE_DATA, 3, false));
	gdt[USER_CODE / 8] = descriptor(segment(USER_CODE, TYPE_CODE, 3, true));
	gdt[TASK / 8] = (task.limit & 0xffff) | (task.base & 0xffffff) << 16 |
			(uint64_t)task.type << 40 | UINT64_C(1) << 47 |
			(task.base >> 24 & 0xff) << 56;
	gdt[TASK / 8 + 1] = task.base >> 32;
}

static void build_idt(uint64_t *idt)
{
	for (unsigned vector = 0; vector < VECTORS; vector++) {
		uint64_t stub = SUPERVISOR_BLOCK + SUPERVISOR_STUBS_OFFSET +
				(uint64_t)vector * SUPERVISOR_STUB_SIZE;
		/* int3 is for debuggers: the one that ring 3 may raise. */
		uint64_t dpl = vector == 3 ? 3 : 0;
		/* Interrupt stack 1 for all: a hostile stack pointer is never used. */
		idt[2 * vector] = (stub & 0xffff) | (uint64_t)KERNEL_CODE << 16 |
				  UINT64_C(1) << 32 | (uint64_t)TYPE_INTERRUPT_GATE << 40 |
				  dpl << 45 | UINT64_C(1) << 47 | (stub >> 16 & 0xffff) << 48;
		idt[2 * vector + 1] = stub >> 32;
	}
}

static void build_tss(struct tss *tss)
{
	tss->rsp0[0] = tss->ist[0][0] = (uint32_t)SUPERVISOR_STACK_TOP;
	tss->port_map_offset = offsetof(struct tss, port_map);
	memset(tss->port_map, 0xff, sizeof tss->port_map);
	tss->port_map[MOTE_PORT_HYPERCALL / 8] &= (uint8_t) ~(1u << MOTE_PORT_HYPERCALL % 8);
	tss->port_map_end = 0xff;
}

static void build_stubs(uint8_t *stubs)
{
	static const uint8_t stub[] = {
		0xe6, MOTE_PORT_EXCEPTION, /* out %al, $port */
		0xf4,                      /* hlt: the host never lets it come here */
		0xeb, 0xfd,                /* jmp to the hlt */
	};
	_Static_assert(sizeof stub <= SUPERVISOR_STUB_SIZE, "stubs must not overlap");
	for (unsigned vector = 0; vector < VECTORS; vector++)
		memcpy(stubs + vector * SUPERVISOR_STUB_SIZE, stub, sizeof stub);
}

void supervisor_build(void *block)
{
	char *at = block;
	memset(block, 0, SUPERVISOR_BLOCK_SIZE);
	build_gdt((uint64_t *)(at + SUPERVISOR_GDT_OFFSET));
	build_idt((uint64_t *)(at + SUPERVISOR_IDT_OFFSET));
	build_tss((struct tss *)(at + SUPERVISOR_TSS_OFFSET));
	build_stubs((uint8_t *)(at + SUPERVISOR_STUBS_OFFSET));
}

/* `mov %eax, disp32` to the doorbell page, and `out %al, imm8`. */
#define STORE_EAX(address)                                                                         \
	0x89, 0x04, 0x25, (address)&0xff, (address) >> 8 & 0xff, (address) >> 16 & 0xff,           \
		(address) >> 24 & 0xff
#define OUT_AL(port) 0xe6, (port)

/* XSAVE's standard format (Intel SDM volume 1, section 13.4): an area that says that nothing is in
 * it resets every state component; only MXCSR is always read. */
enum { XSAVE_OFFSET = 0x800, XSAVE_SIZE = 576, XSAVE_MXCSR = 24 };
#define MXCSR_DEFAULT UINT32_C(0x1f80)

/*
 * The first instructions of each call: whatever ran before, nothing of it is left in a register.
 * The host cannot do this for less than the price of a call on some machines. Runs in ring 3, but
 * from a page that the guest cannot change, before any instruction of the guest's. fninit
 * is for the x87 instruction and operand pointers, which xrstor leaves alone on some processors.
 */
static void build_start(uint8_t *page)
{
	/* clang-format off */
	static const uint8_t code[] = {
		0xb8, 0xff, 0xff, 0xff, 0xff, /* mov $-1, %eax: all components */
		0xba, 0xff, 0xff, 0xff, 0xff, /* mov $-1, %edx */
		0x0f, 0xae, 0x2c, 0x25,       /* xrstor area */
		(MOTE_HYPERCALL_PAGE + XSAVE_OFFSET) & 0xff,
		(MOTE_HYPERCALL_PAGE + XSAVE_OFFSET) >> 8 & 0xff,
		(MOTE_HYPERCALL_PAGE + XSAVE_OFFSET) >> 16 & 0xff, 0,
		0xdb, 0xe3,                   /* fninit */
		0xb8, 0, 0, 0, 0,             /* mov $0, %eax: leaves the flags alone */
		0x8e, 0xd8,                   /* mov %eax, %ds: some nested hypervisors do */
		0x8e, 0xc0,                   /* mov %eax, %es: not put selectors back */
		0x8e, 0xe8,                   /* mov %eax, %gs */
		0xba, 0, 0, 0, 0,             /* mov $0, %edx */
		0x41, 0xff, 0xe3,             /* jmp *%r11 */
	};
	/* clang-format on */
	const uint32_t mxcsr = MXCSR_DEFAULT;

	memcpy(page + MOTE_START_ENTRY, code, sizeof code);
	memset(page + XSAVE_OFFSET, 0, XSAVE_SIZE);
	memcpy(page + XSAVE_OFFSET + XSAVE_MXCSR, &mxcsr, sizeof mxcsr);
}

_Static_assert(XSAVE_OFFSET + XSAVE_SIZE <= MOTE_VDSO, "the vDSO must not overlap the area");

void supervisor_build_hypercall_page(void *page, struct machine_ways ways)
{
	static const uint8_t hypercall_port[] = { OUT_AL(MOTE_PORT_HYPERCALL), 0xc3 /* ret */ };
	static const uint8_t hypercall_mmio[] = {
		STORE_EAX(MOTE_DOORBELL_PAGE + MOTE_DOORBELL_HYPERCALL), 0xc3 /* ret */
	};
	static const uint8_t syscall_ring0[] = { OUT_AL(MOTE_PORT_SYSCALL), 0x48, 0x0f,
						 0x07 /* sysretq */ };
	/* `syscall` left the return address in rcx and the flags in r11; no register is
	 * touched. The host continues at rcx itself. */
	static const uint8_t syscall_ring3[] = {
		STORE_EAX(MOTE_DOORBELL_PAGE + MOTE_DOORBELL_SYSCALL), 0xff, 0xe1 /* jmp *%rcx */
	};
	uint8_t *at = page;

	memset(page, 0xcc, MOTE_PAGE_SIZE); /* int3: nothing else here is to be run */
	build_start(page);
	memcpy(at + MOTE_VDSO, vdso_image, (size_t)(vdso_image_end - vdso_image));
	if (ways.hypercall != WAY_OUT_MMIO)
		memcpy(at + MOTE_HYPERCALL_ENTRY, hypercall_port, sizeof hypercall_port);
	else
		memcpy(at + MOTE_HYPERCALL_ENTRY, hypercall_mmio, sizeof hypercall_mmio);
	if (ways.syscall == SYSCALL_RING0)
		memcpy(at + MOTE_SYSCALL_ENTRY, syscall_ring0, sizeof syscall_ring0);
	else
		memcpy(at + MOTE_SYSCALL_ENTRY, syscall_ring3, sizeof syscall_ring3);
}

/* Control registers and EFER: Intel SDM volume 3A, section 2.5. */
#define CR0_PE         (UINT64_C(1) << 0)
#define CR0_MP         (UINT64_C(1) << 1)
#define CR0_ET         (UINT64_C(1) << 4)
#define CR0_NE         (UINT64_C(1) << 5)
#define CR0_WP         (UINT64_C(1) << 16)
#define CR0_AM         (UINT64_C(1) << 18)
#define CR0_PG         (UINT64_C(1) << 31)
#define CR4_PAE        (UINT64_C(1) << 5)
#define CR4_OSFXSR     (UINT64_C(1) << 9)
#define CR4_OSXMMEXCPT (UINT64_C(1) << 10)
#define CR4_OSXSAVE    (UINT64_C(1) << 18)
#define EFER_SCE       (UINT64_C(1) << 0)
#define EFER_LME       (UINT64_C(1) << 8)
#define EFER_LMA       (UINT64_C(1) << 10)
#define EFER_NXE       (UINT64_C(1) << 11)

/* What `syscall` clears: trap, interrupt, direction, I/O privilege, nested task, alignment. */
#define SYSCALL_MASK UINT64_C(0x47700)

uint64_t supervisor_rflags(struct machine_ways ways)
{
	const uint64_t always_set = 2, iopl_3 = UINT64_C(3) << 12;
	return always_set | (ways.hypercall == WAY_OUT_IOPL ? iopl_3 : 0);
}

struct hv_cpu_state supervisor_cpu_state(struct machine_ways ways, uint64_t cr3, uint64_t entry,
					 uint64_t rsp)
{
	return (struct hv_cpu_state){
		.regs = { .rip = entry, .rsp = rsp, .rflags = supervisor_rflags(ways) },
		.cr0 = CR0_PE | CR0_MP | CR0_ET | CR0_NE | CR0_WP | CR0_AM | CR0_PG,
		.cr3 = cr3,
		.cr4 = CR4_PAE | CR4_OSFXSR | CR4_OSXMMEXCPT | CR4_OSXSAVE,
		.efer = EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE,
		.code = segment(USER_CODE, TYPE_CODE, 3, true),
		.data = segment(USER_DATA, TYPE_DATA, 3, false),
		.task = task_segment(),
		.gdt_base = SUPERVISOR_BLOCK + SUPERVISOR_GDT_OFFSET,
		.gdt_limit = GDT_SIZE - 1,
		.idt_base = SUPERVISOR_BLOCK + SUPERVISOR_IDT_OFFSET,
		.idt_limit = VECTORS * 16 - 1,
		.star = (uint64_t)(USER_CODE_32 | 3) << 48 | (uint64_t)KERNEL_CODE << 32,
		.lstar = MOTE_HYPERCALL_PAGE + MOTE_SYSCALL_ENTRY,
		.syscall_mask = SYSCALL_MASK,
	};
}

bool exception_has_error_code(unsigned vector)
{
	/* #DF #TS #NP #SS #GP #PF #AC #CP #VC #SX */
	const uint32_t with = 1u << 8 | 1u << 10 | 1u << 11 | 1u << 12 | 1u << 13 | 1u << 14 |
			      1u << 17 | 1u << 21 | 1u << 29 | 1u << 30;
	return vector < 32 && (with >> vector & 1);
}

const char *way_out_name(enum way_out way)
{
	static const char *const names[] = {
		[WAY_OUT_PORT] = "out",
		[WAY_OUT_IOPL] = "out with IOPL 3",
		[WAY_OUT_MMIO] = "mmio store",
	};
	return names[way];
}

const char *syscall_ring_name(enum syscall_ring ring)
{
	return ring == SYSCALL_RING0 ? "ring 0" : "ring 3";
}
