PYTHON = .venv/bin/python

setup:
	python3 -m venv .venv && .venv/bin/pip install -e '.[dev,export]'
check:
	$(PYTHON) -m ruff format --check . && $(PYTHON) -m ruff check .
types:
	.venv/bin/pip install pyright && .venv/bin/pyright --pythonpath $(PYTHON)
test:
	$(PYTHON) -m pytest
test-all:
	$(PYTHON) -m pytest -m "not soak"
demo:
	$(PYTHON) train.py --preset tiny --data synthetic --workdir runs/tiny
.PHONY: setup check types test test-all demo
