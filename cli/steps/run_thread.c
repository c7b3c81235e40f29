/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/steps/run_thread.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capture/identity.h"
#include "capture/threads/thread_change.h"
#include "cli/steps/take_commits.h"
#include "cli/text/operation_text.h"
#include "cli/threads/thread_hold.h"
#include "mount/run_file.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/random.h"

/* The part of the old name that a new one keeps: with the rest it stays below the limit of names. */
#define KEPT_NAME 160

char **hd_run_copy_arguments(const struct hd_invocation *invocation)
{
	char **copy = calloc(invocation->n_arguments + 1, sizeof(*copy));

	if (copy)
		memcpy(copy, invocation->arguments, invocation->n_arguments * sizeof(*copy));
	return copy;
}

static int make_name(const char *thread, char **ret_name)
{
	char *name;

	if (asprintf(&name, "%s-run-%08" PRIx32, strlen(thread) <= KEPT_NAME ? thread : "long",
		    (uint32_t)hd_random64()) < 0)
		return -ENOMEM;
	*ret_name = name;
	return 0;
}

/*
 * Of a thread that is thrown away nobody asks who made it: git's configuration, which takes a library to read, is left alone, as that
 * would be a fifth of the time until the command begins.
 */
static char *operation_actor(const struct hd_run *run)
{
	const char *known = run->author ? run->author : getenv("HEDDLE_AUTHOR");
	char *author = NULL;

	if (!run->author && !run->removes)
		return hd_operation_actor(&run->location);
	if (known && *known && hd_identity_resolve(known, NULL, &author) >= 0)
		return author;
	hd_error_clear();
	return strdup("");
}

static int create_fork(struct hd_run *run, const char *name)
{
	HD_CLEANUP(hd_operation_clear)
	struct hd_operation operation = {
		.kind = HD_OPERATION_CREATE, .actor = operation_actor(run), .after = {.name = strdup(name)}};
	struct hd_thread origin;
	int r;

	if (!operation.actor || !operation.after.name)
		return -ENOMEM;
	r = hd_thread_name_check(name);
	if (r >= 0)
		r = hd_take_commits(&run->location);
	if (r >= 0)
		r = hd_index_get_thread(run->location.store->index, run->location.thread, &origin);
	if (r < 0)
		return r;
	operation.after.head = operation.after.base = operation.after.tree = origin.head;
	hd_thread_clear(&origin);
	r = hd_thread_change_apply(run->location.store, &operation, NULL);
	run->created = r >= 0;
	return r;
}

static int take_fork(struct hd_run *run, const char *name)
{
	HD_AUTO_FREE char *made = NULL;
	int r;

	r = name ? 0 : make_name(run->location.thread, &made);
	if (r >= 0)
		r = create_fork(run, name ? name : made);
	if (r < 0)
		return r;
	free(run->location.thread);
	run->location.thread = name ? strdup(name) : HD_STEAL(made);
	return run->location.thread ? 0 : -ENOMEM;
}

int hd_run_choose_thread(struct hd_run *run, bool forks, const char *name)
{
	int r = forks ? take_fork(run, name) : 0;

	return r < 0 ? r
		     : hd_index_thread_number(run->location.store->index, run->location.thread, &run->number);
}

int hd_run_discard_thread(struct hd_run *run)
{
	HD_CLEANUP(hd_operation_clear) struct hd_operation operation = {0};
	HD_AUTO_FREE char *actor = operation_actor(run);
	HD_AUTO_THREAD_HOLD struct hd_thread_hold hold = HD_THREAD_HOLD_NONE;
	int r;

	if (!actor)
		return -ENOMEM;
	r = hd_thread_hold_take(&run->location, run->location.thread, &hold);
	if (r >= 0)
		r = hd_thread_change_begin(run->location.store, run->location.thread, HD_OPERATION_DROP,
			actor, false, NULL, &operation);
	if (r < 0)
		return r;
	hd_operation_side_clear(&operation.after);
	r = hd_thread_change_apply(run->location.store, &operation, NULL);
	run->discarded = r >= 0;
	return r;
}

void hd_run_clear(struct hd_run *run)
{
	hd_location_clear(&run->location);
	free(run->arguments);
	free(run->author);
	free(run->directory);
	json_decref(run->captured);
}
