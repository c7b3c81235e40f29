/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Status is one object made of independent parts: what changed (control_status_changes.h), the overlay's numbers, its
 * recovery, and the mount around it. Each part is its own function that returns NULL when memory is short;
 * json_pack and json_object_update carry a NULL to the end.
 */

#include "mount/answers/control_status.h"

#include <errno.h>

#include "capture/status.h"
#include "mount/control/control_error.h"
#include "mount/control/control_json.h"
#include "mount/control/control_status_changes.h"
#include "mount/fuse/requests/message_counters.h"
#include "mount/mount_options.h"
#include "mount/watchdog/watchdog.h"
#include "overlay/platform/clock.h"
#include "overlay/platform/error.h"

static json_t *worker_json(const struct hd_control_environment *environment)
{
	uint64_t up_ns = hd_clock_monotonic_ns() - environment->started_ns;

	if (environment->worker == 0)
		return json_null();
	return json_pack("{s:i, s:b, s:i, s:I, s:I, s:I, s:s?}", "pid", (int)environment->worker, "alive", 1,
		"supervisor", (int)environment->supervisor, "uptime_s", (json_int_t)(up_ns / 1000000000u),
		"generation", (json_int_t)(environment->restarts + 1), "restarts",
		(json_int_t)environment->restarts, "last_restart", environment->last_restart);
}

static void put_option(const struct hd_option_value *value, void *payload)
{
	json_t *object = payload;
	json_t *shown = value->kind == HD_OPTION_SWITCH ? json_boolean(value->number != 0)
			: value->kind == HD_OPTION_WORD ? json_stringn(value->word, value->word_length)
							: json_integer((json_int_t)value->number);

	(void)json_object_set_new(object, value->name, shown);
}

static json_t *options_json(const struct hd_control_environment *environment)
{
	json_t *object;

	if (!environment->options)
		return json_null();
	object = json_object();
	if (object)
		hd_mount_options_list(environment->options, put_option, object);
	return object;
}

static json_t *mount_json(const struct hd_control_environment *environment)
{
	json_t *messages =
		environment->messages ? hd_message_counters_json(environment->messages) : json_null();

	json_t *operations = environment->watchdog ? hd_watchdog_json(environment->watchdog) : json_null();

	json_t *object = json_pack("{s:b, s:n, s:o, s:o, s:o, s:o, s:o}", "mounted",
		environment->mountpoint != NULL, "mountpoint", "options", options_json(environment), "worker",
		worker_json(environment), "messages", messages, "operations", operations, "last_end",
		environment->last_end ? hd_control_text(environment->last_end) : json_null());

	return environment->mountpoint ? hd_control_with_name(object, "mountpoint", environment->mountpoint)
				       : object;
}

static json_t *numbers_json(struct hd_overlay *overlay)
{
	struct hd_overlay_counters counters = {0};
	struct hd_recovery_report recovery = {0};

	hd_overlay_counters(overlay, &counters);
	hd_overlay_recovery(overlay, &recovery);
	return json_pack(
		"{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:b, s:s?, s:{s:b, s:I, s:I, s:s?}}",
		"inodes", (json_int_t)counters.inodes, "directory_entries", (json_int_t)counters.entries,
		"looked_up", (json_int_t)counters.looked_up, "opened", (json_int_t)counters.opened, "orphans",
		(json_int_t)counters.orphans, "state_nodes", (json_int_t)counters.state_nodes, "hot_bytes",
		(json_int_t)counters.hot_bytes, "hot_limit", (json_int_t)counters.hot_limit, "large_files",
		(json_int_t)counters.large_files, "unstored_files", (json_int_t)counters.unstored_files,
		"journal_bytes", (json_int_t)counters.journal_bytes, "degraded", counters.flush_failure < 0,
		"degraded_by", counters.flush_failure < 0 ? hd_error_text(counters.flush_failure) : NULL,
		"recovery", "redo_applied", (int)recovery.redo_applied, "journal_epochs",
		(json_int_t)recovery.journal_epochs, "torn_bytes", (json_int_t)recovery.torn_bytes,
		"volatile_since", recovery.volatile_since[0] ? recovery.volatile_since : NULL);
}

/* "damage": null, or what of a dead worker's memory did not verify, and what is shown instead. */
static json_t *damage_json(struct hd_overlay *overlay)
{
	struct hd_recovery_report recovery = {0};
	const struct hd_memory_report *memory = &recovery.memory;

	hd_overlay_recovery(overlay, &recovery);
	if (memory->state == HD_MEMORY_SOUND)
		return json_pack("{s:n}", "damage");
	return json_pack("{s:{s:s, s:s, s:s, s:s, s:I}}", "damage", "flaw", memory->flaw, "shown",
		memory->state == HD_MEMORY_SHOWN ? "memory" : "disk", "lock", "namespace", "operation",
		memory->has_operation ? hd_message_name(memory->operation) : "background", "inode",
		(json_int_t)(uint32_t)memory->subject);
}

/* Adds the pairs of PART, whose reference is consumed, to REPLY. */
static int merge(json_t *reply, json_t *part)
{
	int failed = !part || json_object_update(reply, part) != 0;

	json_decref(part);
	return failed ? -ENOMEM : 0;
}

/* As hd_control_status_changes, of changes that cannot be found out: WHY, whose message is there, as "error". */
static int unknown_changes(struct hd_overlay *overlay, int why, json_t **ret_object)
{
	json_t *failure = hd_control_error_reply(why);
	struct hd_state_id head;

	hd_overlay_head(overlay, &head);
	*ret_object = json_pack("{s:s, s:o, s:n, s:[], s:b, s:O}", "thread", hd_overlay_thread(overlay),
		"head", hd_control_id(&head), "changes", "entries", "truncated", 0, "error",
		json_object_get(failure, "error"));
	json_decref(failure);
	return *ret_object ? 0 : -ENOMEM;
}

int hd_control_status(struct hd_overlay *overlay, const struct hd_control_environment *environment,
	size_t limit, enum hd_status_ignored ignored, bool partial, json_t **ret_reply)
{
	json_t *reply;
	int r;

	r = hd_control_status_changes(overlay, limit, ignored, &reply);
	if (r < 0 && partial && r != -HD_E_INTERRUPTED)
		r = unknown_changes(overlay, r, &reply);
	if (r < 0)
		return r;
	r = merge(reply, mount_json(environment));
	if (r >= 0)
		r = merge(reply, numbers_json(overlay));
	if (r >= 0)
		r = merge(reply, damage_json(overlay));
	if (r < 0) {
		json_decref(reply);
		return r;
	}
	*ret_reply = reply;
	return 0;
}
