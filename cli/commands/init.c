/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capture/git/walk/partial_clone.h"
#include "capture/initialize.h"
#include "cli/arguments/command.h"
#include "cli/arguments/store_locate.h"
#include "cli/terminal/exit_status.h"
#include "cli/terminal/output.h"
#include "cli/terminal/progress.h"
#include "cli/text/state_text.h"
#include "mount/control/control_json.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/file.h"

/*
 * A repository is what most people stand in, so that it is what is taken without being told; --base says that
 * the files of a directory are meant, even if git knows them. Which of the two it became is printed, with the
 * place.
 */

static const char *base_path;
static const char *revision;
static bool smudge;

static const struct hd_option options[] = {
	{.long_name = "base",
		.argument = "DIR",
		.help = "take the files of DIR as they are, instead of a git commit",
		.text = &base_path},
	{.long_name = "revision",
		.argument = "REV",
		.help = "begin at this commit of the repository instead of HEAD",
		.text = &revision},
	{.long_name = "smudge",
		.help = "have line ends (eol=crlf) and $Id$ as a checkout has them",
		.flag = &smudge},
	{0},
};

/* The base's subject is the message that init gave its state, behind this. */
#define MESSAGE_PREFIX "base: "

static const char *subject_of(const struct hd_state *state)
{
	const char *message = state->message ? state->message : "";
	size_t prefix = strlen(MESSAGE_PREFIX);

	return strncmp(message, MESSAGE_PREFIX, prefix) == 0 ? message + prefix : message;
}

static int print_text(
	const struct hd_store *store, const struct hd_state *state, const char *base, bool elsewhere)
{
	char id[HD_STATE_ID_TEXT_SIZE];

	(void)hd_state_short(store->index, &state->id, id);
	fputs("Made the store ", stdout);
	hd_output_path(stdout, store->path);
	fputs("\nbase:   ", stdout);
	if (state->git_commit) {
		printf("git commit %.*s ", HD_STATE_SHORT, state->git_commit);
		hd_output_text(stdout, subject_of(state), strcspn(subject_of(state), "\n"));
	} else {
		fputs("directory ", stdout);
		hd_output_path(stdout, base ? base : ".");
	}
	printf("\nstate:  %s\nthread: " HD_INITIALIZE_THREAD "\n\nNext: heddle mount", id);
	if (elsewhere) {
		fputs(" --store ", stdout);
		hd_output_path(stdout, store->path);
	}
	fputc('\n', stdout);
	return HD_EXIT_OK;
}

static int print_json(const struct hd_store *store, const struct hd_state *state)
{
	json_t *object = json_object();

	if (!object || hd_json_set_path(object, "store", store->path) < 0 ||
		json_object_set_new(object, "thread", json_string(HD_INITIALIZE_THREAD)) < 0 ||
		json_object_set_new(object, "base", json_string(state->git_commit ? "git" : "directory")) <
			0 ||
		json_object_set_new(object, "state", hd_control_state(state)) < 0) {
		json_decref(object);
		return -ENOMEM;
	}
	return hd_output_json(object);
}

/* A store is always named .heddle: STORE says where it goes, with or without that name. */
static int choose_place(const char *store, char **ret_place)
{
	HD_AUTO_FREE char *absolute = hd_path_absolute(store);
	HD_AUTO_FREE char *parent = NULL;
	size_t length = absolute ? strlen(absolute) : 0;
	char *name;
	int r;

	if (!absolute)
		return -ENOMEM;
	while (length > 1 && absolute[length - 1] == '/')
		absolute[--length] = '\0';
	name = strrchr(absolute, '/');
	if (strcmp(name + 1, HD_STORE_DIRECTORY) == 0)
		*name = '\0';
	r = hd_directory_make(AT_FDCWD, *absolute ? absolute : "/", 0777);
	if (r < 0)
		return hd_fail_in(r, "directory '%s'", absolute);
	parent = realpath(*absolute ? absolute : "/", NULL);
	if (!parent)
		return hd_fail_errno("directory '%s'", absolute);
	return asprintf(ret_place, "%s/" HD_STORE_DIRECTORY, strcmp(parent, "/") == 0 ? "" : parent) < 0
		       ? -ENOMEM
		       : 0;
}

