/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_SMUDGE_WILDMATCH_H
#define HEDDLE_CAPTURE_SMUDGE_WILDMATCH_H

/*
 * Wildmatch: patterns as git matches them (gitignore, gitattributes): '?', '*', '[...]', and "**" between slashes, which fnmatch(3)
 * does not know. A pure function of bytes; nothing folds cases. Threads: any.
 */

#include <stdbool.h>

/* Whether TEXT is what PATTERN says. With SLASHES only "**" goes beyond a '/'. */
bool hd_wildmatch(const char *pattern, const char *text, bool slashes);

#endif
