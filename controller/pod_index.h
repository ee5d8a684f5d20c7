/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The pods of this node as the API server has them, by namespace and name. Only what the
 * publisher needs of each is kept, in bounded space.
 *
 * A pod of the runtime and a pod of the API are the same one if namespace, name and UID
 * agree. The UID to compare with is the annotation kubernetes.io/config.mirror where there
 * is one: of a static pod the runtime knows the UID that kubelet computed from the manifest,
 * the API a mirror pod with a UID of its own. Namespace and name must agree too because
 * anyone who may create pods can write that annotation.
 */

#include "k8s.h"
#include "strmap.h"

#define POD_INDEX_MAX    16384 /* pods; a kubelet runs a few hundred at most */
#define POD_INDEX_MIRROR "kubernetes.io/config.mirror"

struct pod_entry {
	const char *key; /* "namespace/name"; this and the next four are in .text */
	const char *namespace_, *name;
	const char *uid; /* metadata.uid */
	const char
		*runtime_uid; /* as the runtime knows the pod; the same one unless it is static */
	bool deleting;
	bool seen_at_start; /* it was in the first list: an earlier daemon may have published it */
	/* The retry annotation as retry_token() puts it; NULL when there is none. */
	char *token;
	bool token_valid;
	bool token_changed; /* it is not the one that the pod had when it was first seen */
	char text[];
};

struct pod_index {
	struct strmap by_name;
	bool synced; /* the first list is complete; set by the user */
};

void pod_index_init(struct pod_index *x, uint32_t seed);
void pod_index_done(struct pod_index *x);

/*
 * Take over what a watch event says; *RET is the entry, valid until it changes again.
 * -ENOMEM, -ENOBUFS (POD_INDEX_MAX), -EINVAL without name or UID; the entry is then as before.
 */
MUST_CHECK int pod_index_set(struct pod_index *x, const struct k8s_object_meta *meta,
			     const struct pod_entry **ret);

/*
 * The annotation of the pod of this name and runtime UID, where no watch tells of it. TOKEN as
 * retry_token() puts it, NULL for none. Without memory the pod keeps the token it had.
 */
void pod_index_set_token(struct pod_index *x, const char *namespace_, const char *name,
			 const char *runtime_uid, const char *token, bool is_valid);

/* Forget the pod of this name if it has this UID. */
void pod_index_del(struct pod_index *x, const char *namespace_, const char *name, const char *uid);

/* NULL when there is none. */
const struct pod_entry *pod_index_get(const struct pod_index *x, const char *namespace_,
				      const char *name);

/* The same, but only if it is the pod that the runtime calls RUNTIME_UID. */
const struct pod_entry *pod_index_join(const struct pod_index *x, const char *namespace_,
				       const char *name, const char *runtime_uid);
