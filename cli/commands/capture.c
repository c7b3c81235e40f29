/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "capture/identity.h"
#include "cli/arguments/agent_facts.h"
#include "cli/arguments/command.h"
#include "cli/arguments/store_locate.h"
#include "cli/arguments/tree_paths.h"
#include "cli/steps/take_commits.h"
#include "cli/terminal/exit_status.h"
#include "cli/terminal/output.h"
#include "cli/terminal/path_text.h"
#include "cli/text/state_text.h"
#include "cli/threads/thread_command.h"
#include "mount/control/control_json.h"
#include "overlay/platform/buffer.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/file.h"
#include "overlay/platform/utf8.h"

/*
 * The author is found here and not by whoever serves the mount: it is the person who captures, with that
 * person's environment and git configuration.
 */

#define MOST_PATHS 100000
#define UNSET ULONG_MAX
#define MIB 1048576ull
#define WARN_ABOVE_DEFAULT 1024u /* MiB */
#define WARN_ABOVE_VARIABLE "HEDDLE_WARN_ABOVE"
#define MESSAGE_LIMIT (1u << 20)

static struct hd_text_list messages;
static struct hd_text_list facts;
static struct hd_text_list paths;
static const char *message_file;
static const char *author;
static bool without_ignored;
static unsigned long warn_above = UNSET;

static const struct hd_option options[] = {
	{.long_name = "message",
		.short_name = 'm',
		.argument = "TEXT",
		.help = "describe the state; given again, another paragraph",
		.list = &messages},
	{.long_name = "file",
		.short_name = 'F',
		.argument = "FILE",
		.help = "take the description from FILE; - is standard input",
		.text = &message_file},
	{.long_name = "author",
		.argument = "'NAME <MAIL>'",
		.help = "whose work it is (default: HEDDLE_AUTHOR, then heddle.author, then user.name and "
			"user.email of git's configuration)",
		.text = &author},
	{.long_name = "meta",
		.argument = "KEY=VALUE",
		.help = "keep a fact with the state, like run=4711; may be given often",
		.list = &facts},
	{.long_name = "path",
		.short_name = 'p',
		.argument = "PATH",
		.help = "capture PATH and what is below alone; may be given often",
		.list = &paths},
	{.long_name = "no-ignored",
		.help = "leave changes of ignored files uncaptured",
		.flag = &without_ignored},
	{.long_name = "warn-above",
		.argument = "MIB",
		.help = "warn if the store grows by more (default: HEDDLE_WARN_ABOVE, then 1024; 0: never)",
		.number = &warn_above},
	{0},
};

static int join_messages(char **ret_message)
{
	HD_AUTO_BUFFER struct hd_buffer text = {0};
	int r;

	for (size_t i = 0; i < messages.count; i++) {
		hd_buffer_put_text(&text, i > 0 ? "\n\n" : "");
		hd_buffer_put_text(&text, messages.items[i]);
	}
	hd_buffer_put_u8(&text, '\0');
	r = hd_buffer_status(&text);
	if (r < 0)
		return r;
	*ret_message = hd_buffer_steal(&text, NULL);
	return 0;
}

static int read_standard_input(char **ret_data, size_t *ret_size)
{
	HD_AUTO_BUFFER struct hd_buffer text = {0};
	char piece[4096];
	size_t size;

	while ((size = fread(piece, 1, sizeof(piece), stdin)) > 0) {
		hd_buffer_put(&text, piece, size);
		if (text.size > MESSAGE_LIMIT)
			return -EFBIG;
	}
	if (ferror(stdin))
		return -EIO;
	hd_buffer_put_u8(&text, '\0');
	if (hd_buffer_status(&text) < 0)
		return hd_buffer_status(&text);
	*ret_size = text.size - 1;
	*ret_data = hd_buffer_steal(&text, NULL);
	return 0;
}

static int read_message_file(char **ret_message)
{
	HD_AUTO_FREE char *data = NULL;
	size_t size = 0;
	int r;

	if (strcmp(message_file, "-") == 0)
		r = read_standard_input(&data, &size);
	else
		r = hd_file_read_whole(AT_FDCWD, message_file, MESSAGE_LIMIT, &data, &size);
	if (r < 0)
		return hd_fail_in(r, "message '%s'", message_file);
	if (strlen(data) != size)
		return hd_fail(EINVAL, "message '%s' has a NUL in it", message_file);
	while (size > 0 && data[size - 1] == '\n')
		data[--size] = '\0';
	*ret_message = HD_STEAL(data);
	return 0;
}

