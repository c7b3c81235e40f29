/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/capture_select.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "capture/ignore_rules.h"
#include "capture/trees/tree_find.h"
#include "capture/trees/tree_nodes.h"
#include "capture/trees/tree_view.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/store/tree_codec.h"

/*
 * Both trees are walked side by side along the paths that are chosen, and nowhere else, so that the recursion is as deep
 * as these are long. Where ignored files stay out it goes on below, through what changed, to a depth that a stack bears:
 * what is deeper is taken as a whole. What is taken over is a copy of its node: the nodes stay the snapshot's, which counts them, and
 * what a settled file gets goes to the copy.
 */

#define DEPTH_MAX 500

struct path {
	char *text; /* owned: without empty parts and "." */
	size_t length;
	bool met; /* one of the trees has it */
};

struct select_run {
	struct hd_base_set *bases;
	struct hd_base_directory fallback;
	struct path *paths; /* owned array */
	size_t n_paths;
	struct hd_buffer place;    /* of what is looked at: its path, without a NUL */
	struct hd_ignore *ignore;  /* owned; NULL: ignored files count as others */
	struct hd_tree_view *view; /* owned: what the rules are read from */
	unsigned depth;
	bool all; /* no path is chosen, but everything */
	struct hd_capture_selection *selection;
};

enum verdict { FROM_HEAD, FROM_SNAPSHOT, LOOK_BELOW };

/* ---- paths ---- */

static bool is_root(const char *path)
{
	return path[strspn(path, "./")] == '\0' && !strstr(path, "..");
}

static bool is_everything(const struct hd_capture_choice *choice)
{
	for (size_t i = 0; i < choice->n_paths; i++) {
		if (is_root(choice->paths[i]))
			return true;
	}
	return choice->n_paths == 0;
}

bool hd_capture_choice_is_partial(const struct hd_capture_choice *choice)
{
	return choice->without_ignored || !is_everything(choice);
}

static int clean_path(const char *path, struct path *ret_path)
{
	char *text = NULL;
	int r = hd_tree_path_clean(path, &text);

	/* Never empty: such a path is the root, and everything. */
	if (r >= 0)
		*ret_path = (struct path){.text = text, .length = strlen(text)};
	return r;
}

static int clean_paths(const struct hd_capture_choice *choice, struct select_run *run)
{
	int r = 0;

	run->paths = calloc(choice->n_paths + 1, sizeof(*run->paths));
	if (!run->paths)
		return -ENOMEM;
	for (; run->n_paths < choice->n_paths && r >= 0; run->n_paths += r >= 0)
		r = clean_path(choice->paths[run->n_paths], &run->paths[run->n_paths]);
	return r;
}

/* Whether one of two paths is the other, or above it: the first LENGTH bytes are the same, and a name ends there. */
static bool is_prefix(const char *path, size_t length, const char *of, size_t of_length)
{
	return of_length >= length && memcmp(path, of, length) == 0 &&
	       (of_length == length || of[length] == '/');
}

/* Where what is at the place comes from, which is there in one of the trees. */
static enum verdict judge(struct select_run *run)
{
	const char *place = (const char *)run->place.data;
	size_t length = run->place.size;
	enum verdict verdict = FROM_HEAD;

	for (size_t i = 0; i < run->n_paths; i++) {
		struct path *path = &run->paths[i];

		if (is_prefix(path->text, path->length, place, length)) {
			path->met = path->met || path->length == length;
			verdict = FROM_SNAPSHOT;
		} else if (verdict == FROM_HEAD && is_prefix(place, length, path->text, path->length)) {
			verdict = LOOK_BELOW;
		}
	}
	return verdict;
}

static int enter(struct select_run *run, const struct hd_snapshot_node *node, size_t *ret_length)
{
	*ret_length = run->place.size;
	if (run->place.size > 0)
		hd_buffer_put_u8(&run->place, '/');
	hd_buffer_put(&run->place, node->name, node->name_length);
	return hd_buffer_status(&run->place);
}

/* ---- the walk ---- */

static int select_directory(struct select_run *run, const struct hd_snapshot_node *now,
	const struct hd_snapshot_node *head, struct hd_snapshot_node *out, bool *ret_found, bool chosen);

