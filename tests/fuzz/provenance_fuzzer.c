/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Records of who changed what: what decodes encodes to the same bytes, and every path of it is found.
 *
 * LINK: heddle_store
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "overlay/platform/buffer.h"
#include "overlay/store/provenance.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct hd_provenance provenance = {0};
	struct hd_buffer again = {0};

	if (hd_provenance_decode(data, size, &provenance) < 0)
		return 0;
	if (hd_provenance_encode(&provenance, HD_PROVENANCE_RECORD_LIMIT, &again) < 0 || again.size != size ||
		memcmp(again.data, data, size) != 0)
		abort();
	for (size_t i = 0; i < provenance.n_paths; i++)
		if (*provenance.paths[i].path &&
			hd_provenance_find(&provenance, provenance.paths[i].path) != &provenance.paths[i])
			abort();
	hd_buffer_clear(&again);
	hd_provenance_clear(&provenance);
	return 0;
}
