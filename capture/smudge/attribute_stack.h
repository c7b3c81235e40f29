/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_SMUDGE_ATTRIBUTE_STACK_H
#define HEDDLE_CAPTURE_SMUDGE_ATTRIBUTE_STACK_H

/*
 * Attribute stack: the .gitattributes files above a path, and what they say of it. Nothing else counts: neither info/attributes
 * of a repository nor what a user or a system has configured.
 *
 * Ownership   Levels borrow the level above and the file. Threads: one at a time. Errors: -ENOMEM.
 */

#include "capture/smudge/attribute_file.h"

/* How line ends of a file are converted. Without a configuration, on a system whose line ends are LF. */
enum hd_eol {
	HD_EOL_KEEP,
	HD_EOL_TEXT,     /* CRLF becomes LF on the way to git */
	HD_EOL_CRLF,     /* and LF becomes CRLF on the way to a worktree */
	HD_EOL_AUTO,     /* as TEXT, of what looks like a text */
	HD_EOL_AUTO_CRLF /* as CRLF, of what looks like a text */
};

struct hd_conversion {
	enum hd_eol eol;
	bool ident;
	/* git finds "$Id$" another way where line ends are converted for sure than where it has to look at the whole file first. */
	bool looks_first;
};

/* A directory with a .gitattributes. */
struct hd_attribute_level {
	const struct hd_attribute_level *above; /* NULL: none */
	const struct hd_attribute_file *file;
	size_t base; /* length of the directory's path; 0: the root */
};

/* What TOP (NULL: nothing), the nearest level above the file PATH, has git do with it. */
int hd_attribute_stack_ask(const struct hd_attribute_names *names, const struct hd_attribute_level *top,
	const char *path, struct hd_conversion *ret_conversion);

/* Whether any file below may have to be converted on the way to a worktree, or to git. */
bool hd_attribute_stack_converts(const struct hd_attribute_level *top);
bool hd_attribute_stack_cleans(const struct hd_attribute_level *top);

/* Whether the conversion changes bytes on that way. */
static inline bool hd_conversion_converts(const struct hd_conversion *conversion)
{
	return conversion->ident || conversion->eol == HD_EOL_CRLF || conversion->eol == HD_EOL_AUTO_CRLF;
}

/* Whether it depends on what the file looks like. */
static inline bool hd_eol_is_guessed(enum hd_eol eol)
{
	return eol == HD_EOL_AUTO || eol == HD_EOL_AUTO_CRLF;
}

static inline bool hd_conversion_cleans(const struct hd_conversion *conversion)
{
	return conversion->ident || conversion->eol != HD_EOL_KEEP;
}

#endif
