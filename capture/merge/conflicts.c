/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/merge/conflicts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "overlay/platform/array.h"
#include "overlay/platform/cleanup.h"

const char *hd_conflict_kind_name(enum hd_conflict_kind kind)
{
	static const char *const names[] = {
		[HD_CONFLICT_CONTENT] = "content",
		[HD_CONFLICT_ADDED] = "add/add",
		[HD_CONFLICT_BINARY] = "binary",
		[HD_CONFLICT_SYMLINK] = "symlink",
		[HD_CONFLICT_SUBMODULE] = "submodule",
		[HD_CONFLICT_TYPE] = "type",
		[HD_CONFLICT_MODE] = "mode",
		[HD_CONFLICT_DELETED] = "modify/delete",
		[HD_CONFLICT_DIRECTORY] = "file/directory",
		[HD_CONFLICT_RENAME] = "rename",
		[HD_CONFLICT_IGNORED] = "ignored",
	};

	_Static_assert(HD_ARRAY_SIZE(names) == HD_CONFLICT_KIND_COUNT, "a kind without a name");
	return names[kind];
}

int hd_conflicts_add(struct hd_conflicts *conflicts, enum hd_conflict_kind kind, const char *path)
{
	char *copy = strdup(path);

	if (!copy || HD_ARRAY_RESERVE(conflicts->items, conflicts->count, conflicts->capacity) < 0) {
		free(copy);
		return -ENOMEM;
	}
	conflicts->items[conflicts->count++] = (struct hd_conflict){.kind = kind, .path = copy};
	return 0;
}

static int compare(const void *a, const void *b)
{
	const struct hd_conflict *left = a, *right = b;

	return strcmp(left->path, right->path);
}

void hd_conflicts_sort(struct hd_conflicts *conflicts)
{
	if (conflicts->count > 1)
		qsort(conflicts->items, conflicts->count, sizeof(*conflicts->items), compare);
}

void hd_conflicts_clear(struct hd_conflicts *conflicts)
{
	for (size_t i = 0; i < conflicts->count; i++)
		free(conflicts->items[i].path);
	free(conflicts->items);
	*conflicts = (struct hd_conflicts){0};
}

bool hd_state_is_unresolved(const struct hd_state *state)
{
	bool conflicts = false;

	for (size_t i = 0; i < state->n_facts; i++)
		conflicts = conflicts || strcmp(state->facts[i].key, HD_STATE_FACT_CONFLICTS) == 0;
	return conflicts && state->git_commit;
}
