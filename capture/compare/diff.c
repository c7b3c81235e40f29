/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/compare/diff.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "capture/compare/git_patch.h"
#include "overlay/platform/buffer.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/file.h"
#include "overlay/platform/threads/work.h"

/*
 * The comparison finds what differs; this file turns each difference into a list entry and, if asked, text.
 * Two files are in memory at a time, whatever the size of the diff: the text leaves in pieces.
 */

#define FLUSH_SIZE (64u << 10)

struct diff_run {
	struct hd_tree_view *old_view, *new_view;
	const struct hd_diff_options *options;
	struct hd_buffer entries; /* of struct hd_diff_entry */
	struct hd_buffer text;
	size_t path_bytes;
	struct hd_change_counts counts; /* of what was told */
};

static int flush_text(struct diff_run *run)
{
	int r = hd_buffer_status(&run->text);

	if (r >= 0 && run->text.size > 0)
		r = run->options->write(run->options->write_payload, run->text.data, run->text.size);
	if (r < 0)
		return r;
	hd_buffer_reset(&run->text);
	return 0;
}

/* Reads one side. Sets *RET_BINARY for what is too large or has a NUL, of which the bytes are read if WHOLE and not too large. */
static int load_side(struct hd_tree_view *view, const struct hd_tree_view_entry *entry, bool whole,
	struct hd_git_patch_side *side, char **ret_data, bool *ret_binary)
{
	char prefix[HD_GIT_BINARY_PREFIX];
	size_t size;
	int r;

	if (!side->mode)
		return 0;
	/* Most binary files say so at once: no need to read the rest. */
	r = hd_tree_view_read(view, entry, prefix, sizeof(prefix), 0, &size);
	if (r < 0)
		return r;
	if (entry->size > HD_DIFF_TEXT_LIMIT || hd_git_patch_is_binary(prefix, size)) {
		*ret_binary = true;
		if (!whole || entry->size > HD_DIFF_TEXT_LIMIT)
			return 0;
	}
	r = hd_tree_view_read_whole(view, entry, HD_DIFF_TEXT_LIMIT, ret_data, &side->size);
	if (r < 0)
		return r;
	side->data = *ret_data;
	return 0;
}

static int describe_content(struct diff_run *run, const struct hd_change *change, struct hd_buffer *out,
	struct hd_git_patch_side *old_side, struct hd_git_patch_side *new_side, struct hd_diff_entry *entry)
{
	HD_AUTO_FREE char *old_data = NULL;
	HD_AUTO_FREE char *new_data = NULL;
	struct hd_git_patch_counts counts = {0};
	struct hd_git_patch_facts facts = {.changed = true};
	bool whole = out && run->options->binary;
	int r;

	r = load_side(run->old_view, change->old_entry, whole, old_side, &old_data, &entry->binary);
	if (r >= 0 && (!entry->binary || whole))
		r = load_side(run->new_view, change->new_entry, whole, new_side, &new_data, &entry->binary);
	if (r < 0)
		return r;
	if (whole && ((!old_data && old_side->mode) || (!new_data && new_side->mode)))
		return hd_fail(EFBIG, "no patch has the bytes of more than %u MiB; exports have",
			HD_DIFF_TEXT_LIMIT >> 20);
	facts.binary = entry->binary && !whole;
	if (out)
		hd_git_patch_put_header(out, old_side, new_side, &facts);
	if (entry->binary)
		return whole ? hd_git_patch_put_binary(out, old_side, new_side) : 0;
	r = hd_git_patch_put_hunks(out, old_side, new_side, run->options->context_lines, &counts);
	entry->added_lines = counts.added_lines;
	entry->deleted_lines = counts.deleted_lines;
	return r;
}

static int describe(struct diff_run *run, const struct hd_change *change, struct hd_diff_entry *entry)
{
	struct hd_buffer *out = run->options->depth == HD_DIFF_PATCH ? &run->text : NULL;
	struct hd_git_patch_side old_side = {.path = change->old_path ? change->old_path : change->path,
		.mode = hd_git_patch_mode(entry->old_mode)};
	struct hd_git_patch_side new_side = {
		.path = change->path, .mode = hd_git_patch_mode(entry->new_mode)};
	const struct hd_git_patch_facts unchanged = {.binary = false};
	int r = 0;

	if (!old_side.mode && !new_side.mode)
		return 0;
	if (change->content_differs)
		r = describe_content(run, change, out, &old_side, &new_side, entry);
	else if (out && (change->old_path || old_side.mode != new_side.mode))
		hd_git_patch_put_header(out, &old_side, &new_side, &unchanged);
	if (r < 0)
		return hd_fail_in(r, "'%s'", change->path);
	return run->text.size >= FLUSH_SIZE ? flush_text(run) : hd_buffer_status(&run->text);
}

