/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>

#include "cli/arguments/command.h"
#include "cli/arguments/store_locate.h"
#include "cli/arguments/subcommand.h"
#include "cli/terminal/exit_status.h"
#include "cli/terminal/output.h"
#include "cli/text/operation_text.h"

/* The log of operations is of the store: without THREAD it is about all threads and tags. */

static unsigned long limit;

static const struct hd_option options[] = {
	{.long_name = "number",
		.short_name = 'n',
		.argument = "N",
		.help = "show at most N operations; 0 shows all",
		.number = &limit},
	{0},
};

struct op_printer {
	struct hd_index *index;
	json_t *operations; /* owned; NULL for text */
};

static int show_operation(const struct hd_operation *operation, void *payload)
{
	struct op_printer *printer = payload;

	if (!printer->operations) {
		hd_operation_print(printer->index, operation, stdout);
		return 0;
	}
	return json_array_append_new(printer->operations, hd_operation_json(operation)) < 0 ? -ENOMEM : 0;
}

static int run_op_log(const struct hd_invocation *invocation)
{
	const char *thread = invocation->n_arguments ? invocation->arguments[0] : NULL;
	HD_AUTO_LOCATION struct hd_location location = {0};
	struct op_printer printer = {0};
	int r;

	r = hd_locate(invocation, thread, &location);
	if (r < 0)
		return r;
	printer.index = location.store->index;
	printer.operations = invocation->json ? json_array() : NULL;
	r = hd_index_list_operations(location.store->index, thread, limit, show_operation, &printer);
	if (r >= 0 && invocation->json)
		r = hd_output_json(json_pack("{s:O}", "operations", printer.operations));
	json_decref(printer.operations);
	return r < 0 ? r : HD_EXIT_OK;
}

static const struct hd_subcommand verbs[] = {
	{.name = "log", .max_arguments = 1, .run = run_op_log},
	{0},
};

static int run_op(const struct hd_invocation *invocation)
{
	return hd_subcommand_run(verbs, invocation);
}

const struct hd_command hd_command_op = {
	.name = "op",
	.summary = "Show what moved threads and tags",
	.usage = "log [-n N] [THREAD]",
	.description =
		"Lists what commands did to threads and tags, newest first: captures, new, renamed and "
		"dropped threads, tags, and what was undone. With THREAD, only what was done to that one. "
		"Each operation says what was before and what is after; where a command put other content "
		"into the place of changes that were not captured, it names the state that keeps them.",
	.options = options,
	.min_arguments = 1,
	.max_arguments = 2,
	.run = run_op,
};
