/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CLI_ARGUMENTS_COMMAND_H
#define HEDDLE_CLI_ARGUMENTS_COMMAND_H

/*
 * Command: one row of the program's table. Parser, help, completion and the check of the manual read the same
 * row.
 *
 * To add a command: write commands/<name>.c with one const struct hd_command, list it in command_table.c, give it
 * a section in man/heddle.1.scd. tests/lint/check_help.sh says what was forgotten.
 *
 * Errors      run returns an exit status (0 and above) after it printed its result, or a negative code and
 *             printed nothing: program.c alone reports failures, as text or JSON.
 * Threads     Commands run in the main thread.
 */

#include <stdbool.h>
#include <stddef.h>

#include "cli/arguments/option_parser.h"

struct hd_invocation;

struct hd_command {
	const char *name;
	const char *summary;             /* one line, at most 60 bytes */
	const char *usage;               /* what follows "heddle <name>"; lines separated by \n */
	const char *description;         /* paragraphs; wrapped by the printer */
	const struct hd_option *options; /* the command's own; NULL for none */
	size_t min_arguments, max_arguments;
	bool takes_command; /* its arguments are a program with options of its own, and failures are HD_EXIT_RUN */
	/* The program of ours that has to run this, NULL for the one that runs; asked when the options are parsed. */
	const char *(*other_program)(const struct hd_invocation *invocation);
	void (*print_more_help)(void); /* what comes after the options; NULL for nothing */
	int (*run)(const struct hd_invocation *invocation);
};

/* What the command line said, the same for every command. */
struct hd_invocation {
	const struct hd_command *command;
	const char *store; /* --store, or NULL */
	bool json;         /* --json */
	char *const *arguments;
	size_t n_arguments;
	size_t n_before_dashes; /* of these, how many came before "--"; all without one */
};

/* ---- command_table.c ---- */

/* All commands, NULL-terminated, in the order of help. */
extern const struct hd_command *const hd_command_table[];

/* NULL if there is none. */
const struct hd_command *hd_command_find(const char *name);

/* The options of every command, and where the parser puts them. */
struct hd_common_values {
	bool help, version, json;
	const char *store, *color, *directory;
};
extern struct hd_common_values hd_common_values;
extern const struct hd_option hd_common_options[];

/* ---- help.c ---- */

/* Print to stdout, at most 80 columns wide. */
void hd_help_print_program(void);
void hd_help_print_command(const struct hd_command *command);

/* The commands themselves, each in a file of commands/. */
extern const struct hd_command hd_command_init;
extern const struct hd_command hd_command_mount;
extern const struct hd_command hd_command_unmount;
extern const struct hd_command hd_command_run;
extern const struct hd_command hd_command_threads;
extern const struct hd_command hd_command_status;
extern const struct hd_command hd_command_sync;
extern const struct hd_command hd_command_fsmonitor;
extern const struct hd_command hd_command_capture;
extern const struct hd_command hd_command_log;
extern const struct hd_command hd_command_show;
extern const struct hd_command hd_command_diff;
extern const struct hd_command hd_command_blame;
extern const struct hd_command hd_command_ls;
extern const struct hd_command hd_command_cat;
extern const struct hd_command hd_command_land;
extern const struct hd_command hd_command_rebase;
extern const struct hd_command hd_command_export;
extern const struct hd_command hd_command_import;
extern const struct hd_command hd_command_eject;
extern const struct hd_command hd_command_check;
extern const struct hd_command hd_command_doctor;
extern const struct hd_command hd_command_thread;
extern const struct hd_command hd_command_tag;
extern const struct hd_command hd_command_restore;
extern const struct hd_command hd_command_undo;
extern const struct hd_command hd_command_redo;
extern const struct hd_command hd_command_op;
extern const struct hd_command hd_command_daemon;
extern const struct hd_command hd_command_version;
extern const struct hd_command hd_command_help;

#endif
