/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/archive/export_tar.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "capture/archive/link_names.h"
#include "capture/archive/state_walk.h"
#include "overlay/platform/error.h"
#include "overlay/platform/threads/work.h"

struct tar_export {
	struct hd_tar_writer *writer; /* borrowed */
	struct hd_link_names links;
	struct hd_export_tar_result result;
};

static int put(const char *path, const struct hd_snapshot_node *node, void *payload)
{
	struct tar_export *export = payload;
	const char *first = NULL;
	int r = 0;

	if (S_ISSOCK(node->attributes.mode)) {
		export->result.sockets++;
		return 0;
	}
	if (node->link_group)
		r = hd_link_names_first(
			&export->links, node->link_group, node->attributes.nlink, path, &first);
	if (r >= 0)
		r = hd_tar_writer_put(export->writer, strcmp(path, ".") == 0 ? "./" : path, node, first);
	export->result.entries++;
	return r;
}

int hd_export_tar(struct hd_store *store, struct hd_base_set *bases, const struct hd_state *state, int fd,
	enum hd_archive_compression compression, struct hd_export_tar_result *ret_result)
{
	struct tar_export export = {0};
	struct hd_state_walk walk = {.store = store, .bases = bases, .enter = put, .payload = &export};
	int r;

	hd_work_step(HD_WORK_WRITING_FILES, 0);
	r = hd_tar_writer_new(bases, fd, compression, &export.writer);
	if (r >= 0)
		r = hd_state_walk(&walk, state);
	if (r >= 0)
		r = hd_tar_writer_finish(export.writer, &export.result.bytes);
	hd_tar_writer_free(export.writer);
	hd_link_names_clear(&export.links);
	if (r < 0)
		return r;
	*ret_result = export.result;
	return 0;
}
