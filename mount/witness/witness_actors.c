/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The actors: who asks under which pid.
 *
 * A pid is remembered while its process lives, which a pidfd tells; then the next who asks under it is somebody else. So
 * a request needs no call to know who it is from. Threads have pids of their own: they are found out to be one process
 * when they are looked at, and from then on it is that one which changes things.
 *
 * A process that executes another program keeps its pid, and is somebody else from then on. The kernel tells nobody; so it is asked, with
 * each change, whether the memory of the program that was looked at is still there (process_identity.h).
 *
 * Who has ended is kept while a change names it. When there is no room those go that none names any more, because others
 * changed the same afterwards.
 */

#include <stdlib.h>

#include "mount/witness/witness_types.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/files/descriptor.h"

/* A sweep that made less room than this will be needed again too soon. */
#define WORTHWHILE (HD_WITNESS_ACTORS / 64)

static uint32_t *bucket_of_locked(struct hd_witness *witness, pid_t pid)
{
	return &witness->by_pid[(uint32_t)pid % WITNESS_BUCKETS];
}

static uint32_t take_free_locked(struct hd_witness *witness)
{
	uint32_t number = witness->first_free;

	if (number) {
		witness->first_free = witness->actors[number].next;
		return number;
	}
	return witness->n_actors + 1 < HD_WITNESS_ACTORS ? ++witness->n_actors : 0;
}

static uint32_t make_room_locked(struct hd_witness *witness)
{
	unsigned room = 0;

	if (witness->full)
		return 0;
	hd_witness_sweep_actors_locked(witness);
	for (uint32_t number = witness->first_free; number && room < WORTHWHILE;
		number = witness->actors[number].next)
		room++;
	witness->full = room < WORTHWHILE;
	return take_free_locked(witness);
}

static void queue_locked(struct hd_witness *witness, uint32_t number)
{
	struct witness_actor *actor = &witness->actors[number];

	actor->phase = ACTOR_UNSEEN;
	actor->next_unseen = 0;
	if (witness->first_unseen)
		witness->actors[witness->last_unseen].next_unseen = number;
	else
		witness->first_unseen = number;
	witness->last_unseen = number;
	witness->unseen++;
}

uint32_t hd_witness_actor_of_locked(struct hd_witness *witness, pid_t pid, bool *ret_is_new)
{
	uint32_t *bucket = bucket_of_locked(witness, pid);
	uint32_t number;

	for (number = *bucket; number; number = witness->actors[number].next)
		if (witness->actors[number].pid == pid)
			return number;
	number = take_free_locked(witness);
	if (number == 0)
		number = make_room_locked(witness);
	if (number == 0)
		return 0;
	witness->actors[number] = (struct witness_actor){
		.alive = true, .pid = pid, .next = *bucket, .watch_fd = -1, .image_fd = -1};
	*bucket = number;
	queue_locked(witness, number);
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
	queue_locked(witness, number);
	return true;
}

void hd_witness_clear_actor_locked(struct hd_witness *witness, uint32_t number)
{
	struct witness_actor *actor = &witness->actors[number];

	hd_witness_identity_put_locked(witness, actor->identity);
	hd_cleanup_close(&actor->image_fd);
	*actor = (struct witness_actor){.phase = ACTOR_FREE, .next = witness->first_free};
	witness->first_free = number;
}

void hd_witness_unlink_actor_locked(struct hd_witness *witness, uint32_t number)
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

/* ---- the end of a process ---- */

static void unwatch_locked(struct hd_witness *witness, uint32_t number)
{
	struct witness_actor *actor = &witness->actors[number];
	uint32_t *link = &witness->by_process[(uint32_t)actor->process % WITNESS_BUCKETS];

	while (*link != number)
		link = &witness->actors[*link].next_process;
	*link = actor->next_process;
	hd_descriptor_close(&actor->watch_fd);
	hd_descriptor_close(&actor->image_fd);
}

/* Of what only read nothing is kept. One that is UNSEEN is about to be looked at, and named. */
static void end_actor_locked(struct hd_witness *witness, uint32_t number)
{
	const struct witness_actor *actor = &witness->actors[number];

	hd_witness_unlink_actor_locked(witness, number);
	if (!actor->noted && actor->phase == ACTOR_SEEN)
		hd_witness_clear_actor_locked(witness, number);
}

void hd_witness_end_process_locked(struct hd_witness *witness, uint32_t number)
{
	struct witness_actor *process = &witness->actors[number];
	uint32_t thread, next;

	unwatch_locked(witness, number);
	for (thread = process->first_thread; thread; thread = next) {
		next = witness->actors[thread].next_thread;
		process->noted = process->noted || witness->actors[thread].noted;
		end_actor_locked(witness, thread);
	}
	process->first_thread = 0;
	end_actor_locked(witness, number);
}

void hd_witness_sweep_actors_locked(struct hd_witness *witness)
{
	HD_AUTO_FREE bool *used = calloc(witness->n_actors + 1, sizeof(*used));

	if (!used)
		return;
	for (uint32_t i = 0; i < witness->n_changes; i++) {
		const struct witness_change *change = &witness->changes[i];

		used[change->opened_by] = true;
		for (unsigned k = 0; k < change->n_actors; k++)
			used[change->actors[k]] = true;
	}
	for (uint32_t number = 1; number <= witness->n_actors; number++)
		used[witness->actors[number].same_as] |= used[number] || witness->actors[number].alive;
	for (uint32_t number = 1; number <= witness->n_actors; number++) {
		const struct witness_actor *actor = &witness->actors[number];

		if (!used[number] && !actor->alive && actor->phase == ACTOR_SEEN && actor->watch_fd < 0)
			hd_witness_clear_actor_locked(witness, number);
	}
}
