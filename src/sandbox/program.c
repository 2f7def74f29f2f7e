/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An image as a program: from its entry point to its exit in a machine of its own.
 */
#include "base/options.h"
#include "sandbox/receipt.h"
#include "sandbox/sandbox.h"

static mote_status run(mote_sandbox *sb, const struct time_limits *limits, int *exit_status,
		       mote_error *err)
{
	enum run_end end;
	mote_status status = sandbox_run(sb, limits, &end, err);
	if (status) {
		error_prefix(err, "%s: ", sb->image->name);
		return status;
	}
	if (end != RUN_EXIT)
		return error_set(err, MOTE_E_GUEST_PROTOCOL,
				 "%s: offered to take calls, which nobody asked for",
				 sb->image->name);
	*exit_status = sb->exit_status;
	return MOTE_OK;
}

static mote_status check_strings(const char *what, const char *count_name, const char *const *list,
				 size_t count, mote_error *err)
{
	if (count > MOTE_MAX_ARGUMENTS)
		return error_set(err, MOTE_E_INVALID, "%s is %zu; it may be at most %d", count_name,
				 count, MOTE_MAX_ARGUMENTS);
	if (count && !list)
		return error_set(err, MOTE_E_INVALID, "%s: NULL with a count of %zu", what, count);
	for (size_t i = 0; i < count; i++)
		if (!list[i])
			return error_set(err, MOTE_E_INVALID, "%s[%zu] is NULL", what, i);
	return MOTE_OK;
}

/* A copy of GIVEN that can be acted on. */
static mote_status check_options(mote_program_options *options, const mote_program_options *given,
				 mote_error *err)
{
	mote_status status =
		options_copy(options, sizeof *options, given, "mote_program_options", err);
	if (!status && options->receipt)
		status = options_fill(options->receipt, &(mote_receipt){ 0 }, sizeof(mote_receipt),
				      "mote_receipt", err);
	if (!status)
		status = check_strings("argv", "argc", options->argv, options->argc, err);
	if (!status)
		status = check_strings("envp", "envc", options->envp, options->envc, err);
	if (!status && options->input_size && !options->input)
		status = error_set(err, MOTE_E_INVALID, "input: NULL with a size of %zu",
				   options->input_size);
	if (!status && options->pipes & ~(1U << 1 | 1U << 2))
		status = error_set(err, MOTE_E_INVALID,
				   "pipes is 0x%x; there are bits 1 and 2, for the two outputs",
				   options->pipes);
	return status;
}

/* Tells what the program asked for in vain. */
static void report_refused(const mote_sandbox *sb, const mote_program_options *options)
{
	const struct guest_refused refused = {
		.call = options->refused,
		.call_user = options->refused_user,
		.path = options->refused_path,
		.path_user = options->refused_path_user,
	};

	if (sb->guest->abi->visit_refused)
		sb->guest->abi->visit_refused(sb->guest, &refused);
}

mote_status mote_image_run(mote_image *image, const mote_program_options *given, int *exit_status,
			   mote_error *err)
{
	mote_program_options options;
	struct receipt_start start;
	mote_sandbox *sb;

	*exit_status = 0;
	mote_status status = check_options(&options, given, err);
	if (!status)
		status = runtime_check_fork(image_runtime(image), err);
	if (!status && !image_abi(image)->runs_programs)
		status = error_set(
			err, MOTE_E_ABI_MISMATCH,
			"%s: is a guest of the %s ABI, which takes calls; it is no program",
			image->name, image_abi(image)->name);
	if (status)
		return status;
	const struct sandbox_plan plan = {
		.guest = {
			.start = {
				.image = image,
				.heap_size = options.heap_size,
				.stack_size = options.stack_size ? options.stack_size
						 : MOTE_DEFAULT_PROGRAM_STACK_SIZE,
				.argc = options.argc,
				.argv = options.argv,
				.envc = options.envc,
				.envp = options.envp,
			},
			.files = { .directories = options.directories,
				   .ndirectories = options.ndirectories,
				   .max_open_files = options.max_open_files },
		},
		.input = options.input,
		.input_size = options.input_size,
		.pipes = options.pipes,
		.output = options.output,
		.output_user = options.output_user,
		.account_limits = account_limits_of(options.max_exits, 0, options.max_output_bytes,
						    options.max_log_lines, options.max_log_bytes),
		.crashed = options.crashed,
		.crashed_user = options.crashed_user,
		.time = { .timeout_ns = options.timeout_ns,
			  .cpu_ns = options.cpu_ns,
			  .timeout_name = "timeout_ns" },
	};
	status = sandbox_make(&sb, image, &plan, NULL, err);
	if (status)
		return status;
	if (options.receipt)
		start = receipt_begin(sb);
	status = run(sb, &plan.time, exit_status, err);
	if (options.receipt)
		receipt_end(sb, &start, status, options.receipt);
	report_refused(sb, &options);
	mote_sandbox_free(sb);
	return status;
}
