/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capture/compare/state_touch.h"
#include "capture/git/import/worktree_commits.h"
#include "capture/history/state_history.h"
#include "capture/history/state_log.h"
#include "capture/history/state_spec.h"
#include "cli/arguments/command.h"
#include "cli/arguments/store_locate.h"
#include "cli/arguments/tree_paths.h"
#include "cli/steps/take_commits.h"
#include "cli/terminal/exit_status.h"
#include "cli/terminal/output.h"
#include "cli/text/actor_text.h"
#include "cli/text/log_graph.h"
#include "cli/text/state_text.h"
#include "mount/control/control_json.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"

/*
 * The log needs no mount: states are in the store's index. It follows first parents, so that -n costs what it
 * shows; with --graph or --all it reads the whole history first.
 */

#define MOST_PATHS 100000

static unsigned long limit;
static bool one_line, as_graph, of_all, by_actor;

static const struct hd_option options[] = {
	{.long_name = "number",
		.short_name = 'n',
		.argument = "N",
		.help = "show at most N states; 0 shows all",
		.number = &limit},
	{.long_name = "oneline", .help = "show each state in one line", .flag = &one_line},
	{.long_name = "graph",
		.help = "follow all parents, and draw the lines of work beside the states",
		.flag = &as_graph},
	{.long_name = "by-actor",
		.help = "say which processes changed what, where a mount recorded it (--record)",
		.flag = &by_actor},
	{.long_name = "all", .help = "begin at all threads and tags", .flag = &of_all},
	{0},
};

struct log_printer {
	struct hd_store *store;    /* borrowed */
	struct hd_base_set *bases; /* owned; with paths */
	const char *const *paths;
	size_t n_paths;
	struct hd_thread_heads heads; /* owned */
	json_t *states;               /* owned; NULL for text */
	json_t *commits;              /* owned; NULL for text */
	struct hd_log_graph graph;    /* owned */
	unsigned long shown;
	const char *busy; /* what git is in the middle of, or NULL */
};

static void printer_clear(struct log_printer *printer)
{
	json_decref(printer->states);
	json_decref(printer->commits);
	hd_log_graph_clear(&printer->graph);
	hd_thread_heads_clear(&printer->heads);
	hd_base_set_free(printer->bases);
}

static bool is_full(const struct log_printer *printer)
{
	return limit > 0 && printer->shown >= limit;
}

/* Whether STATE is one of those that were asked for. */
static int is_wanted(const struct hd_state *state, void *payload)
{
	const struct log_printer *printer = payload;
	bool touches = true;
	int r = 0;

	if (printer->n_paths > 0)
		r = hd_state_touches(
			printer->store, printer->bases, state, printer->paths, printer->n_paths, &touches);
	return r < 0 ? r : touches;
}

static int print_state(const struct log_printer *printer, const struct hd_state *state, FILE *stream)
{
	if (one_line)
		hd_state_print_line(state, &printer->heads, stream);
	else
		hd_state_print(state, &printer->heads, stream);
	return by_actor ? hd_actors_print(printer->store, state, stream) : 0;
}

static int append_state(const struct log_printer *printer, const struct hd_state *state)
{
	json_t *object = hd_control_state(state);
	int r = object && by_actor ? hd_actors_json(printer->store, state, object) : 0;

	if (r < 0) {
		json_decref(object);
		return r;
	}
	return json_array_append_new(printer->states, object) < 0 ? -ENOMEM : 0;
}

static int show_state(const struct hd_state *state, void *payload)
{
	struct log_printer *printer = payload;
	int r = is_wanted(state, printer);

	if (r <= 0)
		return r;
	if (!printer->states && !one_line && printer->shown > 0)
		fputc('\n', stdout);
	r = printer->states ? append_state(printer, state) : print_state(printer, state, stdout);
	printer->shown++;
	return r < 0 ? r : is_full(printer);
}

/* ---- commits that are no states yet ---- */

static int append_commit(const struct log_printer *printer, const struct hd_state *commit)
{
	json_t *object = hd_control_state(commit);

	/* It has none. */
	if (object)
		(void)json_object_del(object, "id");
	return json_array_append_new(printer->commits, object) < 0 ? -ENOMEM : 0;
}

static int show_commit(struct log_printer *printer, const struct hd_worktree_commits *commits, size_t number)
{
	HD_AUTO_STATE struct hd_state commit = {0};
	int r = hd_worktree_commits_describe(commits, number, &commit);

	if (r < 0)
		return r;
	if (printer->commits)
		return append_commit(printer, &commit);
	if (!one_line && printer->shown > 0)
		fputc('\n', stdout);
	hd_state_print_commit(&commit, one_line, stdout);
	printer->shown++;
	return 0;
}

