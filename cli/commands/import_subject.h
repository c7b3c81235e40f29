/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CLI_COMMANDS_IMPORT_SUBJECT_H
#define HEDDLE_CLI_COMMANDS_IMPORT_SUBJECT_H

/*
 * Import subject: what `heddle import` reads that has a file of its own. One table of options for all, as a command has
 * one; what a subject has no use for is refused before it runs.
 *
 * Threads     The main thread. Errors: as a command's run (command.h).
 */

#include "cli/arguments/command.h"

/* NULL and false: not given. */
struct hd_import_git_arguments {
	const char *repository;
	const char *thread; /* set by import.c, whose option it is */
	bool all, threads, force;
};

extern struct hd_import_git_arguments hd_import_git_arguments;

/* `heddle import git`, with the arguments behind it. */
int hd_import_git_command(const struct hd_invocation *invocation);

#endif
