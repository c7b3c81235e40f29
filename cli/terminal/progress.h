/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CLI_TERMINAL_PROGRESS_H
#define HEDDLE_CLI_TERMINAL_PROGRESS_H

/*
 * Progress: shows on stderr how far work is that lasts longer than half a second, and stops it at Ctrl-C.
 *
 *     hd_progress_begin("capturing", HD_PROGRESS_STOPS) → the work → hd_progress_end
 *
 * On a terminal it is one line, with a bar where it is known how much there is to do; the line is gone when the work ends.
 * With --json it is one object per line, {"progress":{"work","step","done","total","seconds"}}, twice a second, of work that
 * can be stopped. What the work is at is this thread's struct hd_work (overlay/platform/threads/work.h), which begins here.
 *
 * Threads     One progress at a time; begin and end in the same thread, which calls hd_progress_hide before it prints in
 *             between.
 * Errors      None: work goes on without a line where there can be none.
 */

enum hd_progress_interrupt {
	HD_PROGRESS_ENDS, /* a signal ends the process, as always */
	/*
	 * SIGINT, SIGTERM and SIGHUP make the work fail with -HD_E_INTERRUPTED, the second one ends the process. After work
	 * that was finished the first one is kept for what the command begins next: if there is nothing, what was done is
	 * said as always.
	 */
	HD_PROGRESS_STOPS,
};

/* LABEL is borrowed until the end. */
void hd_progress_begin(const char *label, enum hd_progress_interrupt interrupt);
void hd_progress_end(void);

/* Takes the line away; it comes again. */
void hd_progress_hide(void);

#endif