/* Where there is no repository, the directory itself is the base: `base` is set then. */
static int initialize_any(
	struct hd_initialize_options *initialize, struct hd_store **ret_store, struct hd_state *ret_state)
{
	int r;

	/* Also where there is nothing to stop at: a process that is killed leaves half a store. */
	hd_progress_begin("making the store", HD_PROGRESS_STOPS);
	r = hd_initialize(initialize, ret_store, ret_state);
	if (r == -HD_E_REPOSITORY_MISSING && !initialize->base && !initialize->revision &&
		!initialize->smudge) {
		initialize->base = initialize->directory;
		r = hd_initialize(initialize, ret_store, ret_state);
	}
	hd_progress_end();
	return r;
}

/* Good to know before the first mount. */
static void tell_missing(const struct hd_store *store, const struct hd_state *state)
{
	const struct hd_content *tree = hd_state_git_tree(state);
	HD_AUTO_FREE char *words = NULL;
	struct hd_base_record base;

	if (!tree || !state->git_commit || hd_index_get_base(store->index, tree->base, &base) < 0)
		return;
	if (hd_partial_clone_look(base.location, state->git_commit, &words) > 0)
		hd_output_remark("%s", words);
	hd_base_record_clear(&base);
	hd_error_clear();
}

static int run_init(const struct hd_invocation *invocation)
{
	struct hd_initialize_options initialize = {
		.directory = invocation->n_arguments ? invocation->arguments[0] : ".",
		.base = base_path,
		.revision = revision,
		.smudge = smudge,
	};
	HD_AUTO_FREE char *place = NULL;
	struct hd_store *store = NULL;
	struct hd_state state = {0};
	bool made;
	int r;

	if (base_path && smudge)
		return hd_fail(
			HD_E_USAGE, "--smudge is of a git repository; --base DIR takes the files of DIR");
	if (base_path && revision)
		return hd_fail(
			HD_E_USAGE, "--revision is of a git repository; --base DIR takes the files of DIR");
	if (invocation->store) {
		r = choose_place(invocation->store, &place);
		if (r < 0)
			return r;
		initialize.store = place;
	}
	made = !hd_file_exists(AT_FDCWD, initialize.directory);
	r = hd_directory_make(AT_FDCWD, initialize.directory, 0777);
	if (r < 0)
		return hd_fail_in(r, "directory '%s'", initialize.directory);
	r = initialize_any(&initialize, &store, &state);
	if (r < 0) {
		/* Only what is empty goes, and with it nothing of anybody's. */
		if (made)
			(void)remove(initialize.directory);
		return r;
	}
	r = invocation->json ? print_json(store, &state)
			     : print_text(store, &state, initialize.base, place != NULL);
	if (r >= 0)
		tell_missing(store, &state);
	hd_state_clear(&state);
	hd_store_free(store);
	return r;
}

const struct hd_command hd_command_init = {
	.name = "init",
	.summary = "Make a store for a git repository or directory",
	.usage = "[DIR] [--revision REV] [--smudge] [--store PATH]\n[DIR] --base DIR [--store PATH]",
	.description =
		"Makes a store with one thread, 'main'. Its base is the git repository that DIR (the working "
		"directory) "
		"lies in, at HEAD or REV, and the store is .heddle in the root of its checkout. If there is "
		"no "
		"repository, or with --base, the base is a directory as it is, and the store is .heddle in "
		"DIR. "
		"--store puts it elsewhere.\n\n"
		"Neither the working tree nor the directory is changed. In the repository, a reference under "
		"refs/heddle/base/ keeps the commit from git's garbage collection.\n\n"
		"Files have the bytes of their blobs. With --smudge those that .gitattributes files of the "
		"commit have "
		"converted (eol=crlf, ident) are as in a checkout, for good: in all threads and in what "
		"comes from git "
		"later, and exports convert them back. They are converted now, and stored. Filters, LFS and "
		"working-tree-encoding stay out of it, as do info/attributes and what a user has configured.",
	.options = options,
	.max_arguments = 1,
	.run = run_init,
};
