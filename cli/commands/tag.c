/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "capture/history/state_spec.h"
#include "cli/arguments/command.h"
#include "cli/arguments/store_locate.h"
#include "cli/arguments/subcommand.h"
#include "cli/terminal/exit_status.h"
#include "cli/terminal/output.h"
#include "cli/terminal/progress.h"
#include "cli/text/operation_text.h"
#include "cli/text/state_text.h"
#include "mount/control/control_json.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/threads/work.h"

/* A tag is a name for a state that stays where it is put; threads are the names that move by themselves. */

static bool force;

static const struct hd_option options[] = {
	{.long_name = "force",
		.short_name = 'f',
		.help = "create: move the tag if there is one of this name",
		.flag = &force},
	{0},
};

struct tag_printer {
	struct hd_index *index;
	json_t *tags; /* owned; NULL for text */
};

static int show_tag(const struct hd_tag *tag, void *payload)
{
	struct tag_printer *printer = payload;
	char id[HD_STATE_ID_TEXT_SIZE];

	if (printer->tags)
		return json_array_append_new(printer->tags, hd_tag_json(tag->name, &tag->state)) < 0 ? -ENOMEM
												     : 0;
	printf("%s%s%s ", hd_output_color(stdout, HD_COLOR_IDENTIFIER),
		hd_state_short(printer->index, &tag->state, id), hd_output_color(stdout, HD_COLOR_NONE));
	hd_output_text(stdout, tag->name, strlen(tag->name));
	fputc('\n', stdout);
	return 0;
}

static int run_tag_list(const struct hd_invocation *invocation)
{
	HD_AUTO_LOCATION struct hd_location location = {0};
	struct tag_printer printer = {0};
	int r;

	r = hd_locate(invocation, NULL, &location);
	if (r < 0)
		return r;
	printer.index = location.store->index;
	printer.tags = invocation->json ? json_array() : NULL;
	r = hd_index_list_tags(location.store->index, show_tag, &printer);
	if (r >= 0 && invocation->json)
		r = hd_output_json(json_pack("{s:O}", "tags", printer.tags));
	json_decref(printer.tags);
	return r < 0 ? r : HD_EXIT_OK;
}

/* Does the operation, whose sides are set, and says so. */
static int change_tag(const struct hd_invocation *invocation, const struct hd_location *location,
	struct hd_operation *operation)
{
	const struct hd_operation_side *shown =
		operation->after.name ? &operation->after : &operation->before;
	char id[HD_STATE_ID_TEXT_SIZE];
	int r;

	operation->kind = HD_OPERATION_TAG;
	operation->is_tag = true;
	operation->actor = hd_operation_actor(location);
	if (!operation->actor)
		return -ENOMEM;
	hd_progress_begin("tagging", HD_PROGRESS_STOPS);
	r = hd_work_finish();
	if (r >= 0)
		r = hd_index_change(location->store->index, operation);
	hd_progress_end();
	if (r < 0)
		return r;
	if (invocation->json)
		return hd_output_json(json_pack("{s:o}", "operation", hd_operation_json(operation)));
	printf("%s tag ", operation->after.name ? "Set" : "Deleted");
	hd_output_text(stdout, shown->name, strlen(shown->name));
	printf(", %s %s\n", operation->after.name ? "at state" : "which was at state",
		hd_state_short(location->store->index, &shown->head, id));
	return HD_EXIT_OK;
}

static int set_side(const char *name, const struct hd_state_id *state, struct hd_operation_side *side)
{
	side->name = strdup(name);
	side->head = *state;
	return side->name ? 0 : -ENOMEM;
}

/* A thread goes before a tag: nobody would ever meet this one. */
static int check_not_hidden(struct hd_index *index, const char *name)
{
	struct hd_thread thread = {0};
	int r = hd_thread_name_check(name) < 0 ? -HD_E_THREAD_MISSING
					       : hd_index_get_thread(index, name, &thread);

	hd_thread_clear(&thread);
	if (r >= 0)
		return hd_fail(HD_E_THREAD_EXISTS, "it would hide tag '%s'", name);
	hd_error_clear();
	return r == -HD_E_THREAD_MISSING ? 0 : r;
}

static int run_tag_create(const struct hd_invocation *invocation)
{
	const char *name = invocation->arguments[0];
	const char *spec = invocation->n_arguments > 1 ? invocation->arguments[1] : "@";
	HD_AUTO_LOCATION struct hd_location location = {0};
	HD_CLEANUP(hd_operation_clear) struct hd_operation operation = {0};
	struct hd_state_id state, there;
	int r;

	r = hd_locate(invocation, NULL, &location);
	if (r >= 0)
		r = hd_tag_name_check(name);
	if (r >= 0)
		r = check_not_hidden(location.store->index, name);
	if (r >= 0)
		r = hd_state_spec_resolve(location.store->index, spec, location.thread, &state);
	if (r >= 0)
		r = set_side(name, &state, &operation.after);
	if (r >= 0 && force) {
		r = hd_index_get_tag(location.store->index, name, &there);
		if (r >= 0)
			r = set_side(name, &there, &operation.before);
		else if (r == -HD_E_TAG_MISSING)
			r = 0;
	}
	return r < 0 ? r : change_tag(invocation, &location, &operation);
}

static int run_tag_delete(const struct hd_invocation *invocation)
{
	const char *name = invocation->arguments[0];
	HD_AUTO_LOCATION struct hd_location location = {0};
	HD_CLEANUP(hd_operation_clear) struct hd_operation operation = {0};
	struct hd_state_id there;
	int r;

	r = hd_locate(invocation, NULL, &location);
	if (r >= 0)
		r = hd_index_get_tag(location.store->index, name, &there);
	if (r >= 0)
		r = set_side(name, &there, &operation.before);
	return r < 0 ? r : change_tag(invocation, &location, &operation);
}

static const struct hd_subcommand verbs[] = {
	{.name = "list", .run = run_tag_list},
	{.name = "create", .min_arguments = 1, .max_arguments = 2, .run = run_tag_create},
	{.name = "delete", .min_arguments = 1, .max_arguments = 1, .run = run_tag_delete},
	{0},
};

static int run_tag(const struct hd_invocation *invocation)
{
	return hd_subcommand_run(verbs, invocation);
}

const struct hd_command hd_command_tag = {
	.name = "tag",
	.summary = "List, create and delete names for states",
	.usage = "list\ncreate [-f] NAME [STATE]\ndelete NAME",
	.description =
		"A tag is a name for one state, which every command takes where it takes a state. 'create' "
		"gives STATE (default: @, the head of the thread in use) the name, 'delete' takes a name "
		"away and leaves the state. Both can be undone.\n\n"
		"A name has 1 to 200 bytes, no ':' and '~'; it, and what follows a '/' in it, begins with "
		"neither '.' nor '-'. A name that a thread has is refused, since that goes before a tag's.",
	.options = options,
	.min_arguments = 1,
	.max_arguments = 3,
	.run = run_tag,
};
