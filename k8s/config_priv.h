/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Inside k8s/: what a configuration holds, and the small files it comes from. */

#include "k8s.h"

/* Text or PEM in memory; NUL-terminated behind its last byte. */
struct k8s_blob {
	char *data; /* NULL: none */
	size_t len;
};

/* A credential plugin: users[].user.exec of a kubeconfig. */
struct k8s_exec_config {
	char **argv; /* ended by NULL; argv[0] without a slash is looked up in $PATH */
	char **env;  /* "NAME=value" on top of our own environment; ended by NULL */
	char *info;  /* KUBERNETES_EXEC_INFO=..., complete */
};

struct k8s_config {
	char *server; /* "https://host:port/prefix", no slash at the end, no user info */
	char *host;   /* of server, IPv6 without brackets */
	char *port;
	char *tls_server_name; /* check the certificate against this name; NULL: against host */
	char *proxy_url;       /* NULL: none named */
	char *namespace_;
	char *user_agent;
	char *token;                  /* NULL: none, or in token_file */
	char *token_file;             /* wins over token; NULL: none */
	struct k8s_exec_config *exec; /* NULL: none */
	char *ca_file; /* where ca came from; NULL: it was inline, or there is none */
	struct k8s_blob ca, cert, key;
	bool insecure; /* no verification of the server's certificate */
	bool is_http;
	bool no_proxy; /* not even one from the environment */
};

/* Overwrites and frees the secret string at *S (may be NULL). */
void k8s_wipe_str(char **s);
void k8s_blob_wipe(struct k8s_blob *b);

/*
 * Reads a small regular file whole. -ENOENT and the like, -EFBIG beyond CAP, -EINVAL
 * when it is no regular file. *RET is replaced on success.
 */
MUST_CHECK int k8s_read_file(const char *path, size_t cap, struct k8s_blob *ret, struct err *e);

/* Reads a bearer token from a file, without the blanks around it. -EINVAL: not a token. */
MUST_CHECK int k8s_read_token(const char *path, char **ret, struct err *e);

/* Whether S can be sent as a bearer token: printable ASCII without blanks, at most 64 kB. */
bool k8s_is_token(const char *s);

/* Whether the blob holds at least one PEM block; what is inside is TLS's affair. */
bool k8s_is_pem(const struct k8s_blob *b);

/* Sets server, host, port, is_http from a URL. WHERE names file and field in messages. */
MUST_CHECK int k8s_config_set_server(struct k8s_config *cfg, const char *url, const char *where,
				     struct err *e);

struct k8s_exec_config *k8s_exec_config_free(struct k8s_exec_config *x); /* returns NULL */

/* A configuration with the defaults in place. */
struct k8s_config *k8s_config_new(void);

/* Standard base64 of LEN bytes; free() it. NULL without memory. */
char *k8s_base64_encode(const char *data, size_t len);

/* Standard base64, blanks and line ends allowed between. -EINVAL, -ENOMEM. */
MUST_CHECK int k8s_base64_decode(const char *text, size_t len, struct k8s_blob *ret);
