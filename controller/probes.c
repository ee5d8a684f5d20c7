/* SPDX-License-Identifier: Apache-2.0 */
#include "probes.h"

#define WHY_MAX 640

void probes_handle(void *ctx, const struct http_request *request, struct http_reply *reply)
{
	static const char *const names[] = {"verbose", NULL};
	const struct probes *h = ctx;
	bool good = true, verbose = http_query(request, "verbose") != NULL;
	char buf[WHY_MAX];
	struct err e = {0};

	if (http_query_check(request, names, &e) < 0) {
		http_reply_error(reply, 400, "BadRequest", "%s", e.msg);
		return;
	}
	reply->content_type = "text/plain; charset=utf-8";
	for (const struct probe_check *c = h->checks; c->name; c++) {
		const char *why = c->check(h->ctx, buf, sizeof(buf));

		good = good && !why;
		if (why)
			(void)strbuf_addf(&reply->body, "[-]%s failed: %s\n", c->name, why);
		else
			(void)strbuf_addf(&reply->body, "[+]%s ok\n", c->name);
	}
	if (!good) {
		reply->status = 503;
		(void)strbuf_addf(&reply->body, "%s check failed\n", h->title);
	} else if (verbose) {
		(void)strbuf_addf(&reply->body, "%s check passed\n", h->title);
	} else {
		strbuf_reset(&reply->body);
		(void)strbuf_adds(&reply->body, "ok");
	}
}
