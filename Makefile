# SPDX-License-Identifier: Apache-2.0
# podresctrl: the only build file. Everything it makes goes to $(O).

O       ?= build
CC      ?= gcc
V       ?= 0
SAN     ?=
VERSION := 0.1.0

Q := $(if $(filter 1,$(V)),,@)

# ---- the layering rule is the include path: a module sees itself and what it may use ----
MODULES              := base resctrl nri k8s controller/core controller cli
uses_base            :=
uses_resctrl         := base
uses_nri             := base
uses_k8s             := base
uses_controller/core := base resctrl
uses_controller      := base resctrl nri k8s controller/core
uses_cli             := base

PKGS      := libcurl json-c libprotobuf-c yaml-0.1 libmicrohttpd
PKG_LIBS   = $(shell pkg-config --libs $(PKGS)) -lev
PKG_CFLAGS = $(shell pkg-config --cflags $(PKGS))

WARN := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
        -Wold-style-definition -Wpointer-arith -Wcast-qual -Wwrite-strings -Wformat=2 -Wundef \
        -Wvla -Wswitch-enum -Wconversion -Wimplicit-fallthrough
# -Ulinux: NRI has fields named `linux`, which GNU C predefines as 1.
CSTD     := -std=gnu11 -Ulinux -D_GNU_SOURCE -DPODRESCTRL_VERSION='"$(VERSION)"'
OPT      ?= -O2 -g
HARDEN   := -fstack-protector-strong -fstack-clash-protection -fPIE $(if $(SAN),,-D_FORTIFY_SOURCE=3) \
            $(if $(filter x86_64,$(shell uname -m)),-fcf-protection)
SANFLAGS := $(if $(SAN),-fsanitize=$(SAN) -fno-omit-frame-pointer -fno-sanitize-recover=all)
CFLAGS   ?=
ALL_CFLAGS  = $(CSTD) $(OPT) $(HARDEN) -fno-strict-aliasing $(SANFLAGS) -MMD -MP $(PKG_CFLAGS) $(CFLAGS)
ALL_LDFLAGS = -pie -Wl,-z,relro,-z,now $(SANFLAGS) $(LDFLAGS)
# Of the daemon and the unit tests; see controller/gnutls_on_demand.c.
GNUTLS_LDFLAGS := $(foreach s,gnutls_global_init _gnutls_global_init_skip,-Wl,--require-defined=$(s) -Wl,--export-dynamic-symbol=$(s))

LIBS := $(foreach m,$(MODULES),$(O)/lib$(notdir $(m)).a)
# Order for the linker: users before what they use.
LINK := $(O)/libcli.a $(O)/libcontroller.a $(O)/libcore.a $(O)/libk8s.a $(O)/libnri.a $(O)/libresctrl.a $(O)/libbase.a

MAIN_SRC := controller/main.c cli/main.c

.PHONY: help
help: ## list the targets
	@awk -F':.*## ' '/^[a-z0-9-]+:.*## /{printf "  %-16s %s\n",$$1,$$2}' $(MAKEFILE_LIST)

.DEFAULT_GOAL := help

.PHONY: all
all: packages-build $(O)/podresctrld $(O)/podresctrl $(O)/kubectl-podresctrl ## build podresctrld and the two commands

.PHONY: packages-build packages-check packages-lint packages-fuzz packages-valgrind
packages-build:
	@tools/ensure-packages build
packages-check:
	@tools/ensure-packages build check kubectl

packages-lint packages-fuzz packages-valgrind:
	@tools/ensure-packages build check $(patsubst packages-%,%,$@)

