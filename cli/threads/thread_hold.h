/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CLI_THREADS_THREAD_HOLD_H
#define HEDDLE_CLI_THREADS_THREAD_HOLD_H

/*
 * Thread hold: makes sure that nobody else has a thread while a command moves it.
 *
 * Ownership   The descriptor is the hold: closing it ends it.
 * Threads     The main thread.
 * Errors      -HD_E_MOUNTED with where it is mounted, -HD_E_THREAD_BUSY after HD_CONTROL_PATIENCE_MS,
 *             -HD_E_THREAD_MISSING.
 */

#include "cli/arguments/store_locate.h"

/* Waits for other commands, not for a mount. The hold, or a negative code. */
int hd_thread_hold(const struct hd_location *location, const char *thread);

#endif
