/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The changes: an array in the order in which they came, found by buckets of indices. It is only emptied, by a capture, which
 * moves what came after its mark to the front and makes the buckets anew.
 *
 * Names are kept as hashes: a directory's names that are gone cannot be listed from here, and a capture knows the names
 * that it asks for.
 */

#include "mount/witness/witness.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "mount/witness/witness_types.h"
#include "overlay/platform/checksum.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/clock.h"
#include "overlay/platform/error.h"
#include "overlay/platform/threads/task_thread.h"

#define SETTLE_NS 1000000000u
#define MOMENT_NS 10000000u

/* For the test, whose machine may be busy for longer than that. */
static uint64_t moment(void)
{
	const char *wish = getenv("HEDDLE_DEBUG_WITNESS_MS");

	return wish ? strtoull(wish, NULL, 10) * 1000000u : MOMENT_NS;
}

int hd_witness_new(struct hd_witness **ret_witness)
{
	struct hd_witness *witness = calloc(1, sizeof(*witness));
	int r;

	if (!witness)
		return -ENOMEM;
	witness->moment_ns = moment();
	hd_mutex_init(&witness->mutex, HD_RANK_LEAF);
	hd_condition_init(&witness->seen);
	/* Pages that are never used cost nothing. */
	witness->actors = calloc(HD_WITNESS_ACTORS, sizeof(*witness->actors));
	witness->capacity = WITNESS_CHANGES_AT_FIRST;
	witness->changes = calloc(witness->capacity, sizeof(*witness->changes));
	witness->buckets = calloc(WITNESS_CHANGE_BUCKETS, sizeof(*witness->buckets));
	r = witness->actors && witness->changes && witness->buckets ? 0 : -ENOMEM;
	if (r >= 0)
		r = hd_watch_set_new(&witness->set);
	if (r >= 0)
		r = hd_thread_start(&witness->thread, "witness", hd_witness_watch, witness);
	witness->started = r >= 0;
	if (r < 0) {
		hd_witness_free(witness);
		return hd_fail_in(r, "begin to record who changes what");
	}
	*ret_witness = witness;
	return 0;
}

void hd_witness_free(struct hd_witness *witness)
{
	if (!witness)
		return;
	if (witness->started) {
		hd_mutex_lock(&witness->mutex);
		witness->stopping = true;
		hd_mutex_unlock(&witness->mutex);
		hd_watch_set_wake(witness->set);
		hd_thread_join(witness->thread);
	}
	for (uint32_t number = 1; number <= witness->n_actors; number++) {
		struct witness_actor *actor = &witness->actors[number];

		if (actor->phase == ACTOR_FREE)
			continue;
		hd_cleanup_close(&actor->watch_fd);
		hd_cleanup_close(&actor->image_fd);
		hd_witness_identity_put_locked(witness, actor->identity);
	}
	hd_watch_set_free(witness->set);
	free(witness->actors);
	free(witness->changes);
	free(witness->buckets);
	hd_condition_destroy(&witness->seen);
	hd_mutex_destroy(&witness->mutex);
	free(witness);
}

/* ---- the table ---- */

static uint64_t name_hash(const char *name, size_t length)
{
	return name ? hd_checksum64(name, length) | 1 : 0;
}

static uint32_t *bucket_of_locked(struct hd_witness *witness, hd_ino ino, uint64_t hash)
{
	const uint64_t key[] = {ino, hash};

	return &witness->buckets[hd_checksum64(key, sizeof(key)) % WITNESS_CHANGE_BUCKETS];
}

static struct witness_change *find_locked(struct hd_witness *witness, hd_ino ino, uint64_t hash)
{
	for (uint32_t at = *bucket_of_locked(witness, ino, hash); at; at = witness->changes[at - 1].next)
		if (witness->changes[at - 1].ino == ino && witness->changes[at - 1].hash == hash)
			return &witness->changes[at - 1];
	return NULL;
}

/* Room for CAPACITY changes; false, and all as it was, when memory is short. */
static bool resize_locked(struct hd_witness *witness, uint32_t capacity)
{
	struct witness_change *changes = reallocarray(witness->changes, capacity, sizeof(*changes));

	if (!changes)
		return false;
	witness->changes = changes;
	witness->capacity = capacity;
	return true;
}

static struct witness_change *find_or_add_locked(struct hd_witness *witness, hd_ino ino, uint64_t hash)
{
	struct witness_change *change = find_locked(witness, ino, hash);
	uint32_t *bucket;

	if (change)
		return change;
	if (witness->n_changes == witness->capacity &&
		(witness->capacity >= HD_WITNESS_CHANGES || !resize_locked(witness, witness->capacity * 2))) {
		witness->incomplete = true;
		return NULL;
	}
	bucket = bucket_of_locked(witness, ino, hash);
	change = &witness->changes[witness->n_changes++];
	*change = (struct witness_change){.ino = ino, .hash = hash, .next = *bucket};
	*bucket = witness->n_changes;
	return change;
}

