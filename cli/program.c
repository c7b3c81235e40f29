/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/program.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/arguments/command.h"
#include "cli/arguments/store_locate.h"
#include "cli/terminal/exit_status.h"
#include "cli/terminal/output.h"
#include "cli/terminal/suggestion.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/file.h"
#include "overlay/platform/processes/process.h"
#include "overlay/platform/processes/process_command.h"

/*
 * Options for every command, then a command, then that command's options and arguments.
 *
 * This is the only file that reports a failure or chooses an exit status. Requests that begin with --list-
 * answer completion and the checks out of the tables; they are no options, so that help does not show them.
 */

static char **own_arguments; /* owned; the texts are the kernel's */
static bool asks_json;       /* a word of the command line is --json, whatever it turns out to be */

static void print_options(const struct hd_option *table)
{
	for (const struct hd_option *it = table; it && it->long_name; it++) {
		printf("--%s%s\n", it->long_name, it->argument ? "=" : "");
		if (it->short_name)
			printf("-%c\n", it->short_name);
	}
}

static int print_thread(const struct hd_thread *thread, void *payload)
{
	(void)payload;
	printf("%s\n", thread->name);
	return 0;
}

static int list_threads(void)
{
	HD_AUTO_LOCATION struct hd_location location = {0};
	int r;

	r = hd_locate(&(struct hd_invocation){0}, NULL, &location);
	if (r >= 0)
		r = hd_index_list_threads(location.store->index, print_thread, NULL);
	return r;
}

static int list_for_completion(size_t count, char **arguments)
{
	if (strcmp(arguments[0], "--list-commands") == 0 && count == 1) {
		for (size_t i = 0; hd_command_table[i]; i++)
			printf("%s\n", hd_command_table[i]->name);
		return HD_EXIT_OK;
	}
	if (strcmp(arguments[0], "--list-threads") == 0 && count == 1)
		return list_threads();
	if (strcmp(arguments[0], "--list-options") == 0 && count <= 2) {
		const struct hd_command *command = count == 2 ? hd_command_find(arguments[1]) : NULL;

		if (count == 2 && !command)
			return hd_fail(HD_E_USAGE, "there is no command '%s'", arguments[1]);
		if (command)
			print_options(command->options);
		print_options(hd_common_options);
		return HD_EXIT_OK;
	}
	return hd_fail(HD_E_USAGE, "there is no option '%s'", arguments[0]);
}

static int unknown_command(const char *name)
{
	struct hd_suggestion suggestion;

	hd_suggestion_begin(&suggestion, name, strlen(name));
	for (size_t i = 0; hd_command_table[i]; i++)
		hd_suggestion_offer(&suggestion, hd_command_table[i]->name);
	if (suggestion.best)
		return hd_fail(
			HD_E_USAGE, "there is no command '%s'; did you mean '%s'?", name, suggestion.best);
	return hd_fail(HD_E_USAGE, "there is no command '%s'; 'heddle help' lists them", name);
}

static int check_arguments(const struct hd_command *command, char *const *arguments, size_t count)
{
	if (count < command->min_arguments)
		return hd_fail(HD_E_USAGE, "an argument is missing; see 'heddle %s --help'", command->name);
	if (count > command->max_arguments)
		return hd_fail(HD_E_USAGE, "'%s' is one argument too many; see 'heddle %s --help'",
			arguments[command->max_arguments], command->name);
	return 0;
}

static int change_directory(void)
{
	if (!hd_common_values.directory || chdir(hd_common_values.directory) == 0)
		return 0;
	return hd_fail_errno("directory '%s'", hd_common_values.directory);
}

/* Goes on as the program NAME of this build, with the arguments that we got. */
static int become(const char *name)
{
	HD_AUTO_FREE char *path = NULL;
	int r = hd_process_own_program(name, &path);

	if (r >= 0)
		r = hd_process_become(path, own_arguments);
	return hd_fail_in(r, "start %s", name);
}

