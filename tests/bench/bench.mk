# The benchmark: not a test, it never judges a time. Included by the top Makefile.
BENCH_OBJ := $(patsubst %.c,$(O)/%.o,$(wildcard tests/bench/*.c))
BENCH_FAKES    := runtime nri_encode nri_reader \
  apiserver apiserver_patch apiserver_rest apiserver_review apiserver_store apiserver_view apiserver_write
BENCH_FAKE_OBJ := $(patsubst %,$(O)/tests/fakes/fake_%.o,$(BENCH_FAKES))

$(O)/tests/bench/bench: $(BENCH_OBJ) $(BENCH_FAKE_OBJ) $(O)/libnri.a $(O)/libbase.a
	@echo "  LD      $@"
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(shell pkg-config --libs libprotobuf-c json-c) -pthread

.PHONY: bench
bench: packages-check ## figures for events, CPU, memory and Synchronize, beside the bare system calls
	@$(MAKE) --no-print-directory -j$$(nproc) $(O)/podresctrld $(O)/tests/bench/bench
	@O=$(O) tests/bench/run
