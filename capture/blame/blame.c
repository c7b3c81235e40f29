/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/blame/blame.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "capture/blame/blame_origin.h"
#include "capture/compare/line_hunks.h"
#include "capture/compare/same_content.h"
#include "overlay/platform/buffer.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"

/*
 * A suspect is the file in one tree, with the lines that it may have brought. It passes to each parent what that one's
 * file has as well, and keeps the rest. Suspects that are met on two ways are one: the latest is taken first, so that
 * both ways have mostly been walked before.
 */

/* Some lines of a suspect, and where they are in the result. */
struct segment {
	size_t result_line, line, count;
};

struct suspect {
	struct hd_state state; /* owned; empty for an overlay */
	bool captured;
	struct hd_tree_view *view; /* owned */
	struct hd_blame_file file; /* owned */
	struct hd_buffer segments; /* of struct segment, by line, apart */
};

struct run {
	struct hd_store *store;
	struct hd_base_set *bases;
	struct hd_buffer waiting; /* of owned struct suspect pointers */
	struct hd_buffer sources; /* of struct hd_blame_source */
	struct hd_blame *blame;
	struct hd_state_id snapshot_parent; /* of an overlay */
};

static void free_suspect(struct suspect *suspect)
{
	if (!suspect)
		return;
	hd_state_clear(&suspect->state);
	hd_tree_view_free(suspect->view);
	hd_blame_file_clear(&suspect->file);
	hd_buffer_clear(&suspect->segments);
	free(suspect);
}

static void auto_suspect(struct suspect **suspect)
{
	free_suspect(*suspect);
}
#define AUTO_SUSPECT HD_CLEANUP(auto_suspect)

static struct suspect **waiting_suspects(const struct run *run, size_t *ret_count)
{
	*ret_count = run->waiting.size / sizeof(struct suspect *);
	return (struct suspect **)(void *)run->waiting.data;
}

static struct segment *segments_of(const struct suspect *suspect, size_t *ret_count)
{
	*ret_count = suspect->segments.size / sizeof(struct segment);
	return (struct segment *)(void *)suspect->segments.data;
}

/* ---- which is next ---- */

static bool is_later(const struct suspect *a, const struct suspect *b)
{
	if (a->captured != b->captured)
		return !a->captured;
	if (a->state.time_s != b->state.time_s)
		return a->state.time_s > b->state.time_s;
	return a->state.time_ns > b->state.time_ns;
}

static struct suspect *take_latest(struct run *run)
{
	size_t count, latest = 0;
	struct suspect **suspects = waiting_suspects(run, &count);
	struct suspect *taken;

	for (size_t i = 1; i < count; i++) {
		if (is_later(suspects[i], suspects[latest]))
			latest = i;
	}
	taken = suspects[latest];
	suspects[latest] = suspects[count - 1];
	run->waiting.size -= sizeof(struct suspect *);
	return taken;
}

static int compare_segments(const void *a, const void *b)
{
	const struct segment *left = a, *right = b;

	return left->line < right->line ? -1 : left->line > right->line;
}

/* Lets SUSPECT, which is taken over, wait, or gives its lines to the one that waits for the same file. */
static int add_suspect(struct run *run, struct suspect *suspect)
{
	size_t count, n_segments;
	struct suspect **suspects = waiting_suspects(run, &count);
	struct segment *segments;
	int r;

	for (size_t i = 0; i < count; i++) {
		struct suspect *other = suspects[i];

		if (!hd_state_id_equal(&other->state.id, &suspect->state.id) ||
			strcmp(other->file.path, suspect->file.path) != 0)
			continue;
		hd_buffer_put(&other->segments, suspect->segments.data, suspect->segments.size);
		free_suspect(suspect);
		segments = segments_of(other, &n_segments);
		qsort(segments, n_segments, sizeof(*segments), compare_segments);
		return hd_buffer_status(&other->segments);
	}
	hd_buffer_put(&run->waiting, &suspect, sizeof(suspect));
	r = hd_buffer_status(&run->waiting);
	if (r < 0)
		free_suspect(suspect);
	return r;
}

/* ---- what a suspect keeps ---- */

