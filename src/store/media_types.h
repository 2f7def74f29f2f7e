/* SPDX-License-Identifier: Apache-2.0 */
/*
 * media_types.h - what files call each other: the words of the OCI image specification, and ours.
 */
#ifndef STORE_MEDIA_TYPES_H
#define STORE_MEDIA_TYPES_H

#define MEDIA_TYPE_INDEX    "application/vnd.oci.image.index.v1+json"
#define MEDIA_TYPE_MANIFEST "application/vnd.oci.image.manifest.v1+json"
/* Tools look into no other config. What is ours in it is beside what the specification wants. */
#define MEDIA_TYPE_CONFIG "application/vnd.oci.image.config.v1+json"
#define MEDIA_TYPE_MEMORY "application/vnd.mote.snapshot.memory.v1"
#define ARTIFACT_TYPE     "application/vnd.mote.snapshot.v1"

#define ANNOTATION_TAG     "org.opencontainers.image.ref.name"
#define ANNOTATION_CREATED "org.opencontainers.image.created"
#define ANNOTATION_TITLE   "org.opencontainers.image.title"

#endif
