/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CLI_ARGUMENTS_SUBCOMMAND_H
#define HEDDLE_CLI_ARGUMENTS_SUBCOMMAND_H

/*
 * Subcommand: the verb that is the first argument of a command about one kind of thing: `heddle tag create`.
 *
 * Threads     The main thread. Errors: -HD_E_USAGE, and what the verb returns.
 */

#include "cli/arguments/command.h"

/* One row; the last is all zero. */
struct hd_subcommand {
	const char *name;
	size_t min_arguments, max_arguments; /* behind the verb */
	int (*run)(const struct hd_invocation *invocation);
};

/* Runs the row that INVOCATION's first argument names, with the arguments behind it. */
int hd_subcommand_run(const struct hd_subcommand *table, const struct hd_invocation *invocation);

#endif
