/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CONTENTS_FILE_SPACE_H
#define HEDDLE_CONTENTS_FILE_SPACE_H

/* Truncation, as setattr and open(O_TRUNC) need it. Threads and errors: as overlay.h. */

#include "overlay/overlay_types.h"

/* ftruncate(2): -EFBIG above INT64_MAX; also sets the times when the size stays. */
int hd_file_set_size(struct hd_overlay *overlay, hd_ino ino, uint64_t size);
/* The same for a file that is shorter; nothing happens to one that is as long already, whoever made it so meanwhile. */
int hd_file_grow_to(struct hd_overlay *overlay, hd_ino ino, uint64_t size);

#endif
