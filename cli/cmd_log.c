/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>

#include "capture/state_log.h"
#include "capture/state_spec.h"
#include "capture/state_touch.h"
#include "cli/command.h"
#include "cli/exit_status.h"
#include "cli/output.h"
#include "cli/state_text.h"
#include "cli/store_locate.h"
#include "mount/control/control_json.h"
#include "overlay/platform/error.h"

/* The log needs no mount: states are in the store's index. It follows first parents, so that -n costs what it
 * shows. */

#define MOST_PATHS 100000

static unsigned long limit;
static bool one_line;

static const struct hd_option options[] = {
	{.long_name = "number",
		.short_name = 'n',
		.argument = "N",
		.help = "show at most N states; 0 shows all",
		.number = &limit},
	{.long_name = "oneline", .help = "show each state in one line", .flag = &one_line},
	{0},
};

struct log_printer {
	struct hd_store *store;    /* borrowed */
	struct hd_base_set *bases; /* owned; with paths */
	const char *const *paths;
	size_t n_paths;
	struct hd_thread_heads heads;
	json_t *states; /* owned; NULL for text */
	unsigned long shown;
};

static int show_state(const struct hd_state *state, void *payload)
{
	struct log_printer *printer = payload;
	bool touches = true;
	int r = 0;

	if (printer->n_paths > 0)
		r = hd_state_touches(
			printer->store, printer->bases, state, printer->paths, printer->n_paths, &touches);
	if (r < 0 || !touches)
		return r;
	if (printer->states) {
		if (json_array_append_new(printer->states, hd_control_state(state)) < 0)
			return -ENOMEM;
	} else if (one_line) {
		hd_state_print_line(state, &printer->heads, stdout);
	} else {
		if (printer->shown > 0)
			fputc('\n', stdout);
		hd_state_print(state, &printer->heads, stdout);
	}
	printer->shown++;
	return limit > 0 && printer->shown >= limit;
}

static int run_log(const struct hd_invocation *invocation)
{
	HD_AUTO_LOCATION struct hd_location location = {0};
	struct log_printer printer = {0};
	struct hd_state_id from;
	int r;

	if (invocation->n_before_dashes > 1)
		return hd_fail(HD_E_USAGE, "'log' takes one state; paths come after '--'");
	r = hd_locate(invocation, NULL, &location);
	if (r < 0)
		return r;
	printer.store = location.store;
	printer.paths = (const char *const *)invocation->arguments + invocation->n_before_dashes;
	printer.n_paths = invocation->n_arguments - invocation->n_before_dashes;
	r = hd_state_spec_resolve(location.store->index,
		invocation->n_before_dashes ? invocation->arguments[0] : "@", location.thread, &from);
	if (r >= 0 && printer.n_paths > 0)
		r = hd_base_set_new(location.store, 0, &printer.bases);
	if (r < 0)
		return r;
	r = hd_thread_heads_read(location.store->index, &printer.heads);
	if (r < 0) {
		hd_base_set_free(printer.bases);
		return r;
	}
	printer.states = invocation->json ? json_array() : NULL;
	r = hd_state_log_walk(location.store->index, &from, HD_STATE_LOG_FIRST_PARENT, show_state, &printer);
	if (r >= 0 && invocation->json)
		r = hd_output_json(json_pack("{s:O}", "states", printer.states));
	json_decref(printer.states);
	hd_thread_heads_clear(&printer.heads);
	hd_base_set_free(printer.bases);
	return r < 0 ? r : HD_EXIT_OK;
}

const struct hd_command hd_command_log = {
	.name = "log",
	.summary = "Show the states of a thread, newest first",
	.usage = "[-n N] [--oneline] [THREAD|STATE] [-- PATH...]",
	.description =
		"Shows the states from the head of THREAD, or from STATE, back to the base; with PATHs, "
		"which are relative to the root of the tree, those that changed something there or "
		"below.\n\n"
		"A state is named by 4 or more digits of its id, by a thread (its head), by @ (the "
		"head of the "
		"thread in use), and by any of these followed by ~N (the N-th state before it).",
	.options = options,
	.max_arguments = 1 + MOST_PATHS,
	.run = run_log,
};
