/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/archive/export_directory.h"

#include "capture/archive/link_names.h"
#include "capture/archive/state_walk.h"
#include "overlay/platform/work.h"

struct directory_export {
	struct hd_directory_writer *writer; /* owned */
	struct hd_link_names links;
};

static int enter(const char *path, const struct hd_snapshot_node *node, void *payload)
{
	struct directory_export *export = payload;
	const char *first = NULL;
	int r = 0;

	if (node->link_group)
		r = hd_link_names_first(
			&export->links, node->link_group, node->attributes.nlink, path, &first);
	return r < 0 ? r : hd_directory_writer_put(export->writer, path, node, first);
}

static int leave(const char *path, const struct hd_snapshot_node *node, void *payload)
{
	const struct directory_export *export = payload;

	return hd_directory_writer_leave(export->writer, path, node);
}

int hd_export_directory(struct hd_store *store, struct hd_base_set *bases, const struct hd_state *state,
	int root_fd, struct hd_directory_writer_result *ret_result)
{
	struct directory_export export = {0};
	struct hd_state_walk walk = {
		.store = store, .bases = bases, .enter = enter, .leave = leave, .payload = &export};
	int r;

	hd_work_step(HD_WORK_WRITING_FILES, 0);
	r = hd_directory_writer_new(bases, root_fd, &export.writer);
	if (r >= 0)
		r = hd_state_walk(&walk, state);
	if (r >= 0)
		r = hd_directory_writer_finish(export.writer);
	if (r >= 0)
		hd_directory_writer_result(export.writer, ret_result);
	hd_directory_writer_free(export.writer);
	hd_link_names_clear(&export.links);
	return r;
}
