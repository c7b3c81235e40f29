/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "overlay/platform/buffer.h"
#include "overlay/platform/checksum.h"
#include "overlay/platform/cleanup.h"
#include "tests/torture/workload.h"

/* A tree as text, a line per name in the order of names, and the text's hash. */

struct names {
	char (*names)[256]; /* owned */
	size_t count;
	bool failed;
};

struct description {
	struct hd_buffer text;
	bool times;
	bool is_tolerant; /* what cannot be read is a line "path ?", or "path/ ?" for the names in a directory */
	unsigned unread;
};

static bool collect(const struct hd_directory_item *item, void *payload)
{
	struct names *names = payload;
	void *grown;

	if (strcmp(item->name, ".") == 0 || strcmp(item->name, "..") == 0)
		return true;
	grown = reallocarray(names->names, names->count + 1, sizeof(*names->names));
	if (!grown) {
		names->failed = true;
		return false;
	}
	names->names = grown;
	(void)snprintf(names->names[names->count++], 256, "%s", item->name);
	return true;
}

static int compare(const void *a, const void *b)
{
	return strcmp(a, b);
}

static int hash_bytes(struct hd_overlay *overlay, const struct hd_attributes *attributes, uint64_t *ret_hash)
{
	HD_AUTO_FREE uint8_t *bytes = malloc(attributes->size + 1);
	size_t done = 0, got = 1;
	int r = bytes ? 0 : -ENOMEM;

	while (r == 0 && done < attributes->size && got > 0) {
		r = hd_overlay_read(
			overlay, attributes->ino, bytes + done, attributes->size - done, done, &got);
		done += got;
	}
	if (r == 0)
		*ret_hash = hd_checksum64(bytes, done);
	return r;
}

static int describe_xattr(struct hd_overlay *overlay, hd_ino ino, struct hd_buffer *out)
{
	char list[4096], value[256];
	size_t size = 0, length = 0;
	int r = hd_overlay_listxattr(overlay, ino, true, list, sizeof(list), &size);

	for (size_t at = 0; r == 0 && at < size; at += strlen(list + at) + 1) {
		r = hd_overlay_getxattr(overlay, ino, list + at, value, sizeof(value), &length);
		if (r == 0)
			hd_buffer_printf(out, " %s=%.*s", list + at, (int)length, value);
	}
	return r;
}

static int describe_directory(
	struct hd_overlay *overlay, hd_ino directory, const char *path, struct description *out);

static int describe_bytes(struct hd_overlay *overlay, const struct hd_attributes *attributes,
	const char *path, struct description *out)
{
	struct hd_buffer *text = &out->text;
	char target[4097] = "";
	uint64_t hash = 0;
	size_t length = 0;
	int r = 0;

	if (S_ISREG(attributes->mode))
		r = hash_bytes(overlay, attributes, &hash);
	else if (S_ISLNK(attributes->mode))
		r = hd_overlay_readlink(overlay, attributes->ino, target, sizeof(target) - 1, &length);
	if (r < 0)
		return r;
	target[length] = '\0';
	hd_buffer_printf(text, "%s %o %u:%u links %u size %" PRIu64 " hash %016" PRIx64 " %s", path,
		attributes->mode, attributes->uid, attributes->gid, attributes->nlink, attributes->size, hash,
		target);
	if (out->times)
		hd_buffer_printf(text, " %lld.%09ld %lld.%09ld", (long long)attributes->modify_time.tv_sec,
			attributes->modify_time.tv_nsec, (long long)attributes->change_time.tv_sec,
			attributes->change_time.tv_nsec);
	r = describe_xattr(overlay, attributes->ino, text);
	hd_buffer_printf(text, "\n");
	return r;
}

/* R is of what was to be described from SIZE on; 0 when the description can do without it. */
static int describe_failure(struct description *out, int r, size_t size, const char *path, const char *what)
{
	if (r == 0 || !out->is_tolerant)
		return r;
	out->text.size = size;
	out->unread++;
	hd_buffer_printf(&out->text, "%s%s ?\n", path, what);
	return 0;
}

static int describe(struct hd_overlay *overlay, const struct hd_attributes *attributes, const char *path,
	struct description *out)
{
	size_t size = out->text.size;
	unsigned unread = out->unread;
	int r = describe_failure(out, describe_bytes(overlay, attributes, path, out), size, path, "");

	if (r < 0 || out->unread != unread || !S_ISDIR(attributes->mode))
		return r;
	size = out->text.size;
	return describe_failure(
		out, describe_directory(overlay, attributes->ino, path, out), size, path, "/");
}

static int describe_name(struct hd_overlay *overlay, hd_ino directory, const char *name, const char *path,
	struct description *out)
{
	struct hd_attributes attributes;
	int r = hd_overlay_lookup(overlay, directory, name, &attributes);

	if (r < 0)
		return describe_failure(out, r, out->text.size, path, "");
	r = describe(overlay, &attributes, path, out);
	hd_overlay_forget(overlay, attributes.ino, 1);
	return r;
}

static int describe_directory(
	struct hd_overlay *overlay, hd_ino directory, const char *path, struct description *out)
{
	struct names names = {.count = 0};
	int r = hd_overlay_readdir(overlay, directory, 0, collect, &names);

	if (r == 0 && names.failed)
		r = -ENOMEM;
	if (r == 0 && names.count)
		qsort(names.names, names.count, sizeof(*names.names), compare);
	for (size_t i = 0; r == 0 && i < names.count; i++) {
		char below[PATH_MAX];

		(void)snprintf(below, sizeof(below), "%s/%s", path, names.names[i]);
		r = describe_name(overlay, directory, names.names[i], below, out);
	}
	free(names.names);
	return r;
}

static int describe_root(struct hd_overlay *overlay, struct description *out)
{
	struct hd_attributes root;
	int r = hd_overlay_getattr(overlay, HD_ROOT_INO, &root);

	if (r == 0)
		r = describe(overlay, &root, ".", out);
	if (r == 0)
		r = hd_buffer_status(&out->text);
	if (r < 0)
		hd_buffer_clear(&out->text);
	return r;
}

int workload_digest(struct hd_overlay *overlay, bool times, uint64_t *ret_digest, char **ret_description)
{
	struct description out = {.times = times};
	size_t size;
	int r = describe_root(overlay, &out);

	if (r < 0)
		return r;
	*ret_digest = hd_checksum64(out.text.data, out.text.size);
	if (ret_description)
		*ret_description = hd_buffer_steal(&out.text, &size);
	hd_buffer_clear(&out.text);
	return 0;
}

int workload_describe(struct hd_overlay *overlay, char **ret_description, unsigned *ret_unread)
{
	struct description out = {.is_tolerant = true};
	size_t size;
	int r = describe_root(overlay, &out);

	if (r < 0)
		return r;
	*ret_unread = out.unread;
	*ret_description = hd_buffer_steal(&out.text, &size);
	return 0;
}
