/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_SMUDGE_SMUDGE_BLOB_H
#define HEDDLE_CAPTURE_SMUDGE_SMUDGE_BLOB_H

/*
 * Smudge blob: single objects of a repository on their way into a store: a file with its conversion, the rules of a directory.
 *
 * Ownership   Borrows everything. Threads: one.
 * Durability  None before hd_object_store_sync.
 * Errors      -HD_E_BASE_OBJECT, those of the store, -ENOMEM.
 */

#include "capture/smudge/conversion.h"
#include "overlay/bases/git/base_git_tree.h"
#include "overlay/store/store.h"

struct git_odb;
struct git_odb_object;

struct hd_smudge_place {
	struct hd_store *store;
	struct git_odb *odb;
	uint16_t base; /* whose repository it is */
};

/* The content that names the blob or tree ID, as it is. */
struct hd_content hd_smudge_raw(const struct hd_smudge_place *place, const uint8_t id[HD_GIT_ID_SIZE]);

/* An object, whose kind the caller looks at and which it frees. */
int hd_smudge_read(const struct hd_smudge_place *place, const uint8_t id[HD_GIT_ID_SIZE],
	struct git_odb_object **ret_object);
/* The tree ID; both are the caller's to clear and to free. */
int hd_smudge_read_tree(const struct hd_smudge_place *place, const uint8_t id[HD_GIT_ID_SIZE],
	struct git_odb_object **ret_object, struct hd_git_tree *ret_tree);
/* How many bytes the blob has. */
int hd_smudge_size(const struct hd_smudge_place *place, const uint8_t id[HD_GIT_ID_SIZE], uint64_t *ret_size);

/* 1 with content and size of the blob converted; 0: it stays what it is, and nothing is set. */
int hd_smudge_blob(const struct hd_smudge_place *place, const uint8_t id[HD_GIT_ID_SIZE],
	const struct hd_conversion *conversion, struct hd_content *ret_content, uint64_t *ret_size);

/* The rules that TREE has for itself and what is below, and the blob's id; NULL where it has none. */
int hd_smudge_rules(const struct hd_smudge_place *place, struct hd_attribute_names *names,
	const struct hd_git_tree *tree, bool in_root, struct hd_attribute_file **ret_file,
	const uint8_t **ret_id);

#define HD_SMUDGE_RULES ".gitattributes"

#endif
