/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_STORE_STORE_OWNER_H
#define HEDDLE_STORE_STORE_OWNER_H

/*
 * Store owner: a store that nobody named, but that was found, is used only if it belongs to who runs the command, or to root.
 *
 * Whoever owns a store decides, by links, sockets and what its files say, what programs that work in it write, and where
 * (docs/design/decisions/0043). Who names a store says that it is trusted: hd_store_open asks nothing.
 *
 * Threads     Any. Errors: -HD_E_STORE_FOREIGN, those of hd_store_open.
 */

#include "overlay/store/store.h"

/* Whether the store at PATH may be used without having been named. One that is not there may. */
int hd_store_check_owner(const char *path);

/* hd_store_open, of a store that may. */
int hd_store_open_found(const char *path, struct hd_store **ret_store);

#endif
