/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/git/import/import_names.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/name_set.h"
#include "overlay/store/index/index_operations.h"

/*
 * What is to change is decided by what is there, and the transaction refuses when that is something else by then. A tag and
 * a thread for the same branch are two rows of the result.
 */

struct naming {
	struct hd_index *index;
	const struct hd_import_git_options *options;
	struct hd_import_git_result *result;
	struct hd_operation *operations; /* owned array */
	size_t n_operations;
	struct hd_name_set tags, threads; /* owned: of the names in `operations` */
};

static struct hd_import_name *add_name(
	struct naming *naming, const struct hd_import_tip *tip, const struct hd_state_id *state)
{
	struct hd_import_name *name = &naming->result->names[naming->result->n_names];

	name->reference = strdup(tip->reference);
	if (!name->reference)
		return NULL;
	name->state = *state;
	name->outcome = HD_IMPORT_SAME;
	naming->result->n_names++;
	return name;
}

static int fill_side(const char *name, const struct hd_state_id *state, struct hd_operation_side *side)
{
	side->name = strdup(name);
	side->head = *state;
	return side->name ? 0 : -ENOMEM;
}

/* NAME is borrowed. */
static int take(struct hd_name_set *names, const char *name)
{
	int r = hd_name_set_put(names, name);

	return r < 0 ? r : 0;
}

/* ---- tags ---- */

static int move_tag(struct naming *naming, const struct hd_import_name *name, const struct hd_state_id *there)
{
	struct hd_operation *operation = &naming->operations[naming->n_operations++];
	int r = there ? fill_side(name->name, there, &operation->before) : 0;

	operation->kind = HD_OPERATION_TAG;
	operation->is_tag = true;
	operation->actor = strdup(naming->options->actor);
	if (r >= 0)
		r = fill_side(name->name, &name->state, &operation->after);
	return r < 0 || !operation->actor ? -ENOMEM : take(&naming->tags, operation->after.name);
}

static int name_tip(struct naming *naming, const struct hd_import_tip *tip, const struct hd_state_id *state)
{
	struct hd_import_name *name = add_name(naming, tip, state);
	struct hd_state_id there;
	int r;

	if (!name)
		return -ENOMEM;
	if (!tip->name || hd_state_id_is_zero(state))
		return 0;
	name->name = strdup(tip->name);
	if (!name->name)
		return -ENOMEM;
	/* Two references of one name: a branch "origin/x" of this repository, and "x" of the remote "origin". */
	if (hd_tag_name_check(name->name) < 0 || hd_name_set_has(&naming->tags, name->name)) {
		name->outcome = HD_IMPORT_REFUSED;
		return 0;
	}
	r = hd_index_get_tag(naming->index, name->name, &there);
	if (r == -HD_E_TAG_MISSING) {
		name->outcome = HD_IMPORT_NEW;
		return move_tag(naming, name, NULL);
	}
	if (r < 0 || hd_state_id_equal(&there, state))
		return r;
	name->outcome = tip->is_branch || naming->options->force ? HD_IMPORT_MOVED : HD_IMPORT_KEPT;
	return name->outcome == HD_IMPORT_MOVED ? move_tag(naming, name, &there) : 0;
}

/* ---- threads ---- */

static int make_thread(struct naming *naming, struct hd_import_name *name)
{
	struct hd_operation *operation;
	struct hd_thread thread = {0};
	struct hd_state_id tagged;
	int r = hd_index_get_thread(naming->index, name->name, &thread);

	hd_thread_clear(&thread);
	if (r >= 0) {
		name->outcome = HD_IMPORT_KEPT;
		return 0;
	}
	if (r != -HD_E_THREAD_MISSING)
		return r;
	/* It would hide a tag. */
	if (hd_name_set_has(&naming->tags, name->name) ||
		hd_index_get_tag(naming->index, name->name, &tagged) >= 0) {
		name->outcome = HD_IMPORT_REFUSED;
		return 0;
	}
	hd_error_clear();
	name->outcome = HD_IMPORT_NEW;
	operation = &naming->operations[naming->n_operations++];
	operation->kind = HD_OPERATION_CREATE;
	operation->actor = strdup(naming->options->actor);
	operation->after.base = operation->after.tree = name->state;
	r = fill_side(name->name, &name->state, &operation->after);
	return r < 0 || !operation->actor ? -ENOMEM : take(&naming->threads, operation->after.name);
}

