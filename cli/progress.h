/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CLI_PROGRESS_H
#define HEDDLE_CLI_PROGRESS_H

/*
 * Progress: a line on stderr that says that work goes on, when stderr is a terminal and the work lasts longer
 * than half a second. It is gone when the work ends.
 *
 *     hd_progress_begin("capturing") → the work → hd_progress_end
 *
 * Threads     One progress at a time; begin and end in the same thread, which prints nothing in between.
 * Errors      None: work goes on without a line where there can be none.
 */

#include <stdbool.h>

/* LABEL is borrowed until the end. Does nothing if QUIET (--json). */
void hd_progress_begin(const char *label, bool quiet);
void hd_progress_end(void);

#endif