# ---- objects and libraries ----
define module
$(1).src := $$(filter-out $(MAIN_SRC),$$(wildcard $(1)/*.c))
$(1).obj := $$(patsubst %.c,$(O)/%.o,$$($(1).src))
$$($(1).obj) $(patsubst %.c,$(O)/%.o,$(filter $(1)/main.c,$(MAIN_SRC))): private INC := -I$(1) $(uses_$(1):%=-I%) $(if $(filter nri cli,$(1)),-I$(O)/gen)
$(O)/lib$(notdir $(1)).a: $$($(1).obj)
	@echo "  AR      $$@"
	$(Q)rm -f $$@ && $$(AR) rcs $$@ $$^
endef
$(foreach m,$(MODULES),$(eval $(call module,$(m))))

$(O)/%.o: %.c
	@echo "  CC      $<"
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) $(WARN) $(INC) -c -o $@ $<

# The NRI messages: nri/nri.proto is ours, the C code for it is generated here.
$(O)/gen/nri.pb-c.c $(O)/gen/nri.pb-c.h &: nri/nri.proto
	@echo "  PROTOC  $<"
	@mkdir -p $(O)/gen
	$(Q)protoc-c --proto_path=nri --c_out=$(O)/gen nri/nri.proto
$(O)/gen/nri.pb-c.o: $(O)/gen/nri.pb-c.c
	@echo "  CC      $<"
	$(Q)$(CC) $(ALL_CFLAGS) -w -I$(O)/gen -c -o $@ $<
$(nri.obj): $(O)/gen/nri.pb-c.h
$(O)/libnri.a: $(O)/gen/nri.pb-c.o

$(O)/podresctrld: $(O)/controller/main.o $(LINK)
	@echo "  LD      $@"
	$(Q)$(CC) $(ALL_LDFLAGS) $(GNUTLS_LDFLAGS) -o $@ $< $(LINK) $(PKG_LIBS)

# The kubectl plugin: one file for those who use it, in parts here. Each part but the first begins with two lines for
# the shellcheck and the licence of the part.
PLUGIN_PARTS := $(sort $(wildcard cli/plugin/*.sh))
$(O)/kubectl-podresctrl: $(PLUGIN_PARTS)
	@echo "  GEN     $@"
	@mkdir -p $(@D)
	$(Q)awk 'NR == FNR || FNR > 2' $(PLUGIN_PARTS) | sed 's/@VERSION@/$(VERSION)/' >$@.new && chmod +x $@.new && mv $@.new $@

# The command of the node; its words are those of the plugin.
CLI_LINK := $(O)/libcli.a $(O)/libbase.a
$(O)/gen/vocabulary.inc: cli/vocabulary.awk cli/plugin/20-vocabulary.sh
	@mkdir -p $(@D)
	$(Q)awk -f $^ >$@.new && mv $@.new $@
$(O)/cli/words.o: $(O)/gen/vocabulary.inc
$(O)/podresctrl: $(O)/cli/main.o $(CLI_LINK)
	@echo "  LD      $@"
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $< $(CLI_LINK) $(shell pkg-config --libs libcurl json-c)

# ---- tests: every tests/unit/<module>/test_*.c is one program, with the shared runner ----
TEST_INC := -Itests -Itests/fakes $(foreach m,$(MODULES),-I$(m)) -I$(O)/gen
# A file under tests/fakes with a main() of its own is a program, named fake_*_main.c.
FAKE_MAIN := $(wildcard tests/fakes/*_main.c)
FAKE_OBJ  := $(patsubst %.c,$(O)/%.o,$(filter-out $(FAKE_MAIN),$(wildcard tests/fakes/*.c)))
FAKE_BIN  := $(patsubst tests/fakes/%_main.c,$(O)/tests/%,$(FAKE_MAIN))
UNIT_SRC  := $(wildcard tests/unit/*/test_*.c)
UNIT_BIN  := $(patsubst %.c,$(O)/%,$(UNIT_SRC))
TEST_WARN := $(filter-out -Wconversion -Wmissing-prototypes,$(WARN))
CHECK_LIBS = $(shell pkg-config --libs check)

$(O)/tests/%.o: tests/%.c | $(O)/gen/nri.pb-c.h
	@echo "  CC      $<"
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) $(TEST_WARN) $(TEST_INC) -c -o $@ $<

$(UNIT_BIN): $(O)/tests/unit/%: $(O)/tests/unit/%.o $(O)/tests/unit/runner.o $(FAKE_OBJ) $(LINK)
	@echo "  LD      $@"
	$(Q)$(CC) $(ALL_LDFLAGS) $(GNUTLS_LDFLAGS) -o $@ $< $(O)/tests/unit/runner.o $(FAKE_OBJ) $(LINK) $(PKG_LIBS) $(CHECK_LIBS)

$(FAKE_BIN): $(O)/tests/%: $(O)/tests/fakes/%_main.o $(FAKE_OBJ) $(LINK)
	@echo "  LD      $@"
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $< $(FAKE_OBJ) $(LINK) $(PKG_LIBS)

# Fuzz targets: the same file runs its corpus under `make check` and libFuzzer under `make fuzz`.
FUZZ_SRC := $(wildcard tests/fuzz/fuzz_*.c)
FUZZ_BIN := $(patsubst %.c,$(O)/%,$(FUZZ_SRC))
$(FUZZ_BIN): $(O)/tests/fuzz/%: $(O)/tests/fuzz/%.o $(O)/tests/fuzz/replay.o $(FAKE_OBJ) $(LINK)
	@echo "  LD      $@"
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $< $(O)/tests/fuzz/replay.o $(FAKE_OBJ) $(LINK) $(PKG_LIBS)

.PHONY: test-programs
test-programs: $(UNIT_BIN) $(FUZZ_BIN) $(FAKE_BIN) $(O)/podresctrld $(O)/podresctrl $(O)/kubectl-podresctrl

