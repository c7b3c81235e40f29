/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_ARENA_INODE_NUMBERS_H
#define HEDDLE_ARENA_INODE_NUMBERS_H

/*
 * Inode numbers of the base that are shown as they are (st_ino), so that no two inodes show the same one. The base has
 * each once, but an overlay may have a file of the base twice: renamed, and brought back under its old name by a restore.
 * Private to the process; collected from the inodes when it is first asked for.
 *
 * Threads     Under the namespace lock, for writing. Errors: a number that cannot be remembered is not shown.
 */

#include "overlay/arena/arena.h"

struct hd_inode_numbers;

/* Of all inodes. */
int hd_inode_numbers_new(const struct hd_arena *arena, struct hd_inode_numbers **ret_numbers);
/* Of NULL, does nothing. */
void hd_inode_numbers_free(struct hd_inode_numbers *numbers);

/*
 * A number for what a base without numbers has at NAME in a directory that shows the number DIRECTORY: the same in every mount
 * and process, and another one for another CONTENT (NULL: of a directory, where it does not count). That two of n files of a
 * base have the same is as probable as n²/2⁶²; their lowest 32 bits, which are all that git compares, are as good a checksum.
 */
uint64_t hd_inode_number_derive(
	uint64_t directory, const char *name, size_t length, const struct hd_content *content);

/* From now on entries that a base without numbers has get such ones; before anybody loads a directory. */
void hd_inode_numbers_derive(struct hd_inode_numbers *numbers);
bool hd_inode_numbers_are_derived(const struct hd_inode_numbers *numbers);

/* True when no inode but INODE shows NUMBER, as the transaction sees them: from now on INODE does. */
bool hd_inode_number_claim(struct hd_inode_numbers *numbers, const struct hd_transaction *transaction,
	uint64_t number, uint32_t inode);

#endif
