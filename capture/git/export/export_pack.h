/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_GIT_EXPORT_EXPORT_PACK_H
#define HEDDLE_CAPTURE_GIT_EXPORT_EXPORT_PACK_H

/*
 * Export pack: objects that an export has made, and that the repository does not have yet. They are written all together, a few
 * as files of their own, as git does, many as one pack. Until then whoever reads the repository through this database
 * finds them as if they were there.
 *
 * Calling sequence
 *     hd_export_pack_new → hd_export_pack_put, any number → hd_export_pack_finish or _drop; and again
 *
 * Ownership   The database has the pack, and frees it.
 * Threads     One; libgit2 calls it from that one.
 * Durability  hd_export_pack_finish says whether the pack is on the disk, or files are that have to be synced. A process
 *             that dies before leaves nothing (pack_writer.h).
 * Errors      -HD_E_REPOSITORY with libgit2's words, -errno with the path, -ENOMEM.
 */

#include <git2/types.h>
#include <stdbool.h>
#include <stddef.h>

struct hd_export_pack;

/* Up to so many objects, of so many bytes, are written as files: from there on a pack is faster (docs/benchmarks.md). */
#define HD_EXPORT_LOOSE_OBJECTS 25
#define HD_EXPORT_LOOSE_BYTES ((size_t)4 << 20)

/* For the git directory LOCATION, of which ODB (borrowed) is the database. */
int hd_export_pack_new(git_odb *odb, const char *location, struct hd_export_pack **ret_pack);

/* Puts an object in, unless the repository has it. */
int hd_export_pack_put(
	struct hd_export_pack *pack, git_object_t type, const void *data, size_t size, git_oid *ret_id);

/* Whether the repository has ID, or will. Does not look for what somebody else wrote since the database was opened. */
bool hd_export_pack_has(const struct hd_export_pack *pack, const git_oid *id);

/* Writes what was put in. *RET_LOOSE: as files, and nobody has synced them. */
int hd_export_pack_finish(struct hd_export_pack *pack, bool *ret_loose);

/* Forgets what was put in and not finished. */
void hd_export_pack_drop(struct hd_export_pack *pack);

#endif
