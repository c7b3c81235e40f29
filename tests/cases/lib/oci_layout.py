# SPDX-License-Identifier: Apache-2.0
"""Makes the smallest image layout (OCI image-spec, image-layout.md) that has the given layers, the lowest first.

    oci_layout.py DIRECTORY TAG LAYER...

A layer is a tar, plain or compressed by gzip; the name says nothing, the first bytes do.
"""

import gzip
import hashlib
import json
import os
import sys

directory, tag, *layers = sys.argv[1:]
blobs = os.path.join(directory, "blobs", "sha256")
os.makedirs(blobs)


def put(data, media_type):
    digest = hashlib.sha256(data).hexdigest()
    with open(os.path.join(blobs, digest), "wb") as blob:
        blob.write(data)
    return {"mediaType": media_type, "digest": "sha256:" + digest, "size": len(data)}


def put_json(value, media_type):
    return put(json.dumps(value).encode(), media_type)


described, plain_digests = [], []
for path in layers:
    with open(path, "rb") as stream:
        content = stream.read()
    is_gzip = content[:2] == b"\x1f\x8b"
    plain = gzip.decompress(content) if is_gzip else content
    plain_digests.append("sha256:" + hashlib.sha256(plain).hexdigest())
    described.append(put(content, "application/vnd.oci.image.layer.v1.tar" + ("+gzip" if is_gzip else "")))
config = put_json({"architecture": "amd64", "os": "linux", "config": {},
                   "rootfs": {"type": "layers", "diff_ids": plain_digests}}, "application/vnd.oci.image.config.v1+json")
manifest = put_json({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "config": config,
                     "layers": described}, "application/vnd.oci.image.manifest.v1+json")
manifest["annotations"] = {"org.opencontainers.image.ref.name": tag}
with open(os.path.join(directory, "index.json"), "w", encoding="ascii") as stream:
    json.dump({"schemaVersion": 2, "manifests": [manifest]}, stream)
with open(os.path.join(directory, "oci-layout"), "w", encoding="ascii") as stream:
    json.dump({"imageLayoutVersion": "1.0.0"}, stream)
