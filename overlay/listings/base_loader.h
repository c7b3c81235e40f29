/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_LISTINGS_BASE_LOADER_H
#define HEDDLE_LISTINGS_BASE_LOADER_H

/*
 * Loader: copies the entries of a base's directory into the arena, once, when somebody first looks into it.
 *
 * From then on the directory is the arena's alone: there are no whiteouts, because a removed entry is simply
 * not there, and no opaque marks, because a new directory has nothing below it.
 *
 * Threads     Any number may ask for one directory: one loads, the others wait and then look again. A
 *             failed load gives its error to all who wait and leaves the directory as it was, so that the
 *             next one tries again.
 * Errors      The base's, -HD_E_BASE_TIMEOUT for one who waited too long, -ESTALE, -ENOTDIR.
 */

#include "overlay/listings/base_listing.h"
#include "overlay/overlay_types.h"

/* The list of running loads; free it when no call can be under way any more. */
int hd_loader_new(struct hd_loader **ret_loader);
void hd_loader_free(struct hd_loader *loader);

/* Makes sure that directory INO's entries are in the arena. The caller holds no lock. */
int hd_load_directory(struct hd_overlay *overlay, hd_ino ino);

/*
 * Puts ITEM, whose name is free, into directory PARENT within a transaction, as a name more of the file that it is
 * linked with, or as an inode of its own. The namespace lock is held for writing.
 */
void hd_loader_install(struct hd_overlay *overlay, struct hd_transaction *transaction, uint32_t parent,
	const struct hd_listed *item);

#endif