/* Threads are directories of `heddle mount --all`: a '/' becomes a '-'. */
static int thread_for_branch(
	struct naming *naming, const struct hd_import_tip *tip, const struct hd_state_id *state)
{
	struct hd_import_name *name = add_name(naming, tip, state);

	if (!name)
		return -ENOMEM;
	name->is_thread = true;
	name->name = strdup(tip->name + strlen(HD_IMPORT_BRANCH_PREFIX));
	if (!name->name)
		return -ENOMEM;
	for (char *at = strchr(name->name, '/'); at; at = strchr(at, '/'))
		*at = '-';
	/* "a/b" came before "a-b". */
	if (hd_thread_name_check(name->name) < 0 || hd_name_set_has(&naming->threads, name->name)) {
		name->outcome = HD_IMPORT_REFUSED;
		return 0;
	}
	return make_thread(naming, name);
}

static int thread_that_was_named(
	struct naming *naming, const struct hd_import_tip *tip, const struct hd_state_id *state)
{
	struct hd_import_name *name = add_name(naming, tip, state);
	int r;

	if (!name)
		return -ENOMEM;
	name->is_thread = true;
	name->name = strdup(naming->options->thread);
	if (!name->name)
		return -ENOMEM;
	r = make_thread(naming, name);
	if (r >= 0 && name->outcome == HD_IMPORT_KEPT)
		r = hd_fail(HD_E_THREAD_EXISTS, "thread '%s'", name->name);
	else if (r >= 0 && name->outcome == HD_IMPORT_REFUSED)
		r = hd_fail(HD_E_TAG_EXISTS, "the thread would hide tag '%s'", name->name);
	return r;
}

/* ---- all ---- */

static int name_all(
	struct naming *naming, const struct hd_import_walk *walk, const struct hd_import_tips *tips)
{
	int r = 0;

	for (size_t i = 0; i < tips->count && r >= 0; i++) {
		const struct hd_import_tip *tip = &tips->items[i];
		struct hd_state_id state = hd_import_walk_state(walk, &tip->commit);

		r = name_tip(naming, tip, &state);
		if (r < 0 || hd_state_id_is_zero(&state))
			continue;
		if (naming->options->thread)
			r = thread_that_was_named(naming, tip, &state);
		else if (naming->options->threads && tip->is_branch)
			r = thread_for_branch(naming, tip, &state);
	}
	hd_error_clear();
	return r;
}

int hd_import_names_set(struct hd_index *index, const struct hd_import_git_options *options,
	const struct hd_import_walk *walk, const struct hd_import_tips *tips,
	struct hd_import_git_result *result)
{
	struct naming naming = {.index = index, .options = options, .result = result};
	int r;

	/* A tag and a thread for each. */
	result->names = calloc(2 * tips->count + 1, sizeof(*result->names));
	naming.operations = calloc(2 * tips->count + 1, sizeof(*naming.operations));
	r = result->names && naming.operations ? name_all(&naming, walk, tips) : -ENOMEM;
	if (r >= 0 && naming.n_operations > 0)
		r = hd_index_change_all(index, naming.operations, naming.n_operations);
	hd_name_set_clear(&naming.tags);
	hd_name_set_clear(&naming.threads);
	for (size_t i = 0; i < naming.n_operations; i++)
		hd_operation_clear(&naming.operations[i]);
	free(naming.operations);
	return r;
}
