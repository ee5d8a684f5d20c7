/* SPDX-License-Identifier: Apache-2.0 */

/* users[].user.exec of a kubeconfig, in full: client-go's ExecConfig. */

#include "kubeconfig_priv.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#define WORDS_MAX 256

static void free_words(char **words)
{
	for (char **w = words; w && *w; w++)
		k8s_wipe_str(w); /* an argument may be a secret */
	free(words);
}

struct k8s_exec_config *k8s_exec_config_free(struct k8s_exec_config *x)
{
	if (!x)
		return NULL;
	free_words(x->argv);
	free_words(x->env);
	free(x->info);
	free(x);
	return NULL;
}

static int bad(struct loader *l, const char *what)
{
	return err_set(l->e, -EINVAL, "kubeconfig '%s': exec: %s", l->path, what);
}

/* The list KEY, as many as WORDS_MAX; *RET_NR 0 when there is none. */
static int get_list(struct loader *l, yaml_node_t *exec, const char *key, yaml_node_item_t **ret,
		    size_t *ret_nr)
{
	yaml_node_t *n = k8s_yaml_lookup(l, exec, key);

	*ret_nr = 0;
	if (!n || (n->type == YAML_SCALAR_NODE && n->data.scalar.style == YAML_PLAIN_SCALAR_STYLE))
		return 0;
	if (n->type != YAML_SEQUENCE_NODE)
		return bad(l, "'args' and 'env' must be lists");
	*ret = n->data.sequence.items.start;
	*ret_nr = (size_t)(n->data.sequence.items.top - n->data.sequence.items.start);
	return *ret_nr > WORDS_MAX ? bad(l, "too many 'args' or 'env'") : 0;
}

static int load_args(struct loader *l, yaml_node_t *exec, const char *command)
{
	struct k8s_exec_config *x = l->cfg->exec;
	yaml_node_item_t *items = NULL;
	size_t nr;
	int r = get_list(l, exec, "args", &items, &nr);

	if (r < 0)
		return r;
	x->argv = calloc(nr + 2, sizeof(*x->argv));
	if (!x->argv)
		return err_set(l->e, -ENOMEM, "kubeconfig '%s': out of memory", l->path);
	if (strchr(command, '/'))
		r = k8s_yaml_path(l, &x->argv[0], command);
	else
		x->argv[0] = strdup(command);
	for (size_t i = 0; r == 0 && i < nr; i++) {
		yaml_node_t *n = yaml_document_get_node(l->doc, items[i]);

		if (!n || n->type != YAML_SCALAR_NODE)
			return bad(l, "'args' must be strings");
		x->argv[i + 1] = strdup((const char *)n->data.scalar.value);
	}
	return r;
}

static int load_env(struct loader *l, yaml_node_t *exec)
{
	struct k8s_exec_config *x = l->cfg->exec;
	yaml_node_item_t *items = NULL;
	size_t nr;
	int r = get_list(l, exec, "env", &items, &nr);

	if (r < 0)
		return r;
	x->env = calloc(nr + 1, sizeof(*x->env));
	if (!x->env)
		return err_set(l->e, -ENOMEM, "kubeconfig '%s': out of memory", l->path);
	for (size_t i = 0; i < nr; i++) {
		yaml_node_t *n = yaml_document_get_node(l->doc, items[i]);
		const char *name = NULL, *value = NULL;

		r = k8s_yaml_str(l, n, "name", &name);
		if (r == 0)
			r = k8s_yaml_str(l, n, "value", &value);
		if (r < 0)
			return r;
		if (!name || strchr(name, '='))
			return bad(l, "an entry of 'env' has no name");
		if (asprintf(&x->env[i], "%s=%s", name, value ? value : "") < 0) {
			x->env[i] = NULL;
			return err_set(l->e, -ENOMEM, "kubeconfig '%s': out of memory", l->path);
		}
	}
	return 0;
}

static void add_str(struct json_object *o, const char *key, const char *value)
{
	(void)json_object_object_add(o, key, json_object_new_string(value));
}

/* The cluster as the plugin is told of it. */
static struct json_object *cluster_info(const struct loader *l)
{
	const struct k8s_config *cfg = l->cfg;
	struct json_object *cluster = json_object_new_object();

	add_str(cluster, "server", cfg->server);
	if (cfg->tls_server_name)
		add_str(cluster, "tls-server-name", cfg->tls_server_name);
	if (cfg->insecure)
		(void)json_object_object_add(cluster, "insecure-skip-tls-verify",
					     json_object_new_boolean(true));
	if (cfg->ca.data) {
		AUTO_FREE char *text = k8s_base64_encode(cfg->ca.data, cfg->ca.len);

		if (text)
			add_str(cluster, "certificate-authority-data", text);
	}
	if (cfg->proxy_url)
		add_str(cluster, "proxy-url", cfg->proxy_url);
	return cluster;
}

static int load_info(struct loader *l, yaml_node_t *exec, const char *version)
{
	struct json_object *root = json_object_new_object(), *spec = json_object_new_object();
	bool wants_cluster = false;
	int r = k8s_yaml_bool(l, exec, "provideClusterInfo", &wants_cluster);

	add_str(root, "apiVersion", version);
	add_str(root, "kind", "ExecCredential");
	(void)json_object_object_add(root, "spec", spec);
	(void)json_object_object_add(spec, "interactive", json_object_new_boolean(false));
	if (r == 0 && wants_cluster)
		(void)json_object_object_add(spec, "cluster", cluster_info(l));
	if (r == 0 && asprintf(&l->cfg->exec->info, "KUBERNETES_EXEC_INFO=%s",
			       json_object_to_json_string_ext(root, JSON_C_TO_STRING_PLAIN)) < 0) {
		l->cfg->exec->info = NULL;
		r = err_set(l->e, -ENOMEM, "kubeconfig '%s': out of memory", l->path);
	}
	json_object_put(root);
	return r;
}

int k8s_load_exec(struct loader *l, yaml_node_t *exec)
{
	const char *command = NULL, *version = NULL, *mode = NULL;
	int r = k8s_yaml_str(l, exec, "command", &command);

	if (r == 0)
		r = k8s_yaml_str(l, exec, "apiVersion", &version);
	if (r == 0)
		r = k8s_yaml_str(l, exec, "interactiveMode", &mode);
	if (r < 0)
		return r;
	if (!command)
		return bad(l, "it has no 'command'");
	if (!version || (strcmp(version, "client.authentication.k8s.io/v1") != 0 &&
			 strcmp(version, "client.authentication.k8s.io/v1beta1") != 0))
		return bad(l, "'apiVersion' must be client.authentication.k8s.io/v1 or v1beta1");
	if (mode && strcmp(mode, "Always") == 0)
		return bad(l, "'interactiveMode: Always' needs a terminal, and there is none");
	l->cfg->exec = calloc(1, sizeof(*l->cfg->exec));
	if (!l->cfg->exec)
		return err_set(l->e, -ENOMEM, "kubeconfig '%s': out of memory", l->path);
	r = load_args(l, exec, command);
	if (r == 0)
		r = load_env(l, exec);
	if (r == 0)
		r = load_info(l, exec, version);
	return r;
}
