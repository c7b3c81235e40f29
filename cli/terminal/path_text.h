/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CLI_TERMINAL_PATH_TEXT_H
#define HEDDLE_CLI_TERMINAL_PATH_TEXT_H

/*
 * Path text: names as people and programs see them.
 *
 * A name is any bytes but '/' and NUL. To a pipe it goes as it is; a terminal gets what could confuse it
 * quoted, in git's form ("a\tb", "\377"), and everything printable as it is; JSON, which is UTF-8, gets each
 * byte that is not as \xNN, a backslash as \\, and beside it "raw": true.
 *
 * Ownership   Results are fresh memory. Threads: pure functions. Errors: -ENOMEM; NULL where a pointer is
 *             returned.
 */

#include <stdbool.h>
#include <stddef.h>

/* Whether CHARACTER is a control, or changes how its neighbours are shown. */
bool hd_text_is_deceptive(unsigned character);

/* Columns that TEXT takes on a terminal, taking every character for one column wide. */
size_t hd_text_columns(const char *text);

/* PATH as a terminal can show it: itself, or in double quotes with escapes. */
char *hd_path_quote(const char *path);

#endif
