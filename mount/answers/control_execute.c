/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A table of requests; each row's function fills the reply's fields or fails with a code, and the one caller
 * turns either into the frame's "ok". A request comes from another process: every field is checked for its
 * type, unknown fields are ignored, so that an older worker answers a newer command line.
 */

#include "mount/answers/control_execute.h"
#include "mount/answers/control_capture.h"
#include "mount/format_numbers.h"
#include "mount/parts/adoption.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "capture/capture.h"
#include "capture/compare/diff.h"
#include "mount/answers/control_blame.h"
#include "mount/answers/control_changes.h"
#include "mount/answers/control_move.h"
#include "mount/answers/control_status.h"
#include "mount/answers/control_worktree.h"
#include "mount/control/control_json.h"
#include "mount/control/control_status_changes.h"
#include "mount/fuse/written_pages.h"
#include "mount/watchdog/watchdog.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/memory_file.h"

#define ENTRY_LIMIT_DEFAULT 1000
#define CONTEXT_LIMIT 1000000

struct execution {
	struct hd_overlay *overlay;
	const struct hd_control_environment *environment;
	json_t *request;
	json_t *reply; /* owned; set by the row's function on success */
	int fd;        /* owned or -1 */
};

static int malformed(const char *what)
{
	return hd_fail(HD_E_CONTROL_PROTOCOL, "the request's %s", what);
}

static int run_ping(struct execution *execution)
{
	execution->reply = json_pack("{s:s, s:i, s:i, s:o}", "version", hd_version, "pid",
		(int)execution->environment->supervisor, "worker", (int)execution->environment->worker,
		"formats", hd_formats_describe_all());
	return execution->reply ? 0 : -ENOMEM;
}

static int run_status(struct execution *execution)
{
	enum hd_status_ignored ignored = HD_STATUS_IGNORED_AS_ALL;
	json_int_t limit = ENTRY_LIMIT_DEFAULT;
	int told = 0, left_out = 0, partial = 0;

	if (json_unpack(execution->request, "{s?I, s?b, s?b, s?b}", "limit", &limit, "ignored", &told,
		    "no_ignored", &left_out, "partial", &partial) != 0 ||
		limit < 0)
		return malformed("'limit', 'ignored', 'no_ignored' or 'partial' is malformed");
	if (told || left_out)
		ignored = left_out ? HD_STATUS_IGNORED_LEFT_OUT : HD_STATUS_IGNORED_TOLD;
	return hd_control_status(execution->overlay, execution->environment, (size_t)limit, ignored,
		partial != 0, &execution->reply);
}

/* ---- capture ---- */

/* The request's facts as an array whose texts are borrowed from it. */
static int read_facts(json_t *request, struct hd_state_fact **ret_facts, size_t *ret_count)
{
	HD_AUTO_FREE struct hd_state_fact *facts = NULL;
	json_t *object = json_object_get(request, "facts");
	const char *key;
	json_t *value;
	size_t n = 0;

	if (object && !json_is_null(object) && !json_is_object(object))
		return malformed("'facts' are not an object");
	facts = calloc(json_object_size(object) + 1, sizeof(*facts));
	if (!facts)
		return -ENOMEM;
	json_object_foreach(object, key, value)
	{
		if (!json_is_string(value))
			return malformed("'facts' hold something that is not text");
		facts[n].key = (char *)(uintptr_t)key;
		facts[n].value = (char *)(uintptr_t)json_string_value(value);
		n++;
	}
	*ret_facts = HD_STEAL(facts);
	*ret_count = n;
	return 0;
}

static int read_time(json_t *request, struct hd_capture_time *ret_time, bool *ret_given)
{
	json_t *object = json_object_get(request, "time");
	json_int_t seconds = 0;
	int nanoseconds = 0;
	int zone = 0;

	*ret_given = object && !json_is_null(object);
	if (!*ret_given)
		return 0;
	if (json_unpack(object, "{s:I, s?i, s?i}", "s", &seconds, "ns", &nanoseconds, "zone", &zone) != 0 ||
		nanoseconds < 0 || nanoseconds > 999999999 || zone < -1440 || zone > 1440)
		return malformed("'time' is not a time");
	*ret_time = (struct hd_capture_time){
		.time_s = seconds, .time_ns = (uint32_t)nanoseconds, .zone_minutes = zone};
	return 0;
}

/* The largest files alone: they say where it comes from. */
static json_t *growth_json(const struct hd_growth *growth)
{
	json_t *largest = json_array();

	for (size_t i = 0; i < growth->n_largest && i < HD_GROWTH_NAMED; i++) {
		json_t *file = json_pack("{s:I}", "bytes", (json_int_t)growth->largest[i].bytes);

		if (hd_control_put_name(
			    file, "path", growth->largest[i].path, strlen(growth->largest[i].path)) < 0 ||
			json_array_append_new(largest, file) < 0) {
			json_decref(largest);
			return NULL;
		}
	}
	return json_pack("{s:I, s:o}", "bytes", (json_int_t)growth->bytes, "largest", largest);
}

