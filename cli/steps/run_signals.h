/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CLI_STEPS_RUN_SIGNALS_H
#define HEDDLE_CLI_STEPS_RUN_SIGNALS_H

/*
 * Run signals: what would end `heddle run` beside its command waits, because a thread that was made for the command would be left
 * behind. While the command runs the signals are hd_warden_run's, which lets them end this process again when it returns.
 *
 *     hd_run_signals_hold → a thread is made, mounted → hd_run_signals_came → hd_warden_run → hd_run_signals_hold → all is taken
 *     away → hd_run_signals_forget
 *
 * Ownership   One of zeroes holds nothing. Threads: the main thread, while it is the only one that takes signals.
 * Errors      -errno of signalfd(2).
 */

#include <stdbool.h>
#include <stddef.h>

#define HD_RUN_SIGNALS 3

struct hd_run_signals {
	int fd; /* owned, if count > 0 */
	int held[HD_RUN_SIGNALS];
	size_t count;
};

/* SIGINT, SIGTERM and SIGHUP wait from now on, those that are ignored excepted. Once more is fine. */
int hd_run_signals_hold(struct hd_run_signals *signals);

/* Whether one came; it is taken. */
bool hd_run_signals_came(const struct hd_run_signals *signals);

/* What came is forgotten: the work is done. */
void hd_run_signals_forget(struct hd_run_signals *signals);

#endif
