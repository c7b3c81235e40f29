/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_COMPARE_SAME_ATTRIBUTES_H
#define HEDDLE_CAPTURE_COMPARE_SAME_ATTRIBUTES_H

#include "overlay/store/store.h"

/*
 * Do two attribute objects of equal trees say the same, but for access times? Who sets one moves the change time as well, so
 * where that is the same somebody has only read. 1, 0, or a failure. Blocks on the disk; costs by the directories whose
 * objects differ. Differences below 500 levels count.
 */
int hd_capture_same_attributes(
	struct hd_object_store *objects, const struct hd_content *a, const struct hd_content *b);

#endif