static int run_capture(struct execution *execution)
{
	HD_CLEANUP(hd_growth_clear) struct hd_growth growth = {0};
	HD_CLEANUP(hd_control_paths_clear) struct hd_control_paths paths = {0};
	struct hd_witness *noting = execution->environment->witness;
	HD_AUTO_FREE struct hd_state_fact *facts = NULL;
	struct hd_capture_options options = {0};
	struct hd_capture_witness witness;
	struct hd_capture_time time;
	struct hd_state state;
	bool time_given;
	bool nothing;
	int aside = 0, without_ignored = 0;
	int r;

	if (json_unpack(execution->request, "{s?s, s:s, s?b, s?b}", "message", &options.message, "author",
		    &options.author, "aside", &aside, "no_ignored", &without_ignored) != 0)
		return malformed("'message', 'author', 'aside' or 'no_ignored' is malformed");
	options.choice.without_ignored = without_ignored != 0;
	options.aside = aside != 0;
	r = read_facts(execution->request, &facts, &options.n_facts);
	if (r >= 0)
		r = read_time(execution->request, &time, &time_given);
	if (r >= 0)
		r = hd_control_paths_read(execution->request, &paths);
	if (r < 0)
		return r;
	options.choice.paths = (const char *const *)paths.paths;
	options.choice.n_paths = paths.count;
	options.growth = &growth;
	options.facts = facts;
	options.time = time_given ? &time : NULL;
	if (noting) {
		hd_control_capture_witness(noting, &witness);
		options.witness = &witness;
	}
	r = hd_capture_run(execution->overlay, &options, &state, &nothing);
	if (r < 0)
		return r;
	execution->reply = json_pack("{s:o, s:b, s:o}", "state", hd_control_state(&state), "nothing",
		(int)nothing, "growth", growth_json(&growth));
	hd_state_clear(&state);
	return execution->reply ? 0 : -ENOMEM;
}

/* ---- diff ---- */

static json_t *diff_entry_json(const struct hd_diff_entry *entry)
{
	uint32_t mode = entry->new_mode ? entry->new_mode : entry->old_mode;
	json_t *object =
		json_pack("{s:s, s:s, s:i, s:i, s:I, s:I, s:b}", "kind", hd_change_kind_letter(entry->kind),
			"type", hd_change_type_name(mode), "old_mode", (int)entry->old_mode, "new_mode",
			(int)entry->new_mode, "added_lines", (json_int_t)entry->added_lines, "deleted_lines",
			(json_int_t)entry->deleted_lines, "binary", (int)entry->binary);

	if (hd_control_put_name(object, "path", entry->path, entry->path_length) < 0 ||
		hd_control_put_origin(object, entry->old_path) < 0) {
		json_decref(object);
		return NULL;
	}
	return object;
}

json_t *hd_control_diff(const struct hd_diff *diff)
{
	json_t *entries = json_array();
	size_t i;

	for (i = 0; i < diff->n_entries; i++) {
		if (json_array_append_new(entries, diff_entry_json(&diff->entries[i])) != 0) {
			json_decref(entries);
			return NULL;
		}
	}
	return json_pack("{s:o, s:o}", "changes", hd_control_changes(&diff->counts), "entries", entries);
}

static int read_depth(const char *format, enum hd_diff_depth *ret_depth)
{
	static const char *const names[] = {
		[HD_DIFF_NAMES] = "names", [HD_DIFF_STAT] = "stat", [HD_DIFF_PATCH] = "patch"};
	size_t i;

	_Static_assert(HD_ARRAY_SIZE(names) == HD_DIFF_DEPTH_COUNT, "a depth without a name");
	for (i = 0; i < HD_ARRAY_SIZE(names); i++) {
		if (strcmp(format, names[i]) == 0) {
			*ret_depth = (enum hd_diff_depth)i;
			return 0;
		}
	}
	return malformed("'format' is none of patch, stat, names");
}

/* The state named by KEY: *RET_GIVEN says whether it is one or null. */
static int read_state(json_t *request, const char *key, struct hd_state_id *ret_id, bool *ret_given)
{
	json_t *value = json_object_get(request, key);

	*ret_given = value && !json_is_null(value);
	if (!*ret_given)
		return 0;
	if (!json_is_string(value))
		return malformed("state is not text");
	return hd_control_id_decode(json_string_value(value), ret_id);
}

