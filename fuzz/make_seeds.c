/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes the seeds that formats of ours give: make_seeds FOLDER makes FOLDER/fuzz_NAME/made-...
 * with what the library's own writers make, so that seeds stay true to them. A test compares
 * them with those in corpus/.
 */
#include "fuzz/fake_folder.h"
#include "fuzz/fake_runtime.h"
#include "fuzz/fuzz.h"

#include "abi/wire.h"
#include "store/config.h"
#include "store/index.h"
#include "tests/hyperlight/hyper_elf.h"
#include "tests/kit/tiny_elf.h"

#include <errno.h>
#include <sys/stat.h>

static const char *folder;

static void write_seed(const char *target, const char *name, const void *bytes, size_t size)
{
	char path[4096];

	snprintf(path, sizeof path, "%s/%s", folder, target);
	CHECK(mkdir(path, 0777) == 0 || errno == EEXIST);
	snprintf(path, sizeof path, "%s/%s/made-%s", folder, target, name);
	FILE *file = fopen(path, "wb");
	CHECK(file && fwrite(bytes, 1, size, file) == size);
	CHECK(fclose(file) == 0);
}

/* The snapshot that fake_runtime_load() can load, but for what is another each time. */
static void make_config(void)
{
	const struct fake_runtime *fake_rt = fake_runtime();
	const struct digest digest = { "sha256:" };
	struct snapshot_parts parts, changed;
	struct text text;

	CHECK(mote_private_snapshot_open(&parts, fake_rt->snapshot, NULL) == MOTE_OK);
	changed = parts;
	changed.cpu_features = 1;
	memset(changed.mote.stack_guard, 0x5a, sizeof changed.mote.stack_guard);
	CHECK(config_write(&changed, &digest, fake_rt->host, &text, NULL) == MOTE_OK);
	write_seed("fuzz_config", "snapshot", text.bytes, text.size);
	text_free(&text, fake_rt->host);
	mote_private_snapshot_close(&parts, fake_rt->snapshot);
	CHECK(config_write(fake_hyperlight_parts(fake_rt), &digest, fake_rt->host, &text, NULL) ==
	      MOTE_OK);
	write_seed("fuzz_config", "hyperlight", text.bytes, text.size);
	text_free(&text, fake_rt->host);
}

/* Changes to parts of a guest of the hyperlight ABI: a number, a run, a register. */
static void make_changes(void)
{
	static const uint8_t none[] = { 0x20 };
	static const uint8_t some[] = { 0x20, 0, 7, 1, 1, 1, 1, 4, 1, 0, 2, 3, 0, 1 };

	write_seed("fuzz_snapshot", "hyperlight", none, sizeof none);
	write_seed("fuzz_snapshot", "hyperlight-changed", some, sizeof some);
}

/* An index of one manifest, and the manifest. */
static void make_index(void)
{
	static const char layout[] = "{\"imageLayoutVersion\":\"1.0.0\"}";
	struct manifest manifest = { .config.size = 900, .memory.size = 4096 };
	struct fake_folder files;
	struct index index;
	struct blob blob;
	char seed[4096];

	memcpy(manifest.config.digest.text, "sha256:", 8);
	memset(manifest.config.digest.text + 7, 'c', 64);
	manifest.memory.digest = manifest.config.digest;
	fake_folder_init(&files, (const uint8_t *)layout, sizeof layout);
	CHECK(manifest_add(&files.folder, &manifest, "guest", &blob, NULL) == MOTE_OK);
	fake_folder_replace_manifest(&files);
	CHECK(index_read(&index, &files.folder, true, NULL) == MOTE_OK);
	CHECK(index_set(&index, "latest", &blob, NULL) == MOTE_OK);
	CHECK(index_write(&index, &files.folder, NULL) == MOTE_OK);
	index_free(&index);
	const int size =
		snprintf(seed, sizeof seed, "%s%c%.*s%c%.*s%ctag", layout, 0,
			 (int)files.files[FAKE_WRITTEN].size, files.files[FAKE_WRITTEN].bytes, 0,
			 (int)files.files[FAKE_MANIFEST].size, files.files[FAKE_MANIFEST].bytes, 0);
	write_seed("fuzz_index", "folder", seed, (size_t)size + 1);
	write_seed("fuzz_index", "folder-tag-taken", seed, (size_t)size - 3);
	fake_folder_fini(&files);
}

static void make_elf(void)
{
	struct tiny_elf elf;

	tiny_elf_init(&elf);
	write_seed("fuzz_elf", "guest", &elf, sizeof elf);
	tiny_elf_init_pie(&elf);
	write_seed("fuzz_elf", "guest-pie", &elf, sizeof elf);
}

