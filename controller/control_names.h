/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the requests of the control API share: names of pods, and the answer when there is none. */

#include "core.h"
#include "http_server.h"

#define CONTROL_NAME_MAX 253 /* of a pod or a namespace in Kubernetes */

/* A name as Kubernetes has it; nothing else can be the name of a pod. */
bool control_is_name(const char *name, size_t len);

/* NULL matches every pod. */
struct control_filter {
	const char *namespace, *name;
};

bool control_filter_passes(const struct control_filter *f, const struct core_pod_view *v);
void control_pod_not_found(struct http_reply *reply, const char *namespace, const char *name);
