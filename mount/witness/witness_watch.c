/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The witness's thread: looks at processes, and hears when they end.
 *
 * Looking at a process reads its memory, which waits while that process holds its own lock for a filesystem's answer,
 * perhaps ours. So this thread may be late, and nobody waits for it but a capture, for a while.
 */

#include <stdlib.h>

#include "mount/witness/witness_types.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/files/descriptor.h"
#include "overlay/platform/processes/process.h"

static uint32_t *bucket_of_locked(struct hd_witness *witness, pid_t process)
{
	return &witness->by_process[(uint32_t)process % WITNESS_BUCKETS];
}

static uint32_t next_unseen(struct hd_witness *witness, pid_t *ret_pid)
{
	uint32_t number;

	hd_mutex_lock(&witness->mutex);
	number = witness->first_unseen;
	if (number) {
		witness->first_unseen = witness->actors[number].next_unseen;
		/* The first of its threads may have ended. */
		*ret_pid = witness->actors[number].process ? witness->actors[number].process
							   : witness->actors[number].pid;
	}
	hd_mutex_unlock(&witness->mutex);
	return number;
}

/* ---- processes that are watched ---- */

/* Another thread of the process, which is watched already; or 0. */
static uint32_t find_process_locked(struct hd_witness *witness, pid_t process)
{
	uint32_t number = *bucket_of_locked(witness, process);

	while (number && witness->actors[number].process != process)
		number = witness->actors[number].next_process;
	return number;
}

static void watch_locked(struct hd_witness *witness, uint32_t number, int *watch_fd)
{
	struct witness_actor *actor = &witness->actors[number];
	uint32_t *bucket = bucket_of_locked(witness, actor->process);

	actor->watch_fd = hd_steal_fd(watch_fd);
	actor->next_process = *bucket;
	*bucket = number;
}

static void join_process_locked(struct hd_witness *witness, uint32_t number, uint32_t process)
{
	struct witness_actor *actor = &witness->actors[number];

	actor->same_as = process;
	actor->next_thread = witness->actors[process].first_thread;
	witness->actors[process].first_thread = number;
}

/* ---- looking ---- */

static void take_identity_locked(
	struct hd_witness *witness, struct witness_actor *actor, struct hd_process_identity *identity)
{
	struct witness_identity *known = hd_witness_identity_get_locked(witness, identity);

	if (!known)
		return;
	hd_witness_identity_put_locked(witness, actor->identity);
	actor->identity = known;
}

/* What is seen of a process: for whoever takes it, or clear_look. */
struct look {
	struct hd_process_identity identity;
	int watch_fd, image_fd; /* owned; -1 */
};

static void clear_look(struct look *look)
{
	hd_process_identity_clear(&look->identity);
	hd_cleanup_close(&look->watch_fd);
	hd_cleanup_close(&look->image_fd);
}

static void keep_look(struct hd_witness *witness, uint32_t number, struct look *look)
{
	struct hd_process_identity *identity = &look->identity;
	struct witness_actor *actor = &witness->actors[number];
	uint32_t other = 0;

	hd_mutex_lock(&witness->mutex);
	actor->phase = ACTOR_SEEN;
	/* Else it is gone by now, and what was seen of it before is all that will be. */
	if (identity->process) {
		if (actor->watch_fd < 0 && !actor->same_as) {
			actor->process = identity->process;
			other = find_process_locked(witness, identity->process);
		}
		take_identity_locked(witness, actor, identity);
	}
	if (other)
		join_process_locked(witness, number, other);
	else if (actor->watch_fd < 0 && !actor->same_as && look->watch_fd >= 0)
		watch_locked(witness, number, &look->watch_fd);
	if (actor->watch_fd >= 0) {
		hd_cleanup_close(&actor->image_fd);
		actor->image_fd = hd_steal_fd(&look->image_fd);
	}
	/* Gone, or nobody would tell us when it is. */
	if (!actor->same_as && actor->watch_fd < 0)
		hd_witness_unlink_actor_locked(witness, number);
	witness->unseen--;
	hd_condition_broadcast(&witness->seen);
	hd_mutex_unlock(&witness->mutex);
}

/* Its program is known before who it is, and must be the same afterwards. */
static void look_at(struct hd_witness *witness, uint32_t number, pid_t pid)
{
	HD_CLEANUP(clear_look) struct look look = {.watch_fd = -1, .image_fd = -1};

	for (unsigned attempt = 0; attempt < 2; attempt++) {
		hd_process_identity_clear(&look.identity);
		hd_cleanup_close(&look.image_fd);
		look.image_fd = hd_process_image_open(pid);
		if (hd_process_identify(pid, &look.identity) < 0 || look.image_fd < 0 ||
			!hd_process_image_is_left(look.image_fd))
			break;
	}
	if (look.identity.process)
		look.watch_fd = hd_process_watch(look.identity.process);
	if (look.watch_fd >= 0 && hd_watch_set_add(witness->set, look.watch_fd, number) < 0)
		hd_descriptor_close(&look.watch_fd);
	keep_look(witness, number, &look);
}

/* A process that executed something else may have made way for another since its end was told. */
static void forget_process(struct hd_witness *witness, uint32_t number)
{
	hd_mutex_lock(&witness->mutex);
	if (witness->actors[number].watch_fd >= 0)
		hd_witness_end_process_locked(witness, number);
	hd_mutex_unlock(&witness->mutex);
}

void *hd_witness_watch(void *payload)
{
	struct hd_witness *witness = payload;
	uint32_t number, token;
	bool stopping = false;
	pid_t pid;

	while (!stopping && hd_watch_set_wait(witness->set, &token) >= 0) {
		if (token != HD_WATCH_WOKEN)
			forget_process(witness, token);
		while ((number = next_unseen(witness, &pid)) != 0)
			look_at(witness, number, pid);
		hd_mutex_lock(&witness->mutex);
		stopping = witness->stopping;
		hd_mutex_unlock(&witness->mutex);
	}
	return NULL;
}
