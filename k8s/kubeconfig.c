/* SPDX-License-Identifier: Apache-2.0 */

/*
 * kubeconfig files: the format of client-go's clientcmd "v1" Config. YAML, of which
 * JSON is a part. Unknown fields are left alone, as kubectl leaves them. No message
 * quotes the value of a field, for any of them may turn out to be a secret.
 */

#include "kubeconfig_priv.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define KUBECONFIG_MAX (4UL * 1024 * 1024)
#define PEM_MAX        (1024UL * 1024)

yaml_node_t *k8s_yaml_lookup(struct loader *l, yaml_node_t *map, const char *key)
{
	if (!map || map->type != YAML_MAPPING_NODE)
		return NULL;
	for (yaml_node_pair_t *p = map->data.mapping.pairs.start; p < map->data.mapping.pairs.top;
	     p++) {
		yaml_node_t *k = yaml_document_get_node(l->doc, p->key);

		if (k && k->type == YAML_SCALAR_NODE && k->data.scalar.length == strlen(key) &&
		    memcmp(k->data.scalar.value, key, strlen(key)) == 0)
			return yaml_document_get_node(l->doc, p->value);
	}
	return NULL;
}

int k8s_yaml_str(struct loader *l, yaml_node_t *map, const char *key, const char **ret)
{
	yaml_node_t *n = k8s_yaml_lookup(l, map, key);
	const char *s;

	*ret = NULL;
	if (!n)
		return 0;
	if (n->type != YAML_SCALAR_NODE)
		return err_set(l->e, -EINVAL, "kubeconfig '%s': '%s' must be a string", l->path,
			       key);
	s = (const char *)n->data.scalar.value;
	if (strlen(s) != n->data.scalar.length)
		return err_set(l->e, -EINVAL, "kubeconfig '%s': '%s' holds a zero byte", l->path,
			       key);
	if (n->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
	    (strcmp(s, "null") == 0 || strcmp(s, "~") == 0))
		return 0;
	if (*s)
		*ret = s;
	return 0;
}

int k8s_yaml_bool(struct loader *l, yaml_node_t *map, const char *key, bool *ret)
{
	const char *s;
	int r = k8s_yaml_str(l, map, key, &s);

	if (r < 0 || !s)
		return r;
	if (strcmp(s, "true") != 0 && strcmp(s, "false") != 0)
		return err_set(l->e, -EINVAL, "kubeconfig '%s': '%s' must be true or false",
			       l->path, key);
	*ret = s[0] == 't';
	return 0;
}

/* Finds the entry called NAME in one of the lists, and in it the mapping called KIND. */
static int find_named(struct loader *l, const char *list, const char *kind, const char *name,
		      yaml_node_t **ret)
{
	yaml_node_t *root = yaml_document_get_root_node(l->doc);
	yaml_node_t *seq = k8s_yaml_lookup(l, root, list);

	if (!seq || seq->type != YAML_SEQUENCE_NODE)
		return err_set(l->e, -EINVAL, "kubeconfig '%s': '%s' must be a list", l->path,
			       list);
	for (yaml_node_item_t *i = seq->data.sequence.items.start; i < seq->data.sequence.items.top;
	     i++) {
		yaml_node_t *entry = yaml_document_get_node(l->doc, *i);
		const char *s;
		int r = k8s_yaml_str(l, entry, "name", &s);

		if (r < 0)
			return r;
		if (!s || strcmp(s, name) != 0)
			continue;
		*ret = k8s_yaml_lookup(l, entry, kind);
		if (*ret && (*ret)->type == YAML_MAPPING_NODE)
			return 0;
		return err_set(
			l->e, -EINVAL,
			"kubeconfig '%s': the entry '%.100s' of '%s' has no '%s' with fields",
			l->path, name, list, kind);
	}
	return err_set(l->e, -EINVAL, "kubeconfig '%s': '%s' has no entry named '%.100s'", l->path,
		       list, name);
}

static int set_copy(struct loader *l, char **dest, const char *value)
{
	char *copy = strdup(value);

	if (!copy)
		return err_set(l->e, -ENOMEM, "kubeconfig '%s': out of memory", l->path);
	free(*dest);
	*dest = copy;
	return 0;
}

/* A file named in the kubeconfig, seen from the kubeconfig's directory. */
int k8s_yaml_path(struct loader *l, char **dest, const char *value)
{
	const char *slash = strrchr(l->path, '/');
	char *path = NULL;

	if (value[0] == '/' || !slash)
		return set_copy(l, dest, value);
	if (asprintf(&path, "%.*s/%s", (int)(slash - l->path), l->path, value) < 0)
		return err_set(l->e, -ENOMEM, "kubeconfig '%s': out of memory", l->path);
	free(*dest);
	*dest = path;
	return 0;
}

