/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The event loop that the Kubernetes client asks for (struct k8s_loop_ops), over libev. */

#include "err.h"
#include "k8s.h"

#include <ev.h>

struct api_loop;

/* ON_ACTIVITY is called after the client was given something to do. */
MUST_CHECK int api_loop_new(struct ev_loop *loop, uint32_t seed, void (*on_activity)(void *ctx),
			    void *ctx, struct api_loop **ret, struct err *e);

/* The client to report to; it is borrowed, and must be taken away (NULL) before it is freed. */
void api_loop_set_client(struct api_loop *al, struct k8s_client *client);
void api_loop_free(struct api_loop *al);

/* To be given to k8s_client_new() with the api_loop as its context. */
extern const struct k8s_loop_ops api_loop_ops;
