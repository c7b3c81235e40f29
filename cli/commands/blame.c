/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "capture/blame/blame.h"
#include "capture/history/state_spec.h"
#include "cli/arguments/command.h"
#include "cli/arguments/store_locate.h"
#include "cli/arguments/tree_paths.h"
#include "cli/terminal/exit_status.h"
#include "cli/terminal/output.h"
#include "cli/terminal/path_text.h"
#include "cli/text/actor_text.h"
#include "cli/text/state_text.h"
#include "cli/threads/thread_command.h"
#include "mount/answers/control_blame.h"
#include "mount/control/control_json.h"
#include "overlay/bases/base.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"

/* A state is read here; the tree as it is now is the thread's to look at. Both answer with the same object. */

#define NOT_CAPTURED "not captured"
#define NO_STATE "00000000000000000000000000000000"

static const char *state_spec, *thread, *range_text;
static bool porcelain, by_actor;

static const struct hd_option options[] = {
	{.long_name = "state",
		.argument = "STATE",
		.help = "the file as STATE has it (default: as it is now)",
		.text = &state_spec},
	{.long_name = "lines",
		.short_name = 'L',
		.argument = "A,B",
		.help = "lines A to B alone; 'A,' is to the end, ',B' from the first, 'A,+N' is N lines",
		.text = &range_text},
	{.long_name = "by-actor",
		.help = "show who changed the file in that state instead of its author, where a mount "
			"recorded it",
		.flag = &by_actor},
	{.long_name = "porcelain",
		.help = "print for programs, as 'git blame --porcelain' does",
		.flag = &porcelain},
	{.long_name = "thread", .argument = "NAME", .help = "the thread whose tree it is", .text = &thread},
	{0},
};

/* ---- asking ---- */

static const char *read_number(const char *text, size_t *ret_number)
{
	char *end;

	if (*text < '0' || *text > '9')
		return text;
	errno = 0;
	*ret_number = strtoul(text, &end, 10);
	return errno || *ret_number == 0 || *ret_number > UINT32_MAX ? text : end;
}

static int read_range(struct hd_blame_range *ret_range)
{
	struct hd_blame_range range = {0};
	size_t count = 0;
	const char *at = range_text;

	if (!at)
		return 0;
	at = read_number(at, &range.first);
	if (at[0] == ',' && at[1] == '+') {
		at = read_number(at + 2, &count);
		if (count > 0 && range.first > 0)
			range.last = range.first + count - 1;
		else
			at = "+";
	} else if (at[0] == ',') {
		at = read_number(at + 1, &range.last);
	} else {
		range.last = range.first;
	}
	if (*at || (range.first == 0 && range.last == 0))
		return hd_fail(
			HD_E_USAGE, "--lines takes A,B or A,+N with numbers from 1, not '%s'", range_text);
	if (range.last > 0 && range.last < range.first)
		return hd_fail(HD_E_USAGE, "--lines %s ends before it begins", range_text);
	*ret_range = range;
	return 0;
}

static int ask_state(const struct hd_location *location, const char *path, const struct hd_blame_range *range,
	json_t **ret_reply)
{
	struct hd_base_set *bases = NULL;
	struct hd_blame blame = {0};
	struct hd_state_id id;
	int r = hd_state_spec_resolve(location->store->index, state_spec, location->thread, &id);

	if (r >= 0)
		r = hd_base_set_new(location->store, 0, &bases);
	if (r >= 0)
		r = hd_blame_state(location->store, bases, &id, path, range, &blame);
	if (r >= 0) {
		*ret_reply = hd_control_blame_json(&blame);
		r = *ret_reply ? 0 : -ENOMEM;
	}
	hd_blame_clear(&blame);
	hd_base_set_free(bases);
	return r;
}

static int ask_thread(const struct hd_location *location, const char *path,
	const struct hd_blame_range *range, json_t **ret_reply)
{
	json_t *request = json_pack("{s:s, s:I, s:I, s:o}", "op", "blame", "first", (json_int_t)range->first,
		"last", (json_int_t)range->last, "paths", hd_control_paths(&path, 1));

	return hd_thread_ask(location, request, "looking back", ret_reply, NULL);
}

/* ---- for people ---- */

