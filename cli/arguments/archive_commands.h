/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CLI_ARGUMENTS_ARCHIVE_COMMANDS_H
#define HEDDLE_CLI_ARGUMENTS_ARCHIVE_COMMANDS_H

/*
 * Archive commands: what needs libarchive, which is linked to heddle-archive alone: heddle becomes that program for it, with the
 * same arguments, before it has done anything (docs/design/decisions/0026).
 *
 * Threads     The main thread. Errors: those of the commands.
 */

#include <stdint.h>

#include "capture/archive/import_state.h"
#include "cli/arguments/command.h"

#define HD_ARCHIVE_PROGRAM "heddle-archive"

struct hd_archive_commands {
	int (*export_tar)(const struct hd_invocation *invocation);
	int (*export_layer)(const struct hd_invocation *invocation);
	/* Sets READ and SOURCE of *OPTIONS to the archive that is open as FD. What it makes lasts as long as the process. */
	void (*import_tar)(int fd, uint64_t max_bytes, struct hd_import_options *options);
};

/* Set by the main of heddle-archive; NULL in heddle. */
extern const struct hd_archive_commands *hd_archive_commands;

/* For struct hd_command: heddle-archive, where that has to run one of SUBJECTS, which end in NULL. */
const char *hd_archive_program_of(const struct hd_invocation *invocation, const char *const subjects[]);

#endif
