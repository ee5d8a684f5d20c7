# SPDX-License-Identifier: Apache-2.0
# The programs of the end-to-end lane. Included by the top Makefile; alone: make -f tests/e2e/e2e.mk O=DIR all-e2e
O ?= build
E2E_OUT := $(O)/tests/e2e
E2E_CFLAGS := -std=gnu11 -Ulinux -O2 -g
E2E_WARNINGS := -Wall -Wextra -Werror

.PHONY: e2e-programs all-e2e
e2e-programs all-e2e: $(E2E_OUT)/cri_client $(E2E_OUT)/workload

$(E2E_OUT)/cri.pb-c.c: tests/e2e/cri/cri.proto
	@mkdir -p $(@D)
	protoc-c --proto_path=$(<D) --c_out=$(@D) $(<F)

$(E2E_OUT)/cri.pb-c.h: $(E2E_OUT)/cri.pb-c.c ;

$(E2E_OUT)/cri.pb-c.o: $(E2E_OUT)/cri.pb-c.c
	$(CC) $(E2E_CFLAGS) -c -o $@ $<

$(E2E_OUT)/cri_client: tests/e2e/cri/cri_client.c $(E2E_OUT)/cri.pb-c.o $(E2E_OUT)/cri.pb-c.h
	$(CC) $(E2E_CFLAGS) $(E2E_WARNINGS) -I$(@D) -o $@ $< $(E2E_OUT)/cri.pb-c.o -lcurl -lprotobuf-c

# Static, because it runs in an image that holds nothing else.
$(E2E_OUT)/workload: tests/e2e/workload/workload.c
	@mkdir -p $(@D)
	$(CC) $(E2E_CFLAGS) $(E2E_WARNINGS) -static -pthread -o $@ $<
