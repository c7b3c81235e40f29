/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/platform/checksum.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

/*
 * XXH3 behind names of our own. The canonical form is what reaches disks, so that object names do not depend
 * on the byte order of the machine that made them.
 */

_Static_assert(sizeof(XXH128_canonical_t) == sizeof(struct hd_hash128), "XXH3-128 is 16 bytes");

struct hd_hash_stream {
	XXH3_state_t *state; /* owned */
};

static struct hd_hash128 canonical(XXH128_hash_t hash)
{
	XXH128_canonical_t bytes;
	struct hd_hash128 result;

	XXH128_canonicalFromHash(&bytes, hash);
	memcpy(&result, &bytes, sizeof(result));
	return result;
}

uint64_t hd_checksum64(const void *data, size_t size)
{
	return XXH3_64bits(data, size);
}

uint64_t hd_checksum64_continue(uint64_t before, const void *data, size_t size)
{
	return XXH3_64bits_withSeed(data, size, before);
}

struct hd_hash128 hd_hash128(const void *data, size_t size)
{
	return canonical(XXH3_128bits(data, size));
}

struct hd_hash_stream *hd_hash_stream_new(void)
{
	struct hd_hash_stream *stream = malloc(sizeof(*stream));

	if (!stream)
		return NULL;
	/* XXH3 wants more alignment than malloc gives; its own allocator knows. */
	stream->state = XXH3_createState();
	if (!stream->state || XXH3_128bits_reset(stream->state) != XXH_OK) {
		(void)XXH3_freeState(stream->state);
		free(stream);
		return NULL;
	}
	return stream;
}

void hd_hash_stream_update(struct hd_hash_stream *stream, const void *data, size_t size)
{
	if (size)
		(void)XXH3_128bits_update(stream->state, data, size);
}

struct hd_hash128 hd_hash_stream_finish(struct hd_hash_stream *stream)
{
	struct hd_hash128 result = canonical(XXH3_128bits_digest(stream->state));

	(void)XXH3_freeState(stream->state);
	free(stream);
	return result;
}
