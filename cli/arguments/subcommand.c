/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/arguments/subcommand.h"

#include <string.h>

#include "cli/terminal/suggestion.h"
#include "overlay/platform/error.h"

static int unknown(const struct hd_subcommand *table, const struct hd_invocation *invocation)
{
	const char *name = invocation->arguments[0];
	struct hd_suggestion suggestion;

	hd_suggestion_begin(&suggestion, name, strlen(name));
	for (; table->name; table++)
		hd_suggestion_offer(&suggestion, table->name);
	if (suggestion.best)
		return hd_fail(HD_E_USAGE, "there is no 'heddle %s %s'; did you mean '%s'?",
			invocation->command->name, name, suggestion.best);
	return hd_fail(HD_E_USAGE, "there is no 'heddle %s %s'; 'heddle %s --help' says what there is",
		invocation->command->name, name, invocation->command->name);
}

int hd_subcommand_run(const struct hd_subcommand *table, const struct hd_invocation *invocation)
{
	struct hd_invocation rest = *invocation;
	const struct hd_subcommand *row = table;

	while (row->name && strcmp(row->name, invocation->arguments[0]) != 0)
		row++;
	if (!row->name)
		return unknown(table, invocation);
	rest.arguments++;
	rest.n_arguments--;
	if (rest.n_arguments < row->min_arguments)
		return hd_fail(HD_E_USAGE, "an argument of '%s' is missing; see 'heddle %s --help'",
			row->name, invocation->command->name);
	if (rest.n_arguments > row->max_arguments)
		return hd_fail(HD_E_USAGE, "'%s' is one argument too many; see 'heddle %s --help'",
			rest.arguments[row->max_arguments], invocation->command->name);
	return row->run(&rest);
}
