/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CHANGES_CHANGE_ERA_H
#define HEDDLE_CHANGES_CHANGE_ERA_H

/*
 * Change era: how long the numbers of a thread's changes can be relied on by somebody outside, who keeps one and asks later
 * what has changed since. Within an era no change is ever lost and no number is given twice. It ends with the machine, and
 * where memory was lost that was not on disk: then the numbers go back, and what was changed in between is not known.
 *
 *     threads/<n>/changes    era 9f3c0a…     drawn when the era begins
 *                            boot 6d5e…      the machine's run that it belongs to
 *                            open            a mount has the thread, or had and did not end well
 *                            clean 4711      the last mount ended well, with this change as its last
 *
 * Only the page cache has to keep it, because another boot makes it void. A thread that is changed without a mount has
 * another last change then, which ends the era.
 *
 * Threads     One, who has the thread's lock. Errors: none; what cannot be read or written is no era.
 */

#include <stdbool.h>
#include <stdint.h>

#define HD_ERA_NONE 0
#define HD_ERA_TEXT_SIZE 128
#define HD_ERA_BOOT_SIZE 40

enum hd_era_state {
	HD_ERA_ABSENT, /* no mount has left anything */
	HD_ERA_ENDED,
	HD_ERA_OPEN,
	HD_ERA_CLEAN,
};

/* What TEXT says on the machine's run BOOT; *RET_LAST with CLEAN. */
enum hd_era_state hd_era_parse(const char *text, const char *boot, uint64_t *ret_era, uint64_t *ret_last);

/* What the thread's directory says of the era; *RET_LAST with CLEAN. */
enum hd_era_state hd_era_read(int directory_fd, uint64_t *ret_era, uint64_t *ret_last);

/* A new number, never HD_ERA_NONE. */
uint64_t hd_era_draw(void);

/* A mount begins or goes on in ERA; false when that cannot be said. */
bool hd_era_write_open(int directory_fd, uint64_t era);
/* A mount has ended with everything on disk. */
void hd_era_write_clean(int directory_fd, uint64_t era, uint64_t last);

#endif
