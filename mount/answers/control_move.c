/* SPDX-License-Identifier: Apache-2.0 */
#include "mount/answers/control_move.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "capture/threads/operation_undo.h"
#include "capture/threads/restore.h"
#include "capture/threads/thread_advance.h"
#include "capture/threads/thread_fork.h"
#include "mount/answers/replaced_files.h"
#include "mount/control/control_json.h"
#include "mount/witness/witness.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/log.h"
#include "overlay/platform/processes/process.h"
#include "overlay/snapshot.h"

/*
 * In this order:
 *
 *     1  the command flushes the mount (control_client.c): what is written through mappings is in the overlay
 *     2  no capture runs, and none begins
 *     3  most bytes that the kept state needs are stored, while programs go on writing
 *     4  requests that change the tree wait
 *     5  what is not captured is kept; the tree is switched; both are durable
 *     6  requests go on, and the kernel drops what it believes
 *     7  the answer
 */

struct moving {
	struct hd_overlay *overlay;
	const struct hd_control_environment *environment;
	struct hd_live_thread live;
	bool head_follows; /* what nobody had looked into is afterwards as a state has it */
};

static void begin(struct moving *moving)
{
	const struct hd_control_environment *environment = moving->environment;

	moving->live.overlay = moving->overlay;
	hd_overlay_hold_captures(moving->overlay);
	hd_overlay_settle(moving->overlay);
	if (environment->session)
		environment->switching->hold_changes(environment->session);
}

/*
 * A tree of which a part is switched must be changed by nobody: who opens it next finishes that, and would do so over the changes.
 * The next worker is who does, as after any death.
 */
static void give_way(const struct moving *moving)
{
	hd_log(HD_LOG_ERROR, "thread '%s' could not be given its other tree: the next worker finishes it",
		hd_overlay_thread(moving->overlay));
	(void)hd_process_kill(getpid(), SIGKILL);
}

/* While nobody changes anything: whoever changed what another tree has taken the place of has not made what is there now. */
static void tell_witness(const struct moving *moving)
{
	struct hd_witness *witness = moving->environment->witness;
	const struct hd_switch_change *changes = NULL;
	size_t count = 0;

	if (witness && moving->live.tree_switch)
		changes = hd_switch_changes(moving->live.tree_switch, &count);
	for (size_t i = 0; i < count; i++) {
		if (changes[i].kind == HD_SWITCH_UNREAD && !moving->head_follows)
			hd_witness_miss(witness);
		else if (changes[i].kind != HD_SWITCH_UNREAD && changes[i].kind != HD_SWITCH_DIRECTORY)
			hd_witness_note_replaced(witness, changes[i].ino, changes[i].name);
	}
}

static void end(struct moving *moving)
{
	const struct hd_control_environment *environment = moving->environment;

	if (environment->session && hd_switch_is_announced(moving->overlay))
		give_way(moving);
	tell_witness(moving);
	if (environment->session)
		environment->switching->release_changes(environment->session, moving->live.tree_switch);
	(void)hd_switch_told(moving->overlay);
	hd_overlay_unhold_captures(moving->overlay);
}

/* What a kernel that keeps sizes and times itself is to be told of a file that somebody has open. */
static int put_size(const struct moving *moving, hd_ino ino, json_t *file)
{
	struct hd_attributes attributes;
	int r = hd_overlay_getattr(moving->overlay, ino, &attributes);

	if (r < 0)
		return r;
	if (json_object_set_new(file, "number", json_integer((json_int_t)attributes.number)) < 0 ||
		json_object_set_new(file, "size", json_integer((json_int_t)attributes.size)) < 0 ||
		json_object_set_new(file, "modified",
			json_pack("[I, I]", (json_int_t)attributes.modify_time.tv_sec,
				(json_int_t)attributes.modify_time.tv_nsec)) < 0)
		return -ENOMEM;
	return 0;
}

static bool must_be_looked_at(const struct hd_switch_change *change, bool keeps_sizes)
{
	return change->held &&
	       (change->kind == HD_SWITCH_FILE || (keeps_sizes && change->kind == HD_SWITCH_ATTRIBUTES));
}

