/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CLI_COMMANDS_EXPORT_CHOICE_H
#define HEDDLE_CLI_COMMANDS_EXPORT_CHOICE_H

/*
 * Export choice: what `heddle export git` was told to export: a thread, a state, or, as a series, what is in one and not in
 * another ("A..B", either of which may be left out for @).
 *
 * Ownership   The caller clears the choice. Threads: the main thread. Errors: those of state_spec.h, -HD_E_USAGE.
 */

#include "capture/git/export/export_git.h"
#include "cli/arguments/store_locate.h"

struct hd_export_choice {
	struct hd_export_git_options options; /* borrows from here, the command line and the location */
	struct hd_state_id head, since;
	bool has_since;
	char *text; /* owned: what was said, in parts */
};

/* SUBJECT may be NULL: the thread in use. CHOICE's options say all but what is exported. */
int hd_export_choose(
	const struct hd_location *location, const char *subject, struct hd_export_choice *choice);
void hd_export_choice_clear(struct hd_export_choice *choice);

/* Says what was left out. */
void hd_export_git_remark(uint64_t skipped, uint64_t ignored);

/* Writes CHOICE as --patch or --bundle says. */
int hd_export_series_command(const struct hd_location *location, struct hd_base_set *bases,
	const struct hd_export_choice *choice, bool json);

#endif
