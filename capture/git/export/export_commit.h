/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_GIT_EXPORT_EXPORT_COMMIT_H
#define HEDDLE_CAPTURE_GIT_EXPORT_EXPORT_COMMIT_H

/*
 * Export commit: the bytes of the git commit that a state becomes. A pure function: the same state, tree and
 * parents give the same commit wherever they are exported. Errors: -ENOMEM, -HD_E_IDENTITY_INVALID.
 */

#include <git2/oid.h>
#include <stddef.h>

#include "overlay/platform/buffer.h"
#include "overlay/store/index/index.h"

/* Appends to OUT. A state whose id is zero, because it is not made yet, gets no trailer that names it. */
int hd_export_commit_format(const struct hd_state *state, const git_oid *tree, const git_oid *parents,
	size_t n_parents, struct hd_buffer *out);

#endif
