# SPDX-License-Identifier: Apache-2.0
# The API lane. Included by the top Makefile.
.PHONY: e2e-api
e2e-api: packages-check ## podresctrld against a real kube-apiserver: the API checklist, cost and rights
	@$(MAKE) --no-print-directory -j$$(nproc) $(O)/podresctrld $(O)/tests/fake_runtime
	@O=$(O) tests/e2e-api/run
