/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "cli/arguments/command.h"
#include "cli/terminal/exit_status.h"
#include "cli/terminal/output.h"
#include "overlay/platform/error.h"

/* Help is generated: the program's from the table of commands, a command's from its row. */

void hd_help_print_program(void)
{
	fputs("Usage: heddle [OPTION]... COMMAND [ARGUMENT]...\n\n", stdout);
	hd_print_wrapped(stdout,
		"Mounts a git repository, a directory or an earlier state as a writable tree, keeps what is "
		"written "
		"apart from it, and captures it as states that can be compared and exported to git.",
		0, 0);
	hd_print_heading("Commands:");
	for (size_t i = 0; hd_command_table[i]; i++)
		printf("  %-10s %s\n", hd_command_table[i]->name, hd_command_table[i]->summary);
	hd_print_heading("Options:");
	hd_options_print_help(hd_common_options, stdout);
	hd_print_heading("To begin:");
	fputs("  heddle init && heddle mount      in a git repository\n"
	      "  heddle capture -m 'first try'    after changing files under the mountpoint\n"
	      "  heddle help COMMAND              for more about one command\n",
		stdout);
}

void hd_help_print_command(const struct hd_command *command)
{
	const char *usage = command->usage;
	const char *lead = "Usage:";

	while (usage) {
		int length = 0;

		while (usage[length] && usage[length] != '\n')
			length++;
		printf("%-6s heddle %s%s%.*s\n", lead, command->name, length ? " " : "", length, usage);
		lead = "";
		usage = usage[length] ? usage + length + 1 : NULL;
	}
	fputc('\n', stdout);
	hd_print_wrapped(stdout, command->description, 0, 0);
	if (command->options) {
		hd_print_heading("Options:");
		hd_options_print_help(command->options, stdout);
	}
	if (command->print_more_help)
		command->print_more_help();
	hd_print_heading("Options of every command:");
	hd_options_print_help(hd_common_options, stdout);
}

static int print_json(void)
{
	json_t *commands = json_array();

	for (size_t i = 0; hd_command_table[i]; i++) {
		const struct hd_command *command = hd_command_table[i];

		(void)json_array_append_new(
			commands, json_pack("{s:s, s:s, s:s}", "name", command->name, "summary",
					  command->summary, "usage", command->usage));
	}
	return hd_output_json(json_pack("{s:o}", "commands", commands));
}

static int run_help(const struct hd_invocation *invocation)
{
	const struct hd_command *command;

	if (invocation->json)
		return print_json();
	if (invocation->n_arguments == 0) {
		hd_help_print_program();
		return HD_EXIT_OK;
	}
	command = hd_command_find(invocation->arguments[0]);
	if (!command)
		return hd_fail(HD_E_USAGE, "there is no command '%s'; 'heddle help' lists them",
			invocation->arguments[0]);
	hd_help_print_command(command);
	return HD_EXIT_OK;
}

const struct hd_command hd_command_help = {
	.name = "help",
	.summary = "Explain heddle or one of its commands",
	.usage = "[COMMAND]",
	.description =
		"Prints what --help prints: without COMMAND the list of commands, else the usage of COMMAND.",
	.max_arguments = 1,
	.run = run_help,
};