/* Those of THREAD that git made since its head, the last one first. */
static int show_commits(struct log_printer *printer, const struct hd_invocation *invocation,
	const struct hd_location *location)
{
	HD_CLEANUP(hd_worktree_commits_clear) struct hd_worktree_commits commits = {0};
	const char *named = invocation->n_before_dashes ? invocation->arguments[0] : location->thread;
	struct hd_thread thread = {0};
	int r;

	if (of_all || printer->n_paths > 0)
		return 0;
	named = strcmp(named, "@") == 0 ? location->thread : named;
	r = hd_index_get_thread(location->store->index, named, &thread);
	hd_thread_clear(&thread);
	if (r == -HD_E_THREAD_MISSING) {
		hd_error_clear();
		return 0;
	}
	if (r >= 0)
		r = hd_worktree_commits_find(location->store, named, &commits);
	for (size_t i = commits.count; i > 0 && r >= 0 && !is_full(printer); i--)
		r = show_commit(printer, &commits, i - 1);
	if (r >= 0) {
		printer->busy = commits.head.busy;
		hd_tell_busy(named, commits.head.busy);
	}
	return r;
}

/* ---- the graph ---- */

/* The state as text, a NUL behind it, in fresh memory. */
static int state_text(const struct log_printer *printer, const struct hd_state *state, char **ret_text)
{
	size_t size;
	FILE *stream = open_memstream(ret_text, &size);
	int r;

	if (!stream)
		return -ENOMEM;
	r = print_state(printer, state, stream);
	return fclose(stream) == 0 ? r : -ENOMEM;
}

static size_t widest_row(const char *rows)
{
	size_t widest = 0;

	while (*rows) {
		size_t length = strcspn(rows, "\n");

		widest = length > widest ? length : widest;
		rows += length + (rows[length] == '\n');
	}
	return widest;
}

/* Cuts the next line off, without its newline. */
static const char *next_line(char **text)
{
	char *line = *text;
	size_t length = strcspn(line, "\n");

	*text += length + (line[length] == '\n');
	line[length] = '\0';
	return line;
}

/* The rows of the graph, then BETWEEN as often as needed, each with a line of the text beside it. */
static void print_beside(char *rows, const char *between, char *text)
{
	size_t width = widest_row(rows);

	width = width > strlen(between) ? width : strlen(between);
	while (*rows || *text) {
		const char *row = *rows ? next_line(&rows) : between;
		const char *line = *text ? next_line(&text) : "";

		if (*line)
			printf("%-*s %s\n", (int)width, row, line);
		else
			printf("%s\n", row);
	}
}

static int draw_state(
	struct log_printer *printer, const struct hd_history_row *row, const struct hd_state *state)
{
	HD_AUTO_BUFFER struct hd_buffer rows = {0};
	HD_AUTO_BUFFER struct hd_buffer between = {0};
	HD_AUTO_FREE char *text = NULL;
	int r;

	if (!one_line && printer->shown > 0) {
		hd_log_graph_put_between(&printer->graph, &between);
		printf("%.*s", (int)between.size, (const char *)between.data);
		hd_buffer_reset(&between);
	}
	r = hd_log_graph_put(&printer->graph, &row->id, row->parents, row->n_parents, &rows);
	hd_log_graph_put_between(&printer->graph, &between);
	hd_buffer_put_u8(&rows, '\0');
	if (between.size > 0)
		between.data[between.size - 1] = '\0';
	if (r >= 0)
		r = hd_buffer_status(&rows) < 0 ? hd_buffer_status(&rows) : hd_buffer_status(&between);
	if (r >= 0)
		r = state_text(printer, state, &text);
	if (r >= 0)
		print_beside((char *)rows.data, (const char *)between.data, text);
	return r;
}

static int show_row(struct log_printer *printer, const struct hd_history_row *row)
{
	HD_AUTO_STATE struct hd_state state = {0};
	int r = hd_index_get_state(printer->store->index, &row->id, &state);

	if (r >= 0 && printer->states)
		r = append_state(printer, &state);
	else if (r >= 0)
		r = draw_state(printer, row, &state);
	printer->shown++;
	return r;
}

static int show_graph(struct log_printer *printer, const struct hd_state_id *from, size_t n_from)
{
	struct hd_history history = {0};
	int r = hd_history_read(printer->store->index, from, n_from, printer->n_paths > 0 ? is_wanted : NULL,
		printer, &history);

	for (size_t i = 0; i < history.count && r >= 0 && !is_full(printer); i++)
		r = show_row(printer, &history.rows[i]);
	hd_history_clear(&history);
	return r;
}

