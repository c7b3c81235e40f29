/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CLI_TEXT_RUN_REPORT_H
#define HEDDLE_CLI_TEXT_RUN_REPORT_H

/*
 * What `heddle run` says: of the state to those who read it later, and of the run to who started it.
 * Threads: the main thread. Errors: -errno with a detail.
 */

#include "cli/steps/run_thread.h"

/* The request that captures the run's thread, with MESSAGE, or NULL for the command line. NULL when memory is short. */
json_t *hd_run_capture_request(const struct hd_run *run, const char *message);

/* To FILE, if there is one, as JSON; to standard error as a line of text, if not QUIET, or with JSON as that. */
int hd_run_report(const struct hd_run *run, const char *file, bool json, bool quiet);

/*
 * Fails with R and the MESSAGE that came with it, which other failures have taken the place of meanwhile; adds WHERE the work is,
 * a sentence about THREAD, unless that is NULL.
 */
int hd_run_fail_again(int r, const char *message, const char *thread, const char *where);

#endif