/* To the front; the oldest goes when there is no room. */
static void put_first(struct witness_change *change, uint32_t number)
{
	unsigned at = 0;

	while (at < change->n_actors && change->actors[at] != number)
		at++;
	if (at == change->n_actors && change->n_actors < HD_PROVENANCE_LIMIT)
		change->n_actors++;
	if (at == HD_PROVENANCE_LIMIT)
		at--;
	memmove(&change->actors[1], &change->actors[0], at * sizeof(change->actors[0]));
	change->actors[0] = number;
}

static void note_locked(struct hd_witness *witness, struct witness_change *change, uint32_t number, pid_t pid)
{
	change->when = ++witness->clock;
	/* The kernel writes for who wrote before, as far as anybody knows. */
	if (pid == 0 && change->n_actors > 0)
		return;
	if (pid == 0)
		number = change->opened_by;
	if (pid <= 0 || number != 0) {
		put_first(change, number);
		return;
	}
	/* Those who changed it before are not who did it last. */
	change->n_actors = 0;
	witness->incomplete = true;
}

/*
 * Most commands end when they have changed one thing: who waits for the answer to that can be looked at, who got it is
 * gone. So the first change of a process is held for a moment; for no longer, because that process may hold what it
 * takes to look at it until it has the answer.
 */
static void await_seen(struct hd_witness *witness, uint32_t number)
{
	uint64_t deadline;

	if (number == 0)
		return;
	deadline = hd_clock_monotonic_ns() + witness->moment_ns;
	hd_mutex_lock(&witness->mutex);
	while (witness->actors[number].phase == ACTOR_UNSEEN && !witness->actors[number].awaited &&
		hd_condition_wait_until(&witness->seen, &witness->mutex, deadline))
		;
	witness->actors[number].awaited = true;
	hd_mutex_unlock(&witness->mutex);
}

void hd_witness_see(struct hd_witness *witness, pid_t pid)
{
	bool is_new = false;

	hd_mutex_lock(&witness->mutex);
	(void)hd_witness_actor_of_locked(witness, pid, &is_new);
	hd_mutex_unlock(&witness->mutex);
	if (is_new)
		hd_watch_set_wake(witness->set);
}

/*
 * Who asks as PID: of a thread that was found to be one of a process, that. It waits for our answer, and so has its memory,
 * which cannot end here.
 */
static uint32_t process_of_locked(struct hd_witness *witness, pid_t pid, bool *ret_is_new)
{
	uint32_t number = hd_witness_actor_of_locked(witness, pid, ret_is_new);
	uint32_t process = witness->actors[number].same_as ? witness->actors[number].same_as : number;
	const struct witness_actor *actor = &witness->actors[process];

	if (actor->phase != ACTOR_SEEN || !actor->noted || actor->watch_fd < 0 || actor->image_fd < 0 ||
		!hd_process_image_is_left(actor->image_fd))
		return process;
	hd_witness_end_process_locked(witness, process);
	return hd_witness_actor_of_locked(witness, pid, ret_is_new);
}

void hd_witness_note(struct hd_witness *witness, hd_ino ino, const char *name, size_t length, pid_t pid)
{
	struct witness_change *change;
	bool is_new = false;
	uint32_t number = 0;

	if (!witness)
		return;
	hd_mutex_lock(&witness->mutex);
	if (pid > 0)
		number = process_of_locked(witness, pid, &is_new);
	change = find_or_add_locked(witness, ino, name_hash(name, length));
	if (change)
		note_locked(witness, change, number, pid);
	if (number != 0 && change)
		is_new |= hd_witness_name_actor_locked(witness, number);
	hd_mutex_unlock(&witness->mutex);
	if (is_new)
		hd_watch_set_wake(witness->set);
	await_seen(witness, number);
}

void hd_witness_note_replaced(struct hd_witness *witness, hd_ino ino, const char *name)
{
	struct witness_change *change;

	hd_mutex_lock(&witness->mutex);
	change = find_or_add_locked(witness, ino, name_hash(name, name ? strlen(name) : 0));
	if (change) {
		change->n_actors = 0;
		note_locked(witness, change, 0, HD_WITNESS_OUTSIDE);
	}
	hd_mutex_unlock(&witness->mutex);
}

void hd_witness_miss(struct hd_witness *witness)
{
	if (!witness)
		return;
	hd_mutex_lock(&witness->mutex);
	witness->incomplete = true;
	hd_mutex_unlock(&witness->mutex);
}

