# Each target is a line or two over npm scripts; `make up` is all that a new user needs.
NODE_FLAGS := --no-audit --no-fund --ignore-scripts
PATH := $(CURDIR)/node_modules/.bin:$(PATH)
export PATH

CONSOLE := apps/console/dist/index.html

.PHONY: up down test test-real check bench install train

up: node_modules/.package-lock.json $(CONSOLE)
	@node bin/switchyard.mjs up --detach $(ARGS)

down:
	@node bin/switchyard.mjs down $(ARGS)

install: node_modules/.package-lock.json

# The lock file decides: a changed one installs anew, an unchanged one costs nothing.
node_modules/.package-lock.json: package-lock.json
	@npm ci $(NODE_FLAGS) --loglevel=error
	@touch $@

# What a browser loads, made anew when anything of it has changed.
$(CONSOLE): node_modules/.package-lock.json $(shell find apps/console/src apps/console/index.html apps/console/vite.config.ts packages/client/src packages/kinds/src packages/runtime/src/usage.ts packages/api/src/selector.ts packages/catalog/src/versions.ts -type f)
	@npm run --silent build -w @switchyard/console

check: install
	@npm run --silent check

test: install $(CONSOLE)
	@npm run --silent test

test-real: install
	@npm run --silent test:real -- $(SUITES)

bench: install
	@npm run --silent bench

# Trains the bundled model anew; takes about half an hour and changes nothing unless the corpus did.
train: install
	@node models/tiny/train.ts
