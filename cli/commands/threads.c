/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/arguments/command.h"
#include "cli/arguments/store_locate.h"
#include "cli/terminal/exit_status.h"
#include "cli/terminal/output.h"
#include "cli/text/state_text.h"
#include "mount/control/control_json.h"
#include "mount/mount_place.h"
#include "overlay/platform/error.h"

/* Where a thread is mounted is asked of the kernel's table and not of the threads: one that is stuck is listed, too. */

static int print_thread(const struct hd_location *location, const struct hd_thread *thread,
	const struct hd_mount_place *place, int width, bool current)
{
	char id[HD_STATE_ID_TEXT_SIZE];

	(void)hd_state_short(location->store->index, &thread->head, id);
	printf("%c %s%-*s%s %s%s%s", current ? '*' : ' ', hd_output_color(stdout, HD_COLOR_STRONG), width,
		thread->name, hd_output_color(stdout, HD_COLOR_NONE),
		hd_output_color(stdout, HD_COLOR_IDENTIFIER), id, hd_output_color(stdout, HD_COLOR_NONE));
	if (place->directory) {
		fputc(' ', stdout);
		hd_output_path(stdout, place->directory);
	}
	fputc('\n', stdout);
	return 0;
}

static json_t *thread_json(const struct hd_thread *thread, const struct hd_mount_place *place, bool current)
{
	json_t *object = json_pack("{s:o, s:o, s:o, s:b, s:n}", "name", hd_control_text(thread->name), "head",
		hd_control_id(&thread->head), "base", hd_control_id(&thread->base), "current", (int)current,
		"mountpoint");

	if (place->directory && hd_json_set_path(object, "mountpoint", place->directory) < 0) {
		json_decref(object);
		return NULL;
	}
	return object;
}

/* LIST is NULL for text. */
static int show_thread(
	const struct hd_location *location, const struct hd_thread *thread, int width, json_t *list)
{
	bool current = strcmp(thread->name, location->thread) == 0;
	struct hd_mount_place place = {0};
	int r;

	r = hd_mount_find_thread(location->store->path, thread->name, &place);
	if (r < 0 && r != -HD_E_NOT_MOUNTED)
		return r;
	if (!list)
		r = print_thread(location, thread, &place, width, current);
	else
		r = json_array_append_new(list, thread_json(thread, &place, current)) < 0 ? -ENOMEM : 0;
	hd_mount_place_clear(&place);
	return r;
}

static int run_threads(const struct hd_invocation *invocation)
{
	HD_AUTO_LOCATION struct hd_location location = {0};
	struct hd_thread_heads heads = {0};
	json_t *list = NULL;
	size_t width = 0;
	int r;

	r = hd_locate(invocation, NULL, &location);
	if (r >= 0)
		r = hd_thread_heads_read(location.store->index, &heads);
	if (r < 0)
		return r;
	if (invocation->json)
		list = json_array();
	for (size_t i = 0; i < heads.count; i++)
		width = strlen(heads.threads[i].name) > width ? strlen(heads.threads[i].name) : width;
	for (size_t i = 0; i < heads.count && r >= 0; i++)
		r = show_thread(&location, &heads.threads[i], (int)width, list);
	if (r >= 0 && invocation->json)
		r = hd_output_json(json_pack("{s:O}", "threads", list));
	json_decref(list);
	hd_thread_heads_clear(&heads);
	return r < 0 ? r : HD_EXIT_OK;
}

const struct hd_command hd_command_threads = {
	.name = "threads",
	.summary = "List the threads and where they are mounted",
	.usage = "",
	.description = "Lists the store's threads by name, each with its head and, if it is mounted, its "
		       "mountpoint. A star "
		       "marks the thread in use: the one that commands are about when none is named.",
	.run = run_threads,
};