/* NODE with its children, which are read if it is only a reference; the selection owns those. */
static int with_children(
	struct select_run *run, const struct hd_snapshot_node *node, struct hd_snapshot_node *ret_node)
{
	struct hd_snapshot_node listed = {0};
	int r = 0;

	*ret_node = (struct hd_snapshot_node){0};
	if (!node)
		return 0;
	*ret_node = *node;
	if (node->children)
		return 0;
	listed.content = node->content;
	listed.attribute_content = node->attribute_content;
	r = hd_tree_node_list(run->bases, &run->fallback, &listed);
	if (r < 0)
		return r;
	hd_buffer_put(&run->selection->listed, &listed, sizeof(listed));
	r = hd_buffer_status(&run->selection->listed);
	if (r < 0) {
		hd_tree_node_clear_children(&listed);
		return r;
	}
	ret_node->children = listed.children;
	ret_node->n_children = listed.n_children;
	return 0;
}

static bool is_directory(const struct hd_snapshot_node *node)
{
	return node && S_ISDIR(node->attributes.mode);
}

static void put(struct hd_snapshot_node *out, const struct hd_snapshot_node *node)
{
	if (node)
		out->children[out->n_children++] = *node;
}

/* A directory on the way to what is chosen, in one or in both of the trees. */
static int put_way(struct select_run *run, const struct hd_snapshot_node *now,
	const struct hd_snapshot_node *head, struct hd_snapshot_node *out, bool *found)
{
	struct hd_snapshot_node made;
	bool found_below = false;
	int r;

	if (!is_directory(now) && !is_directory(head)) {
		put(out, head);
		return 0;
	}
	made = is_directory(head) ? *head : *now;
	r = select_directory(run, is_directory(now) ? now : NULL, is_directory(head) ? head : NULL, &made,
		&found_below, false);
	if (r < 0)
		return r;
	*found = *found || found_below;
	/* A directory that only the snapshot has is made for what is chosen in it, not without. */
	put(out, is_directory(head) || found_below ? &made : head);
	return 0;
}

static int is_ignored(struct select_run *run, bool directory, bool *ret_ignored)
{
	int r;

	*ret_ignored = false;
	if (!run->ignore)
		return 0;
	hd_buffer_put_u8(&run->place, '\0');
	r = hd_buffer_status(&run->place);
	run->place.size--;
	return r < 0 ? r
		     : hd_ignore_check(run->ignore, (const char *)run->place.data, directory, ret_ignored);
}

/* What is chosen: as the snapshot has it, but for what is ignored. */
static int put_chosen(struct select_run *run, const struct hd_snapshot_node *now,
	const struct hd_snapshot_node *head, struct hd_snapshot_node *out, bool *found)
{
	struct hd_snapshot_node made;
	bool ignored;
	int r = is_ignored(run, is_directory(now ? now : head), &ignored);

	if (r < 0)
		return r;
	if (ignored) {
		put(out, head);
		return 0;
	}
	*found = *found || now;
	if (!run->ignore || !is_directory(now) || !now->children || run->depth == DEPTH_MAX) {
		put(out, now);
		return 0;
	}
	made = *now;
	run->depth++;
	r = select_directory(run, now, is_directory(head) ? head : NULL, &made, found, true);
	run->depth--;
	if (r >= 0)
		put(out, &made);
	return r;
}

static int put_child(struct select_run *run, const struct hd_snapshot_node *now,
	const struct hd_snapshot_node *head, struct hd_snapshot_node *out, bool *found, bool chosen)
{
	size_t length;
	int r = enter(run, now ? now : head, &length);

	if (r < 0)
		return r;
	switch (chosen ? FROM_SNAPSHOT : judge(run)) {
	case FROM_SNAPSHOT:
		r = put_chosen(run, now, head, out, found);
		break;
	case LOOK_BELOW:
		r = put_way(run, now, head, out, found);
		break;
	case FROM_HEAD:
		put(out, head);
	}
	run->place.size = length;
	return r;
}

/*
 * Gives OUT the children of both, as they are chosen; CHOSEN: the directory is, and all in it. *RET_FOUND: the snapshot
 * has something of what is chosen.
 */
