/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/changes/change_era.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "overlay/platform/cleanup.h"
#include "overlay/platform/files/file.h"
#include "overlay/platform/random.h"

#define NAME "changes"
#define BOOT_ID "/proc/sys/kernel/random/boot_id"

static bool read_boot(char boot[HD_ERA_BOOT_SIZE])
{
	HD_AUTO_CLOSE int fd = hd_file_open(AT_FDCWD, BOOT_ID, O_RDONLY, 0);
	size_t size = 0;

	if (fd < 0 || hd_file_read_at(fd, boot, HD_ERA_BOOT_SIZE - 1, 0, &size) < 0)
		return false;
	boot[size] = '\0';
	boot[strcspn(boot, "\n")] = '\0';
	return boot[0] != '\0';
}

static void format(
	char text[HD_ERA_TEXT_SIZE], const char *boot, uint64_t era, enum hd_era_state state, uint64_t last)
{
	int length = snprintf(text, HD_ERA_TEXT_SIZE, "era %016" PRIx64 "\nboot %s\n", era, boot);

	if (state == HD_ERA_OPEN)
		(void)snprintf(text + length, HD_ERA_TEXT_SIZE - (size_t)length, "open\n");
	else
		(void)snprintf(text + length, HD_ERA_TEXT_SIZE - (size_t)length, "clean %" PRIu64 "\n", last);
}

enum hd_era_state hd_era_parse(const char *text, const char *boot, uint64_t *ret_era, uint64_t *ret_last)
{
	char said[HD_ERA_BOOT_SIZE], same[HD_ERA_TEXT_SIZE];
	enum hd_era_state state = HD_ERA_OPEN;

	*ret_era = *ret_last = 0;
	switch (sscanf(text, "era %16" SCNx64 " boot %39s clean %20" SCNu64, ret_era, said, ret_last)) {
	case 3:
		state = HD_ERA_CLEAN;
		break;
	case 2:
		break;
	default:
		return HD_ERA_ENDED;
	}
	format(same, said, *ret_era, state, *ret_last);
	return *ret_era != HD_ERA_NONE && strcmp(said, boot) == 0 && strcmp(same, text) == 0 ? state
											     : HD_ERA_ENDED;
}

enum hd_era_state hd_era_read(int directory_fd, uint64_t *ret_era, uint64_t *ret_last)
{
	char boot[HD_ERA_BOOT_SIZE];
	HD_AUTO_FREE char *text = NULL;
	size_t size;
	int r = hd_file_read_whole(directory_fd, NAME, HD_ERA_TEXT_SIZE, &text, &size);

	if (r == -ENOENT)
		return HD_ERA_ABSENT;
	return r < 0 || !read_boot(boot) ? HD_ERA_ENDED : hd_era_parse(text, boot, ret_era, ret_last);
}

uint64_t hd_era_draw(void)
{
	uint64_t era;

	do
		era = hd_random64();
	while (era == HD_ERA_NONE);
	return era;
}

static bool write_text(int directory_fd, const char *text)
{
	struct hd_atomic_file file;

	if (hd_file_atomic_begin(directory_fd, 0600, &file) < 0)
		return false;
	if (hd_file_write_at(file.fd, text, strlen(text), 0) < 0) {
		hd_file_atomic_abort(&file);
		return false;
	}
	return hd_file_atomic_commit(&file, NAME, true, false) >= 0;
}

static bool write_state(int directory_fd, uint64_t era, enum hd_era_state state, uint64_t last)
{
	char boot[HD_ERA_BOOT_SIZE], text[HD_ERA_TEXT_SIZE];

	if (!read_boot(boot))
		return false;
	format(text, boot, era, state, last);
	return write_text(directory_fd, text);
}

bool hd_era_write_open(int directory_fd, uint64_t era)
{
	return write_state(directory_fd, era, HD_ERA_OPEN, 0);
}

void hd_era_write_clean(int directory_fd, uint64_t era, uint64_t last)
{
	(void)write_state(directory_fd, era, HD_ERA_CLEAN, last);
}
