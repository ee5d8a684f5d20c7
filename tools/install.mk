# SPDX-License-Identifier: Apache-2.0
# Manual pages, completions and installation. Included by the Makefile.

PREFIX  ?= /usr/local
DESTDIR ?=
BINDIR  := $(PREFIX)/bin
SBINDIR := $(PREFIX)/sbin
DATADIR := $(PREFIX)/share
UNITDIR := $(PREFIX)/lib/systemd/system
# kubectl looks for the plugin, and for its completion, on the PATH.
KUBECTL_FILES := $(O)/kubectl-podresctrl cli/kubectl_complete-podresctrl
MAN_1   := docs/man/podresctrl.1 docs/man/kubectl-podresctrl.1
MAN_8   := $(O)/man/podresctrld.8
# podresctrl prints them.
COMPLETIONS := $(O)/completion/podresctrl $(O)/completion/_podresctrl $(O)/completion/podresctrl.fish

$(O)/man/podresctrld.8: docs/man/options.awk docs/man/podresctrld.8 $(O)/podresctrld
	@echo "  GEN     $@"
	@mkdir -p $(@D)
	$(Q)$(O)/podresctrld --help >$@.help
	$(Q)awk -f docs/man/options.awk $@.help docs/man/podresctrld.8 >$@.new && mv $@.new $@

$(O)/completion/podresctrl: SHELL_OF := bash
$(O)/completion/_podresctrl: SHELL_OF := zsh
$(O)/completion/podresctrl.fish: SHELL_OF := fish
$(COMPLETIONS): $(O)/podresctrl
	@mkdir -p $(@D)
	$(Q)$< completion $(SHELL_OF) >$@.new && mv $@.new $@

.PHONY: install uninstall
install: all $(MAN_8) $(COMPLETIONS) ## install to DESTDIR and PREFIX (/usr/local): daemon, commands, pages, systemd unit
	install -d $(DESTDIR)$(SBINDIR) $(DESTDIR)$(BINDIR) $(DESTDIR)$(UNITDIR) $(DESTDIR)$(DATADIR)/man/man1 \
		$(DESTDIR)$(DATADIR)/man/man8 $(DESTDIR)$(DATADIR)/bash-completion/completions \
		$(DESTDIR)$(DATADIR)/zsh/site-functions $(DESTDIR)$(DATADIR)/fish/vendor_completions.d
	install -m 755 $(O)/podresctrld $(DESTDIR)$(SBINDIR)
	install -m 755 $(O)/podresctrl $(KUBECTL_FILES) $(DESTDIR)$(BINDIR)
	install -m 644 $(MAN_1) $(DESTDIR)$(DATADIR)/man/man1
	install -m 644 $(MAN_8) $(DESTDIR)$(DATADIR)/man/man8
	install -m 644 $(O)/completion/podresctrl $(DESTDIR)$(DATADIR)/bash-completion/completions
	install -m 644 $(O)/completion/_podresctrl $(DESTDIR)$(DATADIR)/zsh/site-functions
	install -m 644 $(O)/completion/podresctrl.fish $(DESTDIR)$(DATADIR)/fish/vendor_completions.d
	sed 's,@SBINDIR@,$(SBINDIR),' deploy/systemd/podresctrld.service >$(DESTDIR)$(UNITDIR)/podresctrld.service
	chmod 644 $(DESTDIR)$(UNITDIR)/podresctrld.service

uninstall: ## remove what `make install` installed; directories stay
	rm -f $(DESTDIR)$(SBINDIR)/podresctrld $(DESTDIR)$(BINDIR)/podresctrl \
		$(addprefix $(DESTDIR)$(BINDIR)/,$(notdir $(KUBECTL_FILES))) \
		$(addprefix $(DESTDIR)$(DATADIR)/man/man1/,$(notdir $(MAN_1))) \
		$(DESTDIR)$(DATADIR)/man/man8/podresctrld.8 \
		$(DESTDIR)$(DATADIR)/bash-completion/completions/podresctrl \
		$(DESTDIR)$(DATADIR)/zsh/site-functions/_podresctrl \
		$(DESTDIR)$(DATADIR)/fish/vendor_completions.d/podresctrl.fish \
		$(DESTDIR)$(UNITDIR)/podresctrld.service