static int load_pem_data(struct loader *l, const char *key, const char *data, struct k8s_blob *ret)
{
	int r = k8s_base64_decode(data, strlen(data), ret);

	if (r == -ENOMEM)
		return err_set(l->e, r, "kubeconfig '%s': out of memory", l->path);
	if (r < 0)
		return err_set(l->e, -EINVAL, "kubeconfig '%s': '%s' is not base64", l->path, key);
	if (!k8s_is_pem(ret))
		return err_set(l->e, -EINVAL, "kubeconfig '%s': '%s' holds no PEM block", l->path,
			       key);
	return 0;
}

/* FIELD-data wins over FIELD, as in kubectl. *RET_FILE, if wanted, is the file's name. */
static int load_pem(struct loader *l, yaml_node_t *map, const char *field, struct k8s_blob *ret,
		    char **ret_file)
{
	char data_field[64];
	const char *data, *file;
	AUTO_FREE char *path = NULL;
	int r;

	snprintf(data_field, sizeof(data_field), "%s-data", field);
	r = k8s_yaml_str(l, map, data_field, &data);
	if (r < 0)
		return r;
	if (data)
		return load_pem_data(l, data_field, data, ret);
	r = k8s_yaml_str(l, map, field, &file);
	if (r < 0 || !file)
		return r;
	r = k8s_yaml_path(l, &path, file);
	if (r < 0)
		return r;
	r = k8s_read_file(path, PEM_MAX, ret, l->e);
	if (r < 0) {
		err_prefix(l->e, "kubeconfig '%s': '%s'", l->path, field);
		return r;
	}
	if (!k8s_is_pem(ret))
		return err_set(l->e, -EINVAL, "kubeconfig '%s': '%s': '%s' holds no PEM block",
			       l->path, field, path);
	if (ret_file)
		*ret_file = steal_ptr(&path);
	return 0;
}

static int load_cluster(struct loader *l, yaml_node_t *cluster)
{
	const char *server = NULL, *tls_name = NULL, *proxy = NULL;
	char where[256];
	int r = k8s_yaml_str(l, cluster, "server", &server);

	if (r < 0)
		return r;
	if (!server)
		return err_set(l->e, -EINVAL, "kubeconfig '%s': the cluster has no 'server'",
			       l->path);
	snprintf(where, sizeof(where), "kubeconfig '%.200s': 'server'", l->path);
	r = k8s_config_set_server(l->cfg, server, where, l->e);
	if (r == 0)
		r = k8s_yaml_str(l, cluster, "tls-server-name", &tls_name);
	if (r == 0 && tls_name)
		r = set_copy(l, &l->cfg->tls_server_name, tls_name);
	if (r == 0)
		r = k8s_yaml_str(l, cluster, "proxy-url", &proxy);
	if (r == 0 && proxy)
		r = set_copy(l, &l->cfg->proxy_url, proxy);
	if (r == 0)
		r = k8s_yaml_bool(l, cluster, "insecure-skip-tls-verify", &l->cfg->insecure);
	if (r == 0)
		r = load_pem(l, cluster, "certificate-authority", &l->cfg->ca, &l->cfg->ca_file);
	if (r == 0 && l->cfg->insecure && l->cfg->ca.data)
		return err_set(l->e, -EINVAL,
			       "kubeconfig '%s': a certificate authority together with "
			       "insecure-skip-tls-verify makes no sense, remove one",
			       l->path);
	return r;
}

static int load_token(struct loader *l, yaml_node_t *user)
{
	const char *token = NULL, *file = NULL;
	int r = k8s_yaml_str(l, user, "tokenFile", &file);

	if (r == 0)
		r = k8s_yaml_str(l, user, "token", &token);
	if (r < 0)
		return r;
	if (file) {
		AUTO_FREE char *probe = NULL;

		r = k8s_yaml_path(l, &l->cfg->token_file, file);
		if (r == 0)
			r = k8s_read_token(l->cfg->token_file, &probe, l->e);
		if (r < 0)
			err_prefix(l->e, "kubeconfig '%s': 'tokenFile'", l->path);
		else if (probe)
			explicit_bzero(probe, strlen(probe));
		return r;
	}
	if (!token)
		return 0;
	if (!k8s_is_token(token))
		return err_set(l->e, -EINVAL,
			       "kubeconfig '%s': 'token' has blanks or unprintable bytes inside",
			       l->path);
	return set_copy(l, &l->cfg->token, token);
}

/* Ways to log in that would be silently missing otherwise. */
static int refuse_unsupported(struct loader *l, yaml_node_t *user)
{
	yaml_node_t *exec = k8s_yaml_lookup(l, user, "exec");

	if (l->cfg->token || l->cfg->token_file || l->cfg->cert.data)
		return 0;
	if (exec)
		return k8s_load_exec(l, exec);
	if (k8s_yaml_lookup(l, user, "auth-provider") || k8s_yaml_lookup(l, user, "username"))
		return err_set(l->e, -ENOTSUP,
			       "kubeconfig '%s': auth-provider and basic authentication are not "
			       "supported; use a token, a tokenFile or a client certificate",
			       l->path);
	return 0;
}

