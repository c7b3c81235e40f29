/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The actors: who asks under which pid.
 *
 * A pid is remembered while its process lives, which a pidfd tells; then the next who asks under it is somebody else. So
 * a request needs no call to know who it is from. Threads have pids of their own: they are found out to be one process
 * when they are looked at.
 *
 * Looking at a process reads its memory, which waits while that process holds its own lock for a filesystem's answer,
 * perhaps ours. So this thread may be late, and nobody waits for it but a capture, for a while.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "mount/witness/witness_types.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/files/descriptor.h"
#include "overlay/platform/processes/process.h"
#include "overlay/platform/processes/process_identity.h"

static uint32_t *bucket_of_locked(struct hd_witness *witness, pid_t pid)
{
	return &witness->by_pid[(uint32_t)pid % WITNESS_PID_BUCKETS];
}

static uint32_t take_free_locked(struct hd_witness *witness)
{
	for (uint32_t tried = 0; tried < HD_WITNESS_ACTORS; tried++) {
		uint32_t number = (witness->free_hint + tried) % HD_WITNESS_ACTORS;

		if (number == 0 || witness->actors[number].phase != ACTOR_FREE)
			continue;
		witness->free_hint = number + 1;
		return number;
	}
	return 0;
}

uint32_t hd_witness_actor_of_locked(struct hd_witness *witness, pid_t pid, bool *ret_is_new)
{
	uint32_t *bucket = bucket_of_locked(witness, pid);
	uint32_t number;

	for (number = *bucket; number; number = witness->actors[number].next)
		if (witness->actors[number].pid == pid)
			return number;
	/* A search of the whole table once, and not for every request of a full one. */
	number = witness->incomplete ? 0 : take_free_locked(witness);
	if (number == 0) {
		witness->incomplete = true;
		return 0;
	}
	witness->actors[number] = (struct witness_actor){
		.phase = ACTOR_UNSEEN, .alive = true, .pid = pid, .next = *bucket, .watch_fd = -1};
	*bucket = number;
	witness->unseen++;
	*ret_is_new = true;
	return number;
}

bool hd_witness_name_actor_locked(struct hd_witness *witness, uint32_t number)
{
	struct witness_actor *actor = &witness->actors[number];

	if (number == 0 || actor->noted)
		return false;
	actor->noted = true;
	if (actor->phase == ACTOR_UNSEEN)
		return false;
	actor->phase = ACTOR_UNSEEN;
	witness->unseen++;
	return true;
}

static void clear_actor_locked(struct witness_actor *actor)
{
	free(actor->program);
	free(actor->actor);
	free(actor->tool_call);
	*actor = (struct witness_actor){0};
}

/* From now on who asks under its pid is another. */
static void unlink_locked(struct hd_witness *witness, uint32_t number)
{
	struct witness_actor *actor = &witness->actors[number];
	uint32_t *link = bucket_of_locked(witness, actor->pid);

	if (!actor->alive)
		return;
	while (*link != number)
		link = &witness->actors[*link].next;
	*link = actor->next;
	actor->alive = false;
}

void hd_witness_sweep_actors_locked(struct hd_witness *witness)
{
	HD_AUTO_FREE bool *used = calloc(HD_WITNESS_ACTORS, sizeof(*used));

	if (!used)
		return;
	for (uint32_t i = 0; i < witness->n_changes; i++) {
		const struct witness_change *change = &witness->changes[i];

		used[change->opened_by] = true;
		for (unsigned k = 0; k < change->n_actors; k++)
			used[change->actors[k]] = true;
	}
	for (uint32_t number = 1; number < HD_WITNESS_ACTORS; number++)
		used[witness->actors[number].same_as] |= used[number] || witness->actors[number].alive;
	for (uint32_t number = 1; number < HD_WITNESS_ACTORS; number++) {
		struct witness_actor *actor = &witness->actors[number];

		if (used[number] || actor->alive || actor->phase != ACTOR_SEEN || actor->watch_fd >= 0)
			continue;
		clear_actor_locked(actor);
	}
}

/* ---- the thread ---- */

