/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_PLATFORM_TERMINAL_H
#define HEDDLE_PLATFORM_TERMINAL_H

/* Terminal: what is known of the one that a descriptor is. Threads: any; no lock is held. */

#include <stddef.h>

/* How many columns it has; 80 where it does not say. */
size_t hd_terminal_columns(int fd);

#endif
