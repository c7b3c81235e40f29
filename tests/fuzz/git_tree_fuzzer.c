/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Git's tree objects, as a hostile repository may hold them: what comes out may be shown by a filesystem.
 *
 * LINK: heddle_bases
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "overlay/bases/git/base_git_tree.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int is_allowed_name(const char *name, size_t length)
{
	if (length == 0 || length > 255 || memchr(name, '/', length) != NULL ||
		memchr(name, '\0', length) != NULL)
		return 0;
	return !(length == 1 && name[0] == '.') && !(length == 2 && name[0] == '.' && name[1] == '.');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct hd_git_tree tree;

	if (hd_git_tree_decode(data, size, &tree) < 0)
		return 0;
	for (size_t i = 0; i < tree.count; i++) {
		const struct hd_git_tree_entry *entry = &tree.entries[i];

		if (!is_allowed_name(entry->name, entry->name_length))
			abort();
		if (!S_ISREG(entry->mode) && !S_ISDIR(entry->mode) && !S_ISLNK(entry->mode))
			abort();
		if (entry->id < data || entry->id + HD_GIT_ID_SIZE > data + size)
			abort();
	}
	hd_git_tree_clear(&tree);
	return 0;
}
