/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_GIT_COMMIT_TEXT_H
#define HEDDLE_CAPTURE_GIT_COMMIT_TEXT_H

/*
 * Commit text: what the bytes of a commit say, read as leniently as git reads them.
 *
 * Nothing of a commit is lost by that: who wants it whole takes the commit itself. What is read here is shown to people, so
 * whatever a repository holds, the texts are lines without control bytes, as an author or a fact of a state has to be.
 *
 * Ownership   The caller clears the text; spans are borrowed from the bytes that were given.
 * Threads     Pure functions.
 * Errors      -HD_E_BASE_OBJECT where there is no commit: no tree, a malformed parent; -ENOMEM.
 */

#include <git2/oid.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of the commit. */
struct hd_commit_span {
	const char *bytes; /* NULL: the commit does not say it */
	size_t size;
};

/* An author or committer. */
struct hd_commit_person {
	struct hd_commit_span line; /* behind "author " */
	struct hd_commit_span name, mail;
	int64_t time_s;       /* 0 to the end of the year 9999; 0 where git would not know it either */
	int32_t zone_minutes; /* less than 100 hours */
};

struct hd_commit_text {
	git_oid tree;
	git_oid *parents; /* owned array */
	size_t n_parents;
	struct hd_commit_person author, committer;
	struct hd_commit_span encoding; /* of the message and the names */
	struct hd_commit_span message;
};

/* DATA, the bytes of a commit, has to outlive the text. */
int hd_commit_text_read(const void *data, size_t size, struct hd_commit_text *ret_text);
/* Frees what the text owns and empties it. */
void hd_commit_text_clear(struct hd_commit_text *text);

/* Fresh memory: SPAN in UTF-8, if TEXT says how it is encoded and that is true, up to a NUL and no more than 1 MiB. */
int hd_commit_text_decode(
	const struct hd_commit_text *text, const struct hd_commit_span *span, char **ret_decoded);

/* Fresh memory: "Name <mail>", which hd_identity_check accepts; what cannot be in it is left out. */
int hd_commit_text_identity(
	const struct hd_commit_text *text, const struct hd_commit_person *person, char **ret_identity);

#endif
