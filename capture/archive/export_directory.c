/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/archive/export_directory.h"

#include "capture/archive/link_names.h"
#include "capture/archive/state_walk.h"
#include "overlay/platform/threads/work.h"

struct exporting {
	const struct hd_directory_export *job;
	struct hd_directory_writer *writer; /* owned */
	struct hd_link_names links;
};

static int enter(const char *path, const struct hd_snapshot_node *node, void *payload)
{
	struct exporting *exporting = payload;
	const char *first = NULL;
	int r = exporting->job->wants ? exporting->job->wants(path, node, exporting->job->payload) : 1;

	if (r <= 0)
		return r < 0 ? r : HD_STATE_WALK_PASS;
	r = 0;
	if (node->link_group)
		r = hd_link_names_first(
			&exporting->links, node->link_group, node->attributes.nlink, path, &first);
	return r < 0 ? r : hd_directory_writer_put(exporting->writer, path, node, first);
}

static int leave(const char *path, const struct hd_snapshot_node *node, void *payload)
{
	const struct exporting *exporting = payload;

	return hd_directory_writer_leave(exporting->writer, path, node);
}

int hd_export_directory(
	const struct hd_directory_export *export, struct hd_directory_writer_result *ret_result)
{
	struct exporting exporting = {.job = export};
	struct hd_state_walk walk = {.store = export->store,
		.bases = export->bases,
		.enter = enter,
		.leave = leave,
		.payload = &exporting};
	int r;

	hd_work_step(HD_WORK_WRITING_FILES, 0);
	r = hd_directory_writer_new(export->bases, export->root_fd, &exporting.writer);
	if (r >= 0)
		r = hd_state_walk(&walk, export->state);
	if (r >= 0)
		r = hd_directory_writer_finish(exporting.writer);
	if (r >= 0)
		hd_directory_writer_result(exporting.writer, ret_result);
	hd_directory_writer_free(exporting.writer);
	hd_link_names_clear(&exporting.links);
	return r;
}
