/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_GIT_EJECT_EJECT_OBJECTS_H
#define HEDDLE_CAPTURE_GIT_EJECT_EJECT_OBJECTS_H

/*
 * Eject objects: all objects of a repository, and of those that it borrows from (alternates), as files of another one, as
 * `git clone --local` takes them over: packs and loose ones as they are.
 *
 * Somebody may repack meanwhile: an object is somewhere at each moment, in a pack that appears before a file goes. So what
 * vanished while it was to be copied is looked for again.
 *
 * Threads     One. Errors: -errno with the path, -HD_E_BASE_MISSING, -HD_E_INTERRUPTED.
 */

/* OBJECTS is the path of a directory of objects; TO_FD another one, open. */
int hd_eject_objects_copy(const char *objects, int to_fd);

/* One file, if it is there; MODE as for open(2). What is there at TO is replaced. */
int hd_eject_file_copy(int from_fd, const char *from, int to_fd, const char *to, unsigned mode);

#endif
