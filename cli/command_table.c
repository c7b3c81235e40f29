/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/arguments/command.h"

#include <string.h>

/* The one list of commands and of the options that all of them share. */

const struct hd_command *const hd_command_table[] = {
	&hd_command_init,
	&hd_command_mount,
	&hd_command_unmount,
	&hd_command_run,
	&hd_command_threads,
	&hd_command_status,
	&hd_command_sync,
	&hd_command_fsmonitor,
	&hd_command_capture,
	&hd_command_log,
	&hd_command_show,
	&hd_command_diff,
	&hd_command_blame,
	&hd_command_ls,
	&hd_command_cat,
	&hd_command_thread,
	&hd_command_tag,
	&hd_command_restore,
	&hd_command_undo,
	&hd_command_redo,
	&hd_command_op,
	&hd_command_land,
	&hd_command_rebase,
	&hd_command_export,
	&hd_command_import,
	&hd_command_eject,
	&hd_command_check,
	&hd_command_doctor,
	&hd_command_daemon,
	&hd_command_version,
	&hd_command_help,
	NULL,
};

struct hd_common_values hd_common_values;

static const char *const color_choices[] = {"auto", "always", "never", NULL};

const struct hd_option hd_common_options[] = {
	{.long_name = "store",
		.argument = "PATH",
		.help = "use this store: a .heddle directory, or a directory that has one",
		.text = &hd_common_values.store},
	{.long_name = "directory",
		.short_name = 'C',
		.argument = "DIR",
		.help = "work as if started in DIR",
		.text = &hd_common_values.directory},
	{.long_name = "json",
		.help = "print the result, or the error, as one JSON object",
		.flag = &hd_common_values.json},
	{.long_name = "color",
		.argument = "WHEN",
		.help = "colour text: auto (on a terminal), always or never",
		.text = &hd_common_values.color,
		.choices = color_choices},
	{.long_name = "help", .short_name = 'h', .help = "print this help", .flag = &hd_common_values.help},
	{.long_name = "version", .help = "print the version", .flag = &hd_common_values.version},
	{0},
};

const struct hd_command *hd_command_find(const char *name)
{
	for (size_t i = 0; hd_command_table[i]; i++) {
		if (strcmp(hd_command_table[i]->name, name) == 0)
			return hd_command_table[i];
	}
	return NULL;
}
