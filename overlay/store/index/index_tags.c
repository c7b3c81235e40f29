/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "overlay/platform/array.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/store/index/index_types.h"

/* Tags: names for states. They are read here, and moved by operations (index_operations.c). */

#define NAME_LIMIT 200

int hd_tag_name_check(const char *name)
{
	int r = 0;

	if (strnlen(name, NAME_LIMIT + 1) > NAME_LIMIT)
		return hd_fail(HD_E_NAME_INVALID, "a name has 1 to %d bytes", NAME_LIMIT);
	/* Each part is what a name is. */
	while (r == 0) {
		size_t length = strcspn(name, "/");

		r = hd_index_name_check(name, length);
		if (!name[length])
			break;
		name += length + 1;
	}
	return r;
}

int hd_index_get_tag_locked(struct hd_index *index, const char *name, struct hd_state_id *ret_id)
{
	static const char sql[] = "SELECT state FROM tag WHERE name = ?1";
	sqlite3_stmt *statement;
	int r;

	r = hd_index_query_locked(index, sql, &statement);
	if (r < 0)
		return r;
	hd_index_bind_text_locked(statement, 1, name);
	r = hd_index_step_locked(index, statement, "read a tag");
	if (r == 0)
		r = hd_fail(HD_E_TAG_MISSING, "tag '%s'", name);
	if (r > 0)
		r = hd_index_column_state_id_locked(statement, 0, ret_id);
	hd_index_reset_locked(statement);
	return r;
}

int hd_index_get_tag(struct hd_index *index, const char *name, struct hd_state_id *ret_id)
{
	int r;

	hd_index_lock(index);
	r = hd_index_get_tag_locked(index, name, ret_id);
	hd_index_unlock(index);
	return r;
}

int hd_index_set_tag_locked(struct hd_index *index, const char *name, const struct hd_state_id *state)
{
	static const char set[] = "INSERT OR REPLACE INTO tag (name, state) VALUES (?1, ?2)";
	static const char delete[] = "DELETE FROM tag WHERE name = ?1";
	sqlite3_stmt *statement;
	int r = state ? hd_index_has_state_locked(index, state) : 1;

	if (r == 0)
		return hd_fail(HD_E_STATE_MISSING, "the state of tag '%s'", name);
	if (r > 0)
		r = hd_index_query_locked(index, state ? set : delete, &statement);
	if (r < 0)
		return r;
	hd_index_bind_text_locked(statement, 1, name);
	if (state)
		hd_index_bind_state_id_locked(statement, 2, state);
	return hd_index_execute_locked(index, statement, "set a tag");
}

struct tag_list {
	struct hd_tag *tags; /* owned array */
	size_t count;
	size_t capacity;
};

static int append_tag_locked(sqlite3_stmt *row, void *payload)
{
	struct tag_list *list = payload;
	struct hd_tag *tag;
	int r;

	if (HD_ARRAY_RESERVE(list->tags, list->count, list->capacity) < 0)
		return -ENOMEM;
	tag = &list->tags[list->count];
	r = hd_index_column_state_id_locked(row, 1, &tag->state);
	if (r == 0)
		r = hd_index_column_text_locked(row, 0, &tag->name);
	if (r == 0)
		list->count++;
	return r;
}

int hd_index_list_tags(struct hd_index *index, hd_tag_emit emit, void *payload)
{
	static const char sql[] = "SELECT name, state FROM tag ORDER BY name";
	struct tag_list list = {0};
	int r;

	hd_index_lock(index);
	r = hd_index_each_row_locked(index, sql, "list the tags", append_tag_locked, &list);
	hd_index_unlock(index);
	for (size_t i = 0; i < list.count && r == 0; i++)
		r = emit(&list.tags[i], payload);
	for (size_t i = 0; i < list.count; i++)
		free(list.tags[i].name);
	free(list.tags);
	return r;
}