static bool is_at_or_below(const struct hd_change *change, const char *path)
{
	size_t length = strlen(path);

	while (length > 0 && path[length - 1] == '/')
		length--;
	if (length == 0 || (length == 1 && path[0] == '.'))
		return true;
	return change->path_length >= length && memcmp(change->path, path, length) == 0 &&
	       (change->path[length] == '/' || change->path[length] == '\0');
}

static bool is_wanted(const struct hd_diff_options *options, const struct hd_change *change)
{
	bool wanted = options->n_paths == 0;

	for (size_t i = 0; i < options->n_paths && !wanted; i++)
		wanted = is_at_or_below(change, options->paths[i]);
	return wanted;
}

static int emit_change(const struct hd_change *change, void *payload)
{
	struct diff_run *run = payload;
	struct hd_diff_entry entry = {
		.kind = change->kind,
		.path_length = change->path_length,
		.old_mode = change->old_entry ? change->old_entry->mode : 0,
		.new_mode = change->new_entry ? change->new_entry->mode : 0,
	};
	int r;

	r = hd_work_advance(1);
	if (r < 0 || !is_wanted(run->options, change))
		return r;
	hd_change_count(&run->counts, change->kind);
	run->path_bytes += change->path_length;
	if (run->path_bytes > HD_DIFF_PATHS_LIMIT)
		return hd_fail(
			EFBIG, "the list of changes: more than %u MiB of paths", HD_DIFF_PATHS_LIMIT >> 20);
	if (run->options->depth != HD_DIFF_NAMES) {
		r = describe(run, change, &entry);
		if (r < 0)
			return r;
	}
	r = hd_change_copy_paths(change, &entry.path, &entry.old_path);
	if (r == 0)
		hd_buffer_put(&run->entries, &entry, sizeof(entry));
	if (r == 0)
		r = hd_buffer_status(&run->entries);
	if (r < 0) {
		free(entry.path);
		free(entry.old_path);
	}
	return r;
}

/* With some paths alone, the other end of a move may not be one of them. */
static enum hd_comparison_moves moves_for(const struct hd_diff_options *options)
{
	if (options->n_paths > 0)
		return HD_MOVES_IGNORED;
	return options->depth == HD_DIFF_PATCH ? HD_MOVES_OF_FILES : HD_MOVES_TOLD;
}

int hd_diff_run(struct hd_tree_view *old_view, struct hd_tree_view *new_view,
	const struct hd_diff_options *options, struct hd_diff *ret_diff)
{
	struct diff_run run = {.old_view = old_view, .new_view = new_view, .options = options};
	const struct hd_comparison comparison = {.old_view = old_view,
		.new_view = new_view,
		.moves = moves_for(options),
		.known = options->known};
	struct hd_diff diff = {0};
	int r;

	hd_work_step(HD_WORK_COMPARING, 0);
	r = hd_tree_comparison_run_knowing(&comparison, emit_change, &run, &diff.counts);
	if (options->n_paths > 0)
		diff.counts = run.counts;
	if (r >= 0)
		r = flush_text(&run);
	hd_buffer_clear(&run.text);
	diff.n_entries = run.entries.size / sizeof(*diff.entries);
	diff.entries = (struct hd_diff_entry *)(void *)run.entries.data;
	if (r < 0) {
		hd_diff_clear(&diff);
		return r;
	}
	*ret_diff = diff;
	return 0;
}

void hd_diff_clear(struct hd_diff *diff)
{
	for (size_t i = 0; i < diff->n_entries; i++) {
		free(diff->entries[i].path);
		free(diff->entries[i].old_path);
	}
	free(diff->entries);
	*diff = (struct hd_diff){0};
}

int hd_diff_write_file(void *payload, const void *data, size_t size)
{
	struct hd_diff_file *file = payload;
	int r;

	r = hd_file_write_at(file->fd, data, size, file->offset);
	if (r < 0)
		return r;
	file->offset += size;
	return 0;
}
