/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_GIT_PACKS_PACKED_COPY_H
#define HEDDLE_CAPTURE_GIT_PACKS_PACKED_COPY_H

/*
 * Packed copy: objects of one repository into a pack of another one, by the bytes that they have in its packs. They stay compressed,
 * and differences stay differences where what they are one from comes along; so nothing is unpacked, and nothing compared.
 *
 * A pack's bytes are compared with the sums in its index, as git does when it sends them; that they are the object which the index
 * says is not, as with `git clone --local`.
 *
 * A pack that is damaged where nothing needs it, that is of a format not known here, or of which hardly anything is wanted, is left
 * alone: its objects have to be read one by one. Somebody may repack meanwhile: an open pack stays readable.
 *
 * Ownership   Borrows everything. Threads: one.
 * Errors      -HD_E_BASE_OBJECT for bytes that are not those of the sum, -errno, -ENOMEM, -HD_E_INTERRUPTED.
 */

#include "capture/git/packs/object_list.h"

/*
 * Takes over what the packs in OBJECTS, a directory of objects, have of WANTED, but for what has an `offset` already; what is taken
 * has one then.
 */
int hd_packed_copy(const char *objects, struct hd_object_list *wanted, struct hd_pack_writer *writer);

#endif
