# SPDX-License-Identifier: Apache-2.0
# The speed of the pod watch. Included by the top Makefile; a figure that misses its aim is
# printed as missed, and nothing fails.
BENCH_API := $(O)/tests/bench-api/bench_api

$(BENCH_API): $(O)/tests/bench-api/bench_api.o $(LINK)
	@echo "  LD      $@"
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $< $(LINK) $(PKG_LIBS)

.PHONY: bench-api
bench-api: packages-check ## speed and memory of the pod watch
	@$(MAKE) --no-print-directory -j$$(nproc) $(BENCH_API)
	@$(BENCH_API)
