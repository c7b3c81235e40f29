/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CLI_COMMANDS_EXPORT_SUBJECT_H
#define HEDDLE_CLI_COMMANDS_EXPORT_SUBJECT_H

/*
 * Export subject: what `heddle export` writes: git, tar, ... One table of options for all, as a command has one; what a
 * subject has no use for is refused before it runs.
 *
 * Threads     The main thread. Errors: as a command's run (command.h).
 */

#include "cli/arguments/command.h"

/* NULL and false: not given. */
struct hd_export_arguments {
	const char *repository, *branch, *bundle, *empty_directories;
	bool with_ignored, without_notes, all, force, as_patch;
	const char *output, *compression, *from;
};

extern struct hd_export_arguments hd_export_arguments;

/* `heddle export SUBJECT`, with the arguments behind the subject. */
int hd_export_dir_command(const struct hd_invocation *invocation);
int hd_export_git_command(const struct hd_invocation *invocation);
int hd_export_tar_command(const struct hd_invocation *invocation);
int hd_export_layer_command(const struct hd_invocation *invocation);

#endif
