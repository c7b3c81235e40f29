/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_PLATFORM_ERROR_CODES_H
#define HEDDLE_PLATFORM_ERROR_CODES_H

/*
 * The one table of heddle's own failures: code, errno class that a program sees, sentence that a person reads.
 *
 * A function returns 0 or a positive result, or a negative code: either -errno (1..4095) as the kernel gave it,
 * or one of these codes negated. Add a row for a failure that a person must tell from its neighbours.
 */

#include <errno.h>

/* clang-format off */
#define HD_ERROR_CODES(x)                                                                                    \
	x(HD_E_STORE_MISSING, ENOENT, "there is no heddle store here")                                       \
	x(HD_E_STORE_FOREIGN, EPERM, "the store belongs to another user")                                    \
	x(HD_E_STORE_DELETED, EIO, "the store was deleted")                                                  \
	x(HD_E_STORE_EXISTS, EEXIST, "there is a heddle store here already")                                 \
	x(HD_E_STORE_VERSION, EPROTO, "the store was written by another version of heddle")                  \
	x(HD_E_STORE_CORRUPT, EIO, "the store's index cannot be read")                                       \
	x(HD_E_OBJECT_MISSING, EIO, "an object is not in the store")                                         \
	x(HD_E_OBJECT_CORRUPT, EIO, "an object's bytes do not match its name")                               \
	x(HD_E_TREE_CORRUPT, EIO, "a tree object is malformed")                                              \
	x(HD_E_ATTRIBUTES_CORRUPT, EIO, "an attribute object is malformed")                                  \
	x(HD_E_CONTENT_KIND, EIO, "content of this kind cannot be read here")                                \
	x(HD_E_BASE_MISSING, EIO, "the base cannot be opened")                                               \
	x(HD_E_BASE_CHANGED, ESTALE, "the base directory was changed after it was mounted")                  \
	x(HD_E_BASE_OBJECT, EIO, "the base repository lacks an object")                                      \
	x(HD_E_BASE_TIMEOUT, EIO, "the base did not answer in time")                                         \
	x(HD_E_THREAD_MISSING, ENOENT, "there is no such thread")                                            \
	x(HD_E_THREAD_EXISTS, EEXIST, "there is a thread of this name already")                              \
	x(HD_E_THREAD_MOVED, EAGAIN, "the thread was moved by somebody else")                                \
	x(HD_E_THREAD_BUSY, EBUSY, "the thread is in use")                                                   \
	x(HD_E_STATE_MISSING, ENOENT, "there is no such state")                                              \
	x(HD_E_STATE_AMBIGUOUS, EINVAL, "more than one state matches")                                       \
	x(HD_E_TAG_MISSING, ENOENT, "there is no such tag")                                                  \
	x(HD_E_PATH_MISSING, ENOENT, "the tree has no such path")                                            \
	x(HD_E_TAG_EXISTS, EEXIST, "there is a tag of this name already")                                    \
	x(HD_E_OPERATION_MISSING, ENOENT, "there is no such operation")                                      \
	x(HD_E_OPERATION_BLOCKED, EAGAIN, "something else happened since")                                   \
	x(HD_E_NAME_INVALID, EINVAL, "the name is not allowed")                                              \
	x(HD_E_ARENA_FULL, ENOSPC, "a table of the overlay is full")                                         \
	x(HD_E_ARENA_CORRUPT, EIO, "the overlay's tables do not verify")                                     \
	x(HD_E_MEMORY_DAMAGED, EIO, "the mount's memory was damaged: nothing can be changed any more")      \
	x(HD_E_TRANSACTION_FULL, ENOSPC, "a change does not fit one transaction")                            \
	x(HD_E_JOURNAL_CORRUPT, EIO, "the journal is damaged")                                              \
	x(HD_E_JOURNAL_VERSION, EPROTO, "the journal was written by another version of heddle")              \
	x(HD_E_HOT_TIER_FULL, ENOSPC, "the hot tier is full")                                                \
	x(HD_E_NOTHING_CHANGED, ECANCELED, "nothing has changed")                                            \
	x(HD_E_REPOSITORY, EINVAL, "the git repository refused")                                             \
	x(HD_E_REPOSITORY_MISSING, ENOENT, "there is no git repository here")                                \
	x(HD_E_REPOSITORY_UNBORN, ENOENT, "the git repository has no commit yet")                            \
	x(HD_E_REVISION_MISSING, ENOENT, "the git repository has no such revision")                           \
	x(HD_E_REFERENCE_MOVED, EAGAIN, "the branch was moved by somebody else")                             \
	x(HD_E_REFERENCE_ELSEWHERE, EAGAIN, "the reference is where heddle did not put it")                  \
	x(HD_E_REFERENCE_COLLIDES, EEXIST, "git has no branch below the name of another")                     \
	x(HD_E_REFERENCE_MISSING, ENOENT, "the git repository has no such branch")                           \
	x(HD_E_UNRELATED, EINVAL, "the two histories have no commit in common")                              \
	x(HD_E_CHECKOUT, EBUSY, "a checkout of the branch cannot follow it")                                 \
	x(HD_E_UNCAPTURED, EBUSY, "the thread has changes that are not captured")                            \
	x(HD_E_CONFLICTS, EBUSY, "two changes contradict each other")                                        \
	x(HD_E_IDENTITY_MISSING, EINVAL, "nobody is named as author")                                        \
	x(HD_E_STATE_SPEC, EINVAL, "this does not name a state")                                             \
	x(HD_E_IDENTITY_INVALID, EINVAL, "an author is written 'Name <mail>', without line breaks")          \
	x(HD_E_FACT_INVALID, EINVAL, "a fact's key or value is not allowed")                                 \
	x(HD_E_BRANCH_CHECKED_OUT, EBUSY, "the branch is checked out")                                       \
	x(HD_E_WORKTREE, ENOTSUP, "the mount cannot be a git worktree")                                      \
	x(HD_E_SPARSE, EBUSY, "git's sparse checkout keeps files out of the tree: they would be captured as deleted") \
	x(HD_E_EXPORT_NAME, EINVAL, "git does not allow a name in this tree")                                \
	x(HD_E_IMPORT_CHANGED, EAGAIN, "it was changed while it was read")                                   \
	x(HD_E_MOUNT_REFUSED, EPERM, "the mount was refused")                                                \
	x(HD_E_FUSE_DEVICE, ENODEV, "the kernel's FUSE cannot be used")                                      \
	x(HD_E_NOT_MOUNTED, ENOTCONN, "the thread is not mounted")                                           \
	x(HD_E_MOUNTED, EBUSY, "the thread is mounted already")                                              \
	x(HD_E_FOLLOWED, EBUSY, "another 'heddle mount --all --foreground' follows the threads there")       \
	x(HD_E_WORKER_DIED, EIO, "the worker that served the mount died")                                    \
	x(HD_E_CONTROL_PROTOCOL, EPROTO, "the control connection carried something malformed")               \
	x(HD_E_OTHER_FORMATS, EPROTO, "the mount is served by a heddle that keeps its memory otherwise")     \
	x(HD_E_CONTROL_TIMEOUT, ETIMEDOUT, "the mount did not answer")                                       \
	x(HD_E_COMMAND_MISSING, ENOENT, "there is no such command")                                          \
	x(HD_E_COMMAND_REFUSED, EACCES, "the command cannot be executed")                                    \
	x(HD_E_INTERRUPTED, ECANCELED, "interrupted before it was done")                                     \
	x(HD_E_USAGE, EINVAL, "the command line is not understood")

/* clang-format on */

enum hd_error_code {
	HD_E_BASE = 4096,
#define HD_ERROR_CODE_ENUM(code, class, text) code,
	HD_ERROR_CODES(HD_ERROR_CODE_ENUM)
#undef HD_ERROR_CODE_ENUM
		HD_E_END
};

#endif