static uint32_t next_unseen(struct hd_witness *witness, uint32_t after, pid_t *ret_pid)
{
	uint32_t found = 0;

	hd_mutex_lock(&witness->mutex);
	for (uint32_t i = 1; i < HD_WITNESS_ACTORS && witness->unseen > 0 && !found; i++) {
		uint32_t number = (after + i) % HD_WITNESS_ACTORS;

		if (number != 0 && witness->actors[number].phase == ACTOR_UNSEEN)
			found = number;
	}
	if (found)
		*ret_pid = witness->actors[found].pid;
	hd_mutex_unlock(&witness->mutex);
	return found;
}

/* Another thread of the process, which is watched already; or 0. */
static uint32_t find_process_locked(const struct hd_witness *witness, pid_t process, uint32_t besides)
{
	for (uint32_t number = 1; number < HD_WITNESS_ACTORS; number++) {
		const struct witness_actor *actor = &witness->actors[number];

		if (number != besides && actor->phase == ACTOR_SEEN && actor->process == process &&
			actor->watch_fd >= 0)
			return number;
	}
	return 0;
}

static void swap_text(char **a, char **b)
{
	char *held = *a;

	*a = *b;
	*b = held;
}

/* The old ones are freed with the identity. */
static void swap_texts(struct witness_actor *actor, struct hd_process_identity *identity)
{
	swap_text(&actor->program, &identity->program);
	swap_text(&actor->actor, &identity->actor);
	swap_text(&actor->tool_call, &identity->tool_call);
}

static void keep_identity(
	struct hd_witness *witness, uint32_t number, struct hd_process_identity *identity, int *watch_fd)
{
	struct witness_actor *actor = &witness->actors[number];

	hd_mutex_lock(&witness->mutex);
	actor->phase = ACTOR_SEEN;
	/* Else it is gone by now, and what was seen of it before is all that will be. */
	if (identity->process) {
		actor->process = identity->process;
		if (actor->watch_fd < 0)
			actor->same_as = find_process_locked(witness, identity->process, number);
		swap_texts(actor, identity);
	}
	if (!actor->same_as && actor->watch_fd < 0)
		actor->watch_fd = hd_steal_fd(watch_fd);
	/* Gone, or nobody would tell us when it is. */
	if (!actor->same_as && actor->watch_fd < 0)
		unlink_locked(witness, number);
	witness->unseen--;
	hd_condition_broadcast(&witness->seen);
	hd_mutex_unlock(&witness->mutex);
}

static void look_at(struct hd_witness *witness, uint32_t number, pid_t pid)
{
	struct hd_process_identity identity = {0};
	HD_AUTO_CLOSE int watch_fd = -1;

	if (hd_process_identify(pid, &identity) >= 0)
		watch_fd = hd_process_watch(identity.process);
	if (watch_fd >= 0 && hd_watch_set_add(witness->set, watch_fd, number) < 0)
		hd_descriptor_close(&watch_fd);
	keep_identity(witness, number, &identity, &watch_fd);
	hd_process_identity_clear(&identity);
}

/* The process NUMBER has ended, and with it its threads. */
static void forget_process(struct hd_witness *witness, uint32_t number)
{
	HD_AUTO_CLOSE int watch_fd = -1;

	hd_mutex_lock(&witness->mutex);
	watch_fd = witness->actors[number].watch_fd;
	witness->actors[number].watch_fd = -1;
	unlink_locked(witness, number);
	for (uint32_t other = 1; other < HD_WITNESS_ACTORS; other++) {
		struct witness_actor *thread = &witness->actors[other];

		if (thread->phase != ACTOR_SEEN || thread->same_as != number)
			continue;
		unlink_locked(witness, other);
		witness->actors[number].noted = witness->actors[number].noted || thread->noted;
		if (!thread->noted)
			clear_actor_locked(thread);
	}
	/* Who only read is of no interest. */
	if (!witness->actors[number].noted)
		clear_actor_locked(&witness->actors[number]);
	hd_mutex_unlock(&witness->mutex);
}

void *hd_witness_watch(void *payload)
{
	struct hd_witness *witness = payload;
	uint32_t number = 0, token;
	bool stopping = false;
	pid_t pid;

	while (!stopping && hd_watch_set_wait(witness->set, &token) >= 0) {
		if (token != HD_WATCH_WOKEN)
			forget_process(witness, token);
		while ((number = next_unseen(witness, number, &pid)) != 0)
			look_at(witness, number, pid);
		hd_mutex_lock(&witness->mutex);
		stopping = witness->stopping;
		hd_mutex_unlock(&witness->mutex);
	}
	return NULL;
}