static int select_directory(struct select_run *run, const struct hd_snapshot_node *now,
	const struct hd_snapshot_node *head, struct hd_snapshot_node *out, bool *ret_found, bool chosen)
{
	struct hd_snapshot_node old, new;
	int r = with_children(run, now, &new);

	if (r >= 0)
		r = with_children(run, head, &old);
	if (r < 0)
		return r;
	out->children = calloc(new.n_children + old.n_children + 1, sizeof(*out->children));
	if (!out->children)
		return -ENOMEM;
	hd_buffer_put(&run->selection->arrays, &out->children, sizeof(out->children));
	r = hd_buffer_status(&run->selection->arrays);
	if (r < 0) {
		free(out->children);
		return r;
	}
	out->n_children = 0;
	out->changed = true;
	out->origin = (struct hd_content){0};
	for (size_t i = 0, j = 0; (i < new.n_children || j < old.n_children) && r >= 0;) {
		const struct hd_snapshot_node *a = i < new.n_children ? &new.children[i] : NULL;
		const struct hd_snapshot_node *b = j < old.n_children ? &old.children[j] : NULL;
		int order = !a   ? 1
			    : !b ? -1
				 : hd_tree_compare_names(a->name, a->name_length, b->name, b->name_length);

		r = put_child(run, order <= 0 ? a : NULL, order >= 0 ? b : NULL, out, ret_found, chosen);
		i += order <= 0;
		j += order >= 0;
	}
	return r;
}

/* Whether another path stands for this one as well: nobody looks for it then. */
static bool is_covered(const struct select_run *run, size_t index)
{
	const struct path *path = &run->paths[index];
	bool covered = false;

	for (size_t i = 0; i < run->n_paths && !covered; i++)
		covered = run->paths[i].length < path->length &&
			  is_prefix(run->paths[i].text, run->paths[i].length, path->text, path->length);
	return covered;
}

static int check_paths(const struct select_run *run)
{
	for (size_t i = 0; i < run->n_paths; i++) {
		if (!run->paths[i].met && !is_covered(run, i))
			return hd_fail(HD_E_PATH_MISSING, "'%s'", run->paths[i].text);
	}
	return 0;
}

int hd_capture_select(struct hd_store *store, struct hd_base_set *bases, struct hd_snapshot *snapshot,
	const struct hd_state *head, const struct hd_capture_choice *choice,
	struct hd_capture_selection *ret_selection)
{
	struct hd_capture_selection selection = {0};
	struct select_run run = {.bases = bases, .selection = &selection};
	bool found = false;
	int r;

	run.all = is_everything(choice);
	r = run.all ? 0 : clean_paths(choice, &run);
	if (r >= 0 && choice->without_ignored)
		r = hd_tree_view_of_snapshot(bases, snapshot, &run.view);
	if (r >= 0 && choice->without_ignored)
		r = hd_ignore_new(store, run.view, &head->id, &run.ignore);
	if (r >= 0)
		r = hd_tree_node_root(store, bases, head, &selection.head, &run.fallback);
	if (r >= 0) {
		selection.root = run.all ? *hd_snapshot_root(snapshot) : selection.head;
		selection.root.name = hd_snapshot_root(snapshot)->name;
		r = select_directory(
			&run, hd_snapshot_root(snapshot), &selection.head, &selection.root, &found, run.all);
	}
	if (r >= 0)
		r = check_paths(&run);
	for (size_t i = 0; i < run.n_paths; i++)
		free(run.paths[i].text);
	free(run.paths);
	hd_ignore_free(run.ignore);
	hd_tree_view_free(run.view);
	hd_buffer_clear(&run.place);
	if (r < 0) {
		hd_capture_selection_clear(&selection);
		return r;
	}
	*ret_selection = selection;
	return 0;
}

void hd_capture_selection_clear(struct hd_capture_selection *selection)
{
	struct hd_snapshot_node **arrays = (struct hd_snapshot_node **)(void *)selection->arrays.data;
	struct hd_snapshot_node *listed = (struct hd_snapshot_node *)(void *)selection->listed.data;

	for (size_t i = 0; i < selection->arrays.size / sizeof(*arrays); i++)
		free(arrays[i]);
	for (size_t i = 0; i < selection->listed.size / sizeof(*listed); i++)
		hd_tree_node_clear_children(&listed[i]);
	hd_buffer_clear(&selection->arrays);
	hd_buffer_clear(&selection->listed);
	hd_tree_node_clear(&selection->head);
	*selection = (struct hd_capture_selection){0};
}