static void make_hyperlight(void)
{
	struct {
		uint8_t which;
		struct hyper_elf elf;
	} __attribute__((packed)) seed = { .which = 0 };
	struct hyper_elf elf;

	hyper_elf_init(&elf);
	memcpy(&seed.elf, &elf, sizeof elf);
	write_seed("fuzz_hyperlight", "image", &seed, sizeof seed);
}

static void make_wire(void)
{
	const struct wire_call call = {
		.name = "Call",
		.name_len = 4,
		.kind = WIRE_CALL_GUEST,
		.result = MOTE_BYTES,
		.nparams = 9,
		.params = { mote_i32(-1), mote_u32(2), mote_i64(-3), mote_u64(4), mote_f32(.5f),
			    mote_f64(.25), mote_bool(true), mote_str("text"), mote_bytes("b", 1) },
	};
	const struct wire_result result = { .value = mote_str("result") };
	const struct wire_result error = {
		.is_error = true, .code = 17, .message = "error", .message_len = 5
	};
	const struct wire_text text = { "text", 4 };
	const struct wire_log log = { text, text, text, text, WIRE_LEVEL_WARN, 7 };
	const struct wire_function function = { "F", 1, MOTE_VOID, 2, { MOTE_STRING, MOTE_I32 } };
	uint8_t bytes[1024];

	write_seed("fuzz_wire", "call", bytes, wire_call_write(bytes, sizeof bytes, &call));
	write_seed("fuzz_wire", "result", bytes, wire_result_write(bytes, sizeof bytes, &result));
	write_seed("fuzz_wire", "error", bytes, wire_result_write(bytes, sizeof bytes, &error));
	write_seed("fuzz_wire", "log", bytes, wire_log_write(bytes, sizeof bytes, &log));
	write_seed("fuzz_wire", "functions", bytes,
		   wire_functions_write(bytes, sizeof bytes, &function, 1));
}

/* What fuzz_debug reads: numbers of few bytes, and addresses by what they are in. */
struct seed {
	uint8_t bytes[256];
	size_t size;
};

static void put(struct seed *seed, uint64_t number, size_t size)
{
	memcpy(seed->bytes + seed->size, &number, size);
	seed->size += size;
}

static void put_code(struct seed *seed, uint64_t offset)
{
	put(seed, 0, 1);
	put(seed, offset, 2);
}

static void put_stack(struct seed *seed, uint64_t word)
{
	put(seed, 2, 1);
	put(seed, word, 2);
}

/* Two functions and main(), stopped in the innermost; HOW: whether there is a core file, and which
 * system call fails. */
static void make_debug(const char *name, uint8_t how, bool has_frame_pointers)
{
	static const char names[] = "\0crash\0caller\0main\0alias";
	static const struct {
		uint8_t name, kind, offset, size;
	} symbols[] = {
		{ 19, 0x02, 0x10, 0x10 }, /* another name, of one file, comes first */
		{ 1, 0x12, 0x10, 0x10 },
		{ 7, 0x12, 0x20, 5 }, /* its last instruction is the call */
		{ 14, 0x12, 0x30, 0x20 },
	};
	enum { NSYMBOLS = sizeof symbols / sizeof symbols[0] };
	struct seed seed = { .size = 0 };

	put(&seed, how, 1);
	put_code(&seed, 0x12);  /* rip */
	put_stack(&seed, 0x10); /* rsp */
	put_stack(&seed, has_frame_pointers ? 0x12 : 0x1ff);
	put_code(&seed, 0);      /* rcx */
	put_stack(&seed, 0x200); /* where the stack begins */
	put(&seed, 4, 1);        /* words: a frame pointer and a return address, twice */
	for (uint64_t i = 0; i < 2; i++) {
		put(&seed, 0x12 + 8 * i, 2);
		put_stack(&seed, 0x1a);
		put(&seed, 0x13 + 8 * i, 2);
		put_code(&seed, 0x25 + 0x20 * i);
	}
	put(&seed, 0, 1); /* no code but calls */
	put(&seed, 0, 1); /* not moved */
	put(&seed, NSYMBOLS, 1);
	for (size_t i = 0; i < NSYMBOLS; i++) {
		put(&seed, symbols[i].name, 1);
		put(&seed, symbols[i].kind, 1);
		put(&seed, 1, 1); /* it is defined */
		put_code(&seed, symbols[i].offset);
		put(&seed, symbols[i].size, 1);
	}
	put(&seed, 0, 1); /* no damage */
	memcpy(seed.bytes + seed.size, names, sizeof names);
	write_seed("fuzz_debug", name, seed.bytes, seed.size + sizeof names);
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: make_seeds FOLDER\n");
		return 2;
	}
	folder = argv[1];
	make_config();
	make_changes();
	make_debug("frames", 0, true);
	make_debug("guesses", 0, false);
	make_debug("core", 1, true);
	make_debug("core-fails", 1 + 3 * 32, true);
	make_index();
	make_elf();
	make_hyperlight();
	make_wire();
	return 0;
}