/* Where the files are whose size the kernel must ask for: it would append where the old one ended. */
static json_t *replaced_files(const struct moving *moving)
{
	const struct hd_control_environment *environment = moving->environment;
	bool keeps_sizes =
		environment->session && environment->switching->kernel_keeps_sizes(environment->session);
	json_t *files = json_array();
	const struct hd_switch_change *changes = NULL;
	size_t count = 0;

	if (moving->live.tree_switch)
		changes = hd_switch_changes(moving->live.tree_switch, &count);
	for (size_t i = 0; i < count; i++) {
		HD_AUTO_FREE char *path = NULL;
		json_t *file;

		if (!must_be_looked_at(&changes[i], keeps_sizes) ||
			hd_overlay_path(moving->overlay, changes[i].ino, &path) < 0)
			continue;
		file = json_object();
		if (hd_control_put_name(file, "path", path, strlen(path)) < 0 ||
			(keeps_sizes && put_size(moving, changes[i].ino, file) < 0)) {
			json_decref(file);
			continue;
		}
		(void)json_array_append_new(files, file);
	}
	return files;
}

static int make_reply(const struct moving *moving, const struct hd_operation *operation, json_t **ret_reply)
{
	*ret_reply = json_pack("{s:b, s:I, s:o}", "nothing", operation == NULL, "operation",
		(json_int_t)(operation ? operation->number : 0), "replaced", replaced_files(moving));
	return *ret_reply ? 0 : -ENOMEM;
}

/* R is what the move came to; OPERATION is NULL where there was nothing to do. */
static int conclude(struct moving *moving, int r, const struct hd_operation *operation, json_t **ret_reply)
{
	const struct hd_control_environment *environment = moving->environment;

	end(moving);
	if (r >= 0)
		r = make_reply(moving, operation, ret_reply);
	/* Otherwise the client says when it has shown them. */
	if (environment->session && (r < 0 || !hd_replaced_files_any(*ret_reply)))
		environment->switching->changes_are_shown(environment->session);
	hd_switch_free(moving->live.tree_switch);
	return r;
}

/* ---- restore ---- */

int hd_control_restore(struct hd_overlay *overlay, const struct hd_control_environment *environment,
	json_t *request, json_t **ret_reply)
{
	struct moving moving = {.overlay = overlay, .environment = environment};
	HD_CLEANUP(hd_control_paths_clear) struct hd_control_paths paths = {0};
	HD_CLEANUP(hd_operation_clear) struct hd_operation operation = {0};
	struct hd_restore_options options = {.thread = hd_overlay_thread(overlay), .live = &moving.live};
	const char *source;
	struct hd_state_id id;
	bool nothing = false;
	int r;

	if (json_unpack(request, "{s:s, s:s}", "source", &source, "actor", &options.actor) != 0)
		return hd_fail(HD_E_CONTROL_PROTOCOL, "the request's 'source' or 'actor'");
	r = hd_control_id_decode(source, &id);
	if (r >= 0)
		r = hd_control_paths_read(request, &paths);
	if (r < 0)
		return r;
	options.source = &id;
	options.paths = (const char *const *)paths.paths;
	options.n_paths = paths.count;
	begin(&moving);
	r = hd_restore(hd_overlay_store(overlay), &options, &operation, &nothing);
	return conclude(&moving, r, nothing ? NULL : &operation, ret_reply);
}

/* ---- undo ---- */

