/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_GIT_SERIES_MAIL_TEXT_H
#define HEDDLE_CAPTURE_GIT_SERIES_MAIL_TEXT_H

/*
 * Mail text: a commit as a mail of a mailbox, as `git format-patch --stdout` has it and `git am` reads it again: author with name,
 * time and zone, subject, body, and the difference. Texts are in UTF-8 if the commit says how they are encoded.
 *
 * What git takes for the end of a message ("---", "diff -") or for the next mail has no way to be said in one, here as there.
 *
 * Ownership   Borrows everything. Threads: pure functions. Errors: -ENOMEM; the buffer latches its own.
 */

#include "capture/git/commit_text.h"
#include "overlay/platform/buffer.h"

struct hd_mail {
	const git_oid *id;
	const struct hd_commit_text *commit;
	size_t number, count;          /* of the series, from 1 */
	const struct hd_buffer *parts; /* numbers and patch, which are not looked at */
};

/* Appends the mail. */
int hd_mail_put(struct hd_buffer *out, const struct hd_mail *mail);

#endif
