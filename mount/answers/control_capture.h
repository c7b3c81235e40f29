/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_MOUNT_ANSWERS_CONTROL_CAPTURE_H
#define HEDDLE_MOUNT_ANSWERS_CONTROL_CAPTURE_H

/* The witness of a mount, as a capture asks it. Threads: any; the witness is borrowed by the result. */

#include "capture/capture.h"

struct hd_witness;

/* WITNESS as *RET_WITNESS. */
void hd_control_capture_witness(struct hd_witness *witness, struct hd_capture_witness *ret_witness);

#endif