static int given_message(char **ret_message)
{
	if (messages.count > 0 && message_file)
		return hd_fail(HD_E_USAGE, "give the message by -m or by -F, not by both");
	if (message_file)
		return read_message_file(ret_message);
	if (messages.count == 0)
		return hd_fail(HD_E_USAGE, "a message is missing: say what the state is with -m TEXT");
	return join_messages(ret_message);
}

static int collect_message(char **ret_message)
{
	HD_AUTO_FREE char *message = NULL;
	int r;

	r = given_message(&message);
	if (r < 0)
		return r;
	if (message[strspn(message, " \t\r\n")] == '\0')
		return hd_fail(HD_E_USAGE, "the message is empty");
	*ret_message = HD_STEAL(message);
	return 0;
}

static int add_fact(json_t *object, const char *text)
{
	const char *value = strchr(text, '=');
	HD_AUTO_FREE char *key = NULL;

	if (!value || value == text)
		return hd_fail(HD_E_USAGE, "--meta takes KEY=VALUE, not '%s'", text);
	key = strndup(text, (size_t)(value - text));
	if (!key || !hd_utf8_is_valid(key, strlen(key)) || !hd_utf8_is_valid(value, strlen(value)))
		return key ? hd_fail(HD_E_USAGE, "--meta takes UTF-8") : -ENOMEM;
	if (json_object_get(object, key))
		return hd_fail(HD_E_USAGE, "--meta gives '%s' twice", key);
	return json_object_set_new(object, key, json_string(value + 1)) < 0 ? -ENOMEM : 0;
}

/* Those of --path, then those behind "--". */
static int choose_paths(const struct hd_invocation *invocation, const struct hd_location *location,
	struct hd_tree_paths *chosen)
{
	int r = hd_tree_paths_add(
		location, location->thread, (char *const *)(uintptr_t)paths.items, paths.count, chosen);

	return r < 0 ? r
		     : hd_tree_paths_add(location, location->thread,
			       invocation->arguments + invocation->n_before_dashes,
			       invocation->n_arguments - invocation->n_before_dashes, chosen);
}

static int build_request(
	const struct hd_invocation *invocation, const struct hd_location *location, json_t **ret_request)
{
	HD_AUTO_JSON json_t *object = json_object();
	HD_AUTO_TREE_PATHS struct hd_tree_paths chosen = {0};
	HD_AUTO_FREE char *message = NULL;
	HD_AUTO_FREE char *resolved = NULL;
	HD_AUTO_JSON json_t *request = NULL;
	int r;

	r = choose_paths(invocation, location, &chosen);
	if (r >= 0)
		r = collect_message(&message);
	for (size_t i = 0; i < facts.count && r >= 0; i++)
		r = add_fact(object, facts.items[i]);
	if (r >= 0)
		r = hd_agent_facts_add(object);
	if (r >= 0)
		r = hd_identity_resolve(author, location->store->path, &resolved);
	if (r < 0)
		return r;
	if (!hd_utf8_is_valid(message, strlen(message)))
		return hd_fail(HD_E_USAGE, "the message is not UTF-8");
	request = json_pack("{s:s, s:s, s:s, s:O, s:o, s:b}", "op", "capture", "message", message, "author",
		resolved, "facts", object, "paths", hd_control_paths(chosen.items, chosen.count),
		"no_ignored", (int)without_ignored);
	if (!request)
		return -ENOMEM;
	*ret_request = HD_STEAL(request);
	return 0;
}

static void print_text(const struct hd_location *location, const json_t *reply, size_t n_commits)
{
	const json_t *state = json_object_get(reply, "state");
	const json_t *changes = json_object_get(state, "changes");
	const char *message = hd_reply_text(state, "message");
	char id[HD_STATE_ID_TEXT_SIZE];

	(void)hd_state_shorten(location->store->index, hd_reply_text(state, "id"), id);
	if (n_commits > 0)
		printf("%llu %s made with git %s now %s of %s\n",
			HD_COUNT((unsigned long long)n_commits, "commit"), n_commits == 1 ? "is" : "are",
			n_commits == 1 ? "a state" : "states", location->thread);
	if (json_is_true(json_object_get(reply, "nothing"))) {
		printf("Nothing has changed since state %s of %s\n", id, location->thread);
		return;
	}
	printf("[%s %s%s%s] ", location->thread, hd_output_color(stdout, HD_COLOR_IDENTIFIER), id,
		hd_output_color(stdout, HD_COLOR_NONE));
	hd_output_text(stdout, message, strcspn(message, "\n"));
	fputs("\n ", stdout);
	hd_state_print_counts(hd_reply_number(changes, "added"), hd_reply_number(changes, "modified"),
		hd_reply_number(changes, "deleted"), hd_reply_number(changes, "moved"), stdout);
}

