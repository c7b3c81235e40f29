/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>

#include "mount/doctor/doctor.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/file.h"

/* Repositories and directories that are not where the store knows them. */

int hd_doctor_bases(struct hd_doctor *doctor, struct hd_store *store)
{
	struct hd_base_record base;

	for (uint16_t number = 1; hd_index_get_base(store->index, number, &base) >= 0; number++) {
		if (!hd_file_exists(AT_FDCWD, base.location))
			hd_doctor_tell(doctor, HD_FINDING_BASE, HD_REPAIR_NOT_TRIED,
				"%s, which threads begin at, is not there: if it was moved, a symbolic link "
				"at its "
				"old place to where it is now will do",
				base.location);
		hd_base_record_clear(&base);
	}
	hd_error_clear();
	return 0;
}
