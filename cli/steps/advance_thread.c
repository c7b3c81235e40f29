/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/steps/advance_thread.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/terminal/output.h"
#include "cli/terminal/progress.h"
#include "cli/text/state_text.h"
#include "cli/threads/live_move.h"
#include "cli/threads/thread_command.h"
#include "cli/threads/thread_hold.h"
#include "mount/control/control_json.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"

static int advance_here(const struct hd_location *location, const struct hd_advance_options *options,
	const char *label, struct hd_operation *ret_operation)
{
	int r;

	hd_progress_begin(label, HD_PROGRESS_STOPS);
	r = hd_thread_advance(location->store, options, ret_operation);
	hd_progress_end();
	return r;
}

static int advance_there(const struct hd_location *location, const struct hd_advance_options *options,
	const char *label, struct hd_operation *ret_operation)
{
	bool nothing;

	return hd_live_move(location, location->thread,
		json_pack("{s:s, s:s, s:o, s:o, s:o*, s:s}", "op", "advance", "kind",
			hd_operation_kind_name(options->kind), "from", hd_control_id(options->from), "to",
			hd_control_id(options->to), "base",
			options->base ? hd_control_id(options->base) : NULL, "actor", options->actor),
		label, &nothing, ret_operation);
}

int hd_advance_thread(const struct hd_location *location, const struct hd_advance_options *options,
	const char *actor, const char *label, struct hd_operation *ret_operation)
{
	struct hd_advance_options here = *options;
	HD_AUTO_THREAD_HOLD struct hd_thread_hold hold = HD_THREAD_HOLD_NONE;
	int r;

	here.thread = location->thread;
	here.actor = actor;
	r = hd_thread_hold_take(location, location->thread, &hold);
	if (r >= 0)
		return advance_here(location, &here, label, ret_operation);
	return r == -HD_E_MOUNTED ? advance_there(location, &here, label, ret_operation) : r;
}

int hd_advance_check_captured(const struct hd_location *location)
{
	HD_AUTO_JSON json_t *reply = NULL;
	int r = hd_thread_ask(location,
		json_pack("{s:s, s:i, s:b}", "op", "status", "limit", 0, "no_ignored", 1), "looking", &reply,
		NULL);

	if (r < 0 || hd_reply_number(json_object_get(reply, "changes"), "total") == 0)
		return r;
	return hd_fail(HD_E_UNCAPTURED, "%llu %s of thread '%s'",
		HD_COUNT(hd_reply_number(json_object_get(reply, "changes"), "total"), "change"),
		location->thread);
}

int hd_advance_print_conflicts(const struct hd_location *location, const struct hd_conflicts *conflicts,
	const struct hd_state *state)
{
	char id[HD_STATE_ID_TEXT_SIZE];

	for (size_t i = 0; i < conflicts->count; i++) {
		printf("    %s%-15s%s ", hd_output_color(stdout, HD_COLOR_ERROR),
			hd_conflict_kind_name(conflicts->items[i].kind),
			hd_output_color(stdout, HD_COLOR_NONE));
		hd_output_path(stdout, conflicts->items[i].path);
		fputc('\n', stdout);
	}
	(void)hd_state_short(location->store->index, &state->id, id);
	printf("The merge is kept in %s. To solve it: 'heddle thread create NAME %s', 'heddle mount NAME',\n"
	       "edit, 'heddle capture', 'heddle land NAME'\n",
		id, id);
	return 0;
}

json_t *hd_advance_conflicts_json(const struct hd_conflicts *conflicts)
{
	json_t *array = json_array();

	for (size_t i = 0; i < conflicts->count; i++) {
		const struct hd_conflict *conflict = &conflicts->items[i];
		json_t *object = json_pack("{s:s}", "kind", hd_conflict_kind_name(conflict->kind));

		if (hd_control_put_name(object, "path", conflict->path, strlen(conflict->path)) < 0 ||
			json_array_append_new(array, object) < 0) {
			json_decref(array);
			return NULL;
		}
	}
	return array;
}
