/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/inodes/request_note.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "overlay/overlay_types.h"

/*
 * The record of a slot is written by transactions alone, under the namespace lock, and freed by one store without it:
 * a record that a death leaves behind is at worst one that nobody asks for, because the kernel never uses a number
 * twice.
 *
 * A request that is sent again by the successor of a successor finds the same record: it stays where its first
 * process put it until the reply is written.
 */

struct request {
	struct hd_arena *arena; /* NULL: the thread works on no request */
	uint32_t record;
	uint64_t unique;
	uint64_t steps;
	bool done;
	struct hd_result result; /* with done */
};

static _Thread_local struct request current;

static struct hd_result *record_of(const struct hd_arena *arena, uint32_t record)
{
	return (struct hd_result *)(uintptr_t)hd_record(arena, HD_TABLE_RESULT, record);
}

static uint64_t unique_of(const struct hd_arena *arena, uint32_t record)
{
	return __atomic_load_n(&record_of(arena, record)->unique, __ATOMIC_ACQUIRE);
}

static void drop(const struct hd_arena *arena, uint32_t record)
{
	__atomic_store_n(&record_of(arena, record)->unique, 0, __ATOMIC_RELEASE);
}

/* For the harness that must see what happens without. */
static bool is_switched_off(void)
{
	static _Atomic int state; /* 0: not asked yet, 1: on, 2: off */
	int known = atomic_load_explicit(&state, memory_order_relaxed);

	if (known == 0) {
		known = getenv("HEDDLE_DEBUG_NO_RESULTS") ? 2 : 1;
		atomic_store_explicit(&state, known, memory_order_relaxed);
	}
	return known == 2;
}

static void find_result(struct hd_overlay *overlay)
{
	hd_rwlock_read(&overlay->lock);
	for (uint32_t record = 1; record <= HD_REQUEST_SLOTS && !current.done; record++) {
		if (unique_of(overlay->arena, record) != current.unique)
			continue;
		current.done = true;
		current.record = record;
		current.result = *record_of(overlay->arena, record);
		current.steps = current.result.steps;
		__atomic_store_n(&record_of(overlay->arena, record)->awaited, 0, __ATOMIC_RELEASE);
		overlay->inherited[record] = false;
	}
	hd_rwlock_unlock(&overlay->lock);
}

void hd_request_begin(struct hd_overlay *overlay, uint32_t slot, uint64_t unique, bool resent)
{
	current = (struct request){.arena = overlay->arena, .record = slot + 1, .unique = unique};
	if (resent && !is_switched_off())
		find_result(overlay);
}

void hd_request_end(struct hd_overlay *overlay)
{
	if (current.arena && unique_of(overlay->arena, current.record) == current.unique)
		drop(overlay->arena, current.record);
	current = (struct request){0};
}

bool hd_request_is_done(void)
{
	return current.done;
}

hd_ino hd_request_done_ino(void)
{
	return current.result.ino;
}

void hd_request_note_size(struct hd_transaction *transaction, hd_ino ino, uint64_t size)
{
	if (current.arena != transaction->arena)
		return;
	*hd_edit_result(transaction, current.record) = (struct hd_result){.unique = current.unique,
		.ino = ino,
		.size = size,
		.steps = current.steps,
		.slot = current.record - 1};
}

void hd_request_note(struct hd_transaction *transaction, hd_ino ino)
{
	hd_request_note_size(transaction, ino, 0);
}

void hd_request_step(struct hd_transaction *transaction)
{
	if (current.arena != transaction->arena)
		return;
	current.steps++;
	hd_request_note(transaction, 0);
}

uint64_t hd_request_steps(void)
{
	return current.steps;
}

uint32_t hd_request_done_slot(void)
{
	return current.result.slot;
}

uint64_t hd_request_done_size(void)
{
	return current.result.size;
}

bool hd_request_slot_is_free(const struct hd_overlay *overlay, uint32_t slot)
{
	return unique_of(overlay->arena, slot + 1) == 0;
}

void hd_requests_inherit(struct hd_overlay *overlay)
{
	for (uint32_t record = 1; record <= HD_REQUEST_SLOTS; record++)
		overlay->inherited[record] = unique_of(overlay->arena, record) != 0;
}

void hd_requests_forget(struct hd_arena *arena)
{
	for (uint32_t record = 1; record <= HD_REQUEST_SLOTS; record++)
		drop(arena, record);
}

void hd_request_await(struct hd_overlay *overlay, uint64_t unique, uint32_t kind, hd_ino subject)
{
	for (uint32_t record = 1; record <= HD_REQUEST_SLOTS; record++) {
		struct hd_result *result = record_of(overlay->arena, record);

		if (unique_of(overlay->arena, record) != unique)
			continue;
		result->subject = subject;
		__atomic_store_n(&result->awaited, kind, __ATOMIC_RELEASE);
	}
}

void hd_requests_drained(struct hd_overlay *overlay,
	void (*take_back)(void *payload, const struct hd_withdrawn *withdrawn), void *payload)
{
	for (uint32_t record = 1; record <= HD_REQUEST_SLOTS; record++) {
		const struct hd_result *result = record_of(overlay->arena, record);
		struct hd_withdrawn withdrawn = {.kind = result->awaited,
			.subject = result->subject,
			.ino = result->ino,
			.slot = result->slot,
			.size = result->size};

		if (!overlay->inherited[record])
			continue;
		overlay->inherited[record] = false;
		/* First, so that nobody does it a second time. The slot stays nobody's until this is over. */
		__atomic_store_n(&record_of(overlay->arena, record)->awaited, 0, __ATOMIC_RELEASE);
		if (withdrawn.kind && take_back)
			take_back(payload, &withdrawn);
		drop(overlay->arena, record);
	}
}
