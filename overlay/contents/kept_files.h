/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CONTENTS_KEPT_FILES_H
#define HEDDLE_CONTENTS_KEPT_FILES_H

/*
 * Kept files: the bytes that files had at the instant of a snapshot, until they are stored.
 *
 * Nothing is copied at that instant. Whoever changes a file's bytes says so before he does, and then the blocks that the
 * change takes away are copied, each once; what nobody changes is read where it lies. So all files of a snapshot are of
 * one instant, however long storing them takes, and a writer waits for the copy of what he overwrites and no more.
 *
 * For that no change may be half done at the instant: who changes bytes holds the overlay's change lock for reading from
 * before he says so until the change is made, and a snapshot is taken with it held for writing.
 *
 * Calling sequence
 *     under the change lock, for writing: hd_kept_files_new → hd_kept_files_add
 *     each change: hd_file_lock_to_change → hd_keep_before_change → [the change] → hd_file_unlock_changed
 *     the snapshot: hd_kept_file_find → read, store → hd_kept_file_stored; at the end hd_kept_files_remove
 *
 * Ownership   A set belongs to its snapshot, which frees it by hd_kept_files_remove.
 * Threads     A file's entry is protected by the file's lock. One thread reads a set.
 * Errors      A copy that cannot be made is the snapshot's error (hd_kept_file_find), not the writer's.
 */

#include "overlay/contents/file_data.h"

struct hd_kept_block {
	uint64_t block;
	uint8_t *bytes; /* owned; NULL: nobody has changed it yet */
};

/* A file that was changed since: what it was. */
struct hd_kept_file {
	struct hd_file_view view;
	struct hd_kept_block *blocks; /* owned: those that were mapped, ascending */
	size_t n_blocks, capacity;
};

struct hd_kept_files;

/* The files INOS, as they are now. */
int hd_kept_files_new(const hd_ino *inos, size_t count, struct hd_kept_files **ret_files);
/* From now on changes ask for them; takes over FILES. The change lock is held for writing. */
void hd_kept_files_add(struct hd_overlay *overlay, struct hd_kept_files *files);
/* Forgets and frees FILES; NULL is nothing. */
void hd_kept_files_remove(struct hd_overlay *overlay, struct hd_kept_files *files);

/* Locks a file for a change of its bytes. */
void hd_file_lock_to_change(struct hd_overlay *overlay, hd_ino ino);
void hd_file_unlock_changed(struct hd_overlay *overlay, hd_ino ino);

/* The bytes [OFFSET, END) of the file, or its size, are about to change; it is locked for that. */
void hd_keep_before_change(struct hd_overlay *overlay, hd_ino ino, uint64_t offset, uint64_t end);

/*
 * Any bytes are about to change, of files that only who holds the namespace lock can tell, under which none is copied: so what
 * a snapshot needs of any file is copied. The change lock is held for reading, no file's.
 */
void hd_keep_before_switch(struct hd_overlay *overlay);

/* Whether some bytes of the file are needed where they lie, although others were changed; it is locked for writing. */
bool hd_file_is_kept_in_part(struct hd_overlay *overlay, hd_ino ino);

/*
 * What the file was, or NULL while it still is that: FILES may be NULL. A failure is that of a copy. The file is locked for
 * reading; what is returned stays until hd_kept_file_stored, while its blocks come to have bytes.
 */
int hd_kept_file_find(struct hd_kept_files *files, hd_ino ino, const struct hd_kept_file **ret_file);

/* The first of the blocks that is BLOCK or behind it. */
size_t hd_kept_file_seek(const struct hd_kept_file *file, uint64_t block);

/* SIZE bytes of a file that was changed, all below its size. Reads the base, and so holds no lock. */
int hd_kept_file_read(struct hd_overlay *overlay, hd_ino ino, const struct hd_kept_file *file, void *buffer,
	size_t size, uint64_t offset);

/* It is CONTENT: nobody needs its bytes where they lie any more. */
void hd_kept_file_stored(struct hd_overlay *overlay, struct hd_kept_files *files, hd_ino ino,
	const struct hd_content *content);

/* What it was stored as, for who meets it under another of its names. The file is locked for reading; FILES may be NULL. */
bool hd_kept_file_was_stored(struct hd_kept_files *files, hd_ino ino, struct hd_content *ret_content);

#endif