struct columns {
	int id, author, path,
		line; /* widths; path 0: all lines are of files of the name that was asked for */
};

static const json_t *source_of(const json_t *reply, const json_t *line)
{
	return json_array_get(json_object_get(reply, "sources"), (size_t)hd_reply_number(line, "source"));
}

/* Who changed the file last in the source's state, in fresh memory; NULL where that is not known. */
static char *actor_name(const json_t *source)
{
	const json_t *actor = json_array_get(json_object_get(source, "actors"), 0);
	const char *name = hd_reply_text(actor, "actor"), *call = hd_reply_text(actor, "tool_call");
	const char *program = strrchr(hd_reply_text(actor, "program"), '/');
	char *text;

	if (!*name)
		name = program ? program + 1 : "";
	if (!*name && !*call)
		return NULL;
	return asprintf(&text, "%s%s%s", name, *call ? " " : "", call) < 0 ? NULL : text;
}

/* "Name" of "Name <mail>", or the actor's, in fresh memory. */
static char *author_name(const json_t *source)
{
	const json_t *state = json_object_get(source, "state");
	const char *author = json_is_object(state) ? hd_reply_text(state, "author") : "";
	char *actor = by_actor ? actor_name(source) : NULL;
	size_t length = strcspn(author, "<");

	while (length > 0 && author[length - 1] == ' ')
		length--;
	return actor ? actor : strndup(author, length);
}

static void source_id(struct hd_index *index, const json_t *state, char text[HD_STATE_ID_TEXT_SIZE])
{
	if (json_is_object(state))
		(void)hd_state_shorten(index, hd_reply_text(state, "id"), text);
	else
		(void)snprintf(text, HD_STATE_ID_TEXT_SIZE, "%s", NOT_CAPTURED);
}

static void widen(int *width, size_t wanted)
{
	if (wanted > (size_t)*width)
		*width = (int)wanted;
}

static int measure(struct hd_index *index, const json_t *reply, struct columns *columns)
{
	const json_t *sources = json_object_get(reply, "sources");
	const char *asked = hd_reply_text(reply, "path");
	bool renamed = false;

	for (size_t i = 0; i < json_array_size(sources); i++) {
		const json_t *source = json_array_get(sources, i);
		const json_t *state = json_object_get(source, "state");
		HD_AUTO_FREE char *author = author_name(source);
		char id[HD_STATE_ID_TEXT_SIZE];

		if (!author)
			return -ENOMEM;
		source_id(index, state, id);
		widen(&columns->id, strlen(id));
		widen(&columns->author, hd_text_columns(author));
		widen(&columns->path, hd_text_columns(hd_reply_text(source, "path")));
		renamed = renamed || strcmp(asked, hd_reply_text(source, "path")) != 0;
	}
	if (!renamed)
		columns->path = 0;
	return 0;
}

static void print_padded(const char *text, int width)
{
	size_t columns = hd_text_columns(text);

	hd_output_text(stdout, text, strlen(text));
	for (; columns < (size_t)width; columns++)
		fputc(' ', stdout);
}

/* "2026-11-21 12:00:00 +0100" */
static void format_time(const json_t *state, char *text, size_t size)
{
	const json_t *when = json_object_get(state, "time");
	long zone = (long)json_integer_value(json_object_get(when, "zone"));
	time_t shifted = (time_t)json_integer_value(json_object_get(when, "s")) + zone * 60;
	unsigned long offset = zone < 0 ? (unsigned long)-zone : (unsigned long)zone;
	struct tm parts = {0};
	size_t length;

	(void)gmtime_r(&shifted, &parts);
	length = strftime(text, size, "%Y-%m-%d %H:%M:%S", &parts);
	(void)snprintf(text + length, size - length, " %c%02lu%02lu", zone < 0 ? '-' : '+', offset / 60 % 100,
		offset % 60);
}

