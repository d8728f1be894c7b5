# What a user types. `make help` lists it.
#
#   sudo make up       installs what is missing, builds, starts the cluster, waits until it is ready
#   sudo make down     stops the server; the pods go on
#   sudo make test     installs what is missing, builds, runs every test
#
#   sudo make install     what was built, with a systemd unit, below PREFIX (/usr/local); DESTDIR is put before
#   sudo make uninstall   stops the server and the pods and removes that again; data and configuration stay
#   make deb              a Debian package: build/wherry_VERSION_ARCH.deb

WHERRY := build/release/wherry
DATA_DIR ?= /var/lib/wherry
RUN_DIR ?= /run/wherry
LOG ?= $(DATA_DIR)/wherry.log

# Of each target in `make fuzz`; 26 of them take four hours and a half.
NIGHTLY_FUZZ_SECONDS ?= 600

PREFIX ?= /usr/local
UNITDIR ?= $(PREFIX)/lib/systemd/system
ZSHDIR ?= $(PREFIX)/share/zsh/site-functions
STRIP ?= --strip

.PHONY: help deps build images up down test bench nightly fuzz format check install uninstall deb

help:
	@sed -n 's/^#   //p' Makefile

deps:
	@tools/deps

build:
	@tools/deps build
	@tools/dev build release

images:
	@/usr/bin/python3 tools/images/build-images build/images

$(WHERRY):
	@$(MAKE) --no-print-directory build

# The programs that pods need are `tools/deps run`; a configuration file that is there already is left as it is.
install: $(WHERRY)
	install -D -m 755 $(STRIP) $(WHERRY) $(DESTDIR)$(PREFIX)/bin/wherry
	install -d $(DESTDIR)$(UNITDIR) $(DESTDIR)$(ZSHDIR) $(DESTDIR)$(PREFIX)/share/bash-completion/completions
	sed 's|@BINDIR@|$(PREFIX)/bin|' packaging/wherry.service > $(DESTDIR)$(UNITDIR)/wherry.service
	[ -e $(DESTDIR)/etc/wherry/config.yaml ] || install -D -m 644 packaging/config.yaml $(DESTDIR)/etc/wherry/config.yaml
	$(WHERRY) man --write $(DESTDIR)$(PREFIX)/share/man
	$(WHERRY) completion bash > $(DESTDIR)$(PREFIX)/share/bash-completion/completions/wherry
	$(WHERRY) completion zsh > $(DESTDIR)$(ZSHDIR)/_wherry
	@[ -n "$(DESTDIR)" ] || ! [ -d /run/systemd/system ] || systemctl daemon-reload
	@[ -n "$(DESTDIR)" ] || echo "installed; start it, now and at every boot: systemctl enable --now wherry"

uninstall:
	@[ -n "$(DESTDIR)" ] || ! [ -d /run/systemd/system ] || systemctl disable --now --quiet wherry || true
	[ -n "$(DESTDIR)" ] || ! [ -x $(PREFIX)/bin/wherry ] || $(PREFIX)/bin/wherry reset --keep-data --yes
	rm -f $(DESTDIR)$(PREFIX)/bin/wherry $(DESTDIR)$(UNITDIR)/wherry.service $(DESTDIR)$(ZSHDIR)/_wherry
	rm -f $(DESTDIR)$(PREFIX)/share/bash-completion/completions/wherry
	rm -f $(DESTDIR)$(PREFIX)/share/man/man[18]/wherry.1 $(DESTDIR)$(PREFIX)/share/man/man[18]/wherry-*.[18]
	@[ -n "$(DESTDIR)" ] || echo "removed; /etc/wherry and /var/lib/wherry are still there"

deb: $(WHERRY)
	@tools/deps package
	@packaging/build-deb

up: build
	@tools/deps run
	@$(MAKE) --no-print-directory images
	@tools/up --data-dir $(DATA_DIR) --run-dir $(RUN_DIR) --log $(LOG)

down:
	@tools/down --run-dir $(RUN_DIR)

test: deps
	@tools/dev check --changed
	@tools/dev test asan
	@$(MAKE) --no-print-directory build images
	@test/run-all

nightly: deps
	@tools/dev check
	@tools/dev test tsan
	@$(MAKE) --no-print-directory build images
	@test/run-all --nightly
	@$(MAKE) --no-print-directory fuzz

fuzz:
	@tools/deps build test
	@test/fuzz/run $(NIGHTLY_FUZZ_SECONDS)

bench: deps
	@$(MAKE) --no-print-directory build images
	@test/bench/run

format:
	@tools/dev format

check:
	@tools/dev check
