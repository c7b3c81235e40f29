/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_PLATFORM_HEX_H
#define HEDDLE_PLATFORM_HEX_H

/* Bytes as hexadecimal digits and back: how ids are written. */

#include <stddef.h>
#include <stdint.h>

/* The 2 * SIZE digits of BYTES, in lower case, and a NUL. */
void hd_hex_format(const void *bytes, size_t size, char *text);

/* What DIGIT, of either case, stands for; -1 for what is none. */
int hd_hex_digit(char digit);

#endif
