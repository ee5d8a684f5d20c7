/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The token and the CA, which change under a running client: the kubelet renews tokens
 * long before they expire, and administrators replace CAs. Both are read whole, through
 * the name, so that the kubelet's swapped symlinks are never read half-way.
 */

#include "client_priv.h"

#include <string.h>

#define REFRESH_MS 60000
#define CA_MAX     (1024UL * 1024)

static void read_ca(struct k8s_client *c)
{
	struct k8s_blob fresh = {0};

	if (!c->cfg->ca_file)
		return;
	if (k8s_read_file(c->cfg->ca_file, CA_MAX, &fresh, NULL) < 0 || !k8s_is_pem(&fresh)) {
		k8s_blob_wipe(&fresh);
		return;
	}
	/*
	 * libcurl compares the bytes when it looks for a connection to use again, so another
	 * CA means new connections without more ado.
	 */
	k8s_blob_wipe(&c->auth.ca);
	c->auth.ca = fresh;
}

static void read_token(struct k8s_client *c)
{
	if (c->cfg->token_file) {
		/* An unreadable file is no reason to forget a token that may still be good. */
		if (k8s_read_token(c->cfg->token_file, &c->auth.token, NULL) < 0)
			c->stats.token_reads_bad++;
		else
			c->stats.token_reads_good++;
	} else if (c->cfg->token && !c->auth.token) {
		c->auth.token = strdup(c->cfg->token);
	}
}

static void refresh(struct k8s_client *c)
{
	c->auth.read_at_ms = k8s_now(c);
	read_token(c);
	read_ca(c);
}

void k8s_auth_refresh(struct k8s_client *c)
{
	struct k8s_auth *a = &c->auth;
	bool is_first = !a->token && !a->ca.data;

	if (is_first || k8s_now(c) - a->read_at_ms >= REFRESH_MS)
		refresh(c);
}

bool k8s_auth_reload(struct k8s_client *c, const char *used)
{
	if (c->cfg->exec)
		return k8s_exec_renew(c, used);
	refresh(c);
	return c->auth.token && (!used || strcmp(c->auth.token, used) != 0);
}

void k8s_auth_done(struct k8s_auth *a)
{
	k8s_wipe_str(&a->token);
	k8s_blob_wipe(&a->ca);
	k8s_blob_wipe(&a->cert);
	k8s_blob_wipe(&a->key);
}