static int run_diff(struct execution *execution)
{
	HD_CLEANUP(hd_control_paths_clear) struct hd_control_paths paths = {0};
	HD_AUTO_CLOSE int fd = -1;
	struct hd_diff_file target = {.fd = -1};
	struct hd_diff_options options = {.write = hd_diff_write_file, .write_payload = &target};
	struct hd_state_id from, to;
	bool from_given, to_given;
	const char *format = "patch";
	int context = HD_DIFF_CONTEXT_DEFAULT, binary = 0;
	struct hd_diff diff;
	int r;

	if (json_unpack(execution->request, "{s?s, s?i, s?b}", "format", &format, "context", &context,
		    "binary", &binary) != 0 ||
		context < 0 || context > CONTEXT_LIMIT)
		return malformed("'format', 'context' or 'binary' is malformed");
	options.context_lines = (unsigned)context;
	options.binary = binary != 0;
	r = read_depth(format, &options.depth);
	if (r >= 0)
		r = hd_control_paths_read(execution->request, &paths);
	options.paths = (const char *const *)paths.paths;
	options.n_paths = paths.count;
	if (r >= 0)
		r = read_state(execution->request, "from", &from, &from_given);
	if (r >= 0)
		r = read_state(execution->request, "to", &to, &to_given);
	if (r >= 0 && options.depth == HD_DIFF_PATCH)
		r = fd = hd_memory_file_create("heddle-patch", 0);
	if (r < 0)
		return r;
	target.fd = fd;
	r = hd_diff_overlay(
		execution->overlay, from_given ? &from : NULL, to_given ? &to : NULL, &options, &diff);
	if (r < 0)
		return r;
	execution->reply = hd_control_diff(&diff);
	hd_diff_clear(&diff);
	execution->fd = hd_steal_fd(&fd);
	return execution->reply ? 0 : -ENOMEM;
}

/* ---- the table ---- */

static int run_restore(struct execution *execution)
{
	return hd_control_restore(
		execution->overlay, execution->environment, execution->request, &execution->reply);
}

static int run_undo(struct execution *execution)
{
	return hd_control_undo(
		execution->overlay, execution->environment, execution->request, &execution->reply);
}

static int run_advance(struct execution *execution)
{
	return hd_control_advance(
		execution->overlay, execution->environment, execution->request, &execution->reply);
}

static int run_fork(struct execution *execution)
{
	return hd_control_fork(execution->overlay, execution->request, &execution->reply);
}

static int run_blame(struct execution *execution)
{
	return hd_control_blame(execution->overlay, execution->request, &execution->reply);
}

static int run_changed_paths(struct execution *execution)
{
	return hd_control_changed_paths(
		execution->overlay, execution->request, &execution->reply, &execution->fd);
}

static int run_worktree(struct execution *execution)
{
	return hd_control_worktree(execution->overlay, execution->environment, &execution->reply);
}

static int run_sync(struct execution *execution)
{
	int r = hd_overlay_sync(execution->overlay);

	if (r < 0)
		return r;
	execution->reply = json_object();
	return execution->reply ? 0 : -ENOMEM;
}

/* The worker hands this one to the supervisor before it comes here. */
static int run_unmount(struct execution *execution)
{
	(void)execution;
	return -HD_E_NOT_MOUNTED;
}

static const struct {
	const char *op;
	int (*run)(struct execution *execution);
	bool changes; /* what damaged memory must not be asked for */
	bool looks;   /* at what programs wrote */
} requests[] = {
	{"ping", run_ping, false, false},
	{"status", run_status, false, true},
	{"capture", run_capture, true, true},
	{"diff", run_diff, false, true},
	{"blame", run_blame, false, true},
	{"restore", run_restore, true, true},
	{"undo", run_undo, true, true},
	{"advance", run_advance, true, true},
	{"fork", run_fork, true, true},
	{"changed_paths", run_changed_paths, false, true},
	{"worktree", run_worktree, false, false},
	{"sync", run_sync, false, true},
	{"unmount", run_unmount, false, false},
};

static int run_request(struct execution *execution)
{
	const char *op;
	size_t i;

	if (json_unpack(execution->request, "{s:s}", "op", &op) != 0)
		return malformed("'op' is missing");
	for (i = 0; i < HD_ARRAY_SIZE(requests); i++) {
		int r;

		if (strcmp(op, requests[i].op) != 0)
			continue;
		r = requests[i].changes ? hd_overlay_may_change(execution->overlay) : 0;
		if (r >= 0 && requests[i].looks && execution->environment->watchdog)
			r = hd_written_pages_await(hd_watchdog_activities(execution->environment->watchdog));
		return r < 0 ? r : requests[i].run(execution);
	}
	return hd_fail(HD_E_CONTROL_PROTOCOL, "there is no request '%s'", op);
}

int hd_control_execute(struct hd_overlay *overlay, const struct hd_control_environment *environment,
	json_t *request, json_t **ret_reply, int *ret_fd)
{
	struct execution execution = {
		.overlay = overlay, .environment = environment, .request = request, .fd = -1};
	int r;

	hd_error_clear();
	r = run_request(&execution);
	if (r >= 0 && json_object_set_new(execution.reply, "ok", json_true()) != 0)
		r = -ENOMEM;
	if (r < 0) {
		json_decref(execution.reply);
		hd_cleanup_close(&execution.fd);
		execution.fd = -1;
		execution.reply = hd_control_error_reply(r);
	}
	if (!execution.reply)
		return -ENOMEM;
	*ret_reply = execution.reply;
	*ret_fd = execution.fd;
	return 0;
}
