/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CLI_STEPS_RUN_THREAD_H
#define HEDDLE_CLI_STEPS_RUN_THREAD_H

/*
 * The thread that `heddle run` works in, and what is known of the run.
 *
 *     hd_run_copy_arguments → hd_locate_thread → hd_run_choose_thread → … → [hd_run_discard_thread] → hd_run_clear
 *
 * Ownership   hd_run_clear frees what the run owns; not the warden, which is released before.
 * Threads     The main thread. Errors: those of the index.
 */

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "cli/arguments/store_locate.h"
#include "cli/steps/run_signals.h"
#include "mount/private/warden.h"

struct hd_run {
	char **arguments;            /* owned array of borrowed texts: the command, NULL at its end */
	struct hd_location location; /* owned; `thread` is the one that the command runs in */
	uint32_t number;             /* of that thread */
	char *author;                /* owned; NULL: nothing will be captured */
	char *directory;             /* owned: the mountpoint */
	struct hd_warden warden;
	struct hd_run_signals signals;
	int status;       /* of the command, as waitpid(2) gives it */
	json_t *captured; /* owned: the reply; NULL: nothing was asked for */
	bool removes;     /* the thread is to be thrown away */
	bool created, mounted, discarded;
	bool began, ended; /* the command */
	bool is_lost;      /* all that served the mount ended before the command did */
};

/* The command and its arguments; NULL when memory is short. */
char **hd_run_copy_arguments(const struct hd_invocation *invocation);

/* With FORKS makes a thread at the head of the located one and takes its place; NAME is its name, or NULL. */
int hd_run_choose_thread(struct hd_run *run, bool forks, const char *name);

/* Takes the thread away, and all that was in it and in no state, as if it had never been. It is not mounted. */
int hd_run_discard_thread(struct hd_run *run);

/* Frees all but the warden. */
void hd_run_clear(struct hd_run *run);

#endif
