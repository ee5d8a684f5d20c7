/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * POST /v1/retry: retries of one pod or of all, a pod at a time, so that the loop is never held
 * up for long. The answer comes when the last of them is done.
 */

#include "core.h"
#include "http_server.h"
#include "list.h"
#include "status_render.h"

struct control_retry {
	/* the caller's, all borrowed: */
	struct core *core;
	uint64_t (*now_ms)(void);
	void (*on_job)(void *ctx); /* control_retry_next_ms() has changed */
	void *ctx;

	/* its own: */
	struct list jobs;
	uint64_t answered[STATUS_RETRY_RESULT_MAX]; /* by result */
};

/* Sets all that is its own. */
void control_retry_init(struct control_retry *retry);

/* A route's handler; the context is the struct control_retry. */
void control_retry_handle(void *ctx, const struct http_request *request, struct http_reply *reply);

/* One small step. Returns false when nothing is to be done before control_retry_next_ms(). */
bool control_retry_work(struct control_retry *retry);

/* When to call control_retry_work(), UINT64_MAX: not before the next request. */
uint64_t control_retry_next_ms(const struct control_retry *retry);
