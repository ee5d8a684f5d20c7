/* SPDX-License-Identifier: Apache-2.0 */

/* What was asked for, and how it went. */

#include "client_priv.h"

/* client-go's, so that its dashboards fit. */
static const uint32_t bounds_us[] = {5000,    25000,   100000,  250000,   500000,   1000000,
				     2000000, 4000000, 8000000, 15000000, 30000000, 60000000};

void k8s_stats_init(struct k8s_client_stats *stats)
{
	for (size_t i = 0; i < ARRAY_LEN(stats->latency); i++)
		histogram_init(&stats->latency[i], bounds_us, ARRAY_LEN(bounds_us));
}

static void count(struct k8s_client_stats *stats, enum k8s_method method, int http_status)
{
	for (size_t i = 0; i < stats->nr_requests; i++) {
		struct k8s_client_count *c = &stats->requests[i];

		if (c->method == method && c->http_status == http_status) {
			c->nr++;
			return;
		}
	}
	if (stats->nr_requests == K8S_CODES_MAX) {
		stats->other_requests++;
		return;
	}
	stats->requests[stats->nr_requests++] =
		(struct k8s_client_count){.http_status = http_status, .method = method, .nr = 1};
}

void k8s_count_transfer(const struct k8s_transfer *t)
{
	struct k8s_client_stats *stats = &t->client->stats;
	curl_off_t us = 0;
	int http_status = k8s_transfer_status(t);

	count(stats, t->method, http_status);
	if (http_status &&
	    curl_easy_getinfo(t->easy, CURLINFO_STARTTRANSFER_TIME_T, &us) == CURLE_OK && us >= 0)
		histogram_add(&stats->latency[t->method], (uint64_t)us);
}

void k8s_client_get_stats(const struct k8s_client *c, struct k8s_client_stats *ret)
{
	*ret = c->stats;
}