static int run_command(const struct hd_command *command, char **arguments, size_t count)
{
	const char *other;
	struct hd_invocation invocation = {.command = command, .arguments = arguments};
	struct hd_option_set set = {.tables = {command->options, hd_common_options},
		.ret_before_dashes = &invocation.n_before_dashes};
	int r;

	r = hd_options_parse(&set, command->takes_command, arguments, count, &invocation.n_arguments);
	hd_output_begin(hd_common_values.color, hd_common_values.json || (r < 0 && asks_json));
	if (hd_common_values.help && r >= 0) {
		hd_help_print_command(command);
		return HD_EXIT_OK;
	}
	if (r >= 0)
		r = check_arguments(command, arguments, invocation.n_arguments);
	/* Before anything of this process is changed: the other one begins anew. */
	other = r >= 0 && command->other_program ? command->other_program(&invocation) : NULL;
	if (other)
		return become(other);
	if (r >= 0)
		r = change_directory();
	if (r < 0)
		return r;
	invocation.store = hd_common_values.store;
	invocation.json = hd_common_values.json;
	return command->run(&invocation);
}

/* Sets *RET_COMMAND as soon as it is known, for the report of a failure. */
static int run_program(size_t count, char **arguments, const struct hd_command **ret_command)
{
	struct hd_option_set set = {.tables = {hd_common_options, NULL}};
	size_t left = 0;
	int r;

	if (count > 0 && strncmp(arguments[0], "--list-", 7) == 0)
		return list_for_completion(count, arguments);
	r = hd_options_parse(&set, true, arguments, count, &left);
	hd_output_begin(hd_common_values.color, hd_common_values.json || (r < 0 && asks_json));
	if (r < 0)
		return r;
	if (hd_common_values.version)
		return hd_command_version.run(&(struct hd_invocation){
			.command = &hd_command_version, .json = hd_common_values.json});
	if (left == 0) {
		if (!hd_common_values.help)
			return hd_fail(HD_E_USAGE, "a command is missing; 'heddle help' lists them");
		hd_help_print_program();
		return HD_EXIT_OK;
	}
	*ret_command = hd_command_find(arguments[0]);
	if (!*ret_command) {
		hd_output_begin(hd_common_values.color, asks_json);
		return unknown_command(arguments[0]);
	}
	return run_command(*ret_command, arguments + 1, left - 1);
}

/* Whether what follows WORD may be options of another program. */
static bool begins_program(const char *word)
{
	const struct hd_command *command = word[0] == '-' ? NULL : hd_command_find(word);

	return command && command->takes_command;
}

/* A command that passes a program's status on has few numbers of its own. */
static int exit_status(const struct hd_command *command, int r)
{
	int status = hd_exit_status(r);

	return r < 0 && command && command->takes_command && status < HD_EXIT_RUN ? HD_EXIT_RUN : status;
}

/* Options are parsed in place: what came is needed whole by another program. */
static int keep_arguments(int argc, char **argv)
{
	own_arguments = calloc((size_t)argc + 1, sizeof(*own_arguments));
	if (!own_arguments)
		return -ENOMEM;
	memcpy(own_arguments, argv, (size_t)argc * sizeof(*own_arguments));
	return 0;
}

int hd_program_run(int argc, char **argv)
{
	const struct hd_command *command = NULL;
	int end;
	int r;

	hd_process_remember_inherited();
	hd_process_outgrow_file_limit();
	/* An error in the options themselves must be JSON, too, for who asked for JSON. */
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0 && !begins_program(argv[i]); i++)
		asks_json = asks_json || strcmp(argv[i], "--json") == 0;
	hd_output_begin(NULL, asks_json);

	r = hd_process_occupy_streams();
	if (r >= 0)
		r = keep_arguments(argc, argv);
	if (r >= 0)
		r = run_program(argc > 1 ? (size_t)argc - 1 : 0, argv + 1, &command);
	end = hd_output_end();
	/* A failure of the command is the graver news, but its detail is still there only if writing went
	 * well. */
	if (r >= 0 && end < 0)
		r = end;
	if (r < 0)
		hd_output_error(command ? command->name : NULL, r, exit_status(command, r));
	free(own_arguments);
	return exit_status(command, r);
}
