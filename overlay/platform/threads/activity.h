/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_PLATFORM_THREADS_ACTIVITY_H
#define HEDDLE_PLATFORM_THREADS_ACTIVITY_H

/*
 * Operations in flight: who works on what since when, for somebody else to look at.
 *
 *     hd_activities_add(table, slot) → { hd_activity_enter → hd_activity_leave } ... → hd_activities_remove
 *
 * A slot is embedded in what works on one operation at a time: a thread, or a task that a pool will run. Entering and
 * leaving write the slot's own cache line: no lock, no call into the kernel, some 30 ns together
 * (tests/bench/activity.c).
 *
 * Ownership   Slots are their owners'; they are removed before they are freed.
 * Threads     A slot is entered and left by one thread at a time; _look may run in any.
 * Errors      None.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "overlay/platform/clock.h"
#include "overlay/platform/lock.h"

struct hd_activity {
	_Alignas(64) _Atomic uint64_t began_ns; /* of hd_clock_coarse_ns; 0: nothing is in flight */
	_Atomic uint64_t subject;               /* the inode that it is about */
	_Atomic uint32_t kind;
	_Atomic int32_t caller;        /* the process that asked */
	_Atomic int32_t thread;        /* the thread that works on it; 0: none yet */
	const char *_Atomic waits_for; /* static text, or NULL */
	uint64_t told_began_ns;        /* of who looks: the operation that it has told of */
	uint64_t told_ns;              /* and its age then */
	uint64_t seen_began_ns;        /* of who looks: the operation that it saw last */
	uint64_t seen_ns;         /* and when first, or when last it waited for something, on its own clock */
	struct hd_activity *next; /* (table's lock) */
	struct hd_activity **link; /* (table's lock) what points here; NULL: in no table */
};

struct hd_activities {
	struct hd_mutex lock; /* rank LEAF */
	struct hd_activity *first;
};

/* A slot as one look saw it. */
struct hd_activity_view {
	uint64_t age_ns;
	uint64_t subject;
	uint32_t kind;
	int32_t caller;
	int32_t thread;
	const char *waits_for;
};

void hd_activities_init(struct hd_activities *table);
/* No slot is left in it. */
void hd_activities_destroy(struct hd_activities *table);

void hd_activities_add(struct hd_activities *table, struct hd_activity *slot);
/* A slot that was never added is fine. */
void hd_activities_remove(struct hd_activities *table, struct hd_activity *slot);

/* Calls EACH, under the table's lock, for every slot with something in flight. */
void hd_activities_look(struct hd_activities *table,
	void (*each)(struct hd_activity *slot, const struct hd_activity_view *view, void *payload),
	void *payload);

/* The calling thread works on SLOT's operations from now on; NULL: on none. */
void hd_activity_work(struct hd_activity *slot);

/* What the calling thread works on; false when it has no operation. */
bool hd_activity_current(uint32_t *ret_kind, uint64_t *ret_subject);

/* What the calling thread's operation waits for, a static text or NULL; returns what it was before. For threads without
 * an operation nothing happens. */
const char *hd_activity_waits_for(const char *what);

/* The same until the end of the block. */
#define HD_WAITS_FOR(what)                                                                         \
	__attribute__((cleanup(hd_activity_waits_no_more), unused)) const char *hd_waited_before = \
		hd_activity_waits_for(what)

static inline void hd_activity_waits_no_more(const char *const *before)
{
	(void)hd_activity_waits_for(*before);
}

static inline void hd_activity_enter(
	struct hd_activity *slot, uint32_t kind, uint64_t subject, int32_t caller)
{
	atomic_store_explicit(&slot->kind, kind, memory_order_release);
	atomic_store_explicit(&slot->subject, subject, memory_order_release);
	atomic_store_explicit(&slot->caller, caller, memory_order_release);
	atomic_store_explicit(&slot->began_ns, hd_clock_coarse_ns(), memory_order_release);
}

static inline void hd_activity_leave(struct hd_activity *slot)
{
	atomic_store_explicit(&slot->began_ns, 0, memory_order_release);
}

#endif
