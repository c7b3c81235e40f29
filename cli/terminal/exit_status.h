/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CLI_TERMINAL_EXIT_STATUS_H
#define HEDDLE_CLI_TERMINAL_EXIT_STATUS_H

/*
 * Exit status: what scripts branch on, with the numbers of sysexits.h, and what a person should do next.
 *
 * One table gives both for every failure, so that a failure's number, its hint and the manual cannot drift
 * apart.
 *
 * Threads     Pure functions.
 */

enum hd_exit_status {
	HD_EXIT_OK = 0,
	HD_EXIT_DIFFERENT =
		1, /* capture: nothing changed; --exit-code: there are changes; doctor: a problem is left */
	HD_EXIT_CONFLICTS = 3,      /* land, rebase: both sides changed the same; nothing was moved */
	HD_EXIT_USAGE = 64,         /* the command line is wrong */
	HD_EXIT_DATA = 65,          /* stored or given data is damaged or ambiguous */
	HD_EXIT_NO_INPUT = 66,      /* the store, thread, state, repository or file named does not exist */
	HD_EXIT_UNAVAILABLE = 69,   /* a mount, worker or base does not answer */
	HD_EXIT_INTERNAL = 70,      /* heddle contradicts itself */
	HD_EXIT_SYSTEM = 71,        /* the operating system refused (memory, processes, descriptors) */
	HD_EXIT_CANNOT_CREATE = 73, /* something of that name exists, or its place cannot be written */
	HD_EXIT_IO = 74,            /* reading or writing failed, or the disk is full */
	HD_EXIT_TEMPORARY = 75,     /* in use or moved by somebody else: trying again can help */
	HD_EXIT_NO_PERMISSION = 77, /* not allowed */
	HD_EXIT_CONFIG = 78,        /* something must be set up first (an author, a version) */
	/* Of run, which passes its command's status on, as env(1) has them: */
	HD_EXIT_RUN = 125,             /* heddle itself failed */
	HD_EXIT_COMMAND_REFUSED = 126, /* the command cannot be executed */
	HD_EXIT_COMMAND_MISSING = 127, /* it is not found */
	HD_EXIT_INTERRUPTED = 130,     /* stopped by Ctrl-C, before anything was changed */
};

/* The status for result R of a command: a negative code, or 0 and above unchanged. */
int hd_exit_status(int r);

/* What to do next after R, one or more sentences without a newline; NULL when the message says it all. */
const char *hd_exit_hint(int r);

#endif
