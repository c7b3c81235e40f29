/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_TESTS_TORTURE_RECORD_FORMAT_H
#define HEDDLE_TESTS_TORTURE_RECORD_FORMAT_H

/*
 * The recording that record_library.c writes and power_replay.c reads: what a program did to the files below one
 * directory, in the order in which it was done. A file is named by a number that it has from its creation on, so that
 * what was written through a descriptor and what happened to its names are told apart.
 *
 *     environment    RECORD_ROOT    the directory; RECORD_LOG the file that is written; RECORD_STATE what the
 *                                   processes of one recording share
 */

#include <stdint.h>

#define RECORD_MAGIC 0x44434552u
#define RECORD_ROOT_ID 1u
#define RECORD_DIED 77 /* the exit status of a process that record_die_in_sync ended */

enum record_kind {
	RECORD_SNAPSHOT_DIRECTORY, /* what was there before: directory, name, file */
	RECORD_SNAPSHOT_FILE,      /* directory, name, file, data */
	RECORD_CREATE,             /* directory, name, file: a new, empty one */
	RECORD_UNNAMED,            /* file: O_TMPFILE */
	RECORD_MKDIR,              /* directory, name, file */
	RECORD_LINK,               /* directory, name, file */
	RECORD_UNLINK,             /* directory, name; of files and directories */
	RECORD_RENAME,             /* directory, name, to_directory, to_name, file */
	RECORD_WRITE,              /* file, offset, data */
	RECORD_TRUNCATE,           /* file, offset: the size */
	RECORD_SYNC,               /* file or directory: it returned 0 */
	RECORD_SYNC_ALL,
	RECORD_MARK, /* name: what the program says */
	RECORD_KIND_COUNT
};

/* Then name_size, to_name_size and data_size bytes. */
struct record_header {
	uint32_t magic;
	uint32_t kind;
	uint32_t file, directory, to_directory;
	uint32_t name_size, to_name_size, data_size;
	uint64_t offset;
};

#endif
