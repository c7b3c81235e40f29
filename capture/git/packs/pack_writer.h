/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_GIT_PACKS_PACK_WRITER_H
#define HEDDLE_CAPTURE_GIT_PACKS_PACK_WRITER_H

/*
 * Pack writer: one pack with its index, written object by object, which can be read back meanwhile.
 *
 * Objects are whole, each compressed by itself (gitformat-pack): to look for what they resemble takes longer than to write
 * them, and git does so at its next gc. What another pack has can be taken over as it is there, also as a difference from an
 * object that this pack has.
 *
 * Calling sequence
 *     hd_pack_writer_begin → hd_pack_writer_add, hd_pack_writer_read, any number → hd_pack_writer_finish or _abort
 *     or, instead of an _add: hd_pack_writer_begin_packed → hd_pack_writer_add_packed, any number
 *
 * Ownership   The caller has the entries, and makes their memory.
 * Threads     One.
 * Durability  Until hd_pack_writer_finish the file has no name, or, where the filesystem knows no such files, one
 *             that git's gc removes (tmp_pack_...). Then pack, index and directory are on the disk in this order.
 * Errors      -errno, -ENOMEM; -EIO where what is read back is not what was written.
 */

#include <git2/oid.h>
#include <git2/types.h>
#include <stddef.h>
#include <stdint.h>

#include "overlay/platform/buffer.h"
#include "overlay/platform/files/file.h"

/* Where an object is in a pack. */
struct hd_pack_entry {
	git_oid id;
	uint64_t offset;
	uint64_t size; /* of the object */
	uint32_t sum;  /* CRC-32 of its bytes in the pack */
	git_object_t type;
};

struct hd_pack_writer {
	int directory_fd;           /* owned: objects/pack */
	struct hd_atomic_file file; /* owned */
	struct hd_buffer waiting;   /* owned: bytes behind those in the file */
	uint64_t written;           /* bytes in the file */
	void *stream;               /* owned: zlib's */
};

/* Begins a pack in the git directory LOCATION. */
int hd_pack_writer_begin(const char *location, struct hd_pack_writer *ret_writer);
/* Appends an object; ENTRY has its id, type and size, and gets the rest. */
int hd_pack_writer_add(struct hd_pack_writer *writer, const void *data, struct hd_pack_entry *entry);

/* What stands before the compressed bytes of an object. */
#define HD_PACKED_DELTA 6 /* the type of a difference from an object before it */
struct hd_packed_header {
	unsigned type; /* git_object_t, or HD_PACKED_DELTA */
	uint64_t size; /* of what is compressed: the object, or the difference */
	uint64_t base; /* of a difference: the offset in this pack of what it is one from */
};

/* Appends an object, which is compressed already: ENTRY has its id, gets the rest, and cannot be read back. */
void hd_pack_writer_begin_packed(
	struct hd_pack_writer *writer, const struct hd_packed_header *header, struct hd_pack_entry *entry);
/* Some of its compressed bytes. */
int hd_pack_writer_add_packed(
	struct hd_pack_writer *writer, const void *data, size_t size, struct hd_pack_entry *entry);

/* The bytes of an object that was added to BUFFER, which has room for them. */
int hd_pack_writer_read(struct hd_pack_writer *writer, const struct hd_pack_entry *entry, void *buffer);
/* Publishes the pack with all ENTRIES, none of which is there twice; sorts them. The writer is as after _abort. */
int hd_pack_writer_finish(struct hd_pack_writer *writer, struct hd_pack_entry *entries, size_t count);
/* Drops a pack that was begun; nothing of it is left. */
void hd_pack_writer_abort(struct hd_pack_writer *writer);

#endif
