/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_MOUNT_WATCHDOG_WATCHDOG_H
#define HEDDLE_MOUNT_WATCHDOG_WATCHDOG_H

/*
 * Watchdog: one thread that looks at the operations in flight and tells of those that are slow.
 *
 *     hd_watchdog_new → operations are entered and left in slots of _activities → hd_watchdog_free
 *
 * It tells and does nothing else. That nobody waits for a dead base longer than its deadline is the base's own rule
 * (overlay/bases/base_deadline.h), which works without anybody looking.
 *
 * Ownership   All slots are removed before _free.
 * Threads     Any. Errors: none after _new.
 */

#include <jansson.h>
#include <stdint.h>
#include <sys/types.h>

#include "overlay/platform/threads/activity.h"

struct hd_watchdog;

struct hd_watchdog_settings {
	/* An operation is told of when it is this old, and again whenever its age has doubled; 0: never. */
	uint64_t slow_ns;
	/*
	 * One that is this old and waits for nothing that is known (hd_activity_waits_for) hangs: GIVE_UP is called, which
	 * ends the process, so that another one takes over. Time in which the process was stopped does not count. 0: never.
	 */
	uint64_t hang_ns;
	void (*give_up)(void *payload);
	/* The watchdog's thread has begun, and calls this: it ends with the process, or in hd_watchdog_free. NULL: nothing. */
	void (*begun)(void *payload, pid_t thread);
	void *payload;
	/* Where the stacks of all threads are written when one is told of first, once a minute at most; borrowed. NULL:
	 * nowhere. */
	const char *stacks_directory, *stacks_name;
};

int hd_watchdog_new(const struct hd_watchdog_settings *settings, struct hd_watchdog **ret_watchdog);
/* NULL is fine. */
void hd_watchdog_free(struct hd_watchdog *watchdog);

/* Its thread, for hd_process_watch_thread; 0 if there is none, or none yet. */
pid_t hd_watchdog_thread(struct hd_watchdog *watchdog);

/* Where slots are put; their kinds are those of enum fuse_opcode. */
struct hd_activities *hd_watchdog_activities(struct hd_watchdog *watchdog);

/*
 * {"in_flight": {"READ": 2}, "slowest": {"operation", "inode", "process", "age_ms", "waits_for"} or null, "slow": N},
 * N operations that were told of. NULL when memory is short.
 */
json_t *hd_watchdog_json(struct hd_watchdog *watchdog);

#endif
