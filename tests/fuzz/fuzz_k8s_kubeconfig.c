/* SPDX-License-Identifier: Apache-2.0 */

/* kubeconfig files as anyone may have written them. */

#include "config_priv.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct k8s_config *cfg = NULL;
	struct err e = {0};
	int r;

	if (size > 65536)
		return 0;
	r = k8s_config_parse((const char *)data, size, "/nowhere/kubeconfig", NULL, &cfg, &e);
	assert((r == 0) == (cfg != NULL));
	if (r < 0) {
		assert(e.code == r && e.msg[0]);
		return 0;
	}
	assert(strncmp(k8s_config_server(cfg), cfg->is_http ? "http://" : "https://",
		       cfg->is_http ? 7 : 8) == 0);
	assert(k8s_config_server(cfg)[strlen(k8s_config_server(cfg)) - 1] != '/');
	assert(*cfg->host && *cfg->port && *k8s_config_namespace(cfg));
	assert(!cfg->token || k8s_is_token(cfg->token));
	assert(!cfg->cert.data == !cfg->key.data);
	assert(!cfg->exec || (cfg->exec->argv[0] && cfg->exec->env && cfg->exec->info));
	k8s_config_free(cfg);
	return 0;
}
