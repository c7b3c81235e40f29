/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/platform/threads/activity.h"

#include <stddef.h>
#include <unistd.h>

/*
 * A look reads the beginning before and after the rest of a slot; each store releases and each load acquires, so that a
 * field of a later operation is never seen with the beginning of an earlier one. The clock is coarse, so that two operations may begin
 * at the same instant and their fields be mixed in one view; both are then younger than anybody asks for.
 */

static _Thread_local struct hd_activity *current;

void hd_activities_init(struct hd_activities *table)
{
	hd_mutex_init(&table->lock, HD_RANK_LEAF);
	table->first = NULL;
}

void hd_activities_destroy(struct hd_activities *table)
{
	hd_mutex_destroy(&table->lock);
}

void hd_activities_add(struct hd_activities *table, struct hd_activity *slot)
{
	hd_mutex_lock(&table->lock);
	slot->next = table->first;
	slot->link = &table->first;
	if (slot->next)
		slot->next->link = &slot->next;
	table->first = slot;
	hd_mutex_unlock(&table->lock);
}

void hd_activities_remove(struct hd_activities *table, struct hd_activity *slot)
{
	hd_mutex_lock(&table->lock);
	if (slot->link) {
		*slot->link = slot->next;
		if (slot->next)
			slot->next->link = slot->link;
		slot->link = NULL;
	}
	hd_mutex_unlock(&table->lock);
}

void hd_activities_look(struct hd_activities *table,
	void (*each)(struct hd_activity *slot, const struct hd_activity_view *view, void *payload),
	void *payload)
{
	uint64_t now = hd_clock_coarse_ns();

	hd_mutex_lock(&table->lock);
	for (struct hd_activity *slot = table->first; slot; slot = slot->next) {
		uint64_t began = atomic_load_explicit(&slot->began_ns, memory_order_acquire);
		struct hd_activity_view view = {.age_ns = began < now ? now - began : 0,
			.subject = atomic_load_explicit(&slot->subject, memory_order_acquire),
			.kind = atomic_load_explicit(&slot->kind, memory_order_acquire),
			.caller = atomic_load_explicit(&slot->caller, memory_order_acquire),
			.thread = atomic_load_explicit(&slot->thread, memory_order_acquire),
			.waits_for = atomic_load_explicit(&slot->waits_for, memory_order_acquire)};

		if (began != 0 && atomic_load_explicit(&slot->began_ns, memory_order_acquire) == began)
			each(slot, &view, payload);
	}
	hd_mutex_unlock(&table->lock);
}

void hd_activity_work(struct hd_activity *slot)
{
	current = slot;
	if (slot)
		atomic_store_explicit(&slot->thread, (int32_t)gettid(), memory_order_relaxed);
}

bool hd_activity_current(uint32_t *ret_kind, uint64_t *ret_subject)
{
	if (!current || atomic_load_explicit(&current->began_ns, memory_order_relaxed) == 0)
		return false;
	*ret_kind = atomic_load_explicit(&current->kind, memory_order_relaxed);
	*ret_subject = atomic_load_explicit(&current->subject, memory_order_relaxed);
	return true;
}

const char *hd_activity_waits_for(const char *what)
{
	const char *before;

	if (!current)
		return NULL;
	/* Nobody else writes it. */
	before = atomic_load_explicit(&current->waits_for, memory_order_relaxed);
	atomic_store_explicit(&current->waits_for, what, memory_order_relaxed);
	return before;
}
