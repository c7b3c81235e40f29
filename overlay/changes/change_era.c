/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/changes/change_era.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "overlay/platform/cleanup.h"
#include "overlay/platform/file.h"
#include "overlay/platform/random.h"

#define NAME "changes"
#define TEXT_LIMIT 512
#define BOOT_ID "/proc/sys/kernel/random/boot_id"
#define BOOT_SIZE 40

static bool read_boot(char boot[BOOT_SIZE])
{
	HD_AUTO_CLOSE int fd = hd_file_open(AT_FDCWD, BOOT_ID, O_RDONLY, 0);
	size_t size = 0;

	if (fd < 0 || hd_file_read_at(fd, boot, BOOT_SIZE - 1, 0, &size) < 0)
		return false;
	boot[size] = '\0';
	boot[strcspn(boot, "\n")] = '\0';
	return boot[0] != '\0';
}

enum hd_era_state hd_era_read(int directory_fd, uint64_t *ret_era, uint64_t *ret_last)
{
	char boot[BOOT_SIZE], said[BOOT_SIZE], end = 0;
	HD_AUTO_FREE char *text = NULL;
	int length = 0;
	size_t size;
	int r = hd_file_read_whole(directory_fd, NAME, TEXT_LIMIT, &text, &size);

	if (r == -ENOENT)
		return HD_ERA_ABSENT;
	if (r < 0 || !read_boot(boot) ||
		sscanf(text, "era %16" SCNx64 "\nboot %39s\n%n", ret_era, said, &length) != 2 ||
		length == 0 || strcmp(boot, said) != 0 || *ret_era == HD_ERA_NONE)
		return HD_ERA_ENDED;
	if (strcmp(text + length, "open\n") == 0)
		return HD_ERA_OPEN;
	if (sscanf(text + length, "clean %" SCNu64 "%c", ret_last, &end) == 2 && end == '\n')
		return HD_ERA_CLEAN;
	return HD_ERA_ENDED;
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

bool hd_era_write_open(int directory_fd, uint64_t era)
{
	char boot[BOOT_SIZE], text[TEXT_LIMIT];

	if (!read_boot(boot))
		return false;
	(void)snprintf(text, sizeof(text), "era %016" PRIx64 "\nboot %s\nopen\n", era, boot);
	return write_text(directory_fd, text);
}

void hd_era_write_clean(int directory_fd, uint64_t era, uint64_t last)
{
	char boot[BOOT_SIZE], text[TEXT_LIMIT];

	if (!read_boot(boot))
		return;
	(void)snprintf(
		text, sizeof(text), "era %016" PRIx64 "\nboot %s\nclean %" PRIu64 "\n", era, boot, last);
	(void)write_text(directory_fd, text);
}
