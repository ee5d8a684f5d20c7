/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What session.c (the connection) and serve.c (the runtime's requests) share. */

#include "nri.h"
#include "nri_arena.h"
#include "nri_snapshot.h"
#include "ttrpc.h"

struct nri_session {
	const struct nri_handlers *handlers;
	void *ctx;
	char plugin_name[NRI_NAME_MAX + 1];
	char plugin_index[3];
	uint32_t events;
	uint64_t register_timeout_ms;
	uint64_t synchronize_timeout_ms;
	bool with_labels;

	enum nri_session_state state;
	uint64_t deadline_ms;
	uint64_t now_ms;             /* of the feed that is being worked on */
	uint64_t began_ms;           /* when the first byte of the present request came */
	uint64_t request_timeout_ms; /* for requests that say none */
	bool is_registered;          /* RegisterPlugin was answered; may come after Configure */
	uint32_t last_stream;        /* highest stream id the runtime used */
	uint32_t sync_stream;        /* of the Synchronize that is being taken in parts */
	struct nri_session_stats stats;

	struct mux_rx mux;
	struct ttrpc_rx plugin_rx;  /* requests, connection MUX_CONN_PLUGIN */
	struct ttrpc_rx runtime_rx; /* responses, connection MUX_CONN_RUNTIME */
	struct strbuf out;

	struct nri_arena scratch; /* one decoded message */
	struct nri_snapshot snapshot;
};

/*
 * Answer one message of the Plugin connection, calling handlers on the way. Fails only
 * with what ends the session.
 */
MUST_CHECK int nri_serve(struct nri_session *s, const struct ttrpc_frame *frame, struct err *e);

/* A part of the snapshot, as nri_session_step(). */
MUST_CHECK int nri_serve_more(struct nri_session *s, struct err *e);
