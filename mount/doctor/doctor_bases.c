/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>

#include "capture/git/moved_base.h"
#include "mount/doctor/doctor.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/file.h"

/* Repositories and directories that are not where the store knows them. */

static int consider(struct hd_doctor *doctor, struct hd_store *store, const struct hd_base_record *base)
{
	HD_AUTO_FREE char *location = NULL;
	int r = 0;

	if (hd_file_exists(AT_FDCWD, base->location))
		return 0;
	if (base->kind == HD_BASE_GIT)
		r = hd_moved_base_find(store, base->number, &location);
	if (!location) {
		hd_error_clear();
		hd_doctor_tell(doctor, HD_FINDING_BASE, HD_REPAIR_NOT_TRIED,
			"%s, which threads begin at, is not there", base->location);
		return r == -ENOMEM ? r : 0;
	}
	hd_doctor_tell(doctor, HD_FINDING_BASE,
		doctor->repair ? hd_index_move_base(store->index, base->number, base->location, location)
			       : HD_REPAIR_NOT_TRIED,
		"%s, which threads begin at, was moved to %s", base->location, location);
	return 0;
}

int hd_doctor_bases(struct hd_doctor *doctor, struct hd_store *store)
{
	struct hd_base_record base;
	int r = 0;

	for (uint16_t number = 1; r == 0 && hd_index_get_base(store->index, number, &base) >= 0; number++) {
		r = consider(doctor, store, &base);
		hd_base_record_clear(&base);
	}
	hd_error_clear();
	return r;
}