void hd_witness_note_opened(struct hd_witness *witness, hd_ino ino, pid_t pid)
{
	struct witness_change *change;
	bool is_new = false;

	if (!witness || pid <= 0)
		return;
	hd_mutex_lock(&witness->mutex);
	change = find_or_add_locked(witness, ino, 0);
	if (change) {
		change->opened_by = process_of_locked(witness, pid, &is_new);
		is_new |= hd_witness_name_actor_locked(witness, change->opened_by);
		change->n_opened += change->n_opened < UINT16_MAX;
		change->when = ++witness->clock;
	}
	hd_mutex_unlock(&witness->mutex);
	if (is_new)
		hd_watch_set_wake(witness->set);
}

void hd_witness_note_released(struct hd_witness *witness, hd_ino ino)
{
	struct witness_change *change;

	if (!witness)
		return;
	hd_mutex_lock(&witness->mutex);
	change = find_locked(witness, ino, 0);
	if (change && change->n_opened > 0 && --change->n_opened == 0)
		change->opened_by = 0;
	hd_mutex_unlock(&witness->mutex);
}

/* ---- captures ---- */

uint64_t hd_witness_mark(struct hd_witness *witness)
{
	uint64_t mark;

	hd_mutex_lock(&witness->mutex);
	mark = witness->clock;
	hd_mutex_unlock(&witness->mutex);
	return mark;
}

void hd_witness_forget(struct hd_witness *witness, uint64_t mark)
{
	uint32_t kept = 0;

	hd_mutex_lock(&witness->mutex);
	memset(witness->buckets, 0, WITNESS_CHANGE_BUCKETS * sizeof(*witness->buckets));
	for (uint32_t i = 0; i < witness->n_changes; i++) {
		struct witness_change change = witness->changes[i];
		uint32_t *bucket;

		/* Who has a file open may write to it still. */
		if (change.when <= mark)
			change.n_actors = 0;
		if (change.when <= mark && change.opened_by == 0)
			continue;
		bucket = bucket_of_locked(witness, change.ino, change.hash);
		change.next = *bucket;
		witness->changes[kept] = change;
		*bucket = ++kept;
	}
	witness->n_changes = kept;
	if (kept <= WITNESS_CHANGES_AT_FIRST && witness->capacity > WITNESS_CHANGES_AT_FIRST)
		(void)resize_locked(witness, WITNESS_CHANGES_AT_FIRST);
	witness->incomplete = witness->full = false;
	hd_witness_sweep_actors_locked(witness);
	hd_mutex_unlock(&witness->mutex);
}

void hd_witness_forget_one(struct hd_witness *witness, hd_ino ino, const char *name, uint64_t mark)
{
	struct witness_change *change;

	hd_mutex_lock(&witness->mutex);
	change = find_locked(witness, ino, name_hash(name, name ? strlen(name) : 0));
	if (change && change->when <= mark)
		change->n_actors = 0;
	hd_mutex_unlock(&witness->mutex);
}

void hd_witness_settle(struct hd_witness *witness)
{
	uint64_t deadline = hd_clock_monotonic_ns() + SETTLE_NS;

	hd_mutex_lock(&witness->mutex);
	while (witness->unseen > 0 && hd_condition_wait_until(&witness->seen, &witness->mutex, deadline))
		;
	hd_mutex_unlock(&witness->mutex);
}

unsigned hd_witness_who(
	struct hd_witness *witness, hd_ino ino, const char *name, uint32_t numbers[HD_PROVENANCE_LIMIT])
{
	const struct witness_change *change;
	unsigned count = 0;

	hd_mutex_lock(&witness->mutex);
	change = find_locked(witness, ino, name_hash(name, name ? strlen(name) : 0));
	for (unsigned i = 0; change && i < change->n_actors; i++) {
		uint32_t number = change->actors[i];
		unsigned before = 0;

		if (witness->actors[number].same_as)
			number = witness->actors[number].same_as;
		while (before < count && numbers[before] != number)
			before++;
		if (before == count)
			numbers[count++] = number;
	}
	hd_mutex_unlock(&witness->mutex);
	return count;
}

static char *copy(const char *text)
{
	return strdup(text ? text : "");
}

int hd_witness_actor(struct hd_witness *witness, uint32_t number, struct hd_provenance_actor *ret_actor)
{
	const struct witness_actor *actor = &witness->actors[number];
	const struct witness_identity *known;

	hd_mutex_lock(&witness->mutex);
	known = actor->identity;
	*ret_actor =
		(struct hd_provenance_actor){.pid = (uint32_t)(actor->process ? actor->process : actor->pid),
			.program = copy(known ? known->program : NULL),
			.actor = copy(known ? known->actor : NULL),
			.tool_call = copy(known ? known->tool_call : NULL)};
	hd_mutex_unlock(&witness->mutex);
	return ret_actor->program && ret_actor->actor && ret_actor->tool_call ? 0 : -ENOMEM;
}

bool hd_witness_is_incomplete(struct hd_witness *witness)
{
	bool incomplete;

	hd_mutex_lock(&witness->mutex);
	incomplete = witness->incomplete;
	hd_mutex_unlock(&witness->mutex);
	return incomplete;
}
