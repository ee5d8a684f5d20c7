/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the two files that read kubeconfigs share. */

#include "config_priv.h"

#include <yaml.h>

struct loader {
	yaml_document_t *doc;
	const char *path;
	struct k8s_config *cfg;
	struct err *e;
};

yaml_node_t *k8s_yaml_lookup(struct loader *l, yaml_node_t *map, const char *key);

/* *RET is the field's text, borrowed from the document, or NULL when absent, empty or null. */
MUST_CHECK int k8s_yaml_str(struct loader *l, yaml_node_t *map, const char *key, const char **ret);
MUST_CHECK int k8s_yaml_bool(struct loader *l, yaml_node_t *map, const char *key, bool *ret);

/* A file named in the kubeconfig, seen from the kubeconfig's directory. */
MUST_CHECK int k8s_yaml_path(struct loader *l, char **dest, const char *value);

/* users[].user.exec into the configuration, whose cluster is there already. */
MUST_CHECK int k8s_load_exec(struct loader *l, yaml_node_t *exec);