/* ---- both ---- */

/* Where the log begins: fresh memory. */
static int starts(const struct hd_invocation *invocation, const struct hd_location *location,
	const struct hd_thread_heads *heads, struct hd_state_id **ret_from, size_t *ret_count)
{
	HD_AUTO_FREE struct hd_state_id *from = calloc(heads->count + heads->n_tags + 1, sizeof(*from));
	size_t count = 0;
	int r = from ? 0 : -ENOMEM;

	if (r >= 0 && !of_all) {
		r = hd_state_spec_resolve(location->store->index,
			invocation->n_before_dashes ? invocation->arguments[0] : "@", location->thread,
			&from[count++]);
	} else if (r >= 0) {
		for (size_t i = 0; i < heads->count; i++)
			from[count++] = heads->threads[i].head;
		for (size_t i = 0; i < heads->n_tags; i++)
			from[count++] = heads->tags[i].state;
	}
	if (r < 0)
		return r;
	*ret_from = HD_STEAL(from);
	*ret_count = count;
	return 0;
}

static int show(const struct hd_invocation *invocation, const struct hd_location *location,
	struct log_printer *printer)
{
	HD_AUTO_FREE struct hd_state_id *from = NULL;
	struct hd_index *index = printer->store->index;
	size_t n_from = 0;
	int r = hd_thread_heads_read(index, &printer->heads);

	if (r >= 0)
		r = starts(invocation, location, &printer->heads, &from, &n_from);
	if (r >= 0 && printer->n_paths > 0)
		r = hd_base_set_new(location->store, 0, &printer->bases);
	if (r < 0)
		return r;
	printer->states = invocation->json ? json_array() : NULL;
	printer->commits = invocation->json ? json_array() : NULL;
	r = show_commits(printer, invocation, location);
	if (r < 0)
		return r;
	if (is_full(printer))
		r = 0;
	else if (as_graph)
		r = show_graph(printer, from, n_from);
	else if (of_all)
		r = hd_state_log_walk_several(
			index, from, n_from, HD_STATE_LOG_ALL_PARENTS, show_state, printer);
	else
		r = hd_state_log_walk(index, from, HD_STATE_LOG_FIRST_PARENT, show_state, printer);
	if (r >= 0 && invocation->json)
		r = hd_output_json(json_pack("{s:O, s:O, s:s?}", "states", printer->states, "commits",
			printer->commits, "git_busy", printer->busy));
	return r;
}

static int run_log(const struct hd_invocation *invocation)
{
	HD_AUTO_LOCATION struct hd_location location = {0};
	HD_AUTO_TREE_PATHS struct hd_tree_paths paths = {0};
	HD_CLEANUP(printer_clear) struct log_printer printer = {0};
	int r;

	if (invocation->n_before_dashes > 1)
		return hd_fail(HD_E_USAGE, "'log' takes one state; paths come after '--'");
	if (invocation->n_before_dashes > 0 && of_all)
		return hd_fail(HD_E_USAGE, "--all begins everywhere: it goes with no state");
	r = hd_locate(invocation, NULL, &location);
	if (r >= 0)
		r = hd_tree_paths_add(&location, NULL, invocation->arguments + invocation->n_before_dashes,
			invocation->n_arguments - invocation->n_before_dashes, &paths);
	if (r < 0)
		return r;
	printer.store = location.store;
	printer.paths = paths.items;
	printer.n_paths = paths.count;
	r = show(invocation, &location, &printer);
	return r < 0 ? r : HD_EXIT_OK;
}

const struct hd_command hd_command_log = {
	.name = "log",
	.summary = "Show the states of a thread, newest first",
	.usage = "[-n N] [--oneline] [--graph] [THREAD|STATE|--all] [-- PATH...]",
	.description =
		"Shows the states from the head of THREAD, or from STATE, back to the base; with PATHs, "
		"those that changed something there or "
		"below. Of a state with several parents the first is followed; --graph follows all of them, "
		"and draws in columns where lines of work begin and end. --all shows the states of all "
		"threads and tags, the latest first. Commits that git made in the thread's worktree, and "
		"that "
		"are no states yet, come first.\n\n"
		"A state is named by 4 or more digits of its id, by a thread (its head), by @ (the "
		"head of the "
		"thread in use), and by any of these followed by ~N (the N-th state before it).",
	.options = options,
	.max_arguments = 1 + MOST_PATHS,
	.run = run_log,
};
