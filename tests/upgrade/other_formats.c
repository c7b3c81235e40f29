/* SPDX-License-Identifier: Apache-2.0 */

/* In the place of mount/format_numbers.c: programs whose arena is laid out otherwise. */

#include "mount/format_numbers.h"
#include "mount/fuse/requests/request_area.h"
#include "overlay/arena/arena_format.h"
#include "overlay/journal/journal_format.h"
#include "overlay/store/store.h"

const struct hd_format_number hd_format_numbers[HD_FORMAT_NUMBERS] = {
	{"adoption", HD_ADOPTION_VERSION},
	{"arena", HD_ARENA_VERSION + 1},
	{"memory", HD_ARENA_LAYOUT},
	{"session", HD_SESSION_VERSION},
	{"requests", HD_REQUEST_AREA_VERSION},
	{"journal", HD_JOURNAL_VERSION},
	{"store", HD_STORE_VERSION},
};
