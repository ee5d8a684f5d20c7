/* SPDX-License-Identifier: Apache-2.0 */

/* The publisher's two tables, filled with the real core and the real client. */

#include "publisher.h"

static int request(void *ctx, const struct k8s_request *req, k8s_done_fn *done, void *done_ctx,
		   struct k8s_call **ret, struct err *e)
{
	return k8s_request(ctx, req, done, done_ctx, ret, e);
}

static void cancel(void *ctx, struct k8s_call *call)
{
	(void)ctx;
	k8s_call_cancel(call);
}

const struct publisher_client_ops publisher_k8s_ops = {
	.request = request,
	.cancel = cancel,
};

static bool pod_view(void *ctx, const char *pod_uid, struct core_pod_view *ret)
{
	return core_pod_view(ctx, pod_uid, ret);
}

static int retry(void *ctx, uint64_t now_ms, const char *pod_uid, struct core_retry_report *ret,
		 struct err *e)
{
	return core_retry_pod(ctx, now_ms, pod_uid, ret, e);
}

static int retry_result(void *ctx, const char *pod_uid, struct core_retry_report *ret)
{
	return core_retry_pod_result(ctx, pod_uid, ret);
}

const struct publisher_core_ops publisher_real_core_ops = {
	.pod_view = pod_view,
	.retry = retry,
	.retry_result = retry_result,
};
