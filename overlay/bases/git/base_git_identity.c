/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/bases/git/base_git_identity.h"

#include <errno.h>
#include <git2.h>
#include <git2/sys/odb_backend.h>
#include <stdlib.h>
#include <string.h>

#include "overlay/bases/git/base_git_library.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"

/*
 * libgit2 hashes whole buffers (git_odb_hash) and files (git_odb_hashfile), but has no call for bytes that come
 * in pieces. Its write streams do hash piece by piece, whatever is behind them: so they are given an object
 * database of our own, whose one backend drops what it gets. A file of any size is hashed in the memory of a
 * piece, and nothing is written.
 */

struct hd_git_hash {
	git_odb *odb;           /* owned */
	git_odb_stream *stream; /* owned */
};

static int drop_bytes(git_odb_stream *stream, const char *buffer, size_t size)
{
	(void)stream;
	(void)buffer;
	(void)size;
	return 0;
}

static int drop_object(git_odb_stream *stream, const git_oid *id)
{
	(void)stream;
	(void)id;
	return 0;
}

static void free_stream(git_odb_stream *stream)
{
	free(stream);
}

static int open_stream(
	git_odb_stream **ret_stream, git_odb_backend *backend, git_object_size_t size, git_object_t type)
{
	git_odb_stream *stream = calloc(1, sizeof(*stream));

	(void)size;
	(void)type;
	if (!stream)
		return GIT_ERROR;
	stream->backend = backend;
	stream->mode = GIT_STREAM_WRONLY;
	stream->write = drop_bytes;
	stream->finalize_write = drop_object;
	stream->free = free_stream;
	*ret_stream = stream;
	return 0;
}

static void free_backend(git_odb_backend *backend)
{
	free(backend);
}

/* Nothing is ever found in it, so that no stream ends early. */
static int open_dropping_odb(git_odb **ret_odb)
{
	git_odb_backend *backend = calloc(1, sizeof(*backend));
	git_odb *odb = NULL;
	int r = 0;

	if (!backend)
		return -ENOMEM;
	if (git_odb_init_backend(backend, GIT_ODB_BACKEND_VERSION) < 0 || git_odb_new(&odb) < 0)
		r = hd_git_library_fail(HD_E_REPOSITORY, "hash");
	backend->writestream = open_stream;
	backend->free = free_backend;
	if (r == 0 && git_odb_add_backend(odb, backend, 1) < 0)
		r = hd_git_library_fail(HD_E_REPOSITORY, "hash");
	if (r < 0) {
		free(backend);
		git_odb_free(odb);
		return r;
	}
	*ret_odb = odb;
	return 0;
}

static git_object_t object_type(enum hd_git_kind kind)
{
	return kind == HD_GIT_TREE ? GIT_OBJECT_TREE : GIT_OBJECT_BLOB;
}

int hd_git_hash_new(enum hd_git_kind kind, uint64_t total, struct hd_git_hash **ret_hash)
{
	struct hd_git_hash *hash;
	int r = hd_git_library_start();

	if (r < 0)
		return r;
	hash = calloc(1, sizeof(*hash));
	if (!hash)
		return -ENOMEM;
	r = open_dropping_odb(&hash->odb);
	if (r == 0 && git_odb_open_wstream(&hash->stream, hash->odb, total, object_type(kind)) < 0)
		r = hd_git_library_fail(HD_E_REPOSITORY, "hash");
	if (r < 0) {
		hd_git_hash_free(hash);
		return r;
	}
	*ret_hash = hash;
	return 0;
}

int hd_git_hash_append(struct hd_git_hash *hash, const void *data, size_t size)
{
	if (size > hash->stream->declared_size - hash->stream->received_bytes)
		return -EINVAL;
	if (git_odb_stream_write(hash->stream, data, size) < 0)
		return hd_git_library_fail(HD_E_REPOSITORY, "hash");
	return 0;
}

int hd_git_hash_finish(struct hd_git_hash *hash, uint8_t ret_id[HD_GIT_ID_SIZE])
{
	git_oid id;
	int r = 0;

	if (hash->stream->received_bytes != hash->stream->declared_size)
		r = -EINVAL;
	else if (git_odb_stream_finalize_write(&id, hash->stream) < 0)
		r = hd_git_library_fail(HD_E_REPOSITORY, "hash");
	hd_git_hash_free(hash);
	if (r == 0)
		memcpy(ret_id, id.id, HD_GIT_ID_SIZE);
	return r;
}

void hd_git_hash_free(struct hd_git_hash *hash)
{
	if (!hash)
		return;
	git_odb_stream_free(hash->stream);
	git_odb_free(hash->odb);
	free(hash);
}

int hd_git_hash_bytes(enum hd_git_kind kind, const void *data, size_t size, uint8_t ret_id[HD_GIT_ID_SIZE])
{
	git_oid id;
	int r = hd_git_library_start();

	if (r < 0)
		return r;
	if (git_odb_hash(&id, size > 0 ? data : "", size, object_type(kind)) < 0)
		return hd_git_library_fail(HD_E_REPOSITORY, "hash");
	memcpy(ret_id, id.id, HD_GIT_ID_SIZE);
	return 0;
}
