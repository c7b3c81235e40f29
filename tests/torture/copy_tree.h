/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_TESTS_TORTURE_COPY_TREE_H
#define HEDDLE_TESTS_TORTURE_COPY_TREE_H

/* Directories of a harness. A failure ends the program with a message. */

void die(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

/* Makes PATH an empty directory, whatever it was. */
void make_empty(const char *path);

/* Copies the files and directories below FROM into the directory TO; modes of files too. */
void copy_tree(const char *from, const char *to);

#endif
