/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Access control lists, as setfacl(1) or a base gives them: one that is accepted stays one whatever mode it is given, says
 * that mode then, and never gives what was not asked for.
 *
 * LINK: heddle_overlay
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "overlay/access/access_control_list.h"

#define PERMISSIONS 0777u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_mode(uint8_t *list, size_t size, uint32_t mode)
{
	bool extended, again;

	if ((hd_acl_mode(list, size, mode, &extended) & ~PERMISSIONS) != (mode & ~PERMISSIONS))
		abort();
	hd_acl_set_mode(list, size, mode);
	if (hd_acl_check(list, size) != 0 || hd_acl_mode(list, size, mode, &again) != mode ||
		again != extended)
		abort();
}

static void check_inheritance(uint8_t *list, size_t size, uint32_t mode)
{
	bool extended;
	uint32_t given = hd_acl_inherit(list, size, mode, &extended);

	if (given & ~mode & PERMISSIONS || (given & ~PERMISSIONS) != (mode & ~PERMISSIONS) ||
		hd_acl_check(list, size) != 0 || hd_acl_mode(list, size, given, &extended) != given)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint16_t mode;
	uint8_t *list;

	if (size < sizeof(mode))
		return 0;
	memcpy(&mode, data, sizeof(mode));
	data += sizeof(mode);
	size -= sizeof(mode);
	if (hd_acl_check(data, size) != 0 || hd_acl_is_empty(size))
		return 0;
	list = malloc(size);
	if (!list)
		return 0;
	memcpy(list, data, size);
	check_inheritance(list, size, mode);
	memcpy(list, data, size);
	check_mode(list, size, mode);
	free(list);
	return 0;
}