static int load_user(struct loader *l, yaml_node_t *user)
{
	struct k8s_config *cfg = l->cfg;
	int r = load_token(l, user);

	if (r == 0)
		r = load_pem(l, user, "client-certificate", &cfg->cert, NULL);
	if (r == 0)
		r = load_pem(l, user, "client-key", &cfg->key, NULL);
	if (r < 0)
		return r;
	if (!cfg->cert.data != !cfg->key.data)
		return err_set(
			l->e, -EINVAL,
			"kubeconfig '%s': client-certificate and client-key go together, one "
			"of them is missing",
			l->path);
	return refuse_unsupported(l, user);
}

static int load_context(struct loader *l, const char *name)
{
	const char *cluster_name = NULL, *user_name = NULL, *ns = NULL;
	yaml_node_t *context = NULL, *cluster = NULL, *user = NULL;
	int r = find_named(l, "contexts", "context", name, &context);

	if (r == 0)
		r = k8s_yaml_str(l, context, "cluster", &cluster_name);
	if (r == 0)
		r = k8s_yaml_str(l, context, "user", &user_name);
	if (r == 0)
		r = k8s_yaml_str(l, context, "namespace", &ns);
	if (r < 0)
		return r;
	if (!cluster_name)
		return err_set(l->e, -EINVAL, "kubeconfig '%s': context '%.100s' has no 'cluster'",
			       l->path, name);
	r = find_named(l, "clusters", "cluster", cluster_name, &cluster);
	if (r == 0)
		r = load_cluster(l, cluster);
	if (r == 0 && ns)
		r = set_copy(l, &l->cfg->namespace_, ns);
	/* Without a user requests are anonymous, as with kubectl proxy. */
	if (r < 0 || !user_name)
		return r;
	r = find_named(l, "users", "user", user_name, &user);
	return r == 0 ? load_user(l, user) : r;
}

static int load_document(struct loader *l, const char *context)
{
	yaml_node_t *root = yaml_document_get_root_node(l->doc);
	const char *name = context, *kind;
	int r;

	if (!root || root->type != YAML_MAPPING_NODE)
		return err_set(l->e, -EINVAL, "'%s' is not a kubeconfig: it is no YAML mapping",
			       l->path);
	r = k8s_yaml_str(l, root, "kind", &kind);
	if (r < 0)
		return r;
	if (kind && strcmp(kind, "Config") != 0)
		return err_set(l->e, -EINVAL, "'%s' is not a kubeconfig: its kind is not Config",
			       l->path);
	if (!name)
		r = k8s_yaml_str(l, root, "current-context", &name);
	if (r < 0)
		return r;
	if (!name)
		return err_set(
			l->e, -EINVAL,
			"kubeconfig '%s' has no current-context; set one with `kubectl config "
			"use-context`",
			l->path);
	return load_context(l, name);
}

static int load_config(struct loader *l, const char *context, struct k8s_config **ret)
{
	int r;

	l->cfg = k8s_config_new();
	if (!l->cfg)
		return err_set(l->e, -ENOMEM, "kubeconfig '%s': out of memory", l->path);
	r = load_document(l, context);
	if (r < 0) {
		k8s_config_free(l->cfg);
		return r;
	}
	*ret = l->cfg;
	return 0;
}

int k8s_config_parse(const char *text, size_t len, const char *path, const char *context,
		     struct k8s_config **ret, struct err *e)
{
	yaml_document_t doc;
	yaml_parser_t parser;
	struct loader l = {.doc = &doc, .path = path, .e = e};
	int r;

	if (!yaml_parser_initialize(&parser))
		return err_set(e, -ENOMEM, "kubeconfig '%s': out of memory", path);
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
	if (yaml_parser_load(&parser, &doc)) {
		r = load_config(&l, context, ret);
		yaml_document_delete(&doc);
	} else {
		r = err_set(e, -EINVAL, "kubeconfig '%s': line %zu: %s", path,
			    parser.problem_mark.line + 1,
			    parser.problem ? parser.problem : "not YAML");
	}
	yaml_parser_delete(&parser);
	return r;
}

int k8s_config_load_kubeconfig(const char *path, const char *context, struct k8s_config **ret,
			       struct err *e)
{
	struct k8s_blob b = {0};
	int r = k8s_read_file(path, KUBECONFIG_MAX, &b, e);

	if (r < 0) {
		err_prefix(e, "kubeconfig");
		return r;
	}
	r = k8s_config_parse(b.data, b.len, path, context, ret, e);
	k8s_blob_wipe(&b);
	return r;
}
