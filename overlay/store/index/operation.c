/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "overlay/platform/array.h"
#include "overlay/platform/cleanup.h"
#include "overlay/store/index/index_operations.h"

/* An operation in memory; index_operations.c writes and reads them. */

void hd_operation_side_clear(struct hd_operation_side *side)
{
	free(side->name);
	*side = (struct hd_operation_side){0};
}

void hd_operation_clear(struct hd_operation *operation)
{
	free(operation->actor);
	hd_operation_side_clear(&operation->before);
	hd_operation_side_clear(&operation->after);
	*operation = (struct hd_operation){0};
}

const char *hd_operation_kind_name(enum hd_operation_kind kind)
{
	static const char *const names[] = {
		[HD_OPERATION_INIT] = "init",
		[HD_OPERATION_CREATE] = "create",
		[HD_OPERATION_CAPTURE] = "capture",
		[HD_OPERATION_RENAME] = "rename",
		[HD_OPERATION_DROP] = "drop",
		[HD_OPERATION_RESTORE] = "restore",
		[HD_OPERATION_TAG] = "tag",
		[HD_OPERATION_UNDO] = "undo",
		[HD_OPERATION_REDO] = "redo",
		[HD_OPERATION_LAND] = "land",
		[HD_OPERATION_REBASE] = "rebase",
		[HD_OPERATION_COMMIT] = "commit",
	};

	_Static_assert(HD_ARRAY_SIZE(names) == HD_OPERATION_KIND_COUNT, "a kind without a name");
	return names[kind];
}

int hd_operation_side_of(const struct hd_thread *thread, struct hd_operation_side *ret_side)
{
	char *name = strdup(thread->name);

	if (!name)
		return -ENOMEM;
	*ret_side = (struct hd_operation_side){.name = name,
		.overlay = thread->number,
		.head = thread->head,
		.base = thread->base,
		.tree = thread->tree};
	return 0;
}