static int keep_lines(struct run *run, struct suspect *suspect)
{
	struct hd_blame_source source = {.captured = suspect->captured};
	size_t n_segments, number = run->sources.size / sizeof(source);
	const struct segment *segments = segments_of(suspect, &n_segments);
	int r;

	for (size_t i = 0; i < n_segments; i++) {
		for (size_t line = 0; line < segments[i].count; line++) {
			struct hd_blame_line *kept = &run->blame->lines[segments[i].result_line + line];

			kept->source = number;
			kept->source_line = segments[i].line + line + 1;
		}
	}
	source.path = strdup(suspect->file.path);
	source.state = suspect->state;
	suspect->state = (struct hd_state){0};
	if (source.path)
		hd_buffer_put(&run->sources, &source, sizeof(source));
	r = source.path ? hd_buffer_status(&run->sources) : -ENOMEM;
	if (r < 0) {
		hd_state_clear(&source.state);
		free(source.path);
	}
	return r;
}

/* ---- what a suspect passes on ---- */

static void put_segment(
	struct hd_buffer *segments, const struct segment *from, size_t skipped, size_t count, size_t line)
{
	struct segment part = {.result_line = from->result_line + skipped, .line = line, .count = count};

	if (count > 0)
		hd_buffer_put(segments, &part, sizeof(part));
}

/*
 * Divides the segments: what is inside a hunk stays, what is outside is the parent's, by the number that the hunks
 * before it shift it to.
 */
static void divide(const struct segment *segment, const struct hd_line_hunk *hunks, size_t n_hunks,
	struct hd_buffer *kept, struct hd_buffer *passed)
{
	size_t line = segment->line, end = segment->line + segment->count;

	for (size_t i = 0; i <= n_hunks && line < end; i++) {
		size_t start = i < n_hunks ? hunks[i].new_start : SIZE_MAX;
		size_t until = start < end ? start : end;
		size_t old_line = i > 0 ? line - (hunks[i - 1].new_start + hunks[i - 1].new_count) +
						  hunks[i - 1].old_start + hunks[i - 1].old_count
					: line;

		if (until > line) {
			put_segment(passed, segment, line - segment->line, until - line, old_line);
			line = until;
		}
		if (i == n_hunks || line >= end)
			break;
		until = start + hunks[i].new_count < end ? start + hunks[i].new_count : end;
		if (until > line) {
			put_segment(kept, segment, line - segment->line, until - line, line);
			line = until;
		}
	}
}

/* Skips the hunks that end before LINE, which must stay counted: returns how many. */
static size_t hunks_before(const struct hd_line_hunk *hunks, size_t n_hunks, size_t line)
{
	size_t low = 0, high = n_hunks;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (hunks[middle].new_start + hunks[middle].new_count <= line)
			low = middle + 1;
		else
			high = middle;
	}
	/* The last of them says by how much the lines behind it are shifted. */
	return low > 0 ? low - 1 : 0;
}

static int divide_all(struct suspect *suspect, struct suspect *parent)
{
	HD_AUTO_BUFFER struct hd_buffer found = {0};
	struct hd_buffer kept = {0};
	size_t n_segments, n_hunks;
	const struct segment *segments = segments_of(suspect, &n_segments);
	const struct hd_line_hunk *hunks;
	int r = hd_line_hunks_find(
		parent->file.data, parent->file.size, suspect->file.data, suspect->file.size, &found);

	if (r < 0)
		return r;
	n_hunks = found.size / sizeof(*hunks);
	hunks = (const struct hd_line_hunk *)(const void *)found.data;
	for (size_t i = 0; i < n_segments; i++) {
		size_t before = hunks_before(hunks, n_hunks, segments[i].line);

		divide(&segments[i], hunks ? hunks + before : NULL, n_hunks - before, &kept,
			&parent->segments);
	}
	r = hd_buffer_status(&kept) < 0 ? hd_buffer_status(&kept) : hd_buffer_status(&parent->segments);
	hd_buffer_clear(&suspect->segments);
	suspect->segments = kept;
	return r;
}

/* All lines go to the parent, as they are; and the bytes, if they have been read. */
static void pass_all(struct suspect *suspect, struct suspect *parent)
{
	parent->segments = suspect->segments;
	suspect->segments = (struct hd_buffer){0};
	if (!suspect->file.loaded || parent->file.loaded)
		return;
	parent->file.data = suspect->file.data;
	parent->file.size = suspect->file.size;
	parent->file.binary = suspect->file.binary;
	parent->file.loaded = true;
	suspect->file.data = NULL;
	suspect->file.loaded = false;
}

