/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "capture/compare/tree_comparison.h"
#include "capture/trees/tree_find.h"
#include "cli/arguments/command.h"
#include "cli/arguments/tree_paths.h"
#include "cli/terminal/exit_status.h"
#include "cli/terminal/output.h"
#include "cli/text/state_tree.h"
#include "mount/control/control_json.h"
#include "overlay/platform/array.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"

/* Directories wait in a list of our own: a tree may be deeper than a thread's stack. */

static bool recursive, long_form, nul_ends;

static const struct hd_option options[] = {
	{.long_name = "recursive",
		.short_name = 'r',
		.help = "list what is in directories, too",
		.flag = &recursive},
	{.long_name = "long", .short_name = 'l', .help = "show mode and size", .flag = &long_form},
	{.long_name = "null",
		.short_name = 'z',
		.help = "end lines with a NUL and do not quote paths",
		.flag = &nul_ends},
	{0},
};

struct waiting {
	char *path; /* owned; "" for the root */
	struct hd_tree_view_entry entry;
};

struct lister {
	const struct hd_location *location; /* borrowed */
	struct hd_tree_view *view;          /* borrowed */
	struct waiting *waiting;            /* owned; the last one is next */
	size_t count, capacity;
	json_t *entries; /* owned; NULL for text */
};

static int wait_for(struct lister *lister, char *path, const struct hd_tree_view_entry *entry)
{
	if (HD_ARRAY_RESERVE(lister->waiting, lister->count, lister->capacity) < 0) {
		free(path);
		return -ENOMEM;
	}
	lister->waiting[lister->count++] = (struct waiting){path, *entry};
	return 0;
}

static int print(const struct lister *lister, const char *path, const struct hd_tree_view_entry *entry)
{
	HD_AUTO_FREE char *marked = NULL;
	HD_AUTO_FREE char *shown = NULL;

	if (asprintf(&marked, "%s%s", path, S_ISDIR(entry->mode) ? "/" : "") < 0) {
		marked = NULL;
		return -ENOMEM;
	}
	shown = hd_tree_path_shown(lister->location, marked);
	if (!shown)
		return -ENOMEM;
	if (long_form)
		printf("%06o %12llu ", entry->mode,
			S_ISDIR(entry->mode) ? 0ull : (unsigned long long)entry->size);
	if (nul_ends)
		fputs(shown, stdout);
	else
		hd_output_path(stdout, shown);
	fputc(nul_ends ? '\0' : '\n', stdout);
	return 0;
}

static int show(struct lister *lister, const char *path, const struct hd_tree_view_entry *entry)
{
	json_t *object;

	if (!lister->entries)
		return print(lister, path, entry);
	object = json_pack("{s:s, s:i, s:I}", "type", hd_change_type_name(entry->mode), "mode",
		(int)entry->mode, "size", (json_int_t)(S_ISDIR(entry->mode) ? 0 : entry->size));
	if (hd_control_put_name(object, "path", path, strlen(path)) < 0) {
		json_decref(object);
		return -ENOMEM;
	}
	return json_array_append_new(lister->entries, object) == 0 ? 0 : -ENOMEM;
}

/* Shows the entries of a directory, the last first put away, so that they come in order with what is in them. */
static int list(struct lister *lister, const char *path, const struct hd_tree_view_entry *directory)
{
	struct hd_tree_view_listing listing = {0};
	int r = hd_tree_view_list(lister->view, directory, &listing);

	for (size_t i = listing.count; i-- > 0 && r >= 0;) {
		struct hd_tree_view_entry *entry = &listing.entries[i];
		char *child = NULL;

		if (asprintf(&child, "%s%s%s", path, *path ? "/" : "", entry->name) < 0)
			r = -ENOMEM;
		else
			r = wait_for(lister, child, entry);
	}
	hd_tree_view_listing_clear(&listing);
	return r;
}

static int run_lister(struct lister *lister, const char *path)
{
	struct hd_tree_view_entry entry;
	int r = hd_tree_find(lister->view, path, &entry);

	if (r >= 0 && S_ISDIR(entry.mode))
		r = list(lister, strcmp(path, ".") == 0 ? "" : path, &entry);
	else if (r >= 0)
		r = show(lister, path, &entry);
	while (r >= 0 && lister->count > 0) {
		struct waiting next = lister->waiting[--lister->count];

		r = show(lister, next.path, &next.entry);
		if (r >= 0 && recursive && S_ISDIR(next.entry.mode))
			r = list(lister, next.path, &next.entry);
		free(next.path);
	}
	while (lister->count > 0)
		free(lister->waiting[--lister->count].path);
	free(lister->waiting);
	return r;
}

static int run_ls(const struct hd_invocation *invocation)
{
	HD_AUTO_STATE_TREE struct hd_state_tree tree = {0};
	HD_AUTO_FREE char *path = NULL;
	struct lister lister = {0};
	int r;

	r = hd_state_tree_open(
		invocation, invocation->n_arguments > 0 ? invocation->arguments[0] : NULL, &tree);
	if (r >= 0)
		r = hd_tree_path_read(&tree.location, NULL,
			invocation->n_arguments > 1 ? invocation->arguments[1] : ".", &path);
	if (r < 0)
		return r;
	lister.location = &tree.location;
	lister.view = tree.view;
	lister.entries = invocation->json ? json_array() : NULL;
	r = run_lister(&lister, path);
	if (r >= 0 && invocation->json)
		r = hd_output_json(json_pack("{s:O}", "entries", lister.entries));
	json_decref(lister.entries);
	return r < 0 ? r : HD_EXIT_OK;
}

const struct hd_command hd_command_ls = {
	.name = "ls",
	.summary = "List the tree of a state",
	.usage = "[-r] [-l] [-z] [STATE [--] [PATH]]",
	.description =
		"Lists the names in the directory PATH of STATE (default: @); without PATH, in the one where "
		"one stands in a mount, elsewhere in the root. Directories end in a slash.",
	.options = options,
	.max_arguments = 2,
	.run = run_ls,
};
