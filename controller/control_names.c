/* SPDX-License-Identifier: Apache-2.0 */
#include "control_names.h"

#include <string.h>

bool control_is_name(const char *name, size_t len)
{
	return len >= 1 && len <= CONTROL_NAME_MAX &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-.") >= len;
}

bool control_filter_passes(const struct control_filter *f, const struct core_pod_view *v)
{
	return (!f->namespace || strcmp(f->namespace, v->namespace_) == 0) &&
	       (!f->name || strcmp(f->name, v->name) == 0);
}

void control_pod_not_found(struct http_reply *reply, const char *namespace, const char *name)
{
	http_reply_error(reply, 404, "PodNotFound",
			 "no pod '%s' of namespace '%s' runs on this node, as far as the runtime "
			 "has told",
			 name, namespace);
}