static int print_source(struct hd_index *index, const json_t *source, const struct columns *columns)
{
	const json_t *state = json_object_get(source, "state");
	HD_AUTO_FREE char *author = author_name(source);
	HD_AUTO_FREE char *path = hd_control_get_name(source, "path");
	char id[HD_STATE_ID_TEXT_SIZE], when[48] = "";

	if (!author || !path)
		return -ENOMEM;
	source_id(index, state, id);
	printf("%s%-*s%s ", hd_output_color(stdout, HD_COLOR_IDENTIFIER), columns->id, id,
		hd_output_color(stdout, HD_COLOR_NONE));
	if (columns->path > 0) {
		print_padded(path, columns->path);
		fputc(' ', stdout);
	}
	fputc('(', stdout);
	print_padded(author, columns->author);
	if (json_is_object(state))
		format_time(state, when, sizeof(when));
	printf(" %25s", when);
	return 0;
}

/* The line's bytes, in whatever encoding; a terminal gets them without control characters. */
static int print_bytes(const json_t *line)
{
	const json_t *text = json_object_get(line, "text");

	if (json_is_true(json_object_get(line, "raw"))) {
		HD_AUTO_FREE char *bytes = hd_control_get_name(line, "text");

		if (!bytes)
			return -ENOMEM;
		hd_output_text(stdout, bytes, strlen(bytes));
	} else {
		hd_output_text(stdout, json_string_value(text), json_string_length(text));
	}
	fputc('\n', stdout);
	return 0;
}

static int print_binary(struct hd_index *index, const json_t *reply)
{
	struct columns columns = {0};
	char size[HD_SIZE_TEXT_SIZE];
	int r = measure(index, reply, &columns);

	if (r >= 0)
		r = print_source(index, json_array_get(json_object_get(reply, "sources"), 0), &columns);
	if (r >= 0)
		printf(") binary, %s\n", hd_output_size(hd_reply_number(reply, "size"), size));
	return r;
}

static int print_text(struct hd_index *index, const json_t *reply)
{
	const json_t *lines = json_object_get(reply, "lines");
	size_t count = json_array_size(lines);
	struct columns columns = {0};
	int r = measure(index, reply, &columns);

	if (json_is_true(json_object_get(reply, "binary")))
		return print_binary(index, reply);
	if (count > 0)
		columns.line =
			snprintf(NULL, 0, "%llu", hd_reply_number(json_array_get(lines, count - 1), "line"));
	for (size_t i = 0; i < count && r >= 0; i++) {
		const json_t *line = json_array_get(lines, i);

		r = print_source(index, source_of(reply, line), &columns);
		printf(" %*llu) ", columns.line, hd_reply_number(line, "line"));
		if (r >= 0)
			r = print_bytes(line);
	}
	return r;
}

/* ---- for programs ---- */

static void print_porcelain_state(const json_t *state)
{
	const json_t *when = json_object_get(state, "time");
	const char *author = hd_reply_text(state, "author"), *message = hd_reply_text(state, "message");
	long zone = (long)json_integer_value(json_object_get(when, "zone"));
	size_t name = strcspn(author, "<");
	unsigned long offset = zone < 0 ? (unsigned long)-zone : (unsigned long)zone;

	printf("author %.*s\n", (int)(name > 0 ? name - 1 : 0), author);
	printf("author-mail %s\n", author + name);
	printf("author-time %lld\n", (long long)json_integer_value(json_object_get(when, "s")));
	printf("author-tz %c%02lu%02lu\n", zone < 0 ? '-' : '+', offset / 60 % 100, offset % 60);
	printf("summary %.*s\n", (int)strcspn(message, "\n"), message);
	if (json_array_size(json_object_get(state, "parents")) == 0)
		fputs("boundary\n", stdout);
}

/* How many lines from INDEX on are of one source, one after the other there as well. */
static size_t count_group(const json_t *lines, size_t index)
{
	const json_t *first = json_array_get(lines, index);
	size_t count = 1;

	for (; index + count < json_array_size(lines); count++) {
		const json_t *line = json_array_get(lines, index + count);

		if (hd_reply_number(line, "source") != hd_reply_number(first, "source") ||
			hd_reply_number(line, "source_line") != hd_reply_number(first, "source_line") + count)
			break;
	}
	return count;
}

