/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Target functions: config_read, config_read_summary, config_write, and by them tree_parse and all
 * of tree.h: any text is refused with a reason or gives parts that, written and read again, are
 * the same. What was read then goes the way of a snapshot that is loaded, until it is refused.
 * Input: the text.
 */
#include "store/config.h"

#include "fuzz/fake_runtime.h"
#include "fuzz/fuzz.h"

/* No NUL behind TEXT but the one that config_read() is promised: a sanitizer sees a byte more. */
static struct text copy_text(const struct host *host, const void *bytes, size_t size)
{
	struct text text = { host_alloc(host, size + 1), size };

	CHECK(text.bytes);
	if (size > 0)
		memcpy(text.bytes, bytes, size);
	return text;
}

static void check_refusal(const struct config *config, mote_status status, const mote_error *err)
{
	CHECK(status == MOTE_E_SNAPSHOT && err->code == status);
	CHECK(err->message[0] && is_printable(err->message, sizeof err->message));
	CHECK(!config->tree && !config->parts.segments && !config->parts.used);
}

/* Lists show what the snapshot says. */
static void check_summary(const struct host *host, const struct text *text,
			  const struct snapshot_parts *parts)
{
	struct config summary;

	CHECK(config_read_summary(&summary, host, text, NULL) == MOTE_OK);
	CHECK(strcmp(summary.parts.name, parts->name) == 0);
	CHECK(summary.parts.memory_size == parts->memory_size);
	config_free(&summary);
}

/* What is written of PARTS says all that they say. */
static void check_round_trip(const struct host *host, const struct snapshot_parts *parts)
{
	static const struct digest digest = { "sha256:0123456789abcdef0123456789abcdef"
					      "0123456789abcdef0123456789abcdef" };
	struct text written, again;
	struct config config;

	CHECK(config_write(parts, &digest, host, &written, NULL) == MOTE_OK);
	CHECK(config_read(&config, host, &written, NULL) == MOTE_OK);
	CHECK(config_write(&config.parts, &digest, host, &again, NULL) == MOTE_OK);
	CHECK(written.size == again.size && memcmp(written.bytes, again.bytes, again.size) == 0);
	check_summary(host, &written, parts);
	config_free(&config);
	text_free(&written, host);
	text_free(&again, host);
}

/* Counts and pointers belong together, as snapshot_parts.h asks. */
static void check_parts(const struct snapshot_parts *parts)
{
	CHECK(!parts->nsegments == !parts->segments && !parts->nexports == !parts->exports);
	CHECK(!parts->nimports == !parts->imports && !parts->nused == !parts->used);
	CHECK(!parts->nhost_functions == !parts->host_functions && !parts->nruns == !parts->runs);
	CHECK(parts->nruns <= SNAPSHOT_RUNS_MAX && parts->nused <= SNAPSHOT_RANGES_MAX);
	for (size_t i = 0; i < parts->nexports; i++)
		CHECK(parts->exports[i].nparams <= MOTE_MAX_PARAMS && parts->exports[i].name);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct fake_runtime *fake_rt = fake_runtime();
	const struct host *host = fake_rt->host;
	struct text text = copy_text(host, data, size);
	mote_error err = { .code = MOTE_OK };
	struct config config;
	mote_status status = config_read_summary(&config, host, &text, &err);

	if (status)
		check_refusal(&config, status, &err);
	else
		config_free(&config);

	err = (mote_error){ .code = MOTE_OK };
	status = config_read(&config, host, &text, &err);
	if (status) {
		check_refusal(&config, status, &err);
	} else {
		check_parts(&config.parts);
		check_summary(host, &text, &config.parts);
		check_round_trip(host, &config.parts);
		fake_runtime_load(fake_rt, &config.parts, true);
		config_free(&config);
	}
	text_free(&text, host);
	return 0;
}
