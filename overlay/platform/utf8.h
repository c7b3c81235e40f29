/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_PLATFORM_UTF8_H
#define HEDDLE_PLATFORM_UTF8_H

/*
 * UTF-8 by RFC 3629: no surrogates, nothing overlong, nothing above U+10FFFF. What is found good here jansson takes.
 *
 * Threads     Pure functions. Errors: none.
 */

#include <stdbool.h>
#include <stddef.h>

/* Bytes of the character at TEXT, 0 if there is none; sets *RET_CHARACTER. */
size_t hd_utf8_decode(const char *text, size_t size, unsigned *ret_character);

/* Whether all of TEXT is characters. */
bool hd_utf8_is_valid(const char *text, size_t size);

#endif