static bool has_same_reference(const struct suspect *a, const struct suspect *b)
{
	return !a->file.entry.unreferenced && !b->file.entry.unreferenced &&
	       !hd_content_is_none(&a->file.entry.content) &&
	       hd_content_equal(&a->file.entry.content, &b->file.entry.content);
}

static int pass(struct suspect *suspect, struct suspect *parent)
{
	int r;

	if (has_same_reference(suspect, parent)) {
		pass_all(suspect, parent);
		return 0;
	}
	r = hd_blame_file_load(suspect->view, &suspect->file);
	if (r >= 0)
		r = hd_blame_file_load(parent->view, &parent->file);
	if (r < 0)
		return r;
	if (suspect->file.binary || parent->file.binary) {
		bool same = false;

		if (suspect->file.binary && parent->file.binary)
			r = hd_same_bytes(parent->view, &parent->file.entry, suspect->view,
				&suspect->file.entry, &same);
		if (same)
			pass_all(suspect, parent);
		return r;
	}
	return divide_all(suspect, parent);
}

/* The parent ID as a suspect without lines; NULL in *RET_PARENT if it does not have the file. */
static int open_parent(struct run *run, struct suspect *suspect, const struct hd_state_id *id, bool is_first,
	struct suspect **ret_parent)
{
	AUTO_SUSPECT struct suspect *parent = calloc(1, sizeof(*parent));
	struct hd_blame_tree tree = {.view = suspect->view,
		.moves = suspect->state.moves,
		.n_moves = suspect->state.n_moves,
		.knows_moves = suspect->captured && is_first};
	int r;

	if (!parent)
		return -ENOMEM;
	parent->captured = true;
	r = hd_index_get_state(run->store->index, id, &parent->state);
	if (r >= 0)
		r = hd_tree_view_of_state(run->bases, &parent->state, &parent->view);
	if (r >= 0)
		r = hd_blame_origin_find(&tree, &suspect->file, parent->view, &parent->file);
	if (r < 0)
		return r;
	*ret_parent = r == 1 ? HD_STEAL(parent) : NULL;
	return 0;
}

static int examine(struct run *run, struct suspect *suspect)
{
	const struct hd_state_id *parents =
		suspect->captured ? suspect->state.parents : &run->snapshot_parent;
	size_t n_parents = suspect->captured ? suspect->state.n_parents : 1;
	int r = 0;

	for (size_t i = 0; i < n_parents && suspect->segments.size > 0 && r >= 0; i++) {
		AUTO_SUSPECT struct suspect *parent = NULL;

		r = open_parent(run, suspect, &parents[i], i == 0, &parent);
		if (r >= 0 && parent)
			r = pass(suspect, parent);
		if (r >= 0 && parent && parent->segments.size > 0)
			r = add_suspect(run, HD_STEAL(parent));
	}
	if (r >= 0 && suspect->segments.size > 0)
		r = keep_lines(run, suspect);
	return r;
}

/* ---- the whole ---- */

static size_t count_lines(const char *data, size_t size)
{
	size_t count = 0;

	for (const char *at = data, *end = data + size; at < end; count++) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));

		at = newline ? newline + 1 : end;
	}
	return count;
}

static int cut_lines(
	struct hd_blame *blame, size_t size, const struct hd_blame_range *range, const char *path)
{
	const char *at = blame->data, *end = blame->data + size;
	size_t count = count_lines(at, size);
	size_t last = range->last && range->last < count ? range->last : count;

	blame->first = range->first > 0 ? range->first : 1;
	if (range->last && range->last < blame->first)
		return hd_fail(EINVAL, "line %zu is before line %zu", range->last, blame->first);
	if (blame->first > count && (blame->first > 1 || range->last))
		return hd_fail(EINVAL, "'%s' has only %zu %s", path, count, count == 1 ? "line" : "lines");
	blame->n_lines = last + 1 - blame->first;
	blame->lines = calloc(blame->n_lines + 1, sizeof(*blame->lines));
	if (!blame->lines)
		return -ENOMEM;
	for (size_t line = 1; line <= last; line++) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		const char *line_end = newline ? newline : end;

		if (line >= blame->first)
			blame->lines[line - blame->first] =
				(struct hd_blame_line){.text = at, .length = (size_t)(line_end - at)};
		at = newline ? newline + 1 : end;
	}
	return 0;
}

