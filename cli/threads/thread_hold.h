/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CLI_THREADS_THREAD_HOLD_H
#define HEDDLE_CLI_THREADS_THREAD_HOLD_H

/*
 * Thread hold: makes sure that nobody else has a thread while a command moves it. A command that gave the thread another number,
 * or dropped it, leaves no run files and logs of the old one, and no mountpoint in the store under a name that is gone.
 *
 * Ownership   hd_thread_hold_clear ends it, while the store is open.
 * Threads     The main thread.
 * Errors      -HD_E_MOUNTED with where it is mounted, -HD_E_THREAD_BUSY after HD_CONTROL_PATIENCE_MS,
 *             -HD_E_THREAD_MISSING.
 */

#include <stdint.h>

#include "cli/arguments/store_locate.h"

struct hd_thread_hold {
	int lease_fd;                 /* owned, or -1: nothing is held */
	char *thread;                 /* owned: its name then */
	uint32_t number;              /* of the thread when it was taken */
	const struct hd_store *store; /* borrowed */
};

#define HD_THREAD_HOLD_NONE ((struct hd_thread_hold){.lease_fd = -1})

/* Waits for other commands, not for a mount. */
int hd_thread_hold_take(
	const struct hd_location *location, const char *thread, struct hd_thread_hold *ret_hold);
void hd_thread_hold_clear(struct hd_thread_hold *hold);

#define HD_AUTO_THREAD_HOLD __attribute__((cleanup(hd_thread_hold_clear)))

#endif
