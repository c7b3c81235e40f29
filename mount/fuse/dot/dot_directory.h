/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_MOUNT_FUSE_DOT_DOT_DIRECTORY_H
#define HEDDLE_MOUNT_FUSE_DOT_DOT_DIRECTORY_H

/*
 * Dot directory: .heddle in the root of a mount, which no listing shows, and beside it .git where the mount is a git
 * worktree (git_link.h), a file that no listing shows either.
 *
 *     .heddle/states/<id>      a state as a read-only tree; <id> is the whole id
 *     .heddle/states/<spec>    a link to it: a thread, a tag, the beginning of an id, main~2 (state_spec.h)
 *     .heddle/thread           the thread's name
 *     .heddle/status           what changed since its last state, as lines
 *     .heddle/status.json      the same as JSON
 *
 * The directories and texts have ids of their own (HD_OUTER_INO, below: ours), which nobody has to remember: those of
 * texts are made of the text, so that another text is another file, and what a kernel keeps of the first stays true.
 * Trees of states are states/state_tree.h's.
 *
 * A real entry of the name, from a base or a state, is shown in its place. None is made while there is none.
 *
 * Ownership   The directory is the session's. Threads: any; may read the disk. Errors: -errno.
 */

#include "mount/fuse/session/fuse_session_types.h"
#include "overlay/states/state_tree.h"

struct hd_dot_directory;

/* The id of .heddle/states. */
#define HD_DOT_STATES_INO (HD_STATE_INO | HD_OUTER_INO | 2)

int hd_dot_directory_new(struct hd_overlay *overlay, struct hd_dot_directory **ret_dot);
/* NULL is fine. */
void hd_dot_directory_free(struct hd_dot_directory *dot);

/* From now on the file .git, which must be there already, has the TEXT, which is taken over. */
void hd_dot_directory_set_git(struct hd_dot_directory *dot, char *text);

/* Whether an id is one of ours. */
static inline bool hd_dot_is_ours(hd_ino ino)
{
	return (ino & HD_STATE_INO) && (ino & HD_OUTER_INO);
}
/* Whether a name in PARENT is that of the directory itself, or of the file beside it. */
bool hd_dot_is_name(const struct hd_dot_directory *dot, hd_ino parent, const char *name);

/* Whether something real has that NAME in the root. */
bool hd_dot_is_covered(struct hd_dot_directory *dot, const char *name);

/* What has such a NAME, for a lookup that found nothing else. */
int hd_dot_outer(struct hd_dot_directory *dot, const char *name, struct hd_attributes *ret_attributes);
/* NAME in PARENT, one of ours. */
int hd_dot_lookup(
	struct hd_dot_directory *dot, hd_ino parent, const char *name, struct hd_attributes *ret_attributes);
int hd_dot_getattr(struct hd_dot_directory *dot, hd_ino ino, struct hd_attributes *ret_attributes);
int hd_dot_read(struct hd_dot_directory *dot, hd_ino ino, void *buffer, size_t size, uint64_t offset,
	size_t *ret_size);
/* A text has no holes. */
int hd_dot_lseek(hd_ino ino, uint64_t offset, int whence, uint64_t *ret_offset);
/* As hd_overlay_readdir; every item is partial. */
int hd_dot_readdir(
	struct hd_dot_directory *dot, hd_ino ino, uint64_t cookie, hd_directory_fill fill, void *payload);

/* Whether what a lookup found under a name may be something else the next time. */
bool hd_dot_entry_moves(struct hd_dot_directory *dot, const struct hd_attributes *attributes);
/* Whether the attributes of an id may change without a change that the kernel made. */
bool hd_dot_attributes_move(hd_ino ino);

/*
 * What is to be answered to a request that would change something here: -EROFS, -EXDEV for what goes from here or to
 * here, -EEXIST or -EBUSY for the name of the directory itself, and 0 for all others.
 */
int hd_dot_refuse(struct hd_dot_directory *dot, const struct fuse_in_header *header);

#endif