/* Looks at the first suspect, which is taken over: what the result is about. */
static int begin(
	struct run *run, struct suspect *suspect, const char *path, const struct hd_blame_range *range)
{
	AUTO_SUSPECT struct suspect *owned = suspect;
	struct hd_blame *blame = run->blame;
	struct segment whole = {0};
	int r = hd_blame_file_find(suspect->view, path, &suspect->file);

	if (r >= 0)
		r = hd_blame_file_load(suspect->view, &suspect->file);
	if (r < 0)
		return r;
	blame->path = strdup(suspect->file.path);
	blame->binary = suspect->file.binary;
	blame->size = suspect->file.entry.size;
	blame->data = malloc(suspect->file.size + 1);
	if (!blame->path || !blame->data)
		return -ENOMEM;
	if (blame->binary) {
		blame->lines = calloc(1, sizeof(*blame->lines));
		r = blame->lines ? 0 : -ENOMEM;
		whole.count = 1;
	} else {
		memcpy(blame->data, suspect->file.data, suspect->file.size);
		r = cut_lines(blame, suspect->file.size, range, path);
		whole.line = blame->first - 1;
		whole.count = blame->n_lines;
	}
	if (r < 0 || whole.count == 0)
		return r;
	hd_buffer_put(&suspect->segments, &whole, sizeof(whole));
	r = hd_buffer_status(&suspect->segments);
	return r < 0 ? r : add_suspect(run, HD_STEAL(owned));
}

static int run_to_end(struct run *run, struct suspect *first, const char *path,
	const struct hd_blame_range *range, struct hd_blame *ret_blame)
{
	struct hd_blame blame = {0};
	int r;

	run->blame = &blame;
	r = begin(run, first, path, range);
	while (r >= 0 && run->waiting.size > 0) {
		AUTO_SUSPECT struct suspect *suspect = take_latest(run);

		r = examine(run, suspect);
	}
	while (run->waiting.size > 0)
		free_suspect(take_latest(run));
	hd_buffer_clear(&run->waiting);
	blame.n_sources = run->sources.size / sizeof(*blame.sources);
	blame.sources = (struct hd_blame_source *)(void *)run->sources.data;
	if (r < 0) {
		hd_blame_clear(&blame);
		return r;
	}
	*ret_blame = blame;
	return 0;
}

int hd_blame_state(struct hd_store *store, struct hd_base_set *bases, const struct hd_state_id *id,
	const char *path, const struct hd_blame_range *range, struct hd_blame *ret_blame)
{
	struct run run = {.store = store, .bases = bases};
	AUTO_SUSPECT struct suspect *first = calloc(1, sizeof(*first));
	int r;

	if (!first)
		return -ENOMEM;
	first->captured = true;
	r = hd_index_get_state(store->index, id, &first->state);
	if (r >= 0)
		r = hd_tree_view_of_state(bases, &first->state, &first->view);
	return r < 0 ? r : run_to_end(&run, HD_STEAL(first), path, range, ret_blame);
}

int hd_blame_overlay(struct hd_overlay *overlay, const char *path, const struct hd_blame_range *range,
	struct hd_blame *ret_blame)
{
	struct run run = {.store = hd_overlay_store(overlay), .bases = hd_overlay_bases(overlay)};
	AUTO_SUSPECT struct suspect *first = calloc(1, sizeof(*first));
	struct hd_snapshot *snapshot = NULL;
	int r = first ? hd_snapshot_take(overlay, false, &snapshot) : -ENOMEM;

	if (r < 0)
		return r;
	hd_snapshot_parent(snapshot, &run.snapshot_parent);
	r = hd_tree_view_of_snapshot(run.bases, snapshot, &first->view);
	if (r >= 0)
		r = run_to_end(&run, HD_STEAL(first), path, range, ret_blame);
	hd_snapshot_free(snapshot);
	return r;
}

void hd_blame_clear(struct hd_blame *blame)
{
	for (size_t i = 0; i < blame->n_sources; i++) {
		hd_state_clear(&blame->sources[i].state);
		free(blame->sources[i].path);
	}
	free(blame->path);
	free(blame->sources);
	free(blame->lines);
	free(blame->data);
	*blame = (struct hd_blame){0};
}
