/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/compare/git_patch.h"

#include <git2.h>
#include <string.h>
#include <sys/stat.h>

#include "capture/compare/quoted_path.h"
#include "overlay/bases/git/base_git_library.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"

/*
 * The lines are libgit2's work (xdiff, the same code as git's), the headers are ours: libgit2 prints headers
 * for blobs of a repository, with names it takes from an index, and cannot be told a mode.
 *
 * git apply needs what git prints, not more: an 'index' line may be left out, but a file that comes or goes
 * without a single line must still have its 'new file mode' or 'deleted file mode', and a name with a blank
 * at its end must be told from the header's end by a tab (git's diff.c, emit_diff_symbol).
 */

bool hd_git_patch_is_binary(const char *data, size_t size)
{
	return memchr(data, 0, size < HD_GIT_BINARY_PREFIX ? size : HD_GIT_BINARY_PREFIX) != NULL;
}

uint32_t hd_git_patch_mode(uint32_t mode)
{
	if (S_ISLNK(mode))
		return 0120000;
	if (S_ISREG(mode))
		return mode & S_IXUSR ? 0100755 : 0100644;
	return 0;
}

static void put_side_name(
	struct hd_buffer *out, const char *mark, const char *prefix, const struct hd_git_patch_side *side)
{
	hd_buffer_put_text(out, mark);
	if (!side->mode) {
		hd_buffer_put_text(out, "/dev/null\n");
		return;
	}
	hd_quoted_path_put(out, prefix, side->path);
	if (strchr(side->path, ' '))
		hd_buffer_put_u8(out, '\t');
	hd_buffer_put_u8(out, '\n');
}

static void put_line_of_name(struct hd_buffer *out, const char *before, const char *path)
{
	hd_buffer_put_text(out, before);
	hd_quoted_path_put(out, "", path);
	hd_buffer_put_u8(out, '\n');
}

static void put_modes(struct hd_buffer *out, uint32_t old_mode, uint32_t new_mode)
{
	if (!old_mode)
		hd_buffer_printf(out, "new file mode %06o\n", new_mode);
	else if (!new_mode)
		hd_buffer_printf(out, "deleted file mode %06o\n", old_mode);
	else if (old_mode != new_mode)
		hd_buffer_printf(out, "old mode %06o\nnew mode %06o\n", old_mode, new_mode);
}

static void put_no_bytes(struct hd_buffer *out, const struct hd_git_patch_side *old_side,
	const struct hd_git_patch_side *new_side)
{
	hd_buffer_put_text(out, "Binary files ");
	if (old_side->mode)
		hd_quoted_path_put(out, "a/", old_side->path);
	else
		hd_buffer_put_text(out, "/dev/null");
	hd_buffer_put_text(out, " and ");
	if (new_side->mode)
		hd_quoted_path_put(out, "b/", new_side->path);
	else
		hd_buffer_put_text(out, "/dev/null");
	hd_buffer_put_text(out, " differ\n");
}

void hd_git_patch_put_header(struct hd_buffer *out, const struct hd_git_patch_side *old_side,
	const struct hd_git_patch_side *new_side, const struct hd_git_patch_facts *facts)
{
	hd_buffer_put_text(out, "diff --git ");
	hd_quoted_path_put(out, "a/", old_side->path);
	hd_buffer_put_u8(out, ' ');
	hd_quoted_path_put(out, "b/", new_side->path);
	hd_buffer_put_u8(out, '\n');
	put_modes(out, old_side->mode, new_side->mode);
	if (strcmp(old_side->path, new_side->path) != 0) {
		if (!facts->changed)
			hd_buffer_put_text(out, "similarity index 100%\n");
		put_line_of_name(out, "rename from ", old_side->path);
		put_line_of_name(out, "rename to ", new_side->path);
	}
	if (!facts->binary)
		return;
	/* A header of names alone is none to git apply, which would pass over the file and say nothing; at this it stops. */
	if (old_side->mode == new_side->mode && strcmp(old_side->path, new_side->path) == 0)
		hd_buffer_printf(out, "index 0000000..0000000 %06o\n", new_side->mode);
	put_no_bytes(out, old_side, new_side);
}

/* libgit2 calls it for headers, too: those are ours. */
static int put_binary_part(
	const git_diff_delta *delta, const git_diff_hunk *hunk, const git_diff_line *line, void *payload)
{
	struct hd_buffer *out = payload;

	(void)delta;
	(void)hunk;
	if (line->origin == GIT_DIFF_LINE_BINARY)
		hd_buffer_put(out, line->content, line->content_len);
	return hd_buffer_status(out);
}

