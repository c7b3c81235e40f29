/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_JOURNAL_TRUST_H
#define HEDDLE_JOURNAL_TRUST_H

/*
 * Trust in the memory that a dead worker left: whether its records have their sums, and what follows when one has not.
 * hd_overlay_audit and hd_overlay_may_change are in overlay.h.
 *
 * Threads     Any.
 */

#include "overlay/overlay_types.h"

/* A record does not verify, as R says. Whoever serves is to end, so that another one attaches, and looks at all of it. */
void hd_overlay_distrust(struct hd_overlay *overlay, int r);

#endif
