/* SPDX-License-Identifier: Apache-2.0 */

/* A PodResctrlStatus as some API server sends it, and what the next status makes of it. */

#include "status_render.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A status that goes on from what was read must be one that can be read. */
static void render_after(const struct status_object *o)
{
	const struct core_pod_view view = {
		.uid = o->pod_uid,
		.namespace_ = "shop",
		.name = "web-0",
		.group_state = CORE_GROUP_FAILED,
		.group_path = "",
		.reason = o->retry.reason,
		.message = o->retry.message,
		.total_containers = 1,
	};
	struct status_memory memory;
	const struct status_input in = {
		.view = &view,
		.generation = o->generation,
		.now_s = 1763600000,
		.before = &o->memory,
		.retry = o->has_retry ? &o->retry : NULL,
	};
	struct strbuf out AUTO_STRBUF;
	uint64_t digest;

	strbuf_init(&out, STATUS_JSON_MAX);
	assert(status_render(&in, &out, &memory, NULL) == 0);
	assert(status_digest(strbuf_str(&out), out.len, &digest, NULL) == 0);
	assert(status_equal(strbuf_str(&out), strbuf_str(&out)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct status_object o;
	struct err e = {0};
	uint64_t digest;
	int r;

	if (size > 65536)
		return 0;
	r = status_parse_object((const char *)data, size, &o, &e);
	assert(r == 0 || r == -EPROTO);
	if (r < 0) {
		assert(e.code == r && e.msg[0]);
	} else {
		assert(o.uid[0] && memchr(o.uid, '\0', sizeof(o.uid)));
		assert(memchr(o.pod_uid, '\0', sizeof(o.pod_uid)));
		assert(memchr(o.node_name, '\0', sizeof(o.node_name)));
		assert(memchr(o.retry.token, '\0', sizeof(o.retry.token)));
		render_after(&o);
	}
	r = status_digest((const char *)data, size, &digest, NULL);
	assert(r == 0 || r == -EINVAL);
	return 0;
}