int hd_control_undo(struct hd_overlay *overlay, const struct hd_control_environment *environment,
	json_t *request, json_t **ret_reply)
{
	struct moving moving = {.overlay = overlay, .environment = environment};
	HD_CLEANUP(hd_undo_plan_clear) struct hd_undo_plan plan = {0};
	HD_CLEANUP(hd_operation_clear) struct hd_operation operation = {0};
	struct hd_store *store = hd_overlay_store(overlay);
	const char *actor;
	json_int_t number;
	int again;
	int r;

	if (json_unpack(request, "{s:I, s:b, s:s}", "number", &number, "redo", &again, "actor", &actor) !=
			0 ||
		number < 0)
		return hd_fail(HD_E_CONTROL_PROTOCOL, "the request's 'number', 'redo' or 'actor'");
	r = hd_undo_prepare(
		store->index, again ? HD_OPERATION_REDO : HD_OPERATION_UNDO, (uint64_t)number, &plan);
	if (r >= 0 && (!plan.held || strcmp(plan.held, hd_overlay_thread(overlay)) != 0))
		r = hd_fail(HD_E_CONTROL_PROTOCOL, "operation %lld is not of this thread", (long long)number);
	if (r < 0)
		return r;
	begin(&moving);
	r = hd_undo_apply(store, &plan, actor, &moving.live, &operation);
	/* What a state has told of, and what was kept of another tree, may be uncaptured again. */
	if (r >= 0)
		hd_witness_miss(environment->witness);
	return conclude(&moving, r, &operation, ret_reply);
}

/* ---- advance ---- */

static int read_kind(const char *text, enum hd_operation_kind *ret_kind)
{
	static const enum hd_operation_kind kinds[] = {
		HD_OPERATION_LAND, HD_OPERATION_REBASE, HD_OPERATION_COMMIT};

	for (size_t i = 0; i < HD_ARRAY_SIZE(kinds); i++) {
		if (strcmp(text, hd_operation_kind_name(kinds[i])) == 0) {
			*ret_kind = kinds[i];
			return 0;
		}
	}
	return hd_fail(HD_E_CONTROL_PROTOCOL, "the request's 'kind'");
}

int hd_control_advance(struct hd_overlay *overlay, const struct hd_control_environment *environment,
	json_t *request, json_t **ret_reply)
{
	struct moving moving = {.overlay = overlay, .environment = environment, .head_follows = true};
	HD_CLEANUP(hd_operation_clear) struct hd_operation operation = {0};
	struct hd_advance_options options = {.thread = hd_overlay_thread(overlay), .live = &moving.live};
	const char *kind, *from, *to, *base = NULL;
	struct hd_state_id from_id, to_id, base_id;
	int r;

	if (json_unpack(request, "{s:s, s:s, s:s, s:s, s?s}", "kind", &kind, "actor", &options.actor, "from",
		    &from, "to", &to, "base", &base) != 0)
		return hd_fail(
			HD_E_CONTROL_PROTOCOL, "the request's 'kind', 'from', 'to', 'base' or 'actor'");
	r = read_kind(kind, &options.kind);
	if (r >= 0)
		r = hd_control_id_decode(from, &from_id);
	if (r >= 0)
		r = hd_control_id_decode(to, &to_id);
	if (r >= 0 && base)
		r = hd_control_id_decode(base, &base_id);
	if (r < 0)
		return r;
	options.from = &from_id;
	options.to = &to_id;
	options.base = base ? &base_id : NULL;
	begin(&moving);
	r = hd_thread_advance(hd_overlay_store(overlay), &options, &operation);
	return conclude(&moving, r, &operation, ret_reply);
}

/* ---- fork ---- */

int hd_control_fork(struct hd_overlay *overlay, json_t *request, json_t **ret_reply)
{
	HD_CLEANUP(hd_operation_clear) struct hd_operation operation = {0};
	struct hd_thread_fork fork = {.from = hd_overlay_thread(overlay), .overlay = overlay};
	bool changes = false;
	int r;

	if (json_unpack(request, "{s:s, s:s}", "name", &fork.name, "actor", &fork.actor) != 0)
		return hd_fail(HD_E_CONTROL_PROTOCOL, "the request's 'name' or 'actor'");
	r = hd_thread_fork(hd_overlay_store(overlay), &fork, &operation, &changes);
	if (r < 0)
		return r;
	*ret_reply =
		json_pack("{s:I, s:b}", "operation", (json_int_t)operation.number, "changes", (int)changes);
	return *ret_reply ? 0 : -ENOMEM;
}
