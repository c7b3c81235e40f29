/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_IDENTITY_H
#define HEDDLE_CAPTURE_IDENTITY_H

/*
 * Identity: who a state's author is, "Name <mail>".
 *
 * Ownership   Returned strings are the caller's. Threads: any.
 * Errors      -HD_E_IDENTITY_MISSING with what to do about it, -HD_E_IDENTITY_INVALID.
 */

/* Who made what nobody says who made. */
#define HD_IDENTITY_UNKNOWN "unknown <>"

/*
 * The first of: AUTHOR; the environment's HEDDLE_AUTHOR; heddle.author, else user.name and user.email, of the git
 * configuration, as the repository at or above DIRECTORY sees it (NULL, or no repository there: the user's own). AUTHOR may
 * be NULL. It has passed hd_identity_check, and is UTF-8.
 */
int hd_identity_resolve(const char *author, const char *directory, char **ret_author);

/*
 * Whether AUTHOR is "Name <mail>" as git can keep it: a name that is not blank, one pair of angle brackets at
 * the end, no line breaks or other control bytes. The mail may be empty.
 */
int hd_identity_check(const char *author);

/* The two parts of a checked author, in fresh memory. */
int hd_identity_split(const char *author, char **ret_name, char **ret_mail);

#endif