/* In MiB; 0 is none. */
static unsigned long growth_limit(void)
{
	const char *text = getenv(WARN_ABOVE_VARIABLE);
	unsigned long limit;
	char *end;

	if (warn_above != UNSET)
		return warn_above;
	if (!text || !*text)
		return WARN_ABOVE_DEFAULT;
	limit = strtoul(text, &end, 10);
	if (*end == '\0' && *text >= '0' && *text <= '9')
		return limit;
	hd_output_remark(WARN_ABOVE_VARIABLE " is not a number of MiB: '%s'", text);
	return WARN_ABOVE_DEFAULT;
}

/* The state is made all the same: nothing of it is lost, and 'undo' and an ignore rule come to no harm later. */
static void warn_of_growth(const json_t *reply)
{
	const json_t *growth = json_object_get(reply, "growth"),
		     *largest = json_object_get(growth, "largest");
	unsigned long long bytes = hd_reply_number(growth, "bytes"), limit = growth_limit();
	char size[HD_SIZE_TEXT_SIZE];

	if (limit == 0 || bytes / MIB < limit || bytes == limit * MIB)
		return;
	hd_output_remark(
		"this state makes the store grow by %s; the largest files:", hd_output_size(bytes, size));
	for (size_t i = 0; i < json_array_size(largest); i++) {
		const json_t *file = json_array_get(largest, i);
		HD_AUTO_FREE char *path = hd_control_get_name(file, "path");
		HD_AUTO_FREE char *shown = path ? hd_path_quote(path) : NULL;

		if (shown)
			hd_output_remark(
				"    %s %s", hd_output_size(hd_reply_number(file, "bytes"), size), shown);
	}
	hd_output_remark("what is not meant to be kept goes into .heddleignore, and 'capture --no-ignored' "
			 "leaves it out");
}

static int capture(const struct hd_invocation *invocation)
{
	HD_AUTO_LOCATION struct hd_location location = {0};
	HD_AUTO_JSON json_t *reply = NULL;
	json_t *request = NULL;
	struct hd_taken_commits taken = {0};
	bool nothing;
	int r;

	if (invocation->n_before_dashes > 1)
		return hd_fail(HD_E_USAGE, "'capture' takes one thread; paths come after '--'");
	r = hd_locate_thread(
		invocation, invocation->n_before_dashes ? invocation->arguments[0] : NULL, &location);
	if (r >= 0)
		r = build_request(invocation, &location, &request);
	if (r >= 0)
		r = hd_take_commits_to_capture(&location, &taken);
	if (r < 0) {
		json_decref(request);
		return r;
	}
	if (r >= 0)
		r = hd_thread_ask(&location, request, "capturing", &reply, NULL);
	if (r < 0)
		return r;
	nothing = json_is_true(json_object_get(reply, "nothing"));
	if (json_object_set_new(reply, "commits", json_integer((json_int_t)taken.count)) < 0 ||
		json_object_set_new(reply, "git_busy", taken.busy ? json_string(taken.busy) : json_null()) <
			0)
		return -ENOMEM;
	if (invocation->json)
		r = hd_output_json(json_incref(reply));
	else
		print_text(&location, reply, taken.count);
	warn_of_growth(reply);
	if (r < 0)
		return r;
	return nothing && taken.count == 0 ? HD_EXIT_DIFFERENT : HD_EXIT_OK;
}

static int run_capture(const struct hd_invocation *invocation)
{
	int r = capture(invocation);

	hd_text_list_clear(&messages);
	hd_text_list_clear(&facts);
	hd_text_list_clear(&paths);
	return r;
}

const struct hd_command hd_command_capture = {
	.name = "capture",
	.summary = "Record what changed as a new state",
	.usage = "-m TEXT [--meta KEY=VALUE]... [THREAD] [-- PATH...]\n"
		 "-F FILE [--meta KEY=VALUE]... [THREAD] [-- PATH...]",
	.description =
		"Makes the tree of THREAD (default: the thread in use, or main), as it is at one "
		"instant, a state, and moves "
		"the thread's head to it. Programs may go on writing meanwhile. When the command "
		"returns, the state is on "
		"disk.\n\n"
		"With PATHs the state is the head with these "
		"and all below them as they are now; a path that is gone is deleted. All other changes stay "
		"uncaptured.\n\n"
		"Files that .gitignore, .heddleignore or info/exclude ignores are captured as others are, "
		"unless "
		"--no-ignored is given; exports leave them out.\n\n"
		"Commits that git made in the thread's worktree become states of their own before.\n\n"
		"Exits with 1 and makes no state if nothing has changed since the head.",
	.options = options,
	.max_arguments = 1 + MOST_PATHS,
	.run = run_capture,
};