static int print_porcelain_line(const json_t *reply, const json_t *line, size_t group, bool is_new)
{
	const json_t *source = source_of(reply, line), *state = json_object_get(source, "state");
	HD_AUTO_FREE char *path = hd_control_get_name(source, "path");

	if (!path)
		return -ENOMEM;
	printf("%s %llu %llu", json_is_object(state) ? hd_reply_text(state, "id") : NO_STATE,
		hd_reply_number(line, "source_line"), hd_reply_number(line, "line"));
	if (group > 0)
		printf(" %zu", group);
	fputc('\n', stdout);
	if (is_new && json_is_object(state))
		print_porcelain_state(state);
	else if (is_new)
		fputs("author Not captured\nauthor-mail <>\nsummary Not captured\n", stdout);
	if (is_new) {
		fputs("filename ", stdout);
		fputs(path, stdout);
		fputc('\n', stdout);
	}
	fputc('\t', stdout);
	return print_bytes(line);
}

static int print_porcelain(const json_t *reply)
{
	const json_t *lines = json_object_get(reply, "lines");
	HD_AUTO_FREE bool *seen =
		calloc(json_array_size(json_object_get(reply, "sources")) + 1, sizeof(*seen));
	size_t group_end = 0;
	int r = seen ? 0 : -ENOMEM;

	for (size_t i = 0; i < json_array_size(lines) && r >= 0; i++) {
		const json_t *line = json_array_get(lines, i);
		size_t source = (size_t)hd_reply_number(line, "source");
		size_t group = i == group_end ? count_group(lines, i) : 0;

		group_end += group;
		r = print_porcelain_line(reply, line, group, !seen[source]);
		seen[source] = true;
	}
	return r;
}

static int add_actors(struct hd_store *store, const json_t *reply)
{
	const json_t *sources = json_object_get(reply, "sources");
	int r = 0;

	for (size_t i = 0; i < json_array_size(sources) && r >= 0; i++) {
		json_t *source = json_array_get(sources, i);
		const char *state = hd_reply_text(json_object_get(source, "state"), "id");
		HD_AUTO_FREE char *path = hd_control_get_name(source, "path");
		struct hd_state_id id;

		if (!path)
			return -ENOMEM;
		if (!*state)
			continue;
		r = hd_control_id_decode(state, &id);
		if (r >= 0)
			r = hd_actors_of_path_json(store, &id, path, source);
	}
	return r;
}

static int run_blame(const struct hd_invocation *invocation)
{
	HD_AUTO_LOCATION struct hd_location location = {0};
	HD_AUTO_JSON json_t *reply = NULL;
	struct hd_blame_range range = {0};
	HD_AUTO_FREE char *path = NULL;
	int r = read_range(&range);

	if (r >= 0 && porcelain && invocation->json)
		return hd_fail(HD_E_USAGE, "--porcelain and --json exclude each other");
	if (r >= 0 && porcelain && by_actor)
		return hd_fail(HD_E_USAGE, "--porcelain and --by-actor exclude each other");
	if (r >= 0)
		r = hd_locate_thread(invocation, thread, &location);
	if (r >= 0)
		r = hd_tree_path_read(&location, location.thread, invocation->arguments[0], &path);
	if (r >= 0)
		r = state_spec ? ask_state(&location, path, &range, &reply)
			       : ask_thread(&location, path, &range, &reply);
	if (r >= 0 && by_actor)
		r = add_actors(location.store, reply);
	if (r < 0)
		return r;
	if (invocation->json)
		r = hd_output_json(json_incref(reply));
	else if (porcelain && json_is_true(json_object_get(reply, "binary")))
		r = hd_fail(EINVAL, "'%s' is binary: it has no lines", path);
	else
		r = porcelain ? print_porcelain(reply) : print_text(location.store->index, reply);
	return r < 0 ? r : HD_EXIT_OK;
}

const struct hd_command hd_command_blame = {
	.name = "blame",
	.summary = "Show which state brought each line of a file",
	.usage = "[--state STATE] [-L A,B] [--porcelain] [--thread NAME] PATH",
	.description =
		"Shows the lines of PATH as they are now or as "
		"STATE has them, each with the state that brought it, its author and time. Lines that "
		"are in no state yet are 'not captured'. The file is followed through directories that were "
		"moved and through renames, of files that were changed as well if half of it stayed; where "
		"it "
		"had another name, names are shown.\n\n"
		"A binary file is one line: the last state that changed it.",
	.options = options,
	.min_arguments = 1,
	.max_arguments = 1,
	.run = run_blame,
};