.PHONY: check
check: packages-check ## unit and integration tests, no root, about 5 minutes
	@$(MAKE) --no-print-directory -j$$(nproc) test-programs
	@tests/run-tests $(O)

.PHONY: check-asan
check-asan: ## `make check` with ASan and UBSan, leaks on
	@$(MAKE) --no-print-directory check O=$(O)/asan SAN=address,undefined OPT='-O1 -g'

# Without forks, so that valgrind sees each test itself; history steps are dear there.
VALGRIND_BIN := $(filter $(O)/tests/unit/resctrl/% $(O)/tests/unit/core/%,$(UNIT_BIN))
VALGRIND     := valgrind -q --leak-check=full --track-fds=yes --error-exitcode=9
.PHONY: check-valgrind
check-valgrind: packages-valgrind ## the tests of resctrl and core under valgrind: memory and descriptors
	@$(MAKE) --no-print-directory -j$$(nproc) $(VALGRIND_BIN)
	@for t in $(VALGRIND_BIN); do \
		echo "  VALGRIND $$t"; \
		CK_FORK=no CORE_HISTORY_STEPS=20000 $(VALGRIND) $$t >$(O)/valgrind.log 2>&1 && \
		awk '/Open file descriptor/ {getline; if (!/inherited/) bad = 1} END {exit bad}' \
			$(O)/valgrind.log || { cat $(O)/valgrind.log; exit 1; }; \
		grep '^RESULT' $(O)/valgrind.log; \
	done

.PHONY: check-metrics
check-metrics: packages-check ## what promtool says of /metrics and of the alert rules
	@$(MAKE) --no-print-directory -j$$(nproc) $(O)/podresctrld $(FAKE_BIN)
	@O=$(O) tests/metrics/run-promtool

FUZZ_SECONDS ?= 60
.PHONY: fuzz
fuzz: packages-fuzz ## fuzz every target for FUZZ_SECONDS (60) with libFuzzer
	@tests/fuzz/run $(O)/fuzz $(FUZZ_SECONDS)

.PHONY: demo
demo: packages-check ## the main job with embedded parts: no cluster, no RDT hardware
	@$(MAKE) --no-print-directory -j$$(nproc) $(O)/podresctrld $(FAKE_BIN)
	@O=$(O) tools/demo

.PHONY: e2e
e2e: packages-check ## the real thing: kernel resctrl, containerd and kube-apiserver
	@$(MAKE) --no-print-directory -j$$(nproc) $(O)/podresctrld e2e-programs
	@O=$(O) tests/e2e/run

.PHONY: e2e-cluster
e2e-cluster: packages-check image ## image and kustomization on a whole small cluster with a kubelet in a VM
	@$(MAKE) --no-print-directory e2e-programs $(O)/kubectl-podresctrl
	@O=$(O) tests/e2e-cluster/run

.PHONY: e2e-cluster-kind
e2e-cluster-kind: ## the scenario of e2e-kind on such a cluster
	@E2E_CLUSTER_STEPS=kind $(MAKE) --no-print-directory e2e-cluster

.PHONY: e2e-kernels
e2e-kernels: packages-build ## the resctrl contract on kernels 6.1, 6.12 and 7.2 in a VM
	@$(MAKE) --no-print-directory $(O)/tests/contract_real
	@O=$(O) tests/contract/run-kernels

.PHONY: e2e-runtimes
e2e-runtimes: packages-build ## NRI with containerd 1.7 and 2.x in a VM, killed, paused and hurried
	@$(MAKE) --no-print-directory -j$$(nproc) $(O)/podresctrld e2e-programs
	@O=$(O) tests/e2e/run-runtimes

.PHONY: e2e-hardware
e2e-hardware: packages-build ## the same on this machine's own RDT (RESCTRL_E2E=1)
	@$(MAKE) --no-print-directory $(O)/tests/contract_real
	@O=$(O) tests/contract/run-hardware

include tests/e2e/e2e.mk tests/contract/contract.mk tests/bench/bench.mk
include tests/e2e-api/e2e-api.mk tests/bench-api/bench-api.mk tools/install.mk deploy/image/image.mk

C_FILES = $(shell git ls-files -co --exclude-standard '*.c' '*.h')
.PHONY: format format-check lint
format: ## apply .clang-format
	@clang-format -i $(C_FILES)
format-check: ## judge the formatting
	@clang-format --dry-run --Werror $(C_FILES)
lint: packages-lint format-check $(O)/gen/nri.pb-c.h $(O)/gen/vocabulary.inc $(O)/kubectl-podresctrl ## formatting, banned calls, shellcheck, cppcheck, clang-tidy
	@O=$(O) tests/lint/run

.PHONY: clean
clean: ## remove $(O)
	rm -rf $(O)

-include $(shell find $(O) -name '*.d' 2>/dev/null)