static void put_index_line(struct hd_buffer *out, const git_diff_delta *delta,
	const struct hd_git_patch_side *old_side, const struct hd_git_patch_side *new_side)
{
	static const git_oid none;
	char old_id[GIT_OID_HEXSZ + 1];
	char new_id[GIT_OID_HEXSZ + 1];

	git_oid_tostr(old_id, sizeof(old_id), old_side->mode ? &delta->old_file.id : &none);
	git_oid_tostr(new_id, sizeof(new_id), new_side->mode ? &delta->new_file.id : &none);
	hd_buffer_printf(out, "index %s..%s", old_id, new_id);
	if (old_side->mode == new_side->mode)
		hd_buffer_printf(out, " %06o", new_side->mode);
	hd_buffer_put_u8(out, '\n');
}

static void free_patch(git_patch **patch)
{
	if (*patch)
		git_patch_free(*patch);
}

int hd_git_patch_put_binary(struct hd_buffer *out, const struct hd_git_patch_side *old_side,
	const struct hd_git_patch_side *new_side)
{
	HD_CLEANUP(free_patch) git_patch *patch = NULL;
	git_diff_options options;
	int r;

	r = hd_git_library_start();
	if (r < 0)
		return r;
	(void)git_diff_options_init(&options, GIT_DIFF_OPTIONS_VERSION);
	options.flags = GIT_DIFF_FORCE_BINARY | GIT_DIFF_SHOW_BINARY;
	r = git_patch_from_buffers(&patch, old_side->mode ? old_side->data : NULL, old_side->size, NULL,
		new_side->mode ? new_side->data : NULL, new_side->size, NULL, &options);
	if (r >= 0) {
		put_index_line(out, git_patch_get_delta(patch), old_side, new_side);
		r = git_patch_print(patch, put_binary_part, out);
	}
	if (hd_buffer_status(out) < 0)
		return hd_buffer_status(out);
	return r < 0 ? hd_git_library_fail(HD_E_REPOSITORY, "compare the bytes of '%s'", new_side->path) : 0;
}

struct hunk_writer {
	struct hd_buffer *out; /* may be NULL */
	const struct hd_git_patch_side *old_side, *new_side;
	bool begun;
	struct hd_git_patch_counts counts;
};

static int put_hunk(const git_diff_delta *delta, const git_diff_hunk *hunk, void *payload)
{
	struct hunk_writer *writer = payload;

	(void)delta;
	if (!writer->out)
		return 0;
	if (!writer->begun) {
		put_side_name(writer->out, "--- ", "a/", writer->old_side);
		put_side_name(writer->out, "+++ ", "b/", writer->new_side);
		writer->begun = true;
	}
	hd_buffer_put(writer->out, hunk->header, hunk->header_len);
	return hd_buffer_status(writer->out);
}

static int put_line(
	const git_diff_delta *delta, const git_diff_hunk *hunk, const git_diff_line *line, void *payload)
{
	struct hunk_writer *writer = payload;

	(void)delta;
	(void)hunk;
	if (line->origin == GIT_DIFF_LINE_ADDITION)
		writer->counts.added_lines++;
	else if (line->origin == GIT_DIFF_LINE_DELETION)
		writer->counts.deleted_lines++;
	if (!writer->out)
		return 0;
	/* The other origins are the words about a missing line end, which bring their own marks. */
	if (line->origin == GIT_DIFF_LINE_ADDITION || line->origin == GIT_DIFF_LINE_DELETION ||
		line->origin == GIT_DIFF_LINE_CONTEXT)
		hd_buffer_put_u8(writer->out, (uint8_t)line->origin);
	hd_buffer_put(writer->out, line->content, line->content_len);
	return hd_buffer_status(writer->out);
}

int hd_git_patch_put_hunks(struct hd_buffer *out, const struct hd_git_patch_side *old_side,
	const struct hd_git_patch_side *new_side, unsigned context_lines,
	struct hd_git_patch_counts *ret_counts)
{
	git_diff_options options;
	struct hunk_writer writer = {.out = out, .old_side = old_side, .new_side = new_side};
	int r;

	r = hd_git_library_start();
	if (r < 0)
		return r;
	(void)git_diff_options_init(&options, GIT_DIFF_OPTIONS_VERSION);
	options.context_lines = context_lines;
	options.flags = GIT_DIFF_FORCE_TEXT | GIT_DIFF_INDENT_HEURISTIC;
	r = git_diff_buffers(old_side->data, old_side->size, NULL, new_side->data, new_side->size, NULL,
		&options, NULL, NULL, put_hunk, put_line, &writer);
	if (out && hd_buffer_status(out) < 0)
		return hd_buffer_status(out);
	if (r < 0)
		return hd_git_library_fail(HD_E_REPOSITORY, "compare the lines of '%s'", new_side->path);
	*ret_counts = writer.counts;
	return 0;
}
